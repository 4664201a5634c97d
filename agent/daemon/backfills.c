#include "agent/daemon/backfills_internal.h"

#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_AT_ONCE_MAX = 64 };
#define RETRY_NS (5 * NS_PER_SEC) /* the disk or the queue is full */

struct wall_time backfills_now(const struct backfills *b)
{
    return clock_wall(loop_clock(b->options.loop));
}

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "backfill: out of memory");
}

/* --- the open ones ---------------------------------------------------------------------------- */

static void free_open(struct open_backfill *open)
{
    backfills_write_end(open);
    arena_release(&open->arena);
    free(open);
}

static bool copy_facts(struct open_backfill *open, const struct stored_backfill *facts)
{
    open->facts = *facts;
    struct str *const texts[] = {&open->facts.id,    &open->facts.selection, &open->facts.status,
                                 &open->facts.after, &open->facts.tags,      &open->facts.reason};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_copy(&open->arena, *texts[i]);
        if (texts[i]->ptr == NULL) {
            return false;
        }
    }
    return true;
}

/* Its runs carry its tags, and Dagster's that names it. */
static bool read_run_tags(struct open_backfill *open, struct err *err)
{
    static struct str name[] = {STR_INIT("dagster/backfill")};
    const struct str_map own = {.keys = name, .values = &open->facts.id, .count = 1};
    struct str_map given = {0};
    return tags_read(open->facts.tags, &open->arena, &given, err) &&
           tags_join(&given, &own, &open->arena, &open->tags, err);
}

bool backfills_add(struct backfills *b, const struct stored_backfill *facts, struct err *err)
{
    struct open_backfill *open = calloc(1, sizeof(*open));
    if (open == NULL) {
        return out_of_memory(err);
    }
    open->arena = arena_new(BACKFILL_OPEN_ARENA_BYTES);
    open->status = backfill_status_from(facts->status);
    open->policy = (struct backfill_policy){.per_run = facts->per_run,
                                            .runs_max = facts->runs_max > 0 ? facts->runs_max
                                                                            : b->options.runs_max,
                                            .newest_first = facts->newest_first};
    if (!copy_facts(open, facts) || !read_run_tags(open, err)) {
        free_open(open);
        return out_of_memory(err);
    }
    struct open_backfill **tail = &b->first;
    while (*tail != NULL) {
        tail = &(*tail)->next;
    }
    *tail = open;
    b->count++;
    return true;
}

struct open_backfill *backfills_find(const struct backfills *b, struct str id)
{
    struct open_backfill *open = b->first;
    while (open != NULL && !str_eq(open->facts.id, id)) {
        open = open->next;
    }
    return open;
}

void backfills_remove(struct backfills *b, struct open_backfill *open)
{
    struct open_backfill **at = &b->first;
    while (*at != open) {
        at = &(*at)->next;
    }
    *at = open->next;
    b->count--;
    free_open(open);
}

/* --- what comes next -------------------------------------------------------------------------- */

struct record backfills_status(const struct backfills *b, const struct open_backfill *open,
                               enum backfill_status status)
{
    return (struct record){.type = EVENT_BACKFILL,
                           .at = backfills_now(b),
                           .backfill = open->facts.id,
                           .status = str_from(backfill_status_name(status)),
                           .reason = str_from(open->reason)};
}

/* False: it is gone from the list, but not yet as ended in the database, which those that wait for
 * it ask: the next turn goes on. */
static bool end_backfill(struct backfills *b, struct open_backfill *open,
                         enum backfill_status status)
{
    struct err err = {0};
    struct record ended = backfills_status(b, open, status);
    if (!runner_record(b->options.runner, &ended, &err)) {
        loop_timer_arm_in(b->options.loop, &b->timer, RETRY_NS); /* it is still open then */
        return true;
    }
    LOG(INFO, "backfill.ended", F_S("backfill", open->facts.id), F_S("status", ended.status),
        F_S("reason", ended.reason));
    backfills_remove(b, open);
    loop_defer(b->options.loop, &b->task);
    return false;
}

static bool look_before(const struct backfills *b, struct open_backfill *open,
                        enum backfill_before *ret, struct err *err)
{
    AUTO(arena) arena = arena_new(BACKFILL_SMALL_ARENA_BYTES);
    struct stored_backfill before = {0};
    bool found = false;
    *ret = BACKFILL_BEFORE_NONE;
    if (str_is_empty(open->facts.after)) {
        return true;
    }
    if (backfills_find(b, open->facts.after) != NULL) {
        *ret = BACKFILL_BEFORE_OPEN;
        return true;
    }
    if (!store_load_backfill(b->options.store, open->facts.after, &arena, &before, &found, err)) {
        return false;
    }
    if (!found || backfill_status_from(before.status) != BACKFILL_COMPLETED_SUCCESS) {
        *ret = BACKFILL_BEFORE_FAILED;
        (void)snprintf(open->reason, sizeof(open->reason),
                       "backfill " STR_FMT ", which comes first, did not succeed",
                       STR_ARG(open->facts.after));
    }
    return true;
}

