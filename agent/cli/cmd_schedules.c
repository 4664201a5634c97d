/* cmd_schedules.c - the schedules of this device and when they tick next. */
#include "agent/cli/last_tick.h"

#include "agent/daemon/announce.h"
#include "agent/daemon/control.h"
#include "agent/daemon/identity_files.h"
#include "agent/daemon/scheduler.h"
#include "agent/store/instigators.h"
#include "common/cli/show.h"
#include "common/platform/clock.h"
#include <stdio.h>

enum { LINE_BYTES_MAX = 64 << 10, ARENA_BYTES = 8 << 20, LOCAL_TEXT_SIZE = 48 };

/* --- what is known of one schedule --- */

struct known {
    bool is_paused;
    struct wall_time decided;
    struct last_tick last;
};

struct listing {
    struct cli *cli;
    const struct definitions *defs;
    struct view *view; /* NULL: nothing was ever run here */
    struct arena arena;
    struct known *known; /* as in the definitions */
    struct wall_time now;
    struct str device;
    const char *held; /* why running schedules do not tick; NULL = they do */
};

static bool on_instigator(void *ctx, const struct instigator *instigator)
{
    struct listing *l = ctx;
    for (size_t i = 0; i < l->defs->schedule_count; i++) {
        if (str_eq(l->defs->schedules[i].name, instigator->name)) {
            l->known[i].is_paused = scheduler_is_paused(&l->defs->schedules[i], instigator->status);
            l->known[i].decided = instigator->decided;
        }
    }
    return true;
}

static bool read_known(struct listing *l, const char *database, struct err *err)
{
    l->known = arena_array(&l->arena, l->defs->schedule_count + 1, sizeof(*l->known));
    if (l->known == NULL) {
        return err_set(err, ERR_NO_MEMORY, "list schedules: out of memory");
    }
    for (size_t i = 0; i < l->defs->schedule_count; i++) {
        l->known[i].is_paused = scheduler_is_paused(&l->defs->schedules[i], STR(""));
    }
    if (!view_open(&l->view, database, err)) {
        return err->code == ERR_NOT_FOUND; /* defined, and never run */
    }
    bool ok = view_instigators(l->view, STR("schedule"), on_instigator, l, err);
    for (size_t i = 0; ok && i < l->defs->schedule_count; i++) {
        ok = last_tick_read(l->view, STR("schedule"), l->defs->schedules[i].name, &l->arena,
                            &l->known[i].last, err);
    }
    return ok;
}

/* As the daemon has it, so that the times are the same. */
static struct str device_of(const struct settings *settings, struct arena *arena)
{
    struct device_identity identity = {0};
    struct device_facts facts;
    struct err err = {0};
    if (device_identity_load(settings->state_dir, arena, &identity, &err)) {
        struct str device = arena_copy(arena, identity.device);
        device_identity_wipe(&identity);
        return device;
    }
    device_facts_read(&facts);
    return arena_copy(arena, str_from(facts.host));
}

/* Asked of the daemon: whether anything ticks at all. */
static const char *why_held(const struct settings *settings, struct arena *arena)
{
    struct json *reply = NULL;
    struct err err = {0};
    if (!control_call(settings->state_dir, STR("{\"verb\":\"status\"}"), arena, &reply, &err)) {
        return err.code == ERR_OFFLINE ? "no agent is running here" : NULL;
    }
    const struct json *clock = json_get(reply, "clock");
    if (clock == NULL || clock->type != JSON_STRING) {
        return NULL;
    }
    if (str_eq(clock->as.string, str_from(clock_trust_name(CLOCK_NOT_SET)))) {
        return "the clock is not set";
    }
    return str_eq(clock->as.string, str_from(clock_trust_name(CLOCK_NOT_SYNCED)))
               ? "the clock is not synchronized"
               : NULL;
}

/* --- texts --- */

