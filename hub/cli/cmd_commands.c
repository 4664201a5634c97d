/* cmd_commands.c - commands that were given: listed, shown, withdrawn. */
#include "hub/cli/command_wait.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "hub/fleet/poke.h"

enum { LINE_BYTES_MAX = 256 << 10 };

struct listing {
    struct cli *cli;
    struct settings settings;
    struct orders *orders;
    struct table table;
    struct wall_time now;
    struct fate_counts counts;
    const struct order_view *order;
    struct buf text;
    struct err err;
    int64_t count;
    bool has_failed;
};

static bool count_devices(struct listing *l, const struct order_view *order)
{
    bool ok = fate_counts_read(&l->counts, l->orders, order, l->now, &l->err);
    l->has_failed = l->has_failed || !ok;
    return ok;
}

static void list_order(void *ctx, const struct order_view *o)
{
    struct listing *l = ctx;
    if (l->has_failed || !count_devices(l, o)) {
        return;
    }
    l->count++;
    if (cli_is_json(l->cli)) {
        buf_reset(&l->text);
        struct json_writer w = json_writer(&l->text);
        jw_begin_object(&w);
        row_order(&w, o, &l->counts, l->now);
        jw_end_object(&w);
        cli_json(l->cli, buf_str(&l->text));
        return;
    }
    const char *state = order_state(o, &l->counts, l->now);
    bool is_open = o->is_open && o->withdrawn.ns == 0;
    buf_reset(&l->text);
    fate_counts_add(&l->text, &l->counts);
    table_cell(&l->table, o->id);
    table_cell(&l->table, o->verb);
    table_tone(&l->table, is_open ? CLI_STRONG : CLI_FAINT, str_from(state));
    table_ago(&l->table, o->given, l->now);
    table_cell(&l->table, o->targets);
    table_cell(&l->table, buf_str(&l->text));
}

/* --- one -------------------------------------------------------------------------------------- */

static void show_device(void *ctx, const struct order_device *d)
{
    struct listing *l = ctx;
    struct table *t = &l->table;
    buf_reset(&l->text);
    fate_why(&l->text, l->order, d, l->now);
    table_cell(t, d->device);
    table_tone(t, fate_tone(d->fate), str_from(order_fate_name(d->fate)));
    table_ago(t, d->answered.ns != 0 ? d->answered : d->last_sent, l->now);
    table_cell(t, d->run);
    table_cell(t, l->text.len > 0 ? buf_str(&l->text) : d->result);
}

static void show_order(void *ctx, const struct order_view *o)
{
    struct listing *l = ctx;
    if (!count_devices(l, o)) {
        return;
    }
    l->count++;
    l->order = o;
    cli_printf(l->cli, "%s" STR_FMT "%s  " STR_FMT " to " STR_FMT "  %s\n",
               cli_tone_on(l->cli, CLI_STRONG), STR_ARG(o->verb), cli_tone_off(l->cli, CLI_STRONG),
               STR_ARG(o->args), STR_ARG(o->targets), order_state(o, &l->counts, l->now));
    buf_reset(&l->text);
    buf_add(&l->text, o->expires.ns > l->now.ns ? STR("expires ") : STR("expired "));
    buf_add_ago(&l->text, o->expires, l->now);
    cli_printf(l->cli, "%ssigned by " STR_FMT ", " STR_FMT "%s\n\n", cli_tone_on(l->cli, CLI_FAINT),
               STR_ARG(o->key), STR_ARG(buf_str(&l->text)), cli_tone_off(l->cli, CLI_FAINT));
    l->has_failed = !orders_each_device(l->orders, o, l->now, show_device, l, &l->err);
    l->order = NULL;
}

static bool show_one(struct listing *l)
{
    char id[UUID_TEXT_SIZE];
    if (!orders_find(l->orders, str_from(cli_arg(l->cli, 0)), id, &l->err)) {
        return false;
    }
    if (cli_is_json(l->cli)) {
        return orders_each(l->orders, str_from(id), 1, list_order, l, &l->err) && !l->has_failed &&
               command_summary(l->cli, l->orders, str_from(id), &l->err);
    }
    l->table = table_new(TABLE_COLUMNS({.name = "DEVICE"}, {.name = "STATUS"}, {.name = "WHEN"},
                                       {.name = "RUN"}, {.name = "WHAT", .is_wide = true}));
    bool ok = orders_each(l->orders, str_from(id), 1, show_order, l, &l->err) && !l->has_failed;
    if (ok) {
        table_print(&l->table, l->cli);
    }
    return ok;
}

static bool list_all(struct listing *l)
{
    l->table = table_new(TABLE_COLUMNS({.name = "COMMAND"}, {.name = "VERB"}, {.name = "STATE"},
                                       {.name = "GIVEN"}, {.name = "TO", .is_wide = true},
                                       {.name = "DEVICES", .is_wide = true}));
    bool ok = orders_each(l->orders, STR_NONE, cli_i64(l->cli, "limit"), list_order, l, &l->err) &&
              !l->has_failed;
    if (ok) {
        table_print_list(&l->table, l->cli,
                         "no commands yet; give one: selvedge-hub command --to DEVICE ping");
    }
    return ok;
}

static int with_orders(struct cli *cli, bool (*fn)(struct listing *l))
{
    struct clock clock = clock_system();
    int code = CLI_OK;
    struct listing l = {.cli = cli, .now = clock_wall(&clock), .text = buf_growing(LINE_BYTES_MAX)};
    if (settings_load(cli, &l.settings, &code)) {
        if (!orders_open(&l.orders, l.settings.database, &l.err) || !fn(&l)) {
            code = cli_error(cli, &l.err);
        }
    }
    table_release(&l.table);
    buf_release(&l.text);
    orders_close(l.orders);
    settings_release(&l.settings);
    return code;
}

int command_commands(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_orders(cli, cli_arg(cli, 0) != NULL ? show_one : list_all);
}

/* --- withdrawing ------------------------------------------------------------------------------ */

static bool withdraw(struct listing *l)
{
    char id[UUID_TEXT_SIZE];
    int64_t unsent = 0;
    if (!orders_find(l->orders, str_from(cli_arg(l->cli, 0)), id, &l->err) ||
        !orders_withdraw(l->orders, str_from(id), STR_NONE, l->now, &unsent, &l->err)) {
        return false;
    }
    poke_send(&l->settings.config);
    if (cli_is_json(l->cli)) {
        struct json_writer w = json_writer(&l->text);
        jw_begin_object(&w);
        jw_member_str(&w, "command", str_from(id));
        jw_member_str(&w, "state", STR("withdrawn"));
        jw_member_i64(&w, "never_sent", unsent);
        jw_end_object(&w);
        cli_json(l->cli, buf_str(&l->text));
    } else {
        cli_printf(l->cli,
                   "withdrawn: %lld device%s will not get it; what was sent already may be carried "
                   "out\n",
                   (long long)unsent, unsent == 1 ? "" : "s");
    }
    return true;
}

int command_commands_cancel(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_orders(cli, withdraw);
}
