/* sensors_files.c - sensors for files that come and change.
 *
 * DESIGN. Three ways lead to agent/sense/arrivals: events of the folder, a scan of it (at the start,
 * and whenever events may have been missed), and a second look when a file has been as it is for
 * long enough. A scan goes on in small steps and stands still while there is no room; a file that
 * had its run is known by its run key, so that a scan of many old files costs a lookup each and no
 * memory. */
#include "agent/daemon/file_pattern.h"
#include "agent/daemon/sensors_internal.h"
#include "agent/store/sensors.h"
#include "common/log/log.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCAN_STEP = 128 /* entries in one turn */ };

struct finder {
    struct sensor_slot *slot;
    struct arrivals arrivals;
    struct folder folder;
    struct file_pattern pattern;
    DIR *scan;       /* NULL: none is going on */
    bool scan_again; /* once it is over: something may have been missed */
    struct loop_task scan_task;
    /* of the cause at hand */
    char name[ARRIVAL_NAME_MAX + 1];
    char path[FILE_PATH_SIZE];
    char run_key[FILE_PATH_SIZE + 64];
    struct str key, value;
};

/* --- the folder --- */

static void see(struct finder *f, struct str name, bool may_be_gone)
{
    struct file_facts facts;
    if (!file_pattern_path(&f->pattern, name, f->path)) {
        return;
    }
    if (file_pattern_look(&f->pattern, f->path, &facts)) {
        arrivals_seen(&f->arrivals, name, &facts, sensor_now(f->slot));
    } else if (may_be_gone) {
        arrivals_gone(&f->arrivals, name);
    }
}

static void begin_scan(struct finder *f)
{
    if (f->scan != NULL) {
        f->scan_again = true;
        return;
    }
    f->scan = opendir(f->pattern.dir);
    f->scan_again = false;
    f->arrivals.has_missed = false;
    struct err err = {0};
    bool is_absent = f->scan == NULL && (errno == ENOENT || errno == ENOTDIR);
    if (f->scan == NULL && !is_absent) {
        (void)err_errno(&err, errno, "read %s", f->pattern.dir);
        sensor_set_trouble(f->slot, &err);
    } else if (f->folder.trouble.code != ERR_NONE) {
        sensor_set_trouble(f->slot, &f->folder.trouble);
    } else if (f->scan != NULL) {
        sensor_clear_trouble(f->slot);
    }
    if (f->scan != NULL) {
        loop_defer(f->slot->all->options.loop, &f->scan_task);
    }
}

static void end_scan(struct finder *f)
{
    (void)closedir(f->scan);
    f->scan = NULL;
    if (f->scan_again) {
        begin_scan(f);
    }
}

/* A file that had its run is not looked at again and again. When the database cannot say, it is
 * seen, and asked for later. */
static bool is_done(struct finder *f, const struct file_facts *facts)
{
    char run[UUID_TEXT_SIZE];
    bool found = false;
    struct err err = {0};
    struct buf key = buf_fixed(f->run_key, sizeof(f->run_key));
    arrival_run_key(&key, str_from(f->path), facts);
    return store_run_of_key(f->slot->all->options.store, f->slot->def->name, buf_str(&key), run,
                            &found, &err) &&
           found;
}

static void scan_entry(struct finder *f, const char *entry)
{
    struct str name = str_from(entry);
    struct file_facts facts;
    if (!file_pattern_matches(&f->pattern, name) ||
        !file_pattern_path(&f->pattern, name, f->path) ||
        !file_pattern_look(&f->pattern, f->path, &facts) || is_done(f, &facts)) {
        return;
    }
    arrivals_seen(&f->arrivals, name, &facts, sensor_now(f->slot));
}

static void scan_on(void *ctx)
{
    struct finder *f = ctx;
    for (int i = 0; i < SCAN_STEP; i++) {
        if (!arrivals_has_room(&f->arrivals)) {
            break; /* goes on when one is done */
        }
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of one thread's own */
        const struct dirent *entry = readdir(f->scan);
        if (entry == NULL) {
            end_scan(f);
            break;
        }
        scan_entry(f, entry->d_name);
    }
    if (f->scan != NULL && arrivals_has_room(&f->arrivals)) {
        loop_defer(f->slot->all->options.loop, &f->scan_task);
    }
    sensors_wake(f->slot->all);
}

static void on_entry(void *ctx, struct str name, enum folder_event what)
{
    struct finder *f = ctx;
    /* Without a stable time only what says that it is whole counts. */
    bool is_early = what == FOLDER_ENTRY_CHANGED && f->arrivals.stable_ns == 0;
    if (file_pattern_matches(&f->pattern, name) && !is_early) {
        see(f, name, true);
        sensors_wake(f->slot->all);
    }
}

static void on_lost(void *ctx)
{
    begin_scan(ctx);
}

/* --- the source --- */

static bool finder_open(struct sensor_slot *slot, struct err *err)
{
    struct finder *f = calloc(1, sizeof(*f));
    struct sensor_env env;
    if (f == NULL) {
        return err_set(err, ERR_NO_MEMORY, "sensor " STR_FMT ": out of memory",
                       STR_ARG(slot->def->name));
    }
    f->slot = slot;
    sensor_get_env(slot, &env);
    if (!file_pattern_read(&f->pattern, slot->all->defs, slot->def, &env.lookup,
                           slot->has_cursor ? buf_str(&slot->cursor) : STR_NONE, err)) {
        free(f);
        return false;
    }
    f->arrivals.stable_ns = slot->def->stable_ns;
    f->scan_task = (struct loop_task){.run = scan_on, .ctx = f};
    f->folder =
        (struct folder){.path = f->pattern.dir, .on_entry = on_entry, .on_lost = on_lost, .ctx = f};
    slot->source_state = f;
    folder_watch_add(slot->all->folders, &f->folder);
    begin_scan(f);
    return true;
}

