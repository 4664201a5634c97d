/* Tap modbus: registers of a device, one row a sample, one column a register. A row has all of its
 * values or is not given; registers that lie side by side are of one moment, those of different
 * requests a few milliseconds apart. */
#include "agent/el/connectors.h"
#include "agent/el/modbus_link.h"
#include "agent/el/pace.h"
#include "common/base/limits.h"

enum {
    PORT_DEFAULT = 502,
    BAUD_DEFAULT = 19200,
    PORT_MAX = 65535,
    UNIT_MAX = 255,
    RETRIES_MAX = 100
};
enum { SAMPLE_ARENA_BYTES = 1 << 20 };
#define TIMEOUT_DEFAULT_NS NS_PER_SEC

static const char *const parity_names[] = {"none", "even", "odd", NULL};

struct modbus_options {
    struct str type;
    struct pace_options pace;
    struct modbus_link_options link;
    struct register_defaults defaults;
    int64_t gap;
    struct object_list registers; /* of struct modbus_register */
};

#define AT(member_) .offset = offsetof(struct modbus_options, member_)

static const struct field modbus_fields[] = {
    {.key = "type", .type = FIELD_STR, AT(type), .required = true},
    PACE_OPTION_FIELDS(modbus_options, pace),
    {.key = "host", .type = FIELD_STR, AT(link.host), .help = "Modbus/TCP: name or address."},
    {.key = "port", .type = FIELD_I64, AT(link.port), .min = 1, .max = PORT_MAX, .fallback = "502"},
    {.key = "device",
     .type = FIELD_STR,
     AT(link.device),
     .help = "Modbus RTU: the serial line, such as `/dev/ttyUSB0`."},
    {.key = "baud",
     .type = FIELD_I64,
     AT(link.baud),
     .min = 50,
     .max = 4000000,
     .fallback = "19200"},
    {.key = "parity",
     .type = FIELD_ENUM,
     AT(link.parity),
     .names = parity_names,
     .fallback = "even"},
    {.key = "stop_bits",
     .type = FIELD_I64,
     AT(link.stop_bits),
     .min = 1,
     .max = 2,
     .fallback = "1"},
    {.key = "unit",
     .type = FIELD_I64,
     AT(defaults.unit),
     .max = UNIT_MAX,
     .fallback = "1",
     .help = "The device on a serial line, or behind a gateway."},
    {.key = "timeout",
     .type = FIELD_DURATION,
     AT(link.timeout),
     .min = NS_PER_MS,
     .max = 60 * NS_PER_SEC,
     .fallback = "1s",
     .help = "How long to wait for a connection, and for an answer."},
    {.key = "retries",
     .type = FIELD_I64,
     AT(link.retries),
     .max = RETRIES_MAX,
     .fallback = "2",
     .help = "How often a request is tried again before the step fails."},
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
     .fallback = "big"},
    {.key = "byte_order",
     .type = FIELD_ENUM,
     AT(defaults.byte_order),
     .names = register_order_names,
     .fallback = "big"},
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
static const struct field_table modbus_table = {
    .name = "tap",
    .size = sizeof(struct modbus_options),
    .fields = modbus_fields,
    .count = COUNT_OF(modbus_fields),
    .defaults = &modbus_defaults,
};

struct tap_modbus {
    struct tap base;
    const struct tap_context *context;
    struct stream stream;
    struct clock clock;
    struct pace pace;
    struct modbus_register *registers;
    size_t count;
    struct register_plan plan;
    struct modbus_link *link;
    uint16_t *words;    /* of one sample */
    struct arena arena; /* of its strings */
    struct value *row;  /* the time, then the registers */
    char time[WALL_TEXT_SIZE];
};

static struct tap_modbus *modbus_of(struct tap *tap)
{
    return (struct tap_modbus *)(void *)tap;
}

