/* A little shop, built in SQLite: order, results, what is told of each node, what is left in the
 * database. */
#include "agent/dbt/names.h"
#include "agent/transform/build_run.h"
#include "agent/transform/dbt_report.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/dbt_written.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct shop_node {
    const char *type, *id, *materialized, *parents, *sql;
    const char *config, *more; /* further settings and members, from ", " on */
};
static const struct shop_node shop[] = {
    {"seed", "sizes", "seed", "", NULL, "", ", `seed_text`: `id,size\\n1,10\\n2,20\\n3,30\\n`"},
    {"model", "big", "table", "`seed.p.sizes`", "select * from main.sizes where size > 10", "", ""},
    {"model", "half", "ephemeral", "`model.p.big`", NULL, "", ""},
    {"model", "halves", "view", "`model.p.half`, `model.p.big`",
     "select id, size / 2 as half from main.big", "", ""},
    {"model", "old", "incremental", "`seed.p.sizes`", "select * from main.sizes",
     ", `unique_key`: `id`", ""},
    {"model", "broken", "table", "`model.p.big`", "select nosuch from main.big", "", ""},
    {"model", "below", "table", "`model.p.broken`", "select 1 as one", "", ""},
    {"model", "foreign", "dynamic_table", "`seed.p.sizes`", "select 1", "", ""},
    {"test", "id_is_there", "test", "`seed.p.sizes`", "select * from main.sizes where id is null",
     "", ""},
    {"test", "is_small", "test", "`model.p.halves`",
     "select id, half from main.halves where half > 10", ", `store_failures`: true", ""},
    {"test", "is_tiny", "test", "`model.p.halves`", "select id from main.halves",
     ", `severity`: `warn`", ""},
    {"model", "last", "view", "`model.p.halves`", "select * from main.halves", "", ""},
};
static const char *const later = "select id, size + 1 as size from main.sizes where id = 3";

/* `sql_of_old`: of the incremental model, which the second compilation has otherwise. */
static void write_node(struct buf *out, const struct shop_node *n, const char *sql_of_old)
{
    const char *sql = strcmp(n->id, "old") == 0 && sql_of_old != NULL ? sql_of_old : n->sql;
    buf_addf(out,
             "%s`%s.p.%s`: {`unique_id`: `%s.p.%s`, `resource_type`: `%s`, `name`: `%s`, `alias`: "
             "`%s`, `package_name`: `p`, `schema`: `main`, `original_file_path`: `%s.sql`, "
             "`relation_name`: `main.%s`, `config`: {`materialized`: `%s`%s}, `depends_on`: "
             "{`nodes`: [%s]}%s",
             out->len == 0 ? "" : ", ", n->type, n->id, n->type, n->id, n->type, n->id, n->id,
             n->id, n->id, n->materialized, n->config, n->parents, n->more);
    if (sql != NULL) {
        buf_addf(out, ", `compiled_code`: `%s`", sql);
    }
    buf_add_char(out, '}');
}

static void write_shop(struct buf *out, const char *sql_of_old)
{
    for (size_t i = 0; i < COUNT_OF(shop); i++) {
        write_node(out, &shop[i], sql_of_old);
    }
}

struct world {
    struct written written;
    struct database *db;
    struct arena arena;
    bool *selected;
    struct buf story;
    struct build_counts counts;
    struct report report;
    struct request request;
    struct dbt_report told;
    struct err err;
    bool ok;
};

static void add_name(struct buf *out, struct str unique_id)
{
    struct str package = STR_NONE;
    struct str name = STR_NONE;
    (void)str_cut_last(unique_id, '.', &package, &name);
    buf_add(out, name);
}

static void started(void *ctx, struct str unique_id, int64_t index, int64_t total)
{
    struct world *w = ctx;
    (void)total;
    buf_addf(&w->story, "%lld ", (long long)index);
    add_name(&w->story, unique_id);
    buf_add_char(&w->story, ' ');
}

