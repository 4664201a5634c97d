/* Jobs as blocks, state ids, programs, schedules, streams. */
#include "tests/unit/meltano_fixture.h"

#include <string.h>

static const char yml[] =
    "default_environment: dev\n"
    "environments: [{name: dev}, {name: blue, state_id_suffix: 'x-$WHO'}]\n"
    "env: {WHO: me}\n"
    "plugins:\n"
    "  extractors:\n"
    "  - {name: tap, namespace: tap, pip_url: tap-1, executable: tap-run}\n"
    "  - {name: kid, inherit_from: tap}\n"
    "  loaders: [{name: target, namespace: target, executable: ./bin/target}]\n"
    "  mappers: [{name: m, namespace: m, mappings: [{name: hide}, {name: rename}]}]\n"
    "  utilities:\n"
    "  - name: dbt\n"
    "    namespace: dbt\n"
    "    executable: dbt\n"
    "    commands:\n"
    "      run: >-\n"
    "        run --vars '{a: 1}' \"$WHO\" a\\ b\n"
    "      lint: {args: --x, executable: sqlfluff}\n"
    "      bad: \"'open\"\n"
    "      unset: run $NOT_SET\n"
    "jobs:\n"
    "- {name: both, tasks: [tap target]}\n"
    "- {name: tap, tasks: []}\n"
    "- name: all\n"
    "  tasks:\n"
    "  - 'tap  hide rename target'\n"
    "  - [dbt:run, [kid target]]\n"
    "- {name: text, tasks: kid target}\n";

static void add_block(struct buf *out, const struct meltano_block *block)
{
    for (size_t i = 0; i < block->plugin_count; i++) {
        const struct meltano_plugin *p = block->plugins[i];
        buf_addf(out, "%s" STR_FMT, i == 0 ? "" : " ",
                 STR_ARG(p->mapping.len > 0 ? p->mapping : p->name));
    }
    buf_addf(out, "%s" STR_FMT "|", block->command.len > 0 ? ":" : "", STR_ARG(block->command));
}

static void assert_blocks(struct meltano_world *w, const char *words, const char *wanted)
{
    struct str items[16];
    struct str_list list = {.items = items};
    struct str rest = str_from(words);
    struct str word = STR_NONE;
    for (bool has_more = rest.len > 0; has_more;) {
        has_more = str_cut(rest, ' ', &word, &rest);
        items[list.count++] = word;
    }
    struct meltano_blocks blocks = {0};
    char memory[512];
    struct buf out = buf_fixed(memory, sizeof(memory));
    if (meltano_read_blocks(w->project, &list, &w->arena, &blocks, &w->err)) {
        for (size_t i = 0; i < blocks.count; i++) {
            add_block(&out, &blocks.items[i]);
        }
    } else {
        buf_add_text(&out, w->err.msg);
    }
    assert_string_equal(buf_cstr(&out), wanted);
}

static void test_blocks(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    world_open_text(&w, yml, "dev");
    assert_blocks(&w, "", "");
    assert_blocks(&w, "kid target", "kid target|");
    assert_blocks(&w, "kid hide rename target dbt:run kid target dbt",
                  "kid hide rename target|dbt:run|kid target|dbt|");
    assert_blocks(&w, "kid", "kid: the target is missing");
    assert_blocks(&w, "kid hide", "kid: the target is missing");
    assert_blocks(&w, "target", "target: there is no tap before it");
    assert_blocks(&w, "hide kid target", "hide: there is no tap before it");
    assert_blocks(&w, "kid dbt target", "kid dbt: behind a tap comes a mapping or a target");
    assert_blocks(&w, "kid kid target", "kid kid: behind a tap comes a mapping or a target");
    assert_blocks(&w, "kid m target", "m is a mapper; name one of its mappings");
    assert_blocks(&w, "kid gone target", "there is no plugin or mapping gone");
    assert_blocks(&w, "dbt:run:x", "there is no plugin or mapping dbt:run:x");
    assert_blocks(&w, "both", "there is no plugin or mapping both");
    assert_string_equal(w.err.hint, "a job cannot run another job");
    assert_blocks(&w, "tap target", "tap is both a plugin and a job");
    world_close(&w);
}

