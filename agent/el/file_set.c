#include "agent/el/file_set.h"

#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/json/json.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A file written within this time before we looked may be written again within the same tick of its
 * clock: then its content is compared even if size and time are the same. */
#define RACY_NS (2 * NS_PER_SEC)

static int64_t ns_of(struct timespec t)
{
    return (int64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

bool file_set_look_at(struct file_entry *e, struct stat *st, struct err *err)
{
    if (stat(e->path, st) != 0) {
        err_errno(err, errno, "%s", e->path);
        return err_hint(err, "check the tap's \"path\"");
    }
    if (!S_ISREG(st->st_mode)) {
        err_set(err, ERR_INVALID, "%s is not a regular file", e->path);
        return err_hint(err, "to read a folder, write a pattern such as \"%.120s/*.csv\"", e->path);
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    e->size = st->st_size;
    e->mtime_ns = ns_of(st->st_mtim);
    e->is_racy = ns_of(now) - e->mtime_ns < RACY_NS;
    e->inode = (int64_t)st->st_ino;
    return true;
}

struct prefix {
    struct hash64 hash; /* of the first bytes of the text */
    char last;          /* of them */
    int next;           /* the byte behind, -1 when there is none */
    bool is_end;        /* the file ends there, whole */
    bool is_gzip;
    int64_t lines;
};

static int64_t count_lines(struct str block)
{
    int64_t lines = 0;
    const char *end = block.ptr + block.len;
    for (const char *p = block.ptr; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
        lines++;
    }
    return lines;
}

/* False also when the file breaks off: reader->is_broken. */
static bool read_prefix(struct file_reader *r, int64_t len, struct prefix *p, struct err *err)
{
    for (;;) {
        if (r->start == r->end && !file_reader_fill(r, FILE_READER_BLOCK, err)) {
            return false;
        }
        size_t there = r->end - r->start;
        if (there == 0 || r->offset == len) {
            p->next = there == 0 ? -1 : (unsigned char)r->memory[r->start];
            p->is_end = there == 0;
            return true;
        }
        size_t piece = (int64_t)there > len - r->offset ? (size_t)(len - r->offset) : there;
        struct str block = {r->memory + r->start, piece};
        p->lines += count_lines(block);
        p->last = block.ptr[piece - 1];
        file_reader_consume(r, piece);
        p->hash = r->hash;
    }
}

/* Of a file that is shorter, or broken before `len`, the hash is another one. */
static bool hash_prefix(const struct file_entry *e, int64_t len, struct prefix *ret,
                        struct err *err)
{
    AUTO(file_reader) reader = {.fd = {-1}};
    *ret = (struct prefix){.hash = hash64_new(), .last = '\n', .next = -1};
    if (!file_reader_open(&reader, e->path, e->size, err)) {
        return false;
    }
    ret->is_gzip = reader.gunzip != NULL;
    if (!read_prefix(&reader, len, ret, err)) {
        if (!reader.is_broken) {
            return false;
        }
        *err = (struct err){0};
    }
    return true;
}

/* A racy file has mtime 0 in the state, so that it never looks the same. */
static bool is_same_stat(const struct file_entry *e)
{
    int64_t size = e->known_packed > 0 ? e->known_packed : e->known_size;
    return e->size == size && e->mtime_ns == e->known_mtime_ns && e->inode == e->known_inode;
}

static bool decide(struct file_entry *e, enum load_mode mode, struct err *err)
{
    e->action = FILE_WHOLE;
    e->hash = hash64_new();
    if (!e->was_known || is_same_stat(e)) {
        e->action = e->was_known ? FILE_SKIP : FILE_WHOLE;
        return true;
    }
    struct prefix p = {0};
    if (!hash_prefix(e, e->known_size, &p, err)) {
        return false;
    }
    /* Bytes behind an unfinished line may have changed its last record. */
    bool is_record_end = p.last == '\n' || p.next == '\n' || p.next == '\r' || p.is_end;
    if (hash64_value(&p.hash) == e->known_hash && is_record_end) {
        e->action = p.is_end ? FILE_SKIP : FILE_TAIL;
        e->known_packed = p.is_gzip ? e->size : 0;
        e->offset = e->known_size;
        e->offset_lines = p.lines;
        e->hash = p.hash;
        return true;
    }
    if (mode == MODE_APPEND) {
        err_set(err, ERR_INVALID,
                "%s changed in a part that was loaded before; appending it again would repeat rows",
                e->path);
        return err_hint(err, "use mode upsert with a primary_key, or overwrite");
    }
    return true;
}

static bool read_known(const struct json *node, struct file_entry *e, struct arena *arena)
{
    const struct json *path = json_get(node, "path");
    const struct json *size = json_get(node, "size");
    const struct json *mtime = json_get(node, "mtime_ns");
    const struct json *inode = json_get(node, "inode");
    const struct json *packed = json_get(node, "gzip_size");
    const struct json *hash = json_get(node, "hash");
    if (path == NULL || path->type != JSON_STRING || size == NULL || size->type != JSON_INT ||
        mtime == NULL || mtime->type != JSON_INT || inode == NULL || inode->type != JSON_INT ||
        hash == NULL || hash->type != JSON_INT || size->as.integer < 0) {
        return false;
    }
    *e = (struct file_entry){
        .path = arena_cstr(arena, path->as.string),
        .was_known = true,
        .known_size = size->as.integer,
        .known_packed = packed != NULL && packed->type == JSON_INT ? packed->as.integer : 0,
        .known_mtime_ns = mtime->as.integer,
        .known_inode = inode->as.integer,
        .known_hash = (uint64_t)hash->as.integer,
    };
    return e->path != NULL;
}

static int compare_entries(const void *a, const void *b)
{
    const struct file_entry *x = a;
    const struct file_entry *y = b;
    return strcmp(x->path, y->path);
}

/* The files of the state, or NULL when they tell nothing: of another tap, or understood another way.
 * An append goes on even then, as it must not repeat rows. */
static bool known_files(const struct file_set_options *o, struct arena *arena,
                        const struct json **ret, struct err *err)
{
    struct json *root = NULL;
    *ret = NULL;
    if (o->state.len == 0) {
        return true;
    }
    if (!json_parse(o->state, LIMIT_JSON_BYTES, arena, &root, err)) {
        return err_wrap(err, "stored state");
    }
    const struct json *files = json_get(root, "files");
    const struct json *definition = json_get(root, "definition");
    if (json_get(root, "follow") != NULL && o->mode == MODE_APPEND) {
        err_set(err, ERR_INVALID,
                "the files were followed until now; appending them would repeat rows");
        return err_hint(err, "keep \"follow: true\", or use mode upsert or overwrite");
    }
    bool is_same = definition != NULL && definition->type == JSON_INT &&
                   (uint64_t)definition->as.integer == o->definition;
    if (files != NULL && files->type == JSON_ARRAY && (is_same || o->mode == MODE_APPEND)) {
        *ret = files;
    }
    return true;
}

/* Sorted by path; all are gone until they are met. */
static bool load_known(struct file_set *set, const struct json *files, struct arena *arena,
                       struct err *err)
{
    if (files == NULL) {
        return true;
    }
    for (const struct json *n = files->child; n != NULL; n = n->next) {
        struct file_entry *e = &set->entries[set->count];
        if (!read_known(n, e, arena)) {
            return err_set(err, ERR_CORRUPT, "stored state is not understood");
        }
        e->is_gone = true;
        set->count++;
    }
    qsort(set->entries, set->count, sizeof(*set->entries), compare_entries);
    return true;
}

static bool add_match(struct file_set *set, size_t known, const char *path, struct arena *arena,
                      struct err *err)
{
    struct file_entry wanted = {.path = path};
    struct file_entry *e =
        known == 0 ? NULL : bsearch(&wanted, set->entries, known, sizeof(wanted), compare_entries);
    if (e == NULL) {
        e = &set->entries[set->count];
        *e = (struct file_entry){.path = arena_cstr(arena, str_from(path))};
        if (e->path == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for file names");
        }
        set->count++;
    }
    e->is_gone = false;
    struct stat st;
    return file_set_look_at(e, &st, err);
}

static bool add_matches(struct file_set *set, const glob_t *found, const struct json *files,
                        struct arena *arena, struct err *err)
{
    size_t cap = found->gl_pathc + (files == NULL ? 0 : files->count);
    if (cap > FILE_SET_MAX) {
        err_set(err, ERR_FULL, "more than %d files", FILE_SET_MAX);
        return err_hint(err, "move files that are loaded out of the folder");
    }
    set->entries = arena_array(arena, cap + 1, sizeof(*set->entries));
    if (set->entries == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a list of files");
    }
    if (!load_known(set, files, arena, err)) {
        return false;
    }
    size_t known = set->count;
    for (size_t i = 0; i < found->gl_pathc; i++) {
        if (!add_match(set, known, found->gl_pathv[i], arena, err)) {
            return false;
        }
    }
    qsort(set->entries, set->count, sizeof(*set->entries), compare_entries);
    return true;
}

bool file_set_find(struct str pattern, glob_t *ret, struct err *err)
{
    char text[LIMIT_PATH_BYTES + 1];
    if (pattern.len == 0 || pattern.len >= sizeof(text) ||
        memchr(pattern.ptr, '\0', pattern.len) != NULL) {
        return err_set(err, ERR_INVALID, "the tap's \"path\" is empty or longer than %d bytes",
                       LIMIT_PATH_BYTES);
    }
    memcpy(text, pattern.ptr, pattern.len);
    text[pattern.len] = '\0';
    int flags = files_exist(text) ? GLOB_NOCHECK | GLOB_NOESCAPE : GLOB_NOMAGIC | GLOB_ERR;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): this program has one thread */
    int rc = glob(text, flags, NULL, ret);
    if (rc != 0 && rc != GLOB_NOMATCH) {
        err_set(err, rc == GLOB_NOSPACE ? ERR_NO_MEMORY : ERR_IO, "list %s: %s", text,
                rc == GLOB_NOSPACE ? "out of memory" : "a folder cannot be read");
        return err_hint(err, "check that the folder is there and may be read by this user");
    }
    return true;
}

/* Entries of files that are gone go when there is no room: the state must not grow for ever. */
static void forget_gone(struct file_set *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (!set->entries[i].is_gone) {
            set->entries[kept++] = set->entries[i];
        }
    }
    set->count = kept;
}

static bool decide_all(struct file_set *set, enum load_mode mode, struct err *err)
{
    bool is_unchanged = true;
    for (size_t i = 0; i < set->count; i++) {
        struct file_entry *e = &set->entries[i];
        if (e->is_gone) {
            e->action = FILE_SKIP;
            is_unchanged = is_unchanged && mode != MODE_OVERWRITE;
            continue;
        }
        if (!decide(e, mode, err)) {
            return false;
        }
        is_unchanged = is_unchanged && e->action == FILE_SKIP;
    }
    set->is_unchanged = is_unchanged;
    if (mode != MODE_OVERWRITE || is_unchanged) {
        return true;
    }
    forget_gone(set);
    for (size_t i = 0; i < set->count; i++) {
        set->entries[i].action = FILE_WHOLE;
        set->entries[i].offset = 0;
        set->entries[i].offset_lines = 0;
        set->entries[i].hash = hash64_new();
    }
    return true;
}

static bool open_set(struct file_set *set, const struct file_set_options *o, const glob_t *found,
                     struct arena *arena, struct err *err)
{
    const struct json *files = NULL;
    if (!known_files(o, arena, &files, err) || !add_matches(set, found, files, arena, err)) {
        return false;
    }
    if (set->count > FILE_SET_MAX / 2) {
        forget_gone(set);
    }
    return decide_all(set, o->mode, err);
}

bool file_set_open(struct file_set *ret, const struct file_set_options *options,
                   struct arena *arena, struct err *err)
{
    glob_t found = {0};
    struct file_set set = {.definition = options->definition};
    bool ok =
        file_set_find(options->pattern, &found, err) && open_set(&set, options, &found, arena, err);
    globfree(&found);
    if (ok) {
        *ret = set;
    }
    return ok;
}

struct written {
    int64_t size, packed, mtime_ns, inode;
    uint64_t hash;
};

static void write_entry(struct json_writer *w, const char *path, const struct written *f)
{
    jw_begin_object(w);
    jw_member_str(w, "path", str_from(path));
    jw_member_i64(w, "size", f->size);
    if (f->packed > 0) {
        jw_member_i64(w, "gzip_size", f->packed);
    }
    jw_member_i64(w, "mtime_ns", f->mtime_ns);
    jw_member_i64(w, "inode", f->inode);
    jw_member_i64(w, "hash", (int64_t)f->hash);
    jw_end_object(w);
}

void file_set_done(struct file_set *set, size_t index, const struct file_reader *reader)
{
    struct file_entry *e = &set->entries[index];
    /* Only a file that is read to its end and was not just being written is recognised by its time.
     */
    bool is_settled = file_reader_is_done(reader) && !e->is_racy;
    e->known_size = reader->offset;
    e->known_packed = reader->gunzip != NULL ? e->size : 0;
    e->known_mtime_ns = is_settled ? e->mtime_ns : 0;
    e->known_inode = e->inode;
    e->known_hash = hash64_value(&reader->hash);
    e->was_known = true;
}

void file_set_write_state(const struct file_set *set, struct json_writer *w)
{
    jw_member_i64(w, "definition", (int64_t)set->definition);
    jw_key(w, STR("files"));
    jw_begin_array(w);
    for (size_t i = 0; i < set->count; i++) {
        const struct file_entry *e = &set->entries[i];
        if (!e->was_known) {
            continue;
        }
        bool is_same = e->action == FILE_SKIP && !e->is_gone && !e->is_racy;
        write_entry(w, e->path,
                    &(struct written){e->known_size, e->known_packed,
                                      is_same ? e->mtime_ns : e->known_mtime_ns,
                                      is_same ? e->inode : e->known_inode, e->known_hash});
    }
    jw_end_array(w);
}
