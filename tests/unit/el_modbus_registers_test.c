/* el_modbus_registers_test.c - agent/el/modbus_registers.h: words computed by hand, and requests. */
#include "agent/el/modbus_registers.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static const struct register_defaults usual = {.unit = 1};
static const struct modbus_register plain = {.name = STR_INIT("r"),
                                             .type = REGISTER_UNSET,
                                             .word_order = REGISTER_UNSET,
                                             .byte_order = REGISTER_UNSET,
                                             .scale = 1,
                                             .bit = REGISTER_UNSET,
                                             .length = REGISTER_UNSET,
                                             .unit = REGISTER_UNSET};

static struct modbus_register of_type(int type)
{
    struct modbus_register r = plain;
    struct err err;
    r.type = type;
    r.bit = type == REGISTER_BIT ? 0 : REGISTER_UNSET;
    r.length = type == REGISTER_STRING ? 4 : REGISTER_UNSET;
    assert_true(registers_settle(&r, 1, &usual, &err));
    return r;
}

static struct value decode(const struct modbus_register *r, const uint16_t *words)
{
    struct arena arena = arena_new(4096);
    struct value value;
    assert_true(register_decode(r, words, &arena, &value));
    arena_release(&arena);
    return value;
}

static void integers(void **state)
{
    (void)state;
    static const struct {
        int type;
        uint16_t words[4];
        int64_t value;
    } rows[] = {
        {REGISTER_UINT16, {0xffff}, 65535},
        {REGISTER_INT16, {0xffff}, -1},
        {REGISTER_INT16, {0x8000}, -32768},
        {REGISTER_INT16, {0x7fff}, 32767},
        {REGISTER_UINT32, {0x0001, 0x0002}, 65538},
        {REGISTER_UINT32, {0xffff, 0xffff}, 4294967295},
        {REGISTER_INT32, {0xffff, 0xfffe}, -2},
        {REGISTER_INT32, {0x8000, 0x0000}, -2147483648},
        {REGISTER_UINT64, {0x0000, 0x0001, 0x0000, 0x0000}, 4294967296},
        {REGISTER_UINT64, {0x7fff, 0xffff, 0xffff, 0xffff}, INT64_MAX},
        {REGISTER_INT64, {0xffff, 0xffff, 0xffff, 0xfff6}, -10},
        {REGISTER_INT64, {0x8000, 0x0000, 0x0000, 0x0000}, INT64_MIN},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct modbus_register r = of_type(rows[i].type);
        struct value v = decode(&r, rows[i].words);
        assert_int_equal(register_column(&r), COLUMN_INTEGER);
        if (v.type != VALUE_INTEGER || v.as.integer != rows[i].value) {
            fail_msg("row %zu is %lld", i, (long long)v.as.integer);
        }
    }
}

static void is_real(struct value v, double real)
{
    assert_int_equal(v.type, VALUE_REAL);
    if (v.as.real < real || v.as.real > real) {
        fail_msg("%.17g, not %.17g", v.as.real, real);
    }
}

static void floats(void **state)
{
    (void)state;
    struct modbus_register f = of_type(REGISTER_FLOAT32);
    struct modbus_register d = of_type(REGISTER_FLOAT64);
    assert_int_equal(register_column(&f), COLUMN_REAL);
    is_real(decode(&f, (const uint16_t[]){0x4048, 0xf5c3}), 3.14);
    is_real(decode(&f, (const uint16_t[]){0x41aa, 0x6666}), 21.3);
    is_real(decode(&f, (const uint16_t[]){0xc2f6, 0xe979}), -123.456);
    is_real(decode(&f, (const uint16_t[]){0x4b7f, 0xffff}), 16777215);
    is_real(decode(&f, (const uint16_t[]){0x0000, 0x0000}), 0);
    is_real(decode(&f, (const uint16_t[]){0x7f7f, 0xffff}), 3.4028235e38);
    is_real(decode(&f, (const uint16_t[]){0x0000, 0x0001}), 1.40130e-45);
    is_real(decode(&d, (const uint16_t[]){0x4009, 0x21fb, 0x5444, 0x2d18}), 3.141592653589793);
    is_real(decode(&d, (const uint16_t[]){0xbff0, 0, 0, 0}), -1);
    /* not a number, and infinite */
    assert_int_equal(decode(&f, (const uint16_t[]){0x7fc0, 0x0000}).type, VALUE_NULL);
    assert_int_equal(decode(&f, (const uint16_t[]){0xff80, 0x0000}).type, VALUE_NULL);
    assert_int_equal(decode(&d, (const uint16_t[]){0x7ff8, 0, 0, 1}).type, VALUE_NULL);
    f.scale = 1e300;
    assert_int_equal(decode(&f, (const uint16_t[]){0x7f7f, 0xffff}).type, VALUE_NULL);
}

