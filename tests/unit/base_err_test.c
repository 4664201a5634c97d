/* base_err_test.c - common/base/err.h */
#include "common/base/err.h"
#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <string.h>

static void errors_read_from_the_outside_in(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(err_set(&err, ERR_INVALID, "line %d: no name", 7));
    assert_false(err_wrap(&err, "read %s", "selvedge.yaml"));
    assert_false(err_hint(&err, "add a name"));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg, "read selvedge.yaml: line 7: no name");
    assert_string_equal(err.hint, "add a name");
    assert_false(err_set(&err, ERR_FULL, "next"));
    assert_string_equal(err.hint, "");
}

static void errno_becomes_a_class_and_a_reason(void **state)
{
    (void)state;
    static const struct {
        int value;
        enum err_code code;
    } cases[] = {
        {ENOENT, ERR_NOT_FOUND},     {EEXIST, ERR_EXISTS},    {ENOSPC, ERR_FULL},
        {EACCES, ERR_DENIED},        {ENOMEM, ERR_NO_MEMORY}, {ETIMEDOUT, ERR_TIMEOUT},
        {ECONNREFUSED, ERR_OFFLINE}, {EIO, ERR_IO},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        assert_false(err_errno(&err, cases[i].value, "open %s", "x"));
        assert_int_equal(err.code, cases[i].code);
        assert_memory_equal(err.msg, "open x: ", 8);
        char reason[80];
        assert_string_equal(err.msg + 8, strerror_r(cases[i].value, reason, sizeof(reason)));
    }
}

static void text_is_one_line_and_clipped(void **state)
{
    (void)state;
    char longer[1000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    struct err err = {0};
    err_set(&err, ERR_IO, "a\nb\r%s", longer);
    assert_memory_equal(err.msg, "a b x", 5);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    err_wrap(&err, "outer");
    assert_memory_equal(err.msg, "outer: a b x", 12);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    err_errno(&err, ENOENT, "%s", longer);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    err_hint(&err, "%s", longer);
    assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

static void every_code_has_a_name(void **state)
{
    (void)state;
    for (int code = ERR_NONE; code <= ERR_INTERNAL; code++) {
        assert_non_null(err_code_name((enum err_code)code));
    }
    assert_string_equal(err_code_name(ERR_NOT_FOUND), "not_found");
    assert_string_equal(err_code_name(ERR_INTERNAL), "internal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_read_from_the_outside_in),
        cmocka_unit_test(errno_becomes_a_class_and_a_reason),
        cmocka_unit_test(text_is_one_line_and_clipped),
        cmocka_unit_test(every_code_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