static void test_words_of_jobs(void **state)
{
    (void)state;
    static const char *const words[] = {"tap",     "hide", "rename", "target",
                                        "dbt:run", "kid",  "target"};
    struct meltano_world w = {0};
    world_open_text(&w, yml, "dev");
    const struct meltano_job *job = meltano_find_job(w.project, STR("all"));
    assert_int_equal(job->words.count, COUNT_OF(words));
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        assert_true(str_eq(job->words.items[i], str_from(words[i])));
    }
    job = meltano_find_job(w.project, STR("text"));
    assert_int_equal(job->words.count, 2);
    world_close(&w);
}

static void assert_state_id(const char *environment, const char *wanted)
{
    struct meltano_world w = {0};
    world_open_text(&w, yml, environment);
    struct meltano_block block = {.plugins = {meltano_find_plugin(w.project, STR("kid")),
                                              meltano_find_plugin(w.project, STR("hide")),
                                              meltano_find_plugin(w.project, STR("target"))},
                                  .plugin_count = 3};
    assert_true(str_eq(meltano_state_id(&w.context, &block, &w.arena), str_from(wanted)));
    world_close(&w);
}

static void test_state_ids(void **state)
{
    (void)state;
    assert_state_id("dev", "dev:kid-to-target");
    assert_state_id("blue", "blue:kid-to-target:x-me");
    assert_state_id("", ""); /* Meltano runs it without state */
}

static void test_state_id_of_a_schedule(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    world_open_text(&w,
                    "environments: [{name: dev, state_id_suffix: $WHEN}]\n"
                    "plugins:\n"
                    "  extractors: [{name: tap, namespace: t}]\n"
                    "  loaders: [{name: target, namespace: l}]\n"
                    "schedules: [{name: s, job: j, env: {WHEN: late}}]\n",
                    "dev");
    struct meltano_block block = {.plugins = {meltano_find_plugin(w.project, STR("tap")),
                                              meltano_find_plugin(w.project, STR("target"))},
                                  .plugin_count = 2};
    assert_true(str_eq(meltano_state_id(&w.context, &block, &w.arena), STR("dev:tap-to-target")));
    w.context.schedule = &w.project->schedules[0];
    assert_true(
        str_eq(meltano_state_id(&w.context, &block, &w.arena), STR("dev:tap-to-target:late")));
    world_close(&w);
}

static void assert_program(struct meltano_world *w, const char *plugin, const char *command,
                           const char *wanted)
{
    struct meltano_setup setup = world_set_up(w, plugin);
    struct str_list argv = {0};
    char memory[512];
    struct buf out = buf_fixed(memory, sizeof(memory));
    if (meltano_program(&w->context, &setup, str_from(command), &w->arena, &argv, &w->err)) {
        for (size_t i = 0; i < argv.count; i++) {
            buf_addf(&out, "%s[" STR_FMT "]", i == 0 ? "" : " ", STR_ARG(argv.items[i]));
        }
    } else {
        buf_add_text(&out, w->err.msg);
    }
    assert_string_equal(buf_cstr(&out), wanted);
}

static void test_programs(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    world_open_text(&w, yml, "dev");
    assert_program(&w, "tap", "", "[/srv/p/.meltano/extractors/tap/venv/bin/tap-run]");
    assert_program(&w, "kid", "", "[/srv/p/.meltano/extractors/tap/venv/bin/tap-run]");
    assert_program(&w, "target", "", "[/srv/p/bin/target]");
    assert_program(&w, "dbt", "", "[dbt]");
    assert_program(&w, "dbt", "run", "[dbt] [run] [--vars] [{a: 1}] [me] [a b]");
    assert_program(&w, "dbt", "lint", "[sqlfluff] [--x]");
    assert_program(&w, "dbt", "bad", "command bad: a quote is not closed");
    assert_program(&w, "dbt", "unset", "command unset: the argument $NOT_SET is empty");
    assert_program(&w, "dbt", "gone", "dbt has no command gone");
    assert_string_equal(w.err.hint, "it has: run, lint, bad, unset");
    assert_program(&w, "target", "x", "target has no command x");
    world_close(&w);
}

