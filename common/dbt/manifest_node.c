#include "common/base/limits.h"
#include "common/dbt/manifest.h"

#include <stddef.h>
#include <string.h>

struct text_field {
    const char *key;
    size_t offset;
};
/* What stands in the node itself. */
static const struct text_field node_texts[] = {
    {"name", offsetof(struct dbt_node, name)},
    {"package_name", offsetof(struct dbt_node, package)},
    {"original_file_path", offsetof(struct dbt_node, file_path)},
    {"patch_path", offsetof(struct dbt_node, patch_path)},
    {"relation_name", offsetof(struct dbt_node, relation_name)},
    {"database", offsetof(struct dbt_node, database)},
    {"schema", offsetof(struct dbt_node, schema)},
    {"alias", offsetof(struct dbt_node, alias)},
    {"identifier", offsetof(struct dbt_node, alias)},
    {"group", offsetof(struct dbt_node, group)},
    {"access", offsetof(struct dbt_node, access)},
    {"version", offsetof(struct dbt_node, version)},
    {"latest_version", offsetof(struct dbt_node, latest_version)},
    {"source_name", offsetof(struct dbt_node, source_name)},
};

/* The parts of a node that are looked into once all of it is known. */
struct draft {
    struct dbt_node node;
    struct str resource_type;
    struct json_raw unique_id, config, depends_on, tags, fqn, test_metadata, raw_code, uses,
        attached;
    struct str severity, on_error, config_group, config_access;
    struct json_raw config_tags;
    bool is_disabled;
};

bool manifest_no_memory(const struct manifest *m, struct err *err)
{
    const struct arena *arena = &m->project->arena;
    if (arena->exhausted && arena->used > arena->max / 2) {
        return err_set(err, ERR_FULL, "a dbt project of more than %zu bytes (LIMIT_DBT_ARENA)",
                       arena->max);
    }
    return err_set(err, ERR_NO_MEMORY, "no memory for a dbt project");
}

bool numbers_add(struct numbers *n, uint32_t number, struct err *err)
{
    void *items = n->items;
    if (!grow(&items, n->count, &n->cap, sizeof(*n->items), err)) {
        return false;
    }
    n->items = items;
    n->items[n->count++] = number;
    return true;
}

/* --- values ---------------------------------------------------------------------------------- */

static bool plain_text(struct manifest *m, const char *what, struct json_raw value, struct str *ret,
                       struct err *err)
{
    if (value.type == JSON_INT || value.type == JSON_REAL) { /* a version may be a number */
        *ret = value.text;
        return true;
    }
    buf_reset(&m->text);
    if (value.type != JSON_STRING) {
        return err_set(err, ERR_INVALID, "`%s` is %s, not a string", what,
                       json_type_name(value.type));
    }
    if (!json_unescape(value, false, &m->text, ret)) {
        return m->text.overflow ? manifest_no_memory(m, err)
                                : err_set(err, ERR_INVALID, "`%s` has half of a \\u pair", what);
    }
    return ret->len == 0 || memchr(ret->ptr, '\0', ret->len) == NULL ||
           err_set(err, ERR_INVALID, "`%s` has a NUL character", what);
}

bool manifest_text(struct manifest *m, const char *what, struct json_raw value, struct str *ret,
                   struct err *err)
{
    struct str text = STR_NONE;
    if (value.type == JSON_NULL) {
        return true;
    }
    return plain_text(m, what, value, &text, err) && texts_keep(&m->texts, text, ret, err);
}

