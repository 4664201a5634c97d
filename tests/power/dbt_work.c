#include "dbt_work.h"

#include "tests/support/cmocka_all.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define NEWS                                                                                       \
    "create table news (k integer, a text, b real, at integer);"                                   \
    "with recursive n(i) as (values (1) union all select i + 1 from n where i < 60)"               \
    " insert into news select i, 'row ' || i, i / 2.0, i % 3 from n;"                              \
    "create table log (node text primary key, rows integer);"
#define OLD                                                                                        \
    NEWS "create table it as select k, a, b, at from news where at < 2 and k <= 50;"               \
         "create view on_it as select k, a from it;"
#define TAKEN                                                                                      \
    NEWS "create table it as select k, a, k % 2 as at, 'id ' || k as dbt_scd_id, '2026-01-01 "     \
         "00:00:00' "                                                                              \
         "as dbt_updated_at, '2026-01-01 00:00:00' as dbt_valid_from, null as dbt_valid_to, "      \
         "'False' "                                                                                \
         "as dbt_is_deleted from news where k <= 50;"
#define ROWS  "select k, a, b, at from news"
#define DELTA ROWS " where at > (select max(at) from it) or k % 5 = 0"

/* --- the nodes ------------------------------------------------------------------------------- */

static void as(struct dbt_world *w, struct dbt_spec *spec, enum dbt_materialization kind,
               const char *sql)
{
    *spec = dbt_world_spec(w, kind, "it", sql);
}

static void view(struct dbt_world *w, struct dbt_spec *spec)
{
    as(w, spec, DBT_VIEW, ROWS " where at = 1");
}

static void table(struct dbt_world *w, struct dbt_spec *spec)
{
    as(w, spec, DBT_TABLE, ROWS " where at = 1");
}

/* Larger than the page cache, so that it is written long before it is committed. */
static void large_table(struct dbt_world *w, struct dbt_spec *spec)
{
    as(w, spec, DBT_TABLE, "select a.k, a.a, zeroblob(1500) as z from news as a join news as b");
}

static void dressed_table(struct dbt_world *w, struct dbt_spec *spec)
{
    static const struct dbt_hook hooks[] = {
        {.sql = STR_INIT("insert or replace into log select 'pre', count(*) from news")},
        {.sql = STR_INIT("insert or replace into log select 'post', count(*) from it")},
    };
    struct dbt_hook *copies = arena_array(&w->arena, 2, sizeof(*copies));
    struct dbt_index *index = arena_alloc(&w->arena, sizeof(*index));
    assert_true(copies != NULL && index != NULL);
    memcpy(copies, hooks, sizeof(hooks));
    *index = (struct dbt_index){.columns = dbt_world_list(w, "k", "a"), .is_unique = true};
    table(w, spec);
    spec->pre_hooks = copies;
    spec->pre_hook_count = 1;
    spec->post_hooks = copies + 1;
    spec->post_hook_count = 1;
    spec->indexes = index;
    spec->index_count = 1;
}

static void incremental(struct dbt_world *w, struct dbt_spec *spec)
{
    as(w, spec, DBT_INCREMENTAL_TABLE, ROWS);
    spec->sql_incremental = STR(ROWS " where at > (select max(at) from it)");
}

static void delete_insert(struct dbt_world *w, struct dbt_spec *spec)
{
    as(w, spec, DBT_INCREMENTAL_TABLE, ROWS);
    spec->sql_incremental = STR(DELTA);
    spec->unique_key = dbt_world_list(w, "k", NULL);
}

static void merge(struct dbt_world *w, struct dbt_spec *spec)
{
    delete_insert(w, spec);
    spec->sql_incremental = STR("select k, upper(a) as a, b, 9 as at from news where k % 5 = 0");
    spec->strategy = DBT_MERGE;
    spec->merge_update_columns = dbt_world_list(w, "a", "at");
}

static void full_refresh(struct dbt_world *w, struct dbt_spec *spec)
{
    delete_insert(w, spec);
    spec->full_refresh = DBT_ALWAYS_FULL;
}

