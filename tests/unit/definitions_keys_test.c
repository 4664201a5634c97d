/* definitions_keys_test.c - partitions, freshness, automation, pools, commands, sensors: what each
 * key becomes. */
#include "agent/connectors/mqtt_options.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <string.h>

static void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_from(expected))) {
        print_error("\"" STR_FMT "\" is not \"%s\"\n", STR_ARG(actual), expected);
        fail();
    }
}

static void assert_wall(struct wall_time actual, const char *expected)
{
    char text[WALL_TEXT_SIZE];
    assert_string_equal(wall_format(actual, text), expected);
}

static void a_broker_is_a_resource(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "  plain: {type: mqtt, host: 10.0.0.5}\n"
                    "  full: {type: mqtt, host: \"${HOST}\", port: 8883, user: u,\n"
                    "         password: \"${secret:BROKER}\"}\n");
    assert_loaded(&l);
    const struct resource *plain = &l.defs->resources[2];
    const struct resource *full = &l.defs->resources[3];
    const struct mqtt_tap_options *one = plain->options;
    const struct mqtt_tap_options *other = full->options;
    assert_string_equal(l.defs->resources[0].connector->type, "sqlite");
    assert_string_equal(plain->connector->type, "mqtt");
    assert_str(one->connection.host, "10.0.0.5");
    assert_int_equal(one->connection.port, 1883);
    assert_int_equal(other->connection.port, 8883);
    assert_str(other->connection.user, "u");
    assert_str(other->connection.password, "${secret:BROKER}");
    loaded_release(&l);
}

static void a_command_is_confined(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "assets:\n"
                    "  - key: a\n"
                    "    run: [x]\n"
                    "    env: {TOKEN: \"a${secret:T}b\"}\n"
                    "    dir: \"${STATE_DIR}/work\"\n"
                    "    user: _www-data\n"
                    "    limits: {memory: 64MiB, cpu: 90s, file_size: 1GiB, open_files: 64,\n"
                    "             processes: 8, nice: 19}\n"
                    "    extras: {b: [1, 1.50, null, \"x\\ty\"], a: {}}\n"
                    "    metadata: {dagster/uri: \"s3://x\", rows: 7}\n"
                    "  - {key: b, run: [y]}\n");
    assert_loaded(&l);
    const struct asset *a = &l.defs->assets[0];
    assert_str(a->env.values[0], "a${secret:T}b");
    assert_str(a->dir, "${STATE_DIR}/work");
    assert_str(a->user, "_www-data");
    assert_int_equal(a->limits.memory_bytes, 64 << 20);
    assert_int_equal(a->limits.cpu_ns, 90 * NS_PER_SEC);
    assert_int_equal(a->limits.file_bytes, 1 << 30);
    assert_int_equal(a->limits.open_files, 64);
    assert_int_equal(a->limits.processes, 8);
    assert_int_equal(a->limits.nice, 19);
    assert_str(a->extras, "{\"b\":[1,1.5,null,\"x\\ty\"],\"a\":{}}");
    assert_str(a->metadata.keys[0], "dagster/uri");
    assert_str(a->metadata.values[1], "7");
    const struct asset *b = &l.defs->assets[1];
    assert_true(str_is_empty(b->dir) && str_is_empty(b->user) && str_is_empty(b->extras));
    assert_int_equal(b->limits.memory_bytes, 0);
    loaded_release(&l);
}

static void checks_ask_or_start(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "assets:\n"
                    "  - key: a\n"
                    "    sql: {resource: pos, query: select 1}\n"
                    "    checks:\n"
                    "      - {name: c, sql: select 1, blocking: true, description: Why.}\n"
                    "      - {name: d, run: [/bin/test, -f, \"${HOME}/x\"], severity: warn}\n");
    assert_loaded(&l);
    const struct check *checks = l.defs->assets[0].checks;
    assert_int_equal(l.defs->assets[0].check_count, 2);
    assert_true(checks[0].is_blocking);
    assert_str(checks[0].description, "Why.");
    assert_ptr_equal(checks[0].resource, &l.defs->resources[0]);
    assert_false(checks[1].is_blocking);
    assert_int_equal(checks[1].run.count, 3);
    assert_true(str_is_empty(checks[1].sql));
    assert_null(checks[1].resource);
    loaded_release(&l);
}

