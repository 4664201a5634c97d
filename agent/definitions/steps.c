/* steps.c - steps that make several assets. A block with `extract.streams` or `assets` is taken
 * apart into one asset after the other, each with a tree of its own as if a person had written it,
 * so that problems have places and digests tell what changed. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include "common/base/strmap.h"
#include "common/json/json_tree.h"
#include "common/model/asset_key.h"

/* A block, and what becomes of it. */
struct expansion {
    struct loader *l;
    const struct json *node;
    const struct raw_asset *raw;
    const struct object_list *members; /* of struct raw_member */
    const struct json *list;           /* their nodes; NULL where the tree has another type */
    bool is_streams;
};

/* --- whether it may be --- */

static struct item item_of_block(const struct expansion *x)
{
    return (struct item){x->l, x->node, "asset", x->raw->asset.key};
}

static void refuse(const struct expansion *x, const struct json *object, const char *key,
                   const char *hint, const char *why)
{
    struct item item = item_of_block(x);
    if (json_get(object, key) != NULL) {
        item_problem(&item, place_of(object, key), hint, "%s", why);
    }
}

/* A file whose name is not made of the stream's. */
static void refuse_one_file(const struct expansion *x, const struct json *load, const char *key)
{
    const struct json *path = json_get(load, key);
    if (path != NULL && path->type == JSON_STRING &&
        str_contains(path->as.string, STR("{stream}"))) {
        return;
    }
    refuse(x, load, key, "write {stream} into the file's name, or load into a database",
           "load: a file takes one stream, and there are streams");
}

static void check_streams(const struct expansion *x)
{
    const struct json *extract = json_get(x->node, "extract");
    const struct json *load = json_get(x->node, "load");
    const struct raw_member *members = x->members->items;
    struct item item = item_of_block(x);
    refuse(x, extract, "stream", NULL, "extract has both stream and streams");
    refuse(x, load, "table", "take it away",
           "load: each of the streams has a table by its name, not one for all");
    refuse_one_file(x, load, "jsonl");
    refuse_one_file(x, load, "csv");
    for (size_t i = 0; i < x->members->count; i++) {
        for (size_t earlier = 0; earlier < i; earlier++) {
            if (str_eq(members[i].stream, members[earlier].stream)) {
                item_problem(&item, members[i].at, NULL, "stream " STR_FMT " is named twice",
                             STR_ARG(members[i].stream));
                break;
            }
        }
    }
}

static bool has_streams(const struct json *extract)
{
    for (size_t i = 0; connector_at(i) != NULL; i++) {
        const struct connector_side *side = &connector_at(i)->sides[USE_EXTRACT];
        if (side->has_streams && side->key != NULL && json_get(extract, side->key) != NULL) {
            return true;
        }
    }
    return false;
}

/* False: it stays what it is, and has a problem. */
static bool may_expand(const struct expansion *x)
{
    struct item item = item_of_block(x);
    size_t before = x->l->problems->total;
    struct err ignored = {0};
    if (!asset_key_check(x->raw->asset.key, &ignored)) {
        return false; /* reported with its place later */
    }
    if (x->is_streams && !has_streams(json_get(x->node, "extract"))) {
        item_problem(&item, place_of(json_get(x->node, "extract"), "streams"), NULL,
                     "streams goes with tap only");
    } else if (x->is_streams) {
        check_streams(x);
    }
    if (x->raw->outputs.count > 0 && !x->raw->has_run && !x->raw->has_meltano && !x->raw->has_dbt) {
        item_problem(&item, place_of(x->node, "assets"), "take it away",
                     "assets goes with run, meltano and dbt only");
    }
    refuse(x, x->node, "checks",
           x->is_streams ? "streams: [{name: ..., checks: ...}]"
                         : "assets: [{key: ..., checks: ...}]",
           "checks: the step makes several assets; give each its own");
    return x->l->problems->total == before;
}

/* --- the tree of one --- */

static void append_copy(const struct expansion *x, struct json_open *to, const struct json *node)
{
    struct json *copy = arena_alloc(&x->l->scratch, sizeof(*copy));
    if (copy != NULL && node != NULL) {
        *copy = *node; /* its children are not changed by that */
        copy->next = NULL;
        json_append(to, copy);
    }
}

static void append_text(const struct expansion *x, struct json_open *to, const struct json *at,
                        struct str key, struct str text)
{
    struct json *node = arena_alloc(&x->l->scratch, sizeof(*node));
    if (node != NULL) {
        *node = (struct json){.type = JSON_STRING,
                              .line = at->line,
                              .column = at->column,
                              .key_line = at->line,
                              .key_column = at->column,
                              .file = at->file,
                              .key = key,
                              .as.string = text};
        json_append(to, node);
    }
}

