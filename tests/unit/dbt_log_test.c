/* dbt_log_test.c - agent/transform/dbt_log.h, run_results.h and drive_nodes.h: what dbt's log says of
 * each node is what it writes into run_results.json at the end. */
#include "agent/dbt/run_results.h"
#include "agent/transform/drive_nodes.h"
#include "common/base/strmap.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED "../shared/data/dbt/"

enum { NODES_MAX = 64, FILE_BYTES_MAX = 8 << 20, TEXT_MAX = 400 };

/* What a listener was told of a node. */
struct told {
    char unique_id[TEXT_MAX];
    int starts, ends;
    int64_t index, total;
    enum dbt_status status;
    char message[TEXT_MAX], error[TEXT_MAX], sql[TEXT_MAX];
    int64_t duration_ns, rows, failures;
};
struct ear {
    struct told nodes[NODES_MAX];
    size_t count;
    size_t lines;
    char last_line[TEXT_MAX];
    enum log_level last_level;
};

static struct told *told_of(struct ear *ear, struct str unique_id)
{
    for (size_t i = 0; i < ear->count; i++) {
        if (str_eq(unique_id, str_from(ear->nodes[i].unique_id))) {
            return &ear->nodes[i];
        }
    }
    assert_true(ear->count < NODES_MAX);
    struct told *told = &ear->nodes[ear->count++];
    (void)snprintf(told->unique_id, sizeof(told->unique_id), STR_FMT, STR_ARG(unique_id));
    return told;
}

static void on_start(void *ctx, struct str unique_id, int64_t index, int64_t total)
{
    struct told *told = told_of(ctx, unique_id);
    told->starts++;
    told->index = index;
    told->total = total;
}

static void on_end(void *ctx, const struct node_end *end)
{
    struct told *told = told_of(ctx, end->unique_id);
    told->ends++;
    told->status = end->result.status;
    told->duration_ns = end->duration_ns;
    told->rows = end->result.rows_written;
    told->failures = end->result.failures;
    (void)snprintf(told->message, TEXT_MAX, STR_FMT, STR_ARG(end->result.message));
    (void)snprintf(told->error, TEXT_MAX, "%s", end->err == NULL ? "" : end->err->msg);
    (void)snprintf(told->sql, TEXT_MAX, STR_FMT, STR_ARG(end->sql));
}

static void on_line(void *ctx, struct str unique_id, enum log_level level, struct str text)
{
    struct ear *ear = ctx;
    (void)unique_id;
    ear->lines++;
    ear->last_level = level;
    (void)snprintf(ear->last_line, TEXT_MAX, STR_FMT, STR_ARG(text));
}

struct fixture {
    struct ear ear;
    struct node_listener listener;
    struct drive_nodes *nodes;
    struct arena line;
};

static struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err = {0};
    assert_non_null(f);
    f->listener = (struct node_listener){on_start, on_end, on_line, &f->ear};
    f->line = arena_new(4 << 20);
    assert_true(drive_nodes_new(&f->listener, &f->nodes, &err));
    return f;
}

static void fixture_free(struct fixture *f)
{
    drive_nodes_free(f->nodes);
    arena_release(&f->line);
    free(f);
}

static void take_line(struct fixture *f, struct str line, int64_t at_s)
{
    struct dbt_log_event event;
    struct err err = {0};
    assert_true(dbt_log_read(line, &f->line, &event, &err));
    assert_true(drive_nodes_take(f->nodes, &event, (struct mono_time){at_s * NS_PER_SEC}, &err));
    arena_reset(&f->line);
}

static void take_log(struct fixture *f, struct str text)
{
    struct str line;
    while (text.len > 0) {
        (void)str_cut(text, '\n', &line, &text);
        take_line(f, line, 1);
    }
}

static bool reconcile(void *ctx, const struct dbt_outcome *outcome, struct err *err)
{
    return drive_nodes_reconcile(((struct fixture *)ctx)->nodes, outcome, err);
}

static void take_results(struct fixture *f, struct str text, size_t piece)
{
    struct err err = {0};
    AUTO(run_results) r;
    run_results_init(&r, reconcile, f);
    for (size_t at = 0; at < text.len; at += piece) {
        assert_true(run_results_read(&r, str_slice(text, at, at + piece), &err));
    }
    assert_true(run_results_end(&r, &err));
    assert_int_equal(r.too_long, 0);
}

