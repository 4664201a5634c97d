/* partitions.c - see partitions.h. DESIGN: an asset is read when it is asked for, first how devices define it, then what they
 * made, in slices; from then on it follows the log, a row for each event. Which partitions there are is looked at when it is
 * asked for: there are more as time passes. What devices said of ranges is read again then. */
#include "common/json/json.h"
#include "hub/summary/summary_internal.h"

#include <stdlib.h>

enum {
    RULES_BYTES_MAX = 64 << 10,
    RULES_AT_ONCE = 100, /* devices' definitions: a slice ends between two of them */
    KEY_BYTES = PARTITION_KEY_BYTES_MAX + 1,
    ROWS_CAP = 128,
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for partitions");
}

/* --- life ----------------------------------------------------------------------------------------- */

static struct partition_figures *figures_new(size_t bytes_max, struct str asset)
{
    struct partition_figures *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return NULL;
    }
    f->names = arena_new(LIMIT_EVENT_BYTES);
    f->arena = arena_new(bytes_max);
    f->rows = arena_new(bytes_max);
    f->next_device = buf_growing(LIMIT_EVENT_BYTES);
    f->asset = arena_copy(&f->names, asset);
    f->cells = cells_new(bytes_max);
    if (f->asset.ptr == NULL || f->cells == NULL) {
        partition_figures_close(f);
        return NULL;
    }
    return f;
}

void partition_figures_close(struct partition_figures *f)
{
    if (f == NULL) {
        return;
    }
    cells_free(f->cells);
    arena_release(&f->rows);
    arena_release(&f->arena);
    arena_release(&f->names);
    buf_release(&f->next_device);
    free(f);
}

static size_t bytes_of(const struct partition_figures *f)
{
    return (f->cells != NULL ? cells_bytes(f->cells) : 0) + f->arena.used + f->rows.used;
}

/* --- which there are ------------------------------------------------------------------------------ */

static bool read_dynamic(struct summary *s, struct partition_figures *f, struct arena *arena,
                         struct partition_keys *ret, struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_PARTITION_KEYS);
    struct str *items = arena_array(arena, PARTITIONS_MAX, sizeof(*items));
    bool ok = true;
    if (items == NULL) {
        return out_of_memory(err);
    }
    db_bind_str(&q, ":set", f->rules.set);
    db_bind_opt(&q, ":device", f->device);
    *ret = (struct partition_keys){.items = items};
    while (db_each(&q, &ok, err)) {
        items[ret->count++] = arena_copy(arena, db_col_str(&q, 0));
    }
    return ok && (!arena->exhausted || out_of_memory(err));
}

/* Of very many the newest. */
static bool list_keys(const struct partition_view *view, size_t count, struct arena *arena,
                      struct partition_keys *ret, struct err *err)
{
    char memory[KEY_BYTES];
    struct buf first = buf_fixed(memory, sizeof(memory));
    if (count > PARTITIONS_MAX && !partition_key_at(view, count - PARTITIONS_MAX, &first)) {
        return err_set(err, ERR_INTERNAL, "there is no partition %zu", count - PARTITIONS_MAX);
    }
    struct partition_bounds bounds = {.first = buf_str(&first)};
    return count == 0 || partition_range(view, bounds, arena, ret, err);
}

static bool order_again(struct summary *s, struct partition_figures *f, struct wall_time now,
                        struct err *err)
{
    AUTO(arena) arena = arena_new(PARTITIONS_BYTES_MAX);
    struct partition_keys dynamic = {0};
    struct partition_keys keys = {0};
    struct partition_view view = {.of = &f->rules, .dynamic = &dynamic, .now = now};
    bool is_dynamic = f->rules.kind == PARTITION_DYNAMIC;
    if (is_dynamic && !read_dynamic(s, f, &arena, &dynamic, err)) {
        return false;
    }
    size_t count = f->is_known ? partition_count(&view) : 0;
    if (!list_keys(&view, count, &arena, &keys, err)) {
        return false;
    }
    cells_order(f->cells, &keys);
    f->key_count = count;
    f->are_keys_stale = false;
    if (f->reading == READING_DONE && cells_depends_on_order(f->cells)) {
        f->reading = READING_ROWS;
    }
    if (f->reading == READING_ROWS) {
        buf_reset(&f->next_device);
    }
    return true;
}

