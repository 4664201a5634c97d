/* check.c - an asset: its own words, the way in which it is made, its checks. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include "common/model/asset_key.h"
#include <stdarg.h>
#include <stdio.h>

enum {
    DESCRIPTION_BYTES_MAX = 8192,
    METADATA_VALUE_BYTES_MAX = 4096,
    KINDS_INFERRED_MAX = 3,
    KINDS_MAX = 12, /* with those */
    SHOWN_BYTES_MAX = 80,
};

/* --- for all that is said about an asset --- */

void asset_problem(const struct subject *s, struct location at, const char *hint, const char *fmt,
                   ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct item item = item_of_asset(s);
    item_problem(&item, at, hint, "%s", text);
}

struct item item_of_asset(const struct subject *s)
{
    return (struct item){s->l, s->node, "asset", s->raw->asset.key};
}

void check_fitting(const struct subject *s, const char *const *keys, size_t count, bool is_fitting,
                   const char *fitting)
{
    for (size_t i = 0; !is_fitting && i < count; i++) {
        if (json_get(s->node, keys[i]) != NULL) {
            asset_problem(s, place_of(s->node, keys[i]), "take it away", "%s goes with %s only",
                          keys[i], fitting);
        }
    }
}

const struct resource *find_resource(const struct subject *s, const struct json *node,
                                     struct str name)
{
    const struct definitions *defs = s->l->defs;
    struct nearest nearest = {.wanted = name};
    for (size_t i = 0; i < defs->resource_count; i++) {
        const struct resource *resource = &defs->resources[i];
        if (str_eq(resource->name, name)) {
            return resource;
        }
        nearest_offer(&nearest, resource->name);
    }
    char hint[HINT_SIZE];
    asset_problem(s, place_of(node, "resource"),
                  nearest_hint(&nearest, "name it under resources", hint),
                  "there is no resource \"" STR_FMT "\"", STR_ARG(name));
    return NULL;
}

const struct resource *find_database(const struct subject *s, const struct json *node,
                                     struct str name)
{
    const struct resource *resource = find_resource(s, node, name);
    if (resource == NULL || resource->connector == NULL || resource->connector->answers_sql) {
        return resource != NULL && resource->connector != NULL ? resource : NULL;
    }
    asset_problem(s, place_of(node, "resource"), NULL,
                  "resource " STR_FMT " is of type %s, which is no database", STR_ARG(name),
                  resource->connector->type);
    return NULL;
}

void check_table(const struct subject *s, const struct json *node, const char *key,
                 struct str *name)
{
    if (name->ptr == NULL) {
        *name = asset_key_last(s->raw->asset.key);
        return;
    }
    if (name->len == 0 || name->len > TABLE_NAME_BYTES_MAX) {
        asset_problem(s, place_of(node, key), NULL, "%s is not 1 to %d bytes long", key,
                      TABLE_NAME_BYTES_MAX);
    }
}

/* --- an asset's own words --- */

static void check_key(const struct subject *s)
{
    struct str key = s->raw->asset.key;
    struct err err = {0};
    if (key.ptr != NULL && !asset_key_check(key, &err)) {
        problems_add(s->l->problems, place_of(s->node, "key"), str_from(err.hint), "%s", err.msg);
    }
}

static void check_deps(const struct subject *s)
{
    const struct str_list *deps = &s->raw->asset.deps;
    for (size_t i = s->raw->first == NULL ? 0 : s->raw->shared_deps; i < deps->count; i++) {
        struct err err = {0};
        if (deps->items[i].ptr != NULL && !asset_key_check(deps->items[i], &err)) {
            asset_problem(s, place_of_item(s->node, "deps", i), err.hint, "deps: %s", err.msg);
        }
    }
}

/* "team:retail", or something at something. */
static bool is_owner(struct str owner)
{
    if (str_starts(owner, STR("team:"))) {
        return is_word(str_slice(owner, 5, owner.len), LIMIT_NAME_BYTES, "_-.");
    }
    struct str user;
    struct str host;
    bool has_at = str_cut(owner, '@', &user, &host);
    for (size_t i = 0; i < user.len; i++) {
        if ((unsigned char)user.ptr[i] <= ' ') {
            return false;
        }
    }
    return has_at && user.len > 0 && is_word(host, LIMIT_ASSET_KEY_BYTES, "-.") && owner.len <= 254;
}

