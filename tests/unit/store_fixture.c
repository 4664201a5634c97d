#include "store_fixture.h"

#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

enum { ARENA_BYTES = 64 << 20 };

void store_fixture_init(struct store_fixture *f, const char *path, const char *vfs)
{
    memset(f, 0, sizeof(*f));
    f->seed = seeded_rng_new(7);
    f->rng = seeded_rng_port(&f->seed);
    f->now.ns = INT64_C(1795000000000) * NS_PER_MS;
    f->options = (struct store_options){.path = path,
                                        .quota_bytes = STORE_FIXTURE_QUOTA,
                                        .history_bytes = STORE_FIXTURE_QUOTA,
                                        .rng = &f->rng,
                                        .vfs = vfs};
}

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

void store_fixture_open(struct store_fixture *f)
{
    struct err err = {0};
    check(store_open(&f->store, &f->options, f->now, NULL, &err), &err);
}

void store_fixture_begin(struct store_fixture *f)
{
    struct temp_dir dir = temp_dir_new();
    store_fixture_init(f, temp_dir_path(&dir, "agent.db"), NULL);
    f->dir = dir;
    f->arena = arena_new(ARENA_BYTES);
    store_fixture_open(f);
}

void store_fixture_end(struct store_fixture *f)
{
    store_fixture_close(f);
    arena_release(&f->arena);
    temp_dir_release(&f->dir);
}

void store_fixture_check(const struct store_fixture *f, bool ok)
{
    check(ok, &f->err);
}

void store_fixture_close(struct store_fixture *f)
{
    store_close(f->store);
    f->store = NULL;
}

void store_fixture_reopen(struct store_fixture *f)
{
    store_fixture_close(f);
    store_fixture_open(f);
}

enum { TYPES = 3 };
static const enum event_type types[TYPES] = {EVENT_CLOCK_STEP, EVENT_DEVICE, EVENT_TICK};

struct record store_fixture_record(struct store_fixture *f, int number, size_t reason_len,
                                   struct buf *reason)
{
    buf_reset(reason);
    buf_addf(reason, "number %d ", number);
    while (reason->len < reason_len) {
        buf_add_char(reason, 'x');
    }
    enum event_type type = types[number % TYPES];
    bool is_tick = type == EVENT_TICK;
    return (struct record){.type = type,
                           .at = f->now,
                           .reason = buf_str(reason),
                           .kind = is_tick ? STR("schedule") : STR_NONE,
                           .name = is_tick ? STR("fixture") : STR_NONE,
                           .status = is_tick ? STR("started") : STR_NONE,
                           .nominal.ns = is_tick ? number * NS_PER_SEC : 0};
}

void store_fixture_say(struct store_fixture *f, const struct record *record)
{
    struct err err = {0};
    check(store_record(f->store, record, &err), &err);
}

void store_fixture_flush(struct store_fixture *f)
{
    struct err err = {0};
    check(store_flush(f->store, f->now, &err), &err);
    assert_int_equal(store_pending(f->store), 0);
}

void store_fixture_add(struct store_fixture *f, int number, int count, size_t reason_len)
{
    AUTO(buf) reason = buf_growing(LIMIT_EVENT_BYTES);
    for (int i = 0; i < count; i++) {
        struct record record = store_fixture_record(f, number + i, reason_len, &reason);
        store_fixture_say(f, &record);
    }
    store_fixture_flush(f);
}

struct store_position store_fixture_position(struct store_fixture *f)
{
    struct err err = {0};
    struct store_position position = {0};
    check(store_position(f->store, &position, &err), &err);
    return position;
}

void store_fixture_acknowledge(struct store_fixture *f, int64_t seq)
{
    struct err err = {0};
    check(store_acknowledge(f->store, seq, &err), &err);
}

static int64_t number_of(struct str body)
{
    struct str head;
    struct str rest;
    struct str text = body;
    while (str_cut(text, ' ', &head, &rest)) {
        int64_t number = 0;
        struct str word;
        if (str_ends(head, STR("number")) && str_cut(rest, ' ', &word, &rest) &&
            str_to_i64(word, 0, INT64_MAX, &number)) {
            return number;
        }
        text = rest;
    }
    return -1;
}

