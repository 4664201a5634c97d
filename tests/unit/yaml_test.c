/* yaml_test.c - common/yaml/yaml.h: YAML files into trees, and errors that point. */
#include "common/yaml/yaml.h"

#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include <string.h>

enum { ARENA = 64 << 20 };

static const struct json *parse(struct arena *arena, const char *text)
{
    struct json *root = NULL;
    struct err err = {0};
    if (!yaml_parse(str_from(text), STR("a.yaml"), arena, &root, &err)) {
        fail_msg("%s\n%s", text, err.msg);
    }
    return root;
}

static void assert_tree(const char *yaml, const char *json)
{
    AUTO(arena) arena = arena_new(ARENA);
    AUTO(buf) out = buf_growing(10000);
    json_write(&out, parse(&arena, yaml));
    assert_string_equal(buf_cstr(&out), json);
}

static void assert_refused(struct str text, const char *message, const char *hint)
{
    AUTO(arena) arena = arena_new(ARENA);
    struct json *root = NULL;
    struct err err = {0};
    if (yaml_parse(text, STR("a.yaml"), &arena, &root, &err)) {
        fail_msg("taken: " STR_FMT, STR_ARG(text));
    }
    assert_null(root);
    assert_string_equal(err.msg, message);
    assert_string_equal(err.hint, hint);
}

static void plain_scalars_have_the_core_schema_types(void **state)
{
    (void)state;
    assert_tree("[null, Null, NULL, ~, ]", "[null,null,null,null]");
    assert_tree("[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]");
    assert_tree("[yes, no, on, off, y, nULL, tRUE]",
                "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"nULL\",\"tRUE\"]");
    assert_tree("[0, -1, +12, 007, 0x1F, 0o17, 9223372036854775807, -9223372036854775808]",
                "[0,-1,12,7,31,15,9223372036854775807,-9223372036854775808]");
    assert_tree("[1.5, -.5, 1., 1e3, +2.5E-1, .5e1, 0.0]", "[1.5,-0.5,1.0,1000.0,0.25,5.0,0.0]");
    assert_tree("[0x, 0o9, 0xg, 1_000, 1:30, 2026-01-01, 10.0.0.7, ., -, +, e1, 1e, 1e+, .inf, "
                ".nan, 1.2.3, 10s]",
                "[\"0x\",\"0o9\",\"0xg\",\"1_000\",\"1:30\",\"2026-01-01\",\"10.0.0.7\",\".\","
                "\"-\",\"+\",\"e1\",\"1e\",\"1e+\",\".inf\",\".nan\",\"1.2.3\",\"10s\"]");
    assert_tree("[\"1\", 'true', \"\", '~']", "[\"1\",\"true\",\"\",\"~\"]");
}

static void collections_of_both_styles_nest(void **state)
{
    (void)state;
    assert_tree("a: 1\nb:\n  - x\n  - y: 2\n    z:\nc: {d: [1, {e: f}], g: }\n",
                "{\"a\":1,\"b\":[\"x\",{\"y\":2,\"z\":null}],"
                "\"c\":{\"d\":[1,{\"e\":\"f\"}],\"g\":null}}");
    assert_tree("- - 1\n  - 2\n- []\n- {}\n", "[[1,2],[],{}]");
    assert_tree("sql: |\n  select 1\n  from t\nfold: >-\n  a\n  b\n",
                "{\"sql\":\"select 1\\nfrom t\\n\",\"fold\":\"a b\"}");
    assert_tree("1: a\ntrue: b\n\"\": c\n", "{\"1\":\"a\",\"true\":\"b\",\"\":\"c\"}");
    assert_tree("\"a\\tb\\u00e9\": \"x\"", "{\"a\\tb\xc3\xa9\":\"x\"}");
    assert_tree("\xef\xbb\xbf"
                "a: 1",
                "{\"a\":1}");
}

static void nothing_is_an_empty_object(void **state)
{
    (void)state;
    assert_tree("", "{}");
    assert_tree(" \n# only a comment\n", "{}");
    assert_tree("---\n...\n", "{}");
    assert_tree("null", "null");
}

