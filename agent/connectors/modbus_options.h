/* modbus_options.h - a device that speaks Modbus, and which of its registers a sample has. Pure.
 * Source: MODBUS Application Protocol Specification V1.1b3. */
#pragma once
#include "agent/connectors/pace_options.h"

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
bool register_kind_is_bits(int kind); /* a coil's or a discrete input's */
bool register_is_scaled(const struct modbus_register *r);
int register_width(const struct modbus_register *r); /* in words */

enum modbus_parity { PARITY_NONE, PARITY_EVEN, PARITY_ODD };

struct modbus_link_options {
    struct str host; /* TCP; empty = a serial line */
    int64_t port;
    struct str device; /* RTU: "/dev/ttyUSB0" */
    int64_t baud;
    int parity;
    int64_t stop_bits;
    int64_t timeout; /* ns: of a connection, and of an answer */
    int64_t retries; /* after the first try, with a pause that doubles */
};

struct modbus_options {
    struct str type;
    struct pace_options pace;
    struct modbus_link_options link;
    struct register_defaults defaults;
    int64_t gap;
    struct object_list registers; /* of struct modbus_register */
};

/* ERR_INVALID: no way to the device, or two; a pace or registers that cannot be. Settles them. */
MUST_CHECK bool modbus_check(const void *options, enum load_mode mode, struct err *err);
MUST_CHECK bool modbus_check_connection(const void *options, struct err *err);
extern const struct field_table tap_modbus_options; /* of struct modbus_options */
