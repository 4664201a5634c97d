#include "agent/transform/index_name.h"
#include "agent/transform/postgres_model.h"

#include <strings.h>

enum { LOOK_BYTES_MAX = 8192 };

/* --- indexes --------------------------------------------------------------------------------- */

/* With the time, since the old table still has its own of the same kind. */
static bool name_index(struct postgres_model *m, const struct dbt_index *index, struct str *ret,
                       struct err *err)
{
    struct query_rows rows;
    return m->db->ops->query(m->db, STR("SELECT pg_catalog.clock_timestamp()"), BY_US, m->arena,
                             &rows, err) &&
           index_name(index, &m->target, rows.values[0], m->arena, ret, err);
}

static bool create_index(struct postgres_model *m, const struct dbt_index *index,
                         const struct relation *on, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    struct str name;
    if (!name_index(m, index, &name, err)) {
        return false;
    }
    buf_addf(&sql, "create %sindex \"" STR_FMT "\" on " STR_FMT " ",
             index->is_unique ? "unique " : "", STR_ARG(name), STR_ARG(on->quoted));
    if (index->type.len > 0) {
        buf_addf(&sql, "using " STR_FMT " ", STR_ARG(index->type));
    }
    for (size_t i = 0; i < index->columns.count; i++) {
        buf_add_text(&sql, i == 0 ? "(" : ", ");
        buf_add(&sql, index->columns.items[i]);
    }
    buf_add_char(&sql, ')');
    return database_exec(m->db, &sql, BY_PROJECT, NULL, err);
}

bool postgres_create_indexes(struct postgres_model *m, const struct relation *on, struct err *err)
{
    for (size_t i = 0; i < m->spec->index_count; i++) {
        if (!create_index(m, &m->spec->indexes[i], on, err)) {
            return err_wrap(err, "index %zu", i + 1);
        }
    }
    return true;
}

bool postgres_drop_indexes(struct postgres_model *m, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    struct query_rows rows;
    buf_add_text(&sql, "SELECT format('DROP INDEX %I.%I', n.nspname, c.relname) FROM "
                       "pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
                       "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname ~ "
                       "'^[0-9a-f]{32}$' AND i.indrelid = ");
    pg_add_literal(&sql, m->target.quoted);
    buf_add_text(&sql, "::regclass");
    if (!database_query(m->db, &sql, BY_US, m->arena, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < rows.rows; i++) {
        if (!m->db->ops->exec(m->db, rows.values[i], BY_US, NULL, err)) {
            return false;
        }
    }
    return true;
}

/* --- grants ---------------------------------------------------------------------------------- */

static bool is_same(struct str a, struct str b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static bool is_wanted(const struct dbt_spec *spec, struct str grantee, struct str privilege)
{
    for (size_t i = 0; i < spec->grant_count; i++) {
        const struct dbt_grant *grant = &spec->grants[i];
        for (size_t k = 0; is_same(grant->privilege, privilege) && k < grant->grantees.count; k++) {
            if (is_same(grant->grantees.items[k], grantee)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_there(const struct query_rows *there, struct str grantee, struct str privilege)
{
    for (size_t i = 0; i < there->rows; i++) {
        if (is_same(there->values[2 * i], grantee) &&
            is_same(there->values[2 * i + 1], privilege)) {
            return true;
        }
    }
    return false;
}

static bool ask_grants(struct postgres_model *m, struct query_rows *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    buf_add_text(&sql,
                 "SELECT grantee, privilege_type FROM information_schema.role_table_grants "
                 "WHERE grantor = current_role AND grantee <> current_role AND table_schema = ");
    pg_add_literal(&sql, m->target.schema);
    buf_add_text(&sql, " AND table_name = ");
    pg_add_literal(&sql, m->target.name);
    return database_query(m->db, &sql, BY_US, m->arena, ret, err);
}

static bool revoke(struct postgres_model *m, const struct query_rows *there, struct err *err)
{
    for (size_t i = 0; i < there->rows; i++) {
        AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
        struct str grantee = there->values[2 * i];
        if (is_wanted(m->spec, grantee, there->values[2 * i + 1])) {
            continue;
        }
        buf_addf(&sql, "revoke " STR_FMT " on " STR_FMT " from ", STR_ARG(there->values[2 * i + 1]),
                 STR_ARG(m->target.quoted));
        if (str_eq(grantee, STR("PUBLIC"))) {
            buf_add(&sql, grantee);
        } else {
            pg_add_identifier(&sql, grantee);
        }
        if (!database_exec(m->db, &sql, BY_US, NULL, err)) {
            return false;
        }
    }
    return true;
}

/* Privilege and grantees are the project's words, in one statement each, as in dbt. */
static bool grant(struct postgres_model *m, const struct dbt_grant *g,
                  const struct query_rows *there, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    size_t count = 0;
    buf_addf(&sql, "grant " STR_FMT " on " STR_FMT " to ", STR_ARG(g->privilege),
             STR_ARG(m->target.quoted));
    for (size_t i = 0; i < g->grantees.count; i++) {
        if (!is_there(there, g->grantees.items[i], g->privilege)) {
            buf_add_text(&sql, count++ == 0 ? "" : ", ");
            buf_add(&sql, g->grantees.items[i]);
        }
    }
    return count == 0 || database_exec(m->db, &sql, BY_PROJECT, NULL, err);
}

bool postgres_grant(struct postgres_model *m, struct err *err)
{
    struct query_rows there = {0};
    if (m->spec->grant_count == 0) {
        return true;
    }
    if (m->keeps_grants && (!ask_grants(m, &there, err) || !revoke(m, &there, err))) {
        return err_wrap(err, "grants");
    }
    for (size_t i = 0; i < m->spec->grant_count; i++) {
        if (!grant(m, &m->spec->grants[i], &there, err)) {
            return err_wrap(err, "grants");
        }
    }
    return true;
}

/* --- comments -------------------------------------------------------------------------------- */

static bool comment_columns(struct postgres_model *m, struct err *err)
{
    struct relation_columns there;
    if (!m->db->ops->columns(m->db, &m->target, m->arena, &there, err)) {
        return false;
    }
    for (size_t i = 0; i < m->spec->column_count; i++) {
        const struct dbt_column *column = &m->spec->columns[i];
        for (size_t k = 0; k < there.count; k++) {
            AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
            if (!str_eq(there.items[k].name, column->name)) {
                continue;
            }
            buf_addf(&sql, "comment on column " STR_FMT ".", STR_ARG(m->target.quoted));
            pg_add_identifier(&sql, column->name);
            buf_add_text(&sql, " is ");
            pg_add_literal(&sql, column->description);
            if (!database_exec(m->db, &sql, BY_US, NULL, err)) {
                return false;
            }
        }
    }
    return true;
}

bool postgres_comment(struct postgres_model *m, struct err *err)
{
    const struct dbt_spec *spec = m->spec;
    if (spec->persists_relation_docs && spec->description.len > 0) {
        AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
        buf_addf(&sql, "comment on %s " STR_FMT " is ", m->now == RELATION_VIEW ? "view" : "table",
                 STR_ARG(m->target.quoted));
        pg_add_literal(&sql, spec->description);
        if (!database_exec(m->db, &sql, BY_US, NULL, err)) {
            return err_wrap(err, "comment");
        }
    }
    return !spec->persists_column_docs || comment_columns(m, err) ||
           err_wrap(err, "comments on columns");
}
