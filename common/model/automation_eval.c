/* DESIGN: a condition is a constant tree of `struct condition`, written as Dagster composes its
 * own. eval() walks it for one root asset, and below *_DEPS_MATCH once for each dep; it carries
 * Dagster's candidate, which turns false where something before it was false: then a fact is not
 * asked, but a SINCE and a NEWLY_TRUE still follow what happens, for the ticks to come. Assets are
 * walked deps first, so that what a dep is requested for is known when its children ask. */
#include "common/model/automation_eval.h"

#include "common/base/limits.h"
#include "common/model/automation_conditions.h"
#include "common/model/automation_cursor.h"

enum { CURSOR_BYTES_MAX = LIMIT_DEPS_PER_ASSET * (LIMIT_ASSET_KEY_BYTES + 1) + 4096 };

/* --- one root --- */

struct evaluation {
    const struct automation_tick *tick;
    struct arena *arena;
    struct automation_result *results; /* of the roots so far */
    uint32_t root;
    const struct automation *condition;
    struct automation_cursor old;
    struct automation_cursor new;
    struct buf *deps;  /* the lines of the new cursor: deps updated since the cron's tick */
    bool is_whole;     /* the root has a partition to look at, or needs none */
    bool has_moved;    /* to another partition, or from or to having any, since the last tick */
    bool has_consumed; /* something came since the last tick, which must not come again */
    bool has_failed;
};

/* What a condition is asked about, and where its node hangs. */
struct place {
    uint32_t node;
    bool is_candidate;
    struct automation_node *parent; /* NULL: no tree is wanted */
};

/* When a trigger or a reset came, for a SINCE to which both came in one tick; 0 = not known. */
struct outcome {
    bool is_true;
    struct wall_time at;
    int64_t seq; /* of its event; looked at only in order */
};

static bool is_partitioned(const struct automation_asset *asset)
{
    return asset->partitions != NULL && asset->partitions->kind != PARTITION_NONE;
}

static bool is_evaluated(const struct automation_asset *asset)
{
    return asset->condition != NULL && asset->condition->kind != AUTOMATION_NONE &&
           !asset->is_external &&
           (!is_partitioned(asset) || asset->partitions->kind == PARTITION_TIME);
}

static bool same_partitions(const struct automation_asset *a, const struct automation_asset *b)
{
    if (!is_partitioned(a) || !is_partitioned(b)) {
        return is_partitioned(a) == is_partitioned(b);
    }
    const struct partitions *p = a->partitions;
    const struct partitions *q = b->partitions;
    return p->kind == PARTITION_TIME && q->kind == PARTITION_TIME &&
           str_eq(p->cron_text, q->cron_text) && str_eq(p->timezone, q->timezone) &&
           str_eq(p->format, q->format) && p->start.ns == q->start.ns && p->end.ns == q->end.ns &&
           p->end_offset == q->end_offset;
}

static struct automation_facts look(const struct evaluation *e, uint32_t node)
{
    struct automation_facts facts = {0};
    e->tick->look(e->tick->ctx, node, e->root, &facts);
    return facts;
}

static struct outcome newly_updated_at(struct evaluation *e, uint32_t node)
{
    struct automation_facts facts = look(e, node);
    if (!e->old.exists || facts.updated_seq <= e->old.seq) {
        return (struct outcome){0};
    }
    e->has_consumed = true;
    return (struct outcome){true, facts.made_at, facts.updated_seq};
}

static bool executed_with_root(const struct evaluation *e, uint32_t node)
{
    struct automation_facts facts = look(e, node);
    return node != e->root && graph_nodes_include(facts.made_with, facts.made_with_count, e->root);
}

static bool is_requested_with_root(const struct evaluation *e, uint32_t node)
{
    return e->results[node].is_requested &&
           same_partitions(&e->tick->assets[node], &e->tick->assets[e->root]);
}

static struct outcome cron_passed(struct evaluation *e)
{
    struct wall_time last;
    if (!e->old.exists || !cron_last(&e->condition->cron, e->condition->tz, e->tick->now, &last) ||
        last.ns < e->old.at.ns) {
        return (struct outcome){0};
    }
    e->has_consumed = true;
    return (struct outcome){.is_true = true, .at = last};
}

static bool is_initial(const struct evaluation *e)
{
    return !e->old.exists || e->old.is_partitioned != e->new.is_partitioned;
}

/* What this tick does itself comes after all that it sees. Times are for who looks at the order. */
static struct outcome after(const struct evaluation *e)
{
    return e->tick->is_in_order ? (struct outcome){.at = e->tick->now, .seq = e->tick->seq + 1}
                                : (struct outcome){0};
}

