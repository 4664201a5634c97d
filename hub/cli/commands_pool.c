/* commands_pool.c - places that steps of the whole fleet share. */
#include "hub/cli/screen.h"

static const struct table_column columns[] = {{.name = "POOL"},
                                              {.name = "PLACES", .is_right = true},
                                              {.name = "STATE"},
                                              {.name = "DEVICE"},
                                              {.name = "HAS", .is_right = true},
                                              {.name = "WAITS FOR", .is_right = true},
                                              {.name = "SINCE"},
                                              {0}};

static void show_pool(struct screen *s, const struct json *p)
{
    struct table *t = &s->table;
    bool is_paused = item_bool(p, "paused");
    struct str device = item_str(p, "device");
    int64_t granted = item_count(p, "granted");
    table_cell(t, item_str(p, "pool"));
    table_i64(t, item_i64(p, "places"));
    struct str by = item_str(p, "paused_by");
    buf_reset(&s->text);
    buf_addf(&s->text, "paused%s" STR_FMT, str_is_empty(by) ? "" : " by ", STR_ARG(by));
    table_tone(t, is_paused ? CLI_WARN : CLI_PLAIN, is_paused ? buf_str(&s->text) : STR("open"));
    table_cell(t, device);
    if (str_is_empty(device)) {
        table_cell(t, STR_NONE);
        table_cell(t, STR_NONE);
        table_cell(t, STR_NONE);
        return;
    }
    table_i64(t, granted);
    table_i64(t, item_count(p, "wanted") - granted);
    table_ago(t, item_wall(p, "since"), s->now);
}

static bool list(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/pools");
    return screen_list(s, columns, 0, show_pool, err);
}

static int command_pools(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, list, "no pools; make one: selvedge-hub pools set NAME PLACES");
}

/* `what` is done with the pool that is named. */
static bool act(struct screen *s, enum http_method method, const char *what, struct err *err)
{
    const struct json *none = NULL;
    s->count++;
    target_begin(&s->target, "/api/v1/pools");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    buf_add_text(&s->target, what);
    return screen_act(s, method, buf_str(&s->text), &none, NULL, err);
}

static bool set(struct screen *s, struct err *err)
{
    struct json_writer w = json_writer(&s->text);
    int64_t places = 0;
    if (!str_to_i64(str_from(cli_arg(s->cli, 1)), 1, INT64_MAX, &places)) {
        return err_set(err, ERR_INVALID, "places must be a number from 1 to 10000");
    }
    jw_begin_object(&w);
    jw_member_i64(&w, "places", places);
    jw_member_str(&w, "lease", str_from(cli_text(s->cli, "lease")));
    jw_end_object(&w);
    return act(s, HTTP_PUT, "", err);
}

static int command_set(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, set, "");
}

static bool pause_pool(struct screen *s, struct err *err)
{
    return act(s, HTTP_POST, "/pause", err);
}

static bool resume_pool(struct screen *s, struct err *err)
{
    return act(s, HTTP_POST, "/resume", err);
}

static bool remove_pool(struct screen *s, struct err *err)
{
    return act(s, HTTP_DELETE, "", err);
}

static int command_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, pause_pool, "");
}

static int command_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, resume_pool, "");
}

static int command_remove(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, remove_pool, "");
}

const struct cli_command commands_pool[] = {
    {.name = "pools",
     .summary = "list pools of the fleet, and who is in them or waits",
     .description =
         "A pool that is `fleet: true` in a device's definitions takes its places from the "
         "pool of that name here. What a device has ends with its lease, unless it asks "
         "again: one that is away blocks nobody for longer.",
     .examples = CLI_EXAMPLES({"selvedge-hub pools", NULL}),
     .run = command_pools},
    {.name = "pools set",
     .args = "NAME PLACES",
     .summary = "make a pool, or change how many places it has",
     .options = CLI_OPTIONS({.name = "lease",
                             .type = CLI_DURATION,
                             .value_name = "TIME",
                             .default_text = "5m",
                             .help = "how long a device that falls silent keeps its places"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub pools set warehouse 5", "at most 5 steps of all devices load at once"}),
     .run = command_set},
    {.name = "pools pause",
     .args = "NAME",
     .summary = "let no step begin in a pool for now",
     .description =
         "Steps that are in it run to their end. Holds across restarts of the hub, until "
         "`pools resume`; a device that hears nothing of the hub for as long as its pool "
         "says (`wait`) begins steps by itself, as ever. Agents before this version "
         "stop only when they need a place more than they have.",
     .examples = CLI_EXAMPLES({"selvedge-hub pools pause warehouse", "while it is being repaired"}),
     .run = command_pause},
    {.name = "pools resume",
     .args = "NAME",
     .summary = "let steps begin in a pool again",
     .examples = CLI_EXAMPLES({"selvedge-hub pools resume warehouse", NULL}),
     .run = command_resume},
    {.name = "pools remove",
     .args = "NAME",
     .summary = "end a pool: devices get as many places as they ask for",
     .examples = CLI_EXAMPLES({"selvedge-hub pools remove warehouse", NULL}),
     .run = command_remove},
    {0}};
