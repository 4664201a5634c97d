#include "common/model/partition.h"

#include "common/base/strmap.h"
#include "common/model/partition_time.h"

enum { KEY_ROOM = PARTITION_KEY_BYTES_MAX + 1, HINT_DISTANCE_MAX = 3 };

/* --- what was written ------------------------------------------------------------------------- */

bool partition_key_check(struct str key, struct err *err)
{
    if (key.len == 0) {
        return err_set(err, ERR_INVALID, "a partition key cannot be empty");
    }
    if (key.len > PARTITION_KEY_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "a partition key is at most %d bytes long",
                       PARTITION_KEY_BYTES_MAX);
    }
    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.ptr[i];
        if (c < ' ' || c == 0x7F) {
            return err_set(err, ERR_INVALID, "a partition key cannot hold control characters");
        }
    }
    if (!str_is_utf8(key)) {
        return err_set(err, ERR_INVALID, "a partition key is UTF-8");
    }
    if (str_contains(key, STR("..."))) {
        return err_set(err, ERR_INVALID,
                       "\"" STR_FMT "\" cannot be a partition key: \"...\" stands for ranges",
                       STR_ARG(key));
    }
    return true;
}

static bool check_static(const struct partitions *p, struct err *err)
{
    AUTO(arena) arena = arena_new(16 << 20);
    struct strmap seen = strmap_new(&arena);
    if (p->key_count > PARTITIONS_MAX) {
        return err_set(err, ERR_FULL, "more than %d partitions", PARTITIONS_MAX);
    }
    for (size_t i = 0; i < p->key_count; i++) {
        uint32_t before = 0;
        if (!partition_key_check(p->keys[i], err)) {
            return false;
        }
        if (strmap_get(&seen, p->keys[i], &before)) {
            return err_set(err, ERR_INVALID, "the partition \"" STR_FMT "\" is given twice",
                           STR_ARG(p->keys[i]));
        }
        if (!strmap_put(&seen, p->keys[i], (uint32_t)i)) {
            return err_set(err, ERR_NO_MEMORY, "check the partitions: out of memory");
        }
    }
    return true;
}

/* Every key must lead back to its window. Looking at the first ones tells: what a format leaves out,
 * minute, hour or day, it leaves out everywhere. */
static bool check_windows(const struct partitions *p, struct err *err)
{
    enum { LOOKED_AT = 60 };
    struct partition_window w;
    if (!partition_format_check(p->format, err)) {
        return false;
    }
    bool is_there = partition_time_window(p, 0, &w);
    for (int i = 0; is_there && i < LOOKED_AT; i++) {
        char memory[KEY_ROOM];
        struct buf key = buf_fixed(memory, sizeof(memory));
        struct wall_time again;
        partition_time_write(p, w.start, &key);
        if (!partition_time_read(p, buf_str(&key), &again, err) || again.ns != w.start.ns) {
            (void)err_set(err, ERR_INVALID,
                          "the format " STR_FMT " does not tell the windows of " STR_FMT " apart",
                          STR_ARG(p->format), STR_ARG(p->cron_text));
            return err_hint(err, "name the hour and minute, too: %%Y-%%m-%%d-%%H:%%M");
        }
        is_there = cron_next(&p->cron, p->tz, w.start, &w.start);
    }
    return is_there || err_set(err, ERR_INVALID, "no window ever begins: " STR_FMT " does not fire",
                               STR_ARG(p->cron_text));
}

bool partition_check(const struct partitions *p, struct err *err)
{
    switch (p->kind) {
    case PARTITION_STATIC:
        return check_static(p, err);
    case PARTITION_TIME:
        return check_windows(p, err);
    case PARTITION_NONE:
    case PARTITION_DYNAMIC:
        break;
    }
    return true;
}

static bool same_keys(const struct partitions *a, const struct partitions *b)
{
    if (a->key_count != b->key_count) {
        return false;
    }
    for (size_t i = 0; i < a->key_count; i++) {
        if (!str_eq(a->keys[i], b->keys[i])) {
            return false;
        }
    }
    return true;
}

static bool same_cron(const struct cron *a, const struct cron *b)
{
    return a->minutes == b->minutes && a->hours == b->hours && a->days == b->days &&
           a->months == b->months && a->weekdays == b->weekdays && a->any_day == b->any_day &&
           a->any_weekday == b->any_weekday;
}

