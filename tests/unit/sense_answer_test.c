/* sense_answer_test.c - what a sensor's program may say, and what is said of what it may not. */
#include "agent/sense/answer.h"

#include "agent/sense/cursor.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct answer answer;
static struct err err;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(ANSWER_ARENA_BYTES);
    err = (struct err){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void read_text(struct str text)
{
    if (!answer_parse(text, &arena, &answer, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void refuse(struct str text, enum err_code code, const char *part)
{
    arena_reset(&arena);
    err = (struct err){0};
    assert_false(answer_parse(text, &arena, &answer, &err));
    assert_int_equal(err.code, code);
    if (strstr(err.msg, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", err.msg, part);
    }
}

static void all_kinds_of_lines_are_read(void **state)
{
    (void)state;
    read_text(
        STR("{\"run\": {\"run_key\": \"a\", \"partition\": \"2026-01-01\", \"tags\": {\"n\": 5, "
            "\"who\": \"me\"}}}\n"
            "\n"
            "  {\"run\": {}}\r\n"
            "{\"skip\": \"nothing new\"}\n"
            "{\"cursor\": \"41\"}\n"
            "{\"cursor\": \"42\"}\n"
            "{\"add_partitions\": {\"set\": \"customers\", \"keys\": [\"x\", \"y\"]}}"));
    assert_int_equal(answer.run_count, 2);
    assert_true(str_eq(answer.runs[0].run_key, STR("a")));
    assert_true(str_eq(answer.runs[0].partition, STR("2026-01-01")));
    assert_int_equal(answer.runs[0].tags.count, 2);
    assert_true(str_eq(answer.runs[0].tags.keys[0], STR("n")));
    assert_true(str_eq(answer.runs[0].tags.values[0], STR("5")));
    assert_true(str_is_empty(answer.runs[1].run_key));
    assert_true(str_eq(answer.skip, STR("nothing new")));
    assert_true(answer.has_cursor && str_eq(answer.cursor, STR("42")));
    assert_int_equal(answer.set_count, 1);
    assert_true(str_eq(answer.sets[0].set, STR("customers")));
    assert_int_equal(answer.sets[0].keys.count, 2);
}

static void silence_is_an_answer(void **state)
{
    (void)state;
    read_text(STR(""));
    assert_int_equal(answer.run_count + answer.set_count, 0);
    assert_false(answer.has_cursor);
    assert_true(str_is_empty(answer.skip));
    read_text(STR("\n \n"));
    assert_int_equal(answer.run_count, 0);
    read_text(STR("{\"cursor\": \"\"}\n")); /* taken away */
    assert_true(answer.has_cursor && str_is_empty(answer.cursor));
}

static void a_run_key_counts_once(void **state)
{
    (void)state;
    read_text(STR("{\"run\": {\"run_key\": \"a\", \"tags\": {\"n\": \"first\"}}}\n"
                  "{\"run\": {\"run_key\": \"b\"}}\n"
                  "{\"run\": {\"run_key\": \"a\", \"tags\": {\"n\": \"second\"}}}\n"
                  "{\"run\": {}}\n{\"run\": {}}\n"));
    assert_int_equal(answer.run_count, 4);
    assert_true(str_eq(answer.runs[0].tags.values[0], STR("first")));
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } wrong[] = {
        {"hello", "line 1: "},
        {"{\"skip\": \"x\"}\n\n{\"run\": {\"runkey\": \"a\"}}", "line 3: "},
        {"{\"run\": {\"run_key\": 5}}", "run.run_key"},
        {"{\"run\": {\"tags\": [1]}}", "run.tags"},
        {"{\"run\": \"a\"}", "run"},
        {"{\"runs\": {}}", "unknown key \"runs\""},
        {"{}", "line 1: not one of run, skip, cursor and add_partitions"},
        {"{\"skip\": \"a\", \"cursor\": \"b\"}", "not one of"},
        {"[1]", "line 1: "},
        {"{\"skip\": \"a\"} {\"skip\": \"b\"}", "line 1: "},
        {"{\"skip\": \"a\"", "line 1: "},
        {"{\"cursor\": 42}", "cursor"},
        {"{\"skip\": \"\xff\"}", "line 1: "},
        {"{\"add_partitions\": {\"set\": \"s\"}}", "keys"},
        {"{\"add_partitions\": {\"set\": \"s\", \"keys\": []}}", "keys"},
        {"{\"add_partitions\": {\"set\": \"s\", \"keys\": [\"a\", \"b...c\"]}}", "keys[1]"},
        {"{\"run\": {\"partition\": \"a...b\"}}", "run.partition"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        refuse(str_from(wrong[i].text), ERR_INVALID, wrong[i].part);
    }
}

static void everything_has_a_limit(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(4 << 20);
    for (int i = 0; i < ANSWER_RUNS_MAX; i++) {
        buf_addf(&text, "{\"run\": {\"run_key\": \"%d\"}}\n", i);
    }
    read_text(buf_str(&text));
    assert_int_equal(answer.run_count, ANSWER_RUNS_MAX);
    buf_add_text(&text, "{\"run\": {\"run_key\": \"0\"}}\n"); /* is there already */
    arena_reset(&arena);
    read_text(buf_str(&text));
    buf_add_text(&text, "{\"run\": {}}\n");
    refuse(buf_str(&text), ERR_FULL, "line 1002: more than 1000 runs");

    buf_reset(&text);
    for (int i = 0; i <= ANSWER_SETS_MAX; i++) {
        buf_add_text(&text, "{\"add_partitions\": {\"set\": \"s\", \"keys\": [\"a\"]}}\n");
    }
    refuse(buf_str(&text), ERR_FULL, "line 101: ");

    struct {
        const char *before;
        const char *after;
        size_t bytes;
        enum err_code code;
    } longs[] = {
        {"{\"run\": {\"run_key\": \"", "\"}}", RUN_KEY_BYTES_MAX + 1, ERR_INVALID},
        {"{\"cursor\": \"", "\"}", CURSOR_BYTES_MAX + 1, ERR_INVALID},
        {"{\"skip\": \"", "\"}", ANSWER_LINE_BYTES_MAX, ERR_FULL},
    };
    for (size_t i = 0; i < COUNT_OF(longs); i++) {
        buf_reset(&text);
        buf_add_text(&text, longs[i].before);
        for (size_t n = 0; n < longs[i].bytes; n++) {
            buf_add_char(&text, 'x');
        }
        buf_add_text(&text, longs[i].after);
        refuse(buf_str(&text), longs[i].code, "line 1: ");
    }
}

/* --- the cursor as it is kept and set --- */

static void a_cursor_is_of_its_kind(void **state)
{
    (void)state;
    static const enum sensor_type types[] = {SENSOR_FILES, SENSOR_MQTT, SENSOR_ASSET,
                                             SENSOR_RUN_STATUS, SENSOR_COMMAND};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        char kept[32];
        struct buf out = buf_fixed(kept, sizeof(kept));
        cursor_write(types[i], STR("12"), &out);
        for (size_t k = 0; k < COUNT_OF(types); k++) {
            struct str text = STR_NONE;
            bool is_same = k == i || (types[i] == SENSOR_ASSET && types[k] == SENSOR_RUN_STATUS) ||
                           (types[k] == SENSOR_ASSET && types[i] == SENSOR_RUN_STATUS);
            assert_int_equal(cursor_read(types[k], buf_str(&out), &text), is_same);
            assert_true(!is_same || str_eq(text, STR("12")));
        }
        buf_reset(&out);
        cursor_write(types[i], STR(""), &out);
        assert_true(out.len > 0); /* nothing kept means nothing said */
    }
    struct str text = STR_NONE;
    assert_false(cursor_read(SENSOR_COMMAND, STR(""), &text));
}

static void a_person_may_set_what_makes_sense(void **state)
{
    (void)state;
    char large[CURSOR_BYTES_MAX + 1];
    memset(large, 'x', sizeof(large));
    const struct {
        struct str text;
        enum sensor_type type;
        bool ok;
    } cases[] = {
        {STR(""), SENSOR_FILES, true},
        {STR("2026-11-22T02:30:00Z"), SENSOR_FILES, true},
        {STR("yesterday"), SENSOR_FILES, false},
        {STR(""), SENSOR_MQTT, true},
        {STR("00"), SENSOR_MQTT, false},
        {STR("0"), SENSOR_ASSET, true},
        {STR(""), SENSOR_ASSET, false},
        {STR("123456789012"), SENSOR_RUN_STATUS, true},
        {STR("-1"), SENSOR_RUN_STATUS, false},
        {STR(""), SENSOR_COMMAND, true},
        {STR("anything at all"), SENSOR_COMMAND, true},
        {STR("\xff"), SENSOR_COMMAND, false},
        {{large, sizeof(large)}, SENSOR_COMMAND, false},
        {{large, sizeof(large) - 1}, SENSOR_COMMAND, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        err = (struct err){0};
        assert_int_equal(cursor_check(cases[i].type, cases[i].text, &err), cases[i].ok);
        assert_int_equal(err.code, cases[i].ok ? ERR_NONE : ERR_INVALID);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(all_kinds_of_lines_are_read),
        TEST(silence_is_an_answer),
        TEST(a_run_key_counts_once),
        TEST(what_is_wrong_is_said_with_its_line),
        TEST(everything_has_a_limit),
        TEST(a_cursor_is_of_its_kind),
        TEST(a_person_may_set_what_makes_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
