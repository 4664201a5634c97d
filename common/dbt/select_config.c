/* config.<key>[.<key>...]: equality with what a node's `config` has there. A text is equal to a
 * text only, as in dbt: `config.lookback:1` selects nothing where the number 1 is meant; in
 * selectors.yml numbers can be written. */
#include "common/dbt/select_match.h"
#include "common/dbt/select_run.h"
#include "common/dbt/select_same.h"

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_like(struct str a, struct str b)
{
    bool same = a.len == b.len;
    for (size_t i = 0; same && i < a.len; i++) {
        same = lower(a.ptr[i]) == lower(b.ptr[i]);
    }
    return same;
}

/* The wanted value. `is_yes` and `is_no`: it is "true" or "false" in any case. */
struct wanted {
    struct json value;
    bool is_yes, is_no;
    bool is_severity; /* upper and lower case are the same */
};

static bool is_wanted(const struct wanted *w, const struct json *value)
{
    if (value->type == JSON_BOOL && (value->as.boolean ? w->is_yes : w->is_no)) {
        return true;
    }
    if (w->is_severity && value->type == JSON_STRING && w->value.type == JSON_STRING) {
        return is_like(value->as.string, w->value.as.string);
    }
    return json_is_same(value, &w->value);
}

static bool has_wanted(const struct wanted *w, const struct json *value)
{
    if (value->type != JSON_ARRAY) {
        return is_wanted(w, value);
    }
    for (const struct json *e = value->child; e != NULL; e = e->next) {
        if (is_wanted(w, e)) {
            return true;
        }
    }
    return false;
}

static const struct json *get_member(const struct json *object, struct str key)
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

/* "meta.owner" below `config`. */
static const struct json *descend(const struct json *config, struct str path)
{
    while (config != NULL && path.ptr != NULL) {
        struct str part = STR_NONE;
        (void)str_cut(path, '.', &part, &path);
        config = get_member(config, part);
    }
    return config;
}

/* What is known without reading the node again. False: it is not. */
static bool known_value(const struct dbt_node *node, struct str path, struct json *ret)
{
    *ret = (struct json){.type = JSON_STRING};
    if (node->type == DBT_SOURCE) {
        return false;
    }
    if (str_eq(path, STR("materialized")) && node->materialized.len > 0) {
        ret->as.string = node->materialized;
        return true;
    }
    if (str_eq(path, STR("severity")) && node->type == DBT_TEST) {
        ret->as.string = node->is_warning ? STR("WARN") : STR("ERROR");
        return true;
    }
    return false;
}

static bool has_tag(const struct wanted *w, const struct dbt_node *node)
{
    for (size_t i = 0; i < node->tags.count; i++) {
        const struct json tag = {.type = JSON_STRING, .as.string = node->tags.items[i]};
        if (is_wanted(w, &tag)) {
            return true;
        }
    }
    return false;
}

/* Its `config`, in run->node until the next one is read. */
static bool read_config(struct select_run *run, uint32_t i, const struct json **ret)
{
    struct json *whole = NULL;
    arena_reset(&run->node);
    if (!dbt_project_read(run->project, i, DBT_FULL, &run->node, &whole, run->err)) {
        return false;
    }
    *ret = json_get(whole, "config");
    return true;
}

static bool look_at(struct select_run *run, const struct wanted *w, struct str path, uint32_t i,
                    bool *ret)
{
    const struct dbt_node *node = &run->project->nodes[i];
    const struct json *settings = NULL;
    struct json known;
    if (str_eq(path, STR("tags")) && node->type != DBT_SOURCE && node->type != DBT_OPERATION) {
        *ret = has_tag(w, node);
        return true;
    }
    if (known_value(node, path, &known)) {
        *ret = is_wanted(w, &known);
        return true;
    }
    if (!read_config(run, i, &settings)) {
        return false;
    }
    const struct json *value = descend(settings, path);
    *ret = value != NULL && has_wanted(w, value);
    return true;
}

bool select_search_config(struct select_run *run, const struct criterion *c, bool *set)
{
    struct wanted w = {.is_severity = str_eq(c->args, STR("severity"))};
    if (c->typed != NULL) {
        w.value = *c->typed;
        bool is_bool = c->typed->type == JSON_BOOL;
        w.is_yes = is_bool && c->typed->as.boolean;
        w.is_no = is_bool && !c->typed->as.boolean;
    } else {
        w.value = (struct json){.type = JSON_STRING, .as.string = c->value};
        w.is_yes = is_like(c->value, STR("true"));
        w.is_no = is_like(c->value, STR("false"));
    }
    if (c->args.len == 0) { /* `config` as a whole is equal to nothing */
        return true;
    }
    for (uint32_t i = 0; i < run->project->count; i++) {
        if (!select_is_type(&run->project->nodes[i], SELECT_PARSED | SELECT_TYPE(DBT_SOURCE))) {
            continue;
        }
        bool is_there = false;
        if (!look_at(run, &w, c->args, i, &is_there)) {
            return false;
        }
        set[i] = set[i] || is_there;
    }
    return true;
}

/* A test has the group of its model beside its `config`, which is where dbt looks: those that would
 * match are read again. */
static bool has_group(struct select_run *run, struct str pattern, uint32_t i, bool *ret)
{
    const struct dbt_node *node = &run->project->nodes[i];
    const struct json *settings = NULL;
    *ret = node->group.len > 0 && select_matches(node->group, pattern);
    if (!*ret || node->type != DBT_TEST) {
        return true;
    }
    if (!read_config(run, i, &settings)) {
        return false;
    }
    const struct json *group = json_get(settings, "group");
    *ret = group != NULL && group->type == JSON_STRING && group->as.string.len > 0 &&
           select_matches(group->as.string, pattern);
    return true;
}

bool select_search_group(struct select_run *run, const struct criterion *c, bool *set)
{
    for (uint32_t i = 0; i < run->project->count; i++) {
        bool is_there = false;
        if (select_is_type(&run->project->nodes[i], SELECT_PARSED | SELECT_TYPE(DBT_METRIC)) &&
            !has_group(run, c->value, i, &is_there)) {
            return false;
        }
        set[i] = set[i] || is_there;
    }
    return true;
}
