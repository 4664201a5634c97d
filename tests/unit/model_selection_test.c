#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/model/selection.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

/* raw/a -> stg/a -> mart/x -> report ; raw/b -> stg/b -> mart/x ; lone */
static const struct {
    const char *key;
    const char *deps[3];
    const char *group;
    const char *kind;
    const char *tag_value; /* of the tag "domain"; NULL = not tagged */
    const char *owner;
} shop[] = {
    {"raw/a", {NULL}, "raw", "csv", "sales", "team:retail"},
    {"raw/b", {NULL}, "raw", "sqlite", "", "ann@shop.example"},
    {"stg/a", {"raw/a"}, "stg-1", "sql", NULL, "team:data"},
    {"stg/b", {"raw/b"}, "stg-1", "sql", "stock", "team:data"},
    {"mart/x", {"stg/a", "stg/b"}, "mart", "sql", NULL, ""},
    {"report", {"mart/x"}, "mart", "command", NULL, ""},
    {"and", {NULL}, "default", "", NULL, ""},
};

static bool has(const void *ctx, uint32_t node, enum selection_attribute attribute, struct str name,
                struct str value)
{
    (void)ctx;
    switch (attribute) {
    case SELECT_GROUP:
        return str_eq(value, str_from(shop[node].group));
    case SELECT_GROUP_LIKE:
        return str_matches(str_from(shop[node].group), value);
    case SELECT_KIND:
        return str_eq(value, str_from(shop[node].kind));
    case SELECT_KINDLESS:
        return shop[node].kind[0] == '\0';
    case SELECT_TAG:
        return shop[node].tag_value != NULL && str_eq(name, STR("domain")) &&
               str_eq(value, str_from(shop[node].tag_value));
    case SELECT_OWNER:
        return str_eq(value, str_from(shop[node].owner));
    case SELECT_OWNERLESS:
        return shop[node].owner[0] == '\0';
    case SELECT_EXTERNAL:
        return shop[node].deps[0] == NULL;
    }
    return false;
}

static const struct selection_attributes attributes = {.has = has};

static void build_shop(struct arena *arena, struct graph *g)
{
    static struct str deps[COUNT_OF(shop)][3];
    struct graph_input input[COUNT_OF(shop)];
    for (size_t i = 0; i < COUNT_OF(shop); i++) {
        input[i] = (struct graph_input){.key = str_from(shop[i].key), .deps = deps[i]};
        for (size_t d = 0; d < 3 && shop[i].deps[d] != NULL; d++) {
            deps[i][input[i].dep_count++] = str_from(shop[i].deps[d]);
        }
    }
    struct err err = {0};
    assert_true(graph_build(arena, input, COUNT_OF(shop), NULL, g, &err));
}

static const char *select_all(const char *text, struct buf *out)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct graph g;
    build_shop(&arena, &g);
    struct selection *s = NULL;
    struct err err = {0};
    if (!selection_parse(str_from(text), &arena, &s, &err)) {
        print_error("%s: %s\n", text, err.msg);
        fail();
    }
    bool *set = NULL;
    assert_true(selection_evaluate(s, &g, &attributes, &arena, &set, &err));
    for (size_t i = 0; i < g.count; i++) {
        if (set[i]) {
            buf_addf(out, "%s" STR_FMT, out->len == 0 ? "" : " ", STR_ARG(g.nodes[i].key));
        }
    }
    return buf_cstr(out);
}

