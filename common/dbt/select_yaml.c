/* Definitions of selectors.yml, as a manifest keeps them. dbt's own quirks are kept: at one level of
 * a union or intersection, a member with `exclude` is nothing but that exclude. */
#include "common/dbt/select_spec.h"

/* NOLINTBEGIN(misc-no-recursion): the depth of the JSON bounds it (JSON_VERBATIM_DEPTH) */
static bool read_list(const struct spec_reader *r, const struct json *list, struct spec *into);

static bool get_bool(const struct json *definition, const char *key)
{
    const struct json *v = json_get(definition, key);
    if (v == NULL) {
        return false;
    }
    switch (v->type) { /* as Python: bool(v) */
    case JSON_BOOL:
        return v->as.boolean;
    case JSON_STRING:
        return v->as.string.len > 0;
    case JSON_INT:
        return v->as.integer != 0;
    case JSON_REAL:
        return v->as.real != 0;
    case JSON_NULL:
        return false;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return v->count > 0;
}

/* The number 0 is as good as nothing there, the text "0" is none at all: dbt's rule. */
static bool get_depth(const struct spec_reader *r, const struct json *definition, const char *key,
                      uint32_t *ret)
{
    const struct json *v = json_get(definition, key);
    int64_t depth = 0;
    *ret = SELECT_DEPTH_ALL;
    if (v == NULL || v->type == JSON_NULL || (v->type == JSON_INT && v->as.integer == 0) ||
        (v->type == JSON_STRING && v->as.string.len == 0)) {
        return true;
    }
    bool ok = v->type == JSON_STRING && str_to_i64(v->as.string, INT64_MIN, INT64_MAX, &depth);
    if (v->type == JSON_INT) {
        depth = v->as.integer;
        ok = true;
    }
    if (!ok) {
        return err_set(r->err, ERR_INVALID, "%s: it is a number of steps, not %s", key,
                       json_type_name(v->type));
    }
    *ret = depth < 0 ? 0 : depth >= SELECT_DEPTH_ALL ? SELECT_DEPTH_ALL : (uint32_t)depth;
    return true;
}

static bool get_indirect(const struct spec_reader *r, const struct json *definition,
                         enum dbt_indirect *ret)
{
    const struct json *v = json_get(definition, "indirect_selection");
    if (v == NULL) {
        return true;
    }
    if (v->type != JSON_STRING || !dbt_indirect_from(v->as.string, ret)) {
        return err_set(r->err, ERR_INVALID, "indirect_selection: it is not one that there is") ||
               err_hint(r->err, "there are: eager, cautious, buildable, empty");
    }
    return true;
}

static bool set_value(const struct spec_reader *r, const struct json *value, struct criterion *c)
{
    if (value->type == JSON_STRING) {
        c->value = value->as.string;
    } else {
        c->typed = value;
    }
    return select_check_value(c, r->err);
}

/* {"method": ..., "value": ..., "parents": ...}, without its exclude. */
static bool read_full(const struct spec_reader *r, const struct json *definition, struct spec *s)
{
    const struct json *method = json_get(definition, "method");
    struct criterion *c = &s->criterion;
    if (method->type != JSON_STRING) {
        return err_set(r->err, ERR_INVALID, "method: it is a text, not %s",
                       json_type_name(method->type));
    }
    c->is_at = get_bool(definition, "childrens_parents");
    c->has_parents = get_bool(definition, "parents");
    c->has_children = get_bool(definition, "children");
    s->raw = method->as.string;
    if (c->is_at && c->has_children) {
        return err_set(r->err, ERR_INVALID, "childrens_parents and children cannot be together") ||
               err_hint(r->err, "childrens_parents takes the descendants already");
    }
    return select_method_from(method->as.string, c, r->err) &&
           get_depth(r, definition, "parents_depth", &c->parents_depth) &&
           get_depth(r, definition, "children_depth", &c->children_depth) &&
           get_indirect(r, definition, &s->indirect) &&
           set_value(r, json_get(definition, "value"), c);
}

/* {"tag": "x"} */
static bool read_short(const struct spec_reader *r, const struct json *member, struct spec *s)
{
    s->raw = member->key;
    return select_method_from(member->key, &s->criterion, r->err) &&
           set_value(r, member, &s->criterion);
}

/* What a list of excludes takes away: one spec, or NULL when the list is empty. */
static bool read_exclude(const struct spec_reader *r, const struct json *definition,
                         struct spec **ret)
{
    const struct json *list = json_get(definition, "exclude");
    struct spec *all = spec_new(r, SPEC_UNION, DBT_EAGER);
    if (all == NULL) {
        return false;
    }
    if (!read_list(r, list, all)) {
        return err_wrap(r->err, "exclude");
    }
    bool is_one = all->child != NULL && all->child->next == NULL;
    *ret = is_one || all->child == NULL ? all->child : all;
    return true;
}

/* `whole` without `exclude`, which may be NULL. */
static bool subtract(const struct spec_reader *r, struct spec *whole, struct spec *exclude,
                     struct spec **ret)
{
    *ret = whole;
    if (exclude == NULL) {
        return true;
    }
    struct spec *s = spec_new(r, SPEC_DIFFERENCE, DBT_EAGER);
    if (s == NULL) {
        return false;
    }
    s->child = whole;
    whole->next = exclude;
    *ret = s;
    return true;
}

static bool read_criterion(const struct spec_reader *r, const struct json *definition,
                           struct spec **ret)
{
    struct spec *s = spec_new(r, SPEC_CRITERION, r->indirect);
    struct spec *exclude = NULL;
    if (s == NULL) {
        return false;
    }
    if (definition->count == 1) {
        *ret = s;
        return read_short(r, definition->child, s);
    }
    if (json_get(definition, "method") == NULL || json_get(definition, "value") == NULL) {
        return err_set(r->err, ERR_INVALID, "it has neither one key nor \"method\" and \"value\"");
    }
    return read_full(r, definition, s) &&
           (json_get(definition, "exclude") == NULL || read_exclude(r, definition, &exclude)) &&
           subtract(r, s, exclude, ret);
}

static bool is_list_of(const struct spec_reader *r, const struct json *list)
{
    if (list->type != JSON_ARRAY) {
        return err_set(r->err, ERR_INVALID, "it is a list, not %s", json_type_name(list->type));
    }
    return true;
}

/* The members of a list of definitions, as children of `into`. */
static bool read_list(const struct spec_reader *r, const struct json *list, struct spec *into)
{
    struct spec **tail = &into->child;
    size_t i = 0;
    if (!is_list_of(r, list)) {
        return false;
    }
    for (const struct json *e = list->child; e != NULL; e = e->next, i++) {
        if (!spec_read_definition(r, e, tail)) {
            return err_wrap(r->err, "[%zu]", i);
        }
        tail = &(*tail)->next;
    }
    return true;
}

static bool read_set(const struct spec_reader *r, enum spec_type type, const struct json *list,
                     struct spec **ret)
{
    struct spec *s = spec_new(r, type, DBT_EAGER);
    struct spec *exclude = NULL;
    size_t i = 0;
    if (s == NULL || !is_list_of(r, list)) {
        return false;
    }
    struct spec **tail = &s->child;
    for (const struct json *e = list->child; e != NULL; e = e->next, i++) {
        bool is_exclude = e->type == JSON_OBJECT && json_get(e, "exclude") != NULL;
        if (is_exclude && exclude != NULL) {
            return err_set(r->err, ERR_INVALID, "[%zu]: there is a second exclude", i) ||
                   err_hint(r->err, "put all that is taken away into one list");
        }
        if (!(is_exclude ? read_exclude(r, e, &exclude) : spec_read_definition(r, e, tail))) {
            return err_wrap(r->err, "[%zu]", i);
        }
        tail = *tail == NULL ? tail : &(*tail)->next;
    }
    return subtract(r, s, exclude, ret);
}

bool spec_read_definition(const struct spec_reader *r, const struct json *definition,
                          struct spec **ret)
{
    if (definition->type == JSON_STRING) {
        return spec_read_criterion(r, definition->as.string, 0, definition->as.string.len, ret);
    }
    if (definition->type != JSON_OBJECT) {
        return err_set(r->err, ERR_INVALID, "a definition is a text or an object, not %s",
                       json_type_name(definition->type));
    }
    const struct json *list = json_get(definition, "union");
    if (list != NULL) {
        return read_set(r, SPEC_UNION, list, ret) || err_wrap(r->err, "union");
    }
    list = json_get(definition, "intersection");
    if (list != NULL) {
        return read_set(r, SPEC_INTERSECTION, list, ret) || err_wrap(r->err, "intersection");
    }
    return read_criterion(r, definition, ret);
}
/* NOLINTEND(misc-no-recursion) */