/* --- partitions --- */

struct windows {
    const char *written;
    const char *cron;
    const char *format;
    const char *start;
    const char *end;
    int64_t end_offset;
};

static void windows_of_time(void **state)
{
    (void)state;
    static const struct windows cases[] = {
        {"{hourly: {start: 2026-01-01}}", "0 * * * *", "%Y-%m-%d-%H:%M", "2026-01-01T00:00:00.000Z",
         NULL, 0},
        {"{hourly: {start: 2026-01-01-06:00, minute_offset: 15}}", "15 * * * *", "%Y-%m-%d-%H:%M",
         "2026-01-01T06:00:00.000Z", NULL, 0},
        {"{daily: {start: 2026-07-01, timezone: Europe/Berlin, end: \"2026-08-01T02:00:30\"}}",
         "0 0 * * *", "%Y-%m-%d", "2026-06-30T22:00:00.000Z", "2026-08-01T00:00:30.000Z", 0},
        {"{daily: {start: 2026-01-01 06:30, hour_offset: 6, minute_offset: 30, end_offset: 1}}",
         "30 6 * * *", "%Y-%m-%d", "2026-01-01T06:30:00.000Z", NULL, 1},
        {"{weekly: {start: 2026-01-01, day_offset: 1, end_offset: -2}}", "0 0 * * 1", "%Y-%m-%d",
         "2026-01-01T00:00:00.000Z", NULL, -2},
        {"{weekly: {start: 2026-01-01}}", "0 0 * * 0", "%Y-%m-%d", "2026-01-01T00:00:00.000Z", NULL,
         0},
        {"{monthly: {start: 2026-01-01, format: \"%Y-%m\"}}", "0 0 1 * *", "%Y-%m",
         "2026-01-01T00:00:00.000Z", NULL, 0},
        {"{monthly: {start: 2026-01-01, day_offset: 28, hour_offset: 23}}", "0 23 28 * *",
         "%Y-%m-%d", "2026-01-01T00:00:00.000Z", NULL, 0},
        {"{cron: {schedule: 0 */6 * * *, start: 2026-01-01}}", "0 */6 * * *", "%Y-%m-%d-%H:%M",
         "2026-01-01T00:00:00.000Z", NULL, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(buf) text = buf_growing(1000);
        buf_addf(&text, "assets:\n  - {key: a, run: [x], partitions: %s}\n", cases[i].written);
        struct loaded l;
        load_assets(&l, buf_cstr(&text));
        assert_loaded(&l);
        const struct partitions *p = &l.defs->assets[0].partitions;
        struct cron cron;
        assert_int_equal(p->kind, PARTITION_TIME);
        assert_str(p->cron_text, cases[i].cron);
        assert_true(cron_parse(p->cron_text, &cron, &l.err));
        assert_int_equal(cron.minutes, p->cron.minutes);
        assert_int_equal(cron.hours, p->cron.hours);
        assert_int_equal(cron.days, p->cron.days);
        assert_int_equal(cron.weekdays, p->cron.weekdays);
        assert_str(p->format, cases[i].format);
        assert_wall(p->start, cases[i].start);
        assert_int_equal(p->end.ns == 0, cases[i].end == NULL);
        if (cases[i].end != NULL) {
            assert_wall(p->end, cases[i].end);
        }
        assert_int_equal(p->end_offset, cases[i].end_offset);
        assert_non_null(p->tz);
        loaded_release(&l);
    }
}

static void keys_and_sets(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "assets:\n"
                    "  - {key: a, run: [x], partitions: {static: [de, at, \"ch 1\"]},\n"
                    "     backfill: single_run}\n"
                    "  - {key: b, run: [x], partitions: {dynamic: files}, backfill: multi_run}\n"
                    "  - {key: c, external: true, partitions: {static: only}}\n"
                    "  - {key: d, run: [x], partitions: {dynamic: files},\n"
                    "     backfill: {max_partitions_per_run: 10}}\n"
                    "  - {key: e, run: [x]}\n");
    assert_loaded(&l);
    const struct asset *assets = l.defs->assets;
    assert_int_equal(assets[0].partitions.kind, PARTITION_STATIC);
    assert_int_equal(assets[0].partitions.key_count, 3);
    assert_str(assets[0].partitions.keys[2], "ch 1");
    assert_int_equal(assets[0].partitions_per_run, 0);
    assert_int_equal(assets[1].partitions.kind, PARTITION_DYNAMIC);
    assert_str(assets[1].partitions.set, "files");
    assert_int_equal(assets[1].partitions_per_run, 1);
    assert_int_equal(assets[2].partitions.key_count, 1);
    assert_int_equal(assets[2].partitions_per_run, 1);
    assert_int_equal(assets[3].partitions_per_run, 10);
    assert_int_equal(assets[4].partitions.kind, PARTITION_NONE);
    loaded_release(&l);
}

