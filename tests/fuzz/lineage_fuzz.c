/* What devices define, put together to one graph: lines of asset, version, device, site, seconds and what
 * the version says, by tabs. Whatever they say, the graph is in order, names only what is there, and
 * comes out the same again. */
#include "hub/lineage/lineage.h"
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 200, ARENA_BYTES = 32 << 20, WORDS_BYTES = 4096 };

/* As they come of the database: in order, each once, a version with one text and no empty names. */
static int by_name(const void *a, const void *b)
{
    const struct lineage_row *x = a;
    const struct lineage_row *y = b;
    int order = str_cmp(x->asset, y->asset);
    order = order != 0 ? order : str_cmp(x->version, y->version);
    return order != 0 ? order : str_cmp(x->device, y->device);
}

static size_t read_rows(struct str text, struct lineage_row *rows)
{
    size_t count = 0;
    struct str line;
    while (count < ROWS_MAX && text.len > 0) {
        struct lineage_row *row = &rows[count];
        struct str seconds;
        int64_t at = 0;
        (void)str_cut(text, '\n', &line, &text);
        *row = (struct lineage_row){0};
        if (str_cut(line, '\t', &row->asset, &line) && str_cut(line, '\t', &row->version, &line) &&
            str_cut(line, '\t', &row->device, &line) && str_cut(line, '\t', &row->site, &line) &&
            str_cut(line, '\t', &seconds, &row->body) && row->asset.len > 0 &&
            row->version.len > 0 && row->device.len > 0) {
            (void)!str_to_i64(seconds, 0, INT64_MAX / NS_PER_SEC, &at);
            row->since.ns = at * NS_PER_SEC;
            count++;
        }
        if (!str_contains(text, STR("\n"))) {
            break;
        }
    }
    qsort(rows, count, sizeof(*rows), by_name);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || by_name(&rows[kept - 1], &rows[i]) != 0) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

static bool build(const struct lineage_row *rows, size_t count, struct arena *arena,
                  struct lineage *ret)
{
    struct err err = {0};
    struct lineage_builder *b = lineage_begin(arena);
    assert(b != NULL);
    for (size_t i = 0; i < count; i++) {
        struct lineage_row row = rows[i];
        if (lineage_knows(b, row.asset, row.version)) {
            row.body = STR_NONE;
        }
        lineage_add(b, &row);
    }
    bool ok = lineage_end(b, ret, &err);
    assert(ok || err.msg[0] != '\0');
    return ok;
}

static void check_devices(const struct lineage *l, struct lineage_devices devices)
{
    for (size_t i = 0; i < devices.count; i++) {
        assert(devices.items[i] < l->device_count);
        assert(i == 0 || devices.items[i - 1] < devices.items[i]);
    }
}

static void check_versions(const struct lineage *l, size_t asset)
{
    size_t versions = 0;
    for (const struct lineage_version *v = l->assets[asset].versions; v != NULL; v = v->next) {
        char memory[WORDS_BYTES];
        struct buf words = buf_fixed(memory, sizeof(memory));
        assert(v->asset == asset && v->devices.count > 0);
        check_devices(l, v->devices);
        if (v->next != NULL) {
            assert(v->next->devices.count <= v->devices.count);
            lineage_add_differences(&words, v->body, v->next->body);
            (void)lineage_differs(v->body, v->next->body);
        }
        versions++;
    }
    assert(versions == l->assets[asset].version_count);
}

static void check_assets(const struct lineage *l)
{
    for (size_t i = 0; i < l->asset_count; i++) {
        const struct lineage_asset *a = &l->assets[i];
        uint32_t found = 0;
        assert(i == 0 || str_cmp(l->assets[i - 1].key, a->key) < 0);
        assert(strmap_get(&l->by_key, a->key, &found) && found == i);
        check_devices(l, a->made_on);
        check_devices(l, a->external_on);
        check_versions(l, i);
    }
}

static void check_edges(const struct lineage *l)
{
    for (size_t i = 0; i < l->edge_count; i++) {
        const struct lineage_edge *e = &l->edges[i];
        assert(e->upstream < l->asset_count && e->downstream < l->asset_count);
        assert(e->reasons != NULL);
        assert(i == 0 || l->edges[i - 1].upstream < e->upstream ||
               (l->edges[i - 1].upstream == e->upstream &&
                l->edges[i - 1].downstream < e->downstream));
        for (const struct lineage_reason *r = e->reasons; r != NULL; r = r->next) {
            check_devices(l, r->from);
            check_devices(l, r->to);
            assert(!r->does_cross || lineage_edge_crosses(e));
        }
    }
}

/* An edge leads from what is reached upwards to what is reached downwards. */
static void check_edges_of(const struct lineage *l, uint32_t i, const bool *up, const bool *down)
{
    for (size_t k = 0; k < l->edge_count; k++) {
        const struct lineage_edge *e = &l->edges[k];
        assert(e->downstream != i || up[e->upstream]);
        assert(e->upstream != i || down[e->downstream]);
        assert(!up[e->downstream] || up[e->upstream]);
        assert(!down[e->upstream] || down[e->downstream]);
    }
}

static void check_reach(const struct lineage *l, struct arena *arena)
{
    for (uint32_t i = 0; i < l->asset_count && i < 8; i++) {
        bool *up = arena_array(arena, l->asset_count, sizeof(*up));
        bool *down = arena_array(arena, l->asset_count, sizeof(*down));
        if (up == NULL || down == NULL || !lineage_reach(l, i, true, arena, up) ||
            !lineage_reach(l, i, false, arena, down)) {
            return;
        }
        check_edges_of(l, i, up, down);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lineage_row rows[ROWS_MAX];
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct lineage l = {0};
    struct lineage again = {0};
    size_t count = read_rows((struct str){(const char *)data, size}, rows);
    if (!build(rows, count, &arena, &l)) {
        return 0;
    }
    check_assets(&l);
    check_edges(&l);
    check_reach(&l, &arena);
    if (build(rows, count, &arena, &again)) {
        assert(again.asset_count == l.asset_count && again.edge_count == l.edge_count);
    }
    return 0;
}
