/* views.c - see views.h. One function per group of event types; SQL in hub/store/sql. */
#include "hub/merge/views.h"
#include "common/base/limits.h"
#include "hub/merge/members.h"
#include "hub_store_sql.h"

enum { SCRATCH_BYTES_MAX = 4 * LIMIT_EVENT_BYTES };

struct views views_new(struct db *log, struct db *out)
{
    return (struct views){.log = log, .out = out, .scratch = buf_growing(SCRATCH_BYTES_MAX)};
}

void views_release(struct views *v)
{
    buf_release(&v->scratch);
}

int64_t wall_ms(struct wall_time t)
{
    return t.ns / NS_PER_MS;
}

/* One event on its way into the tables. */
struct change {
    struct views *views;
    const struct view_stream *stream;
    const struct event *ev;
    struct members members;
};

static void bind_text(struct db_query *q, const char *name, const struct change *c,
                      enum member member)
{
    db_bind_opt(q, name, members_text(&c->members, member));
}

static void bind_number(struct db_query *q, const char *name, const struct change *c,
                        enum member member)
{
    int64_t value;
    if (members_i64(&c->members, member, &value)) {
        db_bind_i64(q, name, value);
    }
}

static void bind_json(struct db_query *q, const char *name, const struct change *c,
                      enum member member)
{
    db_bind_opt(q, name, members_json(&c->members, member, JSON_OBJECT));
}

static void bind_at(struct db_query *q, const char *name, const struct change *c)
{
    db_bind_i64(q, name, wall_ms(c->ev->at));
}

/* What "the latest of a device" is decided by. */
static void bind_stamp(struct db_query *q, const struct change *c)
{
    db_bind_i64(q, ":stream_ms", c->stream->first_at_ms);
    db_bind_str(q, ":epoch", c->stream->epoch);
    db_bind_i64(q, ":seq", c->ev->seq);
    bind_at(q, ":at", c);
}

/* --- runs --------------------------------------------------------------------------------- */

static struct db_query begin_run(const struct change *c, const char *status)
{
    struct db_query q = db_query(c->views->out, HUB_STORE_RUN_SET);
    db_bind_i64(&q, ":stream", c->stream->id);
    db_bind_str(&q, ":run", c->ev->run);
    db_bind_str(&q, ":status", str_from(status));
    db_bind_i64(&q, ":seq", c->ev->seq);
    return q;
}

static bool apply_run_enqueued(const struct change *c, struct err *err)
{
    struct members cause;
    struct str object = members_json(&c->members, MEMBER_CAUSE, JSON_OBJECT);
    if (!members_read(&cause, object, &c->views->scratch, err)) {
        return false;
    }
    struct db_query q = begin_run(c, "queued");
    bind_text(&q, ":job", c, MEMBER_JOB);
    db_bind_opt(&q, ":cause", members_text(&cause, MEMBER_TYPE));
    db_bind_opt(&q, ":cause_name", members_text(&cause, MEMBER_NAME));
    bind_text(&q, ":selection", c, MEMBER_SELECTION);
    bind_json(&q, ":tags", c, MEMBER_TAGS);
    bind_number(&q, ":steps", c, MEMBER_STEPS);
    bind_at(&q, ":enqueued", c);
    return db_run(&q, err);
}

static bool apply_run_start(const struct change *c, struct err *err)
{
    struct db_query q = begin_run(c, "started");
    bind_at(&q, ":started", c);
    return db_run(&q, err);
}

static bool apply_run_end(const struct change *c, const char *status, struct err *err)
{
    struct db_query q = begin_run(c, status);
    bind_at(&q, ":ended", c);
    bind_json(&q, ":error", c, MEMBER_ERROR);
    return db_run(&q, err);
}

/* --- steps -------------------------------------------------------------------------------- */

static struct db_query begin_step(const struct change *c, const char *status)
{
    struct db_query q = db_query(c->views->out, HUB_STORE_STEP_SET);
    int64_t attempt = 0;
    (void)members_i64(&c->members, MEMBER_ATTEMPT, &attempt);
    db_bind_i64(&q, ":stream", c->stream->id);
    db_bind_str(&q, ":run", c->ev->run);
    db_bind_str(&q, ":step", c->ev->step);
    db_bind_opt(&q, ":asset", c->ev->asset);
    db_bind_str(&q, ":status", str_from(status));
    db_bind_i64(&q, ":attempt", attempt);
    return q;
}

