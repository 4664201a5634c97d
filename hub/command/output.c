#include "hub/command/output.h"

#include "common/base/limits.h"
#include "common/base/uuid.h"
#include "common/platform/files.h"
#include "hub/command/orders_internal.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    NAMES_BYTES_MAX = 4 << 20,
    PIECE_FILE_BYTES_MAX = COMMAND_PIECE_BYTES_MAX + (4 << 10),
    PIECE_ARENA_BYTES = 64 << 10,
    PATHS_MAX = 3 * (LIMIT_NAME_BYTES + 1),
    HASH_DIGITS = 8,
};

struct output {
    char dir[LIMIT_PATH_BYTES + 1];
    int64_t bytes; /* of all files below it */
};

/* --- folders ---------------------------------------------------------------------------------- */

struct names { /* of a folder's entries, sorted */
    struct arena arena;
    const char **items;
    size_t count, cap;
};

static void names_release(struct names *n)
{
    arena_release(&n->arena);
    free(n->items);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool add_name(struct names *n, const char *name)
{
    if (n->count == n->cap) {
        size_t cap = n->cap == 0 ? 64 : 2 * n->cap;
        const char **items = reallocarray(n->items, cap, sizeof(*items));
        if (items == NULL) {
            return false;
        }
        n->items = items;
        n->cap = cap;
    }
    n->items[n->count] = arena_cstr(&n->arena, str_from(name));
    return n->items[n->count++] != NULL;
}

/* A folder that is not there has no entries. */
static bool names_read(const char *dir, struct names *ret, struct err *err)
{
    *ret = (struct names){.arena = arena_new(NAMES_BYTES_MAX)};
    DIR *folder = opendir(dir);
    bool ok = true;
    if (folder == NULL) {
        return true;
    }
    for (struct dirent *entry = readdir(folder); ok && entry != NULL; entry = readdir(folder)) {
        ok = entry->d_name[0] == '.' || add_name(ret, entry->d_name);
    }
    (void)closedir(folder);
    if (!ok) {
        names_release(ret);
        return err_set(err, ERR_NO_MEMORY, "list %s: out of memory", dir);
    }
    if (ret->count > 0) {
        qsort((void *)ret->items, ret->count, sizeof(*ret->items), by_text);
    }
    return true;
}

static bool join(const char *dir, const char *name, char ret[LIMIT_PATH_BYTES + 1], struct err *err)
{
    return files_join(dir, str_from(name), ret, LIMIT_PATH_BYTES + 1, err);
}

static int64_t file_bytes(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) ? (int64_t)s.st_size : 0;
}

/* Of all files in a tree of `depth` further folders. */
static bool tree_bytes(const char *dir, int depth, int64_t *ret, struct err *err)
{
    struct names names;
    char path[LIMIT_PATH_BYTES + 1];
    if (!names_read(dir, &names, err)) {
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < names.count; i++) {
        ok = join(dir, names.items[i], path, err);
        if (ok && depth > 0) {
            ok = tree_bytes(path, depth - 1, ret, err);
        } else if (ok) {
            *ret += file_bytes(path);
        }
    }
    names_release(&names);
    return ok;
}

/* --- taking ----------------------------------------------------------------------------------- */

bool output_open(struct output **ret, const struct hub_config *config, struct err *err)
{
    struct output *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return err_set(err, ERR_NO_MEMORY, "output: out of memory");
    }
    if (!hub_path(config, "output", o->dir, err) || !files_make_dirs(o->dir, 0700, err) ||
        !tree_bytes(o->dir, 2, &o->bytes, err)) {
        output_close(o);
        return false;
    }
    *ret = o;
    return true;
}

void output_close(struct output *o)
{
    free(o);
}

/* Ids begin with their time: the first name is the oldest command's. It keeps the newest. */
static bool make_room(struct output *o, struct err *err)
{
    struct names names;
    char path[LIMIT_PATH_BYTES + 1];
    if (o->bytes <= OUTPUT_BYTES_MAX) {
        return true;
    }
    if (!names_read(o->dir, &names, err)) {
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i + 1 < names.count && o->bytes > OUTPUT_BYTES_MAX / 8 * 7; i++) {
        int64_t bytes = 0;
        ok = join(o->dir, names.items[i], path, err) && tree_bytes(path, 1, &bytes, err) &&
             files_remove_tree(path, err);
        o->bytes -= ok ? bytes : 0;
    }
    names_release(&names);
    return ok;
}

