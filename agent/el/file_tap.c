#include "agent/el/file_tap.h"

#include "common/base/limits.h"

/* Everything that changes what the rows of a file are, or what becomes of them. */
static uint64_t hash_definition(const struct tap_context *context)
{
    const struct tap_options *o = context->options;
    const char flags[] = {o->header ? 'h' : '-', (char)('0' + (int)context->mode)};
    const struct str parts[] = {o->type, o->delimiter, o->stream, {flags, sizeof(flags)}};
    struct hash64 h = hash64_new();
    for (size_t i = 0; i < COUNT_OF(parts) + o->columns.count; i++) {
        hash64_add(&h, i < COUNT_OF(parts) ? parts[i] : o->columns.items[i - COUNT_OF(parts)]);
        hash64_add(&h, STR("\0"));
    }
    return hash64_value(&h);
}

bool file_tap_init(struct file_tap *t, const struct tap_context *context, struct err *err)
{
    t->reader = (struct file_reader){.fd = {-1}};
    const struct tap_options *o = context->options;
    const struct file_set_options options = {
        .pattern = o->path,
        .mode = context->mode,
        .definition = hash_definition(context),
        .state = context->state,
    };
    if (!file_set_open(&t->files, &options, context->arena, err)) {
        return false;
    }
    t->base.is_unchanged = t->files.is_unchanged;
    return true;
}

static void close_file(struct file_tap *t)
{
    file_tap_mark(t);
    file_reader_release(&t->reader);
    t->is_open = false;
}

bool file_tap_open_next(struct file_tap *t, bool *ret_found, struct err *err)
{
    close_file(t);
    while (t->next < t->files.count && t->files.entries[t->next].action == FILE_SKIP) {
        t->next++;
    }
    if (t->next == t->files.count) {
        *ret_found = false;
        return true;
    }
    const struct file_entry *e = &t->files.entries[t->next];
    if (!file_reader_open(&t->reader, e->path, e->size, err)) {
        return false;
    }
    t->is_open = true;
    t->current = t->next;
    t->next++;
    *ret_found = true;
    return true;
}

bool file_tap_seek(struct file_tap *t)
{
    const struct file_entry *e = &t->files.entries[t->current];
    if (e->offset <= t->reader.offset) {
        return false;
    }
    file_reader_seek(&t->reader, e->offset, e->hash);
    t->reader.line = e->offset_lines + 1;
    return true;
}

void file_tap_rewind(struct file_tap *t)
{
    file_reader_release(&t->reader);
    t->is_open = false;
    t->is_looking = false;
    t->next = 0;
}

void file_tap_mark(struct file_tap *t)
{
    if (t->is_open && !t->is_looking) {
        file_set_done(&t->files, t->current, t->reader.offset, &t->reader.hash);
    }
}

bool file_tap_state(struct file_tap *t, const char *extra_key, struct str extra_json,
                    struct buf *out, struct err *err)
{
    file_tap_mark(t);
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    file_set_write_state(&t->files, &w);
    if (extra_json.len > 0) {
        jw_member_raw(&w, extra_key, extra_json);
    }
    jw_end_object(&w);
    if (out->overflow || out->len > LIMIT_JSON_BYTES) {
        return err_set(err, ERR_FULL, "the state is larger than %d bytes", LIMIT_JSON_BYTES);
    }
    return true;
}

void file_tap_fini(struct file_tap *t)
{
    file_reader_release(&t->reader);
}

bool file_tap_wrap(const struct file_tap *t, struct err *err)
{
    return err_wrap(err, "%s:%lld", t->files.entries[t->current].path, (long long)t->reader.line);
}
