/* report_text.c - the same sentences and tables for a terminal and as Markdown. */
#include "hub/report/report.h"

#include "common/cli/table.h"

enum { ATTENTION_ARENA_BYTES = 1 << 20, FACTS_BYTES_MAX = 16 << 10 };

void report_add_number(struct buf *out, int64_t number)
{
    char digits[32];
    struct buf b = buf_fixed(digits, sizeof(digits));
    buf_add_i64(&b, number);
    size_t first = number < 0 ? 1 : 0;
    for (size_t i = 0; i < b.len; i++) {
        if (i > first && (b.len - i) % 3 == 0) {
            buf_add_char(out, ',');
        }
        buf_add_char(out, digits[i]);
    }
}

void report_add_success_rate(const struct report *report, struct buf *out)
{
    int64_t ended = report->runs.success + report->runs.failure;
    if (ended > 0) {
        /* Cut, not rounded: one failure in a million is not 100 %. */
        int64_t tenths = (int64_t)((double)report->runs.success * 1000 / (double)ended);
        buf_addf(out, "%lld.%lld %%", (long long)(tenths / 10), (long long)(tenths % 10));
    }
}

static void add_count(struct buf *out, int64_t number, const char *one, const char *many)
{
    report_add_number(out, number);
    buf_addf(out, " %s", number == 1 ? one : many);
}

/* --- the first lines ---------------------------------------------------------------------- */

struct fact {
    const char *name;
    void (*add)(const struct report *r, struct buf *out);
};

static void add_devices(const struct report *r, struct buf *out)
{
    report_add_number(out, r->online);
    buf_add(out, STR(" of "));
    report_add_number(out, r->totals.devices);
    buf_add(out, STR(" online"));
    if (r->away > 0) {
        buf_add(out, STR(", "));
        report_add_number(out, r->away);
        buf_add(out, STR(" away"));
    }
}

static void add_runs(const struct report *r, struct buf *out)
{
    report_add_number(out, r->runs.success);
    buf_add(out, STR(" succeeded, "));
    report_add_number(out, r->runs.failure);
    buf_add(out, STR(" failed"));
    if (r->runs.canceled > 0) {
        buf_add(out, STR(", "));
        report_add_number(out, r->runs.canceled);
        buf_add(out, STR(" canceled"));
    }
    if (r->runs.success + r->runs.failure > 0) {
        buf_add(out, STR("; success rate "));
        report_add_success_rate(r, out);
    }
    if (r->runs.open > 0) {
        buf_add(out, STR("; "));
        report_add_number(out, r->runs.open);
        buf_add(out, STR(" under way"));
    }
}

static void add_loaded(const struct report *r, struct buf *out)
{
    add_count(out, r->loaded.materializations, "materialization", "materializations");
    buf_add(out, STR(" wrote "));
    add_count(out, r->loaded.rows, "row", "rows");
    buf_add(out, STR(", read "));
    buf_add_bytes(out, r->loaded.bytes);
}

static void add_assets(const struct report *r, struct buf *out)
{
    report_add_number(out, r->totals.assets);
    buf_add(out, r->failures.total == 0 ? STR(", none failing") : STR(", failing: "));
    if (r->failures.total > 0) {
        report_add_number(out, (int64_t)r->failures.total);
    }
    if (r->checks.total > 0) {
        buf_add(out, STR("; "));
        add_count(out, (int64_t)r->checks.total, "check failed", "checks failed");
    }
}

static void add_events(const struct report *r, struct buf *out)
{
    report_add_number(out, r->totals.events);
    buf_add(out, STR(" in all, "));
    buf_add(out, r->totals.lost_events == 0 ? STR("none") : STR(""));
    if (r->totals.lost_events > 0) {
        report_add_number(out, r->totals.lost_events);
    }
    buf_add(out, STR(" lost, "));
    buf_add(out, r->waiting == 0 ? STR("none") : STR(""));
    if (r->waiting > 0) {
        report_add_number(out, r->waiting);
    }
    buf_add(out, STR(" known to wait on devices"));
}