static void rows_may_come_in_partitions(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "assets:\n"
                    "  - key: a\n"
                    "    sql: {resource: local, materialized: table, query: select 1 as day,\n"
                    "          partition_by: day}\n"
                    "    partitions: {daily: {start: 2026-01-01}}\n"
                    "  - key: b\n"
                    "    extract: {csv: \"in/${SELVEDGE_PARTITION_KEY}.csv\"}\n"
                    "    load: {jsonl: \"out/${SELVEDGE_PARTITION_KEY}.jsonl\", mode: overwrite}\n"
                    "    partitions: {daily: {start: 2026-01-01}}\n"
                    "  - key: c\n"
                    "    extract: {jsonl: \"in/${SELVEDGE_PARTITION_KEY}.jsonl\"}\n"
                    "    load: {resource: local, primary_key: id}\n"
                    "    partitions: {daily: {start: 2026-01-01}}\n");
    assert_loaded(&l);
    assert_str(l.defs->assets[0].sql.partition_by, "day");
    loaded_release(&l);
}

/* --- when --- */

static void freshness_has_two_kinds(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "assets:\n"
                    "  - {key: a, external: true, freshness: {warn_after: 90m, fail_after: 2h}}\n"
                    "  - {key: b, run: [x], freshness: {fail_after: 1m}}\n"
                    "  - key: c\n"
                    "    run: [x]\n"
                    "    freshness: {cron: 0 9 * * *, lower_bound: 1h, timezone: Europe/Berlin}\n"
                    "  - {key: d, run: [x]}\n");
    assert_loaded(&l);
    const struct freshness_policy *a = &l.defs->assets[0].freshness;
    const struct freshness_policy *c = &l.defs->assets[2].freshness;
    assert_int_equal(a->kind, FRESHNESS_WINDOW);
    assert_int_equal(a->warn_after_ns, 5400 * NS_PER_SEC);
    assert_int_equal(a->fail_after_ns, 7200 * NS_PER_SEC);
    assert_int_equal(l.defs->assets[1].freshness.warn_after_ns, 0);
    assert_int_equal(c->kind, FRESHNESS_DEADLINE);
    assert_int_equal(c->cron.hours, 1U << 9);
    assert_str(c->cron_text, "0 9 * * *");
    assert_str(c->timezone, "Europe/Berlin");
    assert_int_equal(tz_offset_at(c->tz, 1782864000), 7200);
    assert_int_equal(c->lower_bound_ns, 3600 * NS_PER_SEC);
    assert_int_equal(l.defs->assets[3].freshness.kind, FRESHNESS_NONE);
    loaded_release(&l);
}

