#include "agent/el/modbus_registers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESSES = 65536, UNIT_MAX = 247, UNIT_TCP = 255, WORD_BITS = 16, FLOAT_DIGITS_MAX = 9 };

static const char *const kind_names[] = {"holding", "input", "coil", "discrete", NULL};
static const char *const type_names[] = {"uint16", "int16",  "uint32",  "int32",
                                         "uint64", "int64",  "float32", "float64",
                                         "bit",    "string", NULL};
const char *const register_order_names[] = {"big", "little", NULL};

#define AT(member_) .offset = offsetof(struct modbus_register, member_)

static const struct field register_fields[] = {
    {.key = "name",
     .type = FIELD_STR,
     AT(name),
     .required = true,
     .help = "The column that holds its value."},
    {.key = "address",
     .type = FIELD_I64,
     AT(address),
     .required = true,
     .max = ADDRESSES - 1,
     .help = "As the protocol has it, from 0: a manual's 40101 is the holding register 100."},
    {.key = "kind",
     .type = FIELD_ENUM,
     AT(kind),
     .names = kind_names,
     .fallback = "holding",
     .help = "Which of the device's four tables it is in."},
    {.key = "type",
     .type = FIELD_ENUM,
     AT(type),
     .names = type_names,
     .help = "`uint16` when not given; of a coil or a discrete input `bit`."},
    {.key = "word_order",
     .type = FIELD_ENUM,
     AT(word_order),
     .names = register_order_names,
     .help = "`big`: the first of several words is the most significant one."},
    {.key = "byte_order",
     .type = FIELD_ENUM,
     AT(byte_order),
     .names = register_order_names,
     .help = "Of the two bytes in a word."},
    {.key = "scale",
     .type = FIELD_REAL,
     AT(scale),
     .fallback = "1",
     .help = "What is stored is the number times `scale` plus `offset`."},
    {.key = "offset", .type = FIELD_REAL, AT(offset), .fallback = "0"},
    {.key = "bit",
     .type = FIELD_I64,
     AT(bit),
     .max = WORD_BITS - 1,
     .help = "Type `bit` of a holding or input register: which, 0 is the lowest."},
    {.key = "length",
     .type = FIELD_I64,
     AT(length),
     .min = 1,
     .max = READ_WORDS_MAX,
     .help = "Type `string`: how many registers, each with two characters."},
    {.key = "unit",
     .type = FIELD_I64,
     AT(unit),
     .max = UNIT_TCP,
     .help = "The device's when not given."},
};
static const struct modbus_register register_start = {
    .type = REGISTER_UNSET,
    .word_order = REGISTER_UNSET,
    .byte_order = REGISTER_UNSET,
    .scale = 1,
    .bit = REGISTER_UNSET,
    .length = REGISTER_UNSET,
    .unit = REGISTER_UNSET,
};
const struct field_table modbus_register_table = {
    .name = "register",
    .size = sizeof(struct modbus_register),
    .fields = register_fields,
    .count = COUNT_OF(register_fields),
    .defaults = &register_start,
};

const char *register_kind_name(int kind)
{
    return kind_names[kind];
}

/* --- what makes sense ------------------------------------------------------------------------ */

static bool is_bit_kind(int kind)
{
    return kind == REGISTER_COIL || kind == REGISTER_DISCRETE;
}

static bool is_scaled(const struct modbus_register *r)
{
    return r->scale < 1 || r->scale > 1 || r->offset < 0 || r->offset > 0;
}

static int width_of(const struct modbus_register *r)
{
    switch ((enum register_type)r->type) {
    case REGISTER_UINT32:
    case REGISTER_INT32:
    case REGISTER_FLOAT32:
        return 2;
    case REGISTER_UINT64:
    case REGISTER_INT64:
    case REGISTER_FLOAT64:
        return 4;
    case REGISTER_STRING:
        return (int)r->length;
    case REGISTER_UINT16:
    case REGISTER_INT16:
    case REGISTER_BIT:
    default:
        return 1;
    }
}

