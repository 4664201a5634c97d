/* cmd_token.c - the tokens by which devices join: made, listed, revoked. */
#include "hub/cli/labels.h"
#include "hub/cli/new_token.h"
#include "hub/cli/screen.h"

#include <unistd.h>

static void begin_target(struct screen *s)
{
    s->count++;
    target_begin(&s->target, "/api/v1/enrolment-tokens");
}

/* --- create ------------------------------------------------------------------------------- */

static bool add_labels(struct cli *cli, struct json_writer *w, struct err *err)
{
    struct label_change labels[LABELS_MAX];
    const char *text = NULL;
    for (size_t i = 0; (text = cli_values(cli, "set", i)) != NULL; i++) {
        if (i == LABELS_MAX) {
            return err_set(err, ERR_INVALID, "a device has at most %d labels", LABELS_MAX);
        }
        if (!label_parse(str_from(text), false, &labels[i], err)) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(labels[k].key, labels[i].key)) {
                return err_set(err, ERR_INVALID, "label " STR_FMT " is given twice",
                               STR_ARG(labels[i].key));
            }
        }
        jw_key(w, labels[i].key);
        jw_str(w, labels[i].value);
    }
    return true;
}

static bool write_request(struct cli *cli, struct buf *out, struct err *err)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_opt(&w, "label", str_from(cli_text(cli, "label")));
    jw_member_opt(&w, "names", str_from(cli_text(cli, "names")));
    jw_member_i64(&w, "max_uses", cli_i64(cli, "uses"));
    jw_member_str(&w, "expires_in", str_from(cli_text(cli, "expires")));
    jw_key(&w, STR("labels"));
    jw_begin_object(&w);
    bool ok = add_labels(cli, &w, err);
    jw_end_object(&w);
    jw_end_object(&w);
    return ok;
}

void new_token_say(struct cli *cli, const struct token_said *token, struct str name)
{
    cli_printf(cli, STR_FMT "\n", STR_ARG(token->token));
    (void)fflush(cli_out(cli));
    if (isatty(STDERR_FILENO) == 1) {
        char expires[WALL_TEXT_SIZE];
        (void)fprintf(cli_err(cli),
                      "\ngood for %lld device%s until %.16s UTC; shown only now. On the device:\n"
                      "  selvedge-agent enroll TOKEN --name " STR_FMT "\n",
                      (long long)token->max_uses, token->max_uses == 1 ? "" : "s",
                      wall_format(token->expires, expires), STR_ARG(name));
    }
}

static bool create(struct screen *s, struct err *err)
{
    const struct json *made = NULL;
    struct str text = STR_NONE;
    begin_target(s);
    if (!write_request(s->cli, &s->text, err) ||
        !screen_act(s, HTTP_POST, buf_str(&s->text), &made, &text, err)) {
        return false;
    }
    if (cli_is_json(s->cli)) {
        cli_json(s->cli, text);
        return true;
    }
    const struct token_said said = {.token = item_str(made, "token"),
                                    .max_uses = item_count(made, "max_uses"),
                                    .expires = item_wall(made, "expires_at")};
    new_token_say(s->cli, &said, STR("NAME"));
    return true;
}

int command_token_create(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, create, "");
}

/* --- list --------------------------------------------------------------------------------- */

static const struct table_column columns[] = {{.name = "TOKEN"},
                                              {.name = "STATE"},
                                              {.name = "USES"},
                                              {.name = "MADE"},
                                              {.name = "EXPIRES"},
                                              {.name = "LABEL"},
                                              {.name = "NAMES"},
                                              {.name = "SETS", .is_wide = true},
                                              {.name = "GUESSED"},
                                              {.name = "LAST REFUSED", .is_wide = true},
                                              {0}};

static void show_token(struct screen *s, const struct json *token)
{
    struct table *t = &s->table;
    struct str state = item_str(token, "state");
    int64_t guessed = item_count(token, "wrong_secrets");
    table_cell(t, item_str(token, "id"));
    table_tone(t, str_eq(state, STR("open")) ? CLI_GOOD : CLI_FAINT, state);
    table_cellf(t, "%lld/%lld", (long long)item_count(token, "uses"),
                (long long)item_count(token, "max_uses"));
    table_ago(t, item_wall(token, "created_at"), s->now);
    table_ago(t, item_wall(token, "expires_at"), s->now);
    table_cell(t, item_str(token, "label"));
    table_cell(t, item_str(token, "names"));
    table_cell(t, screen_join(s, token, "labels", " "));
    screen_count_cell(t, guessed > 0 ? guessed : HUB_UNKNOWN);
    table_cell(t, item_str(token, "last_error"));
}

static bool list(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/enrolment-tokens");
    return screen_list(s, columns, 0, show_token, err);
}

int command_token_list(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, list, "no tokens; make one: selvedge-hub token create");
}

/* --- revoke ------------------------------------------------------------------------------- */

static bool revoke_token(struct screen *s, struct err *err)
{
    struct str id = str_from(cli_arg(s->cli, 0));
    const struct json *none = NULL;
    begin_target(s);
    target_part(&s->target, id, false);
    if (!screen_act(s, HTTP_DELETE, STR_NONE, &none, NULL, err)) {
        return false;
    }
    if (!cli_is_json(s->cli)) {
        cli_printf(s->cli, "token " STR_FMT " is revoked; devices it enrolled stay enrolled\n",
                   STR_ARG(id));
        return true;
    }
    struct json_writer w = json_writer(&s->text);
    jw_begin_object(&w);
    jw_member_str(&w, "id", id);
    jw_member_str(&w, "state", STR("revoked"));
    jw_end_object(&w);
    cli_json(s->cli, buf_str(&s->text));
    return true;
}

int command_token_revoke(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, revoke_token, "");
}
