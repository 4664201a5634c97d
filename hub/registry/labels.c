/* labels.c - what operators call devices by. */
#include "hub/registry/registry_internal.h"

static bool change_label(struct registry *r, struct str device, const struct label_change *change,
                         struct err *err)
{
    bool is_set = !str_is_empty(change->value);
    struct db_query q = db_query(r->db, is_set ? HUB_REGISTRY_LABEL_SET : HUB_REGISTRY_LABEL_CLEAR);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":key", change->key);
    if (is_set) {
        db_bind_str(&q, ":value", change->value);
    }
    return db_run(&q, err);
}

static bool check_label_count(struct registry *r, struct str device, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_LABEL_COUNT);
    db_bind_str(&q, ":device", device);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    int64_t count = db_col_i64(&q, 0);
    db_reset(&q);
    return count <= LABELS_MAX ||
           err_set(err, ERR_FULL, "device " STR_FMT " would have more than %d labels",
                   STR_ARG(device), LABELS_MAX);
}

/* NOLINTNEXTLINE(readability-function-size): two arrays and their lengths */
bool registry_change_labels(struct registry *r, const struct str *devices, size_t device_count,
                            const struct label_change *changes, size_t change_count,
                            struct err *err)
{
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(r->db, &tx, err)) {
        return false;
    }
    for (size_t d = 0; d < device_count; d++) {
        for (size_t c = 0; c < change_count; c++) {
            if (!change_label(r, devices[d], &changes[c], err)) {
                return false;
            }
        }
        if (!check_label_count(r, devices[d], err)) {
            return false;
        }
    }
    return db_tx_commit(&tx, err);
}

bool registry_each_label(struct registry *r,
                         void (*on_label)(void *ctx, const struct registry_label *label), void *ctx,
                         struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_LABEL_LIST);
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct registry_label label = {.device = db_col_str(&q, 0),
                                       .display_name = db_col_str(&q, 1),
                                       .is_online = db_col_i64(&q, 2) != 0,
                                       .key = db_col_str(&q, 3),
                                       .value = db_col_str(&q, 4)};
        on_label(ctx, &label);
    }
}
