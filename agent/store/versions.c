#include "agent/store/versions.h"

#include "agent/store/store_internal.h"
#include "common/json/json.h"

enum { INPUTS_BYTES_MAX = 1 << 20 };

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "read what is known of assets: out of memory");
}

static struct stored_asset read_asset(const struct db_query *q)
{
    return (struct stored_asset){.key = db_col_str(q, 0),
                                 .materialized_at = {db_col_i64(q, 1)},
                                 .materialized_seq = db_col_i64(q, 2),
                                 .run = db_col_str(q, 3),
                                 .materializations = db_col_i64(q, 4),
                                 .data_version = db_col_str(q, 5),
                                 .is_version_given = db_col_i64(q, 6) != 0,
                                 .code_version = db_col_str(q, 7),
                                 .observed_at = {db_col_i64(q, 8)},
                                 .observed_seq = db_col_i64(q, 9),
                                 .changed_seq = db_col_i64(q, 10),
                                 .observed_version = db_col_str(q, 11),
                                 .failed_at = {db_col_i64(q, 12)},
                                 .error = db_col_str(q, 13),
                                 .freshness = db_col_str(q, 14),
                                 .freshness_at = {db_col_i64(q, 15)}};
}

bool store_each_asset(struct store *store,
                      bool (*on_asset)(void *ctx, const struct stored_asset *asset), void *ctx,
                      struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_LIST);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct stored_asset asset = read_asset(&q);
        if (!on_asset(ctx, &asset)) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}

static bool keep(struct arena *arena, struct str *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *texts[i] = arena_copy(arena, *texts[i]);
        if (texts[i]->ptr == NULL) {
            return false;
        }
    }
    return true;
}

bool store_find_asset(struct store *store, struct str key, struct arena *arena,
                      struct stored_asset *ret, bool *ret_found, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_FIND);
    db_bind_str(&q, ":asset", key);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (!*ret_found) {
        return true;
    }
    struct stored_asset a = read_asset(&q);
    struct str *const texts[] = {
        &a.key,   &a.run,      &a.data_version, &a.code_version, &a.observed_version,
        &a.error, &a.freshness};
    bool ok = keep(arena, texts, COUNT_OF(texts));
    db_reset(&q);
    *ret = a;
    return ok || out_of_memory(err);
}

static bool read_inputs(const struct json *object, struct arena *arena,
                        const struct asset_input **ret, size_t *ret_count)
{
    struct asset_input *inputs = arena_array(arena, object->count + 1, sizeof(*inputs));
    size_t count = 0;
    for (const struct json *node = object->child; inputs != NULL && node != NULL;
         node = node->next) {
        if (node->type == JSON_STRING) {
            inputs[count++] =
                (struct asset_input){.key = node->key, .data_version = node->as.string};
        }
    }
    *ret = inputs;
    *ret_count = count;
    return inputs != NULL;
}

bool store_asset_inputs(struct store *store, struct str key, struct arena *arena,
                        const struct asset_input **ret, size_t *ret_count, struct err *err)
{
    struct json *object = NULL;
    bool row = false;
    *ret = NULL;
    *ret_count = 0;
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_INPUTS);
    db_bind_str(&q, ":asset", key);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        return true;
    }
    bool ok = json_parse(db_col_str(&q, 0), INPUTS_BYTES_MAX, arena, &object, err);
    db_reset(&q);
    if (!ok) {
        return err_wrap(err, "what " STR_FMT " was made from", STR_ARG(key));
    }
    return read_inputs(object, arena, ret, ret_count) || out_of_memory(err);
}

struct asset_version stored_asset_version(const struct stored_asset *asset, bool is_external)
{
    if (is_external && asset->observed_seq > asset->materialized_seq) {
        return (struct asset_version){.at = asset->observed_at,
                                      .data_version = asset->observed_version,
                                      .is_given = !str_is_empty(asset->observed_version)};
    }
    return (struct asset_version){.at = asset->materialized_at,
                                  .data_version = asset->data_version,
                                  .is_given = asset->is_version_given,
                                  .from = {.code_version = asset->code_version}};
}

int64_t stored_asset_updated_seq(const struct stored_asset *asset, bool is_external)
{
    return is_external && asset->changed_seq > asset->materialized_seq ? asset->changed_seq
                                                                       : asset->materialized_seq;
}

/* --- what is being made --- */

