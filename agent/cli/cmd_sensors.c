/* cmd_sensors.c - the sensors of this device: what they watch, what came of it, how far they are. */
#include "agent/cli/here.h"
#include "agent/cli/last_tick.h"

#include "agent/daemon/control.h"
#include "agent/sense/cursor.h"
#include "agent/store/instigators.h"
#include "common/cli/show.h"
#include "common/platform/clock.h"
#include <stdio.h>

enum {
    LINE_BYTES_MAX = 64 << 10,
    ARENA_BYTES = 8 << 20,
    SHOWN_CURSOR = 24,
    SHOWN_NOW = 60,
    SHOWN_WATCHED = 48
};

static const char *const type_names[] = {[SENSOR_FILES] = "files",
                                         [SENSOR_MQTT] = "mqtt",
                                         [SENSOR_ASSET] = "asset",
                                         [SENSOR_RUN_STATUS] = "run_status",
                                         [SENSOR_COMMAND] = "command"};

/* --- what is known of one sensor --- */

struct known {
    bool is_paused;
    bool has_cursor;
    struct str cursor; /* in the arena, as all text here */
    struct wall_time ticked_at;
    struct last_tick last;
    const struct json *live; /* from the daemon; NULL: none is running */
};

struct listing {
    struct cli *cli;
    const struct definitions *defs;
    struct view *view; /* NULL: nothing was ever run here */
    struct arena arena;
    struct known *known; /* as in the definitions */
    struct wall_time now;
    bool has_daemon;
};

static bool is_paused(const struct sensor *sensor, struct str status)
{
    if (sensor->is_held) {
        return true;
    }
    return str_is_empty(status) ? sensor->starts_paused : str_eq(status, STR("paused"));
}

static bool on_instigator(void *ctx, const struct instigator *instigator)
{
    struct listing *l = ctx;
    for (size_t i = 0; i < l->defs->sensor_count; i++) {
        const struct sensor *sensor = &l->defs->sensors[i];
        struct known *known = &l->known[i];
        struct str cursor = STR_NONE;
        if (!str_eq(sensor->name, instigator->name)) {
            continue;
        }
        known->is_paused = is_paused(sensor, instigator->status);
        known->ticked_at = instigator->ticked_at;
        known->has_cursor = cursor_read(sensor->type, instigator->cursor, &cursor);
        known->cursor = arena_copy(&l->arena, cursor);
    }
    return true;
}

static bool read_known(struct listing *l, const char *database, struct err *err)
{
    l->known = arena_array(&l->arena, l->defs->sensor_count + 1, sizeof(*l->known));
    if (l->known == NULL) {
        return err_set(err, ERR_NO_MEMORY, "list sensors: out of memory");
    }
    for (size_t i = 0; i < l->defs->sensor_count; i++) {
        l->known[i].is_paused = is_paused(&l->defs->sensors[i], STR(""));
    }
    if (!view_open(&l->view, database, err)) {
        return err->code == ERR_NOT_FOUND; /* defined, and never run */
    }
    bool ok = view_instigators(l->view, STR("sensor"), on_instigator, l, err);
    for (size_t i = 0; ok && i < l->defs->sensor_count; i++) {
        ok = last_tick_read(l->view, STR("sensor"), l->defs->sensors[i].name, &l->arena,
                            &l->known[i].last, err);
    }
    return ok;
}

/* What they are doing now, only the daemon knows. */
static void ask_daemon(struct listing *l, const struct settings *settings)
{
    struct json *reply = NULL;
    struct err err = {0};
    l->has_daemon =
        control_call(settings->state_dir, STR("{\"verb\":\"sensors\"}"), &l->arena, &reply, &err) ||
        err.code != ERR_OFFLINE;
    const struct json *sensors = json_get(reply, "sensors");
    for (size_t i = 0; sensors != NULL && i < l->defs->sensor_count; i++) {
        const char *name = arena_cstr(&l->arena, l->defs->sensors[i].name);
        l->known[i].live = name == NULL ? NULL : json_get(sensors, name);
    }
}

static struct str live_text(const struct known *known, const char *key)
{
    const struct json *node = json_get(known->live, key);
    return node != NULL && node->type == JSON_STRING ? node->as.string : STR_NONE;
}

/* --- texts --- */

static void add_list(struct buf *out, const struct str_list *list, const char *between)
{
    for (size_t i = 0; i < list->count; i++) {
        buf_add_text(out, i == 0 ? "" : between);
        buf_add(out, list->items[i]);
    }
}