bool partition_same(const struct partitions *a, const struct partitions *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case PARTITION_STATIC:
        return same_keys(a, b);
    case PARTITION_DYNAMIC:
        return str_eq(a->set, b->set);
    case PARTITION_TIME:
        return same_cron(&a->cron, &b->cron) && str_eq(a->timezone, b->timezone) &&
               a->start.ns == b->start.ns && a->end.ns == b->end.ns &&
               a->end_offset == b->end_offset && str_eq(a->format, b->format);
    case PARTITION_NONE:
        break;
    }
    return true;
}

/* --- windows ---------------------------------------------------------------------------------- */

static void add_key(const struct partitions *p, int64_t number, struct buf *out)
{
    struct partition_window w;
    if (partition_time_window(p, number, &w)) {
        partition_time_write(p, w.start, out);
    }
}

/* Says why there is no such partition, and which is the nearest. */
static bool outside(const struct partitions *p, struct str key, const char *why, int64_t nearest,
                    struct err *err)
{
    char memory[KEY_ROOM];
    struct buf text = buf_fixed(memory, sizeof(memory));
    (void)err_set(err, ERR_NOT_FOUND, "\"" STR_FMT "\" is no partition: %s", STR_ARG(key), why);
    if (nearest >= 0) {
        add_key(p, nearest, &text);
        (void)err_hint(err, "the %s is " STR_FMT, nearest == 0 ? "first" : "last",
                       STR_ARG(buf_str(&text)));
    }
    return false;
}

/* The number of the window that the key names; it may still be open, or lie in the future. */
static bool find_window(const struct partitions *p, struct str key, struct partition_window *ret,
                        int64_t *ret_number, struct err *err)
{
    struct window_number number;
    struct window_number end = {.value = INT64_MAX};
    if (!partition_time_read(p, key, &ret->start, err)) {
        err->code = ERR_NOT_FOUND;
        return false;
    }
    if (!partition_time_number(p, ret->start, &number) ||
        !cron_next(&p->cron, p->tz, ret->start, &ret->end)) {
        return outside(p, key, "no window begins then", -1, err);
    }
    if (number.value < 0) {
        return outside(p, key, "it lies before all of them", 0, err);
    }
    if (p->end.ns != 0 && partition_time_number(p, p->end, &end) && number.value >= end.value) {
        return outside(p, key, "it lies behind all of them", end.value - 1, err);
    }
    *ret_number = number.value;
    return true;
}

bool partition_window(const struct partitions *p, struct str key, struct partition_window *ret,
                      struct err *err)
{
    struct partition_window w;
    int64_t number = 0;
    if (p->kind != PARTITION_TIME) {
        return err_set(err, ERR_INVALID, "partition " STR_FMT " is no window of time",
                       STR_ARG(key));
    }
    if (!find_window(p, key, &w, &number, err)) {
        return false;
    }
    *ret = w;
    return true;
}

static bool find_time(const struct partition_view *v, struct str key, size_t *ret_index,
                      struct err *err)
{
    struct partition_window w;
    int64_t number = 0;
    if (!find_window(v->of, key, &w, &number, err)) {
        return false;
    }
    int64_t count = partition_time_count(v->of, v->now);
    if (number >= count) {
        return outside(v->of, key,
                       w.end.ns > v->now.ns ? "its window is not over yet"
                                            : "it is held back by end_offset",
                       count - 1, err);
    }
    *ret_index = (size_t)number;
    return true;
}

/* --- keys that were written or added ---------------------------------------------------------- */

static struct partition_keys written_keys(const struct partition_view *v)
{
    if (v->of->kind == PARTITION_STATIC) {
        return (struct partition_keys){v->of->keys, v->of->key_count};
    }
    return v->of->kind == PARTITION_DYNAMIC && v->dynamic != NULL ? *v->dynamic
                                                                  : (struct partition_keys){0};
}

static void suggest_key(const struct partition_view *v, const struct partition_keys *keys,
                        struct str key, struct err *err)
{
    size_t nearest = keys->count;
    size_t distance = HINT_DISTANCE_MAX + 1;
    for (size_t i = 0; i < keys->count; i++) {
        size_t this = str_distance(key, keys->items[i]);
        if (this < distance) {
            distance = this;
            nearest = i;
        }
    }
    if (nearest < keys->count) {
        (void)err_hint(err, "did you mean \"" STR_FMT "\"?", STR_ARG(keys->items[nearest]));
    } else if (v->of->kind == PARTITION_DYNAMIC) {
        (void)err_hint(err, "selvedge-agent partitions add " STR_FMT " " STR_FMT,
                       STR_ARG(v->of->set), STR_ARG(key));
    } else if (keys->count > 0) {
        (void)err_hint(err, "there are %zu, from \"" STR_FMT "\" to \"" STR_FMT "\"", keys->count,
                       STR_ARG(keys->items[0]), STR_ARG(keys->items[keys->count - 1]));
    }
}

