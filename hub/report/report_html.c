/* report_html.c - one page that needs nothing else: no script, no font, no picture from elsewhere. */
#include "hub/report/html.h"

#include <string.h>

enum { ROWS_MAX = 500 };

void html_text(struct buf *out, struct str text)
{
    AUTO(buf) harmless = buf_growing(256 << 10);
    buf_add_harmless(&harmless, text);
    struct str s = buf_str(&harmless);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '&') {
            buf_add(out, STR("&amp;"));
        } else if (c == '<') {
            buf_add(out, STR("&lt;"));
        } else if (c == '>') {
            buf_add(out, STR("&gt;"));
        } else if (c == '"') {
            buf_add(out, STR("&quot;"));
        } else {
            buf_add_char(out, c);
        }
    }
}

static void heading(struct buf *out, struct str text)
{
    bool is_lower = text.len > 0 && text.ptr[0] >= 'a' && text.ptr[0] <= 'z';
    buf_addf(out, "<h2>%c", is_lower ? text.ptr[0] - 'a' + 'A' : text.ptr[0]);
    html_text(out, str_slice(text, 1, text.len));
    buf_add(out, STR("</h2>\n"));
}

static void add_more(struct buf *out, size_t total, size_t shown)
{
    if (total > shown) {
        buf_addf(out, "<p class=\"dim\">and %zu more: selvedge-hub report --format csv</p>\n",
                 total - shown);
    }
}

static size_t at_most(size_t count)
{
    return count < ROWS_MAX ? count : ROWS_MAX;
}

/* --- the first screen --------------------------------------------------------------------- */

static void tile(struct buf *out, const char *class, struct str value, struct str words)
{
    buf_addf(out, "<div class=\"tile\"><b class=\"%s\">", class);
    html_text(out, value);
    buf_add(out, STR("</b><span>"));
    html_text(out, words);
    buf_add(out, STR("</span></div>\n"));
}

struct tile_text {
    char memory[2][160];
    struct buf value, words;
};

static struct tile_text *tile_begin(struct tile_text *t)
{
    t->value = buf_fixed(t->memory[0], sizeof(t->memory[0]));
    t->words = buf_fixed(t->memory[1], sizeof(t->memory[1]));
    return t;
}

static void tile_end(struct buf *out, const char *class, const struct tile_text *t)
{
    tile(out, class, buf_str(&t->value), buf_str(&t->words));
}

static void write_run_tile(const struct report *r, struct buf *out)
{
    struct tile_text memory;
    struct tile_text *t = tile_begin(&memory);
    bool has_rate = report_runs_ended(&r->runs) > 0;
    report_add_rate(&t->value, &r->runs);
    buf_add(&t->value, has_rate ? STR("") : STR("no runs"));
    report_add_short(&t->words, r->runs.success);
    buf_add(&t->words, STR(" runs succeeded, "));
    report_add_short(&t->words, r->runs.failure);
    buf_add(&t->words, STR(" failed"));
    if (report_runs_ended(&r->runs_before) > 0) {
        buf_add(&t->words, STR("; before: "));
        report_add_rate(&t->words, &r->runs_before);
    }
    tile_end(out, !has_rate ? "dim" : r->runs.failure > 0 ? "warn" : "ok", t);
}

static void write_load_tile(const struct report *r, struct buf *out)
{
    struct tile_text memory;
    struct tile_text *t = tile_begin(&memory);
    int64_t rows = r->loaded.rows == HUB_UNKNOWN ? 0 : r->loaded.rows;
    report_add_short(&t->value, rows);
    buf_add(&t->words, STR("rows written"));
    size_t at = t->words.len;
    buf_add(&t->words, STR(", "));
    report_add_change(&t->words, r->loaded.rows, r->loaded_before.rows);
    t->words.len = t->words.len == at + 2 ? at : t->words.len;
    buf_add(&t->words, STR("; read "));
    buf_add_bytes(&t->words, r->loaded.bytes == HUB_UNKNOWN ? 0 : r->loaded.bytes);
    tile_end(out, "", t);
}

