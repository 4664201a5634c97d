/* connector.h - what can be read from and written to, and with which options: pure data, from which
 * the worker reads its steps, and definitions are checked, documented and sent to it. Which of them
 * can be carried out is the worker's affair (agent/el/connectors.h).
 *
 * A new connector: a table of its options, a row in connector.c, and its code in agent/el. */
#pragma once
#include "agent/connectors/options.h"

enum connector_use { USE_EXTRACT, USE_LOAD, USE_COUNT };

struct connector_side {
    const struct field_table *options; /* of a step's "tap" or "target"; NULL: there is none */
    /* In definitions, where no resource is needed: the option by which the block is told, and the
     * key that stands for it there: {csv: PATH}. NULL with a resource. */
    const char *key;
    const char *option;
    const char *help; /* what it is, for the reference page */
    /* What the table cannot tell; of texts that may still hold ${VAR}. A message that begins with
     * an option in quotes is shown where that stands. NULL = nothing. */
    bool (*check)(const void *options, enum load_mode mode, struct err *err);
    bool has_streams; /* it gives several streams, which have names and keys of their own */
    bool has_key;     /* its only stream has one */
    bool is_file;     /* it takes one stream, and knows no table and no key */
    bool is_program;  /* somebody else's: what a mode and a key mean is its affair */
};
struct connector {
    const char *type; /* of a step's "tap" and "target", and of a resource */
    const char *kind; /* of the assets that are made with it */
    const char *help; /* of a resource, for the reference page; NULL where there is none */
    struct connector_side sides[USE_COUNT];
    /* Of the tap's options, or the target's where there is no tap; see check(). */
    bool (*check_connection)(const void *options, struct err *err);
    bool answers_sql; /* checks may ask it */
    /* Debian package that it takes to build it; NULL = none. */
    const char *package;
    const char *build_option; /* of CMake; NULL = it is in every build */
    bool is_absent;           /* this build was made without it */
};

enum { CONNECTORS_MAX = 32 };
/* NULL when there is none of that name. */
const struct connector *connector_find(struct str type);
const struct connector *connector_at(size_t index); /* NULL at the end */
/* The n-th of those that have the side, or a resource; NULL at the end. */
const struct connector *connector_with(enum connector_use use, size_t index);
const struct connector *connector_with_resource(size_t index);
size_t connector_index(const struct connector *c); /* below CONNECTORS_MAX */
/* It has options of a connection. */
bool connector_has_resource(const struct connector *c);
/* The option that `key` of a block stands for; NULL when it stands for none. */
const struct field *connector_option(const struct connector *c, enum connector_use use,
                                     struct str key);
/* Always false: ERR_INVALID, and the package or the option that brings it. */
bool connector_absent(const struct connector *c, const char *what, struct err *err);

/* --- as definitions write them ---------------------------------------------------------------
 * Each table lives in `arena` and fills the struct of the side's options, so that one read after the
 * other fills it whole. NULL: no memory. */
/* A resource: `type` and the options of a connection. Of the side that has any, a tap first. */
const struct field_table *connector_resource_table(const struct connector *c, struct arena *arena);
/* The connection's options only, as that side has them. */
const struct field_table *connector_connection_table(const struct connector *c,
                                                     enum connector_use use, struct arena *arena);
/* What stands in extract or load. Its struct has room for the resource's name behind the options'. */
const struct field_table *connector_block_table(const struct connector *c, enum connector_use use,
                                                struct arena *arena);
/* The same with one more field, of `size` bytes, which have their place behind all others. */
const struct field_table *connector_table_extend(const struct field_table *table,
                                                 const struct field *field, size_t size,
                                                 struct arena *arena);
