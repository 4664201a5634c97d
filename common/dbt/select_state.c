/* state: against the manifest of before. Whole nodes are read again, one pair at a time. */
#include "common/dbt/project_macros.h"
#include "common/dbt/select_run.h"
#include "common/dbt/select_same.h"

enum state {
    STATE_NEW,
    STATE_OLD,
    STATE_MODIFIED,
    STATE_UNMODIFIED,
    STATE_PART, /* modified.body and its like: a dbt_part */
    STATE_MACROS,
};

static enum state state_of(struct str value, enum dbt_part *ret_part)
{
    static const struct {
        struct str name;
        enum state state;
        enum dbt_part part;
    } states[] = {
        {STR_INIT("new"), STATE_NEW, 0},
        {STR_INIT("old"), STATE_OLD, 0},
        {STR_INIT("modified"), STATE_MODIFIED, 0},
        {STR_INIT("unmodified"), STATE_UNMODIFIED, 0},
        {STR_INIT("modified.body"), STATE_PART, DBT_PART_BODY},
        {STR_INIT("modified.configs"), STATE_PART, DBT_PART_CONFIGS},
        {STR_INIT("modified.persisted_descriptions"), STATE_PART, DBT_PART_DESCRIPTIONS},
        {STR_INIT("modified.relation"), STATE_PART, DBT_PART_RELATION},
        {STR_INIT("modified.contract"), STATE_PART, DBT_PART_CONTRACT},
    };
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (str_eq(value, states[i].name)) {
            *ret_part = states[i].part;
            return states[i].state;
        }
    }
    return STATE_MACROS;
}

static bool read_nodes(struct select_run *run, uint32_t i, uint32_t old, struct json **ret_node,
                       struct json **ret_old)
{
    *ret_old = NULL;
    arena_reset(&run->node);
    arena_reset(&run->old_node);
    return dbt_project_read(run->project, i, DBT_FULL, &run->node, ret_node, run->err) &&
           (old == DBT_NO_NODE ||
            dbt_project_read(run->old, old, DBT_FULL, &run->old_node, ret_old, run->err) ||
            err_wrap(run->err, "state"));
}

/* Of seeds of more than 1 MiB only the path is compared, which dbt warns of too. */
static bool warn_seed(struct select_run *run, const struct dbt_node *node, const struct json *whole)
{
    const struct json *kind = json_get(json_get(whole, "checksum"), "name");
    if (node->type != DBT_SEED || kind == NULL || kind->type != JSON_STRING ||
        !str_eq(kind->as.string, STR("path"))) {
        return true;
    }
    return select_warn(run,
                       "state: seed \"" STR_FMT "\" is too large for a checksum: what is in it "
                       "is not compared",
                       STR_ARG(str_clip(node->name, 80)));
}

/* Other nodes than sources and their like count as modified when they are new. */
static bool is_modified_when_new(enum dbt_type type)
{
    return type != DBT_SOURCE && type != DBT_EXPOSURE && type != DBT_METRIC &&
           type != DBT_SEMANTIC_MODEL && type != DBT_SAVED_QUERY;
}

static bool is_comparable(const struct dbt_project *project)
{
    return !project->is_bundle || str_eq(project->compares, STR(DBT_COMPARES));
}

static struct str digest_of(struct macro_digests *digests, const struct json *node,
                            char text[MACRO_DIGEST_SIZE])
{
    const struct json *kept = json_get(node, "macros_sha1");
    if (digests == NULL) {
        return kept != NULL && kept->type == JSON_STRING ? kept->as.string : STR("");
    }
    macro_digest_of(digests, node, text);
    return str_from(text);
}

/* `old` NULL: it is new, and what its macros were before only a manifest tells. */
static bool macros_changed(struct select_run *run, const struct json *node, const struct json *old)
{
    char mine[MACRO_DIGEST_SIZE];
    char others[MACRO_DIGEST_SIZE];
    if (run->macros != NULL) {
        return select_macros_changed(run->macros, node);
    }
    return old != NULL &&
           !str_eq(digest_of(run->digests, node, mine), digest_of(run->old_digests, old, others));
}

