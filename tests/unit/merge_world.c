#include "merge_world.h"
#include "common/base/limits.h"
#include "common/wire/event.h"
#include "hub/merge/rebuild.h"
#include "hub/store/store.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static const struct wall_time received = {INT64_C(1795400000000) * NS_PER_MS};

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

/* --- stories ------------------------------------------------------------------------------ */

struct story story_new(const char *device, const char *epoch, int64_t start_ms, uint64_t seed)
{
    return (struct story){.device = device,
                          .epoch = epoch,
                          .text = buf_growing(8 << 20),
                          .random = seed * 2 + 1,
                          .clock_ms = start_ms};
}

void story_release(struct story *s)
{
    buf_release(&s->text);
}

uint64_t story_random(struct story *s, uint64_t below)
{
    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (s->random >> 33) % below;
}

static int64_t story_seq(const struct story *s)
{
    return s->count == 0 ? 0 : s->last[s->count - 1];
}

static void begin_line(struct story *s, int64_t first, int64_t last, const char *type)
{
    assert_true(s->count < STORY_EVENTS_MAX);
    s->start[s->count] = s->text.len;
    s->first[s->count] = first;
    s->last[s->count] = last;
    s->count++;
    s->clock_ms += 250;
    buf_addf(&s->text, "{\"seq\":%lld,\"at\":\"", (long long)last);
    buf_add_wall(&s->text, (struct wall_time){s->clock_ms * NS_PER_MS});
    buf_addf(&s->text, "\",\"type\":\"%s\"", type);
}

void story_add(struct story *s, const char *type, const char *members, ...)
{
    char text[2048];
    va_list args;
    va_start(args, members);
    (void)vsnprintf(text, sizeof(text), members, args);
    va_end(args);
    begin_line(s, story_seq(s) + 1, story_seq(s) + 1, type);
    if (text[0] != '\0') {
        buf_add_char(&s->text, ',');
        buf_add_text(&s->text, text);
    }
    buf_add(&s->text, STR("}\n"));
}

void story_add_gap(struct story *s, int64_t from, int64_t seq)
{
    begin_line(s, from, seq, "buffer_gap");
    buf_addf(&s->text, ",\"from\":%lld,\"dropped\":{\"tick\":%lld},\"reason\":\"quota\"}\n",
             (long long)from, (long long)seq - from + 1);
}

static void tell_definitions(struct story *s, int version)
{
    /* An agent of before tells names only, with the assets. */
    const char *named = version % 2 == 0 ? "\"jobs\":[{\"name\":\"nightly\",\"select\":"
                                           "\"\\\"pos\\\"\",\"assets\":1}],\"schedules\":[{"
                                           "\"name\":\"nightly\",\"job\":\"nightly\",\"cron\":\"0 "
                                           "2 * * *\"}],\"sensors\":[7,{\"x\":1}],"
                                         : "";
    story_add(s, "definitions",
              "\"hash\":\"h%d\",\"part\":1,\"parts\":2,%s\"assets\":[{\"key\":\"pos/"
              "sales\",\"group\":\"pos\",\"kinds\":"
              "[\"sqlite\"],\"description\":\"Sales \\u00e0 la %s\",\"code_version\":\"%d\","
              "\"jobs\":[\"nightly\"],\"schedules\":[\"nightly\",\"v%d\",3]}]",
              version, named, s->epoch, version, version);
    story_add(s, "clock_step", "\"delta_ms\":%d", version);
    story_add(s, "desired",
              "\"status\":\"%s\",\"revision\":%d,\"reason\":\"job \\\"x\\\"\",\"applied\":%d,"
              "\"hash\":\"h%d\"",
              version % 2 == 0 ? "applied" : "refused", version + 1, version, version);
    story_add(s, "definitions",
              "\"hash\":\"h%d\",\"part\":2,\"parts\":2,\"assets\":[{\"key\":\"report/"
              "v%d\",\"jobs\":[\"nightly\"],\"deps\":[\"pos/sales\","
              "\"erp/prices\"],\"tags\":{\"a\":\"b\"},\"owners\":[\"team:x\"]},{\"key\":\"erp/"
              "prices\",\"external\":true}]",
              version, version);
}

