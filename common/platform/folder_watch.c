#include "common/platform/folder_watch.h"

#include "common/base/limits.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    ENTRY_EVENTS = IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE |
                   IN_MOVED_FROM,
    SELF_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF,
    ANCESTOR_EVENTS = IN_CREATE | IN_MOVED_TO | SELF_EVENTS,
    END_EVENTS = SELF_EVENTS | IN_IGNORED | IN_UNMOUNT,
    SETTLE_TRIES = 32, /* folders that come and go while we look for the one to watch */
};

struct folder_watch {
    struct loop *loop;
    struct loop_fd source; /* fd -1: no inotify here */
    struct loop_timer check;
    struct folder *folders;
};

/* --- watches: one for each inode, whoever of the folders uses it --- */

static bool is_used(const struct folder_watch *w, int wd)
{
    for (const struct folder *f = w->folders; f != NULL; f = f->next) {
        if (f->wd == wd || f->ancestor_wd == wd) {
            return true;
        }
    }
    return false;
}

/* The old one goes when nobody uses it any more; 0 = none. */
static void replace(struct folder_watch *w, int *wd, int by)
{
    int was = *wd;
    *wd = by;
    if (was > 0 && !is_used(w, was)) {
        (void)inotify_rm_watch(w->source.fd, was); /* it may be gone already */
    }
}

static int watch(const struct folder_watch *w, const char *path, uint32_t events)
{
    if (w->source.fd < 0) {
        errno = EMFILE;
        return -1;
    }
    return inotify_add_watch(w->source.fd, path, events | IN_ONLYDIR | IN_MASK_ADD);
}

/* --- finding what to watch --- */

/* Of these the kernel tells only what this host does itself. */
static bool is_silent(const char *path)
{
    static const uint32_t kinds[] = {
        0x6969,     /* NFS */
        0x517b,     /* SMB */
        0xfe534d42, /* SMB2 */
        0xff534d42, /* CIFS */
        0x65735546, /* FUSE */
        0x01021997, /* 9P */
        0x00c36400, /* Ceph */
        0x5346414f, /* AFS */
    };
    struct statfs fs;
    if (statfs(path, &fs) != 0) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if ((uint32_t)fs.f_type == kinds[i]) {
            return true;
        }
    }
    return false;
}

static bool is_absence(int errno_value)
{
    return errno_value == ENOENT || errno_value == ENOTDIR;
}

static void take_identity(struct folder *f)
{
    struct stat st;
    f->is_there = stat(f->path, &st) == 0 && S_ISDIR(st.st_mode);
    f->device = f->is_there ? st.st_dev : 0;
    f->inode = f->is_there ? st.st_ino : 0;
}

static void trouble(struct folder *f, int errno_value)
{
    f->is_polled = true;
    take_identity(f);
    (void)err_errno(&f->trouble, errno_value, "watch %s", f->path);
    if (errno_value == ENOSPC || errno_value == EMFILE) {
        (void)err_hint(&f->trouble, "raise the sysctl fs.inotify.%s",
                       errno_value == ENOSPC ? "max_user_watches" : "max_user_instances");
    }
}

/* The folder above `path`; false: there is none. */
static bool cut_parent(struct str path, struct str *ret)
{
    struct str head = STR_NONE;
    struct str name = STR_NONE;
    path = str_trim_end(path, '/');
    if (path.len == 0 || str_eq(path, STR("."))) {
        return false;
    }
    bool has_slash = str_cut_last(path, '/', &head, &name);
    *ret = !has_slash ? STR(".") : head.len == 0 ? STR("/") : head;
    return true;
}

/* Watches the nearest folder above that is there; 0: it cannot be watched, and errno says why. */
static int watch_ancestor(const struct folder_watch *w, struct folder *f)
{
    char text[LIMIT_PATH_BYTES + 1];
    struct str path = str_from(f->path);
    while (cut_parent(path, &path)) {
        if (path.len >= sizeof(text)) {
            errno = ENAMETOOLONG;
            return 0;
        }
        memcpy(text, path.ptr, path.len);
        text[path.len] = '\0';
        int wd = watch(w, text, ANCESTOR_EVENTS);
        if (wd > 0) {
            bool is_prefix = str_starts(str_from(f->path), path);
            f->ancestor_len = is_prefix ? path.len : 0;
            return wd;
        }
        if (!is_absence(errno)) {
            return 0;
        }
    }
    return 0;
}

/* Watches the folder, or where it will come. */
static void settle(struct folder_watch *w, struct folder *f)
{
    f->trouble = (struct err){0};
    f->is_polled = false;
    for (int i = 0; i < SETTLE_TRIES; i++) {
        int wd = watch(w, f->path, ENTRY_EVENTS | SELF_EVENTS);
        int reason = errno;
        replace(w, &f->wd, wd > 0 ? wd : 0);
        if (wd > 0) {
            replace(w, &f->ancestor_wd, 0);
            take_identity(f);
            f->is_polled = is_silent(f->path);
            return;
        }
        int before = f->ancestor_wd;
        int above = is_absence(reason) ? watch_ancestor(w, f) : 0;
        reason = is_absence(reason) ? errno : reason;
        replace(w, &f->ancestor_wd, above);
        if (above == 0) {
            trouble(f, reason);
            return;
        }
        if (above == before) { /* watched since before we looked: nothing came in between */
            take_identity(f);
            return;
        }
    }
}

