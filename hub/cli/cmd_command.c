/* cmd_command.c - asking devices to do something: the hub signs it, and sends it to each. What was signed
 * elsewhere is taken from a file. */
#include "hub/cli/command_wait.h"
#include "hub/cli/command_words.h"
#include "hub/cli/find_run.h"

#include "common/cli/text.h"
#include "common/platform/files.h"
#include "common/wire/signed.h"
#include <string.h>

enum { MESSAGE_BYTES_MAX = COMMAND_BYTES_MAX + SIGNED_HEAD_BYTES_MAX };

struct asking {
    struct screen *screen;
    struct cli *cli;
    struct str targets;
    struct found_run run; /* that argument 1 names; empty: it names none */
    struct command_words words;
};

/* --- giving it -------------------------------------------------------------------------------- */

static void write_request(const struct asking *a, struct buf *out)
{
    struct cli *cli = a->cli;
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", a->words.verb);
    jw_member_str(&w, "targets", a->targets);
    jw_member_raw(&w, "args", buf_str(&a->words.args));
    jw_member_opt(&w, "expires_in", str_from(cli_text(cli, "expires")));
    if (cli_is_given(cli, "devices-at-once")) {
        jw_member_i64(&w, "devices_at_once", cli_i64(cli, "devices-at-once"));
        jw_member_opt(&w, "device_timeout", str_from(cli_text(cli, "device-timeout")));
        jw_member_opt(&w, "abort_if", str_from(cli_text(cli, "abort-if")));
    }
    jw_end_object(&w);
}

static bool check_args(const struct asking *a, struct err *err)
{
    AUTO(arena) arena = arena_new(COMMAND_ARENA_BYTES);
    struct json *args = NULL;
    return json_parse(buf_str(&a->words.args), COMMAND_BYTES_MAX, &arena, &args, err) ||
           err_wrap(err, "--args");
}

static bool give(struct asking *a, const struct json **ret, struct str *ret_text, struct err *err)
{
    AUTO(buf) request = buf_growing(2 * COMMAND_BYTES_MAX);
    if (!check_args(a, err)) {
        return false;
    }
    write_request(a, &request);
    target_begin(&a->screen->target, "/api/v1/commands");
    return screen_act(a->screen, HTTP_POST, buf_str(&request), ret, ret_text, err);
}

/* The run's whole id; and its device, when none is named. */
static bool find_named_run(struct asking *a, struct err *err)
{
    if (!command_words_name_run(a->cli)) {
        return true;
    }
    if (!find_run(a->screen, str_from(cli_arg(a->cli, 1)), STR_NONE, &a->run, err)) {
        return false;
    }
    a->targets = str_is_empty(a->targets) ? str_from(a->run.device) : a->targets;
    return true;
}

static int ask(struct asking *a)
{
    const struct json *given = NULL;
    struct str text = STR_NONE;
    struct err err = {0};
    int code = CLI_OK;
    if (!find_named_run(a, &err)) {
        return cli_error(a->cli, &err);
    }
    if (str_is_empty(a->targets)) {
        return cli_usage(a->cli,
                         "say which devices: --to NAME, --to 'label:site=berlin', --to '*'");
    }
    if (!command_words_read(a->cli, a->run.run[0] == '\0' ? NULL : a->run.run, &a->words, &code)) {
        return code;
    }
    return give(a, &given, &text, &err) ? command_given(a->screen, given, text)
                                        : cli_error(a->cli, &err);
}

/* --- the command ------------------------------------------------------------------------------ */

/* True: it was said, and *ret_code is the exit code. */
static bool is_wrong(struct cli *cli, int *ret_code)
{
    struct order_pace pace = {0};
    struct err err = {0};
    const char *abort_if = cli_text(cli, "abort-if");
    bool has_file = cli_is_given(cli, "file");
    const char *wrong = NULL;
    if (has_file == (cli_arg_count(cli) > 0)) {
        wrong = "give a verb, or --file with what was signed elsewhere";
    } else if (has_file && (cli_is_given(cli, "to") || cli_is_given(cli, "expires"))) {
        wrong = "--to and --expires stand in what was signed";
    } else if (!cli_is_given(cli, "devices-at-once") &&
               (abort_if != NULL || cli_is_given(cli, "device-timeout"))) {
        wrong = "--abort-if and --device-timeout go with --devices-at-once N";
    } else if (!has_file && strcmp(cli_arg(cli, 0), "trust") == 0) {
        wrong = "which keys devices trust is changed by: selvedge-hub key";
    } else if (abort_if != NULL && !order_abort_parse(str_from(abort_if), &pace, &err)) {
        (void)err_wrap(&err, "--abort-if");
        wrong = err.msg;
    }
    if (wrong != NULL) {
        *ret_code = cli_usage(cli, "%s", wrong);
    }
    return wrong != NULL;
}

/* What was signed elsewhere. */
static bool send_file(struct screen *s, const struct json **ret, struct str *ret_text,
                      struct err *err)
{
    AUTO(buf) message = buf_growing(MESSAGE_BYTES_MAX);
    if (!files_read(cli_text(s->cli, "file"), &message, err)) {
        return false;
    }
    target_begin(&s->target, "/api/v1/signed/command");
    if (cli_is_given(s->cli, "devices-at-once")) {
        target_query_i64(&s->target, "devices_at_once", cli_i64(s->cli, "devices-at-once"));
        target_query(&s->target, "device_timeout", str_from(cli_text(s->cli, "device-timeout")));
        target_query(&s->target, "abort_if", str_from(cli_text(s->cli, "abort-if")));
    }
    return screen_send(s, HTTP_POST, buf_str(&message), ret, ret_text, err);
}

static int take_file(struct screen *s)
{
    const struct json *given = NULL;
    struct str text = STR_NONE;
    struct err err = {0};
    return send_file(s, &given, &text, &err) ? command_given(s, given, text)
                                             : cli_error(s->cli, &err);
}

int command_command(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    struct err none = {0};
    int code = CLI_OK;
    if (is_wrong(cli, &code)) {
        return code;
    }
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    struct asking a = {.screen = &s, .cli = cli, .targets = str_from(cli_text(cli, "to"))};
    code = cli_is_given(cli, "file") ? take_file(&s) : ask(&a);
    buf_release(&a.words.args);
    s.count = 1;
    (void)screen_close(&s, true, &none, "");
    return code;
}
