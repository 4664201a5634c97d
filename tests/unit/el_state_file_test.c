/* el_state_file_test.c - agent/el/state_file.h */
#include "agent/el/state_file.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct world {
    struct temp_dir dir;
    const char *folder;
    struct arena arena;
    struct err err;
};

static int set_up(void **state)
{
    static struct world w;
    w = (struct world){.dir = temp_dir_new(), .arena = arena_new(1 << 20)};
    w.folder = arena_printf(&w.arena, "%s", temp_dir_path(&w.dir, "states")).ptr;
    assert_non_null(w.folder);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    arena_release(&w->arena);
    temp_dir_release(&w->dir);
    return 0;
}

static void open_it(struct world *w, struct state_file *s, const char *id)
{
    w->err = (struct err){0};
    if (!state_file_open(s, str_from(w->folder), str_from(id), &w->arena, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
}

static void one_run(struct world *w, const char *value)
{
    struct state_file s;
    open_it(w, &s, "a");
    assert_true(state_file_set(&s, str_from(value), &w->err));
    assert_true(state_file_flush(&s, &w->err));
    state_file_release(&s);
}

static size_t count_states(const struct state_file *s)
{
    AUTO(buf) text = buf_growing(1 << 20);
    struct err err = {0};
    size_t count = 0;
    assert_true(files_read(s->path, &text, &err));
    const char *at = buf_cstr(&text);
    while ((at = strstr(at, "\"value\":")) != NULL) {
        count++;
        at++;
    }
    return count;
}

static void the_state_of_the_last_run_is_there(void **state)
{
    struct world *w = *state;
    struct state_file s;
    open_it(w, &s, "a");
    assert_int_equal(s.kept.value.len, 0);
    assert_false(files_exist(s.path));
    state_file_release(&s);
    one_run(w, "{\"x\":1}");
    open_it(w, &s, "a");
    assert_true(str_eq(buf_str(&s.kept.value), STR("{\"x\":1}")));
    state_file_release(&s);
}

static void history_has_the_last_runs_only(void **state)
{
    struct world *w = *state;
    struct state_file s;
    for (int run = 0; run < STATES_KEPT + 5; run++) {
        char value[32];
        (void)snprintf(value, sizeof(value), "{\"run\":%d}", run);
        one_run(w, value);
    }
    open_it(w, &s, "a");
    assert_int_equal(count_states(&s), STATES_KEPT);
    assert_true(str_eq(buf_str(&s.kept.value), STR("{\"run\":14}")));
    state_file_release(&s);
}

/* Many states of one run are one entry, and wear the disk once; what was there already, not even
 * that. */
static void one_run_writes_seldom(void **state)
{
    struct world *w = *state;
    struct state_file s;
    struct stat before;
    struct stat after;
    one_run(w, "{\"x\":1}");
    open_it(w, &s, "a");
    assert_int_equal(stat(s.path, &before), 0);
    assert_true(state_file_set(&s, STR("{\"x\":1}"), &w->err));
    assert_true(state_file_flush(&s, &w->err));
    assert_int_equal(stat(s.path, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_true(state_file_set(&s, STR("{\"x\":2}"), &w->err));
    assert_false(s.is_dirty); /* the first at once */
    assert_true(state_file_set(&s, STR("{\"x\":3}"), &w->err));
    assert_true(s.is_dirty);
    s.written.ns -= STATE_FILE_EVERY;
    assert_true(state_file_set(&s, STR("{\"x\":4}"), &w->err));
    assert_false(s.is_dirty);
    assert_int_equal(count_states(&s), 2);
    state_file_release(&s);
}

static void any_id_is_a_file_of_its_own(void **state)
{
    struct world *w = *state;
    static const char *const ids[] = {"a/b", "a%2Fb", "..", "dev:tap-to-target", "\xc3\xa9"};
    struct state_file s;
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        open_it(w, &s, ids[i]);
        assert_int_equal(s.kept.value.len, 0);
        assert_true(state_file_set(&s, STR("{}"), &w->err));
        state_file_release(&s);
    }
    open_it(w, &s, "a/b");
    assert_non_null(strstr(s.path, "/a%2Fb.json"));
    state_file_release(&s);
}

static void what_cannot_be_is_refused(void **state)
{
    struct world *w = *state;
    struct state_file s;
    char longest[300];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_false(state_file_open(&s, STR(""), STR("a"), &w->arena, &w->err));
    assert_non_null(strstr(w->err.msg, "state_dir"));
    assert_false(state_file_open(&s, str_from(w->folder), STR(""), &w->arena, &w->err));
    assert_non_null(strstr(w->err.msg, "state_id"));
    assert_false(state_file_open(&s, str_from(w->folder), str_from(longest), &w->arena, &w->err));
    assert_non_null(strstr(w->err.msg, "too long"));
    assert_true(files_make_dirs(w->folder, 0700, &w->err));
    static const char *const texts[] = {"", "{", "[]", "{\"state_id\":\"a\"}",
                                        "{\"state_id\":\"a\",\"states\":[{}]}"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char path[600];
        (void)snprintf(path, sizeof(path), "%s/a.json", w->folder);
        assert_true(files_write(path, str_from(texts[i]), 0600, &w->err));
        w->err = (struct err){0};
        assert_false(state_file_open(&s, str_from(w->folder), STR("a"), &w->arena, &w->err));
        if (w->err.code != ERR_CORRUPT) {
            fail_msg("%s: %s", texts[i], w->err.msg);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_state_of_the_last_run_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(history_has_the_last_runs_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_run_writes_seldom, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_id_is_a_file_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
