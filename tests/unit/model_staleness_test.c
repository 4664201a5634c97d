#include "common/model/staleness.h"
#include "common/tls/identity.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static const struct digest digest = {digest_sha256};

/* --- data versions; the expected ones were computed by Dagster --- */

static void assert_version(const char *expected, const char *code, const struct asset_input *inputs,
                           size_t count)
{
    AUTO(arena) arena = arena_new(1 << 16);
    struct err err = {0};
    char version[DATA_VERSION_TEXT_SIZE];
    const struct provenance from = {str_from(code), inputs, count};
    assert_true(data_version_compute(&from, &digest, &arena, version, &err));
    assert_string_equal(version, expected);
}

static void data_versions_are_dagsters(void **state)
{
    (void)state;
    assert_version("3bfc269594ef649228e9a74bab00f042efc91d5acc6fbee31a382e80d42388fe", "v1", NULL,
                   0);
    /* sorted as Dagster sorts: A a/b a/c a a-b a.b/c a_b ab */
    const struct asset_input inputs[] = {
        {STR("a"), STR("0")},   {STR("a/b"), STR("1")}, {STR("a_b"), STR("2")},
        {STR("a-b"), STR("3")}, {STR("ab"), STR("4")},  {STR("a.b/c"), STR("5")},
        {STR("a/c"), STR("6")}, {STR("A"), STR("7")},
    };
    assert_version("1896a33ae2715704f49d3127334d1839446bcff976753a1a2692a08eabaf2c04", "3", inputs,
                   COUNT_OF(inputs));
    const struct asset_input unknown[] = {{STR("a"), STR("1")}, {STR("b"), STR("UNKNOWN")}};
    assert_version("UNKNOWN", "3", unknown, COUNT_OF(unknown));
}

static void data_version_needs_memory(void **state)
{
    (void)state;
    const struct asset_input input = {STR("a"), STR("0")};
    bool done = false;
    for (size_t max = 0; !done; max += 16) {
        AUTO(arena) arena = arena_new(max);
        struct err err = {0};
        char version[DATA_VERSION_TEXT_SIZE];
        const struct provenance from = {STR("v"), &input, 1};
        done = data_version_compute(&from, &digest, &arena, version, &err);
        assert_true(done || err.code == ERR_NO_MEMORY);
    }
}

/* --- staleness: raw -> mid -> top, raw -> top; seen (external) -> mid --- */

enum { RAW, SEEN, MID, TOP, NODES };

struct world {
    struct arena arena;
    struct graph g;
    struct stale_asset assets[NODES];
    struct asset_input inputs[NODES][4];
    int64_t now;
};

static void world_init(struct world *w)
{
    static const struct str mid_deps[] = {STR_INIT("raw"), STR_INIT("seen")};
    static const struct str top_deps[] = {STR_INIT("mid/a"), STR_INIT("raw")};
    const struct graph_input input[NODES] = {
        [RAW] = {STR("raw"), NULL, 0},
        [SEEN] = {STR("seen"), NULL, 0},
        [MID] = {STR("mid/a"), mid_deps, 2},
        [TOP] = {STR("top"), top_deps, 2},
    };
    *w = (struct world){.arena = arena_new(1 << 20)};
    struct err err = {0};
    assert_true(graph_build(&w->arena, input, NODES, NULL, &w->g, &err));
    w->assets[SEEN].is_external = true;
}

/* As the engine records it. `given` empty: the data version is computed. */
static void make(struct world *w, uint32_t node, const char *run, const char *given)
{
    struct stale_asset *asset = &w->assets[node];
    const struct graph_node *n = &w->g.nodes[node];
    for (size_t i = 0; i < n->dep_count; i++) {
        w->inputs[node][i] = (struct asset_input){
            .key = w->g.nodes[n->deps[i]].key,
            .data_version = asset_version_of(&w->assets[n->deps[i]]),
        };
    }
    const struct provenance from = {
        .code_version = asset->code_version.len > 0 ? asset->code_version : str_from(run),
        .inputs = w->inputs[node],
        .input_count = n->dep_count,
    };
    char version[DATA_VERSION_TEXT_SIZE];
    struct err err = {0};
    assert_true(data_version_compute(&from, &digest, &w->arena, version, &err));
    asset->made = (struct asset_version){
        .at = {++w->now},
        .data_version =
            given[0] != '\0' ? str_from(given) : arena_copy(&w->arena, str_from(version)),
        .is_given = given[0] != '\0',
        .from = from,
    };
}

