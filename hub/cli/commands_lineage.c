/* commands_lineage.c - what contradicts the log, and two hosts with one identity. */
#include "hub/cli/look.h"
#include "hub/fleet/poke.h"
#include "hub/store/store.h"

#include "common/wire/batch.h"

enum { LINES_BYTES_MAX = LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES };

/* --- quarantine ------------------------------------------------------------------------------ */

static void show_quarantined(void *ctx, const struct hub_quarantined *q)
{
    struct look *look = ctx;
    struct table *t = &look->table;
    look->count++;
    if (cli_is_json(look->cli)) {
        struct json_writer w = look_begin_line(look);
        jw_member_i64(&w, "id", q->id);
        jw_member_str(&w, "device", q->device);
        jw_member_str(&w, "epoch", q->epoch);
        jw_member_i64(&w, "first", q->first);
        jw_member_i64(&w, "last", q->last);
        jw_member_i64(&w, "differs_at", q->differs);
        jw_member_opt_wall(&w, "at", q->at);
        jw_member_i64(&w, "times", q->times);
        jw_member_i64(&w, "bytes", q->bytes);
        look_end_line(look, &w);
        return;
    }
    table_i64(t, q->id);
    table_ago(t, q->at, look->now);
    table_cell(t, q->device);
    table_cell(t, q->epoch);
    table_cellf(t, "%lld-%lld", (long long)q->first, (long long)q->last);
    table_i64(t, q->differs);
    table_i64(t, q->times);
    table_i64(t, q->bytes);
}

static int command_quarantine(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct look look;
    struct err err = {0};
    int code = CLI_OK;
    struct hub_filter filter = {.device = str_from(cli_arg(cli, 0)),
                                .limit = cli_i64(cli, "limit")};
    if (!look_open(
            &look, cli,
            TABLE_COLUMNS({.name = "ID", .is_right = true}, {.name = "CAME"}, {.name = "DEVICE"},
                          {.name = "EPOCH"}, {.name = "SEQ", .is_right = true},
                          {.name = "DIFFERS AT", .is_right = true},
                          {.name = "TIMES", .is_right = true}, {.name = "BYTES", .is_right = true}),
            &code)) {
        return code;
    }
    bool ok = hub_each_quarantined(look.db, &filter, show_quarantined, &look, &err);
    return look_close(&look, ok, &err, "nothing contradicts the log");
}

/* Its events, one a line, as they came. */
static bool print_events(struct look *look, int64_t id, struct err *err)
{
    AUTO(buf) payload = buf_growing(LIMIT_MESSAGE_BYTES);
    AUTO(buf) lines = buf_growing(LINES_BYTES_MAX);
    struct batch_header header;
    if (!hub_read_quarantined(look->db, id, &payload, err) ||
        !batch_decode(buf_str(&payload), &header, &lines, err)) {
        return false;
    }
    (void)fwrite(lines.ptr, 1, lines.len, cli_out(look->cli));
    look->count++;
    return true;
}

static int command_quarantine_show(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct look look;
    struct err err = {0};
    int code = CLI_OK;
    int64_t id = 0;
    if (!look_open(&look, cli, TABLE_COLUMNS({.name = ""}), &code)) {
        return code;
    }
    bool ok = str_to_i64(str_from(cli_arg(cli, 0)), 1, INT64_MAX, &id) ||
              err_set(&err, ERR_INVALID, "\"%s\" is not an ID of the list", cli_arg(cli, 0));
    ok = ok && print_events(&look, id, &err);
    return look_close(&look, ok, &err, "");
}

/* --- clones ---------------------------------------------------------------------------------- */

