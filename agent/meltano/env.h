/* env.h - environment variables: maps in which later entries win, what is looked up through
 * several of them, and the expansion of $NAME and ${name}. Internal to agent/meltano. */
#pragma once
#include "agent/meltano/meltano.h"
#include "common/base/strmap.h"

struct env {
    struct arena *arena;
    struct strmap index;
    struct str *names;
    struct str *values;
    size_t count;
    size_t cap;
};
struct env env_new(struct arena *arena);
void env_put(struct env *e, struct str name, struct str value); /* borrowed; the last one wins */
void env_put_all(struct env *e, const struct env *from);
bool env_get(const struct env *e, struct str name, struct str *ret);

/* Where a variable is looked for, in this order; each may be NULL. */
struct env_chain {
    const struct env *over;
    const struct meltano_terminal *terminal;
    const struct env *under;
};
bool env_chain_get(const struct env_chain *chain, struct str name, struct str *ret);

/* A variable that is not set is empty; with `is_strict` it is an error. The first one that was not
 * set is kept in `unset`. */
struct expansion {
    const struct env_chain *chain;
    struct arena *arena;
    bool is_strict;
    struct str unset;
};
struct str expand_text(struct expansion *x, struct str text);
/* Every text below, but no keys. The node itself when there is nothing to expand. */
const struct json *expand_tree(struct expansion *x, const struct json *node);

char ascii_upper(char c);
char ascii_lower(char c);
/* "TAP_X_API_KEY" of "tap-x" and "api-key"; empty parts are left out. */
struct str env_name(struct arena *a, struct str prefix, struct str name);
