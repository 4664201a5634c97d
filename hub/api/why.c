/* why.c - /assets/{key}/why: whether an asset is what would be made now, and until when it is fresh, on
 * each device. From what the devices told, by the model that the devices ask themselves. */
#include "hub/api/api_internal.h"
#include "hub/when/when.h"

#include "common/model/staleness.h"

enum {
    ZONE_ARENA_BYTES = 4 << 20,
    ONE_ARENA_BYTES = 4 << 20,
    DEPS_MAX = 1000,
    ITEM_VERSIONS_MAX = DEPS_MAX + 1,
    VERSIONS_KEPT = 2 * ITEM_VERSIONS_MAX, /* at a time: devices mostly define the same */
    VERSIONS_ARENA_BYTES = VERSIONS_KEPT * LIMIT_EVENT_BYTES,
};

/* What a definition says, once for all devices that say the same. */
struct version {
    bool is_partitioned;
    struct str freshness; /* JSON; empty: there is no policy */
    bool has_policy;      /* that is understood */
    struct freshness_policy policy;
};
/* One asset on one device; text in the arena of the item. */
struct told {
    struct stale_asset stale;
    const struct version *version;
    struct wall_time made_at;
};
struct why_list {
    struct api *api;
    struct http_request *rq;
    struct page page;
    struct zones zones;
    struct arena arena; /* of one item */
    struct arena version_arena;
    struct strmap version_by_id;
    struct version **versions;
};
/* Who defines the asset. */
struct why_device {
    struct str name;
    int64_t stream, seq; /* of its definitions */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_FULL, "the answer does not fit into memory");
}

/* --- what is known of an asset ---------------------------------------------------------------------- */

/* What it was made with and from stands in the event. */
static void read_made(struct arena *arena, struct str body, struct asset_version *made)
{
    struct json *event = NULL;
    struct err bad = {0};
    if (str_is_empty(body) || !json_parse(body, LIMIT_EVENT_BYTES, arena, &event, &bad)) {
        return;
    }
    const struct json *given = json_get(event, "data_version_given");
    const struct json *inputs = json_get(event, "inputs");
    made->is_given = given != NULL && given->type == JSON_BOOL && given->as.boolean;
    made->from.code_version = when_text(event, "code_version");
    if (inputs == NULL || inputs->type != JSON_OBJECT || inputs->count == 0) {
        return;
    }
    struct asset_input *items = arena_array(arena, inputs->count, sizeof(*items));
    for (const struct json *i = inputs->child; items != NULL && i != NULL; i = i->next) {
        if (i->type == JSON_STRING) {
            items[made->from.input_count++] =
                (struct asset_input){.key = i->key, .data_version = i->as.string};
        }
    }
    made->from.inputs = items;
}

/* Of an external asset its last observation counts where that is the later one. */
static void read_told(struct arena *arena, const struct db_query *q, struct told *ret)
{
    bool is_external = db_col_i64(q, 2) != 0;
    *ret = (struct told){
        .stale = {.code_version = arena_copy(arena, db_col_str(q, 1)), .is_external = is_external},
        .made_at = api_col_at(q, 4)};
    if (is_external && !db_col_is_null(q, 7) && db_col_i64(q, 9) != 0) {
        struct str version = arena_copy(arena, db_col_str(q, 8));
        ret->stale.made = (struct asset_version){
            .at = api_col_at(q, 7), .data_version = version, .is_given = !str_is_empty(version)};
        return;
    }
    ret->stale.made.at = ret->made_at;
    ret->stale.made.data_version = arena_copy(arena, db_col_str(q, 5));
    read_made(arena, db_col_str(q, 6), &ret->stale.made);
}

/* --- versions of definitions ------------------------------------------------------------------------- */

/* Before an item: what it needs fits then. */
static bool make_room(struct why_list *list, struct err *err)
{
    bool has_room = list->version_by_id.count + ITEM_VERSIONS_MAX <= VERSIONS_KEPT &&
                    list->version_arena.used < VERSIONS_ARENA_BYTES / 2;
    if (list->versions != NULL && has_room) {
        return true;
    }
    arena_reset(&list->version_arena);
    list->version_by_id = strmap_new(&list->version_arena);
    list->versions = arena_array(&list->version_arena, VERSIONS_KEPT, sizeof(struct version *));
    return list->versions != NULL || no_memory(err);
}

