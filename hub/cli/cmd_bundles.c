/* cmd_bundles.c - the bundles that the hub has, who needs them, and the deleting of old ones. */
#include "hub/cli/screen.h"

#include "common/platform/clock.h"
#include "hub/deploy/prune.h"

enum { LINE_BYTES_MAX = 64 << 10, HASH_SHOWN = 12 };

/* --- the list --------------------------------------------------------------------------------- */

static const struct table_column columns[] = {{.name = "BUNDLE"},
                                              {.name = "MADE"},
                                              {.name = "FILES", .is_right = true},
                                              {.name = "BYTES", .is_right = true},
                                              {.name = "KEPT FOR"},
                                              {.name = "FROM", .is_wide = true},
                                              {0}};

static void add_need(struct buf *why, int64_t count, const char *one, const char *many)
{
    if (count > 0) {
        buf_addf(why, "%s%lld %s", why->len > 0 ? ", " : "", (long long)count,
                 count == 1 ? one : many);
    }
}

static struct str why_kept(struct screen *s, const struct json *b)
{
    struct buf *why = &s->text;
    buf_reset(why);
    add_need(why, item_count(b, "deployments"), "deployment", "deployments");
    add_need(why, item_count(b, "targets"), "device is to have it", "devices are to have it");
    add_need(why, item_count(b, "devices"), "device has or had it", "devices have or had it");
    add_need(why, item_count(b, "commands"), "command", "commands");
    if (why->len == 0) {
        buf_add(why, item_bool(b, "idle") ? STR("nobody needs it") : STR("one of the newest"));
    }
    return buf_str(why);
}

static void show_bundle(struct screen *s, const struct json *b)
{
    struct table *t = &s->table;
    table_cell(t, str_slice(item_str(b, "bundle"), 0, HASH_SHOWN));
    table_ago(t, item_wall(b, "made_at"), s->now);
    table_i64(t, item_count(b, "files"));
    table_i64(t, item_count(b, "bytes"));
    table_tone(t, item_bool(b, "idle") ? CLI_FAINT : CLI_PLAIN, why_kept(s, b));
    table_cell(t, item_str(b, "source"));
}

static bool list(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/bundles");
    return screen_list(s, columns, 0, show_bundle, err);
}

/* --- one -------------------------------------------------------------------------------------- */

static const struct table_column file_columns[] = {{.name = "FILE", .is_wide = true},
                                                   {.name = "BYTES", .is_right = true},
                                                   {.name = "MODE"},
                                                   {.name = "SHA-256"},
                                                   {0}};

static bool show_one(struct screen *s, struct err *err)
{
    const struct json *b = NULL;
    target_begin(&s->target, "/api/v1/bundles");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    if (!screen_get(s, &b, err)) {
        return false;
    }
    if (b == NULL) {
        return true;
    }
    cli_printf(s->cli, "bundle " STR_FMT ", %lld files, %lld bytes, from " STR_FMT "\n",
               STR_ARG(item_str(b, "bundle")), (long long)item_count(b, "files"),
               (long long)item_count(b, "bytes"), STR_ARG(item_str(b, "source")));
    cli_printf(s->cli, "kept for: " STR_FMT "\n\n", STR_ARG(why_kept(s, b)));
    s->table = table_new(file_columns);
    for (const struct json *f = item_first(b, "file_list"); f != NULL; f = f->next) {
        table_cell(&s->table, item_str(f, "path"));
        table_i64(&s->table, item_count(f, "size"));
        table_text(&s->table, item_bool(f, "executable") ? "755" : "644");
        table_cell(&s->table, str_slice(item_str(f, "sha256"), 0, HASH_SHOWN));
    }
    return true;
}

int command_bundles(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, cli_arg(cli, 0) != NULL ? show_one : list,
                          "no bundles; see selvedge-hub deploy");
}

/* --- deleting ---------------------------------------------------------------------------------- */

static bool list_idle(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/bundles");
    target_query(&s->target, "idle", STR("true"));
    target_query(&s->target, "keep", str_from(cli_text(s->cli, "keep")));
    return screen_list(s, columns, 0, show_bundle, err);
}

static void say(struct cli *cli, struct prune_counts counts)
{
    if (!cli_is_json(cli)) {
        char memory[64];
        struct buf size = buf_fixed(memory, sizeof(memory));
        buf_add_bytes(&size, counts.bytes);
        cli_printf(cli, "deleted %lld bundle%s: %lld files, " STR_FMT "\n",
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
    cli_json(cli, buf_str(&out));
}

static bool prune_all(struct cli *cli, const struct settings *settings,
                      struct deployments *deployments, struct err *err)
{
    struct clock clock = clock_system();
    struct prune *prune = NULL;
    bool is_over = false;
    int64_t kept =
        cli_text(cli, "keep") != NULL ? cli_i64(cli, "keep") : settings->config.bundles_kept;
    bool ok = prune_open(&prune, &settings->config, deployments, kept, clock_wall(&clock), err);
    while (ok && !is_over) {
        ok = prune_step(prune, &is_over, err);
    }
    if (ok) {
        say(cli, prune_counts(prune));
    }
    prune_close(prune);
    return ok;
}

int command_bundles_prune(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct deployments *deployments = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (cli_bool(cli, "dry-run")) {
        return screen_command(cli, list_idle, "nothing would be deleted");
    }
    if (settings_load(cli, &settings, &code)) {
        if (!deployments_open(&deployments, settings.database, &err) ||
            !prune_all(cli, &settings, deployments, &err)) {
            code = cli_error(cli, &err);
        }
        deployments_close(deployments);
    }
    settings_release(&settings);
    return code;
}
