/* partition_keys.c - answers what our partitions are, for comparing with Dagster's. Each line of
 * stdin holds fields with tabs between, instants in seconds since 1970; a definition is the six
 * CRON ZONE START END OFFSET FORMAT (END 0: open). Each line of stdout the answer, with tabs, or
 * "error: ...":
 *   keys NOW definition              all keys
 *   window KEY definition            start, end
 *   has KEY NOW definition           1 or 0
 *   map KEY NOW definition definition    1 when whole, then the keys of the second definition
 *   key KEY                          1 when it may be a key of static partitions, or 0 */
#include "common/model/partition_map.h"
#include "tests/interop/zones.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES_MAX = 1024, FIELDS_MAX = 16, DEFINITION_FIELDS = 6 };

static bool take_instant(struct str text, struct wall_time *ret, struct err *err)
{
    int64_t seconds = 0;
    if (!str_to_i64(text, -(INT64_C(1) << 33), INT64_C(1) << 33, &seconds)) {
        return err_set(err, ERR_INVALID, "no instant: " STR_FMT, STR_ARG(text));
    }
    ret->ns = seconds * NS_PER_SEC;
    return true;
}

static bool take_definition(const struct str *fields, struct arena *zone_arena,
                            struct partitions *ret, struct err *err)
{
    *ret = (struct partitions){
        .kind = PARTITION_TIME, .cron_text = fields[0], .timezone = fields[1], .format = fields[5]};
    return cron_parse(fields[0], &ret->cron, err) &&
           zones_load(fields[1], zone_arena, &ret->tz, err) &&
           take_instant(fields[2], &ret->start, err) && take_instant(fields[3], &ret->end, err) &&
           (str_to_i64(fields[4], -1000, 1000, &ret->end_offset) ||
            err_set(err, ERR_INVALID, "no offset")) &&
           partition_check(ret, err);
}

static void print_keys(const struct partition_keys *keys, const char *before)
{
    for (size_t i = 0; i < keys->count; i++) {
        printf("%s" STR_FMT, i > 0 ? "\t" : before, STR_ARG(keys->items[i]));
    }
    printf("\n");
}

static bool answer_keys(const struct str *fields, struct arena *zone_arena, struct arena *arena,
                        struct err *err)
{
    struct partitions p;
    struct partition_view v = {.of = &p};
    struct partition_keys keys;
    if (!take_instant(fields[1], &v.now, err) ||
        !take_definition(fields + 2, zone_arena, &p, err) ||
        !partition_range(&v, (struct partition_bounds){0}, arena, &keys, err)) {
        return false;
    }
    print_keys(&keys, "");
    return true;
}

static bool answer_window(const struct str *fields, struct arena *zone_arena, struct err *err)
{
    struct partitions p;
    struct partition_window w;
    if (!take_definition(fields + 2, zone_arena, &p, err) ||
        !partition_window(&p, fields[1], &w, err)) {
        return false;
    }
    printf("%" PRId64 "\t%" PRId64 "\n", w.start.ns / NS_PER_SEC, w.end.ns / NS_PER_SEC);
    return true;
}

static bool answer_has(const struct str *fields, struct arena *zone_arena, struct err *err)
{
    struct partitions p;
    struct partition_view v = {.of = &p};
    size_t index = 0;
    if (!take_instant(fields[2], &v.now, err) ||
        !take_definition(fields + 3, zone_arena, &p, err)) {
        return false;
    }
    printf("%d\n", partition_find(&v, fields[1], &index, err) ? 1 : 0);
    return true;
}

static bool answer_map(const struct str *fields, struct arena *zone_arena, struct arena *arena,
                       struct err *err)
{
    struct partitions from;
    struct partitions to;
    struct partition_view a = {.of = &from};
    struct partition_view b = {.of = &to};
    struct partition_mapped mapped;
    if (!take_instant(fields[2], &a.now, err) ||
        !take_definition(fields + 3, zone_arena, &from, err) ||
        !take_definition(fields + 3 + DEFINITION_FIELDS, zone_arena, &to, err)) {
        return false;
    }
    b.now = a.now;
    if (!partition_map(&a, (struct partition_bounds){fields[1], fields[1]}, &b, arena, &mapped,
                       err)) {
        return false;
    }
    printf("%d", mapped.is_whole ? 1 : 0);
    print_keys(&mapped.keys, "\t");
    return true;
}

static bool answer(struct str line, struct arena *zone_arena, struct arena *arena, struct err *err)
{
    struct str fields[FIELDS_MAX] = {{0}};
    size_t count = 0;
    struct str rest = line;
    bool more = true;
    while (more && count < FIELDS_MAX) {
        struct str tail = STR_NONE;
        more = str_cut(rest, '\t', &fields[count++], &tail);
        rest = tail;
    }
    if (str_eq(fields[0], STR("keys")) && count == 2 + DEFINITION_FIELDS) {
        return answer_keys(fields, zone_arena, arena, err);
    }
    if (str_eq(fields[0], STR("window")) && count == 2 + DEFINITION_FIELDS) {
        return answer_window(fields, zone_arena, err);
    }
    if (str_eq(fields[0], STR("has")) && count == 3 + DEFINITION_FIELDS) {
        return answer_has(fields, zone_arena, err);
    }
    if (str_eq(fields[0], STR("key")) && count == 2) {
        printf("%d\n", partition_key_check(fields[1], err) ? 1 : 0);
        return true;
    }
    if (str_eq(fields[0], STR("map")) && count == 3 + 2 * DEFINITION_FIELDS) {
        return answer_map(fields, zone_arena, arena, err);
    }
    return err_set(err, ERR_INVALID, "not a question");
}

int main(void)
{
    AUTO(arena) zone_arena = arena_new(8 << 20);
    AUTO(arena) arena = arena_new(32 << 20);
    char line[LINE_BYTES_MAX];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct err err = {0};
        struct str text = {line, strcspn(line, "\n")};
        if (!answer(text, &zone_arena, &arena, &err)) {
            printf("error: %s\n", err.msg);
        }
        (void)fflush(stdout);
        arena_reset(&arena);
    }
    return 0;
}
