#include "agent/transform/table_node.h"

#include "agent/transform/hooks.h"
#include "agent/transform/relation.h"

bool table_node_init(struct table_node *n, const struct transform *t, const struct dbt_spec *spec,
                     struct arena *arena, struct err *err)
{
    *n = (struct table_node){.t = t,
                             .spec = spec,
                             .arena = arena,
                             .is_postgres = str_eq(str_from(t->db->ops->name), STR("postgres"))};
    return relation_of(spec->node, arena, &n->relation, err);
}

static bool find_table(struct table_node *n, struct err *err)
{
    struct database *db = n->t->db;
    if (!database_make_schema(db, &n->relation, err) ||
        !db->ops->kind(db, &n->relation, &n->old, err)) {
        return false;
    }
    if (n->old == RELATION_NONE || n->old == RELATION_TABLE) {
        return true;
    }
    err_set(err, ERR_INVALID, STR_FMT " is %s, and a %s needs a table", STR_ARG(n->relation.quoted),
            n->old == RELATION_VIEW ? "a view" : "something else",
            n->spec->materialization == DBT_AS_SEED ? "seed" : "snapshot");
    return err_hint(err, "drop it, or give the node another alias");
}

static bool make_inside(struct table_node *n,
                        bool (*make)(struct table_node *n, void *ctx, struct err *err), void *ctx,
                        struct err *err)
{
    const struct dbt_spec *spec = n->spec;
    struct database *db = n->t->db;
    if (!hooks_run(db, spec->pre_hooks, spec->pre_hook_count, false, "pre-hook", err) ||
        !find_table(n, err) || !make(n, ctx, err)) {
        return false;
    }
    bool is_new = n->old == RELATION_NONE || n->is_remade;
    return db->ops->dress_table(n->t, spec, n->arena, is_new, err) &&
           hooks_run(db, spec->post_hooks, spec->post_hook_count, false, "post-hook", err);
}

bool table_node_run(struct table_node *n,
                    bool (*make)(struct table_node *n, void *ctx, struct err *err), void *ctx,
                    struct err *err)
{
    const struct dbt_spec *spec = n->spec;
    struct database *db = n->t->db;
    if (!hooks_run(db, spec->pre_hooks, spec->pre_hook_count, true, "pre-hook", err) ||
        !db->ops->begin(db, err)) {
        return false;
    }
    if (!make_inside(n, make, ctx, err) || !db->ops->commit(db, err)) {
        db->ops->rollback(db);
        return false;
    }
    return hooks_run(db, spec->post_hooks, spec->post_hook_count, true, "post-hook", err) ||
           err_wrap(err, "after the commit");
}

bool table_node_change(struct table_node *n, const struct buf *change, struct err *err)
{
    return n->t->db->ops->change_table(n->t, n->spec, n->arena, change, &n->notes, err);
}

bool table_node_tell(const struct table_node *n, struct str word, int64_t rows_written,
                     struct node_result *ret, struct err *err)
{
    struct database *db = n->t->db;
    *ret = (struct node_result){
        .status = DBT_SUCCESS, .rows_written = rows_written, .row_count = -1, .failures = -1};
    ret->message = arena_printf(n->arena, STR_FMT STR_FMT, STR_ARG(word), STR_ARG(n->notes));
    return ret->message.ptr != NULL
               ? db->ops->columns(db, &n->relation, n->arena, &ret->columns, err)
               : err_set(err, ERR_NO_MEMORY, "no memory for a result");
}
