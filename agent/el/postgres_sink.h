/* postgres_sink.h - one table of target_postgres.c. Rows go to the server by COPY: in mode append
 * into the table, else into a temporary table, from which one statement merges them (upsert, at each
 * commit) or fills the table (overwrite, at the end). */
#pragma once
#include "agent/el/copy_text.h"
#include "agent/el/load_key.h"
#include "agent/el/pg_table.h"
#include "agent/el/target.h"

struct postgres_sink;
/* What the sinks of a target share: one connection, on which one COPY at a time is open. */
struct postgres_link {
    struct pg pg;
    struct str schema;
    enum nul_rule nul_rule;
    const struct load_options *load;
    struct arena *arena;
    bool is_open;                  /* a transaction is */
    struct postgres_sink *copying; /* whose COPY is open */
    struct rejects *rejects;       /* when they are on, rows go in batches, postgres_batch.h */
};
MUST_CHECK bool postgres_link_begin(struct postgres_link *link, struct err *err);
/* Before any other statement. */
MUST_CHECK bool postgres_link_end_copy(struct postgres_link *link, struct err *err);

struct postgres_sink {
    struct sink base;
    struct postgres_link *link;
    struct pg_table table;
    char staging[32];    /* the temporary table */
    struct schema there; /* columns of the table; mode overwrite: of the one that takes its place */
    struct load_key key;
    struct held_columns held;
    const struct schema *schema; /* of the rows; NULL before the first. The stream's own, which it
                                    changes before it says so: what waits here is of `names` */
    size_t count;
    struct str *names;       /* of the rows' columns as the table has them, */
    struct str *types;       /* their types in it, */
    enum copy_form *forms;   /* and how they take values, */
    enum column_kind *kinds; /* which are of these kinds */
    struct buf lines;        /* rows on their way */
    size_t line_count;       /* with rejects: how many, */
    uint32_t *line_rows;     /* and which each was, after the first */
    int64_t first_row;
    struct buf record; /* of a rejected row */
    bool has_staging;
    bool has_repeats;    /* keys come more than once in a slice */
    int64_t staged_rows; /* not merged yet */
    int64_t row;         /* number of the row, for errors */
    int64_t new_rows;    /* written since the last commit */
};

MUST_CHECK bool postgres_sink_open(struct postgres_sink **ret, struct postgres_link *link,
                                   struct str table, size_t number, struct err *err);
/* Makes the table, or adds the columns it has not. */
MUST_CHECK bool postgres_sink_set_schema(struct postgres_sink *t, const struct schema *schema,
                                         const struct str_list *key, struct err *err);
MUST_CHECK bool postgres_sink_load(struct postgres_sink *t, const struct row_source *source,
                                   struct err *err);
/* Sends what is on its way and, mode upsert, merges it. */
MUST_CHECK bool postgres_sink_merge(struct postgres_sink *t, struct err *err);
/* Behind all that was sent. */
MUST_CHECK bool postgres_sink_remove(struct postgres_sink *t, const struct removal *removal,
                                     struct err *err);
/* Mode overwrite: the new rows take the place of the old ones. */
MUST_CHECK bool postgres_sink_finish(struct postgres_sink *t, struct err *err);
void postgres_sink_committed(struct postgres_sink *t);
/* What the table has now, for the report. */
MUST_CHECK bool postgres_sink_look(struct postgres_sink *t, struct err *err);
void postgres_sink_close(struct postgres_sink *t);