static struct outcome fact(struct evaluation *e, enum operation type, uint32_t node)
{
    switch (type) {
    case FACT_MISSING:
        return (struct outcome){.is_true = look(e, node).is_missing};
    case FACT_RUN_IN_PROGRESS:
        return (struct outcome){.is_true = look(e, node).is_in_progress};
    case FACT_BACKFILL_IN_PROGRESS:
        return (struct outcome){.is_true = look(e, node).is_in_backfill};
    case FACT_LATEST_WINDOW:
        return (struct outcome){.is_true = e->is_whole};
    case FACT_NEWLY_UPDATED:
        return newly_updated_at(e, node);
    case FACT_NEWLY_REQUESTED:
        return (struct outcome){e->old.was_requested, e->old.at, e->old.seq};
    case FACT_INITIAL:
        return (struct outcome){is_initial(e), after(e).at, INT64_MAX};
    case FACT_WILL_BE_REQUESTED:
        return (struct outcome){is_requested_with_root(e, node), after(e).at, after(e).seq};
    case FACT_EXECUTED_WITH_ROOT:
        return (struct outcome){.is_true = executed_with_root(e, node)};
    case FACT_CRON_PASSED:
        return cron_passed(e);
    case OP_AND:
    case OP_OR:
    case OP_NOT:
    case OP_NEWLY_TRUE:
    case OP_SINCE:
    case OP_ANY_DEPS:
    case OP_ALL_DEPS:
        break;
    }
    return (struct outcome){0};
}

/* --- the tree --- */

static const char *operation_name(enum operation op)
{
    switch (op) {
    case OP_AND:
    case OP_ALL_DEPS:
        return "and";
    case OP_OR:
    case OP_ANY_DEPS:
        return "or";
    case OP_NOT:
        return "not";
    case OP_NEWLY_TRUE:
    case OP_SINCE:
    case FACT_MISSING:
    case FACT_RUN_IN_PROGRESS:
    case FACT_BACKFILL_IN_PROGRESS:
    case FACT_LATEST_WINDOW:
    case FACT_NEWLY_UPDATED:
    case FACT_NEWLY_REQUESTED:
    case FACT_INITIAL:
    case FACT_WILL_BE_REQUESTED:
    case FACT_EXECUTED_WITH_ROOT:
    case FACT_CRON_PASSED:
        break;
    }
    return "identity";
}

/* A node as the last child of `at->parent`, or NULL when no tree is wanted. */
static struct automation_node *add_node(struct evaluation *e, const struct place *at,
                                        struct str name)
{
    if (at->parent == NULL || e->has_failed) {
        return NULL;
    }
    struct automation_node *node = arena_alloc(e->arena, sizeof(*node));
    if (node == NULL) {
        e->has_failed = true;
        return NULL;
    }
    *node = (struct automation_node){
        .name = name, .operation = "identity", .is_candidate = at->is_candidate};
    if (at->parent->first == NULL) {
        at->parent->first = node;
    } else {
        at->parent->last->next = node;
    }
    at->parent->last = node;
    return node;
}

/* The name or label of what is told its cron. */
static struct str with_cron(struct evaluation *e, const struct condition *c)
{
    const struct automation *a = e->condition;
    struct str s =
        c->label != NULL
            ? arena_printf(e->arena, "%s(" STR_FMT ", " STR_FMT ")", c->label,
                           STR_ARG(a->cron_text), STR_ARG(a->timezone))
            : arena_printf(e->arena, "%s(cron_schedule=" STR_FMT ", cron_timezone=" STR_FMT ")",
                           c->name, STR_ARG(a->cron_text), STR_ARG(a->timezone));
    e->has_failed = e->has_failed || s.ptr == NULL;
    return s;
}

static struct automation_node *add_condition(struct evaluation *e, const struct condition *c,
                                             const struct place *at)
{
    struct automation_node *node = add_node(e, at, str_from(c->name));
    if (node == NULL) {
        return NULL;
    }
    node->operation = operation_name(c->op);
    node->label = str_from(c->label);
    if (c->is_told_cron) {
        *(c->label != NULL ? &node->label : &node->name) = with_cron(e, c);
    }
    return node;
}

/* --- operators --- */

/* NOLINTBEGIN(misc-no-recursion): conditions are constants of this file, at most nine deep */
static struct outcome eval(struct evaluation *e, const struct condition *c, const struct place *at);

/* In order, several together came when the last of them did; in Dagster that is not known. */
static void join(const struct evaluation *e, struct outcome *ret, struct outcome child)
{
    if (e->tick->is_in_order && child.is_true) {
        ret->at.ns = child.at.ns > ret->at.ns ? child.at.ns : ret->at.ns;
        ret->seq = child.seq > ret->seq ? child.seq : ret->seq;
    }
}

