#include "common/dbt/select_same.h"
#include "common/base/sha1.h"
#include <stdlib.h>

static double number_of(const struct json *v)
{
    return v->type == JSON_BOOL  ? (v->as.boolean ? 1 : 0)
           : v->type == JSON_INT ? (double)v->as.integer
                                 : v->as.real;
}

static bool is_number(const struct json *v)
{
    return v->type == JSON_BOOL || v->type == JSON_INT || v->type == JSON_REAL;
}

static bool is_null(const struct json *v)
{
    return v == NULL || v->type == JSON_NULL;
}

static const struct json *get(const struct json *object, struct str key)
{
    if (object == NULL || object->type != JSON_OBJECT) {
        return NULL;
    }
    for (const struct json *m = object->child; m != NULL; m = m->next) {
        if (str_eq(m->key, key)) {
            return m;
        }
    }
    return NULL;
}

/* NOLINTBEGIN(misc-no-recursion): the depth of the JSON bounds it (JSON_VERBATIM_DEPTH) */
static bool has_members_of(const struct json *a, const struct json *b)
{
    const struct json *near = a->child; /* mostly they are in the same order */
    for (const struct json *m = b->child; m != NULL; m = m->next) {
        const struct json *other =
            near != NULL && str_eq(near->key, m->key) ? near : get(a, m->key);
        if (!json_is_same(other, m)) {
            return false;
        }
        near = other == NULL ? near : other->next;
    }
    return true;
}

static bool is_same_list(const struct json *a, const struct json *b)
{
    const struct json *y = b->child;
    for (const struct json *x = a->child; x != NULL; x = x->next, y = y->next) {
        if (y == NULL || !json_is_same(x, y)) {
            return false;
        }
    }
    return y == NULL;
}

bool json_is_same(const struct json *a, const struct json *b)
{
    if (is_null(a) || is_null(b)) {
        return is_null(a) && is_null(b);
    }
    if (a->type == JSON_INT && b->type == JSON_INT) {
        return a->as.integer == b->as.integer;
    }
    if (is_number(a) && is_number(b)) {
        return number_of(a) == number_of(b);
    }
    if (a->type != b->type) {
        return false;
    }
    if (a->type == JSON_STRING) {
        return str_eq(a->as.string, b->as.string);
    }
    if (a->type == JSON_ARRAY) {
        return is_same_list(a, b);
    }
    return has_members_of(a, b) && has_members_of(b, a);
}
/* NOLINTEND(misc-no-recursion) */

/* "query_params.where" */
static const struct json *get_path(const struct json *node, const char *path)
{
    struct str rest = str_from(path);
    while (node != NULL && rest.ptr != NULL) {
        struct str part = STR_NONE;
        (void)str_cut(rest, '.', &part, &rest);
        node = get(node, part);
    }
    return node;
}

/* A bundle leaves out what is empty. */
static bool is_unset(const struct json *v)
{
    return is_null(v) || (v->type == JSON_STRING && v->as.string.len == 0) ||
           ((v->type == JSON_ARRAY || v->type == JSON_OBJECT) && v->child == NULL);
}

static bool is_same_value(const struct json *a, const struct json *b)
{
    return (is_unset(a) && is_unset(b)) || json_is_same(a, b);
}

/* All of a NULL-terminated list of paths. */
static bool is_same_at(const struct json *a, const struct json *b, const char *const *paths)
{
    for (; *paths != NULL; paths++) {
        if (!is_same_value(get_path(a, *paths), get_path(b, *paths))) {
            return false;
        }
    }
    return true;
}

static bool is_one_of(struct str key, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (str_eq(key, str_from(*words))) {
            return true;
        }
    }
    return false;
}

/* Python's "truthy" of a member. */
static bool is_true(const struct json *v)
{
    if (is_null(v)) {
        return false;
    }
    return is_number(v)             ? number_of(v) != 0
           : v->type == JSON_STRING ? v->as.string.len > 0
                                    : v->count > 0;
}

/* Each member of `a` is there in `b`, and the same, but for those of `except`. */
static bool has_same_members(const struct json *a, const struct json *b, const char *const *except)
{
    for (const struct json *m = a == NULL ? NULL : a->child; m != NULL; m = m->next) {
        const struct json *other = get(b, m->key);
        if (!is_one_of(m->key, except) && (other == NULL || !json_is_same(m, other))) {
            return false;
        }
    }
    return true;
}

static bool has_values_of(const struct json *a, const struct json *b)
{
    for (const struct json *m = b == NULL ? NULL : b->child; m != NULL; m = m->next) {
        if (!is_same_value(get(a, m->key), m)) {
            return false;
        }
    }
    return true;
}

