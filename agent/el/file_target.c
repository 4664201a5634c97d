#include "agent/el/file_target.h"

#include "agent/el/table.h"
#include "common/base/limits.h"
#include "common/json/json.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define STREAM_MARK STR("{stream}")

static struct file_target *target_of(struct target *target)
{
    return (struct file_target *)(void *)target;
}

static struct file_sink *sink_of(struct sink *sink)
{
    return (struct file_sink *)(void *)sink;
}

/* --- names ----------------------------------------------------------------------------------- */

/* What stands before and behind "{stream}"; false without one. */
static bool cut_path(struct str path, struct str *ret_before, struct str *ret_after)
{
    for (size_t i = 0; i + STREAM_MARK.len <= path.len; i++) {
        if (str_starts(str_slice(path, i, path.len), STREAM_MARK)) {
            *ret_before = str_slice(path, 0, i);
            *ret_after = str_slice(path, i + STREAM_MARK.len, path.len);
            return true;
        }
    }
    return false;
}

static bool is_plain(char c, size_t at)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || (c == '.' && at > 0) || (unsigned char)c >= 0x80;
}

/* A stream's name as part of a file's: it leaves no folder and hides nothing. */
static void add_name(struct buf *out, struct str stream)
{
    for (size_t i = 0; i < stream.len; i++) {
        if (is_plain(stream.ptr[i], i)) {
            buf_add_char(out, stream.ptr[i]);
        } else {
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)stream.ptr[i]);
        }
    }
}

static bool path_of(const struct file_target *t, struct str stream, const char **ret,
                    struct err *err)
{
    struct str before;
    struct str after;
    struct str path = t->options->path;
    AUTO(buf) name = buf_growing(LIMIT_PATH_BYTES + 1);
    if (cut_path(path, &before, &after)) {
        buf_add(&name, before);
        add_name(&name, stream);
        buf_add(&name, after);
        path = buf_str(&name);
    }
    return (!name.overflow || err_set(err, ERR_INVALID,
                                      "\"path\" with the stream's name is longer "
                                      "than %d bytes",
                                      LIMIT_PATH_BYTES)) &&
           options_path(path, t->context->arena, ret, err);
}

static bool check_path(struct file_target *t, struct err *err)
{
    struct str before = STR("");
    struct str after = STR("");
    struct str path = t->options->path;
    t->base.has_tables = cut_path(path, &before, &after);
    if (t->base.has_tables && after.len > 0 && memchr(after.ptr, '/', after.len) != NULL) {
        err_set(err, ERR_INVALID, "\"path\": {stream} stands in a folder's name");
        return err_hint(err, "put it into the file's: folder/{stream}.%s", t->format->name);
    }
    if (!t->base.has_tables && t->context->load->table.len > 0) {
        err_set(err, ERR_INVALID, "\"table\": a file has no tables");
        return err_hint(err, "leave it out, or write {stream} into \"path\"");
    }
    return true;
}

/* --- the state file -------------------------------------------------------------------------- */

static struct file_record *find_record(const struct file_target *t, struct str stream)
{
    struct file_record *r = t->records;
    while (r != NULL && !str_eq(r->stream, stream)) {
        r = r->next;
    }
    return r;
}

static bool add_record(struct file_target *t, struct str stream, struct file_record **ret,
                       struct err *err)
{
    struct file_record *r = arena_alloc(t->context->arena, sizeof(*r));
    if (r == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a stream");
    }
    *r = (struct file_record){.stream = arena_copy(t->context->arena, stream),
                              .bytes = -1,
                              .rows = -1,
                              .aside_bytes = -1,
                              .next = t->records};
    t->records = r;
    *ret = r;
    return r->stream.ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a stream");
}

static bool integer(const struct json *node, const char *key, int64_t *ret)
{
    const struct json *value = json_get(node, key);
    if (value == NULL || value->type != JSON_INT) {
        return false;
    }
    *ret = value->as.integer;
    return true;
}