static const struct {
    const char *text;
    const char *expected;
} selections[] = {
    {"*", "raw/a raw/b stg/a stg/b mart/x report and"},
    {"report", "report"},
    {"key:report", "report"},
    {"key:\"report\"", "report"},
    {"key: report", "report"},
    {"\"and\"", "and"},
    {"key:and", "and"},
    {"raw/*", "raw/a raw/b"},
    {"key:*/a", "raw/a stg/a"},
    {"key:\"*\" and not raw/*", "stg/a stg/b mart/x report and"},
    {"r*t", "report"},
    {"nothing", ""},
    {"nothing*", ""},
    {"group:stg-1", "stg/a stg/b"},
    {"group:\"stg-1\"", "stg/a stg/b"},
    {"kind:sql", "stg/a stg/b mart/x"},
    {"tag:domain=sales", "raw/a"},
    {"tag:\"domain\"=\"stock\"", "stg/b"},
    {"tag:domain", "raw/b"},
    {"tag:domain=\"\"", "raw/b"},
    {"owner:team:retail", "raw/a"},
    {"owner:ann@shop.example", "raw/b"},
    {"owner:\"team:data\" and group:stg-1", "stg/a stg/b"},
    /* reach */
    {"+stg/a", "raw/a stg/a"},
    {"stg/a+", "stg/a mart/x report"},
    {"stg/a+1", "stg/a mart/x"},
    {"1+mart/x", "stg/a stg/b mart/x"},
    {"2+mart/x+1", "raw/a raw/b stg/a stg/b mart/x report"},
    {"0+mart/x+0", "mart/x"},
    {"99999999999999999999+mart/x+2147483648", "raw/a raw/b stg/a stg/b mart/x report"},
    /* both ways from stg/a alone: stg/b, which is above mart/x, is not meant */
    {"+stg/a+", "raw/a stg/a mart/x report"},
    {"+(stg/a or stg/b)", "raw/a raw/b stg/a stg/b"},
    {" ( stg/a ) + ", "stg/a mart/x report"},
    {"1 + mart/x", "stg/a stg/b mart/x"},
    {"*+", "raw/a raw/b stg/a stg/b mart/x report and"},
    {"group:raw+1", "raw/a raw/b stg/a stg/b"},
    {"key:raw/a+1", "raw/a stg/a"},
    /* binding: + before not before and before or */
    {"not raw/a and not raw/b", "stg/a stg/b mart/x report and"},
    {"raw/a or raw/b and stg/a", "raw/a"},
    {"(raw/a or raw/b) and raw/b", "raw/b"},
    {"raw/a or raw/b or stg/a", "raw/a raw/b stg/a"},
    {"not not raw/a", "raw/a"},
    {"not +report", "and"},
    {"not (raw/a or report) and raw/*", "raw/b"},
    {"NOT raw/* AND NOT group:mart OR report", "stg/a stg/b report and"},
    {"group:raw+ and not tag:domain=stock", "raw/a raw/b stg/a mart/x report"},
    {"raw/a\nor\traw/b", "raw/a raw/b"},
    /* ends of a set: what nothing else of the set leads to, on no way, also around it */
    {"roots(*)", "raw/a raw/b and"},
    {"sinks(*)", "report and"},
    {"roots(stg/a or mart/x or report)", "stg/a"},
    {"roots(raw/a or report)", "raw/a"},
    {"sinks(raw/a or report)", "report"},
    {"sinks(raw/* or stg/b)", "raw/a stg/b"},
    {"roots(nothing)", ""},
    {"roots(mart/x)+", "mart/x report"},
    {"1+sinks (stg/a or mart/x) and not roots( stg/b )", "stg/a mart/x"},
    {"roots(sinks(*))", "report and"},
    {"roots", ""},
    {"key:sinks or sinks", ""},
    {"not roots(*)", "stg/a stg/b mart/x report"},
    /* wildcards of groups, <null>, is: */
    {"group:\"stg*\"", "stg/a stg/b"},
    {"group:*a*", "raw/a raw/b mart/x report and"},
    {"group:<null>", ""},
    {"kind:<null>", "and"},
    {"owner:<null> and not key:and", "mart/x report"},
    {"tag:domain=<null>", "raw/b"},
    {"is:external", "raw/a raw/b and"},
    {"is:materializable", "stg/a stg/b mart/x report"},
    {"is:\"external\" and raw/a", "raw/a"},
    /* white space around : and = */
    {"group : raw and tag : domain = sales", "raw/a"},
    {"key\n:\nreport", "report"},
};

static void selections_select(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(selections); i++) {
        char memory[256];
        struct buf out = buf_fixed(memory, sizeof(memory));
        const char *selected = select_all(selections[i].text, &out);
        if (strcmp(selected, selections[i].expected) != 0) {
            print_error("%s selects %s\n", selections[i].text, selected);
        }
        assert_string_equal(selected, selections[i].expected);
    }
}