static void automation_is_a_word_or_a_cron(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "assets:\n"
                    "  - {key: a, run: [x], automation: eager}\n"
                    "  - {key: b, run: [x], automation: on_missing}\n"
                    "  - {key: c, run: [x], automation: {on_cron: 5 * * * *}}\n"
                    "  - {key: d, run: [x],\n"
                    "     automation: {on_cron: '@daily', timezone: Europe/Berlin}}\n"
                    "  - {key: e, run: [x]}\n");
    assert_loaded(&l);
    const struct asset *assets = l.defs->assets;
    assert_int_equal(assets[0].automation.kind, AUTOMATION_EAGER);
    assert_int_equal(assets[1].automation.kind, AUTOMATION_ON_MISSING);
    assert_int_equal(assets[2].automation.kind, AUTOMATION_ON_CRON);
    assert_int_equal(assets[2].automation.cron.minutes, 1U << 5);
    assert_str(assets[2].automation.timezone, "UTC");
    assert_ptr_equal(assets[2].automation.tz, tz_utc());
    assert_int_equal(tz_offset_at(assets[3].automation.tz, 1782864000), 7200);
    assert_int_equal(assets[4].automation.kind, AUTOMATION_NONE);
    loaded_release(&l);
}

/* --- runs --- */

static void pools_have_limits(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "pools: {cpu: 1, serial: {limit: 3}}\n"
                    "assets:\n"
                    "  - {key: a, run: [x], pool: serial}\n"
                    "  - {key: b, sql: {resource: pos, query: select 1}, pool: cpu}\n"
                    "  - {key: c, run: [x]}\n");
    assert_loaded(&l);
    assert_int_equal(l.defs->pool_count, 2);
    assert_str(l.defs->pools[0].name, "cpu");
    assert_int_equal(l.defs->pools[0].limit, 1);
    assert_int_equal(l.defs->pools[1].limit, 3);
    assert_ptr_equal(l.defs->assets[0].pool, &l.defs->pools[1]);
    assert_ptr_equal(l.defs->assets[1].pool, &l.defs->pools[0]);
    assert_null(l.defs->assets[2].pool);
    loaded_release(&l);
}

static void jobs_say_how_they_run(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "assets: [{key: a, run: [x]}]\n"
                    "jobs:\n"
                    "  - {name: j, select: a}\n"
                    "  - {name: k, select: a, max_parallel: 2, on_overlap: replace, priority: -5,\n"
                    "     timeout: 2h, tags: {team: x},\n"
                    "     retry: {max: 3, delay: 1m, strategy: from_asset_failure}}\n"
                    "  - {name: m, select: a, on_overlap: queue, retry: {max: 1}}\n");
    assert_loaded(&l);
    const struct job *jobs = l.defs->jobs;
    assert_int_equal(jobs[0].max_parallel, 0);
    assert_int_equal(jobs[0].on_overlap, OVERLAP_SKIP);
    assert_int_equal(jobs[0].priority, 0);
    assert_int_equal(jobs[0].timeout_ns, 0);
    assert_int_equal(jobs[0].retry.max, 0);
    assert_int_equal(jobs[1].max_parallel, 2);
    assert_int_equal(jobs[1].on_overlap, OVERLAP_REPLACE);
    assert_int_equal(jobs[1].priority, -5);
    assert_int_equal(jobs[1].timeout_ns, 7200 * NS_PER_SEC);
    assert_str(jobs[1].tags.values[0], "x");
    assert_int_equal(jobs[1].retry.max, 3);
    assert_int_equal(jobs[1].retry.delay_ns, 60 * NS_PER_SEC);
    assert_int_equal(jobs[1].retry.strategy, RETRY_FROM_ASSET_FAILURE);
    assert_int_equal(jobs[2].on_overlap, OVERLAP_QUEUE);
    assert_int_equal(jobs[2].retry.strategy, RETRY_FROM_FAILURE);
    assert_true(jobs[0].digest != jobs[1].digest && jobs[0].digest != 0);
    loaded_release(&l);
}