bool manifest_list(struct manifest *m, const char *what, struct json_raw value,
                   struct numbers *into, struct err *err)
{
    struct json_scan s;
    struct json_raw element;
    struct str text;
    uint32_t number = 0;
    if (value.type == JSON_NULL) {
        return true;
    }
    if (value.type == JSON_STRING) {
        return plain_text(m, what, value, &text, err) && texts_add(&m->texts, text, &number, err) &&
               numbers_add(into, number, err);
    }
    if (value.type != JSON_ARRAY) {
        return err_set(err, ERR_INVALID, "`%s` is %s, not a list", what,
                       json_type_name(value.type));
    }
    if (!json_scan_array(&s, value.text, err)) {
        return false;
    }
    while (json_scan_element(&s, &element)) {
        if (!plain_text(m, what, element, &text, err) ||
            !texts_add(&m->texts, text, &number, err) || !numbers_add(into, number, err)) {
            return false;
        }
    }
    return json_scan_end(&s, err);
}

/* m->list as texts in the arena. */
static bool keep_list(struct manifest *m, struct str_list *ret, struct err *err)
{
    if (m->list.count == 0) {
        return true;
    }
    ret->items = arena_array(&m->project->arena, m->list.count, sizeof(*ret->items));
    if (ret->items == NULL) {
        return manifest_no_memory(m, err);
    }
    for (size_t i = 0; i < m->list.count; i++) {
        ret->items[i] = m->texts.items[m->list.items[i]];
    }
    ret->count = m->list.count;
    return true;
}

static bool read_list(struct manifest *m, const char *what, struct json_raw value,
                      struct str_list *ret, struct err *err)
{
    m->list.count = 0;
    return manifest_list(m, what, value, &m->list, err) && keep_list(m, ret, err);
}

static bool read_tags(struct manifest *m, struct draft *d, struct err *err)
{
    m->list.count = 0;
    if (!manifest_list(m, "config.tags", d->config_tags, &m->list, err) ||
        !manifest_list(m, "tags", d->tags, &m->list, err)) {
        return false;
    }
    if (m->list.count > LIMIT_DBT_TAGS) {
        return err_set(err, ERR_FULL, "more than %d tags (LIMIT_DBT_TAGS)", LIMIT_DBT_TAGS);
    }
    size_t count = 0;
    for (size_t i = 0; i < m->list.count; i++) {
        size_t k = 0;
        while (k < count && m->list.items[k] != m->list.items[i]) {
            k++;
        }
        if (k == count) {
            m->list.items[count++] = m->list.items[i];
        }
    }
    m->list.count = count;
    return keep_list(m, &d->node.tags, err);
}

/* --- parts of a node ------------------------------------------------------------------------- */

static bool read_config(struct manifest *m, struct draft *d, struct err *err)
{
    static const char *const names[] = {"config.materialized", "config.severity", "config.on_error",
                                        "config.group", "config.access"};
    struct str *const texts[] = {&d->node.materialized, &d->severity, &d->on_error,
                                 &d->config_group, &d->config_access};
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    if (d->config.type != JSON_OBJECT) {
        return true;
    }
    if (!json_scan_object(&s, d->config.text, err)) {
        return false;
    }
    while (json_scan_member(&s, &name, &value)) {
        if (json_raw_is(name, "tags")) {
            d->config_tags = value;
        } else if (json_raw_is(name, "enabled")) {
            d->is_disabled = value.type == JSON_BOOL && str_eq(value.text, STR("false"));
        }
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            if (json_raw_is(name, names[i] + strlen("config.")) &&
                !manifest_text(m, names[i], value, texts[i], err)) {
                return false;
            }
        }
    }
    return json_scan_end(&s, err);
}

/* dbt calls `statement` for a test when it runs it, and notes that down as the test's own call. */
static void drop_own_statement(struct manifest *m, struct calls *calls)
{
    size_t kept = calls->first;
    for (size_t i = calls->first; i < m->calls.count; i++) {
        if (!str_eq(m->texts.items[m->calls.items[i]], STR("macro.dbt.statement"))) {
            m->calls.items[kept++] = m->calls.items[i];
        }
    }
    m->calls.count = kept;
}

