/* delivery_power_test.c - reports go out while each call under the database fails in turn, the power is
 * cut at each, and the hub or its child dies before and after each step. Whatever happens: each nominal
 * time is delivered; once when what failed is the hub's, at most once more when the child fell between
 * the receiver's word and the database. The desk is the real one (hub/delivery/desk.c), and so is what a
 * child does (deliver.c); here it does it in this process, when the test lets it. */
#include "common/log/log.h"
#include "common/platform/files.h"
#include "common/yaml/yaml.h"
#include "hub/delivery/child.h"
#include "hub/delivery/deliver.h"
#include "hub/delivery/desk.h"
#include "hub/store/store.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"
#include "tests/support/power_vfs.h"
#include "tests/support/sample.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DUE_NS  (INT64_C(1796018400) * NS_PER_SEC) /* 2026-11-30 06:00 UTC */
#define HOUR_NS (INT64_C(3600) * NS_PER_SEC)
enum { REPORTS = 3, ROUNDS_MAX = 30, TEXT_BYTES = 1 << 20 };
static const char *const names[REPORTS] = {"page", "screen", "chat"};

/* --- children that do their work when they are told --------------------------------------------------- */

struct delivery_child {
    struct delivery_child_options options;
    struct delivery_key key;
    bool is_busy;
};

bool delivery_child_open(struct delivery_child **ret, const struct delivery_child_options *options,
                         struct err *err)
{
    (void)err;
    struct delivery_child *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    c->options = *options;
    *ret = c;
    return true;
}

static struct delivery_child *started[2 * REPORTS];
static size_t started_count;

void delivery_child_close(struct delivery_child *c)
{
    for (size_t i = 0; i < started_count; i++) {
        started[i] = started[i] == c ? NULL : started[i];
    }
    free(c);
}

bool delivery_child_is_busy(const struct delivery_child *c)
{
    return c->is_busy;
}

bool delivery_child_start(struct delivery_child *c, struct delivery_key key, struct err *err)
{
    (void)err;
    assert_true(started_count < COUNT_OF(started));
    c->key = key;
    c->is_busy = true;
    started[started_count++] = c;
    return true;
}

/* --- a hub -------------------------------------------------------------------------------------------- */

struct world {
    struct temp_dir dir;
    char database[512];
    struct power_vfs *vfs;
    struct arena arena;
    struct hub_config config;
    struct fake_clock clock;
    struct seeded_rng seed;
    struct rng rng;
    struct loop *loop;
    struct desk_host host;
    void *desk;
    struct buf published; /* a line for each message */
};

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

static bool publish(void *ctx, const struct desk_message *message, struct err *err)
{
    struct world *w = ctx;
    (void)err;
    assert_true(message->is_retained);
    buf_add(&w->published, message->payload);
    return true;
}

static void settle(void *ctx)
{
    (void)ctx;
}

static void write_file(const struct world *w, const char *name, const char *text, unsigned mode)
{
    char path[600];
    struct err err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", w->dir.path, name);
    check(files_write(path, str_from(text), mode, &err), &err);
}

static void read_settings(struct world *w)
{
    static struct problems problems;
    struct err err = {0};
    char text[2048];
    char path[600];
    (void)snprintf(
        text, sizeof(text),
        "state_dir: %s\nfleet: shops\nreports:\n"
        "  - {name: page, cron: '0 6 * * *', to: {directory: reports}}\n"
        "  - {name: screen, cron: '0 6 * * *', format: json, to: {mqtt: true}}\n"
        "  - {name: chat, cron: '0 6 * * *', format: text, to: {webhook: 'http://x/'}}\n",
        w->dir.path);
    (void)snprintf(path, sizeof(path), "%s/hub.yaml", w->dir.path);
    problems = (struct problems){.arena = &w->arena};
    check(hub_config_parse(arena_copy(&w->arena, str_from(text)), path, &w->arena, &problems,
                           &w->config, &err),
          &err);
}

static bool start(struct world *w)
{
    struct err err = {0};
    return delivery_desk.open(&w->host, &w->desk, &err);
}

static void stop(struct world *w)
{
    if (w->desk != NULL) {
        delivery_desk.close(w->desk);
    }
    w->desk = NULL;
}