static void check_owners(const struct subject *s)
{
    const struct str_list *owners = &s->raw->asset.owners;
    for (size_t i = 0; i < owners->count; i++) {
        if (owners->items[i].ptr != NULL && !is_owner(owners->items[i])) {
            asset_problem(s, place_of_item(s->node, "owners", i), NULL,
                          "owner \"" STR_FMT "\" is neither an e-mail address nor team:NAME",
                          STR_ARG(str_slice(owners->items[i], 0, 80)));
        }
    }
}

static void check_kinds(const struct subject *s)
{
    const struct str_list *kinds = &s->raw->asset.kinds;
    for (size_t i = 0; i < kinds->count; i++) {
        bool is_wrong =
            kinds->items[i].ptr != NULL && !is_word(kinds->items[i], LIMIT_NAME_BYTES, "_-.");
        if (is_wrong && !is_counted_only(s->l)) {
            (void)check_name(s->l, place_of_item(s->node, "kinds", i), "kind", kinds->items[i]);
        }
    }
}

static void check_metadata(const struct subject *s)
{
    const struct str_map *metadata = &s->raw->asset.metadata;
    const struct json *node = first_of(s->node, "metadata");
    for (size_t i = 0; i < metadata->count; i++, node = next_of(node)) {
        struct str name = str_slice(metadata->keys[i], 0, SHOWN_BYTES_MAX);
        if (!is_word(metadata->keys[i], LIMIT_NAME_BYTES, "_-./")) {
            asset_problem(s, place_of_key(node), "letters, digits, '_', '-', '.' and '/'",
                          "metadata \"" STR_FMT "\" is not a name of 1 to %d characters",
                          STR_ARG(name), LIMIT_NAME_BYTES);
        }
        if (metadata->values[i].len > METADATA_VALUE_BYTES_MAX) {
            asset_problem(s, place_of_key(node), NULL,
                          "the value of metadata " STR_FMT " is longer than %d bytes",
                          STR_ARG(name), METADATA_VALUE_BYTES_MAX);
        }
    }
}

static void check_pool(const struct subject *s)
{
    const struct definitions *defs = s->l->defs;
    struct asset *asset = &s->raw->asset;
    struct nearest nearest = {.wanted = asset->pool_name};
    for (size_t i = 0; i < defs->pool_count && asset->pool == NULL; i++) {
        nearest_offer(&nearest, defs->pools[i].name);
        if (str_eq(defs->pools[i].name, asset->pool_name)) {
            asset->pool = &defs->pools[i];
        }
    }
    if (asset->pool_name.ptr != NULL && asset->pool == NULL) {
        char hint[HINT_SIZE];
        asset_problem(s, place_of(s->node, "pool"),
                      nearest_hint(&nearest, "give it a limit under pools", hint),
                      "there is no pool \"" STR_FMT "\"",
                      STR_ARG(str_slice(asset->pool_name, 0, SHOWN_BYTES_MAX)));
    }
}

/* --- how it is made --- */

static void check_retry(const struct subject *s)
{
    const struct raw_retry *retry = &s->raw->retry;
    bool needs_delay = retry->policy.growth != BACKOFF_NONE || retry->policy.jitter != JITTER_NONE;
    if (needs_delay && !retry->has_delay) {
        asset_problem(s, place_of(s->node, "retry"), "give it a delay, such as delay: 10s",
                      "retry: backoff and jitter need a delay");
    }
    s->raw->asset.retry = retry->policy;
}

/* The one way in which the asset is made. */
static void check_work(const struct subject *s)
{
    const struct raw_asset *raw = s->raw;
    const struct {
        const char *name;
        enum asset_work work;
        bool is_given;
    } ways[] = {
        {raw->has_extract ? "extract" : "load", ASSET_EXTRACT_LOAD,
         raw->has_extract || raw->has_load},
        {"sql", ASSET_SQL, raw->has_sql},
        {"run", ASSET_RUN, raw->has_run},
        {"meltano", ASSET_MELTANO, raw->has_meltano},
        {"dbt", ASSET_DBT, raw->has_dbt},
        {"external", ASSET_EXTERNAL, raw->is_external},
    };
    const char *first = NULL;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        if (ways[i].is_given && first != NULL) {
            asset_problem(s, place_of(s->node, ways[i].name), "an asset is made in one way",
                          "it has both %s and %s", first, ways[i].name);
        } else if (ways[i].is_given) {
            first = ways[i].name;
            s->raw->asset.work = ways[i].work;
        }
    }
    if (first == NULL) {
        asset_problem(s, place_of_node(s->node),
                      "give it extract and load, sql, run, meltano, dbt, or external: true",
                      "nothing says how it is made");
    }
}

