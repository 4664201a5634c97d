/* cmd_desired_devices.c - what is wanted of devices and how far they are; what is signed elsewhere. */
#include "hub/cli/screen.h"

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
    size_t shown;
};

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
        l->shown++;
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
    if (l.shown == 0) {
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
