#include "agent/pipes/pipes_session.h"

#include "agent/pipes/pipes_context.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLL_NS (250 * NS_PER_MS)

enum {
    ENV_BYTES_MAX = 2 * PIPES_PARAM_BYTES_MAX,
    SESSION_ARENA_BYTES = 4 * ENV_BYTES_MAX,
    PATHS_ARENA_BYTES = 2 * (LIMIT_PATH_BYTES + 1),
    PUNCH_BYTES = 1 << 20, /* given back to the disk at once */
};

struct pipes_session {
    struct pipes_session_options options;
    struct loop *loop;
    struct fd file;   /* messages */
    struct fd notify; /* -1: the timer looks instead */
    struct loop_fd notify_source;
    int wd; /* of the file; -1 = it is not watched */
    struct loop_timer timer;
    struct loop_task task;
    struct pipes_stream stream;
    off_t offset;    /* read so far */
    off_t drain_end; /* -1 until the program has ended */
    off_t punched;
    bool is_drained;
    struct arena arena;
    const char *env[3];
};

/* --- files ------------------------------------------------------------------------------------ */

static bool path_in(const char *dir, const char *name, char path[LIMIT_PATH_BYTES + 1],
                    struct err *err)
{
    return files_join(dir, str_from(name), path, LIMIT_PATH_BYTES + 1, err);
}

