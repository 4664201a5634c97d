#include "agent/el/follow.h"

#include "common/base/limits.h"
#include "common/json/json.h"
#include "common/log/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MARKS_MAX = 2 * FOLLOW_FILES_MAX + FOLLOW_GONE_MAX };
/* A file that a younger one follows, and that nobody wrote to for so long, is not written on: its last
 * line needs no end. */
#define SETTLED_NS (60 * NS_PER_SEC)

struct kept_mark {
    struct follow_mark mark;
    char *path;       /* malloc'ed */
    int64_t size;     /* of the file */
    int64_t mtime_ns; /* when all of it was read; 0 = not known to be so */
    bool is_waiting;  /* not for the state before the files of this look are read */
};
struct follow {
    struct follow_files now;
    uint64_t definition;
    struct kept_mark kept[MARKS_MAX];
    size_t kept_count;
    struct follow_mark marks[MARKS_MAX]; /* for the match: those of `kept` */
    bool is_claimed[MARKS_MAX];
    bool has_seen_any;
};

/* --- the state ------------------------------------------------------------------------------- */

static bool integer(const struct json *node, const char *key, int64_t *ret)
{
    const struct json *value = json_get(node, key);
    if (value == NULL || value->type != JSON_INT) {
        return false;
    }
    *ret = value->as.integer;
    return true;
}

static bool truth(const struct json *node, const char *key)
{
    const struct json *value = json_get(node, key);
    return value != NULL && value->type == JSON_BOOL && value->as.boolean;
}

static bool set_path(struct kept_mark *k, struct str path, struct err *err)
{
    char *copy = strndup(path.ptr, path.len);
    if (copy == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for file names");
    }
    free(k->path);
    k->path = copy;
    return true;
}

static bool read_mark(struct follow *f, const struct json *node, struct err *err)
{
    struct kept_mark k = {0};
    struct follow_mark *m = &k.mark;
    int64_t head = 0;
    int64_t tail = 0;
    const struct json *path = json_get(node, "path");
    bool is_known = path != NULL && path->type == JSON_STRING &&
                    integer(node, "device", &m->device) && integer(node, "inode", &m->inode) &&
                    integer(node, "offset", &m->offset) &&
                    integer(node, "head_bytes", &m->head_bytes) && integer(node, "head", &head) &&
                    integer(node, "tail_bytes", &m->tail_bytes) && integer(node, "tail", &tail) &&
                    integer(node, "size", &k.size) && integer(node, "mtime_ns", &k.mtime_ns);
    if (!is_known || m->offset < 1 || m->head_bytes < 0 || m->head_bytes > FOLLOW_PIECE ||
        m->tail_bytes < 0 || m->tail_bytes > FOLLOW_PIECE || m->head_bytes > m->offset ||
        m->tail_bytes > m->offset || f->kept_count == FOLLOW_FILES_MAX + FOLLOW_GONE_MAX) {
        return err_set(err, ERR_CORRUPT, "stored state is not understood");
    }
    m->head = (uint64_t)head;
    m->tail = (uint64_t)tail;
    m->is_packed = truth(node, "gzip");
    m->is_copy = truth(node, "copy");
    m->is_gone = truth(node, "gone");
    if (!set_path(&k, path->as.string, err)) {
        return false;
    }
    f->kept[f->kept_count++] = k;
    return true;
}

static bool read_state(struct follow *f, const struct follow_options *o, struct arena *arena,
                       struct err *err)
{
    struct json *root = NULL;
    int64_t definition = 0;
    if (o->state.len == 0) {
        return true;
    }
    if (!json_parse(o->state, LIMIT_JSON_BYTES, arena, &root, err)) {
        return err_wrap(err, "stored state");
    }
    const struct json *files = json_get(root, "files");
    if (files != NULL && files->child != NULL && o->mode == MODE_APPEND) {
        err_set(err, ERR_INVALID,
                "the files were not followed until now; appending them would repeat rows");
        return err_hint(err, "leave \"follow\" out, or use mode upsert");
    }
    const struct json *marks = json_get(root, "follow");
    bool is_same =
        integer(root, "definition", &definition) && (uint64_t)definition == o->definition;
    if (marks == NULL || marks->type != JSON_ARRAY || !(is_same || o->mode == MODE_APPEND)) {
        return true;
    }
    for (const struct json *n = marks->child; n != NULL; n = n->next) {
        if (!read_mark(f, n, err)) {
            return false;
        }
    }
    f->has_seen_any = true;
    return true;
}

