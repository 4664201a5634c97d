/* Tap system: what this host says of itself. DESIGN: one row a measurement (time, name, label,
 * value, unit), not one column: every host gives the same table, whatever disks and sensors it
 * has, a fleet's rows go together, and a chart is `WHERE name = 'cpu_used'`. */
#include "agent/connectors/system_options.h"
#include "agent/el/connectors.h"
#include "agent/el/pace.h"
#include "agent/el/system_sample.h"
#include "common/log/log.h"
#include "common/platform/clock.h"

enum { SAMPLE_ARENA_BYTES = 4 << 20 };
#define CPU_WINDOW_NS NS_PER_SEC /* of the first sample, at most */

enum row_column { ROW_TIME, ROW_NAME, ROW_LABEL, ROW_VALUE, ROW_UNIT, ROW_COLUMNS };

struct tap_system {
    struct tap base;
    const struct tap_context *context;
    const struct system_options *options;
    struct stream stream;
    struct clock clock;
    struct pace pace;
    struct cpu_ticks ticks;
    struct arena arena; /* of one sample */
    struct sample sample;
    size_t given; /* measurements of the sample that were rows already */
    struct value row[ROW_COLUMNS];
    char time[WALL_TEXT_SIZE];
};

static struct tap_system *system_of(struct tap *tap)
{
    return (struct tap_system *)(void *)tap;
}

static bool has_group(const struct tap_system *t, enum system_group group)
{
    const struct str_list *groups = &t->options->groups;
    for (size_t i = 0; i < groups->count; i++) {
        if (str_eq(groups->items[i], str_from(system_group_names[group])) ||
            str_eq(groups->items[i], str_from(system_group_names[GROUP_ALL]))) {
            return true;
        }
    }
    return groups->count == 0;
}

static void take_sample(struct tap_system *t)
{
    struct sample *s = &t->sample;
    arena_reset(&t->arena);
    s->count = t->given = 0;
    (void)wall_format(clock_wall(&t->clock), t->time);
    if (has_group(t, GROUP_CPU)) {
        sample_cpu(s, &t->ticks, clock_mono(&t->clock));
    }
    if (has_group(t, GROUP_MEMORY)) {
        sample_memory(s);
    }
    if (has_group(t, GROUP_DISK)) {
        sample_filesystems(s);
        sample_disks(s);
    }
    if (has_group(t, GROUP_TEMPERATURE)) {
        sample_temperatures(s);
    }
    if (has_group(t, GROUP_NETWORK)) {
        sample_network(s);
    }
    if (has_group(t, GROUP_WEAR)) {
        sample_wear(s);
    }
    if (has_group(t, GROUP_CLOCK)) {
        sample_clock(s, clock_is_synced());
    }
}

static struct value text_value(struct str text)
{
    return (struct value){.type = VALUE_TEXT, .as.text = text};
}

static void give_row(struct tap_system *t)
{
    const struct measurement *m = &t->sample.measurements[t->given++];
    t->row[ROW_TIME] = text_value(str_from(t->time));
    t->row[ROW_NAME] = text_value(str_from(m->name));
    t->row[ROW_LABEL] = text_value(m->label);
    t->row[ROW_VALUE] = (struct value){.type = VALUE_REAL, .as.real = m->value};
    t->row[ROW_UNIT] = text_value(str_from(m->unit));
    t->base.rows_read++;
    for (size_t i = 0; i < ROW_COLUMNS; i++) {
        bool is_text = t->row[i].type == VALUE_TEXT;
        t->base.bytes_read += (int64_t)(is_text ? t->row[i].as.text.len : sizeof(double));
    }
}

static bool system_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    (void)err; /* what cannot be read is left out */
    struct tap_system *t = system_of(tap);
    for (;;) {
        if (t->given < t->sample.count) {
            give_row(t);
            *ret = TAP_ROW;
            return true;
        }
        if (pace_is_over(&t->pace)) {
            *ret = TAP_END;
            return true;
        }
        if (!pace_sleep_until_due(&t->pace, &t->clock, t->context->idle_ns)) {
            *ret = TAP_IDLE;
            return true;
        }
        take_sample(t);
        pace_taken(&t->pace, clock_mono(&t->clock));
    }
}

