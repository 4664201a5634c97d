#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <stdio.h>
#include <string.h>

/* One problem each; the text follows the header of four lines. */
static const struct {
    const char *text;
    const char *problem;
    const char *hint;
} single[] = {
    /* how an asset is made */
    {"assets:\n  - {key: a}\n", "6:5: asset a: nothing says how it is made",
     "give it extract and load, sql, run, meltano, dbt, or external: true"},
    {"assets:\n  - {key: a, external: false}\n", "6:5: asset a: nothing says how it is made", NULL},
    {"assets:\n  - {key: a, run: [x], external: true}\n",
     "6:34: asset a: it has both run and external", "an asset is made in one way"},
    {"assets:\n  - {key: a, extract: {csv: a.csv}}\n",
     "6:23: asset a: extract needs load beside it", NULL},
    {"assets:\n  - {key: a, load: {jsonl: a}}\n", "6:20: asset a: load needs extract beside it",
     NULL},
    {"assets:\n  - {key: a, external: true, retry: {max: 1}}\n",
     "6:37: asset a: retry means nothing for an external asset: no step of ours makes it", NULL},
    {"assets:\n  - {key: a, external: true, env: {A: b}}\n",
     "6:35: asset a: env goes with run, meltano or dbt only", NULL},
    /* names */
    {"assets:\n  - {key: a b, external: true}\n",
     "6:11: asset key \"a b\": byte 0x20 is not allowed", "write \"a_b\""},
    {"assets:\n  - {external: true}\n", "6:5: assets[0]: required key \"key\" is missing", NULL},
    {"assets:\n  - {key: a, external: true, deps: [b, /c]}\n",
     "6:40: asset a: deps: asset key \"/c\": a part is empty", "write \"c\""},
    {"assets:\n  - {key: a, external: true, group: a b}\n",
     "6:37: group \"a b\" is not a name of 1 to 63 characters", NULL},
    {"assets:\n  - {key: a, external: true, kinds: [x, \"\"]}\n",
     "6:41: kind \"\" is not a name of 1 to 63 characters", NULL},
    {"assets:\n  - {key: a, run: [x], kinds: [a, b, c, d, e, f, g, h, i, j, k, l, command]}\n",
     "6:31: asset a: it has more than 12 kinds, with those known from how it is made", NULL},
    {"assets:\n  - {key: a, external: true, tags: {\"a b\": c}}\n",
     "6:37: asset a: tag \"a b\" is not a name of 1 to 63 characters", NULL},
    {"assets:\n  - {key: a, external: true, owners: [ann]}\n",
     "6:39: asset a: owner \"ann\" is neither an e-mail address nor team:NAME", NULL},
    {"assets:\n  - {key: a, external: true, owners: ['team:']}\n",
     "6:39: asset a: owner \"team:\" is neither an e-mail address nor team:NAME", NULL},
    {"assets:\n  - {key: a, external: true, code_version: 3}\n",
     "6:44: assets[0].code_version: expected a string, got an integer", "put it in quotes: \"3\""},
    /* the graph */
    {"assets:\n  - {key: a, external: true, deps: [pos/b, b]}\n  - {key: pos/b, external: true}\n",
     "6:44: asset a depends on b, which is not defined", "did you mean pos/b?"},
    {"assets:\n  - {key: a, external: true}\n  - {key: a, external: true}\n",
     "7:11: asset a: it is defined twice (first in line 6)", NULL},
    {"assets:\n  - {key: a, run: [x], deps: [b]}\n  - {key: b, run: [x], deps: [a]}\n",
     "6:30: assets depend on each other: a -> b -> a",
     "each asset must be made from others only; drop one dep"},
    /* extract */
    {"assets:\n  - {key: a, extract: {table: t}, load: {jsonl: x}}\n",
     "6:23: asset a: extract needs resource, csv, jsonl, singer, tap or system", NULL},
    {"assets:\n  - {key: a, extract: {csv: c, jsonl: j}, load: {jsonl: x}}\n",
     "6:39: asset a: extract has both csv and jsonl", NULL},
    {"assets:\n  - {key: a, extract: {csv: c, table: t}, load: {jsonl: x}}\n",
     "6:32: asset a: extract: unknown key \"table\"",
     "valid keys: csv, delimiter, header, columns, follow, for"},
    {"assets:\n  - {key: a, extract: {resource: pos, header: true}, load: {jsonl: x}}\n",
     "6:39: asset a: extract: unknown key \"header\"",
     "valid keys: resource, table, replication_key, columns"},
    {"assets:\n  - {key: a, extract: {resource: poss}, load: {jsonl: x}}\n",
     "6:34: asset a: there is no resource \"poss\"", "did you mean pos?"},
    {"assets:\n  - {key: a, extract: {csv: c, delimiter: ab}, load: {jsonl: x}}\n",
     "6:43: asset a: extract: \"delimiter\" must be one character, not a quote or a line end",
     "use \",\", \";\", \"|\" or \"\\t\""},
    {"assets:\n  - {key: a, extract: {csv: \"\"}, load: {jsonl: x}}\n",
     "6:29: asset a: extract: csv is empty", NULL},
    {"assets:\n  - {key: a, extract: {resource: pos, replication_key: u, columns: [id]}, load: "
     "{jsonl: x}}\n",
     "6:68: asset a: extract: replication_key u is not among the columns", NULL},
    {"assets:\n  - {key: a, extract: {csv: c, header: false, columns: [id, x, id]}, load: {jsonl: "
     "x}}\n",
     "6:64: asset a: columns: column id is named twice", NULL},
    {"assets:\n  - {key: a, extract: {tap: [t], csv: c}, load: {jsonl: x}}\n",
     "6:29: asset a: extract has both csv and tap", NULL},
    {"assets:\n  - {key: a, extract: {tap: []}, load: {jsonl: x}}\n",
     "6:29: asset a: extract.tap: expected at least 1, got 0", NULL},
    {"assets:\n  - {key: a, extract: {tap: [\"\"]}, load: {jsonl: x}}\n",
     "6:29: asset a: extract: \"tap\" is empty: there is no program to start", NULL},
    {"assets:\n  - {key: a, extract: {csv: c, config: {}}, load: {jsonl: x}}\n",
     "6:32: asset a: extract: unknown key \"config\"", NULL},
    {"assets:\n  - {key: a, extract: {tap: [t], columns: [a]}, load: {jsonl: x}}\n",
     "6:34: asset a: extract: unknown key \"columns\"",
     "valid keys: tap, config, stream, flattening_enabled, flattening_max_depth, "
     "flattening_separator, flattening_max_key_length, select, streams"},
    {"assets:\n  - {key: a, extract: {tap: [t], config: {a: [\"${B\"]}}, load: {jsonl: x}}\n",
     "6:47: asset a: config: \"${B\" has no closing }", NULL},
    {"assets:\n  - {key: a, extract: {tap: [t, \"${secret:A}\"]}, load: {jsonl: x}}\n",
     "6:33: asset a: tap: ${secret:A} is not filled in here", NULL},
    {"assets:\n  - {key: a, extract: {tap: [t], stream: \"\"}, load: {jsonl: x}}\n",
     "6:42: asset a: extract: \"stream\" is empty", NULL},
    /* load */
    {"assets:\n  - {key: a, extract: {csv: c}, load: {mode: append}}\n",
     "6:39: asset a: load needs resource, csv, jsonl or target", NULL},
    {"assets:\n  - {key: a, extract: {csv: c}, load: {resource: local, mode: upsert}}\n",
     "6:63: asset a: load: mode upsert needs a primary_key", "name the columns: primary_key: [id]"},
    {"assets:\n  - {key: a, extract: {csv: c}, load: {jsonl: j, mode: upsert}}\n",
     "6:56: asset a: load: mode upsert does not go with jsonl", "append or overwrite"},
    {"assets:\n  - {key: a, extract: {csv: c}, load: {resource: local, mode: append, "
     "primary_key: "
     "id}}\n",
     "6:63: asset a: load: a primary_key means nothing with mode append", NULL},
    {"assets:\n  - {key: a, extract: {resource: pos, replication_key: u}, load: {resource: "
     "local, "
     "mode: overwrite}}\n",
     "6:90: asset a: load: mode overwrite would drop the rows that extract does not read again",
     "use upsert, or take replication_key away"},
    {"assets:\n  - {key: a, extract: {csv: c, header: false, columns: [x]}, load: {resource: "
     "local, "
     "primary_key: "
     "[x, y]}}\n",
     "6:103: asset a: load: primary_key y is not among the columns extracted",
     "add it to extract.columns"},
    {"assets:\n  - {key: a, extract: {resource: pos}, load: {resource: pos}}\n",
     "6:46: asset a: it would read and write the same table a", NULL},
    {"assets:\n  - {key: a, extract: {csv: c}, load: {resource: local, mode: merge}}\n",
     "6:63: asset a: load.mode: \"merge\" is not one of append, upsert, overwrite", NULL},
    /* sql */
    {"assets:\n  - {key: a, sql: {resource: pos}}\n", "6:19: asset a: sql needs query or file",
     NULL},
    {"assets:\n  - {key: a, sql: {resource: pos, query: \" \"}}\n",
     "6:42: asset a: sql: the query is empty", NULL},
    {"assets:\n  - {key: a, sql: {query: select 1}}\n",
     "6:19: assets[0].sql: required key \"resource\" is missing", NULL},
    {"assets:\n  - {key: a, sql: {resource: pos, file: sql/none.sql}}\n",
     "6:41: asset a: sql: file sql/none.sql: open shop/sql/none.sql: No such file or directory",
     NULL},
    {"assets:\n  - {key: a, sql: {resource: pos, file: sql/empty.sql}}\n",
     "6:41: asset a: sql: file sql/empty.sql: the file is empty or not text", NULL},
    {"assets:\n  - {key: a, sql: {resource: pos, file: /abs/odd.sql}}\n",
     "6:41: asset a: sql: file /abs/odd.sql: the file is empty or not text", NULL},
    {"assets:\n  - {key: a, sql: {resource: pos, file: \"${X}.sql\"}}\n",
     "6:41: asset a: sql: file ${X}.sql: variables are not filled in here",
     "the file is read when the definitions are loaded"},
    {"assets:\n  - {key: a, sql: {resource: pos, query: select 1, name: \"\"}}\n",
     "6:58: asset a: name is not 1 to 255 bytes long", NULL},
    /* run */
    {"assets:\n  - {key: a, run: python3 make.py}\n",
     "6:19: asset a: run: program and arguments are written as a list",
     "a list, such as [/usr/bin/python3, make.py]"},
    {"assets:\n  - {key: a, run: []}\n", "6:19: assets[0].run: expected at least 1, got 0", NULL},
    {"assets:\n  - {key: a, run: [\"\"]}\n", "6:20: asset a: run: the program's name is empty",
     NULL},
    {"assets:\n  - {key: a, run: [x, \"${A\"]}\n", "6:23: asset a: run: \"${A\" has no closing }",
     "a dollar sign itself is written $$"},
    {"assets:\n  - {key: a, run: [x, \"${secret:TOKEN}\"]}\n",
     "6:23: asset a: run: ${secret:TOKEN} is not filled in here",
     "give it by env: every user can see a program's arguments"},
    {"assets:\n  - {key: a, run: [x], env: {A=B: c}}\n",
     "6:30: asset a: env: \"A=B\" is not a variable's name", NULL},
    {"assets:\n  - {key: a, run: [x], env: {A: \"${B C}\"}}\n",
     "6:33: asset a: env: \"${B C}\" is not ${VAR} or ${VAR:-default}", NULL},
    /* retry, timeout, checks */
    {"assets:\n  - {key: a, run: [x], retry: {max: 2, jitter: full}}\n",
     "6:31: asset a: retry: backoff and jitter need a delay",
     "give it a delay, such as delay: 10s"},
    {"assets:\n  - {key: a, run: [x], retry: {delay: 2s}}\n",
     "6:31: assets[0].retry: required key \"max\" is missing", NULL},
    {"assets:\n  - {key: a, run: [x], timeout: 100ms}\n",
     "6:33: assets[0].timeout: 100ms is below the minimum of 1s", NULL},
    {"assets:\n  - {key: a, run: [x], timeout: 10}\n",
     "6:33: assets[0].timeout: expected a duration like \"10s\", got an integer",
     "add a unit: ms, s, m, h or d"},
    {"assets:\n  - {key: a, run: [x], checks: [{name: c, sql: select 1}]}\n",
     "6:33: asset a: check c needs a resource", "name the database to ask: resource: ..."},
    {"assets:\n  - {key: a, run: [x], checks: [{name: c, sql: \"\", resource: pos}]}\n",
     "6:48: asset a: check c: the query is empty", NULL},
    {"assets:\n  - key: a\n    sql: {resource: pos, query: select 1}\n    checks:\n"
     "      - {name: c, sql: select 1}\n      - {name: c, sql: select 2}\n",
     "10:16: asset a: check c is defined twice", NULL},
    /* jobs and schedules */
    {"assets: [{key: a, run: [x]}]\njobs: [{name: j, select: b}]\n",
     "6:26: job j: \"b\" selects no asset", "* selects all assets"},
    {"assets: [{key: a, external: true}]\njobs: [{name: j, select: a}]\n",
     "6:26: job j: \"a\" selects external assets only", NULL},
    {"jobs: [{name: j, select: '*'}]\n", "5:26: job j: \"*\" selects no asset", NULL},
    {"assets: [{key: a, run: [x]}]\njobs: [{name: j, select: a and}]\n",
     "6:26: job j: selection, column 6: an asset is expected at the end", NULL},
    {"assets: [{key: a, run: [x]}]\njobs: [{name: j, select: a}, {name: j, select: a}]\n",
     "6:37: job j: it is defined twice (first in line 6)", NULL},
    {"assets: [{key: a, run: [x]}]\njobs: [{name: -j, select: a}]\n",
     "6:15: job \"-j\" is not a name of 1 to 63 characters", NULL},
    {"assets: [{key: a, run: [x]}]\nschedules: [{name: s, cron: '@daily'}]\n",
     "6:13: schedule s: it needs one of job and select, and not both", NULL},
    {"assets: [{key: a, run: [x]}]\nschedules: [{name: s, select: a}]\n",
     "6:13: schedule s: it needs one of cron and every, and not both", NULL},
    {"assets: [{key: a, run: [x]}]\nschedules: [{name: s, select: a, cron: '@daily', every: "
     "1m}]\n",
     "6:13: schedule s: it needs one of cron and every, and not both", NULL},
    {"assets: [{key: a, run: [x]}]\njobs: [{name: all, select: a}]\n"
     "schedules: [{name: s, job: al, cron: '@daily'}]\n",
     "7:28: schedule s: there is no job \"al\"", "did you mean all?"},
    {"assets: [{key: a, run: [x]}]\nschedules: [{name: s, select: a, cron: 0 24 * * *}]\n",
     "6:40: schedule s: cron: hour (column 3): 24 is above 23", NULL},
    {"assets: [{key: a, run: [x]}]\nschedules: [{name: s, select: a, cron: 0 0 30 2 *}]\n",
     "6:40: schedule s: cron: \"0 0 30 2 *\" never happens", NULL},
    {"assets: [{key: a, run: [x]}]\nschedules: [{name: s, select: a, every: 500ms}]\n",
     "6:41: schedules[0].every: 500ms is below the minimum of 1s", NULL},
    {"assets: [{key: a, run: [x]}]\n"
     "schedules: [{name: s, select: a, cron: '@daily', timezone: Europe/Berln}]\n",
     "6:60: schedule s: timezone Europe/Berln: this machine does not know it", NULL},
    {"assets: [{key: a, run: [x]}]\n"
     "schedules: [{name: s, select: a, cron: '@daily', timezone: ../x}]\n",
     "6:60: schedule s: timezone ../x: it is not a zone's name",
     "a name such as Europe/Berlin or UTC"},
    {"assets: [{key: a, run: [x]}]\n"
     "schedules: [{name: s, select: a, every: 1m, timezone: UTC}]\n",
     "6:55: schedule s: timezone goes with cron only", "take it away"},
    {"assets: [{key: a, run: [x]}]\n"
     "schedules: [{name: s, select: a, every: 1m}, {name: s, select: a, every: 1m}]\n",
     "6:53: schedule s: it is defined twice (first in line 6)", NULL},
    {"schedules: [{name: s, select: '+', every: 1m}]\n",
     "5:31: schedule s: selection, column 2: an asset is expected at the end", NULL},
    /* keys */
    {"assets:\n  - {key: a, external: true, dep: [b]}\n", "6:30: assets[0]: unknown key \"dep\"",
     "did you mean \"deps\"?"},
    {"assets:\n  - {key: a, external: true, key: b}\n", "6:30: duplicate key \"key\"", NULL},
    {"assets: 5\n", "5:9: assets: expected a list, got an integer", NULL},
    {"assets: [5]\n", "5:10: assets[0]: expected an object, got an integer", NULL},
    {"assets: [", "6:1: expected a value", NULL},
};

