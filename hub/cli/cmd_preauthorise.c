/* cmd_preauthorise.c - hardware that may join by its serial number, from a CSV file. */
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "hub/cli/commands.h"
#include "hub/fleet/hardware_sheet.h"
#include "hub/registry/registry.h"

enum { FILE_BYTES_MAX = 64 << 20, ARENA_BYTES = 256 << 20 };

static bool preauthorise(struct cli *cli, const struct settings *settings, size_t *ret_count,
                         struct err *err)
{
    struct registry *registry = NULL;
    struct clock clock = clock_system();
    struct hardware_sheet sheet;
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    const char *path = cli_arg(cli, 0);
    AUTO(buf) text = buf_growing(FILE_BYTES_MAX);
    if (!files_read(path, &text, err)) {
        return false;
    }
    if (!hardware_sheet_read(buf_str(&text), &arena, &sheet, err)) {
        return err_wrap(err, "%s", path);
    }
    bool ok = registry_open(&registry, settings->database, err) &&
              registry_preauthorise(registry, sheet.rows, sheet.count, clock_wall(&clock), err);
    registry_close(registry);
    *ret_count = sheet.count;
    return ok;
}

int command_device_preauthorise(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    size_t count = 0;
    if (settings_load(cli, &settings, &code)) {
        if (!preauthorise(cli, &settings, &count, &err)) {
            code = cli_error(cli, &err);
        } else if (cli_is_json(cli)) {
            AUTO(buf) out = buf_growing(4096);
            struct json_writer w = json_writer(&out);
            jw_begin_object(&w);
            jw_member_i64(&w, "rows", (int64_t)count);
            jw_end_object(&w);
            cli_json(cli, buf_str(&out));
        } else {
            cli_printf(cli, "%zu devices may join by their serial numbers\n", count);
        }
    }
    settings_release(&settings);
    return code;
}
