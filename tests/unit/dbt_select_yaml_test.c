/* dbt_select_yaml_test.c - selectors.yml, as a manifest has it, on the small shop. */
#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/dbt_select_fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int init(void **state)
{
    static struct shop shop;
    shop_init(&shop);
    *state = &shop;
    return 0;
}

static int fini(void **state)
{
    shop_fini(*state);
    return 0;
}

/* The definition as the selector "it", beside what is given. Quotes are single ones. */
static void define(struct shop *s, const char *definition, const char *others)
{
    AUTO(buf) text = buf_growing(1 << 16);
    buf_addf(&text, "{\"it\":{\"name\":\"it\",\"definition\":%s}%s}", definition, others);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'') {
            text.ptr[i] = '"';
        }
    }
    s->selectors = arena_cstr(&s->arena, buf_str(&text));
    assert_non_null(s->selectors);
    s->selection.selector = STR("it");
}

static void expect(struct shop *s, const char *definition, const char *names)
{
    define(s, definition, "");
    shop_expect(s, NULL, names);
}

static void refuses(struct shop *s, const char *definition, const char *message, const char *hint)
{
    define(s, definition, "");
    shop_refuses(s, NULL, ERR_INVALID, message, hint);
}

static void the_forms(void **state)
{
    struct shop *s = *state;
    s->selection.indirect = DBT_EMPTY;
    expect(s, "'1+daily'", "model.daily model.orders");
    expect(s, "{'tag':'big'}", "model.daily model.orders");
    expect(s, "{'method':'tag','value':'big'}", "model.daily model.orders");
    expect(s, "{'method':'fqn','value':'daily','parents':true,'parents_depth':1}",
           "model.daily model.orders");
    expect(s, "{'method':'fqn','value':'daily','parents':true,'parents_depth':'1'}",
           "model.daily model.orders");
    /* The number 0 is no depth, the text '0' is one: dbt's. */
    expect(s, "{'method':'fqn','value':'stg_orders','parents':true,'parents_depth':0}",
           "model.stg_orders source.raw_orders");
    expect(s, "{'method':'fqn','value':'stg_orders','parents':true,'parents_depth':'0'}",
           "model.stg_orders");
    expect(s, "{'method':'fqn','value':'sizes_then','childrens_parents':true}",
           "seed.sizes snapshot.sizes_then");
    expect(s, "{'method':'tag','value':'big','exclude':['daily']}", "model.orders");
}

static void sets(void **state)
{
    struct shop *s = *state;
    s->selection.indirect = DBT_EMPTY;
    expect(s, "{'union':['daily',{'tag':'hot'}]}",
           "model.daily model.orders model.stg_orders source.raw_orders");
    expect(s, "{'intersection':[{'tag':'big'},{'tag':'hot'}]}", "model.orders");
    expect(s, "{'union':[{'tag':'hot'},{'exclude':['orders',{'source':'till'}]}]}",
           "model.stg_orders");
    expect(s, "{'union':[{'intersection':[{'tag':'hot'},{'union':[{'tag':'big'}]}]},'lib_base']}",
           "model.lib_base model.orders");
    expect(s, "{'union':[]}", "");
    expect(s, "{'union':['daily',{'exclude':[]}]}", "model.daily");
    /* A member with exclude is nothing but that: dbt's. */
    expect(s, "{'union':[{'tag':'hot'},{'method':'fqn','value':'daily','exclude':['orders']}]}",
           "model.stg_orders source.raw_orders");
}

static void tests_by_definition(void **state)
{
    struct shop *s = *state;
    s->selection.indirect = DBT_EMPTY;
    expect(s, "{'method':'fqn','value':'orders.v1','indirect_selection':'cautious'}",
           "model.orders test.orders_id unit_test.ut_orders");
    s->selection.indirect = DBT_CAUTIOUS;
    expect(s, "'orders.v1'", "model.orders test.orders_id unit_test.ut_orders");
    /* Sets of selectors.yml do not look again which tests are complete: dbt's. */
    expect(s, "{'union':['orders.v1','sizes']}",
           "model.orders seed.sizes test.orders_id unit_test.ut_orders");
}

static void one_refers_to_another(void **state)
{
    struct shop *s = *state;
    const char *others =
        ",'big':{'name':'big','definition':{'tag':'big'}},"
        "'bigger':{'name':'bigger','definition':{'method':'selector','value':'big',"
        "'parents':true,'parents_depth':1}}";
    s->selection.indirect = DBT_EMPTY;
    define(s, "{'union':[{'selector':'big'},'lib_base']}", others);
    shop_expect(s, NULL, "model.daily model.lib_base model.orders");
    define(s, "'selector:bigger'", others);
    shop_expect(s, NULL, "model.daily model.orders model.stg_orders seed.sizes");
    s->selection.selector = STR_NONE;
    shop_expect(s, "selector:big*,tag:hot", "model.orders model.stg_orders");
    shop_refuses(s, "selector:bog", ERR_NOT_FOUND, "no selector \"bog\"", "\"big\"");
    /* The tests are those of the selector itself, not of what it is widened to. */
    s->selection.indirect = DBT_EAGER;
    shop_expect(s, "1+selector:big",
                "model.daily model.orders model.stg_orders seed.sizes test.assert_sum "
                "test.orders_id test.orders_sizes unit_test.ut_orders");
}

