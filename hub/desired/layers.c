#include "hub/desired/layers.h"

#include "hub/desired/document.h"
#include <string.h>

struct counting {
    size_t count;
};

static void on_count(void *ctx, const struct document_row *row)
{
    (void)row;
    ((struct counting *)ctx)->count++;
}

static void on_document(void *ctx, const struct document_row *row)
{
    struct layers *layers = ctx;
    struct layer layer = {.name = arena_copy(layers->arena, row->name), .priority = row->priority};
    struct targets *targets = NULL;
    if (layers->err.code != ERR_NONE) {
        return;
    }
    if (!targets_parse(row->target, layers->arena, &targets, &layers->err) ||
        !document_parse(row->content, layers->arena, &layer.content, &layers->err)) {
        (void)err_wrap(&layers->err, "document " STR_FMT, STR_ARG(row->name));
        return;
    }
    layer.targets = targets;
    layers->items[layers->count++] = layer;
}

bool layers_read(struct desired_rows *rows, struct arena *arena, struct layers *ret,
                 struct err *err)
{
    struct counting counting = {0};
    struct layers layers = {.arena = arena};
    if (!document_each(rows, on_count, &counting, err)) {
        return false;
    }
    layers.items = arena_array(arena, counting.count + 1, sizeof(*layers.items));
    if (layers.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "read the documents: out of memory");
    }
    if (!document_each(rows, on_document, &layers, err)) {
        return false;
    }
    if (layers.err.code != ERR_NONE) {
        *err = layers.err;
        return false;
    }
    *ret = layers;
    return true;
}

void layers_take_out(struct layers *layers, struct str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < layers->count; i++) {
        if (!str_eq(layers->items[i].name, name)) {
            layers->items[kept++] = layers->items[i];
        }
    }
    layers->count = kept;
}

void layers_put(struct layers *layers, const struct layer *layer)
{
    layers_take_out(layers, layer->name);
    layers->items[layers->count++] = *layer;
    layers_sort(layers->items, layers->count);
}
