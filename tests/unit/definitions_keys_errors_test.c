/* definitions_keys_errors_test.c - partitions, freshness, automation, pools, commands, sensors: what
 * is said about wrong ones. */
#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wrong {
    const char *text;
    const char *problem; /* the only one */
    const char *hint;    /* NULL = does not matter */
};

/* `frame` has one %s, for the text. */
static void assert_problems(const char *frame, const struct wrong *cases, size_t count)
{
    const char *tail = strstr(frame, "%s");
    assert_non_null(tail);
    for (size_t i = 0; i < count; i++) {
        char *text = NULL;
        assert_true(
            asprintf(&text, "%.*s%s%s", (int)(tail - frame), frame, cases[i].text, tail + 2) >= 0);
        struct loaded l;
        load_assets(&l, text);
        if (l.defs != NULL) {
            print_error("loaded: %s\n", text);
        }
        assert_null(l.defs);
        assert_problem(&l, 0, cases[i].problem, cases[i].hint);
        if (l.problems.total != 1) {
            print_error("%zu problems: %s\n", l.problems.total, text);
        }
        assert_int_equal(l.problems.total, 1);
        loaded_release(&l);
        free(text);
    }
}

static void commands(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"external: true, user: x", "6:36: asset a: user goes with run only", "take it away"},
        {"external: true, limits: {}", "6:38: asset a: limits goes with run only", NULL},
        {"external: true, extras: {}", "6:38: asset a: extras goes with run only", NULL},
        {"external: true, dir: x", "6:35: asset a: dir goes with run only", NULL},
        {"run: [x], user: 'a b'", "6:30: asset a: user \"a b\" is not a user's name", NULL},
        {"run: [x], user: ''", "6:30: asset a: user \"\" is not a user's name", NULL},
        {"run: [x], dir: '${secret:X}'", "6:29: asset a: dir: ${secret:X} is not filled in here",
         NULL},
        {"run: [x], env: {A: '${secret:a/b}'}",
         "6:33: asset a: env: \"${secret:a/b}\" is not ${secret:NAME}", NULL},
        {"run: [x], limits: {nice: 20}",
         "6:39: assets[0].limits.nice: 20 is above the maximum of 19", NULL},
        {"run: [x], limits: {memory: 1}",
         "6:41: assets[0].limits.memory: 1 is below the minimum of 1MiB", NULL},
        {"run: [x], limits: {memroy: 1}", "6:33: assets[0].limits: unknown key \"memroy\"",
         "did you mean \"memory\"?"},
        {"run: [x], checks: [{name: c, resource: pos}]",
         "6:53: asset a: check c: resource goes with sql only", "take it away"},
        {"run: [x], extras: [1]", "6:32: assets[0].extras: expected an object, got a list", NULL},
        {"run: [x], extras: {a: '${secret:X}'}",
         "6:32: asset a: extras: ${secret:NAME} is not filled in here", "give it by env"},
        {"run: [x], metadata: {'a b': c}",
         "6:35: asset a: metadata \"a b\" is not a name of 1 to 63 characters", NULL},
        {"run: [x], pool: cpuu", "6:30: asset a: there is no pool \"cpuu\"", "did you mean cpu?"},
        {"run: [x], pool: other", "6:30: asset a: there is no pool \"other\"",
         "give it a limit under pools"},
        {"external: true, pool: cpu",
         "6:36: asset a: pool means nothing for an external asset: no step of ours makes it", NULL},
    };
    assert_problems("assets:\n  - {key: a, %s}\npools: {cpu: 1}\n", cases, COUNT_OF(cases));
}

static void checks(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"name: c", "6:55: asset a: check c needs one of sql and run, and not both", NULL},
        {"name: c, sql: select 1, run: [x]",
         "6:55: asset a: check c needs one of sql and run, and not both", NULL},
        {"name: c, run: [x], resource: pos", "6:85: asset a: check c: resource goes with sql only",
         "take it away"},
        {"name: c, run: a b", "6:70: asset a: run: program and arguments are written as a list",
         NULL},
        {"name: c, sql: select 1, severity: warn, blocking: true",
         "6:106: asset a: check c: a warning does not block", "severity: error, or no blocking"},
        {"name: c, sql: select 1, resource: near",
         "6:95: asset a: resource near is of type mqtt, which is no database", NULL},
    };
    assert_problems("assets:\n  - {key: a, sql: {resource: pos, query: q}, checks: [{%s}]}\n",
                    cases, COUNT_OF(cases) - 1);
    assert_problems("  near: {type: mqtt, host: x}\n"
                    "assets: [{key: a, sql: {resource: pos, query: q}, checks: [{%s}]}]\n",
                    &cases[COUNT_OF(cases) - 1], 1);
}