static bool corrupt(const struct file_target *t, struct err *err)
{
    err_set(err, ERR_CORRUPT, "%s is no state file", t->state_path);
    return err_hint(err, "move it away, or choose another path for the target");
}

static bool read_record(struct file_target *t, const struct json *node, struct err *err)
{
    const struct json *stream = json_get(node, "stream");
    struct file_record *r = NULL;
    if (stream == NULL || stream->type != JSON_STRING) {
        return corrupt(t, err);
    }
    if (!add_record(t, stream->as.string, &r, err)) {
        return false;
    }
    int64_t tail = 0;
    (void)integer(node, "aside_bytes", &r->aside_bytes);
    bool has_tail = integer(node, "tail", &tail);
    r->tail = (uint64_t)tail;
    return (has_tail && integer(node, "bytes", &r->bytes) && integer(node, "rows", &r->rows) &&
            r->bytes >= 0) ||
           corrupt(t, err);
}

static bool read_state(struct file_target *t, const struct json *node, struct err *err)
{
    const struct json *id = json_get(node, "state_id");
    const struct json *states = json_get(node, "states");
    const struct json *files = json_get(node, "files");
    if (id == NULL || id->type != JSON_STRING || states == NULL || files == NULL ||
        files->type != JSON_ARRAY) {
        return corrupt(t, err);
    }
    if (!str_eq(id->as.string, t->context->state_id)) {
        err_set(err, ERR_EXISTS, STR_FMT " belongs to \"" STR_FMT "\"", STR_ARG(t->options->path),
                STR_ARG(id->as.string));
        return err_hint(err, "give every asset a file of its own");
    }
    (void)integer(node, "rejected_bytes", &t->rejected);
    for (const struct json *f = files->child; f != NULL; f = f->next) {
        if (!read_record(t, f, err)) {
            return false;
        }
    }
    if (!state_history_read(&t->kept, states, err)) {
        return err->code == ERR_CORRUPT && corrupt(t, err);
    }
    t->base.state = buf_str(&t->kept.value);
    return true;
}

static bool read_state_file(struct file_target *t, struct err *err)
{
    AUTO(buf) text = buf_growing(STATE_HISTORY_BYTES_MAX);
    struct json *node = NULL;
    if (!files_read(t->state_path, &text, err)) {
        bool is_new = err->code == ERR_NOT_FOUND;
        if (is_new) {
            *err = (struct err){0};
        }
        return is_new;
    }
    if (!json_parse(buf_str(&text), STATE_HISTORY_BYTES_MAX, t->context->arena, &node, err)) {
        err_wrap(err, "%s", t->state_path);
        return err_hint(err, "remove the state file to load everything again");
    }
    return read_state(t, node, err);
}

static void write_record(struct json_writer *w, const struct file_record *r)
{
    jw_begin_object(w);
    jw_member_str(w, "stream", r->stream);
    jw_member_i64(w, "bytes", r->bytes);
    jw_member_i64(w, "rows", r->rows);
    jw_member_i64(w, "tail", (int64_t)r->tail);
    if (r->aside_bytes >= 0) {
        jw_member_i64(w, "aside_bytes", r->aside_bytes);
    }
    jw_end_object(w);
}

