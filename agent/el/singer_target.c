#include "agent/el/singer_target.h"

#include "agent/el/cancel.h"
#include "agent/el/connectors.h"
#include "agent/el/extract_load.h"
#include "common/base/limits.h"
#include "common/db/db.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "common/platform/files.h"

#include <stdio.h>
#include <unistd.h>

enum {
    ARENA_BYTES_MAX = 64 << 20,
    SQLITE_HEAP_BYTES_MAX = 256 << 20, /* a row may have LIMIT_SINGER_LINE_BYTES */
};

/* --- the configuration ----------------------------------------------------------------------- */

struct settings {
    struct str path;
    int load_method; /* enum load_mode */
};
static const char *const load_methods[] = {
    [MODE_APPEND] = "append-only", [MODE_UPSERT] = "upsert", [MODE_OVERWRITE] = "overwrite", NULL};

static const struct field sqlite_fields[] = {
    {.key = "path",
     .type = FIELD_STR,
     .offset = offsetof(struct settings, path),
     .required = true,
     .help = "The database file; it is made when it is not there, its folder is not."},
    {.key = "load_method",
     .type = FIELD_ENUM,
     .offset = offsetof(struct settings, load_method),
     .names = load_methods,
     .fallback = "upsert",
     .help = "`upsert` updates the row with the same key, and appends to streams without a key."},
};
static const struct field jsonl_fields[] = {
    {.key = "path",
     .type = FIELD_STR,
     .offset = offsetof(struct settings, path),
     .required = true,
     .help = "The file, for one stream; its folder must be there."},
    {.key = "load_method",
     .type = FIELD_ENUM,
     .offset = offsetof(struct settings, load_method),
     .names = load_methods,
     .fallback = "append-only",
     .help = "`append-only` or `overwrite`."},
};
static const struct settings upsert = {.load_method = MODE_UPSERT};
static const struct settings append = {.load_method = MODE_APPEND};

/* Keys that other targets have are passed over: one configuration may serve several. */
static const struct field_table tables[] = {
    {.name = "sqlite",
     .size = sizeof(struct settings),
     .fields = sqlite_fields,
     .count = COUNT_OF(sqlite_fields),
     .defaults = &upsert,
     .ignore_unknown = true},
    {.name = "jsonl",
     .size = sizeof(struct settings),
     .fields = jsonl_fields,
     .count = COUNT_OF(jsonl_fields),
     .defaults = &append,
     .ignore_unknown = true},
};

static const struct field_table *table_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        if (str_eq(str_from(name), str_from(tables[i].name))) {
            return &tables[i];
        }
    }
    return NULL;
}

/* Files given later win, key by key. */
static bool read_settings(const struct cli *cli, const struct field_table *table,
                          struct arena *arena, struct settings *ret, struct err *err)
{
    struct settings settings = *(const struct settings *)table->defaults;
    struct field_table with_defaults = *table;
    if (cli_values(cli, "config", 0) == NULL) {
        err_set(err, ERR_INVALID, "--config is missing");
        return err_hint(err, "write {\"path\": \"data.db\"} into a file and name it");
    }
    for (size_t i = 0; cli_values(cli, "config", i) != NULL; i++) {
        const char *path = cli_values(cli, "config", i);
        AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
        struct json *node = NULL;
        struct problems problems = {.arena = arena, .file = str_from(path)};
        with_defaults.defaults = &settings;
        struct settings next;
        if (!files_read(path, &text, err)) {
            return false;
        }
        struct str kept = arena_copy(arena, buf_str(&text));
        if (!json_parse(kept, LIMIT_JSON_BYTES, arena, &node, err)) {
            return err_wrap(err, "%s", path);
        }
        if (!fields_read(node, &with_defaults, STR(""), arena, &problems, &next)) {
            return problems_to_err(&problems, err);
        }
        settings = next;
    }
    *ret = settings;
    return true;
}

