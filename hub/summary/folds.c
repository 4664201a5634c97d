/* folds.c - see folds.h. Sums are made anew for who asks after a change, out of all rows: as many as schedules of devices, some
 * nanoseconds each. */
#include "hub/summary/folds.h"

#include "common/base/buf.h"
#include <stdlib.h>
#include <string.h>

struct row { /* of a device */
    int64_t assets, ticked_ms, ticks, started;
    uint32_t fold;
    bool is_paused : 1, is_untouched : 1, has_ticked : 1, has_failed : 1;
};
_Static_assert(sizeof(struct row) == 40, "there are many");
struct holder { /* a device */
    struct str name;
    struct row *rows;
    size_t count, cap;
};
struct defined { /* the same name and text */
    enum fold_kind kind;
    struct str name, version;
};

struct folds {
    struct arena arena;
    struct buf text; /* of what is looked for */
    struct strmap device_by_name, number_by_text;
    struct holder *devices;
    size_t device_count, device_cap;
    struct defined *defined;
    size_t defined_count, defined_cap;
    bool has_failed, is_stale;
    struct fold *sums; /* by number */
    struct fold *list; /* those of both kinds, in order */
    struct fold_list of[FOLD_KINDS];
    uint32_t *by_name; /* devices */
};

struct folds *folds_new(void)
{
    struct folds *f = calloc(1, sizeof(*f));
    if (f != NULL) {
        f->arena = arena_new(FOLDS_BYTES_MAX);
        f->text = buf_growing(FOLDS_BYTES_MAX);
        f->device_by_name = strmap_new(&f->arena);
        f->number_by_text = strmap_new(&f->arena);
    }
    return f;
}

void folds_free(struct folds *f)
{
    if (f != NULL) {
        free(f->sums);
        free(f->list);
        free(f->by_name);
        buf_release(&f->text);
        arena_release(&f->arena);
        free(f);
    }
}

bool folds_has_failed(const struct folds *f)
{
    return f->has_failed;
}

/* Room for `wanted` of `size`; what was there is copied. NULL: no memory, and they stay. */
static void *grow(struct folds *f, void *items, size_t count, size_t wanted, size_t size)
{
    void *more = arena_array(&f->arena, wanted, size);
    f->has_failed = f->has_failed || more == NULL;
    if (more != NULL && count > 0) {
        memcpy(more, items, count * size);
    }
    return more;
}

static size_t larger(size_t cap)
{
    return cap == 0 ? 16 : 2 * cap;
}

static bool keep(struct folds *f, struct strmap *map, struct str text, size_t number)
{
    bool ok = text.ptr != NULL && strmap_put(map, text, (uint32_t)number);
    f->has_failed = f->has_failed || !ok;
    return ok;
}

