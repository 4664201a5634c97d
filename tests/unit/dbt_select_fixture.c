#include "tests/unit/dbt_select_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/dbt_sketch.h"
#include <stdlib.h>
#include <string.h>

enum { SHOP_ARENA = 32 << 20 };

static const char *const lines[] = {
    "source.raw_orders:",
    "seed.sizes:",
    "model.stg_orders: source.raw_orders",
    "model.orders: model.stg_orders seed.sizes",
    "model.orders_v2: model.stg_orders",
    "model.daily: model.orders",
    "model.lib_base:",
    "snapshot.sizes_then: seed.sizes",
    "test.orders_id: model.orders",
    "test.orders_sizes: model.orders seed.sizes",
    "test.raw_id: source.raw_orders",
    "test.assert_sum: model.orders model.daily",
    "unit_test.ut_orders: model.orders",
    "exposure.board: model.daily",
    "operation.on_run_start: model.daily",
};

/* Words split at blanks. */
static struct str_list words(struct arena *arena, const char *text)
{
    struct str_list list = {0};
    struct str rest = str_from(text);
    list.items = arena_array(arena, rest.len + 1, sizeof(*list.items));
    assert_non_null(list.items);
    while (rest.len > 0) {
        (void)str_cut(rest, ' ', &list.items[list.count], &rest);
        list.count++;
    }
    return list;
}

struct detail {
    const char *name, *fqn, *tags, *file, *patch;
};
static const struct detail details[] = {
    {"source.raw_orders", "p staging till raw_orders", "hot", "models/staging/till.yml", ""},
    {"seed.sizes", "p sizes", "", "seeds/sizes.csv", ""},
    {"model.stg_orders", "p staging stg_orders", "hot", "models/staging/stg_orders.sql",
     "models/staging/till.yml"},
    {"model.orders", "p marts orders v1", "hot big", "models/marts/orders.sql",
     "models/marts/marts.yml"},
    {"model.orders_v2", "p marts orders v2", "", "models/marts/orders_v2.sql",
     "models/marts/marts.yml"},
    {"model.daily", "p marts core daily", "big", "models/marts/core/daily.sql", ""},
    {"model.lib_base", "lib staging lib_base", "", "models/staging/lib_base.sql", ""},
    {"snapshot.sizes_then", "p sizes_then", "", "snapshots/sizes_then.sql", ""},
    {"test.orders_id", "p marts orders_id", "", "models/marts/marts.yml", ""},
    {"test.orders_sizes", "p marts orders_sizes", "", "models/marts/marts.yml", ""},
    {"test.raw_id", "p staging raw_id", "", "models/staging/till.yml", ""},
    {"test.assert_sum", "p assert_sum", "", "tests/assert_sum.sql", ""},
    {"unit_test.ut_orders", "p marts ut_orders", "", "models/marts/marts.yml", ""},
    {"exposure.board", "p board", "", "models/marts/marts.yml", ""},
    {"operation.on_run_start", "p hooks on_run_start", "on-run-start", "./dbt_project.yml", ""},
};

static struct dbt_node *node_of(struct shop *shop, const char *name)
{
    return &shop->project->nodes[dbt_sketch_node(shop->project, name)];
}

void shop_init(struct shop *shop)
{
    *shop = (struct shop){.arena = arena_new(SHOP_ARENA)};
    shop->project = dbt_sketch(&shop->arena, lines, COUNT_OF(lines));
    shop->project->name = STR("p");
    for (size_t i = 0; i < COUNT_OF(details); i++) {
        struct dbt_node *node = node_of(shop, details[i].name);
        node->fqn = words(&shop->arena, details[i].fqn);
        node->tags = words(&shop->arena, details[i].tags);
        node->file_path = str_from(details[i].file);
        node->patch_path = str_from(details[i].patch);
    }
    node_of(shop, "source.raw_orders")->source_name = STR("till");
    node_of(shop, "model.lib_base")->package = STR("lib");
    node_of(shop, "model.orders")->version = STR("1");
    node_of(shop, "model.orders")->latest_version = STR("1");
    node_of(shop, "model.orders_v2")->version = STR("2");
    node_of(shop, "model.orders_v2")->latest_version = STR("1");
    node_of(shop, "model.orders")->access = STR("public");
    node_of(shop, "model.orders")->group = STR("ops");
    node_of(shop, "model.daily")->materialized = STR("incremental");
    node_of(shop, "test.orders_id")->test_name = STR("not_null");
    node_of(shop, "test.orders_id")->is_warning = true;
    node_of(shop, "test.orders_sizes")->test_name = STR("relationships");
    node_of(shop, "test.raw_id")->test_name = STR("not_null");
}

void shop_fini(struct shop *shop)
{
    arena_release(&shop->arena);
}

static const char *names_of(struct shop *shop, const bool *set)
{
    AUTO(buf) names = buf_growing(1 << 16);
    for (uint32_t i = 0; i < shop->project->count; i++) {
        if (set[i]) {
            buf_add(&names, names.len == 0 ? STR("") : STR(" "));
            dbt_sketch_name(shop->project, i, &names);
        }
    }
    const char *copy = arena_cstr(&shop->arena, buf_str(&names));
    assert_non_null(copy);
    return copy;
}

const char *shop_select(struct shop *shop, const char *select, const char *exclude)
{
    struct str select_text = str_from(select);
    struct str exclude_text = str_from(exclude);
    struct dbt_selection selection = shop->selection;
    struct json *selectors = NULL;
    bool *set = NULL;
    selection.select = (struct str_list){&select_text, select != NULL};
    selection.exclude = (struct str_list){&exclude_text, exclude != NULL};
    shop->err = (struct err){0};
    if (shop->selectors != NULL) {
        assert_true(
            json_parse(str_from(shop->selectors), 1 << 20, &shop->arena, &selectors, &shop->err));
    }
    selection.selectors = selectors;
    if (!dbt_select(shop->project, &selection, &shop->arena, &set, &shop->warnings, &shop->err)) {
        assert_true(shop->err.code != ERR_NONE && shop->err.msg[0] != '\0');
        return NULL;
    }
    return names_of(shop, set);
}

void shop_expect(struct shop *shop, const char *select, const char *names)
{
    const char *got = shop_select(shop, select, NULL);
    if (got == NULL || strcmp(got, names) != 0) {
        fail_msg("%s: \"%s\" instead of \"%s\"", select == NULL ? "all" : select,
                 got == NULL ? shop->err.msg : got, names);
    }
}

void shop_refuses(struct shop *shop, const char *select, enum err_code code, const char *message,
                  const char *hint)
{
    const char *got = shop_select(shop, select, NULL);
    if (got != NULL || shop->err.code != code || strstr(shop->err.msg, message) == NULL ||
        strstr(shop->err.hint, hint) == NULL) {
        fail_msg("%s: \"%s\" (\"%s\") instead of \"%s\" (\"%s\")", select == NULL ? "all" : select,
                 got == NULL ? shop->err.msg : got, shop->err.hint, message, hint);
    }
}
