/* dbt_world.h - an SQLite file in which nodes of a dbt project run, with specs made by hand. A
 * failure of the world itself ends the test. */
#pragma once
#include "agent/transform/node.h"
#include "tests/support/temp_dir.h"

struct dbt_world {
    struct temp_dir dir;
    struct arena arena;
    struct transform t;
    struct node_result result; /* of the last node */
    struct err err;
};

/* A file of its own in a folder; options may be NULL. */
void dbt_world_init(struct dbt_world *w, const struct database_options *options);
void dbt_world_release(struct dbt_world *w); /* fits AUTO(dbt_world) */
/* Opens another file in place of the present one, which is closed; NULL only closes. */
void dbt_world_open(struct dbt_world *w, const char *path, const struct database_options *options);

void dbt_world_exec(struct dbt_world *w, const char *sql);
/* The rows of a query: values with "|" between, "NULL" for NULL, rows with "\n" between. */
struct str dbt_world_rows(struct dbt_world *w, const char *sql);
/* How many rows a relation of main has, and a hash of them in any order; blobs by their length. */
struct str dbt_world_digest(struct dbt_world *w, struct str relation);
void dbt_world_check(struct dbt_world *w, const char *sql, const char *rows);

/* main."name", and the rest as dbt has it when nothing is set. Texts are borrowed. */
struct dbt_spec dbt_world_spec(struct dbt_world *w, enum dbt_materialization materialization,
                               const char *name, const char *sql);
struct str_list dbt_world_list(struct dbt_world *w, const char *a,
                               const char *b); /* b may be NULL */

bool dbt_world_run(struct dbt_world *w, const struct dbt_spec *spec);  /* into result or err */
void dbt_world_make(struct dbt_world *w, const struct dbt_spec *spec); /* and it must work */
/* And it must not, with this code and this text in its message. */
void dbt_world_refuse(struct dbt_world *w, const struct dbt_spec *spec, enum err_code code,
                      const char *text);
