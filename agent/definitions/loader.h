/* loader.h - one load while it lasts: read, check, link. Internal to agent/definitions. */
#pragma once
#include "agent/definitions/tables.h"

struct zone; /* a time zone that was read, under its name */

struct loader {
    struct definitions *defs; /* being built; its arena holds all that stays */
    struct problems *problems;
    const struct definitions_files *files;
    struct arena scratch;       /* the trees and the raw structs */
    const struct json *root;    /* the trees of all files as one, for places */
    struct raw_definitions raw; /* of all files */
    struct zone *zones;
    const struct field_table *blocks[USE_COUNT][CONNECTORS_MAX]; /* made when one is read first */
    const struct field_table *connections[USE_COUNT][CONNECTORS_MAX];
    bool is_whole;  /* every file could be read: what is not there is nowhere */
    bool has_graph; /* nothing can be selected before */
};

/* Reads all files: fills root and raw, adds problems. False: what goes on is not worth it, err says
 * why (ERR_NO_MEMORY, ERR_FULL). */
MUST_CHECK bool read_files(struct loader *l, struct str text, struct err *err);

/* Takes each asset that is a shared step apart, in l->raw and in the tree, into the assets that it
 * makes: all that follows sees one asset after the other. False: out of memory. */
MUST_CHECK bool expand_steps(struct loader *l, struct json *root);

/* Takes away, from the same, each asset with gives_way whose key another has. False: out of memory. */
MUST_CHECK bool give_way(struct loader *l, struct json *root);

/* Places, and steps through a list beside the array that was read from it. NULL gives no place,
 * and stays NULL. */
struct location place_of_node(const struct json *node);
struct location place_of_key(const struct json *node); /* of a member: its key */
const struct json *first_of(const struct json *object, const char *key);
const struct json *next_of(const struct json *node);
/* Where the member `key` of an object stands; the object itself when it has none. */
struct location place_of(const struct json *object, const char *key);
/* Where the item `index` of a list stands; a lone string is a list of one. Goes through the list:
 * only for a problem that will be shown. */
struct location place_of_item(const struct json *object, const char *key, size_t index);

/* An asset, job, schedule, sensor or resource under check: whom problems name. */
struct item {
    struct loader *l;
    const struct json *node;
    const char *what; /* "job" */
    struct str name;  /* may be empty */
};
/* "job nightly: ..." */
PRINTF_LIKE(4, 5)
void item_problem(const struct item *item, struct location at, const char *hint, const char *fmt,
                  ...);
/* Where the member `key` of the item stands. */
struct location item_place(const struct item *item, const char *key);
/* What two items of one kind have in common is their name: "it is defined twice (first in ...)". */
void item_twice(const struct item *item, struct location at, struct location first);
/* A text that goes through definitions_resolve_*() later. */
enum secrets { SECRETS_REFUSED, SECRETS_ALLOWED };
void item_template(const struct item *item, struct location at, const char *what, struct str text,
                   enum secrets secrets);
void item_tags(const struct item *item, const struct str_map *tags);
/* `key` names a zone; *ret stays what it is when there is a problem. */
void item_zone(const struct item *item, const struct json *node, struct str name,
               const struct tz **ret);
/* The member `key` of `node` is a cron expression. False: a problem was added. */
bool item_cron(const struct item *item, const struct json *node, const char *key, struct str text,
               struct cron *ret);
/* A program with its arguments, and what goes with it. */
void item_run(const struct item *item, const struct json *node, const struct str_list *run);
void item_env(const struct item *item, const struct str_map *env);

/* As many problems as are kept were found already: this one is counted, its place does not matter. */
bool is_counted_only(struct loader *l);

/* 1 to `max` letters, digits and, but for the first, characters of `also`. */
bool is_word(struct str text, size_t max, const char *also);
/* 1 to LIMIT_NAME_BYTES of [A-Za-z0-9_.-], a letter or digit first: names of jobs, groups,
 * resources, ... Adds a problem ("job name ...: why") when it is not; an empty name of a missing
 * key was reported before. */