static bool take_sample(struct tap_modbus *t, struct err *err)
{
    (void)wall_format(clock_wall(&t->clock), t->time);
    for (size_t i = 0; i < t->plan.read_count; i++) {
        const struct register_read *read = &t->plan.reads[i];
        if (!modbus_link_read(t->link, read, t->words + read->at, err)) {
            return false;
        }
    }
    arena_reset(&t->arena);
    t->row[0] = (struct value){.type = VALUE_TEXT, .as.text = str_from(t->time)};
    for (size_t i = 0; i < t->count; i++) {
        if (!register_decode(&t->registers[i], t->words + t->plan.at[i], &t->arena,
                             &t->row[i + 1])) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a sample");
        }
    }
    t->base.rows_read++;
    t->base.bytes_read += (int64_t)(t->plan.word_count * sizeof(uint16_t));
    return true;
}

static bool modbus_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    struct tap_modbus *t = modbus_of(tap);
    if (pace_is_over(&t->pace)) {
        *ret = TAP_END;
        return true;
    }
    if (!pace_sleep_until_due(&t->pace, &t->clock, t->context->idle_ns)) {
        *ret = TAP_IDLE;
        return true;
    }
    *ret = TAP_ROW;
    if (!take_sample(t, err)) {
        if (err->code == ERR_CANCELLED || tap->rows_read == 0) {
            return false;
        }
        tap->failure = *err;
        *ret = TAP_END;
        return true;
    }
    pace_taken(&t->pace, clock_mono(&t->clock));
    return true;
}

/* Nothing is remembered from one run to the next. */
static bool modbus_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    (void)tap;
    (void)out;
    (void)err;
    return true;
}

static void modbus_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        struct tap_modbus *t = modbus_of(tap);
        modbus_link_close(t->link);
        arena_release(&t->arena);
    }
}

static bool check_options(const struct modbus_options *o, struct err *err)
{
    if ((o->link.host.len > 0) == (o->link.device.len > 0)) {
        err_set(err, ERR_INVALID, "%s",
                o->link.host.len > 0 ? "\"host\" and \"device\" are two ways to a device"
                                     : "\"host\" is missing, or \"device\"");
        return err_hint(err, "\"host\" for Modbus/TCP, \"device\" for a serial line");
    }
    return pace_check(&o->pace, err);
}

static bool make_schema(struct tap_modbus *t, struct err *err)
{
    t->stream.name = STR("modbus");
    t->stream.schema = schema_new(t->context->arena);
    if (!schema_add(&t->stream.schema, &(struct column){.name = STR("time"), .kind = COLUMN_TEXT},
                    err)) {
        return false;
    }
    for (size_t i = 0; i < t->count; i++) {
        const struct modbus_register *r = &t->registers[i];
        const struct column column = {.name = r->name, .kind = register_column(r)};
        if (!schema_add(&t->stream.schema, &column, err)) {
            return err_wrap(err, "registers");
        }
    }
    return true;
}

static bool prepare(struct tap_modbus *t, const struct modbus_options *o, struct err *err)
{
    struct arena *arena = t->context->arena;
    t->registers = o->registers.items;
    t->count = o->registers.count;
    if (!check_options(o, err) || !registers_settle(t->registers, t->count, &o->defaults, err) ||
        !make_schema(t, err) ||
        !registers_plan(t->registers, t->count, o->gap, arena, &t->plan, err)) {
        return false;
    }
    t->words = arena_array(arena, t->plan.word_count, sizeof(*t->words));
    t->row = arena_array(arena, t->count + 1, sizeof(*t->row));
    if (t->words == NULL || t->row == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a sample");
    }
    return modbus_link_open(&t->link, &o->link, arena, err);
}

static bool modbus_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    const struct modbus_options *o = context->options;
    struct tap_modbus *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->clock = clock_system();
    t->arena = arena_new(SAMPLE_ARENA_BYTES);
    if (!prepare(t, o, err)) {
        modbus_tap_close(&t->base);
        return false;
    }
    t->base = (struct tap){.ops = &tap_modbus, .stream = &t->stream, .row = t->row};
    t->pace = pace_begin(&o->pace, clock_mono(&t->clock));
    *ret = &t->base;
    return true;
}

const struct tap_ops tap_modbus = {
    .type = "modbus",
    .options = &modbus_table,
    .open = modbus_tap_open,
    .next = modbus_tap_next,
    .state = modbus_tap_state,
    .close = modbus_tap_close,
};