static void check_external(const struct subject *s)
{
    static const char *const useless[] = {"retry", "timeout",  "checks",
                                          "pool",  "backfill", "automation"};
    for (size_t i = 0; i < COUNT_OF(useless); i++) {
        bool is_source = s->raw->gives_way && str_eq(str_from(useless[i]), STR("checks"));
        if (!is_source && json_get(s->node, useless[i]) != NULL) {
            asset_problem(s, place_of(s->node, useless[i]), "take it away",
                          "%s means nothing for an external asset: no step of ours makes it",
                          useless[i]);
        }
    }
}

/* --- its checks --- */

/* Where the asset's rows end up, or NULL. */
static const struct resource *home_of(const struct asset *asset)
{
    if (asset->work == ASSET_SQL) {
        return asset->sql.resource;
    }
    bool is_asked = asset->load.resource != NULL && asset->load.resource->connector->answers_sql;
    return is_asked ? asset->load.resource : NULL;
}

/* A check that asks a database. */
static void check_query(const struct subject *s, const struct json *node, struct check *check)
{
    if (check->sql.ptr != NULL && str_trim(check->sql).len == 0) {
        asset_problem(s, place_of(node, "sql"), NULL, "check " STR_FMT ": the query is empty",
                      STR_ARG(check->name));
    }
    if (check->resource_name.len > 0) {
        check->resource = find_database(s, node, check->resource_name);
        return;
    }
    check->resource = home_of(&s->raw->asset);
    /* Of a resource that is not there enough was said. */
    bool has_home = s->raw->has_sql || (json_get(json_get(s->node, "load"), "resource") != NULL &&
                                        s->raw->asset.load.resource == NULL);
    if (check->resource == NULL && !has_home && s->raw->asset.work != ASSET_EXTERNAL) {
        asset_problem(s, check->at, "name the database to ask: resource: ...",
                      "check " STR_FMT " needs a resource", STR_ARG(check->name));
    }
}

/* A node or a source of a dbt project: its step tells of the checks. */
static bool has_tests(const struct subject *s)
{
    return s->raw->has_dbt || s->raw->gives_way;
}

/* A test of a dbt project, which the step itself runs. */
static void check_test(const struct subject *s, const struct json *node, const struct check *check)
{
    static const char *const useless[] = {"sql", "run", "resource"};
    if (!has_tests(s) || check->test.len == 0) {
        asset_problem(s, check->at, NULL, "check " STR_FMT ": test goes with dbt, and dbt with it",
                      STR_ARG(check->name));
    }
    for (size_t i = 0; i < COUNT_OF(useless); i++) {
        if (json_get(node, useless[i]) != NULL) {
            asset_problem(s, place_of(node, useless[i]), "take it away",
                          "check " STR_FMT ": %s does not go with test", STR_ARG(check->name),
                          useless[i]);
        }
    }
}

static void check_way(const struct subject *s, const struct json *node, struct check *check)
{
    bool has_sql = json_get(node, "sql") != NULL;
    bool has_run = json_get(node, "run") != NULL;
    bool is_reported = !has_sql && !has_run && s->raw->has_run; /* through Dagster Pipes */
    if (json_get(node, "test") != NULL || has_tests(s)) {
        check_test(s, node, check);
    } else if (has_sql == has_run && !is_reported) {
        asset_problem(s, check->at, NULL,
                      "check " STR_FMT " needs one of sql and run, and not both",
                      STR_ARG(check->name));
    } else if (has_sql) {
        check_query(s, node, check);
    } else {
        struct item item = item_of_asset(s);
        if (has_run) {
            item_run(&item, node, &check->run);
        }
        if (json_get(node, "resource") != NULL) {
            asset_problem(s, place_of(node, "resource"), "take it away",
                          "check " STR_FMT ": resource goes with sql only", STR_ARG(check->name));
        }
    }
}

