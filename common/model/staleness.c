#include "common/model/staleness.h"

#include <stdlib.h>
#include <string.h>

const char *stale_status_name(enum stale_status status)
{
    static const char *const names[] = {[STALE_STATUS_FRESH] = "FRESH",
                                        [STALE_STATUS_STALE] = "STALE",
                                        [STALE_STATUS_MISSING] = "MISSING"};
    return names[status];
}

const char *stale_category_name(enum stale_category category)
{
    static const char *const names[] = {
        [STALE_CODE] = "CODE", [STALE_DATA] = "DATA", [STALE_DEPENDENCIES] = "DEPENDENCIES"};
    return names[category];
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "not enough memory for the versions of assets");
}

/* Dagster sorts keys by how Python writes a list of their parts, ['a', 'b']: there the quote and
 * comma behind a part come before the quote and bracket behind the last one, and both before every
 * character of a key. */
static int key_rank(struct str key, size_t at)
{
    if (at == key.len) {
        return 1;
    }
    return key.ptr[at] == '/' ? 0 : 2 + (unsigned char)key.ptr[at];
}

static int key_order(struct str a, struct str b)
{
    size_t at = 0;
    while (at < a.len && at < b.len && a.ptr[at] == b.ptr[at]) {
        at++;
    }
    return at == a.len && at == b.len ? 0 : key_rank(a, at) - key_rank(b, at);
}

static int by_input_key(const void *a, const void *b)
{
    return key_order(((const struct asset_input *)a)->key, ((const struct asset_input *)b)->key);
}

/* A cause without a dependency comes first. */
static int by_dependency(const void *a, const void *b)
{
    struct str left = ((const struct stale_cause *)a)->dependency;
    struct str right = ((const struct stale_cause *)b)->dependency;
    if (left.len == 0 || right.len == 0) {
        return (left.len != 0) - (right.len != 0);
    }
    return key_order(left, right);
}

/* --- data versions --- */

