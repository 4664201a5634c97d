/* protocol_doc_test.c - docs/reference/protocol.md says what the code says: every example goes
 * through its decoder and comes back the same, and tables, topics and access lists are complete. */
#include "agent/command/admission.h"
#include "common/base/limits.h"
#include "common/json/json.h"
#include "common/platform/files.h"
#include "common/wire/bundle.h"
#include "common/wire/desired.h"
#include "common/wire/event.h"
#include "common/wire/lease.h"
#include "common/wire/messages.h"
#include "common/wire/topics.h"
#include "hub/broker/broker.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static const char page_path[] = "docs/reference/protocol.md";
static const char broker_page_path[] = "docs/how-to/external-broker.md";

static struct buf page;
static struct buf out;
static struct arena arena;
static struct err err;

static int begin(void **state)
{
    (void)state;
    page = buf_growing(1 << 20);
    out = buf_growing(1 << 20);
    arena = arena_new(4 << 20);
    err = (struct err){0};
    return files_read(page_path, &page, &err) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    buf_release(&page);
    buf_release(&out);
    arena_release(&arena);
    return 0;
}

/* The next block fenced as ```<info>, cut off the front of *rest. */
static bool next_block(struct str *rest, const char *info, struct str *ret)
{
    char memory[64];
    struct buf open = buf_fixed(memory, sizeof(memory));
    buf_addf(&open, "\n```%s\n", info);
    const char *at = memmem(rest->ptr, rest->len, open.ptr, open.len);
    if (at == NULL) {
        return false;
    }
    *rest = str_slice(*rest, (size_t)(at - rest->ptr) + open.len, rest->len);
    const char *close = memmem(rest->ptr, rest->len, "\n```\n", 5);
    assert_non_null(close);
    *ret = str_slice(*rest, 0, (size_t)(close - rest->ptr) + 1);
    *rest = str_slice(*rest, ret->len + 4, rest->len);
    return true;
}

static bool page_has(struct str text)
{
    return memmem(page.ptr, page.len, text.ptr, text.len) != NULL;
}

/* "| `epoch` |": the member has a row in a table of the page. */
static void assert_has_row(struct str member)
{
    char memory[128];
    struct buf row = buf_fixed(memory, sizeof(memory));
    buf_addf(&row, "\n| `" STR_FMT "` |", STR_ARG(member));
    if (!page_has(buf_str(&row))) {
        fail_msg("no row for " STR_FMT, STR_ARG(member));
    }
}

/* What was decoded and encoded again is what stands on the page, but for white space. */
static void assert_same(struct str example)
{
    struct json *node = NULL;
    AUTO(buf) compact = buf_growing(1 << 20);
    assert_true(json_parse(example, LIMIT_JSON_BYTES, &arena, &node, &err));
    json_write(&compact, node);
    assert_string_equal(buf_cstr(&out), buf_cstr(&compact));
    for (const struct json *member = node->child; member != NULL; member = member->next) {
        assert_has_row(member->key);
    }
    buf_reset(&out);
}

/* --- messages ----------------------------------------------------------------------------- */

#define ROUND_TRIP(name)                                                                           \
    static bool round_trip_##name(struct str example)                                              \
    {                                                                                              \
        struct message_##name m;                                                                   \
        if (!message_##name##_decode(example, &arena, &m, &err)) {                                 \
            return false;                                                                          \
        }                                                                                          \
        message_##name##_encode(&m, &out);                                                         \
        return true;                                                                               \
    }
ROUND_TRIP(birth)
ROUND_TRIP(death)
ROUND_TRIP(ack)
ROUND_TRIP(hub_state)
ROUND_TRIP(enrol_request)
ROUND_TRIP(enrol_reply)
ROUND_TRIP(reported)
ROUND_TRIP(want_certificate)
ROUND_TRIP(certificate)

static bool round_trip_desired(struct str example)
{
    struct desired d;
    if (!desired_decode(example, &arena, &d, &err)) {
        return false;
    }
    desired_encode(&d, &out);
    return true;
}

static bool round_trip_bundle_want(struct str example)
{
    struct bundle_want m;
    if (!bundle_want_decode(example, &arena, &m, &err)) {
        return false;
    }
    bundle_want_encode(&m, &out);
    return true;
}

/* The page has the first line; bytes follow it. */
static bool round_trip_bundle_piece(struct str example)
{
    struct bundle_piece m;
    AUTO(buf) payload = buf_growing(1 << 16);
    buf_add(&payload, example);
    buf_add(&payload, str_contains(example, STR("problem")) ? STR("") : STR("x"));
    if (!bundle_piece_decode(buf_str(&payload), &arena, &m, &err)) {
        return false;
    }
    m.bytes = STR_NONE;
    bundle_piece_encode(&m, &out);
    out.len--;
    return true;
}