static void each_problem_has_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(single); i++) {
        struct loaded l;
        load_assets(&l, single[i].text);
        assert_null(l.defs);
        assert_problem(&l, 0, single[i].problem, single[i].hint);
        if (l.problems.total != 1) {
            print_error("%zu problems: %s\n", l.problems.total, single[i].text);
        }
        assert_int_equal(l.problems.total, 1);
        assert_int_equal(l.err.code, ERR_INVALID);
        char expected[700];
        (void)snprintf(expected, sizeof(expected), "shop/selvedge.yaml:%.3s", single[i].problem);
        assert_true(strncmp(l.err.msg, expected, strlen(expected)) == 0);
        loaded_release(&l);
    }
}

/* What a later version will know is not called unknown. */
static void later_keys_are_refused_as_such(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *problem;
    } cases[] = {
        {"assets: [{key: a, run: [x]}]\njobs: [{name: j, select: a, partitions: 1}]\n",
         "6:29: jobs[0]: key \"partitions\" is not supported here"},
        {"assets: [{key: a, run: [x]}]\nschedules: [{name: s, select: a, every: 1m, on: x}]\n",
         "6:45: schedules[0]: key \"on\" is not supported here"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct loaded l;
        load_assets(&l, cases[i].text);
        assert_null(l.defs);
        assert_problem(&l, 0, cases[i].problem, NULL);
        loaded_release(&l);
    }
}

