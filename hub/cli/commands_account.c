/* commands_account.c - who may use the web side: for who is root on the hub's machine, as the way in when
 * a password is forgotten, and for scripts that set a hub up. */
#include "hub/cli/commands.h"
#include "hub/rows/account_rows.h"

#include "common/cli/table.h"
#include "common/platform/clock.h"
#include "common/platform/rng.h"
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 4096, ROWS_MAX = 100000 };

struct account_view {
    struct cli *cli;
    struct settings settings;
    struct accounts *accounts;
    struct table table;
    struct wall_time now;
};

static int carry_out(struct cli *cli, bool (*act)(struct account_view *v, struct err *err))
{
    struct err err = {0};
    struct clock clock = clock_system();
    struct rng rng = rng_system();
    struct account_view v = {.cli = cli, .now = clock_wall(&clock)};
    int code = CLI_OK;
    if (settings_load(cli, &v.settings, &code) &&
        !(accounts_open(&v.accounts, v.settings.database, &rng, &err) && act(&v, &err))) {
        code = cli_error(cli, &err);
    }
    table_release(&v.table);
    accounts_close(v.accounts);
    settings_release(&v.settings);
    return code;
}

/* In the audit log as what the web side does, by nobody's account. */
static bool write_down(struct account_view *v, const char *action, struct str subject,
                       struct str detail, struct err *err)
{
    const struct account_audit row = {.at = v->now,
                                      .peer = STR("command line"),
                                      .action = str_from(action),
                                      .subject = subject,
                                      .result = STR("ok"),
                                      .detail = detail};
    return accounts_audit(v->accounts, &row, err);
}

/* --- users ------------------------------------------------------------------------------------ */

static void list_user(void *ctx, const struct account_user *u)
{
    struct account_view *v = ctx;
    if (cli_is_json(v->cli)) {
        AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        row_user(&w, u);
        jw_end_object(&w);
        cli_json(v->cli, buf_str(&line));
        return;
    }
    bool is_locked = u->locked_until.ns > v->now.ns;
    table_cell(&v->table, u->name);
    table_cell(&v->table, u->role);
    table_tone(&v->table, is_locked ? CLI_WARN : CLI_PLAIN,
               is_locked ? STR("locked") : STR("good"));
    table_ago(&v->table, u->last_login, v->now);
    table_i64(&v->table, u->sessions);
    table_i64(&v->table, u->tokens);
}

static bool list_users(struct account_view *v, struct err *err)
{
    v->table = table_new(TABLE_COLUMNS(
        {.name = "USER"}, {.name = "ROLE"}, {.name = "STATE"}, {.name = "LAST LOGIN"},
        {.name = "SESSIONS", .is_right = true}, {.name = "TOKENS", .is_right = true}));
    bool ok = accounts_each_user(v->accounts, STR_NONE, ROWS_MAX, v->now, list_user, v, err);
    if (ok) {
        table_print_list(&v->table, v->cli, "nobody yet; make one: selvedge-hub user add NAME");
    }
    return ok;
}

static int command_users(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, list_users);
}

/* One line of standard input; asked for, and not shown, where somebody types. */
static bool read_password(struct cli *cli, char *line, size_t size, struct err *err)
{
    struct termios shown;
    bool is_typed = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &shown) == 0;
    if (is_typed) {
        struct termios hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden); /* first: what is typed now is dropped */
        (void)fprintf(cli_err(cli), "password: ");
        (void)fflush(cli_err(cli));
    }
    bool has_line = fgets(line, (int)size, stdin) != NULL;
    if (is_typed) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        (void)fprintf(cli_err(cli), "\n");
    }
    if (!has_line) {
        (void)err_set(err, ERR_INVALID, "no password came");
        return err_hint(err, "it is the first line of standard input");
    }
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static bool with_password(struct account_view *v,
                          bool (*act)(struct account_view *v, struct str password, struct err *err),
                          struct err *err)
{
    char line[ACCOUNT_PASSWORD_BYTES_MAX + 2];
    bool ok = read_password(v->cli, line, sizeof(line), err) && act(v, str_from(line), err);
    explicit_bzero(line, sizeof(line));
    return ok;
}

