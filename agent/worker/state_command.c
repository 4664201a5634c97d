#include "agent/worker/state_command.h"

#include "agent/el/connectors.h"
#include "agent/el/meltano_step.h"
#include "agent/el/report.h"
#include "agent/el/request.h"
#include "agent/el/target.h"
#include "agent/worker/step.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "common/platform/files.h"

enum { ARENA_BYTES_MAX = 256 << 20 }; /* STATES_KEPT of LIMIT_JSON_BYTES, as text and read */

static bool write_states(struct str state_id, const struct kept_states *states, int fd,
                         struct err *err)
{
    AUTO(buf) out = buf_growing((size_t)LIMIT_JSON_BYTES * (STATES_KEPT + 1));
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "state_id", state_id);
    jw_member_bool(&w, "has_present", states->has_present);
    jw_key(&w, STR("states"));
    jw_begin_array(&w);
    for (size_t i = 0; i < states->count; i++) {
        jw_begin_object(&w);
        jw_member_str(&w, "at", states->items[i].at);
        jw_member_raw(&w, "value", states->items[i].value);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    buf_add_char(&out, '\n');
    if (out.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the states");
    }
    return files_write_fd(fd, buf_str(&out), err) || err_wrap(err, "write the states");
}

static bool set_state(const struct request *r, struct target *target, struct err *err)
{
    AUTO(buf) value = buf_growing(LIMIT_JSON_BYTES);
    if (r->state == NULL) {
        return true;
    }
    if (r->state->type != JSON_NULL) {
        json_write(&value, r->state);
    }
    if (value.overflow) {
        return err_set(err, ERR_FULL, "a state is larger than %d bytes", LIMIT_JSON_BYTES);
    }
    return target->ops->set_state(target, buf_str(&value), err);
}

static const struct program_target_options no_options = {0};

/* Of a block of a Meltano project the loader keeps none: we keep what it says. */
static bool find_place(struct request *r, struct arena *arena, struct err *err)
{
    if (r->kind == STEP_EXTRACT_LOAD) {
        return true;
    }
    if (r->kind != STEP_MELTANO) {
        return err_set(err, ERR_INVALID, "a step of this kind has no state");
    }
    r->target = &target_singer_program;
    r->load = &no_options.load;
    return meltano_step_state_id(r, arena, &r->state_id, err);
}

static bool carry_out(struct request *r, struct arena *arena, int fd, struct err *err)
{
    if (!find_place(r, arena, err)) {
        return false;
    }
    const struct target_context context = {.load = r->load,
                                           .state_id = r->state_id,
                                           .state_dir = r->state_dir,
                                           .only_states = true,
                                           .arena = arena};
    struct target *target = NULL;
    struct kept_states states;
    bool ok = r->target->open(&target, &context, err) && set_state(r, target, err) &&
              target->ops->states(target, &states, err) &&
              write_states(r->state_id, &states, fd, err);
    if (target != NULL) {
        target->ops->close(target);
    }
    return ok;
}

int state_command_run(int stdin_fd, int stdout_fd)
{
    struct err err = {0};
    AUTO(report) report;
    report_init(&report);
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    struct request request;
    int code = STEP_FAILED;
    if (!step_read(stdin_fd, &arena, &request, &err)) {
        code = STEP_USAGE;
    } else if (carry_out(&request, &arena, stdout_fd, &err)) {
        return STEP_OK;
    }
    report_error(&report, &err);
    LOG(ERROR, "el.failed", F_ERR(&err));
    return code;
}
