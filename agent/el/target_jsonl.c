/* Target jsonl: one JSON object a line. DESIGN: beside the file stands "<path>.state", which holds
 * the extract's state and how long the file was when that state was committed. An append writes,
 * syncs, then replaces the state file; what a killed run left behind the recorded length is cut off
 * by the next one, so no row is there twice. The file is ours: what others append to it is lost. A
 * file that became shorter was rotated away, and is written on from its end. An overwrite goes to
 * "<path>.new" and is renamed. */
#include "agent/el/connectors.h"
#include "agent/el/reject_file.h"
#include "agent/el/row_json.h"
#include "agent/el/table.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 128 << 10 };

struct target_jsonl {
    struct target base;
    struct sink sink; /* the only one */
    bool has_sink;
    const struct target_context *context;
    bool is_overwrite;
    const char *path;
    const char *state_path;
    const char *new_path;
    struct fd fd;
    const struct schema *schema;
    struct buf out;   /* lines not yet written */
    struct buf state; /* what base.state borrows */
    int64_t size;     /* of the file, all written */
    int64_t rows;     /* in the file */
    int64_t new_rows; /* since the last commit */
    struct reject_file rejects;
    int64_t rejected; /* its length at the last commit */
};

static struct target_jsonl *jsonl_of(struct target *target)
{
    return (struct target_jsonl *)(void *)target;
}

static bool write_all(struct target_jsonl *t, struct err *err)
{
    const char *p = t->out.ptr;
    size_t left = t->out.len;
    while (left > 0) {
        ssize_t n = write(t->fd.n, p, left);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            int reason = errno;
            err_errno(err, reason, "write %s", t->path);
            if (reason == EFBIG || reason == EDQUOT) {
                err->code = ERR_FULL; /* a limit of the file or the user, not of the disk */
            }
            return err_hint(
                err, "free disk space; the file is put back to its last commit by the next run");
        }
        p += n;
        left -= (size_t)n;
        t->size += n;
    }
    buf_reset(&t->out);
    return true;
}

/* --- the state file -------------------------------------------------------------------------- */

