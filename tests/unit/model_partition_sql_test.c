/* model_partition_sql_test.c - common/model/partition_sql.h: which words between braces are ours, and
 * for which partitions they mean something. */
#include "common/model/partition_sql.h"

#include "common/base/buf.h"
#include "tests/support/cmocka_all.h"
#include <stdlib.h>
#include <string.h>

/* "before[name]before[name]rest" */
static void assert_cut(const char *sql, const char *expected)
{
    char memory[256];
    struct buf out = buf_fixed(memory, sizeof(memory));
    struct str rest = str_from(sql);
    struct str before = STR_NONE;
    struct str name = STR_NONE;
    while (partition_sql_next(&rest, &before, &name)) {
        buf_addf(&out, STR_FMT "[" STR_FMT "]", STR_ARG(before), STR_ARG(name));
    }
    buf_add(&out, before);
    assert_string_equal(buf_cstr(&out), expected);
    assert_int_equal(rest.len, 0);
}

static void words_between_braces(void **state)
{
    (void)state;
    assert_cut("", "");
    assert_cut("select 1", "select 1");
    assert_cut("a {{ b }} c", "a [b] c");
    assert_cut("{{b}}{{\t C_d\n}}", "[b][C_d]");
    assert_cut("{{{b}}}", "{[b]}");
    /* Not ours: JSON, what is no word, what has no end. */
    assert_cut("'{{\"a\":1}}'", "'{{\"a\":1}}'");
    assert_cut("{{ a b }} {{ a1 }} {{}} {{ }}", "{{ a b }} {{ a1 }} {{}} {{ }}");
    assert_cut("{ {b}} {{b} } {{b", "{ {b}} {{b} } {{b");
    assert_cut("{{ a {{ b }}", "{{ a [b]");
}

static void a_text_of_braces_takes_no_time(void **state)
{
    (void)state;
    enum { BYTES = 8 << 20 };
    char *text = malloc(BYTES);
    assert_non_null(text);
    memset(text, '{', BYTES);
    struct str rest = {text, BYTES};
    struct str before = STR_NONE;
    struct str name = STR_NONE;
    assert_false(
        partition_sql_next(&rest, &before, &name)); /* hours, if it looked for their ends */
    assert_int_equal(before.len, BYTES);
    free(text);
}

static void assert_word(const char *name, enum partition_kind kind, const char *problem)
{
    struct err err = {0};
    enum partition_word word = PARTITION_WORD_COUNT;
    assert_int_equal(partition_word_from(str_from(name), kind, &word, &err), problem == NULL);
    assert_string_equal(err.msg, problem == NULL ? "" : problem);
    assert_true(problem != NULL || word < PARTITION_WORD_COUNT);
}

static void what_they_mean(void **state)
{
    (void)state;
    static const char *const all[] = {"partition_key", "partition_keys",      "partition_start",
                                      "partition_end", "partition_start_utc", "partition_end_utc"};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_word(all[i], PARTITION_TIME, NULL);
    }
    assert_word("partition_keys", PARTITION_STATIC, NULL);
    assert_word("partition_key", PARTITION_DYNAMIC, NULL);
    assert_word("partition_end_utc", PARTITION_STATIC,
                "{{ partition_end_utc }} in SQL: the partitions are no windows of time");
    assert_word("partition_Key", PARTITION_TIME, "{{ partition_Key }} in SQL is not known");
    assert_word("partition_key", PARTITION_NONE,
                "{{ partition_key }} in SQL goes with partitions only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_between_braces),
        cmocka_unit_test(a_text_of_braces_takes_no_time),
        cmocka_unit_test(what_they_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
