/* deployments.c - making and looking at them. */
#include "hub/deploy/deployments.h"

#include "hub/deploy/bundle_rows.h"
#include "hub/deploy/deployments_internal.h"
#include "hub/fleet/each_target.h"
#include "hub/store/store.h"
#include <stdlib.h>
#include <string.h>

enum { TARGETS_ARENA_BYTES = 64 << 20 };

bool deployments_open(struct deployments **ret, const char *path, struct err *err)
{
    struct deployments *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open %s: out of memory", path);
    }
    if (!hub_store_open_part(&d->db, path, hub_deploy_sql, HUB_DEPLOY_SQL_COUNT, err)) {
        deployments_close(d);
        return false;
    }
    *ret = d;
    return true;
}

void deployments_close(struct deployments *d)
{
    if (d != NULL) {
        db_close(d->db);
        free(d);
    }
}

int64_t deployments_ms(struct wall_time t)
{
    return t.ns / NS_PER_MS;
}

static struct wall_time from_ms(int64_t ms)
{
    return (struct wall_time){ms * NS_PER_MS};
}

/* --- which devices are meant ------------------------------------------------------------------- */

struct choosing {
    struct arena *arena;
    struct str *names;
    size_t count;
};

static void take_device(void *ctx, const struct target_device *device)
{
    struct choosing *c = ctx;
    if (c->count < DEPLOYMENT_DEVICES_MAX) {
        c->names[c->count++] = arena_copy(c->arena, device->name);
    }
}

static bool choose(const struct deployment_options *o, struct choosing *c, struct err *err)
{
    struct targets *targets = NULL;
    c->names = arena_array(c->arena, DEPLOYMENT_DEVICES_MAX, sizeof(*c->names));
    if (c->names == NULL) {
        return err_set(err, ERR_NO_MEMORY, "choose devices: out of memory");
    }
    if (!targets_parse(o->targets, c->arena, &targets, err) ||
        !registry_each_target(o->registry, targets, take_device, c, err)) {
        return false;
    }
    if (c->count == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "no enrolled device is meant by " STR_FMT,
                      STR_ARG(o->targets));
        return err_hint(err, "list them: selvedge-hub devices");
    }
    if (c->count == DEPLOYMENT_DEVICES_MAX || c->arena->exhausted) {
        return err_set(err, ERR_FULL, "%d devices or more are meant", DEPLOYMENT_DEVICES_MAX);
    }
    return true;
}

/* --- making one -------------------------------------------------------------------------------- */

static void make_id(const struct rng *rng, char ret[DEPLOYMENT_ID_SIZE])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t bytes[DEPLOYMENT_ID_SIZE - 1];
    rng->fill(rng->ctx, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        ret[i] = digits[bytes[i] % 32];
    }
    ret[sizeof(bytes)] = '\0';
}

static bool add_deployment(struct deployments *d, const struct deployment_options *o, struct str id,
                           struct wall_time now, struct err *err)
{
    struct db_query q = db_query(d->db, HUB_DEPLOY_DEPLOYMENT_ADD);
    db_bind_str(&q, ":id", id);
    db_bind_str(&q, ":bundle", str_from(o->bundle->hash));
    db_bind_str(&q, ":targets", o->targets);
    db_bind_str(&q, ":waves", o->waves);
    db_bind_str(&q, ":abort_if", o->abort_if);
    db_bind_i64(&q, ":keeps", o->keeps_on_abort ? 1 : 0);
    db_bind_i64(&q, ":soak", o->soak_ns / NS_PER_MS);
    db_bind_i64(&q, ":patience", o->patience_ns / NS_PER_MS);
    db_bind_i64(&q, ":now", deployments_ms(now));
    return db_run(&q, err);
}

static bool add_devices(struct deployments *d, struct str id, const struct str *names,
                        const int64_t *waves, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct db_query q = db_query(d->db, HUB_DEPLOY_DEPLOYMENT_DEVICE_ADD);
        db_bind_str(&q, ":deployment", id);
        db_bind_str(&q, ":device", names[i]);
        db_bind_i64(&q, ":wave", waves[i]);
        if (!db_run(&q, err)) {
            return false;
        }
    }
    struct db_query q = db_query(d->db, HUB_DEPLOY_DEPLOYMENT_SUPERSEDE);
    db_bind_str(&q, ":deployment", id);
    return db_run(&q, err);
}

