/* definitions_secrets_test.c - ${secret:NAME}: from which file, with which rights, and that no copy
 * is left behind in memory that was given back. */
#include "agent/definitions/secrets.h"

#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char value[] = "hunter2-hunter2";

/* --- memory that is given back is looked through (link-time wrap) --- */

static int left_behind;

static void look_through(void *block)
{
    size_t size = block == NULL ? 0 : malloc_usable_size(block);
    if (size > 0 && memmem(block, size, value, strlen(value)) != NULL) {
        left_behind++;
    }
}

/* The names are the linker's. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
void __real_free(void *block);
void *__real_realloc(void *block, size_t size);
void __wrap_free(void *block);
void *__wrap_realloc(void *block, size_t size);

void __wrap_free(void *block)
{
    look_through(block);
    __real_free(block);
}

void *__wrap_realloc(void *block, size_t size)
{
    look_through(block);
    return __real_realloc(block, size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */

/* --- the world --- */

struct world {
    struct temp_dir dir;
    struct secret_folders folders;
    struct secret_lookup lookup;
    struct env_lookup env;
};

static bool get(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    *ret_value = STR("ann");
    return str_eq(name, STR("USER"));
}

static void world_open(struct world *w)
{
    *w = (struct world){.dir = temp_dir_new()};
    w->folders.secrets = temp_dir_path(&w->dir, "secrets");
    assert_int_equal(mkdir(w->folders.secrets, 0700), 0);
    assert_int_equal(mkdir(temp_dir_path(&w->dir, "credentials"), 0700), 0);
    w->lookup = secret_lookup_files(&w->folders);
    w->env = (struct env_lookup){.get = get, .secrets = &w->lookup};
    left_behind = 0;
}

static void world_close(struct world *w)
{
    temp_dir_release(&w->dir);
    assert_int_equal(left_behind, 0);
}

static const char *put(struct world *w, const char *name, struct str content, mode_t mode)
{
    struct err err = {0};
    const char *path = temp_dir_path(&w->dir, name);
    assert_true(files_write(path, content, mode, &err));
    assert_int_equal(chmod(path, mode), 0); /* whatever the umask */
    return path;
}

static bool resolve(const struct world *w, const char *text, struct arena *arena, struct str *ret,
                    struct err *err)
{
    return definitions_resolve_text(str_from(text), &w->env, arena, ret, err);
}

static void assert_resolved(const struct world *w, const char *text, const char *expected)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct str result = STR_NONE;
    struct err err = {0};
    if (!resolve(w, text, &arena, &result, &err)) {
        print_error("%s [%s]\n", err.msg, err.hint);
        fail();
    }
    assert_string_equal(result.ptr, expected);
    assert_int_equal(result.len, strlen(expected));
}

/* The message begins with `msg`, where %s stands for `path`. */
static void assert_refused(const struct world *w, const char *name, enum err_code code,
                           const char *expected, const char *hint)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct str text = arena_printf(&arena, "a ${secret:%s} b", name);
    struct str result = STR("before");
    struct err err = {0};
    assert_false(resolve(w, text.ptr, &arena, &result, &err));
    assert_string_equal(err.msg, expected);
    assert_string_equal(err.hint, hint);
    assert_int_equal(err.code, code);
    assert_null(strstr(err.msg, value));
    assert_true(str_eq(result, STR("before")));
}

static void secrets_come_from_files(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    (void)put(&w, "secrets/TOKEN", str_from(value), 0600);
    (void)put(&w, "secrets/line", STR("hunter2-hunter2\n"), 0400);
    (void)put(&w, "secrets/two.lines", STR("a\n\n"), 0600);
    (void)put(&w, "secrets/empty", STR(""), 0600);
    assert_resolved(&w, "${secret:TOKEN}", value);
    assert_resolved(&w, "Bearer ${secret:line}, $$${USER}", "Bearer hunter2-hunter2, $ann");
    assert_resolved(&w, "${secret:two.lines}|", "a\n|"); /* one newline is the file's */
    assert_resolved(&w, "[${secret:empty}]", "[]");
    assert_resolved(&w, "${secret:TOKEN}${secret:TOKEN}", "hunter2-hunter2hunter2-hunter2");
    world_close(&w);
}

