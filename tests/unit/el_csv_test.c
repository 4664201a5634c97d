/* el_csv_test.c - agent/el/csv.h */
#include "agent/el/csv.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

enum { FIELDS_MAX = 8 };

struct parse {
    char text[256];
    size_t len;
    size_t pos;
    struct csv_field fields[FIELDS_MAX];
    struct csv_record record;
    struct err err;
};

static struct parse *parse_new(const char *text)
{
    static struct parse p;
    p = (struct parse){.len = strlen(text)};
    memcpy(p.text, text, p.len);
    p.record = (struct csv_record){.fields = p.fields, .cap = FIELDS_MAX};
    return &p;
}

/* The next record as "a|b|c", quoted fields in brackets. */
static const char *next(struct parse *p)
{
    static char out[256];
    enum csv_result r = csv_next(p->text + p->pos, p->len - p->pos, true, ',', &p->record, &p->err);
    p->pos += r == CSV_BAD ? 0 : p->record.bytes;
    if (r != CSV_RECORD) {
        return r == CSV_END ? "END" : r == CSV_BAD ? "BAD" : "MORE";
    }
    size_t at = 0;
    for (size_t i = 0; i < p->record.count; i++) {
        struct csv_field *f = &p->fields[i];
        if (f->has_escape) {
            csv_unescape(f);
        }
        at +=
            (size_t)snprintf(out + at, sizeof(out) - at, "%s%s%.*s%s", i > 0 ? "|" : "",
                             f->is_quoted ? "[" : "", (int)f->len, f->ptr, f->is_quoted ? "]" : "");
    }
    return out;
}

static void records_and_line_ends(void **state)
{
    (void)state;
    struct parse *p = parse_new("a,b\r\n1,\n\r\n\n,\n x ,y");
    assert_string_equal(next(p), "a|b");
    assert_int_equal(p->record.lines, 1);
    assert_string_equal(next(p), "1|");
    assert_string_equal(next(p), "|");
    assert_int_equal(p->record.lines_before, 2); /* empty lines are no records */
    assert_int_equal(p->record.lines, 3);
    assert_string_equal(next(p), " x |y");
    assert_string_equal(next(p), "END");
}

static void quotes(void **state)
{
    (void)state;
    struct parse *p = parse_new("\"a,b\",\"c\nd\",\"say \"\"hi\"\"\",\"\"\nin\"side,x\"\n\"end\"");
    assert_string_equal(next(p), "[a,b]|[c\nd]|[say \"hi\"]|[]");
    assert_int_equal(p->record.lines, 2);
    assert_string_equal(next(p), "in\"side|x\"");
    assert_string_equal(next(p), "[end]");
    assert_string_equal(next(p), "END");
}

static void carriage_returns_are_text_elsewhere(void **state)
{
    (void)state;
    struct parse *p = parse_new("a\rb,c\r\r\n\"q\"\r");
    assert_string_equal(next(p), "a\rb|c\r");
    assert_string_equal(next(p), "[q]");
    assert_string_equal(next(p), "END");
}

static void mistakes(void **state)
{
    (void)state;
    struct parse *p = parse_new("ok\n\"never\nclosed");
    assert_string_equal(next(p), "ok");
    assert_string_equal(next(p), "BAD");
    assert_non_null(strstr(p->err.msg, "never closed"));
    p = parse_new("\"a\"b\n");
    assert_string_equal(next(p), "BAD");
    assert_non_null(strstr(p->err.msg, "follows a closing quote"));
    p = parse_new("1,2,3,4,5,6,7,8,9\n");
    assert_string_equal(next(p), "BAD");
    assert_int_equal(p->err.code, ERR_FULL);
}

/* Cut anywhere, the answer is "more", never another record. */
static void a_part_is_not_taken_for_the_whole(void **state)
{
    (void)state;
    const char *text = "a,\"b\"\"c\r\n\",d\r\n";
    struct parse *p = parse_new(text);
    for (size_t cut = 0; cut < strlen(text); cut++) {
        enum csv_result r = csv_next(p->text, cut, false, ',', &p->record, &p->err);
        assert_int_equal(r, CSV_MORE);
    }
    assert_int_equal(csv_next(p->text, strlen(text), false, ',', &p->record, &p->err), CSV_RECORD);
    assert_int_equal(p->record.count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_and_line_ends),
        cmocka_unit_test(quotes),
        cmocka_unit_test(carriage_returns_are_text_elsewhere),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(a_part_is_not_taken_for_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
