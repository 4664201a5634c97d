/* connectors_test.c - agent/connectors/connector.h: what holds of every connector. */
#include "agent/connectors/connector.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static const struct field *find(const struct field_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->fields[i].key, key) == 0) {
            return &table->fields[i];
        }
    }
    return NULL;
}

static bool is_same(const struct field *a, const struct field *b)
{
    return a->type == b->type && a->required == b->required && a->min == b->min &&
           a->max == b->max && a->marks == b->marks;
}

/* A resource is read by both: what one of them knows of it the other knows too. */
static void both_sides_have_the_same_connection(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    for (size_t i = 0; connector_at(i) != NULL; i++) {
        const struct connector *c = connector_at(i);
        if (c->sides[USE_EXTRACT].options == NULL || c->sides[USE_LOAD].options == NULL) {
            continue;
        }
        const struct field_table *from = connector_connection_table(c, USE_EXTRACT, &arena);
        const struct field_table *to = connector_connection_table(c, USE_LOAD, &arena);
        assert_int_equal(from->count, to->count);
        for (size_t f = 0; f < from->count; f++) {
            const struct field *other = find(to, from->fields[f].key);
            if (other == NULL || !is_same(&from->fields[f], other)) {
                print_error("%s: %s\n", c->type, from->fields[f].key);
                fail();
            }
        }
    }
}

static void each_is_told_by_a_resource_or_a_key_of_its_own(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    for (size_t i = 0; connector_at(i) != NULL; i++) {
        const struct connector *c = connector_at(i);
        assert_ptr_equal(connector_find(str_from(c->type)), c);
        assert_int_equal(connector_index(c), i);
        for (enum connector_use use = USE_EXTRACT; use < USE_COUNT; use++) {
            const struct connector_side *side = &c->sides[use];
            if (side->options == NULL) {
                continue;
            }
            const struct field_table *block = connector_block_table(c, use, &arena);
            const char *key = side->key != NULL ? side->key : "resource";
            assert_non_null(side->help);
            assert_non_null(find(side->options, "type"));
            assert_null(find(block, "type"));
            assert_true(find(block, key)->required);
            assert_int_equal(connector_has_resource(c), side->key == NULL);
            if (side->key != NULL) {
                assert_ptr_equal(connector_option(c, use, str_from(side->key)),
                                 find(side->options, side->option));
            }
        }
    }
    assert_null(connector_find(STR("none")));
}

static void what_is_absent_says_what_brings_it(void **state)
{
    (void)state;
    struct err err = {0};
    const struct connector *c = connector_find(STR("modbus"));
    assert_false(connector_absent(c, "tap", &err));
    assert_string_equal(err.msg, "tap \"modbus\" is not in this build");
    assert_non_null(strstr(err.hint, "libmodbus-dev"));
    assert_non_null(strstr(err.hint, "SELVEDGE_WITH_MODBUS"));
    assert_false(connector_absent(connector_find(STR("csv")), "target", &err));
    assert_string_equal(err.hint, "build it with the CMake option SELVEDGE_WITH_CSV");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_have_the_same_connection),
        cmocka_unit_test(each_is_told_by_a_resource_or_a_key_of_its_own),
        cmocka_unit_test(what_is_absent_says_what_brings_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
