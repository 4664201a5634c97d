#include "agent/worker/step.h"

#include "agent/el/cancel.h"
#include "agent/el/checks.h"
#include "agent/el/extract_load.h"
#include "agent/el/meltano_step.h"
#include "agent/el/singer_pump.h"
#include "agent/el/sql_asset.h"
#include "agent/el/stream_assets.h"
#include "agent/transform/dbt_step.h"
#include "common/base/limits.h"
#include "common/db/db.h"
#include "common/log/log.h"

#include <errno.h>
#include <unistd.h>

enum {
    ARENA_BYTES_MAX = 128 << 20, /* with all nodes of a dbt project */
    SQLITE_HEAP_BYTES_MAX =
        256 << 20, /* a row may have LIMIT_SINGER_LINE_BYTES; otherwise far below */
};

static bool read_all(int fd, struct buf *into, struct err *err)
{
    for (;;) {
        enum { PIECE = 16 << 10 };
        char *to = buf_reserve(into, PIECE);
        if (to == NULL) {
            return err_set(err, ERR_INVALID, "step: more than %d bytes", LIMIT_JSON_BYTES);
        }
        ssize_t n = read(fd, to, PIECE);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_errno(err, errno, "read the step from standard input");
        }
        if (n == 0) {
            return true;
        }
        into->len += (size_t)n;
    }
}

static bool load(const struct request *r, struct arena *arena, struct report *report,
                 struct materialization *ret, struct err *err)
{
    if (r->kind == STEP_MELTANO) {
        return meltano_step(r, arena, report, ret, err);
    }
    return singer_pump_fits(r) ? singer_pump(r, NULL, arena, report, ret, err)
                               : extract_load(r, NULL, arena, report, ret, err);
}

/* The checks of those assets that were made. */
static bool keep_checks(const struct request *r, const bool *made, struct arena *arena,
                        struct object_list *ret, struct err *err)
{
    const struct check_options *checks = r->checks.items;
    const struct asset_stream *assets = r->assets.items;
    struct check_options *kept = arena_array(arena, r->checks.count, sizeof(*kept));
    if (kept == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the checks");
    }
    *ret = (struct object_list){.items = kept};
    for (size_t c = 0; c < r->checks.count; c++) {
        for (size_t i = 0; i < r->assets.count; i++) {
            if (made[i] && str_eq(assets[i].asset, checks[c].asset)) {
                kept[ret->count++] = checks[c];
                break;
            }
        }
    }
    return true;
}

/* A load whose streams are assets. */
static bool materialize_streams(const struct request *r, struct arena *arena, struct report *report,
                                struct err *err)
{
    struct materialization m = {0};
    struct request checking = *r;
    struct err why = {0};
    bool *made = arena_array(arena, r->assets.count, sizeof(*made));
    bool is_loaded = load(r, arena, report, &m, err);
    if (made == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the report");
    }
    bool ok = stream_assets_report(r, &m, is_loaded, report, made, err);
    if (keep_checks(r, made, arena, &checking.checks, &why)) {
        (void)checks_run(&checking, arena, report);
    } else {
        *err = why;
        ok = false;
    }
    return ok;
}

static bool materialize(const struct request *r, struct arena *arena, struct report *report,
                        struct err *err)
{
    struct materialization m = {0};
    if (!(r->kind == STEP_SQL ? sql_asset(r, arena, &m, err) : load(r, arena, report, &m, err))) {
        return false;
    }
    report_materialization(report, &m);
    LOG(INFO, "el.materialized", F_S("asset", r->asset), F_I("rows_read", m.rows_read),
        F_I("rows_written", m.rows_written), F_I("row_count", m.row_count));
    (void)checks_run(r, arena, report); /* what was made stays made */
    return true;
}

static bool carry_out(const struct request *r, struct arena *arena, struct report *report,
                      struct err *err)
{
    if (r->kind == STEP_DBT) {
        return dbt_step(r, arena, report, err);
    }
    if (r->kind != STEP_CHECKS) {
        return r->assets.count > 0 ? materialize_streams(r, arena, report, err)
                                   : materialize(r, arena, report, err);
    }
    return checks_run(r, arena, report) || cancel_error(err);
}

bool step_read(int fd, struct arena *arena, struct request *ret, struct err *err)
{
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    return read_all(fd, &text, err) && request_parse(buf_str(&text), arena, ret, err);
}

static int fail(struct report *report, const struct err *err, int code)
{
    report_error(report, err);
    LOG(ERROR, "el.failed", F_ERR(err));
    return err->code == ERR_CANCELLED ? CANCEL_EXIT : code;
}

int step_run(int stdin_fd)
{
    struct err err = {0};
    AUTO(report) report;
    report_init(&report);
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    struct request request;
    db_limit_memory(SQLITE_HEAP_BYTES_MAX);
    if (!cancel_install(&err)) {
        return fail(&report, &err, STEP_FAILED);
    }
    if (!step_read(stdin_fd, &arena, &request, &err)) {
        return fail(&report, &err, STEP_USAGE);
    }
    if (!carry_out(&request, &arena, &report, &err)) {
        return fail(&report, &err, STEP_FAILED);
    }
    return STEP_OK;
}