/* -- our own lines -- */

#define NODE(id_, type_, made_, status_)                                                           \
    "\"node_info\":{\"unique_id\":\"" id_ "\",\"resource_type\":\"" type_                          \
    "\",\"materialized\":\"" made_ "\",\"node_status\":\"" status_                                 \
    "\",\"node_relation\":{\"relation_name\":\"main.x\"},\"meta\":{\"unique_id\":\"not this\"}}"
#define EVENT(name_, level_, msg_, data_)                                                          \
    "{\"data\":{" data_ "},\"info\":{\"name\":\"" name_ "\",\"level\":\"" level_                   \
    "\",\"msg\":\"" msg_ "\"}}\n"
#define OPENED(id_, made_) EVENT("NodeStart", "debug", "", NODE(id_, "model", made_, "started"))
#define STARTED(id_, made_)                                                                        \
    EVENT("LogStartLine", "info", "1 of 2 START",                                                  \
          "\"index\":1,\"total\":2," NODE(id_, "model", made_, "started"))
#define ENDED(id_, made_, status_, message_)                                                       \
    EVENT("NodeFinished", "debug", "",                                                             \
          NODE(id_, "model", made_,                                                                \
               status_) ",\"run_result\":{\"status\":\"" status_ "\",\"message\":\"" message_      \
                        "\",\"execution_time\":0.25,\"num_failures\":0,"                           \
                        "\"adapter_response\":{\"_message\":\"SELECT 3\",\"rows_affected\":3.0}}")
#define RESULTS(list_)                                                                             \
    "{\"metadata\": {\"dbt_schema_version\": "                                                     \
    "\"https://schemas.getdbt.com/dbt/run-results/v6.json\", \"env\": {\"results\": \"[\"}}, "     \
    "\"args\": {\"results\": [{\"unique_id\": \"model.p.no\", \"status\": \"error\"}]}, "          \
    "\"results\": [" list_ "], \"elapsed_time\": 1.5}"
#define RESULT(id_, status_, message_)                                                             \
    "{\"unique_id\": \"" id_ "\", \"status\": \"" status_ "\", \"message\": \"" message_           \
    "\", \"execution_time\": 2, \"failures\": null, \"compiled_code\": \"select {\\\"a\\\"} 1\", " \
    "\"adapter_response\": {\"rows_affected\": -1}}"

static void a_model_that_succeeds(void **state)
{
    (void)state;
    struct fixture *f = fixture_new();
    take_log(f, STR(OPENED("model.p.a", "table") STARTED("model.p.a", "table")
                        EVENT("SQLQuery", "debug", "On a",
                              "\"sql\":\"/* {\\\"app\\\": \\\"dbt\\\"} */\\ncreate table x\"," NODE(
                                  "model.p.a", "model", "table", "executing"))
                            EVENT("LogModelResult", "info", "1 of 2 OK created",
                                  "\"status\":\"SELECT 3\",\"execution_time\":0.2," NODE(
                                      "model.p.a", "model", "table", "success"))));
    assert_int_equal(f->ear.count, 1);
    struct told *told = &f->ear.nodes[0];
    assert_int_equal(told->starts, 1);
    assert_int_equal(told->index, 1);
    assert_int_equal(told->total, 2);
    assert_int_equal(told->ends, 0);
    take_log(f, STR(ENDED("model.p.a", "table", "success", "SELECT 3")));
    assert_int_equal(told->ends, 1);
    assert_int_equal(told->status, DBT_SUCCESS);
    assert_int_equal(told->rows, 3);
    assert_int_equal(told->failures, -1);
    assert_int_equal(told->duration_ns, NS_PER_SEC / 4);
    assert_string_equal(told->sql, "create table x;");
    assert_string_equal(told->message, "SELECT 3");
    assert_int_equal(f->ear.lines, 2);
    take_results(f, STR(RESULTS(RESULT("model.p.a", "success", "SELECT 3"))), 1);
    drive_nodes_end(f->nodes, NULL, (struct mono_time){0});
    assert_int_equal(told->ends, 1);
    fixture_free(f);
}

