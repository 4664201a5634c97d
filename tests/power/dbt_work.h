/* dbt_work.h - nodes of dbt projects that are cut off in the middle: each a row of a table, so that
 * another kind of node is another row. */
#pragma once
#include "tests/support/dbt_world.h"

struct dbt_work {
    const char *name;
    const char *before;                                           /* what is in the file */
    void (*describe)(struct dbt_world *w, struct dbt_spec *spec); /* fills in the rest */
    bool (*run)(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
                struct node_result *ret, struct err *err);
    int stride; /* of the writes that are cut: 0 and 1 = each */
};
extern const struct dbt_work dbt_works[];
extern const size_t dbt_works_count;

/* Makes the file as it is before. */
void dbt_work_prepare(const struct dbt_work *work, struct dbt_world *w, const char *path);
bool dbt_work_run(const struct dbt_work *work, struct dbt_world *w); /* into w->result or w->err */
/* All that the file holds, as text: the schema and every row. Fails when it is not sound. */
struct str dbt_work_content(struct dbt_world *w);

/* A database that ends the process by SIGKILL before its `nth` call (from 0), and passes on those
 * before. It takes the place of w->t.db. Returns how many calls there were; w->t.db is the real one
 * again. */
struct dbt_killer {
    struct database base; /* first */
    struct database_ops ops;
    struct database *inner;
    int calls;
    int nth; /* -1 = never */
};
void dbt_killer_begin(struct dbt_killer *k, struct dbt_world *w, int nth);
int dbt_killer_end(struct dbt_killer *k, struct dbt_world *w);
