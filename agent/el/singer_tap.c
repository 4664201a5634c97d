#include "agent/el/singer_tap.h"

#include "agent/el/cancel.h"
#include "agent/el/connectors.h"
#include "agent/el/extract_load.h"
#include "agent/el/singer_catalog.h"
#include "agent/el/singer_settings.h"
#include "agent/el/target_singer.h"
#include "common/base/limits.h"
#include "common/db/db.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "common/platform/files.h"

#include <string.h>
#include <unistd.h>

enum {
    ARENA_BYTES_MAX = 512 << 20, /* a catalog as a tree is some ten times as large as its text */
    STREAM_ARENA_BYTES_MAX = 64 << 20,
    SQLITE_HEAP_BYTES_MAX = 256 << 20, /* a row may have LIMIT_SINGER_LINE_BYTES */
};

struct program {
    const struct cli *cli;
    const struct tap_ops *tap;
    struct arena *arena;
    const void *options; /* of the struct that tap->options describes */
    const struct batch_config *batch;
    struct found_stream *found;
    size_t found_count;
    struct catalog catalog;
    bool has_catalog;
    struct singer_state state;
    const char *test; /* NULL, "all", "schema" */
};

/* --- what there is --------------------------------------------------------------------------- */

/* What taps of the Singer SDK are set with. */
static const struct foreign_setting foreign[] = {
    {.name = "flattening_enabled",
     .effect = FOREIGN_PASSED_OVER,
     .help = "a target flattens; a native tap's nested values are of unknown form"},
    {.name = "flattening_max_depth",
     .effect = FOREIGN_PASSED_OVER,
     .help = "it is of flattening_enabled"},
    FOREIGN_STREAM_MAPS("it is Python: put meltano-map-transformer behind the tap, or read a view"),
    {0},
};

static const struct singer_extras extras = {.more = &batch_config_table, .foreign = foreign};

static bool read_settings(struct program *p, struct err *err)
{
    struct singer_settings settings;
    if (!singer_settings_init(&settings, p->tap->options, p->tap->type, &extras, p->arena, err)) {
        return false;
    }
    p->options = settings.values;
    p->batch = settings.more;
    return singer_settings_read(&settings, p->cli, "{\"path\": \"data.db\"}", err);
}

static bool take_found(void *ctx, const struct found_stream *found, struct err *err)
{
    struct program *p = ctx;
    if (p->found_count == LIMIT_STREAMS) {
        err_set(err, ERR_FULL, "there are more than %d streams", LIMIT_STREAMS);
        return err_hint(err, "name one table in the configuration");
    }
    p->found[p->found_count++] = *found;
    return true;
}

static bool discover(struct program *p, struct err *err)
{
    const struct tap_context context = {.options = p->options, .arena = p->arena};
    const struct found_taker taker = {.take = take_found, .ctx = p};
    p->found = arena_array(p->arena, LIMIT_STREAMS, sizeof(*p->found));
    if (p->found == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for streams");
    }
    return p->tap->discover(&context, &taker, err);
}

