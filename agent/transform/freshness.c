#include "agent/transform/loaded_at.h"
#include "agent/transform/node.h"
#include "agent/transform/relation.h"
#include "agent/transform/sql_text.h"

struct freshness {
    const struct transform *t;
    const struct dbt_spec *spec;
    struct arena *arena;
    struct relation relation;
    bool is_postgres;
    bool is_known; /* there is a row with a time */
    struct wall_time loaded, now;
};

static bool bad_value(const struct freshness *f, struct str value, struct err *err)
{
    struct str what =
        f->spec->loaded_at_field.len > 0 ? f->spec->loaded_at_field : STR("loaded_at_query");
    err_set(err, ERR_INVALID, STR_FMT ": \"" STR_FMT "\" is no time", STR_ARG(str_clip(what, 80)),
            STR_ARG(str_clip(value, 60)));
    return err_hint(err, "ISO 8601, a date, or a number of seconds since 1970");
}

static void add_from(const struct freshness *f, struct buf *sql)
{
    buf_addf(sql, " from " STR_FMT, STR_ARG(f->relation.quoted));
    if (f->spec->freshness_filter.len > 0) {
        buf_add_text(sql, " where ");
        buf_add(sql, sql_statement(f->spec->freshness_filter));
    }
}

/* The newest value; ptr NULL when there is none. */
static bool ask(const struct freshness *f, struct str *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    struct query_rows rows;
    if (f->spec->loaded_at_query.len > 0) {
        buf_add_text(&sql, "select * from (\n");
        buf_add(&sql, sql_statement(f->spec->loaded_at_query));
        buf_add_text(&sql, "\n) as source_query limit 2");
    } else {
        buf_addf(&sql, "select max(" STR_FMT ")", STR_ARG(f->spec->loaded_at_field));
        add_from(f, &sql);
    }
    if (!database_query(f->t->db, &sql, BY_PROJECT, f->arena, &rows, err)) {
        return false;
    }
    if (rows.rows > 1 || (rows.rows == 1 && rows.columns != 1)) {
        return err_set(err, ERR_INVALID, "loaded_at_query gives more than one value");
    }
    *ret = rows.rows == 1 ? rows.values[0] : STR_NONE;
    return true;
}

/* SQLite compares text. Where zones are in it, the greatest need not be the latest. */
static bool ask_by_time(const struct freshness *f, struct str *value, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    struct query_rows rows;
    buf_addf(&sql, "select loaded_at from (select " STR_FMT " as loaded_at",
             STR_ARG(f->spec->loaded_at_field));
    add_from(f, &sql);
    buf_add_text(&sql,
                 ") where julianday(loaded_at) is not null order by julianday(loaded_at) desc "
                 "limit 1");
    if (!database_query(f->t->db, &sql, BY_PROJECT, f->arena, &rows, err)) {
        return false;
    }
    *value = rows.rows == 1 ? rows.values[0] : *value;
    return true;
}

static bool find_loaded(struct freshness *f, struct err *err)
{
    struct str value = STR_NONE;
    bool has_offset = false;
    if (!ask(f, &value, err)) {
        return false;
    }
    f->is_known = value.ptr != NULL;
    if (f->is_known && !loaded_at_read(value, &f->loaded, &has_offset)) {
        return bad_value(f, value, err);
    }
    if (has_offset && !f->is_postgres && f->spec->loaded_at_query.len == 0) {
        return ask_by_time(f, &value, err) &&
               (loaded_at_read(value, &f->loaded, &has_offset) || bad_value(f, value, err));
    }
    return true;
}

/* The server's clock, as in dbt: it is the one that its rows were stamped by. */
static bool find_now(struct freshness *f, struct err *err)
{
    struct query_rows rows;
    bool ignored;
    f->now = f->t->now;
    if (!f->is_postgres) {
        return true;
    }
    return f->t->db->ops->query(f->t->db, STR("select now()"), BY_US, f->arena, &rows, err) &&
           (loaded_at_read(rows.values[0], &f->now, &ignored) ||
            err_set(err, ERR_INTERNAL, "the server gave no time"));
}

static enum dbt_status judge(const struct dbt_spec *spec, int64_t age_ns)
{
    if (spec->error_after_ns > 0 && age_ns > spec->error_after_ns) {
        return DBT_ERROR;
    }
    return spec->warn_after_ns > 0 && age_ns > spec->warn_after_ns ? DBT_WARN : DBT_PASS;
}

static bool tell(const struct freshness *f, struct node_result *ret, struct err *err)
{
    AUTO(buf) message = buf_growing(4096);
    char text[WALL_TEXT_SIZE];
    *ret = (struct node_result){.rows_written = -1, .row_count = -1, .failures = -1};
    ret->age_ns = f->is_known ? f->now.ns - f->loaded.ns : INT64_MAX;
    ret->loaded_at = f->is_known ? f->loaded : (struct wall_time){INT64_MIN};
    ret->asked_at = f->now;
    ret->status = judge(f->spec, ret->age_ns);
    if (f->is_known) {
        ret->max_loaded_at = arena_copy(f->arena, str_from(wall_format(f->loaded, text)));
        buf_add_text(&message, "loaded ");
        buf_add_duration(&message, ret->age_ns < 0 ? 0 : ret->age_ns);
        buf_add_text(&message, " ago");
    } else {
        buf_add_text(&message, "no row tells when it was loaded");
    }
    ret->message = arena_copy(f->arena, buf_str(&message));
    return (ret->message.ptr != NULL && (!f->is_known || ret->max_loaded_at.ptr != NULL)) ||
           err_set(err, ERR_NO_MEMORY, "no memory for a result");
}

bool freshness_run(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
                   struct node_result *ret, struct err *err)
{
    struct freshness f = {.t = t,
                          .spec = spec,
                          .arena = arena,
                          .is_postgres = str_eq(str_from(t->db->ops->name), STR("postgres"))};
    if (spec->loaded_at_field.len == 0 && spec->loaded_at_query.len == 0) {
        err_set(err, ERR_INVALID, "the source has no loaded_at_field");
        return err_hint(err,
                        "name the column that tells when a row was loaded, or a loaded_at_query");
    }
    return relation_of(spec->node, arena, &f.relation, err) && find_loaded(&f, err) &&
           find_now(&f, err) && tell(&f, ret, err);
}
