/* cmd_deployments.c - deployments listed, looked at, paused, resumed and aborted. */
#include "hub/cli/screen.h"

enum { HASH_SHOWN = 12 };

static enum cli_tone tone_of(struct str word)
{
    if (str_eq(word, STR("aborted")) || str_eq(word, STR("failed")) ||
        str_eq(word, STR("rolled_back"))) {
        return CLI_BAD;
    }
    return str_eq(word, STR("done")) || str_eq(word, STR("healthy")) ? CLI_GOOD : CLI_PLAIN;
}

/* --- the list --------------------------------------------------------------------------------- */

static const struct table_column columns[] = {{.name = "DEPLOYMENT"},
                                              {.name = "STATUS"},
                                              {.name = "BUNDLE"},
                                              {.name = "WAVE", .is_right = true},
                                              {.name = "HEALTHY", .is_right = true},
                                              {.name = "FAILED", .is_right = true},
                                              {.name = "AWAY", .is_right = true},
                                              {.name = "MADE"},
                                              {.name = "TO"},
                                              {.name = "WHY ABORTED", .is_wide = true},
                                              {0}};

static void show_deployment(struct screen *s, const struct json *d)
{
    struct table *t = &s->table;
    struct str status = item_str(d, "status");
    table_cell(t, item_str(d, "deployment"));
    table_tone(t, tone_of(status), status);
    table_cell(t, str_slice(item_str(d, "bundle"), 0, HASH_SHOWN));
    table_i64(t, item_count(d, "wave"));
    table_cellf(t, "%lld/%lld", (long long)item_count(d, "healthy"),
                (long long)item_count(d, "devices"));
    table_i64(t, item_count(d, "failed") + item_count(d, "rolled_back"));
    table_i64(t, item_count(d, "away"));
    table_ago(t, item_wall(d, "made_at"), s->now);
    table_cell(t, item_str(d, "to"));
    table_cell(t, item_str(d, "reason"));
}

static bool list(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/deployments");
    return screen_list(s, columns, cli_i64(s->cli, "limit"), show_deployment, err);
}

/* --- one of them ------------------------------------------------------------------------------ */

static void show_waves(struct screen *s, const struct json *d)
{
    static const char *const members[] = {"wave",    "devices", "asked",       "under_way",
                                          "healthy", "failed",  "rolled_back", "away"};
    AUTO(table)
    table = table_new(TABLE_COLUMNS(
        {.name = "WAVE", .is_right = true}, {.name = "DEVICES", .is_right = true},
        {.name = "ASKED", .is_right = true}, {.name = "UNDER WAY", .is_right = true},
        {.name = "HEALTHY", .is_right = true}, {.name = "FAILED", .is_right = true},
        {.name = "ROLLED BACK", .is_right = true}, {.name = "AWAY", .is_right = true}));
    for (const struct json *w = item_first(d, "wave_list"); w != NULL; w = w->next) {
        for (size_t i = 0; i < COUNT_OF(members); i++) {
            table_i64(&table, item_count(w, members[i]));
        }
    }
    table_print(&table, s->cli);
}

static void show_devices(struct screen *s, const struct json *d)
{
    AUTO(table)
    table = table_new(TABLE_COLUMNS({.name = "DEVICE"}, {.name = "WAVE", .is_right = true},
                                    {.name = "STATE"}, {.name = "RUNS"}, {.name = "CONNECTION"},
                                    {.name = "ASKED"}, {.name = "REASON", .is_wide = true}));
    const struct json *devices = json_get(d, "device_list");
    size_t count = devices != NULL ? devices->count : 0;
    size_t limit = (size_t)cli_i64(s->cli, "limit");
    size_t shown = 0;
    for (const struct json *device = item_first(d, "device_list"); device != NULL && shown < limit;
         device = device->next, shown++) {
        struct str state = item_str(device, "state");
        table_cell(&table, item_str(device, "device"));
        table_i64(&table, item_count(device, "wave"));
        table_tone(&table, tone_of(state), state);
        table_cell(&table, str_slice(item_str(device, "current"), 0, HASH_SHOWN));
        table_cell(&table, item_bool(device, "online") ? STR("online") : STR("away"));
        table_ago(&table, item_wall(device, "asked_at"), s->now);
        table_cell(&table, item_str(device, "reason"));
    }
    table_print(&table, s->cli);
    if (count > limit) {
        cli_printf(s->cli, "%zu more: --limit %zu\n", count - limit, count);
    }
}

static void show_facts(struct screen *s, const struct json *d)
{
    struct cli *cli = s->cli;
    struct str status = item_str(d, "status");
    struct str reason = item_str(d, "reason");
    cli_printf(cli, "deployment " STR_FMT ": %s" STR_FMT "%s%s" STR_FMT "\n",
               STR_ARG(item_str(d, "deployment")), cli_tone_on(cli, tone_of(status)),
               STR_ARG(status), cli_tone_off(cli, tone_of(status)),
               str_is_empty(reason) ? "" : ", ", STR_ARG(reason));
    cli_printf(cli, "bundle " STR_FMT ", %lld files, %lld bytes, from " STR_FMT "\n",
               STR_ARG(item_str(d, "bundle")), (long long)item_count(d, "files"),
               (long long)item_count(d, "bytes"), STR_ARG(item_str(d, "source")));
    cli_printf(cli, "to " STR_FMT " in waves " STR_FMT ", aborted if " STR_FMT "\n\n",
               STR_ARG(item_str(d, "to")), STR_ARG(item_str(d, "waves")),
               STR_ARG(item_str(d, "abort_if")));
}

/* The one that is named, or begins so. */
static bool read_one(struct screen *s, const struct json **ret, struct str *ret_text,
                     struct err *err)
{
    target_begin(&s->target, "/api/v1/deployments");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    s->count++;
    return screen_read(s, ret, ret_text, err);
}

static bool show_one(struct screen *s, struct err *err)
{
    const struct json *d = NULL;
    struct str text = STR_NONE;
    if (!read_one(s, &d, &text, err)) {
        return false;
    }
    if (cli_is_json(s->cli)) {
        return screen_print_elements(s, text, "device_list", err);
    }
    show_facts(s, d);
    show_waves(s, d);
    cli_printf(s->cli, "\n");
    show_devices(s, d);
    return true;
}

int command_deployments(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, cli_arg(cli, 0) != NULL ? show_one : list,
                          "no deployments; begin one: selvedge-hub deploy DIR --to ...");
}

/* --- orders ----------------------------------------------------------------------------------- */

static bool give(struct screen *s, const char *order, const char *done, struct err *err)
{
    const struct json *d = NULL;
    const struct json *none = NULL;
    if (!read_one(s, &d, NULL, err)) {
        return false;
    }
    struct str id = item_str(d, "deployment");
    target_begin(&s->target, "/api/v1/deployments");
    target_part(&s->target, id, false);
    buf_add_text(&s->target, order);
    if (!screen_act(s, HTTP_POST, STR_NONE, &none, NULL, err)) {
        return false;
    }
    cli_printf(s->cli, "deployment " STR_FMT " %s\n", STR_ARG(id), done);
    return true;
}

static bool pause_it(struct screen *s, struct err *err)
{
    return give(s, "/pause", "is paused: no further wave begins", err);
}

static bool resume_it(struct screen *s, struct err *err)
{
    return give(s, "/resume", "goes on", err);
}

static bool abort_it(struct screen *s, struct err *err)
{
    return give(s, "/abort", "is aborted", err);
}

int command_deployment_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, pause_it, "");
}

int command_deployment_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, resume_it, "");
}

int command_deployment_abort(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, abort_it, "");
}