static void a_circle(void **state)
{
    struct shop *s = *state;
    define(s, "'selector:other'", ",'other':{'definition':{'union':[{'selector':'it'}]}}");
    shop_refuses(s, NULL, ERR_INVALID, "selector \"it\": it refers to itself", "");
    define(s, "'selector:*'", "");
    shop_refuses(s, NULL, ERR_INVALID, "refers to itself", "");
}

static void the_default(void **state)
{
    struct shop *s = *state;
    s->selection.indirect = DBT_EMPTY;
    s->selectors = "{\"a\":{\"definition\":\"daily\",\"default\":true},"
                   "\"b\":{\"definition\":\"orders.v1\",\"default\":false}}";
    shop_expect(s, NULL, "model.daily");
    shop_expect(s, "lib_base", "model.lib_base");
    assert_true(str_contains(str_from(shop_select(s, NULL, "daily")), STR("model.orders")));
    s->selection.selector = STR("b");
    shop_expect(s, NULL, "model.orders");
    shop_refuses(s, "daily", ERR_INVALID, "named beside a selection", "");
    s->selection.selector = STR("c");
    shop_refuses(s, NULL, ERR_NOT_FOUND, "no selector \"c\"", "\"a\"");
    s->selectors = NULL;
    shop_refuses(s, NULL, ERR_NOT_FOUND, "no selector \"c\"", "selectors.yml");
    s->selection.selector = STR_NONE;
    s->selectors = "{\"a\":{\"definition\":\"daily\",\"default\":true},"
                   "\"b\":{\"definition\":\"orders\",\"default\":true}}";
    shop_refuses(s, NULL, ERR_INVALID, "both \"a\" and \"b\" are the default", "");
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    struct shop *s = *state;
    refuses(s, "5", "selector \"it\": a definition is a text or an object", "");
    refuses(s, "{'union':['daily',{'exclude':['a',{'tags':'x'}]}]}",
            "selector \"it\": union: [1]: exclude: [1]: \"tags\" is not a selection method",
            "\"tag\"");
    refuses(s, "{'union':{'tag':'x'}}", "union: it is a list, not an object", "");
    refuses(s, "{'union':[{'exclude':['a']},{'exclude':['b']}]}", "[1]: there is a second exclude",
            "one list");
    refuses(s, "{'a':'x','b':'y'}", "neither one key nor", "");
    refuses(s, "{'method':'tag'}", "\"method\" is not a selection method", "");
    refuses(s, "{'method':5,'value':'x'}", "method: it is a text", "");
    refuses(s, "{'tag':5}", "tag: its value is a text, not an integer", "quotes");
    refuses(s, "{'method':'fqn','value':'x','parents':true,'parents_depth':'two'}",
            "parents_depth: it is a number of steps", "");
    refuses(s, "{'method':'fqn','value':'x','indirect_selection':'greedy'}",
            "indirect_selection: it is not", "buildable");
    refuses(s, "{'method':'fqn','value':'x','childrens_parents':true,'children':true}",
            "cannot be together", "");
    refuses(s, "'@x+'", "selector \"it\": column 1, \"@x+\"", "");
    refuses(s, "null,\"description\":\"x\"", "a definition is", "");
    s->selectors = "{\"it\":{\"name\":\"it\"}}";
    shop_refuses(s, NULL, ERR_INVALID, "selector \"it\": it has no definition", "");
    s->selectors = "{\"it\":\"daily\"}";
    shop_refuses(s, NULL, ERR_INVALID, "it has no definition", "");
    s->selectors = "[]";
    shop_refuses(s, NULL, ERR_INVALID, "selectors: it is an object", "");
}

/* Each refers to the one before twice: linear, and no deeper than the limit. */
static void a_long_chain(void **state)
{
    struct shop *s = *state;
    AUTO(buf) others = buf_growing(1 << 16);
    enum { FITS = LIMIT_DBT_SELECTION_DEPTH / 2 - 2 };
    buf_addf(&others, ",'s0':{'definition':'daily'}");
    for (int i = 1; i < LIMIT_DBT_SELECTION_DEPTH; i++) {
        buf_addf(&others, ",'s%d':{'definition':{'union':[{'selector':'s%d'},{'selector':'s%d'}]}}",
                 i, i - 1, i - 1);
    }
    s->selection.indirect = DBT_EMPTY;
    char name[16];
    (void)snprintf(name, sizeof(name), "'selector:s%d'", FITS);
    define(s, name, buf_cstr(&others));
    shop_expect(s, NULL, "model.daily");
    (void)snprintf(name, sizeof(name), "'selector:s%d'", LIMIT_DBT_SELECTION_DEPTH - 1);
    define(s, name, buf_cstr(&others));
    shop_refuses(s, NULL, ERR_FULL, "nested more than 32 deep", "");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, init, fini)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(the_forms),
        EACH(sets),
        EACH(tests_by_definition),
        EACH(one_refers_to_another),
        EACH(a_circle),
        EACH(the_default),
        EACH(what_is_wrong_is_said_with_its_place),
        EACH(a_long_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
