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

static bool read_states(struct state_file *s, const struct json *root, struct err *err)
{
    const struct json *id = json_get(root, "state_id");
    const struct json *states = json_get(root, "states");
    if (id == NULL || id->type != JSON_STRING || states == NULL) {
        return corrupt(s, err);
    }
    if (!str_eq(id->as.string, s->state_id)) {
        return err_set(err, ERR_EXISTS, "%s belongs to \"" STR_FMT "\"", s->path,
                       STR_ARG(id->as.string));
    }
    return state_history_read(&s->kept, states, err) ||
           (err->code == ERR_CORRUPT && corrupt(s, err));
}

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
    return read_states(s, root, err);
}

bool state_file_open(struct state_file *ret, struct str folder, struct str state_id,
                     struct arena *arena, struct err *err)
{
    *ret = (struct state_file){.state_id = state_id, .clock = clock_system()};
    state_history_init(&ret->kept);
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

bool state_file_set(struct state_file *s, struct str value, struct err *err)
{
    struct mono_time now = clock_mono(&s->clock);
    if (str_eq(value, buf_str(&s->kept.value))) {
        return true;
    }
    if (!state_history_put(&s->kept, value, err)) {
        return false;
    }
    s->is_dirty = true;
    bool is_due = s->written.ns == 0 || now.ns - s->written.ns >= STATE_FILE_EVERY;
    return !is_due || state_file_flush(s, err);
}

bool state_file_replace(struct state_file *s, struct str value, struct err *err)
{
    return str_eq(value, buf_str(&s->kept.value)) ||
           (state_history_put(&s->kept, value, err) && state_file_renew(s, err));
}

bool state_file_flush(struct state_file *s, struct err *err)
{
    if (!s->is_dirty) {
        return true;
    }
    AUTO(buf) text = buf_growing(STATE_FILE_BYTES_MAX);
    struct json_writer w = json_writer(&text);
    jw_begin_object(&w);
    jw_member_str(&w, "state_id", s->state_id);
    jw_key(&w, STR("states"));
    state_history_write(&s->kept, &w, clock_wall(&s->clock));
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
    return true;
}

bool state_file_renew(struct state_file *s, struct err *err)
{
    s->is_dirty = true;
    return state_file_flush(s, err);
}

void state_file_release(struct state_file *s)
{
    state_history_release(&s->kept);
}
