#include "agent/el/modbus_registers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 16, FLOAT_DIGITS_MAX = 9 };

enum column_kind register_column(const struct modbus_register *r)
{
    switch ((enum register_type)r->type) {
    case REGISTER_BIT:
        return COLUMN_BOOLEAN;
    case REGISTER_STRING:
        return COLUMN_TEXT;
    case REGISTER_FLOAT32:
    case REGISTER_FLOAT64:
        return COLUMN_REAL;
    case REGISTER_UINT16:
    case REGISTER_INT16:
    case REGISTER_UINT32:
    case REGISTER_INT32:
    case REGISTER_UINT64:
    case REGISTER_INT64:
    default:
        return register_is_scaled(r) ? COLUMN_REAL : COLUMN_INTEGER;
    }
}

/* --- requests -------------------------------------------------------------------------------- */

static int order_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

struct by_place {
    const struct modbus_register *r;
};

static int compare(const void *a, const void *b)
{
    const struct modbus_register *left = ((const struct by_place *)a)->r;
    const struct modbus_register *right = ((const struct by_place *)b)->r;
    int order = order_of(left->unit, right->unit);
    order = order == 0 ? order_of(left->kind, right->kind) : order;
    return order == 0 ? order_of(left->address, right->address) : order;
}

/* Makes the read longer so that it has the register too; false when it cannot have it. */
static bool join(struct register_read *read, const struct modbus_register *r, int64_t gap)
{
    int max = register_kind_is_bits(r->kind) ? READ_BITS_MAX : READ_WORDS_MAX;
    int end = (int)r->address + register_width(r);
    int there = read->address + read->count;
    int count = (end > there ? end : there) - read->address;
    if (read->unit != r->unit || read->kind != r->kind || r->address > there + gap || count > max) {
        return false;
    }
    read->count = count;
    return true;
}

bool registers_plan(const struct modbus_register *registers, size_t count, int64_t gap,
                    struct arena *arena, struct register_plan *ret, struct err *err)
{
    struct by_place *sorted = arena_array(arena, count, sizeof(*sorted));
    struct register_plan plan = {
        .reads = arena_array(arena, count, sizeof(*plan.reads)),
        .at = arena_array(arena, count, sizeof(*plan.at)),
    };
    if (sorted == NULL || plan.reads == NULL || plan.at == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for %zu registers", count);
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i].r = &registers[i];
    }
    qsort(sorted, count, sizeof(*sorted), compare);
    struct register_read *read = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct modbus_register *r = sorted[i].r;
        if (read == NULL || !join(read, r, gap)) {
            plan.word_count += read == NULL ? 0 : (size_t)read->count;
            read = &plan.reads[plan.read_count++];
            *read = (struct register_read){.unit = (int)r->unit,
                                           .kind = r->kind,
                                           .address = (int)r->address,
                                           .count = register_width(r),
                                           .at = plan.word_count};
        }
        plan.at[r - registers] = read->at + (size_t)(r->address - read->address);
    }
    plan.word_count += read == NULL ? 0 : (size_t)read->count;
    *ret = plan;
    return true;
}

/* --- values ---------------------------------------------------------------------------------- */

static uint16_t word_at(const struct modbus_register *r, const uint16_t *words, int i)
{
    uint16_t word = words[r->word_order == ORDER_LITTLE ? register_width(r) - 1 - i : i];
    return r->byte_order == ORDER_LITTLE ? (uint16_t)(word << 8 | word >> 8) : word;
}

static uint64_t raw_of(const struct modbus_register *r, const uint16_t *words)
{
    uint64_t raw = 0;
    for (int i = 0; i < register_width(r); i++) {
        raw = raw << WORD_BITS | word_at(r, words, i);
    }
    return raw;
}

/* The shortest decimal number that is this float: 21.3, where the nearest double to it would show
 * as 21.299999237060547. */
static double shortest(float f)
{
    double found = (double)f;
    for (int digits = 6; digits <= FLOAT_DIGITS_MAX; digits++) {
        char text[32];
        double d = 0;
        (void)snprintf(text, sizeof(text), "%.*g", digits, (double)f);
        if (str_to_double(str_from(text), &d) && !((float)d < f) && !((float)d > f)) {
            return d;
        }
    }
    return found;
}

static double float_of(const struct modbus_register *r, uint64_t raw)
{
    double value = 0;
    if (r->type == REGISTER_FLOAT64) {
        memcpy(&value, &raw, sizeof(value));
        return value;
    }
    uint32_t bits = (uint32_t)raw;
    float f = 0;
    memcpy(&f, &bits, sizeof(f));
    return isfinite(f) ? shortest(f) : (double)f;
}

static struct value real_value(const struct modbus_register *r, double raw)
{
    double real = register_is_scaled(r) ? raw * r->scale + r->offset : raw;
    return isfinite(real) ? (struct value){.type = VALUE_REAL, .as.real = real}
                          : (struct value){.type = VALUE_NULL};
}

/* The raw bits as the type's number of bits has them, with their sign. */
static int64_t signed_of(const struct modbus_register *r, uint64_t raw)
{
    int unused = 64 - WORD_BITS * register_width(r);
    return (int64_t)(raw << unused) >> unused;
}

static struct value integer_value(const struct modbus_register *r, uint64_t raw)
{
    bool is_signed =
        r->type == REGISTER_INT16 || r->type == REGISTER_INT32 || r->type == REGISTER_INT64;
    int64_t number = is_signed ? signed_of(r, raw) : (int64_t)raw;
    bool is_large = !is_signed && raw > INT64_MAX;
    if (register_is_scaled(r) || is_large) {
        return real_value(r, is_large ? (double)raw : (double)number);
    }
    return (struct value){.type = VALUE_INTEGER, .as.integer = number};
}

static bool decode_string(const struct modbus_register *r, const uint16_t *words,
                          struct arena *arena, struct value *ret)
{
    char *text = arena_alloc(arena, 2 * (size_t)r->length);
    size_t len = 0;
    if (text == NULL) {
        return false;
    }
    for (int i = 0; i < register_width(r); i++) {
        uint16_t word = word_at(r, words, i);
        const unsigned char bytes[2] = {(unsigned char)(word >> 8), (unsigned char)(word & 0xff)};
        memcpy(text + len, bytes, 2);
        len += 2;
    }
    const char *end = memchr(text, '\0', len);
    struct str s = {text, end == NULL ? len : (size_t)(end - text)};
    s = str_trim_end(s, ' ');
    *ret = (struct value){.type = str_is_utf8(s) ? VALUE_TEXT : VALUE_BLOB, .as.text = s};
    return true;
}

bool register_decode(const struct modbus_register *r, const uint16_t *words, struct arena *arena,
                     struct value *ret)
{
    switch ((enum register_type)r->type) {
    case REGISTER_STRING:
        return decode_string(r, words, arena, ret);
    case REGISTER_BIT: {
        bool is_coil = register_kind_is_bits(r->kind);
        int64_t bit = is_coil ? words[0] != 0 : word_at(r, words, 0) >> r->bit & 1;
        *ret = (struct value){.type = VALUE_INTEGER, .as.integer = bit};
        return true;
    }
    case REGISTER_FLOAT32:
    case REGISTER_FLOAT64:
        *ret = real_value(r, float_of(r, raw_of(r, words)));
        return true;
    case REGISTER_UINT16:
    case REGISTER_INT16:
    case REGISTER_UINT32:
    case REGISTER_INT32:
    case REGISTER_UINT64:
    case REGISTER_INT64:
    default:
        *ret = integer_value(r, raw_of(r, words));
        return true;
    }
}
