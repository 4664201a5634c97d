#include "hub/cli/commands.h"
#include "hub/cli/labels.h"
#include "hub/cli/new_token.h"
#include "hub/registry/new_token.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/wire/messages.h"
#include "hub/registry/authority.h"
#include "hub/registry/registry.h"
#include "hub/rows/enrolment_rows.h"
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 64 << 10 };

/* Tokens are written to the database of a hub that may be running. */
static bool open_registry(const struct settings *settings, struct registry **ret,
                          char ret_fingerprint[AUTHORITY_PINS_SIZE], struct err *err)
{
    return authority_pins(&settings->config, ret_fingerprint, err) &&
           registry_open(ret, settings->database, err);
}

/* --- create ------------------------------------------------------------------------------- */

static bool read_labels(struct cli *cli, struct new_token *token, struct err *err)
{
    const char *text = NULL;
    for (size_t i = 0; (text = cli_values(cli, "set", i)) != NULL; i++) {
        if (i == LABELS_MAX) {
            return err_set(err, ERR_INVALID, "a device has at most %d labels", LABELS_MAX);
        }
        if (!label_parse(str_from(text), false, &token->labels[i], err)) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(token->labels[k].key, token->labels[i].key)) {
                return err_set(err, ERR_INVALID, "label " STR_FMT " is given twice",
                               STR_ARG(token->labels[i].key));
            }
        }
        token->options.label_count = i + 1;
    }
    token->options.labels = token->labels;
    return true;
}

static void say_token_json(struct cli *cli, const struct new_token *token)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    row_new_token(&w, token);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
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

static void say_token(struct cli *cli, const struct new_token *token)
{
    const struct token_said said = {.token = buf_str(&token->text),
                                    .max_uses = token->options.max_uses,
                                    .expires = token->options.expires};
    if (cli_is_json(cli)) {
        say_token_json(cli, token);
    } else {
        new_token_say(cli, &said, STR("NAME"));
    }
}

int command_token_create(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct registry *registry = NULL;
    struct clock clock = clock_system();
    struct rng rng = rng_system();
    struct wall_time now = clock_wall(&clock);
    struct err err = {0};
    int code = CLI_OK;
    struct new_token token = {.text = buf_growing(LINE_BYTES_MAX)};
    token.options = (struct token_options){.label = str_from(cli_text(cli, "label")),
                                           .max_uses = cli_i64(cli, "uses"),
                                           .expires = {now.ns + cli_i64(cli, "expires")},
                                           .name_pattern = str_from(cli_text(cli, "names"))};
    if (settings_load(cli, &settings, &code)) {
        if (!read_labels(cli, &token, &err) ||
            !open_registry(&settings, &registry, token.fingerprint, &err) ||
            !new_token_create(&settings.config, &rng, registry, &token, now, &err)) {
            code = cli_error(cli, &err);
        } else {
            say_token(cli, &token);
        }
        registry_close(registry);
    }
    new_token_wipe(&token);
    settings_release(&settings);
    return code;
}

/* --- list --------------------------------------------------------------------------------- */

struct token_list {
    struct cli *cli;
    struct table table;
    struct wall_time now;
};

static void json_token(struct cli *cli, const struct token_row *row, struct wall_time now)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    row_enrolment_token(&w, row, now);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

static void list_token(void *ctx, const struct token_row *row)
{
    struct token_list *list = ctx;
    const char *state = enrol_token_state(row, list->now);
    if (cli_is_json(list->cli)) {
        json_token(list->cli, row, list->now);
        return;
    }
    bool is_open = strcmp(state, "open") == 0;
    table_cell(&list->table, row->id);
    table_tone(&list->table, is_open ? CLI_GOOD : CLI_FAINT, str_from(state));
    table_cellf(&list->table, "%lld/%lld", (long long)row->uses, (long long)row->max_uses);
    table_ago(&list->table, row->created, list->now);
    table_ago(&list->table, row->expires, list->now);
    table_cell(&list->table, row->label);
    table_cell(&list->table, row->name_pattern);
    table_cell(&list->table, row->labels);
    if (row->wrong > 0) {
        table_i64(&list->table, row->wrong);
    } else {
        table_text(&list->table, NULL);
    }
    table_cell(&list->table, row->last_error);
}

int command_token_list(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct registry *registry = NULL;
    struct clock clock = clock_system();
    struct err err = {0};
    char fingerprint[AUTHORITY_PINS_SIZE];
    int code = CLI_OK;
    if (!settings_load(cli, &settings, &code)) {
        settings_release(&settings);
        return code;
    }
    struct token_list list = {.cli = cli, .now = clock_wall(&clock)};
    list.table =
        table_new(TABLE_COLUMNS({.name = "TOKEN"}, {.name = "STATE"}, {.name = "USES"},
                                {.name = "MADE"}, {.name = "EXPIRES"}, {.name = "LABEL"},
                                {.name = "NAMES"}, {.name = "SETS", .is_wide = true},
                                {.name = "GUESSED"}, {.name = "LAST REFUSED", .is_wide = true}));
    if (!open_registry(&settings, &registry, fingerprint, &err) ||
        !registry_each_token(registry, list_token, &list, &err)) {
        code = cli_error(cli, &err);
    } else {
        table_print_list(&list.table, cli, "no tokens; make one: selvedge-hub token create");
    }
    table_release(&list.table);
    registry_close(registry);
    settings_release(&settings);
    return code;
}

/* --- revoke ------------------------------------------------------------------------------- */

int command_token_revoke(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct registry *registry = NULL;
    struct clock clock = clock_system();
    struct err err = {0};
    char fingerprint[AUTHORITY_PINS_SIZE];
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        struct str id = str_from(cli_arg(cli, 0));
        if (!open_registry(&settings, &registry, fingerprint, &err) ||
            !registry_revoke_token(registry, id, clock_wall(&clock), &err)) {
            code = cli_error(cli, &err);
        } else if (cli_is_json(cli)) {
            AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
            struct json_writer w = json_writer(&out);
            jw_begin_object(&w);
            jw_member_str(&w, "id", id);
            jw_member_str(&w, "state", STR("revoked"));
            jw_end_object(&w);
            cli_json(cli, buf_str(&out));
        } else {
            cli_printf(cli, "token " STR_FMT " is revoked; devices it enrolled stay enrolled\n",
                       STR_ARG(id));
        }
        registry_close(registry);
    }
    settings_release(&settings);
    return code;
}