static bool parse_texts(const struct deployment_options *options, struct wave_sizes *sizes,
                        struct err *err)
{
    struct wave_rules rules;
    return wave_sizes_parse(options->waves, sizes, err) &&
           wave_rules_parse(options->abort_if, &rules, err);
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six, for the callers' sake */
bool deployments_add(struct deployments *d, const struct rng *rng,
                     const struct deployment_options *options, struct wall_time now,
                     char ret_id[DEPLOYMENT_ID_SIZE], int64_t *ret_devices, struct err *err)
{
    AUTO(arena) arena = arena_new(TARGETS_ARENA_BYTES);
    AUTO(db_tx) tx = {0};
    struct wave_sizes sizes;
    struct choosing c = {.arena = &arena};
    char id[DEPLOYMENT_ID_SIZE];
    make_id(rng, id);
    if (!parse_texts(options, &sizes, err) || !choose(options, &c, err) ||
        !db_tx_begin(d->db, &tx, err)) {
        return false;
    }
    int64_t *waves = arena_array(&arena, c.count, sizeof(*waves));
    if (waves == NULL) {
        return err_set(err, ERR_NO_MEMORY, "deploy: out of memory");
    }
    if (!waves_assign(&sizes, str_from(id), c.names, c.count, &arena, waves, err) ||
        !bundles_add(d, options->bundle, options->source, now, err) ||
        !add_deployment(d, options, str_from(id), now, err) ||
        !add_devices(d, str_from(id), c.names, waves, c.count, err) || !db_tx_commit(&tx, err)) {
        return false;
    }
    memcpy(ret_id, id, sizeof(id));
    *ret_devices = (int64_t)c.count;
    return true;
}

/* --- looking ----------------------------------------------------------------------------------- */

static void read_deployment(const struct db_query *q, struct arena *arena, struct deployment *ret)
{
    *ret = (struct deployment){.id = arena_copy(arena, db_col_str(q, 0)),
                               .bundle = arena_copy(arena, db_col_str(q, 1)),
                               .targets = arena_copy(arena, db_col_str(q, 2)),
                               .waves = arena_copy(arena, db_col_str(q, 3)),
                               .abort_if = arena_copy(arena, db_col_str(q, 4)),
                               .keeps_on_abort = db_col_i64(q, 5) != 0,
                               .soak_ns = db_col_i64(q, 6) * NS_PER_MS,
                               .patience_ns = db_col_i64(q, 7) * NS_PER_MS,
                               .made = from_ms(db_col_i64(q, 8)),
                               .status = arena_copy(arena, db_col_str(q, 9)),
                               .wave = db_col_i64(q, 10),
                               .settled = from_ms(db_col_i64(q, 11)),
                               .ended = from_ms(db_col_i64(q, 12)),
                               .reason = arena_copy(arena, db_col_str(q, 13)),
                               .source = arena_copy(arena, db_col_str(q, 14)),
                               .files = db_col_i64(q, 15),
                               .bytes = db_col_i64(q, 16)};
}

/* A list that grows in an arena: what it had before stays there, half of it at most. */
static void *grow(struct arena *arena, void *items, size_t count, size_t size)
{
    bool is_full = count == 0 || (count >= 16 && (count & (count - 1)) == 0);
    if (!is_full) {
        return items;
    }
    void *grown = arena_array(arena, count == 0 ? 16 : 2 * count, size);
    if (grown != NULL && count > 0) {
        memcpy(grown, items, count * size);
    }
    return grown;
}

bool deployments_list(struct deployments *d, struct arena *arena, struct deployment **ret,
                      size_t *ret_count, struct err *err)
{
    struct deployment *items = NULL;
    size_t count = 0;
    struct db_query q = db_query(d->db, HUB_DEPLOY_DEPLOYMENT_LIST);
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            break;
        }
        items = grow(arena, items, count, sizeof(*items));
        if (items == NULL) {
            db_reset(&q);
            return err_set(err, ERR_NO_MEMORY, "list deployments: out of memory");
        }
        read_deployment(&q, arena, &items[count++]);
    }
    *ret = items;
    *ret_count = count;
    return !arena->exhausted || err_set(err, ERR_NO_MEMORY, "list deployments: out of memory");
}

