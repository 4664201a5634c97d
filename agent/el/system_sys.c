/* What a board has: file systems, disks, temperatures, flash wear. */
#include "agent/el/system_sample.h"

#include "common/base/limits.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* --- folders of /sys ------------------------------------------------------------------------- */

enum { ENTRIES_MAX = 512 };

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Calls `each` for the entries of a folder below /sys, in the order of their numbers. */
static void each_entry(struct sample *s, const char *folder, const char *start,
                       void (*each)(struct sample *s, struct str name))
{
    char path[LIMIT_PATH_BYTES + 1];
    struct dirent **entries = NULL;
    int len = snprintf(path, sizeof(path), "%s/%s", s->sys, folder);
    int count =
        len > 0 && (size_t)len < sizeof(path) ? scandir(path, &entries, is_visible, by_name) : -1;
    for (int i = 0; i < count; i++) {
        struct str name = str_from(entries[i]->d_name);
        if (i < ENTRIES_MAX && str_starts(name, str_from(start))) {
            each(s, name);
        }
        free(entries[i]);
    }
    free(entries);
}

/* --- file systems ---------------------------------------------------------------------------- */

enum { MOUNTS_MAX = 128 };

struct mount {
    struct str device;
    struct str point;
    struct str type;
};

/* Local file systems that can fill up. Not those of the network, whose server may be away: asking
 * would hang; not images, which are full by nature. */
static bool is_wanted(const struct mount *m)
{
    if (str_starts(m->point, STR("/sys/"))) {
        return false; /* folders of the kernel's, which nobody fills */
    }
    static const char *const types[] = {"tmpfs", "ubifs", "jffs2", "zfs", NULL};
    static const char *const images[] = {"squashfs", "erofs", "iso9660", "cramfs", NULL};
    for (size_t i = 0; images[i] != NULL; i++) {
        if (str_eq(m->type, str_from(images[i]))) {
            return false;
        }
    }
    for (size_t i = 0; types[i] != NULL; i++) {
        if (str_eq(m->type, str_from(types[i]))) {
            return true;
        }
    }
    /* Of the root, a container's or a board's over a read-only image. */
    bool is_root = str_eq(m->point, STR("/")) && str_eq(m->type, STR("overlay"));
    return is_root || str_starts(m->device, STR("/dev/"));
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Space, tab, line end and backslash stand there as \040 and the like. */
static const char *unescape(struct sample *s, struct str text)
{
    char *to = arena_alloc(s->arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; to != NULL && i < text.len; len++) {
        const char *c = text.ptr + i;
        if (*c == '\\' && text.len - i >= 4 && is_octal(c[1]) && is_octal(c[2]) && is_octal(c[3])) {
            unsigned octal =
                (unsigned)(c[1] - '0') * 64 + (unsigned)(c[2] - '0') * 8 + (unsigned)(c[3] - '0');
            to[len] = (char)(octal & 0xffU);
            i += 4;
        } else {
            to[len] = *c;
            i++;
        }
    }
    return to;
}

static void add_filesystem(struct sample *s, const char *point)
{
    struct statvfs v;
    struct str label = str_from(point);
    if (statvfs(point, &v) != 0 || v.f_blocks == 0) {
        return;
    }
    double block = (double)v.f_frsize;
    sample_add(s, "filesystem_total", label, (double)v.f_blocks * block, "bytes");
    sample_add(s, "filesystem_available", label, (double)v.f_bavail * block, "bytes");
    sample_add(s, "filesystem_used", label, (double)(v.f_blocks - v.f_bfree) * block, "bytes");
    if (v.f_files > 0) { /* 0: made as needed (btrfs) */
        sample_add(s, "filesystem_inodes_total", label, (double)v.f_files, "inodes");
        sample_add(s, "filesystem_inodes_free", label, (double)v.f_ffree, "inodes");
    }
    sample_add(s, "filesystem_read_only", label, (v.f_flag & ST_RDONLY) != 0 ? 1 : 0, "boolean");
}

void sample_filesystems(struct sample *s)
{
    dev_t seen[MOUNTS_MAX];
    size_t count = 0;
    struct str text;
    struct str line;
    if (!sample_file(s, &text, "%s/mounts", s->proc)) {
        return;
    }
    while (text.len > 0 && count < MOUNTS_MAX) {
        (void)str_cut(text, '\n', &line, &text);
        struct mount m;
        struct stat st;
        if (!sample_word(&line, &m.device) || !sample_word(&line, &m.point) ||
            !sample_word(&line, &m.type) || !is_wanted(&m)) {
            continue;
        }
        const char *point = unescape(s, m.point);
        if (point == NULL || stat(point, &st) != 0) {
            continue;
        }
        /* The same one at several places: its first. */
        bool is_again = false;
        for (size_t i = 0; i < count; i++) {
            is_again = is_again || seen[i] == st.st_dev;
        }
        if (!is_again) {
            seen[count++] = st.st_dev;
            add_filesystem(s, point);
        }
    }
}

/* --- disks ----------------------------------------------------------------------------------- */

enum { SECTOR_BYTES = 512, DISK_COLUMNS = 10 }; /* whatever the disk's own sector is */

/* Documentation/admin-guide/iostats.rst of the kernel. */
static void add_disk(struct sample *s, struct str name, struct str counters)
{
    int64_t v[DISK_COLUMNS];
    for (size_t i = 0; i < DISK_COLUMNS; i++) {
        if (!sample_word_number(&counters, &v[i])) {
            return;
        }
    }
    if (v[0] + v[4] == 0) {
        return; /* a loop device that is not set up, and the like */
    }
    sample_add(s, "disk_reads", name, (double)v[0], "requests");
    sample_add(s, "disk_read_bytes", name, (double)v[2] * SECTOR_BYTES, "bytes");
    sample_add(s, "disk_writes", name, (double)v[4], "requests");
    sample_add(s, "disk_written_bytes", name, (double)v[6] * SECTOR_BYTES, "bytes");
    sample_add(s, "disk_busy", name, (double)v[9] / 1000, "seconds");
}

/* Whole disks: /sys/block has no partitions. */
static bool is_disk(const struct sample *s, struct str name)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct stat st;
    int len = snprintf(path, sizeof(path), "%s/block/" STR_FMT, s->sys, STR_ARG(name));
    return len > 0 && (size_t)len < sizeof(path) && stat(path, &st) == 0;
}