static bool read_parents(struct manifest *m, struct draft *d, struct json_raw value,
                         struct err *err)
{
    m->list.count = 0;
    if (!manifest_list(m, "depends_on.nodes", value, &m->list, err)) {
        return false;
    }
    if (m->list.count == 0) {
        return true;
    }
    uint32_t *parents = arena_array(&m->project->arena, m->list.count, sizeof(*parents));
    if (parents == NULL) {
        return manifest_no_memory(m, err);
    }
    memcpy(parents, m->list.items, m->list.count * sizeof(*parents));
    d->node.parents = parents;
    d->node.parent_count = m->list.count;
    return true;
}

static bool read_depends_on(struct manifest *m, struct draft *d, struct calls *calls,
                            struct err *err)
{
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    calls->first = m->calls.count;
    if (d->depends_on.type != JSON_OBJECT) {
        return true;
    }
    if (!json_scan_object(&s, d->depends_on.text, err)) {
        return false;
    }
    while (json_scan_member(&s, &name, &value)) {
        if (json_raw_is(name, "macros") &&
            !manifest_list(m, "depends_on.macros", value, &m->calls, err)) {
            return false;
        }
        if (json_raw_is(name, "nodes") && !read_parents(m, d, value, err)) {
            return false;
        }
    }
    if (d->node.type == DBT_TEST) {
        drop_own_statement(m, calls);
    }
    calls->count = m->calls.count - calls->first;
    for (size_t i = calls->first; i < m->calls.count; i++) {
        d->node.uses |= macro_uses(m->texts.items[m->calls.items[i]]);
    }
    return json_scan_end(&s, err);
}

static bool read_test_name(struct manifest *m, struct draft *d, struct err *err)
{
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    if (d->test_metadata.type != JSON_OBJECT) {
        return true;
    }
    if (!json_scan_object(&s, d->test_metadata.text, err)) {
        return false;
    }
    while (json_scan_member(&s, &name, &value)) {
        if (json_raw_is(name, "name") &&
            !manifest_text(m, "test_metadata.name", value, &d->node.test_name, err)) {
            return false;
        }
    }
    return json_scan_end(&s, err);
}

/* From its own raw code; of a bundle from what the bundle says. */
static bool read_uses(struct manifest *m, struct draft *d, struct err *err)
{
    struct str code;
    if (d->raw_code.type == JSON_STRING) {
        buf_reset(&m->text);
        if (!json_unescape(d->raw_code, true, &m->text, &code)) {
            return manifest_no_memory(m, err);
        }
        d->node.uses |= jinja_uses(code);
    }
    m->list.count = 0;
    if (!m->project->is_bundle || !manifest_list(m, "uses", d->uses, &m->list, err)) {
        return !m->project->is_bundle;
    }
    for (size_t i = 0; i < m->list.count; i++) {
        uint8_t bit = 0;
        struct str name = m->texts.items[m->list.items[i]];
        if (!dbt_uses_from(name, &bit)) {
            return err_set(err, ERR_INVALID, "`uses` has \"" STR_FMT "\", which is unknown",
                           STR_ARG(str_clip(name, 40)));
        }
        d->node.uses |= bit;
    }
    return true;
}

/* --- the node -------------------------------------------------------------------------------- */

static bool type_from(struct str name, enum dbt_type *ret)
{
    for (int i = DBT_MODEL; i <= DBT_FUNCTION; i++) {
        if (str_eq(name, str_from(dbt_type_name((enum dbt_type)i)))) {
            *ret = (enum dbt_type)i;
            return true;
        }
    }
    return false;
}

