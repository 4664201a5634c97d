/* manifest.h - a project while its manifest is being read. Internal to common/dbt. */
#pragma once
#include "common/base/buf.h"
#include "common/dbt/manifest_pieces.h"
#include "common/dbt/texts.h"
#include "common/json/json_scan.h"

struct numbers { /* of texts */
    uint32_t *items;
    size_t count, cap;
};

/* What a node or a macro calls: a run of `calls`. */
struct calls {
    size_t first, count;
};

struct manifest_macro {
    uint32_t id;
    uint8_t uses;
    struct calls calls;
};

struct manifest {
    struct dbt_project *project;
    struct dbt_project *first; /* of a second compilation: what it is laid beside */
    struct buf first_text;     /* a node of that */
    struct texts texts;        /* unique ids and all that repeats */
    struct buf text;           /* of a string whose escapes are gone */
    struct numbers list;
    size_t node_cap, group_cap, override_cap;
    struct calls *node_calls; /* for each node, in the order of the file */
    size_t node_calls_cap;
    struct numbers calls; /* ids of macros, while reading; then places in `macros` */
    struct manifest_macro *macros;
    size_t macro_count, macro_cap;
    bool has_nodes;
};

/* One member of `nodes`, `sources`, ...: a node's own fields. While reading, its parents and
 * `attached` are numbers of texts. */
MUST_CHECK bool manifest_add_node(struct manifest *m, struct str key, struct str text,
                                  struct dbt_place place, struct err *err);
MUST_CHECK bool manifest_add_group(struct manifest *m, struct str text, struct err *err);
MUST_CHECK bool manifest_read_metadata(struct manifest *m, struct str text, struct err *err);

/* One member of `macros`. */
MUST_CHECK bool manifest_add_macro(struct manifest *m, struct str key, struct str text,
                                   struct err *err);
/* When all is read: adds to each node what the macros use that it calls, and those that they call. */
MUST_CHECK bool manifest_add_uses(struct manifest *m, struct err *err);

/* A string, without its escapes, kept; null leaves *ret alone. ERR_INVALID "`name` is 5, ..." */
MUST_CHECK bool manifest_text(struct manifest *m, const char *what, struct json_raw value,
                              struct str *ret, struct err *err);
/* The numbers of a list of strings behind those in `into`. */
MUST_CHECK bool manifest_list(struct manifest *m, const char *what, struct json_raw value,
                              struct numbers *into, struct err *err);
MUST_CHECK bool numbers_add(struct numbers *n, uint32_t number, struct err *err);
/* ERR_FULL or ERR_NO_MEMORY of the project's arena. */
bool manifest_no_memory(const struct manifest *m, struct err *err);

/* enum dbt_uses of a Jinja text: what stands in its expressions and statements. Comments, strings and
 * what is outside of them do not count. Pure. */
uint8_t jinja_uses(struct str text);
/* The same, of a macro by its name. */
uint8_t macro_uses(struct str unique_id);
/* "is_incremental", ... to its bit. */
bool dbt_uses_from(struct str name, uint8_t *ret);
struct str dbt_uses_name(uint8_t bit);

/* One member of `nodes` of the second compilation: what it has of the first one's node. ERR_INVALID when
 * they are not of the same project's text. */
MUST_CHECK bool manifest_pair_node(struct manifest *m, struct str text, struct dbt_place place,
                                   struct err *err);
/* The second's metadata are read: is it of the same project? */
MUST_CHECK bool manifest_check_pair(const struct manifest *m, struct err *err);

/* Sorts the nodes, finds the parents, drops tests of disabled nodes, makes `children`. ERR_INVALID:
 * two nodes of one id; a circle, naming two of its nodes. */
MUST_CHECK bool manifest_link(struct manifest *m, struct err *err);