static void resources_are_checked(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "3:3: resource \"a b\" is not a name of 1 to 63 characters",
        "4:23: resources.c: unknown key \"path\"",
        "5:27: resource d: path: \"${}\" is not ${VAR} or ${VAR:-default}",
        "6:13: resources.e.type: \"sqlit\" is not one of sqlite, postgres, http, modbus, mqtt",
        "8:6: resources.g: required key \"path\" is missing",
        "9:19: resources.h: unknown key \"path\"",
        "9:6: resources.h: required key \"host\" is missing",
        "10:30: resources.i: unknown key \"host\"",
        "11:38: resource j: \"password\" needs a \"user\"",
        "12:43: resources.k.port: 0 is below the minimum of 1",
        "13:27: resource m: path: ${secret:X} is not filled in here",
        "14:6: resource n: \"url\" is missing, or \"dsn\"",
        "15:41: resource o: \"dsn\" and \"url\" are two names for one thing",
        "16:6: resource p: \"host\" is missing, or \"device\"",
        "17:6: resources.q: required key \"type\" is missing",
    };
    struct loaded l;
    load_text(&l, "project: p\n"
                  "resources:\n"
                  "  a b: {type: sqlite, path: x}\n"
                  "  c: {type: postgres, path: x}\n"
                  "  d: {type: sqlite, path: \"${}\"}\n"
                  "  e: {type: sqlit, path: x}\n"
                  "  f: {type: modbus, host: x}\n"
                  "  g: {type: sqlite}\n"
                  "  h: {type: mqtt, path: x}\n"
                  "  i: {type: sqlite, path: x, host: y}\n"
                  "  j: {type: mqtt, host: x, password: y}\n"
                  "  k: {type: mqtt, host: h, user: u, port: 0}\n"
                  "  m: {type: sqlite, path: \"${secret:X}\"}\n"
                  "  n: {type: postgres}\n"
                  "  o: {type: postgres, url: \"${U}\", dsn: x}\n"
                  "  p: {type: modbus, unit: 1}\n"
                  "  q: {path: x}\n");
    assert_null(l.defs);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_problem(&l, i, expected[i], NULL);
    }
    assert_int_equal(l.problems.total, COUNT_OF(expected));
    loaded_release(&l);
}