/* What carries webhooks, in place of curl: writes down the first line of what it is given. */
static void put_receiver(const struct world *w)
{
    char path[2048];
    write_file(
        w, "curl",
        "#!/bin/sh\nIFS= read -r line\necho \"$line\" >> \"${0%/*}/heard\"\ncat > /dev/null\n",
        0755);
    write_file(w, "heard", "", 0644);
    /* NOLINTBEGIN(concurrency-mt-unsafe): tests have one thread */
    (void)snprintf(path, sizeof(path), "%s:/usr/bin:/bin", w->dir.path);
    assert_int_equal(setenv("PATH", path, 1), 0);
    /* NOLINTEND(concurrency-mt-unsafe) */
}

static struct world *begin(uint64_t seed)
{
    struct err err = {0};
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    *w = (struct world){.dir = temp_dir_new(),
                        .vfs = power_vfs_new("delivery_power", seed),
                        .arena = arena_new(1 << 20),
                        .seed = seeded_rng_new(seed),
                        .published = buf_growing(64 << 20)};
    power_vfs_make_default(w->vfs);
    started_count = 0;
    (void)snprintf(w->database, sizeof(w->database), "%s/hub.db", w->dir.path);
    write_file(w, "hub.db", "", 0600); /* that there is one; its bytes are on the disk in memory */
    read_settings(w);
    put_receiver(w);
    w->clock = (struct fake_clock){.mono = {NS_PER_SEC}, .wall = {DUE_NS - HOUR_NS}};
    w->rng = seeded_rng_port(&w->seed);
    check(loop_open(&w->loop, fake_clock_port(&w->clock), &err), &err);
    w->host = (struct desk_host){.loop = w->loop,
                                 .rng = &w->rng,
                                 .config = &w->config,
                                 .database = w->database,
                                 .publish = publish,
                                 .settle = settle,
                                 .ctx = w};
    struct db *store = NULL;
    const struct hub_store_options options = {.path = w->database};
    check(hub_store_open(&store, &options, &err), &err);
    db_close(store);
    assert_true(start(w));
    delivery_desk.poked(w->desk); /* it learns of its schedules */
    assert_int_equal(started_count, 0);
    return w;
}

static void end(struct world *w)
{
    stop(w);
    loop_close(w->loop);
    power_vfs_end_default();
    power_vfs_free(w->vfs);
    buf_release(&w->published);
    arena_release(&w->arena);
    temp_dir_release(&w->dir);
    free(w);
}

/* --- its steps ---------------------------------------------------------------------------------------- */

static void look(struct world *w)
{
    delivery_desk.poked(w->desk);
}

struct made {
    struct delivery_key key;
    struct delivery_child *child; /* NULL: its hub is gone */
    bool ok;
    struct err err;
    struct buf output;
};

static void deliver_all(struct world *w, struct made made[REPORTS], size_t *ret_count)
{
    *ret_count = 0;
    for (size_t i = 0; i < started_count; i++) {
        struct made *m = &made[*ret_count];
        if (started[i] == NULL) {
            continue; /* it died with its hub */
        }
        struct fd fd = {memfd_create("made", MFD_CLOEXEC)};
        *m = (struct made){
            .key = started[i]->key, .child = started[i], .output = buf_growing(TEXT_BYTES)};
        m->ok = deliver(&w->config, w->database, m->key, fd.n, &m->err);
        off_t len = lseek(fd.n, 0, SEEK_END);
        char *to = buf_reserve(&m->output, (size_t)len + 1);
        assert_true(to != NULL && pread(fd.n, to, (size_t)len, 0) == len);
        m->output.len = (size_t)len;
        fd_release(&fd);
        (*ret_count)++;
    }
    started_count = 0;
}

static void forget_made(struct made *made, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_release(&made[i].output);
    }
}

static void tell_all(struct made *made, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct delivery_child *c = made[i].child;
        c->is_busy = false;
        c->options.on_done(c->options.ctx, made[i].ok ? NULL : &made[i].err,
                           buf_str(&made[i].output));
    }
    forget_made(made, count);
}

static void work(struct world *w)
{
    struct made made[REPORTS];
    size_t count = 0;
    look(w);
    deliver_all(w, made, &count);
    tell_all(made, count);
}

/* --- what came of it ---------------------------------------------------------------------------------- */

static struct delivery_row find_row(struct world *w, const char *name)
{
    struct err err = {0};
    struct db *db = NULL;
    struct delivery_row row = {0};
    const struct delivery_key key = {str_from(name), DELIVERY_SCHEDULED};
    check(delivery_rows_open(&db, w->database, &err) &&
              delivery_rows_find(db, key, &w->arena, &row, &err),
          &err);
    db_close(db);
    return row;
}