static bool read_member(struct manifest *m, struct draft *d, struct json_raw name,
                        struct json_raw value, struct err *err)
{
    static const char *const names[] = {"unique_id", "config", "depends_on",
                                        "tags",      "fqn",    "test_metadata",
                                        "raw_code",  "uses",   "attached_node"};
    struct json_raw *const parts[] = {&d->unique_id, &d->config, &d->depends_on,
                                      &d->tags,      &d->fqn,    &d->test_metadata,
                                      &d->raw_code,  &d->uses,   &d->attached};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (json_raw_is(name, names[i])) {
            *parts[i] = value;
            return true;
        }
    }
    for (size_t i = 0; i < COUNT_OF(node_texts); i++) {
        if (json_raw_is(name, node_texts[i].key)) {
            struct str *to = (struct str *)(void *)((char *)&d->node + node_texts[i].offset);
            return manifest_text(m, node_texts[i].key, value, to, err);
        }
    }
    if (json_raw_is(name, "resource_type")) {
        return manifest_text(m, "resource_type", value, &d->resource_type, err);
    }
    if (json_raw_is(name, "compiled_code")) {
        d->node.is_compiled = value.type == JSON_STRING;
    }
    if (m->project->is_bundle && json_raw_is(name, "compiled_code_incremental")) {
        d->node.places[DBT_INCREMENTAL] = d->node.places[DBT_FULL];
    }
    if (m->project->is_bundle && json_raw_is(name, "is_paired")) {
        d->node.is_paired = value.type == JSON_BOOL && str_eq(value.text, STR("true"));
    }
    return true;
}

static bool add_draft(struct manifest *m, struct draft *d, const struct calls *calls,
                      struct err *err)
{
    struct dbt_project *project = m->project;
    void *nodes = project->nodes;
    void *node_calls = m->node_calls;
    if (project->count == LIMIT_DBT_NODES) {
        return err_set(err, ERR_FULL, "more than %d nodes (LIMIT_DBT_NODES)", LIMIT_DBT_NODES);
    }
    if (!grow(&nodes, project->count, &m->node_cap, sizeof(*project->nodes), err)) {
        return false;
    }
    project->nodes = nodes;
    if (!grow(&node_calls, project->count, &m->node_calls_cap, sizeof(*m->node_calls), err)) {
        return false;
    }
    m->node_calls = node_calls;
    m->node_calls[project->count] = *calls;
    project->nodes[project->count++] = d->node;
    return true;
}

static void settle(struct draft *d)
{
    struct dbt_node *node = &d->node;
    struct str url_end = STR("://");
    node->group = node->group.len == 0 ? d->config_group : node->group;
    node->access = node->access.len == 0 ? d->config_access : node->access;
    const char *at = node->patch_path.len == 0 ? NULL
                                               : memmem(node->patch_path.ptr, node->patch_path.len,
                                                        url_end.ptr, url_end.len);
    if (at != NULL) {
        node->patch_path =
            str_slice(node->patch_path, (size_t)(at - node->patch_path.ptr) + url_end.len,
                      node->patch_path.len);
    }
    node->is_warning = d->severity.len == 4 && strncasecmp(d->severity.ptr, "warn", 4) == 0;
    node->goes_on = str_eq(d->on_error, STR("continue"));
}

static bool read_parts(struct manifest *m, struct draft *d, struct calls *calls, struct err *err)
{
    struct dbt_node *node = &d->node;
    if (!read_depends_on(m, d, calls, err) || !read_list(m, "fqn", d->fqn, &node->fqn, err) ||
        !read_tags(m, d, err) || !read_test_name(m, d, err) || !read_uses(m, d, err)) {
        return false;
    }
    node->attached = DBT_NO_NODE;
    struct str attached;
    if (d->attached.type != JSON_STRING) {
        return true;
    }
    return plain_text(m, "attached_node", d->attached, &attached, err) &&
           (attached.len == 0 || texts_add(&m->texts, attached, &node->attached, err));
}