static void make_all(struct world *w)
{
    make(w, RAW, "r1", "");
    make(w, MID, "r1", "");
    make(w, TOP, "r1", "");
}

/* "STALE: DATA raw has a new ... (has a new ...); ..." */
static const char *tell(struct world *w, uint32_t node)
{
    static char memory[1024];
    struct buf out = buf_fixed(memory, sizeof(memory));
    struct staleness s;
    struct err err = {0};
    assert_true(staleness_of(&w->g, w->assets, node, &w->arena, &s, &err));
    buf_add_text(&out, stale_status_name(s.status));
    for (size_t i = 0; i < s.cause_count; i++) {
        const struct stale_cause *c = &s.causes[i];
        buf_addf(&out, "%s%s " STR_FMT "%s" STR_FMT, i == 0 ? ": " : "; ",
                 stale_category_name(c->category), STR_ARG(c->dependency),
                 c->dependency.len > 0 ? " " : "", STR_ARG(c->reason));
        if (c->root != NULL) {
            buf_addf(&out, " (%s)", c->root);
        }
    }
    return buf_cstr(&out);
}

#define TELLS(w, node, text) assert_string_equal(tell(w, node), text)

static void what_was_made_is_fresh(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    TELLS(&w, RAW, "MISSING");
    TELLS(&w, MID, "MISSING");
    TELLS(&w, SEEN, "FRESH");
    make_all(&w);
    TELLS(&w, RAW, "FRESH");
    TELLS(&w, MID, "FRESH");
    TELLS(&w, TOP, "FRESH");
    arena_release(&w.arena);
}

static void new_code_makes_stale(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    make_all(&w);
    w.assets[MID].code_version = STR("2");
    TELLS(&w, MID, "STALE: CODE has a new code version");
    TELLS(&w, TOP, "FRESH"); /* not transitive */
    make(&w, MID, "r2", "");
    TELLS(&w, MID, "FRESH");
    TELLS(&w, TOP, "STALE: DATA mid/a has a new dependency data version (has a new data version)");
    /* taken away again: no code version, nothing to compare */
    w.assets[MID].code_version = STR_NONE;
    TELLS(&w, MID, "FRESH");
    arena_release(&w.arena);
}

static void new_data_makes_stale(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    make_all(&w);
    make(&w, RAW, "r2", "");
    TELLS(&w, MID,
          "STALE: DATA raw has a new dependency materialization (has a new materialization)");
    TELLS(&w, TOP,
          "STALE: DATA raw has a new dependency materialization (has a new materialization)");
    make(&w, MID, "r3", "");
    TELLS(&w, MID, "FRESH");
    /* both, in the order of their keys */
    TELLS(&w, TOP,
          "STALE: DATA mid/a has a new dependency materialization (has a new materialization); "
          "DATA raw has a new dependency materialization (has a new materialization)");
    arena_release(&w.arena);
}

static void the_same_data_version_is_no_news(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.assets[RAW].code_version = STR("1");
    make_all(&w);
    make(&w, RAW, "r2", "");
    TELLS(&w, MID, "FRESH");
    make(&w, RAW, "r3", "etag-7");
    TELLS(&w, MID, "STALE: DATA raw has a new dependency data version (has a new data version)");
    make(&w, MID, "r4", "");
    make(&w, RAW, "r5", "etag-7");
    TELLS(&w, MID, "FRESH");
    arena_release(&w.arena);
}

/* A version that somebody gave is spoken of although the asset has no code version. */
static void a_given_version_is_spoken_of(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    make_all(&w);
    make(&w, RAW, "r2", "etag");
    TELLS(&w, MID, "STALE: DATA raw has a new dependency data version (has a new data version)");
    arena_release(&w.arena);
}

