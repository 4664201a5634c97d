/* sensors_command.c - sensors that ask a program, one question at a time: what it answers is done
 * whole before it is asked again. */
#include "agent/daemon/sensor_program.h"
#include "agent/daemon/sensors_internal.h"
#include "agent/sense/answer.h"
#include "agent/store/sensors.h"
#include <stdlib.h>

struct asking {
    struct sensor_slot *slot;
    struct program *program; /* NULL: none runs */
    struct mono_time asked;
    struct arena arena; /* of the answer */
    struct answer answer;
    bool has_answer;
    size_t next_run; /* of the answer's */
    size_t started;
    bool was_refused; /* one of its runs: the cursor stays, to be asked about them again */
    struct err why;   /* instead of an answer */
};

static bool asking_open(struct sensor_slot *slot, struct err *err)
{
    struct asking *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return err_set(err, ERR_NO_MEMORY, "sensor " STR_FMT ": out of memory",
                       STR_ARG(slot->def->name));
    }
    a->slot = slot;
    a->arena = arena_new(ANSWER_ARENA_BYTES);
    slot->source_state = a;
    return true;
}

static void asking_close(struct sensor_slot *slot)
{
    struct asking *a = slot->source_state;
    program_close(a->program);
    arena_release(&a->arena);
    free(a);
    slot->source_state = NULL;
}

/* --- asking --- */

static void forget(struct asking *a)
{
    arena_release(&a->arena); /* an answer may have been large; most are small */
    a->arena = arena_new(ANSWER_ARENA_BYTES);
    a->answer = (struct answer){0};
    a->has_answer = a->was_refused = false;
    a->next_run = a->started = 0;
    a->why = (struct err){0};
}

static bool is_set_of(const struct definitions *defs, struct str set)
{
    for (size_t i = 0; i < defs->asset_count; i++) {
        const struct partitions *p = &defs->assets[i].partitions;
        if (p->kind == PARTITION_DYNAMIC && str_eq(p->set, set)) {
            return true;
        }
    }
    return false;
}

static bool add_partition(const struct sensors *all, struct str set, struct str key,
                          struct err *err)
{
    bool is_there = false;
    struct record added = {.type = EVENT_DYNAMIC_PARTITIONS,
                           .at = clock_wall(loop_clock(all->options.loop)),
                           .set = set,
                           .partition = key,
                           .status = STR("added")};
    if (!store_has_partition(all->options.store, set, key, &is_there, err) || is_there) {
        return is_there;
    }
    return runner_record(all->options.runner, &added, err) ||
           (err->code == ERR_FULL && runner_flush(all->options.runner) &&
            runner_record(all->options.runner, &added, err));
}

/* Before the runs, which may be of them. */
static bool add_partitions(const struct asking *a, struct err *err)
{
    const struct sensors *all = a->slot->all;
    for (size_t i = 0; i < a->answer.set_count; i++) {
        const struct answer_partitions *set = &a->answer.sets[i];
        if (!is_set_of(all->defs, set->set)) {
            return err_set(err, ERR_NOT_FOUND,
                           "add_partitions: no asset has dynamic partitions \"" STR_FMT "\"",
                           STR_ARG(set->set));
        }
    }
    for (size_t i = 0; i < a->answer.set_count; i++) {
        const struct answer_partitions *set = &a->answer.sets[i];
        for (size_t k = 0; k < set->keys.count; k++) {
            if (!add_partition(all, set->set, set->keys.items[k], err)) {
                return err_wrap(err, "add_partitions");
            }
        }
    }
    return true;
}

static void on_program_end(void *ctx, const struct program_end *end)
{
    struct asking *a = ctx;
    bool ok = end->ok || err_set(&a->why, end->why.code, "%s", end->why.msg);
    ok = ok && answer_parse(end->said, &a->arena, &a->answer, &a->why);
    a->has_answer = ok && add_partitions(a, &a->why);
    program_close(a->program);
    a->program = NULL;
    sensors_wake(a->slot->all);
}

