#include "agent/cli/asset_status.h"

#include "agent/store/partitions.h"
#include <stdlib.h>

struct asset_checks {
    int64_t evaluated; /* also those that are not defined */
    int64_t defined;   /* of them */
    int64_t passed;
    bool has_failed; /* with severity error */
};

/* --- reading -------------------------------------------------------------------------------- */

static bool find(const struct asset_statuses *s, struct str key, uint32_t *ret)
{
    return strmap_get(&s->defs->graph.by_key, key, ret);
}

static bool is_defined(const struct asset *asset, struct str name)
{
    size_t i = 0;
    while (i < asset->check_count && !str_eq(asset->checks[i].name, name)) {
        i++;
    }
    return i < asset->check_count;
}

static bool on_check(void *ctx, const struct stored_check *check)
{
    struct asset_statuses *s = ctx;
    uint32_t asset = 0;
    if (find(s, check->asset, &asset)) {
        struct asset_checks *checks = &s->checks[asset];
        checks->evaluated++;
        checks->defined += is_defined(&s->defs->assets[asset], check->name);
        checks->passed += check->passed;
        checks->has_failed =
            checks->has_failed || (!check->passed && str_eq(check->severity, STR("error")));
    }
    return true;
}

static bool on_open(void *ctx, const struct stored_open *open)
{
    struct asset_statuses *s = ctx;
    uint32_t asset = 0;
    bool *set = NULL;
    struct err none = {0}; /* written for other definitions */
    if (!str_is_empty(open->asset)) {
        if (find(s, open->asset, &asset)) {
            s->is_running[asset] = true;
        }
    } else if (definitions_select(s->defs, open->selection, s->arena, &set, &none)) {
        for (size_t i = 0; i < s->defs->asset_count; i++) {
            s->is_running[i] = s->is_running[i] || set[i];
        }
    }
    return true;
}

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "look at the assets: out of memory");
}

/* As if all were unknown, when nothing was ever run here. */
static bool load_nothing(struct asset_statuses *s, struct err *err)
{
    size_t count = s->defs->asset_count + 1;
    s->states =
        (struct asset_states){.defs = s->defs,
                              .known = arena_array(s->arena, count, sizeof(*s->states.known)),
                              .stale = arena_array(s->arena, count, sizeof(*s->states.stale))};
    return (s->states.known != NULL && s->states.stale != NULL) || out_of_memory(err);
}

bool asset_statuses_open(struct asset_statuses *ret, const char *database,
                         const struct definitions *defs, struct wall_time now, struct arena *arena,
                         struct err *err)
{
    size_t count = defs->asset_count + 1;
    *ret =
        (struct asset_statuses){.defs = defs,
                                .now = now,
                                .arena = arena,
                                .is_running = arena_array(arena, count, sizeof(*ret->is_running)),
                                .checks = arena_array(arena, count, sizeof(*ret->checks))};
    if (ret->is_running == NULL || ret->checks == NULL) {
        return out_of_memory(err);
    }
    if (!view_open(&ret->view, database, err)) {
        return err->code == ERR_NOT_FOUND && load_nothing(ret, err);
    }
    struct store *store = view_store(ret->view);
    if (!asset_states_load(store, defs, arena, &ret->states, err) ||
        !store_each_check(store, on_check, ret, err) ||
        !store_each_open(store, on_open, ret, err)) {
        asset_statuses_close(ret);
        return false;
    }
    return true;
}

void asset_statuses_close(struct asset_statuses *s)
{
    view_close(s->view);
    s->view = NULL;
}

/* --- one asset ------------------------------------------------------------------------------ */

static bool count_partitions(struct asset_statuses *s, uint32_t number, struct arena *scratch,
                             struct asset_status *ret, struct err *err)
{
    const struct asset *asset = &s->defs->assets[number];
    struct partition_keys keys = {0};
    struct partition_view view = {.of = &asset->partitions, .dynamic = &keys, .now = s->now};
    struct stored_slices slices = {0};
    if (asset->partitions.kind == PARTITION_NONE) {
        return true;
    }
    if (s->view != NULL &&
        (!store_sum_slices(view_store(s->view), asset->key, &slices, err) ||
         (asset->partitions.kind == PARTITION_DYNAMIC &&
          !view_dynamic_keys(s->view, asset->partitions.set, scratch, &keys, err)))) {
        return false;
    }
    ret->partitions = (int64_t)partition_count(&view);
    ret->partitions_made = slices.made;
    ret->partitions_failed = slices.failed;
    return true;
}

static enum asset_word word_of(const struct asset *asset, const struct asset_status *status)
{
    bool is_partitioned = asset->partitions.kind != PARTITION_NONE;
    if (status->is_running) {
        return ASSET_IS_RUNNING;
    }
    if (status->is_failed) {
        return ASSET_IS_FAILED;
    }
    if (asset->work == ASSET_EXTERNAL) {
        return ASSET_IS_EXTERNAL;
    }
    if (is_partitioned && (status->partitions_made == 0 || status->partitions == 0)) {
        return ASSET_IS_MISSING;
    }
    if (is_partitioned && status->partitions_made < status->partitions) {
        return ASSET_IS_PARTIAL;
    }
    if (status->staleness.status == STALE_STATUS_MISSING) {
        return ASSET_IS_MISSING;
    }
    return status->staleness.status == STALE_STATUS_STALE ? ASSET_IS_STALE : ASSET_IS_FRESH;
}

