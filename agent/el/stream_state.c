#include "agent/el/stream_state.h"

#include "agent/el/singer_streams.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"

enum { ARENA_BYTES_MAX = 64 << 20 };

/* Its rows are not all in the target. */
static bool is_held(const struct stream_state_keep *keep, struct str stream)
{
    if (!singer_streams_want(keep->tap, stream)) {
        return true;
    }
    for (size_t i = 0; i < keep->failed_count; i++) {
        if (str_eq(keep->failed[i], stream)) {
            return true;
        }
    }
    return false;
}

/* NULL: it is none, or has none. */
static const struct json *bookmarks_of(struct str state, struct arena *arena,
                                       const struct json **ret_root)
{
    struct json *root = NULL;
    struct err ignored;
    if (state.len == 0 || !json_parse(state, LIMIT_JSON_BYTES, arena, &root, &ignored)) {
        return NULL;
    }
    *ret_root = root;
    const struct json *bookmarks = json_get(root, "bookmarks");
    return bookmarks != NULL && bookmarks->type == JSON_OBJECT ? bookmarks : NULL;
}

static const struct json *find(const struct json *bookmarks, struct str stream)
{
    const struct json *m = bookmarks == NULL ? NULL : bookmarks->child;
    while (m != NULL && !str_eq(m->key, stream)) {
        m = m->next;
    }
    return m;
}

static void add(struct json_writer *w, struct buf *text, const struct json *member)
{
    buf_reset(text);
    json_write(text, member);
    jw_key(w, member->key);
    jw_raw(w, buf_str(text));
    w->out->overflow = w->out->overflow || text->overflow;
}

static void write_bookmarks(struct json_writer *w, const struct json *before,
                            const struct json *now, const struct stream_state_keep *keep)
{
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    jw_begin_object(w);
    for (const struct json *m = now->child; m != NULL; m = m->next) {
        if (!is_held(keep, m->key)) {
            add(w, &text, m);
        }
    }
    for (const struct json *m = before == NULL ? NULL : before->child; m != NULL; m = m->next) {
        if (is_held(keep, m->key)) {
            add(w, &text, m);
        }
    }
    jw_end_object(w);
}

bool stream_state_join(struct str before, struct str now, const struct stream_state_keep *keep,
                       struct buf *out, struct err *err)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    const struct json *root = NULL;
    const struct json *ignored = NULL;
    const struct json *marks = bookmarks_of(now, &arena, &root);
    if (marks == NULL) {
        buf_add(out, keep->failed_count > 0 || keep->has_passed_over ? before : now);
        return !out->overflow || err_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    const struct json *old = bookmarks_of(before, &arena, &ignored);
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    for (const struct json *m = root->child; m != NULL; m = m->next) {
        if (m == marks) {
            jw_key(&w, m->key);
            write_bookmarks(&w, old, marks, keep);
        } else {
            add(&w, &text, m);
        }
    }
    jw_end_object(&w);
    return !(out->overflow || arena.exhausted) ||
           err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

bool stream_state_has(struct str state, struct str stream)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    const struct json *ignored = NULL;
    return find(bookmarks_of(state, &arena, &ignored), stream) != NULL;
}
