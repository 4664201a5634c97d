/* refusal_words_test.c - whatever is refused, there is something to do about it, and what is said fits. */
#include "hub/rows/refusal_words.h"

#include "hub/broker/broker.h"
#include "tests/support/cmocka_all.h"

static bool advises(const char *what, const char *why, const char *part)
{
    const char *advice = refusal_advice(str_from(what), str_from(why));
    return str_contains(str_from(advice), str_from(part));
}

/* As the broker's log says it, so that a reworded reason is noticed. */
static void what_the_broker_refuses(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"OpenSSL Error[0]: error:0A0000C7:SSL routines::peer did not return a certificate",
         "enrol it"},
        {"OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed", "replace"},
        {"OpenSSL Error[0]: error:0A000418:SSL routines::tlsv1 alert unknown ca", "another CA"},
        {"OpenSSL Error[0]: error:0A00010B:SSL routines::wrong version number", "firewall"},
        {"Denied PUBLISH from chicago.1 (d0, q1, r0, m1, 'a/b', ... (12 bytes))", "own topics"},
        {"Client chicago.1 disconnected due to oversize packet.", "so large"}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct broker_reader reader = {0};
        struct broker_line note;
        broker_read_line(&reader, str_from(lines[i][0]), STR("main"), &note);
        assert_int_equal(note.note, BROKER_NOTE_REFUSED);
        const char *advice = refusal_advice(note.what, note.why);
        assert_true(str_contains(str_from(advice), str_from(lines[i][1])));
    }
}

static void what_the_hub_refuses(void **state)
{
    (void)state;
    assert_true(advises("enrolment", "the token is used up", "token create"));
    assert_true(advises("enrolment", "the operator has rejected it", "asks on"));
    assert_true(advises("events", "seq 3 to 5 are kept aside, and it is told", "quarantine"));
    assert_true(advises("events", "line 2: seq 9 does not follow", "one version"));
    assert_true(advises("birth", "its database was put back to an earlier state", "Nothing"));
    assert_true(advises("birth", "session: is missing", "one version"));
    assert_true(advises("what no version has said", "why", "one version"));
}

static void who_shows_no_certificate_is_not_known(void **state)
{
    (void)state;
    assert_false(refusal_knows_peer(STR("enrolment")));
    assert_false(refusal_knows_peer(STR("connection")));
    assert_true(refusal_knows_peer(STR("events")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_broker_refuses),
        cmocka_unit_test(what_the_hub_refuses),
        cmocka_unit_test(who_shows_no_certificate_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