static void partitions(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"{}",
         "6:36: assets[0].partitions: expected one key of hourly, daily, weekly, monthly, cron, "
         "static, dynamic, got 0",
         NULL},
        {"daily", "6:36: assets[0].partitions: expected an object, got a string", NULL},
        {"{dayly: {start: 2026-01-01}}", "6:37: assets[0].partitions: unknown key \"dayly\"",
         "did you mean \"daily\"?"},
        {"{daily: {}}", "6:44: assets[0].partitions.daily: required key \"start\" is missing",
         NULL},
        {"{daily: {start: 2026-02-29}}",
         "6:52: asset a: partitions: start \"2026-02-29\" is neither a date nor a date with a time",
         "such as 2026-01-01 or 2026-01-01T06:00"},
        {"{daily: {start: 2026-1-1}}",
         "6:52: asset a: partitions: start \"2026-1-1\" is neither a date nor a date with a time",
         NULL},
        {"{daily: {start: 2026-01-01T24:00}}",
         "6:52: asset a: partitions: start \"2026-01-01T24:00\" is neither a date nor a date with "
         "a time",
         NULL},
        {"{daily: {start: 2026-01-01T06:00Z}}",
         "6:52: asset a: partitions: start \"2026-01-01T06:00Z\" is neither a date nor a date with "
         "a time",
         NULL},
        {"{daily: {start: 2026-01-01, end: 2026-01-01}}",
         "6:69: asset a: partitions: end 2026-01-01 is not after start 2026-01-01", NULL},
        {"{daily: {start: 2026-01-01, timezone: Mars}}",
         "6:74: asset a: timezone Mars: this machine does not know it", NULL},
        {"{daily: {start: 2026-01-01, hour_offset: 24}}",
         "6:77: assets[0].partitions.daily.hour_offset: 24 is above the maximum of 23", NULL},
        {"{hourly: {start: 2026-01-01, hour_offset: 1}}",
         "6:65: assets[0].partitions.hourly: unknown key \"hour_offset\"", NULL},
        {"{monthly: {start: 2026-01-01, day_offset: 31}}",
         "6:78: assets[0].partitions.monthly.day_offset: 31 is above the maximum of 28", NULL},
        {"{cron: {schedule: 61 * * * *, start: 2026-01-01}}",
         "6:54: asset a: schedule: minute (column 1): 61 is above 59", NULL},
        {"{cron: {schedule: 0 0 30 2 *, start: 2026-01-01}}",
         "6:54: asset a: schedule: \"0 0 30 2 *\" never happens", NULL},
        {"{hourly: {start: 2026-01-01, format: \"%Y-%m-%d\"}}",
         "6:73: asset a: partitions: the format %Y-%m-%d does not tell the windows of 0 * * * * "
         "apart",
         "name the hour and minute, too: %Y-%m-%d-%H:%M"},
        {"{daily: {start: 2026-01-01, format: \"%Y-%q\"}}",
         "6:72: asset a: partitions: \"%q\" is not supported in the format of a key", NULL},
        {"{daily: {start: 2026-01-01, format: ''}}",
         "6:72: asset a: partitions: the format of a key needs the year, or keys would repeat",
         NULL},
        {"{static: [a...b]}",
         "6:46: asset a: partitions: \"a...b\" cannot be a partition key: \"...\" stands for "
         "ranges",
         NULL},
        {"{static: [a, b, a]}", "6:52: asset a: partitions: key a is named twice", NULL},
        {"{static: ['']}", "6:46: asset a: partitions: a partition key cannot be empty", NULL},
        {"{static: []}", "6:45: assets[0].partitions.static: expected at least 1, got 0", NULL},
        {"{dynamic: 'a b'}", "6:46: partitions: set \"a b\" is not a name of 1 to 63 characters",
         NULL},
        {"{dynamic: a}, backfill: all",
         "6:60: assets[0].backfill: \"all\" is not one of multi_run, single_run", NULL},
        {"{dynamic: a}, backfill: {max_partitions_per_run: 0}",
         "6:85: assets[0].backfill.max_partitions_per_run: 0 is below the minimum of 1", NULL},
        {"{dynamic: a}, backfill: max_partitions_per_run",
         "6:60: assets[0].backfill: \"max_partitions_per_run\" does not stand alone",
         "write {max_partitions_per_run: ...}"},
    };
    assert_problems("assets:\n  - {key: a, run: [x], partitions: %s}\n", cases, COUNT_OF(cases));
}