static void ended(void *ctx, const struct node_end *end)
{
    struct world *w = ctx;
    if (end->result.status == DBT_SKIPPED) {
        add_name(&w->story, end->unique_id);
        buf_add_char(&w->story, ' ');
        assert_int_equal(end->duration_ns, -1);
    } else {
        assert_true(end->duration_ns >= 0);
    }
    assert_true((end->result.status == DBT_ERROR) == (end->err != NULL));
    buf_addf(&w->story, "%s%s\n", dbt_status_name(end->result.status),
             end->result.was_incremental ? " incremental" : "");
}

static void said(void *ctx, struct str unique_id, enum log_level level, struct str text)
{
    struct world *w = ctx;
    (void)w;
    (void)level;
    assert_true(unique_id.len > 0 && text.len > 0);
}

static struct world *world_of(const char *nodes, const char *incremental)
{
    struct world *w = calloc(1, sizeof *w);
    const struct database_options options = {0};
    assert_non_null(w);
    w->written = written_new("sqlite", nodes, NULL, incremental);
    w->arena = arena_new(1 << 20);
    w->story = buf_growing(1 << 16);
    w->selected = arena_alloc(&w->arena, w->written.project->count);
    assert_non_null(w->selected);
    memset(w->selected, true, w->written.project->count);
    assert_true(
        database_open_sqlite(temp_dir_path(&w->written.dir, "shop.db"), &options, &w->db, &w->err));
    return w;
}

static struct world *world_new(void)
{
    AUTO(buf) full = buf_growing(1 << 16);
    AUTO(buf) incremental = buf_growing(1 << 16);
    write_shop(&full, NULL);
    write_shop(&incremental, later);
    return world_of(buf_cstr(&full), buf_cstr(&incremental));
}

static void world_free(struct world *w)
{
    database_close(w->db);
    buf_release(&w->story);
    arena_release(&w->arena);
    written_release(&w->written);
    free(w);
}

static void run_with(struct world *w, const struct node_listener *listener, bool fail_fast)
{
    const struct clock clock = clock_system();
    const struct transform transform = {
        .db = w->db, .project = w->written.project, .now = clock_wall(&clock)};
    const struct build_run run = {.transform = &transform,
                                  .selected = w->selected,
                                  .host = {.adapter = STR("sqlite")},
                                  .fail_fast = fail_fast,
                                  .clock = clock,
                                  .listener = listener};
    w->ok = build_run(&run, &w->counts, &w->err);
}

static const char *build(struct world *w, bool fail_fast)
{
    const struct node_listener listener = {
        .started = started, .ended = ended, .said = said, .ctx = w};
    buf_reset(&w->story);
    run_with(w, &listener, fail_fast);
    if (!w->ok) {
        fail_msg("%s", w->err.msg);
    }
    return buf_cstr(&w->story);
}

