/* hub_desired_compose_test.c - hub/desired/compose.h and standing.h */
#include "hub/desired/compose.h"
#include "hub/desired/document.h"
#include "hub/desired/standing.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static struct arena arena;
static struct err err;
static struct layer layers[8];
static size_t count;
static struct composed composed;
static struct buf text;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(16 << 20);
    text = buf_growing(1 << 20);
    err = (struct err){0};
    count = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_release(&arena);
    buf_release(&text);
    return 0;
}

static void add(const char *name, int64_t priority, const char *target, const char *content)
{
    struct targets *targets = NULL;
    struct layer *layer = &layers[count++];
    *layer = (struct layer){.name = str_from(name), .priority = priority};
    assert_true(targets_parse(str_from(target), &arena, &targets, &err));
    assert_true(document_parse(str_from(content), &arena, &layer->content, &err));
    layer->targets = targets;
    layers_sort(layers, count);
}

static const char *of(const char *device, const char *site)
{
    const struct target_label label = {STR("site"), str_from(site)};
    const struct target_device d = {.name = str_from(device), .labels = &label, .label_count = 1};
    assert_true(compose(layers, count, &d, STR_NONE, &arena, &composed, &err));
    buf_reset(&text);
    document_write(&composed.content, &text);
    return buf_cstr(&text);
}

static void only_what_means_the_device_counts(void **state)
{
    (void)state;
    add("a", 0, "label:site=berlin",
        "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"1h\"}]}");
    add("b", 0, "brooklyn", "{\"settings\":{\"log_level\":\"debug\"}}");
    assert_string_equal(of("brooklyn", "newyork"), "{\"settings\":{\"log_level\":\"debug\"}}");
    assert_int_equal(composed.layers, 1);
    assert_string_equal(of("mitte", "berlin"),
                        "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"1h\"}]}");
    assert_string_equal(of("other", "paris"), "{}");
    assert_int_equal(composed.layers, 0);
}

static void the_last_by_priority_then_by_name_wins(void **state)
{
    (void)state;
    add("z", 0, "*", "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"1h\"}]}");
    add("a", 5, "*", "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"2h\"}]}");
    assert_string_equal(of("brooklyn", "s"),
                        "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"2h\"}]}");
    assert_true(str_is_empty(composed.conflicts)); /* a priority is meant to win */
    add("b", 5, "*",
        "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"3h\"}],"
        "\"settings\":{\"sync_linger\":\"1s\"}}");
    add("c", 5, "*", "{\"settings\":{\"sync_linger\":\"2s\"}}");
    assert_string_equal(of("brooklyn", "s"),
                        "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"3h\"}],"
                        "\"settings\":{\"sync_linger\":\"2s\"}}");
    assert_true(
        str_eq(composed.conflicts, STR("schedule x: in both a and b, of equal priority; b wins\n"
                                       "sync_linger: in both b and c, of equal priority; c wins")));
}

static void the_same_twice_is_no_conflict(void **state)
{
    (void)state;
    add("a", 0, "*",
        "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"1h\"}],"
        "\"settings\":{\"log_level\":\"info\"}}");
    add("b", 0, "*",
        "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"1h\"}],"
        "\"settings\":{\"log_level\":\"info\"}}");
    (void)of("brooklyn", "s");
    assert_true(str_is_empty(composed.conflicts));
}

static void pauses_add_up(void **state)
{
    (void)state;
    add("a", 0, "*", "{\"pauses\":{\"schedules\":[\"y\",\"x\"],\"sensors\":[\"f\"]}}");
    add("b", 9, "*", "{\"pauses\":{\"schedules\":[\"x\",\"a\"],\"automation\":true}}");
    assert_string_equal(of("brooklyn", "s"),
                        "{\"pauses\":{\"schedules\":[\"a\",\"x\",\"y\"],\"sensors\":[\"f\"],"
                        "\"automation\":true}}");
}

/* No wish, and the wish for the device's own file, are two things. */
static void a_bundle_is_told_when_there_is_a_wish(void **state)
{
    (void)state;
    const struct target_device d = {.name = STR("brooklyn")};
    assert_true(compose(layers, 0, &d, STR(""), &arena, &composed, &err));
    document_write(&composed.content, &text);
    assert_string_equal(buf_cstr(&text), "{\"bundle\":\"\"}");
    assert_string_equal(of("brooklyn", "s"), "{}");
}

/* What is the same has the same hash, in whatever order it was written. */
static void a_hash_is_of_what_is_wanted(void **state)
{
    (void)state;
    char first[DESIRED_HASH_SIZE];
    add("a", 0, "*",
        "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"1h\"},"
        "{\"name\":\"a\",\"job\":\"j\",\"every\":\"1h\"}]}");
    (void)of("brooklyn", "s");
    memcpy(first, composed.hash, sizeof(first));
    count = 0;
    add("q", 0, "*", "{\"schedules\":[{\"name\":\"a\",\"job\":\"j\",\"every\":\"1h\"}]}");
    add("r", 3, "*", "{\"schedules\":[{\"name\":\"x\",\"job\":\"j\",\"every\":\"1h\"}]}");
    (void)of("brooklyn", "s");
    assert_string_equal(first, composed.hash);
    add("s", 3, "*", "{\"settings\":{\"log_level\":\"info\"}}");
    (void)of("brooklyn", "s");
    assert_string_not_equal(first, composed.hash);
}

