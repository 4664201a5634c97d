#include "hub/report/report_words.h"

/* Characters that would be markup in the text of a list or table. */
static void add_plain(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '|' || c == '*' || c == '_' || c == '`' || c == '<' || c == '[' || c == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, c);
    }
}

static void add_heading(struct buf *out, struct str text)
{
    bool is_lower = text.len > 0 && text.ptr[0] >= 'a' && text.ptr[0] <= 'z';
    buf_addf(out, "\n## %c", is_lower ? text.ptr[0] - 'a' + 'A' : text.ptr[0]);
    add_plain(out, str_slice(text, 1, text.len));
    buf_add(out, STR("\n\n"));
}

static void add_item(struct buf *out, struct str text)
{
    buf_add(out, STR("- "));
    add_plain(out, text);
    buf_add_char(out, '\n');
}

static void write_row(const struct report_table *t, const struct report *r, size_t row,
                      struct buf *out)
{
    char memory[REPORT_COLUMNS_MAX][REPORT_CELL_BYTES];
    struct buf cells[REPORT_COLUMNS_MAX];
    for (size_t c = 0; c < REPORT_COLUMNS_MAX; c++) {
        cells[c] = buf_fixed(memory[c], REPORT_CELL_BYTES);
    }
    t->fill(r, row, cells);
    buf_add_char(out, '|');
    for (size_t c = 0; t->columns[c].name != NULL; c++) {
        buf_add_char(out, ' ');
        add_plain(out, cells[c].len == 0 ? STR("-") : buf_str(&cells[c]));
        buf_add(out, STR(" |"));
    }
    buf_add_char(out, '\n');
}

static void write_table(const struct report_table *t, const struct report *r, struct buf *out)
{
    size_t total = t->count(r);
    if (total == 0) {
        return;
    }
    AUTO(buf) text = buf_growing(REPORT_FACT_BYTES);
    report_add_heading(r, t, &text);
    add_heading(out, buf_str(&text));
    buf_add_char(out, '|');
    for (size_t c = 0; t->columns[c].name != NULL; c++) {
        buf_addf(out, " %s |", t->columns[c].name);
    }
    buf_add(out, STR("\n|"));
    for (size_t c = 0; t->columns[c].name != NULL; c++) {
        buf_add(out, t->columns[c].is_right ? STR("---:|") : STR("---|"));
    }
    buf_add_char(out, '\n');
    for (size_t row = 0; row < total && row < REPORT_TABLE_ROWS; row++) {
        write_row(t, r, row, out);
    }
    if (total > REPORT_TABLE_ROWS) {
        buf_addf(out, "\nand %zu more\n", total - REPORT_TABLE_ROWS);
    }
}

static void write_attention(const struct report *r, struct buf *out)
{
    AUTO(arena) arena = arena_new(REPORT_SPARE_BYTES);
    struct report_line lines[REPORT_LINES_MAX];
    size_t count = report_attention(r, &arena, lines);
    buf_add(out,
            count == 0 ? STR("\n## Nothing needs attention\n") : STR("\n## Needs attention\n\n"));
    for (size_t i = 0; i < count; i++) {
        add_item(out, lines[i].text);
    }
}

static void write_list(const struct report_list *list, const struct report *r, struct buf *out)
{
    AUTO(buf) line = buf_growing(REPORT_SPARE_BYTES);
    size_t total = 0;
    size_t count = list->count(r, &total);
    if (count == 0) {
        return;
    }
    add_heading(out, str_from(list->heading));
    for (size_t i = 0; i < count && i < REPORT_TABLE_ROWS; i++) {
        buf_reset(&line);
        list->add(r, i, &line);
        add_item(out, buf_str(&line));
    }
    if (total > REPORT_TABLE_ROWS) {
        buf_addf(out, "\nand %zu more\n", total - REPORT_TABLE_ROWS);
    }
}

void report_write_markdown(const struct report *r, struct buf *out)
{
    AUTO(buf) line = buf_growing(REPORT_SPARE_BYTES);
    report_add_title(r, &line);
    buf_add(out, STR("# Report of "));
    add_plain(out, buf_str(&line));
    buf_add(out, STR("\n\n"));
    for (const struct report_fact *f = report_facts; f->name != NULL; f++) {
        buf_reset(&line);
        f->add(r, &line);
        if (line.len > 0) {
            buf_addf(out, "- **%s**: ", f->name);
            add_plain(out, buf_str(&line));
            buf_add_char(out, '\n');
        }
    }
    write_attention(r, out);
    write_list(&report_late_list, r, out);
    write_table(&report_day_table, r, out);
    write_table(&report_group_table, r, out);
    write_table(&report_asset_table, r, out);
    for (size_t i = 0; report_lists[i] != NULL; i++) {
        write_list(report_lists[i], r, out);
    }
}
