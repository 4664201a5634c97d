/* effects.h - what would come of a document, device by device, before it is kept. */
#pragma once
#include "hub/desired/layers.h"
#include "hub/registry/registry.h"

/* ERR_INVALID: it is none, or depends on who is connected, which would change with every connection. */
MUST_CHECK bool document_target(struct str text, struct arena *arena, struct targets **ret,
                                struct err *err);

struct document_effect { /* of a device that the document means, or meant before */
    struct str device;
    struct composed before, after;
    bool is_meant;
};
/* With `layer` in place of the document of its name; text and trees are borrowed for the call. Composes for
 * each device: of a large fleet it takes a moment. */
MUST_CHECK bool document_effects(struct desired_rows *rows, struct registry *registry,
                                 const struct layer *layer,
                                 void (*on_device)(void *ctx, const struct document_effect *effect),
                                 void *ctx, struct err *err);