/* Each ends once, with what is right: the columns are the log, run_results.json, and what is told. */
static const struct {
    const char *log, *results;
    int starts, ends;
    enum dbt_status status;
    const char *error;
} disagreements[] = {
    /* no result anywhere */
    {OPENED("model.p.a", "view") STARTED("model.p.a", "view"), NULL, 1, 1, DBT_ERROR,
     "dbt ended while it ran: killed by signal 9 (SIGKILL)"},
    {OPENED("model.p.a", "view"), RESULTS(""), 1, 1, DBT_ERROR,
     "dbt ended while it ran: killed by signal 9 (SIGKILL)"},
    {OPENED("model.p.a", "ephemeral"), RESULTS(""), 0, 0, DBT_NOT_RUN, ""},
    {STARTED("model.p.a", "view")
         EVENT("NodeFinished", "info", "cut", NODE("model.p.a", "model", "view", "")),
     NULL, 1, 1, DBT_ERROR, "dbt ended while it ran: killed by signal 9 (SIGKILL)"},
    /* only the file has it */
    {STARTED("model.p.a", "view"), RESULTS(RESULT("model.p.a", "error", "no\\n such\\n  table")), 1,
     1, DBT_ERROR, "no such table"},
    {"", RESULTS(RESULT("model.p.a", "success", "OK")), 1, 1, DBT_SUCCESS, ""},
    {"", RESULTS(RESULT("model.p.a", "skipped", "")), 0, 1, DBT_SKIPPED, ""},
    {"", RESULTS(RESULT("model.p.a", "cancelled", "")), 1, 1, DBT_ERROR, "dbt does not say why"},
    {"", RESULTS(RESULT("model.p.a", "reused", "")), 1, 1, DBT_NO_OP, ""},
    {"", RESULTS(RESULT("model.p.a", "a new word", "")), 1, 1, DBT_ERROR, "dbt does not say why"},
    /* only the words of the log have it */
    {STARTED("model.p.a", "view")
         EVENT("LogModelResult", "info", "OK",
               "\"status\":\"OK\"," NODE("model.p.a", "model", "view", "success")),
     NULL, 1, 1, DBT_SUCCESS, ""},
    /* they disagree: the file counts, and the end is told again; but what ran was not skipped */
    {OPENED("model.p.a", "view") ENDED("model.p.a", "view", "success", "OK"),
     RESULTS(RESULT("model.p.a", "error", "late")), 1, 2, DBT_ERROR, "late"},
    {OPENED("model.p.a", "view") ENDED("model.p.a", "view", "error", "bad"),
     RESULTS(RESULT("model.p.a", "skipped", "Skipping due to fail_fast")), 1, 1, DBT_ERROR, "bad"},
    {STARTED("model.p.a", "view")
         EVENT("LogModelResult", "error", "ERROR in", NODE("model.p.a", "model", "view", "error")),
     RESULTS(RESULT("model.p.a", "skipped", "Skipping due to fail_fast")), 1, 1, DBT_ERROR,
     "dbt does not say why"},
    /* what ran after all has a start: here and of an ephemeral model alike */
    {OPENED("model.p.a", "view") ENDED("model.p.a", "view", "skipped", ""),
     RESULTS(RESULT("model.p.a", "success", "OK")), 1, 2, DBT_SUCCESS, ""},
    {OPENED("model.p.a", "ephemeral") ENDED("model.p.a", "ephemeral", "success", ""),
     RESULTS(RESULT("model.p.a", "error", "late")), 1, 1, DBT_ERROR, "late"},
    /* skipped without a start */
    {OPENED("model.p.a", "view")
         EVENT("SkippingDetails", "info", "SKIP", NODE("model.p.a", "model", "view", "skipped"))
             ENDED("model.p.a", "view", "skipped", ""),
     RESULTS(RESULT("model.p.a", "skipped", "")), 0, 1, DBT_SKIPPED, ""},
    /* a microbatch model has its own NodeStart, and one for each batch */
    {OPENED("model.p.a", "incremental") STARTED("model.p.a", "incremental")
         OPENED("model.p.a", "incremental") ENDED("model.p.a", "incremental", "success", "1")
             OPENED("model.p.a", "incremental") ENDED("model.p.a", "incremental", "error", "2")
                 ENDED("model.p.a", "incremental", "partial success", "half"),
     RESULTS(RESULT("model.p.a", "partial success", "half")), 1, 1, DBT_PARTIAL, "half"},
    /* an ephemeral model is told of when it fails */
    {OPENED("model.p.a", "ephemeral") ENDED("model.p.a", "ephemeral", "error", "bad Jinja"), NULL,
     1, 1, DBT_ERROR, "bad Jinja"},
    {OPENED("model.p.a", "ephemeral") ENDED("model.p.a", "ephemeral", "success", ""), NULL, 0, 0,
     DBT_NOT_RUN, ""},
    /* dbt 2 says why in a line of its own */
    {STARTED("model.p.a", "view")
         EVENT("Generic", "error", "syntax error", NODE("model.p.a", "model", "view", "None"))
             ENDED("model.p.a", "view", "error", ""),
     NULL, 1, 1, DBT_ERROR, "syntax error"},
};

