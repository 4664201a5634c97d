/* world_ledger.c - what was recorded, and whether the hub has it: the second bookkeeping. A device's
 * events stand under an epoch; a disk that was put back to an earlier state makes a branch of it,
 * which shares what came before. The hub may know one branch, never a mixture. */
#include "tests/sim/world_internal.h"

#include <stdlib.h>
#include <string.h>

static void *must_have(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

struct epoch_ledger *ledger_now(struct sim_agent *agent)
{
    return &agent->epochs[agent->epoch_now];
}

static struct epoch_ledger *find(struct sim_agent *agent, const char *epoch)
{
    for (int i = 0; i < agent->epoch_count; i++) {
        if (strcmp(agent->epochs[i].epoch, epoch) == 0) {
            return &agent->epochs[i];
        }
    }
    return NULL;
}

void ledger_begin_epoch(struct sim_agent *agent)
{
    if (find(agent, agent->buffer->epoch) != NULL) {
        abort(); /* 64 random bits */
    }
    agent->epochs = must_have(
        reallocarray(agent->epochs, (size_t)agent->epoch_count + 1, sizeof(*agent->epochs)));
    struct epoch_ledger *e = &agent->epochs[agent->epoch_count];
    *e = (struct epoch_ledger){.branch_count = 1};
    memcpy(e->epoch, agent->buffer->epoch, sizeof(e->epoch));
    e->branch[0].is_possible = true;
    agent->epoch_now = agent->epoch_count++;
    agent->recorded = 0;
}

static void branch_add(struct branch *b, int64_t check)
{
    if (b->count == b->cap) {
        b->cap = b->cap == 0 ? 64 : 2 * b->cap;
        b->checks = must_have(reallocarray(b->checks, (size_t)b->cap, sizeof(*b->checks)));
    }
    b->checks[b->count++] = (uint32_t)check;
}

void ledger_add(struct sim_agent *agent, int64_t seq, int64_t check)
{
    struct epoch_ledger *e = ledger_now(agent);
    struct branch *b = &e->branch[e->branch_now];
    while (b->count < seq - 1) {
        branch_add(b, 0); /* a gap record stands for them */
    }
    branch_add(b, check);
}

void ledger_put_back(struct world *w, struct sim_agent *agent, const char *epoch, int branch,
                     int64_t seq)
{
    struct epoch_ledger *e = find(agent, epoch);
    if (e == NULL || e->branch_count == BRANCHES_MAX) {
        world_fail(w, "%s: no place for another branch", agent->name);
        return;
    }
    const struct branch *from = &e->branch[branch];
    struct branch *b = &e->branch[e->branch_count];
    *b = (struct branch){.is_possible = from->is_possible && e->merged <= seq};
    for (int64_t i = 0; i < seq; i++) {
        branch_add(b, from->checks[i]);
    }
    e->branch_now = e->branch_count++;
    agent->epoch_now = (int)(e - agent->epochs);
    agent->recorded = seq;
}

void ledger_release(struct sim_agent *agent)
{
    for (int i = 0; i < agent->epoch_count; i++) {
        for (int k = 0; k < agent->epochs[i].branch_count; k++) {
            free(agent->epochs[i].branch[k].checks);
        }
    }
    free(agent->epochs);
}

/* --- the hub's log ------------------------------------------------------------------------ */

/* One more row of the stream; false when no branch has it there. 0 in a branch: it was given up. */
static bool is_possible(struct epoch_ledger *e, int64_t seq, int64_t check, bool is_gap)
{
    bool is_any = false;
    for (int i = 0; i < e->branch_count; i++) {
        struct branch *b = &e->branch[i];
        b->is_possible =
            b->is_possible && b->count >= seq && (is_gap || b->checks[seq - 1] == (uint32_t)check);
        is_any = is_any || b->is_possible;
    }
    return is_any;
}

static void look_at_row(struct world *w, struct sim_agent *agent, struct epoch_ledger *e,
                        const struct db_query *q)
{
    int64_t seq = db_col_i64(q, 0);
    bool is_gap = str_eq(db_col_str(q, 3), STR("buffer_gap"));
    if (db_col_i64(q, 1) != e->merged + 1) {
        world_fail(w, "%s: the log goes on at %lld, not at %lld", agent->name,
                   (long long)db_col_i64(q, 1), (long long)e->merged + 1);
    } else if (!is_possible(e, seq, event_check(str_trim_end(db_col_str(q, 2), '\n')), is_gap)) {
        world_fail(w,
                   "%s: event %lld is not what was recorded, or of another disk than those before "
                   "it",
                   agent->name, (long long)seq);
    }
    w->result->gaps += is_gap;
    e->merged = seq;
}

void ledger_merged(struct world *w, struct sim_agent *agent, const char *epoch, int64_t seq)
{
    struct err err = {0};
    bool row = false;
    struct epoch_ledger *e = find(agent, epoch);
    if (e == NULL) {
        world_fail(w, "%s: the hub merges an epoch that never was", agent->name);
        return;
    }
    if (seq < e->merged) {
        world_fail(w, "%s: the hub goes back from %lld to %lld", agent->name, (long long)e->merged,
                   (long long)seq);
        return;
    }
    if (seq == e->merged) {
        return;
    }
    db_bind_at_str(&w->rows, 1, str_from(agent->name));
    db_bind_at_str(&w->rows, 2, str_from(epoch));
    db_bind_at_i64(&w->rows, 3, e->merged);
    while (db_next(&w->rows, &row, &err) && row && !world_has_failed(w)) {
        look_at_row(w, agent, e, &w->rows);
    }
    db_reset(&w->rows);
    if (!world_has_failed(w) && (err.code != ERR_NONE || e->merged != seq)) {
        world_fail(w, "%s: acknowledged up to %lld, the log ends at %lld %s", agent->name,
                   (long long)seq, (long long)e->merged, err.msg);
    }
}

void ledger_is_whole(struct world *w, struct sim_agent *agent)
{
    struct epoch_ledger *e = ledger_now(agent);
    const struct branch *b = &e->branch[e->branch_now];
    if (!b->is_possible) {
        world_fail(w, "%s: the hub knows another disk than the one that is there", agent->name);
    } else if (e->merged != agent->buffer->last_seq || b->count != agent->buffer->last_seq) {
        world_fail(w, "%s: the log ends at %lld, %lld were recorded", agent->name,
                   (long long)e->merged, (long long)agent->buffer->last_seq);
    }
    w->result->events += agent->buffer->last_seq;
    w->result->epochs += agent->epoch_count;
}
