#include "hub/cli/look.h"

#include "common/json/json_scan.h"
#include "common/platform/clock.h"
#include "hub/report/report.h"

enum { LINE_BYTES_MAX = 16 << 20, SCRATCH_BYTES_MAX = 2 * LIMIT_EVENT_BYTES };

bool look_open(struct look *ret, struct cli *cli, const struct table_column *columns, int *ret_exit)
{
    struct clock clock = clock_system();
    struct err err = {0};
    *ret = (struct look){.cli = cli,
                         .now = clock_wall(&clock),
                         .line = buf_growing(LINE_BYTES_MAX),
                         .scratch = buf_growing(SCRATCH_BYTES_MAX)};
    if (settings_load(cli, &ret->settings, ret_exit)) {
        if (open_reader(&ret->settings, &ret->db, &err)) {
            ret->table = table_new(columns);
            return true;
        }
        *ret_exit = cli_error(cli, &err);
    }
    settings_release(&ret->settings);
    return false;
}

int look_close(struct look *look, bool ok, const struct err *err, const char *when_empty)
{
    int code = CLI_OK;
    if (!ok) {
        code = cli_error(look->cli, err);
    } else if (!cli_is_json(look->cli) && look->count == 0) {
        cli_printf(look->cli, "%s\n", when_empty);
    } else if (!cli_is_json(look->cli) && look->table.cell_count > 0) {
        table_print(&look->table, look->cli);
    }
    table_release(&look->table);
    buf_release(&look->line);
    buf_release(&look->scratch);
    db_close(look->db);
    settings_release(&look->settings);
    return code;
}

bool look_time(const struct look *look, const char *option, struct wall_time *ret, struct err *err)
{
    struct str text = str_from(cli_text(look->cli, option));
    int64_t ago = 0;
    if (str_is_empty(text)) {
        *ret = (struct wall_time){0};
        return true;
    }
    if (str_to_duration(text, &ago) && ago >= 0 && ago < look->now.ns) {
        *ret = (struct wall_time){look->now.ns - ago};
        return true;
    }
    if (wall_parse(text, ret)) {
        return true;
    }
    (void)err_set(err, ERR_INVALID, "--%s " STR_FMT " is no time", option, STR_ARG(text));
    return err_hint(err, "write 2026-11-22T02:30:00Z, 2026-11-22, or how long ago: 2d");
}

struct json_writer look_begin_line(struct look *look)
{
    buf_reset(&look->line);
    struct json_writer w = json_writer(&look->line);
    jw_begin_object(&w);
    return w;
}

void look_end_line(struct look *look, struct json_writer *w)
{
    jw_end_object(w);
    cli_json(look->cli, buf_str(&look->line));
}

struct str look_message(struct look *look, struct str error)
{
    return report_error_message(error, &look->scratch);
}

struct str look_join(struct look *look, struct str array)
{
    struct json_scan scan;
    struct json_raw value;
    struct err err;
    buf_reset(&look->scratch);
    if (str_is_empty(array) || !json_scan_array(&scan, array, &err)) {
        return STR_NONE;
    }
    while (json_scan_element(&scan, &value)) {
        if (value.type == JSON_STRING) {
            buf_add(&look->scratch, look->scratch.len == 0 ? STR("") : STR(", "));
            buf_add(&look->scratch, value.text);
        }
    }
    return buf_str(&look->scratch);
}

void look_count_cell(struct table *t, int64_t v)
{
    if (v == HUB_UNKNOWN) {
        table_cell(t, STR_NONE);
    } else {
        table_i64(t, v);
    }
}

void look_trouble_cell(struct table *t, int64_t v)
{
    char text[32];
    struct buf b = buf_fixed(text, sizeof(text));
    if (v > 0) {
        buf_add_i64(&b, v);
    }
    table_tone(t, CLI_BAD, buf_str(&b));
}

void look_milliseconds_cell(struct table *t, int64_t v)
{
    bool is_sound = v >= 0 && v < INT64_MAX / NS_PER_MS;
    table_duration(t, is_sound ? v * NS_PER_MS : -1);
}

enum cli_tone look_tone(struct str status)
{
    if (str_eq(status, STR("success")) || str_eq(status, STR("online"))) {
        return CLI_GOOD;
    }
    if (str_eq(status, STR("failure")) || str_eq(status, STR("revoked"))) {
        return CLI_BAD;
    }
    bool is_over = str_eq(status, STR("canceled")) || str_eq(status, STR("away"));
    return is_over ? CLI_WARN : CLI_PLAIN;
}
