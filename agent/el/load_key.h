/* load_key.h - what identifies a row in its target: the same for
 * every target that has tables. Pure. */
#pragma once
#include "agent/connectors/options.h"
#include "agent/el/schema.h"

struct load_key {
    struct str_list names; /* count 0: rows are added, never updated */
    size_t *columns;       /* their places in the rows */
};

/* `stream_key` when the options name none. Mode append has no key: the same may come again. */
MUST_CHECK bool load_key_choose(const struct load_options *load, const struct str_list *stream_key,
                                const struct schema *rows, struct arena *arena,
                                struct load_key *ret, struct err *err);
bool load_key_has(const struct load_key *key, size_t column);
/* ERR_INVALID when a column of it is NULL in the row. */
MUST_CHECK bool load_key_check(const struct load_key *key, const struct value *row,
                               struct err *err);
