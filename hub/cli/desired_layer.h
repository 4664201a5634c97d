/* desired_layer.h - a document that a person has in a file, and what would come of it. */
#pragma once
#include "hub/cli/commands.h"
#include "hub/desired/layers.h"
#include "hub/registry/registry.h"

struct document_file {
    struct arena arena;
    struct problems problems;
    struct buf content; /* as it is kept */
    struct str name, target;
    struct layer layer;
    struct desired_rows *rows;
    struct registry *registry;
    struct layers layers; /* all that are kept, without this one */
    bool has_file;        /* else it is one that is taken away */
};
/* Reads the file named by the first argument, and --name, --to, --priority. On false the error was
 * said and *ret_exit is the exit code. `keeps_target`: without --to, that of the document of this
 * name. */
MUST_CHECK bool document_file_open(struct cli *cli, const struct settings *settings,
                                   bool keeps_target, struct document_file *ret, int *ret_exit);
void document_file_close(struct document_file *file); /* zeroed is allowed */

/* What comes of it for each device that it means, or meant before. */
struct document_effect {
    struct str device;
    struct composed before, after;
    bool is_meant;
};
MUST_CHECK bool document_effects(struct document_file *file,
                                 void (*on_device)(void *ctx, const struct document_effect *effect),
                                 void *ctx, struct err *err);
