/* definitions_explain_test.c - what `selvedge-agent explain` shows. */
#include "agent/definitions/explain.h"

#include "agent/definitions/outline.h"
#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <string.h>

static bool get(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    *ret_value = STR("/data");
    return str_eq(name, STR("DATA")) || str_eq(name, STR("STATE_DIR"));
}

static const struct env_lookup env = {.get = get};
static const struct secret_folders folders = {.secrets = "/nowhere/secrets"};

static struct explain explain_of(const struct loaded *l)
{
    return (struct explain){.defs = l->defs, .env = &env, .folders = &folders};
}

/* Every key that there is, with what is not its default. */
static const char everything[] =
    "  near: {type: mqtt, host: h, port: 8883, user: u}\n"
    "pools: {cpu: 2}\n"
    "assets:\n"
    "  - key: pos/sales\n"
    "    extract: {resource: pos, table: t, replication_key: u, columns: [id, u]}\n"
    "    load: {resource: local, table: s, primary_key: [id]}\n"
    "    description: \"one\\ntwo: #3\"\n"
    "    tags: {domain: sales, \"n\": 1.10, \"on\": \"off\"}\n"
    "    owners: [team:a, a@b.example]\n"
    "    metadata: {dagster/uri: \"x: y\"}\n"
    "    code_version: \"3\"\n"
    "    retry: {max: 3, delay: 1500ms, backoff: linear, jitter: full}\n"
    "    timeout: 36h\n"
    "    freshness: {warn_after: 90m, fail_after: 2h}\n"
    "    checks:\n"
    "      - {name: c, sql: select 1, description: d, blocking: true}\n"
    "      - {name: e, run: [/bin/test, \"a b\"], severity: warn}\n"
    "  - {key: c, extract: {csv: \"${DATA}/*.csv\", delimiter: \"\\t\", header: false},\n"
    "     load: {jsonl: out, mode: overwrite}}\n"
    "  - {key: j, extract: {jsonl: in}, load: {jsonl: out}, kinds: [k]}\n"
    "  - key: d\n"
    "    deps: [pos/sales, ext]\n"
    "    sql: {resource: local, materialized: table, name: n, partition_by: day,\n"
    "          query: \"select 1 as day\\n  from x\\n\"}\n"
    "    partitions: {cron: {schedule: 0 6 * * *, start: 2026-07-01T06:00, end: 2027-01-01,\n"
    "                 timezone: Europe/Berlin, end_offset: 1, format: \"%Y%m%d\"}}\n"
    "    backfill: {max_partitions_per_run: 7}\n"
    "    automation: {on_cron: '@daily', timezone: Europe/Berlin}\n"
    "  - {key: v, sql: {resource: local, file: sql/daily.sql}, automation: on_missing}\n"
    "  - key: r\n"
    "    run: [x, \"yes\", \"-\", \"1\", \"\"]\n"
    "    env: {A: \"a # b\", B: \"${DATA}\", C: \"é\\u2028\"}\n"
    "    dir: w\n"
    "    user: u\n"
    "    limits: {memory: 1536KiB, cpu: 2d, file_size: 1000, open_files: 64, processes: 3,\n"
    "             nice: 4}\n"
    "    extras: {a: [1, {b: \"c\\n\"}], d: null}\n"
    "    partitions: {static: [x, \"2026\", \"y z\"]}\n"
    "    backfill: single_run\n"
    "    automation: eager\n"
    "    pool: cpu\n"
    "    freshness: {cron: 0 9 * * *, lower_bound: 1h, timezone: Europe/Berlin}\n"
    "  - {key: ext, external: true, partitions: {dynamic: set}, group: g}\n"
    "  - key: lake\n"
    "    deps: [ext]\n"
    "    extract:\n"
    "      tap: [tap-shop]\n"
    "      config: {a: b}\n"
    "      streams: [o, {name: tags, key: lake/labels, deps: [r], description: d,\n"
    "                    code_version: \"4\", checks: [{name: c, sql: select 1}]}]\n"
    "    load: {resource: local}\n"
    "  - {key: etl, run: [x], description: both, assets: [e/a, {key: e/b, deps: [e/a]}]}\n"
    "jobs:\n"
    "  - {name: all, select: \"* and not kind:view\", max_parallel: 2, on_overlap: replace,\n"
    "     priority: -1, timeout: 1h, retry: {max: 2, delay: 1m, strategy: all_steps},\n"
    "     tags: {a: b}}\n"
    "  - {name: one, select: r}\n"
    "schedules:\n"
    "  - {name: night, job: all, cron: 30 2 * * *, timezone: Europe/Berlin, missed: {all: 3},\n"
    "     splay: 10m, paused: true, tags: {a: b}}\n"
    "  - {name: often, select: r, every: 1h, missed: skip}\n"
    "sensors:\n"
    "  - {name: f, watch: \"in/*.csv\", job: all, stable: 0s, min_interval: 1s}\n"
    "  - {name: m, mqtt: \"a/+/#\", broker: near, select: r}\n"
    "  - {name: a, asset: ext, job: all, paused: true}\n"
    "  - {name: s, run_status: [failure, canceled], jobs: [all], select: r, tags: {a: b}}\n"
    "  - {name: c, run: [x, y], env: {A: b}, timeout: 5s, min_interval: 10s, job: one}\n";