static bool find_assets(const struct backfills *b, struct open_backfill *open, struct err *err)
{
    AUTO(arena) arena = arena_new(BACKFILL_PLAN_ARENA_BYTES);
    bool *selected = NULL;
    struct backfill_leg *legs = NULL;
    size_t count = 0;
    if (open->assets != NULL) {
        return true;
    }
    if (!definitions_select(b->defs, open->facts.selection, &arena, &selected, err) ||
        !backfill_legs(b->defs, selected, &arena, &legs, &count, err)) {
        return false;
    }
    if ((size_t)open->facts.leg >= count) {
        return err_set(err, ERR_NOT_FOUND, "the definitions have changed since it was asked for");
    }
    const struct backfill_leg *leg = &legs[open->facts.leg];
    uint32_t *assets = arena_array(&open->arena, leg->count, sizeof(*assets));
    if (assets == NULL) {
        return out_of_memory(err);
    }
    memcpy(assets, leg->assets, leg->count * sizeof(*assets));
    open->assets = assets;
    open->asset_count = leg->count;
    return true;
}

static bool enqueue_chunk(struct backfills *b, struct open_backfill *open,
                          const struct backfill_chunk *chunk, struct err *err)
{
    char run[UUID_TEXT_SIZE];
    struct run_request request = {.assets = open->assets,
                                  .asset_count = open->asset_count,
                                  .cause = STR("backfill"),
                                  .cause_name = open->facts.id,
                                  .selection = open->facts.selection,
                                  .on_overlap = OVERLAP_QUEUE,
                                  .tags = open->tags,
                                  .partition = str_from(chunk->first),
                                  .backfill = open->facts.id,
                                  .partitions = chunk->count};
    if (chunk->count > 1) {
        request.partition_end = str_from(chunk->last);
    }
    return runner_enqueue(b->options.runner, &request, run, err);
}

struct chunks {
    const struct backfill_policy *policy;
    struct backfill_chunk *items;
    size_t count;
    size_t wanted;
};

static bool take_part(void *ctx, const struct stored_part *part)
{
    struct chunks *c = ctx;
    if (c->count > 0 &&
        backfill_chunk_add(&c->items[c->count - 1], c->policy, part->number, part->partition)) {
        return true;
    }
    if (c->count == c->wanted) {
        return false;
    }
    /* The first part of a chunk always fits. */
    return backfill_chunk_add(&c->items[c->count++], c->policy, part->number, part->partition);
}

/* What cannot be had now may be had later; anything else never. */
static bool is_for_now(enum err_code code)
{
    return code == ERR_FULL || code == ERR_NO_MEMORY || code == ERR_BUSY;
}

static void request_runs(struct backfills *b, struct open_backfill *open, int64_t runs)
{
    struct err err = {0};
    struct chunks c = {.policy = &open->policy,
                       .wanted = (size_t)(runs < RUNS_AT_ONCE_MAX ? runs : RUNS_AT_ONCE_MAX)};
    c.items = calloc(c.wanted, sizeof(*c.items));
    bool ok =
        (c.items != NULL || out_of_memory(&err)) && find_assets(b, open, &err) &&
        store_backfill_parts(b->options.store, open->facts.id, STR("waiting"), take_part, &c, &err);
    for (size_t i = 0; ok && i < c.count; i++) {
        ok = enqueue_chunk(b, open, &c.items[i], &err);
    }
    free(c.items);
    if (ok) {
        return;
    }
    if (is_for_now(err.code)) {
        loop_timer_arm_in(b->options.loop, &b->timer, RETRY_NS);
        return;
    }
    open->is_refused = true;
    (void)snprintf(open->reason, sizeof(open->reason), "%s", err.msg);
    LOG(WARN, "backfill.refused", F_S("backfill", open->facts.id), F_ERR(&err),
        F_T("action", "asking for no more runs; those that are open go on"));
    loop_defer(b->options.loop, &b->task);
}

static void cancel_runs(struct backfills *b, const struct open_backfill *open)
{
    AUTO(arena) arena = arena_new(BACKFILL_SMALL_ARENA_BYTES);
    struct str *runs = NULL;
    size_t count = 0;
    struct err err = {0};
    if (!store_backfill_runs(b->options.store, open->facts.id, &arena, &runs, &count, &err)) {
        LOG(WARN, "backfill.runs_not_canceled", F_S("backfill", open->facts.id), F_ERR(&err));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!runner_cancel(b->options.runner, runs[i], &err)) {
            continue; /* it has ended just now */
        }
    }
}