static void add_watched(struct buf *out, const struct sensor *sensor)
{
    switch (sensor->type) {
    case SENSOR_FILES:
        buf_add(out, sensor->watch);
        break;
    case SENSOR_MQTT:
        buf_add(out, sensor->topic);
        break;
    case SENSOR_ASSET:
        buf_add(out, sensor->asset_key);
        break;
    case SENSOR_RUN_STATUS:
        add_list(out, &sensor->statuses, ", ");
        if (sensor->jobs.count > 0) {
            buf_add_text(out, " of ");
            add_list(out, &sensor->jobs, ", ");
        }
        break;
    case SENSOR_COMMAND:
        add_list(out, &sensor->run, " ");
        break;
    }
}

static struct str state_of(const struct listing *l, size_t i)
{
    const struct known *known = &l->known[i];
    if (known->is_paused) {
        return l->defs->sensors[i].is_held ? STR("paused by the hub") : STR("paused");
    }
    if (!l->has_daemon) {
        return STR("held");
    }
    struct str state = live_text(known, "state");
    return str_is_empty(state) ? STR("running") : state;
}

/* --- the list --- */

static void json_sensor(const struct listing *l, size_t i)
{
    const struct sensor *sensor = &l->defs->sensors[i];
    const struct known *known = &l->known[i];
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    AUTO(buf) watched = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    add_watched(&watched, sensor);
    jw_begin_object(&w);
    jw_member_str(&w, "sensor", sensor->name);
    jw_member_str(&w, "type", str_from(type_names[sensor->type]));
    jw_member_str(&w, "watches", buf_str(&watched));
    jw_member_opt(&w, "job", sensor->job != NULL ? sensor->job->name : STR(""));
    jw_member_opt(&w, "select", sensor->select);
    jw_member_str(&w, "status", known->is_paused ? STR("paused") : STR("running"));
    jw_member_str(&w, "state", state_of(l, i));
    jw_member_opt_wall(&w, "last_at", known->ticked_at);
    last_tick_write(&known->last, &w);
    if (known->has_cursor) {
        jw_member_str(&w, "cursor", known->cursor);
    }
    for (const struct json *n = known->live == NULL ? NULL : known->live->child; n != NULL;
         n = n->next) {
        if (!str_eq(n->key, STR("state"))) {
            jw_key(&w, n->key);
            AUTO(buf) value = buf_growing(LINE_BYTES_MAX);
            json_write(&value, n);
            jw_raw(&w, buf_str(&value));
        }
    }
    jw_end_object(&w);
    cli_json(l->cli, buf_str(&out));
}

static void add_number(struct buf *out, const struct known *known, const char *key,
                       const char *words)
{
    const struct json *node = json_get(known->live, key);
    if (node != NULL && node->type == JSON_INT && node->as.integer > 0) {
        buf_addf(out, "%s%lld %s", out->len > 0 ? ", " : "", (long long)node->as.integer, words);
    }
}

/* What it is about to do, or what keeps it from that. */
static void add_now(struct buf *out, const struct known *known)
{
    struct str trouble = live_text(known, "trouble");
    struct str waits = live_text(known, "waits_for");
    struct str watch = live_text(known, "watch");
    const struct json *next = json_get(known->live, "next_in_ms");
    buf_add(out, str_clip(trouble, SHOWN_NOW));
    if (trouble.len == 0 && waits.len > 0) {
        buf_add_text(out, "waits for ");
        buf_add(out, waits);
    }
    add_number(out, known, "files_waiting", "files wait");
    add_number(out, known, "messages_waiting", "messages wait");
    if (out->len == 0 && next != NULL && next->type == JSON_INT) {
        buf_add_text(out, "asks in ");
        buf_add_duration(out, next->as.integer * NS_PER_MS);
    }
    if (out->len == 0 && json_get(known->live, "asked_ms_ago") != NULL) {
        buf_add_text(out, "is asking");
    }
    if (out->len == 0) {
        buf_add(out, str_eq(watch, STR("events")) ? STR("") : watch);
        buf_add(out, live_text(known, "connection"));
    }
}

static enum cli_tone state_tone(struct str state)
{
    if (str_eq(state, STR("trouble"))) {
        return CLI_BAD;
    }
    return str_eq(state, STR("running")) ? CLI_GOOD : CLI_WARN;
}

