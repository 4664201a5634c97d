#include "agent/plan/plan.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <string.h>

/* raw/a, raw/b -> stg -> mart -> report; ext (external) between stg and late */
static const char text[] = "assets:\n"
                           "  - {key: report, deps: [mart], run: [x]}\n"
                           "  - {key: mart, deps: [stg, raw/b], run: [x]}\n"
                           "  - {key: stg, deps: [raw/b, raw/a], run: [x]}\n"
                           "  - {key: raw/a, run: [x]}\n"
                           "  - {key: raw/b, run: [x]}\n"
                           "  - {key: ext, deps: [stg], external: true}\n"
                           "  - {key: late, deps: [ext], run: [x]}\n"
                           "jobs:\n"
                           "  - {name: all, select: '*'}\n";

/* "raw/a; raw/b; stg<1,0; lake{lake/x,lake/y}<0": each step with the assets it waits for, by their
 * place among all. */
static const char *show(const struct definitions *defs, const struct plan *plan, struct buf *out)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];
        const struct asset *first = &defs->assets[plan->assets[step->first].asset];
        buf_addf(out, "%s" STR_FMT, i == 0 ? "" : "; ", STR_ARG(asset_step_key(first)));
        for (size_t a = 0; first->step != NULL && a < step->asset_count; a++) {
            const struct plan_asset *made = &plan->assets[step->first + a];
            assert_int_equal(made->step, i);
            buf_addf(out, "%s" STR_FMT "%s", a == 0 ? "{" : ",",
                     STR_ARG(defs->assets[made->asset].key), a + 1 == step->asset_count ? "}" : "");
        }
        for (size_t w = 0; w < step->wait_count; w++) {
            assert_true(step->waits[w] < step->first);
            buf_addf(out, "%s%u", w == 0 ? "<" : ",", step->waits[w]);
        }
    }
    return buf_cstr(out);
}

struct plan_case {
    const char *selection;
    const char *expected; /* show() */
};

static void expect_plans(const char *assets, const struct plan_case *cases, size_t count)
{
    struct loaded l;
    load_assets(&l, assets);
    assert_loaded(&l);
    for (size_t i = 0; i < count; i++) {
        AUTO(arena) arena = arena_new(1 << 20);
        struct plan plan;
        assert_true(plan_make(l.defs, str_from(cases[i].selection), &arena, &plan, &l.err));
        char memory[256];
        struct buf out = buf_fixed(memory, sizeof(memory));
        assert_string_equal(show(l.defs, &plan, &out), cases[i].expected);
    }
    loaded_release(&l);
}

static void steps_are_ordered_and_wait(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {"*", "raw/a; raw/b; stg<1,0; mart<2,1; report<3; late"},
        {"report", "report"},
        {"+mart", "raw/a; raw/b; stg<1,0; mart<2,1"},
        /* What is not selected is taken as it is: report does not wait for raw/a by way of mart. */
        {"report or raw/a", "raw/a; report"},
        /* An external asset is no step and holds nobody up. */
        {"stg+", "stg; mart<0; report<1; late"},
        {"ext+", "late"},
    };
    expect_plans(text, cases, COUNT_OF(cases));
}

/* ext, in -> lake {x, y, z}; of x, y -> of_xy; x -> of_x */
static const char shared[] = "assets:\n"
                             "  - {key: of_xy, deps: [lake/x, lake/y], run: [x]}\n"
                             "  - {key: of_x, deps: [lake/x], run: [x]}\n"
                             "  - key: lake\n"
                             "    deps: [in/a]\n"
                             "    run: [x]\n"
                             "    assets:\n"
                             "      - {key: lake/x, deps: [in/b]}\n"
                             "      - {key: lake/y, deps: [in/b, lake/x]}\n"
                             "      - lake/z\n"
                             "  - {key: in/b, run: [x]}\n"
                             "  - {key: in/a, run: [x]}\n";

static void assets_of_one_step_are_planned_together(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {"*", "in/b; in/a; lake{lake/x,lake/y,lake/z}<1,0; of_xy<2,3; of_x<2"},
        /* A run that selects some of them. */
        {"lake/z", "lake{lake/z}"},
        {"lake/y or in/b or of_x", "in/b; lake{lake/y}<0; of_x"},
        {"lake/*", "lake{lake/x,lake/y,lake/z}"},
        {"lake/x+", "lake{lake/x,lake/y}; of_xy<0,1; of_x<0"},
        {"of_xy", "of_xy"},
    };
    expect_plans(shared, cases, COUNT_OF(cases));
}

static void jobs_are_planned_from_their_assets(void **state)
{
    (void)state;
    struct loaded l;
    load_assets(&l, text);
    assert_loaded(&l);
    AUTO(arena) arena = arena_new(1 << 20);
    struct plan plan;
    const struct job *job = &l.defs->jobs[0];
    assert_int_equal(job->asset_count, 7);
    assert_true(plan_make_for(l.defs, job->assets, job->asset_count, &arena, &plan, &l.err));
    assert_int_equal(plan.count, 6);
    static const uint32_t external = 5;
    assert_false(plan_make_for(l.defs, &external, 1, &arena, &plan, &l.err));
    assert_string_equal(l.err.msg, "this selects external assets only");
    assert_false(plan_make_for(l.defs, NULL, 0, &arena, &plan, &l.err));
    assert_string_equal(l.err.msg, "this selects no asset");
    loaded_release(&l);
}

static void nothing_to_do_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *selection;
        enum err_code code;
        const char *msg;
        const char *hint;
    } cases[] = {
        {"ext", ERR_NOT_FOUND, "ext selects external assets only",
         "they are made elsewhere; a + behind selects what is made of them"},
        {"raport", ERR_NOT_FOUND, "raport selects no asset", "did you mean report?"},
        {"group:none", ERR_NOT_FOUND, "group:none selects no asset", "* selects all assets"},
        {"a b", ERR_INVALID, "selection, column 3: \"and\" or \"or\" is expected here", ""},
    };
    struct loaded l;
    load_assets(&l, text);
    assert_loaded(&l);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) arena = arena_new(1 << 20);
        struct plan plan = {.count = 99};
        struct err err = {0};
        assert_false(plan_make(l.defs, str_from(cases[i].selection), &arena, &plan, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_string_equal(err.msg, cases[i].msg);
        assert_string_equal(err.hint, cases[i].hint);
        assert_int_equal(plan.count, 99);
    }
    loaded_release(&l);
}

static void fails_without_memory(const char *assets)
{
    struct loaded l;
    load_assets(&l, assets);
    assert_loaded(&l);
    bool done = false;
    size_t failures = 0;
    for (size_t max = 0; !done; max += 16) {
        AUTO(arena) arena = arena_new(max);
        struct plan plan = {.count = 99};
        struct err err = {0};
        done = plan_make(l.defs, STR("*"), &arena, &plan, &err);
        assert_true(done || (err.code == ERR_NO_MEMORY && plan.count == 99));
        failures += !done;
    }
    assert_true(failures > 5);
    loaded_release(&l);
}

static void every_lack_of_memory_is_reported(void **state)
{
    (void)state;
    fails_without_memory(text);
    fails_without_memory(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_ordered_and_wait),
        cmocka_unit_test(assets_of_one_step_are_planned_together),
        cmocka_unit_test(jobs_are_planned_from_their_assets),
        cmocka_unit_test(nothing_to_do_is_an_error),
        cmocka_unit_test(every_lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