bool check_name(struct loader *l, struct location at, const char *what, struct str name);

/* "Did you mean": offer candidates, then read `best` (empty when none is near). */
struct nearest {
    struct str wanted;
    struct str best;
    size_t distance;
};
void nearest_offer(struct nearest *n, struct str candidate);
/* "did you mean x?", or `otherwise` when none was near. */
enum { HINT_SIZE = 128 };
const char *nearest_hint(const struct nearest *n, const char *otherwise, char hint[HINT_SIZE]);

/* Copies all texts and lists of texts that the table knows into `arena`. False: out of memory. */
MUST_CHECK bool own_texts(struct arena *arena, const struct field_table *table, void *object);

/* The template's syntax only: what definitions_resolve_text() would refuse whatever the
 * environment holds. ERR_DENIED: a secret where none is allowed. */
MUST_CHECK bool check_template(struct str text, enum secrets secrets, struct err *err);

/* An asset under check. */
struct subject {
    struct loader *l;
    const struct json *node;
    struct raw_asset *raw;
};
/* "asset pos/sales: ..." */
PRINTF_LIKE(4, 5)
void asset_problem(const struct subject *s, struct location at, const char *hint, const char *fmt,
                   ...);
struct item item_of_asset(const struct subject *s);
/* Keys that were given but go with another way of making the asset. */
void check_fitting(const struct subject *s, const char *const *keys, size_t count, bool is_fitting,
                   const char *fitting);
/* The resource of that name, or NULL with a problem at the member `resource` of `node`; its
 * connector is NULL when its type was not known, which was reported. */
const struct resource *find_resource(const struct subject *s, const struct json *node,
                                     struct str name);
/* The same, and it is a database that queries can be put to. */
const struct resource *find_database(const struct subject *s, const struct json *node,
                                     struct str name);
/* A table or view; what was not given is the key's last part. */
enum { TABLE_NAME_BYTES_MAX = 255 };
void check_table(const struct subject *s, const struct json *node, const char *key,
                 struct str *name);
/* The texts of a connector's options are templates. */
void item_options(const struct item *item, const struct json *node, const struct connector *c,
                  enum connector_use use);
/* What a connector's check says of the options in `node`, where `use` is a block's. */
void item_option_problem(const struct item *item, const struct json *node, const char *what,
                         const struct connector_side *side, const struct err *err);
/* The members of an object as JSON text in the arena of the definitions. */
enum { WRITTEN_BYTES_MAX = 256 << 10 };

/* Each of these adds all problems it finds and completes what is right: defaults, types,
 * resources, kinds. */
void check_resources(struct loader *l);
void check_pools(struct loader *l);
void check_assets(struct loader *l);
void check_extract_load(const struct subject *s);
void check_sql(const struct subject *s);
void check_command(const struct subject *s);
void check_dbt(const struct subject *s);
void check_dbt_node(const struct subject *s); /* of each asset */
void check_partitions(const struct subject *s);
void check_partition_words(const struct subject *s); /* in its SQL and that of its checks */
void check_freshness(const struct subject *s);
void check_automation(const struct subject *s);

/* The graph, jobs, and who starts them. */
void link_graph(struct loader *l);
void link_steps(struct loader *l); /* after it: defs->order, and which assets a step has */
void link_jobs(struct loader *l);
void link_schedules(struct loader *l);
void link_schedule_at(struct loader *l, const struct json *node, size_t index); /* in l->raw */
void link_sensors(struct loader *l);

/* What a schedule or sensor makes: one of a job and a selection. */
struct target {
    struct str job_name;
    struct str select;
    const struct job **job;
    const uint32_t **assets;
    size_t *asset_count;
};
void link_target(const struct item *item, const struct target *target);
/* NULL with a problem at `at`. */
const struct job *link_job_name(const struct item *item, struct location at, struct str name);

/* Of one object that stands alone. */
uint64_t digest_of(const struct json *node);
/* What the hash and the digests are of. False: too large. */
MUST_CHECK bool stamp_contents(struct loader *l);
