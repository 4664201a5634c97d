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
#include <string.h>
#include <unistd.h>

enum {
    ARENA_BYTES_MAX = 64 << 20,
    SQLITE_HEAP_BYTES_MAX = 256 << 20, /* a row may have LIMIT_SINGER_LINE_BYTES */
};

/* --- the configuration ----------------------------------------------------------------------- */

static const char *const load_methods[] = {
    [MODE_APPEND] = "append-only", [MODE_UPSERT] = "upsert", [MODE_OVERWRITE] = "overwrite", NULL};

/* What a step says of the target, but its type, which we know, and its mode, which the configuration
 * may call "load_method" as others do. Keys that only other targets have are passed over: one
 * configuration may serve several. */
static bool settings_table(const struct target_ops *target, struct arena *arena,
                           struct field_table *ret, struct err *err)
{
    const struct field_table *table = target->options;
    struct field *fields = arena_array(arena, table->count, sizeof(*fields));
    if (fields == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the configuration");
    }
    *ret = *table;
    ret->name = target->type;
    ret->fields = fields;
    ret->count = 0;
    ret->ignore_unknown = true;
    for (size_t i = 0; i < table->count; i++) {
        struct field field = table->fields[i];
        if (!str_eq(str_from(field.key), STR("type"))) {
            field.required = field.required && !str_eq(str_from(field.key), STR("mode"));
            fields[ret->count++] = field;
        }
    }
    return true;
}

static bool read_load_method(const struct json *node, struct load_options *load, struct err *err)
{
    const struct json *method = json_get(node, "load_method");
    for (int i = 0; method != NULL && load_methods[i] != NULL; i++) {
        if (method->type == JSON_STRING && str_eq(method->as.string, str_from(load_methods[i]))) {
            load->mode = i;
            return true;
        }
    }
    if (method == NULL) {
        return true;
    }
    err_set(err, ERR_INVALID, "\"load_method\" is not one of append-only, upsert, overwrite");
    return err_hint(err, "leave it out: then rows with a key are upserted, others appended");
}

static bool read_file(const char *path, const struct field_table *table, struct arena *arena,
                      struct load_options *load, struct err *err)
{
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    struct json *node = NULL;
    struct problems problems = {.arena = arena, .file = str_from(path)};
    if (!files_read(path, &text, err)) {
        return false;
    }
    struct str kept = arena_copy(arena, buf_str(&text));
    if (!json_parse(kept, LIMIT_JSON_BYTES, arena, &node, err)) {
        return err_wrap(err, "%s", path);
    }
    if (!fields_read(node, table, STR(""), arena, &problems, load)) {
        return problems_to_err(&problems, err);
    }
    return read_load_method(node, load, err) || err_wrap(err, "%s", path);
}

/* Files given later win, key by key. */
static bool read_settings(const struct cli *cli, const struct target_ops *target,
                          struct arena *arena, struct load_options **ret, struct err *err)
{
    struct field_table table;
    if (!settings_table(target, arena, &table, err)) {
        return false;
    }
    struct load_options *load = arena_alloc(arena, table.size);
    void *before = arena_alloc(arena, table.size);
    if (load == NULL || before == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the configuration");
    }
    if (table.defaults != NULL) {
        memcpy(load, table.defaults, table.size);
    }
    load->mode = target->cannot_upsert ? MODE_APPEND : MODE_UPSERT;
    load->append_without_key = true;
    table.defaults = before;
    if (cli_values(cli, "config", 0) == NULL) {
        err_set(err, ERR_INVALID, "--config is missing");
        return err_hint(err, "write {\"path\": \"data.db\"} into a file and name it");
    }
    for (size_t i = 0; cli_values(cli, "config", i) != NULL; i++) {
        memcpy(before, load, table.size);
        if (!read_file(cli_values(cli, "config", i), &table, arena, load, err)) {
            return false;
        }
    }
    *ret = load;
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

static int about(struct cli *cli, const struct target_ops *target)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    struct field_table settings;
    const struct field_table *table = &settings;
    struct err err = {0};
    if (!settings_table(target, &arena, &settings, &err)) {
        return cli_error(cli, &err);
    }
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

static bool run(const struct cli *cli, const struct target_ops *target, struct err *err)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    AUTO(report) report;
    struct emitter emitter = {.last = buf_growing((size_t)LIMIT_JSON_BYTES * 2)};
    const struct load_watcher watcher = {.committed = emit, .ctx = &emitter};
    struct load_options *load = NULL;
    struct materialization m;
    const char *input = cli_text(cli, "input");
    report_init_silent(&report);
    db_limit_memory(SQLITE_HEAP_BYTES_MAX);
    bool ok = cancel_install(err) && read_settings(cli, target, &arena, &load, err);
    if (ok) {
        const struct tap_options tap = {.path = str_from(input == NULL ? "-" : input)};
        const struct request request = {.kind = STEP_EXTRACT_LOAD,
                                        .tap = &tap_singer_input,
                                        .tap_options = &tap,
                                        .target = target,
                                        .load = load};
        ok = extract_load(&request, &watcher, &arena, &report, &m, err);
    }
    if (ok) {
        LOG(INFO, "el.loaded", F_S("target", str_from(target->type)), F_I("rows_read", m.rows_read),
            F_I("rows_written", m.rows_written));
    }
    buf_release(&emitter.last);
    return ok;
}

int singer_target_run(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct err err = {0};
    const struct target_ops *target = NULL;
    if (!connectors_target(str_from(cli_arg(cli, 0)), &target, &err)) {
        return cli_usage(cli, "%s; %s", err.msg, err.hint);
    }
    if (cli_bool(cli, "about")) {
        return about(cli, target);
    }
    if (!run(cli, target, &err)) {
        return err.code == ERR_CANCELLED ? CANCEL_EXIT : cli_error(cli, &err);
    }
    return CLI_OK;
}