/* --- what it says of itself ------------------------------------------------------------------ */

static void write_about(const struct field_table *table, struct buf *out)
{
    char name[64];
    AUTO(buf) schema = buf_growing(LIMIT_JSON_BYTES);
    struct json_writer w = json_writer(out);
    fields_write_schema(&schema, table, "settings");
    jw_begin_object(&w);
    (void)snprintf(name, sizeof(name), "selvedge-el target %s", table->name);
    jw_member_str(&w, "name", str_from(name));
    jw_member_str(&w, "description", STR("Selvedge's native target as a Singer program"));
    jw_member_str(&w, "version", str_from(SELVEDGE_VERSION));
    jw_key(&w, STR("capabilities"));
    jw_begin_array(&w);
    jw_str(&w, STR("about"));
    jw_end_array(&w);
    jw_member_raw(&w, "settings", str_trim(buf_str(&schema)));
    jw_end_object(&w);
}

static int about(struct cli *cli, const struct field_table *table)
{
    AUTO(buf) out = buf_growing((size_t)LIMIT_JSON_BYTES * 2);
    const char *format = cli_text(cli, "format");
    if (str_eq(str_from(format), STR("json"))) {
        write_about(table, &out);
    } else {
        buf_addf(&out, "# selvedge-el target %s\n\n", table->name);
        fields_write_markdown(&out, table);
    }
    cli_json(cli, buf_str(&out));
    return CLI_OK;
}

/* --- the load -------------------------------------------------------------------------------- */

struct emitter {
    struct buf last;
};

/* One write a state: whoever reads them gets whole lines. */
static bool emit(void *ctx, struct str state, struct err *err)
{
    struct emitter *e = ctx;
    if (state.len == 0 || str_eq(state, str_trim(buf_str(&e->last)))) {
        return true;
    }
    buf_reset(&e->last);
    buf_add(&e->last, state);
    buf_add_char(&e->last, '\n');
    if (e->last.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    return files_write_fd(STDOUT_FILENO, buf_str(&e->last), err) ||
           err_wrap(err, "write the state");
}

static bool run(const struct cli *cli, const struct field_table *table, struct err *err)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    AUTO(report) report;
    struct emitter emitter = {.last = buf_growing((size_t)LIMIT_JSON_BYTES * 2)};
    const struct load_watcher watcher = {.committed = emit, .ctx = &emitter};
    struct settings settings = {0};
    struct materialization m;
    const char *input = cli_text(cli, "input");
    report_init_silent(&report);
    db_limit_memory(SQLITE_HEAP_BYTES_MAX);
    bool ok = cancel_install(err) && read_settings(cli, table, &arena, &settings, err);
    if (ok) {
        const struct request request = {
            .kind = STEP_EXTRACT_LOAD,
            .tap = {.type = STR("singer_input"), .path = str_from(input == NULL ? "-" : input)},
            .target = {.type = str_from(table->name),
                       .path = settings.path,
                       .mode = settings.load_method,
                       .flush_every = FLUSH_EVERY_DEFAULT,
                       .append_without_key = true},
        };
        ok = extract_load(&request, &watcher, &arena, &report, &m, err);
    }
    if (ok) {
        LOG(INFO, "el.loaded", F_S("target", str_from(table->name)), F_I("rows_read", m.rows_read),
            F_I("rows_written", m.rows_written));
    }
    buf_release(&emitter.last);
    return ok;
}

int singer_target_run(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct err err = {0};
    const struct field_table *table = table_of(cli_arg(cli, 0));
    if (table == NULL) {
        return cli_usage(cli, "there is no target \"%s\"; there are sqlite and jsonl",
                         cli_arg(cli, 0));
    }
    if (cli_bool(cli, "about")) {
        return about(cli, table);
    }
    if (!run(cli, table, &err)) {
        return err.code == ERR_CANCELLED ? CANCEL_EXIT : cli_error(cli, &err);
    }
    return CLI_OK;
}