static void orders(void **state)
{
    (void)state;
    /* 0x0A0B0C0D in the four ways that devices send it */
    static const struct {
        int word_order, byte_order;
        uint16_t words[2];
    } rows[] = {
        {ORDER_BIG, ORDER_BIG, {0x0a0b, 0x0c0d}},
        {ORDER_LITTLE, ORDER_BIG, {0x0c0d, 0x0a0b}},
        {ORDER_BIG, ORDER_LITTLE, {0x0b0a, 0x0d0c}},
        {ORDER_LITTLE, ORDER_LITTLE, {0x0d0c, 0x0b0a}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct modbus_register r = of_type(REGISTER_UINT32);
        r.word_order = rows[i].word_order;
        r.byte_order = rows[i].byte_order;
        assert_int_equal(decode(&r, rows[i].words).as.integer, 0x0a0b0c0d);
    }
    struct modbus_register wide = of_type(REGISTER_UINT64);
    wide.word_order = ORDER_LITTLE;
    assert_int_equal(decode(&wide, (const uint16_t[]){4, 3, 2, 1}).as.integer, 0x0001000200030004);
    struct modbus_register narrow = of_type(REGISTER_INT16);
    narrow.byte_order = ORDER_LITTLE;
    assert_int_equal(decode(&narrow, (const uint16_t[]){0xfeff}).as.integer, -2);
}

static void scaled(void **state)
{
    (void)state;
    struct modbus_register r = of_type(REGISTER_INT16);
    r.scale = 0.5;
    r.offset = -40;
    assert_int_equal(register_column(&r), COLUMN_REAL);
    is_real(decode(&r, (const uint16_t[]){0xfff6}), -45);
    struct modbus_register big = of_type(REGISTER_UINT64);
    is_real(decode(&big, (const uint16_t[]){0xffff, 0xffff, 0xffff, 0xffff}),
            18446744073709551616.0);
    struct modbus_register only_offset = of_type(REGISTER_UINT16);
    only_offset.offset = 0.25;
    is_real(decode(&only_offset, (const uint16_t[]){7}), 7.25);
}

static void bits(void **state)
{
    (void)state;
    struct modbus_register r = of_type(REGISTER_BIT);
    assert_int_equal(register_column(&r), COLUMN_BOOLEAN);
    r.bit = 15;
    assert_int_equal(decode(&r, (const uint16_t[]){0x8000}).as.integer, 1);
    assert_int_equal(decode(&r, (const uint16_t[]){0x7fff}).as.integer, 0);
    r.byte_order = ORDER_LITTLE;
    assert_int_equal(decode(&r, (const uint16_t[]){0x0080}).as.integer, 1);
    struct modbus_register coil = plain;
    struct err err;
    coil.kind = REGISTER_COIL;
    assert_true(registers_settle(&coil, 1, &usual, &err));
    assert_int_equal(coil.type, REGISTER_BIT);
    assert_int_equal(decode(&coil, (const uint16_t[]){1}).as.integer, 1);
    assert_int_equal(decode(&coil, (const uint16_t[]){0}).as.integer, 0);
}

static void is_text(const struct modbus_register *r, const uint16_t *words, const char *text)
{
    struct arena arena = arena_new(4096);
    struct value v;
    assert_true(register_decode(r, words, &arena, &v));
    assert_int_equal(v.type, VALUE_TEXT);
    assert_true(str_eq(v.as.text, str_from(text)));
    arena_release(&arena);
}

static void strings(void **state)
{
    (void)state;
    struct modbus_register r = of_type(REGISTER_STRING);
    assert_int_equal(register_column(&r), COLUMN_TEXT);
    is_text(&r, (const uint16_t[]){0x4142, 0x4344, 0x4546, 0x4748}, "ABCDEFGH");
    is_text(&r, (const uint16_t[]){0x4142, 0x4300, 0x4546, 0x4748}, "ABC");
    is_text(&r, (const uint16_t[]){0x2041, 0x2042, 0x2020, 0x2000}, " A B");
    is_text(&r, (const uint16_t[]){0, 0, 0, 0}, "");
    is_text(&r, (const uint16_t[]){0xc2b0, 0x4300, 0, 0},
            "\xc2\xb0"
            "C");
    r.byte_order = ORDER_LITTLE;
    is_text(&r, (const uint16_t[]){0x4241, 0x0043, 0, 0}, "ABC");
    r.word_order = ORDER_LITTLE;
    is_text(&r, (const uint16_t[]){0, 0, 0x4443, 0x4241}, "ABCD");
    struct arena arena = arena_new(4096);
    struct value v;
    r = of_type(REGISTER_STRING);
    assert_true(register_decode(&r, (const uint16_t[]){0xff41, 0, 0, 0}, &arena, &v));
    assert_int_equal(v.type, VALUE_BLOB);
    assert_int_equal(v.as.text.len, 2);
    arena_release(&arena);
    arena = arena_new(0);
    assert_false(register_decode(&r, (const uint16_t[]){0, 0, 0, 0}, &arena, &v));
    arena_release(&arena);
}

static void is_refused(struct modbus_register r, const char *why)
{
    struct err err = {0};
    if (registers_settle(&r, 1, &usual, &err)) {
        fail_msg("\"%s\" is not found", why);
    }
    assert_int_equal(err.code, ERR_INVALID);
    if (strstr(err.msg, why) == NULL || strstr(err.msg, "register \"r\": ") == NULL) {
        fail_msg("\"%s\", not \"%s\"", err.msg, why);
    }
}

static void registers_that_cannot_be(void **state)
{
    (void)state;
    struct modbus_register r = plain;
    r.kind = REGISTER_DISCRETE;
    r.type = REGISTER_UINT16;
    is_refused(r, "has the type bit");
    r = plain;
    r.type = REGISTER_BIT;
    is_refused(r, "\"bit\" is missing");
    r = plain;
    r.bit = 3;
    is_refused(r, "\"bit\" is of the type bit");
    r = plain;
    r.kind = REGISTER_COIL;
    r.bit = 3;
    is_refused(r, "\"bit\" is of the type bit");
    r = plain;
    r.type = REGISTER_STRING;
    is_refused(r, "\"length\" is missing");
    r = plain;
    r.length = 2;
    is_refused(r, "\"length\" is of the type string");
    r = plain;
    r.kind = REGISTER_COIL;
    r.scale = 2;
    is_refused(r, "only a number");
    r = plain;
    r.scale = 0;
    is_refused(r, "\"scale\" is 0");
    r = plain;
    r.type = REGISTER_FLOAT64;
    r.address = 65533;
    is_refused(r, "65535");
    r = plain;
    r.unit = 248;
    is_refused(r, "247");
}

/* --- requests -------------------------------------------------------------------------------- */

struct place {
    int unit, kind, type, address, length;
};
struct expected {
    int unit, kind, address, count;
};

static void is_planned(const struct place *places, size_t count, int64_t gap,
                       const struct expected *expected, size_t expected_count)
{
    struct arena arena = arena_new(1 << 20);
    struct modbus_register registers[300];
    struct register_plan plan;
    struct err err;
    for (size_t i = 0; i < count; i++) {
        registers[i] = plain;
        registers[i].unit = places[i].unit;
        registers[i].kind = places[i].kind;
        registers[i].type = places[i].type;
        registers[i].address = places[i].address;
        registers[i].length = places[i].length > 0 ? places[i].length : REGISTER_UNSET;
    }
    assert_true(registers_settle(registers, count, &usual, &err));
    assert_true(registers_plan(registers, count, gap, &arena, &plan, &err));
    assert_int_equal(plan.read_count, expected_count);
    size_t words = 0;
    for (size_t i = 0; i < expected_count; i++) {
        const struct register_read *read = &plan.reads[i];
        assert_int_equal(read->unit, expected[i].unit);
        assert_int_equal(read->kind, expected[i].kind);
        assert_int_equal(read->address, expected[i].address);
        assert_int_equal(read->count, expected[i].count);
        assert_int_equal(read->at, words);
        words += (size_t)read->count;
    }
    assert_int_equal(plan.word_count, words);
    /* each register lies where a read of its own table has its address */
    for (size_t i = 0; i < count; i++) {
        bool is_found = false;
        for (size_t k = 0; k < plan.read_count; k++) {
            const struct register_read *read = &plan.reads[k];
            is_found = is_found ||
                       (read->unit == places[i].unit && read->kind == places[i].kind &&
                        plan.at[i] >= read->at && plan.at[i] < read->at + (size_t)read->count &&
                        read->address + (int)(plan.at[i] - read->at) == places[i].address);
        }
        assert_true(is_found);
    }
    arena_release(&arena);
}

#define H REGISTER_HOLDING
#define IS_PLANNED(places_, gap_, expected_)                                                       \
    is_planned(places_, COUNT_OF(places_), gap_, expected_, COUNT_OF(expected_))

static void neighbours_are_one_request(void **state)
{
    (void)state;
    /* in any order, with one that lies over another */
    const struct place places[] = {{1, H, REGISTER_UINT16, 104, 0},
                                   {1, H, REGISTER_FLOAT32, 100, 0},
                                   {1, H, REGISTER_UINT32, 102, 0},
                                   {1, H, REGISTER_UINT64, 100, 0}};
    const struct expected one[] = {{1, H, 100, 5}};
    IS_PLANNED(places, 0, one);
}

static void a_gap_is_read_over_when_it_may(void **state)
{
    (void)state;
    const struct place places[] = {{1, H, REGISTER_UINT16, 10, 0}, {1, H, REGISTER_UINT16, 14, 0}};
    const struct expected two[] = {{1, H, 10, 1}, {1, H, 14, 1}};
    const struct expected one[] = {{1, H, 10, 5}};
    IS_PLANNED(places, 0, two);
    IS_PLANNED(places, 2, two);
    IS_PLANNED(places, 3, one);
}

static void tables_and_units_apart(void **state)
{
    (void)state;
    const struct place places[] = {{2, H, REGISTER_UINT16, 1, 0},
                                   {1, REGISTER_DISCRETE, REGISTER_BIT, 1, 0},
                                   {1, REGISTER_INPUT, REGISTER_UINT16, 1, 0},
                                   {1, H, REGISTER_UINT16, 0, 0},
                                   {1, REGISTER_COIL, REGISTER_BIT, 0, 0}};
    const struct expected all[] = {{1, H, 0, 1},
                                   {1, REGISTER_INPUT, 1, 1},
                                   {1, REGISTER_COIL, 0, 1},
                                   {1, REGISTER_DISCRETE, 1, 1},
                                   {2, H, 1, 1}};
    IS_PLANNED(places, 100, all);
}

static void no_request_is_longer_than_the_protocol_has_it(void **state)
{
    (void)state;
    struct place places[300];
    for (int i = 0; i < 300; i++) {
        places[i] = (struct place){1, H, REGISTER_UINT16, i, 0};
    }
    const struct expected three[] = {{1, H, 0, 125}, {1, H, 125, 125}, {1, H, 250, 50}};
    IS_PLANNED(places, 0, three);
    /* 124 words, then a value of two that must not be cut */
    const struct place cut[] = {{1, H, REGISTER_STRING, 0, 124}, {1, H, REGISTER_UINT32, 124, 0}};
    const struct expected whole[] = {{1, H, 0, 124}, {1, H, 124, 2}};
    IS_PLANNED(cut, 0, whole);
    const struct place coils[] = {{1, REGISTER_COIL, REGISTER_BIT, 0, 0},
                                  {1, REGISTER_COIL, REGISTER_BIT, 1999, 0},
                                  {1, REGISTER_COIL, REGISTER_BIT, 2000, 0}};
    const struct expected two[] = {{1, REGISTER_COIL, 0, 2000}, {1, REGISTER_COIL, 2000, 1}};
    IS_PLANNED(coils, 2000, two);
}

static void the_last_address(void **state)
{
    (void)state;
    const struct place places[] = {{1, H, REGISTER_UINT16, 65535, 0},
                                   {1, H, REGISTER_UINT32, 65533, 0}};
    const struct expected one[] = {{1, H, 65533, 3}};
    IS_PLANNED(places, 0, one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(floats),
        cmocka_unit_test(orders),
        cmocka_unit_test(scaled),
        cmocka_unit_test(bits),
        cmocka_unit_test(strings),
        cmocka_unit_test(registers_that_cannot_be),
        cmocka_unit_test(neighbours_are_one_request),
        cmocka_unit_test(a_gap_is_read_over_when_it_may),
        cmocka_unit_test(tables_and_units_apart),
        cmocka_unit_test(no_request_is_longer_than_the_protocol_has_it),
        cmocka_unit_test(the_last_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