static void what_has_no_partitions(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"run: [x], backfill: multi_run", "6:34: asset a: backfill goes with partitions only",
         "take it away"},
        {"sql: {resource: pos, materialized: table, query: q, partition_by: d}",
         "6:80: asset a: sql: partition_by goes with partitions only", NULL},
        {"sql: {resource: pos, query: q}, partitions: {dynamic: x}",
         "6:19: asset a: sql: a view has no partitions", "materialized: table"},
        {"sql: {resource: pos, materialized: table, query: q}, partitions: {dynamic: x}",
         "6:19: asset a: sql: partitions need partition_by: the column with the partition's key",
         NULL},
        {"extract: {resource: pos}, load: {jsonl: x}, partitions: {dynamic: x}",
         "6:70: asset a: extract would read the same rows for every partition",
         "extract files with ${SELVEDGE_PARTITION_KEY} in their path, or use sql"},
        {"extract: {csv: x.csv}, load: {jsonl: x}, partitions: {dynamic: x}",
         "6:67: asset a: extract would read the same rows for every partition", NULL},
        {"extract: {csv: '${SELVEDGE_PARTITION_KEY}'}, load: {jsonl: x, mode: overwrite}, "
         "partitions: {dynamic: x}",
         "6:82: asset a: load: mode overwrite would drop the rows of all other partitions",
         "use upsert"},
    };
    assert_problems("assets:\n  - {key: a, %s}\n", cases, COUNT_OF(cases));
}

/* In SQL. What no run could fill in is said before there is a run. */
static void what_stands_for_partitions(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"run: [x], checks: [{name: c, resource: pos, sql: 'select {{ partition_key }}'}]",
         "6:63: asset a: check c: {{ partition_key }} in SQL goes with partitions only", NULL},
        {"run: [x], partitions: {dynamic: d}, "
         "checks: [{name: c, resource: pos, sql: 'select {{ partition_start }}'}]",
         "6:89: asset a: check c: {{ partition_start }} in SQL: the partitions are no windows of "
         "time",
         NULL},
        {"run: [x], partitions: {daily: {start: 2026-01-01}}, "
         "checks: [{name: c, resource: pos, sql: '{{ partition_end }} {{ partion_key }}'}]",
         "6:105: asset a: check c: {{ partion_key }} in SQL is not known",
         "partition_key, partition_keys, partition_start, partition_end, partition_start_utc, "
         "partition_end_utc"},
        {"sql: {resource: pos, query: 'select {{partition_keys}}'}",
         "6:42: asset a: sql: {{ partition_keys }} in SQL goes with partitions only", NULL},
    };
    assert_problems("assets:\n  - {key: a, %s}\n", cases, COUNT_OF(cases));
}

static void freshness(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"{}", "6:35: asset a: freshness needs one of fail_after and cron, and not both", NULL},
        {"{warn_after: 1h}",
         "6:35: asset a: freshness needs one of fail_after and cron, and not both", NULL},
        {"{warn_after: 2h, fail_after: 2h}",
         "6:48: asset a: freshness: warn_after is not shorter than fail_after", NULL},
        {"{fail_after: 30s}",
         "6:48: assets[0].freshness.fail_after: 30s is below the minimum of 1m", NULL},
        {"{fail_after: 2h, lower_bound: 1h}",
         "6:65: asset a: freshness: lower_bound goes with cron only", "take it away"},
        {"{cron: '@daily'}",
         "6:35: asset a: freshness: cron needs a lower_bound: how long before each deadline counts",
         "such as lower_bound: 1h"},
        {"{cron: '@daily', lower_bound: 1h, warn_after: 1h}",
         "6:81: asset a: freshness: warn_after goes with fail_after only", NULL},
        {"{cron: 0 0 * *, lower_bound: 1h}",
         "6:42: asset a: cron: day of week (column 8): the field is missing", NULL},
        {"{cron: '@daily', lower_bound: 1h, timezone: Mars}",
         "6:79: asset a: timezone Mars: this machine does not know it", NULL},
    };
    assert_problems("assets:\n  - {key: a, run: [x], freshness: %s}\n", cases, COUNT_OF(cases));
}

