/* cmd_desired_devices.c - what is wanted of devices and how far they are; what is signed elsewhere. */
#include "hub/cli/screen.h"

#include "common/json/json_scan.h"
#include "common/platform/files.h"
#include "hub/desired/standing.h"
#include <stdio.h>

enum { SIGNED_FILE_BYTES_MAX = 256 << 20 };

/* --- status ------------------------------------------------------------------------------------- */

static enum cli_tone tone_of(struct str state)
{
    static const struct {
        enum desired_standing standing;
        enum cli_tone tone;
    } tones[] = {{STANDING_IN_FORCE, CLI_GOOD}, {STANDING_REFUSED, CLI_BAD},
                 {STANDING_DEGRADED, CLI_BAD},  {STANDING_DRIFT, CLI_BAD},
                 {STANDING_WAITING, CLI_WARN},  {STANDING_UNSIGNED, CLI_WARN}};
    for (size_t i = 0; i < COUNT_OF(tones); i++) {
        if (str_eq(state, str_from(standing_name(tones[i].standing)))) {
            return tones[i].tone;
        }
    }
    return CLI_FAINT;
}

static const struct table_column status_columns[] = {{.name = "DEVICE"},
                                                     {.name = "STATE"},
                                                     {.name = "WANTED"},
                                                     {.name = "IN FORCE"},
                                                     {.name = "SINCE"},
                                                     {.name = "REASON", .is_wide = true},
                                                     {0}};

static void show_status(struct screen *s, const struct json *row)
{
    struct table *t = &s->table;
    struct str state = item_str(row, "state");
    struct str reason = item_str(row, "reason");
    table_cell(t, item_str(row, "device"));
    table_tone(t, tone_of(state), state);
    table_cellf(t, "%lld", (long long)item_count(row, "wanted"));
    table_cellf(t, "%lld", (long long)item_count(row, "in_force"));
    table_ago(t, item_wall(row, "since"), s->now);
    table_cell(t, str_is_empty(reason) ? item_str(row, "conflicts") : reason);
}

static bool list_status(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/desired");
    target_query(&s->target, "pending", cli_bool(s->cli, "pending") ? STR("true") : STR_NONE);
    return screen_list(s, status_columns, 0, show_status, err);
}

int command_desired_status(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, list_status,
                          cli_bool(cli, "pending") ? "every device has what is wanted of it"
                                                   : "nothing is wanted of any device");
}

/* --- show --------------------------------------------------------------------------------------- */

static void say_device(struct screen *s, const struct json *d)
{
    struct cli *cli = s->cli;
    struct str reason = item_str(d, "reason");
    struct str conflicts = item_str(d, "conflicts");
    const struct json *content = json_get(d, "content");
    cli_printf(cli, STR_FMT ": " STR_FMT "; revision %lld is wanted, %lld is in force\n",
               STR_ARG(item_str(d, "device")), STR_ARG(item_str(d, "state")),
               (long long)item_count(d, "wanted"), (long long)item_count(d, "in_force"));
    if (!str_is_empty(reason)) {
        cli_printf(cli, "it says: " STR_FMT "\n", STR_ARG(reason));
    }
    if (!str_is_empty(conflicts)) {
        cli_printf(cli, "conflicts:\n" STR_FMT "\n", STR_ARG(conflicts));
    }
    if (content != NULL) {
        buf_reset(&s->text);
        json_write(&s->text, content);
        cli_printf(cli, STR_FMT "\n", STR_ARG(buf_str(&s->text)));
    }
}

static bool show(struct screen *s, struct err *err)
{
    const struct json *d = NULL;
    target_begin(&s->target, "/api/v1/desired");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    if (!screen_get(s, &d, err)) {
        return false;
    }
    if (d != NULL) {
        say_device(s, d);
    }
    return true;
}

int command_desired_show(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, show, "");
}

/* --- signed elsewhere --------------------------------------------------------------------------- */

/* The content as it stands in the answer, byte for byte: that is what is signed. */
static bool print_content(void *ctx, struct str item, struct err *err)
{
    struct screen *s = ctx;
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, item, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "content")) {
            cli_printf(s->cli, STR_FMT "\n", STR_ARG(value.text));
            s->count++;
        }
    }
    return json_scan_end(&scan, err);
}

static bool export(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/desired");
    target_query(&s->target, "unsigned", STR("true"));
    if (!hub_client_each(s->client, buf_str(&s->target), 0, print_content, s, err)) {
        return false;
    }
    if (s->count == 0) {
        (void)fprintf(cli_err(s->cli), "nothing waits for a signature\n");
    }
    s->count++;
    return true;
}

int command_desired_export(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, export, "");
}

/* The next message of several; false at the end. */
static bool next_message(struct str *rest, struct str *ret)
{
    struct str head;
    struct str body;
    struct str all = *rest;
    if (str_is_empty(all)) {
        return false;
    }
    struct str behind = STR("");
    (void)str_cut(all, '\n', &head, &behind);
    (void)str_cut(behind, '\n', &body, rest);
    *ret = str_slice(all, 0, head.len + 1 + body.len);
    if (body.len == 0) {
        *rest = STR("");
    }
    return true;
}

/* True: the hub was asked; what it refuses is counted. */
static bool send_each(struct screen *s, struct str rest, int64_t *taken, int64_t *refused,
                      struct err *err)
{
    struct str message;
    while (next_message(&rest, &message)) {
        const struct json *none = NULL;
        struct err why = {0};
        target_begin(&s->target, "/api/v1/signed/desired");
        arena_reset(&s->arena);
        if (screen_send(s, HTTP_POST, message, &none, NULL, &why)) {
            (*taken)++;
            continue;
        }
        if (why.code == ERR_OFFLINE || why.code == ERR_TIMEOUT) {
            *err = why;
            return false;
        }
        (*refused)++;
        int64_t number = *taken + *refused;
        (void)fprintf(cli_err(s->cli), "message %lld: %s\n", (long long)number, why.msg);
    }
    return true;
}

static bool import(struct screen *s, struct err *err)
{
    AUTO(buf) text = buf_growing(SIGNED_FILE_BYTES_MAX);
    int64_t taken = 0;
    int64_t refused = 0;
    s->count++;
    if (!files_read(cli_arg(s->cli, 0), &text, err) ||
        !send_each(s, buf_str(&text), &taken, &refused, err)) {
        return false;
    }
    cli_printf(s->cli, "took %lld, refused %lld\n", (long long)taken, (long long)refused);
    (void)fflush(cli_out(s->cli));
    return refused == 0 || err_set(err, ERR_CANCELLED, "not all of it was taken");
}

int command_desired_import(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, import, "");
}
