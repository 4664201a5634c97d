/* cmd_look.c - buffer, status: what this device knows. */
#include "agent/cli/commands.h"

#include "agent/daemon/control.h"
#include "common/cli/show.h"
#include "common/json/json_writer.h"
#include <stdio.h>

/* --- buffer ----------------------------------------------------------------------------------- */

static bool print_waiting(void *ctx, struct str line)
{
    cli_event(ctx, line);
    return true;
}

static void say_position(struct cli *cli, const struct store_position *p)
{
    AUTO(buf) out = buf_growing(4096);
    if (cli_is_json(cli)) {
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "epoch", str_from(p->epoch));
        jw_member_i64(&w, "last_seq", p->last_seq);
        jw_member_i64(&w, "acked_seq", p->acked_seq);
        jw_member_i64(&w, "waiting_events", p->waiting_events);
        jw_member_i64(&w, "waiting_bytes", p->waiting_bytes);
        jw_member_i64(&w, "history_bytes", p->history_bytes);
        jw_member_i64(&w, "dropped_events", p->dropped);
        jw_end_object(&w);
        cli_json(cli, buf_str(&out));
        return;
    }
    buf_addf(&out, "waiting       %lld events, ", (long long)p->waiting_events);
    buf_add_bytes(&out, p->waiting_bytes);
    buf_addf(&out, "\nrecorded      up to %lld\nacknowledged  up to %lld\nhistory       ",
             (long long)p->last_seq, (long long)p->acked_seq);
    buf_add_bytes(&out, p->history_bytes);
    buf_addf(&out, " of acknowledged events\nepoch         %s\n", p->epoch);
    if (p->dropped > 0) {
        buf_addf(&out, "given up      %lld events for the quota\n", (long long)p->dropped);
    }
    cli_printf(cli, STR_FMT, STR_ARG(buf_str(&out)));
}

static bool say_buffer(struct cli *cli, struct view *view, struct err *err)
{
    struct store_position position;
    if (cli_bool(cli, "events")) {
        return view_waiting(view, cli_i64(cli, "limit"), print_waiting, cli, err);
    }
    if (!view_position(view, &position, err)) {
        return false;
    }
    say_position(cli, &position);
    return true;
}

static int show_buffer(struct cli *cli, struct settings *settings)
{
    struct view *view = NULL;
    struct err err = {0};
    bool ok = view_open(&view, settings->database, &err) && say_buffer(cli, view, &err);
    view_close(view);
    return ok ? CLI_OK : cli_error(cli, &err);
}

int command_buffer(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, show_buffer);
}

/* --- status ----------------------------------------------------------------------------------- */

static void say_member(struct cli *cli, const struct json *node)
{
    AUTO(buf) value = buf_growing(4096);
    if (node->type == JSON_STRING) {
        buf_add(&value, node->as.string);
    } else {
        json_write(&value, node);
    }
    char name[64];
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(str_slice(node->key, 0, 60)));
    for (char *c = name; *c != '\0'; c++) {
        if (*c == '_') {
            *c = ' ';
        }
    }
    cli_printf(cli, "%-18s " STR_FMT "\n", name, STR_ARG(buf_str(&value)));
}

static int show_status(struct cli *cli, struct settings *settings)
{
    struct json *reply = NULL;
    struct err err = {0};
    if (!control_call(settings->state_dir, STR("{\"verb\":\"status\"}"), &settings->arena, &reply,
                      &err)) {
        return cli_error(cli, &err);
    }
    if (cli_is_json(cli)) {
        AUTO(buf) out = buf_growing(1 << 20);
        json_write(&out, reply);
        cli_json(cli, buf_str(&out));
        return CLI_OK;
    }
    for (const struct json *node = reply->child; node != NULL; node = node->next) {
        say_member(cli, node);
    }
    return CLI_OK;
}

int command_status(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, show_status);
}
