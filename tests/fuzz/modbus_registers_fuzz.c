/* modbus_registers_fuzz.c - any register over any words: what cannot be is refused, and each value is of its
 * column's kind. */
#include "agent/el/modbus_registers.h"
#include <assert.h>
#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER_BYTES = 12 };

static void check_value(const struct modbus_register *r, const struct value *v)
{
    switch (v->type) {
    case VALUE_INTEGER:
        assert(register_column(r) == COLUMN_INTEGER || v->as.integer == 0 || v->as.integer == 1);
        break;
    case VALUE_REAL:
        assert(isfinite(v->as.real));
        assert(register_column(r) == COLUMN_REAL || r->type == REGISTER_UINT64);
        break;
    case VALUE_TEXT:
    case VALUE_BLOB:
        assert(r->type == REGISTER_STRING && v->as.text.len <= 2 * (size_t)r->length);
        assert(memchr(v->as.text.ptr, '\0', v->as.text.len) == NULL);
        break;
    case VALUE_NULL:
    default:
        assert(r->type == REGISTER_FLOAT32 || r->type == REGISTER_FLOAT64 ||
               register_column(r) == COLUMN_REAL);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEADER_BYTES) {
        return 0;
    }
    uint16_t words[READ_WORDS_MAX] = {0};
    size_t bytes = size - HEADER_BYTES;
    memcpy(words, data + HEADER_BYTES, bytes < sizeof(words) ? bytes : sizeof(words));
    const struct register_defaults defaults = {.unit = 1};
    struct modbus_register r = {
        .name = STR("r"),
        .address = data[0] << 8 | data[1],
        .kind = data[2] % 4,
        .type = data[3] % 11 - 1,
        .word_order = data[4] % 3 - 1,
        .byte_order = data[5] % 3 - 1,
        .bit = data[6] % 17 - 1,
        .length =
            data[7] % (READ_WORDS_MAX + 1) == 0 ? REGISTER_UNSET : data[7] % (READ_WORDS_MAX + 1),
        .unit = data[8] - 1,
    };
    r.scale = (double)(data[9] - 128) / 4;
    r.offset = (double)(data[10] % 3);
    struct err err = {0};
    if (!registers_settle(&r, 1, &defaults, &err)) {
        assert(err.code == ERR_INVALID && err.msg[0] != '\0');
        return 0;
    }
    AUTO(arena) arena = arena_new(1 << 16);
    struct register_plan plan;
    assert(registers_plan(&r, 1, data[11], &arena, &plan, &err));
    assert(plan.read_count == 1 && plan.at[0] == 0 && plan.word_count <= READ_WORDS_MAX);
    assert(plan.reads[0].address + plan.reads[0].count <= 65536);
    struct value value;
    assert(register_decode(&r, words, &arena, &value));
    check_value(&r, &value);
    return 0;
}