static bool read_rules(struct partition_figures *f, struct str text)
{
    struct json *told = NULL;
    struct err bad = {0};
    arena_reset(&f->arena);
    f->zones = (struct zones){.arena = &f->arena};
    f->rules = (struct partitions){0};
    f->rules_text = arena_copy(&f->arena, text);
    f->are_keys_stale = true;
    f->is_known = !str_is_empty(text) &&
                  json_parse(f->rules_text, RULES_BYTES_MAX, &f->arena, &told, &bad) &&
                  when_partitions(&f->zones, told, &f->rules);
    return f->rules_text.ptr != NULL && !f->arena.exhausted;
}

/* When other rules hold, or there are more partitions than before. */
static bool settle(struct summary *s, struct partition_figures *f, struct wall_time now,
                   struct err *err)
{
    struct str text = STR_NONE;
    f->devices = cells_rules(f->cells, &text);
    if ((f->rules_text.ptr == NULL || !str_eq(text, f->rules_text)) && !read_rules(f, text)) {
        return out_of_memory(err);
    }
    const struct partition_view view = {.of = &f->rules, .now = now};
    bool grows = f->is_known && f->rules.kind == PARTITION_TIME;
    if (!f->are_keys_stale && (!grows || partition_count(&view) == f->key_count)) {
        return true;
    }
    return order_again(s, f, now, err);
}

/* --- what was made of them -------------------------------------------------------------------------- */

struct row_list {
    struct cell_row *items;
    size_t count, cap;
};

static bool add_row(struct partition_figures *f, struct row_list *list, const struct db_query *q)
{
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? ROWS_CAP : 2 * list->cap;
        struct cell_row *more = arena_array(&f->rows, cap, sizeof(*more));
        for (size_t i = 0; more != NULL && i < list->count; i++) {
            more[i] = list->items[i];
        }
        if (more == NULL) {
            return false;
        }
        list->items = more;
        list->cap = cap;
    }
    struct str last = db_col_str(q, 2);
    struct cell_row *row = &list->items[list->count++];
    row->first = arena_copy(&f->rows, db_col_str(q, 1));
    row->last = str_eq(row->first, last) ? row->first : arena_copy(&f->rows, last);
    row->is_made = db_col_i64(q, 3) != 0;
    row->at_ms = db_col_i64(q, 4);
    row->run = str_is_empty(f->device) ? STR_NONE : arena_copy(&f->rows, db_col_str(q, 5));
    row->stream_ms = db_col_i64(q, 6);
    row->epoch = arena_copy(&f->rows, db_col_str(q, 7));
    row->seq = db_col_i64(q, 8);
    return !f->rows.exhausted;
}

static void put_rows(struct partition_figures *f, struct str device, const struct row_list *list)
{
    cells_put(f->cells, device, list->items, list->count);
    if (str_is_empty(f->device)) {
        arena_reset(&f->rows);
    }
}

/* From f->next_device on; until `end` at least one. */
static bool read_rows(struct summary *s, struct partition_figures *f, struct mono_time end,
                      struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_PARTITION_ROWS);
    struct row_list list = {0};
    struct str device = STR_NONE;
    bool ok = true;
    bool fits = true;
    arena_reset(&f->rows);
    db_bind_str(&q, ":asset", f->asset);
    db_bind_str(&q, ":from", buf_str(&f->next_device));
    db_bind_str(&q, ":to", STR("~")); /* behind all names */
    while (fits && db_each(&q, &ok, err)) {
        if (!str_eq(db_col_str(&q, 0), device)) {
            if (!str_is_empty(device)) {
                put_rows(f, device, &list);
                list = (struct row_list){0};
            }
            bool is_over = !str_is_empty(device) && summary_mono(s).ns >= end.ns;
            device = arena_copy(&f->rows, db_col_str(&q, 0));
            if (is_over) {
                buf_reset(&f->next_device);
                buf_add(&f->next_device, device);
                db_reset(&q);
                return true;
            }
        }
        fits = add_row(f, &list, &q);
    }
    if (!fits) {
        db_reset(&q);
        return out_of_memory(err);
    }
    if (!str_is_empty(device)) {
        put_rows(f, device, &list);
    }
    f->reading = ok ? READING_DONE : f->reading;
    return ok;
}

