/* The methods that ask one node after the other for what is already known of it. */
#include "common/dbt/select_match.h"
#include "common/dbt/select_run.h"
#include <string.h>

static size_t part_count(struct str text)
{
    size_t parts = 1;
    for (size_t i = 0; i < text.len; i++) {
        parts += text.ptr[i] == '.';
    }
    return parts;
}

static bool is_wild(struct str part)
{
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] != '\0' && strchr("*?[]", part.ptr[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* "a.b" of the last two of "x.a.b"; all of it when there are not so many. */
static struct str last_two(struct str dotted)
{
    struct str head = STR_NONE;
    struct str tail = STR_NONE;
    if (!str_cut_last(dotted, '.', &head, &tail) || !str_cut_last(head, '.', &head, &tail)) {
        return dotted;
    }
    return str_slice(dotted, head.len + 1, dotted.len);
}

/* A version is asked for as "name.v2" or "name_v2": the last two parts, joined by '_', are equal. */
static bool is_same_version(const struct str *items, size_t count, struct str wanted)
{
    struct str name = count >= 2 ? items[count - 2] : STR_NONE;
    struct str version = items[count - 1];
    size_t front = count >= 2 ? name.len + 1 : 0;
    struct str other = last_two(wanted);
    bool same = other.len == front + version.len;
    for (size_t i = 0; same && i < other.len; i++) {
        int c = i >= front ? version.ptr[i - front] : i == name.len ? '_' : name.ptr[i];
        same = c == (other.ptr[i] == '.' ? '_' : other.ptr[i]);
    }
    return same;
}

/* Part by part up to the first with a wildcard, which matches all that is left; a wildcard without
 * dots the name alone too (dbt 1.11.16 and 1.12.6, not before). `fqn` is dotted, `items` are its
 * parts as dbt has them, which may have dots themselves. */
static bool has_name(struct str fqn, const struct str *items, size_t count, struct str wanted,
                     bool is_versioned, bool has_wildcard)
{
    if (count == 0) {
        return false;
    }
    struct str name = items[is_versioned && count >= 2 ? count - 2 : count - 1];
    if (str_eq(name, wanted) || (is_versioned && is_same_version(items, count, wanted))) {
        return true;
    }
    if (has_wildcard && part_count(fqn) < part_count(wanted)) {
        return false;
    }
    if (has_wildcard && part_count(wanted) == 1 && select_matches(name, wanted)) {
        return true;
    }
    while (wanted.ptr != NULL) {
        struct str part = STR_NONE;
        struct str rest = STR_NONE;
        struct str own = STR_NONE;
        (void)str_cut(wanted, '.', &part, &rest);
        if (has_wildcard && is_wild(part)) {
            return select_matches(fqn, wanted);
        }
        if (fqn.ptr == NULL || !str_starts(fqn, part)) {
            return false;
        }
        (void)str_cut(fqn, '.', &own, &fqn);
        if (own.len != part.len) {
            return false;
        }
        wanted = rest;
    }
    return true;
}

static bool join_fqns(struct select_run *run)
{
    run->fqns = select_alloc(run, run->project->count, sizeof(struct str));
    if (run->fqns == NULL) {
        return false;
    }
    for (size_t i = 0; i < run->project->count; i++) {
        const struct str_list *parts = &run->project->nodes[i].fqn;
        size_t len = 0;
        for (size_t k = 0; k < parts->count; k++) {
            len += parts->items[k].len + 1;
        }
        char *text = select_alloc(run, len + 1, 1);
        if (text == NULL) {
            return false;
        }
        struct buf b = buf_fixed(text, len + 1);
        for (size_t k = 0; k < parts->count; k++) {
            buf_add(&b, k == 0 ? STR("") : STR("."));
            buf_add(&b, parts->items[k]);
        }
        run->fqns[i] = buf_str(&b);
    }
    return true;
}

static bool has_fqn(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    const struct dbt_node *node = &run->project->nodes[i];
    const struct str_list *parts = &node->fqn;
    struct str fqn = run->fqns[i];
    bool is_versioned = node->type == DBT_MODEL && node->version.len > 0;
    if (has_name(fqn, parts->items, parts->count, c->value, is_versioned, run->has_wildcard)) {
        return true;
    }
    if (parts->count < 2) {
        return false;
    }
    fqn = str_slice(fqn, parts->items[0].len + 1, fqn.len);
    return has_name(fqn, parts->items + 1, parts->count - 1, c->value, is_versioned,
                    run->has_wildcard);
}

static bool has_tag(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    const struct str_list *tags = &run->project->nodes[i].tags;
    for (size_t k = 0; k < tags->count; k++) {
        if (select_matches(tags->items[k], c->value)) {
            return true;
        }
    }
    return false;
}

/* "[PACKAGE.]NAME" */
static bool has_packaged_name(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    const struct dbt_node *node = &run->project->nodes[i];
    struct str package = STR("*");
    struct str name = c->value;
    struct str rest = STR_NONE;
    if (str_cut(c->value, '.', &package, &rest)) {
        name = rest;
    } else {
        package = STR("*");
    }
    return select_matches(node->package, package) && select_matches(node->name, name);
}

/* "[[PACKAGE.]SOURCE.]TABLE", but "SOURCE" when it is alone */
static bool has_source(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    const struct dbt_node *node = &run->project->nodes[i];
    struct str package = STR("*");
    struct str source = c->value;
    struct str table = STR("*");
    struct str head = STR_NONE;
    struct str tail = STR_NONE;
    if (str_cut_last(c->value, '.', &head, &tail)) {
        source = head;
        table = tail;
    }
    if (str_cut_last(source, '.', &head, &tail)) {
        package = head;
        source = tail;
    }
    return select_matches(node->package, package) && select_matches(node->source_name, source) &&
           select_matches(node->name, table);
}

static bool has_file(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    struct str path = str_trim_end(run->project->nodes[i].file_path, '/');
    struct str name = path;
    struct str head = STR_NONE;
    (void)str_cut_last(path, '/', &head, &name);
    struct str stem = name;
    struct str ending = STR_NONE;
    if (!str_cut_last(name, '.', &stem, &ending) || stem.len == 0 || ending.len == 0) {
        stem = name;
    }
    return select_matches(name, c->value) || select_matches(stem, c->value);
}

static bool has_package(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    struct str wanted = c->value;
    if (str_eq(wanted, STR("this")) && run->project->name.len > 0) {
        wanted = run->project->name;
    }
    return select_matches(run->project->nodes[i].package, wanted);
}

static bool has_access(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    return str_eq(run->project->nodes[i].access, c->value);
}

static bool has_type(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    return str_eq(str_from(dbt_type_name(run->project->nodes[i].type)), c->value);
}

static bool has_test_name(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    const struct dbt_node *node = &run->project->nodes[i];
    if (node->type == DBT_UNIT_TEST) {
        return select_matches(node->name, c->value);
    }
    return node->test_name.len > 0 && select_matches(node->test_name, c->value);
}

/* The order and the substrings are dbt's: "d" is "data", "s" is "singular". */
static bool has_test_type(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    const struct dbt_node *node = &run->project->nodes[i];
    bool is_generic = node->type == DBT_TEST && node->test_name.len > 0;
    bool is_singular = node->type == DBT_TEST && node->test_name.len == 0;
    if (str_eq(c->value, STR("generic")) || str_eq(c->value, STR("schema"))) {
        return is_generic;
    }
    if (str_contains(STR("data"), c->value)) {
        return is_generic || is_singular;
    }
    if (str_contains(STR("singular"), c->value)) {
        return is_singular;
    }
    return node->type == DBT_UNIT_TEST;
}

/* As numbers when both are, else as texts. */
static int compare_versions(struct str a, struct str b)
{
    double x = 0;
    double y = 0;
    if (str_to_double(a, &x) && str_to_double(b, &y)) {
        return (x > y) - (x < y);
    }
    return str_cmp(a, b);
}

static bool has_version(const struct select_run *run, const struct criterion *c, uint32_t i)
{
    const struct dbt_node *node = &run->project->nodes[i];
    bool has_both = node->version.len > 0 && node->latest_version.len > 0;
    if (str_eq(c->value, STR("none"))) {
        return node->version.len == 0;
    }
    if (str_eq(c->value, STR("latest"))) {
        return has_both && compare_versions(node->version, node->latest_version) == 0;
    }
    int order = has_both ? compare_versions(node->version, node->latest_version) : 0;
    return str_eq(c->value, STR("prerelease")) ? order > 0 : order < 0;
}

/* Which nodes a method looks at, and what it asks of each; or a search of its own. */
static const struct {
    uint32_t types;
    bool (*has)(const struct select_run *run, const struct criterion *c, uint32_t node);
    bool (*search)(struct select_run *run, const struct criterion *c, bool *set);
} methods[] = {
    [METHOD_PATH] = {.search = select_search_path},
    [METHOD_CONFIG] = {.search = select_search_config},
    [METHOD_STATE] = {.search = select_search_state},
    [METHOD_SELECTOR] = {.search = select_search_named},
    [METHOD_FQN] = {.types = ~SELECT_TYPE(DBT_SOURCE), .has = has_fqn},
    [METHOD_TAG] = {.types = ~SELECT_TYPE(DBT_SEMANTIC_MODEL),
                    .has = has_tag}, /* these have none of their own */
    [METHOD_SOURCE] = {.types = SELECT_TYPE(DBT_SOURCE), .has = has_source},
    [METHOD_FILE] = {.types = SELECT_ANY, .has = has_file},
    [METHOD_PACKAGE] = {.types = SELECT_ANY, .has = has_package},
    [METHOD_GROUP] = {.search = select_search_group},
    [METHOD_ACCESS] = {.types = SELECT_TYPE(DBT_MODEL), .has = has_access},
    [METHOD_RESOURCE_TYPE] = {.types = SELECT_ANY, .has = has_type},
    [METHOD_TEST_NAME] = {.types = SELECT_TYPE(DBT_TEST) | SELECT_TYPE(DBT_UNIT_TEST),
                          .has = has_test_name},
    [METHOD_TEST_TYPE] = {.types = SELECT_TYPE(DBT_TEST) | SELECT_TYPE(DBT_UNIT_TEST),
                          .has = has_test_type},
    [METHOD_EXPOSURE] = {.types = SELECT_TYPE(DBT_EXPOSURE), .has = has_packaged_name},
    [METHOD_METRIC] = {.types = SELECT_TYPE(DBT_METRIC), .has = has_packaged_name},
    [METHOD_SEMANTIC_MODEL] = {.types = SELECT_TYPE(DBT_SEMANTIC_MODEL), .has = has_packaged_name},
    [METHOD_SAVED_QUERY] = {.types = SELECT_TYPE(DBT_SAVED_QUERY), .has = has_packaged_name},
    [METHOD_UNIT_TEST] = {.types = SELECT_TYPE(DBT_UNIT_TEST), .has = has_packaged_name},
    [METHOD_VERSION] = {.types = SELECT_TYPE(DBT_MODEL), .has = has_version},
    [METHOD_RESULT] = {.search = select_search_result},
    [METHOD_SOURCE_STATUS] = {.search = select_search_source_status},
};

static bool is_ready(struct select_run *run, const struct criterion *c)
{
    run->has_wildcard = is_wild(c->value);
    return c->method != METHOD_FQN || run->fqns != NULL || join_fqns(run);
}

bool select_search(struct select_run *run, const struct criterion *c, bool *set)
{
    if (methods[c->method].search != NULL) {
        return methods[c->method].search(run, c, set);
    }
    if (!is_ready(run, c)) {
        return false;
    }
    for (uint32_t i = 0; i < run->project->count; i++) {
        if (select_is_type(&run->project->nodes[i], methods[c->method].types) &&
            methods[c->method].has(run, c, i)) {
            set[i] = true;
        }
    }
    return true;
}