static bool write_state_file(struct file_target *t, struct err *err)
{
    AUTO(buf) text = buf_growing(STATE_HISTORY_BYTES_MAX);
    struct clock clock = clock_system();
    struct json_writer w = json_writer(&text);
    jw_begin_object(&w);
    jw_member_str(&w, "state_id", t->context->state_id);
    if (t->rejects.size > 0) {
        jw_member_i64(&w, "rejected_bytes", t->rejects.size);
    }
    jw_key(&w, STR("files"));
    jw_begin_array(&w);
    for (const struct file_record *r = t->records; r != NULL; r = r->next) {
        if (r->bytes >= 0) {
            write_record(&w, r);
        }
    }
    jw_end_array(&w);
    jw_key(&w, STR("states"));
    state_history_write(&t->kept, &w, clock_wall(&clock));
    jw_end_object(&w);
    buf_add_char(&text, '\n');
    if (text.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    return files_write(t->state_path, buf_str(&text), 0644, err);
}

/* --- opening --------------------------------------------------------------------------------- */

/* The data are gone, and the state with them. */
static bool drop_void_state(struct file_target *t, struct err *err)
{
    for (const struct file_record *r = t->records; r != NULL; r = r->next) {
        const char *path = NULL;
        if (!path_of(t, r->stream, &path, err)) {
            return false;
        }
        if (files_exist(path)) {
            return true;
        }
    }
    t->records = NULL;
    t->base.state = STR("");
    buf_reset(&t->kept.value);
    if (t->context->only_states) {
        return true;
    }
    return unlink(t->state_path) == 0 || errno == ENOENT ||
           err_errno(err, errno, "remove %s", t->state_path);
}

static bool open_rejects(struct file_target *t, const char *path, struct err *err)
{
    t->rejects =
        (struct reject_file){.path = arena_printf(t->context->arena, "%s.rejected", path).ptr,
                             .state_id = t->context->state_id,
                             .keep = t->context->load->reject_keep,
                             .fd = {-1}};
    if (t->rejects.path == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for names");
    }
    t->base.quarantine = str_from(t->rejects.path);
    return reject_file_open(&t->rejects, t->rejected, err);
}

bool file_target_quarantine(struct target *target, struct err *err)
{
    struct file_target *t = target_of(target);
    return reject_file_take(&t->rejects, t->context->rejects, err) ||
           err_wrap(err, "target %s: quarantine", t->format->name);
}

static bool set_up(struct file_target *t, struct err *err)
{
    const char *path = NULL;
    if (t->context->load->mode == MODE_UPSERT) {
        err_set(err, ERR_INVALID, "a file cannot be upserted");
        return err_hint(err, "use mode append or overwrite, or a target sqlite");
    }
    if (!check_path(t, err) || !options_path(t->options->path, t->context->arena, &path, err)) {
        return false;
    }
    t->state_path = arena_printf(t->context->arena, "%s.state", path).ptr;
    if (t->state_path == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for names");
    }
    t->is_overwrite = t->context->load->mode == MODE_OVERWRITE;
    return read_state_file(t, err) && drop_void_state(t, err) &&
           (t->context->only_states || open_rejects(t, path, err));
}

bool file_target_open(const struct target_ops *ops, const struct file_format *format,
                      struct target **ret, const struct target_context *context, struct err *err)
{
    struct file_target *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    t->base.ops = ops;
    t->format = format;
    t->context = context;
    t->options = (const void *)context->load;
    state_history_init(&t->kept);
    t->rejects.fd.n = -1;
    if (!set_up(t, err)) {
        file_target_close(&t->base);
        return err_wrap(err, "target %s", format->name);
    }
    *ret = &t->base;
    return true;
}

void file_target_close(struct target *target)
{
    if (target != NULL) {
        struct file_target *t = target_of(target);
        for (struct file_sink *s = t->sinks; s != NULL; s = s->next) {
            if (t->format->release != NULL) {
                t->format->release(s);
            }
            out_file_release(&s->file);
            if (s->has_before) {
                out_file_release(&s->before);
            }
        }
        reject_file_close(&t->rejects);
        state_history_release(&t->kept);
    }
}

/* --- a stream's file ------------------------------------------------------------------------- */

/* Puts the file back to the last commit; a first run notes what is there already. */
static bool open_append(struct file_target *t, struct file_sink *s, struct err *err)
{
    struct file_record *r = s->record;
    bool is_other = false;
    bool is_known = r->bytes >= 0;
    if ((r->aside_bytes >= 0 &&
         !out_file_move_aside(&s->file, r->aside_bytes, r->bytes, r->tail, err)) ||
        !out_file_append(&s->file, r->bytes, r->tail, &is_other, err)) {
        return false;
    }
    r->aside_bytes = -1;
    if (!is_other) {
        return true;
    }
    r->bytes = s->file.size;
    r->tail = s->file.tail;
    r->rows = is_known || r->bytes == 0 ? 0 : -1; /* we do not know how many were there */
    return write_state_file(t, err);
}

static bool add_sink(struct file_target *t, struct str stream, struct file_sink **ret,
                     struct err *err)
{
    struct arena *arena = t->context->arena;
    struct file_sink *s = arena_alloc(arena, sizeof(*s));
    const char *path = NULL;
    if (s == NULL || (s->format = arena_alloc(arena, t->format->sink_bytes + 1)) == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a stream");
    }
    s->target = t;
    s->base.existing = schema_new(arena);
    s->base.columns = schema_new(arena);
    s->record = find_record(t, stream);
    if ((s->record == NULL && !add_record(t, stream, &s->record, err)) ||
        !path_of(t, stream, &path, err) ||
        !out_file_init(&s->file, path, t->options->compress == COMPRESS_GZIP, arena, err)) {
        return false;
    }
    s->next = t->sinks;
    t->sinks = s;
    s->base.name = table_display_name(str_from(path), STR(""), arena);
    *ret = s;
    return t->is_overwrite || open_append(t, s, err);
}

bool file_target_add(struct target *target, struct str table, struct sink **ret, struct err *err)
{
    struct file_target *t = target_of(target);
    struct file_sink *s = NULL;
    if (!t->base.has_tables && (table.len > 0 || t->sinks != NULL)) {
        err_set(err, ERR_INVALID, "target %s: a file takes one stream", t->format->name);
        return err_hint(err, "give every stream a file of its own: {stream} in \"path\"");
    }
    if (t->base.has_tables && table.len == 0) {
        err_set(err, ERR_INVALID, "target %s: the stream has no name", t->format->name);
        return err_hint(err, "give it one with the tap's \"stream\", or the target's \"table\"");
    }
    if (!add_sink(t, table, &s, err) || s == NULL) {
        return err_wrap(err, "target %s", t->format->name);
    }
    s->base.row_count = s->record->rows;
    *ret = &s->base;
    return true;
}

static bool begin(struct file_sink *s, const struct schema *schema, struct err *err)
{
    for (size_t i = 0; i < schema->count; i++) {
        size_t at = 0;
        if (!schema_find_nocase(&s->base.columns, schema->columns[i].name, &at) &&
            !schema_add(&s->base.columns, &schema->columns[i], err)) {
            return false;
        }
    }
    s->schema = schema;
    if (!out_file_is_open(&s->file) && !out_file_create(&s->file, err)) {
        return false;
    }
    return s->target->format->begin == NULL || s->target->format->begin(s, err);
}

bool file_target_set_schema(struct target *target, struct sink *sink, const struct schema *schema,
                            const struct str_list *key, struct err *err)
{
    (void)key;
    return begin(sink_of(sink), schema, err) ||
           err_wrap(err, "target %s", target_of(target)->format->name);
}

bool file_target_load(struct target *target, struct sink *sink, const struct row_source *source,
                      struct err *err)
{
    struct file_target *t = target_of(target);
    struct file_sink *s = sink_of(sink);
    for (;;) {
        const struct value *row = NULL;
        if (!source->next(source->ctx, &row, err)) {
            return false;
        }
        if (row == NULL) {
            return true;
        }
        if (!t->format->row(s, row, err) || !out_file_write(&s->file, err)) {
            return err_wrap(err, "target %s", t->format->name);
        }
        s->new_rows++;
    }
}

bool file_sink_begin_anew(struct file_sink *s, struct err *err)
{
    struct arena *arena = s->target->context->arena;
    if (s->target->is_overwrite || s->has_before) {
        err_set(err, ERR_INVALID, "%s: columns are added while it is written", s->file.path);
        return err_hint(err, "run the step again: what was read is read again, with all columns");
    }
    s->before = s->file;
    s->has_before = true;
    return out_file_init(&s->file, s->before.path, s->before.is_packed, arena, err) &&
           out_file_create(&s->file, err);
}

/* --- ending ---------------------------------------------------------------------------------- */

static bool has_news(const struct file_target *t)
{
    for (const struct file_sink *s = t->sinks; s != NULL; s = s->next) {
        if (s->new_rows > 0 || s->has_before || (t->is_overwrite && out_file_is_open(&s->file))) {
            return true;
        }
    }
    return t->rejects.size != t->rejected;
}

/* Makes the rows of a file durable, and notes it in its record. */
static bool sync_sink(struct file_target *t, struct file_sink *s, struct err *err)
{
    struct file_record *r = s->record;
    bool has_text = s->new_rows > 0 || s->file.text.len > 0 || s->has_before;
    if (!out_file_is_open(&s->file) || !(has_text || t->is_overwrite)) {
        return true;
    }
    if (s->has_before && !out_file_sync(&s->before, err)) {
        return false;
    }
    if (!out_file_sync(&s->file, err)) {
        return false;
    }
    bool is_from_start = t->is_overwrite || s->has_before;
    r->aside_bytes = s->has_before ? s->before.size : -1;
    r->bytes = s->file.size;
    r->tail = s->file.tail;
    r->rows = is_from_start ? s->new_rows : r->rows < 0 ? -1 : r->rows + s->new_rows;
    s->base.rows_written += s->new_rows;
    s->base.row_count = r->rows;
    s->new_rows = 0;
    if (!t->is_overwrite) {
        return true;
    }
    if (!out_file_replace(&s->file, err)) {
        return false;
    }
    fd_release(&s->file.fd);
    return true;
}

/* After the state that speaks of the new file. */
static bool move_aside(struct file_sink *s, struct err *err)
{
    if (!s->has_before) {
        return true;
    }
    s->has_before = false;
    s->file.is_new = false; /* it is committed, whatever follows */
    out_file_release(&s->before);
    return out_file_move_aside(&s->file, s->record->aside_bytes, s->record->bytes, s->record->tail,
                               err);
}

static bool commit(struct file_target *t, struct str state, struct err *err)
{
    if (!has_news(t) && str_eq(state, t->base.state)) {
        return true;
    }
    for (struct file_sink *s = t->sinks; s != NULL; s = s->next) {
        if (!sync_sink(t, s, err)) {
            return false;
        }
    }
    if (!str_eq(state, t->base.state) && !state_history_put(&t->kept, state, err)) {
        return false;
    }
    t->base.state = buf_str(&t->kept.value);
    if (!reject_file_sync(&t->rejects, err) || !write_state_file(t, err)) {
        return false;
    }
    t->rejected = t->rejects.size;
    for (struct file_sink *s = t->sinks; s != NULL; s = s->next) {
        if (!move_aside(s, err)) {
            return false;
        }
    }
    return true;
}

bool file_target_commit(struct target *target, struct str state, bool is_last, struct err *err)
{
    struct file_target *t = target_of(target);
    if (t->is_overwrite && !is_last) {
        return true; /* nothing to see before the rename */
    }
    return commit(t, state, err) || err_wrap(err, "target %s: commit", t->format->name);
}

/* --- the states ------------------------------------------------------------------------------ */

bool file_target_states(struct target *target, struct kept_states *ret, struct err *err)
{
    const struct file_target *t = target_of(target);
    return state_history_list(&t->kept, t->context->arena, ret, err);
}

bool file_target_set_state(struct target *target, struct str value, struct err *err)
{
    struct file_target *t = target_of(target);
    if (t->records == NULL) {
        return err_set(err, ERR_NOT_FOUND, "target %s: there is no " STR_FMT " yet",
                       t->format->name, STR_ARG(t->options->path));
    }
    return str_eq(value, buf_str(&t->kept.value)) ||
           (state_history_put(&t->kept, value, err) && write_state_file(t, err));
}