static void credentials_come_first(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    w.folders.credentials = temp_dir_path(&w.dir, "credentials");
    (void)put(&w, "secrets/A", STR("from the folder"), 0600);
    (void)put(&w, "secrets/B", STR("only in the folder"), 0600);
    (void)put(&w, "credentials/A", STR("from systemd"), 0440); /* as an ACL shows */
    (void)put(&w, "credentials/C", STR("open to all"), 0444);
    assert_resolved(&w, "${secret:A}", "from systemd");
    assert_resolved(&w, "${secret:B}", "only in the folder");
    AUTO(buf) path = buf_growing(4096);
    struct err err = {0};
    assert_true(secret_path(&w.folders, STR("A"), &path, &err));
    assert_string_equal(buf_cstr(&path), temp_dir_path(&w.dir, "credentials/A"));
    AUTO(arena) arena = arena_new(1 << 16);
    struct str result;
    assert_false(resolve(&w, "${secret:C}", &arena, &result, &err));
    assert_int_equal(err.code, ERR_DENIED);
    world_close(&w);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    (void)state;
    static const mode_t open_modes[] = {0644, 0640, 0604, 0620, 0601};
    struct world w;
    world_open(&w);
    for (size_t i = 0; i < COUNT_OF(open_modes); i++) {
        AUTO(arena) arena = arena_new(1 << 16);
        const char *path = put(&w, "secrets/T", str_from(value), open_modes[i]);
        struct str msg = arena_printf(&arena, "secret T: %s is open to others (mode 0%o)", path,
                                      (unsigned)open_modes[i]);
        struct str hint = arena_printf(&arena, "chmod 600 %s", path);
        assert_refused(&w, "T", ERR_DENIED, msg.ptr, hint.ptr);
    }
    world_close(&w);
}

static void what_is_no_secret_is_refused(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    AUTO(arena) arena = arena_new(1 << 20);
    const char *none = temp_dir_path(&w.dir, "secrets/none");
    assert_refused(
        &w, "none", ERR_NOT_FOUND,
        arena_printf(&arena, "secret none: open %s: No such file or directory", none).ptr,
        "write it there with mode 600, or give it as a systemd credential");
    const char *folder = temp_dir_path(&w.dir, "secrets/folder");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_refused(&w, "folder", ERR_INVALID,
                   arena_printf(&arena, "secret folder: %s is not a file", folder).ptr, "");
    const char *pipe_path = temp_dir_path(&w.dir, "secrets/pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_refused(&w, "pipe", ERR_INVALID,
                   arena_printf(&arena, "secret pipe: %s is not a file", pipe_path).ptr, "");
    const char *nul = put(&w, "secrets/nul", (struct str){"hunter2-hunter2\0x", 17}, 0600);
    assert_refused(&w, "nul", ERR_INVALID,
                   arena_printf(&arena, "secret nul: %s holds a NUL byte", nul).ptr, "");
    world_close(&w);
}

static void the_size_has_a_limit(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    AUTO(buf) large = buf_growing(1 << 20);
    while (large.len < SECRET_BYTES_MAX) {
        buf_add_char(&large, 'x');
    }
    struct str whole = buf_str(&large);
    (void)put(&w, "secrets/most", whole, 0600);
    assert_resolved(&w, "${secret:most}", buf_cstr(&large));
    buf_add_char(&large, '\n');
    (void)put(&w, "secrets/line", buf_str(&large), 0600);
    AUTO(arena) arena = arena_new(1 << 20);
    struct str result;
    struct err err = {0};
    assert_true(resolve(&w, "${secret:line}", &arena, &result, &err));
    assert_int_equal(result.len, SECRET_BYTES_MAX);
    buf_add_char(&large, 'x');
    (void)put(&w, "secrets/more", buf_str(&large), 0600);
    assert_refused(&w, "more", ERR_FULL, "secret more: it is longer than 65536 bytes", "");
    /* Two of them are too long together. */
    assert_false(resolve(&w, "${secret:most}${secret:most}", &arena, &result, &err));
    assert_int_equal(err.code, ERR_FULL);
    world_close(&w);
}

