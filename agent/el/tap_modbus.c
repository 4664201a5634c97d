/* Tap modbus: registers of a device, one row a sample, one column a register. A row has all of its
 * values or is not given; registers that lie side by side are of one moment, those of different
 * requests a few milliseconds apart. */
#include "agent/el/connectors.h"
#include "agent/el/modbus_link.h"
#include "agent/el/pace.h"

enum { SAMPLE_ARENA_BYTES = 1 << 20 };

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
    if (!modbus_check(o, t->context->mode, err) || !make_schema(t, err) ||
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

/* What it would give, without asking anybody. */
static bool modbus_tap_discover(const struct tap_context *context, const struct found_taker *taker,
                                struct err *err)
{
    struct tap_modbus t = {.context = context};
    const struct modbus_options *o = context->options;
    t.registers = o->registers.items;
    t.count = o->registers.count;
    if (!make_schema(&t, err)) {
        return false;
    }
    const struct found_stream found = {
        .name = t.stream.name, .schema = t.stream.schema, .key = t.stream.key, .row_count = -1};
    return taker->take(taker->ctx, &found, err);
}

const struct tap_ops tap_modbus = {
    .type = "modbus",
    .options = &tap_modbus_options,
    .open = modbus_tap_open,
    .next = modbus_tap_next,
    .state = modbus_tap_state,
    .close = modbus_tap_close,
    .discover = modbus_tap_discover,
    .choose = discovery_choose_samples,
};
