/* named.c - see named.h. */
#include "hub/summary/named.h"
#include "hub/summary/summary_internal.h"

#include <stdlib.h>

enum {
    HELD_BYTES_MAX = 16 << 20, /* names of devices, and what is in force there */
    ROWS_BYTES_MAX = 64 << 20, /* of one device */
    ROWS_CAP = 64,
};

struct
    held { /* of a device: the revision in force, when it is the newest; 0: another one, or none */
    struct str device;
    int64_t revision;
    bool is_due; /* the device is to be read again */
};
struct named_figures {
    struct folds *folds; /* NULL: they did not fit */
    struct arena arena;  /* of held */
    struct strmap held_by_device;
    struct held *held;
    size_t held_count, held_cap, held_due;
    struct arena rows;
    struct buf after;  /* the device that was read last */
    bool is_read;      /* once, to the end */
    bool is_held_news; /* of the database since what is held was looked at */
    struct mono_time held_at, asked_at, failed_at;
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for schedules");
}

void summary_named_begin(struct summary *s)
{
    struct named_figures *n = s->named;
    if (n != NULL) {
        folds_free(n->folds);
        arena_release(&n->arena);
        arena_release(&n->rows);
        buf_release(&n->after);
        free(n);
        s->named = NULL;
    }
}

void summary_named_forget(struct summary *s)
{
    if (s->named != NULL &&
        summary_mono(s).ns - s->named->asked_at.ns > NAMED_UNASKED_S * NS_PER_SEC) {
        summary_named_begin(s);
    }
}

/* --- a device ------------------------------------------------------------------------------------- */

static struct fold_row row_from(const struct db_query *q)
{
    bool is_held = db_col_i64(q, 4) != 0;
    return (struct fold_row){.kind = str_eq(db_col_str(q, 0), STR("schedule")) ? FOLD_SCHEDULE
                                                                               : FOLD_SENSOR,
                             .name = db_col_str(q, 1),
                             .version = db_col_str(q, 2),
                             .assets = db_col_i64(q, 3),
                             .is_paused = is_held || str_eq(db_col_str(q, 5), STR("paused")),
                             .is_untouched = !is_held && db_col_is_null(q, 5),
                             .has_ticked = !db_col_is_null(q, 6),
                             .ticked_ms = db_col_i64(q, 6),
                             .ticks = db_col_i64(q, 7),
                             .started = db_col_i64(q, 8),
                             .has_failed = str_eq(db_col_str(q, 9), STR("failed"))};
}

static bool read_device(struct summary *s, struct str device, struct err *err)
{
    struct named_figures *n = s->named;
    struct db_query q = db_query(s->db, HUB_SUMMARY_NAMED_ROWS);
    struct fold_row *rows = NULL;
    size_t count = 0;
    size_t cap = 0;
    bool ok = true;
    arena_reset(&n->rows);
    db_bind_str(&q, ":device", device);
    while (db_each(&q, &ok, err)) {
        if (count == cap) {
            struct fold_row *more = arena_array(&n->rows, cap + ROWS_CAP + cap / 2, sizeof(*more));
            for (size_t i = 0; more != NULL && i < count; i++) {
                more[i] = rows[i];
            }
            rows = more;
            cap += ROWS_CAP + cap / 2;
        }
        if (rows == NULL) {
            db_reset(&q);
            return out_of_memory(err);
        }
        rows[count] = row_from(&q);
        rows[count].name = arena_copy(&n->rows, rows[count].name);
        rows[count].version = arena_copy(&n->rows, rows[count].version);
        count++;
    }
    if (ok && n->rows.exhausted) {
        return out_of_memory(err);
    }
    if (ok) {
        folds_put(n->folds, device, rows, count);
    }
    return ok;
}

/* --- what the hub pauses ---------------------------------------------------------------------------- */

static struct held *held_of(struct named_figures *n, struct str device)
{
    uint32_t number = 0;
    if (strmap_get(&n->held_by_device, device, &number)) {
        return &n->held[number];
    }
    if (n->held_count == n->held_cap) {
        size_t cap = n->held_cap == 0 ? 64 : 2 * n->held_cap;
        struct held *more = arena_array(&n->arena, cap, sizeof(*more));
        for (size_t i = 0; more != NULL && i < n->held_count; i++) {
            more[i] = n->held[i];
        }
        if (more == NULL) {
            return NULL;
        }
        n->held = more;
        n->held_cap = cap;
    }
    struct str name = arena_copy(&n->arena, device);
    if (name.ptr == NULL || !strmap_put(&n->held_by_device, name, (uint32_t)n->held_count)) {
        return NULL;
    }
    n->held[n->held_count] = (struct held){.device = name};
    return &n->held[n->held_count++];
}

static bool look_at_held(struct summary *s, struct err *err)
{
    struct named_figures *n = s->named;
    struct db_query q = db_query(s->db, HUB_SUMMARY_HELD);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct held *h = held_of(n, db_col_str(&q, 0));
        int64_t revision = db_col_i64(&q, 1);
        if (h == NULL) {
            db_reset(&q);
            return out_of_memory(err);
        }
        if (h->revision != revision) {
            h->revision = revision;
            n->held_due += h->is_due ? 0 : 1;
            h->is_due = true;
        }
    }
    n->held_at = summary_mono(s);
    n->is_held_news = !ok;
    return ok;
}

