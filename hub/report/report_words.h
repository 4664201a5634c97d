/* report_words.h - numbers and sentences that several forms of a report share. */
#pragma once
#include "common/cli/text.h"
#include "hub/report/report_write.h"

enum { REPORT_FACT_BYTES = 1024, REPORT_CELL_BYTES = 400, REPORT_SPARE_BYTES = 1 << 20 };

struct report_fact {
    const char *name;
    void (*add)(const struct report *r, struct buf *out); /* adds nothing: there is none */
};
extern const struct report_fact report_facts[]; /* ends with a NULL name */

/* "fleet shops, 2026-11-21 09:00 to 2026-11-22 09:00 UTC" */
void report_add_title(const struct report *r, struct buf *out);
/* "12,345" */
void report_add_number(struct buf *out, int64_t number);
/* The same in at most nine characters: "12,345", "123.4 M". */
void report_add_short(struct buf *out, int64_t number);
/* "98.3 %" of the runs that ended; empty when none did. */
void report_add_rate(struct buf *out, const struct report_runs *runs);
/* How `now` differs from `before`: "+12 %", "same", "new", "gone"; empty where nothing is known. */
void report_add_change(struct buf *out, int64_t now, int64_t before);
void report_add_minute(struct buf *out, struct wall_time t);        /* "2026-11-22 02:30" */
void report_add_day(struct buf *out, const struct report_day *day); /* "Mon 23 Nov" */
/* Lists of sentences, as all forms for people have them: `count` of them are there. */
struct report_list {
    const char *heading;
    const char *more; /* how to see what is not shown */
    size_t (*count)(const struct report *r, size_t *ret_total);
    void (*add)(const struct report *r, size_t row, struct buf *out);
};
extern const struct report_list report_late_list;      /* before the tables */
extern const struct report_list *const report_lists[]; /* behind them; ends with NULL */
/* Tables as text and Markdown show them: the cells of one row, empty = unknown. */
struct report_column {
    const char *name;
    bool is_right;
};
enum { REPORT_COLUMNS_MAX = 9 };
struct report_table {
    const char *heading;
    const struct report_column *columns; /* ends with a NULL name */
    size_t (*count)(const struct report *r);
    void (*fill)(const struct report *r, size_t row, struct buf cells[REPORT_COLUMNS_MAX]);
};
/* "by site" */
void report_add_heading(const struct report *r, const struct report_table *table, struct buf *out);
extern const struct report_table report_asset_table;
extern const struct report_table report_group_table;
extern const struct report_table report_day_table;
enum { REPORT_TABLE_ROWS = 100 /* in text and Markdown */ };
