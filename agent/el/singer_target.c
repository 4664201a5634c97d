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

static const char *const load_methods[] = {
    [MODE_APPEND] = "append-only", [MODE_UPSERT] = "upsert", [MODE_OVERWRITE] = "overwrite", NULL};

/* The mode, which the configuration may call "load_method" as others do. */
static bool read_load_method(const struct json *node, void *settings, struct err *err)
{
    struct load_options *load = settings;
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

static bool read_settings(const struct cli *cli, const struct target_ops *target,
                          struct arena *arena, struct load_options **ret, struct err *err)
{
    struct singer_settings settings;
    if (!singer_settings_init(&settings, target->options, target->type, arena, err)) {
        return false;
    }
    struct load_options *load = settings.values;
    load->mode = target->cannot_upsert ? MODE_APPEND : MODE_UPSERT;
    load->append_without_key = true;
    settings.check = read_load_method;
    *ret = load;
    return singer_settings_read(&settings, cli, "{\"path\": \"data.db\"}", err);
}

static int about(struct cli *cli, const struct target_ops *target)
{
    static const char *const capabilities[] = {"about", NULL};
    const struct singer_about about = {.kind = "target",
                                       .description =
                                           "Selvedge's native target as a Singer program",
                                       .capabilities = capabilities};
    return singer_settings_about(cli, &about, target->options, target->type);
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
