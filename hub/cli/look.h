/* look.h - what the commands that look at the store share: opening it beside a running hub, rows as
 * a table for people or as JSON lines. */
#pragma once
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "hub/cli/commands.h"
#include "hub/rows/rows.h"
#include "hub/store/queries.h"

struct look {
    struct cli *cli;
    struct settings settings;
    struct db *db;
    struct wall_time now;
    struct table table;
    struct buf line;    /* the JSON line being written */
    struct buf scratch; /* of look_message() and look_join() */
    int64_t count;      /* rows shown */
};

/* On false the error was said and *ret_exit is the exit code; nothing is to be closed. */
MUST_CHECK bool look_open(struct look *ret, struct cli *cli, const struct table_column *columns,
                          int *ret_exit);
/* Prints the table, or `when_empty` when there was no row (not with --json), or the error when not
 * `ok`; closes. Returns the exit code. */
int look_close(struct look *look, bool ok, const struct err *err, const char *when_empty);

/* An option that names a time: RFC 3339, a date, or how long ago ("2d"); 0 when it is not given.
 * ERR_INVALID. */
MUST_CHECK bool look_time(const struct look *look, const char *option, struct wall_time *ret,
                          struct err *err);

/* One JSON object on a line of its own. */
struct json_writer look_begin_line(struct look *look);
void look_end_line(struct look *look, struct json_writer *w);
/* Of JSON that a device sent; borrowed until the next of these calls. The message of an error
 * object; the strings of an array, "a, b". */
struct str look_message(struct look *look, struct str error);
struct str look_join(struct look *look, struct str array);

void look_count_cell(struct table *t, int64_t v);   /* HUB_UNKNOWN shows as "-" */
void look_trouble_cell(struct table *t, int64_t v); /* none as "-", any in red */
void look_milliseconds_cell(struct table *t, int64_t v);
enum cli_tone look_tone(struct str status);