static void say_lost(struct folder *f)
{
    f->checks = 0;
    f->on_lost(f->ctx);
}

/* --- events --- */

/* The part of the path below the ancestor that is there. */
static bool is_next_part(const struct folder *f, struct str name)
{
    struct str part = STR_NONE;
    struct str rest = STR_NONE;
    struct str path = str_from(f->path);
    path = str_slice(path, f->ancestor_len, path.len);
    while (str_starts(path, STR("/"))) {
        path = str_slice(path, 1, path.len);
    }
    (void)str_cut(path, '/', &part, &rest);
    return str_eq(part, name);
}

static void tell_folder(struct folder_watch *w, struct folder *f, const struct inotify_event *event,
                        struct str name)
{
    bool is_end = (event->mask & END_EVENTS) != 0;
    if ((event->mask & IN_Q_OVERFLOW) != 0 || (f->wd == event->wd && is_end)) {
        settle(w, f);
        say_lost(f);
    } else if (f->wd == event->wd && name.len > 0) {
        enum folder_event what = FOLDER_ENTRY_CHANGED;
        if ((event->mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
            what = FOLDER_ENTRY_GONE;
        } else if ((event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) {
            what = FOLDER_ENTRY_WHOLE;
        }
        f->on_entry(f->ctx, name, what);
    } else if (f->ancestor_wd == event->wd && (is_end || is_next_part(f, name))) {
        settle(w, f);
        if (f->is_there) {
            say_lost(f);
        }
    }
}

static void on_events(void *ctx, unsigned events)
{
    (void)events;
    struct folder_watch *w = ctx;
    _Alignas(struct inotify_event) char bytes[16 << 10];
    ssize_t len = read(w->source.fd, bytes, sizeof(bytes));
    for (size_t at = 0; len > 0 && at < (size_t)len;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)&bytes[at];
        struct str name = {event->name, event->len == 0 ? 0 : strnlen(event->name, event->len)};
        for (struct folder *f = w->folders; f != NULL; f = f->next) {
            tell_folder(w, f, event, name);
        }
        at += sizeof(*event) + event->len;
    }
}

/* --- what events do not tell --- */

static bool is_as_watched(const struct folder *f)
{
    struct stat st;
    bool is_there = stat(f->path, &st) == 0 && S_ISDIR(st.st_mode);
    if (!is_there || !f->is_there) {
        return is_there == f->is_there;
    }
    return st.st_dev == f->device && st.st_ino == f->inode;
}

static void on_check(void *ctx)
{
    struct folder_watch *w = ctx;
    for (struct folder *f = w->folders; f != NULL; f = f->next) {
        f->checks++;
        if (!is_as_watched(f) || (f->is_polled && f->checks >= FOLDER_POLL_CHECKS)) {
            settle(w, f);
            say_lost(f);
        }
    }
    loop_timer_arm_in(w->loop, &w->check, FOLDER_CHECK_NS);
}

/* --- life --- */

bool folder_watch_open(struct folder_watch **ret, struct loop *loop, struct err *err)
{
    struct folder_watch *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return err_set(err, ERR_NO_MEMORY, "watch folders: out of memory");
    }
    w->loop = loop;
    w->check = (struct loop_timer){.on_due = on_check, .ctx = w};
    w->source = (struct loop_fd){
        .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), .on_ready = on_events, .ctx = w};
    if (w->source.fd >= 0 && !loop_fd_watch(loop, &w->source, LOOP_READ, err)) {
        folder_watch_close(w);
        return false;
    }
    *ret = w;
    return true;
}

void folder_watch_close(struct folder_watch *w)
{
    if (w == NULL) {
        return;
    }
    while (w->folders != NULL) {
        folder_watch_remove(w, w->folders);
    }
    loop_fd_remove(w->loop, &w->source);
    if (w->source.fd >= 0) {
        (void)close(w->source.fd);
    }
    free(w);
}

void folder_watch_add(struct folder_watch *w, struct folder *folder)
{
    folder->wd = folder->ancestor_wd = 0;
    folder->checks = 0;
    folder->next = w->folders;
    w->folders = folder;
    settle(w, folder);
    if (w->check.heap_index == 0) {
        loop_timer_arm_in(w->loop, &w->check, FOLDER_CHECK_NS);
    }
}

void folder_watch_remove(struct folder_watch *w, struct folder *folder)
{
    struct folder **at = &w->folders;
    while (*at != NULL && *at != folder) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return;
    }
    *at = folder->next;
    replace(w, &folder->wd, 0);
    replace(w, &folder->ancestor_wd, 0);
    if (w->folders == NULL) {
        loop_timer_disarm(w->loop, &w->check);
    }
}
