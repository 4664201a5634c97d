/* cmd_report.c - what the fleet did in a time; and delivering one of the reports of the settings now. */
#include "hub/cli/screen.h"

#include "common/platform/clock.h"
#include <poll.h>

enum { LOOK_MS = 200 };

/* --- showing one ------------------------------------------------------------------------------ */

static bool ask(struct screen *s, const char *format, struct str *ret, struct err *err)
{
    target_begin(&s->target, "/api/v1/report");
    target_query(&s->target, "since", str_from(cli_text(s->cli, "since")));
    target_query(&s->target, "until", str_from(cli_text(s->cli, "until")));
    target_query(&s->target, "group_by", str_from(cli_text(s->cli, "group-by")));
    target_query(&s->target, "section", str_from(cli_text(s->cli, "section")));
    target_query(&s->target, "format", str_from(format));
    s->count++;
    return screen_check_target(s, err) && hub_client_get(s->client, buf_str(&s->target), ret, err);
}

/* Headings of the text, which are its first line and each one behind an empty line that is not indented. */
static void print_text(struct cli *cli, struct str text)
{
    struct str line = STR_NONE;
    bool is_behind_empty = true;
    while (!str_is_empty(text)) {
        (void)str_cut(text, '\n', &line, &text);
        bool is_heading = is_behind_empty && !str_is_empty(line) && line.ptr[0] != ' ';
        enum cli_tone tone = is_heading ? CLI_STRONG : CLI_PLAIN;
        (void)fprintf(cli_out(cli), "%s" STR_FMT "%s\n", cli_tone_on(cli, tone), STR_ARG(line),
                      cli_tone_off(cli, tone));
        is_behind_empty = str_is_empty(line);
    }
}

static bool show(struct screen *s, struct err *err)
{
    const char *format = cli_is_json(s->cli) ? "json" : cli_text(s->cli, "format");
    struct str report = STR_NONE;
    if (!ask(s, format, &report, err)) {
        return false;
    }
    if (str_eq(str_from(format), STR("text"))) {
        print_text(s->cli, report);
    } else {
        (void)fwrite(report.ptr, 1, report.len, cli_out(s->cli)); /* the exit code tells an error */
    }
    return true;
}

/* --- delivering one --------------------------------------------------------------------------- */

static void name_report(struct screen *s)
{
    target_begin(&s->target, "/api/v1/reports");
    target_part(&s->target, str_from(cli_text(s->cli, "deliver")), false);
}

/* What came of what was asked for at `when`; it is not under way any more. */
static bool how_it_ended(const struct json *report, struct wall_time when, struct err *err)
{
    const struct json *d = item_first(report, "deliveries");
    while (d != NULL &&
           (!str_eq(item_str(d, "cause"), STR("asked")) || item_wall(d, "due_at").ns != when.ns)) {
        d = d->next;
    }
    if (str_eq(item_str(d, "result"), STR("delivered"))) {
        return true;
    }
    struct str why = item_str(d, "error");
    return str_is_empty(why)
               ? err_set(err, ERR_CANCELLED, "the hub has given up what was asked for")
               : err_set(err, ERR_IO, "not delivered: " STR_FMT, STR_ARG(why));
}

static bool wait_for_it(struct screen *s, struct wall_time when, const struct json **ret,
                        struct err *err)
{
    struct clock clock = clock_system();
    int64_t until = clock_mono(&clock).ns + cli_i64(s->cli, "timeout");
    for (;;) {
        arena_reset(&s->arena);
        name_report(s);
        if (!screen_read(s, ret, NULL, err)) {
            return false;
        }
        if (item_wall(*ret, "asked_at").ns != when.ns) {
            return how_it_ended(*ret, when, err);
        }
        if (clock_mono(&clock).ns > until) {
            return err_set(err, ERR_TIMEOUT,
                           "the report is still under way; see: selvedge-hub reports");
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
}

static bool deliver(struct screen *s, struct err *err)
{
    const struct json *answer = NULL;
    s->count++;
    name_report(s);
    buf_add_text(&s->target, "/send");
    if (!screen_act(s, HTTP_POST, STR_NONE, &answer, NULL, err) ||
        !wait_for_it(s, item_wall(answer, "asked_at"), &answer, err)) {
        return false;
    }
    cli_printf(s->cli, "delivered to " STR_FMT "\n", STR_ARG(item_str(answer, "to")));
    return true;
}

int command_report(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, cli_is_given(cli, "deliver") ? deliver : show, "");
}