static void nodes_know_their_place_and_text(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(ARENA);
    const struct json *root = parse(&arena, "a: 1.10\n\nlist:\n  - x\n  - b\xc3\xa9: True\n");
    assert_int_equal(root->line, 1);
    const struct json *a = json_get(root, "a");
    assert_int_equal(a->key_line, 1);
    assert_int_equal(a->key_column, 1);
    assert_int_equal(a->column, 4);
    assert_true(str_eq(a->written, STR("1.10")));
    const struct json *list = json_get(root, "list");
    assert_int_equal(list->key_line, 3);
    assert_int_equal(list->line, 4);
    const struct json *last = list->child->next->child;
    assert_int_equal(last->key_line, 5);
    assert_int_equal(last->key_column, 5);
    assert_int_equal(last->column, 9); /* characters, not bytes */
    assert_true(str_eq(last->written, STR("True")));
}

static void aliases_are_expanded(void **state)
{
    (void)state;
    assert_tree("a: &x {b: [1, 2]}\nc: *x\nd: &x 5\ne: [*x, *x]\n",
                "{\"a\":{\"b\":[1,2]},\"c\":{\"b\":[1,2]},\"d\":5,\"e\":[5,5]}");
}

static void merge_keys_yield_to_the_mappings_own(void **state)
{
    (void)state;
    assert_tree("base: &b {x: 1, y: [2]}\nc:\n  <<: *b\n  x: 9\n",
                "{\"base\":{\"x\":1,\"y\":[2]},\"c\":{\"x\":9,\"y\":[2]}}");
    assert_tree("p: &p {x: 1, y: 1}\nq: &q {y: 2, z: 2}\nr: {<<: [*p, *q], w: 0}\n",
                "{\"p\":{\"x\":1,\"y\":1},\"q\":{\"y\":2,\"z\":2},"
                "\"r\":{\"w\":0,\"x\":1,\"y\":1,\"z\":2}}");
    assert_tree("a: {<<: &i {x: 1}, y: 2}\nb: *i\n", "{\"a\":{\"y\":2,\"x\":1},\"b\":{\"x\":1}}");
    assert_tree("\"<<\": text", "{\"<<\":\"text\"}");
}