static bool apply_step_planned(const struct change *c, struct err *err)
{
    struct db_query q = db_query(c->views->out, HUB_STORE_STEP_PLAN);
    db_bind_i64(&q, ":stream", c->stream->id);
    db_bind_str(&q, ":run", c->ev->run);
    db_bind_str(&q, ":step", c->ev->step);
    db_bind_opt(&q, ":asset", c->ev->asset);
    return db_run(&q, err);
}

static bool apply_step_start(const struct change *c, struct err *err)
{
    struct db_query q = begin_step(c, "started");
    bind_at(&q, ":started", c);
    return db_run(&q, err);
}

static bool apply_step_end(const struct change *c, const char *status, struct err *err)
{
    struct db_query q = begin_step(c, status);
    bind_at(&q, ":ended", c);
    bind_number(&q, ":duration", c, MEMBER_DURATION_MS);
    bind_json(&q, ":error", c, MEMBER_ERROR);
    bind_text(&q, ":exit", c, MEMBER_EXIT);
    bind_text(&q, ":reason", c, MEMBER_REASON);
    return db_run(&q, err);
}

static bool apply_step_retry(const struct change *c, struct err *err)
{
    struct db_query q = begin_step(c, "up_for_retry");
    struct wall_time retry_at;
    if (wall_parse(members_text(&c->members, MEMBER_RETRY_AT), &retry_at)) {
        db_bind_i64(&q, ":retry", wall_ms(retry_at));
    }
    bind_json(&q, ":error", c, MEMBER_ERROR);
    return db_run(&q, err);
}

/* --- assets ------------------------------------------------------------------------------- */

static bool count_asset(const struct change *c, int materialized, int failed, struct err *err)
{
    struct db_query q = db_query(c->views->out, HUB_STORE_ASSET_COUNT);
    db_bind_str(&q, ":device", c->stream->device);
    db_bind_str(&q, ":asset", c->ev->asset);
    db_bind_i64(&q, ":materialized", materialized);
    db_bind_i64(&q, ":failed", failed);
    return db_run(&q, err);
}

static void bind_sizes(struct db_query *q, const struct change *c)
{
    struct str metadata = members_json(&c->members, MEMBER_METADATA, JSON_OBJECT);
    int64_t value;
    if (metadata_i64(metadata, "dagster/row_count", &value)) {
        db_bind_i64(q, ":rows", value);
    }
    if (metadata_i64(metadata, "selvedge/byte_count", &value)) {
        db_bind_i64(q, ":bytes", value);
    }
}

static bool add_materialization(const struct change *c, struct err *err)
{
    struct db_query q = db_query(c->views->out, HUB_STORE_MATERIALIZATION_INSERT);
    db_bind_i64(&q, ":stream", c->stream->id);
    db_bind_str(&q, ":asset", c->ev->asset);
    db_bind_i64(&q, ":seq", c->ev->seq);
    bind_at(&q, ":at", c);
    db_bind_opt(&q, ":run", c->ev->run);
    db_bind_opt(&q, ":step", c->ev->step);
    bind_sizes(&q, c);
    return db_run(&q, err);
}

static bool apply_materialization(const struct change *c, struct err *err)
{
    if (!add_materialization(c, err) || !count_asset(c, 1, 0, err)) {
        return false;
    }
    struct db_query q = db_query(c->views->out, HUB_STORE_ASSET_MATERIALIZED);
    db_bind_str(&q, ":device", c->stream->device);
    db_bind_str(&q, ":asset", c->ev->asset);
    db_bind_i64(&q, ":stream", c->stream->id);
    bind_stamp(&q, c);
    db_bind_opt(&q, ":run", c->ev->run);
    db_bind_opt(&q, ":step", c->ev->step);
    bind_sizes(&q, c);
    bind_text(&q, ":data_version", c, MEMBER_DATA_VERSION);
    bind_json(&q, ":metadata", c, MEMBER_METADATA);
    return db_run(&q, err);
}