static void write_tiles(const struct report *r, struct buf *out)
{
    struct tile_text memory;
    struct tile_text *t = tile_begin(&memory);
    int64_t late = (int64_t)r->stale.total;
    buf_add(out, STR("<div class=\"tiles\">\n"));
    report_add_short(&t->value, r->online);
    buf_add(&t->value, STR(" of "));
    report_add_short(&t->value, r->totals.devices - r->out);
    buf_add(&t->words, STR("devices online; "));
    report_add_short(&t->words, r->away);
    buf_add(&t->words, STR(" away"));
    if (r->out > 0) {
        buf_add(&t->words, STR("; "));
        report_add_short(&t->words, r->out);
        buf_add(&t->words, STR(" out of the fleet"));
    }
    if (r->waiting > 0) {
        buf_add(&t->words, STR("; "));
        report_add_short(&t->words, r->waiting);
        buf_add(&t->words, STR(" events wait there"));
    }
    tile_end(out, r->away > 0 ? "warn" : "ok", t);
    write_run_tile(r, out);
    write_load_tile(r, out);
    t = tile_begin(&memory);
    report_add_short(&t->value, (int64_t)r->failures.total);
    buf_add(&t->words, STR("assets fail; "));
    report_add_short(&t->words, (int64_t)r->checks.total);
    buf_add(&t->words, STR(" checks failed"));
    tile_end(out, r->failures.total > 0 ? "bad" : "ok", t);
    t = tile_begin(&memory);
    report_add_short(&t->value, late);
    buf_add(&t->words, STR("assets are late; "));
    report_add_short(&t->words, r->freshness[FRESH_PASS]);
    buf_add(&t->words, STR(" are fresh"));
    tile_end(out, late > 0 ? "warn" : "ok", t);
    buf_add(out, STR("</div>\n"));
}

/* What is broken, not what is to be looked at. */
static bool is_bad(const char *kind)
{
    return strcmp(kind, "failing") == 0 || strcmp(kind, "check") == 0 || strcmp(kind, "lost") == 0;
}

static void write_attention(const struct report *r, struct buf *out)
{
    AUTO(arena) arena = arena_new(REPORT_SPARE_BYTES);
    struct report_line lines[REPORT_LINES_MAX];
    size_t count = report_attention(r, &arena, lines);
    heading(out, count == 0 ? STR("Nothing needs attention") : STR("Needs attention"));
    if (count == 0) {
        return;
    }
    buf_add(out, STR("<ul class=\"list attention\">\n"));
    for (size_t i = 0; i < count; i++) {
        buf_addf(out, "<li class=\"%s\">", is_bad(lines[i].kind) ? "is-bad" : "is-warn");
        html_text(out, lines[i].text);
        buf_add(out, STR("</li>\n"));
    }
    buf_add(out, STR("</ul>\n"));
}

/* --- charts ------------------------------------------------------------------------------- */

static int64_t day_success(const struct report_day *d)
{
    return d->runs.success;
}

static int64_t day_failure(const struct report_day *d)
{
    return d->runs.failure;
}

static int64_t day_rows(const struct report_day *d)
{
    return d->load.rows;
}

static int64_t day_bytes(const struct report_day *d)
{
    return d->load.bytes;
}

static void write_charts(const struct report *r, struct buf *out)
{
    static const struct html_chart charts[] = {
        {"Runs a day: succeeded and failed", day_success, day_failure, report_add_short},
        {"Rows written a day", day_rows, NULL, report_add_short},
        {"Bytes read a day", day_bytes, NULL, buf_add_bytes}};
    if (report_day_table.count(r) == 0) {
        return;
    }
    heading(out, STR("The last seven days"));
    buf_add(out, STR("<div class=\"charts\">\n"));
    for (size_t i = 0; i < COUNT_OF(charts); i++) {
        html_chart(out, r, &charts[i]);
    }
    buf_add(out, STR("</div>\n"));
}