static bool add_with(struct account_view *v, struct str password, struct err *err)
{
    struct str name = str_from(cli_arg(v->cli, 0));
    struct str role_name = str_from(cli_text(v->cli, "role"));
    enum account_role role = ACCOUNT_NONE;
    return (account_role_from(role_name, &role) ||
            err_set(err, ERR_INVALID, "a role is viewer, operator or admin")) &&
           accounts_add(v->accounts, name, role, password, v->now, err) &&
           write_down(v, "user.add", name, role_name, err);
}

static bool add_user(struct account_view *v, struct err *err)
{
    return with_password(v, add_with, err);
}

static int command_user_add(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, add_user);
}

static bool change_with(struct account_view *v, struct str password, struct err *err)
{
    struct str name = str_from(cli_arg(v->cli, 0));
    return accounts_set_password(v->accounts, name, password, STR_NONE, err) &&
           write_down(v, "user.password", name, STR_NONE, err);
}

static bool change_password(struct account_view *v, struct err *err)
{
    return with_password(v, change_with, err);
}

static int command_user_password(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, change_password);
}

static bool change_role(struct account_view *v, struct err *err)
{
    struct str name = str_from(cli_arg(v->cli, 0));
    struct str role_name = str_from(cli_arg(v->cli, 1));
    enum account_role role = ACCOUNT_NONE;
    return (account_role_from(role_name, &role) ||
            err_set(err, ERR_INVALID, "a role is viewer, operator or admin")) &&
           accounts_set_role(v->accounts, name, role, err) &&
           write_down(v, "user.role", name, role_name, err);
}

static int command_user_role(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, change_role);
}

static bool remove_user(struct account_view *v, struct err *err)
{
    struct str name = str_from(cli_arg(v->cli, 0));
    return accounts_remove(v->accounts, name, err) &&
           write_down(v, "user.remove", name, STR_NONE, err);
}

static int command_user_remove(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, remove_user);
}

/* --- tokens for programs ------------------------------------------------------------------------ */

static void list_token(void *ctx, const struct account_token *t)
{
    struct account_view *v = ctx;
    if (cli_is_json(v->cli)) {
        AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        row_token(&w, t, v->now);
        jw_end_object(&w);
        cli_json(v->cli, buf_str(&line));
        return;
    }
    struct str state = token_state(t, v->now);
    table_cell(&v->table, t->id);
    table_cell(&v->table, t->account);
    table_cell(&v->table, t->scope);
    table_tone(&v->table, str_eq(state, STR("good")) ? CLI_GOOD : CLI_FAINT, state);
    table_ago(&v->table, t->expires, v->now);
    table_ago(&v->table, t->used, v->now);
    table_cell(&v->table, t->label);
}

static bool list_tokens(struct account_view *v, struct err *err)
{
    v->table = table_new(TABLE_COLUMNS({.name = "TOKEN"}, {.name = "USER"}, {.name = "SCOPE"},
                                       {.name = "STATE"}, {.name = "ENDS"}, {.name = "USED"},
                                       {.name = "LABEL"}));
    bool ok = accounts_each_token(v->accounts, STR_NONE, ROWS_MAX, list_token, v, err);
    if (ok) {
        table_print_list(&v->table, v->cli,
                         "none yet; make one: selvedge-hub api-token create --user NAME");
    }
    return ok;
}

static int command_api_tokens(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, list_tokens);
}

/* The secret alone goes to stdout, for scripts. */
static void say_token(struct account_view *v, const char *id, const char *secret,
                      const struct account_token *token)
{
    if (!cli_is_json(v->cli)) {
        cli_printf(v->cli, "%s\n", secret);
        return;
    }
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "token", str_from(id));
    jw_member_str(&w, "secret", str_from(secret));
    jw_member_wall(&w, "expires_at", token->expires);
    jw_end_object(&w);
    cli_json(v->cli, buf_str(&line));
    buf_wipe(&line);
}

static bool create_token(struct account_view *v, struct err *err)
{
    char id[17];
    char secret[ACCOUNT_TOKEN_SIZE];
    const struct account_token token = {.account = str_from(cli_text(v->cli, "user")),
                                        .label = str_from(cli_text(v->cli, "label")),
                                        .scope = str_from(cli_text(v->cli, "scope")),
                                        .created = v->now,
                                        .expires = {v->now.ns + cli_i64(v->cli, "expires")}};
    if (str_is_empty(token.account)) {
        (void)err_set(err, ERR_INVALID, "whose token is it? --user NAME");
        return err_hint(err, "list them: selvedge-hub users");
    }
    bool ok = accounts_token_add(v->accounts, &token, id, secret, err) &&
              write_down(v, "token.add", str_from(id), token.scope, err);
    if (ok) {
        say_token(v, id, secret, &token);
    }
    explicit_bzero(secret, sizeof(secret));
    return ok;
}

