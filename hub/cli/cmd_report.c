#include "hub/cli/commands.h"

#include "common/platform/clock.h"
#include "hub/report/report.h"
#include <string.h>

enum { ARENA_BYTES = 64 << 20, REPORT_BYTES_MAX = 64 << 20 };

static void write_report(struct cli *cli, const struct report *report)
{
    AUTO(buf) out = buf_growing(REPORT_BYTES_MAX);
    const char *format = cli_text(cli, "format");
    if (cli_is_json(cli) || strcmp(format, "json") == 0) {
        report_write_json(report, &out);
        cli_json(cli, buf_str(&out));
    } else if (strcmp(format, "markdown") == 0) {
        report_write_markdown(report, &out);
        (void)fwrite(out.ptr, 1, out.len, cli_out(cli));
    } else {
        report_print(report, cli);
    }
}

int command_report(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct clock clock = clock_system();
    struct wall_time now = clock_wall(&clock);
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        AUTO(arena) arena = arena_new(ARENA_BYTES);
        struct db *store = NULL;
        struct report report;
        struct wall_time since = {now.ns - cli_i64(cli, "since")};
        if (open_reader(&settings, &store, &err) &&
            report_read(store, since, now, &arena, &report, &err)) {
            report.fleet = settings.config.fleet;
            write_report(cli, &report);
        } else {
            code = cli_error(cli, &err);
        }
        db_close(store);
    }
    settings_release(&settings);
    return code;
}
