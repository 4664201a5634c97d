/* sensors_test.c - sensors with a real store, runner and files, and a told clock: killed at any turn,
 * and with any allocation of the database failing, each file has its run, once. Usually a sample of
 * turns and allocations; SELVEDGE_LONG takes every turn and many more allocations. */
#include "agent/daemon/sensors.h"

#include "agent/store/sensors.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fault_sqlite.h"
#include "tests/support/sample.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 3, TURNS_MAX = 3000, IDLE_TURNS = 30, KILLS = 40, STEP_MS = 50 };

/* Of the turns, and of some 5,000 allocations: a life of each takes a tenth of a second, most of it
 * waiting for the disk. */
enum { KILL_STRIDE = 13, KILL_STRIDE_LONG = 1, FAULT_STRIDE = 701, FAULT_STRIDE_LONG = 23 };

static const char definitions[] =
    "assets:\n  - {key: a, run: ['true']}\n  - {key: b, run: ['true']}\n"
    "jobs:\n  - {name: do, select: a}\n"
    "sensors:\n  - {name: files, watch: 'in/*.csv', job: do, stable: 100ms}\n"
    "  - {name: after, asset: a, select: b}\n";

static struct runner_world w;
static struct fake_clock times;
static struct sensors *sensors;

static void on_ended(void *ctx, const struct run_end *end)
{
    (void)ctx;
    (void)end;
    w.ended++;
    if (sensors != NULL) {
        sensors_run_ended(sensors);
    }
}

static void on_materialized(void *ctx, struct str asset, struct str run)
{
    (void)ctx;
    (void)run;
    if (sensors != NULL) {
        sensors_materialized(sensors, asset);
    }
}

static bool try_sensors(void)
{
    struct sensors_options options = {.loop = w.loop,
                                      .rng = &w.rng,
                                      .store = w.fixture.store,
                                      .runner = w.runner,
                                      .defs = w.loaded.defs,
                                      .env = &w.env,
                                      .state_dir = w.dir.path,
                                      .state_dir_abs = w.dir.path};
    if (!sensors_open(&sensors, &options, &w.err)) {
        sensors = NULL;
        return false;
    }
    sensors_start(sensors);
    return true;
}

static void start_sensors(void)
{
    runner_world_check(&w, try_sensors());
}

static void put(const char *name)
{
    int fd = open(temp_dir_path(&w.dir, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
}

static void begin(void)
{
    times = (struct fake_clock){.mono = {NS_PER_SEC}, .wall = {1800000000 * NS_PER_SEC}};
    runner_world_init_at(&w, definitions, fake_clock_port(&times));
    w.options.on_run_ended = on_ended;
    w.options.on_materialized = on_materialized;
    runner_world_reopen(&w);
    assert_int_equal(mkdir(temp_dir_path(&w.dir, "in"), 0755), 0);
    for (int i = 0; i < FILES; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "in/%d.csv", i);
        put(name);
    }
}

static void end(void)
{
    sensors_close(sensors);
    sensors = NULL;
    runner_world_release(&w);
}

static void turn(void)
{
    runner_world_check(&w, loop_turn(w.loop, NS_PER_MS, &w.err));
    fake_clock_advance(&times, STEP_MS * NS_PER_MS);
}

/* As if the agent had been killed: nothing that was not flushed is there. */
static void kill_and_start(void)
{
    sensors_close(sensors);
    sensors = NULL;
    runner_world_reopen(&w);
    start_sensors();
}

static bool has_run(int i)
{
    char path[128];
    char run[UUID_TEXT_SIZE];
    struct stat st;
    AUTO(buf) key = buf_growing(1024);
    bool found = false;
    (void)snprintf(path, sizeof(path), "%s/in/%d.csv", w.dir.path, i);
    assert_int_equal(stat(path, &st), 0);
    int64_t mtime_ns = st.st_mtim.tv_sec * NS_PER_SEC + st.st_mtim.tv_nsec;
    buf_addf(&key, "%s:%" PRId64 ":%" PRId64, path, mtime_ns, (int64_t)st.st_size);
    runner_world_check(
        &w, store_run_of_key(w.fixture.store, STR("files"), buf_str(&key), run, &found, &w.err));
    return found;
}

static int count_done(void)
{
    int done = 0;
    for (int i = 0; i < FILES; i++) {
        done += has_run(i);
    }
    return done;
}

static void say_what_they_do(void)
{
    static char bytes[4096];
    struct buf text = buf_fixed(bytes, sizeof(bytes));
    struct json_writer json = json_writer(&text);
    jw_begin_object(&json);
    sensors_write(sensors, &json);
    jw_end_object(&json);
    fail_msg("%d of %d files are done: %s", count_done(), FILES, buf_cstr(&text));
}

/* Until every file has its run, and some more, for what should not come. */
static void finish(void)
{
    for (int turns = 0; count_done() < FILES; turns++) {
        if (turns == TURNS_MAX) {
            say_what_they_do();
        }
        turn();
    }
    for (int idle = 0; idle < IDLE_TURNS || runner_active_runs(w.runner) > 0; idle++) {
        assert_true(idle < TURNS_MAX);
        turn();
    }
}

/* Ticks that started a run, by what the database has. */
static void expect_each_once(void)
{
    static const char tick[] = "\"type\":\"tick\"";
    int made = runner_world_events(&w, EVENT_ASSET_MATERIALIZATION, "a");
    int after = runner_world_lines(&w, tick, "\"sensor\":\"after\"", "");
    assert_int_equal(runner_world_lines(&w, tick, "\"sensor\":\"files\"", ""), FILES);
    assert_in_range(after, 1, made); /* several at once are one cause */
}

static void each_file_has_its_run(void **state)
{
    (void)state;
    begin();
    start_sensors();
    finish();
    expect_each_once();
    kill_and_start();
    finish();
    expect_each_once();
    end();
}

static void killed_at_any_turn(void **state)
{
    (void)state;
    for (int at = 0; at < KILLS; at += sample_stride(KILL_STRIDE, KILL_STRIDE_LONG)) {
        begin();
        start_sensors();
        for (int i = 0; i < at; i++) {
            turn();
        }
        kill_and_start();
        finish();
        expect_each_once();
        end();
    }
}

/* Whatever fails is tried again, and nothing is done twice. */
static bool with_fault(int nth)
{
    begin();
    fault_sqlite_arm(nth);
    bool ok = try_sensors();
    for (int i = 0; ok && i < IDLE_TURNS; i++) {
        turn();
    }
    bool fired = fault_sqlite_disarm();
    if (!ok) {
        assert_true(fired);
        assert_int_equal(w.err.code, ERR_NO_MEMORY);
        start_sensors();
    }
    finish();
    expect_each_once();
    end();
    return fired;
}

static void any_allocation_of_the_database_may_fail(void **state)
{
    (void)state;
    bool fired = true;
    for (int nth = 0; fired; nth += sample_stride(FAULT_STRIDE, FAULT_STRIDE_LONG)) {
        fired = with_fault(nth);
    }
}

int main(void)
{
    fault_sqlite_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_has_its_run),
        cmocka_unit_test(killed_at_any_turn),
        cmocka_unit_test(any_allocation_of_the_database_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