/* Problems of all kinds in one file are all told at once. */
static void all_problems_come_together(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "assets:\n"
                    "  - {key: a, run: [x], deps: [z], typo: 1}\n"
                    "  - {key: b, sql: {resource: none, query: select 1}}\n"
                    "  - {key: bad key, run: [x]}\n"
                    "  - {key: c}\n"
                    "jobs:\n"
                    "  - {name: j, select: '('}\n"
                    "schedules:\n"
                    "  - {name: s, job: k, cron: x}\n");
    assert_null(l.defs);
    assert_problem(&l, 0, "6:35: assets[0]: unknown key \"typo\"", NULL);
    assert_problem(&l, 1, "7:30: asset b: there is no resource \"none\"", NULL);
    assert_problem(&l, 2, "8:11: asset key \"bad key\": byte 0x20 is not allowed", NULL);
    assert_problem(&l, 3, "9:5: asset c: nothing says how it is made", NULL);
    assert_problem(&l, 4, "6:31: asset a depends on z, which is not defined", NULL);
    assert_problem(&l, 5, "11:23: job j: selection, column 2: an asset is expected at the end",
                   NULL);
    assert_problem(&l, 6, "13:20: schedule s: there is no job \"k\"", NULL);
    assert_problem(&l, 7, "13:29: schedule s: cron: minute (column 1): \"x\" is not a number",
                   NULL);
    assert_int_equal(l.problems.total, 8);
    assert_string_equal(l.err.msg, "shop/selvedge.yaml:6:35: assets[0]: unknown key \"typo\" "
                                   "(and 7 more)");
    loaded_release(&l);
}

