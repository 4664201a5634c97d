#include "tests/bench/events.h"

#include "tests/bench/bench.h"
#include <stdio.h>
#include <string.h>

static const char *const assets[] = {"pos/orders",       "pos/items",  "pos/customers",
                                     "shop/sales_daily", "shop/stock", "shop/returns"};

/* 2026-11-22, and a run every 20 s. */
static const int64_t first_ns = INT64_C(1795312200) * NS_PER_SEC;
enum { RUN_EVERY_S = 20 };

/* splitmix64: one good number from each number. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static void write_metadata(char *text, uint64_t random)
{
    (void)snprintf(text, EVENTS_TEXT_SIZE,
                   "{\"dagster/row_count\":{\"type\":\"int\",\"raw_value\":%u},"
                   "\"rows_read\":{\"type\":\"int\",\"raw_value\":%u},"
                   "\"rows_written\":{\"type\":\"int\",\"raw_value\":%u},"
                   "\"bytes_read\":{\"type\":\"int\",\"raw_value\":%u},"
                   "\"duration_seconds\":{\"type\":\"float\",\"raw_value\":0.%03u}}",
                   (unsigned)(random % 90000), (unsigned)(random >> 20 & 255),
                   (unsigned)(random >> 28 & 255), (unsigned)(random >> 36 & 65535),
                   (unsigned)(random >> 52 & 511));
}

void typical_event(struct typical_event *ret, uint64_t device, int64_t index)
{
    static const struct {
        enum event_type type;
        int at_ms;
    } script[EVENTS_PER_RUN] = {
        {EVENT_RUN_ENQUEUED, 0},
        {EVENT_RUN_START, 1},
        {EVENT_ASSET_MATERIALIZATION_PLANNED, 1},
        {EVENT_STEP_START, 2},
        {EVENT_ASSET_MATERIALIZATION, 180},
        {EVENT_STEP_SUCCESS, 180},
        {EVENT_RUN_SUCCESS, 181},
    };
    uint64_t run = (uint64_t)(index / EVENTS_PER_RUN);
    size_t place = (size_t)(index % EVENTS_PER_RUN);
    enum event_type type = script[place].type;
    uint64_t random[2] = {mix(device << 32 | run), mix(device << 32 | run | UINT64_C(1) << 63)};
    struct wall_time start = {first_ns + (int64_t)run * RUN_EVERY_S * NS_PER_SEC};
    uint8_t bytes[10];
    memcpy(bytes, random, sizeof(bytes));
    uuid7_format(start, bytes, ret->run);
    (void)snprintf(ret->asset, sizeof(ret->asset), "%s", assets[run % COUNT_OF(assets)]);

    bool is_step =
        type != EVENT_RUN_ENQUEUED && type != EVENT_RUN_START && type != EVENT_RUN_SUCCESS;
    ret->record = (struct record){.type = type,
                                  .at = {start.ns + script[place].at_ms * NS_PER_MS},
                                  .run = str_from(ret->run),
                                  .asset = is_step ? str_from(ret->asset) : STR_NONE,
                                  .step = is_step ? str_from(ret->asset) : STR_NONE};
    if (type == EVENT_RUN_ENQUEUED) {
        ret->record.cause = STR("schedule");
        ret->record.cause_name = STR("every_20s");
        ret->record.selection = STR("pos/*");
        ret->record.steps = 1;
    }
    if (is_step && type != EVENT_ASSET_MATERIALIZATION_PLANNED) {
        ret->record.attempt = 1;
    }
    if (type == EVENT_STEP_SUCCESS) {
        ret->record.duration_ms = 150 + (int64_t)(random[1] % 60);
    }
    if (type == EVENT_ASSET_MATERIALIZATION) {
        write_metadata(ret->metadata, random[1]);
        ret->record.metadata = str_from(ret->metadata);
    }
}

void typical_line(struct buf *out, uint64_t device, int64_t index)
{
    struct typical_event event;
    struct err err = {0};
    typical_event(&event, device, index);
    bench_check(record_encode(&event.record, index + 1, out, &err), &err);
}

struct record plain_record(void)
{
    return (struct record){
        .type = EVENT_ASSET_OBSERVATION,
        .at = {first_ns},
        .run = STR("019ab9a4-5d4c-7b3a-9e0f-6f2b8f1c77aa"),
        .asset = STR("pos/orders"),
        .metadata = STR("{\"temperature\":{\"type\":\"float\",\"raw_value\":21.25},"
                        "\"pressure\":{\"type\":\"float\",\"raw_value\":1013}}"),
    };
}