static void finder_close(struct sensor_slot *slot)
{
    struct finder *f = slot->source_state;
    folder_watch_remove(slot->all->folders, &f->folder);
    loop_defer_cancel(slot->all->options.loop, &f->scan_task);
    if (f->scan != NULL) {
        (void)closedir(f->scan);
    }
    free(f);
    slot->source_state = NULL;
    slot->trouble = (struct err){0};
}

/* Another look at those that have been as they are for long enough. */
static void look_at_due(struct finder *f)
{
    struct mono_time now = sensor_now(f->slot);
    struct str due = STR_NONE;
    for (int i = 0; i < ARRIVALS_MAX && arrivals_due(&f->arrivals, now, &due); i++) {
        struct file_facts facts;
        (void)snprintf(f->name, sizeof(f->name), STR_FMT, STR_ARG(due));
        bool is_there = file_pattern_path(&f->pattern, str_from(f->name), f->path) &&
                        file_pattern_look(&f->pattern, f->path, &facts);
        (void)arrivals_looked(&f->arrivals, str_from(f->name), is_there ? &facts : NULL, now);
    }
}

static void go_on(struct finder *f)
{
    if (f->scan == NULL && f->arrivals.has_missed) {
        begin_scan(f);
    } else if (f->scan != NULL && arrivals_has_room(&f->arrivals)) {
        loop_defer(f->slot->all->options.loop, &f->scan_task);
    }
}

static void pass_over(struct finder *f, const char *why)
{
    LOG(WARN, "sensor.file_passed_over", F_S("sensor", f->slot->def->name),
        F_T("folder", f->pattern.dir), F_T("reason", why));
    arrivals_gone(&f->arrivals, str_from(f->name));
}

/* The oldest of those that are stable, as it is now: it may have waited for long. */
static bool take_next(struct finder *f)
{
    const struct arrival *next = NULL;
    while ((next = arrivals_next(&f->arrivals)) != NULL) {
        struct file_facts facts;
        (void)snprintf(f->name, sizeof(f->name), STR_FMT, STR_ARG(arrival_name(next)));
        struct str name = str_from(f->name);
        if (!str_is_utf8(name)) {
            pass_over(f, "its name is not UTF-8");
            continue;
        }
        bool is_there = file_pattern_path(&f->pattern, name, f->path) &&
                        file_pattern_look(&f->pattern, f->path, &facts);
        if (arrivals_looked(&f->arrivals, name, is_there ? &facts : NULL, sensor_now(f->slot))) {
            struct buf key = buf_fixed(f->run_key, sizeof(f->run_key));
            arrival_run_key(&key, str_from(f->path), &facts);
            (void)buf_cstr(&key);
            return true;
        }
    }
    return false;
}

static bool finder_next(struct sensor_slot *slot, struct cause *ret)
{
    struct finder *f = slot->source_state;
    look_at_due(f);
    bool has_one = pace_is_due(&slot->pace, sensor_now(slot)) && take_next(f);
    if (!has_one) {
        go_on(f);
        return false;
    }
    f->key = STR("selvedge/file");
    f->value = str_from(f->path);
    ret->run_key = str_from(f->run_key);
    ret->tags = (struct str_map){&f->key, &f->value, 1};
    return true;
}

static void finder_decided(struct sensor_slot *slot, enum verdict verdict)
{
    struct finder *f = slot->source_state;
    if (verdict == VERDICT_REFUSED) { /* it stays, and is tried again */
        pace_failed(&slot->pace, sensor_now(slot), rng_u64(slot->all->options.rng));
        return;
    }
    if (verdict == VERDICT_STARTED) {
        pace_ticked(&slot->pace, sensor_now(slot));
    }
    arrivals_gone(&f->arrivals, str_from(f->name));
    go_on(f);
}

static struct mono_time finder_wake(const struct sensor_slot *slot)
{
    const struct finder *f = slot->source_state;
    struct mono_time wake = arrivals_wake(&f->arrivals);
    if (arrivals_next(&f->arrivals) != NULL && slot->pace.next.ns < wake.ns) {
        wake = slot->pace.next;
    }
    return wake;
}

static void finder_describe(const struct sensor_slot *slot, struct json_writer *w)
{
    const struct finder *f = slot->source_state;
    jw_member_str(w, "folder", str_from(f->pattern.dir));
    jw_member_str(w, "watch",
                  !f->folder.is_there   ? STR("not there yet")
                  : f->folder.is_polled ? STR("polled")
                                        : STR("events"));
    jw_member_i64(w, "files_waiting", (int64_t)f->arrivals.count);
    jw_member_bool(w, "is_scanning", f->scan != NULL);
}

const struct sensor_source sensor_files = {.open = finder_open,
                                           .close = finder_close,
                                           .next = finder_next,
                                           .decided = finder_decided,
                                           .wake = finder_wake,
                                           .describe = finder_describe};
