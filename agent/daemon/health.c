#include "agent/daemon/health.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define EVERY_NS (3600 * NS_PER_SEC)
enum { MEMBERS_BYTES_MAX = 4096, FLASH_DEVICES_MAX = 4 };

bool health_is_due(const struct health *h, struct mono_time now)
{
    return !h->is_telling && (h->told.ns == 0 || now.ns - h->told.ns >= EVERY_NS);
}

static void write_disk(const struct health *h, struct json_writer *w)
{
    struct statvfs disk;
    if (statvfs(h->state_dir, &disk) == 0) {
        int64_t unit = (int64_t)disk.f_frsize;
        jw_member_i64(w, "disk_total_bytes", (int64_t)disk.f_blocks * unit);
        jw_member_i64(w, "disk_free_bytes", (int64_t)disk.f_bavail * unit);
    }
}

static int64_t size_of(const char *state_dir, const char *name)
{
    char path[LIMIT_PATH_BYTES + 40];
    struct stat info;
    (void)snprintf(path, sizeof(path), "%s/%s", state_dir, name);
    return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

/* eMMC tells its wear in tenths: "0x02 0x01" are 20 and 10 % of the two kinds of cells; 0 is unknown
 * and 0x0b beyond its life. The worst counts. */
static int64_t hex_digits(struct str word)
{
    int64_t value = 0;
    bool is_hex = str_starts(word, STR("0x")) && word.len <= 6;
    for (size_t i = 2; is_hex && i < word.len; i++) {
        int digit = str_hex_digit(word.ptr[i]);
        is_hex = digit >= 0;
        value = 16 * value + digit;
    }
    return is_hex ? value : 0;
}

static int64_t read_wear(const char *path)
{
    AUTO(buf) text = buf_growing(256);
    struct err err;
    struct str first;
    struct str second;
    if (!files_read(path, &text, &err)) {
        return 0;
    }
    (void)str_cut(str_trim(buf_str(&text)), ' ', &first, &second);
    int64_t a = hex_digits(first);
    int64_t b = hex_digits(second);
    return a > b ? a : b;
}

static void write_flash(const struct health *h, struct json_writer *w)
{
    int64_t worst = 0;
    int64_t end = 0;
    for (int i = 0; i < FLASH_DEVICES_MAX; i++) {
        char path[LIMIT_PATH_BYTES + 1];
        (void)snprintf(path, sizeof(path), "%s/block/mmcblk%d/device/life_time", h->sys_dir, i);
        int64_t wear = read_wear(path);
        (void)snprintf(path, sizeof(path), "%s/block/mmcblk%d/device/pre_eol_info", h->sys_dir, i);
        int64_t eol = read_wear(path);
        worst = wear > worst ? wear : worst;
        end = eol > end ? eol : end;
    }
    if (worst > 0) {
        jw_member_i64(w, "flash_used_percent", worst > 10 ? 100 : worst * 10);
    }
    if (end > 0) { /* 1 normal, 2 80 % of the reserve is used, 3 nearly all */
        jw_member_i64(w, "flash_pre_eol", end);
    }
}

static bool write_members(const struct health *h, struct store *store, const struct err *refused,
                          struct buf *out, struct err *err)
{
    struct store_position position;
    struct json_writer w = json_writer(out);
    if (!store_position(store, &position, err)) {
        return false;
    }
    write_disk(h, &w);
    write_flash(h, &w);
    jw_member_i64(&w, "database_bytes",
                  size_of(h->state_dir, "agent.db") + size_of(h->state_dir, "agent.db-wal"));
    jw_member_i64(&w, "buffer_events", position.waiting_events);
    jw_member_i64(&w, "buffer_bytes", position.waiting_bytes);
    jw_member_i64(&w, "buffer_quota_bytes", h->buffer_quota);
    jw_member_bool(&w, "clock_synchronized", clock_is_synced());
    if (refused != NULL) {
        jw_member_str(&w, "definitions_refused",
                      str_clip(str_from(refused->msg), HEALTH_REASON_BYTES_MAX));
    }
    return true;
}

bool health_tell(struct health *h, struct store *store, struct mono_time now, struct wall_time at,
                 const struct err *refused, struct err *err)
{
    AUTO(buf) members = buf_growing(MEMBERS_BYTES_MAX);
    if (h->is_telling || !write_members(h, store, refused, &members, err)) {
        return h->is_telling;
    }
    const struct record record = {
        .type = EVENT_DEVICE_HEALTH, .at = at, .members = buf_str(&members)};
    h->told = now;
    h->is_telling = true; /* writing it is something that was recorded, too */
    bool ok = store_record(store, &record, err) && store_flush(store, at, err);
    h->is_telling = false;
    return ok;
}