static void ask(struct sensor_slot *slot, struct asking *a)
{
    const struct sensors *all = slot->all;
    struct sensor_env env;
    sensor_get_env(slot, &env);
    struct program_context context = {.defs = all->defs,
                                      .sensor = slot->def,
                                      .env = &env.lookup,
                                      .state_dir = all->options.state_dir_abs,
                                      .cursor = buf_str(&slot->cursor),
                                      .last_tick = slot->ticked_at,
                                      .store_id = all->options.store_id};
    struct program_options options = {.on_end = on_program_end, .ctx = a};
    a->asked = sensor_now(slot);
    pace_ticked(&slot->pace, a->asked); /* the interval is from question to question */
    if (!program_start(&a->program, all->options.loop, &context, &options, &a->why)) {
        a->program = NULL;
    }
}

/* --- what it answered --- */

static void tell_end(const struct asking *a, struct cause *ret)
{
    const struct answer *answer = &a->answer;
    ret->kind = CAUSE_NOTHING;
    ret->reason = answer->skip;
    if (answer->run_count > 0) {
        ret->reason = STR("all its run keys had their runs");
    }
    ret->has_cursor = answer->has_cursor && !a->was_refused;
    ret->cursor = answer->cursor;
}

static void tell_run(const struct asking *a, struct cause *ret)
{
    const struct answer_run *run = &a->answer.runs[a->next_run];
    ret->kind = CAUSE_RUN;
    ret->run_key = run->run_key;
    ret->partition = run->partition;
    ret->tags = run->tags;
    bool is_last = a->next_run + 1 == a->answer.run_count;
    ret->has_cursor = is_last && a->answer.has_cursor && !a->was_refused;
    ret->cursor = a->answer.cursor;
}

/* An end says something when nothing was started, or when the cursor is still to be moved. */
static bool has_to_be_said(const struct asking *a)
{
    const struct sensor_slot *slot = a->slot;
    bool is_moved = !a->answer.has_cursor || a->was_refused ||
                    (slot->has_cursor && str_eq(buf_str(&slot->cursor), a->answer.cursor));
    bool has_reason = a->answer.run_count > 0 || !str_is_empty(a->answer.skip);
    return !is_moved || (a->started == 0 && has_reason && !a->was_refused);
}

static bool tell_failure(const struct asking *a, struct cause *ret)
{
    ret->kind = CAUSE_FAILURE;
    ret->reason = str_from(a->why.msg);
    return a->why.code != ERR_NONE;
}

static bool asking_next(struct sensor_slot *slot, struct cause *ret)
{
    struct asking *a = slot->source_state;
    if (a->program != NULL) {
        return false;
    }
    if (tell_failure(a, ret)) {
        return true;
    }
    if (a->has_answer && a->next_run < a->answer.run_count) {
        tell_run(a, ret);
        return true;
    }
    if (a->has_answer && has_to_be_said(a)) {
        tell_end(a, ret);
        return true;
    }
    if (a->has_answer) {
        slot->ticked_at = clock_wall(loop_clock(slot->all->options.loop));
        slot->told = (struct told){0}; /* the next failure is news again */
        forget(a);
    }
    if (pace_is_due(&slot->pace, sensor_now(slot))) {
        ask(slot, a);
    }
    return tell_failure(a, ret);
}

static void asking_decided(struct sensor_slot *slot, enum verdict verdict)
{
    struct asking *a = slot->source_state;
    if (verdict == VERDICT_NOTED) {
        forget(a);
        return;
    }
    a->started += verdict == VERDICT_STARTED;
    a->was_refused = a->was_refused || verdict == VERDICT_REFUSED;
    a->next_run++;
}

static struct mono_time asking_wake(const struct sensor_slot *slot)
{
    const struct asking *a = slot->source_state;
    return a->program != NULL ? (struct mono_time){INT64_MAX} : slot->pace.next;
}

static void asking_describe(const struct sensor_slot *slot, struct json_writer *w)
{
    const struct asking *a = slot->source_state;
    int64_t now = sensor_now(slot).ns;
    if (a->program != NULL) {
        jw_member_i64(w, "asked_ms_ago", (now - a->asked.ns) / NS_PER_MS);
    } else if (slot->pace.next.ns > now) {
        jw_member_i64(w, "next_in_ms", (slot->pace.next.ns - now) / NS_PER_MS);
    }
}

const struct sensor_source sensor_command = {.open = asking_open,
                                             .close = asking_close,
                                             .next = asking_next,
                                             .decided = asking_decided,
                                             .wake = asking_wake,
                                             .describe = asking_describe};