void sample_disks(struct sample *s)
{
    struct str text;
    struct str line;
    if (!sample_file(s, &text, "%s/diskstats", s->proc)) {
        return;
    }
    while (text.len > 0) {
        (void)str_cut(text, '\n', &line, &text);
        struct str major;
        struct str minor;
        struct str name;
        if (sample_word(&line, &major) && sample_word(&line, &minor) && sample_word(&line, &name) &&
            is_disk(s, name)) {
            add_disk(s, name, line);
        }
    }
}

/* --- temperatures ---------------------------------------------------------------------------- */

static void add_temperature(struct sample *s, struct str label, int64_t millidegrees)
{
    sample_add(s, "temperature", label, (double)millidegrees / 1000, "celsius");
}

static struct str copy_trimmed(struct sample *s, struct str text)
{
    struct str copy = arena_copy(s->arena, str_trim(text));
    return copy.ptr == NULL ? STR("") : copy;
}

static void add_zone(struct sample *s, struct str zone)
{
    struct str type;
    int64_t value = 0;
    struct str label = zone;
    if (sample_file(s, &type, "%s/class/thermal/" STR_FMT "/type", s->sys, STR_ARG(zone)) &&
        str_trim(type).len > 0) {
        label = copy_trimmed(s, type);
    }
    if (sample_number(s, &value, "%s/class/thermal/" STR_FMT "/temp", s->sys, STR_ARG(zone))) {
        add_temperature(s, label, value);
    }
}

enum { SENSORS_MAX = 64 };

/* Numbers of hwmon folders change from start to start: the chip's name and the sensor's are the
 * label. */
