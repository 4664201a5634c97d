#include "agent/el/state_file.h"

#include "common/base/limits.h"
#include "common/json/json.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"

#include <stdio.h>

enum { NAME_BYTES_MAX = 240 }; /* a folder's entry has 255, and there are ".json" and ".tmp" */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static bool make_path(struct state_file *s, struct str folder, struct arena *arena, struct err *err)
{
    char memory[NAME_BYTES_MAX];
    struct buf name = buf_fixed(memory, sizeof(memory));
    for (size_t i = 0; i < s->state_id.len; i++) {
        char c = s->state_id.ptr[i];
        if (is_plain(c)) {
            buf_add_char(&name, c);
        } else {
            buf_addf(&name, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
    if (name.overflow || name.len == 0) {
        return err_set(err, ERR_INVALID, "\"state_id\" is %s as the name of a file",
                       name.len == 0 ? "empty" : "too long");
    }
    struct str path =
        arena_printf(arena, STR_FMT "/" STR_FMT ".json", STR_ARG(folder), (int)name.len, name.ptr);
    if (path.ptr == NULL || path.len > LIMIT_PATH_BYTES) {
        return err_set(err, ERR_INVALID, "\"state_dir\" is longer than %d bytes", LIMIT_PATH_BYTES);
    }
    s->path = path.ptr;
    return true;
}

static bool corrupt(const struct state_file *s, struct err *err)
{
    err_set(err, ERR_CORRUPT, "%s is no state file", s->path);
    return err_hint(err, "move it away to load everything again");
}

/* One element: when, and the state. */
static void add_element(struct buf *out, const struct json *element)
{
    buf_add_char(out, ',');
    json_write(out, element);
}

static void note_time(struct state_file *s, const struct json *at)
{
    if (at != NULL && at->type == JSON_STRING) {
        (void)snprintf(s->at, sizeof(s->at), STR_FMT, STR_ARG(at->as.string));
    }
}

static bool read_states(struct state_file *s, const struct json *root, struct err *err)
{
    const struct json *id = json_get(root, "state_id");
    const struct json *states = json_get(root, "states");
    if (id == NULL || id->type != JSON_STRING || states == NULL || states->type != JSON_ARRAY) {
        return corrupt(s, err);
    }
    if (!str_eq(id->as.string, s->state_id)) {
        return err_set(err, ERR_EXISTS, "%s belongs to \"" STR_FMT "\"", s->path,
                       STR_ARG(id->as.string));
    }
    for (const struct json *e = states->child; e != NULL; e = e->next) {
        const struct json *value = json_get(e, "value");
        if (value == NULL) {
            return corrupt(s, err);
        }
        if (e == states->child) {
            note_time(s, json_get(e, "at"));
            if (value->type != JSON_NULL) {
                json_write(&s->value, value);
                add_element(&s->earlier, e);
            }
        } else {
            add_element(&s->history, e);
        }
    }
    return !(s->value.overflow || s->earlier.overflow || s->history.overflow) ||
           err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

/* The last of the history goes when there are too many, or too large ones. */
static bool read_file(struct state_file *s, struct err *err)
{
    AUTO(buf) text = buf_growing(STATE_FILE_BYTES_MAX);
    AUTO(arena) arena = arena_new((size_t)STATE_FILE_BYTES_MAX * 8);
    struct json *root = NULL;
    if (!files_read(s->path, &text, err)) {
        bool is_new = err->code == ERR_NOT_FOUND;
        if (is_new) {
            *err = (struct err){0};
        }
        return is_new;
    }
    if (!json_parse(buf_str(&text), STATE_FILE_BYTES_MAX, &arena, &root, err)) {
        return corrupt(s, err);
    }
    struct json *states = NULL;
    for (struct json *m = root->child; m != NULL; m = m->next) {
        states = str_eq(m->key, STR("states")) ? m : states;
    }
    size_t kept = 1;
    size_t bytes = text.len;
    for (struct json *e = states == NULL ? NULL : states->child; e != NULL; e = e->next, kept++) {
        if (kept + 1 >= STATES_KEPT || bytes > STATE_FILE_BYTES_MAX / 2) {
            e->next = NULL;
        }
    }
    return read_states(s, root, err);
}

bool state_file_open(struct state_file *ret, struct str folder, struct str state_id,
                     struct arena *arena, struct err *err)
{
    *ret = (struct state_file){.state_id = state_id,
                               .clock = clock_system(),
                               .value = buf_growing(LIMIT_JSON_BYTES),
                               .history = buf_growing(STATE_FILE_BYTES_MAX),
                               .earlier = buf_growing((size_t)LIMIT_JSON_BYTES * 2)};
    const char *path = arena_cstr(arena, folder);
    if (folder.len == 0 || path == NULL) {
        err_set(err, ERR_INVALID, "\"state_dir\" is missing");
        return err_hint(err, "name the folder that keeps the states of such loads");
    }
    if (!make_path(ret, folder, arena, err) || !files_make_dirs(path, 0755, err)) {
        return false;
    }
    if (!read_file(ret, err)) {
        state_file_release(ret);
        return false;
    }
    return true;
}

static bool put(struct state_file *s, struct str value, struct err *err)
{
    if (s->earlier.len > 0) { /* the first of this run */
        AUTO(buf) rest = buf_growing(STATE_FILE_BYTES_MAX);
        buf_add(&rest, buf_str(&s->history));
        buf_reset(&s->history);
        buf_add(&s->history, buf_str(&s->earlier));
        buf_add(&s->history, buf_str(&rest));
        buf_reset(&s->earlier);
    }
    buf_reset(&s->value);
    buf_add(&s->value, value);
    if (s->value.overflow || s->history.overflow) {
        return err_set(err, ERR_FULL, "a state is larger than %d bytes", LIMIT_JSON_BYTES);
    }
    s->is_dirty = true;
    return true;
}

bool state_file_set(struct state_file *s, struct str value, struct err *err)
{
    struct mono_time now = clock_mono(&s->clock);
    if (str_eq(value, buf_str(&s->value))) {
        return true;
    }
    if (!put(s, value, err)) {
        return false;
    }
    bool is_due = s->written.ns == 0 || now.ns - s->written.ns >= STATE_FILE_EVERY;
    return !is_due || state_file_flush(s, err);
}

bool state_file_replace(struct state_file *s, struct str value, struct err *err)
{
    return str_eq(value, buf_str(&s->value)) || (put(s, value, err) && state_file_flush(s, err));
}

static bool take_element(const struct state_file *s, const struct json *e, struct arena *arena,
                         struct kept_states *ret, struct err *err)
{
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    const struct json *at = json_get(e, "at");
    const struct json *value = json_get(e, "value");
    if (at == NULL || at->type != JSON_STRING || value == NULL) {
        return corrupt(s, err);
    }
    if (value->type == JSON_NULL) {
        return true;
    }
    struct kept_state *state = &ret->items[ret->count++];
    json_write(&text, value);
    state->at = arena_copy(arena, at->as.string);
    state->value = text.overflow ? STR_NONE : arena_copy(arena, buf_str(&text));
    return (state->at.ptr != NULL && state->value.ptr != NULL) ||
           err_set(err, ERR_NO_MEMORY, "no memory for the states");
}

bool state_file_list(const struct state_file *s, struct arena *arena, struct kept_states *ret,
                     struct err *err)
{
    AUTO(buf) text = buf_growing(STATE_FILE_BYTES_MAX);
    struct json *root = NULL;
    *ret = (struct kept_states){.has_present = s->value.len > 0};
    if (!files_exist(s->path)) {
        return true;
    }
    if (!files_read(s->path, &text, err) ||
        !json_parse(buf_str(&text), STATE_FILE_BYTES_MAX, arena, &root, err)) {
        return false;
    }
    const struct json *states = json_get(root, "states");
    for (const struct json *e = states == NULL ? NULL : states->child;
         e != NULL && ret->count < STATES_KEPT; e = e->next) {
        if (!take_element(s, e, arena, ret, err)) {
            return false;
        }
    }
    return true;
}

bool state_file_flush(struct state_file *s, struct err *err)
{
    if (!s->is_dirty) {
        return true;
    }
    AUTO(buf) text = buf_growing(STATE_FILE_BYTES_MAX);
    struct json_writer w = json_writer(&text);
    struct wall_time now = clock_wall(&s->clock);
    jw_begin_object(&w);
    jw_member_str(&w, "state_id", s->state_id);
    jw_key(&w, STR("states"));
    jw_begin_array(&w);
    jw_begin_object(&w);
    jw_member_wall(&w, "at", now);
    jw_member_raw(&w, "value", s->value.len == 0 ? STR("null") : buf_str(&s->value));
    jw_end_object(&w);
    buf_add(&text, buf_str(&s->history));
    jw_end_array(&w);
    jw_end_object(&w);
    buf_add_char(&text, '\n');
    if (text.overflow) {
        return err_set(err, ERR_FULL, "%s would be larger than %d bytes", s->path,
                       STATE_FILE_BYTES_MAX);
    }
    if (!files_write(s->path, buf_str(&text), 0600, err)) {
        return err_wrap(err, "keep the state");
    }
    s->is_dirty = false;
    s->written = clock_mono(&s->clock);
    (void)wall_format(now, s->at);
    return true;
}

bool state_file_renew(struct state_file *s, struct err *err)
{
    s->is_dirty = true;
    return state_file_flush(s, err);
}

void state_file_release(struct state_file *s)
{
    buf_release(&s->value);
    buf_release(&s->history);
    buf_release(&s->earlier);
}
