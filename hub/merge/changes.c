/* changes.c - from events to changes of rows; see changes.h. No I/O. */
#include "hub/merge/changes.h"
#include "hub/merge/members.h"
#include <string.h>

int64_t wall_ms(struct wall_time t)
{
    return t.ns / NS_PER_MS;
}

void changes_clear(struct changes *c)
{
    c->events = 0;
    c->runs_count = 0;
    c->steps_count = 0;
    c->materializations_count = 0;
    c->assets_count = 0;
    c->checks_count = 0;
    c->evaluations_count = 0;
    c->partitions_count = 0;
    c->freshness_count = 0;
    c->ticks_count = 0;
    c->tick_places_count = 0;
    c->gaps_count = 0;
    c->bundles_count = 0;
    c->devices_count = 0;
    c->stream = NULL;
    memset(c->seen, 0, sizeof(c->seen));
}

/* FNV-1a. */
static uint64_t mix(uint64_t hash, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Whether the run, or the step of it, may have a row already; from now on it may. Mostly it has none,
 * and what a device sends of a long time is not looked through for it. */
static bool was_seen(struct changes *c, struct str run, struct str step)
{
    uint64_t hash = mix(mix(UINT64_C(0xcbf29ce484222325) ^ (uint64_t)c->stream->id, run), step);
    uint64_t *seen = &c->seen[hash % CHANGES_SEEN / 64];
    uint64_t bit = UINT64_C(1) << (hash / CHANGES_SEEN % 64);
    bool was = (*seen & bit) != 0;
    *seen |= bit;
    return was;
}

/* Rows of other streams are not looked through, nor many of the same. */
static void enter(struct changes *c, const struct view_stream *stream)
{
    if (c->stream == stream && c->events - c->events_from < LIMIT_BATCH_EVENTS) {
        return;
    }
    c->stream = stream;
    c->events_from = c->events;
    c->runs_from = c->runs_count;
    c->steps_from = c->steps_count;
    c->assets_from = c->assets_count;
    c->checks_from = c->checks_count;
    c->freshness_from = c->freshness_count;
    c->ticks_from = c->ticks_count;
    c->bundles_from = c->bundles_count;
    c->devices_from = c->devices_count;
}

/* One event on its way in. */
struct adding {
    struct changes *c;
    const struct event *ev;
    const struct members *m;
    int64_t at_ms;
};

static int64_t number(const struct adding *a, enum member member)
{
    int64_t value;
    return members_i64(a->m, member, &value) ? value : NO_NUMBER;
}

static struct str object(const struct adding *a, enum member member)
{
    return members_json(a->m, member, JSON_OBJECT);
}

static void put_text(struct str *into, struct str text)
{
    if (!str_is_empty(text)) {
        *into = text;
    }
}

/* --- runs and steps: the newest is mostly the one looked for ------------------------------- */

static struct run_change *run_of(const struct adding *a)
{
    struct changes *c = a->c;
    bool is_newest =
        c->runs_count > c->runs_from && str_eq(c->runs[c->runs_count - 1].run, a->ev->run);
    bool was = is_newest || was_seen(c, a->ev->run, STR_NONE);
    for (size_t i = c->runs_count; was && i > c->runs_from; i--) {
        if (str_eq(c->runs[i - 1].run, a->ev->run)) {
            return &c->runs[i - 1];
        }
    }
    struct run_change *run = &c->runs[c->runs_count++];
    *run = (struct run_change){.of = c->stream,
                               .run = a->ev->run,
                               .steps = NO_NUMBER,
                               .partitions = NO_NUMBER,
                               .enqueued_ms = NO_NUMBER,
                               .started_ms = NO_NUMBER,
                               .ended_ms = NO_NUMBER,
                               .first_seq = a->ev->seq,
                               .begins = !was && a->ev->type == EVENT_RUN_ENQUEUED};
    return run;
}

static void add_run_enqueued(const struct adding *a, struct run_change *run)
{
    struct members cause;
    members_read(&cause, object(a, MEMBER_CAUSE), a->m->text);
    put_text(&run->job, members_text(a->m, MEMBER_JOB));
    put_text(&run->cause, members_text(&cause, MEMBER_TYPE));
    put_text(&run->cause_name, members_text(&cause, MEMBER_NAME));
    put_text(&run->selection, members_text(a->m, MEMBER_SELECTION));
    put_text(&run->tags, object(a, MEMBER_TAGS));
    put_text(&run->backfill, members_name(a->m, MEMBER_BACKFILL));
    put_text(&run->partition, members_text(a->m, MEMBER_PARTITION));
    put_text(&run->partition_end, members_text(a->m, MEMBER_PARTITION_END));
    int64_t steps = number(a, MEMBER_STEPS);
    run->steps = steps != NO_NUMBER ? steps : run->steps;
    int64_t partitions = number(a, MEMBER_PARTITIONS);
    run->partitions = partitions != NO_NUMBER ? partitions : run->partitions;
    run->enqueued_ms = a->at_ms;
}

static void add_to_run(const struct adding *a, const char *status)
{
    if (str_is_empty(a->ev->run)) {
        return;
    }
    struct run_change *run = run_of(a);
    run->status = str_from(status);
    run->last_seq = a->ev->seq;
    run->ended_ms = NO_NUMBER;
    run->error = STR_NONE;
    if (a->ev->type == EVENT_RUN_ENQUEUED) {
        add_run_enqueued(a, run);
    } else if (a->ev->type == EVENT_RUN_START) {
        run->started_ms = a->at_ms;
    } else {
        run->ended_ms = a->at_ms;
        run->error = object(a, MEMBER_ERROR);
    }
}

static bool is_step_of(const struct step_change *step, const struct event *ev)
{
    return str_eq(step->run, ev->run) && str_eq(step->step, ev->step);
}

static struct step_change *step_of(const struct adding *a)
{
    struct changes *c = a->c;
    bool is_newest =
        c->steps_count > c->steps_from && is_step_of(&c->steps[c->steps_count - 1], a->ev);
    bool was = is_newest || was_seen(c, a->ev->run, a->ev->step);
    for (size_t i = c->steps_count; was && i > c->steps_from; i--) {
        if (is_step_of(&c->steps[i - 1], a->ev)) {
            return &c->steps[i - 1];
        }
    }
    struct step_change *step = &c->steps[c->steps_count++];
    *step =
        (struct step_change){.of = c->stream,
                             .run = a->ev->run,
                             .step = a->ev->step,
                             .status = STR("waiting"),
                             .started_ms = NO_NUMBER,
                             .ended_ms = NO_NUMBER,
                             .duration_ms = NO_NUMBER,
                             .retry_ms = NO_NUMBER,
                             .is_plan = true,
                             .begins = !was && a->ev->type == EVENT_ASSET_MATERIALIZATION_PLANNED};
    return step;
}

static void add_step_end(const struct adding *a, struct step_change *step)
{
    step->ended_ms = a->at_ms;
    step->duration_ms = number(a, MEMBER_DURATION_MS);
    put_text(&step->error, object(a, MEMBER_ERROR));
    put_text(&step->exit, members_text(a->m, MEMBER_EXIT));
    step->reason = members_text(a->m, MEMBER_REASON);
}

static void add_step_retry(const struct adding *a, struct step_change *step)
{
    struct wall_time retry_at;
    if (wall_parse(members_text(a->m, MEMBER_RETRY_AT), &retry_at)) {
        step->retry_ms = wall_ms(retry_at);
    }
    put_text(&step->error, object(a, MEMBER_ERROR));
}

/* NULL as status: planned, which does not change the status of a step that is known. */
static void add_to_step(const struct adding *a, const char *status)
{
    if (str_is_empty(a->ev->run) || str_is_empty(a->ev->step)) {
        return;
    }
    struct step_change *step = step_of(a);
    if (str_eq(a->ev->asset, a->ev->step)) { /* else it makes several */
        put_text(&step->asset, a->ev->asset);
    }
    if (status == NULL) {
        return;
    }
    int64_t attempt = number(a, MEMBER_ATTEMPT);
    step->is_plan = false;
    step->status = str_from(status);
    step->attempt = attempt > step->attempt ? attempt : step->attempt;
    step->ended_ms = NO_NUMBER;
    step->duration_ms = NO_NUMBER;
    step->retry_ms = NO_NUMBER;
    step->reason = STR_NONE;
    if (a->ev->type == EVENT_STEP_START || a->ev->type == EVENT_STEP_RESTARTED) {
        step->started_ms = a->at_ms;
    } else if (a->ev->type == EVENT_STEP_UP_FOR_RETRY) {
        add_step_retry(a, step);
    } else {
        add_step_end(a, step);
    }
}

/* --- assets ------------------------------------------------------------------------------- */

static struct asset_change *asset_of(const struct adding *a)
{
    struct changes *c = a->c;
    for (size_t i = c->assets_count; i > c->assets_from; i--) {
        if (str_eq(c->assets[i - 1].asset, a->ev->asset)) {
            return &c->assets[i - 1];
        }
    }
    struct asset_change *asset = &c->assets[c->assets_count++];
    *asset = (struct asset_change){.of = c->stream, .asset = a->ev->asset};
    return asset;
}

static void add_partition(const struct adding *a, bool is_made)
{
    struct str first = members_text(a->m, MEMBER_PARTITION);
    struct str last = members_text(a->m, MEMBER_PARTITION_END);
    if (str_is_empty(first)) {
        return;
    }
    a->c->partitions[a->c->partitions_count++] =
        (struct partition_change){.of = a->c->stream,
                                  .asset = a->ev->asset,
                                  .first = first,
                                  .last = str_is_empty(last) ? first : last,
                                  .run = a->ev->run,
                                  .seq = a->ev->seq,
                                  .at_ms = a->at_ms,
                                  .is_made = is_made};
}

static void add_materialization(const struct adding *a)
{
    struct materialization_change *made = &a->c->materializations[a->c->materializations_count++];
    struct str metadata = object(a, MEMBER_METADATA);
    *made = (struct materialization_change){.of = a->c->stream,
                                            .asset = a->ev->asset,
                                            .run = a->ev->run,
                                            .step = a->ev->step,
                                            .data_version = members_text(a->m, MEMBER_DATA_VERSION),
                                            .metadata = metadata,
                                            .seq = a->ev->seq,
                                            .at_ms = a->at_ms,
                                            .row_count = NO_NUMBER,
                                            .rows_written = NO_NUMBER,
                                            .byte_count = NO_NUMBER};
    const struct metadata_number numbers[] = {{STR("dagster/row_count"), &made->row_count},
                                              {STR("rows_written"), &made->rows_written},
                                              {STR("bytes_read"), &made->byte_count}};
    metadata_numbers(metadata, numbers, COUNT_OF(numbers));
    struct asset_change *asset = asset_of(a);
    asset->materializations++;
    asset->materialized = made;
    add_partition(a, true);
}

static void add_failure(const struct adding *a)
{
    struct asset_change *asset = asset_of(a);
    asset->failures++;
    asset->failed = (struct failure_change){
        .run = a->ev->run, .error = object(a, MEMBER_ERROR), .seq = a->ev->seq, .at_ms = a->at_ms};
    add_partition(a, false);
}

static struct check_change *check_of(const struct adding *a, struct str name)
{
    struct changes *c = a->c;
    for (size_t i = c->checks_count; i > c->checks_from; i--) {
        struct check_change *check = &c->checks[i - 1];
        if (str_eq(check->asset, a->ev->asset) && str_eq(check->name, name)) {
            return check;
        }
    }
    return &c->checks[c->checks_count++];
}

static void add_check(const struct adding *a)
{
    struct str name = members_name(a->m, MEMBER_CHECK);
    if (str_is_empty(name)) {
        return;
    }
    struct check_change *check = &a->c->evaluations[a->c->evaluations_count++];
    *check = (struct check_change){.of = a->c->stream,
                                   .asset = a->ev->asset,
                                   .name = name,
                                   .severity = members_text(a->m, MEMBER_SEVERITY),
                                   .run = a->ev->run,
                                   .metadata = object(a, MEMBER_METADATA),
                                   .seq = a->ev->seq,
                                   .at_ms = a->at_ms,
                                   .passed = members_is_true(a->m, MEMBER_PASSED)};
    *check_of(a, name) = *check;
}

static void add_to_asset(const struct adding *a)
{
    if (str_is_empty(a->ev->asset)) {
        return;
    }
    if (a->ev->type == EVENT_ASSET_MATERIALIZATION) {
        if (!members_is_true(a->m, MEMBER_PARTIAL)) { /* else evidence, in the log only */
            add_materialization(a);
        }
    } else if (a->ev->type == EVENT_ASSET_FAILED_TO_MATERIALIZE) {
        add_failure(a);
    } else {
        add_check(a);
    }
}

/* --- the device --------------------------------------------------------------------------- */

static struct tick_change *tick_of(const struct adding *a, struct str kind, struct str name)
{
    struct changes *c = a->c;
    for (size_t i = c->ticks_count; i > c->ticks_from; i--) {
        if (str_eq(c->ticks[i - 1].name, name) && str_eq(c->ticks[i - 1].kind, kind)) {
            return &c->ticks[i - 1];
        }
    }
    struct tick_change *tick = &c->ticks[c->ticks_count++];
    *tick = (struct tick_change){.of = c->stream, .kind = kind, .name = name};
    return tick;
}

static void add_tick(const struct adding *a)
{
    struct str name = STR_NONE;
    struct str kind = members_instigator(a->m, &name);
    if (str_is_empty(kind)) {
        return;
    }
    a->c->tick_places[a->c->tick_places_count++] = (struct tick_place){
        .of = a->c->stream, .kind = kind, .name = name, .seq = a->ev->seq, .at_ms = a->at_ms};
    struct tick_change *tick = tick_of(a, kind, name);
    tick->status = members_text(a->m, MEMBER_STATUS);
    tick->nominal = members_text(a->m, MEMBER_NOMINAL);
    tick->run = a->ev->run;
    tick->reason = members_text(a->m, MEMBER_REASON);
    tick->seq = a->ev->seq;
    tick->at_ms = a->at_ms;
    tick->ticks++;
    tick->started += str_eq(tick->status, STR("started")) ? 1 : 0;
}

static void add_freshness(const struct adding *a)
{
    struct changes *c = a->c;
    struct str status = members_name(a->m, MEMBER_STATUS);
    if (str_is_empty(a->ev->asset) || str_is_empty(status)) {
        return;
    }
    size_t i = c->freshness_from;
    while (i < c->freshness_count && !str_eq(c->freshness[i].asset, a->ev->asset)) {
        i++;
    }
    c->freshness_count += i == c->freshness_count ? 1 : 0;
    c->freshness[i] = (struct freshness_change){.of = c->stream,
                                                .asset = a->ev->asset,
                                                .status = status,
                                                .seq = a->ev->seq,
                                                .at_ms = a->at_ms};
}

static void add_gap(const struct adding *a, int64_t from)
{
    a->c->gaps[a->c->gaps_count++] =
        (struct gap_change){.of = a->c->stream,
                            .reason = members_text(a->m, MEMBER_REASON),
                            .dropped = object(a, MEMBER_DROPPED),
                            .seq = a->ev->seq,
                            .from = from,
                            .at_ms = a->at_ms};
}

static void add_bundle(const struct adding *a)
{
    struct changes *c = a->c;
    struct str bundle = members_name(a->m, MEMBER_BUNDLE);
    if (str_is_empty(bundle)) {
        return;
    }
    size_t i = c->bundles_from;
    while (i < c->bundles_count && !str_eq(c->bundles[i].bundle, bundle)) {
        i++;
    }
    c->bundles_count += i == c->bundles_count ? 1 : 0;
    c->bundles[i] = (struct bundle_change){.of = c->stream,
                                           .bundle = bundle,
                                           .status = members_text(a->m, MEMBER_STATUS),
                                           .current = members_text(a->m, MEMBER_CURRENT),
                                           .reason = members_text(a->m, MEMBER_REASON),
                                           .seq = a->ev->seq,
                                           .at_ms = a->at_ms};
}

static struct device_change *device_of(const struct adding *a)
{
    struct changes *c = a->c;
    if (c->devices_count == c->devices_from) {
        c->devices[c->devices_count++] = (struct device_change){.of = c->stream};
    }
    return &c->devices[c->devices_count - 1];
}

static void add_device_start(const struct adding *a)
{
    struct device_change *device = device_of(a);
    device->version = members_text(a->m, MEMBER_VERSION);
    device->board = members_text(a->m, MEMBER_BOARD);
    device->boot_id = members_text(a->m, MEMBER_BOOT_ID);
    device->agent_start = members_text(a->m, MEMBER_AGENT_START);
    device->at_ms = a->at_ms;
    device->starts++;
}

/* --- which event changes what ------------------------------------------------------------- */

static void add(const struct adding *a, int64_t from)
{
    switch (a->ev->type) {
    case EVENT_RUN_ENQUEUED:
        add_to_run(a, "queued");
        break;
    case EVENT_RUN_START:
        add_to_run(a, "started");
        break;
    case EVENT_RUN_SUCCESS:
        add_to_run(a, "success");
        break;
    case EVENT_RUN_FAILURE:
        add_to_run(a, "failure");
        break;
    case EVENT_RUN_CANCELED:
        add_to_run(a, "canceled");
        break;
    case EVENT_ASSET_MATERIALIZATION_PLANNED:
        add_to_step(a, NULL);
        break;
    case EVENT_STEP_START:
    case EVENT_STEP_RESTARTED:
        add_to_step(a, "started");
        break;
    case EVENT_STEP_SUCCESS:
        add_to_step(a, "success");
        break;
    case EVENT_STEP_FAILURE:
        add_to_step(a, "failure");
        break;
    case EVENT_STEP_SKIPPED:
        add_to_step(a, "skipped");
        break;
    case EVENT_STEP_UP_FOR_RETRY:
        add_to_step(a, "up_for_retry");
        break;
    case EVENT_ASSET_MATERIALIZATION:
    case EVENT_ASSET_FAILED_TO_MATERIALIZE:
    case EVENT_ASSET_CHECK_EVALUATION:
        add_to_asset(a);
        break;
    case EVENT_FRESHNESS_STATE_CHANGE:
        add_freshness(a);
        break;
    case EVENT_TICK:
        add_tick(a);
        break;
    case EVENT_BUFFER_GAP:
        add_gap(a, from);
        break;
    case EVENT_DEVICE:
        add_device_start(a);
        break;
    case EVENT_CLOCK_STEP:
        device_of(a)->clock_steps++;
        break;
    case EVENT_BUNDLE:
        add_bundle(a);
        break;
    case EVENT_DEFINITIONS: /* views.c; and so are the next seven */
    case EVENT_COMMAND:
    case EVENT_BACKFILL:
    case EVENT_DEVICE_HEALTH:
    case EVENT_DESIRED:
    case EVENT_INSTIGATOR:
    case EVENT_DYNAMIC_PARTITIONS:
    case EVENT_ASSET_OBSERVATION:
    case EVENT_RUN_DEQUEUED: /* in the log only, as are types of a newer agent */
    case EVENT_RUN_CANCELING:
    case EVENT_ASSET_CHECK_EVALUATION_PLANNED:
    case EVENT_LOGS_CAPTURED:
    case EVENT_ENGINE_EVENT:
    case EVENT_LOG:
    case EVENT_AUTOMATION_EVALUATION:
    case EVENT_UNKNOWN:
    case EVENT_TYPE_COUNT:
        break;
    }
}

void changes_add(struct changes *c, const struct view_stream *stream, const struct told_event *told,
                 int64_t from, struct arena *text)
{
    const struct adding a = {
        .c = c, .ev = &told->ev, .m = &c->members, .at_ms = wall_ms(told->ev.at)};
    members_of(&c->members, told, text);
    enter(c, stream);
    c->events++;
    add(&a, from);
}