static void add_chip(struct sample *s, struct str chip)
{
    struct str text;
    if (!sample_file(s, &text, "%s/class/hwmon/" STR_FMT "/name", s->sys, STR_ARG(chip))) {
        return;
    }
    struct str name = copy_trimmed(s, text);
    for (int i = 1; i <= SENSORS_MAX; i++) {
        int64_t value = 0;
        if (!sample_number(s, &value, "%s/class/hwmon/" STR_FMT "/temp%d_input", s->sys,
                           STR_ARG(chip), i)) {
            continue;
        }
        struct str label = STR("");
        if (sample_file(s, &text, "%s/class/hwmon/" STR_FMT "/temp%d_label", s->sys, STR_ARG(chip),
                        i)) {
            label = copy_trimmed(s, text);
        }
        label = label.len > 0
                    ? arena_printf(s->arena, STR_FMT "/" STR_FMT, STR_ARG(name), STR_ARG(label))
                    : arena_printf(s->arena, STR_FMT "/temp%d", STR_ARG(name), i);
        add_temperature(s, label, value);
    }
}

void sample_temperatures(struct sample *s)
{
    each_entry(s, "class/thermal", "thermal_zone", add_zone);
    each_entry(s, "class/hwmon", "hwmon", add_chip);
}

/* --- flash wear ------------------------------------------------------------------------------ */

enum { WEAR_STEP_PERCENT = 10, WEAR_STEPS = 11, PRE_EOL_MAX = 3 };

/* A byte as the kernel prints these: "0x0b". */
static bool hex_word(struct str *line, int64_t *ret)
{
    struct str word;
    if (!sample_word(line, &word) || word.len != 4 || !str_starts(word, STR("0x"))) {
        return false;
    }
    int high = str_hex_digit(word.ptr[2]);
    int low = str_hex_digit(word.ptr[3]);
    *ret = high * 16 + low;
    return high >= 0 && low >= 0;
}

/* eMMC (JESD84-B51, 7.4.89 to 7.4.91): life used in steps of a tenth, one for each of two kinds of
 * memory; 11 = more than it was made for, 0 = not told. */
static void add_emmc(struct sample *s, struct str disk)
{
    static const char *const names[] = {"wear_life_used_a", "wear_life_used_b"};
    struct str text;
    int64_t value = 0;
    if (sample_file(s, &text, "%s/block/" STR_FMT "/device/life_time", s->sys, STR_ARG(disk))) {
        for (size_t i = 0; i < COUNT_OF(names) && hex_word(&text, &value); i++) {
            if (value >= 1 && value <= WEAR_STEPS) {
                sample_add(s, names[i], disk, (double)(value * WEAR_STEP_PERCENT), "percent");
            }
        }
    }
    if (sample_file(s, &text, "%s/block/" STR_FMT "/device/pre_eol_info", s->sys, STR_ARG(disk)) &&
        hex_word(&text, &value) && value >= 1 && value <= PRE_EOL_MAX) {
        sample_add(s, "wear_end_of_life", disk, (double)value, "level");
    }
}

/* Raw NAND under UBI: Documentation/ABI/stable/sysfs-class-ubi of the kernel. */
static void add_ubi(struct sample *s, struct str device)
{
    static const struct {
        const char *file;
        const char *name;
        const char *unit;
    } rows[] = {
        {"max_ec", "wear_erase_count", "erasures"},
        {"bad_peb_count", "wear_bad_blocks", "blocks"},
        {"reserved_for_bad", "wear_spare_blocks", "blocks"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t value = 0;
        if (sample_number(s, &value, "%s/class/ubi/" STR_FMT "/%s", s->sys, STR_ARG(device),
                          rows[i].file)) {
            sample_add(s, rows[i].name, device, (double)value, rows[i].unit);
        }
    }
}

void sample_wear(struct sample *s)
{
    each_entry(s, "block", "mmcblk", add_emmc);
    each_entry(s, "class/ubi", "ubi", add_ubi);
}