static bool read_device(struct summary *s, struct partition_figures *f, struct str device,
                        struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_PARTITION_ROWS);
    struct row_list list = {0};
    bool ok = true;
    bool fits = true;
    arena_reset(&f->rows);
    db_bind_str(&q, ":asset", f->asset);
    db_bind_str(&q, ":from", device);
    db_bind_str(&q, ":to", device);
    while (fits && db_each(&q, &ok, err)) {
        fits = add_row(f, &list, &q);
    }
    if (!fits) {
        db_reset(&q);
        return out_of_memory(err);
    }
    if (ok) {
        put_rows(f, device, &list);
    }
    return ok;
}

/* What was told of one partition, without looking at others. */
static bool read_one(struct summary *s, struct partition_figures *f, struct str device,
                     struct str key, struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_PARTITION_ROW);
    struct cell_row row = {0};
    bool has_row = false;
    db_bind_str(&q, ":asset", f->asset);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":key", key);
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    if (has_row) {
        row.is_made = db_col_i64(&q, 0) != 0;
        row.at_ms = db_col_i64(&q, 1);
        db_reset(&q);
    }
    return cells_put_one(f->cells, device, key, has_row ? &row : NULL) ||
           read_device(s, f, device, err);
}

/* --- how devices define it -------------------------------------------------------------------------- */

static void define(struct partition_figures *f, struct str device, const struct db_query *q,
                   int col)
{
    cells_define(f->cells, device, db_col_is_null(q, col) ? CELLS_WHOLE : CELLS_CUT,
                 db_col_str(q, col));
}

static bool read_definition(struct summary *s, struct partition_figures *f, struct str device,
                            struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_PARTITION_RULE);
    bool has_row = false;
    db_bind_str(&q, ":asset", f->asset);
    db_bind_str(&q, ":device", device);
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    if (has_row) {
        define(f, device, &q, 0);
        db_reset(&q);
    } else {
        cells_define(f->cells, device, CELLS_NOT_DEFINED, STR_NONE);
    }
    return true;
}

static bool read_definitions(struct summary *s, struct partition_figures *f, struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_PARTITION_RULES);
    size_t count = 0;
    bool ok = true;
    db_bind_str(&q, ":asset", f->asset);
    db_bind_i64(&q, ":after", f->stream);
    db_bind_i64(&q, ":limit", RULES_AT_ONCE);
    for (; db_each(&q, &ok, err); count++) {
        f->stream = db_col_i64(&q, 0);
        define(f, db_col_str(&q, 1), &q, 2);
    }
    if (ok && count < RULES_AT_ONCE) {
        f->reading = READING_ROWS;
    }
    return ok;
}

/* --- one device ------------------------------------------------------------------------------------- */

bool summary_partitions_of(struct summary *s, struct str asset, struct str device,
                           struct partition_figures **ret, struct err *err)
{
    struct wall_time now = clock_wall(loop_clock(s->loop));
    struct partition_figures *f = figures_new(s->partitions_bytes_max, asset);
    if (f == NULL) {
        return out_of_memory(err);
    }
    f->device = arena_copy(&f->names, device);
    bool ok = read_definition(s, f, device, err) && settle(s, f, now, err);
    if (ok && f->devices == 0) {
        ok = err_set(err, ERR_NOT_FOUND, "no device defines the asset " STR_FMT " there",
                     STR_ARG(asset));
    }
    ok = ok && read_device(s, f, f->device, err) &&
         (!cells_has_failed(f->cells) || out_of_memory(err));
    if (!ok) {
        partition_figures_close(f);
        return false;
    }
    *ret = f;
    return true;
}

/* --- all devices: which assets are followed ----------------------------------------------------------- */

static void drop(struct summary *s, struct partition_figures **at)
{
    struct partition_figures *f = *at;
    *at = f->next;
    s->partition_assets--;
    partition_figures_close(f);
}

void summary_partitions_begin(struct summary *s)
{
    while (s->partitions != NULL) {
        drop(s, &s->partitions);
    }
}

void summary_partitions_forget(struct summary *s)
{
    int64_t since = summary_mono(s).ns - PARTITIONS_UNASKED_S * NS_PER_SEC;
    for (struct partition_figures **at = &s->partitions; *at != NULL;) {
        if ((*at)->asked_at.ns < since) {
            drop(s, at);
        } else {
            at = &(*at)->next;
        }
    }
}

