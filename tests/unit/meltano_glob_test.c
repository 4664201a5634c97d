/* Wildcards as Python's fnmatch has them, and the files that include_paths finds. */
#include "agent/meltano/glob.h"
#include "tests/unit/meltano_fixture.h"
#include <stdio.h>
#include <string.h>

static void test_matches(void **state)
{
    (void)state;
    /* What Python 3.11 says of fnmatch.fnmatchcase(text, pattern). */
    static const struct {
        const char *text;
        const char *pattern;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "*", true},
        {"abc", "", false},
        {"abc", "abc", true},
        {"abc", "a?c", true},
        {"abc", "a?", false},
        {"a.b.c", "a*c", true},
        {"orders", "*rd*s", true},
        {"aaab", "*a*b", true},
        {"aaac", "*a*b", false},
        {"a3", "a[0-9]", true},
        {"a3", "a[!0-9]", false},
        {"ax", "a[!0-9]", true},
        {"a]", "a[]]", true},
        {"a-", "a[x-]", true},
        {"a[", "a[", true},
        {"a[b", "a[b", true},
        {"a^", "a[^b]", true},
        {"ac", "a[^b]", false},
        {"Grüße", "Gr?ße", true},
        {"Grüße", "Gr[à-ÿ]ße", true},
        {"Grüße", "Gr??ße", false},
        {"A", "a", false},
        {"a*", "a\\*", false},
        {"**", "**", true},
        {"x", "[", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool matches = glob_matches(str_from(cases[i].text), str_from(cases[i].pattern));
        if (matches != cases[i].matches) {
            fail_msg("%s against %s", cases[i].text, cases[i].pattern);
        }
    }
}

static void test_pattern(void **state)
{
    (void)state;
    assert_true(glob_is_pattern(STR("a*")));
    assert_true(glob_is_pattern(STR("a?")));
    assert_true(glob_is_pattern(STR("[a]")));
    assert_false(glob_is_pattern(STR("a.b!c]")));
}

/* The jobs that came out of the files that were found, in order. */
static void assert_found(const char *patterns, const char *jobs)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "include_paths: %s\n", patterns);
    const struct meltano_file files[] = {
        {"p/meltano.yml", text},
        {"p/one.yml", "jobs: [{name: one, tasks: []}]"},
        {"p/two.yml", "jobs: [{name: two, tasks: []}]"},
        {"p/notes.txt", "not yaml: ["},
        {"p/sub/three.yml", "jobs: [{name: three, tasks: []}]"},
        {"p/sub/deep/four.yml", "jobs: [{name: four, tasks: []}]"},
        {"p/.hidden/five.yml", "jobs: [{name: five, tasks: []}]"},
        {"p/linked@/six.yml", "jobs: [{name: six, tasks: []}]"},
        {0},
    };
    struct meltano_world w = {0};
    world_open(&w, files, "");
    char found[128] = "";
    for (size_t i = 0; i < w.project->job_count; i++) {
        size_t at = strlen(found);
        (void)snprintf(found + at, sizeof(found) - at, "%s" STR_FMT, i == 0 ? "" : " ",
                       STR_ARG(w.project->jobs[i].name));
    }
    assert_string_equal(found, jobs);
    world_close(&w);
}

static void test_finds_files(void **state)
{
    (void)state;
    assert_found("[./one.yml]", "one");
    assert_found("['*.yml']", "one two"); /* not meltano.yml itself */
    assert_found("['[p-z]*.yml']", "two");
    assert_found("[sub/*.yml]", "three");
    assert_found("['**/three.yml']", "three");
    assert_found("['./**/*.yml']", "five one four three two"); /* no links; hidden ones are seen */
    assert_found("['*/*.yml']", "five six three");
    assert_found("['sub/**/*.yml', sub/three.yml]", "four three"); /* each file once */
    assert_found("['nowhere/*.yml', missing.yml]", "");
}

static void assert_no_files(const char *patterns, const char *why)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "include_paths: %s\n", patterns);
    const struct meltano_file files[] = {
        {"p/meltano.yml", text}, {"p/sub/three.yml", "jobs: []"}, {0}};
    struct meltano_world w = {0};
    assert_false(world_load(&w, files));
    assert_refused(&w, why);
    world_close(&w);
}

static void test_refuses_patterns(void **state)
{
    (void)state;
    assert_no_files("x", "p/meltano.yml:1: include_paths: expected a list of patterns");
    assert_no_files("[1]", "p/meltano.yml:1: include_paths: expected a pattern, got an integer");
    assert_no_files("[/etc/*.yml]", "it is an absolute path (write it relative");
    assert_no_files("[../other/*.yml]", "it leaves the project's folder");
    assert_no_files("[sub]", "it matches a folder (match files only");
    assert_no_files("['**']", "it matches a folder");
    assert_no_files("['.']", "it names no file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_pattern),
        cmocka_unit_test(test_finds_files),
        cmocka_unit_test(test_refuses_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
