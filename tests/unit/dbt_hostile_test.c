/* dbt_hostile_test.c - common/dbt/project.h: manifests that are broken, or made to do harm. Each is refused
 * with a sentence, in bounded memory. */
#include "common/base/limits.h"
#include "common/dbt/project.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include "tests/support/temp_dir.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define METADATA(version)                                                                          \
    "\"metadata\":{\"dbt_schema_version\":\"https://schemas.getdbt.com/dbt/manifest/" version      \
    ".json\",\"adapter_type\":\"sqlite\"}"
#define HEAD       "{" METADATA("v12") ",\"nodes\":{"
#define MODEL(id)  "\"model.p." id "\":{\"unique_id\":\"model.p." id "\",\"resource_type\":\"model\""
#define PARENT(id) ",\"depends_on\":{\"nodes\":[\"model.p." id "\"]}"

enum { BYTES_MAX = 64 << 20 };

static struct temp_dir dir;
static const char *path;

static int begin(void **state)
{
    (void)state;
    dir = temp_dir_new();
    path = temp_dir_path(&dir, "manifest.json");
    return 0;
}

static int end(void **state)
{
    (void)state;
    temp_dir_release(&dir);
    return 0;
}

static void write_text(struct str text)
{
    struct err err = {0};
    AUTO(fd) fd = {open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    assert_true(files_write_fd(fd.n, text, &err));
}

static void expect_refused(enum err_code code, const char *part)
{
    struct dbt_project *project = NULL;
    struct err err = {0};
    assert_false(dbt_project_open(&(struct dbt_open){.path = path}, &project, &err));
    if (err.code != code || strstr(err.msg, part) == NULL) {
        fail_msg("%s: %s; wanted %s: %s", err_code_name(err.code), err.msg, err_code_name(code),
                 part);
    }
}

static void refused(const char *text, enum err_code code, const char *part)
{
    write_text(str_from(text));
    expect_refused(code, part);
}

static struct dbt_project *taken(const char *text)
{
    struct dbt_project *project = NULL;
    struct err err = {0};
    write_text(str_from(text));
    if (!dbt_project_open(&(struct dbt_open){.path = path}, &project, &err)) {
        fail_msg("%s", err.msg);
    }
    return project;
}

/* --- no manifest ------------------------------------------------------------------------------- */

static void what_is_no_manifest(void **state)
{
    (void)state;
    refused("", ERR_INVALID, "byte 1: the file ends too early");
    refused("[1]", ERR_INVALID, "byte 1: expected an object");
    refused("project: shop\n", ERR_INVALID, "byte 1: expected an object");
    refused("{}", ERR_INVALID, "not a manifest of dbt");
    refused("{\"nodes\":{}}", ERR_INVALID, "not a manifest of dbt");
    refused("{" METADATA("v12") "}", ERR_INVALID, "not a manifest of dbt");
    refused("{" METADATA("v9") ",\"nodes\":{}}", ERR_INVALID, "versions 10 to 12");
    refused("{" METADATA("v13") ",\"nodes\":{}}", ERR_INVALID, "versions 10 to 12");
    refused("{" METADATA("v99999999999999999999") ",\"nodes\":{}}", ERR_INVALID, "not a manifest");
    refused(HEAD "}} {}", ERR_INVALID, "text after the end");
    refused(HEAD "},}", ERR_INVALID, "expected a key in quotes");
    refused(HEAD "} \"x\":1}", ERR_INVALID, "expected ',' or '}'");
    refused("{\"nodes\" {}}", ERR_INVALID, "expected ':'");
    refused("{\"selvedge_bundle\":99999999999999999999}", ERR_INVALID, "not the mark of a bundle");
    refused(HEAD "},\"selvedge_bundle\":1}", ERR_INVALID, "not the mark of a bundle");
    refused("{\"selvedge_bundle\":1," METADATA("v12") ",\"nodes\":{}}", ERR_CORRUPT,
            "another hash");
}

static void what_is_no_file(void **state)
{
    (void)state;
    struct dbt_project *project = NULL;
    struct err err = {0};
    (void)unlink(path);
    expect_refused(ERR_NOT_FOUND, "manifest.json");
    assert_int_equal(mkfifo(path, 0600), 0); /* which nobody writes to: it is not waited for */
    expect_refused(ERR_INVALID, "not a regular file");
    assert_int_equal(unlink(path), 0);
    assert_false(dbt_project_open(&(struct dbt_open){.path = dir.path}, &project, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

/* --- too much ---------------------------------------------------------------------------------- */

/* A file that begins so and has a hole of `size` bytes, which is read as NUL characters. */
static void write_hole(const char *head, off_t size)
{
    write_text(str_from(head));
    assert_int_equal(truncate(path, size), 0);
}

static void strings_of_any_length(void **state)
{
    (void)state;
    write_hole(HEAD MODEL("a") ",\"raw_code\":\"", (off_t)10 << 30);
    expect_refused(ERR_FULL, "LIMIT_DBT_MANIFEST_BYTES");
    write_hole(HEAD MODEL("a") ",\"raw_code\":\"", LIMIT_DBT_MANIFEST_BYTES);
    expect_refused(ERR_FULL, "LIMIT_DBT_NODE_BYTES");
    write_hole(HEAD "\"model.p.a", 64 << 20);
    expect_refused(ERR_FULL, "LIMIT_DBT_NODE_BYTES");
    write_hole("{\"docs\":{\"doc.p.a\":\"", 64 << 20); /* passed over, whatever it has */
    expect_refused(ERR_INVALID, "the file ends too early");
    AUTO(buf) text = buf_growing(BYTES_MAX);
    buf_add_text(&text, HEAD "\"");
    for (int i = 0; i <= LIMIT_DBT_ID_BYTES; i++) {
        buf_add_char(&text, 'k');
    }
    buf_add_text(&text, "\":{}}}");
    write_text(buf_str(&text));
    expect_refused(ERR_FULL, "LIMIT_DBT_ID_BYTES");
}

static void a_node_of_the_largest_size(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(BYTES_MAX);
    buf_add_text(&text, HEAD MODEL("a") ",\"compiled_code\":\"");
    size_t head = text.len;
    while (text.len - head < LIMIT_DBT_NODE_BYTES - 200) {
        buf_add(&text, STR("\\\"\\\\n\\\\\\\" 0123456789"));
    }
    buf_add_text(&text, "\"}}}");
    struct dbt_project *project = taken(buf_cstr(&text));
    assert_true(project->nodes[0].is_compiled);
    dbt_project_close(project);
}

static void brackets_in_brackets(void **state)
{
    (void)state;
    static const int depths[] = {20, 62, 1 << 20}; /* too deep for a node, then for any value */
    for (size_t k = 0; k < COUNT_OF(depths); k++) {
        AUTO(buf) text = buf_growing(BYTES_MAX);
        buf_add_text(&text, HEAD MODEL("a") ",\"meta\":");
        for (int i = 0; i < depths[k]; i++) {
            buf_add_char(&text, '[');
        }
        for (int i = 0; i < depths[k]; i++) {
            buf_add_char(&text, ']');
        }
        buf_add_text(&text, "}}}");
        write_text(buf_str(&text));
        expect_refused(ERR_INVALID, "nested too deep");
    }
    refused(HEAD "},\"docs\":[[}]}", ERR_INVALID, "another bracket was open");
    refused(HEAD "},\"docs\":{\"a\":;}}", ERR_INVALID, "unexpected character");
    refused(HEAD "},\"docs\":;}", ERR_INVALID, "expected ',' or '}'");
}

static void more_nodes_than_there_may_be(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(BYTES_MAX);
    buf_add_text(&text, HEAD);
    for (int i = 0; i <= LIMIT_DBT_NODES; i++) {
        buf_addf(&text, "%s\"m.%d\":{\"unique_id\":\"m.%d\",\"resource_type\":\"model\"}",
                 i == 0 ? "" : ",", i, i);
    }
    buf_add_text(&text, "}}");
    write_text(buf_str(&text));
    expect_refused(ERR_FULL, "LIMIT_DBT_NODES");
    buf_reset(&text);
    buf_add_text(&text, HEAD MODEL("a") ",\"tags\":[");
    for (int i = 0; i <= LIMIT_DBT_TAGS; i++) {
        buf_addf(&text, "%s\"t%d\"", i == 0 ? "" : ",", i);
    }
    buf_add_text(&text, "]}}}");
    write_text(buf_str(&text));
    expect_refused(ERR_FULL, "LIMIT_DBT_TAGS");
}

/* A chain of macros, each of which calls the one before, and all of which are called by one node. */
static void long_chains(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(BYTES_MAX);
    enum { CHAIN = 20000 };
    buf_add_text(&text, HEAD MODEL("0") ",\"depends_on\":{\"macros\":[\"m.0\"]}}");
    for (int i = 1; i < CHAIN; i++) {
        buf_addf(&text,
                 ",\"model.p.%d\":{\"unique_id\":\"model.p.%d\",\"resource_type\":\"model\","
                 "\"depends_on\":{\"nodes\":[\"model.p.%d\",\"model.p.0\",\"model.p.%d\"]}}",
                 i, i, i - 1, i - 1);
    }
    buf_add_text(&text, "},\"macros\":{");
    for (int i = 0; i < CHAIN; i++) {
        buf_addf(&text, "\"m.%d\":{\"macro_sql\":\"%s\",\"depends_on\":{\"macros\":[\"m.%d\"]}}%s",
                 i, i == CHAIN - 1 ? "{{ invocation_id }}" : "", i + 1, i == CHAIN - 1 ? "" : ",");
    }
    buf_add_text(&text, "}}");
    struct dbt_project *project = taken(buf_cstr(&text));
    uint32_t first = dbt_project_find(project, STR("model.p.0"));
    assert_int_equal(project->nodes[first].uses, DBT_USES_RUN);
    assert_int_equal(project->first_child[first + 1] - project->first_child[first], CHAIN - 1);
    dbt_project_close(project);
}

/* --- circles, doubles ----------------------------------------------------------------------------- */

static void circles(void **state)
{
    (void)state;
    refused(HEAD MODEL("a") PARENT("a") "}}}", ERR_INVALID, "model.p.a is made from model.p.a");
    refused(HEAD MODEL("a") PARENT("b") "}," MODEL("b") PARENT("a") "}}}", ERR_INVALID,
            "a circle: model.p.");
    /* those below the circle are not named */
    refused(HEAD MODEL("a") PARENT("b") "}," MODEL("b") PARENT("c") "}," MODEL("c")
                PARENT("d") "}," MODEL("d") PARENT("c") "}}}",
            ERR_INVALID, "model.p.c");
    /* one of macros is none */
    dbt_project_close(
        taken(HEAD MODEL("a") "}},\"macros\":{\"m.x\":{\"depends_on\":{\"macros\":[\"m.y\"]}},"
                              "\"m.y\":{\"depends_on\":{\"macros\":[\"m.x\"]}}}}"));
}

static void one_id_twice(void **state)
{
    (void)state;
    refused(HEAD MODEL("a") "}," MODEL("a") "}}}", ERR_INVALID, "model.p.a is there twice");
    refused(HEAD MODEL("a") "}},\"sources\":{" MODEL("a") "}}}", ERR_INVALID, "twice");
    refused(HEAD MODEL("a") "}},\"nodes\":{" MODEL("a") "}}}", ERR_INVALID, "twice");
    refused(HEAD "\"model.p.b\":{\"unique_id\":\"model.p.a\"}}}", ERR_INVALID, "is not its key");
    refused(HEAD "\"model.p.b\":{}}}", ERR_INVALID, "is not its key");
}

/* --- values ---------------------------------------------------------------------------------------- */

static void texts_that_are_none(void **state)
{
    (void)state;
    refused(HEAD MODEL("a") ",\"name\":\"\xff\"}}}", ERR_INVALID, "invalid UTF-8");
    refused(HEAD MODEL("\xff") "}}}", ERR_INVALID, "invalid UTF-8");
    refused(HEAD MODEL("a") ",\"name\":\"\\u0000\"}}}", ERR_INVALID, "NUL");
    refused(HEAD MODEL("a") ",\"name\":\"\\ud800\"}}}", ERR_INVALID, "half of a \\u pair");
    refused(HEAD MODEL("a") ",\"name\":\"\\x\"}}}", ERR_INVALID, "invalid escape");
    refused(HEAD MODEL("a") ",\"name\":\"a\nb\"}}}", ERR_INVALID, "control character");
    const struct str nul = STR(HEAD MODEL("a") ",\"name\":\"a\0b\"}}}");
    write_text(nul);
    expect_refused(ERR_INVALID, "control character");
}

static void values_of_another_type(void **state)
{
    (void)state;
    static const char *const members[] = {
        "\"name\":[]",
        "\"name\":true",
        "\"resource_type\":{}",
        "\"relation_name\":{\"a\":1}",
        "\"fqn\":{}",
        "\"tags\":{\"a\":1}",
        "\"fqn\":[[\"a\"]]",
        "\"config\":{\"materialized\":[]}",
        "\"config\":{\"tags\":7}",
        "\"depends_on\":{\"nodes\":{}}",
        "\"depends_on\":{\"nodes\":[null]}",
        "\"depends_on\":{\"macros\":true}",
        "\"test_metadata\":{\"name\":[]}",
    };
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        AUTO(buf) text = buf_growing(BYTES_MAX);
        buf_addf(&text, HEAD MODEL("a") ",%s}}}", members[i]);
        refused(buf_cstr(&text), ERR_INVALID, "not a");
    }
    refused("{" METADATA("v12") ",\"nodes\":[]}", ERR_INVALID, "expected an object");
    refused("{\"metadata\":7,\"nodes\":{}}", ERR_INVALID, "metadata: byte 1: expected an object");
    refused(HEAD "\"model.p.a\":{\"unique_id\":7}}}", ERR_INVALID, "is not its key");
    /* null is as good as missing; so are sections */
    struct dbt_project *project =
        taken("{\"sources\":null," METADATA("v12") ",\"macros\":null,\"nodes\":{" MODEL(
            "a") ",\"name\":null,\"fqn\":null,\"tags\":null,\"config\":null,\"depends_on\":null,"
                 "\"version\":1e999,\"unknown\":[{}]},"
                 "\"rpc.p.x\":{\"unique_id\":\"rpc.p.x\",\"resource_type\":\"rpc\"}}}");
    assert_int_equal(project->count, 1);
    assert_int_equal(project->passed_over, 1);
    dbt_project_close(project);
}

/* Whatever is missing at the end of a manifest, and whatever single byte is another one. */
static void broken_anywhere(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(BYTES_MAX);
    struct err err = {0};
    assert_true(files_read("tests/data/dbt/small_v12.json", &text, &err));
    for (size_t len = 0; len < text.len; len += 13) {
        write_text(str_slice(buf_str(&text), 0, len));
        expect_refused(ERR_INVALID, "");
    }
    for (size_t i = 0; i < text.len; i += 17) {
        struct dbt_project *project = NULL;
        char was = text.ptr[i];
        text.ptr[i] = '\x01';
        write_text(buf_str(&text));
        if (dbt_project_open(&(struct dbt_open){.path = path}, &project, &err)) {
            dbt_project_close(project); /* in what is passed over */
        }
        text.ptr[i] = was;
    }
}

/* --- a file that changes ------------------------------------------------------------------------------ */

static void a_file_that_was_written_to(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct err err = {0};
    struct json *node = NULL;
    struct stat was;
    struct dbt_project *project = taken(HEAD MODEL("a") ",\"name\":\"b\"}}}");
    assert_true(dbt_project_read(project, 0, DBT_FULL, &arena, &node, &err));
    /* replaced, as dbt does it: what was opened is still read */
    assert_true(files_write(path, STR("{}"), 0600, &err));
    assert_true(dbt_project_read(project, 0, DBT_FULL, &arena, &node, &err));
    dbt_project_close(project);
    /* the same file, other bytes */
    project = taken(HEAD MODEL("a") ",\"name\":\"b\"}}}");
    AUTO(fd) fd = {open(path, O_WRONLY | O_CLOEXEC)};
    assert_int_equal(stat(path, &was), 0);
    assert_true(pwrite(fd.n, " ", 1, (off_t)strlen(HEAD) + 15) == 1);
    assert_int_equal(ftruncate(fd.n, was.st_size - 1), 0);
    assert_false(dbt_project_read(project, 0, DBT_FULL, &arena, &node, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    /* even when its size and time are as they were */
    assert_int_equal(ftruncate(fd.n, was.st_size), 0);
    assert_true(pwrite(fd.n, "}", 1, was.st_size - 1) == 1);
    const struct timespec times[] = {was.st_atim, was.st_mtim};
    assert_true(pwrite(fd.n, "z", 1, (off_t)strlen(HEAD MODEL("a")) - 26) == 1);
    assert_int_equal(futimens(fd.n, times), 0);
    assert_false(dbt_project_read(project, 0, DBT_FULL, &arena, &node, &err));
    dbt_project_close(project);
}

static void memory_that_runs_out(void **state)
{
    (void)state;
    for (int nth = 0;; nth++) {
        struct dbt_project *project = NULL;
        struct err err = {0};
        fault_malloc_arm(nth);
        bool ok = dbt_project_open(
            &(struct dbt_open){.path = "tests/data/dbt/small_v12.json",
                               .incremental = "tests/data/dbt/small_v12_incremental.json"},
            &project, &err);
        bool has_failed = fault_malloc_disarm();
        assert_int_equal(ok, !has_failed);
        if (ok) {
            dbt_project_close(project);
            break;
        }
        assert_true(err.code == ERR_NO_MEMORY || err.code == ERR_FULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_no_manifest, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_file, begin, end),
        cmocka_unit_test_setup_teardown(strings_of_any_length, begin, end),
        cmocka_unit_test_setup_teardown(a_node_of_the_largest_size, begin, end),
        cmocka_unit_test_setup_teardown(brackets_in_brackets, begin, end),
        cmocka_unit_test_setup_teardown(more_nodes_than_there_may_be, begin, end),
        cmocka_unit_test_setup_teardown(long_chains, begin, end),
        cmocka_unit_test_setup_teardown(circles, begin, end),
        cmocka_unit_test_setup_teardown(one_id_twice, begin, end),
        cmocka_unit_test_setup_teardown(texts_that_are_none, begin, end),
        cmocka_unit_test_setup_teardown(values_of_another_type, begin, end),
        cmocka_unit_test_setup_teardown(broken_anywhere, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_was_written_to, begin, end),
        cmocka_unit_test(memory_that_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