static void tell_run(struct story *s, int number)
{
    char run[40];
    (void)snprintf(run, sizeof(run), "run-%s-%.4s-%03d", s->device, s->epoch, number);
    story_add(s, "tick",
              "\"schedule\":\"nightly\",\"nominal\":\"2026-11-22T02:30:00Z\",\"status\":\"%s\","
              "\"run\":\"%s\"",
              story_random(s, 3) == 0 ? "skipped" : "started", run);
    story_add(
        s, "run_enqueued",
        "\"run\":\"%s\",\"job\":\"nightly\",\"cause\":{\"type\":\"schedule\",\"name\":\"nightly\"},"
        "\"selection\":\"group:\\\"pos\\\"\",\"steps\":1",
        run);
    story_add(s, "asset_materialization_planned",
              "\"run\":\"%s\",\"step\":\"pos/sales\",\"asset\":\"pos/sales\"", run);
    story_add(s, "run_start", "\"run\":\"%s\"", run);
    story_add(s, "step_start",
              "\"run\":\"%s\",\"step\":\"pos/sales\",\"asset\":\"pos/sales\",\"attempt\":1", run);
    if (story_random(s, 3) == 0) {
        story_add(s, "step_failure",
                  "\"run\":\"%s\",\"step\":\"pos/sales\",\"asset\":\"pos/"
                  "sales\",\"attempt\":1,\"exit\":\"exit code 3\","
                  "\"error\":{\"code\":\"io\",\"message\":\"no disk\"}",
                  run);
        story_add(s, "asset_failed_to_materialize",
                  "\"run\":\"%s\",\"step\":\"pos/sales\",\"asset\":\"pos/"
                  "sales\",\"error\":{\"message\":\"no disk\"}",
                  run);
        story_add(s, "run_failure", "\"run\":\"%s\",\"error\":{\"message\":\"one step failed\"}",
                  run);
        return;
    }
    story_add(
        s, "asset_materialization",
        "\"run\":\"%s\",\"step\":\"pos/sales\",\"asset\":\"pos/sales\",\"metadata\":{\"dagster/"
        "row_count\":{\"type\":"
        "\"int\",\"raw_value\":%d},\"bytes_read\":{\"type\":\"int\",\"raw_value\":99}}",
        run, 100 + number);
    static const char *const states[] = {"pass", "warn", "fail", "unknown"};
    story_add(s, "freshness_state_change", "\"asset\":\"%s\",\"status\":\"%s\"",
              story_random(s, 2) == 0 ? "pos/sales" : "erp/prices", states[story_random(s, 4)]);
    story_add(s, "asset_check_evaluation",
              "\"run\":\"%s\",\"step\":\"pos/sales\",\"asset\":\"pos/"
              "sales\",\"check\":\"has_rows\",\"passed\":%s,"
              "\"severity\":\"error\"",
              run, story_random(s, 2) == 0 ? "true" : "false");
    story_add(s, "step_success",
              "\"run\":\"%s\",\"step\":\"pos/sales\",\"asset\":\"pos/"
              "sales\",\"attempt\":1,\"duration_ms\":12",
              run);
    story_add(s, "run_success", "\"run\":\"%s\"", run);
}

/* Partitions that are made and that fail, alone and in ranges; who holds what; keys that come and go. */
static void tell_partitions(struct story *s, int number)
{
    static const char *const kinds[] = {"schedule", "sensor", "automation"};
    int day = 1 + (int)story_random(s, 5);
    story_add(s, story_random(s, 2) == 0 ? "asset_materialization" : "asset_failed_to_materialize",
              "\"run\":\"r%d\",\"step\":\"pos/sales\",\"asset\":\"pos/"
              "sales\",\"partition\":\"2026-11-0%d\"",
              number, day);
    story_add(
        s, story_random(s, 2) == 0 ? "asset_materialization" : "asset_failed_to_materialize",
        "\"asset\":\"pos/sales\",\"partition\":\"2026-11-0%d\",\"partition_end\":\"2026-11-0%d\"",
        day, day + 2);
    story_add(s, "instigator", "\"%s\":\"%s\",\"status\":\"%s\",\"reason\":\"r%d\"",
              kinds[story_random(s, 3)], story_random(s, 2) == 0 ? "nightly" : "files",
              story_random(s, 2) == 0 ? "paused" : "running", number);
    story_add(s, "instigator", "\"schedule\":\"nightly\"");
    story_add(s, "asset_observation", "\"asset\":\"erp/prices\",\"data_version\":\"%d\"", number);
    story_add(s, "dynamic_partitions",
              "\"set\":\"files\",\"partition\":\"%d.csv\",\"status\":\"%s\"", day,
              story_random(s, 3) == 0 ? "deleted" : "added");
    story_add(s, "tick", "\"%s\":\"nightly\",\"status\":\"failed\",\"reason\":\"r%d\"",
              kinds[story_random(s, 3)], number);
    story_add(s, "run_enqueued",
              "\"run\":\"b%d\",\"cause\":{\"type\":\"backfill\",\"name\":\"b1\"},\"backfill\":"
              "\"b1\",\"partition\":"
              "\"2026-11-0%d\",\"partition_end\":\"2026-11-0%d\"",
              number, day, day + 1);
}

