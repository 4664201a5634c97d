/* ingest_fuzz.c - bytes that a device published go into the hub: first as they come, then as the
 * lines of a well-formed batch, so that the views are reached too. Whatever was merged, the log has
 * no hole and rebuild gives the same tables. */
#include "common/base/limits.h"
#include "common/wire/event.h"
#include "hub/merge/merge.h"
#include "hub/merge/rebuild.h"
#include "hub/store/store.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct db *store;
static struct merge *merge;

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void open_hub(void)
{
    struct err err = {0};
    if (store == NULL) {
        must(hub_store_open(&store, &(struct hub_store_options){.path = ":memory:"}, &err));
        must(merge_open(store, &merge, &err));
    }
}

static void clear_hub(void)
{
    struct err err = {0};
    must(hub_store_clear_views(store, &err) &&
         db_exec(store, "DELETE FROM event; DELETE FROM stream", &err));
}

static struct merge_result send(struct str payload)
{
    struct err err = {0};
    struct merge_result result = {0};
    must(merge_add(merge, STR("till-1"), payload, (struct wall_time){NS_PER_SEC}, &result, &err));
    return result;
}

/* The lines as a batch that starts and ends where they do. */
static void send_lines(struct str lines)
{
    struct batch_header header = {.epoch = "00000000000000a1", .first = 0};
    struct str rest = lines;
    struct str line;
    struct event ev;
    struct err err = {0};
    while (str_cut(rest, '\n', &line, &rest) && event_parse(line, &ev, &err)) {
        header.first = header.first != 0 ? header.first : ev.from > 0 ? ev.from : ev.seq;
        header.last = ev.seq;
    }
    AUTO(buf) payload = buf_growing(LIMIT_MESSAGE_BYTES);
    if (header.first > 0 && header.last >= header.first &&
        batch_encode(&header, lines, &payload, &err)) {
        (void)send(buf_str(&payload));
    }
}

static int64_t number(const char *sql)
{
    struct err err = {0};
    int64_t value = 0;
    bool found = false;
    must(db_scalar_i64(store, sql, &value, &found, &err));
    return value;
}

static void no_difference(void *ctx, struct str line)
{
    (void)ctx;
    (void)line;
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str payload = {(const char *)data, size};
    struct err err = {0};
    open_hub();
    must(merge_begin(merge, &err));
    (void)send(payload);
    send_lines(payload);
    must(merge_commit(merge, &err));
    /* Every stream covers 1..merged_seq. */
    must(number("SELECT coalesce(sum(merged_seq), 0) FROM stream") ==
         number("SELECT coalesce(sum(seq - coalesce(from_seq, seq) + 1), 0) FROM event"));
    if (size % 8 == 0) { /* it takes ten times as long as the rest */
        struct rebuild_report report;
        must(rebuild_check(store, ":memory:", no_difference, NULL, &report, &err));
    }
    must(merge_begin(merge, &err));
    merge_abort(merge); /* forgets what it remembers of the streams */
    clear_hub();
    return 0;
}
