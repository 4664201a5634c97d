#include "agent/transform/build_run.h"

#include "agent/el/cancel.h"
#include "agent/transform/build_words.h"
#include "common/base/limits.h"

struct running {
    const struct build_run *run;
    const struct dbt_project *project;
    struct dbt_build *build;
    struct arena scratch; /* of the node at hand */
    struct build_words words;
    struct build_counts *counts;
    int64_t index; /* of the node at hand, from 1 on */
};

/* ---- one node ---- */

/* Nothing that is not understood is run: admission comes before each node, whatever was said earlier. */
static bool not_admitted(const struct dbt_verdict *verdict, struct err *err)
{
    err_set(err, ERR_DENIED, "%s: " STR_FMT, dbt_admission_name(verdict->admission),
            STR_ARG(str_clip(verdict->reason, 300)));
    if (verdict->change.len > 0) {
        err_hint(err, STR_FMT, STR_ARG(str_clip(verdict->change, 190)));
    }
    return false;
}

/* What was run of it; before it ran, nothing. */
static struct str sql_of(const struct dbt_spec *spec, const struct node_result *result)
{
    if (spec == NULL) {
        return STR_NONE;
    }
    return result->was_incremental ? spec->sql_incremental : spec->sql;
}

static bool run_node(struct running *r, uint32_t node, struct node_end *end, struct err *err)
{
    struct dbt_verdict verdict;
    const struct dbt_spec *spec = NULL;
    if (!dbt_admit_read(r->project, node, &r->run->host, &r->scratch, &verdict, &spec, err)) {
        return false;
    }
    if (verdict.admission != DBT_NATIVE || spec == NULL) {
        return not_admitted(&verdict, err);
    }
    const bool ok = node_run(r->run->transform, spec, &r->scratch, &end->result, err);
    end->sql = sql_of(spec, &end->result);
    return ok;
}

static struct node_end nothing_yet(const struct dbt_node *node)
{
    return (struct node_end){
        .unique_id = node->unique_id,
        .duration_ns = -1,
        .result = {.rows_written = -1, .row_count = -1, .failures = -1},
    };
}

static void count(struct build_counts *counts, enum dbt_status status)
{
    switch (status) {
    case DBT_SUCCESS:
    case DBT_PASS:
    case DBT_NO_OP:
        counts->well++;
        break;
    case DBT_WARN:
        counts->warned++;
        break;
    case DBT_SKIPPED:
        counts->skipped++;
        break;
    case DBT_ERROR:
    case DBT_FAIL:
    case DBT_PARTIAL:
    case DBT_RUNTIME_ERROR:
    case DBT_NOT_RUN:
        counts->failed++;
        break;
    }
}

static struct str why_skipped(struct running *r, uint32_t because)
{
    if (because == DBT_NO_NODE) {
        return STR("skipped due to fail_fast");
    }
    const struct str text =
        arena_printf(&r->scratch, "skipped because of " STR_FMT,
                     STR_ARG(str_clip(r->project->nodes[because].unique_id, 200)));
    return text.ptr == NULL ? STR("skipped because of another node") : text;
}

static void tell_end(struct running *r, uint32_t node, const struct node_end *end)
{
    const struct node_listener *listener = r->run->listener;
    count(r->counts, end->result.status);
    build_say_end(&r->words, node, r->index, end);
    listener->ended(listener->ctx, end);
}

/* False: the build was cancelled while it ran; it is told as failed. */
static bool run_and_tell(struct running *r, uint32_t node, struct err *err)
{
    const struct dbt_node *of = &r->project->nodes[node];
    const struct node_listener *listener = r->run->listener;
    struct node_end end = nothing_yet(of);
    struct err why = {0};
    listener->started(listener->ctx, of->unique_id, r->index, r->counts->total);
    build_say_start(&r->words, node, r->index);
    const struct mono_time began = clock_mono(&r->run->clock);
    if (!run_node(r, node, &end, &why)) {
        end.result.status = DBT_ERROR;
        end.err = &why;
    }
    end.duration_ns = clock_mono(&r->run->clock).ns - began.ns;
    tell_end(r, node, &end);
    dbt_build_ended(r->build, node, end.result.status);
    if (end.err != NULL && why.code == ERR_CANCELLED) {
        *err = why;
        return false;
    }
    return true;
}

/* ---- all nodes ---- */

static bool take_turn(struct running *r, const struct dbt_turn *turn, struct err *err)
{
    const struct dbt_node *node = &r->project->nodes[turn->node];
    if (dbt_is_ephemeral(node)) { /* it is a part of its children's text */
        if (!turn->is_skipped) {
            dbt_build_ended(r->build, turn->node, DBT_SUCCESS);
        }
        return true;
    }
    r->index++;
    if (!turn->is_skipped) {
        return run_and_tell(r, turn->node, err);
    }
    struct node_end end = nothing_yet(node);
    end.result.status = DBT_SKIPPED;
    end.result.message = why_skipped(r, turn->because);
    tell_end(r, turn->node, &end);
    return true;
}

static bool run_all(struct running *r, struct err *err)
{
    struct dbt_turn turn;
    while (dbt_build_next(r->build, &turn)) {
        arena_reset(&r->scratch);
        if (cancel_requested()) {
            return cancel_error(err);
        }
        if (!take_turn(r, &turn, err)) {
            return false;
        }
    }
    return true;
}

bool build_run(const struct build_run *run, struct build_counts *ret, struct err *err)
{
    const struct dbt_project *project = run->transform->project;
    const struct dbt_build_options options = {.fail_fast = run->fail_fast};
    *ret = (struct build_counts){0};
    struct running r = {
        .run = run, .project = project, .scratch = arena_new(LIMIT_DBT_NODE_ARENA), .counts = ret};
    AUTO(arena) order = arena_new(LIMIT_DBT_ARENA);
    bool ok = dbt_build_new(project, run->selected, &options, &order, &r.build, err);
    if (ok) {
        ret->total = (int64_t)dbt_build_count(r.build);
        r.words = (struct build_words){
            .project = project, .listener = run->listener, .total = ret->total};
        ok = run_all(&r, err);
    }
    arena_release(&r.scratch);
    return ok;
}