static void new_columns(struct dbt_world *w, struct dbt_spec *spec)
{
    delete_insert(w, spec);
    spec->sql_incremental = STR("select k, a, at, k * 2 as c from news where k % 5 = 0");
    spec->on_schema_change = DBT_APPEND_NEW_COLUMNS;
}

static void synced_columns(struct dbt_world *w, struct dbt_spec *spec)
{
    new_columns(w, spec);
    spec->on_schema_change = DBT_SYNC_ALL_COLUMNS;
}

static void stored_test(struct dbt_world *w, struct dbt_spec *spec)
{
    as(w, spec, DBT_AS_TEST, ROWS " where at = 1");
    spec->store_as = DBT_STORE_TABLE;
}

static void seed(struct dbt_world *w, struct dbt_spec *spec)
{
    as(w, spec, DBT_AS_SEED, "");
    spec->delimiter = STR(",");
    spec->quotes_columns = true;
    spec->seed_text = STR("k,a,b,at\n100,one,0.5,1\n101,two,1.5,\n");
}

/* Larger than the page cache, and than one statement. */
static void large_seed(struct dbt_world *w, struct dbt_spec *spec)
{
    AUTO(buf) text = buf_growing(8 << 20);
    buf_add_text(&text, "k,a,b,at\n");
    for (int i = 0; i < 3000; i++) {
        buf_addf(&text, "%d,%01000d,0.5,1\n", i, i);
    }
    seed(w, spec);
    spec->seed_text = arena_copy(&w->arena, buf_str(&text));
    assert_non_null(spec->seed_text.ptr);
}

static void seed_anew(struct dbt_world *w, struct dbt_spec *spec)
{
    seed(w, spec);
    spec->seed_text = STR("k,a,c\n100,one,true\n");
    spec->full_refresh = DBT_ALWAYS_FULL;
}

/* Rows are gone, changed, new, and there is a column more than in TAKEN. */
static void snapshot(struct dbt_world *w, struct dbt_spec *spec)
{
    as(w, spec, DBT_AS_SNAPSHOT, "select k, upper(a) as a, at, b from news where k > 5");
    spec->unique_key = dbt_world_list(w, "k", NULL);
    spec->is_check_strategy = true;
    spec->check_columns = dbt_world_list(w, "at", NULL);
    spec->hard_deletes = DBT_DELETES_NEW_RECORD;
    spec->valid_from_column = STR("dbt_valid_from");
    spec->valid_to_column = STR("dbt_valid_to");
    spec->scd_id_column = STR("dbt_scd_id");
    spec->updated_at_column = STR("dbt_updated_at");
    spec->is_deleted_column = STR("dbt_is_deleted");
}

const struct dbt_work dbt_works[] = {
    {"a first view", NEWS, view, model_run, 0},
    {"a view again", NEWS "create view it as select 1 as n", view, model_run, 0},
    {"a view for a table", OLD, view, model_run, 0},
    {"a first table", NEWS, table, model_run, 0},
    {"a table again", OLD, table, model_run, 0},
    {"a table for a view", NEWS "create view it as select 1 as n", table, model_run, 0},
    {"a large table", OLD, large_table, model_run, 301},
    {"a table with hooks and an index", OLD, dressed_table, model_run, 0},
    {"a first incremental", NEWS, incremental, model_run, 0},
    {"append", OLD, incremental, model_run, 0},
    {"delete and insert", OLD, delete_insert, model_run, 0},
    {"merge", OLD, merge, model_run, 0},
    {"full refresh", OLD, full_refresh, model_run, 0},
    {"append_new_columns", OLD, new_columns, model_run, 0},
    {"sync_all_columns", OLD "create index by_a on it (a)", synced_columns, model_run, 0},
    {"a test that stores its rows", OLD, stored_test, data_test_run, 0},
    {"a first seed", NEWS, seed, seed_run, 0},
    {"a seed again", OLD, seed, seed_run, 0},
    {"a large seed", OLD, large_seed, seed_run, 301},
    {"a seed with other columns", OLD, seed_anew, seed_run, 0},
    {"a first snapshot", NEWS, snapshot, snapshot_run, 0},
    {"a snapshot again", TAKEN, snapshot, snapshot_run, 0},
};
const size_t dbt_works_count = COUNT_OF(dbt_works);