static bool apply_asset_failed(const struct change *c, struct err *err)
{
    if (!count_asset(c, 0, 1, err)) {
        return false;
    }
    struct db_query q = db_query(c->views->out, HUB_STORE_ASSET_FAILED);
    db_bind_str(&q, ":device", c->stream->device);
    db_bind_str(&q, ":asset", c->ev->asset);
    bind_stamp(&q, c);
    db_bind_opt(&q, ":run", c->ev->run);
    bind_json(&q, ":error", c, MEMBER_ERROR);
    return db_run(&q, err);
}

static bool apply_check(const struct change *c, struct err *err)
{
    struct str name = members_name(&c->members, MEMBER_CHECK);
    if (str_is_empty(name)) {
        return true;
    }
    struct db_query q = db_query(c->views->out, HUB_STORE_CHECK_SET);
    db_bind_str(&q, ":device", c->stream->device);
    db_bind_str(&q, ":asset", c->ev->asset);
    db_bind_str(&q, ":name", name);
    bind_stamp(&q, c);
    db_bind_i64(&q, ":passed", members_is_true(&c->members, MEMBER_PASSED) ? 1 : 0);
    bind_text(&q, ":severity", c, MEMBER_SEVERITY);
    db_bind_opt(&q, ":run", c->ev->run);
    bind_json(&q, ":metadata", c, MEMBER_METADATA);
    return db_run(&q, err);
}

/* --- the device --------------------------------------------------------------------------- */

static bool apply_tick(const struct change *c, struct err *err)
{
    struct str schedule = members_name(&c->members, MEMBER_SCHEDULE);
    if (str_is_empty(schedule)) {
        return true;
    }
    struct str status = members_text(&c->members, MEMBER_STATUS);
    struct db_query count = db_query(c->views->out, HUB_STORE_TICK_COUNT);
    db_bind_str(&count, ":device", c->stream->device);
    db_bind_str(&count, ":schedule", schedule);
    db_bind_i64(&count, ":started", str_eq(status, STR("started")) ? 1 : 0);
    if (!db_run(&count, err)) {
        return false;
    }
    struct db_query q = db_query(c->views->out, HUB_STORE_TICK_LATEST);
    db_bind_str(&q, ":device", c->stream->device);
    db_bind_str(&q, ":schedule", schedule);
    bind_stamp(&q, c);
    db_bind_opt(&q, ":status", status);
    bind_text(&q, ":nominal", c, MEMBER_NOMINAL);
    db_bind_opt(&q, ":run", c->ev->run);
    bind_text(&q, ":reason", c, MEMBER_REASON);
    return db_run(&q, err);
}

static bool apply_gap(const struct change *c, int64_t from, struct err *err)
{
    struct db_query q = db_query(c->views->out, HUB_STORE_GAP_INSERT);
    db_bind_i64(&q, ":stream", c->stream->id);
    db_bind_i64(&q, ":seq", c->ev->seq);
    db_bind_i64(&q, ":from", from);
    bind_at(&q, ":at", c);
    bind_text(&q, ":reason", c, MEMBER_REASON);
    bind_json(&q, ":dropped", c, MEMBER_DROPPED);
    return db_run(&q, err);
}

static bool count_device(const struct change *c, int starts, int clock_steps, struct err *err)
{
    struct db_query q = db_query(c->views->out, HUB_STORE_DEVICE_COUNT);
    db_bind_str(&q, ":device", c->stream->device);
    db_bind_i64(&q, ":starts", starts);
    db_bind_i64(&q, ":clock_steps", clock_steps);
    return db_run(&q, err);
}

static bool apply_device(const struct change *c, struct err *err)
{
    if (!count_device(c, 1, 0, err)) {
        return false;
    }
    struct db_query q = db_query(c->views->out, HUB_STORE_DEVICE_STARTED);
    db_bind_str(&q, ":device", c->stream->device);
    db_bind_i64(&q, ":stream_ms", c->stream->first_at_ms);
    db_bind_str(&q, ":epoch", c->stream->epoch);
    bind_at(&q, ":at", c);
    bind_text(&q, ":version", c, MEMBER_VERSION);
    bind_text(&q, ":board", c, MEMBER_BOARD);
    bind_text(&q, ":boot_id", c, MEMBER_BOOT_ID);
    bind_text(&q, ":agent_start", c, MEMBER_AGENT_START);
    return db_run(&q, err);
}

/* --- which event changes what ------------------------------------------------------------- */