static bool read_held(struct summary *s, struct mono_time end, struct err *err)
{
    struct named_figures *n = s->named;
    bool is_early = n->held_count > NAMED_DEVICES_FEW &&
                    summary_mono(s).ns - n->held_at.ns < NAMED_HELD_MS * NS_PER_MS;
    bool ok = !n->is_held_news || is_early || look_at_held(s, err);
    for (size_t i = 0; ok && n->held_due > 0 && i < n->held_count; i++) {
        struct held *h = &n->held[i];
        if (h->is_due) {
            ok = read_device(s, h->device, err);
            h->is_due = !ok;
            n->held_due -= ok ? 1 : 0;
            if (summary_mono(s).ns >= end.ns) {
                break;
            }
        }
    }
    return ok;
}

/* --- all ------------------------------------------------------------------------------------------ */

static bool begin(struct summary *s, struct err *err)
{
    struct named_figures *n = calloc(1, sizeof(*n));
    if (n == NULL) {
        return out_of_memory(err);
    }
    n->arena = arena_new(HELD_BYTES_MAX);
    n->held_by_device = strmap_new(&n->arena);
    n->rows = arena_new(ROWS_BYTES_MAX);
    n->after = buf_growing(LIMIT_EVENT_BYTES);
    n->folds = folds_new();
    s->named = n;
    if (n->folds == NULL || !look_at_held(s, err)) {
        bool is_full = n->folds == NULL;
        summary_named_begin(s);
        return is_full ? out_of_memory(err) : false;
    }
    for (size_t i = 0; i < n->held_count; i++) {
        n->held[i].is_due = false; /* all devices are read now */
    }
    n->held_due = 0;
    return true;
}

static bool read_next(struct summary *s, struct err *err)
{
    struct named_figures *n = s->named;
    struct db_query q = db_query(s->db, HUB_SUMMARY_NAMED_DEVICE);
    bool has_row = false;
    db_bind_str(&q, ":after", buf_str(&n->after));
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    if (!has_row) {
        n->is_read = true;
        return true;
    }
    buf_reset(&n->after);
    buf_add(&n->after, db_col_str(&q, 0));
    db_reset(&q);
    return read_device(s, buf_str(&n->after), err);
}

/* False: what failed was not memory. */
static bool check_memory(struct summary *s, bool ok, const struct err *err)
{
    struct named_figures *n = s->named;
    bool is_full = !ok && err->code == ERR_NO_MEMORY;
    if (folds_has_failed(n->folds) || is_full) {
        folds_free(n->folds);
        n->folds = NULL;
        n->failed_at = summary_mono(s);
    }
    return ok || is_full;
}

bool summary_named_step(struct summary *s, struct mono_time end, bool *ret_done, struct err *err)
{
    struct named_figures *n = s->named;
    bool ok = true;
    if (n == NULL || n->folds == NULL) {
        return true;
    }
    if (!n->is_read) {
        do {
            ok = check_memory(s, read_next(s, err), err);
        } while (ok && !n->is_read && n->folds != NULL && summary_mono(s).ns < end.ns);
        s->has_news = s->has_news || n->is_read || n->folds == NULL;
    } else {
        ok = check_memory(s, read_held(s, end, err), err);
    }
    *ret_done = *ret_done && (n->folds == NULL || (n->is_read && n->held_due == 0));
    return ok;
}

void summary_named_changed(struct summary *s)
{
    if (s->named != NULL) {
        s->named->is_held_news = true;
    }
}

bool summary_named_told(struct summary *s, const struct summary_told *t, struct err *err)
{
    bool concerns = t->what == TOLD_DEFINITIONS || t->what == TOLD_NAMED;
    if (s->named == NULL || s->named->folds == NULL || !concerns) {
        return true;
    }
    return check_memory(s, read_device(s, t->device, err), err);
}

bool summary_named(struct summary *s, struct folds **ret, struct err *err)
{
    bool is_done = false;
    *ret = NULL;
    if (s->named == NULL && !begin(s, err)) {
        return false;
    }
    s->named->asked_at = summary_mono(s);
    if (!summary_step(s, &is_done, err)) {
        return false;
    }
    bool is_gone = !summary_is_loaded(s) || s->named == NULL; /* all is begun anew */
    if (is_gone || (s->named->folds != NULL && !s->named->is_read)) {
        summary_hurry(s);
        return true;
    }
    if (s->named->folds == NULL) {
        if (summary_mono(s).ns - s->named->failed_at.ns >= SUMMARY_AGAIN_S * NS_PER_SEC) {
            summary_named_begin(s);
        }
        return err_set(err, ERR_FULL,
                       "the schedules of all devices do not fit into %d MiB of memory",
                       FOLDS_BYTES_MAX >> 20);
    }
    *ret = s->named->folds;
    return true;
}