/* What was explained is a file of definitions that says the same: explained again, it gives the
 * same text but for the places. */
static void yaml_can_be_loaded_again(void **state)
{
    (void)state;
    struct loaded first;
    struct loaded second;
    AUTO(buf) once = buf_growing(1 << 20);
    AUTO(buf) twice = buf_growing(1 << 20);
    load_assets(&first, everything);
    assert_loaded(&first);
    struct explain what = explain_of(&first);
    assert_true(explain_assets(&what, NULL, &once, &first.err));
    load_text(&second, buf_cstr(&once));
    if (second.defs == NULL) {
        print_error("%s\n", buf_cstr(&once));
    }
    assert_loaded(&second);
    what.defs = second.defs;
    assert_true(explain_assets(&what, NULL, &twice, &second.err));
    struct str a = buf_str(&once);
    struct str b = buf_str(&twice);
    struct str line = STR_NONE;
    struct str again = STR_NONE;
    size_t lines = 0;
    while (a.len > 0) {
        (void)str_cut(a, '\n', &line, &a);
        (void)str_cut(b, '\n', &again, &b);
        bool is_note = str_starts(str_trim(line), STR("# "));
        if (!is_note && !str_eq(line, again)) {
            print_error(STR_FMT "\n" STR_FMT "\n", STR_ARG(line), STR_ARG(again));
            fail();
        }
        /* The query of a file has become one of its own. */
        if (str_eq(str_trim(line), STR("# file: sql/daily.sql"))) {
            b = (struct str){again.ptr, (size_t)(b.ptr + b.len - again.ptr)};
        }
        lines++;
    }
    assert_int_equal(b.len, 0);
    assert_true(lines > 200);
    /* And it is the same in the structs. */
    const struct definitions *d = second.defs;
    assert_int_equal(d->asset_count, first.defs->asset_count);
    for (size_t i = 0; i < d->asset_count; i++) {
        const struct partitions *p = &first.defs->assets[i].partitions;
        assert_int_equal(d->assets[i].partitions.start.ns, p->start.ns);
        assert_int_equal(d->assets[i].partitions.end.ns, p->end.ns);
        assert_int_equal(d->assets[i].partitions.key_count, p->key_count);
        assert_true(str_eq(d->assets[i].description, first.defs->assets[i].description));
        assert_true(str_eq(d->assets[i].sql.query, first.defs->assets[i].sql.query));
        assert_true(str_eq(d->assets[i].extras, first.defs->assets[i].extras));
        assert_true(str_eq(d->assets[i].stream, first.defs->assets[i].stream));
        assert_true(str_eq(asset_step_key(&d->assets[i]), asset_step_key(&first.defs->assets[i])));
        assert_int_equal(d->assets[i].deps.count, first.defs->assets[i].deps.count);
    }
    assert_true(str_eq(d->assets[5].env.values[2], STR("é\u2028")));
    loaded_release(&first);
    loaded_release(&second);
}

static void json_has_the_same(void **state)
{
    (void)state;
    struct loaded l;
    AUTO(buf) out = buf_growing(1 << 20);
    AUTO(arena) arena = arena_new(1 << 20);
    struct json *root = NULL;
    load_assets(&l, everything);
    assert_loaded(&l);
    struct explain what = explain_of(&l);
    what.is_json = true;
    assert_true(explain_assets(&what, NULL, &out, &l.err));
    assert_true(json_parse(buf_str(&out), 1 << 20, &arena, &root, &l.err));
    static const char *const keys[] = {"project", "files", "resources", "pools",
                                       "assets",  "jobs",  "schedules", "sensors"};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_non_null(json_get(root, keys[i]));
    }
    assert_int_equal(root->count, COUNT_OF(keys));
    const struct json *first = json_get(root, "assets")->child;
    assert_true(str_eq(json_get(first, "defined_at")->as.string, STR("shop/selvedge.yaml:8")));
    assert_true(str_eq(json_get(first, "timeout")->as.string, STR("1d12h")));
    assert_int_equal(json_get(json_get(root, "jobs")->child, "assets")->count, 10);
    loaded_release(&l);
}