static size_t count_in(struct str text, const char *part)
{
    struct str wanted = str_from(part);
    size_t count = 0;
    for (size_t i = 0; i + wanted.len <= text.len; i++) {
        count += memcmp(text.ptr + i, wanted.ptr, wanted.len) == 0;
    }
    return count;
}

/* How often the report of the day `day` reached its receiver. */
static size_t received(struct world *w, size_t report, int day)
{
    struct err err = {0};
    AUTO(buf) text = buf_growing(TEXT_BYTES);
    char path[600];
    char mark[64];
    if (report == 1) {
        (void)snprintf(mark, sizeof(mark), "\"until\":\"2026-%s", day == 0 ? "11-30" : "12-01");
        return count_in(buf_str(&w->published), mark);
    }
    if (report == 2) {
        (void)snprintf(path, sizeof(path), "%s/heard", w->dir.path);
        (void)snprintf(mark, sizeof(mark), "to 2026-%s 06:00 UTC", day == 0 ? "11-30" : "12-01");
        check(files_read(path, &text, &err), &err);
        return count_in(buf_str(&text), mark);
    }
    (void)snprintf(path, sizeof(path), "%s/reports/page-2026-%sT060000Z.html", w->dir.path,
                   day == 0 ? "11-30" : "12-01");
    if (!files_exist(path)) {
        return 0;
    }
    check(files_read(path, &text, &err), &err);
    assert_true(str_ends(buf_str(&text), STR("</body></html>\n"))); /* whole, or not there */
    return 1;
}

static bool is_settled(struct world *w, int64_t due_ns)
{
    bool is_all = true;
    for (size_t i = 0; i < REPORTS; i++) {
        is_all = is_all && find_row(w, names[i]).delivered_for.ns == due_ns;
    }
    return is_all;
}

static void work_until_settled(struct world *w, int64_t due_ns)
{
    for (int round = 0; !is_settled(w, due_ns); round++) {
        arena_reset(&w->arena);
        read_settings(w);
        assert_true(round < ROUNDS_MAX);
        fake_clock_advance(&w->clock, HOUR_NS / 2);
        work(w);
    }
}

/* The first day as it may be after what happened; the next day is as every day. */
static void expect(struct world *w, size_t most)
{
    work_until_settled(w, DUE_NS);
    for (size_t i = 0; i < REPORTS; i++) {
        size_t count = received(w, i, 0);
        if (count < 1 || count > most) {
            fail_msg("%s: received %zu times, at most %zu are right", names[i], count, most);
        }
    }
    fake_clock_advance(&w->clock, DUE_NS + 24 * HOUR_NS - w->clock.wall.ns);
    work_until_settled(w, DUE_NS + 24 * HOUR_NS);
    for (size_t i = 0; i < REPORTS; i++) {
        assert_int_equal(received(w, i, 1), 1);
        assert_true(received(w, i, 0) <= most);
    }
}

/* --- faults ------------------------------------------------------------------------------------------- */

enum phase { LOOKING, DELIVERING, TELLING, PHASES };

struct fault {
    enum phase phase;
    enum power_call call;
    enum power_effect effect;
    int nth;
};

static void arm(struct world *w, const struct fault *f, enum phase phase)
{
    if (f->phase == phase) {
        power_vfs_arm(w->vfs, f->call, f->nth, f->effect);
    }
}

static bool disarm(struct world *w, const struct fault *f, enum phase phase)
{
    return f->phase == phase && power_vfs_disarm(w->vfs);
}

/* *ret_fired: the fault came in its phase. After a cut all programs are gone. */
static struct world *run(const struct fault *f, bool *ret_fired)
{
    struct world *w = begin((uint64_t)f->nth);
    struct made made[REPORTS];
    size_t count = 0;
    fake_clock_advance(&w->clock, HOUR_NS);
    arm(w, f, LOOKING);
    look(w);
    *ret_fired = disarm(w, f, LOOKING);
    if (!*ret_fired || f->effect != POWER_CUT) {
        arm(w, f, DELIVERING);
        deliver_all(w, made, &count);
        *ret_fired |= disarm(w, f, DELIVERING);
    }
    if (*ret_fired && f->effect == POWER_CUT) {
        forget_made(made, count);
    } else {
        arm(w, f, TELLING);
        tell_all(made, count);
        *ret_fired |= disarm(w, f, TELLING);
    }
    if (*ret_fired && f->effect == POWER_CUT) {
        stop(w);
        started_count = 0;
        power_vfs_reboot(w->vfs, (uint64_t)f->nth);
        assert_true(start(w));
    }
    return w;
}