static void assert_cron(const char *interval, const char *wanted)
{
    struct str cron = STR("unchanged");
    bool is_one = meltano_cron_of(str_from(interval), &cron);
    assert_true(str_eq(cron, str_from(wanted == NULL ? "unchanged" : wanted)));
    assert_int_equal(is_one, wanted != NULL);
}

static void test_intervals(void **state)
{
    (void)state;
    assert_cron("@once", "");
    assert_cron("@manual", "");
    assert_cron("@none", "");
    assert_cron("@hourly", "0 * * * *");
    assert_cron("@daily", "0 0 * * *");
    assert_cron("@midnight", "0 0 * * *");
    assert_cron("@weekly", "0 0 * * 0");
    assert_cron("@monthly", "0 0 1 * *");
    assert_cron("@yearly", "0 0 1 1 *");
    assert_cron("@annually", "0 0 1 1 *");
    assert_cron("9 8 * * mon-fri", "9 8 * * mon-fri");
    assert_cron("@reboot", NULL);
    assert_cron("60 * * * *", NULL);
    assert_cron("daily", NULL);
}

static void assert_streams(const char *extras, const char *wanted)
{
    struct meltano_world w = {0};
    AUTO(arena) arena = arena_new(1 << 16);
    const char *text =
        arena_printf(&arena, "plugins: {extractors: [{name: tap, namespace: t%s}]}", extras).ptr;
    world_open_text(&w, text, "");
    struct meltano_setup setup = world_set_up(&w, "tap");
    struct str_list streams = meltano_streams(&setup, &w.arena);
    char memory[256];
    struct buf out = buf_fixed(memory, sizeof(memory));
    for (size_t i = 0; i < streams.count; i++) {
        buf_addf(&out, "%s" STR_FMT, i == 0 ? "" : " ", STR_ARG(streams.items[i]));
    }
    assert_string_equal(buf_cstr(&out), wanted);
    world_close(&w);
}

static void test_streams(void **state)
{
    (void)state;
    assert_streams("", ""); /* *.* */
    assert_streams(", select: [a.*, b, c.x, a.y]", "a b c");
    assert_streams(", select: [a.*, 'b*.*']", "");
    assert_streams(", select: [a.*, b.*, '!b.*', '!a.x', '!c']", "a");
    assert_streams(", select: [a.*, ab.*, '!a?']", "a");
    assert_streams(", select: ['pub\\.orders.*']", "pub.orders");
    assert_streams(", select: [a.*, b.*], select_filter: [b]", "b");
    assert_streams(", select: [a.*, b.*], select_filter: ['!b']", "a");
    assert_streams(", select: [a.*], catalog: catalog.json", "");
}

/* --- steps --- */

static const char step_yml[] =
    "environments: [{name: dev}]\n"
    "plugins:\n"
    "  extractors:\n"
    "  - {name: tap, namespace: space, pip_url: t, capabilities: [catalog, state],\n"
    "     config: {url: u}, select: [a.*, 'b/c.*'], metadata: {a: {k: v}}, state: s.json}\n"
    "  - {name: open, namespace: open, settings: [{name: n, kind: integer}], config: {n: x}}\n"
    "  loaders:\n"
    "  - {name: target, namespace: target, config: {schema: $MELTANO_EXTRACT__LOAD_SCHEMA}}\n"
    "  - {name: plain, namespace: plain}\n"
    "  mappers: [{name: m, namespace: m, mappings: [{name: hide, config: {x: 1}}]}]\n"
    "  utilities: [{name: dbt, namespace: dbt, executable: dbt, commands: {run: run}}]\n";