static void files_of_another_user_are_refused(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip(); /* only root can give files away */
    }
    struct world w;
    world_open(&w);
    AUTO(arena) arena = arena_new(1 << 16);
    const char *path = put(&w, "secrets/theirs", str_from(value), 0600);
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_refused(
        &w, "theirs", ERR_DENIED,
        arena_printf(&arena, "secret theirs: %s belongs to another user (uid 12345)", path).ptr,
        arena_printf(&arena, "chown 0 %s", path).ptr);
    world_close(&w);
}

/* The arena's memory is wiped when it is reset and when it is released; else the copy would be
 * found. */
static void memory_is_wiped(void **state)
{
    (void)state;
    struct world w;
    struct str result;
    struct err err = {0};
    world_open(&w);
    (void)put(&w, "secrets/TOKEN", str_from(value), 0600);
    struct arena arena = arena_new(1 << 20);
    assert_true(resolve(&w, "a ${secret:TOKEN}", &arena, &result, &err));
    assert_true(arena.is_secret);
    struct str copy = arena_printf(&arena, "TOKEN=" STR_FMT, STR_ARG(result));
    assert_non_null(strstr(copy.ptr, value));
    const char *memory = result.ptr;
    arena_reset(&arena);
    assert_false(arena.is_secret);
    assert_null(memmem(memory, 64, value, strlen(value)));
    assert_true(resolve(&w, "${secret:TOKEN}", &arena, &result, &err));
    arena_release(&arena);
    assert_int_equal(left_behind, 0);
    /* What fails after the secret was read leaves none either. */
    arena = arena_new(1 << 20);
    assert_false(resolve(&w, "${secret:TOKEN} ${NONE}", &arena, &result, &err));
    assert_string_equal(err.msg, "variable NONE is not set");
    arena_release(&arena);
    arena = arena_new(4);
    assert_false(resolve(&w, "${secret:TOKEN}", &arena, &result, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
    arena_release(&arena);
    assert_int_equal(left_behind, 0);
    /* The search itself finds what is left behind. */
    arena = arena_new(1 << 20);
    copy = arena_copy(&arena, str_from(value));
    assert_non_null(copy.ptr);
    arena_release(&arena);
    assert_int_equal(left_behind, 1);
    left_behind = 0;
    world_close(&w);
}

static void names_are_words(void **state)
{
    (void)state;
    assert_true(secret_name_is_valid(STR("TOKEN")));
    assert_true(secret_name_is_valid(STR("shop.pos-1_x")));
    assert_false(secret_name_is_valid(STR("")));
    assert_false(secret_name_is_valid(STR("..")));
    assert_false(secret_name_is_valid(STR("a/b")));
    assert_false(secret_name_is_valid(STR(".hidden")));
    struct secret_folders folders = {.secrets = "/x"};
    AUTO(buf) path = buf_growing(100);
    struct err err = {0};
    assert_false(secret_path(&folders, STR("../x"), &path, &err));
    assert_int_equal(path.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_come_from_files),
        cmocka_unit_test(credentials_come_first),
        cmocka_unit_test(a_file_that_others_can_read_is_refused),
        cmocka_unit_test(what_is_no_secret_is_refused),
        cmocka_unit_test(the_size_has_a_limit),
        cmocka_unit_test(files_of_another_user_are_refused),
        cmocka_unit_test(memory_is_wiped),
        cmocka_unit_test(names_are_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
