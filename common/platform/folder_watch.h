/* folder_watch.h - what happens to the entries of folders, also of folders that are not there yet.
 *
 * DESIGN. inotify watches an inode, not a path: of a folder that is not there its nearest ancestor
 * is watched until it is. It tells nothing of what is mounted over a folder, nothing of what other
 * hosts do to a network's file system, and it drops events that come too fast. So each path is
 * looked at every FOLDER_CHECK_NS, whether it still is the folder that is watched; and a folder of
 * which inotify tells nothing (or which could not be watched) is said to be lost again and again:
 * then its owner looks at all of it, as after every other gap. Events are hints, never facts. */
#pragma once
#include "common/platform/loop.h"
#include <sys/types.h>

#define FOLDER_CHECK_NS (10 * NS_PER_SEC)
enum { FOLDER_POLL_CHECKS = 3 /* a folder without events is lost at each third check */ };

enum folder_event {
    FOLDER_ENTRY_CHANGED, /* made, written to, touched: there may be more to come */
    FOLDER_ENTRY_WHOLE,   /* closed after writing, or moved to here */
    FOLDER_ENTRY_GONE,
};

struct folder_watch;
/* In its owner's memory. Zero-initialise it. */
struct folder {
    const char *path; /* borrowed as long as it is watched */
    /* Neither may add or remove folders. */
    void (*on_entry)(void *ctx, struct str name, enum folder_event what);
    /* Anything may have happened: it came, went, is another one, or events were lost. */
    void (*on_lost)(void *ctx);
    void *ctx;
    /* What follows is read by the owner at most. */
    bool is_there;
    bool is_polled;      /* no events come, for `trouble` or as the file system is */
    struct err trouble;  /* why it cannot be watched; code ERR_NONE = it can */
    int wd;              /* 0 = none, as inotify counts from 1 */
    int ancestor_wd;     /* of the nearest folder above that is there; 0 = none */
    size_t ancestor_len; /* of its path, as it begins `path` */
    dev_t device;
    ino_t inode;
    int checks; /* since it was last said to be lost */
    struct folder *next;
};

/* Where the host gives no inotify (too many are in use), all folders are polled. */
MUST_CHECK bool folder_watch_open(struct folder_watch **ret, struct loop *loop, struct err *err);
void folder_watch_close(struct folder_watch *w); /* NULL is allowed; forgets all folders */
/* Then look at all of it once: what was there before tells nothing of itself. */
void folder_watch_add(struct folder_watch *w, struct folder *folder);
void folder_watch_remove(struct folder_watch *w, struct folder *folder); /* idempotent */