static void errors_name_the_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *msg;
    } cases[] = {
        {"", "column 1: an asset is expected at the end"},
        {"raw/a and", "column 10: an asset is expected at the end"},
        {"raw/a raw/b", "column 7: \"and\" or \"or\" is expected here"},
        {"raw/a + raw/b", "column 9: \"and\" or \"or\" is expected here"},
        {"(raw/a", "column 1: this parenthesis is never closed"},
        {"(raw/a raw/b)", "column 8: \"and\", \"or\" or \")\" is expected here"},
        {"raw/a)", "column 6: \"and\" or \"or\" is expected here"},
        {"()", "column 2: ')' is not expected here"},
        {"or raw/a", "column 1: an asset is expected here, not \"or\""},
        {"raw/a and and", "column 11: an asset is expected here, not \"and\""},
        {"++raw/a", "column 2: '+' is not expected here"},
        {"grp:raw", "column 1: there is no attribute \"grp\""},
        {"key:", "column 5: an asset key is expected here"},
        {"group:", "column 7: a value is expected here"},
        {"tag:a=", "column 7: a value is expected here"},
        {"group:raw=1", "column 10: \"and\" or \"or\" is expected here"},
        {"kind:s*", "column 7: only key: and group: take wildcards"},
        {"tag:a=b*c", "column 8: only key: and group: take wildcards"},
        {"group:\"r*?\"", "column 7: \"r*?\" cannot match a group"},
        {"tag:<null>", "column 5: the name of a tag is expected here"},
        {"key:<null>", "column 5: an asset key is expected here"},
        {"is:made", "column 4: is: takes external or materializable"},
        {"is:<null>", "column 4: is: takes external or materializable"},
        {"roots(", "column 7: an asset is expected at the end"},
        {"roots()", "column 7: ')' is not expected here"},
        {"sinks(raw/a", "column 6: this parenthesis is never closed"},
        {"roots raw/a", "column 7: \"and\" or \"or\" is expected here"},
        {":raw", "column 1: there is no attribute \"\""},
        {"column:id", "column 1: \"column:\" can be asked in Dagster+ only"},
        {"raw/a or table_name:t", "column 10: \"table_name:\" can be asked in Dagster+ only"},
        {"changed_in_branch : ANY",
         "column 1: \"changed_in_branch:\" can be asked in Dagster+ only"},
        {"code_location:x",
         "column 1: \"code_location:\" can be asked in Dagster's user interface only"},
        {"raw/a or\n  group:", "line 2, column 9: a value is expected here"},
        {"group:\"raw", "column 7: this quote is never closed"},
        {"\"a b\"", "column 1: \"a b\" cannot match an asset key"},
        {"key:a:b", "column 5: \"a:b\" cannot match an asset key"},
        {"a,b", "column 2: \"and\" or \"or\" is expected here"},
        {"?", "column 1: '?' is not expected here"},
        {"\xc3\xa9 ,", "column 3: \"and\" or \"or\" is expected here"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) arena = arena_new(1 << 20);
        struct selection *s = NULL;
        struct err err = {0};
        assert_false(selection_parse(str_from(cases[i].text), &arena, &s, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_null(s);
        assert_true(strncmp(err.msg, "selection, ", 11) == 0);
        assert_string_equal(err.msg + 11, cases[i].msg);
    }
}

static void hints_help(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct selection *s = NULL;
    struct err err = {0};
    assert_false(selection_parse(STR("gruop:raw"), &arena, &s, &err));
    assert_string_equal(err.hint, "did you mean group:?");
    assert_false(selection_parse(STR("code_location:raw"), &arena, &s, &err));
    assert_string_equal(err.hint, "attributes are key, group, kind, tag, owner and is");
    assert_false(selection_parse(STR("device:raw"), &arena, &s, &err));
    assert_string_equal(err.hint, "attributes are key, group, kind, tag, owner and is");
    assert_false(selection_parse(STR("not"), &arena, &s, &err));
    assert_string_equal(err.hint, "* selects all assets");
    assert_false(selection_parse(STR("x or and"), &arena, &s, &err));
    assert_string_equal(err.hint, "an asset of that name is written key:\"and\"");
}

/* The place is what the column says, in bytes. */
static void a_fault_has_a_place(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    size_t at = 0;
    assert_true(selection_fault(STR("raw/a gruop:x"), &arena, &at));
    assert_int_equal(at, 6);
    assert_true(selection_fault(STR("key:\xc3\xa9 or"), &arena, &at));
    assert_int_equal(at, 9);
    assert_true(selection_fault(STR(""), &arena, &at));
    assert_int_equal(at, 0);
    at = 7;
    assert_false(selection_fault(STR("raw/a"), &arena, &at));
    assert_false(selection_fault(STR("\xff"), &arena, &at));
    assert_int_equal(at, 7);
}

static void nesting_and_length_have_limits(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(8 << 20);
    struct selection *s = NULL;
    struct err err = {0};
    char text[LIMIT_SELECTION_BYTES + 1];
    struct buf deep = buf_fixed(text, sizeof(text));
    for (size_t i = 0; i < LIMIT_SELECTION_DEPTH; i++) {
        buf_add_char(&deep, '(');
    }
    buf_add_char(&deep, 'x');
    for (size_t i = 0; i < LIMIT_SELECTION_DEPTH; i++) {
        buf_add_char(&deep, ')');
    }
    assert_true(selection_parse(buf_str(&deep), &arena, &s, &err));
    memset(text, '(', sizeof(text));
    assert_false(selection_parse((struct str){text, sizeof(text) - 1}, &arena, &s, &err));
    assert_string_equal(err.msg, "selection, column 33: nested more than 32 deep");
    assert_false(selection_parse((struct str){text, sizeof(text)}, &arena, &s, &err));
    assert_string_equal(err.msg, "the selection is longer than 4096 bytes");
    assert_false(selection_parse(STR("\xff"), &arena, &s, &err));
    assert_string_equal(err.msg, "the selection is not valid UTF-8");
}

/* The longest chains that fit: as deep a stack and as many operations as can be. */
static void long_chains_evaluate(void **state)
{
    (void)state;
    static const char *const links[] = {"+a+or ", "not a and ", "(a)or ", "roots(a)or "};
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        AUTO(arena) arena = arena_new(2 << 20);
        struct graph g;
        build_shop(&arena, &g);
        char text[LIMIT_SELECTION_BYTES];
        struct buf chain = buf_fixed(text, sizeof(text));
        while (chain.len + 20 < sizeof(text)) {
            buf_add_text(&chain, links[i]);
        }
        buf_add_text(&chain, "report");
        struct selection *s = NULL;
        struct err err = {0};
        assert_true(selection_parse(buf_str(&chain), &arena, &s, &err));
        bool *set = NULL;
        assert_true(selection_evaluate(s, &g, NULL, &arena, &set, &err));
        assert_true(set[5]);
    }
}

