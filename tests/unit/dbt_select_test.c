/* dbt_select_test.c - common/dbt/select.h: the grammar and the methods, on a small shop. */
#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/dbt_select_fixture.h"
#include <stdlib.h>
#include <string.h>

#define TESTS_OF_ORDERS "test.assert_sum test.orders_id test.orders_sizes unit_test.ut_orders"

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

static void ancestors_and_descendants(void **state)
{
    struct shop *s = *state;
    s->selection.indirect = DBT_EMPTY;
    shop_expect(s, "orders.v1", "model.orders");
    shop_expect(s, "+orders.v1", "model.orders model.stg_orders seed.sizes source.raw_orders");
    shop_expect(s, "1+orders.v1", "model.orders model.stg_orders seed.sizes");
    shop_expect(s, "0+orders.v1", "model.orders");
    shop_expect(s, "stg_orders+1", "model.orders model.orders_v2 model.stg_orders");
    shop_expect(s, "stg_orders+2",
                "model.daily model.orders model.orders_v2 model.stg_orders "
                "test.assert_sum test.orders_id test.orders_sizes "
                "unit_test.ut_orders");
    shop_expect(s, "1+daily+1", "exposure.board model.daily model.orders test.assert_sum");
    shop_expect(s, "@sizes_then", "seed.sizes snapshot.sizes_then");
    shop_expect(s, "@daily",
                "exposure.board model.daily model.orders model.stg_orders seed.sizes "
                "source.raw_orders test.assert_sum");
    shop_expect(s, "99999999999999999999+daily",
                "model.daily model.orders model.stg_orders seed.sizes source.raw_orders");
}

static void sets(void **state)
{
    struct shop *s = *state;
    s->selection.indirect = DBT_EMPTY;
    shop_expect(s, "daily  lib_base", "model.daily model.lib_base"); /* two blanks are one */
    shop_expect(s, "tag:hot,tag:big", "model.orders");
    shop_expect(s, "tag:hot,tag:big daily", "model.daily model.orders");
    shop_expect(s, "daily,", "");
    assert_string_equal(shop_select(s, "tag:*", "tag:big"), "model.stg_orders source.raw_orders");
    assert_string_equal(shop_select(s, NULL, "package:p"), "model.lib_base");
}

static void without_a_selection_all_but_hooks(void **state)
{
    struct shop *s = *state;
    shop_expect(s, NULL,
                "exposure.board model.daily model.lib_base model.orders model.orders_v2 "
                "model.stg_orders seed.sizes snapshot.sizes_then source.raw_orders "
                "test.assert_sum test.orders_id test.orders_sizes test.raw_id "
                "unit_test.ut_orders");
    shop_expect(s, "tag:on-run-start", "");
    shop_expect(s, "", "");
    assert_int_equal(s->warnings.count, 1);
    assert_true(str_contains(s->warnings.items[0], STR("no word")));
}

static void tests_come_with_their_parents(void **state)
{
    struct shop *s = *state;
    shop_expect(s, "orders.v1", "model.orders " TESTS_OF_ORDERS);
    s->selection.indirect = DBT_CAUTIOUS;
    shop_expect(s, "orders.v1", "model.orders test.orders_id unit_test.ut_orders");
    shop_expect(s, "orders.v1 seed.sizes", "model.orders test.orders_id unit_test.ut_orders");
    shop_expect(s, "orders.v1 sizes",
                "model.orders seed.sizes test.orders_id test.orders_sizes unit_test.ut_orders");
    shop_expect(s, "orders.v1 daily",
                "model.daily model.orders test.assert_sum test.orders_id unit_test.ut_orders");
    s->selection.indirect = DBT_BUILDABLE;
    shop_expect(s, "orders.v1",
                "model.orders test.orders_id test.orders_sizes unit_test.ut_orders");
    s->selection.indirect = DBT_EMPTY;
    shop_expect(s, "orders.v1", "model.orders");
}

static void names(void **state)
{
    struct shop *s = *state;
    s->selection.indirect = DBT_EMPTY;
    shop_expect(s, "p.marts",
                "model.daily model.orders model.orders_v2 test.orders_id "
                "test.orders_sizes unit_test.ut_orders");
    shop_expect(s, "marts.core", "model.daily");
    shop_expect(s, "orders", "model.orders model.orders_v2");
    shop_expect(s, "orders_v2", "model.orders_v2");
    shop_expect(s, "orders.v2", "model.orders_v2");
    shop_expect(s, "elsewhere.orders.v2", "model.orders_v2"); /* dbt's */
    shop_expect(s, "marts.c*", "model.daily");
    shop_expect(s, "lib*", "model.lib_base");
    shop_expect(s, "*aily", "model.daily");
    shop_expect(s, "?aily", "model.daily");
    shop_expect(s, "[c-e]aily", "model.daily");
    shop_expect(s, "Daily", "");
    shop_expect(s, "fqn:", "");
}