static void a_bundles_manifest_is_as_the_page_says(void **state)
{
    (void)state;
    struct str rest = buf_str(&page);
    struct str example = STR_NONE;
    struct bundle_manifest m;
    assert_true(next_block(&rest, "jsonl bundle-manifest", &example));
    if (!bundle_manifest_decode(example, &arena, &m, &err)) {
        fail_msg("%s", err.msg);
    }
    for (const char *const *member = (const char *const[]){"kind", "v", "files", "bytes", "path",
                                                           "size", "sha256", "mode", NULL};
         *member != NULL; member++) {
        char memory[64];
        struct buf name = buf_fixed(memory, sizeof(memory));
        buf_addf(&name, "`%s`", *member);
        assert_true(page_has(buf_str(&name)));
    }
}

static bool round_trip_lease_ask(struct str example)
{
    struct lease_ask m;
    bool is_lease = false;
    if (!lease_ask_decode(example, &arena, &m, &is_lease, &err)) {
        return false;
    }
    assert_true(is_lease);
    lease_ask_encode(&m, &out);
    return true;
}

static bool round_trip_lease_grant(struct str example)
{
    struct lease_grant m;
    if (!lease_grant_decode(example, &arena, &m, &err)) {
        return false;
    }
    lease_grant_encode(&m, &out);
    return true;
}

static void messages_are_as_the_page_says(void **state)
{
    (void)state;
    static const struct {
        const char *info;
        bool (*round_trip)(struct str example);
        size_t examples;
    } kinds[] = {
        {"json hub-state", round_trip_hub_state, 1},
        {"json birth", round_trip_birth, 1},
        {"json death", round_trip_death, 1},
        {"json ack", round_trip_ack, 3},
        {"json desired", round_trip_desired, 1},
        {"json reported", round_trip_reported, 2},
        {"json bundle-want", round_trip_bundle_want, 1},
        {"json bundle-piece", round_trip_bundle_piece, 2},
        {"json enrol-request", round_trip_enrol_request, 2},
        {"json enrol-reply", round_trip_enrol_reply, 3},
        {"json lease-ask", round_trip_lease_ask, 1},
        {"json lease-grant", round_trip_lease_grant, 1},
        {"json want-certificate", round_trip_want_certificate, 1},
        {"json certificate", round_trip_certificate, 3},
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct str rest = buf_str(&page);
        struct str example = STR_NONE;
        size_t count = 0;
        for (; next_block(&rest, kinds[i].info, &example); count++) {
            if (!kinds[i].round_trip(example)) {
                fail_msg("%s: %s", kinds[i].info, err.msg);
            }
            assert_same(example);
        }
        assert_int_equal(count, kinds[i].examples);
    }
}

static bool page_has_word(const char *word)
{
    char memory[128];
    struct buf quoted = buf_fixed(memory, sizeof(memory));
    buf_addf(&quoted, "`%s`", word);
    return page_has(buf_str(&quoted));
}

static void commands_are_as_the_page_says(void **state)
{
    (void)state;
    struct str rest = buf_str(&page);
    struct str example = STR_NONE;
    struct command c;
    struct command_args args;
    assert_true(next_block(&rest, "json command", &example));
    if (!command_decode(example, &arena, &c, &err) || !command_read_args(&c, &arena, &args, &err)) {
        fail_msg("%s", err.msg);
    }
    command_encode(&c, &out);
    assert_same(example);
    for (size_t i = 0; command_verbs[i] != NULL; i++) {
        const struct field_table *table = command_args_table(str_from(command_verbs[i]));
        bool ok = page_has_word(command_verbs[i]);
        for (size_t f = 0; table != NULL && f < table->count; f++) {
            ok = ok && page_has_word(table->fields[f].key);
        }
        if (!ok) {
            fail_msg("%s or one of its arguments is not on the page", command_verbs[i]);
        }
    }
    for (int i = COMMAND_CODE_NONE + 1; i < COMMAND_CODE_COUNT; i++) {
        if (!page_has_word(command_code_name((enum command_code)i))) {
            fail_msg("%s is not on the page", command_code_name((enum command_code)i));
        }
    }
}

static void pieces_are_as_the_page_says(void **state)
{
    (void)state;
    struct str rest = buf_str(&page);
    struct str example = STR_NONE;
    struct command_piece p;
    assert_true(next_block(&rest, "text log", &example));
    if (!command_piece_decode(example, &arena, &p, &err)) {
        fail_msg("%s", err.msg);
    }
    command_piece_encode(&p, &out);
    assert_true(str_eq(buf_str(&out), example));
}

static void the_token_is_as_the_page_says(void **state)
{
    (void)state;
    struct str rest = buf_str(&page);
    struct str example = STR_NONE;
    struct enrol_token token;
    assert_true(next_block(&rest, "text token", &example));
    assert_true(enrol_token_parse(example, &token, &err));
    enrol_token_format(&token, &out);
    assert_true(str_eq(buf_str(&out), str_trim(example)));
}

/* --- events ------------------------------------------------------------------------------- */