static bool look(struct backfills *b, struct open_backfill *open, struct backfill_facts *ret,
                 struct err *err)
{
    struct stored_backfill_facts stored;
    if (!store_backfill_facts(b->options.store, open->facts.id, &stored, err)) {
        return false;
    }
    *ret = (struct backfill_facts){.status = open->status,
                                   .open_runs = stored.open_runs,
                                   .has_waiting = stored.has_waiting,
                                   .has_failed = stored.has_failed,
                                   .is_refused = open->is_refused};
    return look_before(b, open, &ret->before, err);
}

/* False: it has ended. */
static bool decide(struct backfills *b, struct open_backfill *open)
{
    struct backfill_facts facts;
    struct err err = {0};
    if (!look(b, open, &facts, &err)) {
        LOG(ERROR, "backfill.not_read", F_S("backfill", open->facts.id), F_ERR(&err));
        loop_timer_arm_in(b->options.loop, &b->timer, RETRY_NS);
        return true;
    }
    struct backfill_decision decision = backfill_decide(&open->policy, &facts);
    switch (decision.action) {
    case BACKFILL_REQUEST_RUNS:
        request_runs(b, open, decision.runs);
        break;
    case BACKFILL_CANCEL_RUNS:
        cancel_runs(b, open);
        break;
    case BACKFILL_END:
        return end_backfill(b, open, decision.status);
    case BACKFILL_WAIT:
        break;
    }
    return true;
}

/* One record a turn, of the first that is not written down. */
static void write_more(struct backfills *b)
{
    struct err err = {0};
    struct open_backfill *open = b->first;
    while (open != NULL && !backfills_is_writing(open)) {
        open = open->next;
    }
    if (open == NULL) {
        return;
    }
    if (backfills_write_more(b, open, &err)) {
        loop_defer(b->options.loop, &b->task);
    } else {
        loop_timer_arm_in(b->options.loop, &b->timer, RETRY_NS);
    }
}

/* The facts are those of the database: everything that was said must be in it. */
static void go_on(void *ctx)
{
    struct backfills *b = ctx;
    struct err err = {0};
    if (b->is_stopping || b->first == NULL) {
        return;
    }
    if (!store_flush(b->options.store, backfills_now(b), &err)) {
        loop_timer_arm_in(b->options.loop, &b->timer, RETRY_NS); /* the runner says so */
        return;
    }
    runner_pump(b->options.runner); /* tells the link of what was written */
    struct open_backfill *open = b->first;
    while (open != NULL && (backfills_is_writing(open) || decide(b, open))) {
        open = open->next;
    }
    write_more(b);
}

/* --- life ------------------------------------------------------------------------------------- */

static bool load_open(struct backfills *b, struct err *err)
{
    AUTO(arena) arena = arena_new(BACKFILL_SMALL_ARENA_BYTES);
    struct stored_backfill *open = NULL;
    size_t count = 0;
    if (!store_open_backfills(b->options.store, &arena, &open, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!backfills_add(b, &open[i], err)) {
            return false;
        }
        if (open[i].recorded < open[i].total) {
            struct open_backfill *half = backfills_find(b, open[i].id);
            half->status = BACKFILL_CANCELING;
            (void)snprintf(half->reason, sizeof(half->reason),
                           "the agent stopped while it was being written down");
        }
    }
    return true;
}

bool backfills_open(struct backfills **ret, const struct backfills_options *options,
                    struct err *err)
{
    struct backfills *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return out_of_memory(err);
    }
    b->options = *options;
    b->defs = definitions_share(options->defs);
    b->task = (struct loop_task){.run = go_on, .ctx = b};
    b->timer = (struct loop_timer){.on_due = go_on, .ctx = b};
    if (!load_open(b, err)) {
        backfills_close(b);
        return false;
    }
    *ret = b;
    return true;
}

void backfills_close(struct backfills *b)
{
    if (b == NULL) {
        return;
    }
    loop_defer_cancel(b->options.loop, &b->task);
    loop_timer_disarm(b->options.loop, &b->timer);
    while (b->first != NULL) {
        backfills_remove(b, b->first);
    }
    definitions_close(b->defs);
    free(b);
}

void backfills_start(struct backfills *b)
{
    if (b->count > 0) {
        LOG(INFO, "backfill.resumed", F_I("backfills", (int64_t)b->count));
    }
    loop_defer(b->options.loop, &b->task);
}

void backfills_stop(struct backfills *b)
{
    struct err err = {0};
    b->is_stopping = true;
    if (!backfills_write_all(b, &err)) {
        LOG(WARN, "backfill.half_written", F_ERR(&err));
    }
}

void backfills_use_definitions(struct backfills *b, struct definitions *defs)
{
    definitions_close(b->defs);
    b->defs = definitions_share(defs);
    for (struct open_backfill *open = b->first; open != NULL; open = open->next) {
        open->assets = NULL;
        open->is_refused = false; /* what was refused may be had now */
    }
    loop_defer(b->options.loop, &b->task);
}

void backfills_run_ended(struct backfills *b, const struct run_end *end)
{
    if (!str_is_empty(end->backfill)) {
        loop_defer(b->options.loop, &b->task);
    }
}