static void attributes(void **state)
{
    struct shop *s = *state;
    s->selection.indirect = DBT_EMPTY;
    shop_expect(s, "tag:h?t", "model.orders model.stg_orders source.raw_orders");
    shop_expect(s, "source:till", "source.raw_orders");
    shop_expect(s, "source:till.raw*", "source.raw_orders");
    shop_expect(s, "source:lib.till.raw_orders", "");
    shop_expect(s, "package:lib", "model.lib_base");
    shop_expect(s, "package:this,access:public", "model.orders");
    shop_expect(s, "group:o*", "model.orders");
    shop_expect(s, "file:daily.sql", "model.daily");
    shop_expect(s, "file:daily", "model.daily");
    shop_expect(s, "daily.sql", "model.daily");
    shop_expect(s, "sizes.CSV", ""); /* the method in any case, the name as it is */
    shop_expect(s, "resource_type:snapshot", "snapshot.sizes_then");
    shop_expect(s, "exposure:p.*", "exposure.board");
    shop_expect(s, "unit_test:ut_orders", "unit_test.ut_orders");
    shop_expect(s, "metric:* saved_query:* semantic_model:*", "");
    shop_expect(s, "version:latest", "model.orders");
    shop_expect(s, "version:prerelease", "model.orders_v2");
    shop_expect(s, "version:old", "");
    shop_expect(s, "version:none", "model.daily model.lib_base model.stg_orders");
}

static void of_tests(void **state)
{
    struct shop *s = *state;
    shop_expect(s, "test_type:generic", "test.orders_id test.orders_sizes test.raw_id");
    shop_expect(s, "test_type:singular", "test.assert_sum");
    shop_expect(s, "test_type:gul", "test.assert_sum"); /* dbt's: within "singular" */
    shop_expect(s, "test_type:unit", "unit_test.ut_orders");
    shop_expect(s, "test_type:data",
                "test.assert_sum test.orders_id test.orders_sizes test.raw_id");
    shop_expect(s, "test_name:not_*", "test.orders_id test.raw_id");
    shop_expect(s, "test_name:ut_orders", "unit_test.ut_orders");
}

static void paths(void **state)
{
    struct shop *s = *state;
    s->selection.indirect = DBT_EMPTY;
    shop_expect(s, "models/marts/core/daily.sql", "model.daily");
    shop_expect(s, "path:models/marts/core", "model.daily");
    shop_expect(s, "./models/marts/core/", "model.daily");
    shop_expect(s, "models/marts/core/daily.sql/", ""); /* no folder */
    shop_expect(s, "models/*/core", "model.daily");
    shop_expect(s, "path:models/**/daily.sql", "model.daily");
    shop_expect(s, "path:**/core", "model.daily");
    shop_expect(s, "path:models/marts/**",
                "exposure.board model.daily model.orders "
                "model.orders_v2 test.orders_id test.orders_sizes "
                "unit_test.ut_orders");
    shop_expect(s, "path:models/*.sql", "");
    /* Described in that file; and of a package where the project has such a folder too. */
    shop_expect(s, "path:models/staging/till.yml",
                "model.stg_orders source.raw_orders test.raw_id");
    shop_expect(s, "path:models/staging",
                "model.lib_base model.stg_orders source.raw_orders test.raw_id");
    shop_expect(s, "path:models/staging/lib_base.sql", ""); /* it has no such file */
    shop_refuses(s, "path:/srv/models", ERR_INVALID, "relative", "path:models/staging");
    shop_refuses(s, "../models", ERR_INVALID, "leads out of the project", "");
    shop_refuses(s, "path:models/**.sql", ERR_INVALID, "whole part", "");
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    struct shop *s = *state;
    shop_refuses(s, "tags:hot", ERR_INVALID, "selection: column 1, \"tags:hot\": \"tags\" is not",
                 "\"tag\"");
    shop_refuses(s, "daily +orders,bogus:x", ERR_INVALID,
                 "column 15, \"bogus:x\": \"bogus\" is not", "there are: ");
    shop_refuses(s, "h\xc3\xa9 @daily+", ERR_INVALID, "column 4, \"@daily+\": \"@\" in front",
                 "already");
    shop_refuses(s, "source:a.b.c.d", ERR_INVALID, "too many parts", "PACKAGE.SOURCE.TABLE");
    shop_refuses(s, "exposure:a.b.c", ERR_INVALID, "too many parts", "PACKAGE.NAME");
    shop_refuses(s, "resource_type:modle", ERR_INVALID, "no \"modle\"", "\"model\"");
    shop_refuses(s, "test_type:x", ERR_INVALID, "no \"x\"", "generic, singular, unit, data");
    shop_refuses(s, "version:x", ERR_INVALID, "no \"x\"", "latest, prerelease, old, none");
    shop_refuses(s, "state:modifed", ERR_INVALID, "no \"modifed\"", "\"modified\"");
    shop_refuses(s, "daily\norders", ERR_INVALID, "column 6: a line break", "blanks");
    shop_refuses(s, ":x,.y:z", ERR_INVALID, "column 4, \".y:z\": \"\" is not", "");
    assert_null(shop_select(s, NULL, "bogus:x"));
    assert_non_null(strstr(s->err.msg, "exclude: selection: column 1"));
}

