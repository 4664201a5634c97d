/* partition_fuzz.c - "CRON|FORMAT|KEY": a key that is taken is the only text of its partition, and
 * its window holds its start. Berlin's clock changes twice a year. */
#include "common/model/partition_map.h"
#include "tests/unit/tzif_fixture.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct tz *berlin(void)
{
    static struct arena arena;
    static const struct tz *zone;
    if (zone == NULL) {
        arena = arena_new(1 << 20);
        zone = tzif_zone(&arena, "CET-1CEST,M3.5.0,M10.5.0/3");
    }
    return zone;
}

static void check_key(const struct partition_view *v, struct str key)
{
    char memory[PARTITION_KEY_BYTES_MAX + 1];
    struct buf same = buf_fixed(memory, sizeof(memory));
    struct partition_window window;
    struct err err = {0};
    size_t index = 0;
    if (!partition_find(v, key, &index, &err)) {
        return;
    }
    if (!partition_key_at(v, index, &same) || !str_eq(buf_str(&same), key) ||
        !partition_window(v->of, key, &window, &err) || window.start.ns >= window.end.ns) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = {(const char *)bytes, size};
    struct str cron = STR_NONE;
    struct err err = {0};
    struct str key = STR_NONE;
    struct partitions p = {.kind = PARTITION_TIME,
                           .tz = berlin(),
                           .timezone = STR("Europe/Berlin"),
                           .start = {INT64_C(1704063600) * NS_PER_SEC}};
    if (!str_cut(text, '|', &cron, &text) || !str_cut(text, '|', &p.format, &key)) {
        return 0;
    }
    p.cron_text = cron;
    if (cron_parse(cron, &p.cron, &err) && partition_check(&p, &err)) {
        struct partition_view v = {.of = &p, .now = {INT64_C(1764284400) * NS_PER_SEC}};
        check_key(&v, key);
    }
    return 0;
}