static bool is_same_config(enum dbt_type type, const struct json *node, const struct json *old)
{
    static const char *const of_test[] = {
        "unrendered_config.severity",       "unrendered_config.where",
        "unrendered_config.limit",          "unrendered_config.fail_calc",
        "unrendered_config.warn_if",        "unrendered_config.error_if",
        "unrendered_config.store_failures", "unrendered_config.store_failures_as",
        "unrendered_config.sql_header",     NULL};
    static const char *const of_node[] = {"alias", "schema", "database", "tags", "group", NULL};
    static const char *const of_metric[] = {"group", NULL};
    static const char *const none[] = {NULL};
    if (type == DBT_SEMANTIC_MODEL || type == DBT_SAVED_QUERY) {
        return has_values_of(json_get(node, "config"), json_get(old, "config")) &&
               has_values_of(json_get(old, "config"), json_get(node, "config"));
    }
    if (type == DBT_TEST) {
        return is_same_at(node, old, of_test);
    }
    const char *const *except = type == DBT_SOURCE || type == DBT_EXPOSURE ? none
                                : type == DBT_METRIC                       ? of_metric
                                                                           : of_node;
    const struct json *mine = json_get(node, "unrendered_config");
    const struct json *others = json_get(old, "unrendered_config");
    return has_same_members(mine, others, except) && has_same_members(others, mine, except);
}

static bool is_same_descriptions(const struct json *node, const struct json *old)
{
    const struct json *persist = get_path(node, "config.persist_docs");
    if (is_true(json_get(persist, "relation")) &&
        !is_same_value(json_get(node, "description"), json_get(old, "description"))) {
        return false;
    }
    if (!is_true(json_get(persist, "columns"))) {
        return true;
    }
    const struct json *mine = json_get(node, "columns");
    const struct json *others = json_get(old, "columns");
    if ((mine == NULL ? 0 : mine->count) != (others == NULL ? 0 : others->count)) {
        return false;
    }
    for (const struct json *m = mine == NULL ? NULL : mine->child; m != NULL; m = m->next) {
        const struct json *other = get(others, m->key);
        if (other == NULL ||
            !is_same_value(json_get(m, "description"), json_get(other, "description"))) {
            return false;
        }
    }
    return true;
}

static bool is_same_relation(enum dbt_type type, const struct json *node, const struct json *old)
{
    static const char *const of_source[] = {"database", "schema", "identifier", NULL};
    static const char *const of_node[] = {"unrendered_config.database", "unrendered_config.schema",
                                          "unrendered_config.alias", NULL};
    return is_same_at(node, old, type == DBT_SOURCE ? of_source : of_node);
}

/* A change that breaks the contract of a versioned model is an error in dbt; here it is a change. */
static bool is_same_contract(enum dbt_type type, const struct json *node, const struct json *old)
{
    if (type != DBT_MODEL) {
        return true;
    }
    bool is_enforced = is_true(get_path(node, "contract.enforced"));
    if (!is_enforced && !is_true(get_path(old, "contract.enforced"))) {
        return true;
    }
    return is_enforced && is_true(get_path(old, "contract.enforced")) &&
           json_is_same(get_path(node, "contract.checksum"), get_path(old, "contract.checksum"));
}

static bool is_parsed(enum dbt_type type)
{
    return type == DBT_MODEL || type == DBT_SEED || type == DBT_SNAPSHOT || type == DBT_TEST ||
           type == DBT_ANALYSIS || type == DBT_OPERATION || type == DBT_FUNCTION;
}

bool dbt_has_part(enum dbt_type type, enum dbt_part part)
{
    if (part == DBT_PART_CONFIGS) {
        return type != DBT_UNIT_TEST;
    }
    return is_parsed(type) || (part == DBT_PART_RELATION && type == DBT_SOURCE);
}

/* SHA-1 of the raw code, in hex; a bundle has only that. Empty: there is no code. */
static struct str hash_of_code(const struct json *node, char text[2 * SHA1_BYTES + 1])
{
    const struct json *kept = json_get(node, "raw_code_sha1");
    const struct json *code = json_get(node, "raw_code");
    uint8_t hash[SHA1_BYTES];
    struct buf hex = buf_fixed(text, 2 * SHA1_BYTES + 1);
    if (kept != NULL && kept->type == JSON_STRING) {
        return kept->as.string;
    }
    if (is_unset(code) || code->type != JSON_STRING) {
        return STR("");
    }
    sha1(code->as.string, hash);
    for (size_t i = 0; i < SHA1_BYTES; i++) {
        buf_addf(&hex, "%02x", hash[i]);
    }
    return buf_str(&hex);
}

static bool is_same_body(enum dbt_type type, const struct json *node, const struct json *old)
{
    char mine[2 * SHA1_BYTES + 1];
    char others[2 * SHA1_BYTES + 1];
    if (type == DBT_SEED) {
        return json_is_same(json_get(node, "checksum"), json_get(old, "checksum"));
    }
    if (json_get(node, "raw_code_sha1") == NULL && json_get(old, "raw_code_sha1") == NULL) {
        return is_same_value(json_get(node, "raw_code"), json_get(old, "raw_code"));
    }
    return str_eq(hash_of_code(node, mine), hash_of_code(old, others));
}

bool dbt_is_same_part(enum dbt_type type, enum dbt_part part, const struct json *node,
                      const struct json *old)
{
    switch (part) {
    case DBT_PART_BODY:
        return is_same_body(type, node, old);
    case DBT_PART_CONFIGS:
        return is_same_config(type, node, old);
    case DBT_PART_DESCRIPTIONS:
        return is_same_descriptions(node, old);
    case DBT_PART_RELATION:
        return is_same_relation(type, node, old);
    case DBT_PART_CONTRACT:
        return is_same_contract(type, node, old);
    }
    return true;
}