static void what_is_seen_counts(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    assert_true(str_eq(asset_version_of(&w.assets[SEEN]), STR("INITIAL")));
    make_all(&w);
    /* seen, but nobody said in which version */
    w.assets[SEEN].made = (struct asset_version){.at = {++w.now}};
    TELLS(&w, MID, "FRESH");
    w.assets[SEEN].made.data_version = STR("today");
    TELLS(&w, MID, "STALE: DATA seen has a new dependency data version (has a new data version)");
    make(&w, MID, "r2", "");
    TELLS(&w, MID, "FRESH");
    TELLS(&w, SEEN, "FRESH");
    arena_release(&w.arena);
}

/* Made although the dep was not there: its first version is news, its absence is not. */
static void a_dep_that_was_never_made_is_no_change(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    make(&w, MID, "r1", "");
    assert_true(str_eq(w.inputs[MID][0].data_version, STR("INITIAL")));
    TELLS(&w, MID, "FRESH");
    make(&w, RAW, "r2", "");
    TELLS(&w, MID,
          "STALE: DATA raw has a new dependency materialization (has a new materialization)");
    arena_release(&w.arena);
}

static void deps_come_and_go(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    make_all(&w);
    /* as if top had been made from zzz and another/one, and not from raw */
    w.inputs[TOP][1] = (struct asset_input){STR("zzz"), STR("1")};
    w.inputs[TOP][2] = (struct asset_input){STR("another/one"), STR("1")};
    w.assets[TOP].made.from.input_count = 3;
    w.assets[TOP].code_version = STR("new");
    TELLS(&w, TOP,
          "STALE: CODE has a new code version; "
          "DEPENDENCIES another/one removed dependency on another/one; "
          "DEPENDENCIES raw has a new dependency on raw; "
          "DEPENDENCIES zzz removed dependency on zzz");
    arena_release(&w.arena);
}

/* A materialization that somebody reported, without saying how it was made. */
static void without_provenance_times_are_compared(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.assets[TOP].made = (struct asset_version){.at = {10}};
    w.assets[TOP].code_version = STR("7");
    w.assets[MID].made = (struct asset_version){.at = {10}};
    TELLS(&w, TOP, "STALE: DATA raw has a new input");
    w.assets[RAW].made = (struct asset_version){.at = {9}};
    TELLS(&w, TOP, "FRESH");
    w.assets[MID].made.at.ns = 11;
    TELLS(&w, TOP,
          "STALE: DATA mid/a has a new dependency materialization (has a new materialization)");
    w.assets[SEEN].made = (struct asset_version){.at = {99}};
    TELLS(&w, MID, "FRESH");
    arena_release(&w.arena);
}

static void partitions_are_not_looked_at(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    make_all(&w);
    w.assets[RAW].is_partitioned = true;
    make(&w, RAW, "r2", "");
    TELLS(&w, MID, "FRESH");
    w.assets[MID].is_partitioned = true;
    w.assets[MID].made = (struct asset_version){0};
    TELLS(&w, MID, "FRESH");
    arena_release(&w.arena);
}

static void every_lack_of_memory_is_reported(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    make_all(&w);
    w.inputs[TOP][1].key = STR("gone");
    bool done = false;
    size_t failures = 0;
    for (size_t max = 0; !done; max += 32) {
        AUTO(arena) arena = arena_new(max);
        struct staleness s;
        struct err err = {0};
        done = staleness_of(&w.g, w.assets, TOP, &arena, &s, &err);
        assert_true(done != arena.exhausted);
        assert_true(done || err.code == ERR_NO_MEMORY);
        failures += !done;
    }
    assert_true(failures > 5);
    arena_release(&w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_versions_are_dagsters),
        cmocka_unit_test(data_version_needs_memory),
        cmocka_unit_test(what_was_made_is_fresh),
        cmocka_unit_test(new_code_makes_stale),
        cmocka_unit_test(new_data_makes_stale),
        cmocka_unit_test(the_same_data_version_is_no_news),
        cmocka_unit_test(a_given_version_is_spoken_of),
        cmocka_unit_test(what_is_seen_counts),
        cmocka_unit_test(a_dep_that_was_never_made_is_no_change),
        cmocka_unit_test(deps_come_and_go),
        cmocka_unit_test(without_provenance_times_are_compared),
        cmocka_unit_test(partitions_are_not_looked_at),
        cmocka_unit_test(every_lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
