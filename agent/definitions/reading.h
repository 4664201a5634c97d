/* reading.h - the files of definitions as they are read, between include.c and join.c. */
#pragma once
#include "agent/definitions/loader.h"

struct source {
    struct str path;
    struct str identity; /* the path without "." and "..": whether two are the same */
    struct location at;  /* where it is included */
    size_t depth;
    const struct meltano_entry *meltano; /* the project to read instead of a file; else NULL */
    const struct dbt_entry *dbt;         /* the same */
    struct json *root;                   /* NULL: could not be read */
    struct raw_definitions raw;
};

struct reading {
    struct loader *l;
    struct source *sources; /* LIMIT_DEFINITIONS_FILES of them; the first is the main file */
    struct str *names;      /* of the sources, for problems: they outlive a failed load */
    size_t count;
    size_t bytes;     /* of all texts */
    size_t dbt_bytes; /* of those that dbt projects became */
    struct err *err;
};

/* Takes a member out of an object; NULL when there is none. */
struct json *take_member(struct json *object, struct str key);
/* Joins all that was read into the loader's tree and structs. False: no memory. */
MUST_CHECK bool join_files(struct reading *r);
