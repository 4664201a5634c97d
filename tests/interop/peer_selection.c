#include "common/model/selection.h"
#include "tests/interop/model_peer.h"

static bool list_has(const struct json *list, struct str value)
{
    for (const struct json *e = list == NULL ? NULL : list->child; e != NULL; e = e->next) {
        if (str_eq(e->as.string, value)) {
            return true;
        }
    }
    return false;
}

static bool has_tag(const struct json *tags, struct str name, struct str value)
{
    for (const struct json *e = tags == NULL ? NULL : tags->child; e != NULL; e = e->next) {
        if (str_eq(e->key, name)) {
            return str_eq(e->as.string, value);
        }
    }
    return false;
}

static bool is_empty(const struct json *list)
{
    return list == NULL || list->count == 0;
}

static bool has(const void *ctx, uint32_t node, enum selection_attribute attribute, struct str name,
                struct str value)
{
    const struct json *const *assets = ctx;
    const struct json *asset = assets[node];
    switch (attribute) {
    case SELECT_GROUP:
        return str_eq(peer_text(asset, "group"), value);
    case SELECT_GROUP_LIKE:
        return str_matches(peer_text(asset, "group"), value);
    case SELECT_KIND:
        return list_has(json_get(asset, "kinds"), value);
    case SELECT_KINDLESS:
        return is_empty(json_get(asset, "kinds"));
    case SELECT_TAG:
        return has_tag(json_get(asset, "tags"), name, value);
    case SELECT_OWNER:
        return list_has(json_get(asset, "owners"), value);
    case SELECT_OWNERLESS:
        return is_empty(json_get(asset, "owners"));
    case SELECT_EXTERNAL:
        return peer_flag(asset, "external");
    }
    return false;
}

/* {"assets":[...],"selections":["..."]} gives {"answers":[["a","b"],"error text",...]}. */
void peer_select(struct peer *p, const struct json *question, struct json_writer *w)
{
    struct graph g;
    const struct json **assets = NULL;
    peer_graph(p, question, &g, &assets);
    const struct selection_attributes attributes = {.has = has, .ctx = assets};
    jw_key(w, STR("answers"));
    jw_begin_array(w);
    const struct json *list = json_get(question, "selections");
    for (const struct json *e = list->child; e != NULL; e = e->next) {
        struct selection *s = NULL;
        bool *set = NULL;
        if (!selection_parse(e->as.string, &p->arena, &s, &p->err) ||
            !selection_evaluate(s, &g, &attributes, &p->arena, &set, &p->err)) {
            jw_str(w, str_from(p->err.msg));
            continue;
        }
        jw_begin_array(w);
        for (size_t n = 0; n < g.count; n++) {
            if (set[n]) {
                jw_str(w, g.nodes[n].key);
            }
        }
        jw_end_array(w);
    }
    jw_end_array(w);
}
