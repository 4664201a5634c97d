#include "agent/el/file_tap.h"

#include "common/base/limits.h"

#include <string.h>
#include <time.h>

#define LOOK_EVERY NS_PER_SEC

/* What the stream is called: as "stream" says, else as the file without what follows its first dot;
 * empty for a pattern. */
static struct str name_of(const struct tap_options *o)
{
    struct str folder;
    struct str name;
    struct str stem;
    struct str ending;
    if (o->stream.len > 0) {
        return o->stream;
    }
    if (!str_cut_last(o->path, '/', &folder, &name)) {
        name = o->path;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (strchr("*?[", name.ptr[i]) != NULL) {
            return STR("");
        }
    }
    (void)str_cut(name, '.', &stem, &ending);
    return stem;
}

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

static bool open_follow(struct file_tap *t, const struct tap_context *context, struct err *err)
{
    const struct tap_options *o = context->options;
    const struct follow_options options = {
        .path = o->path,
        .mode = context->mode,
        .definition = hash_definition(context),
        .state = context->state,
    };
    t->clock = clock_system();
    t->until.ns = o->lasts > 0 ? clock_mono(&t->clock).ns + o->lasts : 0;
    return follow_open(&t->follow, &options, context->arena, err) &&
           follow_look(t->follow, &t->files, err);
}

static bool open_files(struct file_tap *t, const struct tap_context *context, struct err *err)
{
    const struct tap_options *o = context->options;
    const struct file_set_options options = {
        .pattern = o->path,
        .mode = context->mode,
        .definition = hash_definition(context),
        .state = context->state,
    };
    return file_set_open(&t->files, &options, context->arena, err);
}

bool file_tap_init(struct file_tap *t, const struct tap_context *context, struct err *err)
{
    const struct tap_options *o = context->options;
    t->reader = (struct file_reader){.fd = {-1}};
    if (!(o->follow ? open_follow(t, context, err) : open_files(t, context, err))) {
        return false;
    }
    t->stream.name = name_of(o);
    t->takes_rejects = context->takes_rejects;
    t->base.is_unchanged = t->files.is_unchanged && t->until.ns == 0;
    return true;
}

/* Notes for the state that all consumed bytes are loaded. */
static bool note_consumed(struct file_tap *t, struct err *err)
{
    if (!t->is_open || t->is_looking) {
        return true;
    }
    if (t->follow != NULL) {
        return follow_done(t->follow, t->current, &t->reader, err);
    }
    file_set_done(&t->files, t->current, &t->reader);
    return true;
}

static bool close_file(struct file_tap *t, struct err *err)
{
    bool ok = note_consumed(t, err);
    file_reader_release(&t->reader);
    t->is_open = false;
    return ok;
}

/* *ret_found false: it is another file by now, whose turn comes with the next look. */
static bool open_file(struct file_tap *t, size_t index, bool *ret_found, struct err *err)
{
    const struct file_entry *e = &t->files.entries[index];
    *ret_found = true;
    if (!file_reader_open(&t->reader, e->path, e->size, err)) {
        *ret_found = false;
        bool is_gone = t->follow != NULL && err->code == ERR_NOT_FOUND;
        *err = is_gone ? (struct err){0} : *err;
        return is_gone;
    }
    if (t->follow != NULL && !follow_is_same(t->follow, index, &t->reader)) {
        *ret_found = false;
        file_reader_release(&t->reader);
    }
    return true;
}

bool file_tap_open_next(struct file_tap *t, bool *ret_found, struct err *err)
{
    bool found = false;
    if (!close_file(t, err)) {
        return false;
    }
    for (; t->next < t->files.count && !found; t->next++) {
        t->current = t->next;
        if (t->files.entries[t->next].action != FILE_SKIP && !open_file(t, t->next, &found, err)) {
            return false;
        }
    }
    t->is_open = found;
    *ret_found = found;
    return true;
}

bool file_tap_seek(struct file_tap *t, struct err *err)
{
    const struct file_entry *e = &t->files.entries[t->current];
    if (e->offset <= t->reader.offset) {
        return true;
    }
    t->reader.line = e->offset_lines + 1;
    return file_reader_seek(&t->reader, e->offset, e->hash, err);
}