static const struct fact facts[] = {{"devices", add_devices},
                                    {"runs", add_runs},
                                    {"loaded", add_loaded},
                                    {"assets", add_assets},
                                    {"events", add_events}};

/* "2026-11-22 02:30" */
static void add_minute(struct buf *out, struct wall_time t)
{
    char text[WALL_TEXT_SIZE];
    struct str whole = str_from(wall_format(t, text));
    buf_addf(out, STR_FMT " " STR_FMT, STR_ARG(str_slice(whole, 0, 10)),
             STR_ARG(str_slice(whole, 11, 16)));
}

static void add_title(const struct report *r, struct buf *out)
{
    buf_addf(out, "fleet " STR_FMT ", ", STR_ARG(r->fleet));
    add_minute(out, r->since);
    buf_add(out, STR(" to "));
    add_minute(out, r->until);
    buf_add(out, STR(" UTC"));
}

static void add_slowest(const struct report *r, struct buf *out)
{
    for (size_t i = 0; i < r->slowest_count; i++) {
        const struct hub_activity *a = &r->activity.items[r->slowest[i]];
        buf_add(out, i == 0 ? STR("slowest: ") : STR("; "));
        buf_add_harmless(out, a->asset);
        buf_add(out, STR(" takes "));
        buf_add_duration(out, a->duration_avg_ms * NS_PER_MS);
        buf_add(out, STR(" (at most "));
        buf_add_duration(out, a->duration_max_ms * NS_PER_MS);
        buf_add_char(out, ')');
    }
}

/* --- the table ---------------------------------------------------------------------------- */

static const struct table_column columns[] = {{.name = "ASSET"},
                                              {.name = "DEVICES", .is_right = true},
                                              {.name = "TIMES", .is_right = true},
                                              {.name = "ROWS WRITTEN", .is_right = true},
                                              {.name = "BYTES READ", .is_right = true},
                                              {.name = "TOOK", .is_right = true},
                                              {.name = "AT MOST", .is_right = true},
                                              {0}};
enum { COLUMNS = COUNT_OF(columns) - 1, CELL_BYTES = 400 };

/* The cells of one row as text; empty = unknown. */
static void fill_row(const struct hub_activity *a, struct buf cells[COLUMNS])
{
    buf_add_harmless(&cells[0], a->asset);
    report_add_number(&cells[1], a->devices);
    report_add_number(&cells[2], a->materializations);
    if (a->rows_written != HUB_UNKNOWN) {
        report_add_number(&cells[3], a->rows_written);
    }
    if (a->byte_count != HUB_UNKNOWN) {
        buf_add_bytes(&cells[4], a->byte_count);
    }
    if (a->duration_avg_ms != HUB_UNKNOWN) {
        buf_add_duration(&cells[5], a->duration_avg_ms * NS_PER_MS);
        buf_add_duration(&cells[6], a->duration_max_ms * NS_PER_MS);
    }
}

/* --- text --------------------------------------------------------------------------------- */

static void print_heading(struct cli *cli, const char *heading)
{
    cli_printf(cli, "\n%s%s%s\n", cli_tone_on(cli, CLI_STRONG), heading,
               cli_tone_off(cli, CLI_STRONG));
}

static void print_facts(const struct report *r, struct cli *cli)
{
    AUTO(buf) line = buf_growing(FACTS_BYTES_MAX);
    add_title(r, &line);
    cli_printf(cli, "%s" STR_FMT "%s\n\n", cli_tone_on(cli, CLI_STRONG), STR_ARG(buf_str(&line)),
               cli_tone_off(cli, CLI_STRONG));
    for (size_t i = 0; i < COUNT_OF(facts); i++) {
        buf_reset(&line);
        facts[i].add(r, &line);
        cli_printf(cli, "  %-8s  " STR_FMT "\n", facts[i].name, STR_ARG(buf_str(&line)));
    }
}