static bool is_same_fqn(const struct json *node, const struct json *old)
{
    return json_is_same(json_get(node, "fqn"), json_get(old, "fqn"));
}

static bool is_same_parsed(enum dbt_type type, const struct json *node, const struct json *old)
{
    static const char *const of_model[] = {"latest_version", "access", "deprecation_date", NULL};
    static const char *const of_function[] = {"arguments", "returns", "overloads", NULL};
    static const char *const none[] = {NULL};
    if (type == DBT_TEST && json_get(node, "test_metadata") != NULL) {
        return is_same_config(type, node, old) && is_same_fqn(node, old);
    }
    for (int part = DBT_PART_BODY; part <= DBT_PART_CONTRACT; part++) {
        if (!dbt_is_same_part(type, (enum dbt_part)part, node, old)) {
            return false;
        }
    }
    return is_same_fqn(node, old) && is_same_at(node, old,
                                                type == DBT_MODEL      ? of_model
                                                : type == DBT_FUNCTION ? of_function
                                                                       : none);
}

static int compare(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The texts of a list, sorted, without repeats; NULL when there are none (or no memory). */
static struct str *sorted(const struct json *list, struct arena *scratch, size_t *ret_count)
{
    *ret_count = 0;
    struct str *texts = list == NULL || list->type != JSON_ARRAY || list->count == 0
                            ? NULL
                            : arena_array(scratch, list->count, sizeof(*texts));
    if (texts == NULL) {
        return NULL;
    }
    size_t count = 0;
    for (const struct json *e = list->child; e != NULL; e = e->next) {
        texts[count++] = e->type == JSON_STRING ? e->as.string : STR("");
    }
    qsort(texts, count, sizeof(*texts), compare);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !str_eq(texts[i], texts[*ret_count - 1])) {
            texts[(*ret_count)++] = texts[i];
        }
    }
    return texts;
}

static bool is_same_set(const struct json *a, const struct json *b, struct arena *scratch)
{
    size_t mine_count = 0;
    size_t others_count = 0;
    struct str *mine = sorted(a, scratch, &mine_count);
    struct str *others = sorted(b, scratch, &others_count);
    bool same = mine_count == others_count;
    for (size_t i = 0; same && i < mine_count; i++) {
        same = str_eq(mine[i], others[i]);
    }
    return same;
}

static bool is_same_exports(const struct json *a, const struct json *b)
{
    static const char *const keys[] = {"name", "unrendered_config.export_as",
                                       "unrendered_config.schema", "unrendered_config.alias", NULL};
    const struct json *y = b == NULL ? NULL : b->child;
    for (const struct json *x = a == NULL ? NULL : a->child; x != NULL; x = x->next, y = y->next) {
        if (y == NULL || !is_same_at(x, y, keys)) {
            return false;
        }
    }
    return y == NULL;
}

bool dbt_is_same(enum dbt_type type, const struct json *node, const struct json *old,
                 struct arena *scratch)
{
    static const char *const of_source[] = {
        "fqn",       "quoting",         "database", "schema", "identifier",
        "freshness", "loaded_at_field", "external", NULL};
    static const char *const of_exposure[] = {"fqn", "type",        "owner", "maturity",
                                              "url", "description", "label", NULL};
    static const char *const of_metric[] = {"type", "description", "label", NULL};
    static const char *const of_semantic[] = {"model",          "description", "defaults",
                                              "entities",       "dimensions",  "measures",
                                              "primary_entity", "group",       NULL};
    static const char *const of_query[] = {"query_params.metrics",
                                           "query_params.group_by",
                                           "query_params.where",
                                           "description",
                                           "label",
                                           "group",
                                           "tags",
                                           NULL};
    switch (type) {
    case DBT_SOURCE:
        return is_same_at(node, old, of_source) && is_same_config(type, node, old);
    case DBT_EXPOSURE:
        return is_same_at(node, old, of_exposure) && is_same_config(type, node, old) &&
               is_same_set(get_path(node, "depends_on.nodes"), get_path(old, "depends_on.nodes"),
                           scratch);
    case DBT_METRIC:
        return is_same_at(node, old, of_metric) && is_same_config(type, node, old);
    case DBT_SEMANTIC_MODEL:
        return is_same_at(node, old, of_semantic) && is_same_config(type, node, old);
    case DBT_SAVED_QUERY:
        return is_same_at(node, old, of_query) && is_same_config(type, node, old) &&
               is_same_exports(json_get(node, "exports"), json_get(old, "exports"));
    case DBT_UNIT_TEST:
        return json_is_same(json_get(node, "checksum"), json_get(old, "checksum"));
    case DBT_MODEL:
    case DBT_SEED:
    case DBT_SNAPSHOT:
    case DBT_TEST:
    case DBT_ANALYSIS:
    case DBT_OPERATION:
    case DBT_FUNCTION:
        break;
    }
    return is_same_parsed(type, node, old);
}