/* Of a step that makes several, only those that were asked for. */
static void a_part_of_a_step_is_explained(void **state)
{
    (void)state;
    struct loaded l;
    AUTO(buf) out = buf_growing(1 << 20);
    load_assets(&l, everything);
    assert_loaded(&l);
    struct explain what = explain_of(&l);
    bool *set = NULL;
    assert_true(
        definitions_select_some(l.defs, STR("lake/labels or e/b"), &l.report, &set, &l.err));
    assert_true(explain_assets(&what, set, &out, &l.err));
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "key: lake\n"));
    assert_non_null(strstr(text, "key: lake/labels\n"));
    assert_non_null(strstr(text, "key: etl\n"));
    assert_null(strstr(text, "lake/o"));
    assert_null(strstr(text, "key: e/a\n"));
    loaded_release(&l);
}

static void secrets_are_masked(void **state)
{
    (void)state;
    struct loaded l;
    AUTO(buf) out = buf_growing(1 << 20);
    load_assets(&l,
                "  near: {type: mqtt, host: h, user: \"${secret:U}\", password: hunter2}\n"
                "assets:\n"
                "  - {key: a, run: [x, \"${NOT_SET}\"],\n"
                "     env: {A: \"a${secret:TOKEN}b${secret:U}\", B: \"${NOT_SET} ${secret:T}\",\n"
                "           K: \"${SELVEDGE_PARTITION_KEY}\"}}\n");
    assert_loaded(&l);
    struct explain what = explain_of(&l);
    assert_true(explain_assets(&what, NULL, &out, &l.err));
    const char *text = buf_cstr(&out);
    assert_null(strstr(text, "hunter2"));
    assert_non_null(strstr(text, "    user: \"***\"\n    password: \"***\"\n"));
    assert_non_null(strstr(text, "      A: \"a***b***\"\n      B: \"${NOT_SET} ${secret:T}\"\n"));
    const char *end = strstr(text, "# secrets");
    assert_non_null(end);
    assert_string_equal(end, "# secrets, which *** stands for:\n"
                             "#   U: open /nowhere/secrets/U: No such file or directory\n"
                             "#   TOKEN: open /nowhere/secrets/TOKEN: No such file or directory\n"
                             "# variables that are not set here: NOT_SET\n");
    buf_reset(&out);
    what.is_json = true;
    assert_true(explain_assets(&what, NULL, &out, &l.err));
    assert_null(strstr(buf_cstr(&out), "hunter2"));
    assert_non_null(strstr(buf_cstr(&out),
                           "\"secrets\":[{\"name\":\"U\",\"path\":\"/nowhere/secrets/U\","
                           "\"problem\":\"open /nowhere/secrets/U: No such file or directory\"},"));
    assert_non_null(strstr(buf_cstr(&out), "\"unset_variables\":[\"NOT_SET\"]"));
    loaded_release(&l);
}

