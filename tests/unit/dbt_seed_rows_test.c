#include <string.h>

#include "agent/transform/seed_rows.h"
#include "common/base/buf.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"

/* All rows as "a|b;1|-;": a hyphen for a field that is not there. */
static void read_all(const struct seed_source *source, struct buf *out)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct err err = {0};
    struct seed_rows *rows = NULL;
    bool is_ok = seed_rows_open(source, &arena, &rows, &err);
    size_t count = 0;
    const struct str *names = is_ok ? seed_rows_names(rows, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        buf_addf(out, STR_FMT "%c", STR_ARG(names[i]), i + 1 < count ? '|' : ';');
    }
    const struct str *fields;
    while (is_ok && (is_ok = seed_rows_next(rows, &fields, &err)) && fields != NULL) {
        for (size_t i = 0; i < count; i++) {
            buf_add(out, fields[i].ptr == NULL ? STR("-") : fields[i]);
            buf_add_char(out, i + 1 < count ? '|' : ';');
        }
    }
    if (!is_ok) {
        buf_addf(out, "error: %s", err.msg);
    }
    seed_rows_close(rows);
}

static void check_text(const char *text, const char *expected)
{
    char memory[512];
    struct buf out = buf_fixed(memory, sizeof memory);
    read_all(&(struct seed_source){.text = str_from(text), .delimiter = ','}, &out);
    assert_string_equal(buf_cstr(&out), expected);
}

static void test_rows_are_those_of_pythons_reader(void **state)
{
    (void)state;
    check_text("a,b\n1,2\n3,4", "a|b;1|2;3|4;");
    check_text("\xef\xbb\xbf"
               "a\n1\n",
               "a;1;");
    check_text("a\n1\n\n2\n\n", "a;1;-;2;-;");
    check_text("a,b\n1\n,3\n", "a|b;1|-;|3;");
    check_text("a,,a\r\n\"x\r\ny\",\"q\"\"q\",\"\"\r\n", "a|b|a_2;x\ny|q\"q|;");
    check_text("a", "a;");
}

static void test_what_is_no_csv_is_refused_with_its_line(void **state)
{
    (void)state;
    check_text("", "error: line 1: no header");
    check_text("\na\n1\n", "error: line 1: no header");
    check_text("a\n\"x\ny\"\n1,2\n",
               "a;x\ny;error: line 4: 2 fields, but the header names 1 columns");
    check_text("a\n1\n\"x\n", "a;1;error: line 3: a quoted field is never closed");
    check_text("a\n\"x\"y\n", "a;error: line 2: text follows a closing quote");
    check_text("a\n\n\n\xff\n", "a;error: line 4: not UTF-8");
    check_text("a\r1\r2\r", "error: line 1: a carriage return that ends no line");
    char text[] = "a\nx.y\n";
    *strchr(text, '.') = '\0';
    char memory[128];
    struct buf out = buf_fixed(memory, sizeof memory);
    read_all(&(struct seed_source){.text = {text, sizeof text - 1}, .delimiter = ','}, &out);
    assert_string_equal(buf_cstr(&out), "a;error: line 2: a NUL byte");
}

static void test_a_file_larger_than_the_buffer_is_read_whole(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    const char *path = temp_dir_path(&dir, "seed.csv");
    AUTO(buf) content = buf_growing(8 << 20);
    struct err err = {0};
    buf_add_text(&content, "id;text\n");
    for (int i = 0; i < 50000; i++) {
        buf_addf(&content, "%d;\"line %d\nand\"\"more\"\n", i, i);
    }
    assert_true(files_write(path, buf_str(&content), 0600, &err));
    AUTO(buf) out = buf_growing(8 << 20);
    read_all(&(struct seed_source){.path = path, .delimiter = ';'}, &out);
    AUTO(buf) expected = buf_growing(8 << 20);
    buf_add_text(&expected, "id|text;");
    for (int i = 0; i < 50000; i++) {
        buf_addf(&expected, "%d|line %d\nand\"more;", i, i);
    }
    assert_true(str_eq(buf_str(&out), buf_str(&expected)));
}

static void test_a_file_that_is_not_there(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(arena) arena = arena_new(1 << 20);
    struct seed_source source = {.path = temp_dir_path(&dir, "none.csv"), .delimiter = ','};
    struct seed_rows *rows;
    struct err err = {0};
    assert_false(seed_rows_open(&source, &arena, &rows, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_those_of_pythons_reader),
        cmocka_unit_test(test_what_is_no_csv_is_refused_with_its_line),
        cmocka_unit_test(test_a_file_larger_than_the_buffer_is_read_whole),
        cmocka_unit_test(test_a_file_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
