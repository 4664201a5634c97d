/* read.c - from the database into the counts. */
#include "hub/summary/summary_internal.h"

enum {
    LOG_ROWS = 32, /* a millisecond's reading: a slice ends between two of them */
    NAMES_BYTES_MAX = 64 << 20,
};

static bool read_end(struct summary *s, int64_t *ret_last, int64_t *ret_times, struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_LAST_EVENT);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret_last = db_col_i64(&q, 0);
    *ret_times = db_col_i64(&q, 1);
    db_reset(&q);
    return true;
}

static bool add_name(struct summary *s, size_t *cap, struct str device)
{
    if (s->device_count == *cap) {
        size_t wanted = *cap == 0 ? 256 : 2 * *cap;
        struct str *more = arena_array(&s->names, wanted, sizeof(*more));
        if (more == NULL) {
            return false;
        }
        for (size_t i = 0; i < s->device_count; i++) {
            more[i] = s->devices[i];
        }
        s->devices = more;
        *cap = wanted;
    }
    struct str copy = arena_copy(&s->names, device);
    s->devices[s->device_count++] = copy;
    return copy.ptr != NULL;
}

bool summary_begin(struct summary *s, struct err *err)
{
    struct db_query q;
    bool ok = true;
    size_t cap = 0;
    counts_free(s->counts);
    summary_partitions_begin(s);
    summary_named_begin(s);
    arena_release(&s->names);
    s->names = arena_new(NAMES_BYTES_MAX);
    s->devices = NULL;
    s->device_count = 0;
    s->device_next = 0;
    s->counts = counts_new();
    s->are_peers_due = true;
    if (s->counts == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the fleet's figures");
    }
    /* What comes meanwhile may be counted twice: a row that is read again replaces itself. */
    if (!read_end(s, &s->position, &s->times, err)) {
        return false;
    }
    q = db_query(s->db, HUB_SUMMARY_DEVICES);
    while (db_each(&q, &ok, err)) {
        if (!add_name(s, &cap, db_col_str(&q, 0))) {
            db_reset(&q);
            return err_set(err, ERR_FULL, "the names of devices do not fit into memory");
        }
    }
    return ok;
}

static int64_t number_or_unknown(const struct db_query *q, int col)
{
    return db_col_is_null(q, col) ? HUB_UNKNOWN : db_col_i64(q, col);
}

static void put(struct summary *s, uint32_t device, const struct db_query *q, struct wall_time now)
{
    const struct counts_row row = {.asset = db_col_str(q, 0),
                                   .is_defined = db_col_i64(q, 1) != 0,
                                   .is_external = db_col_i64(q, 2) != 0,
                                   .is_failing = db_col_i64(q, 3) != 0,
                                   .group = db_col_str(q, 4),
                                   .kinds = db_col_str(q, 5),
                                   .tags = db_col_str(q, 6),
                                   .owners = db_col_str(q, 7),
                                   .description = db_col_str(q, 8),
                                   .materializations = db_col_i64(q, 9),
                                   .row_count = number_or_unknown(q, 10),
                                   .at_ms = db_col_i64(q, 11),
                                   .failed_at_ms = db_col_i64(q, 12),
                                   .freshness = db_col_str(q, 13),
                                   .fail_after_ms = number_or_unknown(q, 14)};
    counts_put(s->counts, device, &row, now);
}

bool summary_read_device(struct summary *s, struct str device, struct wall_time now,
                         struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_ROWS_OF_DEVICE);
    uint32_t number = counts_device(s->counts, device);
    bool ok = true;
    if (counts_has_failed(s->counts)) {
        return true;
    }
    counts_begin(s->counts, number);
    db_bind_str(&q, ":device", device);
    while (db_each(&q, &ok, err)) {
        put(s, number, &q, now);
    }
    if (ok) {
        counts_end(s->counts, number);
    }
    return ok;
}

static bool read_row(struct summary *s, struct str device, struct str asset, struct wall_time now,
                     struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_ROW);
    uint32_t number = counts_device(s->counts, device);
    bool has_row = false;
    if (counts_has_failed(s->counts)) {
        return true;
    }
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":asset", asset);
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    if (has_row) {
        put(s, number, &q, now);
        db_reset(&q);
    } else {
        counts_remove(s->counts, number, asset);
    }
    return true;
}

/* --- who is on line ------------------------------------------------------------------------------- */

/* Policies matter of those that are away, and are read when they go. */
static bool take_peer(struct summary *s, const struct db_query *q, struct arena *arena,
                      struct wall_time now, bool *ret_left, struct str *ret_device)
{
    const struct counts_connection is = {.is_online = db_col_i64(q, 1) != 0,
                                         .is_clock_trusted = db_col_i64(q, 2) != 0,
                                         .clock_offset_ms = number_or_unknown(q, 3)};
    uint32_t number = 0;
    *ret_left = false;
    if (!counts_find_device(s->counts, db_col_str(q, 0), &number) ||
        !counts_connect(s->counts, number, &is, now) || is.is_online) {
        return true;
    }
    *ret_device = arena_copy(arena, db_col_str(q, 0));
    *ret_left = true;
    return ret_device->ptr != NULL;
}

