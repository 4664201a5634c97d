/* cmd_bundles.c - the bundles that this hub has, who needs them, and the deleting of old ones. */
#include "hub/cli/commands.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "hub/deploy/prune.h"

enum { LINE_BYTES_MAX = 64 << 10, WHY_BYTES = 256, HASH_SHOWN = 12 };

struct bundles {
    struct cli *cli;
    struct settings settings;
    struct deployments *deployments;
    struct table table;
    struct wall_time now;
    int64_t kept;   /* newest ones, needed or not */
    bool only_idle; /* --dry-run */
    int64_t idle;
};

static void add_need(struct buf *why, int64_t count, const char *one, const char *many)
{
    if (count > 0) {
        buf_addf(why, "%s%lld %s", why->len > 0 ? ", " : "", (long long)count,
                 count == 1 ? one : many);
    }
}

static void why_kept(const struct bundles *b, const struct bundle_row *row, struct buf *why)
{
    add_need(why, row->deployments, "deployment", "deployments");
    add_need(why, row->targets, "device is to have it", "devices are to have it");
    add_need(why, row->devices, "device has or had it", "devices have or had it");
    add_need(why, row->commands, "command", "commands");
    if (why->len == 0 && row->number <= b->kept) {
        buf_addf(why, "one of the newest %lld", (long long)b->kept);
    }
    if (why->len == 0) {
        buf_add_text(why, "nobody needs it");
    }
}

static void show(void *ctx, const struct bundle_row *row)
{
    struct bundles *b = ctx;
    char memory[WHY_BYTES];
    struct buf why = buf_fixed(memory, sizeof(memory));
    bool is_idle = bundle_is_idle(row, b->kept);
    b->idle += is_idle;
    if (row->deleted.ns != 0 || (b->only_idle && !is_idle)) {
        return;
    }
    why_kept(b, row, &why);
    if (cli_is_json(b->cli)) {
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "bundle", row->hash);
        jw_member_wall(&w, "made_at", row->made);
        jw_member_i64(&w, "files", row->files);
        jw_member_i64(&w, "bytes", row->bytes);
        jw_member_str(&w, "source", row->source);
        jw_member_i64(&w, "deployments", row->deployments);
        jw_member_i64(&w, "targets", row->targets);
        jw_member_i64(&w, "devices", row->devices);
        jw_member_i64(&w, "commands", row->commands);
        jw_member_bool(&w, "idle", is_idle);
        jw_end_object(&w);
        cli_json(b->cli, buf_str(&out));
        return;
    }
    table_cell(&b->table, str_slice(row->hash, 0, HASH_SHOWN));
    table_ago(&b->table, row->made, b->now);
    table_i64(&b->table, row->files);
    table_i64(&b->table, row->bytes);
    table_tone(&b->table, is_idle ? CLI_FAINT : CLI_PLAIN, buf_str(&why));
    table_cell(&b->table, row->source);
}

/* Opens, does `act`, closes; the exit code. */
static int with(struct cli *cli, bool (*act)(struct bundles *b, struct err *err))
{
    struct clock clock = clock_system();
    struct bundles b = {.cli = cli, .now = clock_wall(&clock)};
    struct err err = {0};
    int code = CLI_OK;
    b.table = table_new(TABLE_COLUMNS({.name = "BUNDLE"}, {.name = "MADE"},
                                      {.name = "FILES", .is_right = true},
                                      {.name = "BYTES", .is_right = true}, {.name = "KEPT FOR"},
                                      {.name = "FROM", .is_wide = true}));
    if (settings_load(cli, &b.settings, &code)) {
        b.kept = b.settings.config.bundles_kept;
        if (!deployments_open(&b.deployments, b.settings.database, &err) || !act(&b, &err)) {
            code = cli_error(cli, &err);
        }
        deployments_close(b.deployments);
    }
    table_release(&b.table);
    settings_release(&b.settings);
    return code;
}

static bool list(struct bundles *b, struct err *err)
{
    if (!bundles_each(b->deployments, show, b, err)) {
        return false;
    }
    table_print_list(&b->table, b->cli,
                     b->only_idle ? "nothing would be deleted"
                                  : "no bundles; see selvedge-hub deploy");
    return true;
}

int command_bundles(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with(cli, list);
}

static void say(const struct bundles *b, struct prune_counts counts)
{
    if (!cli_is_json(b->cli)) {
        char memory[64];
        struct buf size = buf_fixed(memory, sizeof(memory));
        buf_add_bytes(&size, counts.bytes);
        cli_printf(b->cli, "deleted %lld bundle%s: %lld files, " STR_FMT "\n",
                   (long long)counts.bundles, counts.bundles == 1 ? "" : "s",
                   (long long)counts.files, STR_ARG(buf_str(&size)));
        return;
    }
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_i64(&w, "bundles", counts.bundles);
    jw_member_i64(&w, "files", counts.files);
    jw_member_i64(&w, "bytes", counts.bytes);
    jw_end_object(&w);
    cli_json(b->cli, buf_str(&out));
}

static bool prune_all(struct bundles *b, struct err *err)
{
    struct prune *prune = NULL;
    bool is_over = false;
    bool ok = prune_open(&prune, &b->settings.config, b->deployments, b->kept, b->now, err);
    if (!ok && err->code == ERR_BUSY) {
        return err_hint(err, "try again in a moment");
    }
    while (ok && !is_over) {
        ok = prune_step(prune, &is_over, err);
    }
    if (ok) {
        say(b, prune_counts(prune));
    }
    prune_close(prune);
    return ok;
}

static bool prune(struct bundles *b, struct err *err)
{
    if (cli_text(b->cli, "keep") != NULL) {
        b->kept = cli_i64(b->cli, "keep");
    }
    b->only_idle = cli_bool(b->cli, "dry-run");
    return b->only_idle ? list(b, err) : prune_all(b, err);
}

int command_bundles_prune(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with(cli, prune);
}