static void syntax_errors_are_said_for_a_person(void **state)
{
    (void)state;
    static const char indentation[] = "check the indentation, and the quotes and brackets before "
                                      "this place";
    static const char colon[] = "give all keys of a mapping the same indentation; put text that "
                                "contains \": \" in quotes";
    static const struct {
        struct str text;
        const char *message;
        const char *hint;
    } cases[] = {
        {STR_INIT("a:\n\tb: 1"), "a.yaml:2:1: a tab is used for indentation", "indent with spaces"},
        {STR_INIT("a: b\n\tc: d"), "a.yaml:2:1: a tab is used for indentation",
         "indent with spaces"},
        {STR_INIT("\xc3\xa9: @x"), "a.yaml:1:4: text cannot begin with '@'", "put it in quotes"},
        {STR_INIT("a:\n  b: 1\n c: 2"),
         "a.yaml:3:2: this does not continue the mapping that begins in line 1", indentation},
        {STR_INIT("a: \"x\" y"), "a.yaml:1:8: this does not continue the mapping", indentation},
        {STR_INIT("- a\nb: 1"), "a.yaml:2:1: this does not continue the list that begins in line 1",
         "give all '-' of a list the same indentation"},
        {STR_INIT("x: 1\na: \"abc\nb: 1\n"), "a.yaml:2:4: a quote that is never closed",
         "add the closing quote"},
        {STR_INIT("a: 'abc\n---\n"), "a.yaml:1:4: a quote that is never closed",
         "add the closing quote"},
        {STR_INIT("a: [1, 2\nb: 3"),
         "a.yaml:2:2: expected ',' or ']' in the list that begins in line 1",
         "close the list with ']'"},
        {STR_INIT("a: {x: 1\nb: 3"),
         "a.yaml:2:2: expected ',' or '}' in the mapping that begins in line 1",
         "close the mapping with '}'"},
        {STR_INIT("a: b: c"), "a.yaml:1:5: a ':' that does not fit here", colon},
        {STR_INIT("a: 1\nkey2"), "a.yaml:2:1: expected ':' after this key",
         "write it as \"key: value\""},
        {STR_INIT("  a: 1\nb: 2"), "a.yaml:2:1: this does not continue what is above",
         "begin all keys of the top level in the same column"},
        {STR_INIT("}"), "a.yaml:1:1: expected a value", ""},
        {STR_INIT("a: >x\n y"), "a.yaml:1:5: text behind the '|' or '>'",
         "begin the text in the next line"},
        {STR_INIT("a: \"\\q\""), "a.yaml:1:5: an unknown escape in \"...\"",
         "write \\\\ for a backslash, or use '...'"},
        {STR_INIT("a: 1\nb: \xff"), "a.yaml:2:4: invalid UTF-8", "save the file as UTF-8"},
        {STR_INIT("a: \x01"), "a.yaml:1:4: control characters are not allowed", ""},
        {STR_INIT("%YAML 2.0\n---\na"), "a.yaml:1:1: found incompatible YAML document", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_refused(cases[i].text, cases[i].message, cases[i].hint);
    }
}

static void what_the_tree_cannot_hold_is_refused(void **state)
{
    (void)state;
    static const char quotes[] = "put it in quotes if it is text";
    static const char key_message[] =
        "a.yaml:1:3: a key must be text, not a list, mapping or alias";
    static const struct {
        struct str text;
        const char *message;
        const char *hint;
    } cases[] = {
        {STR_INIT("a: 1\nb: 2\na: 3"), "a.yaml:3:1: duplicate key \"a\"", ""},
        {STR_INIT("x: {<<: {}, <<: {}}"), "a.yaml:1:17: duplicate key \"<<\"", ""},
        {STR_INIT("x:\n  <<: 1"), "a.yaml:2:7: \"<<\" takes a mapping or a list of mappings", ""},
        {STR_INIT("<<: [{}, 1]"), "a.yaml:1:10: \"<<\" takes a mapping or a list of mappings", ""},
        {STR_INIT("? \n: 1"), "a.yaml:1:2: a key is missing", ""},
        {STR_INIT("a: !!str 1"), "a.yaml:1:4: tags like tag:yaml.org,2002:str are not supported",
         ""},
        {STR_INIT("a: !x [1]"), "a.yaml:1:4: tags like !x are not supported", ""},
        {STR_INIT("--- a\n--- b\n"), "a.yaml:2:1: a second document; one is allowed in a file", ""},
        {STR_INIT("a: *x"), "a.yaml:1:4: no anchor &x stands above", ""},
        {STR_INIT("a: &x [*x]"), "a.yaml:1:8: alias *x stands inside of what it names", ""},
        {STR_INIT("a: \"\\0\""), "a.yaml:1:4: a NUL character in text", ""},
        {STR_INIT("a: 9223372036854775808"), "a.yaml:1:4: integer beyond 64 bits", quotes},
        {STR_INIT("a: 0x8000000000000000"), "a.yaml:1:4: integer beyond 64 bits", quotes},
        {STR_INIT("a: 1e999"), "a.yaml:1:4: number too large or too long", quotes},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_refused(cases[i].text, cases[i].message, cases[i].hint);
    }
    assert_refused(STR("? [a]\n: b"), key_message, "");
    assert_refused(STR("? {a: 1}\n: b"), key_message, "");
    assert_refused(STR("[&x a, {*x : 1}]"),
                   "a.yaml:1:9: a key must be text, not a list, mapping or alias", "");
}

static struct str nested(char *memory, size_t depth)
{
    memset(memory, '[', depth);
    memset(memory + depth, ']', depth);
    return (struct str){memory, 2 * depth};
}

static void nesting_ends_at_its_limit(void **state)
{
    (void)state;
    char memory[20000];
    AUTO(arena) arena = arena_new(ARENA);
    struct json *root = NULL;
    struct err err = {0};
    assert_true(yaml_parse(nested(memory, LIMIT_YAML_DEPTH), STR("a"), &arena, &root, &err));
    assert_refused(nested(memory, LIMIT_YAML_DEPTH + 1),
                   "a.yaml:1:33: nested deeper than 32 levels", "");
    assert_refused(nested(memory, 10000), "a.yaml:1:33: nested deeper than 32 levels", "");
    /* Aliases count with what is around them. */
    AUTO(buf) text = buf_growing(10000);
    buf_add_text(&text, "a: &x ");
    buf_add(&text, nested(memory, LIMIT_YAML_DEPTH - 1));
    buf_add_text(&text, "\nb: *x\n");
    assert_true(yaml_parse(buf_str(&text), STR("a"), &arena, &root, &err));
    buf_add_text(&text, "c: [*x]\n");
    assert_refused(buf_str(&text), "a.yaml:3:5: nested deeper than 32 levels", "");
}

static void a_bomb_of_aliases_meets_the_node_limit(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(10000);
    buf_add_text(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        buf_addf(&text, "a%d: &a%d [", i, i);
        for (int n = 0; n < 10; n++) {
            buf_addf(&text, "*a%d, ", i - 1);
        }
        buf_add_text(&text, "]\n");
    }
    AUTO(arena) arena = arena_new(ARENA);
    struct json *root = NULL;
    struct err err = {0};
    assert_false(yaml_parse(buf_str(&text), STR("a.yaml"), &arena, &root, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_non_null(strstr(err.msg, "more than 400000 values, aliases expanded"));
}

static void the_other_limits_hold(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(LIMIT_DEFINITIONS_BYTES + 1);
    for (int i = 0; i <= LIMIT_YAML_ANCHORS; i++) {
        buf_addf(&text, "- &a%d x\n", i);
    }
    assert_refused(buf_str(&text), "a.yaml:257:3: more than 256 anchors", "");
    AUTO(arena) arena = arena_new(1000);
    struct json *root = NULL;
    struct err err = {0};
    assert_false(yaml_parse(STR("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"), STR("a"), &arena, &root, &err));
    assert_int_equal(err.code, ERR_FULL);
    size_t left = LIMIT_DEFINITIONS_BYTES + 1 - text.len;
    char *space = buf_reserve(&text, left);
    assert_non_null(space);
    memset(space, ' ', left);
    text.len += left;
    assert_false(yaml_parse(buf_str(&text), STR("a"), &arena, &root, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_string_equal(err.msg, "a: 4194305 bytes are over the limit of 4194304");
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct str text = STR("a: &x {b: [1, two]}\nc: {<<: *x}\n");
    size_t max = 0;
    for (bool ok = false; !ok; max += 16) {
        AUTO(arena) arena = arena_new(max);
        struct json *root = NULL;
        struct err err = {0};
        ok = yaml_parse(text, STR("a"), &arena, &root, &err);
        assert_true(ok || err.code == ERR_FULL);
    }
    assert_true(max > 1000);
    for (int nth = 0;; nth++) {
        AUTO(arena) arena = arena_new(ARENA);
        struct json *root = NULL;
        struct err err = {0};
        fault_malloc_arm(nth);
        bool ok = yaml_parse(text, STR("a"), &arena, &root, &err);
        bool fired = fault_malloc_disarm();
        assert_int_equal(ok, !fired);
        if (!fired) {
            assert_true(nth >= 1);
            break;
        }
        assert_true(err.code == ERR_FULL || err.code == ERR_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_have_the_core_schema_types),
        cmocka_unit_test(collections_of_both_styles_nest),
        cmocka_unit_test(nothing_is_an_empty_object),
        cmocka_unit_test(nodes_know_their_place_and_text),
        cmocka_unit_test(aliases_are_expanded),
        cmocka_unit_test(merge_keys_yield_to_the_mappings_own),
        cmocka_unit_test(syntax_errors_are_said_for_a_person),
        cmocka_unit_test(what_the_tree_cannot_hold_is_refused),
        cmocka_unit_test(nesting_ends_at_its_limit),
        cmocka_unit_test(a_bomb_of_aliases_meets_the_node_limit),
        cmocka_unit_test(the_other_limits_hold),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
