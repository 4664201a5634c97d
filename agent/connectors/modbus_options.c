#include "agent/connectors/modbus_options.h"

#include "agent/connectors/connector.h"
#include "common/base/limits.h"

enum {
    ADDRESSES = 65536,
    UNIT_MAX = 247,
    UNIT_TCP = 255,
    WORD_BITS = 16,
    PORT_DEFAULT = 502,
    BAUD_DEFAULT = 19200,
    PORT_MAX = 65535,
    RETRIES_MAX = 100
};
#define TIMEOUT_DEFAULT_NS NS_PER_SEC

static const char *const kind_names[] = {"holding", "input", "coil", "discrete", NULL};
static const char *const type_names[] = {"uint16", "int16",  "uint32",  "int32",
                                         "uint64", "int64",  "float32", "float64",
                                         "bit",    "string", NULL};
const char *const register_order_names[] = {"big", "little", NULL};

/* --- a register ------------------------------------------------------------------------------ */

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

bool register_kind_is_bits(int kind)
{
    return kind == REGISTER_COIL || kind == REGISTER_DISCRETE;
}

bool register_is_scaled(const struct modbus_register *r)
{
    return r->scale < 1 || r->scale > 1 || r->offset < 0 || r->offset > 0;
}

int register_width(const struct modbus_register *r)
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
    if (register_kind_is_bits(r->kind) && !is_bit) {
        return "a coil or a discrete input has the type bit";
    }
    if (is_bit && !register_kind_is_bits(r->kind) && r->bit == REGISTER_UNSET) {
        return "\"bit\" is missing: which of the register's 16";
    }
    if (r->bit != REGISTER_UNSET && (!is_bit || register_kind_is_bits(r->kind))) {
        return "\"bit\" is of the type bit in a holding or input register";
    }
    if (is_string != (r->length != REGISTER_UNSET)) {
        return is_string ? "\"length\" is missing: how many registers"
                         : "\"length\" is of the type string";
    }
    if ((is_bit || is_string) && register_is_scaled(r)) {
        return "only a number has \"scale\" and \"offset\"";
    }
    if (!(r->scale < 0 || r->scale > 0)) {
        return "\"scale\" is 0";
    }
    if (r->address + register_width(r) > ADDRESSES) {
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
        r->type = register_kind_is_bits(r->kind) ? REGISTER_BIT : REGISTER_UINT16;
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

/* --- a device -------------------------------------------------------------------------------- */

static const char *const parity_names[] = {"none", "even", "odd", NULL};

#undef AT
#define AT(member_) .offset = offsetof(struct modbus_options, member_)

static const struct field modbus_fields[] = {
    {.key = "type", .type = FIELD_STR, AT(type), .required = true},
    PACE_OPTION_FIELDS(modbus_options, pace),
    {.key = "host",
     .type = FIELD_STR,
     AT(link.host),
     .help = "Modbus/TCP: name or address.",
     .marks = OPTION_CONNECTION},
    {.key = "port",
     .type = FIELD_I64,
     AT(link.port),
     .min = 1,
     .max = PORT_MAX,
     .fallback = "502",
     .marks = OPTION_CONNECTION},
    {.key = "device",
     .type = FIELD_STR,
     AT(link.device),
     .help = "Modbus RTU: the serial line, such as `/dev/ttyUSB0`.",
     .marks = OPTION_CONNECTION},
    {.key = "baud",
     .type = FIELD_I64,
     AT(link.baud),
     .min = 50,
     .max = 4000000,
     .fallback = "19200",
     .marks = OPTION_CONNECTION},
    {.key = "parity",
     .type = FIELD_ENUM,
     AT(link.parity),
     .names = parity_names,
     .fallback = "even",
     .marks = OPTION_CONNECTION},
    {.key = "stop_bits",
     .type = FIELD_I64,
     AT(link.stop_bits),
     .min = 1,
     .max = 2,
     .fallback = "1",
     .marks = OPTION_CONNECTION},
    {.key = "unit",
     .type = FIELD_I64,
     AT(defaults.unit),
     .max = UNIT_TCP,
     .fallback = "1",
     .help = "The device on a serial line, or behind a gateway.",
     .marks = OPTION_CONNECTION},
    {.key = "timeout",
     .type = FIELD_DURATION,
     AT(link.timeout),
     .min = NS_PER_MS,
     .max = 60 * NS_PER_SEC,
     .fallback = "1s",
     .help = "How long to wait for a connection, and for an answer.",
     .marks = OPTION_CONNECTION},
    {.key = "retries",
     .type = FIELD_I64,
     AT(link.retries),
     .max = RETRIES_MAX,
     .fallback = "2",
     .help = "How often a request is tried again before the step fails.",
     .marks = OPTION_CONNECTION},
    {.key = "gap",
     .type = FIELD_I64,
     AT(gap),
     .max = READ_BITS_MAX,
     .fallback = "0",
     .help = "How many registers that nobody asked for may be read to save a request."},
    {.key = "word_order",
     .type = FIELD_ENUM,
     AT(defaults.word_order),
     .names = register_order_names,
     .fallback = "big",
     .marks = OPTION_CONNECTION},
    {.key = "byte_order",
     .type = FIELD_ENUM,
     AT(defaults.byte_order),
     .names = register_order_names,
     .fallback = "big",
     .marks = OPTION_CONNECTION},
    {.key = "registers",
     .type = FIELD_OBJECT_LIST,
     AT(registers),
     .required = true,
     .min = 1,
     .max = LIMIT_COLUMNS - 1,
     .object = &modbus_register_table},
};
static const struct modbus_options modbus_defaults = {
    .link = {.port = PORT_DEFAULT,
             .baud = BAUD_DEFAULT,
             .parity = PARITY_EVEN,
             .stop_bits = 1,
             .timeout = TIMEOUT_DEFAULT_NS,
             .retries = 2},
    .defaults = {.unit = 1},
};
const struct field_table tap_modbus_options = {
    .name = "tap",
    .size = sizeof(struct modbus_options),
    .fields = modbus_fields,
    .count = COUNT_OF(modbus_fields),
    .defaults = &modbus_defaults,
};

bool modbus_check_connection(const void *options, struct err *err)
{
    const struct modbus_link_options *link = &((const struct modbus_options *)options)->link;
    if ((link->host.len > 0) != (link->device.len > 0)) {
        return true;
    }
    err_set(err, ERR_INVALID, "%s",
            link->host.len > 0 ? "\"host\" and \"device\" are two ways to a device"
                               : "\"host\" is missing, or \"device\"");
    return err_hint(err, "\"host\" for Modbus/TCP, \"device\" for a serial line");
}

bool modbus_check(const void *options, enum load_mode mode, struct err *err)
{
    const struct modbus_options *o = options;
    (void)mode;
    return modbus_check_connection(o, err) && pace_check(&o->pace, err) &&
           registers_settle(o->registers.items, o->registers.count, &o->defaults, err);
}
