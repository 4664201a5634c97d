/* cmd_enrolment.c - who asks to join without a token, and what a person says to it. */
#include "hub/cli/screen.h"

static const struct table_column columns[] = {{.name = "NAME"},
                                              {.name = "FINGERPRINT"},
                                              {.name = "STATUS"},
                                              {.name = "SINCE"},
                                              {.name = "ASKED LAST"},
                                              {.name = "SERIAL NUMBER"},
                                              {.name = "BOARD", .is_wide = true},
                                              {0}};

static void show_pending(struct screen *s, const struct json *row)
{
    struct table *t = &s->table;
    struct str status = item_str(row, "status");
    table_cell(t, item_str(row, "device"));
    table_cell(t, item_str(row, "fingerprint"));
    table_tone(t, str_eq(status, STR("waiting")) ? CLI_WARN : CLI_FAINT, status);
    table_ago(t, item_wall(row, "first_at"), s->now);
    table_ago(t, item_wall(row, "last_at"), s->now);
    table_cell(t, item_str(row, "serial_number"));
    table_cell(t, item_str(row, "board"));
}

static bool list(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/enrolments");
    return screen_list(s, columns, 0, show_pending, err);
}

int command_enrolments(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, list, "nobody waits");
}

static bool decide(struct screen *s, const char *what, const char *done, struct err *err)
{
    const struct json *none = NULL;
    struct json_writer w = json_writer(&s->text);
    jw_begin_object(&w);
    jw_member_str(&w, "fingerprint", str_from(cli_text(s->cli, "fingerprint")));
    jw_end_object(&w);
    target_begin(&s->target, "/api/v1/enrolments");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    buf_addf(&s->target, "/%s", what);
    if (!screen_act(s, HTTP_POST, buf_str(&s->text), &none, NULL, err)) {
        return false;
    }
    s->count++;
    if (!cli_is_json(s->cli)) {
        cli_printf(s->cli, "%s is %s; it hears of it when it asks next\n", cli_arg(s->cli, 0),
                   done);
    }
    return true;
}

static bool accept(struct screen *s, struct err *err)
{
    return decide(s, "accept", "accepted", err);
}

int command_enrolment_accept(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, accept, "");
}

static bool reject(struct screen *s, struct err *err)
{
    return decide(s, "reject", "rejected", err);
}

int command_enrolment_reject(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, reject, "");
}