static void what_is_not_known_is_refused(void **state)
{
    struct shop *s = *state;
    shop_refuses(s, "state:new", ERR_INVALID, "no manifest of before", "by name");
    shop_refuses(s, "result:error", ERR_INVALID, "no earlier run", "run it once");
    shop_refuses(s, "source_status:fresher", ERR_INVALID, "no earlier freshness", "source:NAME+");
}

static void nothing_selected_is_a_warning(void **state)
{
    struct shop *s = *state;
    shop_expect(s, "dialy tag:none,daily dialy", "");
    assert_int_equal(s->warnings.count, 2); /* the same is told once */
    assert_true(
        str_eq(s->warnings.items[0], STR("\"dialy\" selects nothing; did you mean \"daily\"?")));
    assert_true(str_eq(s->warnings.items[1], STR("\"tag:none,daily\" selects nothing")));
    shop_expect(s, "sizes_then", "snapshot.sizes_then");
    assert_int_equal(s->warnings.count, 0);
}

static bool status(void *ctx, struct str unique_id, struct str *ret_status, struct err *err)
{
    (void)ctx;
    (void)err;
    *ret_status = str_contains(unique_id, STR("daily"))    ? STR_NONE
                  : str_contains(unique_id, STR("orders")) ? STR("error")
                                                           : STR("success");
    return true;
}

static bool is_fresher(void *ctx, struct str unique_id, bool *ret, struct err *err)
{
    (void)ctx;
    (void)err;
    *ret = str_eq(unique_id, STR("source.p.raw_orders"));
    return true;
}

static bool freshness(void *ctx, struct str unique_id, struct str *ret_status, struct err *err)
{
    (void)ctx;
    (void)err;
    *ret_status = str_eq(unique_id, STR("source.p.raw_orders")) ? STR("runtime error") : STR_NONE;
    return true;
}

static void earlier_results(void **state)
{
    struct shop *s = *state;
    s->selection.indirect = DBT_EMPTY;
    s->selection.before = (struct dbt_before){.status = status, .is_fresher = is_fresher};
    shop_expect(s, "result:error,resource_type:model",
                "model.orders model.orders_v2 model.stg_orders");
    shop_expect(s, "1+result:success,resource_type:snapshot", "snapshot.sizes_then");
    shop_expect(s, "result:fail", "");
    shop_expect(s, "source_status:fresher+1", "model.stg_orders source.raw_orders test.raw_id");
    shop_expect(s, "source_status:older", "");
    s->selection.before.freshness = freshness;
    shop_expect(s, "source_status:runtime*", ""); /* a word, and no pattern */
    shop_expect(s, "source_status:pass", "");
    shop_expect(s, "source_status:fresher", "source.raw_orders");
}

static void too_long(void **state)
{
    struct shop *s = *state;
    char *text = malloc(LIMIT_DBT_SELECTION_BYTES + 2);
    assert_non_null(text);
    memset(text, 'a', LIMIT_DBT_SELECTION_BYTES + 1);
    text[LIMIT_DBT_SELECTION_BYTES + 1] = '\0';
    shop_refuses(s, text, ERR_FULL, "more than 65536 bytes", "selectors.yml");
    for (size_t i = 1; i < LIMIT_DBT_SELECTION_BYTES; i += 2) {
        text[i] = ',';
    }
    text[LIMIT_DBT_SELECTION_BYTES] = '\0';
    shop_expect(s, text, "");
    free(text);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, init, fini)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(ancestors_and_descendants),
        EACH(sets),
        EACH(without_a_selection_all_but_hooks),
        EACH(tests_come_with_their_parents),
        EACH(names),
        EACH(attributes),
        EACH(of_tests),
        EACH(paths),
        EACH(what_is_wrong_is_said_with_its_place),
        EACH(what_is_not_known_is_refused),
        EACH(nothing_selected_is_a_warning),
        EACH(earlier_results),
        EACH(too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
