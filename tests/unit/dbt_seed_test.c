#include <string.h>

#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/dbt_world.h"

static struct dbt_spec seed(struct dbt_world *w, const char *text)
{
    struct dbt_spec spec = dbt_world_spec(w, DBT_AS_SEED, "site", "");
    spec.delimiter = STR(",");
    spec.quotes_columns = true;
    spec.seed_text = str_from(text);
    spec.seed_path = STR("seeds/site.csv");
    return spec;
}

static void run(struct dbt_world *w, const struct dbt_spec *spec)
{
    w->err = (struct err){0};
    if (!seed_run(&w->t, spec, &w->arena, &w->result, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
}

static void refuse(struct dbt_world *w, const struct dbt_spec *spec, const char *text)
{
    w->err = (struct err){0};
    assert_false(seed_run(&w->t, spec, &w->arena, &w->result, &w->err));
    if (strstr(w->err.msg, text) == NULL) {
        fail_msg("%s", w->err.msg);
    }
}

static const char ddl[] = "select sql from sqlite_schema where name = 'site'";

static void test_columns_are_typed_as_dbt_sqlite_does(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = seed(&w, "id,price,open,opened,stamp,name,nothing\n"
                                    "1,\"$1,000.50\",true,2026-01-31,2026-01-31T10:00:00Z,it's,\n"
                                    "005,5%,FALSE,null,,\"two\nlines\",\n"
                                    "1e3,,,2026-2-1,2026-01-31T10:00,,\n");
    run(&w, &spec);
    dbt_world_check(
        &w, ddl,
        "CREATE TABLE \"site\" (\"id\" INT, \"price\" REAL, \"open\" INT, \"opened\" TEXT, "
        "\"stamp\" TEXT, \"name\" TEXT, \"nothing\" INT)");
    dbt_world_check(
        &w, "select *, typeof(id), typeof(price), typeof(open) from site",
        "1|1000.5|1|2026-01-31|2026-01-31 10:00:00+00:00|it's|NULL|integer|real|integer\n"
        "5|5.0|0|NULL|NULL|two\nlines|NULL|integer|real|integer\n"
        "1000|NULL|NULL|2026-02-01|2026-01-31 10:00:00|NULL|NULL|integer|null|null");
    assert_int_equal(w.result.rows_written, 3);
    assert_int_equal(w.result.row_count, 3);
    assert_int_equal(w.result.columns.count, 7);
    assert_true(str_eq(w.result.message, STR("INSERT 3")));
}

static void test_no_rows(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = seed(&w, "a,b\n");
    run(&w, &spec);
    dbt_world_check(&w, ddl, "CREATE TABLE \"site\" (\"a\" integer, \"b\" integer)");
    dbt_world_check(&w, "select count(*) from site", "0");
    assert_int_equal(w.result.rows_written, 0);
}

static void test_declared_types_are_taken_as_they_are(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = seed(&w, "zip,rate,other\n007,1.50,1\n");
    struct str keys[] = {STR("zip"), STR("rate"), STR("gone")};
    struct str values[] = {STR("varchar(5)"), STR("numeric(10, 2) default 'a;--b'"), STR("int")};
    spec.column_types = (struct str_map){keys, values, 3};
    run(&w, &spec);
    dbt_world_check(&w, ddl,
                    "CREATE TABLE \"site\" (\"zip\" varchar(5), \"rate\" numeric(10, 2) default "
                    "'a;--b', \"other\" INT)");
    dbt_world_check(&w, "select *, typeof(zip) from site", "007|1.5|1|text");
    static const char *const bad[] = {"text; drop table site",
                                      "int, extra int",
                                      "int)",
                                      "int (",
                                      "int -- x",
                                      "int /* x",
                                      "'a",
                                      "",
                                      "$$x$$",
                                      "text default 'a\\b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        values[0] = str_from(bad[i]);
        refuse(&w, &spec, "is no type of a column");
    }
}

static void test_names_without_quotes(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = seed(&w, "Id,b\n1,2\n");
    spec.quotes_columns = false;
    run(&w, &spec);
    dbt_world_check(&w, ddl, "CREATE TABLE \"site\" (Id INT, b INT)");
    spec.seed_text = STR("a b,c\n1,2\n");
    refuse(&w, &spec, "needs quotes");
    spec.seed_text = STR("\"a int); drop table site; --\",c\n1,2\n");
    refuse(&w, &spec, "needs quotes");
    dbt_world_check(&w, "select count(*) from site", "1");
}

static void test_rows_are_replaced_and_columns_stay(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = seed(&w, "a,b\n1,x\n2,y\n");
    run(&w, &spec);
    dbt_world_exec(&w, "create view reader as select a from site");
    spec.seed_text = STR("b;a\nz;2.5\n");
    spec.delimiter = STR(";");
    run(&w, &spec);
    dbt_world_check(&w, "select * from site", "2.5|z");
    dbt_world_check(&w, ddl, "CREATE TABLE \"site\" (\"a\" INT, \"b\" TEXT)");
    /* A new column needs a full refresh. */
    spec.seed_text = STR("a;b;c\n1;2;3\n");
    refuse(&w, &spec, "column named c");
    assert_non_null(strstr(w.err.hint, "full refresh"));
    dbt_world_check(&w, "select * from site", "2.5|z");
    w.t.full_refresh = true;
    run(&w, &spec);
    dbt_world_check(&w, "select * from site", "1|2|3");
    dbt_world_check(&w, "select * from reader", "1");
    assert_true(str_eq(w.result.message, STR("CREATE 1")));
    /* The node's own word is stronger. */
    spec.full_refresh = DBT_NEVER_FULL;
    spec.seed_text = STR("a;b\n5;6\n");
    run(&w, &spec);
    dbt_world_check(&w, "select * from site", "5|6|NULL");
}

static void test_a_view_is_not_replaced(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    dbt_world_exec(&w, "create view site as select 1 as a");
    struct dbt_spec spec = seed(&w, "a\n1\n");
    refuse(&w, &spec, "is a view, and a seed needs a table");
    w.t.full_refresh = true;
    refuse(&w, &spec, "is a view, and a seed needs a table");
    dbt_world_check(&w, "select * from site", "1");
}

static void test_a_row_that_is_refused_fails_the_seed(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = seed(&w, "a\n1\n5\n");
    struct str key = STR("a");
    struct str type = STR("integer check (a < 3)");
    spec.column_types = (struct str_map){&key, &type, 1};
    refuse(&w, &spec, "CHECK"); /* of a table that is made */
    dbt_world_check(&w, "select count(*) from sqlite_schema", "0");
    spec.seed_text = STR("a\n1\n");
    run(&w, &spec);
    spec.seed_text = STR("a\n2\n5\n");
    refuse(&w, &spec, "CHECK"); /* of one that stays */
    w.t.full_refresh = true;
    refuse(&w, &spec, "CHECK"); /* of one that is made anew */
    dbt_world_check(&w, "select * from site", "1");
}

static void test_what_fails_leaves_the_old_table(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = seed(&w, "a\n1\n2\n");
    run(&w, &spec);
    spec.seed_text = STR("a\n3\n\"4\n");
    refuse(&w, &spec, "line 3: a quoted field is never closed");
    struct dbt_hook hook = {.sql = STR("insert into nowhere values (1)")};
    spec.seed_text = STR("a\n3\n");
    spec.post_hooks = &hook;
    spec.post_hook_count = 1;
    refuse(&w, &spec, "post-hook 1");
    w.t.full_refresh = true;
    refuse(&w, &spec, "post-hook 1");
    dbt_world_check(&w, "select * from site", "1\n2");
    hook.sql = STR("insert into site values (9)");
    run(&w, &spec);
    dbt_world_check(&w, "select * from site", "3\n9");
}

static void test_a_file_of_many_rows(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    AUTO(buf) text = buf_growing(8 << 20);
    buf_add_text(&text, "id,text\n");
    for (int i = 0; i < 20000; i++) {
        buf_addf(&text, "%d,\"row %d's text\"\n", i, i);
    }
    struct err err = {0};
    assert_true(files_make_dirs(temp_dir_path(&w.dir, "seeds"), 0700, &err));
    assert_true(files_write(temp_dir_path(&w.dir, "seeds/site.csv"), buf_str(&text), 0600, &err));
    struct dbt_spec spec = seed(&w, NULL);
    refuse(&w, &spec, "seeds/site.csv is not there");
    w.t.project_dir = "/nowhere";
    spec.seed_root = str_from(w.dir.path);
    run(&w, &spec);
    dbt_world_check(&w, "select count(*), sum(id), max(text) from site",
                    "20000|199990000|row 9999's text");
    w.t.project_dir = w.dir.path;
    spec.seed_root = STR("/nowhere");
    run(&w, &spec);
    dbt_world_check(&w, "select count(*) from site", "20000");
    spec.seed_path = STR("seeds/other.csv");
    refuse(&w, &spec, "seeds/other.csv is not there");
    assert_int_equal(w.err.code, ERR_NOT_FOUND);
    /* Another package's file of the same name is another file. */
    struct dbt_project project = {.name = STR("shop")};
    struct dbt_node node = *spec.node;
    node.package = STR("tools");
    spec.node = &node;
    spec.seed_path = STR("seeds/site.csv");
    w.t.project = &project;
    refuse(&w, &spec, "seeds/site.csv is not there");
    assert_true(files_make_dirs(temp_dir_path(&w.dir, "dbt_packages/tools/seeds"), 0700, &err));
    assert_true(files_write(temp_dir_path(&w.dir, "dbt_packages/tools/seeds/site.csv"),
                            STR("id,text\n1,tools\n"), 0600, &err));
    run(&w, &spec);
    dbt_world_check(&w, "select * from site", "1|tools");
}

static void test_a_delimiter_is_one_character(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = seed(&w, "a\n1\n");
    spec.delimiter = STR("||");
    refuse(&w, &spec, "one ASCII character");
    spec.delimiter = STR("\"");
    refuse(&w, &spec, "one ASCII character");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_typed_as_dbt_sqlite_does),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_declared_types_are_taken_as_they_are),
        cmocka_unit_test(test_names_without_quotes),
        cmocka_unit_test(test_rows_are_replaced_and_columns_stay),
        cmocka_unit_test(test_a_view_is_not_replaced),
        cmocka_unit_test(test_a_row_that_is_refused_fails_the_seed),
        cmocka_unit_test(test_what_fails_leaves_the_old_table),
        cmocka_unit_test(test_a_file_of_many_rows),
        cmocka_unit_test(test_a_delimiter_is_one_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