/* Whether this device was asked for a text, and may send one more piece. */
static bool count_piece(struct orders *orders, struct str command, struct str device,
                        struct err *err)
{
    struct db_query q = db_query(orders->db, HUB_COMMAND_PIECE_COUNT);
    db_bind_str(&q, ":id", command);
    db_bind_str(&q, ":device", device);
    db_bind_i64(&q, ":most", OUTPUT_PIECES_MAX);
    if (!db_run(&q, err)) {
        return false;
    }
    return db_changes(orders->db) > 0 ||
           err_set(err, ERR_DENIED,
                   "no command " STR_FMT " asked this device for a text, or it sends more than %d "
                   "pieces",
                   STR_ARG(command), OUTPUT_PIECES_MAX);
}

/* One file a piece: <which text, as a hash>.<offset>. */
static void piece_name(const struct command_piece *p, char *ret, size_t size)
{
    char hash[FINGERPRINT_TEXT_SIZE];
    digest_hex(p->name, hash);
    (void)snprintf(ret, size, "%.*s.%019lld", HASH_DIGITS, hash, (long long)p->offset);
}

static bool piece_folder(const char *dir, struct str command, struct str device, char *ret,
                         struct err *err)
{
    char below[PATHS_MAX];
    (void)snprintf(below, sizeof(below), STR_FMT "/" STR_FMT, STR_ARG(command), STR_ARG(device));
    return join(dir, below, ret, err);
}

bool output_take(struct output *o, struct orders *orders, struct str device, struct str payload,
                 struct arena *arena, struct err *err)
{
    struct command_piece piece;
    char folder[LIMIT_PATH_BYTES + 1];
    char path[LIMIT_PATH_BYTES + 1];
    char name[HASH_DIGITS + 32];
    if (!command_piece_decode(payload, arena, &piece, err) ||
        !count_piece(orders, piece.command, device, err) ||
        !piece_folder(o->dir, piece.command, device, folder, err) ||
        !files_make_dirs(folder, 0700, err)) {
        return false;
    }
    piece_name(&piece, name, sizeof(name));
    if (!join(folder, name, path, err)) {
        return false;
    }
    int64_t before = file_bytes(path);
    if (!files_write(path, payload, 0600, err)) {
        return false;
    }
    o->bytes += (int64_t)payload.len - before;
    return make_room(o, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
    struct buf file;
    struct arena arena;
    struct buf text_name; /* of the text that is being read */
    int64_t next;         /* offset of its next piece */
    bool has_text, is_broken, has_last;
    void (*on_piece)(void *ctx, const struct command_piece *piece);
    void *ctx;
};

static void read_piece(struct reading *r, const struct command_piece *piece)
{
    bool is_same = r->has_text && str_eq(piece->name, buf_str(&r->text_name));
    if (!is_same) {
        buf_reset(&r->text_name);
        buf_add(&r->text_name, piece->name);
        r->has_text = true;
    } else if (piece->offset != r->next + piece->dropped) {
        r->is_broken = true; /* one is missing */
    }
    r->next = piece->offset + (int64_t)piece->bytes.len;
    r->has_last = r->has_last || piece->is_last;
    if (!r->is_broken) {
        r->on_piece(r->ctx, piece);
    }
}

static bool read_file(struct reading *r, const char *path, struct err *err)
{
    struct command_piece piece;
    buf_reset(&r->file);
    arena_reset(&r->arena);
    if (!files_read(path, &r->file, err) ||
        !command_piece_decode(buf_str(&r->file), &r->arena, &piece, err)) {
        return err_wrap(err, "%s", path);
    }
    read_piece(r, &piece);
    return true;
}

bool output_each(const struct hub_config *config, struct str command, struct str device,
                 void (*on_piece)(void *ctx, const struct command_piece *piece), void *ctx,
                 bool *ret_is_whole, struct err *err)
{
    char dir[LIMIT_PATH_BYTES + 1];
    char folder[LIMIT_PATH_BYTES + 1];
    char path[LIMIT_PATH_BYTES + 1];
    struct names names;
    if (!hub_path(config, "output", dir, err) || !piece_folder(dir, command, device, folder, err) ||
        !names_read(folder, &names, err)) {
        return false;
    }
    struct reading r = {.file = buf_growing(PIECE_FILE_BYTES_MAX),
                        .arena = arena_new(PIECE_ARENA_BYTES),
                        .text_name = buf_growing(PIECE_ARENA_BYTES),
                        .on_piece = on_piece,
                        .ctx = ctx};
    bool ok = true;
    for (size_t i = 0; ok && i < names.count; i++) {
        ok = join(folder, names.items[i], path, err) && read_file(&r, path, err);
    }
    *ret_is_whole = r.has_last && !r.is_broken;
    buf_release(&r.file);
    buf_release(&r.text_name);
    arena_release(&r.arena);
    names_release(&names);
    return ok;
}