bool store_each_open(struct store *store,
                     bool (*on_open)(void *ctx, const struct stored_open *open), void *ctx,
                     struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_ASSET_OPEN);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        bool is_selection = db_col_i64(&q, 1) != 0;
        struct str what = db_col_str(&q, 0);
        struct stored_open open = {.asset = is_selection ? STR_NONE : what,
                                   .selection = is_selection ? what : STR_NONE,
                                   .partition = db_col_str(&q, 2),
                                   .partition_end = db_col_str(&q, 3),
                                   .run = db_col_str(&q, 4),
                                   .status = db_col_str(&q, 5)};
        if (!on_open(ctx, &open)) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}

/* --- partitions --- */

bool store_find_slice(struct store *store, struct str asset, struct str partition,
                      struct arena *arena, struct stored_slice *ret, struct err *err)
{
    bool row = false;
    *ret = (struct stored_slice){0};
    struct db_query q = db_query(store->db, AGENT_STORE_PARTITION_GET);
    db_bind_str(&q, ":asset", asset);
    db_bind_str(&q, ":partition", partition);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        return true;
    }
    *ret = (struct stored_slice){.materialized_at = {db_col_i64(&q, 0)},
                                 .materialized_seq = db_col_i64(&q, 1),
                                 .run = arena_copy(arena, db_col_str(&q, 2))};
    db_reset(&q);
    return ret->run.ptr != NULL || out_of_memory(err);
}

bool store_sum_slices(struct store *store, struct str asset, struct stored_slices *ret,
                      struct err *err)
{
    bool row = false;
    struct db_query q = db_query(store->db, AGENT_STORE_PARTITION_SUM);
    db_bind_str(&q, ":asset", asset);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = (struct stored_slices){.made = db_col_i64(&q, 0),
                                  .failed = db_col_i64(&q, 1),
                                  .materialized_at = {db_col_i64(&q, 2)},
                                  .materialized_seq = db_col_i64(&q, 3)};
    db_reset(&q);
    return true;
}

/* --- checks --- */

static bool each_check(struct db_query *q,
                       bool (*on_check)(void *ctx, const struct stored_check *check), void *ctx,
                       struct err *err)
{
    bool ok = true;
    while (db_each(q, &ok, err)) {
        struct stored_check check = {.asset = db_col_str(q, 0),
                                     .name = db_col_str(q, 1),
                                     .passed = db_col_i64(q, 2) != 0,
                                     .severity = db_col_str(q, 3),
                                     .run = db_col_str(q, 4),
                                     .at = {db_col_i64(q, 5)},
                                     .metadata = db_col_str(q, 6)};
        if (!on_check(ctx, &check)) {
            db_reset(q);
            return true;
        }
    }
    return ok;
}

bool store_each_check(struct store *store,
                      bool (*on_check)(void *ctx, const struct stored_check *check), void *ctx,
                      struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_CHECK_LIST);
    return each_check(&q, on_check, ctx, err);
}

bool store_asset_checks(struct store *store, struct str asset,
                        bool (*on_check)(void *ctx, const struct stored_check *check), void *ctx,
                        struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_CHECK_OF);
    db_bind_str(&q, ":asset", asset);
    return each_check(&q, on_check, ctx, err);
}

/* --- automation --- */

bool store_keep_automation(struct store *store, struct str asset, struct str cursor,
                           struct wall_time now, struct err *err)
{
    struct record kept = {
        .type = EVENT_AUTOMATION_EVALUATION, .at = now, .asset = asset, .cursor = cursor};
    return store_keep(store, &kept, err);
}

bool store_each_automation(struct store *store,
                           bool (*on_cursor)(void *ctx, struct str asset, struct str cursor),
                           void *ctx, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_AUTOMATION_LIST);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        if (!on_cursor(ctx, db_col_str(&q, 0), db_col_str(&q, 1))) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}

bool store_find_automation(struct store *store, struct str asset, struct arena *arena,
                           struct stored_automation *ret, bool *ret_found, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_AUTOMATION_GET);
    db_bind_str(&q, ":asset", asset);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (!*ret_found) {
        return true;
    }
    struct stored_automation a = {.cursor = db_col_str(&q, 1),
                                  .evaluated_at = {db_col_i64(&q, 2)},
                                  .requested_at = {db_col_i64(&q, 3)},
                                  .run = db_col_str(&q, 4),
                                  .tree = db_col_str(&q, 5)};
    struct str *const texts[] = {&a.cursor, &a.run, &a.tree};
    bool ok = keep(arena, texts, COUNT_OF(texts));
    db_reset(&q);
    *ret = a;
    return ok || out_of_memory(err);
}

bool store_automation_is_paused(struct store *store, bool *ret, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_AUTOMATION_PAUSED);
    if (!db_next(&q, ret, err)) {
        return false;
    }
    db_reset(&q);
    return true;
}