/* --- running them ---------------------------------------------------------------------------- */

void dbt_work_prepare(const struct dbt_work *work, struct dbt_world *w, const char *path)
{
    dbt_world_open(w, path, NULL);
    dbt_world_exec(w, work->before);
    dbt_world_open(w, NULL, NULL);
}

bool dbt_work_run(const struct dbt_work *work, struct dbt_world *w)
{
    struct dbt_spec spec;
    work->describe(w, &spec);
    w->err = (struct err){0};
    return work->run(&w->t, &spec, &w->arena, &w->result, &w->err);
}

struct str dbt_work_content(struct dbt_world *w)
{
    AUTO(buf) out = buf_growing(1 << 20);
    dbt_world_check(w, "pragma integrity_check", "ok");
    buf_add(&out, dbt_world_rows(w, "select type, name, sql from sqlite_schema order by name"));
    buf_add_char(&out, '\n');
    struct str rest = dbt_world_rows(
        w, "select name from sqlite_schema where type in ('table', 'view') order by name");
    while (rest.len > 0) {
        struct str name;
        str_cut(rest, '\n', &name, &rest);
        buf_addf(&out, STR_FMT ": " STR_FMT "\n", STR_ARG(name),
                 STR_ARG(dbt_world_digest(w, name)));
    }
    struct str copy = arena_copy(&w->arena, buf_str(&out));
    assert_non_null(copy.ptr);
    return copy;
}

/* --- a killer -------------------------------------------------------------------------------- */

static struct database *pass(struct database *base)
{
    struct dbt_killer *k = (struct dbt_killer *)(void *)base;
    if (k->calls++ == k->nth) {
        (void)kill(getpid(), SIGKILL);
    }
    return k->inner;
}

static bool killer_exec(struct database *base, struct str sql, enum statement_by by,
                        int64_t *ret_rows, struct err *err)
{
    struct database *inner = pass(base);
    return inner->ops->exec(inner, sql, by, ret_rows, err);
}

static bool killer_query(struct database *base, struct str sql, enum statement_by by,
                         struct arena *arena, struct query_rows *ret, struct err *err)
{
    struct database *inner = pass(base);
    return inner->ops->query(inner, sql, by, arena, ret, err);
}

static bool killer_begin(struct database *base, struct err *err)
{
    struct database *inner = pass(base);
    return inner->ops->begin(inner, err);
}

static bool killer_commit(struct database *base, struct err *err)
{
    struct database *inner = pass(base);
    return inner->ops->commit(inner, err);
}

static void killer_rollback(struct database *base)
{
    struct database *inner = pass(base);
    inner->ops->rollback(inner);
}

static bool killer_kind(struct database *base, const struct relation *relation,
                        enum relation_kind *ret, struct err *err)
{
    struct database *inner = pass(base);
    return inner->ops->kind(inner, relation, ret, err);
}

static bool killer_columns(struct database *base, const struct relation *relation,
                           struct arena *arena, struct relation_columns *ret, struct err *err)
{
    struct database *inner = pass(base);
    return inner->ops->columns(inner, relation, arena, ret, err);
}

void dbt_killer_begin(struct dbt_killer *k, struct dbt_world *w, int nth)
{
    *k = (struct dbt_killer){.ops = *w->t.db->ops, .inner = w->t.db, .nth = nth};
    k->ops.exec = killer_exec;
    k->ops.query = killer_query;
    k->ops.begin = killer_begin;
    k->ops.commit = killer_commit;
    k->ops.rollback = killer_rollback;
    k->ops.kind = killer_kind;
    k->ops.columns = killer_columns;
    k->base.ops = &k->ops;
    w->t.db = &k->base;
}

int dbt_killer_end(struct dbt_killer *k, struct dbt_world *w)
{
    pass(&k->base); /* after the last one */
    w->t.db = k->inner;
    return k->calls;
}
