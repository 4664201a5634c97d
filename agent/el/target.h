/* target.h - where rows go: one interface, one file per connector (connectors.h lists them).
 * A target is a database or a folder; a sink is what takes one stream in it: a table, a file. All
 * sinks are committed together, with the state. A load is: open, then for each stream add and
 * set_schema, (load | set_schema | commit(not last))*, commit(last), close. Closing without the
 * last commit leaves nothing of what came after the commit before. */
#pragma once
#include "agent/el/rejects.h"
#include "agent/el/removal.h"
#include "agent/el/request.h"
#include "agent/el/schema.h"

struct target_context {
    const struct load_options *load; /* first member of what ops->options describes */
    struct str state_id;             /* empty: the state is kept elsewhere, not in the target */
    struct str state_dir;            /* where a target that has no place for it keeps it */
    struct rejects *rejects;         /* takes what the target refuses, when they are on */
    bool only_states;                /* for states() and set_state(): no load follows */
    struct arena *arena;             /* lives longer than the target */
};

/* One of the states that a target keeps of a load. */
struct kept_state {
    struct str at;    /* when it was committed: UTC, RFC 3339 */
    struct str value; /* JSON */
};
enum {
    STATES_KEPT = 10
}; /* the present one, and those at the end of the last runs that moved it */
struct kept_states {
    struct kept_state items[STATES_KEPT]; /* newest first */
    size_t count;
    bool has_present; /* the first is the present one; else there is none */
};

/* Rows for a sink to take. *ret_row NULL: no more for now (the caller of load() knows why). */
struct row_source {
    bool (*next)(void *ctx, const struct value **ret_row, struct err *err);
    void *ctx;
};

struct target_ops;
/* First member of every connector's struct. */
struct target {
    const struct target_ops *ops;
    struct str state;      /* as committed; empty = none */
    bool has_tables;       /* a sink for each stream, and not one file */
    struct str quarantine; /* where it is, for people: "table _selvedge_rejected of shop.db" */
};
/* First member of every connector's struct of a sink. */
struct sink {
    struct str name;        /* for people and the hub: "shop.sales", the file's name */
    bool is_new;            /* nothing is there: a state that speaks of it is void */
    struct schema existing; /* the table's columns when it was added; count 0 = none */
    int64_t rows_written;   /* inserted or changed; rows that were there already do not count */
    int64_t rows_removed;   /* by `remove`: deleted, or marked so */
    int64_t row_count;      /* rows in it after the last commit; -1 = not known */
    struct schema columns;  /* as it has them after the last commit */
};

struct target_ops {
    const char *type;
    const struct field_table *options; /* of the step's "target"; see LOAD_OPTION_FIELDS */
    bool cannot_upsert;
    MUST_CHECK bool (*open)(struct target **ret, const struct target_context *context,
                            struct err *err);
    /* A sink for one more stream; `table` is empty where a file takes the only one. The sink lives
     * as long as the target. */
    MUST_CHECK bool (*add)(struct target *target, struct str table, struct sink **ret,
                           struct err *err);
    /* Columns of the rows that follow; `key` for upsert when the options name none. */
    MUST_CHECK bool (*set_schema)(struct target *target, struct sink *sink,
                                  const struct schema *schema, const struct str_list *key,
                                  struct err *err);
    /* Takes rows until there are no more for now. */
    MUST_CHECK bool (*load)(struct target *target, struct sink *sink,
                            const struct row_source *source, struct err *err);
    /* Rows go, behind all that were loaded. In mode overwrite, of the new rows, and never softly.
     * NULL: it cannot. */
    MUST_CHECK bool (*remove)(struct target *target, struct sink *sink,
                              const struct removal *removal, struct err *err);
    /* Before a commit: sends what is on its way, so that what the target refuses of it is known.
     * NULL: nothing ever is. */
    MUST_CHECK bool (*settle)(struct target *target, struct err *err);
    /* Makes durable what was written, and `state` with it (mode overwrite: only with the last). */
    MUST_CHECK bool (*commit)(struct target *target, struct str state, bool is_last,
                              struct err *err);
    /* Puts what waits in context->rejects into the quarantine, as a part of the next commit. NULL:
     * the target has none. */
    MUST_CHECK bool (*quarantine)(struct target *target, struct err *err);
    /* After the limit of rejects was passed: undoes what is not committed and shows what waits all
     * the same, until the next load with the same state. */
    MUST_CHECK bool (*quarantine_failed)(struct target *target, struct err *err);
    void (*close)(struct target *target); /* NULL is allowed */
    /* Of a target that is a database; NULL else. The first value that the query gives, in `arena`;
     * `options` as for open(), of which only the connection and the place of tables count. The query
     * must be one that only reads. */
    MUST_CHECK bool (*ask)(const void *options, struct str sql, struct arena *arena,
                           struct value *ret, struct err *err);
    /* What it keeps for context->state_id, in the context's arena. */
    MUST_CHECK bool (*states)(struct target *target, struct kept_states *ret, struct err *err);
    /* Instead of a load: `value` becomes the present state, the former is kept; empty: there is
     * none. */
    MUST_CHECK bool (*set_state)(struct target *target, struct str value, struct err *err);
};