static void more_than_a_device_takes_is_told(void **state)
{
    (void)state;
    for (int half = 0; half < 2; half++) {
        AUTO(buf) content = buf_growing(1 << 20);
        buf_add_text(&content, "{\"schedules\":[");
        for (int i = 0; i < 150; i++) {
            buf_addf(&content, "%s{\"name\":\"s%d-%d\",\"job\":\"j\",\"every\":\"1h\"}",
                     i == 0 ? "" : ",", half, i);
        }
        buf_add_text(&content, "]}");
        add(half == 0 ? "a" : "b", 0, "*", buf_cstr(&content));
    }
    (void)of("brooklyn", "s");
    assert_true(
        str_eq(composed.problem, STR("all documents together have more than 200 schedules")));
}

/* --- how far a device is ------------------------------------------------------------------------ */

static struct desired_row row(int64_t revision, int64_t applied, const char *status)
{
    return (struct desired_row){.device = STR("brooklyn"),
                                .revision = revision,
                                .content_hash = STR("c"),
                                .hash = STR("h"),
                                .is_signed = true,
                                .told_revision = applied,
                                .applied = applied,
                                .told_status = str_from(status),
                                .told_hash = STR("h")};
}

static void a_device_stands_where_it_says(void **state)
{
    (void)state;
    struct desired_row r = row(0, 0, "");
    assert_int_equal(standing_of(&r), STANDING_NONE);
    r = row(3, 0, "");
    assert_int_equal(standing_of(&r), STANDING_WAITING);
    r.is_signed = false;
    assert_int_equal(standing_of(&r), STANDING_UNSIGNED);
    r = row(3, 2, "applied");
    assert_int_equal(standing_of(&r), STANDING_WAITING);
    r = row(3, 3, "applied");
    assert_int_equal(standing_of(&r), STANDING_IN_FORCE);
    r = row(3, 3, "degraded");
    assert_int_equal(standing_of(&r), STANDING_DEGRADED);
    r = row(3, 2, "refused");
    r.told_revision = 3;
    assert_int_equal(standing_of(&r), STANDING_REFUSED);
    r.revision = 4; /* a newer one was issued since */
    assert_int_equal(standing_of(&r), STANDING_WAITING);
    r = row(3, 4, "applied");
    assert_int_equal(standing_of(&r), STANDING_DRIFT);
    r = row(3, 3, "applied");
    r.told_hash = STR("other");
    assert_int_equal(standing_of(&r), STANDING_DRIFT);
}

static void a_device_is_behind_since(void **state)
{
    (void)state;
    struct desired_row r = row(3, 3, "applied");
    r.issued.ns = 10;
    r.told_at.ns = 20;
    assert_int_equal(standing_since(&r).ns, 0);
    assert_false(standing_is_pending(standing_of(&r)));
    r.applied = 2;
    r.told_reason = STR("why not");
    assert_int_equal(standing_since(&r).ns, 10); /* waiting: since it was issued */
    assert_int_equal(standing_reason(&r).len, 0);
    r = row(3, 3, "degraded");
    r.issued.ns = 10;
    r.told_at.ns = 20;
    r.told_reason = STR("no such schedule");
    assert_int_equal(standing_since(&r).ns, 20); /* since it said so */
    assert_true(str_eq(standing_reason(&r), STR("no such schedule")));
    r = row(0, 0, "");
    assert_false(standing_is_pending(standing_of(&r)));
}

static void a_revision_is_issued_when_something_changes(void **state)
{
    (void)state;
    struct desired_row r = row(0, 0, "");
    assert_false(standing_needs_issue(&r, "c", false));
    assert_true(standing_needs_issue(&r, "c", true));
    assert_int_equal(standing_next_revision(&r), 1);
    r = row(3, 3, "applied");
    assert_false(standing_needs_issue(&r, "c", true));
    assert_false(standing_needs_issue(&r, "c", false));
    assert_true(standing_needs_issue(&r, "d", true));
    assert_int_equal(standing_next_revision(&r), 4);
    r = row(3, 9, "applied"); /* the hub was put back */
    assert_true(standing_needs_issue(&r, "c", true));
    assert_int_equal(standing_next_revision(&r), 10);
    r = row(3, 3, "applied");
    r.seen = 12;
    assert_true(standing_needs_issue(&r, "c", true));
    assert_int_equal(standing_next_revision(&r), 13);
    r = row(13, 3, "applied"); /* which was issued */
    r.seen = 12;
    assert_false(standing_needs_issue(&r, "c", true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_means_the_device_counts, begin, end),
        cmocka_unit_test_setup_teardown(the_last_by_priority_then_by_name_wins, begin, end),
        cmocka_unit_test_setup_teardown(the_same_twice_is_no_conflict, begin, end),
        cmocka_unit_test_setup_teardown(pauses_add_up, begin, end),
        cmocka_unit_test_setup_teardown(a_bundle_is_told_when_there_is_a_wish, begin, end),
        cmocka_unit_test_setup_teardown(a_hash_is_of_what_is_wanted, begin, end),
        cmocka_unit_test_setup_teardown(more_than_a_device_takes_is_told, begin, end),
        cmocka_unit_test(a_device_stands_where_it_says),
        cmocka_unit_test(a_device_is_behind_since),
        cmocka_unit_test(a_revision_is_issued_when_something_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
