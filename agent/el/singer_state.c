#include "agent/el/singer_state.h"

#include "common/base/limits.h"
#include "common/json/json.h"

bool singer_state_read(struct singer_state *ret, struct str text, struct arena *arena,
                       struct err *err)
{
    struct json *root = NULL;
    *ret = (struct singer_state){.arena = arena};
    if (str_trim(text).len > 0 && !json_parse(text, LIMIT_JSON_BYTES, arena, &root, err)) {
        return err_wrap(err, "state");
    }
    const struct json *marks = json_get(root, "bookmarks");
    size_t known = marks == NULL ? 0 : marks->count;
    ret->cap = known + LIMIT_STREAMS;
    ret->names = arena_array(arena, ret->cap, sizeof(*ret->names));
    ret->bookmarks = arena_array(arena, ret->cap, sizeof(*ret->bookmarks));
    if (ret->names == NULL || ret->bookmarks == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    for (const struct json *m = marks == NULL ? NULL : marks->child; m != NULL; m = m->next) {
        AUTO(buf) one = buf_growing(LIMIT_JSON_BYTES);
        json_write(&one, m);
        if (one.overflow || !singer_state_set(ret, m->key, buf_str(&one), err)) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the state");
        }
    }
    return true;
}

static size_t find(const struct singer_state *s, struct str stream)
{
    size_t i = 0;
    while (i < s->count && !str_eq(s->names[i], stream)) {
        i++;
    }
    return i;
}

struct str singer_state_get(const struct singer_state *s, struct str stream)
{
    size_t i = find(s, stream);
    return i < s->count ? buf_str(&s->bookmarks[i]) : STR("");
}

bool singer_state_set(struct singer_state *s, struct str stream, struct str bookmark,
                      struct err *err)
{
    size_t i = find(s, stream);
    if (i == s->cap) {
        return err_set(err, ERR_FULL, "the state has more than %zu streams", s->cap);
    }
    if (i == s->count) {
        s->names[i] = arena_copy(s->arena, stream);
        s->bookmarks[i] = buf_growing(LIMIT_JSON_BYTES);
        if (s->names[i].ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the state");
        }
        s->count++;
    }
    buf_reset(&s->bookmarks[i]);
    buf_add(&s->bookmarks[i], bookmark);
    return !s->bookmarks[i].overflow || err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

void singer_state_write(const struct singer_state *s, struct json_writer *w)
{
    jw_begin_object(w);
    jw_key(w, STR("bookmarks"));
    jw_begin_object(w);
    for (size_t i = 0; i < s->count; i++) {
        jw_key(w, s->names[i]);
        jw_raw(w, buf_str(&s->bookmarks[i]));
    }
    jw_end_object(w);
    jw_end_object(w);
}

void singer_state_release(struct singer_state *s)
{
    for (size_t i = 0; i < s->count; i++) {
        buf_release(&s->bookmarks[i]);
    }
    s->count = 0;
}