/* A container like `like` that is still empty. */
static struct json_open open_like(const struct expansion *x, const struct json *like,
                                  enum json_type type)
{
    struct json *node = arena_alloc(&x->l->scratch, sizeof(*node));
    if (node != NULL) {
        *node = *like;
        node->type = type;
        node->child = NULL;
        node->next = NULL;
        node->count = 0;
    }
    return (struct json_open){.node = node};
}

static void append_extract(const struct expansion *x, struct json_open *to,
                           const struct json *extract, const struct json *member, struct str stream)
{
    struct json_open copy = open_like(x, extract, JSON_OBJECT);
    if (copy.node == NULL) {
        return;
    }
    for (const struct json *m = extract->child; m != NULL; m = m->next) {
        if (!str_eq(m->key, STR("streams"))) {
            append_copy(x, &copy, m);
        }
    }
    append_text(x, &copy, member, STR("stream"), stream);
    json_append(to, copy.node);
}

/* A lone text is a list of one. */
static void append_items(const struct expansion *x, struct json_open *to, const struct json *list)
{
    if (list != NULL && list->type != JSON_ARRAY) {
        append_copy(x, to, list);
        return;
    }
    for (const struct json *item = list == NULL ? NULL : list->child; item != NULL;
         item = item->next) {
        append_copy(x, to, item);
    }
}

static void append_deps(const struct expansion *x, struct json_open *to, const struct json *member)
{
    const struct json *shared = json_get(x->node, "deps");
    const struct json *own = json_get(member, "deps");
    if (shared == NULL && own == NULL) {
        return;
    }
    struct json_open deps = open_like(x, own != NULL ? own : shared, JSON_ARRAY);
    if (deps.node != NULL) {
        append_items(x, &deps, shared);
        append_items(x, &deps, own);
        json_append(to, deps.node);
    }
}

/* What an asset of a step may have of its own, instead of what all have. */
static const struct str own_keys[] = {
    STR_INIT("description"), STR_INIT("code_version"), STR_INIT("group"),    STR_INIT("kinds"),
    STR_INIT("tags"),        STR_INIT("owners"),       STR_INIT("metadata"), STR_INIT("freshness"),
    STR_INIT("dataset"),     STR_INIT("automation"),   STR_INIT("checks"), /* all have none */
};

static bool is_own(struct str key, const struct json *member)
{
    for (size_t i = 0; i < COUNT_OF(own_keys); i++) {
        if (str_eq(key, own_keys[i])) {
            return json_get(member, own_keys[i].ptr) != NULL;
        }
    }
    return str_eq(key, STR("key")) || str_eq(key, STR("deps")) || str_eq(key, STR("assets"));
}

static struct json *expand_tree(const struct expansion *x, const struct json *member,
                                const struct asset *asset)
{
    struct json_open object = open_like(x, x->node, JSON_OBJECT);
    if (object.node == NULL) {
        return NULL;
    }
    append_text(x, &object, member, STR("key"), asset->key);
    append_deps(x, &object, member);
    for (const struct json *m = x->node->child; m != NULL; m = m->next) {
        if (x->is_streams && str_eq(m->key, STR("extract"))) {
            append_extract(x, &object, m, member, asset->stream);
        } else if (!is_own(m->key, member)) {
            append_copy(x, &object, m);
        }
    }
    for (size_t i = 0; i < COUNT_OF(own_keys); i++) {
        const struct json *given = json_get(member, own_keys[i].ptr);
        if (given != NULL) {
            append_copy(x, &object, given);
        }
    }
    return object.node;
}

/* --- the struct of one --- */

static void join_deps(const struct expansion *x, const struct raw_member *member,
                      struct raw_asset *ret)
{
    const struct str_list *shared = &x->raw->asset.deps;
    struct str_list all = {0};
    all.items =
        arena_array(&x->l->defs->arena, shared->count + member->deps.count, sizeof(*all.items));
    if (all.items == NULL) {
        return; /* the arena remembers */
    }
    for (size_t i = 0; i < shared->count; i++) {
        all.items[all.count++] = shared->items[i];
    }
    for (size_t i = 0; i < member->deps.count; i++) {
        all.items[all.count++] = member->deps.items[i];
    }
    ret->asset.deps = all;
    ret->shared_deps = shared->count;
}