/* The one that was not asked for for longest, but those that nobody was answered from yet. False: there is none. */
static bool drop_one(struct summary *s, const struct partition_figures *but)
{
    struct partition_figures **oldest = NULL;
    for (struct partition_figures **at = &s->partitions; *at != NULL; at = &(*at)->next) {
        if (*at != but && (*at)->is_answered &&
            (oldest == NULL || (*at)->asked_at.ns < (*oldest)->asked_at.ns)) {
            oldest = at;
        }
    }
    if (oldest != NULL) {
        drop(s, oldest);
    }
    return oldest != NULL;
}

static size_t bytes_of_all(const struct summary *s)
{
    size_t bytes = 0;
    for (const struct partition_figures *f = s->partitions; f != NULL; f = f->next) {
        bytes += bytes_of(f);
    }
    return bytes;
}

/* What does not fit beside others has them dropped; what does not fit alone is read no further until it is forgotten. False: what
 * failed was not memory. */
static bool check_memory(struct summary *s, struct partition_figures *f, bool ok,
                         const struct err *err)
{
    bool is_full = !ok && (err->code == ERR_NO_MEMORY || err->code == ERR_FULL);
    bool fits = f->cells != NULL && !cells_has_failed(f->cells) && !is_full;
    while (fits && bytes_of_all(s) > s->partitions_bytes_max) {
        fits = drop_one(s, f);
    }
    if (!fits && f->cells != NULL) {
        cells_free(f->cells);
        f->cells = NULL;
        f->failed_at = summary_mono(s);
        arena_release(&f->rows);
        arena_release(&f->arena);
        f->reading = READING_DONE;
    }
    return ok || is_full;
}

static struct partition_figures *find(const struct summary *s, struct str asset)
{
    struct partition_figures *f = s->partitions;
    while (f != NULL && !str_eq(f->asset, asset)) {
        f = f->next;
    }
    return f;
}

static struct partition_figures **place_of(struct summary *s, const struct partition_figures *f)
{
    struct partition_figures **at = &s->partitions;
    while (*at != f) {
        at = &(*at)->next;
    }
    return at;
}

/* NULL without an error: all places are taken by others that are waited for. */
static bool begin(struct summary *s, struct str asset, struct partition_figures **ret,
                  struct err *err)
{
    *ret = NULL;
    if (s->partition_assets == PARTITIONS_ASSETS_MAX && !drop_one(s, NULL)) {
        return true;
    }
    *ret = figures_new(s->partitions_bytes_max, asset);
    if (*ret == NULL) {
        return out_of_memory(err);
    }
    (*ret)->next = s->partitions;
    s->partitions = *ret;
    s->partition_assets++;
    return true;
}

/* --- all devices: reading and following ----------------------------------------------------------------- */

static bool step(struct summary *s, struct partition_figures *f, struct wall_time now,
                 struct mono_time end, struct err *err)
{
    bool ok = true;
    do {
        ok = f->reading == READING_DEFINITIONS ? read_definitions(s, f, err)
                                               : read_rows(s, f, end, err);
        if (ok && f->reading == READING_ROWS && f->rules_text.ptr == NULL) {
            ok = settle(s, f, now, err);
        }
        ok = check_memory(s, f, ok, err);
    } while (ok && f->reading != READING_DONE && summary_mono(s).ns < end.ns);
    return ok;
}

bool summary_partitions_step(struct summary *s, struct wall_time now, struct mono_time end,
                             bool *ret_done, struct err *err)
{
    bool ok = true;
    for (struct partition_figures *f = s->partitions; ok && f != NULL; f = f->next) {
        if (f->reading != READING_DONE) {
            ok = step(s, f, now, end, err);
            *ret_done = *ret_done && f->reading == READING_DONE;
            s->has_news = s->has_news || f->reading == READING_DONE;
        }
        if (summary_mono(s).ns >= end.ns) {
            break;
        }
    }
    for (const struct partition_figures *f = s->partitions; f != NULL; f = f->next) {
        *ret_done = *ret_done && f->reading == READING_DONE;
    }
    return ok;
}

