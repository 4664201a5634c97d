#include "agent/el/singer_target.h"

#include "agent/el/cancel.h"
#include "agent/el/connectors.h"
#include "agent/el/extract_load.h"
#include "agent/el/singer_settings.h"
#include "common/base/limits.h"
#include "common/db/db.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "common/platform/files.h"

#include <unistd.h>

enum {
    ARENA_BYTES_MAX = 64 << 20,
    SQLITE_HEAP_BYTES_MAX = 256 << 20, /* a row may have LIMIT_SINGER_LINE_BYTES */
};

/* --- the configuration ----------------------------------------------------------------------- */

static const char *const load_methods[] = {"append-only", "append",    "upsert", "upsert",
                                           "overwrite",   "overwrite", NULL};
static const char *const nul_values[] = {"true", "replace", "false", "error", NULL};
/* What targets of the Singer SDK, MeltanoLabs' among them, are set with. */
static const struct foreign_setting foreign[] = {
    {.name = "load_method", .as = "mode", .values = load_methods},
    {.name = "default_target_schema", .as = "schema", .turns_on = "create_schema"},
    {.name = "activate_version", .as = "process_activate_version_messages"},
    {.name = "sanitize_null_text_characters", .as = "nul_characters", .values = nul_values},
    {.name = "path_to_db", .as = "path"},
    {.name = "batch_config",
     .effect = FOREIGN_PASSED_OVER,
     .help = "a BATCH message says itself where its files are"},
    {.name = "use_copy", .effect = FOREIGN_PASSED_OVER, .help = "COPY is always used"},
    {.name = "interpret_content_encoding",
     .effect = FOREIGN_PASSED_OVER,
     .help = "contentEncoding base16 always means bytes"},
    FOREIGN_STREAM_MAPS(
        "it is Python: put meltano-map-transformer in front of the target, or map in the tap"),
    {0},
};
struct flatten_settings {
    struct flatten flatten;
};
static const struct field flatten_fields[] = {FLATTEN_FIELDS(flatten_settings, flatten)};
static const struct flatten_settings flatten_defaults = {.flatten = FLATTEN_DEFAULTS};
static const struct field_table flatten_table = {.name = "flattening",
                                                 .size = sizeof(struct flatten_settings),
                                                 .fields = flatten_fields,
                                                 .count = COUNT_OF(flatten_fields),
                                                 .defaults = &flatten_defaults};

static const struct singer_extras extras = {.more = &flatten_table, .foreign = foreign};

static bool init_settings(struct singer_settings *s, const struct target_ops *target,
                          struct arena *arena, struct err *err)
{
    if (!singer_settings_init(s, target->options, target->type, &extras, arena, err)) {
        return false;
    }
    struct load_options *load = s->values;
    load->mode = target->cannot_upsert ? MODE_APPEND : MODE_UPSERT;
    load->append_without_key = true;
    return true;
}

static int about(struct cli *cli, const struct target_ops *target)
{
    static const char *const capabilities[] = {
        "about",       "activate-version", "batch", "schema-flattening", "soft-delete",
        "hard-delete", "validate-records", NULL};
    const struct singer_about about = {.kind = "target",
                                       .description =
                                           "Selvedge's native target as a Singer program",
                                       .capabilities = capabilities};
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    struct singer_settings settings;
    struct err err = {0};
    if (!init_settings(&settings, target, &arena, &err)) {
        return cli_error(cli, &err);
    }
    return singer_settings_about(cli, &about, &settings);
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
    struct singer_settings settings;
    struct materialization m;
    const char *input = cli_text(cli, "input");
    report_init_silent(&report);
    db_limit_memory(SQLITE_HEAP_BYTES_MAX);
    bool ok = cancel_install(err) && init_settings(&settings, target, &arena, err) &&
              singer_settings_read(&settings, cli, "{\"path\": \"data.db\"}", err);
    if (ok) {
        const struct flatten_settings *flattening = settings.more;
        const struct tap_options tap = {.path = str_from(input == NULL ? "-" : input),
                                        .flatten = flattening->flatten};
        const struct request request = {.kind = STEP_EXTRACT_LOAD,
                                        .tap = &tap_singer_input,
                                        .tap_options = &tap,
                                        .target = target,
                                        .load = settings.values};
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