static bool apply_of_run(const struct change *c, struct err *err)
{
    if (str_is_empty(c->ev->run)) {
        return true;
    }
    switch ((int)c->ev->type) {
    case EVENT_RUN_ENQUEUED:
        return apply_run_enqueued(c, err);
    case EVENT_RUN_START:
        return apply_run_start(c, err);
    case EVENT_RUN_SUCCESS:
        return apply_run_end(c, "success", err);
    case EVENT_RUN_FAILURE:
        return apply_run_end(c, "failure", err);
    default:
        return apply_run_end(c, "canceled", err);
    }
}

static bool apply_of_step(const struct change *c, struct err *err)
{
    if (str_is_empty(c->ev->run) || str_is_empty(c->ev->step)) {
        return true;
    }
    switch ((int)c->ev->type) {
    case EVENT_ASSET_MATERIALIZATION_PLANNED:
        return apply_step_planned(c, err);
    case EVENT_STEP_START:
    case EVENT_STEP_RESTARTED:
        return apply_step_start(c, err);
    case EVENT_STEP_SUCCESS:
        return apply_step_end(c, "success", err);
    case EVENT_STEP_FAILURE:
        return apply_step_end(c, "failure", err);
    case EVENT_STEP_SKIPPED:
        return apply_step_end(c, "skipped", err);
    default:
        return apply_step_retry(c, err);
    }
}

static bool apply_of_asset(const struct change *c, struct err *err)
{
    if (str_is_empty(c->ev->asset)) {
        return true;
    }
    switch ((int)c->ev->type) {
    case EVENT_ASSET_MATERIALIZATION:
        return apply_materialization(c, err);
    case EVENT_ASSET_FAILED_TO_MATERIALIZE:
        return apply_asset_failed(c, err);
    default:
        return apply_check(c, err);
    }
}

static bool apply(const struct change *c, int64_t from, struct err *err)
{
    switch (c->ev->type) {
    case EVENT_RUN_ENQUEUED:
    case EVENT_RUN_START:
    case EVENT_RUN_SUCCESS:
    case EVENT_RUN_FAILURE:
    case EVENT_RUN_CANCELED:
        return apply_of_run(c, err);
    case EVENT_ASSET_MATERIALIZATION_PLANNED:
    case EVENT_STEP_START:
    case EVENT_STEP_RESTARTED:
    case EVENT_STEP_SUCCESS:
    case EVENT_STEP_FAILURE:
    case EVENT_STEP_SKIPPED:
    case EVENT_STEP_UP_FOR_RETRY:
        return apply_of_step(c, err);
    case EVENT_ASSET_MATERIALIZATION:
    case EVENT_ASSET_FAILED_TO_MATERIALIZE:
    case EVENT_ASSET_CHECK_EVALUATION:
        return apply_of_asset(c, err);
    case EVENT_DEVICE:
        return apply_device(c, err);
    case EVENT_CLOCK_STEP:
        return count_device(c, 0, 1, err);
    case EVENT_TICK:
        return apply_tick(c, err);
    case EVENT_BUFFER_GAP:
        return apply_gap(c, from, err);
    case EVENT_DEFINITIONS:
        return views_apply_definitions(c->views, c->stream, c->ev, err);
    case EVENT_ASSET_OBSERVATION: /* in the log only, as are types of a newer agent */
    case EVENT_COMMAND:
    case EVENT_DESIRED:
    case EVENT_UNKNOWN:
    case EVENT_TYPE_COUNT:
        break;
    }
    return true;
}

/* Types whose rows need nothing but what event_parse() sliced out. */
static bool needs_members(enum event_type type)
{
    return type != EVENT_UNKNOWN && type != EVENT_RUN_START && type != EVENT_RUN_SUCCESS &&
           type != EVENT_ASSET_MATERIALIZATION_PLANNED && type != EVENT_DEFINITIONS;
}

bool views_apply(struct views *v, const struct view_stream *stream, const struct event *ev,
                 int64_t from, struct err *err)
{
    struct change c = {.views = v, .stream = stream, .ev = ev};
    buf_reset(&v->scratch);
    struct str body = needs_members(ev->type) ? ev->body : STR_NONE;
    return members_read(&c.members, body, &v->scratch, err) && apply(&c, from, err);
}
