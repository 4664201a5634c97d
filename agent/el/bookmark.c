#include "agent/el/bookmark.h"

#include "common/base/limits.h"

static uint64_t hash_columns(const struct schema *schema)
{
    struct hash64 h = hash64_new();
    for (size_t i = 0; i < schema->count; i++) {
        hash64_add(&h, schema->columns[i].name);
        hash64_add(&h, STR("\0"));
    }
    return hash64_value(&h);
}

/* The part of the state that is about this table and key, or NULL. Singer's usual form:
 * {"bookmarks": {"sales": {"replication_key": "updated_at", "replication_key_value": "2026-01-02"}}} */
static bool find_mark(const struct bookmark_options *o, const struct json **ret, struct err *err)
{
    struct json *state = NULL;
    *ret = NULL;
    if (o->state.len == 0) {
        return true;
    }
    if (!json_parse(o->state, LIMIT_JSON_BYTES, o->arena, &state, err)) {
        return err_wrap(err, "stored state");
    }
    const struct json *bookmarks = json_get(state, "bookmarks");
    const char *table = arena_cstr(o->arena, o->table);
    const struct json *mark = NULL;
    if (bookmarks != NULL && table != NULL) {
        mark = json_get(bookmarks, table);
    }
    const struct json *key = mark == NULL ? NULL : json_get(mark, "replication_key");
    if (key != NULL && key->type == JSON_STRING && str_eq(key->as.string, o->key)) {
        *ret = mark;
    }
    return true;
}

/* Other columns than last time: an upsert starts again, so that rows loaded before get them too. */
static bool read_mark(struct bookmark *b, const struct bookmark_options *o, struct err *err)
{
    const struct json *mark = NULL;
    if (!find_mark(o, &mark, err)) {
        return false;
    }
    const struct json *columns = mark == NULL ? NULL : json_get(mark, "columns_hash");
    bool has_other_columns = columns != NULL && columns->type == JSON_INT &&
                             (uint64_t)columns->as.integer != b->columns_hash;
    const struct json *rows = mark == NULL ? NULL : json_get(mark, "rows_at_value");
    if (mark != NULL && (b->is_append || !has_other_columns) &&
        !key_value_read(&b->start, json_get(mark, "replication_key_value"), err)) {
        return false;
    }
    b->last = b->start;
    return !b->is_append || boundary_init(&b->boundary, rows, !has_other_columns, o->arena, err);
}

bool bookmark_init(struct bookmark *b, const struct bookmark_options *options, struct err *err)
{
    *b = (struct bookmark){
        .table = options->table,
        .key = options->key,
        .is_incremental = options->key.len > 0 && options->mode != MODE_OVERWRITE,
        .is_append = options->mode == MODE_APPEND,
        .is_unsorted = options->is_unsorted,
    };
    if (b->is_incremental) {
        b->columns_hash = hash_columns(options->schema);
        return read_mark(b, options, err);
    }
    if (b->is_append) {
        err_set(err, ERR_INVALID,
                "mode append needs the tap's \"replication_key\", or every run would add all rows "
                "again");
        return err_hint(err, "add \"replication_key\", or use mode upsert or overwrite");
    }
    return true;
}

static bool set_key(struct key_value *k, const struct value *key, const struct bookmark *b,
                    struct err *err)
{
    return key_value_set(k, key, err) || err_wrap(err, "column \"" STR_FMT "\"", STR_ARG(b->key));
}

/* Whether the row is new, and whether it is one of those with the highest key. */
static bool take_in_any_order(struct bookmark *b, const struct value *key, const struct value *row,
                              size_t count, bool *ret_is_loaded, struct err *err)
{
    int to_last = key_value_compare(&b->last, key);
    bool was_start = b->is_append && key_value_equals(&b->start, key);
    *ret_is_loaded = was_start && boundary_meet(&b->boundary, row, count);
    if (*ret_is_loaded) {
        return to_last != 0 || boundary_note(&b->boundary, row, count, err);
    }
    if ((b->first.type == VALUE_NULL || key_value_compare(&b->first, key) > 0) &&
        !set_key(&b->first, key, b, err)) {
        return false;
    }
    if (to_last < 0) {
        if (!set_key(&b->last, key, b, err)) {
            return false;
        }
        boundary_restart(&b->boundary);
    }
    return to_last > 0 || !b->is_append || boundary_note(&b->boundary, row, count, err);
}

bool bookmark_take(struct bookmark *b, const struct value *key, const struct value *row,
                   size_t count, bool *ret_is_loaded, struct err *err)
{
    *ret_is_loaded = false;
    if (b->is_unsorted) {
        return take_in_any_order(b, key, row, count, ret_is_loaded, err);
    }
    bool is_same = key_value_equals(&b->last, key);
    if (!is_same && !set_key(&b->last, key, b, err)) {
        return false;
    }
    if (b->is_incremental && b->is_append) {
        if (!is_same) {
            boundary_next_key(&b->boundary);
        }
        if (!boundary_add(&b->boundary, row, count, ret_is_loaded, err)) {
            return false;
        }
    }
    if (!*ret_is_loaded && b->first.type == VALUE_NULL) {
        b->first = b->last;
    }
    return true;
}

bool bookmark_write(const struct bookmark *b, struct buf *out, struct err *err)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_key(&w, STR("bookmarks"));
    jw_begin_object(&w);
    if (b->is_incremental && b->last.type != VALUE_NULL) {
        if (!key_value_check(&b->last, err)) {
            return err_wrap(err, "column \"" STR_FMT "\"", STR_ARG(b->key));
        }
        jw_key(&w, b->table);
        jw_begin_object(&w);
        jw_member_str(&w, "replication_key", b->key);
        jw_key(&w, STR("replication_key_value"));
        key_value_write(&b->last, &w);
        jw_member_i64(&w, "columns_hash", (int64_t)b->columns_hash);
        if (b->is_append) {
            jw_key(&w, STR("rows_at_value"));
            boundary_write(&b->boundary, &w);
        }
        jw_end_object(&w);
    }
    jw_end_object(&w);
    jw_end_object(&w);
    return !out->overflow || err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

bool bookmark_note_keys(const struct bookmark *b, struct stream *stream, struct arena *arena,
                        struct err *err)
{
    AUTO(buf) text = buf_growing((size_t)KEY_VALUE_BYTES_MAX * 2);
    if (!b->is_incremental || b->first.type == VALUE_NULL) {
        return true;
    }
    key_value_print(&b->first, &text);
    stream->key_min = arena_copy(arena, buf_str(&text));
    buf_reset(&text);
    key_value_print(&b->last, &text);
    stream->key_max = arena_copy(arena, buf_str(&text));
    bool ok = stream->key_min.ptr != NULL && stream->key_max.ptr != NULL;
    return ok || err_set(err, ERR_NO_MEMORY, "no memory for the report");
}