/* The same few commands on every device and in every database of one. */
static void tell_command(struct story *s, int number)
{
    static const char *const statuses[] = {"received", "started", "succeeded", "failed"};
    char members[256];
    (void)snprintf(members, sizeof(members),
                   "\"command\":\"01a20425-dd00-753f-8b4a-%012d\",\"verb\":\"backfill\"",
                   (int)story_random(s, 4));
    if (story_random(s, 4) == 0) {
        story_add(s, "command", "%s,\"status\":\"refused\",\"code\":\"expired\",\"reason\":\"r%d\"",
                  members, number);
    } else if (story_random(s, 3) == 0) {
        story_add(s, "command", "%s,\"status\":\"started\",\"run\":\"run-%d\"", members, number);
    } else {
        story_add(s, "command",
                  "%s,\"status\":\"%s\",\"key\":\"07e2e95af65c1cae\",\"result\":{\"n\":%d}",
                  members, statuses[story_random(s, 4)], number);
    }
    story_add(s, "command", "\"status\":\"refused\",\"code\":\"unsigned\"");
    story_add(s, "backfill",
              "\"backfill\":\"b%llu\",\"status\":\"requested\",\"selection\":\"a\",\"steps\":31,"
              "\"partition\":\"2026-11-01\",\"partitions_per_run\":0,\"tags\":{\"x\":"
              "\"y\",\"selvedge/command\":\"c%d\"}",
              (unsigned long long)story_random(s, 3), number);
    story_add(s, "backfill", "\"backfill\":\"b%llu\",\"status\":\"completed_success\"",
              (unsigned long long)story_random(s, 3));
}

struct story story_restored(const struct story *s, size_t count, uint64_t seed)
{
    struct story copy = *s;
    copy.text = buf_growing(8 << 20);
    buf_add(&copy.text, str_slice(buf_str(&s->text), 0, s->start[count]));
    copy.count = count;
    copy.random = seed * 2 + 1;
    copy.clock_ms += 12345;
    return copy;
}

void story_tell(struct story *s, int runs)
{
    story_add(s, "device", "\"version\":\"0.1.%llu\",\"board\":\"x86_64\",\"boot_id\":\"b\"",
              (unsigned long long)story_random(s, 10));
    tell_definitions(s, (int)story_random(s, 5));
    for (int i = 0; i < runs; i++) {
        tell_run(s, i);
        tell_command(s, i);
        tell_partitions(s, i);
        if (story_random(s, 4) == 0) {
            story_add_gap(s, story_seq(s) + 1, story_seq(s) + 1 + (int64_t)story_random(s, 20));
        }
        if (story_random(s, 4) == 0) {
            tell_definitions(s, (int)story_random(s, 5));
        }
        if (story_random(s, 3) == 0) {
            static const char *const words[] = {"fetching", "applied", "healthy", "rolled_back"};
            story_add(s, "bundle", "\"bundle\":\"b%llu\",\"status\":\"%s\",\"current\":\"b%d\"",
                      (unsigned long long)story_random(s, 3), words[story_random(s, 4)], i);
        }
        story_add(s, "of_a_newer_agent", "\"what\":[1,2]");
    }
    story_add(s, "definitions",
              "\"hash\":\"h9\",\"part\":1,\"parts\":2,\"assets\":[]"); /* never completed */
}

struct buf story_batch(const struct story *s, size_t from, size_t to)
{
    struct err err = {0};
    struct batch_header header = {.first = s->first[from], .last = s->last[to - 1]};
    struct str before =
        from == 0 ? STR_NONE : str_slice(buf_str(&s->text), s->start[from - 1], s->start[from]);
    if (from > 0 && !str_contains(before, STR("\"buffer_gap\""))) { /* as the agent does */
        header.prev = event_check(str_trim_end(before, '\n'));
    }
    memcpy(header.epoch, s->epoch, EPOCH_TEXT_SIZE);
    size_t end = to < s->count ? s->start[to] : s->text.len;
    struct buf payload = buf_growing(LIMIT_MESSAGE_BYTES);
    check(batch_encode(&header, str_slice(buf_str(&s->text), s->start[from], end), &payload, &err),
          &err);
    return payload;
}

/* --- the hub ------------------------------------------------------------------------------ */

struct db *world_store(void)
{
    struct err err = {0};
    struct db *store = NULL;
    check(hub_store_open(&store, &(struct hub_store_options){.path = ":memory:"}, &err), &err);
    return store;
}

struct merge *world_merge(struct db *store)
{
    struct err err = {0};
    struct merge *m = NULL;
    check(merge_open(store, &m, &err), &err);
    return m;
}

struct merge_result world_send_bytes(struct merge *m, const char *device, struct str payload)
{
    struct err err = {0};
    struct merge_result result = {0};
    check(merge_begin(m, &err), &err);
    check(merge_add(m, str_from(device), payload, received, &result, &err), &err);
    const struct merge_ack *acks;
    assert_int_equal(merge_acks(m, &acks), 0); /* nothing is said before the commit */
    check(merge_commit(m, &err), &err);
    return result;
}

