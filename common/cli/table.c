#include "common/cli/table.h"
#include "common/cli/cli_internal.h"
#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { NARROWEST = 8, GAP = 2 };

struct table table_new(const struct table_column *columns)
{
    struct table t = {.columns = columns, .text = buf_growing(TABLE_TEXT_BYTES_MAX)};
    while (columns[t.column_count].name != NULL) {
        assert(t.column_count < TABLE_COLUMNS_MAX);
        t.width[t.column_count] = text_width(str_from(columns[t.column_count].name));
        t.column_count++;
    }
    return t;
}

void table_release(struct table *t)
{
    buf_release(&t->text);
}

void table_tone(struct table *t, enum cli_tone tone, struct str text)
{
    buf_add_char(&t->text, (char)('0' + (int)tone));
    size_t start = t->text.len;
    buf_add_harmless(&t->text, str_is_empty(text) ? STR("-") : text);
    size_t column = t->cell_count++ % t->column_count;
    size_t width =
        t->text.overflow ? 0 : text_width(str_slice(buf_str(&t->text), start, t->text.len));
    t->width[column] = width > t->width[column] ? width : t->width[column];
    buf_add_char(&t->text, '\n');
}

void table_cell(struct table *t, struct str text)
{
    table_tone(t, CLI_PLAIN, text);
}

void table_text(struct table *t, const char *text)
{
    table_tone(t, CLI_PLAIN, str_from(text));
}

void table_i64(struct table *t, int64_t value)
{
    table_cellf(t, "%lld", (long long)value);
}

void table_duration(struct table *t, int64_t ns)
{
    char text[64];
    struct buf b = buf_fixed(text, sizeof(text));
    if (ns >= 0) {
        buf_add_duration(&b, ns);
    }
    table_cell(t, buf_str(&b));
}

void table_ago(struct table *t, struct wall_time at, struct wall_time now)
{
    char text[64];
    struct buf b = buf_fixed(text, sizeof(text));
    if (at.ns != 0) {
        buf_add_ago(&b, at, now);
    }
    table_cell(t, buf_str(&b));
}

void table_cellf(struct table *t, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    table_text(t, text);
}

/* Narrows the wide column first, then from the right, until the row fits or nothing can give way.
 */
static void fit(const struct table *t, size_t terminal, size_t width[TABLE_COLUMNS_MAX])
{
    size_t total = GAP * (t->column_count - 1);
    size_t wide = t->column_count - 1;
    for (size_t i = 0; i < t->column_count; i++) {
        width[i] = t->width[i];
        total += width[i];
        wide = t->columns[i].is_wide ? i : wide;
    }
    for (size_t turn = 0; terminal > 0 && turn <= t->column_count && total > terminal; turn++) {
        size_t i = turn == 0 ? wide : t->column_count - turn;
        size_t room = width[i] > NARROWEST ? width[i] - NARROWEST : 0;
        size_t cut = total - terminal < room ? total - terminal : room;
        width[i] -= cut;
        total -= cut;
    }
}

struct cell {
    enum cli_tone tone;
    struct str text;
    size_t width;
    bool is_right;
    bool is_first;
    bool is_last;
};

static void add_cell(struct buf *line, const struct cli *cli, const struct cell *cell)
{
    size_t taken = text_width(cell->text);
    size_t pad = taken < cell->width ? cell->width - taken : 0;
    buf_addf(line, "%*s", cell->is_first ? 0 : GAP, "");
    if (cell->is_right) {
        buf_addf(line, "%*s", (int)pad, "");
    }
    buf_add_text(line, cli_tone_on(cli, cell->tone));
    buf_add_cut(line, cell->text, cell->width);
    buf_add_text(line, cli_tone_off(cli, cell->tone));
    if (!cell->is_right && !cell->is_last) {
        buf_addf(line, "%*s", (int)pad, "");
    }
}

static struct cell cell_of(const struct table *t, size_t column, const size_t *width)
{
    return (struct cell){.width = width[column],
                         .is_right = t->columns[column].is_right,
                         .is_first = column == 0,
                         .is_last = column + 1 == t->column_count};
}

static void flush_line(struct buf *line, struct cli *cli)
{
    buf_add_char(line, '\n');
    (void)fwrite(line->ptr, 1, line->len, cli->io.out);
    buf_reset(line);
}

void table_print(const struct table *t, struct cli *cli)
{
    assert(t->cell_count % t->column_count == 0);
    if (t->text.overflow) {
        (void)fprintf(cli->io.err, "error: the table takes more than %zu bytes; use --json\n",
                      t->text.max);
        cli->has_failed = true;
        return;
    }
    size_t width[TABLE_COLUMNS_MAX] = {0};
    fit(t, cli->io.width > 0 ? (size_t)cli->io.width : 0, width);
    AUTO(buf) line = buf_growing(TABLE_TEXT_BYTES_MAX);
    for (size_t i = 0; i < t->column_count; i++) {
        struct cell cell = cell_of(t, i, width);
        cell.tone = CLI_STRONG;
        cell.text = str_from(t->columns[i].name);
        add_cell(&line, cli, &cell);
    }
    flush_line(&line, cli);
    struct str rest = buf_str(&t->text);
    for (size_t i = 0; i < t->cell_count; i++) {
        struct cell cell = cell_of(t, i % t->column_count, width);
        (void)str_cut(rest, '\n', &cell.text, &rest);
        cell.tone = (enum cli_tone)(cell.text.ptr[0] - '0');
        cell.text = str_slice(cell.text, 1, cell.text.len);
        add_cell(&line, cli, &cell);
        if (cell.is_last) {
            flush_line(&line, cli);
        }
    }
}

void table_print_list(const struct table *t, struct cli *cli, const char *none)
{
    if (cli_is_json(cli)) {
        return;
    }
    if (t->cell_count == 0) {
        cli_printf(cli, "%s\n", none);
    } else {
        table_print(t, cli);
    }
}
