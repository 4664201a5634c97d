/* Variables: expansion, .env, names. */
#include "agent/meltano/dotenv.h"
#include "agent/meltano/tree.h"
#include "tests/support/cmocka_all.h"

static void assert_expanded(const char *text, const char *wanted)
{
    AUTO(arena) a = arena_new(1 << 20);
    struct env env = env_new(&a);
    env_put(&env, STR("A"), STR("1"));
    env_put(&env, STR("lower"), STR("low"));
    env_put(&env, STR("REF"), STR("$A"));
    env_put(&env, STR("EMPTY"), STR(""));
    env_put(&env, STR("1X"), STR("digit"));
    const struct env_chain chain = {.over = &env};
    struct expansion x = {.chain = &chain, .arena = &a};
    struct str expanded = expand_text(&x, str_from(text));
    if (!str_eq(expanded, str_from(wanted))) {
        fail_msg("%s: " STR_FMT, text, STR_ARG(expanded));
    }
}

static void test_expand(void **state)
{
    (void)state;
    /* meltano 4.2.2, core/utils: ENV_VAR_PATTERN. */
    assert_expanded("", "");
    assert_expanded("plain", "plain");
    assert_expanded("$A", "1");
    assert_expanded("x${A}y", "x1y");
    assert_expanded("$A$A", "11");
    assert_expanded("$Ab", "1b");        /* lower case ends a bare name */
    assert_expanded("$lower", "$lower"); /* and begins none */
    assert_expanded("${lower}", "low");
    assert_expanded("${1X}", "digit");
    assert_expanded("$1X", "$1X");
    assert_expanded("$REF", "$A"); /* once */
    assert_expanded("a$NOT_SET/b", "a/b");
    assert_expanded("$EMPTY", "");
    assert_expanded("\\$A", "$A");
    assert_expanded("\\${A}", "${A}");
    assert_expanded("\\\\$A", "\\$A");
    assert_expanded("\\$a \\", "\\$a \\");
    assert_expanded("${A:-x}", "${A:-x}"); /* no defaults */
    assert_expanded("${A", "${A");
    assert_expanded("${}", "${}");
    assert_expanded("$ $$A", "$ $1");
    assert_expanded("cost: 5$", "cost: 5$");
}

static void test_unset_is_kept(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 16);
    const struct env_chain chain = {0};
    struct expansion x = {.chain = &chain, .arena = &a};
    assert_true(str_eq(expand_text(&x, STR("$ONE and $TWO")), STR(" and ")));
    assert_true(str_eq(x.unset, STR("ONE")));
}

static void assert_name(struct str prefix, struct str name, struct str wanted)
{
    AUTO(arena) a = arena_new(1 << 16);
    assert_true(str_eq(env_name(&a, prefix, name), wanted));
}

static void test_names(void **state)
{
    (void)state;
    assert_name(STR("tap-x"), STR("api.key"), STR("TAP_X_API_KEY"));
    assert_name(STR("tap_x"), STR("_select"), STR("TAP_X__SELECT"));
    assert_name(STR(""), STR("a b"), STR("A_B"));
    assert_name(STR("é"), STR("x"), STR("__X"));
}

static bool get(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    if (!str_eq(name, STR("HOME"))) {
        return false;
    }
    *ret_value = STR("/root");
    return true;
}

static void test_dotenv(void **state)
{
    (void)state;
    /* What python-dotenv 1.1 makes of the lines. */
    static const char text[] = "# comment\n"
                               "PLAIN=value\n"
                               "  SPACED = a b  \n"
                               "export EXPORTED=yes\n"
                               "COMMENT=v # not this\n"
                               "HASH=v#this\n"
                               "DOUBLE=\"a\\n\\\"b\\\" \\x\"  # c\n"
                               "SINGLE='a\\n\\'b'\n"
                               "REF=${PLAIN}/${HOME}/${NONE}/${NONE:-d}/$PLAIN\n"
                               "EMPTY=\n"
                               "NO_VALUE\n"
                               "CRLF=x\r\n"
                               "'QUOTED'=k\n"
                               "MULTI=\"one\n"
                               "two\"\n"
                               "LAST=end\n"
                               "BROKEN=\"open";
    static const struct {
        const char *name;
        const char *value;
    } wanted[] = {
        {"PLAIN", "value"},   {"SPACED", "a b"},
        {"EXPORTED", "yes"},  {"COMMENT", "v"},
        {"HASH", "v#this"},   {"DOUBLE", "a\n\"b\" \\x"},
        {"SINGLE", "a\\n'b"}, {"REF", "value//root//d/$PLAIN"},
        {"EMPTY", ""},        {"CRLF", "x"},
        {"QUOTED", "k"},      {"MULTI", "one\ntwo"},
        {"LAST", "end"},
    };
    AUTO(arena) a = arena_new(1 << 20);
    struct env env = env_new(&a);
    const struct meltano_terminal terminal = {.get = get};
    dotenv_read(str_from(text), &terminal, &env);
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        struct str value = STR("(not there)");
        (void)env_get(&env, str_from(wanted[i].name), &value);
        if (!str_eq(value, str_from(wanted[i].value))) {
            fail_msg("%s: " STR_FMT, wanted[i].name, STR_ARG(value));
        }
    }
    struct str value = STR_NONE;
    assert_false(env_get(&env, STR("NO_VALUE"), &value));
    assert_false(env_get(&env, STR("BROKEN"), &value));
    assert_int_equal(env.count, COUNT_OF(wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand),
        cmocka_unit_test(test_unset_is_kept),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_dotenv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
