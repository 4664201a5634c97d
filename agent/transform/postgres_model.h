/* postgres_model.h - inside of materialize_postgres.h: one model on its way. */
#pragma once
#include "agent/transform/node.h"
#include "agent/transform/postgres.h"

struct postgres_model {
    const struct transform *t;
    const struct dbt_spec *spec;
    struct arena *arena;
    struct database *db;
    struct pg *pg;
    struct relation target;
    struct relation made; /* beside it, until it takes its name */
    enum relation_kind old, now;
    bool keeps_grants; /* the relation that was there is still the same one */
    int64_t written;   /* rows; -1 = there are none to count */
    const char *word;  /* of the server, for the message: "SELECT" */
    struct buf notes;  /* for the message: what became of others' views */
};

/* --- postgres_dependents.c --- */

/* Carries out `change`, our statements, which drop or change `target`. Where views are in its way they
 * are taken down before and made again behind it as they were: definition, owner, grants, comments,
 * options, defaults, triggers. A view that cannot be made again fails the model, unless it is a model
 * of the same project: that one is left out and said, since its own node makes it anew.
 * *ret_in_the_way: it failed because of what is no view, or not ours to make again; the transaction
 * is as it was. */
MUST_CHECK bool postgres_around_views(struct postgres_model *m, const struct buf *change,
                                      bool *ret_in_the_way, struct err *err);

/* --- postgres_dress.c: what dbt gives a relation beside its rows --- */

MUST_CHECK bool postgres_create_indexes(struct postgres_model *m, const struct relation *on,
                                        struct err *err);
/* Drops the indexes that such a run made: with an md5 as name. */
MUST_CHECK bool postgres_drop_indexes(struct postgres_model *m, struct err *err);
MUST_CHECK bool postgres_grant(struct postgres_model *m, struct err *err);
MUST_CHECK bool postgres_comment(struct postgres_model *m, struct err *err);

/* --- postgres_contract.c: an enforced contract --- */

/* ERR_INVALID when the text's columns are not those declared, by name and class of type. */
MUST_CHECK bool postgres_check_contract(struct postgres_model *m, struct str text, struct err *err);
/* A table with the declared types and constraints, and the rows of the text. */
MUST_CHECK bool postgres_create_by_contract(struct postgres_model *m,
                                            const struct relation *relation, struct str text,
                                            struct err *err);

/* --- postgres_delta.c: new rows into a table that stays --- */

MUST_CHECK bool postgres_apply_delta(struct postgres_model *m, struct err *err);

/* --- materialize_postgres.c --- */

/* "create table X as (SQL)" and its kin, of the model's text for the variant. */
enum postgres_as { AS_VIEW, AS_REPLACED_VIEW, AS_TABLE, AS_TEMPORARY_TABLE };
MUST_CHECK bool postgres_create(struct postgres_model *m, enum postgres_as as,
                                const struct relation *relation, struct str sql, struct err *err);
/* The target's name with a suffix, cut so that the server does not. */
MUST_CHECK bool postgres_beside(const struct postgres_model *m, const char *suffix,
                                bool is_temporary, struct relation *ret, struct err *err);
