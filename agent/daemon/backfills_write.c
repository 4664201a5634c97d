/* backfills_write.c - the parts of a backfill on their way into the database. There may be a hundred
 * thousand: a record of them a turn, so that nothing else of the agent waits for it. Until all are
 * there no run is asked for. An agent that is killed meanwhile leaves fewer than were asked for, and
 * the next one ends the backfill as canceled. */
#include "agent/daemon/backfills_internal.h"

#include "common/json/json_writer.h"

/* Of the partitions in one record: some thousand, for which the database takes about 10 ms. */
enum { KEYS_BYTES_MAX = 32 << 10 };

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "backfill: out of memory");
}

/* Memory for records is bounded: what does not fit is written first. */
static bool say(struct backfills *b, const struct record *record, struct err *err)
{
    if (store_record(b->options.store, record, err)) {
        return true;
    }
    return err->code == ERR_FULL && store_flush(b->options.store, backfills_now(b), err) &&
           store_record(b->options.store, record, err);
}

/* {"4":"2026-01-05","5":"2026-01-06"}, as many as go into one record. */
static size_t write_parts(struct buf *out, const struct backfill_part *parts, size_t count)
{
    struct json_writer w = json_writer(out);
    size_t i = 0;
    jw_begin_object(&w);
    for (; i < count && out->len < KEYS_BYTES_MAX; i++) {
        char number[24];
        struct buf name = buf_fixed(number, sizeof(number));
        buf_add_i64(&name, parts[i].number);
        jw_key(&w, buf_str(&name));
        jw_str(&w, parts[i].key);
    }
    jw_end_object(&w);
    return i;
}

bool backfills_write_more(struct backfills *b, struct open_backfill *open, struct err *err)
{
    struct unwritten *u = &open->unwritten;
    const struct stored_backfill *facts = &open->facts;
    struct str first = u->parts.items[0].key;
    struct str last = u->parts.items[u->parts.count - 1].key;
    AUTO(buf) keys = buf_growing(2 * (size_t)KEYS_BYTES_MAX);
    size_t more = write_parts(&keys, u->parts.items + u->done, u->parts.count - u->done);
    struct record requested = {.type = EVENT_BACKFILL,
                               .at = facts->created_at,
                               .backfill = facts->id,
                               .status = str_from(backfill_status_name(BACKFILL_REQUESTED)),
                               .selection = facts->selection,
                               .parent = facts->after,
                               .tags = facts->tags,
                               .keys = buf_str(&keys),
                               .partition = facts->newest_first ? last : first,
                               .partition_end = u->parts.count == 1   ? STR_NONE
                                                : facts->newest_first ? first
                                                                      : last,
                               .steps = facts->total,
                               .per_run = facts->per_run,
                               .runs_max = facts->runs_max,
                               .leg = facts->leg,
                               .newest_first = facts->newest_first};
    if (keys.overflow) {
        return out_of_memory(err);
    }
    if (!say(b, &requested, err)) {
        return false;
    }
    u->done += more;
    if (u->done == u->parts.count) {
        backfills_write_end(open);
    }
    return true;
}

bool backfills_write_begin(struct backfills *b, struct open_backfill *open,
                           const struct backfill_parts *parts, struct err *err)
{
    struct unwritten *u = &open->unwritten;
    u->arena = arena_new(BACKFILL_PLAN_ARENA_BYTES);
    struct backfill_part *items = arena_array(&u->arena, parts->count, sizeof(*items));
    for (size_t i = 0; items != NULL && i < parts->count; i++) {
        items[i] = (struct backfill_part){.number = parts->items[i].number,
                                          .key = arena_copy(&u->arena, parts->items[i].key)};
    }
    if (u->arena.exhausted) {
        return out_of_memory(err);
    }
    u->parts = (struct backfill_parts){.items = items, .count = parts->count};
    return backfills_write_more(b, open, err);
}

void backfills_write_end(struct open_backfill *open)
{
    arena_release(&open->unwritten.arena);
    open->unwritten = (struct unwritten){0};
}

bool backfills_write_all(struct backfills *b, struct err *err)
{
    for (struct open_backfill *open = b->first; open != NULL; open = open->next) {
        while (backfills_is_writing(open)) {
            if (!backfills_write_more(b, open, err)) {
                return false;
            }
        }
    }
    return true;
}
