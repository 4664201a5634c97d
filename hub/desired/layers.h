/* layers.h - the documents of hub.db, ready to be put together. */
#pragma once
#include "hub/desired/compose.h"
#include "hub/desired/desired_rows.h"

struct layers {
    struct layer *items; /* in their order */
    size_t count;
    struct arena *arena; /* holds them */
    struct err err;      /* of the first that could not be read */
};
/* All that are kept. Room for one more stands behind them. */
MUST_CHECK bool layers_read(struct desired_rows *rows, struct arena *arena, struct layers *ret,
                            struct err *err);
/* Puts one in its place, instead of the one of that name. */
void layers_put(struct layers *layers, const struct layer *layer);
void layers_take_out(struct layers *layers, struct str name);