/* Each child is a candidate only as long as those before it were true. */
static struct outcome eval_and(struct evaluation *e, const struct condition *c, struct place at)
{
    struct outcome ret = {0};
    for (size_t i = 0; i < CHILDREN_MAX && c->children[i] != NULL; i++) {
        struct outcome child = eval(e, c->children[i], &at);
        at.is_candidate = at.is_candidate && child.is_true;
        join(e, &ret, child);
    }
    ret.is_true = at.is_candidate;
    return ret;
}

static struct outcome eval_or(struct evaluation *e, const struct condition *c, struct place at)
{
    struct outcome ret = {0};
    for (size_t i = 0; i < CHILDREN_MAX && c->children[i] != NULL; i++) {
        struct outcome child = eval(e, c->children[i], &at);
        ret.is_true = ret.is_true || child.is_true;
        join(e, &ret, child);
    }
    return ret;
}

/* Only ever about the root: it compares with the root's cursor. */
static bool eval_newly_true(struct evaluation *e, const struct condition *c, struct place at)
{
    bool is_candidate = at.is_candidate;
    at.is_candidate = e->is_whole;
    e->new.was_missing = eval(e, c->children[0], &at).is_true;
    return is_candidate && e->new.was_missing && !e->old.was_missing;
}

/* What a SINCE was at the last tick: the root's own, or that of a dep. */
static bool was_since(const struct evaluation *e, uint32_t node)
{
    uint32_t ignored = 0;
    if (node == e->root) {
        return e->old.is_since;
    }
    return strmap_get(&e->old.deps, e->tick->g->nodes[node].key, &ignored) &&
           !(e->has_moved && is_partitioned(&e->tick->assets[node]));
}

static void keep_since(struct evaluation *e, uint32_t node, bool is_since)
{
    if (node == e->root) {
        e->new.is_since = is_since;
    } else if (is_since) {
        buf_addf(e->deps, STR_FMT "\n", STR_ARG(e->tick->g->nodes[node].key));
    }
}

static bool is_later(const struct evaluation *e, const struct outcome *a, const struct outcome *b)
{
    if (e->tick->is_in_order && a->seq != 0 && b->seq != 0) {
        return a->seq > b->seq;
    }
    return a->at.ns != 0 && b->at.ns != 0 && a->at.ns > b->at.ns;
}

/* Trigger and reset in one tick: the reset wins, unless the trigger is known to be the later. */
static bool eval_since(struct evaluation *e, const struct condition *c, struct place at)
{
    at.is_candidate = at.node != e->root || e->is_whole;
    struct outcome trigger = eval(e, c->children[0], &at);
    struct outcome reset = eval(e, c->children[1], &at);
    bool is_since = reset.is_true ? trigger.is_true && is_later(e, &trigger, &reset)
                                  : trigger.is_true || was_since(e, at.node);
    keep_since(e, at.node, is_since);
    return is_since;
}

static struct outcome eval_deps(struct evaluation *e, const struct condition *c,
                                const struct place *at)
{
    const struct graph_node *n = &e->tick->g->nodes[at->node];
    struct outcome ret = {0};
    bool any = false;
    bool all = true;
    for (size_t i = 0; i < n->dep_count; i++) {
        struct automation_node *match = add_node(e, at, e->tick->g->nodes[n->deps[i]].key);
        struct place dep = {.node = n->deps[i], .is_candidate = at->is_candidate, .parent = match};
        struct outcome child = eval(e, c->children[0], &dep);
        if (match != NULL) {
            match->is_true = child.is_true;
        }
        any = any || child.is_true;
        all = all && child.is_true;
        join(e, &ret, child);
    }
    ret.is_true = at->is_candidate && (c->op == OP_ANY_DEPS ? any : all);
    return ret;
}

static struct outcome eval(struct evaluation *e, const struct condition *c, const struct place *at)
{
    struct place below = *at;
    below.parent = add_condition(e, c, at);
    struct outcome ret = {0};
    switch (c->op) {
    case OP_AND:
        ret = eval_and(e, c, below);
        break;
    case OP_OR:
        ret = eval_or(e, c, below);
        break;
    case OP_NOT:
        ret.is_true = !eval(e, c->children[0], &below).is_true && at->is_candidate;
        break;
    case OP_NEWLY_TRUE:
        ret.is_true = eval_newly_true(e, c, below);
        break;
    case OP_SINCE:
        ret.is_true = eval_since(e, c, below);
        break;
    case OP_ANY_DEPS:
    case OP_ALL_DEPS:
        ret = eval_deps(e, c, &below);
        break;
    case FACT_MISSING:
    case FACT_RUN_IN_PROGRESS:
    case FACT_BACKFILL_IN_PROGRESS:
    case FACT_LATEST_WINDOW:
    case FACT_NEWLY_UPDATED:
    case FACT_NEWLY_REQUESTED:
    case FACT_INITIAL:
    case FACT_WILL_BE_REQUESTED:
    case FACT_EXECUTED_WITH_ROOT:
    case FACT_CRON_PASSED:
        if (at->is_candidate) {
            ret = fact(e, c->op, at->node);
        }
        break;
    }
    if (below.parent != NULL) {
        below.parent->is_true = ret.is_true;
    }
    return ret;
}
/* NOLINTEND(misc-no-recursion) */

