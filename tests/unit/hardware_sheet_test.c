/* hardware_sheet_test.c - a CSV file of hardware that may join: read as spreadsheets write it, refused with
 * the line otherwise. */
#include "hub/fleet/hardware_sheet.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static void expect_wrong(const char *text, const char *said)
{
    struct err err = {0};
    struct hardware_sheet sheet;
    AUTO(arena) arena = arena_new(1 << 20);
    assert_false(hardware_sheet_read(str_from(text), &arena, &sheet, &err));
    assert_int_equal(err.code, ERR_INVALID);
    if (strstr(err.msg, said) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.msg, said);
    }
}

static void a_spreadsheets_lines_are_read(void **state)
{
    (void)state;
    struct err err = {0};
    struct hardware_sheet sheet;
    AUTO(arena) arena = arena_new(1 << 20);
    assert_true(hardware_sheet_read(STR("site,\"serial\", name,line\r\n"
                                        "berlin, 4CE \t,till-1,2\r\n"
                                        "\r\n"
                                        "\"\",\"5CE\",\"till-2\",\r\n"
                                        ",6CE,till-3,7"),
                                    &arena, &sheet, &err));
    assert_int_equal(sheet.count, 3);
    static const char *const expected[][3] = {{"4CE", "till-1", "site=berlin line=2"},
                                              {"5CE", "till-2", ""},
                                              {"6CE", "till-3", "line=7"}};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(str_eq(sheet.rows[i].serial_number, str_from(expected[i][0])));
        assert_true(str_eq(sheet.rows[i].device, str_from(expected[i][1])));
        assert_true(str_eq(sheet.rows[i].labels, str_from(expected[i][2])));
    }
    assert_true(hardware_sheet_read(STR("serial,name"), &arena, &sheet, &err));
    assert_int_equal(sheet.count, 0);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    expect_wrong("", "line 1");
    expect_wrong("serial\n", "serial and name are needed");
    expect_wrong("serial,name,Site\n", "\"Site\" can be no label");
    expect_wrong("serial,name\nS1,till-1\nS2\n", "line 3: 1 cells, 2 columns");
    expect_wrong("serial,name\n\nS1,till-1,x\n", "line 3: 3 cells, 2 columns");
    expect_wrong("serial,name\n,till-1\n", "line 2: a serial number");
    expect_wrong("serial,name\nS1,till 1\n", "line 2: a serial number");
    expect_wrong("serial,name,site\nS1,till-1,new york\n", "\"new york\" can be no label's value");
}

static void columns_have_a_limit(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(4096);
    buf_add(&text, STR("serial,name"));
    for (int i = 0; i <= LABELS_MAX; i++) {
        buf_addf(&text, ",l%d", i);
    }
    expect_wrong(buf_cstr(&text), "can be no label");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spreadsheets_lines_are_read),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(columns_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
