/* el_system_sample_test.c - agent/el/system_sample.h on trees of files made like /proc and /sys. */
#include "agent/el/system_sample.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

struct world {
    struct temp_dir dir;
    struct arena lasting;
    struct arena arena;
    struct sample sample;
};

static void world_init(struct world *w)
{
    *w = (struct world){
        .dir = temp_dir_new(), .lasting = arena_new(4 << 20), .arena = arena_new(4 << 20)};
    assert_true(sample_init(&w->sample, temp_dir_path(&w->dir, "proc"),
                            temp_dir_path(&w->dir, "sys"), &w->lasting, &w->arena));
}

static void world_release(struct world *w)
{
    sample_release(&w->sample);
    arena_release(&w->arena);
    arena_release(&w->lasting);
    temp_dir_release(&w->dir);
}

static void put(struct world *w, const char *name, const char *text)
{
    struct err err;
    const char *path = temp_dir_path(&w->dir, name);
    struct str folder;
    struct str file;
    assert_true(str_cut_last(str_from(path), '/', &folder, &file));
    assert_true(files_make_dirs(arena_cstr(&w->arena, folder), 0700, &err));
    assert_true(files_write(path, str_from(text), 0600, &err));
}

static const struct measurement *find(const struct world *w, const char *name, const char *label)
{
    for (size_t i = 0; i < w->sample.count; i++) {
        const struct measurement *m = &w->sample.measurements[i];
        if (str_eq(str_from(m->name), str_from(name)) && str_eq(m->label, str_from(label))) {
            return m;
        }
    }
    return NULL;
}

static void has(const struct world *w, const char *name, const char *label, double value)
{
    const struct measurement *m = find(w, name, label);
    if (m == NULL) {
        fail_msg("there is no %s of \"%s\"", name, label);
    } else if (m->value < value - 1e-6 || m->value > value + 1e-6) {
        fail_msg("%s of \"%s\" is %f, not %f", name, label, m->value, value);
    }
}

static void has_not(const struct world *w, const char *name, const char *label)
{
    if (find(w, name, label) != NULL) {
        fail_msg("there is a %s of \"%s\"", name, label);
    }
}

static struct mono_time at(int64_t seconds)
{
    return (struct mono_time){seconds * NS_PER_SEC};
}

static void the_processor_between_two_readings(void **state)
{
    (void)state;
    struct world w;
    struct cpu_ticks ticks = {0};
    world_init(&w);
    put(&w, "proc/loadavg", "0.50 1.25 12.00 3/151 458\n");
    put(&w, "proc/stat", "cpu  100 0 50 800 20 1 2 3 9 9\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 5 5\n");
    sample_cpu(&w.sample, &ticks, at(10));
    has(&w, "cpu_count", "", 2);
    has(&w, "load_1m", "", 0.5);
    has(&w, "load_15m", "", 12);
    w.sample.count = 0;
    /* 200 ticks: 50 user, 20 system, 100 idle, 30 iowait; softirq went back, which is no time */
    put(&w, "proc/stat", "cpu  150 0 70 900 50 1 1 3 9 9\n");
    sample_cpu(&w.sample, &ticks, at(12));
    has(&w, "cpu_user", "", 25);
    has(&w, "cpu_nice", "", 0);
    has(&w, "cpu_system", "", 10);
    has(&w, "cpu_idle", "", 50);
    has(&w, "cpu_iowait", "", 15);
    has(&w, "cpu_softirq", "", 0);
    has(&w, "cpu_used", "", 35);
    has(&w, "cpu_interval", "", 2);
    w.sample.count = 0;
    sample_cpu(&w.sample, &ticks, at(12));
    has_not(&w, "cpu_used", "");
    world_release(&w);
}

