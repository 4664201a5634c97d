#include "tests/unit/partition_fixture.h"

#include "tests/support/cmocka_all.h"
#include "tests/unit/tzif_fixture.h"
#include <string.h>

enum { KEYS_SHOWN_MAX = 16 };

struct wall_time partition_instant(const char *text)
{
    struct wall_time t;
    assert_true(wall_parse(str_from(text), &t));
    return t;
}

struct partitions partition_windows_of(struct arena *arena, const char *cron, const char *zone,
                                       const char *start, const char *format)
{
    struct err err = {0};
    struct partitions p = {.kind = PARTITION_TIME,
                           .cron_text = str_from(cron),
                           .timezone = str_from(zone),
                           .tz = tzif_real_zone(arena, zone),
                           .format = format == NULL ? STR("%Y-%m-%d") : str_from(format)};
    assert_true(cron_parse(p.cron_text, &p.cron, &err));
    int64_t local = partition_instant(start).ns / NS_PER_SEC;
    p.start.ns = tz_from_local(p.tz, local).first * NS_PER_SEC;
    if (!partition_check(&p, &err)) {
        fail_msg("%s %s: %s", cron, zone, err.msg);
    }
    return p;
}

static void assert_key(const struct partition_view *v, size_t index, const char *expected)
{
    char memory[PARTITION_KEY_BYTES_MAX + 1];
    struct buf key = buf_fixed(memory, sizeof(memory));
    struct err err = {0};
    size_t found = 0;
    assert_true(partition_key_at(v, index, &key));
    assert_string_equal(buf_cstr(&key), expected);
    if (!partition_find(v, str_from(expected), &found, &err)) {
        fail_msg("%s: %s", expected, err.msg);
    }
    assert_int_equal(found, index);
}

void assert_last_keys(const struct partitions *p, const char *now, const char *const *expected)
{
    struct partition_view v = {.of = p, .now = partition_instant(now)};
    size_t shown = 0;
    while (expected[shown] != NULL) {
        assert_true(++shown <= KEYS_SHOWN_MAX);
    }
    size_t count = partition_count(&v);
    assert_true(count >= shown);
    for (size_t i = 0; i < shown; i++) {
        assert_key(&v, count - shown + i, expected[i]);
    }
    char memory[PARTITION_KEY_BYTES_MAX + 1];
    struct buf none = buf_fixed(memory, sizeof(memory));
    assert_false(partition_key_at(&v, count, &none));
}

void assert_window(const struct partitions *p, const char *key, const char *start, const char *end)
{
    struct partition_window w;
    struct err err = {0};
    if (!partition_window(p, str_from(key), &w, &err)) {
        fail_msg("%s: %s", key, err.msg);
    }
    assert_int_equal(w.start.ns, partition_instant(start).ns);
    assert_int_equal(w.end.ns, partition_instant(end).ns);
}