static void assert_rows(struct world *w, const char *sql, const char *expected)
{
    struct query_rows rows = {0};
    char text[400];
    struct buf out = buf_fixed(text, sizeof text);
    if (!w->db->ops->query(w->db, str_from(sql), BY_US, &w->arena, &rows, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
    for (size_t i = 0; i < rows.rows * rows.columns; i++) {
        buf_addf(&out, "%s" STR_FMT, i == 0 ? "" : " ", STR_ARG(rows.values[i]));
    }
    assert_string_equal(buf_cstr(&out), expected);
}

static void test_a_build(void **state)
{
    (void)state;
    struct world *w = world_new();
    assert_string_equal(build(w, false), "1 sizes success\n"
                                         "2 id_is_there pass\n"
                                         "3 big success\n"
                                         "4 foreign error\n"
                                         "5 old success\n"
                                         "6 broken error\n"
                                         "below skipped\n"
                                         "8 halves success\n"
                                         "9 is_small fail\n"
                                         "10 is_tiny warn\n"
                                         "last skipped\n");
    assert_true(w->counts.total == 11 && w->counts.well == 5 && w->counts.warned == 1 &&
                w->counts.failed == 3 && w->counts.skipped == 2);
    assert_rows(w, "select * from main.halves order by id", "2 10 3 15");
    assert_rows(w, "select * from main.old order by id", "1 10 2 20 3 30");
    assert_rows(w, "select count(*) from sqlite_master where name in ('broken', 'below', 'last')",
                "0");
    assert_non_null(strstr(build(w, false), "old success incremental\n"));
    assert_rows(w, "select * from main.old order by id", "1 10 2 20 3 31");
    world_free(w);
}

static void test_a_part_of_it(void **state)
{
    (void)state;
    struct world *w = world_new();
    (void)build(w, false);
    memset(w->selected, false, w->written.project->count);
    static const char *const wanted[] = {"model.p.big", "model.p.last", "test.p.is_small"};
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        w->selected[dbt_project_find(w->written.project, str_from(wanted[i]))] = true;
    }
    assert_string_equal(build(w, false), "1 big success\n2 is_small fail\nlast skipped\n");
    world_free(w);
}

static void test_fail_fast(void **state)
{
    (void)state;
    struct world *w = world_new();
    const char *story = build(w, true);
    assert_non_null(strstr(story, "4 foreign error\nold skipped\n"));
    assert_int_equal(w->counts.skipped, 7);
    world_free(w);
}

/* What dbt never said anything of is not run by mistake. */
static void test_only_one_compilation(void **state)
{
    (void)state;
    const struct shop_node node = {"model",
                                   "old",
                                   "incremental",
                                   "",
                                   "select 1 as id",
                                   "",
                                   ", `raw_code`: `{{ is_incremental() }}`"};
    AUTO(buf) nodes = buf_growing(1 << 12);
    write_node(&nodes, &node, NULL);
    struct world *w = world_of(buf_cstr(&nodes), NULL);
    assert_string_equal(build(w, false), "1 old error\n");
    assert_rows(w, "select count(*) from sqlite_master", "0");
    world_free(w);
}

/* ---- messages ---- */

static int report_into(struct world *w)
{
    const int fd =
        open(temp_dir_path(&w->written.dir, "messages"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    report_init(&w->report);
    w->report.fd = fd;
    const struct dbt_project *project = w->written.project;
    bool *wanted = arena_array(&w->arena, project->count, sizeof *wanted);
    struct str *keys = arena_array(&w->arena, project->count, sizeof *keys);
    assert_true(wanted != NULL && keys != NULL);
    for (size_t i = 0; i < project->count; i++) {
        wanted[i] = dbt_is_asset(&project->nodes[i]);
        keys[i] = wanted[i] ? project->nodes[i].name : STR("");
    }
    w->told = (struct dbt_report){.project = project,
                                  .request = &w->request,
                                  .report = &w->report,
                                  .arena = &w->arena,
                                  .keys = keys,
                                  .is_wanted = wanted,
                                  .db = w->db};
    if (!dbt_report_begin(&w->told, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
    return fd;
}

static struct json *message(struct world *w, struct str messages, const char *start)
{
    const char *at = memmem(messages.ptr, messages.len, start, strlen(start));
    struct json *json = NULL;
    if (at == NULL) {
        fail_msg("no %s in " STR_FMT, start, STR_ARG(messages));
    }
    struct str line = STR_NONE;
    struct str rest = STR_NONE;
    (void)str_cut(str_slice(messages, (size_t)(at - messages.ptr), messages.len), '\n', &line,
                  &rest);
    assert_true(json_parse(line, 1 << 20, &w->arena, &json, &w->err));
    return json;
}

static struct str raw_of(const struct json *message, const char *name)
{
    const struct json *value = json_get(json_get(json_get(message, "metadata"), name), "raw_value");
    AUTO(buf) text = buf_growing(1 << 16);
    static char kept[4][2000];
    static unsigned at;
    if (value == NULL) {
        return STR("none");
    }
    json_write(&text, value);
    at = (at + 1) % 4;
    (void)snprintf(kept[at], sizeof kept[at], "%s", buf_cstr(&text));
    return str_from(kept[at]);
}

static void assert_raw(const struct json *message, const char *name, const char *expected)
{
    const struct str raw = raw_of(message, name);
    if (!str_eq(raw, str_from(expected))) {
        fail_msg("%s is " STR_FMT ", not %s", name, STR_ARG(raw), expected);
    }
}

static void test_messages(void **state)
{
    (void)state;
    struct world *w = world_new();
    const int fd = report_into(w);
    const struct node_listener listener = dbt_report_listener(&w->told);
    run_with(w, &listener, false);
    assert_true(w->ok);
    assert_false(dbt_report_end(&w->told, NULL, &w->err));
    assert_non_null(strstr(w->err.msg, "4 nodes did not end well, the first of them: "
                                       "model.p.foreign: needs dbt: materialized dynamic_table"));
    AUTO(buf) text = buf_growing(1 << 20);
    assert_true(files_read(temp_dir_path(&w->written.dir, "messages"), &text, &w->err));
    const struct str all = buf_str(&text);
    const struct json *big = message(w, all, "{\"event\":\"materialization\",\"asset\":\"big\"");
    assert_raw(big, "dagster/row_count", "2");
    assert_raw(big, "dagster/table_name", "\"main.big\"");
    assert_raw(big, "dbt/node", "\"model.p.big\"");
    assert_raw(big, "dbt/materialized", "\"table\"");
    assert_raw(big, "sql", "\"select * from main.sizes where size > 10\"");
    assert_raw(big, "dagster/column_schema",
               "{\"columns\":[{\"name\":\"id\",\"type\":\"INT\"},{\"name\":\"size\",\"type\":"
               "\"INT\"}]}");
    const struct json *check =
        message(w, all, "{\"event\":\"check\",\"asset\":\"halves\",\"name\":\"is_small\"");
    assert_false(json_get(check, "passed")->as.boolean);
    assert_true(str_eq(json_get(check, "severity")->as.string, STR("error")));
    assert_raw(check, "failed_row_count", "1");
    assert_raw(check, "failing_rows", "[{\"id\":\"3\",\"half\":\"15\"}]");
    assert_raw(check, "status", "\"fail\"");
    check = message(w, all, "{\"event\":\"check\",\"asset\":\"halves\",\"name\":\"is_tiny\"");
    assert_false(json_get(check, "passed")->as.boolean);
    assert_true(str_eq(json_get(check, "severity")->as.string, STR("warn")));
    check = message(w, all, "{\"event\":\"check\",\"asset\":\"sizes\",\"name\":\"id_is_there\"");
    assert_true(json_get(check, "passed")->as.boolean);
    const struct json *failure = message(w, all, "{\"event\":\"failure\",\"asset\":\"last\"");
    assert_true(str_eq(json_get(failure, "message")->as.string,
                       STR("model.p.last: skipped because of test.p.is_small")));
    failure = message(w, all, "{\"event\":\"failure\",\"asset\":\"broken\"");
    assert_true(str_contains(json_get(failure, "message")->as.string, STR("no such column")));
    assert_false(str_contains(all, STR("\"half\",\"metadata\""))); /* ephemeral */
    close(fd);
    report_release(&w->report);
    world_free(w);
}

static void test_what_had_no_turn(void **state)
{
    (void)state;
    struct world *w = world_new();
    const int fd = report_into(w);
    struct err why = {0};
    err_set(&why, ERR_CANCELLED, "stopped");
    assert_false(dbt_report_end(&w->told, &why, &w->err));
    assert_non_null(strstr(w->err.msg, "8 nodes did not end well, the first of them: stopped"));
    AUTO(buf) text = buf_growing(1 << 20);
    assert_true(files_read(temp_dir_path(&w->written.dir, "messages"), &text, &w->err));
    const struct json *failure =
        message(w, buf_str(&text), "{\"event\":\"failure\",\"asset\":\"sizes\"");
    assert_true(str_eq(json_get(failure, "code")->as.string, STR("cancelled")));
    close(fd);
    report_release(&w->report);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_build),   cmocka_unit_test(test_a_part_of_it),
        cmocka_unit_test(test_fail_fast), cmocka_unit_test(test_only_one_compilation),
        cmocka_unit_test(test_messages),  cmocka_unit_test(test_what_had_no_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
