/* views.c - see views.h. */
#include "hub/merge/views.h"
#include <assert.h>
#include <stdlib.h>

enum {
    TEXT_BYTES_MAX = 16 << 20,
    TEXT_BYTES_FLUSH =
        4 << 20, /* long before the maximum, which a single event cannot reach from here */
    PARTS_BYTES_MAX = 4 * LIMIT_EVENT_BYTES,
};

bool views_init(struct views *v, struct db *log, struct db *out, struct err *err)
{
    struct changes *changes = calloc(1, sizeof(*changes));
    if (changes == NULL) {
        return err_set(err, ERR_NO_MEMORY, "views: out of memory");
    }
    *v = (struct views){.log = log,
                        .out = out,
                        .changes = changes,
                        .text = arena_new(TEXT_BYTES_MAX),
                        .parts = arena_new(PARTS_BYTES_MAX)};
    return true;
}

void views_release(struct views *v)
{
    arena_release(&v->text);
    arena_release(&v->parts);
    free(v->changes);
    *v = (struct views){0};
}

void views_discard(struct views *v)
{
    changes_clear(v->changes);
    arena_reset(&v->text);
}

bool views_flush(struct views *v, struct err *err)
{
    if (v->text.exhausted) {
        return err_set(err, ERR_NO_MEMORY, "views: no memory for the texts of events");
    }
    if (v->changes->events > 0 && !changes_write(v->changes, v->out, err)) {
        return false;
    }
    views_discard(v);
    return true;
}

bool views_keep(struct views *v, struct str text, size_t events, struct str *ret, struct err *err)
{
    bool has_room = v->changes->events + events <= CHANGES_MAX && v->text.used < TEXT_BYTES_FLUSH;
    if (!has_room && !views_flush(v, err)) {
        return false;
    }
    *ret = arena_copy(&v->text, text);
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "views: no memory for events");
}

bool views_apply(struct views *v, const struct view_stream *stream, const struct event *ev,
                 int64_t from, struct err *err)
{
    assert(v->changes->events < CHANGES_MAX);
    if (ev->type == EVENT_DEFINITIONS) {
        return views_apply_definitions(v, stream, ev, err);
    }
    if (ev->type == EVENT_DESIRED) {
        return views_apply_desired(v, stream, ev, err);
    }
    if (ev->type == EVENT_DEVICE_HEALTH) {
        return views_apply_health(v, stream, ev, err);
    }
    if (ev->type == EVENT_COMMAND) {
        return views_apply_answer(v, stream, ev, err);
    }
    if (ev->type == EVENT_INSTIGATOR) {
        return views_apply_instigator(v, stream, ev, err);
    }
    if (ev->type == EVENT_ASSET_OBSERVATION) {
        return views_apply_observation(v, stream, ev, err);
    }
    if (ev->type == EVENT_DYNAMIC_PARTITIONS) {
        return views_apply_partition_key(v, stream, ev, err);
    }
    if (ev->type == EVENT_BACKFILL) {
        return views_apply_backfill(v, stream, ev, err);
    }
    changes_add(v->changes, stream, ev, from, &v->text);
    return true;
}