static bool find_written(const struct partition_view *v, struct str key, size_t *ret_index,
                         struct err *err)
{
    struct partition_keys keys = written_keys(v);
    for (size_t i = 0; i < keys.count; i++) {
        if (str_eq(keys.items[i], key)) {
            *ret_index = i;
            return true;
        }
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no partition \"" STR_FMT "\"", STR_ARG(key));
    suggest_key(v, &keys, key, err);
    return false;
}

/* --- any kind --------------------------------------------------------------------------------- */

size_t partition_count(const struct partition_view *v)
{
    if (v->of->kind == PARTITION_TIME) {
        return (size_t)partition_time_count(v->of, v->now);
    }
    return written_keys(v).count;
}

bool partition_key_at(const struct partition_view *v, size_t index, struct buf *out)
{
    if (index >= partition_count(v)) {
        return false;
    }
    if (v->of->kind == PARTITION_TIME) {
        add_key(v->of, (int64_t)index, out);
    } else {
        buf_add(out, written_keys(v).items[index]);
    }
    return !out->overflow;
}

bool partition_find(const struct partition_view *v, struct str key, size_t *ret_index,
                    struct err *err)
{
    switch (v->of->kind) {
    case PARTITION_TIME:
        return find_time(v, key, ret_index, err);
    case PARTITION_STATIC:
    case PARTITION_DYNAMIC:
        return find_written(v, key, ret_index, err);
    case PARTITION_NONE:
        break;
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no partition \"" STR_FMT "\"", STR_ARG(key));
    return err_hint(err, "the asset has no partitions");
}

/* Copies the keys of `count` windows from number `first` on. */
static bool copy_windows(const struct partitions *p, size_t first, size_t count,
                         struct arena *arena, struct str *keys)
{
    struct partition_window w;
    char memory[KEY_ROOM];
    if (count > 0 && !partition_time_window(p, (int64_t)first, &w)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct buf text = buf_fixed(memory, sizeof(memory));
        partition_time_write(p, w.start, &text);
        keys[i] = arena_copy(arena, buf_str(&text));
        if (keys[i].ptr == NULL || !cron_next(&p->cron, p->tz, w.start, &w.start)) {
            return false;
        }
    }
    return true;
}

static bool find_bounds(const struct partition_view *v, const struct partition_bounds *bounds,
                        size_t *ret_first, size_t *ret_count, struct err *err)
{
    size_t first = 0;
    size_t end = partition_count(v);
    if (bounds->first.len > 0 && !partition_find(v, bounds->first, &first, err)) {
        return false;
    }
    if (bounds->last.len > 0) {
        if (!partition_find(v, bounds->last, &end, err)) {
            return false;
        }
        end++;
    }
    if (bounds->last.len > 0 && end <= first) {
        return err_set(err, ERR_INVALID,
                       "the range ends with \"" STR_FMT "\", before its begin \"" STR_FMT "\"",
                       STR_ARG(bounds->last), STR_ARG(bounds->first));
    }
    if (end - first > PARTITIONS_MAX) {
        (void)err_set(err, ERR_FULL,
                      "%zu partitions are more than the %d that can be taken at once", end - first,
                      PARTITIONS_MAX);
        return err_hint(err, "name a shorter range");
    }
    *ret_first = first;
    *ret_count = end - first;
    return true;
}

bool partition_range(const struct partition_view *v, struct partition_bounds bounds,
                     struct arena *arena, struct partition_keys *ret, struct err *err)
{
    size_t first = 0;
    size_t count = 0;
    if (!find_bounds(v, &bounds, &first, &count, err)) {
        return false;
    }
    struct str *keys = arena_array(arena, count + 1, sizeof(*keys));
    if (keys == NULL) {
        return err_set(err, ERR_NO_MEMORY, "list the partitions: out of memory");
    }
    if (v->of->kind == PARTITION_TIME) {
        if (!copy_windows(v->of, first, count, arena, keys)) {
            return err_set(err, ERR_NO_MEMORY, "list the partitions: out of memory");
        }
    } else {
        const struct str *written = written_keys(v).items;
        for (size_t i = 0; written != NULL && i < count; i++) {
            keys[i] = written[first + i];
        }
    }
    *ret = (struct partition_keys){keys, count};
    return true;
}