static void log_and_file_disagree(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(disagreements); i++) {
        struct fixture *f = fixture_new();
        struct err why = {0};
        err_set(&why, ERR_IO, "killed by signal 9 (SIGKILL)");
        take_log(f, str_from(disagreements[i].log));
        if (disagreements[i].results != NULL) {
            take_results(f, str_from(disagreements[i].results), 7);
        }
        drive_nodes_end(f->nodes, &why, (struct mono_time){5 * NS_PER_SEC});
        struct told *told = told_of(&f->ear, STR("model.p.a"));
        printf("case %zu\n", i);
        assert_int_equal(told->starts, disagreements[i].starts);
        assert_int_equal(told->ends, disagreements[i].ends);
        assert_int_equal(told->status, disagreements[i].status);
        assert_string_equal(told->error, disagreements[i].error);
        assert_int_equal(f->ear.count, 1);
        struct drive_counts counts = drive_nodes_counts(f->nodes);
        assert_int_equal(counts.ended, told->ends > 0);
        assert_int_equal(counts.failed, told->ends > 0 && (told->status == DBT_ERROR ||
                                                           told->status == DBT_PARTIAL));
        fixture_free(f);
    }
}

static void lines_that_are_no_log(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "/usr/lib/python3/x.py:1: DeprecationWarning: old",
        "",
        "{",
        "{}",
        "[1]",
        "{\"info\": 1}",
        "{\"info\": {}} and more",
        "{\"info\": {\"name\": \"NodeFinished\", \"msg\": \"cut of",
        "\xff\xfe",
    };
    struct fixture *f = fixture_new();
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct dbt_log_event event;
        struct err err = {0};
        assert_true(dbt_log_read(str_from(lines[i]), &f->line, &event, &err));
        assert_int_equal(event.type, DBT_LOG_TEXT);
        assert_string_equal(event.text.ptr, lines[i]);
        take_line(f, str_from(lines[i]), 1);
    }
    assert_int_equal(f->ear.count, 0);
    assert_int_equal(f->ear.lines, COUNT_OF(lines) - 1);
    fixture_free(f);
}

/* Members of other types than dbt gives them are passed over. */
static void odd_members(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"info\":{\"name\":7,\"level\":null,\"msg\":[]},\"data\":5}",
        "{\"info\":{\"name\":\"NodeFinished\"},\"data\":{\"node_info\":[],\"run_result\":\"x\"}}",
        "{\"info\":{\"name\":\"NodeFinished\"},\"data\":{\"node_info\":{\"unique_id\":null}}}",
        "{\"info\":{\"name\":\"LogStartLine\"},\"data\":{\"index\":\"1\",\"total\":1e300}}",
        "{\"info\":{\"name\":\"SQLQuery\"},\"data\":{\"sql\":{}}}",
    };
    struct fixture *f = fixture_new();
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        take_line(f, str_from(lines[i]), 1);
    }
    take_line(f,
              STR("{\"info\":{\"name\":\"NodeFinished\"},\"data\":{\"node_info\":{\"unique_id\":"
                  "\"model.p.a\"},\"run_result\":{\"status\":{},\"execution_time\":\"1\","
                  "\"message\":1,\"adapter_response\":[]}}}"),
              1);
    assert_int_equal(f->ear.count, 0);
    drive_nodes_end(f->nodes, NULL, (struct mono_time){0});
    assert_int_equal(f->ear.count, 0);
    fixture_free(f);
}