static bool told(struct summary *s, struct partition_figures *f, const struct summary_told *t,
                 struct err *err)
{
    if (f->cells == NULL) {
        return true;
    }
    if (t->what == TOLD_DEFINITIONS) {
        return read_definition(s, f, t->device, err);
    }
    if (t->what == TOLD_PARTITION_KEY) {
        f->are_keys_stale = f->are_keys_stale || f->rules.kind == PARTITION_DYNAMIC;
        return true;
    }
    if (t->what != TOLD_MADE || str_is_empty(t->partition) || !str_eq(t->asset, f->asset)) {
        return true;
    }
    return str_is_empty(t->partition_end) || str_eq(t->partition_end, t->partition)
               ? read_one(s, f, t->device, t->partition, err)
               : read_device(s, f, t->device, err);
}

bool summary_partitions_told(struct summary *s, const struct summary_told *t, struct err *err)
{
    bool ok = true;
    for (struct partition_figures *f = s->partitions; ok && f != NULL; f = f->next) {
        ok = check_memory(s, f, told(s, f, t, err), err);
    }
    return ok;
}

/* --- all devices: what is asked -------------------------------------------------------------------------- */

/* Whether it is all there, as of now. */
static bool look(struct summary *s, struct partition_figures *f, bool *ret_ready, struct err *err)
{
    *ret_ready = false;
    if (f->cells == NULL) {
        bool is_over = summary_mono(s).ns - f->failed_at.ns >= SUMMARY_AGAIN_S * NS_PER_SEC;
        (void)err_set(err, ERR_FULL,
                      "the partitions of " STR_FMT
                      " on all devices do not fit into %zu MiB of memory",
                      STR_ARG(f->asset), s->partitions_bytes_max >> 20);
        if (is_over) {
            drop(s, place_of(s, f));
        }
        return err_hint(err, "ask for one device: ?device=NAME");
    }
    bool ok = f->reading != READING_DONE || settle(s, f, clock_wall(loop_clock(s->loop)), err);
    if (!check_memory(s, f, ok, err)) {
        return false;
    }
    *ret_ready = f->reading == READING_DONE && f->cells != NULL;
    return true; /* where it does not fit: with the next look */
}

bool summary_partitions(struct summary *s, struct str asset, struct partition_figures **ret,
                        struct err *err)
{
    struct partition_figures *f = find(s, asset);
    bool is_done = false;
    bool is_ready = false;
    *ret = NULL;
    if (f == NULL && !begin(s, asset, &f, err)) {
        return false;
    }
    if (f != NULL) {
        f->asked_at = summary_mono(s);
    }
    if (!summary_step(s, &is_done, err)) {
        return false;
    }
    f = summary_is_loaded(s) ? find(s, asset) : NULL; /* all may have been begun anew */
    if (f != NULL && !look(s, f, &is_ready, err)) {
        return false;
    }
    if (!is_ready) {
        s->are_some_waiting = s->are_some_waiting || f == NULL;
        summary_hurry(s);
        return true;
    }
    if (f->devices == 0) {
        drop(s, place_of(s, f));
        return err_set(err, ERR_NOT_FOUND, "no device defines the asset " STR_FMT " there",
                       STR_ARG(asset));
    }
    if (s->are_some_waiting && !f->is_answered) { /* it may give way now */
        s->has_news = true;
        summary_hurry(s);
    }
    f->is_answered = true;
    *ret = f;
    return true;
}

int64_t partition_figures_devices(const struct partition_figures *f)
{
    return f->devices;
}

size_t partition_figures_count(const struct partition_figures *f)
{
    return cells_count(f->cells);
}

void partition_figures_get(const struct partition_figures *f, size_t place,
                           struct partition_item *ret)
{
    struct cell cell;
    const struct cell_row *row = str_is_empty(f->device) ? NULL : cells_last_row(f->cells, place);
    cells_get(f->cells, place, &cell);
    int64_t at_ms = row != NULL ? row->at_ms : cell.at_ms;
    *ret = (struct partition_item){.key = cell.key,
                                   .made = cell.made,
                                   .failed = cell.failed,
                                   .at = {at_ms * NS_PER_MS},
                                   .run = row != NULL ? row->run : STR_NONE};
}

bool partition_figures_find(const struct partition_figures *f, struct str key, size_t *ret_place)
{
    return cells_find(f->cells, key, ret_place);
}