/* Without a database: never made. */
static bool find_staleness(struct asset_statuses *s, uint32_t number, struct arena *scratch,
                           struct staleness *ret, struct err *err)
{
    if (s->view != NULL) {
        return asset_states_staleness(&s->states, number, scratch, ret, err);
    }
    const struct asset *asset = &s->defs->assets[number];
    bool may_be_missing = asset->work != ASSET_EXTERNAL && asset->partitions.kind == PARTITION_NONE;
    *ret = (struct staleness){.status = may_be_missing ? STALE_STATUS_MISSING : STALE_STATUS_FRESH};
    return true;
}

bool asset_status_of(struct asset_statuses *s, uint32_t number, struct arena *scratch,
                     struct asset_status *ret, struct err *err)
{
    const struct asset *asset = &s->defs->assets[number];
    const struct stored_asset *known = &s->states.known[number];
    const struct asset_checks *checks = &s->checks[number];
    *ret = (struct asset_status){.is_running = s->is_running[number],
                                 .is_failed = known->failed_at.ns != 0,
                                 .checks = (int64_t)asset->check_count + checks->evaluated -
                                           checks->defined,
                                 .checks_passed = checks->passed,
                                 .has_failed_check = checks->has_failed};
    ret->freshness =
        freshness_at(&asset->freshness, known->materialized_at, s->now, &ret->freshness_next);
    if (!find_staleness(s, number, scratch, &ret->staleness, err) ||
        !count_partitions(s, number, scratch, ret, err)) {
        return false;
    }
    ret->word = word_of(asset, ret);
    return true;
}

/* --- words ---------------------------------------------------------------------------------- */

const char *asset_word_name(enum asset_word word)
{
    static const char *const names[] = {
        [ASSET_IS_RUNNING] = "running",  [ASSET_IS_FAILED] = "failed",
        [ASSET_IS_MISSING] = "missing",  [ASSET_IS_PARTIAL] = "partial",
        [ASSET_IS_STALE] = "stale",      [ASSET_IS_FRESH] = "fresh",
        [ASSET_IS_EXTERNAL] = "external"};
    return names[word];
}

enum cli_tone asset_word_tone(enum asset_word word)
{
    static const enum cli_tone tones[] = {
        [ASSET_IS_RUNNING] = CLI_STRONG, [ASSET_IS_FAILED] = CLI_BAD, [ASSET_IS_MISSING] = CLI_WARN,
        [ASSET_IS_PARTIAL] = CLI_WARN,   [ASSET_IS_STALE] = CLI_WARN, [ASSET_IS_FRESH] = CLI_GOOD,
        [ASSET_IS_EXTERNAL] = CLI_FAINT};
    return tones[word];
}

enum cli_tone freshness_tone(enum freshness_state state)
{
    static const enum cli_tone tones[FRESHNESS_STATE_COUNT] = {[FRESHNESS_NOT_APPLICABLE] =
                                                                   CLI_PLAIN,
                                                               [FRESHNESS_UNKNOWN] = CLI_PLAIN,
                                                               [FRESHNESS_PASS] = CLI_GOOD,
                                                               [FRESHNESS_WARN] = CLI_WARN,
                                                               [FRESHNESS_FAIL] = CLI_BAD};
    return tones[state];
}

void stale_cause_add(struct buf *out, const struct stale_cause *cause)
{
    if (cause->root != NULL) {
        buf_addf(out, STR_FMT " %s", STR_ARG(cause->dependency), cause->root);
    } else if (cause->category == STALE_DATA) {
        buf_addf(out, STR_FMT " is a new input", STR_ARG(cause->dependency));
    } else {
        buf_add(out, cause->reason);
    }
}

/* The first upstream that was never made. */
static void add_missing_upstream(struct buf *out, const struct asset_statuses *s, uint32_t number)
{
    const struct graph_node *node = &s->defs->graph.nodes[number];
    for (size_t i = 0; i < node->dep_count; i++) {
        uint32_t dep = node->deps[i];
        if (s->defs->assets[dep].work != ASSET_EXTERNAL &&
            s->states.known[dep].materialized_at.ns == 0) {
            buf_addf(out, STR_FMT " is missing", STR_ARG(s->defs->assets[dep].key));
            return;
        }
    }
}

void asset_add_why(struct buf *out, const struct asset_statuses *s, uint32_t number,
                   const struct asset_status *status)
{
    const struct staleness *staleness = &status->staleness;
    switch (status->word) {
    case ASSET_IS_FAILED:
        buf_add(out, s->states.known[number].error);
        break;
    case ASSET_IS_PARTIAL:
        buf_addf(out, "%lld of %lld partitions", (long long)status->partitions_made,
                 (long long)status->partitions);
        break;
    case ASSET_IS_MISSING:
        if (s->defs->assets[number].partitions.kind != PARTITION_NONE && status->partitions == 0) {
            buf_add(out, STR("it has no partitions yet"));
        } else {
            add_missing_upstream(out, s, number);
        }
        break;
    case ASSET_IS_STALE:
        stale_cause_add(out, &staleness->causes[0]);
        if (staleness->cause_count > 1) {
            buf_addf(out, ", and %zu more", staleness->cause_count - 1);
        }
        break;
    case ASSET_IS_RUNNING:
    case ASSET_IS_FRESH:
    case ASSET_IS_EXTERNAL:
        break;
    }
}
