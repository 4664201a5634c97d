/* el_follow_match_test.c - agent/el/follow_match.h: which file continues which mark. Contents are letters: a mark fits a file
 * that begins with its letters. */
#include "agent/el/follow_match.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

enum { MAX = 8 };

struct world {
    const char *texts[MAX];
    const char *mark_texts[MAX];
    struct follow_file files[MAX];
    struct follow_mark marks[MAX];
    bool is_claimed[MAX];
    size_t file_count, mark_count;
    size_t broken; /* this file cannot be read; 0 = all can */
};

static void file(struct world *w, const char *path, int64_t inode, const char *text)
{
    w->texts[w->file_count] = text;
    w->files[w->file_count++] = (struct follow_file){.path = str_from(path), .inode = inode};
}

static struct follow_mark *mark(struct world *w, int64_t inode, const char *text)
{
    w->mark_texts[w->mark_count] = text;
    w->marks[w->mark_count] = (struct follow_mark){.inode = inode, .offset = (int64_t)strlen(text)};
    return &w->marks[w->mark_count++];
}

static bool fits(void *ctx, size_t f, size_t m, bool *ret, struct err *err)
{
    const struct world *w = ctx;
    *ret = str_starts(str_from(w->texts[f]), str_from(w->mark_texts[m]));
    return w->broken != f + 1 || err_set(err, ERR_IO, "broken");
}

static bool is_beginning(void *ctx, size_t copy, size_t whole, bool *ret, struct err *err)
{
    const struct world *w = ctx;
    (void)err;
    *ret = w->texts[copy][0] != '\0' &&
           str_starts(str_from(w->texts[whole]), str_from(w->texts[copy]));
    return true;
}

static bool match(struct world *w, struct err *err)
{
    const struct follow_content content = {.ctx = w, .fits = fits, .is_beginning = is_beginning};
    struct follow_match m = {.files = w->files,
                             .file_count = w->file_count,
                             .marks = w->marks,
                             .mark_count = w->mark_count,
                             .is_claimed = w->is_claimed};
    return follow_match(&m, &content, err);
}

static void expect(struct world *w, size_t f, int want, bool is_copy)
{
    if (w->files[f].mark != want || w->files[f].is_copy != is_copy) {
        fail_msg("%.*s: mark %d, %s", STR_ARG(w->files[f].path), w->files[f].mark,
                 w->files[f].is_copy ? "a copy" : "no copy");
    }
}

static void a_renamed_file_goes_on_and_its_name_is_another_file(void **state)
{
    (void)state;
    struct world w = {0};
    struct err err = {0};
    mark(&w, 7, "ab");
    file(&w, "log.1", 7, "abc");
    file(&w, "log", 8, "x");
    assert_true(match(&w, &err));
    expect(&w, 0, 0, false);
    expect(&w, 1, FOLLOW_NONE, false);
}

static void a_reused_inode_is_another_file(void **state)
{
    (void)state;
    struct world w = {0};
    struct err err = {0};
    mark(&w, 7, "ab");
    mark(&w, 8, "c");
    file(&w, "log.1.gz", 8, "abz"); /* has the inode of what was deleted, but another text */
    file(&w, "log", 7, "new");      /* truncated */
    assert_true(match(&w, &err));
    expect(&w, 0, 0, false);
    expect(&w, 1, FOLLOW_NONE, false);
    assert_true(w.is_claimed[0] && !w.is_claimed[1]);
    w.texts[0] = "cab"; /* even if the mark of the deleted one fits: packed is not plain */
    w.mark_texts[0] = "ca";
    w.files[0].is_packed = true;
    assert_true(match(&w, &err));
    expect(&w, 0, 0, false);
}

static void alike_files_are_told_apart_by_their_inodes(void **state)
{
    (void)state;
    struct world w = {0};
    struct err err = {0};
    mark(&w, 7, "aaaa");
    mark(&w, 8, "a");
    file(&w, "log.1", 7, "aaaa");
    file(&w, "log", 8, "aaaaaa");
    assert_true(match(&w, &err));
    expect(&w, 0, 0, false);
    expect(&w, 1, 1, false);
}

static void a_copy_waits_until_its_original_is_truncated(void **state)
{
    (void)state;
    struct world w = {0};
    struct err err = {0};
    mark(&w, 7, "ab");
    file(&w, "log", 7, "abcd");
    file(&w, "log.1", 9, "abc"); /* half copied */
    assert_true(match(&w, &err));
    expect(&w, 0, 0, false);
    expect(&w, 1, FOLLOW_NONE, true);
    w.mark_count = 0;
    mark(&w, 7, "abcd");
    mark(&w, 9, "abc")->is_copy = true;
    w.texts[1] = "abcde"; /* still being copied */
    w.texts[0] = "abcdef";
    assert_true(match(&w, &err));
    expect(&w, 1, 1, true);
    w.texts[0] = "z"; /* truncated */
    assert_true(match(&w, &err));
    expect(&w, 0, FOLLOW_NONE, false);
    expect(&w, 1, 0, false); /* where the original had been read, not where the copy was */
}

static void a_file_that_begins_like_an_older_one_is_no_copy(void **state)
{
    (void)state;
    struct world w = {0};
    struct err err = {0};
    mark(&w, 7, "header row");
    file(&w, "log.1", 7, "header row");
    file(&w, "log", 8, "header ");
    assert_true(match(&w, &err));
    expect(&w, 1, FOLLOW_NONE, false);
}

static void errors_are_passed_on(void **state)
{
    (void)state;
    struct world w = {.broken = 2};
    struct err err = {0};
    mark(&w, 7, "ab");
    file(&w, "log", 9, "xyz");
    file(&w, "log.1", 8, "ab");
    assert_false(match(&w, &err));
    assert_int_equal(err.code, ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_renamed_file_goes_on_and_its_name_is_another_file),
        cmocka_unit_test(a_reused_inode_is_another_file),
        cmocka_unit_test(alike_files_are_told_apart_by_their_inodes),
        cmocka_unit_test(a_copy_waits_until_its_original_is_truncated),
        cmocka_unit_test(a_file_that_begins_like_an_older_one_is_no_copy),
        cmocka_unit_test(errors_are_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