static void the_batch_is_as_the_page_says(void **state)
{
    (void)state;
    struct str rest = buf_str(&page);
    struct str example = STR_NONE;
    struct str line = STR_NONE;
    struct batch_header header;
    struct event event;
    assert_true(next_block(&rest, "text batch", &example));
    assert_true(batch_decode(example, &header, &out, &err));
    rest = buf_str(&out);
    int64_t seq = header.first;
    while (str_cut(rest, '\n', &line, &rest)) {
        assert_true(event_parse(line, &event, &err));
        assert_int_equal(event.seq, seq++);
    }
    assert_int_equal(seq, header.last + 1);
    for (const char *const *member =
             (const char *const[]){"v", "epoch", "first", "last", "codec", "size", NULL};
         *member != NULL; member++) {
        assert_has_row(str_from(*member));
    }
}

static void every_event_type_is_on_the_page(void **state)
{
    (void)state;
    static const enum event_type reserved[] = {EVENT_UNKNOWN, EVENT_CLOCK_STEP};
    bool seen[EVENT_TYPE_COUNT] = {0};
    struct str rest = buf_str(&page);
    struct str examples = STR_NONE;
    struct str line = STR_NONE;
    assert_true(next_block(&rest, "jsonl events", &examples));
    while (str_cut(examples, '\n', &line, &examples)) {
        struct event event;
        if (!event_parse(line, &event, &err)) {
            fail_msg("%s: " STR_FMT, err.msg, STR_ARG(line));
        }
        assert_int_not_equal(event.type, EVENT_UNKNOWN);
        seen[event.type] = true;
    }
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        assert_false(seen[reserved[i]]);
        seen[reserved[i]] = true;
    }
    for (unsigned type = EVENT_UNKNOWN + 1; type < EVENT_TYPE_COUNT; type++) {
        char memory[80];
        struct buf name = buf_fixed(memory, sizeof(memory));
        buf_addf(&name, "`%s`", event_type_name((enum event_type)type));
        if (!seen[type] || !page_has(buf_str(&name))) {
            fail_msg("%s is not on the page", event_type_name((enum event_type)type));
        }
    }
}

/* --- topics and the broker ---------------------------------------------------------------- */

static void topics_are_as_the_page_says(void **state)
{
    (void)state;
    const struct str fleet = STR("main");
    const struct str client = STR("4f0c2d2be6a94c5b8d1f0a6e7c3b9a21");
    char memory[TOPIC_BYTES_MAX];
    struct buf topic = buf_fixed(memory, sizeof(memory));
    for (unsigned c = 0; c < CHANNEL_COUNT; c++) {
        buf_reset(&topic);
        topic_device(&topic, fleet, STR("brooklyn"), (enum channel)c);
        buf_add(&out, buf_str(&topic));
        buf_add_char(&out, '\n');
    }
    topic_hub_state(&out, fleet);
    buf_add_char(&out, '\n');
    topic_hub_alerts(&out, fleet);
    buf_add_char(&out, '\n');
    topic_hub_report(&out, fleet, STR("monday"));
    buf_add_char(&out, '\n');
    topic_enrol_request(&out, fleet, client);
    buf_add_char(&out, '\n');
    topic_enrol_reply(&out, fleet, client);
    buf_add_char(&out, '\n');
    struct str rest = buf_str(&page);
    struct str example = STR_NONE;
    assert_true(next_block(&rest, "text", &example));
    assert_true(str_eq(example, buf_str(&out)));
}

/* Both pages that show the access lists. */
static void access_lists_are_as_the_pages_say(void **state)
{
    (void)state;
    const char *const pages[] = {page_path, broker_page_path};
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        struct str example = STR_NONE;
        buf_reset(&page);
        assert_true(files_read(pages[i], &page, &err));
        struct str rest = buf_str(&page);
        buf_reset(&out);
        broker_write_device_acl(&out, STR("main"));
        assert_true(next_block(&rest, "text devices.acl", &example));
        assert_true(str_eq(example, buf_str(&out)));
        buf_reset(&out);
        broker_write_enrol_acl(&out, STR("main"));
        assert_true(next_block(&rest, "text enrolment.acl", &example));
        assert_true(str_eq(example, buf_str(&out)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_bundles_manifest_is_as_the_page_says, begin, end),
        cmocka_unit_test_setup_teardown(messages_are_as_the_page_says, begin, end),
        cmocka_unit_test_setup_teardown(commands_are_as_the_page_says, begin, end),
        cmocka_unit_test_setup_teardown(pieces_are_as_the_page_says, begin, end),
        cmocka_unit_test_setup_teardown(the_token_is_as_the_page_says, begin, end),
        cmocka_unit_test_setup_teardown(the_batch_is_as_the_page_says, begin, end),
        cmocka_unit_test_setup_teardown(every_event_type_is_on_the_page, begin, end),
        cmocka_unit_test_setup_teardown(topics_are_as_the_page_says, begin, end),
        cmocka_unit_test_setup_teardown(access_lists_are_as_the_pages_say, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