static void a_project_is_needed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *problem;
    } cases[] = {
        {"", "1:1: required key \"project\" is missing"},
        {"[]", "1:1: expected an object, got a list"},
        {"project: a b", "1:10: project \"a b\" is not a name of 1 to 63 characters"},
        {"project: 5", "1:10: project: expected a string, got an integer"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct loaded l;
        load_text(&l, cases[i].text);
        assert_null(l.defs);
        assert_problem(&l, 0, cases[i].problem, NULL);
        assert_int_equal(l.problems.total, 1);
        loaded_release(&l);
    }
}

/* More problems than are kept, at a cost that does not grow with their square. */
static void thousands_of_problems_are_counted(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(4 << 20);
    buf_add_text(&text, "assets:\n");
    for (int i = 0; i < 5000; i++) {
        buf_addf(&text, "- {key: a%d, run: [x], deps: [n1, n2, n3, n4, n5]}\n", i);
    }
    struct loaded l;
    load_assets(&l, buf_cstr(&text));
    assert_null(l.defs);
    assert_int_equal(l.problems.count, PROBLEMS_MAX);
    assert_int_equal(l.problems.total, 25000);
    loaded_release(&l);
}

static void an_asset_that_fits_no_event_is_refused(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(4 << 20);
    buf_add_text(&text, "assets:\n- {key: a, external: true, deps: [");
    for (int i = 0; i < 400; i++) {
        buf_addf(&text, "b%0200d, ", i);
    }
    buf_add_text(&text, "]}\n");
    for (int i = 0; i < 400; i++) {
        buf_addf(&text, "- {key: b%0200d, external: true}\n", i);
    }
    struct loaded l;
    load_assets(&l, buf_cstr(&text));
    assert_null(l.defs);
    assert_problem(&l, 0, "6:3: asset a: all that is said about it takes more than 49152 bytes",
                   "shorten its deps, tags, owners and description");
    loaded_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_problem_has_its_place),
        cmocka_unit_test(later_keys_are_refused_as_such),
        cmocka_unit_test(resources_are_checked),
        cmocka_unit_test(all_problems_come_together),
        cmocka_unit_test(a_project_is_needed),
        cmocka_unit_test(thousands_of_problems_are_counted),
        cmocka_unit_test(an_asset_that_fits_no_event_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
