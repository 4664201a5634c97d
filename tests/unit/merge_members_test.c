/* merge_members_test.c - hub/merge/members.h */
#include "hub/merge/members.h"
#include "tests/support/cmocka_all.h"

/* In the order of the enum. */
static const char *const names[] = {"agent_start",
                                    "applied",
                                    "assets",
                                    "attempt",
                                    "automation",
                                    "backfill",
                                    "board",
                                    "boot_id",
                                    "bundle",
                                    "cause",
                                    "check",
                                    "code",
                                    "command",
                                    "current",
                                    "data_version",
                                    "dropped",
                                    "duration_ms",
                                    "error",
                                    "exit",
                                    "hash",
                                    "job",
                                    "jobs",
                                    "metadata",
                                    "nominal",
                                    "parent",
                                    "part",
                                    "partial",
                                    "partition",
                                    "partition_end",
                                    "partitions",
                                    "partitions_per_run",
                                    "parts",
                                    "passed",
                                    "reason",
                                    "result",
                                    "retry_at",
                                    "revision",
                                    "schedule",
                                    "schedules",
                                    "selection",
                                    "sensor",
                                    "sensors",
                                    "set",
                                    "severity",
                                    "status",
                                    "steps",
                                    "tags",
                                    "verb",
                                    "version",
                                    "checks",
                                    "code_version",
                                    "deps",
                                    "description",
                                    "external",
                                    "group",
                                    "key",
                                    "kinds",
                                    "owners",
                                    "name",
                                    "type"};

static void every_member_is_known_by_its_name(void **state)
{
    (void)state;
    struct members m;
    AUTO(arena) text = arena_new(4096);
    AUTO(buf) object = buf_growing(4096);
    assert_int_equal(COUNT_OF(names), MEMBER_COUNT - 1);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        buf_addf(&object, "%s\"%s\":%zu", i == 0 ? "{" : ",", names[i], i + 1);
    }
    buf_add(&object, STR(",\"\":0,\"jox\":0,\"a_name_that_is_longer_than_any\":0}"));
    members_read(&m, buf_str(&object), &text);
    assert_int_equal(m.count, COUNT_OF(names));
    for (unsigned i = 1; i < MEMBER_COUNT; i++) {
        int64_t value = 0;
        assert_true(members_i64(&m, (enum member)i, &value));
        assert_int_equal(value, i);
    }
}

static void of_equal_members_the_last_counts(void **state)
{
    (void)state;
    struct members m;
    AUTO(arena) text = arena_new(4096);
    int64_t value = 0;
    members_read(&m, STR("{\"steps\":1,\"job\":\"j\",\"steps\":2,\"j\\u006fb\":\"k\"}"), &text);
    assert_true(members_i64(&m, MEMBER_STEPS, &value));
    assert_int_equal(value, 2);
    assert_true(str_eq(members_text(&m, MEMBER_JOB), STR("j")));
    assert_true(str_is_empty(members_text(&m, MEMBER_TAGS)));
    members_read(&m, STR_NONE, &text);
    assert_false(members_i64(&m, MEMBER_STEPS, &value));
}

static void numbers_of_metadata_are_found_in_one_pass(void **state)
{
    (void)state;
    int64_t rows = -1;
    int64_t bytes = -2;
    int64_t none = -3;
    const struct metadata_number wanted[] = {
        {STR("rows"), &rows}, {STR("bytes"), &bytes}, {STR("none"), &none}};
    metadata_numbers(STR("{\"bytes\":{\"raw_value\":7,\"type\":\"int\"},\"x\":3,"
                         "\"rows\":{\"type\":\"int\",\"raw_value\":41},\"rows\":{\"raw_value\":42},"
                         "\"none\":5,\"none\":{\"raw_value\":6}}"),
                     wanted, COUNT_OF(wanted));
    assert_int_equal(rows, 41); /* of equal ones the first counts */
    assert_int_equal(bytes, 7);
    assert_int_equal(none, -3);
    metadata_numbers(STR("{\"rows\":{\"raw_value\":1.5},\"bytes\":{}}"), wanted, COUNT_OF(wanted));
    metadata_numbers(STR_NONE, wanted, COUNT_OF(wanted));
    assert_int_equal(rows, 41);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_known_by_its_name),
        cmocka_unit_test(of_equal_members_the_last_counts),
        cmocka_unit_test(numbers_of_metadata_are_found_in_one_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
