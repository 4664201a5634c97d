#include "hub/fleet/hardware_sheet.h"

#include "common/base/limits.h"
#include "common/wire/topics.h"
#include "hub/fleet/targets.h"

enum { LABELS_BYTES_MAX = LABELS_MAX * (63 + 255 + 2) };

struct reading {
    struct arena *arena;
    struct str columns[HARDWARE_COLUMNS_MAX];
    size_t column_count, serial_at, name_at;
};

static size_t count_lines(struct str text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++) {
        lines += text.ptr[i] == '\n';
    }
    return lines < HARDWARE_ROWS_MAX ? lines : HARDWARE_ROWS_MAX;
}

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

static bool read_head(struct reading *r, struct str line, struct err *err)
{
    struct str cell = STR_NONE;
    r->serial_at = HARDWARE_COLUMNS_MAX;
    r->name_at = HARDWARE_COLUMNS_MAX;
    while (next_cell(&line, &cell)) {
        size_t at = r->column_count;
        bool is_serial = str_eq(cell, STR("serial"));
        bool is_name = str_eq(cell, STR("name"));
        if (at == HARDWARE_COLUMNS_MAX || (!is_serial && !is_name && !label_key_is_valid(cell))) {
            return err_set(err, ERR_INVALID, "line 1: column \"" STR_FMT "\" can be no label",
                           STR_ARG(cell));
        }
        r->serial_at = is_serial ? at : r->serial_at;
        r->name_at = is_name ? at : r->name_at;
        r->columns[r->column_count++] = cell;
    }
    if (r->serial_at == HARDWARE_COLUMNS_MAX || r->name_at == HARDWARE_COLUMNS_MAX) {
        (void)err_set(err, ERR_INVALID, "line 1: the columns serial and name are needed");
        return err_hint(err, "for example: serial,name,site");
    }
    return true;
}

static bool read_row(struct reading *r, struct str line, struct preauthorisation *ret,
                     struct err *err)
{
    struct str cell = STR_NONE;
    AUTO(buf) labels = buf_growing(LABELS_BYTES_MAX);
    size_t at = 0;
    for (; next_cell(&line, &cell); at++) {
        bool is_label = at < r->column_count && at != r->serial_at && at != r->name_at;
        if (at == r->serial_at) {
            ret->serial_number = cell;
        } else if (at == r->name_at) {
            ret->device = cell;
        } else if (is_label && !str_is_empty(cell)) {
            if (!label_value_is_valid(cell)) {
                return err_set(err, ERR_INVALID, "\"" STR_FMT "\" can be no label's value",
                               STR_ARG(cell));
            }
            buf_addf(&labels, "%s" STR_FMT "=" STR_FMT, labels.len > 0 ? " " : "",
                     STR_ARG(r->columns[at]), STR_ARG(cell));
        }
    }
    if (at != r->column_count) {
        return err_set(err, ERR_INVALID, "%zu cells, %zu columns", at, r->column_count);
    }
    if (str_is_empty(ret->serial_number) || ret->serial_number.len > LIMIT_NAME_BYTES ||
        !device_name_is_valid(ret->device)) {
        return err_set(err, ERR_INVALID,
                       "a serial number of at most %d bytes and a device's name are needed",
                       LIMIT_NAME_BYTES);
    }
    ret->labels = arena_copy(r->arena, buf_str(&labels));
    return ret->labels.ptr != NULL || err_set(err, ERR_NO_MEMORY, "out of memory");
}

bool hardware_sheet_read(struct str text, struct arena *arena, struct hardware_sheet *ret,
                         struct err *err)
{
    struct reading r = {.arena = arena};
    struct str line = STR_NONE;
    bool has_more = str_cut(text, '\n', &line, &text);
    if (!read_head(&r, str_trim(line), err)) {
        return false;
    }
    *ret =
        (struct hardware_sheet){.rows = arena_array(arena, count_lines(text), sizeof(*ret->rows))};
    if (ret->rows == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    for (size_t number = 2; has_more; number++) {
        has_more = str_cut(text, '\n', &line, &text);
        line = str_trim(line);
        if (str_is_empty(line)) {
            continue;
        }
        if (ret->count == HARDWARE_ROWS_MAX) {
            return err_set(err, ERR_FULL, "more than %d rows: split the file", HARDWARE_ROWS_MAX);
        }
        if (!read_row(&r, line, &ret->rows[ret->count], err)) {
            return err_wrap(err, "line %zu", number);
        }
        ret->count++;
    }
    return true;
}
