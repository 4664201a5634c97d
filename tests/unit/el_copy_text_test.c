/* el_copy_text_test.c - agent/el/copy_text.h */
#include "agent/el/copy_text.h"
#include "tests/support/cmocka_all.h"

#include <math.h>
#include <string.h>

struct one {
    struct arena arena;
    struct schema schema;
    struct buf out;
    struct err err;
};

static struct one one_column(void)
{
    struct one o = {.arena = arena_new(1 << 20), .out = buf_growing(1 << 20)};
    return o;
}

static bool write_one(struct one *o, struct value v, enum copy_form form, enum nul_rule rule)
{
    o->schema = schema_new(&o->arena);
    const struct column column = {.name = STR("v")};
    assert_true(schema_add(&o->schema, &column, &o->err));
    const struct copy_columns columns = {.schema = &o->schema, .forms = &form, .nul_rule = rule};
    buf_reset(&o->out);
    return copy_text_add(&columns, &v, &o->out, &o->err);
}

static void release(struct one *o)
{
    buf_release(&o->out);
    arena_release(&o->arena);
}

static struct value text(struct str s)
{
    return (struct value){.type = VALUE_TEXT, .as.text = s};
}
static struct value real(double v)
{
    return (struct value){.type = VALUE_REAL, .as.real = v};
}
static struct value integer(int64_t v)
{
    return (struct value){.type = VALUE_INTEGER, .as.integer = v};
}