static void write_facts(const struct report *r, struct buf *out)
{
    AUTO(buf) line = buf_growing(REPORT_FACT_BYTES);
    heading(out, STR("In numbers"));
    buf_add(out, STR("<dl>\n"));
    for (const struct report_fact *f = report_facts; f->name != NULL; f++) {
        buf_reset(&line);
        f->add(r, &line);
        if (line.len > 0) {
            buf_addf(out, "<dt>%s</dt><dd>", f->name);
            html_text(out, buf_str(&line));
            buf_add(out, STR("</dd>\n"));
        }
    }
    buf_add(out, STR("</dl>\n"));
}

/* --- tables ------------------------------------------------------------------------------- */

/* A bar below the first cell: how much of the largest value it is. */
static void add_meter(struct buf *out, int64_t value, int64_t most)
{
    if (value != HUB_UNKNOWN && value > 0 && most > 0) {
        buf_addf(out, "<span class=\"meter\" style=\"width:%.1f%%\"></span>",
                 (double)value * 100 / (double)most);
    }
}

/* On a small screen a table is moved sideways, by keys too. */
static void begin_wide(struct buf *out, struct str what)
{
    buf_add(out, STR("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\""));
    html_text(out, what);
    buf_add(out, STR("\">"));
}

static void write_table(const struct report_table *t,
                        int64_t (*meter)(const struct report *r, size_t row),
                        const struct report *r, struct buf *out)
{
    size_t total = t->count(r);
    int64_t most = 0;
    if (total == 0) {
        return;
    }
    AUTO(buf) text = buf_growing(REPORT_FACT_BYTES);
    report_add_heading(r, t, &text);
    heading(out, buf_str(&text));
    begin_wide(out, buf_str(&text));
    buf_add(out, STR("<table><thead><tr>"));
    for (size_t c = 0; t->columns[c].name != NULL; c++) {
        buf_addf(out, "<th>%s</th>", t->columns[c].name);
    }
    buf_add(out, STR("</tr></thead><tbody>\n"));
    for (size_t row = 0; row < total; row++) {
        most = meter(r, row) > most ? meter(r, row) : most;
    }
    for (size_t row = 0; row < at_most(total); row++) {
        char memory[REPORT_COLUMNS_MAX][REPORT_CELL_BYTES];
        struct buf cells[REPORT_COLUMNS_MAX];
        for (size_t c = 0; c < REPORT_COLUMNS_MAX; c++) {
            cells[c] = buf_fixed(memory[c], REPORT_CELL_BYTES);
        }
        t->fill(r, row, cells);
        buf_add(out, STR("<tr>"));
        for (size_t c = 0; t->columns[c].name != NULL; c++) {
            buf_add(out, STR("<td>"));
            html_text(out, cells[c].len == 0 ? STR("-") : buf_str(&cells[c]));
            if (c == 0) {
                add_meter(out, meter(r, row), most);
            }
            buf_add(out, STR("</td>"));
        }
        buf_add(out, STR("</tr>\n"));
    }
    buf_add(out, STR("</tbody></table></div>\n"));
    add_more(out, total, at_most(total));
}

static int64_t asset_rows(const struct report *r, size_t row)
{
    return r->assets.items[row].now.rows;
}

static int64_t group_rows(const struct report *r, size_t row)
{
    return r->groups.items[row].now.rows;
}

/* --- lists -------------------------------------------------------------------------------- */

static void cell(struct buf *out, const struct buf *text)
{
    buf_add(out, STR("<td>"));
    buf_add(out, text->len == 0 ? STR("-") : buf_str(text));
    buf_add(out, STR("</td>"));
}

