/* cmd_desired_devices.c - what is wanted of devices and how far they are; what is signed elsewhere. */
#include "hub/cli/commands.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "common/wire/signed.h"
#include "hub/desired/desired_rows.h"
#include "hub/fleet/poke.h"
#include "hub/registry/authority.h"
#include "hub/rows/device_rows.h"
#include <stdio.h>

enum {
    LINE_BYTES_MAX = 256 << 10,
    ARENA_BYTES = 4 << 20,
    SIGNED_FILE_BYTES_MAX = 256 << 20,
    KEYS_FILE_BYTES_MAX = 64 << 10
};

struct listing {
    struct cli *cli;
    struct table table;
    struct wall_time now;
    bool only_pending;
    size_t pending;
};

static struct wall_time now(void)
{
    struct clock clock = clock_system();
    return clock_wall(&clock);
}

static int with(struct cli *cli, int (*work)(struct cli *cli, struct settings *settings,
                                             struct desired_rows *rows, struct err *err))
{
    struct settings settings;
    struct desired_rows *rows = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        code = desired_rows_open(&rows, settings.database, &err) ? work(cli, &settings, rows, &err)
                                                                 : cli_error(cli, &err);
        desired_rows_close(rows);
    }
    settings_release(&settings);
    return code;
}

/* --- status ------------------------------------------------------------------------------------- */

static enum cli_tone tone_of(enum desired_standing standing)
{
    switch (standing) {
    case STANDING_IN_FORCE:
        return CLI_GOOD;
    case STANDING_REFUSED:
    case STANDING_DEGRADED:
    case STANDING_DRIFT:
        return CLI_BAD;
    case STANDING_WAITING:
    case STANDING_UNSIGNED:
        return CLI_WARN;
    case STANDING_NONE:
        break;
    }
    return CLI_FAINT;
}

static void list_device(void *ctx, const struct desired_row *row)
{
    struct listing *l = ctx;
    enum desired_standing standing = standing_of(row);
    struct wall_time behind = standing_since(row);
    l->pending += standing_is_pending(standing);
    if (l->only_pending && !standing_is_pending(standing)) {
        return;
    }
    if (cli_is_json(l->cli)) {
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        row_desired(&w, row);
        jw_end_object(&w);
        cli_json(l->cli, buf_str(&out));
        return;
    }
    table_cell(&l->table, row->device);
    table_tone(&l->table, tone_of(standing), str_from(standing_name(standing)));
    table_cellf(&l->table, "%lld", (long long)row->revision);
    table_cellf(&l->table, "%lld", (long long)row->applied);
    table_ago(&l->table, behind, l->now);
    struct str reason = standing_reason(row);
    table_cell(&l->table, str_is_empty(reason) ? row->conflicts : reason);
}

static int status(struct cli *cli, struct settings *settings, struct desired_rows *rows,
                  struct err *err)
{
    (void)settings;
    int code = CLI_OK;
    struct listing l = {.cli = cli, .now = now(), .only_pending = cli_bool(cli, "pending")};
    l.table = table_new(TABLE_COLUMNS({.name = "DEVICE"}, {.name = "STATE"}, {.name = "WANTED"},
                                      {.name = "IN FORCE"}, {.name = "SINCE"},
                                      {.name = "REASON", .is_wide = true}));
    if (desired_each(rows, list_device, &l, err)) {
        table_print_list(&l.table, cli,
                         l.only_pending ? "every device has what is wanted of it"
                                        : "nothing is wanted of any device");
    } else {
        code = cli_error(cli, err);
    }
    table_release(&l.table);
    return code;
}

int command_desired_status(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with(cli, status);
}

/* --- show --------------------------------------------------------------------------------------- */

