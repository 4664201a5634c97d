#include "agent/transform/postgres_model.h"

enum { LOOK_BYTES_MAX = 8192 };

/* A view that reads the target, or reads one that does. */
struct dependent {
    struct str oid;
    struct str schema, relation;
    struct str name;        /* both, quoted where they have to be */
    bool is_view;           /* no materialized view, no rule of a table */
    bool is_ours;           /* to drop and to give back to its owner */
    struct str *statements; /* that make it again */
    size_t statement_count;
};
struct dependents {
    struct dependent *items; /* those that others read before these */
    size_t count;
};

static bool ask(struct postgres_model *m, struct buf *sql, struct query_rows *ret, struct err *err)
{
    return database_query(m->db, sql, BY_US, m->arena, ret, err);
}

static bool run(struct postgres_model *m, const char *sql, struct err *err)
{
    return pg_exec_text(m->pg, sql, err);
}

/* --- who reads it ---------------------------------------------------------------------------- */

static bool collect(struct postgres_model *m, struct dependents *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    struct query_rows rows;
    buf_add_text(&sql,
                 "WITH RECURSIVE edge AS (SELECT p.refobjid AS read, r.ev_class AS reader FROM "
                 "pg_catalog.pg_depend p JOIN pg_catalog.pg_rewrite r ON r.oid = p.objid "
                 "WHERE p.classid = 'pg_catalog.pg_rewrite'::regclass AND p.refclassid = "
                 "'pg_catalog.pg_class'::regclass AND p.deptype = 'n' AND p.refobjid <> "
                 "r.ev_class), reader(oid, depth) AS (SELECT e.reader, 1 FROM edge e WHERE "
                 "e.read = ");
    pg_add_literal(&sql, m->target.quoted);
    buf_add_text(&sql,
                 "::regclass UNION SELECT e.reader, d.depth + 1 FROM reader d JOIN edge e ON "
                 "e.read = d.oid) SELECT c.oid, n.nspname, c.relname, format('%I.%I', "
                 "n.nspname, c.relname), c.relkind = 'v', pg_has_role(c.relowner, 'USAGE') FROM "
                 "reader d JOIN pg_catalog.pg_class c ON c.oid = d.oid JOIN "
                 "pg_catalog.pg_namespace n ON n.oid = c.relnamespace GROUP BY 1, 2, 3, 4, 5, 6 "
                 "ORDER BY max(d.depth), c.oid");
    if (!ask(m, &sql, &rows, err)) {
        return false;
    }
    *ret = (struct dependents){.items = arena_array(m->arena, rows.rows + 1, sizeof(*ret->items))};
    for (; ret->items != NULL && ret->count < rows.rows; ret->count++) {
        const struct str *row = &rows.values[ret->count * rows.columns];
        ret->items[ret->count] = (struct dependent){
            .oid = row[0],
            .schema = row[1],
            .relation = row[2],
            .name = row[3],
            .is_view = str_eq(row[4], STR("t")),
            .is_ours = str_eq(row[5], STR("t")),
        };
    }
    return ret->items != NULL ||
           err_set(err, ERR_NO_MEMORY, "no memory for the views that read the model");
}

/* --- down and up again ----------------------------------------------------------------------- */