static void results_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_code code;
    } cases[] = {
        {"", ERR_CORRUPT},
        {"{\"results\": [", ERR_CORRUPT},
        {RESULTS("{\"unique_id\": \"a\", \"status\": \"err"), ERR_CORRUPT},
        {"[]", ERR_INVALID},
        {"{}", ERR_INVALID},
        {"{}{}", ERR_INVALID},
        {"}", ERR_INVALID},
        {"{\"metadata\": {}}", ERR_INVALID},
        {"{\"metadata\": {\"dbt_schema_version\": \"x/dbt/manifest/v6.json\"}}", ERR_INVALID},
        {"{\"metadata\": {\"dbt_schema_version\": \"x/dbt/run-results/v3.json\"}}", ERR_INVALID},
        {"{\"metadata\": {\"dbt_schema_version\": \"x/dbt/run-results/v7.json\"}}", ERR_INVALID},
        {RESULTS("{\"status\": error}"), ERR_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture *f = fixture_new();
        struct err err = {0};
        AUTO(run_results) r;
        run_results_init(&r, reconcile, f);
        printf("case %zu\n", i);
        assert_false(run_results_read(&r, str_from(cases[i].text), &err) &&
                     run_results_end(&r, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(f->ear.count, 0);
        fixture_free(f);
    }
}

/* -- without memory -- */

static const char busy_log[] = OPENED("model.p.a", "table") STARTED("model.p.a", "table")
    EVENT("SQLQuery", "debug", "On a",
          "\"sql\":\"create\\ntable x\"," NODE("model.p.a", "model", "table", "executing"))
        EVENT("Generic", "error", "bad\\nthing", NODE("model.p.a", "model", "table", "None"))
            ENDED("model.p.a", "table", "error", "no\\ntable") STARTED("model.p.b", "view");
static const char busy_results[] = RESULTS(
    RESULT("model.p.a", "error", "no\\ntable") ", " RESULT("model.p.c", "success", "O\\tK"));

/* False: something was refused, and said so. */
static bool take_all(struct fixture *f, struct err *err)
{
    struct str rest = str_from(busy_log);
    struct str line;
    while (rest.len > 0) {
        struct dbt_log_event event;
        (void)str_cut(rest, '\n', &line, &rest);
        if (!dbt_log_read(line, &f->line, &event, err) ||
            !drive_nodes_take(f->nodes, &event, (struct mono_time){1}, err)) {
            return false;
        }
        arena_release(&f->line);
        f->line = arena_new(4 << 20);
    }
    AUTO(run_results) r;
    run_results_init(&r, reconcile, f);
    bool ok = run_results_read(&r, str_from(busy_results), err) && run_results_end(&r, err);
    if (r.too_long > 0) { /* the drive says so */
        return err_set(err, ERR_NO_MEMORY, "a result was passed over");
    }
    return ok;
}

/* What was started has an end, whatever is refused; only the text of a statement may be missing. */
static void every_allocation_is_refused(void **state)
{
    (void)state;
    bool has_fired = true;
    int refused = 0;
    for (int nth = 0; has_fired; nth++) {
        struct fixture *f = fixture_new();
        struct err err = {0};
        fault_malloc_arm(nth);
        bool ok = take_all(f, &err);
        has_fired = fault_malloc_disarm();
        refused += !ok;
        assert_true(ok || err.code == ERR_NO_MEMORY);
        assert_true(ok || has_fired);
        drive_nodes_end(f->nodes, NULL, (struct mono_time){2});
        for (size_t i = 0; i < f->ear.count; i++) {
            assert_int_equal(f->ear.nodes[i].ends, 1);
        }
        if (!has_fired) {
            assert_int_equal(f->ear.count, 3);
            assert_string_equal(told_of(&f->ear, STR("model.p.a"))->sql, "create\ntable x;");
        }
        fixture_free(f);
    }
    assert_true(refused > 8);
}

/* -- of real builds -- */

struct truth {
    struct told results[NODES_MAX];
    size_t count;
};
static bool keep_truth(void *ctx, const struct dbt_outcome *outcome, struct err *err)
{
    (void)err;
    struct truth *truth = ctx;
    assert_true(truth->count < NODES_MAX);
    struct told *told = &truth->results[truth->count++];
    (void)snprintf(told->unique_id, TEXT_MAX, STR_FMT, STR_ARG(outcome->unique_id));
    told->status = outcome->status;
    told->failures = outcome->failures;
    (void)snprintf(told->message, TEXT_MAX, STR_FMT, STR_ARG(outcome->message));
    return true;
}

static void read_file(const char *folder, const char *name, struct buf *ret)
{
    char path[TEXT_MAX];
    struct err err = {0};
    (void)snprintf(path, sizeof(path), "%s%s", folder, name);
    if (!files_read(path, ret, &err)) {
        printf("%s\n", err.msg);
        fail();
    }
}

static void check_build(const char *folder, const char *log, const char *results, bool is_debug)
{
    struct fixture *f = fixture_new();
    struct truth *truth = calloc(1, sizeof(*truth));
    assert_non_null(truth);
    AUTO(buf) lines = buf_growing(FILE_BYTES_MAX);
    AUTO(buf) file = buf_growing(FILE_BYTES_MAX);
    read_file(folder, log, &lines);
    read_file(folder, results, &file);
    struct err err = {0};
    AUTO(run_results) r;
    run_results_init(&r, keep_truth, truth);
    assert_true(run_results_read(&r, buf_str(&file), &err) && run_results_end(&r, &err));
    assert_true(truth->count > 10);

    take_log(f, buf_str(&lines));
    size_t by_log = 0;
    for (size_t i = 0; i < truth->count; i++) {
        const struct told *told = told_of(&f->ear, str_from(truth->results[i].unique_id));
        by_log += told->ends == 1;
        /* dbt calls what --fail-fast kept from running, and what made it do so, skipped. */
        if (is_debug && truth->results[i].status != DBT_SKIPPED) {
            assert_int_equal(told->ends, 1);
            assert_int_equal(told->status, truth->results[i].status);
            assert_int_equal(told->starts, 1);
        }
    }
    size_t heard = f->ear.count;
    take_results(f, buf_str(&file), 4096);
    drive_nodes_end(f->nodes, NULL, (struct mono_time){0});
    printf("%s%s: %zu results, %zu ends by the log alone\n", folder, log, truth->count, by_log);
    assert_int_equal(f->ear.count, heard); /* the log knows no node that the file does not */
    size_t odd = 0;
    for (size_t i = 0; i < truth->count; i++) {
        const struct told *told = told_of(&f->ear, str_from(truth->results[i].unique_id));
        assert_int_equal(told->ends, 1);
        /* dbt 2 says that it starts what it then skips. */
        assert_int_equal(told->starts, told->status != DBT_SKIPPED || strstr(log, "dbt_2") != NULL);
        if (told->status != truth->results[i].status) {
            assert_int_equal(truth->results[i].status, DBT_SKIPPED);
            assert_int_equal(told->status, DBT_FAIL);
            odd++;
        } else if (told->status == DBT_FAIL || told->status == DBT_WARN) {
            assert_int_equal(told->failures, truth->results[i].failures);
            assert_true(told->message[0] == '\0' || /* dbt 2 */
                        strcmp(told->message, truth->results[i].message) == 0);
        }
    }
    assert_int_equal(odd, strstr(log, "failfast") != NULL);
    assert_int_equal(drive_nodes_counts(f->nodes).lost, 0);
    free(truth);
    fixture_free(f);
}

static void log_and_results_of_our_own(void **state)
{
    (void)state;
    check_build("tests/data/dbt/drive/", "build.jsonl", "run_results.json", true);
    check_build("tests/data/dbt/drive/", "build_dbt_2.jsonl", "run_results_dbt_2.json", true);
}

static void logs_and_results_of_real_builds(void **state)
{
    (void)state;
    if (!files_exist(SHARED)) {
        printf("skipped: %s is not here\n", SHARED);
        skip();
    }
    const char *lab = SHARED "edge_lab_sqlite/";
    check_build(lab, "logs/build1.debug.jsonl", "run_results_build1.json", true);
    check_build(lab, "logs/build2.debug.jsonl", "run_results_build2.json", true);
    check_build(lab, "logs/failfast.debug.jsonl", "run_results_failfast.json", true);
    check_build(lab, "logs/testfail.debug.jsonl", "run_results_testfail.json", true);
    check_build(lab, "logs/testfail.info.jsonl", "run_results_testfail.json", false);
    check_build(SHARED "jaffle_shop_classic_sqlite/", "logs/build.debug.jsonl", "run_results.json",
                true);
    check_build(SHARED "jaffle_shop_sqlite/", "logs/build.info.jsonl", "run_results.json", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_succeeds),
        cmocka_unit_test(log_and_file_disagree),
        cmocka_unit_test(lines_that_are_no_log),
        cmocka_unit_test(odd_members),
        cmocka_unit_test(results_that_are_none),
        cmocka_unit_test(every_allocation_is_refused),
        cmocka_unit_test(log_and_results_of_our_own),
        cmocka_unit_test(logs_and_results_of_real_builds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