static struct holder *holder_of(struct folds *f, struct str device)
{
    uint32_t number = 0;
    if (strmap_get(&f->device_by_name, device, &number)) {
        return &f->devices[number];
    }
    if (f->device_count == f->device_cap) {
        struct holder *more =
            grow(f, f->devices, f->device_count, larger(f->device_cap), sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        f->devices = more;
        f->device_cap = larger(f->device_cap);
    }
    struct str name = arena_copy(&f->arena, device);
    if (!keep(f, &f->device_by_name, name, f->device_count)) {
        return NULL;
    }
    free(f->by_name);
    f->by_name = NULL;
    f->devices[f->device_count] = (struct holder){.name = name};
    return &f->devices[f->device_count++];
}

static bool number_of(struct folds *f, const struct fold_row *row, uint32_t *ret)
{
    buf_reset(&f->text);
    buf_addf(&f->text, "%d\n" STR_FMT "\n" STR_FMT, (int)row->kind, STR_ARG(row->version),
             STR_ARG(row->name));
    if (strmap_get(&f->number_by_text, buf_str(&f->text), ret)) {
        return true;
    }
    if (f->defined_count == f->defined_cap) {
        struct defined *more =
            grow(f, f->defined, f->defined_count, larger(f->defined_cap), sizeof(*more));
        if (more == NULL) {
            return false;
        }
        f->defined = more;
        f->defined_cap = larger(f->defined_cap);
    }
    struct str name = arena_copy(&f->arena, row->name);
    struct str version = arena_copy(&f->arena, row->version);
    f->has_failed = f->has_failed || f->text.overflow || name.ptr == NULL || version.ptr == NULL;
    if (f->has_failed ||
        !keep(f, &f->number_by_text, arena_copy(&f->arena, buf_str(&f->text)), f->defined_count)) {
        return false;
    }
    *ret = (uint32_t)f->defined_count;
    f->defined[f->defined_count++] =
        (struct defined){.kind = row->kind, .name = name, .version = version};
    return true;
}

void folds_put(struct folds *f, struct str device, const struct fold_row *rows, size_t count)
{
    struct holder *h = holder_of(f, device);
    f->is_stale = true;
    if (h == NULL) {
        return;
    }
    h->count = 0;
    if (count > h->cap) {
        size_t cap = count > 2 * h->cap ? count : 2 * h->cap;
        struct row *more = grow(f, NULL, 0, cap, sizeof(*more));
        if (more == NULL) {
            return;
        }
        h->rows = more;
        h->cap = cap;
    }
    for (size_t i = 0; i < count; i++) {
        const struct fold_row *row = &rows[i];
        uint32_t number = 0;
        if (!number_of(f, row, &number)) {
            return;
        }
        h->rows[h->count++] = (struct row){.assets = row->assets,
                                           .ticked_ms = row->ticked_ms,
                                           .ticks = row->ticks,
                                           .started = row->started,
                                           .fold = number,
                                           .is_paused = row->is_paused,
                                           .is_untouched = row->is_untouched,
                                           .has_ticked = row->has_ticked,
                                           .has_failed = row->has_failed};
    }
}

/* --- sums ----------------------------------------------------------------------------------------- */

static void add(struct fold *sum, const struct row *row, struct str device)
{
    if (sum->devices == 0) {
        sum->device = device;
        sum->assets = row->assets;
    }
    sum->devices++;
    sum->assets = row->assets > sum->assets ? row->assets : sum->assets;
    sum->paused += row->is_paused;
    sum->untouched += row->is_untouched;
    if (row->has_ticked) {
        bool is_later = !sum->has_ticked || row->ticked_ms > sum->ticked_ms;
        sum->ticked_ms = is_later ? row->ticked_ms : sum->ticked_ms;
        sum->has_ticked = true;
    }
    sum->ticks += row->ticks;
    sum->started += row->started;
    sum->failed += row->has_failed;
}

struct named_device {
    struct str name;
    uint32_t number;
};

static int by_device(const void *a, const void *b)
{
    return str_cmp(((const struct named_device *)a)->name, ((const struct named_device *)b)->name);
}

static bool sort_devices(struct folds *f)
{
    struct named_device *order = calloc(f->device_count + 1, sizeof(*order));
    f->by_name = calloc(f->device_count + 1, sizeof(*f->by_name));
    if (order == NULL || f->by_name == NULL) {
        free(order);
        return false;
    }
    for (size_t i = 0; i < f->device_count; i++) {
        order[i] = (struct named_device){f->devices[i].name, (uint32_t)i};
    }
    qsort(order, f->device_count, sizeof(*order), by_device);
    for (size_t i = 0; i < f->device_count; i++) {
        f->by_name[i] = order[i].number;
    }
    free(order);
    return true;
}

static int by_name_and_version(const void *a, const void *b)
{
    const struct fold *x = a;
    const struct fold *y = b;
    int order = str_cmp(x->name, y->name);
    return order != 0 ? order : str_cmp(x->version, y->version);
}

/* Those that some device defines. */
static void list_kind(struct folds *f, enum fold_kind kind, size_t *at)
{
    struct fold *begin = &f->list[*at];
    size_t count = 0;
    for (size_t i = 0; i < f->defined_count; i++) {
        if (f->defined[i].kind == kind && f->sums[i].devices > 0) {
            begin[count++] = f->sums[i];
        }
    }
    if (count > 0) {
        qsort(begin, count, sizeof(*begin), by_name_and_version);
    }
    f->of[kind] = (struct fold_list){begin, count};
    *at += count;
}

static void sum_all(struct folds *f)
{
    size_t at = 0;
    free(f->sums);
    free(f->list);
    f->sums = calloc(f->defined_count + 1, sizeof(*f->sums));
    f->list = calloc(f->defined_count + 1, sizeof(*f->list));
    bool fits = f->sums != NULL && f->list != NULL && (f->by_name != NULL || sort_devices(f));
    f->has_failed = f->has_failed || !fits;
    for (size_t i = 0; fits && i < f->defined_count; i++) {
        f->sums[i].name = f->defined[i].name;
        f->sums[i].version = f->defined[i].version;
    }
    for (size_t i = 0; fits && i < f->device_count; i++) {
        const struct holder *h = &f->devices[f->by_name[i]];
        for (size_t k = 0; k < h->count; k++) {
            add(&f->sums[h->rows[k].fold], &h->rows[k], h->name);
        }
    }
    if (fits) {
        list_kind(f, FOLD_SCHEDULE, &at);
        list_kind(f, FOLD_SENSOR, &at);
    }
}

struct fold_list folds_list(struct folds *f, enum fold_kind kind)
{
    if (f->is_stale || f->list == NULL) {
        f->is_stale = false;
        memset(f->of, 0, sizeof(f->of));
        sum_all(f);
    }
    return f->of[kind];
}

size_t folds_behind(const struct fold_list *list, struct str name, struct str version)
{
    const struct fold after = {.name = name, .version = version};
    size_t from = 0;
    size_t to = list->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (by_name_and_version(&list->items[middle], &after) > 0) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return from;
}
