#include "hub/cli/command_wait.h"

#include "common/platform/loop.h"
#include "hub/rows/order_rows.h"
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    NAMED_MAX = 20,   /* up to so many devices, each has a line when it is done */
    GROUPS_MAX = 200, /* outcomes that differ, in the summary */
    NAMES_SHOWN = 3,
    GROUPS_ARENA_BYTES = 4 << 20,
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
    return fate < FATE_COUNT && order_fate_is_over(fate) ? CLI_WARN : CLI_PLAIN;
}

enum order_fate fate_of(struct str name)
{
    int fate = 0;
    while (fate < FATE_COUNT && !str_eq(name, str_from(order_fate_name((enum order_fate)fate)))) {
        fate++;
    }
    return (enum order_fate)fate;
}

/* What counts are made of: one of another version may tell what is not known here. */
static enum order_fate count_one(struct fate_counts *counts, const struct json *device)
{
    const struct order_device one = {.fate = fate_of(item_str(device, "status")),
                                     .is_online = item_bool(device, "online")};
    if (one.fate < FATE_COUNT) {
        fate_count(counts, &one);
    }
    return one.fate;
}

/* --- the summary ------------------------------------------------------------------------------ */

struct group {
    enum order_fate fate;
    struct str why;
    int64_t count;
    struct str names[NAMES_SHOWN];
};
struct grouping {
    struct group *groups;
    size_t count;
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
    g->groups[g->count] = (struct group){.fate = fate, .why = why};
    return &g->groups[g->count++];
}

static void group_device(struct grouping *g, const struct json *device)
{
    enum order_fate fate = fate_of(item_str(device, "status"));
    bool is_good = fate == FATE_SUCCEEDED;
    struct group *group = fate < FATE_COUNT
                              ? group_of(g, fate, is_good ? STR_NONE : item_str(device, "reason"))
                              : NULL;
    if (group != NULL) {
        if (group->count < NAMES_SHOWN) {
            group->names[group->count] = item_str(device, "device");
        }
        group->count++;
    }
}

static void show_groups(struct screen *s, const struct grouping *g)
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
            buf_reset(&s->text);
            for (int64_t n = 0; n < group->count && n < NAMES_SHOWN; n++) {
                buf_add(&s->text, n == 0 ? STR("") : STR(", "));
                buf_add(&s->text, group->names[n]);
            }
            buf_add(&s->text, group->count > NAMES_SHOWN ? STR(", …") : STR(""));
            table_tone(&t, fate_tone(group->fate), str_from(order_fate_name(group->fate)));
            table_i64(&t, group->count);
            table_cell(&t, group->why);
            table_cell(&t, buf_str(&s->text));
        }
    }
    table_print(&t, s->cli);
}

