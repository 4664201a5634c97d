/* cmd_preauthorise.c - hardware that may join by its serial number, from a CSV file. */
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "common/wire/topics.h"
#include "hub/cli/commands.h"
#include "hub/fleet/targets.h"
#include "hub/registry/registry.h"

enum {
    FILE_BYTES_MAX = 64 << 20,
    ARENA_BYTES = 256 << 20,
    COLUMNS_MAX = LABELS_MAX + 2,
    ROWS_MAX = 200000,
    LABELS_BYTES_MAX = LABELS_MAX * (63 + 255 + 2),
};

struct sheet {
    struct arena arena;
    struct str columns[COLUMNS_MAX];
    size_t column_count, serial_at, name_at;
    struct preauthorisation *rows;
    size_t row_count;
};

/* Cells are plain: neither serial numbers nor names and labels need quotes; quotes around a cell are
 * taken off. */
static bool next_cell(struct str *line, struct str *ret)
{
    if (line->ptr == NULL) {
        return false;
    }
    if (!str_cut(*line, ',', ret, line)) {
        *line = STR_NONE;
    }
    *ret = str_trim(*ret);
    if (ret->len >= 2 && str_starts(*ret, STR("\"")) && str_ends(*ret, STR("\""))) {
        *ret = str_slice(*ret, 1, ret->len - 1);
    }
    return true;
}

static bool read_head(struct sheet *sheet, struct str line, struct err *err)
{
    struct str cell = STR_NONE;
    sheet->serial_at = COLUMNS_MAX;
    sheet->name_at = COLUMNS_MAX;
    while (next_cell(&line, &cell)) {
        size_t at = sheet->column_count;
        bool is_serial = str_eq(cell, STR("serial"));
        bool is_name = str_eq(cell, STR("name"));
        if (at == COLUMNS_MAX || (!is_serial && !is_name && !label_key_is_valid(cell))) {
            return err_set(err, ERR_INVALID, "line 1: column \"" STR_FMT "\" can be no label",
                           STR_ARG(cell));
        }
        sheet->serial_at = is_serial ? at : sheet->serial_at;
        sheet->name_at = is_name ? at : sheet->name_at;
        sheet->columns[sheet->column_count++] = cell;
    }
    if (sheet->serial_at == COLUMNS_MAX || sheet->name_at == COLUMNS_MAX) {
        (void)err_set(err, ERR_INVALID, "line 1: the columns serial and name are needed");
        return err_hint(err, "for example: serial,name,site");
    }
    return true;
}

static bool read_row(struct sheet *sheet, struct str line, struct preauthorisation *ret,
                     struct err *err)
{
    struct str cell = STR_NONE;
    AUTO(buf) labels = buf_growing(LABELS_BYTES_MAX);
    size_t at = 0;
    for (; next_cell(&line, &cell); at++) {
        bool is_label = at < sheet->column_count && at != sheet->serial_at && at != sheet->name_at;
        if (at == sheet->serial_at) {
            ret->serial_number = cell;
        } else if (at == sheet->name_at) {
            ret->device = cell;
        } else if (is_label && !str_is_empty(cell)) {
            if (!label_value_is_valid(cell)) {
                return err_set(err, ERR_INVALID, "\"" STR_FMT "\" can be no label's value",
                               STR_ARG(cell));
            }
            buf_addf(&labels, "%s" STR_FMT "=" STR_FMT, labels.len > 0 ? " " : "",
                     STR_ARG(sheet->columns[at]), STR_ARG(cell));
        }
    }
    if (at != sheet->column_count) {
        return err_set(err, ERR_INVALID, "%zu cells, %zu columns", at, sheet->column_count);
    }
    if (str_is_empty(ret->serial_number) || ret->serial_number.len > LIMIT_NAME_BYTES ||
        !device_name_is_valid(ret->device)) {
        return err_set(err, ERR_INVALID,
                       "a serial number of at most %d bytes and a device's name are needed",
                       LIMIT_NAME_BYTES);
    }
    ret->labels = arena_copy(&sheet->arena, buf_str(&labels));
    return ret->labels.ptr != NULL || err_set(err, ERR_NO_MEMORY, "out of memory");
}

static bool read_sheet(struct sheet *sheet, struct str text, struct err *err)
{
    struct str line = STR_NONE;
    bool has_more = str_cut(text, '\n', &line, &text);
    if (!read_head(sheet, str_trim(line), err)) {
        return false;
    }
    sheet->rows = arena_array(&sheet->arena, ROWS_MAX, sizeof(*sheet->rows));
    if (sheet->rows == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    for (size_t number = 2; has_more; number++) {
        has_more = str_cut(text, '\n', &line, &text);
        line = str_trim(line);
        if (str_is_empty(line)) {
            continue;
        }
        if (sheet->row_count == ROWS_MAX) {
            return err_set(err, ERR_FULL, "more than %d rows: split the file", ROWS_MAX);
        }
        if (!read_row(sheet, line, &sheet->rows[sheet->row_count], err)) {
            return err_wrap(err, "line %zu", number);
        }
        sheet->row_count++;
    }
    return true;
}

static bool preauthorise(struct cli *cli, const struct settings *settings, struct sheet *sheet,
                         struct err *err)
{
    struct registry *registry = NULL;
    struct clock clock = clock_system();
    const char *path = cli_arg(cli, 0);
    AUTO(buf) text = buf_growing(FILE_BYTES_MAX);
    if (!files_read(path, &text, err)) {
        return false;
    }
    if (!read_sheet(sheet, buf_str(&text), err)) {
        return err_wrap(err, "%s", path);
    }
    bool ok =
        registry_open(&registry, settings->database, err) &&
        registry_preauthorise(registry, sheet->rows, sheet->row_count, clock_wall(&clock), err);
    registry_close(registry);
    return ok;
}

int command_device_preauthorise(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    struct sheet sheet = {.arena = arena_new(ARENA_BYTES)};
    if (settings_load(cli, &settings, &code)) {
        if (!preauthorise(cli, &settings, &sheet, &err)) {
            code = cli_error(cli, &err);
        } else if (cli_is_json(cli)) {
            AUTO(buf) out = buf_growing(4096);
            struct json_writer w = json_writer(&out);
            jw_begin_object(&w);
            jw_member_i64(&w, "rows", (int64_t)sheet.row_count);
            jw_end_object(&w);
            cli_json(cli, buf_str(&out));
        } else {
            cli_printf(cli, "%zu devices may join by their serial numbers\n", sheet.row_count);
        }
    }
    arena_release(&sheet.arena);
    settings_release(&settings);
    return code;
}