/* The statements that make it again, as one column. %1 is its OID. */
static const char describe[] =
    "WITH v AS (SELECT c.oid, c.relacl, c.relowner, c.reloptions, format('%I.%I', n.nspname, "
    "c.relname) AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
    "c.relnamespace WHERE c.oid = #), "
    "a AS (SELECT t.attnum, quote_ident(t.attname) AS name, t.attacl FROM pg_catalog.pg_attribute "
    "t, "
    "v WHERE t.attrelid = v.oid AND t.attnum > 0 AND NOT t.attisdropped), "
    "g AS (SELECT x.*, ''::text AS columns FROM v, aclexplode(v.relacl) x UNION ALL SELECT x.*, "
    "' (' || a.name || ')' FROM a, aclexplode(a.attacl) x) "
    "SELECT s FROM ("
    "SELECT 1 AS n, 0 AS m, 'CREATE VIEW ' || v.name || coalesce(' WITH (' || "
    "array_to_string(v.reloptions, ', ') || ')', '') || ' AS ' || pg_get_viewdef(v.oid) AS s FROM "
    "v "
    "UNION ALL SELECT 2, d.adnum, format('ALTER VIEW %s ALTER COLUMN %s SET DEFAULT %s', v.name, "
    "a.name, pg_get_expr(d.adbin, d.adrelid)) FROM v, pg_catalog.pg_attrdef d, a WHERE d.adrelid = "
    "v.oid AND a.attnum = d.adnum "
    "UNION ALL SELECT 3, 0, pg_get_ruledef(r.oid) FROM v, pg_catalog.pg_rewrite r WHERE r.ev_class "
    "= "
    "v.oid AND r.rulename <> '_RETURN' "
    "UNION ALL SELECT 4, 0, pg_get_triggerdef(t.oid) FROM v, pg_catalog.pg_trigger t WHERE "
    "t.tgrelid "
    "= v.oid AND NOT t.tgisinternal "
    "UNION ALL SELECT 5, 0, format('COMMENT ON VIEW %s IS %L', v.name, obj_description(v.oid, "
    "'pg_class')) FROM v WHERE obj_description(v.oid, 'pg_class') IS NOT NULL "
    "UNION ALL SELECT 6, a.attnum, format('COMMENT ON COLUMN %s.%s IS %L', v.name, a.name, "
    "col_description(v.oid, a.attnum)) FROM v, a WHERE col_description(v.oid, a.attnum) IS NOT "
    "NULL "
    "UNION ALL SELECT 7, 0, format('GRANT %s%s ON %s TO %s%s', g.privilege_type, g.columns, "
    "v.name, "
    "CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END, CASE "
    "WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM v, g WHERE g.grantee <> "
    "v.relowner "
    "UNION ALL SELECT 8, 0, format('ALTER VIEW %s OWNER TO %I', v.name, "
    "pg_get_userbyid(v.relowner)) "
    "FROM v WHERE pg_get_userbyid(v.relowner) <> current_user"
    ") q ORDER BY n, m, s";

static void add_with_oid(struct buf *sql, const char *text, struct str oid)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '#') {
            buf_add(sql, oid);
        } else {
            buf_add_char(sql, *c);
        }
    }
}

static bool read_statements(struct postgres_model *m, struct dependents *d, struct err *err)
{
    for (size_t i = 0; i < d->count; i++) {
        AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
        struct query_rows rows;
        add_with_oid(&sql, describe, d->items[i].oid);
        if (!ask(m, &sql, &rows, err)) {
            return err_wrap(err, "view " STR_FMT, STR_ARG(d->items[i].name));
        }
        d->items[i].statements = rows.values;
        d->items[i].statement_count = rows.rows;
    }
    return true;
}

static bool drop_all(struct postgres_model *m, const struct dependents *d, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_add_text(&sql, "DROP VIEW ");
    for (size_t i = 0; i < d->count; i++) {
        buf_add_text(&sql, i == 0 ? "" : ", ");
        buf_add(&sql, d->items[i].name);
    }
    return database_exec(m->db, &sql, BY_US, NULL, err);
}