static void automation(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"eagre", "6:36: assets[0].automation: \"eagre\" is not one of eager, on_missing",
         "did you mean \"eager\"?"},
        {"on_cron", "6:36: assets[0].automation: \"on_cron\" does not stand alone",
         "write {on_cron: ...}"},
        {"[eager]", "6:36: assets[0].automation: expected a word or an object, got a list", NULL},
        {"{timezone: UTC}", "6:36: assets[0].automation: required key \"on_cron\" is missing",
         NULL},
        {"{on_cron: 0 25 * * *}", "6:46: asset a: on_cron: hour (column 3): 25 is above 23", NULL},
    };
    assert_problems("assets:\n  - {key: a, run: [x], automation: %s}\n", cases, COUNT_OF(cases));
    static const struct wrong external[] = {
        {"eager",
         "5:47: asset a: automation means nothing for an external asset: no step of ours makes it",
         NULL},
    };
    assert_problems("assets: [{key: a, external: true, automation: %s}]\n", external, 1);
}

static void pools_and_jobs(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"pools: {'a b': 1}\n", "6:9: pool \"a b\" is not a name of 1 to 63 characters", NULL},
        {"pools: {a: 0}\n", "6:12: pools.a: 0 is below the minimum of 1", NULL},
        {"pools: {a: x}\n", "6:12: pools.a: expected an integer, got a string", NULL},
        {"pools: {a: {}}\n", "6:12: pools.a: required key \"limit\" is missing", NULL},
        {"jobs: [{name: j, select: a, tags: {'a b': c}}]\n",
         "6:36: job j: tag \"a b\" is not a name of 1 to 63 characters", NULL},
        {"jobs: [{name: j, select: a, on_overlap: wait}]\n",
         "6:41: jobs[0].on_overlap: \"wait\" is not one of skip, queue, replace", NULL},
        {"jobs: [{name: j, select: a, retry: {delay: 1s}}]\n",
         "6:36: jobs[0].retry: required key \"max\" is missing", NULL},
        {"jobs: [{name: j, select: a, retry: {max: 1, strategy: all}}]\n",
         "6:55: jobs[0].retry.strategy: \"all\" is not one of from_failure, from_asset_failure, "
         "all_steps",
         NULL},
    };
    assert_problems("assets: [{key: a, run: [x]}]\n%s", cases, COUNT_OF(cases));
}

static void schedules(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"every: 1h, splay: 1h",
         "6:52: schedule s: splay is not shorter than the time between two ticks, 1h", NULL},
        {"cron: '0 0,6 * * *', splay: 6h",
         "6:62: schedule s: splay is not shorter than the time between two ticks, 6h", NULL},
        {"every: 1h, missed: all", "6:53: schedules[0].missed: \"all\" does not stand alone",
         "write {all: ...}"},
        {"every: 1h, missed: {all: 0}",
         "6:59: schedules[0].missed.all: 0 is below the minimum of 1", NULL},
        {"every: 1h, missed: lastest",
         "6:53: schedules[0].missed: \"lastest\" is not one of latest, skip", NULL},
        {"every: 1h, paused: 1",
         "6:53: schedules[0].paused: expected true or false, got an integer", NULL},
        {"every: 1h, tags: {'': x}",
         "6:52: schedule s: tag \"\" is not a name of 1 to 63 characters", NULL},
    };
    assert_problems("assets: [{key: a, run: [x]}]\nschedules: [{name: s, select: a, %s}]\n", cases,
                    COUNT_OF(cases));
}

