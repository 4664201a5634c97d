#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <stdlib.h>
#include <string.h>

static bool get(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    static char large[200 << 10];
    memset(large, 'x', sizeof(large));
    if (str_eq(name, STR("HOME"))) {
        *ret_value = STR("/home/ann");
    } else if (str_eq(name, STR("EMPTY"))) {
        *ret_value = STR("");
    } else if (str_eq(name, STR("LARGE"))) {
        *ret_value = (struct str){large, sizeof(large)};
    } else {
        return false;
    }
    return true;
}

static const struct env_lookup env = {.get = get};

static void texts_are_filled_in(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"${HOME}", "/home/ann"},
        {"a${HOME}b${HOME}", "a/home/annb/home/ann"},
        {"${HOME:-x}", "/home/ann"},
        {"${NONE:-x y}", "x y"},
        {"${NONE:-}", ""},
        {"${EMPTY}", ""},
        {"${EMPTY:-x}", "x"},
        {"$$", "$"},
        {"$${HOME}", "${HOME}"},
        {"$$$${HOME}", "$${HOME}"},
        {"cost: $5", "cost: $5"},
        {"echo $HOME", "echo $HOME"}, /* a shell's business */
        {"$", "$"},
        {"${NONE:-a:-b}", "a:-b"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) arena = arena_new(1 << 16);
        struct str result = STR_NONE;
        struct err err = {0};
        assert_true(definitions_resolve_text(str_from(cases[i].text), &env, &arena, &result, &err));
        assert_string_equal(result.ptr, cases[i].expected); /* and NUL-terminated */
        assert_int_equal(result.len, strlen(cases[i].expected));
    }
}

static void what_cannot_be_filled_in_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_code code;
        const char *msg;
        const char *hint;
    } cases[] = {
        {"a ${NONE} b", ERR_NOT_FOUND, "variable NONE is not set",
         "set it, or give a default: ${NONE:-...}"},
        {"x ${HOME", ERR_INVALID, "\"${HOME\" has no closing }",
         "a dollar sign itself is written $$"},
        {"${}", ERR_INVALID, "\"${}\" is not ${VAR} or ${VAR:-default}",
         "a dollar sign itself is written $$"},
        {"${1A}", ERR_INVALID, "\"${1A}\" is not ${VAR} or ${VAR:-default}", NULL},
        {"${A-B}", ERR_INVALID, "\"${A-B}\" is not ${VAR} or ${VAR:-default}", NULL},
        {"${A:-${B}}", ERR_INVALID, "\"${A:-${B}\" is not ${VAR} or ${VAR:-default}", NULL},
        {"${secret:TOKEN}", ERR_NOT_FOUND, "there are no secrets here: TOKEN", NULL},
        {"${secret:}", ERR_INVALID, "\"${secret:}\" is not ${secret:NAME}", NULL},
        {"${secret:../x}", ERR_INVALID, "\"${secret:../x}\" is not ${secret:NAME}", NULL},
        {"${secret:TOKEN:-x}", ERR_INVALID, "\"${secret:TOKEN:-x}\" is not ${secret:NAME}",
         "a name is 1 to 63 letters, digits, '_', '-' and '.'; a secret has no default"},
        {"0123456789 ${LARGE}", ERR_FULL,
         "\"0123456789 ${LARGE}\" is longer than 131072 bytes with its variables", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) arena = arena_new(1 << 20);
        struct str result = STR("before");
        struct err err = {0};
        assert_false(
            definitions_resolve_text(str_from(cases[i].text), &env, &arena, &result, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_string_equal(err.msg, cases[i].msg);
        if (cases[i].hint != NULL) {
            assert_string_equal(err.hint, cases[i].hint);
        }
        assert_true(str_eq(result, STR("before")));
    }
    AUTO(arena) none = arena_new(0);
    struct str result;
    struct err err = {0};
    assert_false(definitions_resolve_text(STR("x"), &env, &none, &result, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
}

static void paths_are_relative_to_the_definitions(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "project: x");
    assert_loaded(&l);
    struct definitions here = {.dir = "."};
    static const struct {
        const char *text;
        const char *there;
        const char *here;
    } cases[] = {
        {"data/*.csv", "shop/data/*.csv", "data/*.csv"},
        {"/abs", "/abs", "/abs"},
        {"${HOME}/x", "/home/ann/x", "/home/ann/x"},
        {"${NONE:-sub}/x", "shop/sub/x", "sub/x"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) arena = arena_new(1 << 16);
        const char *path = NULL;
        struct str text = str_from(cases[i].text);
        assert_true(definitions_resolve_path(l.defs, text, &env, &arena, &path, &l.err));
        assert_string_equal(path, cases[i].there);
        assert_true(definitions_resolve_path(&here, text, &env, &arena, &path, &l.err));
        assert_string_equal(path, cases[i].here);
    }
    AUTO(arena) arena = arena_new(1 << 20);
    const char *path = NULL;
    assert_false(definitions_resolve_path(l.defs, STR("${EMPTY}"), &env, &arena, &path, &l.err));
    assert_string_equal(l.err.msg, "path \"${EMPTY}\" is empty");
    char long_path[LIMIT_PATH_BYTES + 1];
    memset(long_path, 'x', sizeof(long_path));
    assert_false(definitions_resolve_path(l.defs, (struct str){long_path, sizeof(long_path)}, &env,
                                          &arena, &path, &l.err));
    assert_non_null(strstr(l.err.msg, "longer than 1023 bytes"));
    assert_null(path);
    loaded_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_filled_in),
        cmocka_unit_test(what_cannot_be_filled_in_is_said),
        cmocka_unit_test(paths_are_relative_to_the_definitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