void follow_write_state(const struct follow *f, struct json_writer *w)
{
    jw_member_i64(w, "definition", (int64_t)f->definition);
    jw_key(w, STR("follow"));
    jw_begin_array(w);
    for (size_t i = 0; i < f->kept_count; i++) {
        const struct kept_mark *k = &f->kept[i];
        if (k->is_waiting) {
            continue;
        }
        jw_begin_object(w);
        jw_member_str(w, "path", str_from(k->path));
        jw_member_i64(w, "device", k->mark.device);
        jw_member_i64(w, "inode", k->mark.inode);
        jw_member_i64(w, "offset", k->mark.offset);
        jw_member_i64(w, "head_bytes", k->mark.head_bytes);
        jw_member_i64(w, "head", (int64_t)k->mark.head);
        jw_member_i64(w, "tail_bytes", k->mark.tail_bytes);
        jw_member_i64(w, "tail", (int64_t)k->mark.tail);
        jw_member_i64(w, "size", k->size);
        jw_member_i64(w, "mtime_ns", k->mtime_ns);
        if (k->mark.is_packed) {
            jw_member_bool(w, "gzip", true);
        }
        if (k->mark.is_copy) {
            jw_member_bool(w, "copy", true);
        }
        if (k->mark.is_gone) {
            jw_member_bool(w, "gone", true);
        }
        jw_end_object(w);
    }
    jw_end_array(w);
}

bool follow_open(struct follow **ret, const struct follow_options *options, struct arena *arena,
                 struct err *err)
{
    struct follow *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory to follow files");
    }
    f->now.path = options->path;
    f->definition = options->definition;
    if (!read_state(f, options, arena, err)) {
        follow_close(f);
        return false;
    }
    *ret = f;
    return true;
}

void follow_close(struct follow *f)
{
    if (f != NULL) {
        for (size_t i = 0; i < f->kept_count; i++) {
            free(f->kept[i].path);
        }
        follow_files_fini(&f->now);
        free(f);
    }
}

static bool is_settled(const struct follow *f, size_t file, const struct kept_mark *k)
{
    const struct file_entry *e = &f->now.entries[file];
    return k->mtime_ns != 0 && k->mtime_ns == e->mtime_ns && k->size == e->size &&
           k->mark.inode == e->inode && k->mark.device == f->now.files[file].device;
}

static bool fits(void *ctx, size_t file, size_t mark, bool *ret, struct err *err)
{
    struct follow *f = ctx;
    *ret = is_settled(f, file, &f->kept[mark]);
    return *ret || follow_files_fit(&f->now, file, &f->marks[mark], ret, err);
}

static bool is_beginning(void *ctx, size_t copy, size_t whole, bool *ret, struct err *err)
{
    struct follow *f = ctx;
    return follow_files_is_beginning(&f->now, copy, whole, ret, err);
}

/* --- a look ---------------------------------------------------------------------------------- */

static void drop_mark(struct follow *f, size_t k)
{
    free(f->kept[k].path);
    for (size_t i = k; i + 1 < f->kept_count; i++) {
        f->kept[i] = f->kept[i + 1];
        f->is_claimed[i] = f->is_claimed[i + 1];
    }
    f->kept_count--;
    for (size_t i = 0; i < f->now.count; i++) {
        f->now.files[i].mark -= f->now.files[i].mark > (int)k;
    }
}

/* A file that could not be read to its end before it went. */
static void tell_gone(struct kept_mark *k)
{
    if (!k->mark.is_gone && k->mtime_ns == 0) {
        LOG(WARN, "el.followed_file_gone", F_S("path", str_from(k->path)),
            F_I("read_until", k->mark.offset));
    }
    k->mark.is_gone = true;
}

/* Marks that no file continues: the oldest go. Those of a file that took up a further one, too. */
static void sweep_marks(struct follow *f)
{
    size_t gone = 0;
    for (size_t k = f->kept_count; k-- > 0;) {
        bool is_used = false;
        for (size_t i = 0; i < f->now.count; i++) {
            is_used = is_used || f->now.files[i].mark == (int)k;
        }
        if (is_used) {
            f->kept[k].mark.is_gone = false;
        } else if (f->is_claimed[k] || ++gone > FOLLOW_GONE_MAX) {
            drop_mark(f, k);
        } else {
            tell_gone(&f->kept[k]);
        }
    }
}

static bool add_mark(struct follow *f, size_t file, struct err *err)
{
    if (f->kept_count == MARKS_MAX) {
        return err_set(err, ERR_INTERNAL, "more marks than files");
    }
    f->kept[f->kept_count] = (struct kept_mark){0};
    f->now.files[file].mark = (int)f->kept_count++;
    return true;
}

/* The file's place and name, and its first bytes, as far as the mark goes. */
static bool set_mark(struct follow *f, size_t file, int64_t offset, struct err *err)
{
    const struct seen_file *s = &f->now.seen[file];
    struct kept_mark *k = &f->kept[f->now.files[file].mark];
    size_t head = offset < (int64_t)s->head_bytes ? (size_t)offset : s->head_bytes;
    k->mark.device = f->now.files[file].device;
    k->mark.inode = f->now.files[file].inode;
    k->mark.is_packed = f->now.files[file].is_packed;
    k->mark.offset = offset;
    k->mark.head_bytes = (int64_t)head;
    k->mark.head = follow_hash(s->head, head);
    k->size = f->now.entries[file].size;
    return set_path(k, f->now.files[file].path, err);
}