static void sensors(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"job: j", "9:5: sensor s: it needs one of watch, mqtt, asset, run_status and run", NULL},
        {"watch: /x/*", "9:5: sensor s: it needs one of job and select, and not both", NULL},
        {"job: jj, watch: x", "9:20: sensor s: there is no job \"jj\"", "did you mean j?"},
        {"job: j, watch: x, run: [y]", "9:38: sensor s: it has both watch and run", NULL},
        {"job: j, watch: x/", "9:30: sensor s: watch: the path names no file", NULL},
        {"job: j, watch: '*/x'", "9:30: sensor s: watch: wildcards may stand in the last part only",
         NULL},
        {"job: j, watch: '${secret:X}'", "9:30: sensor s: watch: ${secret:X} is not filled in here",
         NULL},
        {"job: j, watch: x, broker: near", "9:41: sensor s: broker goes with mqtt only", NULL},
        {"job: j, run: [x], stable: 1s", "9:41: sensor s: stable goes with watch only", NULL},
        {"job: j, asset: b, jobs: [k]", "9:39: sensor s: jobs goes with run_status only", NULL},
        {"job: j, asset: b, env: {A: b}", "9:38: sensor s: env goes with run only", NULL},
        {"job: j, asset: b, timeout: 1s", "9:42: sensor s: timeout goes with run only", NULL},
        {"job: j, mqtt: x, broker: nera", "9:40: sensor s: there is no broker \"nera\"",
         "did you mean near?"},
        {"job: j, mqtt: x, broker: pos", "9:40: sensor s: there is no broker \"pos\"",
         "name it under resources, with type: mqtt"},
        {"job: j, mqtt: ''", "9:29: sensor s: \"\" is no topic", NULL},
        {"job: j, mqtt: a/b+", "9:29: sensor s: \"a/b+\" is no topic",
         "+ stands for one whole level, # for the rest"},
        {"job: j, mqtt: 'a/#/b'", "9:29: sensor s: \"a/#/b\" is no topic", NULL},
        {"job: j, asset: bb", "9:30: sensor s: there is no asset \"bb\"", NULL},
        {"job: j, asset: a",
         "9:30: sensor s: it makes the asset that it waits for, again and again", NULL},
        {"job: j, run_status: [failed]",
         "9:36: sensors[0].run_status[0]: \"failed\" is not one of success, failure, canceled",
         NULL},
        {"job: j, run_status: success, jobs: [k, j]",
         "9:54: sensor s: it starts the job whose runs it waits for", NULL},
        {"job: j, run_status: success, jobs: [m]", "9:51: sensor s: there is no job \"m\"",
         "define it under jobs"},
        {"job: j, run: [x], min_interval: 500ms",
         "9:47: sensor s: min_interval is below 1s: the program would be started without a pause",
         NULL},
        {"job: j, run: [x, '${secret:X}']",
         "9:32: sensor s: run: ${secret:X} is not filled in here",
         "give it by env: every user can see a program's arguments"},
        {"job: j, run: [x], tags: {'a b': c}",
         "9:40: sensor s: tag \"a b\" is not a name of 1 to 63 characters", NULL},
        {"job: j, asset: b}\n  - {name: s, job: j, asset: b",
         "10:12: sensor s: it is defined twice (first in line 9)", NULL},
    };
    assert_problems("  near: {type: mqtt, host: x}\nassets: [{key: a, run: [x]}, {key: b, run: "
                    "[x]}]\njobs: [{name: j, select: a}, {name: k, select: b}]\nsensors:\n"
                    "  - {name: s, %s}\n",
                    cases, COUNT_OF(cases));
}

static void a_broker_must_be_clear(void **state)
{
    (void)state;
    static const struct wrong none[] = {
        {"mqtt: x", "6:38: sensor s: it needs a broker, and there is none",
         "name one under resources, with type: mqtt"},
    };
    static const struct wrong several[] = {
        {"mqtt: x", "8:38: sensor s: it needs a broker, and there are several", "broker: ..."},
    };
    assert_problems("assets: [{key: a, run: [x]}]\nsensors: [{name: s, select: a, %s}]\n", none, 1);
    assert_problems("  m: {type: mqtt, host: x}\n  n: {type: mqtt, host: x}\n"
                    "assets: [{key: a, run: [x]}]\nsensors: [{name: s, select: a, %s}]\n",
                    several, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands),
        cmocka_unit_test(checks),
        cmocka_unit_test(partitions),
        cmocka_unit_test(what_has_no_partitions),
        cmocka_unit_test(what_stands_for_partitions),
        cmocka_unit_test(freshness),
        cmocka_unit_test(automation),
        cmocka_unit_test(pools_and_jobs),
        cmocka_unit_test(schedules),
        cmocka_unit_test(sensors),
        cmocka_unit_test(a_broker_must_be_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