static void parts_by_selection_and_name(void **state)
{
    (void)state;
    struct loaded l;
    AUTO(buf) out = buf_growing(1 << 20);
    AUTO(arena) arena = arena_new(1 << 20);
    load_assets(&l, everything);
    assert_loaded(&l);
    struct explain what = explain_of(&l);
    bool *set = NULL;
    assert_true(definitions_select(l.defs, STR("ext"), &arena, &set, &l.err));
    assert_true(explain_assets(&what, set, &out, &l.err));
    assert_string_equal(buf_cstr(&out), "assets:\n"
                                        "  # shop/selvedge.yaml:47\n"
                                        "  - key: ext\n"
                                        "    group: g\n"
                                        "    external: true\n"
                                        "    partitions:\n"
                                        "      dynamic: set\n");
    static const struct {
        enum explain_kind kind;
        const char *word;
        const char *name;
        const char *begins;
    } cases[] = {
        {EXPLAIN_JOB, "job", "one", "jobs:\n  # shop/selvedge.yaml:61\n  - name: one\n"},
        {EXPLAIN_SCHEDULE, "schedule", "often",
         "schedules:\n  # shop/selvedge.yaml:65\n  - name: often\n    select: r\n    # assets: "
         "r\n"},
        {EXPLAIN_SENSOR, "sensor", "m",
         "sensors:\n  # shop/selvedge.yaml:68\n  - name: m\n    mqtt: \"a/+/#\"\n"},
        {EXPLAIN_RESOURCE, "resource", "pos",
         "resources:\n  # shop/selvedge.yaml:3\n  pos:\n    type: sqlite\n    path: pos.db\n"},
        {EXPLAIN_POOL, "pool", "cpu", "pools:\n  # shop/selvedge.yaml:6\n  cpu:\n    limit: 2\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum explain_kind kind;
        buf_reset(&out);
        assert_true(explain_kind_from(str_from(cases[i].word), &kind));
        assert_int_equal(kind, cases[i].kind);
        assert_true(explain_named(&what, kind, str_from(cases[i].name), &out, &l.err));
        if (strncmp(buf_cstr(&out), cases[i].begins, strlen(cases[i].begins)) != 0) {
            assert_string_equal(buf_cstr(&out), cases[i].begins);
        }
        buf_reset(&out);
        assert_false(explain_named(&what, kind, STR("ofte"), &out, &l.err));
        assert_int_equal(l.err.code, ERR_NOT_FOUND);
        assert_int_equal(out.len, 0);
    }
    assert_false(explain_named(&what, EXPLAIN_SCHEDULE, STR("ofte"), &out, &l.err));
    assert_string_equal(l.err.msg, "there is no schedule \"ofte\"");
    assert_string_equal(l.err.hint, "did you mean often?");
    enum explain_kind kind;
    assert_false(explain_kind_from(STR("jobs"), &kind));
    loaded_release(&l);
}

static void a_full_buffer_is_reported(void **state)
{
    (void)state;
    struct loaded l;
    char memory[500];
    struct buf out = buf_fixed(memory, sizeof(memory));
    load_assets(&l, everything);
    assert_loaded(&l);
    struct explain what = explain_of(&l);
    assert_false(explain_assets(&what, NULL, &out, &l.err));
    assert_int_equal(l.err.code, ERR_NO_MEMORY);
    loaded_release(&l);
}

/* --- the writer --- */

static void scalars_are_quoted_where_they_must(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *written;
    } cases[] = {
        {"abc", "abc"},
        {"a.b/c-d@e=f+g", "a.b/c-d@e=f+g"},
        {"/etc/x", "/etc/x"},
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"true", "\"true\""},
        {"Off", "\"Off\""},
        {"y", "\"y\""},
        {"yy", "yy"},
        {"1", "\"1\""},
        {"-", "\"-\""},
        {".5", "\".5\""},
        {"a: b", "\"a: b\""},
        {"a\"b\\", "\"a\\\"b\\\\\""},
        {"tab\tx", "\"tab\\tx\""},
        {"one\ntwo", "|-\n  one\n  two"},
        {"one\n\n  two\n", "|\n  one\n\n    two"},
        {"one\n\n", "\"one\\n\\n\""},
        {" one\ntwo", "\" one\\ntwo\""},
        {"one \ntwo", "\"one \\ntwo\""},
        {"one\ttab\ntwo", "\"one\\ttab\\ntwo\""},
        {"\n", "\"\\n\""},
        {"é\xc2\x85\x7f\xe2\x80\xa8\xef\xbb\xbfx", "\"é\\u0085\\u007f\\u2028\\ufeffx\""},
        {"a\xc2\x85\nb", "\"a\\u0085\\nb\""},
        {"é\nü", "|-\n  é\n  ü"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(buf) out = buf_growing(1000);
        AUTO(buf) expected = buf_growing(1000);
        struct outline o = outline_yaml(&out);
        outline_str(&o, STR("k"), str_from(cases[i].text));
        outline_end(&o);
        buf_addf(&expected, "k: %s\n", cases[i].written);
        assert_string_equal(buf_cstr(&out), buf_cstr(&expected));
    }
}

static void numbers_have_their_units(void **state)
{
    (void)state;
    AUTO(buf) out = buf_growing(1000);
    struct outline o = outline_yaml(&out);
    outline_duration(&o, "a", 0);
    outline_opt_duration(&o, "none", 0);
    outline_duration(&o, "b", 93784005 * NS_PER_MS);
    outline_duration(&o, "c", 250 * NS_PER_MS);
    outline_bytes(&o, "none", 0);
    outline_bytes(&o, "d", 1000);
    outline_bytes(&o, "e", INT64_C(3) << 40);
    outline_bytes(&o, "f", 1536 << 10);
    outline_list(&o, "none", NULL, 0);
    outline_end(&o);
    assert_string_equal(buf_cstr(&out), "a: 0s\nb: 1d2h3m4s5ms\nc: 250ms\n"
                                        "d: 1000\ne: 3TiB\nf: 1536KiB\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_can_be_loaded_again),
        cmocka_unit_test(json_has_the_same),
        cmocka_unit_test(a_part_of_a_step_is_explained),
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test(parts_by_selection_and_name),
        cmocka_unit_test(a_full_buffer_is_reported),
        cmocka_unit_test(scalars_are_quoted_where_they_must),
        cmocka_unit_test(numbers_have_their_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
