#include "db_fixture.h"

#include <stdio.h>
#include <string.h>

static void read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(text, 1, size - 1, file);
    text[len] = '\0';
    (void)fclose(file);
}

static void embedded_texts_are_the_files(void **state)
{
    (void)state;
    static const struct {
        const struct db_text *text;
        const char *name;
        const char *path;
    } cases[] = {
        {&dbtest_sql[DBTEST_INSERT_THING], "dbtest/insert_thing",
         "tests/unit/db_sql/insert_thing.sql"},
        {&dbtest_sql[DBTEST_TRICKY_TEXT], "dbtest/tricky_text",
         "tests/unit/db_sql/tricky_text.sql"},
        {&dbtest_sql[DBTEST_LONG_TEXT], "dbtest/long_text", "tests/unit/db_sql/long_text.sql"},
        {&dbtest_migrations[0], "dbtest/0001_things", "tests/unit/db_sql/0001_things.sql"},
        {&dbtest_migrations[1], "dbtest/0002_owners", "tests/unit/db_sql/0002_owners.sql"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[8192];
        read_file(cases[i].path, text, sizeof(text));
        assert_string_equal(cases[i].text->sql, text);
        assert_string_equal(cases[i].text->name, cases[i].name);
    }
    assert_int_equal(COUNT_OF(dbtest_migrations), DBTEST_MIGRATIONS_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(embedded_texts_are_the_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