static bool create_file(const char *path, const struct pipes_session_options *options,
                        struct fd *ret, struct err *err)
{
    AUTO(fd) file = {open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (file.n < 0) {
        return err_errno(err, errno, "create %s", path);
    }
    if (options->user != 0 && fchown(file.n, options->user, options->group) != 0) {
        return err_errno(err, errno, "give %s to user %u", path, (unsigned)options->user);
    }
    ret->n = fd_take(&file);
    return true;
}

static bool write_context(const char *dir, const struct pipes_session_options *options,
                          struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    AUTO(fd) file = {-1};
    if (!path_in(dir, "context", path, err) || !create_file(path, options, &file, err)) {
        return false;
    }
    struct str rest = options->context;
    while (rest.len > 0) {
        ssize_t n = write(file.n, rest.ptr, rest.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return err_errno(err, n < 0 ? errno : ENOSPC, "write %s", path);
        }
        rest = str_slice(rest, (size_t)n, rest.len);
    }
    return true;
}

/* *ret_dir, which is `dir`, changes to what that links to. */
static bool make_folder(const struct pipes_session_options *options, struct arena *arena,
                        const char **ret_dir, struct err *err)
{
    if (!pipes_session_remove_files(options->dir, err)) {
        return false;
    }
    if (options->user == 0) {
        return mkdir(options->dir, 0700) == 0 || err_errno(err, errno, "create %s", options->dir);
    }
    struct str pattern = arena_printf(arena, "%s/selvedge-pipes-XXXXXX", options->shared_dir);
    char *made = arena_alloc(arena, pattern.len + 1);
    if (pattern.ptr == NULL || made == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    memcpy(made, pattern.ptr, pattern.len);
    if (mkdtemp(made) == NULL) {
        return err_errno(err, errno, "create a folder in %s", options->shared_dir);
    }
    *ret_dir = made;
    if (symlink(made, options->dir) != 0) {
        (void)rmdir(made);
        return err_errno(err, errno, "link %s", options->dir);
    }
    return true;
}

static bool give_folder(const char *dir, const struct pipes_session_options *options,
                        struct err *err)
{
    return options->user == 0 || chown(dir, options->user, options->group) == 0 ||
           err_errno(err, errno, "give %s to user %u", dir, (unsigned)options->user);
}

bool pipes_session_remove_files(const char *dir, struct err *err)
{
    char target[LIMIT_PATH_BYTES + 1];
    ssize_t len = readlink(dir, target, sizeof(target) - 1);
    if (len > 0) {
        target[len] = '\0';
        if (!files_remove_tree(target, err)) {
            return false;
        }
    }
    return files_remove_tree(dir, err);
}

/* --- the environment -------------------------------------------------------------------------- */

/* NAME=base64(zlib({"path": path})) */
static const char *make_variable(struct pipes_session *s, const char *name, const char *path)
{
    AUTO(buf) json = buf_growing(PIPES_PARAM_BYTES_MAX);
    AUTO(buf) variable = buf_growing(ENV_BYTES_MAX);
    struct json_writer w = json_writer(&json);
    jw_begin_object(&w);
    jw_member_str(&w, "path", str_from(path));
    jw_end_object(&w);
    buf_addf(&variable, "%s=", name);
    pipes_param_encode(buf_str(&json), &variable);
    return json.overflow || variable.overflow ? NULL : arena_cstr(&s->arena, buf_str(&variable));
}

static bool make_env(struct pipes_session *s, const char *dir, struct err *err)
{
    char context[LIMIT_PATH_BYTES + 1];
    char messages[LIMIT_PATH_BYTES + 1];
    AUTO(arena) arena = arena_new(PATHS_ARENA_BYTES);
    const char *whole = dir;
    if (dir[0] != '/') { /* the program may run in another folder */
        char here[LIMIT_PATH_BYTES + 1];
        if (getcwd(here, sizeof(here)) == NULL) {
            return err_errno(err, errno, "find the working folder");
        }
        whole = arena_printf(&arena, "%s/%s", here, dir).ptr;
    }
    if (whole == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    if (!path_in(whole, "context", context, err) || !path_in(whole, "messages", messages, err)) {
        return false;
    }
    s->env[0] = make_variable(s, "DAGSTER_PIPES_CONTEXT", context);
    s->env[1] = make_variable(s, "DAGSTER_PIPES_MESSAGES", messages);
    return (s->env[0] != NULL && s->env[1] != NULL) || err_set(err, ERR_NO_MEMORY, "out of memory");
}

const char *const *pipes_session_env(const struct pipes_session *s)
{
    return s->env;
}

/* --- the tail --------------------------------------------------------------------------------- */

/* False: a message was refused, or memory is short. */
static bool take_messages(struct pipes_session *s)
{
    struct pipes_message message;
    while (pipes_stream_peek(&s->stream, &message)) {
        if (!s->options.on_message(s->options.ctx, &message)) {
            return false;
        }
        pipes_stream_drop(&s->stream);
    }
    return true;
}

/* Disks stay bounded however much a program says; file systems that cannot do it keep the file. */
static void give_back(struct pipes_session *s)
{
    off_t until = s->offset - PIPES_FILE_KEPT_BYTES;
    if (until - s->punched >= PUNCH_BYTES) {
        (void)fallocate(s->file.n, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, until);
        s->punched = until;
    }
}

/* The next piece; *ret_len 0 at the end of what is there. False: later. */
static bool read_chunk(struct pipes_session *s, size_t *ret_len)
{
    char bytes[PIPES_CHUNK_BYTES];
    size_t want = sizeof(bytes);
    if (s->drain_end >= 0 && s->drain_end - s->offset < (off_t)want) {
        want = s->drain_end > s->offset ? (size_t)(s->drain_end - s->offset) : 0;
    }
    ssize_t len = pread(s->file.n, bytes, want, s->offset);
    *ret_len = 0;
    if (len < 0) {
        return s->drain_end >= 0; /* then what cannot be read is not waited for */
    }
    if (len > 0 && !pipes_stream_feed(&s->stream, (struct str){bytes, (size_t)len})) {
        return false;
    }
    s->offset += len;
    *ret_len = (size_t)len;
    give_back(s);
    return true;
}

static void wait_a_little(struct pipes_session *s)
{
    loop_timer_arm_in(s->loop, &s->timer, POLL_NS);
}

static void finish(struct pipes_session *s)
{
    pipes_stream_end(&s->stream);
    if (!take_messages(s)) {
        wait_a_little(s);
        return;
    }
    s->is_drained = true;
    loop_timer_disarm(s->loop, &s->timer);
    s->options.on_drained(s->options.ctx);
}

/* One turn's work. */
static void pump(void *ctx)
{
    struct pipes_session *s = ctx;
    size_t len = 0;
    if (s->is_drained) {
        return;
    }
    if (!take_messages(s) || !read_chunk(s, &len) || !take_messages(s)) {
        wait_a_little(s);
        return;
    }
    if (len > 0) {
        loop_defer(s->loop, &s->task);
    } else if (s->drain_end >= 0) {
        finish(s);
    } else if (s->notify.n == -1) {
        wait_a_little(s);
    }
}

static void discard_events(int fd)
{
    char discarded[4096];
    while (read(fd, discarded, sizeof(discarded)) > 0) {
    }
}

static void on_notify(void *ctx, unsigned events)
{
    (void)events;
    struct pipes_session *s = ctx;
    discard_events(s->notify.n);
    if (s->timer.heap_index == 0) { /* else a receiver wants to be left alone for a moment */
        pump(s);
    }
}

static int take_spare(struct pipes_spares *spares)
{
    return spares != NULL && spares->count > 0 ? spares->fds[--spares->count]
                                               : inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

static bool watch(struct pipes_session *s, const char *path, struct err *err)
{
    s->notify.n = take_spare(s->options.spares);
    s->wd = s->notify.n == -1 ? -1 : inotify_add_watch(s->notify.n, path, IN_MODIFY);
    if (s->wd == -1) {
        fd_release(&s->notify);
        s->notify.n = -1;
    }
    if (s->notify.n == -1) { /* the user's watches are used up: look from time to time */
        wait_a_little(s);
        return true;
    }
    s->notify_source = (struct loop_fd){.fd = s->notify.n, .on_ready = on_notify, .ctx = s};
    return loop_fd_watch(s->loop, &s->notify_source, LOOP_READ, err);
}

static void end_watch(struct pipes_session *s)
{
    struct pipes_spares *spares = s->options.spares;
    loop_fd_remove(s->loop, &s->notify_source);
    if (spares == NULL || spares->count == PIPES_SPARES_MAX || s->wd == -1) {
        fd_release(&s->notify);
        return;
    }
    (void)inotify_rm_watch(s->notify.n, s->wd); /* it may be gone already */
    discard_events(s->notify.n);
    spares->fds[spares->count++] = fd_take(&s->notify);
}

void pipes_spares_close(struct pipes_spares *spares)
{
    while (spares->count > 0) {
        (void)close(spares->fds[--spares->count]);
    }
}

/* --- life ------------------------------------------------------------------------------------- */

static bool open_in(struct pipes_session *s, struct err *err)
{
    const char *dir = s->options.dir;
    char path[LIMIT_PATH_BYTES + 1];
    return make_folder(&s->options, &s->arena, &dir, err) && path_in(dir, "messages", path, err) &&
           write_context(dir, &s->options, err) && create_file(path, &s->options, &s->file, err) &&
           give_folder(dir, &s->options, err) && make_env(s, dir, err) && watch(s, path, err);
}

bool pipes_session_open(struct pipes_session **ret, const struct pipes_session_options *options,
                        struct err *err)
{
    struct pipes_session *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(err, ERR_NO_MEMORY, "prepare Dagster Pipes: out of memory");
    }
    s->options = *options;
    s->loop = options->loop;
    s->file.n = s->notify.n = -1;
    s->drain_end = -1;
    s->wd = -1;
    s->arena = arena_new(SESSION_ARENA_BYTES);
    s->timer = (struct loop_timer){.on_due = pump, .ctx = s};
    s->task = (struct loop_task){.run = pump, .ctx = s};
    pipes_stream_init(&s->stream);
    if (!open_in(s, err)) {
        struct err ignored = {0};
        pipes_session_close(s);
        (void)!pipes_session_remove_files(options->dir, &ignored);
        return err_wrap(err, "prepare Dagster Pipes");
    }
    s->options.dir = NULL; /* not ours to keep, as is the context */
    s->options.context = STR_NONE;
    *ret = s;
    return true;
}

void pipes_session_drain(struct pipes_session *s)
{
    struct stat st = {0};
    (void)fstat(s->file.n, &st);
    s->drain_end = st.st_size;
    loop_defer(s->loop, &s->task);
}

void pipes_session_sync(struct pipes_session *s)
{
    (void)fdatasync(s->file.n);
}

void pipes_session_close(struct pipes_session *s)
{
    if (s == NULL) {
        return;
    }
    loop_timer_disarm(s->loop, &s->timer);
    loop_defer_cancel(s->loop, &s->task);
    end_watch(s);
    fd_release(&s->file);
    pipes_stream_release(&s->stream);
    arena_release(&s->arena);
    free(s);
}

/* --- after a crash ---------------------------------------------------------------------------- */

struct recovery {
    struct fd file;
    struct pipes_stream stream;
    off_t begin;     /* what comes before was given back to the disk */
    bool is_in_line; /* its first line has lost its beginning */
    void (*on_message)(void *ctx, const struct pipes_message *message);
    void *ctx;
};

static void recover_messages(struct recovery *r)
{
    struct pipes_message message;
    while (pipes_stream_peek(&r->stream, &message)) {
        message.end += r->begin;
        if (!r->is_in_line) {
            r->on_message(r->ctx, &message);
        }
        r->is_in_line = false;
        pipes_stream_drop(&r->stream);
    }
}

static bool recover_file(struct recovery *r, struct err *err)
{
    char bytes[PIPES_CHUNK_BYTES];
    off_t data = lseek(r->file.n, 0, SEEK_DATA);
    r->begin = data > 0 ? data : 0;
    r->is_in_line = r->begin > 0;
    for (off_t at = r->begin;;) {
        ssize_t len = pread(r->file.n, bytes, sizeof(bytes), at);
        if (len < 0) {
            return err_errno(err, errno, "read");
        }
        if (len == 0) {
            break;
        }
        if (!pipes_stream_feed(&r->stream, (struct str){bytes, (size_t)len})) {
            return err_set(err, ERR_NO_MEMORY, "out of memory");
        }
        at += len;
        recover_messages(r);
    }
    pipes_stream_end(&r->stream);
    recover_messages(r);
    return true;
}

bool pipes_recover(const char *dir,
                   void (*on_message)(void *ctx, const struct pipes_message *message), void *ctx,
                   struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct stat st = {0};
    if (!path_in(dir, "messages", path, err)) {
        return false;
    }
    /* It may be another user's: neither a link nor a pipe of theirs is followed. */
    AUTO(fd) file = {open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (file.n < 0 && errno == ENOENT) {
        return true;
    }
    if (file.n < 0 || fstat(file.n, &st) != 0) {
        return err_errno(err, errno, "open %s", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(err, ERR_INVALID, "%s is not a file", path);
    }
    struct recovery r = {.file = {file.n}, .on_message = on_message, .ctx = ctx};
    pipes_stream_init(&r.stream);
    bool ok = recover_file(&r, err);
    pipes_stream_release(&r.stream);
    return ok || err_wrap(err, "%s", path);
}