struct merge_result world_send(struct merge *m, const struct story *s, size_t from, size_t to)
{
    AUTO(buf) payload = story_batch(s, from, to);
    return world_send_bytes(m, s->device, buf_str(&payload));
}

struct message_ack world_ack(const struct merge *m)
{
    const struct merge_ack *acks;
    assert_int_equal(merge_acks(m, &acks), 1);
    return acks[0].ack;
}

static void dump_rows(struct db *store, const char *title, struct str sql, struct buf *out)
{
    struct err err = {0};
    struct db_query q;
    buf_addf(out, "-- %s\n", title);
    check(db_prepare(store, sql, &q, &err), &err);
    bool has_row = false;
    for (;;) {
        check(db_next(&q, &has_row, &err), &err);
        if (!has_row) {
            break;
        }
        for (int col = 0; col < db_col_count(&q); col++) {
            if (strcmp(db_col_name(&q, col), "stream_id") != 0 &&
                strcmp(db_col_name(&q, col), "id") != 0) {
                buf_add(out, db_col_is_null(&q, col) ? STR("~") : db_col_str(&q, col));
                buf_add_char(out, '|');
            }
        }
        buf_add_char(out, '\n');
    }
    db_finish(&q);
}

/* Where a key says of which stream a row is; -1: it does not. The number itself differs from hub to hub. */
static int stream_column(struct db *store, const struct hub_store_view *view)
{
    struct err err = {0};
    AUTO(db_query) q = {0};
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", view->table);
    check(db_prepare(store, str_from(sql), &q, &err), &err);
    int column = view->key_columns - 1;
    while (column >= 0 && strcmp(db_col_name(&q, column), "stream_id") != 0) {
        column--;
    }
    return column;
}

/* Of each stream the rest of the key; where other things come first in it, the order of the events. */
static const char *order_in_stream(int stream, int key_columns)
{
    return stream > 0 ? ", t.seq" : key_columns == 1 ? "" : key_columns == 2 ? ", 4" : ", 4, 5";
}

struct buf world_dump(struct db *store)
{
    struct buf out = buf_growing(64 << 20);
    dump_rows(store, "log",
              STR("SELECT s.device, s.epoch, s.first_at_ms, s.merged_seq, e.* FROM event e JOIN "
                  "stream s ON "
                  "s.id = e.stream_id ORDER BY 1, 2, e.seq"),
              &out);
    for (size_t i = 0; i < HUB_STORE_VIEW_COUNT; i++) {
        char sql[256];
        const char *table = hub_store_views[i].table;
        static const char *const keys[] = {"", "1", "1, 2", "1, 2, 3", "1, 2, 3, 4"};
        int stream = stream_column(store, &hub_store_views[i]);
        if (stream >= 0) {
            (void)snprintf(sql, sizeof(sql),
                           "SELECT s.device, s.epoch, t.* FROM %s t JOIN stream s ON s.id = "
                           "t.stream_id ORDER BY 1, 2%s",
                           table, order_in_stream(stream, hub_store_views[i].key_columns));
        } else {
            (void)snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY %s", table,
                           keys[hub_store_views[i].key_columns]);
        }
        dump_rows(store, table, str_from(sql), &out);
    }
    assert_false(out.overflow);
    return out;
}

int64_t world_number(struct db *store, const char *sql)
{
    struct err err = {0};
    int64_t value = 0;
    bool found = false;
    check(db_scalar_i64(store, sql, &value, &found, &err), &err);
    assert_true(found);
    return value;
}

void world_expect_text(struct db *store, const char *sql, const char *expected)
{
    struct err err = {0};
    struct db_query q;
    bool has_row = false;
    check(db_prepare(store, str_from(sql), &q, &err), &err);
    check(db_next(&q, &has_row, &err), &err);
    assert_true(has_row);
    struct str text = db_col_str(&q, 0);
    if (!str_eq(text, str_from(expected))) {
        fail_msg("%s: \"" STR_FMT "\" instead of \"%s\"", sql, STR_ARG(text), expected);
    }
    db_finish(&q);
}

static void print_difference(void *ctx, struct str line)
{
    (void)ctx;
    print_error(STR_FMT "\n", STR_ARG(line));
}

void world_expect_rebuildable(struct db *store)
{
    struct err err = {0};
    struct rebuild_report report;
    AUTO(buf) before = world_dump(store);
    check(rebuild_check(store, ":memory:", print_difference, NULL, &report, &err), &err);
    assert_int_equal(report.differences, 0);
    int64_t events = 0;
    check(rebuild_views(store, NULL, &events, &err), &err);
    assert_int_equal(events, report.events);
    AUTO(buf) after = world_dump(store);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
}
