#include "agent/el/step.h"

#include "agent/el/cancel.h"
#include "agent/el/extract_load.h"
#include "agent/el/singer_pump.h"
#include "agent/el/sql_asset.h"
#include "common/base/limits.h"
#include "common/db/db.h"
#include "common/log/log.h"

#include <errno.h>
#include <unistd.h>

enum {
    ARENA_BYTES_MAX = 64 << 20,
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

static bool materialize(const struct request *r, struct arena *arena, struct report *report,
                        struct err *err)
{
    struct materialization m = {0};
    struct str path = r->kind == STEP_SQL ? r->path : STR("");
    bool ok = r->kind == STEP_SQL   ? sql_asset(r, arena, &m, err)
              : singer_pump_fits(r) ? singer_pump(r, arena, report, &m, err)
                                    : extract_load(r, NULL, arena, report, &m, err);
    if (!ok) {
        return false;
    }
    report_materialization(report, &m);
    LOG(INFO, "el.materialized", F_S("asset", r->asset), F_I("rows_read", m.rows_read),
        F_I("rows_written", m.rows_written), F_I("row_count", m.row_count));
    if (r->kind == STEP_EXTRACT_LOAD) {
        path = m.database;
    }
    (void)checks_run(r, path, arena, report); /* what was made stays made */
    return true;
}

static bool carry_out(const struct request *r, struct arena *arena, struct report *report,
                      struct err *err)
{
    if (r->kind != STEP_CHECKS) {
        return materialize(r, arena, report, err);
    }
    return checks_run(r, STR_NONE, arena, report) || cancel_error(err);
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