static void print_attention(const struct report *r, struct cli *cli)
{
    AUTO(arena) arena = arena_new(ATTENTION_ARENA_BYTES);
    struct str lines[REPORT_LINES_MAX];
    size_t count = report_attention(r, &arena, lines);
    print_heading(cli, count == 0 ? "nothing needs attention" : "needs attention");
    for (size_t i = 0; i < count; i++) {
        cli_printf(cli, "  " STR_FMT "\n", STR_ARG(lines[i]));
    }
}

static void print_assets(const struct report *r, struct cli *cli)
{
    AUTO(table) t = table_new(columns);
    AUTO(buf) slowest = buf_growing(FACTS_BYTES_MAX);
    for (size_t i = 0; i < r->activity.count; i++) {
        char memory[COLUMNS][CELL_BYTES];
        struct buf cells[COLUMNS];
        for (size_t c = 0; c < COLUMNS; c++) {
            cells[c] = buf_fixed(memory[c], CELL_BYTES);
        }
        fill_row(&r->activity.items[i], cells);
        for (size_t c = 0; c < COLUMNS; c++) {
            table_cell(&t, buf_str(&cells[c]));
        }
    }
    if (r->activity.count > 0) {
        print_heading(cli, "made in this time");
        table_print(&t, cli);
    }
    if (r->slowest_count > 0) {
        add_slowest(r, &slowest);
        cli_printf(cli, "\n" STR_FMT "\n", STR_ARG(buf_str(&slowest)));
    }
}

void report_print(const struct report *report, struct cli *cli)
{
    print_facts(report, cli);
    print_attention(report, cli);
    print_assets(report, cli);
}

/* --- Markdown ----------------------------------------------------------------------------- */

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

static void write_table(const struct report *r, struct buf *out)
{
    buf_add(out, STR("\n## Made in this time\n\n|"));
    for (size_t c = 0; c < COLUMNS; c++) {
        buf_addf(out, " %s |", columns[c].name);
    }
    buf_add(out, STR("\n|"));
    for (size_t c = 0; c < COLUMNS; c++) {
        buf_add(out, columns[c].is_right ? STR("---:|") : STR("---|"));
    }
    buf_add_char(out, '\n');
    for (size_t i = 0; i < r->activity.count; i++) {
        char memory[COLUMNS][CELL_BYTES];
        struct buf cells[COLUMNS];
        for (size_t c = 0; c < COLUMNS; c++) {
            cells[c] = buf_fixed(memory[c], CELL_BYTES);
        }
        fill_row(&r->activity.items[i], cells);
        buf_add_char(out, '|');
        for (size_t c = 0; c < COLUMNS; c++) {
            buf_add_char(out, ' ');
            add_plain(out, cells[c].len == 0 ? STR("-") : buf_str(&cells[c]));
            buf_add(out, STR(" |"));
        }
        buf_add_char(out, '\n');
    }
}

void report_write_markdown(const struct report *report, struct buf *out)
{
    AUTO(arena) arena = arena_new(ATTENTION_ARENA_BYTES);
    AUTO(buf) line = buf_growing(FACTS_BYTES_MAX);
    struct str lines[REPORT_LINES_MAX];
    size_t count = report_attention(report, &arena, lines);
    add_title(report, &line);
    buf_addf(out, "# Report of " STR_FMT "\n\n", STR_ARG(buf_str(&line)));
    for (size_t i = 0; i < COUNT_OF(facts); i++) {
        buf_addf(out, "- **%s**: ", facts[i].name);
        facts[i].add(report, out);
        buf_add_char(out, '\n');
    }
    buf_add(out,
            count == 0 ? STR("\n## Nothing needs attention\n") : STR("\n## Needs attention\n\n"));
    for (size_t i = 0; i < count; i++) {
        buf_add(out, STR("- "));
        add_plain(out, lines[i]);
        buf_add_char(out, '\n');
    }
    if (report->activity.count > 0) {
        write_table(report, out);
    }
    if (report->slowest_count > 0) {
        buf_reset(&line);
        add_slowest(report, &line);
        buf_add_char(out, '\n');
        add_plain(out, buf_str(&line));
        buf_add_char(out, '\n');
    }
}