static void an_old_kernel_has_four_modes(void **state)
{
    (void)state;
    struct world w;
    struct cpu_ticks ticks = {0};
    world_init(&w);
    put(&w, "proc/stat", "cpu 10 0 10 80\n");
    sample_cpu(&w.sample, &ticks, at(1));
    has(&w, "cpu_idle", "", 80);
    has(&w, "cpu_steal", "", 0);
    world_release(&w);
}

static void memory(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, "proc/meminfo",
        "MemTotal:        1000 kB\nMemFree:  100 kB\nMemAvailable:     400 kB\nBuffers:   5 kB\n"
        "SwapTotal:        200 kB\nSwapFree:          50 kB\nHugePages_Total:       0\n");
    sample_memory(&w.sample);
    has(&w, "memory_total", "", 1024000);
    has(&w, "memory_free", "", 102400);
    has(&w, "memory_available", "", 409600);
    has(&w, "memory_used", "", 614400);
    has(&w, "swap_total", "", 204800);
    has(&w, "swap_used", "", 153600);
    assert_int_equal(w.sample.count, 6);
    assert_string_equal(find(&w, "swap_used", "")->unit, "bytes");
    w.sample.count = 0;
    put(&w, "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: many kB\nSwapFree: 7\n");
    sample_memory(&w.sample);
    assert_int_equal(w.sample.count, 1);
    world_release(&w);
}

static void interfaces(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, "proc/net/dev",
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
        "    lo: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n"
        "  eth0: 1000 10 1 2 0 0 0 3 2000 20 4 5 0 0 0 0\n"
        "eth0:1:7 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n" /* an alias, and no space behind the colon */
        "  wwan0: 5 5 5\n"
        "  tun0: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"
        "  usb0: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n");
    put(&w, "sys/class/net/eth0/operstate", "up\n");
    put(&w, "sys/class/net/tun0/operstate", "unknown\n");
    put(&w, "sys/class/net/tun0/carrier", "1\n");
    put(&w, "sys/class/net/usb0/operstate", "lowerlayerdown\n");
    sample_network(&w.sample);
    has(&w, "network_received_bytes", "eth0", 1000);
    has(&w, "network_received_packets", "eth0", 10);
    has(&w, "network_received_errors", "eth0", 1);
    has(&w, "network_received_dropped", "eth0", 2);
    has(&w, "network_sent_bytes", "eth0", 2000);
    has(&w, "network_sent_packets", "eth0", 20);
    has(&w, "network_sent_errors", "eth0", 4);
    has(&w, "network_sent_dropped", "eth0", 5);
    has(&w, "network_received_packets", "eth0:1", 8);
    has_not(&w, "network_received_bytes", "lo");
    has_not(&w, "network_received_bytes", "wwan0");
    has(&w, "network_up", "eth0", 1);
    has(&w, "network_up", "tun0", 1);
    has(&w, "network_up", "usb0", 0);
    has_not(&w, "network_up", "eth0:1");
    world_release(&w);
}

static void file_systems(void **state)
{
    (void)state;
    struct world w;
    struct statvfs root;
    world_init(&w);
    put(&w, "here/a place/x", "");
    char mounts[512];
    const char *here = temp_dir_path(&w.dir, "here");
    (void)snprintf(mounts, sizeof(mounts),
                   "proc /proc proc rw 0 0\n"
                   "/dev/loop3 / squashfs ro 0 0\n"
                   "srv:/share / nfs4 rw 0 0\n"
                   "/dev/sda1 %s/a\\040place ext4 rw 0 0\n"
                   "/dev/sda1 %s ext4 rw 0 0\n" /* again */
                   "/dev/sdb1 /nowhere/at/all ext4 rw 0 0\n"
                   "short\n\n",
                   here, here);
    put(&w, "proc/mounts", mounts);
    sample_filesystems(&w.sample);
    char place[128];
    (void)snprintf(place, sizeof(place), "%s/a place", here);
    assert_int_equal(statvfs(place, &root), 0);
    has(&w, "filesystem_total", place, (double)root.f_blocks * (double)root.f_frsize);
    has(&w, "filesystem_read_only", place, 0);
    has_not(&w, "filesystem_total", here);
    has_not(&w, "filesystem_total", "/");
    const struct measurement *used = find(&w, "filesystem_used", place);
    const struct measurement *available = find(&w, "filesystem_available", place);
    assert_true(used != NULL && available != NULL && used->value > 0 && available->value >= 0);
    world_release(&w);
}