/* "2026-11-29 02:30:00 +01:00": where the schedule's zone is. */
static const char *local_text(const struct tz *tz, struct wall_time t, char text[LOCAL_TEXT_SIZE])
{
    int64_t seconds = t.ns / NS_PER_SEC;
    int32_t offset = tz_offset_at(tz, seconds);
    struct civil_time c = civil_from_seconds(seconds + offset);
    int minutes = (offset < 0 ? -offset : offset) / 60;
    (void)snprintf(text, LOCAL_TEXT_SIZE, "%04d-%02d-%02d %02d:%02d:%02d %c%02d:%02d", (int)c.year,
                   c.month, c.day, c.hour, c.minute, c.second, offset < 0 ? '-' : '+', minutes / 60,
                   minutes % 60);
    return text;
}

/* "1h30m", as it would be written. */
static void add_interval(struct buf *out, int64_t ns)
{
    static const struct {
        int64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t seconds = ns / NS_PER_SEC;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (seconds >= units[i].seconds) {
            buf_addf(out, "%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
            seconds %= units[i].seconds;
        }
    }
}

static void add_when(struct buf *out, const struct schedule *schedule)
{
    if (schedule->every_ns == 0) {
        buf_add(out, schedule->cron_text);
        return;
    }
    buf_add_text(out, "every ");
    add_interval(out, schedule->every_ns);
}

static struct str target_of(const struct schedule *schedule)
{
    return schedule->job != NULL ? schedule->job->name : schedule->select;
}

/* Who says when it ticks. */
static struct str origin_of(const struct schedule *schedule)
{
    return schedule->is_hubs ? STR("hub") : STR("file");
}

static const char *state_of(const struct listing *l, size_t i)
{
    if (l->known[i].is_paused) {
        return l->defs->schedules[i].is_held ? "paused by the hub" : "paused";
    }
    return l->held != NULL ? "held" : "running";
}

/* When it fires next; INT64_MAX = never, as things are. */
static struct wall_time next_of(const struct listing *l, size_t i)
{
    struct schedule_look look;
    const struct schedule *schedule = &l->defs->schedules[i];
    if (l->known[i].is_paused) {
        return (struct wall_time){INT64_MAX};
    }
    schedule_look(schedule, schedule_splay(schedule, l->device), l->known[i].decided, l->now,
                  &look);
    return look.wake;
}

/* --- the list --- */

static void json_schedule(const struct listing *l, size_t i)
{
    const struct schedule *schedule = &l->defs->schedules[i];
    const struct known *known = &l->known[i];
    struct wall_time next = next_of(l, i);
    int64_t splay = schedule_splay(schedule, l->device);
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "schedule", schedule->name);
    jw_member_opt(&w, "job", schedule->job != NULL ? schedule->job->name : STR(""));
    jw_member_opt(&w, "select", schedule->select);
    jw_member_opt(&w, "cron", schedule->cron_text);
    if (schedule->every_ns != 0) {
        jw_member_i64(&w, "every_s", schedule->every_ns / NS_PER_SEC);
    }
    jw_member_opt(&w, "timezone", schedule->timezone);
    jw_member_str(&w, "origin", origin_of(schedule));
    jw_member_str(&w, "status", known->is_paused ? STR("paused") : STR("running"));
    if (schedule->is_held) {
        jw_member_str(&w, "paused_by", STR("hub"));
    }
    jw_member_opt(&w, "held", known->is_paused ? STR("") : str_from(l->held));
    jw_member_i64(&w, "splay_s", splay / NS_PER_SEC);
    jw_member_opt_wall(&w, "last_nominal", known->last.nominal);
    jw_member_opt_wall(&w, "last_at", known->last.at);
    last_tick_write(&known->last, &w);
    if (next.ns != INT64_MAX) {
        jw_member_wall(&w, "next_nominal", (struct wall_time){next.ns - splay});
        jw_member_wall(&w, "next", next);
    }
    jw_end_object(&w);
    cli_json(l->cli, buf_str(&out));
}

static void add_row(struct table *table, const struct listing *l, size_t i)
{
    const struct schedule *schedule = &l->defs->schedules[i];
    const struct known *known = &l->known[i];
    struct wall_time next = next_of(l, i);
    char local[LOCAL_TEXT_SIZE];
    AUTO(buf) when = buf_growing(1024);
    add_when(&when, schedule);
    table_cell(table, schedule->name);
    table_cell(table, target_of(schedule));
    table_cell(table, buf_str(&when));
    table_cell(table, schedule->timezone);
    table_cell(table, origin_of(schedule));
    table_tone(table, known->is_paused || l->held != NULL ? CLI_WARN : CLI_GOOD,
               str_from(state_of(l, i)));
    table_text(table, next.ns == INT64_MAX ? NULL : local_text(schedule->tz, next, local));
    table_ago(table, known->last.at, l->now);
    last_tick_cell(&known->last, table);
}

