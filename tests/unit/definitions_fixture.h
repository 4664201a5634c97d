/* definitions_fixture.h - definitions loaded from text, with files that exist only here. */
#pragma once
#include "agent/definitions/definitions.h"

struct loaded {
    struct arena report;
    struct problems problems;
    struct definitions *defs; /* NULL after a failure */
    struct err err;
};
/* Files: sql/daily.sql and sql/empty.sql beside the definitions; zones: Europe/Berlin. */
struct definitions_files fixture_files(void);
/* Loads "shop/selvedge.yaml" with this text; never fails the test. */
void load_text(struct loaded *l, const char *text);
/* The same with files that it may include, the last of them {0}. The folder shop/empty is empty. */
struct fixture_file {
    const char *path;
    const char *text;
};
void load_files(struct loaded *l, const char *text, struct fixture_file *included);
/* The same with a project and two databases, `pos` and `local`, before it. */
void load_assets(struct loaded *l, const char *text);
void loaded_release(struct loaded *l);
/* Fails the test, and prints what was wrong, when there were problems. */
void assert_loaded(const struct loaded *l);
/* "line:column: text" of problem `index` is exactly `expected`; `hint` NULL = does not matter. */
void assert_problem(const struct loaded *l, size_t index, const char *expected, const char *hint);

extern const char fixture_header[]; /* four lines */