/* The first reason why it cannot be, or NULL. */
static const char *why_not(const struct modbus_register *r)
{
    bool is_bit = r->type == REGISTER_BIT;
    bool is_string = r->type == REGISTER_STRING;
    if (is_bit_kind(r->kind) && !is_bit) {
        return "a coil or a discrete input has the type bit";
    }
    if (is_bit && !is_bit_kind(r->kind) && r->bit == REGISTER_UNSET) {
        return "\"bit\" is missing: which of the register's 16";
    }
    if (r->bit != REGISTER_UNSET && (!is_bit || is_bit_kind(r->kind))) {
        return "\"bit\" is of the type bit in a holding or input register";
    }
    if (is_string != (r->length != REGISTER_UNSET)) {
        return is_string ? "\"length\" is missing: how many registers"
                         : "\"length\" is of the type string";
    }
    if ((is_bit || is_string) && is_scaled(r)) {
        return "only a number has \"scale\" and \"offset\"";
    }
    if (!(r->scale < 0 || r->scale > 0)) {
        return "\"scale\" is 0";
    }
    if (r->address + width_of(r) > ADDRESSES) {
        return "it ends behind the last address, 65535";
    }
    if (r->unit > UNIT_MAX && r->unit != UNIT_TCP) {
        return "\"unit\" is 0 to 247, or 255";
    }
    return NULL;
}

static void settle(struct modbus_register *r, const struct register_defaults *defaults)
{
    if (r->type == REGISTER_UNSET) {
        r->type = is_bit_kind(r->kind) ? REGISTER_BIT : REGISTER_UINT16;
    }
    if (r->word_order == REGISTER_UNSET) {
        r->word_order = defaults->word_order;
    }
    if (r->byte_order == REGISTER_UNSET) {
        r->byte_order = defaults->byte_order;
    }
    if (r->unit == REGISTER_UNSET) {
        r->unit = defaults->unit;
    }
}

bool registers_settle(struct modbus_register *registers, size_t count,
                      const struct register_defaults *defaults, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct modbus_register *r = &registers[i];
        settle(r, defaults);
        const char *reason = why_not(r);
        if (reason != NULL) {
            return err_set(err, ERR_INVALID, "register \"" STR_FMT "\": %s", STR_ARG(r->name),
                           reason);
        }
    }
    return true;
}

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
        return is_scaled(r) ? COLUMN_REAL : COLUMN_INTEGER;
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
    int max = is_bit_kind(r->kind) ? READ_BITS_MAX : READ_WORDS_MAX;
    int end = (int)r->address + width_of(r);
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
                                           .count = width_of(r),
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
    uint16_t word = words[r->word_order == ORDER_LITTLE ? width_of(r) - 1 - i : i];
    return r->byte_order == ORDER_LITTLE ? (uint16_t)(word << 8 | word >> 8) : word;
}

static uint64_t raw_of(const struct modbus_register *r, const uint16_t *words)
{
    uint64_t raw = 0;
    for (int i = 0; i < width_of(r); i++) {
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
    double real = is_scaled(r) ? raw * r->scale + r->offset : raw;
    return isfinite(real) ? (struct value){.type = VALUE_REAL, .as.real = real}
                          : (struct value){.type = VALUE_NULL};
}

/* The raw bits as the type's number of bits has them, with their sign. */
static int64_t signed_of(const struct modbus_register *r, uint64_t raw)
{
    int unused = 64 - WORD_BITS * width_of(r);
    return (int64_t)(raw << unused) >> unused;
}

static struct value integer_value(const struct modbus_register *r, uint64_t raw)
{
    bool is_signed =
        r->type == REGISTER_INT16 || r->type == REGISTER_INT32 || r->type == REGISTER_INT64;
    int64_t number = is_signed ? signed_of(r, raw) : (int64_t)raw;
    bool is_large = !is_signed && raw > INT64_MAX;
    if (is_scaled(r) || is_large) {
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
    for (int i = 0; i < width_of(r); i++) {
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
        bool is_coil = is_bit_kind(r->kind);
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
