/* list_view.h - lists of the API as tables: what is asked for and which member stands in which column. */
#pragma once
#include "hub/cli/screen.h"

enum list_kind {
    LIST_TEXT,
    LIST_STATUS, /* a word that has a colour */
    LIST_PASSED, /* a boolean */
    LIST_COUNT,
    LIST_TROUBLE, /* a count that should be 0 */
    LIST_OF,      /* `member` of `other`: "5/6" */
    LIST_AGO,     /* a time, or the first of several */
};
struct list_cell {
    const char *name;   /* of the column */
    const char *member; /* "last_run.at": of an object in it */
    const char *other;  /* in its place where it is not there; may be NULL */
    enum list_kind kind;
    bool is_wide; /* cut first on a narrow terminal */
};
struct list_view {
    const char *path;              /* may have a query already */
    const char *argument;          /* what the first argument is in the query; NULL: none */
    const char *const *options;    /* that are in the query, too; end with NULL */
    const char *const *flags;      /* the same of booleans */
    bool is_limited;               /* has --limit */
    const struct list_cell *cells; /* end with {0} */
    const char *when_empty;
};
/* A whole command. The exit code. */
int list_view_command(struct cli *cli, const struct list_view *view);
/* A table of the elements from `first` on, printed when the screen is closed. */
void list_view_rows(struct screen *screen, const struct list_cell *cells, const struct json *first);
