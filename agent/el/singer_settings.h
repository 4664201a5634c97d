/* singer_settings.h - the configuration of a connector that is a Singer program, and what it says of
 * itself: both from the connector's table of options (options.h), without its type, which is known.
 * Settings that other Singer programs have are understood, or passed over with a word in the log: one
 * configuration may serve several programs. */
#pragma once
#include "common/cli/cli.h"
#include "common/json/fields.h"

enum foreign_effect {
    FOREIGN_TAKEN,       /* as one of ours */
    FOREIGN_PASSED_OVER, /* for the reason of `help` */
    FOREIGN_REFUSED,     /* the same: without it other data would be loaded */
};
/* A setting that programs built with the Singer SDK, and their users, know by another name. */
struct foreign_setting {
    const char *name;
    enum foreign_effect effect;
    const char *as; /* ours */
    const char *const
        *values;          /* pairs of their value and ours, NULL at the end; NULL: the same ones */
    const char *turns_on; /* one more of ours, true then; may be NULL */
    const char *help;
};
/* Those that map streams: rows of a table. */
#define FOREIGN_STREAM_MAPS(why_)                                                                  \
    {.name = "stream_map_config",                                                                  \
     .effect = FOREIGN_PASSED_OVER,                                                                \
     .help = "it is of stream_maps, which are refused"},                                           \
        {.name = "faker_config",                                                                   \
         .effect = FOREIGN_PASSED_OVER,                                                            \
         .help = "it is of stream_maps, which are refused"},                                       \
    {                                                                                              \
        .name = "stream_maps", .effect = FOREIGN_REFUSED, .help = (why_)                           \
    }
struct singer_settings {
    struct field_table table;
    void
        *values; /* of the options' struct, as their table's defaults; the caller may change them */
    void *more;  /* of the second table's struct */
    void *before;
    struct arena *arena;
    const struct foreign_setting *foreign; /* nameless at the end */
};
struct singer_extras {
    const struct field_table *more; /* the fields of a second struct */
    const struct foreign_setting *foreign;
};
MUST_CHECK bool singer_settings_init(struct singer_settings *ret, const struct field_table *options,
                                     const char *type, const struct singer_extras *extras,
                                     struct arena *arena, struct err *err);
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
                          const struct singer_settings *settings);
