/* answer_fuzz.c - what a sensor's program says: whatever it is, what is taken of it is text that the
 * rest of the agent can use, within its limits; and a cursor that was kept reads back. */
#include "agent/sense/answer.h"

#include "agent/sense/cursor.h"
#include "agent/sense/messages.h"
#include "common/model/partition.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_text(struct str text, size_t max)
{
    assert(text.len <= max);
    assert(str_is_utf8(text));
    assert(!str_contains(text, (struct str){"", 1}));
}

static void assert_runs(const struct answer *a)
{
    assert(a->run_count <= ANSWER_RUNS_MAX);
    for (size_t i = 0; i < a->run_count; i++) {
        const struct answer_run *run = &a->runs[i];
        assert_text(run->run_key, RUN_KEY_BYTES_MAX);
        assert_text(run->partition, PARTITION_KEY_BYTES_MAX);
        for (size_t k = 0; k < run->tags.count; k++) {
            assert_text(run->tags.keys[k], ANSWER_LINE_BYTES_MAX);
            assert_text(run->tags.values[k], ANSWER_LINE_BYTES_MAX);
        }
        for (size_t k = 0; k < i; k++) {
            assert(str_is_empty(run->run_key) || !str_eq(run->run_key, a->runs[k].run_key));
        }
    }
}

static void assert_sets(const struct answer *a)
{
    assert(a->set_count <= ANSWER_SETS_MAX);
    for (size_t i = 0; i < a->set_count; i++) {
        assert(a->sets[i].keys.count >= 1 && a->sets[i].keys.count <= ANSWER_KEYS_MAX);
        for (size_t k = 0; k < a->sets[i].keys.count; k++) {
            struct err err = {0};
            bool ok = partition_key_check(a->sets[i].keys.items[k], &err);
            assert(ok);
        }
    }
}

static void assert_cursor_kept(struct str cursor)
{
    AUTO(buf) kept = buf_growing(CURSOR_BYTES_MAX + 16);
    struct str text = STR_NONE;
    assert_text(cursor, CURSOR_BYTES_MAX);
    cursor_write(SENSOR_COMMAND, cursor, &kept);
    bool ok = cursor_read(SENSOR_COMMAND, buf_str(&kept), &text);
    assert(ok && str_eq(text, cursor));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct messages messages;
    struct str text = {size == 0 ? "" : (const char *)data, size};
    AUTO(arena) arena = arena_new(ANSWER_ARENA_BYTES);
    struct answer answer;
    struct err err = {0};
    if (size > ANSWER_BYTES_MAX) {
        return 0;
    }
    if (answer_parse(text, &arena, &answer, &err)) {
        assert_runs(&answer);
        assert_sets(&answer);
        assert_text(answer.skip, ANSWER_LINE_BYTES_MAX);
        assert_cursor_kept(answer.cursor);
    } else {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
    }
    messages_read_cursor(&messages,
                         text); /* another text that comes from outside: the database's */
    assert(messages.seen_count <= MESSAGES_TOPICS_MAX);
    return 0;
}
