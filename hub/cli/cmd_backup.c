/* cmd_backup.c - backup and restore. */
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "hub/backup/backup.h"
#include "hub/cli/commands.h"

static void say_counts(struct cli *cli, const char *what, const struct backup_counts *counts)
{
    if (!cli_is_json(cli)) {
        cli_printf(cli, "%s %s: %lld files, %lld bytes\n", cli_arg(cli, 0), what,
                   (long long)counts->files, (long long)counts->bytes);
        return;
    }
    AUTO(buf) out = buf_growing(4096);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_i64(&w, "files", counts->files);
    jw_member_i64(&w, "bytes", counts->bytes);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

int command_backup(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct clock clock = clock_system();
    struct backup_counts counts;
    struct db *reader = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        /* Reading first says it well when there is no hub here. */
        if (!open_reader(&settings, &reader, &err) ||
            !backup_write(&settings.config, settings.file, cli_arg(cli, 0), clock_wall(&clock),
                          &counts, &err)) {
            code = cli_error(cli, &err);
        } else {
            say_counts(cli, "is written", &counts);
        }
        db_close(reader);
    }
    settings_release(&settings);
    return code;
}

int command_restore(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct backup_counts counts;
    struct err err = {0};
    bool kept = false;
    int code = CLI_OK;
    if (settings_load_if_there(cli, &settings, &code)) {
        if (!backup_restore(&settings.config, settings.file, cli_arg(cli, 0), &counts, &kept,
                            &err)) {
            code = cli_error(cli, &err);
        } else {
            say_counts(cli, "is restored", &counts);
        }
        if (code == CLI_OK && kept && !cli_is_json(cli)) {
            cli_printf(cli, "%s was there already and stays as it is\n", settings.file);
        }
    }
    settings_release(&settings);
    return code;
}