/* The next event must begin where the one before ended. */
static int64_t take_line(struct str line, int64_t next, int64_t acked,
                         struct store_fixture_event *ret)
{
    struct err err = {0};
    struct event event;
    check(event_parse(line, &event, &err), &err);
    int64_t first = event.from > 0 ? event.from : event.seq;
    /* Only the gap at the front may reach back over what was acknowledged meanwhile. */
    assert_true(first == next || (next == acked + 1 && first < next));
    assert_true(event.seq >= next);
    if (ret != NULL) {
        *ret = (struct store_fixture_event){
            .seq = event.seq, .from = event.from, .number = number_of(line)};
        (void)snprintf(ret->body, sizeof(ret->body), STR_FMT, STR_ARG(line));
    }
    return event.seq + 1;
}

size_t store_fixture_waiting(struct store_fixture *f, struct store_fixture_event *ret)
{
    struct store_position at = store_fixture_position(f);
    AUTO(buf) lines = buf_growing(STORE_FIXTURE_LINES_MAX);
    int64_t next = at.acked_seq + 1;
    size_t count = 0;
    int64_t bytes = 0;
    while (next <= at.last_seq) {
        struct err err = {0};
        struct batch_header header;
        int64_t from = next;
        buf_reset(&lines);
        check(store_read_batch(f->store, next, LIMIT_BATCH_EVENTS, &header, &lines, &err), &err);
        assert_string_equal(header.epoch, at.epoch);
        assert_true(header.first == from || (count == 0 && header.first < from));
        struct str rest = buf_str(&lines);
        struct str line;
        bytes += (int64_t)lines.len;
        while (str_cut(rest, '\n', &line, &rest)) {
            assert_true(count < STORE_FIXTURE_EVENTS);
            next = take_line(line, next, at.acked_seq, ret == NULL ? NULL : &ret[count]);
            count++;
        }
        assert_int_equal(header.last, next - 1);
    }
    assert_int_equal(count, at.waiting_events);
    assert_int_equal(bytes, at.waiting_bytes);
    return count;
}

void store_fixture_expect_gap(const struct store_fixture_event *gap, int64_t from, int64_t seq)
{
    int64_t counts[TYPES] = {0};
    for (int64_t s = from; s <= seq; s++) {
        counts[(s - 1) % TYPES]++;
    }
    assert_int_equal(gap->from, from);
    assert_int_equal(gap->seq, seq);
    assert_non_null(strstr(gap->body, "\"type\":\"buffer_gap\""));
    assert_non_null(strstr(gap->body, "\"reason\":\"quota\""));
    for (size_t i = 0; i < TYPES; i++) {
        char member[64];
        (void)snprintf(member, sizeof(member), "\"%s\":%lld", event_type_name(types[i]),
                       (long long)counts[i]);
        const char *there = strstr(gap->body, member);
        bool is_whole = there != NULL && strchr(",}", there[strlen(member)]) != NULL;
        if (counts[i] > 0 && !is_whole) {
            fail_msg("%s is not in %s", member, gap->body);
        }
    }
}

static void expect_last_tick(struct store_fixture *f, int64_t last_seq)
{
    int64_t number = last_seq - 1;
    while (number >= 0 && types[number % TYPES] != EVENT_TICK) {
        number--;
    }
    struct err err = {0};
    struct wall_time nominal = {0};
    bool found = false;
    check(store_last_tick(f->store, STR("fixture"), &nominal, &found, &err), &err);
    assert_int_equal(found, number >= 0);
    assert_int_equal(nominal.ns, number >= 0 ? number * NS_PER_SEC : 0);
}

void store_fixture_expect_exact(struct store_fixture *f)
{
    static struct store_fixture_event events[STORE_FIXTURE_EVENTS];
    size_t count = store_fixture_waiting(f, events);
    for (size_t i = 0; i < count; i++) {
        if (events[i].from > 0) {
            store_fixture_expect_gap(&events[i], events[i].from, events[i].seq);
        } else {
            assert_int_equal(events[i].number, events[i].seq - 1);
        }
    }
    expect_last_tick(f, store_last_seq(f->store));
}