static void check_check(const struct subject *s, const struct json *node, struct check *check,
                        size_t index)
{
    if (!has_tests(s) || !is_word(check->name, LIMIT_CHECK_NAME_BYTES, "_-.")) {
        (void)check_name(s->l, place_of(node, "name"), "check", check->name);
    }
    for (size_t i = 0; i < index; i++) {
        if (check->name.len > 0 && str_eq(s->raw->asset.checks[i].name, check->name)) {
            asset_problem(s, place_of(node, "name"), NULL, "check " STR_FMT " is defined twice",
                          STR_ARG(check->name));
        }
    }
    if (check->description.len > DESCRIPTION_BYTES_MAX) {
        asset_problem(s, place_of(node, "description"), NULL,
                      "check " STR_FMT ": the description is longer than %d bytes",
                      STR_ARG(check->name), DESCRIPTION_BYTES_MAX);
    }
    if (check->is_blocking && check->severity == CHECK_WARN) {
        asset_problem(s, place_of(node, "blocking"), "severity: error, or no blocking",
                      "check " STR_FMT ": a warning does not block", STR_ARG(check->name));
    }
    check_way(s, node, check);
}

static void check_checks(const struct subject *s)
{
    struct asset *asset = &s->raw->asset;
    const struct check *checks = s->raw->checks.items;
    asset->checks = arena_array(&s->l->defs->arena, s->raw->checks.count, sizeof(*asset->checks));
    if (asset->checks == NULL) {
        return; /* the arena remembers */
    }
    const struct json *node = first_of(s->node, "checks");
    for (size_t i = 0; i < s->raw->checks.count; i++, node = next_of(node)) {
        asset->checks[i] = checks[i];
        if (node != NULL && node->type == JSON_OBJECT) {
            check_check(s, node, &asset->checks[i], i);
        }
        asset->check_count++;
    }
}

/* --- kinds --- */

static void add_kind(struct str_list *kinds, struct str kind)
{
    for (size_t i = 0; i < kinds->count; i++) {
        if (str_eq(kinds->items[i], kind)) {
            return;
        }
    }
    kinds->items[kinds->count++] = kind;
}

static void add_endpoint(struct str_list *kinds, const struct endpoint *endpoint)
{
    if (endpoint->connector != NULL) {
        add_kind(kinds, str_from(endpoint->connector->kind));
    }
}

/* What is known from how it is made comes first, then what was written. */
static void infer_kinds(const struct subject *s)
{
    struct asset *asset = &s->raw->asset;
    struct str_list kinds = {0};
    s->raw->kinds_written = asset->kinds.items;
    kinds.items = arena_array(&s->l->defs->arena, asset->kinds.count + KINDS_INFERRED_MAX,
                              sizeof(*kinds.items));
    if (kinds.items == NULL) {
        return; /* the arena remembers */
    }
    switch (asset->work) {
    case ASSET_EXTRACT_LOAD:
        add_kind(&kinds, STR("tap"));
        add_endpoint(&kinds, &asset->extract);
        add_endpoint(&kinds, &asset->load);
        break;
    case ASSET_SQL:
        add_kind(&kinds, STR("sql"));
        add_kind(&kinds, asset->sql.materialized == SQL_VIEW ? STR("view") : STR("table"));
        break;
    case ASSET_RUN:
        add_kind(&kinds, STR("command"));
        break;
    case ASSET_MELTANO:
        add_kind(&kinds, STR("meltano"));
        break;
    case ASSET_DBT:
        add_kind(&kinds, STR("dbt"));
        add_kind(&kinds, asset->dbt.adapter);
        break;
    case ASSET_EXTERNAL:
        break;
    }
    for (size_t i = 0; i < asset->kinds.count && kinds.count <= KINDS_MAX; i++) {
        add_kind(&kinds, asset->kinds.items[i]);
    }
    if (kinds.count > KINDS_MAX) {
        asset_problem(s, place_of(s->node, "kinds"), NULL,
                      "it has more than %d kinds, with those known from how it is made", KINDS_MAX);
    }
    asset->kinds = kinds;
}