static bool read_version(struct why_list *list, struct str id, struct version *ret, struct err *err)
{
    struct db_query q = db_query(list->api->own, HUB_API_WHY_VERSION);
    struct json *policy = NULL;
    struct err bad = {0};
    bool row = false;
    db_bind_str(&q, ":version", id);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row) {
        ret->is_partitioned = !db_col_is_null(&q, 0);
        ret->freshness = arena_copy(&list->version_arena, db_col_str(&q, 1));
        db_reset(&q);
    }
    ret->has_policy =
        !str_is_empty(ret->freshness) &&
        json_parse(ret->freshness, LIMIT_EVENT_BYTES, &list->version_arena, &policy, &bad) &&
        when_freshness(&list->zones, policy, &ret->policy);
    return true;
}

/* Read when a device has it that is the first to. */
static bool find_version(struct why_list *list, struct str id, const struct version **ret,
                         struct err *err)
{
    uint32_t place = 0;
    if (strmap_get(&list->version_by_id, id, &place)) {
        *ret = list->versions[place];
        return true;
    }
    struct version *version = arena_alloc(&list->version_arena, sizeof(*version));
    struct str copy = arena_copy(&list->version_arena, id);
    place = (uint32_t)list->version_by_id.count;
    if (version == NULL || copy.ptr == NULL || !strmap_put(&list->version_by_id, copy, place)) {
        return no_memory(err);
    }
    list->versions[place] = version;
    *ret = version;
    return read_version(list, id, version, err) &&
           (!list->version_arena.exhausted || no_memory(err));
}

/* --- one asset on one device ------------------------------------------------------------------------- */

/* The asset and what it is made from, as a graph: node 0 and its deps. */
struct neighbourhood {
    struct str keys[DEPS_MAX + 1];
    struct told told[DEPS_MAX + 1];
    struct stale_asset stale[DEPS_MAX + 1];
    size_t count;
};

static bool take_asset(struct why_list *list, const struct db_query *q, struct neighbourhood *n,
                       struct err *err)
{
    struct str key = db_col_str(q, 0);
    size_t place = str_eq(key, n->keys[0]) ? 0 : n->count;
    if (place > DEPS_MAX) {
        return true;
    }
    if (place > 0) {
        n->keys[place] = arena_copy(&list->arena, key);
        n->count++;
    }
    struct told *told = &n->told[place];
    read_told(&list->arena, q, told);
    if (!find_version(list, db_col_str(q, 3), &told->version, err)) {
        return false;
    }
    told->stale.is_partitioned = told->version->is_partitioned;
    return !list->arena.exhausted || no_memory(err);
}

static bool read_assets(struct why_list *list, const struct why_device *device,
                        struct neighbourhood *n, struct err *err)
{
    struct db_query q = db_query(list->api->own, HUB_API_WHY_ASSETS);
    bool ok = true;
    n->keys[0] = list->rq->args[0];
    n->count = 1;
    db_bind_str(&q, ":device", device->name);
    db_bind_str(&q, ":asset", n->keys[0]);
    db_bind_i64(&q, ":stream", device->stream);
    db_bind_i64(&q, ":seq", device->seq);
    while (db_each(&q, &ok, err)) {
        if (!take_asset(list, &q, n, err)) {
            db_reset(&q);
            return false;
        }
    }
    return ok;
}

static bool judge(struct why_list *list, struct neighbourhood *n, struct staleness *ret,
                  struct err *err)
{
    struct graph_input *input = arena_array(&list->arena, n->count, sizeof(*input));
    struct graph graph;
    if (input == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < n->count; i++) {
        input[i].key = n->keys[i];
        n->stale[i] = n->told[i].stale;
    }
    input[0].deps = n->keys + 1;
    input[0].dep_count = n->count - 1;
    return graph_build(&list->arena, input, n->count, NULL, &graph, err) &&
           staleness_of(&graph, n->stale, 0, &list->arena, ret, err);
}