static void values(void **state)
{
    (void)state;
    const struct {
        struct value value;
        enum copy_form form;
        const char *line;
    } rows[] = {
        {{.type = VALUE_NULL}, COPY_FORM_TEXT, "\\N\n"},
        {integer(INT64_MIN), COPY_FORM_TEXT, "-9223372036854775808\n"},
        {integer(9007199254740991), COPY_FORM_DOUBLE, "9007199254740991\n"},
        {real(0.1), COPY_FORM_TEXT, "0.1\n"},
        {real(0.1), COPY_FORM_DOUBLE, "0.1\n"},
        {real(-0.001), COPY_FORM_DOUBLE, "-0.001\n"},
        {real(1234567.000000001), COPY_FORM_TEXT, "1234567.000000001\n"},
        {real(0.30000000000000004), COPY_FORM_DOUBLE, "0.30000000000000004\n"},
        {real(1e-10), COPY_FORM_TEXT, "1e-10\n"},
        {real(5e-324), COPY_FORM_DOUBLE, "4.9406564584124654e-324\n"},
        {real(1.7976931348623157e308), COPY_FORM_TEXT, "1.7976931348623157e+308\n"},
        {real(5.0), COPY_FORM_TEXT, "5\n"},
        {real(-0.0), COPY_FORM_DOUBLE, "-0\n"},
        {real((double)INFINITY), COPY_FORM_DOUBLE, "Infinity\n"},
        {real(-(double)INFINITY), COPY_FORM_DOUBLE, "-Infinity\n"},
        {real((double)NAN), COPY_FORM_DOUBLE, "NaN\n"},
        {text(STR("")), COPY_FORM_TEXT, "\n"},
        {text(STR("\\N")), COPY_FORM_TEXT, "\\\\N\n"},
        {text(STR("\\.")), COPY_FORM_TEXT, "\\\\.\n"},
        {text(STR("a\tb\nc\rd\x01")), COPY_FORM_TEXT, "a\\tb\\nc\\rd\x01\n"},
        {text(STR("ä")), COPY_FORM_TEXT, "ä\n"},
        {text(STR("a\0b")), COPY_FORM_BYTES, "\\\\x610062\n"},
        {{.type = VALUE_BLOB, .as.text = STR_INIT("\xff\x00")}, COPY_FORM_BYTES, "\\\\xff00\n"},
        {text(STR("{\"a\":\"\\\\u0000\"}")), COPY_FORM_JSON, "{\"a\":\"\\\\\\\\u0000\"}\n"},
        {text(STR("[\"\\n\"]")), COPY_FORM_JSON, "[\"\\\\n\"]\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct one o = one_column();
        assert_true(write_one(&o, rows[i].value, rows[i].form, NUL_ERROR));
        assert_string_equal(buf_cstr(&o.out), rows[i].line);
        release(&o);
    }
}

/* Whatever was printed reads back as the same bits. */
static void reals_come_back(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252U;
    struct one o = one_column();
    for (int i = 0; i < 20000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        double v = 0;
        if (i % 2 == 0) {
            memcpy(&v, &seed, sizeof(v));
        } else {
            v = (double)(int64_t)(seed % 2000000001U) / (i % 4 == 1 ? 1e6 : 1e3) - 1e6;
        }
        double again = 0;
        if (!isfinite(v)) {
            continue;
        }
        assert_true(
            write_one(&o, real(v), i % 3 == 0 ? COPY_FORM_DOUBLE : COPY_FORM_TEXT, NUL_ERROR));
        assert_true(str_to_double(str_trim(buf_str(&o.out)), &again));
        assert_memory_equal(&v, &again, sizeof(v));
        arena_reset(&o.arena);
    }
    release(&o);
}

static void nul_rules(void **state)
{
    (void)state;
    struct one o = one_column();
    assert_true(write_one(&o, text(STR("a\0b")), COPY_FORM_TEXT, NUL_REPLACE));
    assert_string_equal(buf_cstr(&o.out), "a\xef\xbf\xbd"
                                          "b\n");
    assert_true(write_one(&o, text(STR("\0a\0")), COPY_FORM_TEXT, NUL_REMOVE));
    assert_string_equal(buf_cstr(&o.out), "a\n");
    assert_true(write_one(&o, text(STR("\"\\\\\\u0000x\"")), COPY_FORM_JSON, NUL_REPLACE));
    assert_string_equal(buf_cstr(&o.out), "\"\\\\\\\\\xef\xbf\xbdx\"\n");
    assert_true(write_one(&o, text(STR("\"\\u0000\\u0000\"")), COPY_FORM_JSON, NUL_REMOVE));
    assert_string_equal(buf_cstr(&o.out), "\"\"\n");
    release(&o);
}

static void refused(void **state)
{
    (void)state;
    const struct {
        struct value value;
        enum copy_form form;
        const char *word;
    } rows[] = {
        {text(STR("a\0b")), COPY_FORM_TEXT, "column \"v\": a NUL character"},
        {text(STR("\"\\u0000\"")), COPY_FORM_JSON, "column \"v\": a NUL character"},
        {text(STR("\xc3")), COPY_FORM_TEXT, "column \"v\": text that is not UTF-8"},
        {text(STR("\"\xff\"")), COPY_FORM_JSON, "not UTF-8"},
        {integer(9007199254740993), COPY_FORM_DOUBLE, "without loss"},
        {integer(INT64_MIN), COPY_FORM_DOUBLE, "without loss"},
        {{.type = VALUE_BLOB, .as.text = STR_INIT("x")}, COPY_FORM_TEXT, "bytea"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct one o = one_column();
        assert_false(write_one(&o, rows[i].value, rows[i].form, NUL_ERROR));
        assert_int_equal(o.err.code, ERR_INVALID);
        assert_non_null(strstr(o.err.msg, rows[i].word));
        assert_int_equal(o.out.len, 0);
        release(&o);
    }
}

static void check_fields(const char *line, size_t count, const char *const *fields)
{
    char memory[256];
    size_t len = strlen(line);
    memcpy(memory, line, len);
    struct copy_reader r = copy_reader(memory, len);
    for (size_t i = 0; i < count; i++) {
        struct copy_field field;
        assert_true(copy_reader_next(&r, &field));
        assert_int_equal(field.is_null, fields[i] == NULL);
        if (fields[i] != NULL) {
            assert_int_equal(field.len, strlen(fields[i]));
            assert_memory_equal(field.ptr, fields[i], field.len);
        }
    }
    struct copy_field none;
    assert_false(copy_reader_next(&r, &none));
}

static void reading(void **state)
{
    (void)state;
    check_fields("1\t\\N\tx\n", 3, (const char *const[]){"1", NULL, "x"});
    check_fields("\n", 1, (const char *const[]){""});
    check_fields("\t\n", 2, (const char *const[]){"", ""});
    check_fields("\\\\N\ta\\tb\\nc\\rd\\be\\ff\\vg\\\\\n", 2,
                 (const char *const[]){"\\N", "a\tb\nc\rd\be\ff\vg\\"});
    check_fields("a\\", 1, (const char *const[]){"a\\"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),  cmocka_unit_test(reals_come_back), cmocka_unit_test(nul_rules),
        cmocka_unit_test(refused), cmocka_unit_test(reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