static bool make_step(struct meltano_world *w, const char *const *names, const char *command,
                      struct meltano_step *ret)
{
    struct meltano_block block = {.command = str_from(command)};
    for (size_t i = 0; names[i] != NULL; i++) {
        block.plugins[block.plugin_count++] = meltano_find_plugin(w->project, str_from(names[i]));
    }
    return meltano_make_step(&w->context, &block, &w->arena, ret, &w->err);
}

static void assert_list(const struct str_list *list, const char *first, const char *second)
{
    assert_int_equal(list->count, second == NULL ? 1 : 2);
    assert_true(str_eq(list->items[0], str_from(first)));
    assert_true(second == NULL || str_eq(list->items[1], str_from(second)));
}

static void test_step_of_tap_and_target(void **state)
{
    (void)state;
    static const char *const names[] = {"tap", "hide", "target", NULL};
    struct meltano_world w = {0};
    struct meltano_step step;
    world_open_text(&w, step_yml, "dev");
    assert_true(make_step(&w, names, "", &step));
    assert_int_equal(step.process_count, 3);
    assert_true(str_eq(step.processes[0].argv.items[0],
                       STR("/srv/p/.meltano/extractors/tap/venv/bin/tap")));
    assert_string_equal(world_config(&w, &step.processes[0].setup), "{\"url\":\"u\"}");
    assert_string_equal(world_config(&w, &step.processes[1].setup), "{\"x\":1}");
    assert_string_equal(world_config(&w, &step.processes[2].setup), "{\"schema\":\"space\"}");
    assert_true(str_eq(step.state_id, STR("dev:tap-to-target")));
    assert_list(&step.streams, "a", "b/c");
    assert_list(&step.assets, "space/a", "space/b_c");
    assert_int_equal(step.select->count, 2);
    assert_non_null(json_get(step.metadata, "a"));
    assert_true(str_eq(step.state, STR("s.json")));
    assert_true(step.takes_catalog && step.takes_state && !step.takes_properties);
    world_close(&w);
}

static void test_step_of_unknown_streams(void **state)
{
    (void)state;
    static const char yml_of_all[] =
        "plugins: {extractors: [{name: tap, namespace: t}], loaders: [{name: to, namespace: l}]}";
    static const char *const names[] = {"tap", "to", NULL};
    struct meltano_world w = {0};
    struct meltano_step step;
    world_open_text(&w, yml_of_all, "");
    assert_true(make_step(&w, names, "", &step));
    assert_int_equal(step.streams.count, 0);
    assert_list(&step.assets, "to/tap", NULL);
    assert_int_equal(step.state_id.len, 0);
    world_close(&w);
}

static void test_step_of_a_command(void **state)
{
    (void)state;
    static const char *const names[] = {"dbt", NULL};
    struct meltano_world w = {0};
    struct meltano_step step;
    world_open_text(&w, step_yml, "dev");
    assert_true(make_step(&w, names, "run", &step));
    assert_int_equal(step.process_count, 1);
    assert_list(&step.processes[0].argv, "dbt", "run");
    assert_int_equal(step.assets.count, 0);
    assert_false(make_step(&w, names, "gone", &step));
    assert_int_equal(w.err.code, ERR_NOT_FOUND);
    world_close(&w);
}

static void test_step_with_a_wrong_value(void **state)
{
    (void)state;
    static const char *const names[] = {"open", "plain", NULL};
    struct meltano_world w = {0};
    struct meltano_step step;
    world_open_text(&w, step_yml, "dev");
    assert_false(make_step(&w, names, "", &step));
    assert_int_equal(w.err.code, ERR_INVALID);
    assert_non_null(strstr(w.err.msg, "p/meltano.yml:6:"));
    assert_non_null(strstr(w.err.msg, "open: n: its value is no integer"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_words_of_jobs),
        cmocka_unit_test(test_state_ids),
        cmocka_unit_test(test_state_id_of_a_schedule),
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_step_of_tap_and_target),
        cmocka_unit_test(test_step_of_unknown_streams),
        cmocka_unit_test(test_step_of_a_command),
        cmocka_unit_test(test_step_with_a_wrong_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