/* --- one tick --- */

/* The cron as a line of the cursor; neither of the two can hold an end of line. */
static bool write_schedule(struct evaluation *e)
{
    const struct automation *a = e->condition;
    if (a->kind == AUTOMATION_ON_CRON) {
        e->new.schedule = arena_printf(e->arena, STR_FMT " " STR_FMT, STR_ARG(a->cron_text),
                                       STR_ARG(a->timezone));
        return e->new.schedule.ptr != NULL;
    }
    return true;
}

/* Drops from what the last tick left all that is about another condition or another partition. */
static void forget(struct evaluation *e)
{
    struct automation_cursor *old = &e->old;
    if (old->kind != e->new.kind || !str_eq(old->schedule, e->new.schedule)) {
        old->is_since = false;
        old->deps = strmap_new(e->arena);
    }
    e->has_moved =
        old->is_partitioned != e->new.is_partitioned || !str_eq(old->partition, e->new.partition);
    if (e->has_moved) {
        old->was_requested = false;
        old->was_missing = false;
        old->is_since = false;
    }
}

static bool begin(struct evaluation *e)
{
    const struct automation_asset *asset = &e->tick->assets[e->root];
    bool has_partitions = is_partitioned(asset);
    e->condition = asset->condition;
    e->is_whole = !has_partitions || asset->partition.len > 0;
    e->new = (struct automation_cursor){
        .exists = true,
        .seq = e->tick->seq,
        .at = e->tick->now,
        .kind = asset->condition->kind,
        .is_partitioned = has_partitions,
        .partition = has_partitions ? asset->partition : STR_NONE,
    };
    if (!write_schedule(e) || !automation_cursor_read(asset->cursor, e->arena, &e->old)) {
        return false;
    }
    forget(e);
    return true;
}

/* A cursor without what says up to when: "v1 SEQ AT_NS ". */
static struct str cursor_state(struct str cursor)
{
    struct str rest = cursor;
    struct str word = STR_NONE;
    for (int i = 0; i < 3; i++) {
        (void)str_cut(rest, ' ', &word, &rest);
    }
    return rest;
}

int64_t automation_cursor_seq(struct str cursor)
{
    struct str rest = cursor;
    struct str word = STR_NONE;
    int64_t seq = 0;
    for (int i = 0; i < 2; i++) {
        (void)str_cut(rest, ' ', &word, &rest);
    }
    return str_to_i64(word, 0, INT64_MAX, &seq) ? seq : 0;
}

static bool evaluate_root(struct evaluation *e, struct buf *cursor, struct automation_result *ret)
{
    struct automation_node top = {0};
    bool wants_tree = e->tick->assets[e->root].wants_tree;
    buf_reset(cursor);
    buf_reset(e->deps);
    if (!begin(e)) {
        return false;
    }
    const struct place place = {
        .node = e->root, .is_candidate = e->is_whole, .parent = wants_tree ? &top : NULL};
    bool is_requested = eval(e, automation_condition(e->condition->kind), &place).is_true;
    e->new.was_requested = is_requested;
    automation_cursor_write(&e->new, cursor);
    buf_add(cursor, buf_str(e->deps));
    if (e->has_failed || e->deps->overflow || cursor->overflow) {
        return false;
    }
    *ret = (struct automation_result){
        .is_evaluated = true,
        .is_requested = is_requested,
        .cursor = arena_copy(e->arena, buf_str(cursor)),
        .must_keep =
            is_requested || e->has_consumed || !e->old.exists ||
            !str_eq(cursor_state(e->tick->assets[e->root].cursor), cursor_state(buf_str(cursor))),
        .tree = top.first};
    return ret->cursor.ptr != NULL;
}

bool automation_evaluate(const struct automation_tick *tick, struct arena *arena,
                         struct automation_result **ret, struct err *err)
{
    AUTO(buf) cursor = buf_growing(CURSOR_BYTES_MAX);
    AUTO(buf) deps = buf_growing(CURSOR_BYTES_MAX);
    struct automation_result *results = arena_array(arena, tick->g->count + 1, sizeof(*results));
    bool ok = results != NULL;
    for (size_t i = 0; ok && i < tick->g->count; i++) {
        struct evaluation e = {.tick = tick, .arena = arena, .results = results, .deps = &deps};
        e.root = tick->g->order[i];
        if (is_evaluated(&tick->assets[e.root])) {
            ok = evaluate_root(&e, &cursor, &results[e.root]);
        }
    }
    if (!ok) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory to evaluate automation");
    }
    *ret = results;
    return true;
}
