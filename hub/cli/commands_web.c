/* commands_web.c - users of the web side, for who has lost the password, or has no browser. */
#include "hub/accounts/accounts.h"
#include "hub/cli/commands.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/platform/rng.h"
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES_MAX = ACCOUNT_PASSWORD_BYTES_MAX + 2 };

struct user_view {
    struct cli *cli;
    struct settings settings;
    struct accounts *accounts;
    struct table table;
    struct wall_time now;
};

static int carry_out(struct cli *cli, bool (*act)(struct user_view *v, struct err *err))
{
    struct err err = {0};
    struct clock clock = clock_system();
    struct rng rng = rng_system();
    struct user_view v = {.cli = cli, .now = clock_wall(&clock)};
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

static void show_user(void *ctx, const struct account_user *u)
{
    struct user_view *v = ctx;
    if (cli_is_json(v->cli)) {
        AUTO(buf) line = buf_growing(4096);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        jw_member_str(&w, "user", u->name);
        jw_member_str(&w, "role", u->role);
        jw_member_wall(&w, "created_at", u->created);
        jw_member_opt_wall(&w, "last_login_at", u->last_login);
        jw_member_opt_wall(&w, "locked_until", u->locked_until);
        jw_member_i64(&w, "wrong_passwords", u->failures);
        jw_member_i64(&w, "sessions", u->sessions);
        jw_member_i64(&w, "tokens", u->tokens);
        jw_end_object(&w);
        cli_json(v->cli, buf_str(&line));
        return;
    }
    table_cell(&v->table, u->name);
    table_cell(&v->table, u->role);
    table_ago(&v->table, u->last_login, v->now);
    table_i64(&v->table, u->sessions);
    table_i64(&v->table, u->tokens);
    table_tone(&v->table, CLI_WARN, u->locked_until.ns > v->now.ns ? STR("locked") : STR_NONE);
}

static bool list_users(struct user_view *v, struct err *err)
{
    v->table = table_new(TABLE_COLUMNS({.name = "USER"}, {.name = "ROLE"}, {.name = "LAST LOGIN"},
                                       {.name = "SESSIONS", .is_right = true},
                                       {.name = "TOKENS", .is_right = true}, {.name = "NOTE"}));
    bool ok =
        accounts_each_user(v->accounts, STR_NONE, ACCOUNT_USERS_MAX, v->now, show_user, v, err);
    if (ok) {
        table_print_list(&v->table, v->cli,
                         "no users yet: open the link that the hub logs (web.setup), or: "
                         "selvedge-hub users set NAME");
    }
    return ok;
}

/* A line of standard input: it stands in no history and no list of processes. */
static bool set_user(struct user_view *v, struct err *err)
{
    char line[LINE_BYTES_MAX];
    enum account_role role = ACCOUNT_ADMIN;
    struct str name = str_from(cli_arg(v->cli, 0));
    struct str wanted = str_from(cli_text(v->cli, "role"));
    if (!str_is_empty(wanted) && !account_role_from(wanted, &role)) {
        return err_set(err, ERR_INVALID, "--role is viewer, operator or admin");
    }
    if (fgets(line, sizeof(line), stdin) == NULL) {
        return err_set(err, ERR_INVALID, "the password is read from standard input: one line");
    }
    struct str password = str_trim_end(str_from(line), '\n');
    bool ok = accounts_set_password(v->accounts, name, password, STR_NONE, err);
    if (ok && !str_is_empty(wanted)) {
        ok = accounts_set_role(v->accounts, name, role, err);
    } else if (!ok && err->code == ERR_NOT_FOUND) {
        *err = (struct err){0};
        ok = accounts_add(v->accounts, name, role, password, v->now, err);
    }
    explicit_bzero(line, sizeof(line));
    if (ok) {
        const struct account_audit row = {.at = v->now,
                                          .peer = STR("command line"),
                                          .action = STR("user.set"),
                                          .subject = name,
                                          .result = STR("ok")};
        ok = accounts_audit(v->accounts, &row, err);
    }
    return ok;
}

static bool remove_user(struct user_view *v, struct err *err)
{
    return accounts_remove(v->accounts, str_from(cli_arg(v->cli, 0)), err);
}

static int command_users(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, list_users);
}

static int command_set(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, set_user);
}

static int command_remove(struct cli *cli, void *ctx)
{
    (void)ctx;
    return carry_out(cli, remove_user);
}

const struct cli_command commands_web[] = {
    {.name = "users",
     .summary = "list users of the web side",
     .description = "The web UI and the API know them by a password or by tokens. Devices and the "
                    "command line need no user.",
     .examples = CLI_EXAMPLES({"selvedge-hub users", NULL}),
     .run = command_users},
    {.name = "users set",
     .args = "NAME",
     .summary = "add a user, or give one another password or role",
     .description = "The password is the first line of standard input. Sessions of the user end, a "
                    "lock after wrong passwords too.",
     .options = CLI_OPTIONS({.name = "role",
                             .type = CLI_STRING,
                             .value_name = "ROLE",
                             .choices = "viewer|operator|admin",
                             .help = "what it may do (a new one: admin)"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub users set admin < password.txt", "the admin's password was lost"}),
     .run = command_set},
    {.name = "users remove",
     .args = "NAME",
     .summary = "remove a user, with its sessions and tokens",
     .examples = CLI_EXAMPLES({"selvedge-hub users remove ada", NULL}),
     .run = command_remove},
    {0}};