bool manifest_add_node(struct manifest *m, struct str key, struct str text, struct dbt_place place,
                       struct err *err)
{
    struct draft d = {.node.places[DBT_FULL] = place};
    struct calls calls = {0};
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    if (!json_scan_object(&s, text, err)) {
        return false;
    }
    while (json_scan_member(&s, &name, &value)) {
        if (!read_member(m, &d, name, value, err)) {
            return false;
        }
    }
    if (!json_scan_end(&s, err)) {
        return false;
    }
    if (d.unique_id.type != JSON_STRING || !str_eq(d.unique_id.text, key)) {
        return err_set(err, ERR_INVALID, "its `unique_id` is not its key");
    }
    if (!read_config(m, &d, err) ||
        !manifest_text(m, "unique_id", d.unique_id, &d.node.unique_id, err)) {
        return false;
    }
    if (d.is_disabled || !type_from(d.resource_type, &d.node.type)) {
        m->project->passed_over++;
        return true;
    }
    if (!read_parts(m, &d, &calls, err)) {
        return false;
    }
    settle(&d);
    return add_draft(m, &d, &calls, err);
}

/* --- groups and metadata --------------------------------------------------------------------- */

static bool read_owner(struct manifest *m, struct dbt_group *group, struct json_raw owner,
                       struct err *err)
{
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    if (owner.type != JSON_OBJECT) {
        return true;
    }
    if (!json_scan_object(&s, owner.text, err)) {
        return false;
    }
    while (json_scan_member(&s, &name, &value)) {
        if ((json_raw_is(name, "name") &&
             !manifest_text(m, "owner.name", value, &group->owner_name, err)) ||
            (json_raw_is(name, "email") && value.type == JSON_STRING &&
             !manifest_text(m, "owner.email", value, &group->owner_email, err))) {
            return false;
        }
    }
    return json_scan_end(&s, err);
}

bool manifest_add_group(struct manifest *m, struct str text, struct err *err)
{
    struct dbt_group group = {0};
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    void *groups = m->project->groups;
    if (!json_scan_object(&s, text, err) ||
        !grow(&groups, m->project->group_count, &m->group_cap, sizeof(*m->project->groups), err)) {
        return false;
    }
    m->project->groups = groups;
    while (json_scan_member(&s, &name, &value)) {
        if ((json_raw_is(name, "name") && !manifest_text(m, "name", value, &group.name, err)) ||
            (json_raw_is(name, "package_name") &&
             !manifest_text(m, "package_name", value, &group.package, err)) ||
            (json_raw_is(name, "owner") && !read_owner(m, &group, value, err))) {
            return false;
        }
    }
    m->project->groups[m->project->group_count++] = group;
    return json_scan_end(&s, err);
}

/* "https://schemas.getdbt.com/dbt/manifest/v12.json" to 12; 0 when there is no such number. */
static int version_of(struct str url)
{
    struct str head;
    struct str tail;
    int64_t version = 0;
    if (!str_ends(url, STR(".json")) ||
        !str_cut_last(str_slice(url, 0, url.len - 5), '/', &head, &tail) ||
        !str_starts(tail, STR("v")) ||
        !str_to_i64(str_slice(tail, 1, tail.len), 1, 999, &version)) {
        return 0;
    }
    return (int)version;
}

bool manifest_read_metadata(struct manifest *m, struct str text, struct err *err)
{
    struct dbt_project *project = m->project;
    struct str url = STR("");
    const struct {
        const char *name;
        struct str *to;
    } wanted[] = {{"dbt_schema_version", &url},
                  {"dbt_version", &project->dbt_version},
                  {"adapter_type", &project->adapter_type},
                  {"project_name", &project->name},
                  {"compares", &project->compares},
                  {"made_of", &project->made_of}};
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    if (!json_scan_object(&s, text, err)) {
        return false;
    }
    while (json_scan_member(&s, &name, &value)) {
        for (size_t i = 0; i < COUNT_OF(wanted); i++) {
            if (json_raw_is(name, wanted[i].name) &&
                !manifest_text(m, wanted[i].name, value, wanted[i].to, err)) {
                return false;
            }
        }
    }
    project->schema_version = version_of(url);
    return json_scan_end(&s, err);
}
