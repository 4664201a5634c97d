#include "agent/transform/table_postgres.h"
#include "agent/transform/postgres_model.h"
#include "agent/transform/relation.h"

enum { NOTES_BYTES_MAX = 8192 };

static bool open_model(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
                       struct postgres_model *ret, struct err *err)
{
    *ret = (struct postgres_model){.t = t,
                                   .spec = spec,
                                   .arena = arena,
                                   .db = t->db,
                                   .pg = &postgres_of(t->db)->pg,
                                   .old = RELATION_TABLE,
                                   .now = RELATION_TABLE,
                                   .written = -1,
                                   .word = "OK",
                                   .notes = buf_growing(NOTES_BYTES_MAX)};
    return relation_of(spec->node, arena, &ret->target, err);
}

bool postgres_change_table(const struct transform *t, const struct dbt_spec *spec,
                           struct arena *arena, const struct buf *change, struct str *ret_notes,
                           struct err *err)
{
    struct postgres_model m;
    bool is_in_the_way;
    bool is_ok = open_model(t, spec, arena, &m, err) &&
                 postgres_around_views(&m, change, &is_in_the_way, err);
    if (is_ok) {
        *ret_notes = arena_copy(arena, buf_str(&m.notes));
    }
    buf_release(&m.notes);
    return is_ok;
}

bool postgres_dress_table(const struct transform *t, const struct dbt_spec *spec,
                          struct arena *arena, bool is_new, struct err *err)
{
    struct postgres_model m;
    if (!open_model(t, spec, arena, &m, err)) {
        return false;
    }
    m.keeps_grants = !is_new;
    return (!is_new || postgres_create_indexes(&m, &m.target, err)) && postgres_grant(&m, err) &&
           postgres_comment(&m, err);
}
