/* screen.h - what the commands that ask the API share: who is asked (the hub on this machine, one at
 * --url, or nobody: then the handlers in this process), items as a table for people or as JSON lines. */
#pragma once
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "hub/cli/commands.h"
#include "hub/client/client.h"
#include "hub/client/item.h"
#include "hub/client/target.h"

struct list_cell;
struct screen {
    struct cli *cli;
    struct settings settings; /* of this machine; zero when the hub is elsewhere */
    struct hub_client *client;
    struct wall_time now;
    struct table table;
    struct buf target;  /* the address: target_begin() and its fellows */
    struct buf text;    /* scratch: of a cell, a line, a body */
    struct arena arena; /* of the item at hand */
    int64_t count;      /* items shown */
    /* Of a list that says what stands in which column (list_view.h): */
    const struct list_cell *cells;
    struct table_column columns[TABLE_COLUMNS_MAX + 1];
};

/* On false the error was said and *ret_exit is the exit code; nothing is to be closed. */
MUST_CHECK bool screen_open(struct screen *ret, struct cli *cli, int *ret_exit);
/* Prints the table, or `when_empty` when nothing was shown (not with --json), or the error when not
 * `ok`; closes. Returns the exit code. */
int screen_close(struct screen *screen, bool ok, const struct err *err, const char *when_empty);

/* What most commands are: opens, does its part, closes. The exit code. */
int screen_command(struct cli *cli, bool (*act)(struct screen *screen, struct err *err),
                   const char *when_empty);

/* ERR_FULL: the address became too long. */
MUST_CHECK bool screen_check_target(const struct screen *screen, struct err *err);

/* Each item of the list at the target: with --json as it came, one a line; else a row by `on_row`. */
typedef void screen_row(struct screen *screen, const struct json *item);
MUST_CHECK bool screen_list(struct screen *screen, const struct table_column *columns,
                            int64_t limit, screen_row *on_row, struct err *err);
/* The answer at the target, in the arena; NULL with --json, which prints it. */
MUST_CHECK bool screen_get(struct screen *screen, const struct json **ret, struct err *err);
/* The same whatever is printed. `ret_text` may be NULL. */
MUST_CHECK bool screen_read(struct screen *screen, const struct json **ret, struct str *ret_text,
                            struct err *err);
/* The elements of the array `key` of such an answer, as they came, one a line. */
MUST_CHECK bool screen_print_elements(struct screen *screen, struct str text, const char *key,
                                      struct err *err);
/* Such an answer, an object, without the member `key`, on a line. */
MUST_CHECK bool screen_print_without(struct screen *screen, struct str text, const char *key,
                                     struct err *err);
/* Asks for something to be done: `body` may be empty. Nothing is printed. */
MUST_CHECK bool screen_act(struct screen *screen, enum http_method method, struct str body,
                           const struct json **ret, struct str *ret_text, struct err *err);

/* The same with a body that is no JSON. */
MUST_CHECK bool screen_send(struct screen *screen, enum http_method method, struct str bytes,
                            const struct json **ret, struct str *ret_text, struct err *err);

/* An option that names a time: RFC 3339, a date, or how long ago ("2d"); as RFC 3339 in the arena;
 * empty when it is not given. ERR_INVALID. */
MUST_CHECK bool screen_time(struct screen *screen, const char *option, struct str *ret,
                            struct err *err);

/* "a, b" of an array, until the scratch is used again. */
struct str screen_join(struct screen *screen, const struct json *item, const char *key,
                       const char *between);
/* The message of an error object. */
struct str screen_message(const struct json *item);

void screen_count_cell(struct table *t, int64_t v);   /* HUB_UNKNOWN shows as "-" */
void screen_trouble_cell(struct table *t, int64_t v); /* none as "-", any in red */
void screen_milliseconds_cell(struct table *t, int64_t v);
/* How fresh, of an item's "freshness": "2 stale, 1 late", or "fresh". */
void screen_freshness_cell(struct table *t, const struct json *item);
bool screen_freshness_words(const struct json *item, struct buf *out);
enum cli_tone screen_tone(struct str status);