static void add_hex(const uint8_t bytes[32], char ret[DATA_VERSION_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[64] = '\0';
}

bool data_version_compute(const struct provenance *from, const struct digest *digest,
                          struct arena *arena, char ret[DATA_VERSION_TEXT_SIZE], struct err *err)
{
    size_t count = from->input_count;
    size_t len = from->code_version.len;
    for (size_t i = 0; i < count; i++) {
        len += from->inputs[i].data_version.len;
        if (str_eq(from->inputs[i].data_version, DATA_VERSION_UNKNOWN)) {
            memcpy(ret, DATA_VERSION_UNKNOWN.ptr, DATA_VERSION_UNKNOWN.len + 1);
            return true;
        }
    }
    struct asset_input *sorted = arena_array(arena, count + 1, sizeof(*sorted));
    char *memory = arena_alloc(arena, len + 1);
    if (sorted == NULL || memory == NULL) {
        return no_memory(err);
    }
    if (count > 0) {
        memcpy(sorted, from->inputs, count * sizeof(*sorted));
        qsort(sorted, count, sizeof(*sorted), by_input_key);
    }
    struct buf text = buf_fixed(memory, len + 1);
    buf_add(&text, from->code_version);
    for (size_t i = 0; i < count; i++) {
        buf_add(&text, sorted[i].data_version);
    }
    uint8_t hash[32];
    digest->sha256(buf_str(&text), hash);
    add_hex(hash, ret);
    return true;
}

static bool was_made(const struct stale_asset *asset)
{
    return asset->made.at.ns != 0;
}

/* As it is now; in contrast to an input's, what was never made has no version. */
static struct str version_now(const struct stale_asset *asset)
{
    if (!was_made(asset) && !asset->is_external) {
        return DATA_VERSION_NULL;
    }
    return asset->made.data_version.len == 0 ? DATA_VERSION_INITIAL : asset->made.data_version;
}

struct str asset_version_of(const struct stale_asset *asset)
{
    struct str version = version_now(asset);
    return str_eq(version, DATA_VERSION_NULL) ? DATA_VERSION_INITIAL : version;
}

/* --- causes --- */

struct finding {
    const struct graph *g;
    const struct stale_asset *assets;
    uint32_t node;
    struct arena *arena;
    struct strmap deps;   /* key to node */
    struct strmap inputs; /* key to its index */
    struct stale_cause *causes;
    size_t count;
    bool has_failed;
};

static struct stale_cause *add_cause(struct finding *f, enum stale_category category,
                                     struct str dependency, struct str reason)
{
    struct stale_cause *cause = &f->causes[f->count++];
    *cause = (struct stale_cause){.category = category, .dependency = dependency, .reason = reason};
    return cause;
}

static void add_dependency_cause(struct finding *f, struct str dependency, const char *what)
{
    struct str reason =
        arena_printf(f->arena, "%s dependency on " STR_FMT, what, STR_ARG(dependency));
    f->has_failed = f->has_failed || reason.ptr == NULL;
    (void)add_cause(f, STALE_DEPENDENCIES, dependency, reason);
}

/* A version that somebody cares about is spoken of; one that is new with each run is not. Given
 * without a word on how the asset was made, Dagster does not take it for given. */
static void add_data_cause(struct finding *f, uint32_t dep)
{
    const struct stale_asset *asset = &f->assets[dep];
    bool has_meaning = asset->code_version.len > 0 || asset->is_external ||
                       (asset->made.is_given && asset->made.from.code_version.len > 0);
    add_cause(f, STALE_DATA, f->g->nodes[dep].key,
              has_meaning ? STR("has a new dependency data version")
                          : STR("has a new dependency materialization"))
        ->root = has_meaning ? "has a new data version" : "has a new materialization";
}

/* The asset may have been made before the dep, which was taken to be there: that its first version
 * is still missing is no change. */
static bool differs(struct str then, struct str now)
{
    return !str_eq(then, now) &&
           !(str_eq(then, DATA_VERSION_INITIAL) && str_eq(now, DATA_VERSION_NULL));
}

static void look_at_dep(struct finding *f, uint32_t dep)
{
    const struct asset_version *made = &f->assets[f->node].made;
    struct str key = f->g->nodes[dep].key;
    uint32_t index = 0;
    if (!strmap_get(&f->inputs, key, &index)) {
        add_dependency_cause(f, key, "has a new");
    } else if (!f->assets[dep].is_partitioned &&
               differs(made->from.inputs[index].data_version, version_now(&f->assets[dep]))) {
        add_data_cause(f, dep);
    }
}

static void look_at_versions(struct finding *f)
{
    const struct graph_node *node = &f->g->nodes[f->node];
    const struct stale_asset *asset = &f->assets[f->node];
    if (asset->code_version.len > 0 &&
        !str_eq(asset->code_version, asset->made.from.code_version)) {
        (void)add_cause(f, STALE_CODE, STR_NONE, STR("has a new code version"));
    }
    for (size_t i = 0; i < asset->made.from.input_count; i++) {
        uint32_t dep = 0;
        if (!strmap_get(&f->deps, asset->made.from.inputs[i].key, &dep)) {
            add_dependency_cause(f, asset->made.from.inputs[i].key, "removed");
        }
    }
    for (size_t i = 0; i < node->dep_count; i++) {
        look_at_dep(f, node->deps[i]);
    }
}

/* Nothing is known of how it was made: what was made later counts. */
static void look_at_times(struct finding *f)
{
    const struct graph_node *node = &f->g->nodes[f->node];
    for (size_t i = 0; i < node->dep_count; i++) {
        const struct stale_asset *dep = &f->assets[node->deps[i]];
        struct str key = f->g->nodes[node->deps[i]].key;
        if (dep->is_external || dep->is_partitioned) {
            continue;
        }
        if (!was_made(dep)) {
            (void)add_cause(f, STALE_DATA, key, STR("has a new input"));
        } else if (dep->made.at.ns > f->assets[f->node].made.at.ns) {
            add_cause(f, STALE_DATA, key, STR("has a new dependency materialization"))->root =
                "has a new materialization";
        }
    }
}

static bool index_deps(struct finding *f)
{
    const struct graph_node *node = &f->g->nodes[f->node];
    const struct asset_version *made = &f->assets[f->node].made;
    f->deps = strmap_new(f->arena);
    f->inputs = strmap_new(f->arena);
    f->causes =
        arena_array(f->arena, 1 + node->dep_count + made->from.input_count, sizeof(*f->causes));
    bool ok = f->causes != NULL;
    for (size_t i = 0; ok && i < node->dep_count; i++) {
        ok = strmap_put(&f->deps, f->g->nodes[node->deps[i]].key, node->deps[i]);
    }
    for (size_t i = 0; ok && i < made->from.input_count; i++) {
        ok = strmap_put(&f->inputs, made->from.inputs[i].key, (uint32_t)i);
    }
    return ok;
}

bool staleness_of(const struct graph *g, const struct stale_asset *assets, uint32_t node,
                  struct arena *arena, struct staleness *ret, struct err *err)
{
    const struct stale_asset *asset = &assets[node];
    struct finding f = {.g = g, .assets = assets, .node = node, .arena = arena};
    if (asset->is_partitioned || asset->is_external) {
        *ret = (struct staleness){.status = STALE_STATUS_FRESH};
        return true;
    }
    if (!was_made(asset)) {
        *ret = (struct staleness){.status = STALE_STATUS_MISSING};
        return true;
    }
    if (!index_deps(&f)) {
        return no_memory(err);
    }
    if (asset->made.from.code_version.len > 0) {
        look_at_versions(&f);
    } else {
        look_at_times(&f);
    }
    if (f.has_failed) {
        return no_memory(err);
    }
    qsort(f.causes, f.count, sizeof(*f.causes), by_dependency);
    *ret = (struct staleness){.status = f.count > 0 ? STALE_STATUS_STALE : STALE_STATUS_FRESH,
                              .causes = f.causes,
                              .cause_count = f.count};
    return true;
}