bool command_summary(struct screen *s, const struct json *command, struct str text, struct err *err)
{
    AUTO(arena) arena = arena_new(GROUPS_ARENA_BYTES);
    struct grouping g = {.groups = arena_array(&arena, GROUPS_MAX, sizeof(*g.groups))};
    if (cli_is_json(s->cli)) {
        return screen_print_elements(s, text, "device_list", err);
    }
    if (g.groups == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    for (const struct json *d = item_first(command, "device_list"); d != NULL; d = d->next) {
        group_device(&g, d);
    }
    show_groups(s, &g);
    return true;
}

/* --- watching --------------------------------------------------------------------------------- */

struct watch {
    struct screen *screen;
    struct cli *cli;
    char id[UUID_TEXT_SIZE];
    struct loop *loop;
    struct loop_timer timer;
    struct fate_counts counts;
    enum order_fate before[NAMED_MAX]; /* of each device, by its place in the list */
    bool was_seen[NAMED_MAX];
    const struct json *command; /* the last answer */
    struct str text;            /* the same as it came, until the next */
    struct wall_time now;
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

static void say_device(struct watch *w, const struct json *device, enum order_fate fate)
{
    struct str name = item_str(device, "device");
    struct str why = item_str(device, "reason");
    bool has_why = fate != FATE_SUCCEEDED && !str_is_empty(why);
    clear_line(w);
    cli_printf(w->cli, STR_FMT "  %s%s%s%s" STR_FMT "\n", STR_ARG(name),
               cli_tone_on(w->cli, fate_tone(fate)), order_fate_name(fate),
               cli_tone_off(w->cli, fate_tone(fate)), has_why ? "  " : "",
               STR_ARG(has_why ? why : STR("")));
}

static void watch_device(struct watch *w, const struct json *device, size_t at)
{
    enum order_fate fate = count_one(&w->counts, device);
    if (at >= NAMED_MAX || w->total > NAMED_MAX || cli_is_json(w->cli) || fate == FATE_COUNT) {
        return;
    }
    bool is_new = !w->was_seen[at] || w->before[at] != fate;
    if (is_new && order_fate_is_over(fate)) {
        say_device(w, device, fate);
    }
    w->was_seen[at] = true;
    w->before[at] = fate;
}

static void say_counts(struct watch *w)
{
    struct buf *text = &w->screen->text;
    buf_reset(text);
    buf_addf(text, "%lld of %lld done: ", (long long)w->counts.over, (long long)w->counts.total);
    fate_counts_add(text, &w->counts);
    if (w->is_live) {
        (void)fprintf(cli_err(w->cli), "\r\033[K" STR_FMT, STR_ARG(buf_str(text)));
        (void)fflush(cli_err(w->cli));
        w->has_line = true;
    } else if (w->now.ns >= w->next_line_ns && !cli_is_json(w->cli)) {
        (void)fprintf(cli_err(w->cli), STR_FMT "\n", STR_ARG(buf_str(text)));
        w->next_line_ns = w->now.ns + PLAIN_EVERY_S * NS_PER_SEC;
    }
}

static bool look_once(struct watch *w)
{
    struct screen *s = w->screen;
    size_t at = 0;
    arena_reset(&s->arena);
    target_begin(&s->target, "/api/v1/commands");
    target_part(&s->target, str_from(w->id), false);
    if (!screen_read(s, &w->command, &w->text, &w->err)) {
        return false;
    }
    w->counts = (struct fate_counts){0};
    w->now = clock_wall(loop_clock(w->loop));
    for (const struct json *d = item_first(w->command, "device_list"); d != NULL; d = d->next) {
        watch_device(w, d, at++);
    }
    return true;
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
    (void)fprintf(cli_err(w->cli), "the command goes on; look: selvedge-hub commands %s\n", w->id);
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
    if (!command_summary(w->screen, w->command, w->text, &w->err)) {
        return cli_error(w->cli, &w->err);
    }
    if (w->is_interrupted || w->is_late) {
        return say_left(w);
    }
    return w->counts.of[FATE_SUCCEEDED] == w->counts.total ? CLI_OK : CLI_FAILED;
}

int command_wait(struct screen *screen, struct str id, int64_t limit_ns)
{
    struct watch w = {.screen = screen,
                      .cli = screen->cli,
                      .is_live = !cli_is_json(screen->cli) && isatty(STDERR_FILENO) == 1};
    struct buf copy = buf_fixed(w.id, sizeof(w.id));
    int code = CLI_FAILED;
    buf_add(&copy, id);
    if (buf_cstr(&copy) == NULL) {
        (void)err_set(&w.err, ERR_INTERNAL, "the command's id is none");
        return cli_error(screen->cli, &w.err);
    }
    if (loop_open(&w.loop, clock_system(), &w.err)) {
        int64_t now = clock_wall(loop_clock(w.loop)).ns;
        w.deadline_ns = limit_ns == 0 ? 0 : now + limit_ns;
        w.next_line_ns = now + PLAIN_EVERY_S * NS_PER_SEC;
        code = watch_until_done(&w);
        loop_timer_disarm(w.loop, &w.timer);
    } else {
        code = cli_error(screen->cli, &w.err);
    }
    loop_close(w.loop);
    return code;
}

/* --- saying what was given -------------------------------------------------------------------- */

static void say_given(struct screen *s, const struct json *given, struct str text)
{
    AUTO(buf) line = buf_growing(COMMAND_BYTES_MAX);
    struct str device = item_str(given, "device");
    int64_t online = item_count(given, "online");
    if (cli_is_json(s->cli)) {
        cli_json(s->cli, text);
        return;
    }
    buf_addf(&line, STR_FMT "  " STR_FMT " for ", STR_ARG(item_str(given, "command")),
             STR_ARG(item_str(given, "verb")));
    if (!str_is_empty(device)) {
        buf_addf(&line, STR_FMT ", which is %s", STR_ARG(device), online > 0 ? "online" : "away");
    } else {
        buf_addf(&line, "%lld devices, %lld of them online",
                 (long long)item_count(given, "devices"), (long long)online);
    }
    buf_add(&line, STR("; expires "));
    buf_add_ago(&line, item_wall(given, "expires_at"), s->now);
    cli_printf(s->cli, STR_FMT "\n", STR_ARG(buf_str(&line)));
    (void)fflush(cli_out(s->cli));
}

int command_given(struct screen *s, const struct json *given, struct str text)
{
    say_given(s, given, text);
    return cli_is_given(s->cli, "wait")
               ? command_wait(s, item_str(given, "command"), cli_i64(s->cli, "wait"))
               : CLI_OK;
}