bool file_tap_forgive(struct file_tap *t, struct err *err)
{
    if (!t->is_open || !t->reader.is_broken) {
        return false;
    }
    if (t->reader.gunzip == NULL) {
        bool is_truncated = t->follow != NULL; /* the next look tells what became of it */
        *err = is_truncated ? (struct err){0} : *err;
        return is_truncated;
    }
    if (!t->is_looking && t->base.failure.code == ERR_NONE) {
        t->base.failure = *err;
    }
    *err = (struct err){0};
    return true;
}

void file_tap_rewind(struct file_tap *t)
{
    file_reader_release(&t->reader);
    t->is_open = false;
    t->is_looking = false;
    t->next = 0;
}

bool file_tap_is_growing(const struct file_tap *t)
{
    return t->files.entries[t->current].is_open;
}

bool file_tap_wait(struct file_tap *t, enum file_tap_wait *ret, struct err *err)
{
    *ret = FILE_TAP_OVER;
    if (t->follow == NULL) {
        return true;
    }
    follow_end_look(t->follow);
    int64_t left = t->until.ns - clock_mono(&t->clock).ns;
    if (t->until.ns == 0 || left <= 0) {
        return true;
    }
    int64_t wait = left < LOOK_EVERY ? left : LOOK_EVERY;
    const struct timespec time = {.tv_sec = wait / NS_PER_SEC, .tv_nsec = wait % NS_PER_SEC};
    (void)nanosleep(&time, NULL);
    t->next = 0;
    if (!follow_look(t->follow, &t->files, err)) {
        return false;
    }
    *ret = t->files.is_unchanged ? FILE_TAP_IDLE : FILE_TAP_MORE;
    return true;
}

bool file_tap_state(struct file_tap *t, const char *extra_key, struct str extra_json,
                    struct buf *out, struct err *err)
{
    if (!note_consumed(t, err)) {
        return false;
    }
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    if (t->follow != NULL) {
        follow_write_state(t->follow, &w);
    } else {
        file_set_write_state(&t->files, &w);
    }
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
    follow_close(t->follow);
}

bool file_tap_wrap(const struct file_tap *t, struct err *err)
{
    if (t->follow != NULL) { /* its lines were not counted from the start */
        return err_wrap(err, "%s, before byte %lld", t->files.entries[t->current].path,
                        (long long)t->reader.offset);
    }
    return err_wrap(err, "%s:%lld", t->files.entries[t->current].path, (long long)t->reader.line);
}

void file_tap_reject(struct file_tap *t, struct str stream, struct str record, struct err *why)
{
    struct str path = str_from(t->files.entries[t->current].path);
    bad_record_set(&t->base.bad, path, t->reader.line, record, why);
    t->base.bad.reject.stream = stream;
    t->base.rows_read++;
}

/* --- as a Singer program --------------------------------------------------------------------- */

bool file_tap_discover(const struct tap_ops *ops, const struct tap_context *context,
                       const struct found_taker *taker, struct err *err)
{
    struct tap_context everything = *context;
    struct tap_options options = *(const struct tap_options *)context->options;
    struct tap *tap = NULL;
    struct found_stream found = {.name = name_of(context->options), .row_count = -1};
    everything.mode = MODE_OVERWRITE;
    everything.options = &options;
    options.follow = false;
    options.lasts = 0;
    if (found.name.len == 0) {
        err_set(err, ERR_INVALID,
                "\"stream\" is missing: \"path\" is a pattern and does not name it");
        return err_hint(err,
                        "write \"stream\", the name of the table-to-be, into the configuration");
    }
    if (!ops->open(&tap, &everything, err)) {
        return false;
    }
    found.schema = tap->stream->schema;
    bool ok = taker->take(taker->ctx, &found, err);
    ops->close(tap);
    return ok;
}

bool file_tap_choose(void *options, const struct stream_choice *choice, enum load_mode *ret_mode,
                     struct err *err)
{
    const struct tap_options *o = options;
    (void)err;
    *ret_mode =
        choice->replication == REPLICATION_FULL && !o->follow ? MODE_OVERWRITE : MODE_UPSERT;
    return true;
}