static void say_list(struct listing *l)
{
    AUTO(table)
    table = table_new(
        TABLE_COLUMNS({.name = "SCHEDULE"}, {.name = "JOB OR SELECTION", .is_wide = true},
                      {.name = "WHEN"}, {.name = "ZONE"}, {.name = "FROM"}, {.name = "STATUS"},
                      {.name = "NEXT TICK"}, {.name = "LAST TICK"}, {.name = "WHAT CAME OF IT"}));
    for (size_t i = 0; i < l->defs->schedule_count; i++) {
        if (cli_is_json(l->cli)) {
            json_schedule(l, i);
        } else {
            add_row(&table, l, i);
        }
    }
    table_print_list(&table, l->cli, "no schedules");
    if (l->held != NULL && l->defs->schedule_count > 0 && !cli_is_json(l->cli)) {
        (void)fprintf(cli_err(l->cli), "held: %s\n", l->held);
    }
}

static int list(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    struct clock clock = clock_system();
    struct err err = {0};
    struct listing l = {
        .cli = cli, .defs = defs, .arena = arena_new(ARENA_BYTES), .now = clock_wall(&clock)};
    l.device = device_of(settings, &l.arena);
    l.held = why_held(settings, &l.arena);
    int code = CLI_OK;
    if (read_known(&l, settings->database, &err)) {
        say_list(&l);
    } else {
        code = cli_error(cli, &err);
    }
    view_close(l.view);
    arena_release(&l.arena);
    return code;
}

int command_schedules(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_definitions(cli, list);
}

/* --- what is to come --- */

/* What makes the local time another than the one that is written. */
static const char *note_of(const struct tz *tz, struct wall_time nominal)
{
    int64_t t = nominal.ns / NS_PER_SEC;
    int32_t offset = tz_offset_at(tz, t);
    if (offset > tz_offset_at(tz, t - 1)) {
        return "behind times that do not exist";
    }
    return tz_from_local(tz, t + offset).count == 2 ? "the clock shows this time twice" : NULL;
}

static void json_next(struct cli *cli, struct wall_time nominal, int64_t splay)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_wall(&w, "nominal", nominal);
    jw_member_wall(&w, "fires", (struct wall_time){nominal.ns + splay});
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

static int preview(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    AUTO(table)
    table = table_new(TABLE_COLUMNS({.name = "TICK"}, {.name = "FIRES"}, {.name = "NOTE"}));
    struct clock clock = clock_system();
    struct err err = {0};
    const struct schedule *schedule = NULL;
    size_t max = (size_t)cli_i64(cli, "count");
    struct wall_time *times = arena_array(&arena, max, sizeof(*times));
    if (times == NULL) {
        (void)err_set(&err, ERR_NO_MEMORY, "preview: out of memory");
        return cli_error(cli, &err);
    }
    if (!definitions_find_schedule(defs, str_from(cli_arg(cli, 0)), &schedule, &err)) {
        return cli_error(cli, &err);
    }
    int64_t splay = schedule_splay(schedule, device_of(settings, &arena));
    size_t count = schedule_preview(schedule, clock_wall(&clock), times, max);
    for (size_t i = 0; i < count; i++) {
        char local[LOCAL_TEXT_SIZE];
        if (cli_is_json(cli)) {
            json_next(cli, times[i], splay);
            continue;
        }
        table_text(&table, local_text(schedule->tz, times[i], local));
        table_text(&table,
                   local_text(schedule->tz, (struct wall_time){times[i].ns + splay}, local));
        table_text(&table, note_of(schedule->tz, times[i]));
    }
    if (!cli_is_json(cli)) {
        table_print(&table, cli);
    }
    return CLI_OK;
}

int command_schedules_preview(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_definitions(cli, preview);
}
