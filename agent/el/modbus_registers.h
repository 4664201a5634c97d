/* modbus_registers.h - which registers of a device a sample has, in how few requests they are read,
 * and what their words mean. Pure. Source: MODBUS Application Protocol Specification V1.1b3. */
#pragma once
#include "agent/connectors/modbus_options.h"
#include "agent/el/schema.h"

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
