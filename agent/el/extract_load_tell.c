#include "agent/el/extract_load_internal.h"

#include "agent/el/key_value.h"
#include "agent/el/schema_change.h"
#include "agent/el/schema_hash.h"
#include "common/base/limits.h"
#include "common/log/log.h"

enum { CHANGES_TOLD_BYTES = 1000 };

static bool copy_text(struct str *text, struct arena *arena, struct err *err)
{
    if (text->len > 0) {
        *text = arena_copy(arena, *text);
    }
    return text->len == 0 || text->ptr != NULL ||
           err_set(err, ERR_NO_MEMORY, "no memory for the report");
}

/* Of a table that was there and has other columns now. */
static bool describe_schema(const struct load *l, const struct sink *sink, struct schema_told *ret,
                            struct err *err)
{
    AUTO(buf) changes = buf_growing(LIMIT_EVENT_BYTES / 4);
    *ret = (struct schema_told){.before = NULL};
    if (sink->existing.count == 0 || sink->columns.count == 0 ||
        !schema_write_changes(&sink->existing, &sink->columns, &changes) || changes.overflow) {
        return true;
    }
    ret->before = &sink->existing;
    ret->changes = arena_copy(l->arena, buf_str(&changes));
    if (ret->changes.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the report");
    }
    char before[SCHEMA_HASH_SIZE];
    char now[SCHEMA_HASH_SIZE];
    LOG(INFO, "el.schema_changed", F_S("table", sink->name),
        F_S("before", schema_hash(&sink->existing, before)),
        F_S("now", schema_hash(&sink->columns, now)),
        F_S("changes", str_clip(ret->changes, CHANGES_TOLD_BYTES)));
    return true;
}

/* The range that we noted, where the tap did not. */
static bool end_range(const struct load *l, struct stream *s, struct err *err)
{
    AUTO(buf) min = buf_growing((size_t)KEY_VALUE_BYTES_MAX * 2);
    AUTO(buf) max = buf_growing((size_t)KEY_VALUE_BYTES_MAX * 2);
    if (s->range != NULL) {
        key_value_print(&s->range->min, &min);
        key_value_print(&s->range->max, &max);
        s->key_min = buf_str(&min);
        s->key_max = buf_str(&max);
    }
    return copy_text(&s->key_min, l->arena, err) && copy_text(&s->key_max, l->arena, err);
}

static bool keep_columns(const struct load *l, const struct sink *sink, const struct schema **ret,
                         struct err *err)
{
    struct schema *columns = arena_alloc(l->arena, sizeof(*columns));
    if (columns == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the report");
    }
    *columns = sink->columns;
    *ret = columns;
    return true;
}

/* What it says of a single stream. */
static bool describe_stream(const struct load *l, struct stream *s, const struct sink *sink,
                            struct materialization *ret, struct err *err)
{
    if (!keep_columns(l, sink, &ret->columns, err)) {
        return false;
    }
    ret->table = sink->name;
    ret->row_count = sink->row_count;
    ret->rows_written = sink->rows_written;
    ret->rows_removed = sink->rows_removed;
    if (!describe_schema(l, sink, &ret->schema, err)) {
        return false;
    }
    if (s == NULL) {
        return true; /* nothing came */
    }
    if (!end_range(l, s, err)) {
        return false;
    }
    ret->key_min = s->key_min;
    ret->key_max = s->key_max;
    ret->rows_without_key = s->rows_without_key;
    if (s->rows_without_key > 0) {
        LOG(WARN, "el.rows_without_replication_key", F_I("rows", s->rows_without_key),
            F_S("stream", s->name));
    }
    return true;
}

/* Taps that give one stream after the other have given one whole once they go on to the next; of one
 * that mixes them nothing is known before its end. */
static bool is_whole(const struct load *l, const struct stream *s)
{
    return s->failure == NULL && !l->is_mixed && s->rows_read > 0 && s != l->last_row;
}

static bool describe_dropped(const struct load *l, struct materialization *ret, struct err *err)
{
    for (size_t i = 0; i < l->dropped_count; i++) {
        struct stream_counts *counts = &ret->streams[ret->stream_count++];
        *counts = (struct stream_counts){.name = arena_copy(l->arena, l->dropped[i]->name),
                                         .failure = l->dropped[i]->failure};
        if (counts->name.ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the report");
        }
    }
    return true;
}

static bool describe_streams(const struct load *l, struct materialization *ret, struct err *err)
{
    size_t room = l->stream_count + l->dropped_count + 1;
    ret->row_count = -1;
    ret->streams = arena_array(l->arena, room, sizeof(*ret->streams));
    ret->state = arena_copy(l->arena, l->target->state);
    if (ret->streams == NULL || ret->state.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the report");
    }
    ret->stream_count = l->stream_count;
    for (size_t i = 0; i < l->stream_count; i++) {
        struct stream *s = l->streams[i];
        if (!end_range(l, s, err)) {
            return false;
        }
        ret->rows_written += s->sink->rows_written;
        ret->rows_removed += s->sink->rows_removed;
        ret->streams[i] = (struct stream_counts){.name = arena_copy(l->arena, s->name),
                                                 .rows_read = s->rows_read,
                                                 .bytes_read = s->bytes_read,
                                                 .rows_written = s->sink->rows_written,
                                                 .rows_removed = s->sink->rows_removed,
                                                 .row_count = s->sink->row_count,
                                                 .time_ns = s->time_ns,
                                                 .key_min = s->key_min,
                                                 .key_max = s->key_max,
                                                 .table = s->sink->name,
                                                 .is_whole = is_whole(l, s),
                                                 .failure = s->failure};
        if (ret->streams[i].name.ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the report");
        }
        if (!keep_columns(l, s->sink, &ret->streams[i].columns, err) ||
            !describe_schema(l, s->sink, &ret->streams[i].schema, err)) {
            return false;
        }
    }
    return describe_dropped(l, ret, err);
}

bool load_describe(const struct load *l, struct materialization *ret, struct err *err)
{
    *ret = (struct materialization){.rows_read = l->tap->rows_read,
                                    .bytes_read = l->tap->bytes_read,
                                    .rows_rejected = l->rejects.count,
                                    .quarantine = l->target->quarantine,
                                    .metrics = l->tap->metrics,
                                    .snapshots = l->tap->snapshots};
    struct stream *s = l->stream_count > 0 ? l->streams[0] : NULL;
    return l->only != NULL ? describe_stream(l, s, l->only, ret, err)
                           : describe_streams(l, ret, err);
}