/* What the database gives to everybody's new views was not its own. */
static bool revoke_defaults(struct postgres_model *m, const struct dependent *v, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    struct query_rows rows;
    buf_add_text(&sql,
                 "SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', c.oid::regclass, CASE "
                 "g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) "
                 "END) FROM pg_catalog.pg_class c, aclexplode(c.relacl) g WHERE g.grantee <> "
                 "c.relowner AND c.oid = ");
    pg_add_literal(&sql, v->name);
    buf_add_text(&sql, "::regclass");
    if (!ask(m, &sql, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < rows.rows; i++) {
        if (!m->db->ops->exec(m->db, rows.values[i], BY_US, NULL, err)) {
            return false;
        }
    }
    return true;
}

static bool create(struct postgres_model *m, const struct dependent *v, struct err *err)
{
    for (size_t i = 0; i < v->statement_count; i++) {
        if (!m->db->ops->exec(m->db, v->statements[i], BY_US, NULL, err) ||
            (i == 0 && !revoke_defaults(m, v, err))) {
            return false;
        }
    }
    return true;
}

static bool is_of_project(const struct postgres_model *m, const struct dependent *v)
{
    const struct dbt_project *project = m->t->project;
    for (size_t i = 0; project != NULL && i < project->count; i++) {
        const struct dbt_node *node = &project->nodes[i];
        if (node->type == DBT_MODEL && str_eq(node->materialized, STR("view")) &&
            str_eq(node->schema, v->schema) && str_eq(node->alias, v->relation)) {
            return true;
        }
    }
    return false;
}

static bool create_all(struct postgres_model *m, const struct dependents *d, struct err *err)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct dependent *v = &d->items[i];
        if (!run(m, "SAVEPOINT _selvedge_view", err)) {
            return false;
        }
        if (create(m, v, err)) {
            if (!run(m, "RELEASE SAVEPOINT _selvedge_view", err)) {
                return false;
            }
            continue;
        }
        if (pg_is_lost(m->pg) || err->code == ERR_CANCELLED || !is_of_project(m, v)) {
            err_wrap(err, "view " STR_FMT " reads it and cannot be made again", STR_ARG(v->name));
            return err_hint(err, "change or drop that view first");
        }
        buf_addf(&m->notes, "; dropped view " STR_FMT ", which no longer fits (%s)",
                 STR_ARG(v->name), err->msg);
        if (!run(m, "ROLLBACK TO SAVEPOINT _selvedge_view; RELEASE SAVEPOINT _selvedge_view",
                 err)) {
            return false;
        }
    }
    return true;
}

/* --- the change ------------------------------------------------------------------------------ */

static bool apply(struct postgres_model *m, const struct buf *change, struct err *err)
{
    return database_exec(m->db, change, BY_US, NULL, err);
}

static bool back(struct postgres_model *m, struct err *err)
{
    return run(m, "ROLLBACK TO SAVEPOINT _selvedge_change", err);
}

static const struct dependent *first_unmovable(const struct dependents *d)
{
    for (size_t i = 0; i < d->count; i++) {
        if (!d->items[i].is_view || !d->items[i].is_ours) {
            return &d->items[i];
        }
    }
    return NULL;
}

/* What PostgreSQL says when others need what is to be dropped, or a view the column to be changed. */
static bool is_needed(const struct postgres_model *m)
{
    return pg_failed_with(m->pg, "2BP01") || pg_failed_with(m->pg, "0A000");
}

static bool around(struct postgres_model *m, const struct buf *change, struct dependents *d,
                   struct err *err)
{
    return read_statements(m, d, err) && drop_all(m, d, err) && apply(m, change, err) &&
           create_all(m, d, err);
}

bool postgres_around_views(struct postgres_model *m, const struct buf *change, bool *ret_in_the_way,
                           struct err *err)
{
    struct dependents d;
    *ret_in_the_way = false;
    if (!run(m, "SAVEPOINT _selvedge_change", err)) {
        return false;
    }
    if (apply(m, change, err)) {
        return run(m, "RELEASE SAVEPOINT _selvedge_change", err);
    }
    if (!is_needed(m) || !back(m, err) || !collect(m, &d, err)) {
        return false;
    }
    const struct dependent *other = first_unmovable(&d);
    if (other != NULL) {
        (void)err_set(err, ERR_INVALID, STR_FMT " reads it and is %s", STR_ARG(other->name),
                      other->is_view ? "another user's" : "no plain view");
    }
    if (d.count == 0 || other != NULL) {
        *ret_in_the_way = true;
        return false;
    }
    if (around(m, change, &d, err)) {
        return run(m, "RELEASE SAVEPOINT _selvedge_change", err);
    }
    if (is_needed(m) && back(m, err)) {
        *ret_in_the_way = true;
    }
    return false;
}