static int fail_each(struct fault f, int stride)
{
    int tried = 0;
    bool has_fired = true;
    for (f.nth = 0; has_fired; f.nth += stride) {
        struct world *w = run(&f, &has_fired);
        /* What fails in the hub before anything is sent costs nothing; what fails when it is sent may
         * cost one more. A cut while the hub is told is of the message it has just published. */
        expect(w, f.phase == LOOKING ? 1 : 2);
        end(w);
        tried++;
    }
    return tried;
}

static void each_call_fails_once(void **state)
{
    (void)state;
    static const struct {
        enum power_call call;
        enum power_effect effect;
        int usual;
    } faults[] = {{POWER_WRITE, POWER_FULL, 23}, {POWER_WRITE, POWER_FAIL, 31},
                  {POWER_SYNC, POWER_FAIL, 7},   {POWER_OPEN, POWER_FAIL, 9},
                  {POWER_READ, POWER_FAIL, 101}, {POWER_WRITE, POWER_CUT, 19},
                  {POWER_SYNC, POWER_CUT, 7}};
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        int tried = 0;
        for (int phase = 0; phase < PHASES; phase++) {
            const struct fault f = {
                .phase = (enum phase)phase, .call = faults[i].call, .effect = faults[i].effect};
            tried += fail_each(f, sample_stride(faults[i].usual, 1));
        }
        print_message("fault %zu: %d tried\n", i, tried);
        assert_true(tried > PHASES); /* some of them met a call */
    }
}

/* --- deaths ------------------------------------------------------------------------------------------- */

static void hub_dies(struct world *w)
{
    stop(w);
    assert_true(start(w));
}

static struct world *begin_due(void)
{
    struct world *w = begin(1);
    fake_clock_advance(&w->clock, HOUR_NS);
    return w;
}

static void the_hub_dies_between_its_steps(void **state)
{
    (void)state;
    struct made made[REPORTS];
    size_t count = 0;
    struct world *w = begin_due(); /* before it looks */
    hub_dies(w);
    expect(w, 1);
    end(w);
    w = begin_due(); /* with its children, before they did anything */
    look(w);
    assert_int_equal(started_count, REPORTS);
    hub_dies(w);
    started_count = 0;
    expect(w, 1);
    end(w);
    w = begin_due(); /* the children have delivered; what goes out by MQTT is lost, and made again */
    look(w);
    deliver_all(w, made, &count);
    assert_int_equal(count, REPORTS);
    forget_made(made, count);
    hub_dies(w);
    expect(w, 1);
    end(w);
    w = begin_due(); /* all is done */
    work(w);
    hub_dies(w);
    expect(w, 1);
    end(w);
}

/* The hub is killed and comes back; its children have gone on meanwhile, and are overtaken by none. */
static void children_outlive_their_hub(void **state)
{
    (void)state;
    struct err err = {0};
    struct world *w = begin_due();
    look(w);
    stop(w);
    started_count = 0;
    assert_true(start(w));
    fake_clock_advance(&w->clock, HOUR_NS / 6);
    look(w); /* others are started, and wait for the lock of the first */
    assert_int_equal(started_count, REPORTS);
    struct fd fd = {memfd_create("made", MFD_CLOEXEC)};
    for (size_t i = 0; i < REPORTS; i++) {
        const struct delivery_key key = {str_from(names[i]), DELIVERY_SCHEDULED};
        check(deliver(&w->config, w->database, key, fd.n, &err), &err);
    }
    fd_release(&fd);
    expect(w, 1);
    end(w);
}

static void nothing_goes_out_while_the_disk_is_full(void **state)
{
    (void)state;
    struct world *w = begin_due();
    power_vfs_limit(w->vfs, 1);
    for (int i = 0; i < 5; i++) {
        fake_clock_advance(&w->clock, HOUR_NS);
        work(w);
    }
    for (size_t i = 0; i < REPORTS; i++) {
        assert_int_equal(received(w, i, 0), 0);
    }
    power_vfs_limit(w->vfs, 0);
    expect(w, 1);
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails_once),
        cmocka_unit_test(the_hub_dies_between_its_steps),
        cmocka_unit_test(children_outlive_their_hub),
        cmocka_unit_test(nothing_goes_out_while_the_disk_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
