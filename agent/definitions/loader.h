/* loader.h - one load while it lasts: read, check, link. Internal to agent/definitions. */
#pragma once
#include "agent/definitions/tables.h"

struct loader {
    struct definitions *defs; /* being built; its arena holds all that stays */
    struct problems *problems;
    const struct definitions_files *files;
    struct arena scratch;    /* the tree and the raw structs */
    const struct json *root; /* the tree, for places */
    struct raw_definitions raw;
    bool has_graph; /* nothing can be selected before */
};

/* Places, and steps through a list beside the array that was read from it. NULL gives no place,
 * and stays NULL. */
struct location place_of_node(const struct json *node);
struct location place_of_key(const struct json *node); /* of a member: its key */
const struct json *first_of(const struct json *object, const char *key);
const struct json *next_of(const struct json *node);
/* Where the member `key` of an object stands; the object itself when it has none. */
struct location place_of(const struct json *object, const char *key);
/* Where the item `index` of a list stands; a lone string is a list of one. */
struct location place_of_item(const struct json *object, const char *key, size_t index);

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

/* Copies all texts and lists of texts that the table knows into `arena`. False: out of memory. */
MUST_CHECK bool own_texts(struct arena *arena, const struct field_table *table, void *object);

/* The template's syntax only: what definitions_resolve_text() would refuse whatever the
 * environment holds. */
MUST_CHECK bool check_template(struct str text, struct err *err);

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
/* A text that goes through definitions_resolve_*() later. */
void check_asset_template(const struct subject *s, struct location at, const char *what,
                          struct str text);
/* The resource of that name, or NULL with a problem at the member `resource` of `node`. */
const struct resource *find_resource(const struct subject *s, const struct json *node,
                                     struct str name);

/* Each of these adds all problems it finds and completes what is right: defaults, types,
 * resources, kinds. */
void check_resources(struct loader *l);
void check_assets(struct loader *l);
void check_extract_load(const struct subject *s);
void check_sql(const struct subject *s);

/* The graph, jobs and schedules. */
void link_graph(struct loader *l);
void link_jobs(struct loader *l);
void link_schedules(struct loader *l);