static void schedules_say_what_is_late(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "assets: [{key: a, run: [x]}]\n"
                    "schedules:\n"
                    "  - {name: s, select: a, cron: '@daily'}\n"
                    "  - {name: t, select: a, cron: '@daily', missed: skip, splay: 23h,\n"
                    "     paused: true, tags: {a: b}}\n"
                    "  - {name: u, select: a, every: 1h, missed: {all: 24}, splay: 59m}\n"
                    "  - {name: v, select: a, every: 1h, missed: latest}\n");
    assert_loaded(&l);
    const struct schedule *schedules = l.defs->schedules;
    assert_int_equal(schedules[0].missed, MISSED_LATEST);
    assert_int_equal(schedules[0].splay_ns, 0);
    assert_false(schedules[0].starts_paused);
    assert_int_equal(schedules[1].missed, MISSED_SKIP);
    assert_int_equal(schedules[1].splay_ns, INT64_C(82800) * NS_PER_SEC);
    assert_true(schedules[1].starts_paused);
    assert_str(schedules[1].tags.keys[0], "a");
    assert_int_equal(schedules[2].missed, MISSED_ALL);
    assert_int_equal(schedules[2].missed_max, 24);
    assert_int_equal(schedules[3].missed, MISSED_LATEST);
    loaded_release(&l);
}

static void sensors_of_all_kinds(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, "  near: {type: mqtt, host: x}\n"
                    "assets: [{key: a, run: [x]}, {key: b, run: [x]}]\n"
                    "jobs: [{name: j, select: a}, {name: k, select: b}]\n"
                    "sensors:\n"
                    "  - {name: files, watch: \"${IN}/*.csv\", job: j, stable: 5s}\n"
                    "  - {name: door, mqtt: shop/door/+/#, select: a, min_interval: 30s}\n"
                    "  - {name: named, mqtt: x, broker: near, job: j, paused: true}\n"
                    "  - {name: after, asset: a, job: k, tags: {x: y}}\n"
                    "  - {name: failed, run_status: [failure, canceled], job: j, jobs: [k]}\n"
                    "  - {name: one, run_status: success, select: a}\n"
                    "  - {name: poll, run: [sh, -c, x], env: {T: \"${secret:T}\"}, job: j}\n"
                    "  - {name: slow, run: [x], job: j, min_interval: 5m, timeout: 10s}\n");
    assert_loaded(&l);
    const struct sensor *s = l.defs->sensors;
    const struct job *jobs = l.defs->jobs;
    assert_int_equal(l.defs->sensor_count, 8);
    assert_int_equal(s[0].type, SENSOR_FILES);
    assert_str(s[0].watch, "${IN}/*.csv");
    assert_int_equal(s[0].stable_ns, 5 * NS_PER_SEC);
    assert_ptr_equal(s[0].job, &jobs[0]);
    assert_ptr_equal(s[0].assets, jobs[0].assets);
    assert_int_equal(s[0].min_interval_ns, 0);
    assert_int_equal(s[1].type, SENSOR_MQTT);
    assert_str(s[1].topic, "shop/door/+/#");
    assert_ptr_equal(s[1].broker, &l.defs->resources[2]); /* the only one */
    assert_null(s[1].job);
    assert_int_equal(s[1].asset_count, 1);
    assert_int_equal(s[1].min_interval_ns, 30 * NS_PER_SEC);
    assert_ptr_equal(s[2].broker, &l.defs->resources[2]);
    assert_true(s[2].starts_paused);
    assert_int_equal(s[3].type, SENSOR_ASSET);
    assert_int_equal(s[3].asset, 0);
    assert_str(s[3].tags.values[0], "y");
    assert_int_equal(s[4].type, SENSOR_RUN_STATUS);
    assert_int_equal(s[4].statuses.count, 2);
    assert_str(s[4].statuses.items[1], "canceled");
    assert_str(s[4].jobs.items[0], "k");
    assert_str(s[5].statuses.items[0], "success");
    assert_int_equal(s[6].type, SENSOR_COMMAND);
    assert_int_equal(s[6].run.count, 3);
    assert_str(s[6].env.values[0], "${secret:T}");
    assert_int_equal(s[6].min_interval_ns, 30 * NS_PER_SEC);
    assert_int_equal(s[6].timeout_ns, 60 * NS_PER_SEC);
    assert_int_equal(s[7].min_interval_ns, 300 * NS_PER_SEC);
    assert_int_equal(s[7].timeout_ns, 10 * NS_PER_SEC);
    assert_int_equal(s[7].at.line, 16);
    loaded_release(&l);
}