/* "SCHEME://HOST NAME": docs/reference/lineage.md */
static void check_dataset(const struct subject *s)
{
    const struct str_list *dataset = &s->raw->asset.dataset;
    struct item item = item_of_asset(s);
    for (size_t i = 0; i < dataset->count; i++) {
        struct str space;
        struct str name;
        struct location at = place_of_item(s->node, "dataset", i);
        bool is_address = str_cut(dataset->items[i], ' ', &space, &name) && name.len > 0 &&
                          str_contains(space, STR("://"));
        item_template(&item, at, "dataset", dataset->items[i], SECRETS_REFUSED);
        if (!is_address && !str_contains(dataset->items[i], STR("${"))) {
            asset_problem(s, at, "such as \"postgres://warehouse:5432 shop.public.orders\"",
                          "dataset \"" STR_FMT "\" is not an address, a blank and a name",
                          STR_ARG(str_slice(dataset->items[i], 0, 80)));
        }
    }
}

/* Its words, but for those that were checked as another's of the same step. */
static void check_words(const struct subject *s, const struct asset *first)
{
    const struct asset *asset = &s->raw->asset;
    struct item item = item_of_asset(s);
    if (first == NULL || asset->group.ptr != first->group.ptr) {
        (void)check_name(s->l, place_of(s->node, "group"), "group", asset->group);
    }
    if (first == NULL || asset->kinds.items != s->raw->first->kinds_written) {
        check_kinds(s);
    }
    if (first == NULL || asset->tags.keys != first->tags.keys) {
        item_tags(&item, &asset->tags);
    }
    if (first == NULL || asset->metadata.keys != first->metadata.keys) {
        check_metadata(s);
    }
    if (first == NULL || asset->owners.items != first->owners.items) {
        check_owners(s);
    }
    check_dataset(s);
}

/* What is said once for all assets of a step. */
static void check_shared(const struct subject *s)
{
    check_words(s, NULL);
    check_pool(s);
    check_work(s);
    if (s->raw->has_extract || s->raw->has_load) {
        check_extract_load(s);
    }
    if (s->raw->has_sql) {
        check_sql(s);
    }
    check_command(s);
    check_dbt(s);
    check_partitions(s);
    check_freshness(s);
    check_automation(s);
    check_retry(s);
    if (s->raw->is_external) {
        check_external(s);
    } else if (s->raw->gives_way) {
        asset_problem(s, place_of(s->node, "gives_way"), "take it away",
                      "gives_way goes with external only");
    }
}

/* What those checks made of it, from the first asset of the step. */
static void take_shared(const struct subject *s)
{
    struct asset *asset = &s->raw->asset;
    const struct asset *first = &s->raw->first->asset;
    asset->work = first->work;
    asset->extract = first->extract;
    asset->load = first->load;
    asset->dbt = first->dbt;
    asset->extras = first->extras;
    asset->partitions = first->partitions;
    asset->partitions_per_run = first->partitions_per_run;
    if (s->raw->has_own_freshness || s->raw->first->has_own_freshness) {
        check_freshness(s);
    } else {
        asset->freshness = first->freshness;
    }
    if (s->raw->has_own_automation || s->raw->first->has_own_automation) {
        check_automation(s);
    } else {
        asset->automation = first->automation;
    }
    asset->retry = first->retry;
    asset->pool = first->pool;
    s->raw->load = s->raw->first->load;
}

static void check_asset(const struct subject *s)
{
    const struct asset *asset = &s->raw->asset;
    check_key(s);
    check_deps(s);
    check_dbt_node(s);
    if (s->raw->first == NULL) {
        check_shared(s);
    } else {
        take_shared(s);
        check_words(s, &s->raw->first->asset);
    }
    if (asset->description.len > DESCRIPTION_BYTES_MAX) {
        asset_problem(s, place_of(s->node, "description"), NULL,
                      "the description is longer than %d bytes", DESCRIPTION_BYTES_MAX);
    }
    check_checks(s);
    check_partition_words(s);
    infer_kinds(s);
}

void check_assets(struct loader *l)
{
    struct raw_asset *raw = l->raw.assets.items;
    const struct json *node = first_of(l->root, "assets");
    for (size_t i = 0; i < l->raw.assets.count; i++, node = next_of(node)) {
        struct subject subject = {l, node, &raw[i]};
        if (node != NULL && node->type == JSON_OBJECT) {
            check_asset(&subject);
        }
        l->defs->assets[i] = raw[i].asset;
    }
}