static void write_causes(struct json_writer *w, const struct staleness *s)
{
    jw_key(w, STR("causes"));
    jw_begin_array(w);
    for (size_t i = 0; i < s->cause_count; i++) {
        const struct stale_cause *cause = &s->causes[i];
        jw_begin_object(w);
        jw_member_str(w, "category", str_from(stale_category_name(cause->category)));
        jw_member_str(w, "reason", cause->reason);
        jw_member_opt(w, "dependency", cause->dependency);
        jw_member_opt(w, "dependency_reason",
                      cause->root == NULL ? STR_NONE : str_from(cause->root));
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_freshness(struct why_list *list, const struct told *told)
{
    struct json_writer *w = &list->page.w;
    const struct version *version = told->version;
    struct wall_time next;
    if (!version->has_policy) {
        return;
    }
    enum freshness_state state =
        freshness_at(&version->policy, told->made_at, list->rq->now, &next);
    jw_key(w, STR("freshness"));
    jw_begin_object(w);
    jw_member_str(w, "state", str_from(freshness_state_name(state)));
    jw_member_raw(w, "policy", version->freshness);
    if (next.ns != INT64_MAX) {
        jw_member_wall(w, "until", next);
    }
    jw_end_object(w);
}

/* Of partitions there is none as a whole: Dagster and the devices do not say either. */
static struct str staleness_word(const struct told *told, const struct staleness *s)
{
    if (told->stale.is_partitioned) {
        return STR("UNKNOWN");
    }
    return told->stale.is_external ? STR("FRESH") : str_from(stale_status_name(s->status));
}

static void write_item(struct why_list *list, struct str device, const struct told *told,
                       const struct staleness *s)
{
    struct json_writer *w = &list->page.w;
    jw_begin_object(w);
    jw_member_str(w, "device", device);
    jw_member_str(w, "staleness", staleness_word(told, s));
    write_causes(w, s);
    jw_member_opt_wall(w, "made_at", told->made_at);
    jw_member_opt(w, "code_version", told->stale.code_version);
    jw_member_opt(w, "made_with", told->stale.made.from.code_version);
    write_freshness(list, told);
    jw_end_object(w);
}

static bool write_one(struct why_list *list, const struct why_device *device,
                      struct neighbourhood *n, struct err *err)
{
    struct staleness s = {0};
    arena_reset(&list->arena);
    if (!make_room(list, err) || !read_assets(list, device, n, err) || !judge(list, n, &s, err)) {
        return false;
    }
    write_item(list, device->name, &n->told[0], &s);
    return true;
}

/* --- the list ---------------------------------------------------------------------------------------- */

/* The page's devices, before other questions are asked. */
static bool read_devices(struct why_list *list, struct why_device *devices, size_t *ret_count,
                         struct err *err)
{
    struct db_query q = db_query(list->api->own, HUB_API_WHY_DEVICES);
    bool ok = true;
    db_bind_str(&q, ":asset", list->rq->args[0]);
    db_bind_str(&q, ":after", list->page.after[0]);
    db_bind_opt(&q, ":device", http_target_get(&list->rq->target, "device"));
    db_bind_i64(&q, ":limit", page_wants(&list->page));
    while (db_each(&q, &ok, err)) {
        devices[(*ret_count)++] =
            (struct why_device){.name = arena_copy(list->rq->arena, db_col_str(&q, 0)),
                                .stream = db_col_i64(&q, 1),
                                .seq = db_col_i64(&q, 2)};
    }
    return ok;
}

/* Of one commit, which also saves looking for it with each question. */
static bool fill(struct why_list *list, struct err *err)
{
    size_t count = 0;
    AUTO(db_tx) tx = {0};
    struct why_device *devices =
        arena_array(list->rq->arena, (size_t)page_wants(&list->page), sizeof(*devices));
    AUTO(arena) memory = arena_new(2 * sizeof(struct told) * (DEPS_MAX + 1) + (1 << 20));
    struct neighbourhood *n = arena_array(&memory, 1, sizeof(*n));
    if (devices == NULL || n == NULL) {
        return no_memory(err);
    }
    if (!db_tx_begin_read(list->api->own, &tx, err) || !read_devices(list, devices, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (page_has_room(&list->page)) {
            if (!write_one(list, &devices[i], n, err)) {
                return false;
            }
            page_is_at(&list->page, &devices[i].name);
        }
    }
    return true;
}

bool api_asset_why(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    AUTO(arena) zones = arena_new(ZONE_ARENA_BYTES);
    struct why_list list = {.api = ctx, .rq = rq, .zones = {.arena = &zones}};
    if (!page_begin(&list.page, rq, rs, 1, err)) {
        return false;
    }
    list.arena = arena_new(ONE_ARENA_BYTES);
    list.version_arena = arena_new(VERSIONS_ARENA_BYTES);
    bool ok = fill(&list, err);
    page_end(&list.page);
    arena_release(&list.version_arena);
    arena_release(&list.arena);
    return ok;
}