static bool read_state_file(struct target_jsonl *t, bool *ret_found, struct err *err)
{
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    struct json *node = NULL;
    *ret_found = false;
    if (!files_read(t->state_path, &text, err)) {
        bool is_new = err->code == ERR_NOT_FOUND;
        if (is_new) {
            *err = (struct err){0};
        }
        return is_new;
    }
    if (!json_parse(buf_str(&text), LIMIT_JSON_BYTES, t->context->arena, &node, err)) {
        err_wrap(err, "%s", t->state_path);
        return err_hint(err, "remove the state file to load everything again");
    }
    const struct json *id = json_get(node, "state_id");
    const struct json *value = json_get(node, "value");
    const struct json *bytes = json_get(node, "bytes");
    const struct json *rows = json_get(node, "rows");
    const struct json *rejected = json_get(node, "rejected_bytes");
    if (id == NULL || id->type != JSON_STRING || value == NULL || bytes == NULL ||
        bytes->type != JSON_INT || rows == NULL || rows->type != JSON_INT) {
        err_set(err, ERR_CORRUPT, "%s is no state file", t->state_path);
        return err_hint(err, "move it away, or choose another path for the target");
    }
    if (!str_eq(id->as.string, t->context->state_id)) {
        err_set(err, ERR_EXISTS, "%s belongs to \"" STR_FMT "\"", t->path, STR_ARG(id->as.string));
        return err_hint(err, "give every asset a file of its own");
    }
    if (value->type == JSON_OBJECT) {
        json_write(&t->state, value);
        t->base.state = buf_str(&t->state);
    }
    t->size = bytes->as.integer;
    t->rows = rows->as.integer;
    t->rejected = rejected != NULL && rejected->type == JSON_INT ? rejected->as.integer : 0;
    *ret_found = true;
    return !t->state.overflow || err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

static bool write_state_file(struct target_jsonl *t, struct str state, struct err *err)
{
    AUTO(buf) text = buf_growing((size_t)LIMIT_JSON_BYTES * 2);
    struct json_writer w = json_writer(&text);
    jw_begin_object(&w);
    jw_member_str(&w, "state_id", t->context->state_id);
    jw_member_i64(&w, "bytes", t->size);
    jw_member_i64(&w, "rows", t->rows);
    jw_member_i64(&w, "rejected_bytes", t->rejects.size);
    jw_key(&w, STR("value"));
    if (state.len > 0) {
        jw_raw(&w, state);
    } else {
        jw_null(&w);
    }
    jw_end_object(&w);
    buf_add_char(&text, '\n');
    if (text.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    return files_write(t->state_path, buf_str(&text), 0644, err);
}

/* --- opening --------------------------------------------------------------------------------- */

static bool open_file(struct target_jsonl *t, const char *path, int flags, struct err *err)
{
    t->fd.n = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | flags, 0644);
    if (t->fd.n < 0) {
        err_errno(err, errno, "open %s", path);
        return err_hint(err,
                        "the folder must be there, and this user must be allowed to write in it");
    }
    return true;
}

/* Puts the file back to the last commit; a first run notes what is there already. */
static bool open_append(struct target_jsonl *t, bool is_known, struct err *err)
{
    struct stat st;
    if (!open_file(t, t->path, 0, err)) {
        return false;
    }
    if (fstat(t->fd.n, &st) != 0 || !S_ISREG(st.st_mode)) {
        return err_set(err, ERR_INVALID, "%s is not a regular file", t->path);
    }
    if (!is_known || st.st_size < t->size) {
        t->size = st.st_size;
        t->rows = is_known || st.st_size == 0 ? 0 : -1; /* we do not know how many were there */
        if (!write_state_file(t, t->base.state, err)) {
            return false;
        }
    }
    if (ftruncate(t->fd.n, t->size) != 0 || lseek(t->fd.n, t->size, SEEK_SET) < 0) {
        return err_errno(err, errno, "cut %s to %lld bytes", t->path, (long long)t->size);
    }
    return true;
}

static bool set_up(struct target_jsonl *t, struct err *err)
{
    const struct target_options *o = (const void *)t->context->load;
    struct arena *arena = t->context->arena;
    bool is_known = false;
    if (o->load.mode == MODE_UPSERT) {
        err_set(err, ERR_INVALID, "a file cannot be upserted");
        return err_hint(err, "use mode append or overwrite, or a target sqlite");
    }
    if (!options_path(o->path, arena, &t->path, err)) {
        return false;
    }
    t->state_path = arena_printf(arena, "%s.state", t->path).ptr;
    t->new_path = arena_printf(arena, "%s.new", t->path).ptr;
    if (t->state_path == NULL || t->new_path == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for names");
    }
    if (!files_exist(t->path) && files_exist(t->state_path) && unlink(t->state_path) != 0) {
        return err_errno(err, errno, "remove %s",
                         t->state_path); /* the data are gone, and the state with them */
    }
    if (!read_state_file(t, &is_known, err)) {
        return false;
    }
    t->rejects = (struct reject_file){.path = arena_printf(arena, "%s.rejected", t->path).ptr,
                                      .state_id = t->context->state_id,
                                      .keep = o->load.reject_keep,
                                      .fd = {-1}};
    if (t->rejects.path == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for names");
    }
    t->base.quarantine = str_from(t->rejects.path);
    if (!reject_file_open(&t->rejects, t->rejected, err)) {
        return false;
    }
    t->is_overwrite = o->load.mode == MODE_OVERWRITE;
    return t->is_overwrite || open_append(t, is_known, err);
}

static void jsonl_target_close(struct target *target)
{
    if (target != NULL) {
        struct target_jsonl *t = jsonl_of(target);
        if (t->is_overwrite && t->fd.n >= 0) {
            (void)unlink(t->new_path); /* not committed */
        }
        fd_release(&t->fd);
        reject_file_close(&t->rejects);
        buf_release(&t->out);
        buf_release(&t->state);
    }
}

static bool jsonl_target_open(struct target **ret, const struct target_context *context,
                              struct err *err)
{
    struct target_jsonl *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    t->context = context;
    t->base.ops = &target_jsonl;
    t->sink.existing = schema_new(context->arena);
    t->sink.columns = schema_new(context->arena);
    t->fd.n = -1;
    t->rejects.fd.n = -1;
    t->out = buf_growing((size_t)LIMIT_SINGER_LINE_BYTES * 2);
    t->state = buf_growing(LIMIT_JSON_BYTES);
    if (!set_up(t, err)) {
        jsonl_target_close(&t->base);
        return err_wrap(err, "target jsonl");
    }
    t->sink.row_count = t->rows;
    *ret = &t->base;
    return true;
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool jsonl_target_add(struct target *target, struct str table, struct sink **ret,
                             struct err *err)
{
    struct target_jsonl *t = jsonl_of(target);
    if (table.len > 0 || t->has_sink) {
        err_set(err, ERR_INVALID, "target jsonl: %s",
                table.len > 0 ? "a file has no tables" : "a file takes one stream");
        return err_hint(err, "give every stream a file of its own");
    }
    t->has_sink = true;
    t->sink.name = table_display_name(str_from(t->path), STR(""), t->context->arena);
    *ret = &t->sink;
    return true;
}

static bool jsonl_target_set_schema(struct target *target, struct sink *sink,
                                    const struct schema *schema, const struct str_list *key,
                                    struct err *err)
{
    struct target_jsonl *t = jsonl_of(target);
    (void)sink;
    (void)key;
    t->schema = schema;
    for (size_t i = 0; i < schema->count; i++) {
        size_t at = 0;
        if (!schema_find_nocase(&t->sink.columns, schema->columns[i].name, &at) &&
            !schema_add(&t->sink.columns, &schema->columns[i], err)) {
            return false;
        }
    }
    if (t->is_overwrite && t->fd.n < 0) {
        t->size = 0;
        t->rows = 0;
        return open_file(t, t->new_path, O_TRUNC, err) || err_wrap(err, "target jsonl");
    }
    return true;
}

static bool write_row(struct target_jsonl *t, const struct value *row, struct err *err)
{
    struct json_writer w = json_writer(&t->out);
    row_json_write_row(&w, t->schema, row);
    buf_add_char(&t->out, '\n');
    if (t->out.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a row");
    }
    t->new_rows++;
    return t->out.len < BLOCK_BYTES || write_all(t, err);
}

static bool jsonl_target_load(struct target *target, struct sink *sink,
                              const struct row_source *source, struct err *err)
{
    struct target_jsonl *t = jsonl_of(target);
    (void)sink;
    for (;;) {
        const struct value *row = NULL;
        if (!source->next(source->ctx, &row, err)) {
            return false;
        }
        if (row == NULL) {
            return true;
        }
        if (!write_row(t, row, err)) {
            return err_wrap(err, "target jsonl");
        }
    }
}

/* --- ending ---------------------------------------------------------------------------------- */

static bool sync_folder_of(const char *path, struct err *err)
{
    struct str folder;
    struct str name;
    char text[LIMIT_PATH_BYTES + 1];
    if (!str_cut_last(str_from(path), '/', &folder, &name)) {
        folder = STR(".");
    } else if (folder.len == 0) {
        folder = STR("/");
    }
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(folder));
    AUTO(fd) fd = {open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (fd.n < 0 || fsync(fd.n) != 0) {
        return err_errno(err, errno, "sync %s", text);
    }
    return true;
}

static bool replace_file(struct target_jsonl *t, struct err *err)
{
    if (rename(t->new_path, t->path) != 0) {
        return err_errno(err, errno, "rename %s", t->new_path);
    }
    fd_release(&t->fd);
    return sync_folder_of(t->path, err);
}

static bool commit(struct target_jsonl *t, struct str state, bool is_last, struct err *err)
{
    if (t->fd.n < 0 && str_eq(state, t->base.state)) {
        return true; /* an overwrite without news */
    }
    if (!write_all(t, err)) {
        return false;
    }
    if (t->is_overwrite && !is_last) {
        return true; /* nothing to see before the rename */
    }
    bool is_same = t->new_rows == 0 && t->rejects.size == t->rejected &&
                   str_eq(state, t->base.state) && !t->is_overwrite;
    if (is_same) {
        return true;
    }
    if (!reject_file_sync(&t->rejects, err)) {
        return false;
    }
    if (t->fd.n >= 0 && fdatasync(t->fd.n) != 0) {
        return err_errno(err, errno, "sync %s", t->path);
    }
    if (t->rows >= 0) {
        t->rows += t->new_rows;
    }
    t->sink.rows_written += t->new_rows;
    t->new_rows = 0;
    if (t->is_overwrite && t->fd.n >= 0 && !replace_file(t, err)) {
        return false;
    }
    if (!write_state_file(t, state, err)) {
        return false;
    }
    t->rejected = t->rejects.size;
    buf_reset(&t->state);
    buf_add(&t->state, state);
    t->base.state = buf_str(&t->state);
    return true;
}

static bool jsonl_target_commit(struct target *target, struct str state, bool is_last,
                                struct err *err)
{
    struct target_jsonl *t = jsonl_of(target);
    if (!commit(t, state, is_last, err)) {
        return err_wrap(err, "target jsonl: commit");
    }
    t->sink.row_count = t->rows;
    return true;
}

/* Behind the length of the last commit: there to be looked at, until the next load cuts it off or
 * a commit takes it in. */
static bool jsonl_target_quarantine(struct target *target, struct err *err)
{
    struct target_jsonl *t = jsonl_of(target);
    return reject_file_take(&t->rejects, t->context->rejects, err) ||
           err_wrap(err, "target jsonl: quarantine");
}

const struct target_ops target_jsonl = {
    .type = "jsonl",
    .options = &target_options_table,
    .cannot_upsert = true,
    .open = jsonl_target_open,
    .add = jsonl_target_add,
    .set_schema = jsonl_target_set_schema,
    .load = jsonl_target_load,
    .commit = jsonl_target_commit,
    .quarantine = jsonl_target_quarantine,
    .quarantine_failed = jsonl_target_quarantine,
    .close = jsonl_target_close,
};
