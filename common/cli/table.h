/* table.h - aligned columns for people. Cut to the terminal's width when there is one, never cut
 * into a pipe. An empty cell shows as "-". Control characters in cells become spaces, so that data
 * from elsewhere cannot drive the terminal.
 *
 *   AUTO(table) t = table_new(TABLE_COLUMNS({.name = "RUN"}, {.name = "ROWS", .is_right = true}));
 *   table_cell(&t, run_id);      one call per column, row by row
 *   table_i64(&t, rows);
 *   table_print(&t, cli); */
#pragma once
#include "common/cli/cli.h"
#include "common/cli/text.h"

struct table_column {
    const char *name;
    bool is_right; /* numbers */
    bool is_wide;  /* is cut first on a narrow terminal; without any, the last column is */
};
enum { TABLE_COLUMNS_MAX = 16, TABLE_TEXT_BYTES_MAX = 64 << 20 };

struct table {
    const struct table_column *columns; /* ends with {0}; borrowed */
    size_t column_count;
    size_t width[TABLE_COLUMNS_MAX]; /* widest cell so far, in terminal columns */
    size_t cell_count;
    struct buf text; /* cells: one byte of tone, UTF-8 text, newline */
};
#define TABLE_COLUMNS(...) ((const struct table_column[]){__VA_ARGS__, {0}})

struct table table_new(const struct table_column *columns);
void table_release(struct table *t);
void table_cell(struct table *t, struct str text);
void table_text(struct table *t, const char *text); /* NULL shows as "-" */
void table_tone(struct table *t, enum cli_tone tone, struct str text);
void table_i64(struct table *t, int64_t value);
void table_duration(struct table *t, int64_t ns); /* "1.2 s"; negative shows as "-" */
/* "3 min ago"; 0 shows as "-" */
void table_ago(struct table *t, struct wall_time at, struct wall_time now);
PRINTF_LIKE(2, 3) void table_cellf(struct table *t, const char *fmt, ...);
/* Header and rows to cli_out. The last row must be complete. */
void table_print(const struct table *t, struct cli *cli);
/* The end of a list: as above, or `none` on a line when it has no row. With --json nothing, since
 * each row was printed as it came. */
void table_print_list(const struct table *t, struct cli *cli, const char *none);
