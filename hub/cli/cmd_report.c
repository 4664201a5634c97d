#include "hub/cli/commands.h"

#include "common/platform/clock.h"
#include "hub/delivery/request.h"
#include "hub/fleet/poke.h"
#include "hub/report/question.h"
#include "hub/report/report_make.h"
#include "hub/report/report_times.h"

static bool show_report(struct cli *cli, const struct settings *settings, struct err *err)
{
    struct clock clock = clock_system();
    struct wall_time now = clock_wall(&clock);
    AUTO(buf) out = buf_growing(REPORT_BYTES_MAX);
    struct db *store = NULL;
    struct report_times times;
    if (!report_times_from(str_from(cli_text(cli, "since")), str_from(cli_text(cli, "until")), now,
                           &times, err)) {
        return false;
    }
    struct report_form form = {
        .marks = {cli_tone_on(cli, CLI_STRONG), cli_tone_off(cli, CLI_STRONG)}};
    struct report_question question = report_question_from(&settings->config, now);
    question.group_by = str_from(cli_text(cli, "group-by"));
    question.since = times.since;
    question.until = times.until;
    (void)report_format_from(str_from(cli_text(cli, "format")), &form.format);
    (void)report_section_from(str_from(cli_text(cli, "section")), &form.section);
    form.format = cli_is_json(cli) ? REPORT_JSON : form.format;
    bool ok = open_reader(settings, &store, err) && report_make(store, &question, &form, &out, err);
    db_close(store);
    if (ok) {
        (void)fwrite(out.ptr, 1, out.len, cli_out(cli)); /* the exit code tells of an error */
    }
    return ok;
}

static bool deliver(struct cli *cli, const struct settings *settings, struct err *err)
{
    struct str name = str_from(cli_text(cli, "deliver"));
    struct wall_time when;
    const struct hub_report *report = hub_config_report(&settings->config, name);
    if (report == NULL) {
        (void)err_set(err, ERR_NOT_FOUND, "the settings have no report " STR_FMT, STR_ARG(name));
        return err_hint(err, "they are listed by: selvedge-hub reports");
    }
    if (!request_give(&settings->config, settings->database, name, &when, err)) {
        return false;
    }
    poke_send(&settings->config);
    if (!request_wait(settings->database, name, when, cli_i64(cli, "timeout"), err)) {
        return false;
    }
    AUTO(buf) to = buf_growing(4096);
    hub_report_describe(report, &to);
    cli_printf(cli, "delivered to " STR_FMT "\n", STR_ARG(buf_str(&to)));
    return true;
}

int command_report(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        bool ok = cli_is_given(cli, "deliver") ? deliver(cli, &settings, &err)
                                               : show_report(cli, &settings, &err);
        code = ok ? CLI_OK : cli_error(cli, &err);
    }
    settings_release(&settings);
    return code;
}
