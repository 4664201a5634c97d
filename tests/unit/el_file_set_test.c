/* el_file_set_test.c - agent/el/file_set.h: what is read again, and from where. */
#include "agent/el/file_set.h"
#include "common/gzip/gzip.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct world {
    struct temp_dir dir;
    struct arena arena;
    struct buf state;
    struct file_set set;
    struct err err;
};

static struct world world_new(void)
{
    return (struct world){
        .dir = temp_dir_new(), .arena = arena_new(4 << 20), .state = buf_growing(1 << 20)};
}
static void world_release(struct world *w)
{
    temp_dir_release(&w->dir);
    arena_release(&w->arena);
    buf_release(&w->state);
}

/* Long ago, so that its time counts; `minute` tells versions apart. */
static void put(struct world *w, const char *name, const char *text, int minute)
{
    const char *path = temp_dir_path(&w->dir, name);
    assert_true(files_write(path, str_from(text), 0600, &w->err));
    const struct timespec times[2] = {{1000000 + 60 * minute, 0}, {1000000 + 60 * minute, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool look(struct world *w, enum load_mode mode)
{
    const struct file_set_options o = {.pattern = str_from(temp_dir_path(&w->dir, "*.csv")),
                                       .mode = mode,
                                       .state = buf_str(&w->state)};
    w->err = (struct err){0};
    return file_set_open(&w->set, &o, &w->arena, &w->err);
}

/* Loads what is due, up to `part` bytes of each file (-1 = all), and commits. */
static void load(struct world *w, int64_t part)
{
    for (size_t i = 0; i < w->set.count; i++) {
        struct file_entry *e = &w->set.entries[i];
        if (e->action == FILE_SKIP) {
            continue;
        }
        AUTO(file_reader) reader = {.fd = {-1}};
        assert_true(file_reader_open(&reader, e->path, e->size, &w->err));
        assert_true(file_reader_fill(&reader, 4096, &w->err));
        size_t there = reader.end - reader.start;
        file_reader_consume(&reader, part >= 0 && (size_t)part < there ? (size_t)part : there);
        if (reader.start == reader.end) { /* gzip tells its end only when asked for more */
            assert_true(file_reader_fill(&reader, 4096, &w->err));
        }
        file_set_done(&w->set, i, &reader);
    }
    buf_reset(&w->state);
    struct json_writer writer = json_writer(&w->state);
    jw_begin_object(&writer);
    file_set_write_state(&w->set, &writer);
    jw_end_object(&writer);
}

static enum file_action action_of(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->set.count; i++) {
        if (str_ends(str_from(w->set.entries[i].path), str_from(name))) {
            return w->set.entries[i].action;
        }
    }
    fail_msg("%s is not in the set", name);
    return FILE_SKIP;
}

static void what_is_unchanged_is_skipped_and_what_grew_continues(void **state)
{
    (void)state;
    AUTO(world) w = world_new();
    put(&w, "a.csv", "id\n1\n", 1);
    put(&w, "b.csv", "id\n2\n", 1);
    assert_true(look(&w, MODE_APPEND));
    assert_int_equal(action_of(&w, "a.csv"), FILE_WHOLE);
    load(&w, -1);
    assert_true(look(&w, MODE_APPEND));
    assert_true(w.set.is_unchanged);
    put(&w, "a.csv", "id\n1\n", 2); /* touched */
    put(&w, "b.csv", "id\n2\n3\n", 2);
    assert_true(look(&w, MODE_APPEND));
    assert_int_equal(action_of(&w, "a.csv"), FILE_SKIP);
    assert_int_equal(action_of(&w, "b.csv"), FILE_TAIL);
    assert_int_equal(w.set.entries[1].offset, 5);
    assert_int_equal(w.set.entries[1].offset_lines, 2);
    load(&w, 7); /* a slice, then a kill */
    assert_true(look(&w, MODE_UPSERT));
    assert_true(w.set.is_unchanged);
}

static void a_slice_continues_where_it_was(void **state)
{
    (void)state;
    AUTO(world) w = world_new();
    put(&w, "a.csv", "id\n1\n2\n3\n", 1);
    assert_true(look(&w, MODE_APPEND));
    load(&w, 5);
    assert_true(look(&w, MODE_APPEND));
    assert_int_equal(action_of(&w, "a.csv"), FILE_TAIL);
    assert_int_equal(w.set.entries[0].offset, 5);
}

static void a_changed_beginning_is_refused_or_read_again(void **state)
{
    (void)state;
    AUTO(world) w = world_new();
    put(&w, "a.csv", "id\n1\n", 1);
    assert_true(look(&w, MODE_APPEND));
    load(&w, -1);
    put(&w, "a.csv", "id\n9\n2\n", 2);
    assert_false(look(&w, MODE_APPEND));
    assert_int_equal(w.err.code, ERR_INVALID);
    assert_non_null(strstr(w.err.hint, "upsert"));
    assert_true(look(&w, MODE_UPSERT));
    assert_int_equal(action_of(&w, "a.csv"), FILE_WHOLE);
    put(&w, "a.csv", "id\n", 3); /* shorter */
    assert_false(look(&w, MODE_APPEND));
}

/* The file, packed into as many members as there are texts. */
static void put_gzip(struct world *w, const char *name, const char *const *texts, int minute)
{
    AUTO(buf) packed = buf_growing(1 << 20);
    struct gzip *gzip = NULL;
    assert_true(gzip_open(&gzip, &w->err));
    for (; *texts != NULL; texts++) {
        assert_true(gzip_add(gzip, str_from(*texts), &packed, &w->err));
        assert_true(gzip_end(gzip, &packed, &w->err));
    }
    gzip_close(gzip);
    const char *path = temp_dir_path(&w->dir, name);
    assert_true(files_write(path, buf_str(&packed), 0600, &w->err));
    const struct timespec times[2] = {{1000000 + 60 * minute, 0}, {1000000 + 60 * minute, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void a_packed_file_is_known_by_its_text(void **state)
{
    (void)state;
    AUTO(world) w = world_new();
    put_gzip(&w, "a.csv", (const char *const[]){"id\n1\n", NULL}, 1);
    assert_true(look(&w, MODE_APPEND));
    load(&w, -1);
    assert_true(look(&w, MODE_APPEND));
    assert_true(w.set.is_unchanged);
    put_gzip(&w, "a.csv", (const char *const[]){"id\n", "1\n", NULL}, 2);
    assert_true(look(&w, MODE_APPEND));
    assert_true(w.set.is_unchanged); /* packed otherwise */
    put_gzip(&w, "a.csv", (const char *const[]){"id\n1\n", "2\n", NULL}, 3);
    assert_true(look(&w, MODE_APPEND));
    assert_int_equal(action_of(&w, "a.csv"), FILE_TAIL);
    assert_int_equal(w.set.entries[0].offset, 5);
    load(&w, -1);
    put(&w, "a.csv", "id\n1\n2\n", 4); /* unpacked */
    assert_true(look(&w, MODE_APPEND));
    assert_true(w.set.is_unchanged);
    put_gzip(&w, "a.csv", (const char *const[]){"id\n7\n", NULL}, 5);
    assert_false(look(&w, MODE_APPEND));
}

static void an_unfinished_last_line_counts_as_changed(void **state)
{
    (void)state;
    AUTO(world) w = world_new();
    put(&w, "a.csv", "id\n1", 1);
    assert_true(look(&w, MODE_APPEND));
    load(&w, -1);
    put(&w, "a.csv", "id\n1\n2\n", 2);
    assert_true(look(&w, MODE_APPEND));
    assert_int_equal(action_of(&w, "a.csv"), FILE_TAIL);
    put(&w, "a.csv", "id\n15\n2\n", 3);
    assert_false(look(&w, MODE_APPEND)); /* 1 became 15 */
}

static void overwrite_reads_all_or_nothing(void **state)
{
    (void)state;
    AUTO(world) w = world_new();
    put(&w, "a.csv", "id\n1\n", 1);
    put(&w, "b.csv", "id\n2\n", 1);
    assert_true(look(&w, MODE_OVERWRITE));
    load(&w, -1);
    assert_true(look(&w, MODE_OVERWRITE));
    assert_true(w.set.is_unchanged);
    put(&w, "b.csv", "id\n2\n3\n", 2);
    assert_true(look(&w, MODE_OVERWRITE));
    assert_int_equal(action_of(&w, "a.csv"), FILE_WHOLE);
    assert_int_equal(w.set.entries[1].offset, 0);
    load(&w, -1);
    assert_true(files_remove_tree(temp_dir_path(&w.dir, "a.csv"), &w.err));
    assert_true(look(&w, MODE_OVERWRITE));
    assert_false(w.set.is_unchanged); /* its rows have to go */
    assert_int_equal(w.set.count, 1);
}

static void a_file_just_written_is_compared_by_content(void **state)
{
    (void)state;
    AUTO(world) w = world_new();
    assert_true(files_write(temp_dir_path(&w.dir, "a.csv"), STR("id\n1\n"), 0600, &w.err));
    assert_true(look(&w, MODE_UPSERT));
    load(&w, -1);
    assert_null(strstr(buf_cstr(&w.state), "\"mtime_ns\":1")); /* no time to recognise it by */
    assert_true(look(&w, MODE_UPSERT));
    assert_true(w.set.is_unchanged);
}

static void damaged_states_are_refused(void **state)
{
    (void)state;
    AUTO(world) w = world_new();
    put(&w, "a.csv", "id\n1\n", 1);
    buf_add_text(&w.state, "{\"definition\":0,\"files\":[{\"path\":\"a\"}]}");
    assert_false(look(&w, MODE_APPEND));
    assert_int_equal(w.err.code, ERR_CORRUPT);
    buf_reset(&w.state);
    buf_add_text(&w.state, "{\"files\":[");
    assert_false(look(&w, MODE_APPEND));
    buf_reset(&w.state);
    buf_add_text(&w.state, "{\"bookmarks\":{}}"); /* another tap's */
    assert_true(look(&w, MODE_APPEND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_unchanged_is_skipped_and_what_grew_continues),
        cmocka_unit_test(a_slice_continues_where_it_was),
        cmocka_unit_test(a_changed_beginning_is_refused_or_read_again),
        cmocka_unit_test(a_packed_file_is_known_by_its_text),
        cmocka_unit_test(an_unfinished_last_line_counts_as_changed),
        cmocka_unit_test(overwrite_reads_all_or_nothing),
        cmocka_unit_test(a_file_just_written_is_compared_by_content),
        cmocka_unit_test(damaged_states_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
