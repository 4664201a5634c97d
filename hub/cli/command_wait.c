#include "hub/cli/command_wait.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/loop.h"
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    NAMED_MAX = 20,   /* up to so many devices, each has a line when it is done */
    GROUPS_MAX = 200, /* outcomes that differ, in the summary */
    NAMES_SHOWN = 3,
    GROUPS_ARENA_BYTES = 4 << 20,
    LINE_BYTES_MAX = 64 << 10,
    REASON_BYTES_MAX = 1024,
    PLAIN_EVERY_S = 5, /* a line of counts, where there is no terminal */
};
#define LOOK_EVERY_NS (250 * NS_PER_MS)

/* --- how one fares ---------------------------------------------------------------------------- */

enum cli_tone fate_tone(enum order_fate fate)
{
    if (fate == FATE_SUCCEEDED) {
        return CLI_GOOD;
    }
    if (fate == FATE_FAILED || fate == FATE_REFUSED) {
        return CLI_BAD;
    }
    return order_fate_is_over(fate) ? CLI_WARN : CLI_PLAIN;
}

/* --- the summary ------------------------------------------------------------------------------ */

struct group {
    enum order_fate fate;
    struct str why;
    int64_t count;
    struct str names[NAMES_SHOWN];
};
struct grouping {
    struct cli *cli;
    struct arena arena;
    struct group *groups;
    size_t count;
    const struct order_view *order;
    struct wall_time now;
    struct fate_counts counts;
    struct buf text;
};

static struct group *group_of(struct grouping *g, enum order_fate fate, struct str why)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->groups[i].fate == fate && str_eq(g->groups[i].why, why)) {
            return &g->groups[i];
        }
    }
    if (g->count == GROUPS_MAX) {
        return NULL;
    }
    g->groups[g->count] = (struct group){.fate = fate, .why = arena_copy(&g->arena, why)};
    return &g->groups[g->count++];
}

static void group_device(void *ctx, const struct order_device *device)
{
    struct grouping *g = ctx;
    fate_count(&g->counts, device);
    buf_reset(&g->text);
    fate_why(&g->text, g->order, device, g->now);
    if (cli_is_json(g->cli)) {
        AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        row_order_device(&w, device, buf_str(&g->text));
        jw_end_object(&w);
        cli_json(g->cli, buf_str(&line));
        return;
    }
    bool is_good = device->fate == FATE_SUCCEEDED;
    struct group *group = group_of(g, device->fate, is_good ? STR_NONE : buf_str(&g->text));
    if (group != NULL) {
        if (group->count < NAMES_SHOWN) {
            group->names[group->count] = arena_copy(&g->arena, device->device);
        }
        group->count++;
    }
}

static void show_groups(struct grouping *g)
{
    AUTO(table)
    t = table_new(TABLE_COLUMNS({.name = "STATUS"}, {.name = "DEVICES", .is_right = true},
                                {.name = "WHY", .is_wide = true}, {.name = "WHICH"}));
    for (int fate = FATE_COUNT - 1; fate >= 0; fate--) {
        for (size_t i = 0; i < g->count; i++) {
            const struct group *group = &g->groups[i];
            if ((int)group->fate != fate) {
                continue;
            }
            buf_reset(&g->text);
            for (int64_t n = 0; n < group->count && n < NAMES_SHOWN; n++) {
                buf_add(&g->text, n == 0 ? STR("") : STR(", "));
                buf_add(&g->text, group->names[n]);
            }
            buf_add(&g->text, group->count > NAMES_SHOWN ? STR(", …") : STR(""));
            table_tone(&t, fate_tone(group->fate), str_from(order_fate_name(group->fate)));
            table_i64(&t, group->count);
            table_cell(&t, group->why);
            table_cell(&t, buf_str(&g->text));
        }
    }
    table_print(&t, g->cli);
}

struct with_order {
    struct orders *orders;
    struct err *err;
    bool ok, was_found;
    void (*on_device)(void *ctx, const struct order_device *device);
    void *ctx;
    const struct order_view **order; /* for on_device, while it is called */
    struct wall_time now;
};

