/* views.c - see views.h. */
#include "hub/merge/views.h"
#include <assert.h>
#include <stdlib.h>

enum {
    LINES_BYTES_FLUSH = 4 << 20,
    /* What one batch may have beyond that. */
    LINES_BYTES_MAX = LINES_BYTES_FLUSH + LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES,
    TEXT_BYTES_MAX = 16 << 20, /* no event can reach it from where the changes are written */
    TEXT_BYTES_FLUSH = 4 << 20,
    PARTS_BYTES_MAX = 4 * LIMIT_EVENT_BYTES,
};

bool views_init(struct views *v, struct db *log, struct db *out, struct err *err)
{
    *v = (struct views){.log = log,
                        .out = out,
                        .changes = calloc(1, sizeof(*v->changes)),
                        .lines = buf_growing(LINES_BYTES_MAX),
                        .text = arena_new(TEXT_BYTES_MAX),
                        .parts = arena_new(PARTS_BYTES_MAX)};
    /* All of it at once, since it must not move later; what is not used is not there either. */
    if (v->changes == NULL || buf_reserve(&v->lines, LINES_BYTES_MAX) == NULL) {
        views_release(v);
        return err_set(err, ERR_NO_MEMORY, "views: out of memory");
    }
    return true;
}

void views_release(struct views *v)
{
    arena_release(&v->text);
    arena_release(&v->parts);
    buf_release(&v->lines);
    free(v->changes);
    *v = (struct views){0};
}

void views_discard(struct views *v)
{
    changes_clear(v->changes);
    buf_reset(&v->lines);
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

bool views_has_room(const struct views *v, size_t events)
{
    return v->changes->events + events <= CHANGES_MAX && v->lines.len < LINES_BYTES_FLUSH &&
           v->text.used < TEXT_BYTES_FLUSH;
}

struct str views_keep(struct views *v, struct str line)
{
    if (line.len > LIMIT_EVENT_BYTES) {
        return STR_NONE;
    }
    buf_add(&v->lines, line);
    assert(!v->lines.overflow);
    return (struct str){v->lines.ptr + v->lines.len - line.len, line.len};
}

bool views_apply(struct views *v, const struct view_stream *stream, const struct told_event *told,
                 int64_t from, struct err *err)
{
    const struct event *ev = &told->ev;
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
    changes_add(v->changes, stream, told, from, &v->text);
    return true;
}
