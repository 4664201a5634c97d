/* report_text.c - for a terminal and for mail: no line is longer than 80 columns. */
#include "hub/report/report_words.h"

enum { WIDTH = 80, FACT_INDENT = 12, LINE_INDENT = 4, NAME_WIDTH_MIN = 8 };

static void heading(struct buf *out, const char *text)
{
    buf_addf(out, "\n%s\n", text);
}

static void spaces(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_char(out, ' ');
    }
}

/* `text` behind what stands in the line already (`used` columns), broken between words; a word that
 * is longer than a line is broken as well. */
static void wrap(struct buf *out, struct str text, size_t used, size_t indent)
{
    bool is_first = true;
    while (text.len > 0) {
        struct str word;
        struct str rest;
        (void)str_cut(text, ' ', &word, &rest);
        size_t wide = text_width(word);
        size_t needed = wide + (is_first ? 0 : 1);
        if (used + needed > WIDTH && !is_first && used > indent) {
            buf_add_char(out, '\n');
            spaces(out, indent);
            used = indent;
            is_first = true;
            continue;
        }
        size_t room = WIDTH - used;
        if (wide > room) { /* only the first word of a line is */
            struct str head = str_clip(word, room);
            head = head.len == 0 ? str_slice(word, 0, 1) : head;
            buf_add(out, head);
            buf_add_char(out, '\n');
            spaces(out, indent);
            used = indent;
            text = str_slice(text, head.len, text.len);
            continue;
        }
        if (!is_first) {
            buf_add_char(out, ' ');
        }
        buf_add(out, word);
        used += needed;
        is_first = false;
        text = rest;
    }
    buf_add_char(out, '\n');
}

static void write_facts(struct buf *out, const struct report *r)
{
    AUTO(buf) line = buf_growing(REPORT_FACT_BYTES);
    report_add_title(r, &line);
    buf_addf(out, STR_FMT "\n\n", STR_ARG(buf_str(&line)));
    for (const struct report_fact *f = report_facts; f->name != NULL; f++) {
        buf_reset(&line);
        f->add(r, &line);
        if (line.len > 0) {
            buf_addf(out, "  %-8s  ", f->name);
            wrap(out, buf_str(&line), FACT_INDENT, FACT_INDENT);
        }
    }
}

static void write_item(struct buf *out, struct str text)
{
    spaces(out, LINE_INDENT - 2);
    wrap(out, text, LINE_INDENT - 2, LINE_INDENT);
}

static void write_attention(struct buf *out, const struct report *r)
{
    AUTO(arena) arena = arena_new(REPORT_SPARE_BYTES);
    struct report_line lines[REPORT_LINES_MAX];
    size_t count = report_attention(r, &arena, lines);
    heading(out, count == 0 ? "nothing needs attention" : "needs attention");
    for (size_t i = 0; i < count; i++) {
        write_item(out, lines[i].text);
    }
}

/* --- tables ------------------------------------------------------------------------------- */

struct cells {
    char memory[REPORT_COLUMNS_MAX][REPORT_CELL_BYTES];
    struct buf of[REPORT_COLUMNS_MAX];
};

static void fill(const struct report_table *t, const struct report *r, size_t row, struct cells *c)
{
    for (size_t i = 0; i < REPORT_COLUMNS_MAX; i++) {
        c->of[i] = buf_fixed(c->memory[i], REPORT_CELL_BYTES);
    }
    t->fill(r, row, c->of);
}

static void write_cell(struct buf *out, struct str text, size_t width, bool is_right)
{
    size_t wide = text_width(text);
    spaces(out, is_right && wide < width ? width - wide : 0);
    if (wide > width) {
        buf_add_cut(out, text, width);
    } else {
        buf_add(out, text);
    }
    spaces(out, !is_right && wide < width ? width - wide : 0);
}

static void write_row(struct buf *out, const struct report_table *t, const size_t *widths,
                      const struct cells *c)
{
    for (size_t i = 0; t->columns[i].name != NULL; i++) {
        struct str text = c == NULL ? str_from(t->columns[i].name) : buf_str(&c->of[i]);
        spaces(out, i == 0 ? 0 : 2);
        if (i == 0 && text_width(text) > widths[0]) { /* a long name has a line of its own */
            wrap(out, text, 0, LINE_INDENT);
            spaces(out, widths[0]);
            continue;
        }
        write_cell(out, str_is_empty(text) ? STR("-") : text, widths[i], t->columns[i].is_right);
    }
    buf_add_char(out, '\n');
}

/* The first column gives way. */
static void find_widths(const struct report_table *t, const struct report *r, size_t rows,
                        size_t widths[REPORT_COLUMNS_MAX])
{
    size_t others = 0;
    struct cells c;
    for (size_t i = 0; t->columns[i].name != NULL; i++) {
        widths[i] = str_from(t->columns[i].name).len;
    }
    for (size_t row = 0; row < rows; row++) {
        fill(t, r, row, &c);
        for (size_t i = 0; t->columns[i].name != NULL; i++) {
            size_t wide = text_width(buf_str(&c.of[i]));
            widths[i] = wide > widths[i] ? wide : widths[i];
        }
    }
    for (size_t i = 1; t->columns[i].name != NULL; i++) {
        others += widths[i] + 2;
    }
    size_t room = others + NAME_WIDTH_MIN < WIDTH ? WIDTH - others : NAME_WIDTH_MIN;
    widths[0] = widths[0] > room ? room : widths[0];
}

static void table_heading(struct buf *out, const struct report_table *t, const struct report *r)
{
    AUTO(buf) text = buf_growing(REPORT_FACT_BYTES);
    report_add_heading(r, t, &text);
    buf_addf(out, "\n" STR_FMT "\n", STR_ARG(buf_str(&text)));
}

static void write_table(struct buf *out, const struct report_table *t, const struct report *r)
{
    size_t widths[REPORT_COLUMNS_MAX] = {0};
    size_t total = t->count(r);
    size_t rows = total < REPORT_TABLE_ROWS ? total : REPORT_TABLE_ROWS;
    struct cells c;
    if (total == 0) {
        return;
    }
    table_heading(out, t, r);
    find_widths(t, r, rows, widths);
    write_row(out, t, widths, NULL);
    for (size_t row = 0; row < rows; row++) {
        fill(t, r, row, &c);
        write_row(out, t, widths, &c);
    }
    if (total > rows) {
        buf_addf(out, "... and %zu more: selvedge-hub report --format csv\n", total - rows);
    }
}

/* --- lists -------------------------------------------------------------------------------- */

static void write_list(struct buf *out, const struct report_list *list, const struct report *r)
{
    enum { SHOWN_MAX = 20 };
    AUTO(buf) line = buf_growing(REPORT_SPARE_BYTES);
    size_t total = 0;
    size_t count = list->count(r, &total);
    if (count == 0) {
        return;
    }
    heading(out, list->heading);
    for (size_t i = 0; i < count && i < SHOWN_MAX; i++) {
        buf_reset(&line);
        list->add(r, i, &line);
        write_item(out, buf_str(&line));
    }
    if (total > SHOWN_MAX) {
        buf_addf(out, "  ... and %zu more: %s\n", total - SHOWN_MAX, list->more);
    }
}

void report_write_text(const struct report *r, struct buf *out)
{
    write_facts(out, r);
    write_attention(out, r);
    write_list(out, &report_late_list, r);
    write_table(out, &report_day_table, r);
    write_table(out, &report_group_table, r);
    write_table(out, &report_asset_table, r);
    for (size_t i = 0; report_lists[i] != NULL; i++) {
        write_list(out, report_lists[i], r);
    }
}
