#include "common/model/partition_map.h"

#include "common/base/strmap.h"
#include "common/model/partition_time.h"

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "map partitions: out of memory");
}

static bool map_all(const struct partition_view *to, struct arena *arena,
                    struct partition_mapped *ret, struct err *err)
{
    ret->is_whole = true;
    return partition_range(to, (struct partition_bounds){STR_NONE, STR_NONE}, arena, &ret->keys,
                           err);
}

/* --- windows ---------------------------------------------------------------------------------- */

static bool key_of(const struct partition_view *v, int64_t number, struct arena *arena,
                   struct str *ret, struct err *err)
{
    char memory[PARTITION_KEY_BYTES_MAX + 1];
    struct buf key = buf_fixed(memory, sizeof(memory));
    struct partition_window w;
    if (!partition_time_window(v->of, number, &w)) {
        return err_set(err, ERR_INTERNAL, "map partitions: window %lld is missing",
                       (long long)number);
    }
    partition_time_write(v->of, w.start, &key);
    *ret = arena_copy(arena, buf_str(&key));
    return ret->ptr != NULL || no_memory(err);
}

/* The windows from number `first` to `last`, as far as they exist. */
static bool list_windows(const struct partition_view *to, int64_t first, int64_t last,
                         struct arena *arena, struct partition_mapped *ret, struct err *err)
{
    int64_t count = partition_time_count(to->of, to->now);
    *ret = (struct partition_mapped){.is_whole = first >= 0 && last < count};
    first = first < 0 ? 0 : first;
    last = last < count ? last : count - 1;
    struct partition_bounds bounds = {0};
    if (last < first) {
        return true;
    }
    return key_of(to, first, arena, &bounds.first, err) &&
           key_of(to, last, arena, &bounds.last, err) &&
           partition_range(to, bounds, arena, &ret->keys, err);
}

static bool map_windows(const struct partition_view *from, const struct partition_bounds *bounds,
                        const struct partition_view *to, struct arena *arena,
                        struct partition_mapped *ret, struct err *err)
{
    struct partition_window first;
    struct partition_window last;
    struct window_number begin;
    struct window_number end;
    if (!partition_window(from->of, bounds->first, &first, err) ||
        !partition_window(from->of, bounds->last, &last, err)) {
        return false;
    }
    if (!partition_time_number(to->of, first.start, &begin) ||
        !partition_time_number(to->of, (struct wall_time){last.end.ns - 1}, &end)) {
        *ret = (struct partition_mapped){.is_whole = false};
        return true;
    }
    return list_windows(to, begin.value, end.value, arena, ret, err);
}

/* --- the same keys ---------------------------------------------------------------------------- */

static bool map_same_keys(const struct partition_view *from, struct partition_bounds bounds,
                          const struct partition_view *to, struct arena *arena,
                          struct partition_mapped *ret, struct err *err)
{
    struct partition_keys keys = {&bounds.first, 1};
    struct partition_keys others;
    if (!str_eq(bounds.first, bounds.last) && !partition_range(from, bounds, arena, &keys, err)) {
        return false;
    }
    if (!partition_range(to, (struct partition_bounds){STR_NONE, STR_NONE}, arena, &others, err)) {
        return false;
    }
    struct strmap known = strmap_new(arena);
    struct str *found = arena_array(arena, keys.count, sizeof(*found));
    for (size_t i = 0; i < others.count; i++) {
        if (!strmap_put(&known, others.items[i], (uint32_t)i)) {
            return no_memory(err);
        }
    }
    if (found == NULL) {
        return no_memory(err);
    }
    size_t count = 0;
    for (size_t i = 0; i < keys.count; i++) {
        uint32_t at = 0;
        if (strmap_get(&known, keys.items[i], &at)) {
            found[count++] = others.items[at];
        }
    }
    *ret = (struct partition_mapped){{found, count}, count == keys.count};
    return true;
}

bool partition_map(const struct partition_view *from, struct partition_bounds bounds,
                   const struct partition_view *to, struct arena *arena,
                   struct partition_mapped *ret, struct err *err)
{
    struct partition_mapped mapped = {.is_whole = true};
    bool ok = true;
    if (to->of->kind != PARTITION_NONE && from->of->kind == PARTITION_NONE) {
        ok = map_all(to, arena, &mapped, err);
    } else if (to->of->kind == PARTITION_TIME && from->of->kind == PARTITION_TIME) {
        ok = map_windows(from, &bounds, to, arena, &mapped, err);
    } else if (to->of->kind != PARTITION_NONE) {
        ok = map_same_keys(from, bounds, to, arena, &mapped, err);
    }
    if (ok) {
        *ret = mapped;
    }
    return ok;
}