static void show_cut_off(void *ctx, const struct hub_cut_off *c)
{
    struct look *look = ctx;
    struct table *t = &look->table;
    look->count++;
    if (cli_is_json(look->cli)) {
        struct json_writer w = look_begin_line(look);
        jw_member_str(&w, "device", c->device);
        jw_member_str(&w, "epoch", c->epoch);
        jw_member_opt_wall(&w, "at", c->at);
        jw_member_str(&w, "why", c->why);
        look_end_line(look, &w);
        return;
    }
    table_cell(t, c->device);
    table_cell(t, c->epoch);
    table_ago(t, c->at, look->now);
    table_cell(t, c->why);
}

static int command_clones(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct look look;
    struct err err = {0};
    int code = CLI_OK;
    if (!look_open(&look, cli,
                   TABLE_COLUMNS({.name = "DEVICE"}, {.name = "CUT OFF"}, {.name = "SINCE"},
                                 {.name = "WHY", .is_wide = true}),
                   &code)) {
        return code;
    }
    bool ok = hub_each_cut_off(look.db, &(struct hub_filter){0}, show_cut_off, &look, &err);
    return look_close(&look, ok, &err, "no device is told by two hosts");
}

static bool accept_device(const struct settings *settings, struct str device, struct str epoch,
                          struct err *err)
{
    struct db *store = NULL;
    const struct hub_store_options options = {.path = settings->database, .flags = DB_NO_CHECK};
    int64_t count = 0;
    bool ok = hub_store_open(&store, &options, err) &&
              hub_clear_cut_off(store, device, epoch, &count, err);
    db_close(store);
    if (ok && count == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "no database of " STR_FMT " is cut off", STR_ARG(device));
        return err_hint(err, "see: selvedge-hub clones");
    }
    return ok;
}

static int command_clones_accept(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    struct str device = str_from(cli_arg(cli, 0));
    if (settings_load(cli, &settings, &code)) {
        if (accept_device(&settings, device, str_from(cli_arg(cli, 1)), &err)) {
            poke_send(&settings.config);
            cli_printf(cli, "%s is listened to again\n", cli_arg(cli, 0));
        } else {
            code = cli_error(cli, &err);
        }
    }
    settings_release(&settings);
    return code;
}

const struct cli_command commands_lineage[] = {
    {.name = "quarantine",
     .args = "[DEVICE]",
     .summary = "list batches that contradict the log, newest first",
     .description =
         "A device that was put back to an earlier state, or a second one with its identity, sends "
         "other events under numbers that were merged already. They are kept aside as they came, "
         "the newest 16 of a device and 256 of all; the device begins a new epoch and sends what "
         "waits under that. DIFFERS AT is the number whose event is another one in the log.",
     .options = CLI_OPTIONS({.name = "limit",
                             .letter = 'l',
                             .type = CLI_INT,
                             .value_name = "N",
                             .default_text = "20",
                             .min = 1,
                             .max = 1000,
                             .help = "how many"}),
     .examples = CLI_EXAMPLES({"selvedge-hub quarantine brooklyn", "of one device"}),
     .run = command_quarantine},
    {.name = "quarantine show",
     .args = "ID",
     .summary = "print the events of such a batch, one a line",
     .examples = CLI_EXAMPLES({"selvedge-hub quarantine show 7 | jq .", NULL}),
     .run = command_quarantine_show},
    {.name = "clones",
     .summary = "list devices that two hosts claim to be, and which is not listened to",
     .description =
         "When two hosts speak in turn with the identity of one device, the one whose database was "
         "known later is cut off: what it sends is refused, and it keeps it. Give one of them a "
         "name of its own by enrolling it anew; or, if there is one only, accept it.",
     .examples = CLI_EXAMPLES({"selvedge-hub clones", NULL}),
     .run = command_clones},
    {.name = "clones accept",
     .args = "DEVICE [EPOCH]",
     .summary = "listen to what was cut off again",
     .description = "With an EPOCH of the list only to that database, else to all of the device.",
     .examples = CLI_EXAMPLES({"selvedge-hub clones accept brooklyn", NULL}),
     .run = command_clones_accept},
    {0}};