/* Told to the state when its original is read as far. One that breaks off is being packed now. */
static bool note_copy(struct follow *f, size_t file, struct err *err)
{
    const struct seen_file *s = &f->now.seen[file];
    if (s->is_broken || s->text_bytes == 0) {
        return true;
    }
    bool is_new = f->now.files[file].mark == FOLLOW_NONE;
    if ((is_new && !add_mark(f, file, err)) || !set_mark(f, file, s->text_bytes, err)) {
        return false;
    }
    struct kept_mark *k = &f->kept[f->now.files[file].mark];
    k->mark.tail_bytes = s->tail_bytes;
    k->mark.tail = s->tail;
    k->mark.is_copy = true;
    k->is_waiting = true;
    k->mtime_ns = 0;
    return true;
}

static bool is_followed_by_younger(const struct follow *f, size_t file)
{
    for (size_t i = file + 1; i < f->now.count; i++) {
        if (f->now.entries[i].size > 0 && !f->now.files[i].is_copy) {
            return true;
        }
    }
    return false;
}

static bool decide(struct follow *f, size_t file, int64_t now_ns, struct err *err)
{
    struct file_entry *e = &f->now.entries[file];
    const struct follow_file *found = &f->now.files[file];
    bool is_old = is_followed_by_younger(f, file) && now_ns - e->mtime_ns > SETTLED_NS;
    e->is_open = !f->now.files[file].is_packed && !is_old;
    e->action = FILE_WHOLE;
    e->hash = hash64_new();
    if (found->is_copy) {
        e->action = FILE_SKIP;
        return note_copy(f, file, err);
    }
    if (found->mark == FOLLOW_NONE) {
        return true;
    }
    struct kept_mark *k = &f->kept[found->mark];
    bool is_at_end = !f->now.files[file].is_packed && e->size == k->mark.offset;
    bool is_read = is_at_end || is_settled(f, file, k);
    e->action = is_read ? FILE_SKIP : FILE_TAIL;
    e->offset = k->mark.offset;
    k->mark.is_copy = false;
    k->mark.device = found->device;
    k->mark.inode = found->inode;
    k->mark.is_packed = found->is_packed;
    if (is_at_end) {
        k->size = e->size;
        k->mtime_ns = e->is_racy ? 0 : e->mtime_ns;
    }
    return set_path(k, found->path, err);
}

static bool decide_all(struct follow *f, struct file_set *set, struct err *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *set = (struct file_set){.entries = f->now.entries,
                             .count = f->now.count,
                             .is_unchanged = true,
                             .definition = f->definition};
    for (size_t i = 0; i < f->now.count; i++) {
        if (!decide(f, i, (int64_t)now.tv_sec * NS_PER_SEC, err)) {
            return false;
        }
        set->is_unchanged = set->is_unchanged && f->now.entries[i].action == FILE_SKIP;
    }
    return true;
}

static bool list_files(struct follow *f, struct err *err)
{
    if (!follow_files_list(&f->now, err)) {
        return false;
    }
    if (f->now.count == 0 && !f->has_seen_any) {
        err_set(err, ERR_NOT_FOUND, STR_FMT ": there is no such file", STR_ARG(f->now.path));
        return err_hint(err, "check the tap's \"path\"");
    }
    f->has_seen_any = true;
    return true;
}

bool follow_is_same(const struct follow *f, size_t index, const struct file_reader *reader)
{
    return follow_files_is_same(&f->now, index, reader);
}

bool follow_look(struct follow *f, struct file_set *set, struct err *err)
{
    const struct follow_content content = {.ctx = f, .fits = fits, .is_beginning = is_beginning};
    if (!list_files(f, err)) {
        return false;
    }
    for (size_t k = 0; k < f->kept_count; k++) {
        f->marks[k] = f->kept[k].mark;
    }
    struct follow_match match = {.files = f->now.files,
                                 .file_count = f->now.count,
                                 .marks = f->marks,
                                 .mark_count = f->kept_count,
                                 .is_claimed = f->is_claimed};
    if (!follow_match(&match, &content, err)) {
        return false;
    }
    sweep_marks(f);
    if (!decide_all(f, set, err)) {
        return false;
    }
    if (set->is_unchanged) {
        follow_end_look(f);
    }
    return true;
}

void follow_end_look(struct follow *f)
{
    for (size_t k = 0; k < f->kept_count; k++) {
        f->kept[k].is_waiting = false;
    }
}

bool follow_done(struct follow *f, size_t index, const struct file_reader *reader, struct err *err)
{
    const struct file_entry *e = &f->now.entries[index];
    if (reader->offset == 0) {
        return true;
    }
    if (f->now.files[index].mark == FOLLOW_NONE && !add_mark(f, index, err)) {
        return false;
    }
    struct kept_mark *k = &f->kept[f->now.files[index].mark];
    if (reader->offset > k->mark.offset) {
        struct str history = file_reader_history(reader);
        k->mark.tail_bytes = (int64_t)history.len;
        k->mark.tail = hash64_of(history);
    }
    k->mtime_ns = file_reader_is_done(reader) && !e->is_racy ? e->mtime_ns : 0;
    return reader->offset < k->mark.offset || set_mark(f, index, reader->offset, err);
}