bool summary_read_peers(struct summary *s, struct wall_time now, struct err *err)
{
    AUTO(arena) arena = arena_new(NAMES_BYTES_MAX);
    struct db_query q = db_query(s->db, HUB_SUMMARY_CONNECTIONS);
    struct left {
        struct str device;
        struct left *next;
    } *left = NULL;
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct str device = STR_NONE;
        bool has_left = false;
        bool fits = take_peer(s, &q, &arena, now, &has_left, &device);
        struct left *one = fits && has_left ? arena_alloc(&arena, sizeof(*one)) : NULL;
        if (!fits || (has_left && one == NULL)) {
            db_reset(&q);
            return err_set(err, ERR_NO_MEMORY, "no memory for the devices that are away");
        }
        if (has_left) {
            *one = (struct left){device, left};
            left = one;
        }
    }
    for (; ok && left != NULL; left = left->next) {
        ok = summary_read_device(s, left->device, now, err);
    }
    return ok;
}

/* --- the log -------------------------------------------------------------------------------------- */

static enum summary_what what_of(struct str type)
{
    return str_eq(type, STR("asset_materialization")) ||
                   str_eq(type, STR("asset_failed_to_materialize"))
               ? TOLD_MADE
           : str_eq(type, STR("freshness_state_change")) ? TOLD_FRESHNESS
           : str_eq(type, STR("definitions"))            ? TOLD_DEFINITIONS
           : str_eq(type, STR("dynamic_partitions"))     ? TOLD_PARTITION_KEY
                                                         : TOLD_NAMED;
}

static bool is_same(const struct summary_told *a, const struct summary_told *b)
{
    return a->what == b->what && str_eq(a->device, b->device) && str_eq(a->asset, b->asset) &&
           str_eq(a->partition, b->partition) && str_eq(a->partition_end, b->partition_end);
}

static bool read_told(struct summary *s, struct arena *arena, int64_t last,
                      struct summary_told *told, size_t *ret_count, struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_LOG);
    int64_t position = s->position;
    size_t count = 0;
    size_t rows = 0;
    bool ok = true;
    db_bind_i64(&q, ":after", s->position);
    db_bind_i64(&q, ":last", last);
    db_bind_i64(&q, ":with_partitions", s->partitions != NULL);
    db_bind_i64(&q, ":with_named", s->named != NULL);
    db_bind_i64(&q, ":limit", LOG_ROWS);
    while (db_each(&q, &ok, err)) {
        rows++;
        position = db_col_i64(&q, 0);
        struct summary_told now = {.what = what_of(db_col_str(&q, 2)),
                                   .device = db_col_str(&q, 1),
                                   .asset = db_col_str(&q, 3),
                                   .partition = db_col_str(&q, 4),
                                   .partition_end = db_col_str(&q, 5)};
        if (count == 0 || !is_same(&told[count - 1], &now)) { /* definitions come in parts */
            told[count++] =
                (struct summary_told){.what = now.what,
                                      .device = arena_copy(arena, now.device),
                                      .asset = arena_copy(arena, now.asset),
                                      .partition = arena_copy(arena, now.partition),
                                      .partition_end = arena_copy(arena, now.partition_end)};
        }
    }
    if (ok) {
        *ret_count = count;
        s->is_behind = rows == LOG_ROWS && position < last;
        s->position = s->is_behind ? position : last;
    }
    return ok;
}

static bool take(struct summary *s, const struct summary_told *t, struct wall_time now,
                 struct err *err)
{
    bool is_of_asset =
        (t->what == TOLD_MADE || t->what == TOLD_FRESHNESS) && !str_is_empty(t->asset);
    bool ok = t->what == TOLD_DEFINITIONS
                  ? summary_read_device(s, t->device, now, err)
                  : !is_of_asset || read_row(s, t->device, t->asset, now, err);
    return ok && summary_partitions_told(s, t, err) && summary_named_told(s, t, err);
}

bool summary_read_log(struct summary *s, struct wall_time now, bool *ret_again, struct err *err)
{
    AUTO(arena) arena = arena_new(NAMES_BYTES_MAX);
    AUTO(db_tx) tx = {0};
    struct summary_told *told = arena_array(&arena, LOG_ROWS, sizeof(*told));
    int64_t last = 0;
    int64_t times = 0;
    int64_t position = s->position;
    size_t count = 0;
    if (told == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory to read the log");
    }
    if (!db_tx_begin_read(s->db, &tx, err) || !read_end(s, &last, &times, err)) {
        return false;
    }
    *ret_again = times != s->times || last < s->position;
    if (*ret_again) {
        return true;
    }
    bool ok = read_told(s, &arena, last, told, &count, err);
    for (size_t i = 0; ok && i < count; i++) {
        ok = take(s, &told[i], now, err);
    }
    s->position = ok ? s->position : position; /* read again */
    return ok;
}