static void each_device(void *ctx, const struct order_view *order)
{
    struct with_order *with = ctx;
    with->was_found = true;
    *with->order = order;
    with->ok =
        orders_each_device(with->orders, order, with->now, with->on_device, with->ctx, with->err);
    *with->order = NULL;
}

/* Each device of one command. */
static bool look_at(struct with_order *with, struct str id)
{
    if (!orders_each(with->orders, id, 1, each_device, with, with->err) ||
        (with->was_found && !with->ok)) {
        return false;
    }
    return with->was_found ||
           err_set(with->err, ERR_NOT_FOUND, "there is no command " STR_FMT, STR_ARG(id));
}

bool command_summary(struct cli *cli, struct orders *orders, struct str id, struct err *err)
{
    struct clock clock = clock_system();
    struct grouping g = {.cli = cli,
                         .arena = arena_new(GROUPS_ARENA_BYTES),
                         .text = buf_growing(REASON_BYTES_MAX),
                         .now = clock_wall(&clock)};
    struct with_order with = {.orders = orders,
                              .err = err,
                              .on_device = group_device,
                              .ctx = &g,
                              .order = &g.order,
                              .now = g.now};
    g.groups = arena_array(&g.arena, GROUPS_MAX, sizeof(*g.groups));
    bool ok =
        (g.groups != NULL || err_set(err, ERR_NO_MEMORY, "out of memory")) && look_at(&with, id);
    if (ok && !cli_is_json(cli)) {
        show_groups(&g);
    }
    arena_release(&g.arena);
    buf_release(&g.text);
    return ok;
}

/* --- watching --------------------------------------------------------------------------------- */

struct watch {
    struct cli *cli;
    struct orders *orders;
    struct str id;
    struct loop *loop;
    struct loop_timer timer;
    struct fate_counts counts;
    enum order_fate before[NAMED_MAX]; /* of each device, by its place in the list */
    bool was_seen[NAMED_MAX];
    size_t at;
    const struct order_view *order;
    struct wall_time now;
    struct buf text;
    struct err err;
    int64_t total;
    int64_t deadline_ns; /* 0 = none */
    int64_t next_line_ns;
    bool is_live, has_line, is_interrupted, is_late;
};

static void clear_line(struct watch *w)
{
    if (w->has_line) {
        (void)fprintf(cli_err(w->cli), "\r\033[K");
        w->has_line = false;
    }
}

static void say_device(struct watch *w, const struct order_device *device)
{
    buf_reset(&w->text);
    fate_why(&w->text, w->order, device, w->now);
    bool has_why = device->fate != FATE_SUCCEEDED && w->text.len > 0;
    clear_line(w);
    cli_printf(w->cli, STR_FMT "  %s%s%s%s" STR_FMT "\n", STR_ARG(device->device),
               cli_tone_on(w->cli, fate_tone(device->fate)), order_fate_name(device->fate),
               cli_tone_off(w->cli, fate_tone(device->fate)), has_why ? "  " : "",
               STR_ARG(has_why ? buf_str(&w->text) : STR("")));
}

static void watch_device(void *ctx, const struct order_device *device)
{
    struct watch *w = ctx;
    size_t at = w->at++;
    fate_count(&w->counts, device);
    if (at >= NAMED_MAX || w->total > NAMED_MAX || cli_is_json(w->cli)) {
        return;
    }
    bool is_new = !w->was_seen[at] || w->before[at] != device->fate;
    if (is_new && order_fate_is_over(device->fate)) {
        say_device(w, device);
    }
    w->was_seen[at] = true;
    w->before[at] = device->fate;
}

static void say_counts(struct watch *w)
{
    buf_reset(&w->text);
    buf_addf(&w->text, "%lld of %lld done: ", (long long)w->counts.over,
             (long long)w->counts.total);
    fate_counts_add(&w->text, &w->counts);
    if (w->is_live) {
        (void)fprintf(cli_err(w->cli), "\r\033[K" STR_FMT, STR_ARG(buf_str(&w->text)));
        (void)fflush(cli_err(w->cli));
        w->has_line = true;
    } else if (w->now.ns >= w->next_line_ns && !cli_is_json(w->cli)) {
        (void)fprintf(cli_err(w->cli), STR_FMT "\n", STR_ARG(buf_str(&w->text)));
        w->next_line_ns = w->now.ns + PLAIN_EVERY_S * NS_PER_SEC;
    }
}