bool deployments_find(struct deployments *d, struct str id, struct arena *arena,
                      struct deployment *ret, struct err *err)
{
    struct deployment *all = NULL;
    size_t count = 0;
    if (!deployments_list(d, arena, &all, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_eq(all[i].id, id)) {
            *ret = all[i];
            return true;
        }
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no deployment " STR_FMT, STR_ARG(str_clip(id, 64)));
    return err_hint(err, "list them: selvedge-hub deployments");
}

static void read_device(const struct db_query *q, struct arena *arena,
                        struct deployment_device *ret)
{
    *ret = (struct deployment_device){.device = arena_copy(arena, db_col_str(q, 0)),
                                      .wave = db_col_i64(q, 1),
                                      .asked = from_ms(db_col_i64(q, 2)),
                                      .is_taken_back = db_col_i64(q, 3) != 0,
                                      .is_superseded = db_col_i64(q, 4) != 0,
                                      .is_online = db_col_i64(q, 8) != 0,
                                      .current = arena_copy(arena, db_col_str(q, 10))};
    if (ret->asked.ns != 0 && db_col_i64(q, 9) != 0) {
        ret->said = arena_copy(arena, db_col_str(q, 5));
        ret->reason = arena_copy(arena, db_col_str(q, 6));
        ret->at = from_ms(db_col_i64(q, 7));
    }
}

bool deployments_devices(struct deployments *d, struct str id, struct arena *arena,
                         struct deployment_device **ret, size_t *ret_count, struct err *err)
{
    struct deployment_device *items = NULL;
    size_t count = 0;
    struct db_query q = db_query(d->db, HUB_DEPLOY_DEPLOYMENT_DEVICES);
    db_bind_str(&q, ":deployment", id);
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            break;
        }
        items = grow(arena, items, count, sizeof(*items));
        if (items == NULL) {
            db_reset(&q);
            return err_set(err, ERR_NO_MEMORY, "list a deployment's devices: out of memory");
        }
        read_device(&q, arena, &items[count++]);
    }
    *ret = items;
    *ret_count = count;
    return !arena->exhausted ||
           err_set(err, ERR_NO_MEMORY, "list a deployment's devices: out of memory");
}

bool deployment_plan(const struct deployment *deployment, struct wave_plan *ret, struct err *err)
{
    *ret = (struct wave_plan){.soak_ns = deployment->soak_ns,
                              .patience_ns = deployment->patience_ns,
                              .wave = deployment->wave,
                              .settled = deployment->settled};
    return wave_rules_parse(deployment->abort_if, &ret->rules, err);
}

static enum wave_answer answer_of(const struct deployment_device *device)
{
    static const struct {
        struct str said;
        enum wave_answer answer;
    } words[] = {{STR_INIT("healthy"), WAVE_IS_HEALTHY},
                 {STR_INIT("failed"), WAVE_HAS_FAILED},
                 {STR_INIT("rolled_back"), WAVE_WAS_ROLLED_BACK},
                 {STR_INIT("left"), WAVE_WAS_ROLLED_BACK}};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_eq(device->said, words[i].said)) {
            return words[i].answer;
        }
    }
    return str_is_empty(device->said) ? WAVE_NO_ANSWER : WAVE_UNDER_WAY;
}

size_t deployment_wave_devices(const struct deployment_device *devices, size_t count,
                               struct wave_device *ret)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!devices[i].is_superseded) {
            ret[kept++] = (struct wave_device){.wave = devices[i].wave,
                                               .asked = devices[i].asked,
                                               .answer = answer_of(&devices[i])};
        }
    }
    return kept;
}
