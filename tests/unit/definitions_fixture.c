#include "tests/unit/definitions_fixture.h"

#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char fixture_header[] = "project: shop\n"
                              "resources:\n"
                              "  pos: {type: sqlite, path: pos.db}\n"
                              "  local: {type: sqlite, path: \"${STATE_DIR}/shop.db\"}\n";

static bool read_file(void *ctx, const char *path, struct buf *into, struct err *err)
{
    const struct fixture_file *files = ctx;
    for (size_t i = 0; files != NULL && files[i].path != NULL; i++) {
        if (strcmp(files[i].path, path) == 0) {
            buf_add_text(into, files[i].text);
            return !into->overflow || err_set(err, ERR_NO_MEMORY, "no memory");
        }
    }
    if (strcmp(path, "shop/sql/daily.sql") == 0) {
        buf_add_text(into, "select day, sum(total) as total\nfrom sales group by day\n");
    } else if (strcmp(path, "/abs/odd.sql") == 0) {
        buf_add(into, (struct str){"a\0b", 3});
    } else if (strcmp(path, "shop/sql/empty.sql") != 0) {
        return err_set(err, ERR_NOT_FOUND, "open %s: No such file or directory", path);
    }
    return !into->overflow || err_set(err, ERR_NO_MEMORY, "no memory");
}

static bool read_zone(void *ctx, const char *name, struct buf *into, struct err *err)
{
    (void)ctx;
    static const char utc_header[] = "TZif2";
    if (strcmp(name, "Europe/Berlin") != 0) {
        return err_set(err, ERR_NOT_FOUND, "this machine does not know it");
    }
    /* Two headers that count nothing but one type, then the rule. */
    char bytes[160] = {0};
    /* NOLINTBEGIN(bugprone-not-null-terminated-result): bytes, no text */
    memcpy(bytes, utc_header, 5);
    memcpy(bytes + 44, utc_header, 5);
    /* NOLINTEND(bugprone-not-null-terminated-result) */
    bytes[44 + 39] = 1; /* types */
    const char rule[] = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
    memcpy(bytes + 94, rule, sizeof(rule) - 1);
    buf_add(into, (struct str){bytes, 94 + sizeof(rule) - 1});
    return !into->overflow || err_set(err, ERR_NO_MEMORY, "no memory");
}

/* The files of definitions_fixture.h, as a folder has them. */
static bool list_folder(void *ctx, const char *path, struct buf *into, struct err *err)
{
    const struct fixture_file *files = ctx;
    bool is_there = strcmp(path, "shop/empty/") == 0;
    for (size_t i = 0; files != NULL && files[i].path != NULL; i++) {
        size_t folder = strlen(path);
        if (strncmp(files[i].path, path, folder) == 0 &&
            strchr(files[i].path + folder, '/') == NULL) {
            buf_add_text(into, files[i].path + folder);
            buf_add_char(into, '\0');
            is_there = true;
        }
    }
    if (!is_there) {
        return err_set(err, ERR_NOT_FOUND, "open %s: No such file or directory", path);
    }
    return !into->overflow || err_set(err, ERR_NO_MEMORY, "no memory");
}

struct definitions_files fixture_files(void)
{
    return (struct definitions_files){
        .read_file = read_file, .read_zone = read_zone, .list_folder = list_folder};
}

void load_text(struct loaded *l, const char *text)
{
    load_files(l, text, NULL);
}

void load_files(struct loaded *l, const char *text, struct fixture_file *included)
{
    *l = (struct loaded){.report = arena_new(1 << 20)};
    l->problems.arena = &l->report;
    struct definitions_files files = fixture_files();
    files.ctx = included;
    bool ok = definitions_parse(str_from(text), STR("shop/selvedge.yaml"), &files, &l->problems,
                                &l->defs, &l->err);
    assert_int_equal(ok, l->defs != NULL);
    assert_true(ok || l->err.msg[0] != '\0');
}

void load_assets(struct loaded *l, const char *text)
{
    char *whole = NULL;
    assert_true(asprintf(&whole, "%s%s", fixture_header, text) >= 0);
    load_text(l, whole);
    free(whole);
}

void loaded_release(struct loaded *l)
{
    definitions_close(l->defs);
    arena_release(&l->report);
    *l = (struct loaded){0};
}

static void print_problems(const struct loaded *l)
{
    for (size_t i = 0; i < l->problems.count; i++) {
        const struct problem *p = &l->problems.items[i];
        print_error("%u:%u: " STR_FMT " [" STR_FMT "]\n", p->at.line, p->at.column,
                    STR_ARG(p->text), STR_ARG(p->hint));
    }
}

void assert_loaded(const struct loaded *l)
{
    if (l->defs == NULL) {
        print_error("%s\n", l->err.msg);
        print_problems(l);
        fail();
    }
}

void assert_problem(const struct loaded *l, size_t index, const char *expected, const char *hint)
{
    if (index >= l->problems.count) {
        print_error("no problem: %s\n", expected);
        print_problems(l);
        fail();
    }
    const struct problem *p = &l->problems.items[index];
    char text[700];
    (void)snprintf(text, sizeof(text), "%u:%u: " STR_FMT, p->at.line, p->at.column,
                   STR_ARG(p->text));
    if (strcmp(text, expected) != 0) {
        print_problems(l);
    }
    assert_string_equal(text, expected);
    assert_true(str_eq(p->file, STR("shop/selvedge.yaml")));
    if (hint != NULL) {
        (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(p->hint));
        assert_string_equal(text, hint);
    }
}