/* Nothing is remembered from one run to the next. */
static bool system_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    (void)tap;
    (void)out;
    (void)err;
    return true;
}

static void system_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        struct tap_system *t = system_of(tap);
        if (t->sample.left_out > 0) {
            LOG(WARN, "el.measurements_left_out", F_I("count", (int64_t)t->sample.left_out));
        }
        sample_release(&t->sample);
        arena_release(&t->arena);
    }
}

static bool make_schema(struct tap_system *t, struct err *err)
{
    static const struct column columns[ROW_COLUMNS] = {
        [ROW_TIME] = {.name = STR_INIT("time"), .kind = COLUMN_TEXT},
        [ROW_NAME] = {.name = STR_INIT("name"), .kind = COLUMN_TEXT},
        [ROW_LABEL] = {.name = STR_INIT("label"), .kind = COLUMN_TEXT},
        [ROW_VALUE] = {.name = STR_INIT("value"), .kind = COLUMN_REAL},
        [ROW_UNIT] = {.name = STR_INIT("unit"), .kind = COLUMN_TEXT},
    };
    static struct str key[] = {STR_INIT("time"), STR_INIT("name"), STR_INIT("label")};
    t->stream.name = STR("system");
    t->stream.key = (struct str_list){key, COUNT_OF(key)};
    t->stream.schema = schema_new(t->context->arena);
    for (size_t i = 0; i < ROW_COLUMNS; i++) {
        if (!schema_add(&t->stream.schema, &columns[i], err)) {
            return false;
        }
    }
    return true;
}

/* The processor's shares are of a time: the first sample waits for one. */
static void begin(struct tap_system *t)
{
    struct mono_time now = clock_mono(&t->clock);
    struct mono_time start = now;
    if (has_group(t, GROUP_CPU)) {
        int64_t every = t->options->pace.every;
        start.ns += every > 0 && every < CPU_WINDOW_NS ? every : CPU_WINDOW_NS;
        sample_cpu(&t->sample, &t->ticks, now);
        t->sample.count = 0;
    }
    t->pace = pace_begin(&t->options->pace, start);
}

static bool system_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    const struct system_options *o = context->options;
    const char *proc = NULL;
    const char *sys = NULL;
    struct tap_system *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->options = o;
    t->clock = clock_system();
    t->arena = arena_new(SAMPLE_ARENA_BYTES);
    t->base = (struct tap){.ops = &tap_system, .stream = &t->stream, .row = t->row};
    bool ok = pace_check(&o->pace, err) && options_path(o->proc, context->arena, &proc, err) &&
              options_path(o->sys, context->arena, &sys, err) && make_schema(t, err);
    if (ok && !sample_init(&t->sample, proc, sys, context->arena, &t->arena)) {
        ok = err_set(err, ERR_NO_MEMORY, "no memory for a sample");
    }
    if (!ok) {
        system_tap_close(&t->base);
        return false;
    }
    begin(t);
    *ret = &t->base;
    return true;
}

/* What it would give, without asking anybody. */
static bool system_tap_discover(const struct tap_context *context, const struct found_taker *taker,
                                struct err *err)
{
    struct tap_system t = {.context = context};
    if (!make_schema(&t, err)) {
        return false;
    }
    const struct found_stream found = {
        .name = t.stream.name, .schema = t.stream.schema, .key = t.stream.key, .row_count = -1};
    return taker->take(taker->ctx, &found, err);
}

const struct tap_ops tap_system = {
    .type = "system",
    .options = &tap_system_options,
    .open = system_tap_open,
    .next = system_tap_next,
    .state = system_tap_state,
    .close = system_tap_close,
    .discover = system_tap_discover,
    .choose = discovery_choose_samples,
};
