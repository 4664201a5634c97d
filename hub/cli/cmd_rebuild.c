#include "hub/cli/commands.h"

#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include "hub/merge/rebuild.h"
#include "hub/store/store.h"

enum { LINE_BYTES_MAX = 16 << 10 };

static void say_difference(void *ctx, struct str line)
{
    struct cli *cli = ctx;
    if (!cli_is_json(cli)) {
        cli_printf(cli, STR_FMT "\n", STR_ARG(line));
        return;
    }
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "difference", line);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

static void say_counts(struct cli *cli, int64_t events, int64_t differences)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_i64(&w, "events", events);
    jw_member_i64(&w, "differences", differences);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

static int check(struct cli *cli, const struct settings *settings, struct err *err)
{
    char scratch[LIMIT_PATH_BYTES + 1];
    struct db *store = NULL;
    struct rebuild_report report = {0};
    bool ok = hub_path(&settings->config, "rebuild-check.db", scratch, err) &&
              open_reader(settings, &store, err) &&
              rebuild_check(store, scratch, say_difference, cli, &report, err);
    db_close(store);
    if (!ok) {
        return cli_error(cli, err);
    }
    if (cli_is_json(cli)) {
        say_counts(cli, report.events, report.differences);
    } else if (report.differences == 0) {
        cli_printf(cli, "the views are what %lld events of the log give\n",
                   (long long)report.events);
    } else {
        cli_printf(cli, "%lld row%s not what %lld events of the log give\n",
                   (long long)report.differences, report.differences == 1 ? " is" : "s are",
                   (long long)report.events);
    }
    return report.differences == 0 ? CLI_OK : CLI_FAILED;
}

/* One writer: merging waits for the transaction, and the devices for their acknowledgements. */
static bool lock_hub(const struct settings *settings, struct fd *ret_lock, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct db *store = NULL;
    /* Reading first says it well when there is no hub here. */
    if (!open_reader(settings, &store, err)) {
        return false;
    }
    db_close(store);
    if (!hub_path(&settings->config, "lock", path, err)) {
        return false;
    }
    if (!files_lock(path, ret_lock, err)) {
        return err->code != ERR_BUSY
                   ? false
                   : err_hint(err, "stop the hub first; only --check works beside "
                                   "a running one");
    }
    return true;
}

static int rebuild(struct cli *cli, const struct settings *settings, struct err *err)
{
    AUTO(fd) lock = {-1};
    struct db *store = NULL;
    struct hub_store_options options = {.path = settings->database,
                                        .max_bytes = settings->config.log_quota};
    int64_t events = 0;
    bool ok = lock_hub(settings, &lock, err) && hub_store_open(&store, &options, err) &&
              rebuild_views(store, NULL, &events, err);
    db_close(store);
    if (!ok) {
        return cli_error(cli, err);
    }
    if (cli_is_json(cli)) {
        say_counts(cli, events, 0);
    } else {
        cli_printf(cli, "derived every view again from %lld events\n", (long long)events);
    }
    return CLI_OK;
}

int command_rebuild(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        code = cli_bool(cli, "check") ? check(cli, &settings, &err) : rebuild(cli, &settings, &err);
    }
    settings_release(&settings);
    return code;
}