static int command_api_token_create(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, create_token);
}

static bool revoke_token(struct account_view *v, struct err *err)
{
    struct str id = str_from(cli_arg(v->cli, 0));
    return accounts_token_revoke(v->accounts, id, v->now, err) &&
           write_down(v, "token.revoke", id, STR_NONE, err);
}

static int command_api_token_revoke(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, revoke_token);
}

const struct cli_command commands_account[] = {
    {.name = "users",
     .summary = "list who may use the web UI and the API",
     .examples = CLI_EXAMPLES({"selvedge-hub users", NULL}),
     .run = command_users},
    {.name = "user", .summary = "manage who may use the web UI and the API"},
    {.name = "user add",
     .args = "NAME",
     .summary = "let somebody in",
     .description =
         "The password is the first line of standard input, or is asked for. A viewer "
         "sees everything, an operator also sends commands, an admin also manages users.",
     .options = CLI_OPTIONS({.name = "role",
                             .type = CLI_STRING,
                             .value_name = "ROLE",
                             .choices = "viewer|operator|admin",
                             .default_text = "viewer",
                             .help = "what the user may do"}),
     .examples = CLI_EXAMPLES({"selvedge-hub user add ada --role operator", NULL}),
     .run = command_user_add},
    {.name = "user role",
     .args = "NAME ROLE",
     .summary = "change what somebody may do",
     .description = "Ends all sessions of the user.",
     .examples = CLI_EXAMPLES({"selvedge-hub user role ada admin", NULL}),
     .run = command_user_role},
    {.name = "user password",
     .args = "NAME",
     .summary = "give somebody another password",
     .description =
         "The first line of standard input, or it is asked for. Ends all sessions of the "
         "user and lifts a lock: the way back in for who has forgotten it.",
     .examples = CLI_EXAMPLES({"selvedge-hub user password admin", NULL}),
     .run = command_user_password},
    {.name = "user remove",
     .args = "NAME",
     .summary = "let somebody in no more; ends sessions and tokens",
     .examples = CLI_EXAMPLES({"selvedge-hub user remove ada", NULL}),
     .run = command_user_remove},
    {.name = "api-tokens",
     .summary = "list tokens by which programs use the API",
     .examples = CLI_EXAMPLES({"selvedge-hub api-tokens", NULL}),
     .run = command_api_tokens},
    {.name = "api-token", .summary = "manage tokens by which programs use the API"},
    {.name = "api-token create",
     .summary = "make a token and print it",
     .description = "Sent as `Authorization: Bearer TOKEN`. It may what its scope says, and never "
                    "more than its user. Only a hash is kept: it is shown only now.",
     .options = CLI_OPTIONS({.name = "user",
                             .letter = 'u',
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "whose it is"},
                            {.name = "scope",
                             .type = CLI_STRING,
                             .value_name = "SCOPE",
                             .choices = "metrics|read|operate|admin",
                             .default_text = "read",
                             .help = "what it is good for"},
                            {.name = "label",
                             .type = CLI_STRING,
                             .value_name = "TEXT",
                             .help = "what it is for, shown in the list"},
                            {.name = "expires",
                             .letter = 'e',
                             .type = CLI_DURATION,
                             .value_name = "TIME",
                             .default_text = "90d",
                             .help = "how long it is good for"}),
     .examples =
         CLI_EXAMPLES({"selvedge-hub api-token create --user admin --scope metrics --expires 365d",
                       "for Prometheus"}),
     .run = command_api_token_create},
    {.name = "api-token revoke",
     .args = "TOKEN",
     .summary = "make a token useless",
     .description = "TOKEN is its id in the list.",
     .examples = CLI_EXAMPLES({"selvedge-hub api-token revoke 8d0f3b5a1c2e4f60", NULL}),
     .run = command_api_token_revoke},
    {0}};