static void say_row(struct cli *cli, const struct desired_row *row)
{
    enum desired_standing standing = standing_of(row);
    struct str reason = standing_reason(row);
    cli_printf(cli, STR_FMT ": %s; revision %lld is wanted, %lld is in force\n",
               STR_ARG(row->device), standing_name(standing), (long long)row->revision,
               (long long)row->applied);
    if (!str_is_empty(reason)) {
        cli_printf(cli, "it says: " STR_FMT "\n", STR_ARG(reason));
    }
    if (!str_is_empty(row->conflicts)) {
        cli_printf(cli, "conflicts:\n" STR_FMT "\n", STR_ARG(row->conflicts));
    }
    if (!str_is_empty(row->body)) {
        cli_printf(cli, STR_FMT "\n", STR_ARG(row->body));
    }
}

static int show(struct cli *cli, struct settings *settings, struct desired_rows *rows,
                struct err *err)
{
    (void)settings;
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct desired_row row;
    if (!desired_of(rows, str_from(cli_arg(cli, 0)), &arena, &row, err)) {
        return cli_error(cli, err);
    }
    if (row.revision == 0 && row.applied == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "nothing is wanted of " STR_FMT, STR_ARG(row.device));
        (void)err_hint(err, "see who is meant by what: selvedge-hub desired list");
        return cli_error(cli, err);
    }
    if (!cli_is_json(cli)) {
        say_row(cli, &row);
        return CLI_OK;
    }
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    row_desired(&w, &row);
    if (!str_is_empty(row.body)) {
        jw_member_raw(&w, "content", row.body);
    }
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
    return CLI_OK;
}

int command_desired_show(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with(cli, show);
}

/* --- signed elsewhere --------------------------------------------------------------------------- */

static void export_device(void *ctx, const struct desired_row *row)
{
    struct listing *l = ctx;
    if (row->revision != 0 && !row->is_signed) {
        cli_printf(l->cli, STR_FMT "\n", STR_ARG(row->body));
        l->pending++;
    }
}

static int export(struct cli *cli, struct settings *settings, struct desired_rows *rows,
                  struct err *err)
{
    (void)settings;
    struct listing l = {.cli = cli};
    if (!desired_each(rows, export_device, &l, err)) {
        return cli_error(cli, err);
    }
    if (l.pending == 0) {
        (void)fprintf(cli_err(cli), "nothing waits for a signature\n");
    }
    return CLI_OK;
}

int command_desired_export(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with(cli, export);
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

static bool import_one(struct desired_rows *rows, struct str message, struct str keys,
                       struct err *err)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    char key[KEY_ID_SIZE];
    struct str body;
    struct desired d;
    return signed_open(message, keys, &body, key, err) && desired_decode(body, &arena, &d, err) &&
           desired_sign(rows, d.device, body, message, err);
}

static bool read_keys(const struct settings *settings, struct buf *keys, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    return hub_path(&settings->config, "command/keys.pem", path, err) &&
           files_read(path, keys, err);
}

static int import(struct cli *cli, struct settings *settings, struct desired_rows *rows,
                  struct err *err)
{
    AUTO(buf) text = buf_growing(SIGNED_FILE_BYTES_MAX);
    AUTO(buf) keys = buf_growing(KEYS_FILE_BYTES_MAX);
    size_t taken = 0;
    size_t refused = 0;
    struct str message;
    if (!files_read(cli_arg(cli, 0), &text, err) || !read_keys(settings, &keys, err)) {
        return cli_error(cli, err);
    }
    struct str rest = buf_str(&text);
    while (next_message(&rest, &message)) {
        struct err why = {0};
        if (import_one(rows, message, buf_str(&keys), &why)) {
            taken++;
            continue;
        }
        refused++;
        (void)fprintf(cli_err(cli), "message %zu: %s\n", taken + refused, why.msg);
    }
    poke_send(&settings->config);
    cli_printf(cli, "took %zu, refused %zu\n", taken, refused);
    return refused == 0 ? CLI_OK : CLI_FAILED;
}

int command_desired_import(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with(cli, import);
}