static void take_own_words(const struct raw_member *member, struct raw_asset *ret)
{
    struct asset *asset = &ret->asset;
    asset->description = member->description.ptr != NULL ? member->description : asset->description;
    asset->code_version =
        member->code_version.ptr != NULL ? member->code_version : asset->code_version;
    asset->group = member->group.ptr != NULL ? member->group : asset->group;
    asset->kinds = member->kinds.count > 0 ? member->kinds : asset->kinds;
    asset->tags = member->tags.count > 0 ? member->tags : asset->tags;
    asset->owners = member->owners.count > 0 ? member->owners : asset->owners;
    asset->metadata = member->metadata.count > 0 ? member->metadata : asset->metadata;
    asset->dataset = member->dataset; /* not that of all: each is data of its own */
    ret->has_own_freshness = member->has_freshness;
    ret->freshness = member->has_freshness ? member->freshness : ret->freshness;
    ret->has_own_automation = member->has_automation;
    ret->automation = member->has_automation ? member->automation : ret->automation;
}

static void expand_asset(const struct expansion *x, const struct raw_member *member,
                         struct shared_step *step, struct raw_asset *ret)
{
    *ret = *x->raw;
    ret->outputs = (struct object_list){0};
    ret->extract.streams = (struct object_list){0};
    ret->checks = member->checks;
    struct asset *asset = &ret->asset;
    asset->step = step;
    asset->stream = member->stream;
    asset->node = member->node;
    asset->key = member->key;
    if (member->key.ptr == NULL) {
        asset->key = arena_printf(&x->l->defs->arena, STR_FMT "/" STR_FMT,
                                  STR_ARG(x->raw->asset.key), STR_ARG(member->stream));
    }
    asset->at = member->at;
    take_own_words(member, ret);
    join_deps(x, member, ret);
}

/* --- all of them --- */

static struct expansion expansion_of(struct loader *l, const struct json *node,
                                     const struct raw_asset *raw)
{
    struct expansion x = {.l = l, .node = node, .raw = raw};
    x.is_streams = raw->extract.streams.count > 0;
    x.members = x.is_streams ? &raw->extract.streams : &raw->outputs;
    x.list =
        x.is_streams ? json_get(json_get(node, "extract"), "streams") : json_get(node, "assets");
    return x;
}

/* What stands in extract is read later, by its connector's table; but for the streams. False: out of
 * memory. */
static bool read_streams(struct loader *l, size_t index, struct raw_asset *raw)
{
    if (json_get(raw->extract.node, "streams") == NULL) {
        return true;
    }
    struct raw_endpoint read = {0};
    struct str path = arena_printf(&l->scratch, "assets[%zu].extract", index);
    bool is_clean = path.ptr != NULL && fields_read(raw->extract.node, &streams_table, path,
                                                    &l->scratch, l->problems, &read);
    if (!own_texts(&l->defs->arena, &streams_table, &read)) {
        return false;
    }
    raw->extract.streams = is_clean ? read.streams : (struct object_list){0};
    return !l->scratch.exhausted;
}

/* How many assets there will be at most. */
static size_t count_assets(const struct object_list *blocks, bool *ret_has_steps)
{
    size_t count = 0;
    const struct raw_asset *raw = blocks->items;
    for (size_t i = 0; i < blocks->count; i++) {
        size_t members = raw[i].extract.streams.count + raw[i].outputs.count;
        *ret_has_steps =
            *ret_has_steps || members > 0 || json_get(raw[i].extract.node, "streams") != NULL;
        count += members > 0 ? members : 1;
    }
    return count;
}

/* NULL: out of memory. */
static struct shared_step *new_step(struct loader *l, struct str key, struct location at)
{
    struct shared_step *step = arena_alloc(&l->defs->arena, sizeof(*step));
    if (step != NULL) {
        *step = (struct shared_step){.key = key, .at = at};
        l->defs->shared_step_count++;
    }
    return step;
}

static bool expand_block(const struct expansion *x, struct json_open *tree,
                         struct object_list *assets)
{
    struct raw_asset *first = (struct raw_asset *)assets->items + assets->count;
    const struct raw_member *members = x->members->items;
    const struct json *member = x->list->child;
    struct shared_step *step = new_step(x->l, x->raw->asset.key, x->raw->asset.at);
    if (step == NULL) {
        return false;
    }
    for (size_t i = 0; i < x->members->count && member != NULL; i++, member = member->next) {
        expand_asset(x, &members[i], step, &first[i]);
        first[i].first = i == 0 ? NULL : first;
        struct json *node = expand_tree(x, member, &first[i].asset);
        if (node == NULL) {
            return false;
        }
        first[i].extract.node = json_get(node, "extract");
        json_append(tree, node);
        assets->count++;
    }
    return true;
}

static struct json *assets_of(struct json *root)
{
    struct json *node = root->child;
    while (node != NULL && !str_eq(node->key, STR("assets"))) {
        node = node->next;
    }
    return node;
}

