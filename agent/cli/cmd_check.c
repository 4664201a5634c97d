/* cmd_check.c - definitions without running them: check, schema, reference. */
#include "agent/cli/dbt.h"
#include "agent/cli/meltano.h"

#include "agent/definitions/definitions.h"
#include "agent/schedule/schedule.h"
#include "common/cli/show.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include <stdio.h>

enum { TEXT_BYTES_MAX = 64 << 20 };

static const char *many(size_t count)
{
    return count == 1 ? "" : "s";
}

static void say_next_ticks(struct cli *cli, const struct definitions *defs)
{
    struct clock clock = clock_system();
    for (size_t i = 0; i < defs->schedule_count; i++) {
        const struct schedule *schedule = &defs->schedules[i];
        struct wall_time next;
        char text[WALL_TEXT_SIZE];
        bool has_next = schedule_next(schedule, clock_wall(&clock), &next);
        cli_printf(cli, "schedule " STR_FMT ": %zu asset%s, %s%s\n", STR_ARG(schedule->name),
                   schedule->asset_count, many(schedule->asset_count),
                   schedule->starts_paused ? "paused, else next tick " : "next tick ",
                   has_next ? wall_format(next, text) : "never");
    }
}

static bool say_ok(struct cli *cli, struct settings *settings, const struct definitions *defs,
                   struct err *err)
{
    if (!cli_is_json(cli)) {
        cli_printf(cli, STR_FMT ": ok: %zu asset%s, %zu job%s, %zu schedule%s, %zu sensor%s\n",
                   STR_ARG(defs->path), defs->asset_count, many(defs->asset_count), defs->job_count,
                   many(defs->job_count), defs->schedule_count, many(defs->schedule_count),
                   defs->sensor_count, many(defs->sensor_count));
        say_next_ticks(cli, defs);
        return dbt_check_projects(cli, settings, defs, NULL, err);
    }
    AUTO(buf) out = buf_growing(TEXT_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "path", defs->path);
    jw_member_str(&w, "project", defs->project);
    jw_member_str(&w, "hash", str_from(defs->hash));
    jw_member_i64(&w, "assets", (int64_t)defs->asset_count);
    jw_member_i64(&w, "jobs", (int64_t)defs->job_count);
    jw_member_i64(&w, "schedules", (int64_t)defs->schedule_count);
    jw_member_i64(&w, "sensors", (int64_t)defs->sensor_count);
    if (!dbt_check_projects(cli, settings, defs, &w, err)) {
        return false;
    }
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
    return true;
}

int command_check(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct definitions *defs = NULL;
    struct definitions_files files = definitions_system_files();
    struct err err = {0};
    int code = CLI_OK;
    if (is_meltano_project(cli_arg(cli, 0))) {
        return meltano_check_command(cli, cli_arg(cli, 0));
    }
    if (is_dbt_manifest(cli_arg(cli, 0))) {
        return dbt_check_command(cli, cli_arg(cli, 0));
    }
    if (settings_load(cli, &settings, &code)) {
        const char *path = cli_arg_count(cli) > 0 ? cli_arg(cli, 0) : settings.definitions;
        if (definitions_load(path, &files, &settings.problems, &defs, &err)) {
            code = say_ok(cli, &settings, defs, &err) ? CLI_OK : cli_error(cli, &err);
        } else {
            code = cli_problems(cli, &settings.problems, &err);
        }
        definitions_close(defs);
    }
    settings_release(&settings);
    return code;
}

static int print_text(struct cli *cli, const struct buf *text)
{
    (void)fwrite(text->ptr, 1, text->len, cli_out(cli));
    return text->overflow ? CLI_FAILED : CLI_OK;
}

int command_schema(struct cli *cli, void *ctx)
{
    (void)ctx;
    AUTO(buf) out = buf_growing(4 << 20);
    definitions_write_schema(&out);
    buf_add_char(&out, '\n');
    return print_text(cli, &out);
}

int command_reference(struct cli *cli, void *ctx)
{
    (void)ctx;
    AUTO(buf) out = buf_growing(4 << 20);
    buf_add(
        &out,
        STR("# Definitions and settings of a device\n\n"
            "What stands in `selvedge.yaml`. `selvedge-agent check` says every mistake with its "
            "place; `selvedge-agent explain` shows what was understood; `selvedge-agent schema` "
            "prints "
            "a JSON Schema for editors. How selections, durations, sizes and variables are "
            "written: [selections](selections.md). Guides: [secrets](../how-to/secrets.md), "
            "[several files](../how-to/several-files.md).\n\n"
            "## Definitions\n\n"));
    definitions_write_reference(&out);
    buf_add(&out, STR("\n## Settings of the agent\n\n"
                      "What stands in `/etc/selvedge/agent.yaml`.\n\n"));
    agent_config_write_reference(&out);
    return print_text(cli, &out);
}
