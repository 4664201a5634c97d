/* modbus_registers.h - which registers of a device a sample has, in how few requests they are read,
 * and what their words mean. Pure. Source: MODBUS Application Protocol Specification V1.1b3. */
#pragma once
#include "agent/el/schema.h"
#include "common/json/fields.h"

/* The four tables of a device, with the function codes 3, 4, 1 and 2. */
enum register_kind { REGISTER_HOLDING, REGISTER_INPUT, REGISTER_COIL, REGISTER_DISCRETE };
enum register_type {
    REGISTER_UINT16,
    REGISTER_INT16,
    REGISTER_UINT32,
    REGISTER_INT32,
    REGISTER_UINT64,
    REGISTER_INT64,
    REGISTER_FLOAT32,
    REGISTER_FLOAT64,
    REGISTER_BIT,
    REGISTER_STRING,
};
enum register_order { ORDER_BIG, ORDER_LITTLE };

enum { REGISTER_UNSET = -1, READ_WORDS_MAX = 125, READ_BITS_MAX = 2000 };

struct modbus_register {
    struct str name;
    int64_t address; /* as the protocol has it, from 0 */
    int kind;        /* enum register_kind */
    int type;        /* enum register_type; unset = by kind */
    int word_order;  /* enum register_order, of values of several words; unset = the device's */
    int byte_order;  /* the same, of the two bytes in a word */
    double scale;    /* value = raw * scale + offset */
    double offset;
    int64_t bit;    /* of a word; unset = it is a coil's or an input's */
    int64_t length; /* of a string, in words; unset for the others */
    int64_t unit;   /* unset = the device's */
};
/* Tables for the device's own options too. */
extern const struct field_table modbus_register_table;
extern const char *const register_order_names[];

/* What registers take from their device where they do not say it themselves. */
struct register_defaults {
    int64_t unit;
    int word_order;
    int byte_order;
};
/* Fills in what is unset. ERR_INVALID names the register that cannot be. */
MUST_CHECK bool registers_settle(struct modbus_register *registers, size_t count,
                                 const struct register_defaults *defaults, struct err *err);
/* "holding", "input", "coil", "discrete". */
const char *register_kind_name(int kind);
enum column_kind register_column(const struct modbus_register *r);

/* One request, and where its answer is in the words of a sample; a bit takes a word. */
struct register_read {
    int unit;
    int kind;
    int address;
    int count;
    size_t at;
};
struct register_plan {
    struct register_read *reads;
    size_t read_count;
    size_t *at; /* of each register: its first word */
    size_t word_count;
};
/* As few requests as the protocol allows, when up to `gap` registers between two wanted ones are
 * read too. A value is never split, so that no half of it is of another moment. */
MUST_CHECK bool registers_plan(const struct modbus_register *registers, size_t count, int64_t gap,
                               struct arena *arena, struct register_plan *ret, struct err *err);

/* The value in the words from `words` on. A number that is not finite is NULL; a string that is not
 * UTF-8 is a blob; both live in `arena`. False: no memory. */
MUST_CHECK bool register_decode(const struct modbus_register *r, const uint16_t *words,
                                struct arena *arena, struct value *ret);