/* Of a block that stays what it is: what is wrong with them was said. */
static void drop_streams(struct json *block)
{
    struct json *extract = block->type == JSON_OBJECT ? block->child : NULL;
    while (extract != NULL && !str_eq(extract->key, STR("extract"))) {
        extract = extract->next;
    }
    if (extract == NULL || extract->type != JSON_OBJECT) {
        return;
    }
    for (struct json **at = &extract->child; *at != NULL; at = &(*at)->next) {
        if (str_eq((*at)->key, STR("streams"))) {
            *at = (*at)->next;
            extract->count--;
            return;
        }
    }
}

/* Adds what becomes of the block; `node`, which has no sibling any more, is its own. */
static bool expand_one(const struct expansion *x, struct json *node, struct json_open *tree,
                       struct object_list *assets)
{
    bool is_step =
        node != NULL && x->members->count > 0 && x->list != NULL && x->list->type == JSON_ARRAY;
    if (is_step && may_expand(x)) {
        return expand_block(x, tree, assets);
    }
    ((struct raw_asset *)assets->items)[assets->count++] = *x->raw;
    if (node != NULL) {
        drop_streams(node);
        json_append(tree, node);
    }
    return true;
}

static bool expand_all(struct loader *l, struct json *list, struct object_list *assets)
{
    const struct object_list blocks = l->raw.assets;
    const struct raw_asset *raw = blocks.items;
    struct json_open tree = {.node = list};
    struct json *node = list->child;
    list->child = NULL;
    list->count = 0;
    for (size_t i = 0; i < blocks.count; i++) {
        struct json *next = node == NULL ? NULL : node->next;
        const struct expansion x = expansion_of(l, node, &raw[i]);
        if (node != NULL) {
            node->next = NULL;
        }
        if (!expand_one(&x, node, &tree, assets)) {
            return false;
        }
        node = next;
    }
    return true;
}

bool expand_steps(struct loader *l, struct json *root)
{
    struct json *list = assets_of(root);
    const struct object_list blocks = l->raw.assets;
    struct raw_asset *raw = blocks.items;
    bool has_steps = false;
    for (size_t i = 0; i < blocks.count; i++) {
        if (!read_streams(l, i, &raw[i])) {
            return false;
        }
    }
    size_t count = count_assets(&blocks, &has_steps);
    if (list == NULL || !has_steps) {
        return true;
    }
    struct object_list assets = {.items =
                                     arena_array(&l->scratch, count, sizeof(struct raw_asset))};
    if (assets.items == NULL || !expand_all(l, list, &assets)) {
        return false;
    }
    if (assets.count > LIMIT_ASSETS) {
        problems_add(l->problems, place_of_node(list), STR_NONE,
                     "more than %d assets, with those of steps that make several", LIMIT_ASSETS);
        assets.count = LIMIT_ASSETS;
    }
    l->raw.assets = assets;
    return !l->scratch.exhausted && !l->defs->arena.exhausted;
}

/* --- assets that give way ---------------------------------------------------------------------- */

/* Which keys are taken: by the first asset that stays what it is, else by the first of all. */
static bool take_keys(struct loader *l, struct strmap *taken)
{
    const struct raw_asset *raw = l->raw.assets.items;
    uint32_t ignored = 0;
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < l->raw.assets.count; i++) {
            bool is_asked = raw[i].gives_way == (round > 0) && raw[i].asset.key.ptr != NULL;
            if (is_asked && !strmap_get(taken, raw[i].asset.key, &ignored) &&
                !strmap_put(taken, raw[i].asset.key, i)) {
                return false;
            }
        }
    }
    return true;
}

bool give_way(struct loader *l, struct json *root)
{
    struct json *list = assets_of(root);
    struct raw_asset *raw = l->raw.assets.items;
    struct strmap taken = strmap_new(&l->scratch);
    if (list == NULL || !take_keys(l, &taken)) {
        return list == NULL;
    }
    struct json **at = &list->child;
    size_t kept = 0;
    size_t first = 0; /* of a step: what they share is checked there */
    for (uint32_t i = 0; i < l->raw.assets.count; i++) {
        uint32_t by = i;
        bool is_gone = raw[i].gives_way && raw[i].asset.step == NULL &&
                       strmap_get(&taken, raw[i].asset.key, &by) && by != i;
        if (!is_gone) {
            first = raw[i].first == NULL ? kept : first;
            raw[kept] = raw[i];
            raw[kept].first = raw[i].first == NULL ? NULL : &raw[first];
            kept++;
        }
        if (is_gone && *at != NULL) {
            *at = (*at)->next;
            list->count--;
        } else if (*at != NULL) {
            at = &(*at)->next;
        }
    }
    l->raw.assets.count = kept;
    return true;
}