static bool write_catalog(const struct program *p, struct err *err)
{
    AUTO(buf) out = buf_growing(CATALOG_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_key(&w, STR("streams"));
    jw_begin_array(&w);
    for (size_t i = 0; i < p->found_count; i++) {
        singer_catalog_write(&w, &p->found[i]);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    buf_add_char(&out, '\n');
    if (out.overflow) {
        return err_set(err, ERR_FULL, "the catalog is larger than %d bytes", CATALOG_BYTES_MAX);
    }
    return files_write_fd(STDOUT_FILENO, buf_str(&out), err);
}

/* --- what is wanted of it -------------------------------------------------------------------- */

/* The text of the file that the option names; empty when it is not given. */
static bool read_option_file(const struct program *p, const char *option, struct str *ret,
                             struct err *err)
{
    const char *path = cli_text(p->cli, option);
    AUTO(buf) text = buf_growing(CATALOG_BYTES_MAX);
    *ret = STR("");
    if (path == NULL) {
        return true;
    }
    if (!files_read(path, &text, err)) {
        return false;
    }
    *ret = arena_copy(p->arena, buf_str(&text));
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for %s", path);
}

static const struct found_stream *find_found(const struct program *p, struct str name)
{
    for (size_t i = 0; i < p->found_count; i++) {
        if (str_eq(p->found[i].name, name)) {
            return &p->found[i];
        }
    }
    return NULL;
}

/* What somebody chose and is not there any more must not go unnoticed. */
static bool check_catalog(const struct program *p, struct err *err)
{
    for (size_t i = 0; i < p->catalog.count; i++) {
        const struct catalog_stream *s = &p->catalog.streams[i];
        if (s->is_selected && find_found(p, s->id) == NULL) {
            err_set(err, ERR_NOT_FOUND, "the source has no stream \"" STR_FMT "\"", STR_ARG(s->id));
            return err_hint(err, "it is selected in the catalog; make that anew with --discover");
        }
    }
    return true;
}

static bool read_catalog(struct program *p, struct err *err)
{
    const char *option = cli_is_given(p->cli, "catalog") ? "catalog" : "properties";
    struct str text;
    if (!read_option_file(p, option, &text, err)) {
        return false;
    }
    p->has_catalog = text.len > 0;
    if (!p->has_catalog) {
        return true;
    }
    return (singer_catalog_read(text, p->arena, &p->catalog, err) && check_catalog(p, err)) ||
           err_wrap(err, "%s", cli_text(p->cli, option));
}

static bool read_state(struct program *p, struct err *err)
{
    struct str text;
    return read_option_file(p, "state", &text, err) &&
           (singer_state_read(&p->state, text, p->arena, err) ||
            err_wrap(err, "%s", cli_text(p->cli, "state")));
}

/* --- one stream ------------------------------------------------------------------------------ */

static const struct catalog_stream *find_choice(const struct program *p, struct str id)
{
    for (size_t i = 0; i < p->catalog.count; i++) {
        if (str_eq(p->catalog.streams[i].id, id)) {
            return &p->catalog.streams[i];
        }
    }
    return NULL;
}

/* Parts the columns into what is wanted and what is not. */
static bool choose_columns(const struct found_stream *found, const struct catalog_stream *choice,
                           struct arena *arena, struct str_list *wanted, struct str_list *left_out,
                           struct err *err)
{
    size_t count = found->schema.count;
    wanted->items = arena_array(arena, count + 1, sizeof(struct str));
    left_out->items = arena_array(arena, count + 1, sizeof(struct str));
    if (wanted->items == NULL || left_out->items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for columns");
    }
    for (size_t i = 0; i < count; i++) {
        struct str name = found->schema.columns[i].name;
        struct str_list *list = singer_catalog_has_property(choice, name) ? wanted : left_out;
        list->items[list->count++] = name;
    }
    return true;
}

/* The key and the replication key come along whatever is chosen. */
static void want_keys(const struct singer_output *output, struct str_list *wanted,
                      struct str_list *left_out)
{
    size_t kept = 0;
    for (size_t i = 0; i < left_out->count; i++) {
        struct str name = left_out->items[i];
        bool is_needed = names_equal_nocase(name, output->replication_key);
        for (size_t k = 0; k < output->key.count; k++) {
            is_needed = is_needed || names_equal_nocase(name, output->key.items[k]);
        }
        struct str_list *list = is_needed ? wanted : left_out;
        size_t *at = is_needed ? &wanted->count : &kept;
        list->items[(*at)++] = name;
    }
    left_out->count = kept;
}

static bool set_up_stream(const struct program *p, const struct found_stream *found,
                          struct arena *arena, struct stream_choice *choice,
                          struct singer_output *output, struct err *err)
{
    const struct catalog_stream *chosen = find_choice(p, found->name);
    *choice = (struct stream_choice){.stream = found->name};
    output->stream = found->name;
    output->key = found->key;
    if (chosen == NULL) {
        return true;
    }
    choice->replication = chosen->replication;
    choice->replication_key = chosen->replication_key;
    output->stream = chosen->stream;
    output->key = chosen->has_key ? chosen->key : found->key;
    output->replication_key = choice->replication_key;
    if (!choose_columns(found, chosen, arena, &choice->columns, &output->left_out, err)) {
        return false;
    }
    want_keys(output, &choice->columns, &output->left_out);
    if (output->left_out.count == 0) {
        choice->columns.count = 0; /* all */
    }
    return true;
}

static bool run_stream(struct program *p, const struct found_stream *found, struct err *err)
{
    AUTO(arena) arena = arena_new(STREAM_ARENA_BYTES_MAX);
    AUTO(report) report;
    report_init_silent(&report);
    struct materialization m;
    struct stream_choice choice;
    enum load_mode mode = MODE_OVERWRITE;
    struct singer_output output = {.load = LOAD_OPTION_DEFAULTS,
                                   .fd = STDOUT_FILENO,
                                   .state = p->test == NULL ? &p->state : NULL,
                                   .tap = str_from(p->tap->type),
                                   .has_bookmarks = p->tap->has_bookmarks};
    void *options = arena_alloc(&arena, p->tap->options->size);
    if (options == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap's options");
    }
    memcpy(options, p->options, p->tap->options->size);
    if (!set_up_stream(p, found, &arena, &choice, &output, err) ||
        !p->tap->choose(options, &choice, &mode, err)) {
        return false;
    }
    if (p->batch->is_given && p->test == NULL) {
        output.batch = &p->batch->settings;
        output.load.slice_rows = output.batch->rows; /* a commit ends a file */
    }
    output.load.mode = (int)mode;
    const struct request request = {
        .kind = STEP_EXTRACT_LOAD,
        .tap = p->tap,
        .tap_options = options,
        .target = &target_singer,
        .load = &output.load,
        .has_row_limit = p->test != NULL,
        .row_limit = p->test != NULL && strcmp(p->test, "schema") == 0 ? 0 : 1,
    };
    if (!extract_load(&request, NULL, &arena, &report, &m, err)) {
        return false;
    }
    LOG(INFO, "el.extracted", F_S("stream", output.stream), F_I("rows_read", m.rows_read));
    return true;
}

static bool run(struct program *p, struct err *err)
{
    db_limit_memory(SQLITE_HEAP_BYTES_MAX);
    if (!cancel_install(err) || !read_settings(p, err) || !discover(p, err)) {
        return false;
    }
    if (cli_bool(p->cli, "discover")) {
        return write_catalog(p, err);
    }
    if (!read_catalog(p, err) || !read_state(p, err)) {
        return false;
    }
    for (size_t i = 0; i < p->found_count; i++) {
        const struct catalog_stream *chosen = find_choice(p, p->found[i].name);
        bool is_wanted = !p->has_catalog || (chosen != NULL && chosen->is_selected);
        if (is_wanted && !run_stream(p, &p->found[i], err)) {
            return false;
        }
    }
    return true;
}

static int about(struct cli *cli, const struct tap_ops *tap)
{
    static const char *const capabilities[] = {"catalog", "discover", "state", "about",
                                               "test",    "batch",    NULL};
    const struct singer_about about = {.kind = "tap",
                                       .description = "Selvedge's native tap as a Singer program",
                                       .capabilities = capabilities};
    AUTO(arena) arena = arena_new(STREAM_ARENA_BYTES_MAX);
    struct singer_settings settings;
    struct err err = {0};
    if (!singer_settings_init(&settings, tap->options, tap->type, &extras, &arena, &err)) {
        return cli_error(cli, &err);
    }
    return singer_settings_about(cli, &about, &settings);
}

int singer_tap_run(struct cli *cli, void *ctx)
{
    (void)ctx;
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    struct program p = {.cli = cli, .arena = &arena, .test = cli_text(cli, "test")};
    struct err err = {0};
    if (!connectors_tap(str_from(cli_arg(cli, 0)), &p.tap, &err)) {
        return cli_usage(cli, "%s; %s", err.msg, err.hint);
    }
    if (p.tap->discover == NULL) {
        return cli_usage(
            cli, "the tap %s reads Singer messages itself; load from it with selvedge-el step",
            p.tap->type);
    }
    if (cli_bool(cli, "about")) {
        return about(cli, p.tap);
    }
    bool ok = run(&p, &err);
    singer_state_release(&p.state);
    if (!ok) {
        return err.code == ERR_CANCELLED ? CANCEL_EXIT : cli_error(cli, &err);
    }
    return CLI_OK;
}