static void disks(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, "sys/block/mmcblk0/size", "1");
    put(&w, "sys/block/loop0/size", "1");
    put(&w, "proc/diskstats",
        " 179 0 mmcblk0 7 1 16 9 5 2 32 8 0 1500 17 0 0 0 0\n"
        " 179 1 mmcblk0p1 6 1 16 9 5 2 32 8 0 1500 17\n"
        "   7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n"
        "   8 0 sda\n"
        "nonsense\n");
    sample_disks(&w.sample);
    has(&w, "disk_reads", "mmcblk0", 7);
    has(&w, "disk_read_bytes", "mmcblk0", 8192);
    has(&w, "disk_writes", "mmcblk0", 5);
    has(&w, "disk_written_bytes", "mmcblk0", 16384);
    has(&w, "disk_busy", "mmcblk0", 1.5);
    assert_int_equal(w.sample.count, 5);
    world_release(&w);
}

static void temperatures(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, "sys/class/thermal/thermal_zone0/type", "cpu-thermal\n");
    put(&w, "sys/class/thermal/thermal_zone0/temp", "48312\n");
    put(&w, "sys/class/thermal/thermal_zone1/type", "cpu-thermal\n");
    put(&w, "sys/class/thermal/thermal_zone1/temp", "-5000");
    put(&w, "sys/class/thermal/thermal_zone2/temp", "20000\n");
    put(&w, "sys/class/thermal/thermal_zone3/temp", "hot\n");
    put(&w, "sys/class/thermal/cooling_device0/temp", "1\n");
    put(&w, "sys/class/hwmon/hwmon4/name", "coretemp\n");
    put(&w, "sys/class/hwmon/hwmon4/temp1_input", "51000\n");
    put(&w, "sys/class/hwmon/hwmon4/temp1_label", "Core 0\n");
    put(&w, "sys/class/hwmon/hwmon4/temp3_input", "52500\n");
    put(&w, "sys/class/hwmon/hwmon5/temp1_input", "1\n");
    sample_temperatures(&w.sample);
    has(&w, "temperature", "cpu-thermal", 48.312);
    has(&w, "temperature", "cpu-thermal#2", -5);
    has(&w, "temperature", "thermal_zone2", 20);
    has(&w, "temperature", "coretemp/Core 0", 51);
    has(&w, "temperature", "coretemp/temp3", 52.5);
    assert_int_equal(w.sample.count, 5);
    world_release(&w);
}

static void flash_wear(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    put(&w, "sys/block/mmcblk0/device/life_time", "0x02 0x0B\n");
    put(&w, "sys/block/mmcblk0/device/pre_eol_info", "0x01\n");
    put(&w, "sys/block/mmcblk1/device/life_time", "0x00 0xfe\n"); /* not told, out of range */
    put(&w, "sys/block/mmcblk1/device/pre_eol_info", "one\n");
    put(&w, "sys/block/sda/device/life_time", "0x01 0x01\n");
    put(&w, "sys/class/ubi/ubi0/max_ec", "1234\n");
    put(&w, "sys/class/ubi/ubi0/bad_peb_count", "3\n");
    put(&w, "sys/class/ubi/ubi0_0/name", "rootfs\n");
    sample_wear(&w.sample);
    has(&w, "wear_life_used_a", "mmcblk0", 20);
    has(&w, "wear_life_used_b", "mmcblk0", 110);
    has(&w, "wear_end_of_life", "mmcblk0", 1);
    has(&w, "wear_erase_count", "ubi0", 1234);
    has(&w, "wear_bad_blocks", "ubi0", 3);
    assert_int_equal(w.sample.count, 5);
    world_release(&w);
}