static void add_row(struct table *table, const struct listing *l, size_t i)
{
    const struct sensor *sensor = &l->defs->sensors[i];
    const struct known *known = &l->known[i];
    AUTO(buf) watched = buf_growing(LINE_BYTES_MAX);
    AUTO(buf) now = buf_growing(LINE_BYTES_MAX);
    struct str state = state_of(l, i);
    add_watched(&watched, sensor);
    add_now(&now, known);
    table_cell(table, sensor->name);
    table_text(table, type_names[sensor->type]);
    table_cell(table, str_clip(buf_str(&watched), SHOWN_WATCHED));
    table_cell(table, sensor->job != NULL ? sensor->job->name : sensor->select);
    table_tone(table, state_tone(state), state);
    table_cell(table, buf_str(&now));
    table_ago(table, known->ticked_at, l->now);
    last_tick_cell(&known->last, table);
    table_cell(table,
               sensor->type == SENSOR_MQTT ? STR_NONE : str_clip(known->cursor, SHOWN_CURSOR));
}

static void say_list(struct listing *l)
{
    AUTO(table)
    table = table_new(
        TABLE_COLUMNS({.name = "SENSOR"}, {.name = "TYPE"}, {.name = "WATCHES", .is_wide = true},
                      {.name = "JOB OR SELECTION"}, {.name = "STATUS"}, {.name = "NOW"},
                      {.name = "LAST TICK"}, {.name = "WHAT CAME OF IT"}, {.name = "CURSOR"}));
    for (size_t i = 0; i < l->defs->sensor_count; i++) {
        if (cli_is_json(l->cli)) {
            json_sensor(l, i);
        } else {
            add_row(&table, l, i);
        }
    }
    table_print_list(&table, l->cli, "no sensors");
    if (!l->has_daemon && l->defs->sensor_count > 0 && !cli_is_json(l->cli)) {
        (void)fprintf(cli_err(l->cli), "held: no agent is running here\n");
    }
}

static int list(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    struct clock clock = clock_system();
    struct err err = {0};
    struct listing l = {
        .cli = cli, .defs = defs, .arena = arena_new(ARENA_BYTES), .now = clock_wall(&clock)};
    int code = CLI_OK;
    if (read_known(&l, settings->database, &err)) {
        ask_daemon(&l, settings);
        say_list(&l);
    } else {
        code = cli_error(cli, &err);
    }
    view_close(l.view);
    arena_release(&l.arena);
    return code;
}

int command_sensors(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_definitions(cli, list);
}

/* --- one cursor --- */

static int say_cursor(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    struct listing l = {.cli = cli, .defs = defs, .arena = arena_new(ARENA_BYTES)};
    const struct sensor *sensor = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (definitions_find_sensor(defs, str_from(cli_arg(cli, 0)), &sensor, &err) &&
        read_known(&l, settings->database, &err)) {
        const struct known *known = &l.known[sensor - defs->sensors];
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "sensor", sensor->name);
        if (known->has_cursor) {
            jw_member_str(&w, "cursor", known->cursor);
        }
        jw_end_object(&w);
        if (cli_is_json(cli)) {
            cli_json(cli, buf_str(&out));
        } else if (known->has_cursor) {
            cli_printf(cli, STR_FMT "\n", STR_ARG(known->cursor));
        } else {
            (void)fprintf(cli_err(cli), "it has none\n");
        }
    } else {
        code = cli_error(cli, &err);
    }
    view_close(l.view);
    arena_release(&l.arena);
    return code;
}

struct wanted_cursor {
    struct str sensor, text;
};

static bool set_here(struct agent *agent, void *ctx, struct err *err)
{
    const struct wanted_cursor *wanted = ctx;
    return agent_set_cursor(agent, wanted->sensor, wanted->text, err);
}

static int set_cursor(struct cli *cli, struct settings *settings)
{
    struct wanted_cursor wanted = {str_from(cli_arg(cli, 0)), str_from(cli_text(cli, "set"))};
    AUTO(buf) request = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&request);
    struct json *reply = NULL;
    struct err err = {0};
    jw_begin_object(&w);
    jw_member_str(&w, "verb", STR("sensor_cursor"));
    jw_member_str(&w, "sensor", wanted.sensor);
    jw_member_str(&w, "cursor", wanted.text);
    jw_end_object(&w);
    if (control_call(settings->state_dir, buf_str(&request), &settings->arena, &reply, &err)) {
        return CLI_OK;
    }
    return err.code == ERR_OFFLINE ? here_do(cli, settings, set_here, &wanted)
                                   : cli_error(cli, &err);
}

int command_sensors_cursor(struct cli *cli, void *ctx)
{
    (void)ctx;
    return cli_text(cli, "set") == NULL ? with_definitions(cli, say_cursor)
                                        : with_settings(cli, set_cursor);
}