static void assets_are_told(void **state)
{
    (void)state;
    static const char *const expected[] = {
        ("{\"key\":\"a\",\"group\":\"default\",\"kinds\":[\"command\"],\"metadata\":{\"rows\":"
         "\"7\"},"
         "\"partitions\":{\"kind\":\"time\",\"cron\":\"0 0 * * *\",\"timezone\":\"Europe/Berlin\","
         "\"start\":\"2025-12-31T23:00:00.000Z\",\"format\":\"%Y-%m-%d\"},"
         "\"freshness\":{\"warn_after_ms\":60000,\"fail_after_ms\":120000},\"automation\":"
         "\"eager\","
         "\"pool\":\"cpu\",\"checks\":[{\"name\":\"c\",\"severity\":\"error\",\"blocking\":true,"
         "\"description\":\"Why.\"}],\"sensors\":[\"s\"]}"),
        ("{\"key\":\"b\",\"group\":\"default\",\"kinds\":[\"command\"],"
         "\"partitions\":{\"kind\":\"static\",\"count\":2},"
         "\"freshness\":{\"cron\":\"@daily\",\"timezone\":\"UTC\",\"lower_bound_ms\":3600000},"
         "\"automation\":\"on_cron\"}"),
        ("{\"key\":\"c\",\"group\":\"default\",\"kinds\":[\"command\"],"
         "\"partitions\":{\"kind\":\"dynamic\",\"set\":\"d\"},\"freshness\":{\"fail_after_ms\":"
         "60000},"
         "\"automation\":\"on_missing\"}"),
    };
    struct loaded l;
    load_assets(
        &l, "pools: {cpu: 1}\n"
            "assets:\n"
            "  - {key: a, run: [/bin/secret-path], env: {A: \"${secret:T}\"}, dir: /secret-path,\n"
            "     extras: {a: secret-path}, user: secret-path, metadata: {rows: 7},\n"
            "     partitions: {daily: {start: 2026-01-01, timezone: Europe/Berlin}},\n"
            "     freshness: {warn_after: 1m, fail_after: 2m}, automation: eager, pool: cpu,\n"
            "     checks: [{name: c, run: [secret-path], blocking: true, description: Why.}]}\n"
            "  - {key: b, run: [x], partitions: {static: [x, y]},\n"
            "     freshness: {cron: '@daily', lower_bound: 1h},\n"
            "     automation: {on_cron: '@daily'}}\n"
            "  - {key: c, run: [x], partitions: {dynamic: d}, freshness: {fail_after: 1m},\n"
            "     automation: on_missing}\n"
            "sensors: [{name: s, watch: secret-path, select: a}]\n");
    assert_loaded(&l);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        AUTO(buf) out = buf_growing(4096);
        struct json_writer w = json_writer(&out);
        definitions_write_asset(l.defs, i, NULL, &w);
        assert_string_equal(buf_cstr(&out), expected[i]);
    }
    loaded_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_is_a_resource),
        cmocka_unit_test(a_command_is_confined),
        cmocka_unit_test(checks_ask_or_start),
        cmocka_unit_test(windows_of_time),
        cmocka_unit_test(keys_and_sets),
        cmocka_unit_test(rows_may_come_in_partitions),
        cmocka_unit_test(freshness_has_two_kinds),
        cmocka_unit_test(automation_is_a_word_or_a_cron),
        cmocka_unit_test(pools_have_limits),
        cmocka_unit_test(jobs_say_how_they_run),
        cmocka_unit_test(schedules_say_what_is_late),
        cmocka_unit_test(sensors_of_all_kinds),
        cmocka_unit_test(assets_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