static void without_attributes_nothing_has_any(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct graph g;
    build_shop(&arena, &g);
    struct selection *s = NULL;
    struct err err = {0};
    bool *set = NULL;
    assert_true(selection_parse(STR("group:raw"), &arena, &s, &err));
    assert_true(selection_evaluate(s, &g, NULL, &arena, &set, &err));
    for (size_t i = 0; i < g.count; i++) {
        assert_false(set[i]);
    }
}

static void every_lack_of_memory_is_reported(void **state)
{
    (void)state;
    AUTO(arena) graph_arena = arena_new(1 << 20);
    struct graph g;
    build_shop(&graph_arena, &g);
    bool done = false;
    size_t failures = 0;
    for (size_t max = 0; !done; max += 16) {
        AUTO(arena) arena = arena_new(max);
        struct selection *s = NULL;
        bool *set = NULL;
        struct err err = {0};
        done = selection_parse(STR("+raw/* and not (group:r* or 1+roots(is:materializable)+1)"),
                               &arena, &s, &err) &&
               selection_evaluate(s, &g, &attributes, &arena, &set, &err);
        assert_true(done != arena.exhausted);
        assert_true(done || (err.code == ERR_NO_MEMORY && set == NULL));
        failures += !done;
    }
    assert_true(failures > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selections_select),
        cmocka_unit_test(errors_name_the_column),
        cmocka_unit_test(hints_help),
        cmocka_unit_test(a_fault_has_a_place),
        cmocka_unit_test(nesting_and_length_have_limits),
        cmocka_unit_test(long_chains_evaluate),
        cmocka_unit_test(without_attributes_nothing_has_any),
        cmocka_unit_test(every_lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
