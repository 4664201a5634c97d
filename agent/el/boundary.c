#include "agent/el/boundary.h"

bool boundary_init(struct boundary *b, const struct json *rows, bool are_comparable,
                   struct arena *arena, struct err *err)
{
    size_t loaded = rows == NULL ? 0 : rows->count;
    *b = (struct boundary){
        .hashes = arena_array(arena, BOUNDARY_ROWS_MAX, sizeof(*b->hashes)),
        .loaded = arena_array(arena, loaded + 1, sizeof(*b->loaded)),
    };
    if (b->hashes == NULL || b->loaded == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for rows at the bookmark");
    }
    for (const struct json *n = rows == NULL ? NULL : rows->child; n != NULL; n = n->next) {
        if (n->type != JSON_INT) {
            return err_set(err, ERR_CORRUPT, "stored state is not understood");
        }
        b->loaded[b->loaded_count++] = (uint64_t)n->as.integer;
    }
    if (!are_comparable) {
        b->skip = b->loaded_count;
        b->loaded_count = 0;
    }
    return true;
}

void boundary_next_key(struct boundary *b)
{
    b->count = 0;
    b->loaded_count = 0;
    b->skip = 0;
}

/* Never 0, which means "met again". */
static uint64_t row_hash(const struct value *row, size_t count)
{
    struct hash64 h = hash64_new();
    for (size_t i = 0; i < count; i++) {
        const struct value *v = &row[i];
        uint64_t head[2] = {(uint64_t)v->type, 0};
        struct str text = STR("");
        if (v->type == VALUE_TEXT || v->type == VALUE_BLOB) {
            text = v->as.text;
            head[1] = text.len;
        } else if (v->type == VALUE_INTEGER) {
            head[1] = (uint64_t)v->as.integer;
        } else if (v->type == VALUE_REAL) {
            __builtin_memcpy(&head[1], &v->as.real, sizeof(head[1]));
        }
        hash64_add(&h, (struct str){(const char *)head, sizeof(head)});
        hash64_add(&h, text);
    }
    uint64_t value = hash64_value(&h);
    return value == 0 ? 1 : value;
}

static bool meet(struct boundary *b, uint64_t hash)
{
    bool is_loaded = b->skip > 0;
    b->skip -= b->skip > 0;
    for (size_t i = 0; i < b->loaded_count; i++) {
        if (b->loaded[i] == hash) {
            b->loaded[i] = 0;
            return true;
        }
    }
    return is_loaded;
}

static bool note(struct boundary *b, uint64_t hash, struct err *err)
{
    if (b->count == BOUNDARY_ROWS_MAX) {
        err_set(err, ERR_FULL, "more than %d rows share one value of the replication key",
                BOUNDARY_ROWS_MAX);
        return err_hint(err, "use a finer replication_key, or mode upsert with a primary_key");
    }
    b->hashes[b->count++] = hash;
    return true;
}

bool boundary_meet(struct boundary *b, const struct value *row, size_t count)
{
    return meet(b, row_hash(row, count));
}

bool boundary_note(struct boundary *b, const struct value *row, size_t count, struct err *err)
{
    return note(b, row_hash(row, count), err);
}

bool boundary_add(struct boundary *b, const struct value *row, size_t count, bool *ret_is_loaded,
                  struct err *err)
{
    uint64_t hash = row_hash(row, count);
    if (!note(b, hash, err)) {
        return false;
    }
    *ret_is_loaded = meet(b, hash);
    return true;
}

void boundary_restart(struct boundary *b)
{
    b->count = 0;
    b->is_passed = true;
}

void boundary_write(const struct boundary *b, struct json_writer *w)
{
    jw_begin_array(w);
    for (size_t i = 0; i < b->count; i++) {
        jw_i64(w, (int64_t)b->hashes[i]);
    }
    for (size_t i = 0; i < b->loaded_count && !b->is_passed; i++) {
        if (b->loaded[i] != 0) { /* not met again yet */
            jw_i64(w, (int64_t)b->loaded[i]);
        }
    }
    jw_end_array(w);
}