static void the_clock(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    sample_clock(&w.sample, false);
    has(&w, "clock_synchronised", "", 0);
    assert_int_equal(w.sample.count, 1);
    put(&w, "proc/uptime", "17422.84 3340.60\n");
    sample_clock(&w.sample, true);
    has(&w, "uptime", "", 17422.84);
    world_release(&w);
}

static void take_all(struct world *w, struct cpu_ticks *ticks)
{
    sample_cpu(&w->sample, ticks, at(1));
    sample_memory(&w->sample);
    sample_network(&w->sample);
    sample_filesystems(&w->sample);
    sample_disks(&w->sample);
    sample_temperatures(&w->sample);
    sample_wear(&w->sample);
}

static void what_is_not_there_or_makes_no_sense_is_left_out(void **state)
{
    (void)state;
    static const char *const files[] = {
        "proc/stat",
        "proc/meminfo",
        "proc/net/dev",
        "proc/mounts",
        "proc/diskstats",
        "sys/class/thermal/thermal_zone0/temp",
        "sys/class/hwmon/hwmon0/name",
        "sys/class/hwmon/hwmon0/temp1_input",
        "sys/block/mmcblk0/device/life_time",
        "sys/block/mmcblk0/device/pre_eol_info",
        "sys/class/ubi/ubi0/max_ec",
    };
    static const char *const texts[] = {
        "",
        "\n",
        "cpu",
        "cpu  x y z",
        "cpu  -1 -2 -3 -4",
        "99999999999999999999 99999999999999999999 99999999999999999999\n",
        "\xff\xfe\x80:\xff \xff",
        ": : : :\n:\n",
        "0x",
        "0x 0xgg",
        "MemTotal:",
        "1 2 mmcblk0 -",
    };
    struct world w;
    struct cpu_ticks ticks = {0};
    world_init(&w);
    take_all(&w, &ticks);
    assert_int_equal(w.sample.count, 0);
    for (size_t t = 0; t < COUNT_OF(texts); t++) {
        for (size_t f = 0; f < COUNT_OF(files); f++) {
            put(&w, files[f], texts[t]);
        }
        take_all(&w, &ticks);
        if (w.sample.count != 0) {
            fail_msg("\"%s\" gives %s", texts[t], w.sample.measurements[0].name);
        }
    }
    static const char *const loads[] = {"", "nan 1 1", "x 1 1", "0x1 1 1", "inf"};
    for (size_t t = 0; t < COUNT_OF(loads); t++) {
        put(&w, "proc/loadavg", loads[t]);
        sample_cpu(&w.sample, &ticks, at(2));
        has_not(&w, "load_1m", "");
    }
    world_release(&w);
}

static void labels_are_text_and_unique(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    sample_add(&w.sample, "t", STR("a\x01\xff"), 1, "u");
    sample_add(&w.sample, "t", STR("a??"), 2, "u");
    sample_add(&w.sample, "t", STR("a??"), 3, "u");
    sample_add(&w.sample, "other", STR("a??"), 4, "u");
    has(&w, "t", "a??", 1);
    has(&w, "t", "a??#2", 2);
    has(&w, "t", "a??#3", 3);
    has(&w, "other", "a??", 4);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_processor_between_two_readings),
        cmocka_unit_test(an_old_kernel_has_four_modes),
        cmocka_unit_test(memory),
        cmocka_unit_test(interfaces),
        cmocka_unit_test(file_systems),
        cmocka_unit_test(disks),
        cmocka_unit_test(temperatures),
        cmocka_unit_test(flash_wear),
        cmocka_unit_test(the_clock),
        cmocka_unit_test(what_is_not_there_or_makes_no_sense_is_left_out),
        cmocka_unit_test(labels_are_text_and_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
