#include "agent/worker/sources_command.h"

#include "agent/el/cancel.h"
#include "agent/el/report.h"
#include "agent/transform/dbt_step.h"
#include "agent/worker/step.h"
#include "common/log/log.h"
#include "common/platform/files.h"

enum { ARENA_BYTES_MAX = 128 << 20, OUT_BYTES_MAX = 16 << 20 };

static bool carry_out(const struct request *r, struct arena *arena, int fd, struct err *err)
{
    AUTO(buf) out = buf_growing(OUT_BYTES_MAX);
    if (r->kind != STEP_DBT) {
        return err_set(err, ERR_INVALID, "a step of this kind has no sources");
    }
    if (!dbt_step_sources(r, arena, &out, err)) {
        return false;
    }
    buf_add_char(&out, '\n');
    if (out.overflow) {
        return err_set(err, ERR_FULL, "the sources take more than %d MiB", OUT_BYTES_MAX >> 20);
    }
    return files_write_fd(fd, buf_str(&out), err) || err_wrap(err, "write the sources");
}

int sources_command_run(int stdin_fd, int stdout_fd)
{
    struct err err = {0};
    AUTO(report) report;
    report_init(&report);
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    struct request request;
    int code = STEP_FAILED;
    if (!step_read(stdin_fd, &arena, &request, &err)) {
        code = STEP_USAGE;
    } else if (cancel_install(&err) && carry_out(&request, &arena, stdout_fd, &err)) {
        return STEP_OK;
    }
    report_error(&report, &err);
    LOG(ERROR, "el.failed", F_ERR(&err));
    return err.code == ERR_CANCELLED ? CANCEL_EXIT : code;
}
