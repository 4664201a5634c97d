/* singer_settings.h - the configuration of a connector that is a Singer program, and what it says of
 * itself: both from the connector's table of options (options.h), without its type, which is known.
 * Keys that only others have are passed over: one configuration may serve several programs. */
#pragma once
#include "common/cli/cli.h"
#include "common/json/fields.h"

struct singer_settings {
    struct field_table table;
    void
        *values; /* of the options' struct, as their table's defaults; the caller may change them */
    void *before;
    struct arena *arena;
    /* Looks at each file once more; may be NULL. */
    bool (*check)(const struct json *node, void *values, struct err *err);
};
MUST_CHECK bool singer_settings_init(struct singer_settings *ret, const struct field_table *options,
                                     const char *type, struct arena *arena, struct err *err);
/* Reads the files of --config: what is given later wins, key by key. `example` is for the error
 * when there is none. */
MUST_CHECK bool singer_settings_read(struct singer_settings *s, const struct cli *cli,
                                     const char *example, struct err *err);

struct singer_about {
    const char *kind; /* "tap", "target" */
    const char *description;
    const char *const *capabilities; /* NULL at the end */
};
/* --about, in the --format that is asked for. Returns an exit code. */
int singer_settings_about(struct cli *cli, const struct singer_about *about,
                          const struct field_table *options, const char *type);