static bool is_modified(struct select_run *run, uint32_t i, uint32_t old, bool *ret)
{
    const struct dbt_node *node = &run->project->nodes[i];
    struct json *whole = NULL;
    struct json *before = NULL;
    if (!read_nodes(run, i, old, &whole, &before) || !warn_seed(run, node, whole)) {
        return false;
    }
    *ret = old == DBT_NO_NODE ? is_modified_when_new(node->type)
                              : !dbt_is_same(node->type, whole, before, &run->old_node);
    *ret = *ret || macros_changed(run, whole, before);
    return true;
}

static bool is_part_modified(struct select_run *run, enum dbt_part part, uint32_t i, uint32_t old,
                             bool *ret)
{
    const struct dbt_node *node = &run->project->nodes[i];
    struct json *whole = NULL;
    struct json *before = NULL;
    *ret = dbt_has_part(node->type, part) && old == DBT_NO_NODE;
    if (!dbt_has_part(node->type, part) || old == DBT_NO_NODE) {
        return true;
    }
    if (!read_nodes(run, i, old, &whole, &before) || !warn_seed(run, node, whole)) {
        return false;
    }
    *ret = !dbt_is_same_part(node->type, part, whole, before);
    return true;
}

static bool look_at(struct select_run *run, enum state state, enum dbt_part part, uint32_t i,
                    bool *ret)
{
    uint32_t old = dbt_project_find(run->old, run->project->nodes[i].unique_id);
    struct json *whole = NULL;
    struct json *before = NULL;
    bool ok = true;
    switch (state) {
    case STATE_NEW:
        *ret = old == DBT_NO_NODE;
        return true;
    case STATE_OLD:
        *ret = old != DBT_NO_NODE;
        return true;
    case STATE_PART:
        return is_part_modified(run, part, i, old, ret);
    case STATE_MACROS:
        ok = read_nodes(run, i, old, &whole, &before);
        *ret = ok && macros_changed(run, whole, before);
        return ok;
    case STATE_MODIFIED:
    case STATE_UNMODIFIED:
        break;
    }
    ok = is_modified(run, i, old, ret);
    *ret = *ret == (state == STATE_MODIFIED);
    return ok;
}

static bool open_old(struct select_run *run)
{
    if (run->old != NULL) {
        return true;
    }
    if (run->before->open == NULL) {
        (void)err_set(run->err, ERR_INVALID, "state: there is no manifest of before to compare");
        return err_hint(run->err,
                        "select by name, tag: or path: instead, or what failed by result:");
    }
    return run->before->open(run->before->ctx, &run->old, run->err) || err_wrap(run->err, "state");
}

/* Of a bundle each node has the digest of its macros; of a manifest it is made. */
static bool digest_macros(struct select_run *run, struct err *err)
{
    return (run->project->is_bundle || run->digests != NULL ||
            macro_digests_make(run->project, run->arena, &run->digests, err)) &&
           (run->old->is_bundle || run->old_digests != NULL ||
            macro_digests_make(run->old, run->arena, &run->old_digests, err) ||
            err_wrap(err, "state"));
}

static bool is_ready(struct select_run *run, enum state state)
{
    if (!open_old(run)) {
        return false;
    }
    if (state != STATE_NEW && state != STATE_OLD &&
        (!is_comparable(run->old) || !is_comparable(run->project))) {
        return err_set(run->err, ERR_INVALID,
                       "state: this bundle has not what tells whether a node was modified") ||
               err_hint(run->err, "an earlier selvedge-hub made it: make it again");
    }
    bool wants_macros =
        state == STATE_MODIFIED || state == STATE_UNMODIFIED || state == STATE_MACROS;
    if (wants_macros && (run->old->is_bundle || run->project->is_bundle)) {
        return digest_macros(run, run->err);
    }
    return !wants_macros || run->macros != NULL ||
           select_compare_macros(run->project, run->old, run->arena, &run->macros, run->err);
}

bool select_search_state(struct select_run *run, const struct criterion *c, bool *set)
{
    enum dbt_part part = DBT_PART_BODY;
    enum state state = state_of(c->value, &part);
    if (!is_ready(run, state)) {
        return false;
    }
    for (uint32_t i = 0; i < run->project->count; i++) {
        bool is_there = false;
        if (!look_at(run, state, part, i, &is_there)) {
            return false;
        }
        set[i] = set[i] || is_there;
    }
    return true;
}
