#include "tests/unit/tzif_fixture.h"

#include "tests/support/cmocka_all.h"
#include <stdio.h>

static void add_be(struct buf *out, int64_t value, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--) {
        buf_add_char(out, (char)(unsigned char)((uint64_t)value >> (8 * (i - 1)) & 0xFF));
    }
}

static void add_header(struct buf *out, size_t changes, size_t types)
{
    buf_add_text(out, "TZif2");
    for (size_t i = 0; i < 15; i++) {
        buf_add_char(out, '\0');
    }
    const size_t counts[] = {0, 0, 0, changes, types, types > 0 ? 4 : 0};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        add_be(out, (int64_t)counts[i], 4);
    }
}

static void add_type(struct buf *out, int32_t offset)
{
    add_be(out, offset, 4);
    add_be(out, 0, 2);
}

void tzif_write(struct buf *out, int32_t first_offset, const struct tzif_change *changes,
                size_t count, const char *rule)
{
    add_header(out, 0, 0);
    add_header(out, count, count + 1);
    for (size_t i = 0; i < count; i++) {
        add_be(out, changes[i].at, 8);
    }
    for (size_t i = 0; i < count; i++) {
        add_be(out, (int64_t)i + 1, 1);
    }
    add_type(out, first_offset);
    for (size_t i = 0; i < count; i++) {
        add_type(out, changes[i].offset);
    }
    buf_add(out, (struct str){"XXX\0", 4});
    buf_addf(out, "\n%s\n", rule);
}

static const struct tz *parse(struct arena *arena, struct str bytes)
{
    struct tz *tz = NULL;
    struct err err = {0};
    if (!tz_parse(bytes, arena, &tz, &err)) {
        print_error("%s\n", err.msg);
        fail();
    }
    return tz;
}

const struct tz *tzif_zone(struct arena *arena, const char *rule)
{
    char memory[512];
    struct buf bytes = buf_fixed(memory, sizeof(memory));
    tzif_write(&bytes, 0, NULL, 0, rule);
    assert_false(bytes.overflow);
    return parse(arena, buf_str(&bytes));
}

const struct tz *tzif_real_zone(struct arena *arena, const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "tests/fuzz/corpus/tz/%s", name);
    static char bytes[TZ_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    return parse(arena, (struct str){bytes, len});
}
