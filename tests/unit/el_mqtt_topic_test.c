/* el_mqtt_topic_test.c - agent/el/mqtt_topic.h and the topics that mqtt_target_options.h takes. */
#include "agent/connectors/mqtt_target_options.h"
#include "agent/el/mqtt_topic.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

enum { COLUMNS = 3 };

static struct schema make_schema(struct arena *arena)
{
    static const struct column columns[COLUMNS] = {
        {.name = STR_INIT("name"), .kind = COLUMN_TEXT},
        {.name = STR_INIT("n"), .kind = COLUMN_INTEGER},
        {.name = STR_INIT("on"), .kind = COLUMN_BOOLEAN},
    };
    struct schema s = schema_new(arena);
    struct err err = {0};
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_true(schema_add(&s, &columns[i], &err));
    }
    return s;
}

static void writes(const struct schema *schema, struct str topic, struct str name,
                   const char *expected)
{
    AUTO(buf) out = buf_growing(4096);
    const struct value row[COLUMNS] = {
        {.type = name.ptr == NULL ? VALUE_NULL : VALUE_TEXT, .as.text = name},
        {.type = VALUE_INTEGER, .as.integer = -7},
        {.type = VALUE_INTEGER, .as.integer = 1},
    };
    mqtt_topic_write(&out, topic, STR("sales"), schema, row);
    assert_string_equal(buf_cstr(&out), expected);
}

static void topics(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct schema schema = make_schema(&arena);
    writes(&schema, STR("plain"), STR("x"), "plain");
    writes(&schema, STR("{stream}/{name}/{n}/{on}/end"), STR("a b/c"), "sales/a b/c/-7/true/end");
    writes(&schema, STR("{name}{name}"), STR("ä€"), "ä€ä€");
    writes(&schema, STR("x/{name}"), STR(""), "x/_");
    writes(&schema, STR("x/{name}"), STR_NONE, "x/_");
    writes(&schema, STR("{name}"), STR("+a#b\0c\x1f\x7f"), "_a_b_c__");
    writes(&schema, STR("{name}"), STR("\xc2\x9f.\xc2\xa0"), "_.\xc2\xa0");
    writes(&schema, STR("{name}"), STR("\xef\xb7\x90.\xef\xbf\xbe.\xf0\x9f\xbf\xbf"), "_._._");
    writes(&schema, STR("{name}"), STR("\xff.\xed\xa0\x80.\xe2\x82"), "_.___.__");
    writes(&schema, STR("{name}"), STR("{n}"), "{n}"); /* what a row holds is no name */
}

static void names_are_columns(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct schema schema = make_schema(&arena);
    struct err err = {0};
    assert_true(mqtt_topic_fits(STR("a/{stream}/{name}/{n}"), &schema, &err));
    assert_false(mqtt_topic_fits(STR("a/{nam}"), &schema, &err));
    assert_string_equal(err.hint, "did you mean {name}?");
    err = (struct err){0};
    assert_false(mqtt_topic_fits(STR("{completely different}"), &schema, &err));
    assert_non_null(strstr(err.msg, "{completely different}"));
    assert_string_equal(err.hint, "");
}

static bool is_taken(struct str topic)
{
    struct err err = {0};
    const struct mqtt_target_options options = {.topic = topic};
    bool ok = mqtt_target_check(&options, MODE_APPEND, &err);
    assert_true(ok || (err.code == ERR_INVALID && strstr(err.msg, "\"topic\"") != NULL));
    return ok;
}

static void topics_that_are_taken(void **state)
{
    (void)state;
    assert_true(is_taken(STR("a")) && is_taken(STR("{a}")) && is_taken(STR("/{a}/{b}{c}/")));
    assert_true(is_taken(STR("${SITE}/x"))); /* before the environment is filled in */
    static const struct str wrong[] = {
        STR_INIT(""),     STR_INIT("+"),     STR_INIT("a/#"),   STR_INIT("{"),    STR_INIT("}"),
        STR_INIT("{}"),   STR_INIT("{a"),    STR_INIT("a}{b}"), STR_INIT("{{a}"), STR_INIT("a\0"),
        STR_INIT("{a}}"), STR_INIT("a\xff"), STR_INIT("\x7f"),
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(is_taken(wrong[i]));
    }
    static char memory[MQTT_TEXT_BYTES_MAX + 1];
    memset(memory, 'x', sizeof(memory));
    assert_true(is_taken((struct str){memory, sizeof(memory) - 1}));
    assert_false(is_taken((struct str){memory, sizeof(memory)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics),
        cmocka_unit_test(names_are_columns),
        cmocka_unit_test(topics_that_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