/* How often, rows and bytes, each beside its change. */
static void load_cells(struct buf *out, const struct hub_load *now, const struct hub_load *before)
{
    char memory[5][64];
    struct buf cells[5];
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        cells[i] = buf_fixed(memory[i], sizeof(memory[i]));
    }
    report_add_short(&cells[0], now->materializations);
    if (now->rows != HUB_UNKNOWN) {
        report_add_short(&cells[1], now->rows);
    }
    report_add_change(&cells[2], now->rows, before->rows);
    if (now->bytes != HUB_UNKNOWN) {
        buf_add_bytes(&cells[3], now->bytes);
    }
    report_add_change(&cells[4], now->bytes, before->bytes);
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        cell(out, &cells[i]);
    }
}

static void write_loads(const struct report *r, struct buf *out)
{
    size_t shown = at_most(r->loads.count);
    if (r->loads.total == 0) {
        return;
    }
    heading(out, STR("Assets in groups"));
    begin_wide(out, STR("assets in groups"));
    buf_add(out, STR("<table><thead><tr><th>ASSET</th><th class=\"l\">GROUP</th>"
                     "<th>TIMES</th><th>ROWS</th><th>CHANGE</th><th>BYTES</th><th>CHANGE</th></tr>"
                     "</thead><tbody>\n"));
    for (size_t i = 0; i < shown; i++) {
        const struct report_load *l = &r->loads.items[i];
        buf_add(out, STR("<tr><td>"));
        html_text(out, l->asset);
        buf_add(out, STR("</td><td class=\"l\">"));
        html_text(out, str_is_empty(l->group) ? STR("(none)") : l->group);
        buf_add(out, STR("</td>"));
        load_cells(out, &l->now, &l->before);
        buf_add(out, STR("</tr>\n"));
    }
    buf_add(out, STR("</tbody></table></div>\n"));
    add_more(out, r->loads.total, shown);
}

static void write_list(const struct report *r, const struct report_list *list, struct buf *out)
{
    AUTO(buf) line = buf_growing(REPORT_SPARE_BYTES);
    size_t total = 0;
    size_t shown = at_most(list->count(r, &total));
    if (total == 0) {
        return;
    }
    heading(out, str_from(list->heading));
    buf_add(out, STR("<ul class=\"list\">\n"));
    for (size_t i = 0; i < shown; i++) {
        buf_reset(&line);
        list->add(r, i, &line);
        buf_add(out, STR("<li>"));
        html_text(out, buf_str(&line));
        buf_add(out, STR("</li>\n"));
    }
    buf_add(out, STR("</ul>\n"));
    add_more(out, total, shown);
}

void report_write_html(const struct report *r, struct buf *out)
{
    AUTO(buf) line = buf_growing(REPORT_SPARE_BYTES);
    report_add_title(r, &line);
    buf_add(out, STR("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n<title>"));
    html_text(out, buf_str(&line));
    buf_addf(out, "</title>\n<style>%s</style></head>\n<body><main>\n<header><h1>Fleet ",
             html_style);
    html_text(out, r->fleet);
    buf_add(out, STR("</h1><p>"));
    report_add_minute(out, r->since);
    buf_add(out, STR(" to "));
    report_add_minute(out, r->until);
    buf_add(out, STR(" UTC</p></header>\n"));
    write_tiles(r, out);
    write_attention(r, out);
    write_list(r, &report_late_list, out);
    write_charts(r, out);
    write_facts(r, out);
    write_table(&report_group_table, group_rows, r, out);
    write_table(&report_asset_table, asset_rows, r, out);
    write_loads(r, out);
    for (size_t i = 0; report_lists[i] != NULL; i++) {
        write_list(r, report_lists[i], out);
    }
    buf_add(out, STR("<footer>Made by selvedge-hub at "));
    report_add_minute(out, r->now);
    buf_add(out, STR(" UTC. Times are the devices' own; changes are against as long a time before."
                     "</footer>\n</main></body></html>\n"));
}
