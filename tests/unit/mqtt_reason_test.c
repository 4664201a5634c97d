/* mqtt_reason_test.c - common/mqtt/reason.h: codes become a class and a sentence. Codes: MQTT 5.0
 * section 2.4. */
#include "common/mqtt/reason.h"
#include "tests/support/cmocka_all.h"

#include <errno.h>

static void reasons_have_a_class(void **state)
{
    (void)state;
    static const struct {
        int reason;
        enum err_code code;
        const char *text;
    } cases[] = {
        {0x85, ERR_INVALID, "connect: Client Identifier not valid"},
        {0x87, ERR_DENIED, "connect: Not authorized"},
        {0x88, ERR_OFFLINE, "connect: Server unavailable"},
        {0x8b, ERR_OFFLINE, "connect: Server shutting down"},
        {0x8e, ERR_BUSY, "connect: another connection with the same client id took over"},
        {0x95, ERR_FULL, "connect: Packet too large"},
        {0x97, ERR_FULL, "connect: Quota exceeded"},
        {0x98, ERR_OFFLINE, "connect: Administrative action"},
        {0xff, ERR_INVALID, "connect: Unknown reason"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        assert_false(reason_err(&err, cases[i].reason, "connect"));
        assert_int_equal(err.code, cases[i].code);
        assert_string_equal(err.msg, cases[i].text);
    }
    struct err err = {0};
    assert_false(reason_err(&err, 0x87, "publish"));
    assert_string_not_equal(err.hint, "");
}

static void the_librarys_codes_are_never_bare_numbers(void **state)
{
    (void)state;
    for (int code = 1; code < 40; code++) {
        struct err err = {0};
        errno = ECONNRESET;
        assert_false(library_err(&err, code, "MQTT"));
        assert_int_not_equal(err.code, ERR_NONE);
        assert_memory_equal(err.msg, "MQTT: ", 6);
        assert_in_range(err.msg[6], 'A', 'z');
    }
    struct err err = {0};
    errno = ECONNRESET;
    assert_false(library_err(&err, 14 /* MOSQ_ERR_ERRNO */, "MQTT"));
    assert_int_equal(err.code, ERR_OFFLINE);
    assert_string_equal(err.msg, "MQTT: Connection reset by peer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_have_a_class),
        cmocka_unit_test(the_librarys_codes_are_never_bare_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