static bool look_once(struct watch *w)
{
    w->counts = (struct fate_counts){0};
    w->at = 0;
    w->now = clock_wall(loop_clock(w->loop));
    struct with_order with = {.orders = w->orders,
                              .err = &w->err,
                              .on_device = watch_device,
                              .ctx = w,
                              .order = &w->order,
                              .now = w->now};
    return look_at(&with, w->id);
}

static void on_look(void *ctx)
{
    struct watch *w = ctx;
    struct mono_time began = loop_now(w->loop);
    if (!look_once(w)) {
        loop_stop(w->loop);
        return;
    }
    w->is_late = w->deadline_ns != 0 && w->now.ns >= w->deadline_ns;
    if (w->counts.over == w->counts.total || w->is_late) {
        loop_stop(w->loop);
        return;
    }
    say_counts(w);
    /* A large fleet takes time to read: no more than a tenth of it goes into that. */
    int64_t took = clock_mono(loop_clock(w->loop)).ns - began.ns;
    loop_timer_arm_in(w->loop, &w->timer, took * 10 > LOOK_EVERY_NS ? took * 10 : LOOK_EVERY_NS);
}

static void on_interrupt(void *ctx, int signo)
{
    struct watch *w = ctx;
    (void)signo;
    w->is_interrupted = true;
    loop_stop(w->loop);
}

static int say_left(struct watch *w)
{
    clear_line(w);
    (void)fprintf(cli_err(w->cli), "the command goes on; look: selvedge-hub commands " STR_FMT "\n",
                  STR_ARG(w->id));
    return w->is_late ? CLI_UNREACHABLE : CLI_FAILED;
}

static int watch_until_done(struct watch *w)
{
    if (!loop_on_signal(w->loop, SIGINT, on_interrupt, w, &w->err) ||
        !loop_on_signal(w->loop, SIGTERM, on_interrupt, w, &w->err)) {
        return cli_error(w->cli, &w->err);
    }
    w->timer = (struct loop_timer){.on_due = on_look, .ctx = w};
    if (!look_once(w)) {
        return cli_error(w->cli, &w->err);
    }
    w->total = w->counts.total;
    loop_timer_arm_in(w->loop, &w->timer, 0);
    bool ok = loop_run(w->loop, &w->err);
    clear_line(w);
    if (!ok || w->err.code != ERR_NONE) {
        return cli_error(w->cli, &w->err);
    }
    if (!command_summary(w->cli, w->orders, w->id, &w->err)) {
        return cli_error(w->cli, &w->err);
    }
    if (w->is_interrupted || w->is_late) {
        return say_left(w);
    }
    return w->counts.of[FATE_SUCCEEDED] == w->counts.total ? CLI_OK : CLI_FAILED;
}

int command_wait(struct cli *cli, struct orders *orders, struct str id, int64_t limit_ns)
{
    struct watch w = {.cli = cli,
                      .orders = orders,
                      .id = id,
                      .text = buf_growing(LINE_BYTES_MAX),
                      .is_live = !cli_is_json(cli) && isatty(STDERR_FILENO) == 1};
    int code = CLI_FAILED;
    if (loop_open(&w.loop, clock_system(), &w.err)) {
        int64_t now = clock_wall(loop_clock(w.loop)).ns;
        w.deadline_ns = limit_ns == 0 ? 0 : now + limit_ns;
        w.next_line_ns = now + PLAIN_EVERY_S * NS_PER_SEC;
        code = watch_until_done(&w);
        loop_timer_disarm(w.loop, &w.timer);
    } else {
        code = cli_error(cli, &w.err);
    }
    loop_close(w.loop);
    buf_release(&w.text);
    return code;
}
