/* bundle_test.c - what a device does with a bundle: asks for pieces, takes them in, tries it. */
#include "agent/bundle/fetch.h"
#include "agent/bundle/trial.h"
#include "tests/support/bundle_world.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- fetch ------------------------------------------------------------------------------------ */

static void pieces_grow_until_one_is_lost(void **state)
{
    (void)state;
    struct fetch f = fetch_new();
    int64_t wait_ns = 0;
    assert_true(fetch_step(&f, FETCH_BEGIN, &wait_ns));
    assert_int_equal(f.piece, 16 << 10);
    assert_int_equal(wait_ns, FETCH_ANSWER_NS);
    assert_true(fetch_step(&f, FETCH_CAME, &wait_ns));
    assert_int_equal(f.piece, 32 << 10);
    for (int i = 0; i < 3; i++) {
        assert_true(fetch_step(&f, FETCH_CAME, &wait_ns));
    }
    assert_int_equal(f.piece, BUNDLE_PIECE_MAX);
    assert_true(fetch_step(&f, FETCH_ONLINE, &wait_ns)); /* connected anew */
    assert_int_equal(f.piece, BUNDLE_PIECE_MAX / 2);
    for (int i = 0; i < 20; i++) {
        assert_true(fetch_step(&f, FETCH_TIMER, &wait_ns));
    }
    assert_int_equal(f.piece, BUNDLE_PIECE_MIN);
    assert_int_equal(wait_ns, FETCH_ANSWER_MAX_NS);
    for (int i = 0; i < FETCH_STREAK - 1; i++) {
        assert_true(fetch_step(&f, FETCH_CAME, &wait_ns));
    }
    assert_int_equal(f.piece, BUNDLE_PIECE_MIN);
    assert_true(fetch_step(&f, FETCH_CAME, &wait_ns));
    assert_int_equal(f.piece, 2 * BUNDLE_PIECE_MIN);
    assert_int_equal(wait_ns, FETCH_ANSWER_NS);
}

static void what_the_hub_has_not_is_asked_for_more_and_more_rarely(void **state)
{
    (void)state;
    struct fetch f = fetch_new();
    int64_t wait_ns = 0;
    (void)fetch_step(&f, FETCH_BEGIN, &wait_ns);
    assert_false(fetch_step(&f, FETCH_PROBLEM, &wait_ns));
    assert_int_equal(wait_ns, FETCH_PROBLEM_NS);
    assert_true(fetch_step(&f, FETCH_TIMER, &wait_ns)); /* nothing was lost by it */
    assert_int_equal(f.piece, FETCH_FIRST_BYTES);
    for (int i = 0; i < 20; i++) {
        assert_false(fetch_step(&f, FETCH_PROBLEM, &wait_ns));
    }
    assert_int_equal(wait_ns, FETCH_PROBLEM_MAX_NS);
    assert_false(fetch_step(&f, FETCH_NO_ROOM, &wait_ns));
    assert_true(fetch_step(&f, FETCH_ONLINE, &wait_ns));
    assert_int_equal(f.piece, FETCH_FIRST_BYTES);
}

/* --- trial ------------------------------------------------------------------------------------ */

#define S NS_PER_SEC
static const struct mono_time start = {1000 * NS_PER_SEC};

static struct mono_time after(int64_t seconds)
{
    return (struct mono_time){start.ns + seconds * S};
}

static void a_bundle_that_does_no_harm_is_healthy(void **state)
{
    (void)state;
    struct trial t;
    int64_t wait_ns = 0;
    trial_begin(&t, start, 60 * S, false, 0);
    assert_int_equal(trial_look(&t, after(59), false, &wait_ns), TRIAL_GOES_ON);
    assert_int_equal(wait_ns, 1 * S);
    assert_int_equal(trial_look(&t, after(60), false, &wait_ns), TRIAL_IS_HEALTHY);
    assert_false(t.is_on);
}

static void a_failed_run_speaks_against_it(void **state)
{
    (void)state;
    struct trial t;
    int64_t wait_ns = 0;
    trial_begin(&t, start, 60 * S, true, TRIAL_STARTS_MAX);
    assert_int_equal(trial_look(&t, after(1), true, &wait_ns), TRIAL_GOES_ON);
    trial_run_failed(&t, STR("r1"), STR("pos/sales"));
    trial_run_failed(&t, STR("r2"), STR("pos/other"));
    assert_int_equal(trial_look(&t, after(2), true, &wait_ns), TRIAL_IS_BAD);
    assert_string_equal(t.why, "run r1 failed on pos/sales, which did not fail before");
}

static void a_lost_connection_speaks_against_it(void **state)
{
    (void)state;
    struct trial t;
    int64_t wait_ns = 0;
    trial_begin(&t, start, 60 * S, false, 0);
    (void)trial_look(&t, after(10), true, &wait_ns); /* it was there, and is gone */
    assert_int_equal(trial_look(&t, after(60), false, &wait_ns), TRIAL_GOES_ON);
    assert_int_equal(trial_look(&t, after(60 + 29 * 60), false, &wait_ns), TRIAL_GOES_ON);
    struct trial other = t;
    assert_int_equal(trial_look(&other, after(60 + 29 * 60), true, &wait_ns), TRIAL_IS_HEALTHY);
    assert_int_equal(trial_look(&t, after(60 + 30 * 60), false, &wait_ns), TRIAL_IS_BAD);
}

static void an_agent_that_starts_again_and_again_speaks_against_it(void **state)
{
    (void)state;
    struct trial t;
    int64_t wait_ns = 0;
    trial_begin(&t, start, 60 * S, false, TRIAL_STARTS_MAX + 1);
    assert_int_equal(trial_look(&t, start, false, &wait_ns), TRIAL_IS_BAD);
}

/* --- coming in -------------------------------------------------------------------------------- */

struct scene {
    struct temp_dir dir;
    struct bundle_world world;
    struct incoming_options options;
};

static int begin(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->dir = temp_dir_new();
    bundle_world_begin(&s->world);
    bundle_world_add(&s->world, "a/b/c.sql", STR("select 1"), false);
    bundle_world_add(&s->world, "a/empty", STR(""), false);
    bundle_world_add(&s->world, "a/same.sql", STR("select 1"), false);
    bundle_world_add(&s->world, "run.sh", STR("#!/bin/sh\n"), true);
    bundle_world_add(&s->world, BUNDLE_ENTRY, STR("project: shop\n"), false);
    bundle_world_sign(&s->world);
    s->options = (struct incoming_options){.state_dir = s->dir.path,
                                           .hash = str_from(s->world.hash),
                                           .keys = buf_str(&s->world.keys),
                                           .bytes_max = BUNDLE_BYTES_MAX};
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct scene *s = *state;
    bundle_world_end(&s->world);
    temp_dir_release(&s->dir);
    free(s);
    return 0;
}

static void what_was_asked_for_is_whole(void **state)
{
    struct scene *s = *state;
    struct incoming_progress progress;
    struct err err = {0};
    assert_false(folder_is_whole(s->dir.path, str_from(s->world.hash)));
    assert_true(bundle_world_take(&s->world, &s->options, 3, &progress, &err));
    bundle_world_check(&s->world, s->dir.path);
    assert_int_equal(progress.copied, 8); /* a/same.sql is a/b/c.sql */
    assert_int_equal(progress.fetched + progress.copied,
                     s->world.manifest.bytes + (int64_t)s->world.message.len);
}

static void files_of_the_bundle_before_it_are_not_fetched(void **state)
{
    struct scene *s = *state;
    struct bundle_world next;
    struct incoming_progress progress;
    struct err err = {0};
    char path[256];
    assert_true(bundle_world_take(&s->world, &s->options, 64, NULL, &err));
    bundle_world_begin(&next);
    bundle_world_add(&next, "moved/c.sql", STR("select 1"), true);
    bundle_world_add(&next, "new.sql", STR("select 2"), false);
    bundle_world_add(&next, "run.sh", STR("#!/bin/sh\n"), true);
    bundle_world_add(&next, BUNDLE_ENTRY, STR("project: shop\n"), false);
    bundle_world_sign(&next);
    /* One that a step has written to in the meantime is noticed. */
    assert_true(
        folder_path(s->dir.path, str_from(s->world.hash), "run.sh", path, sizeof(path), &err));
    assert_true(files_write(path, STR("#!/bin/zz\n"), 0755, &err));
    struct incoming_options options = s->options;
    options.hash = str_from(next.hash);
    options.base = str_from(s->world.hash);
    options.keys = buf_str(&next.keys);
    assert_true(bundle_world_take(&next, &options, 64, &progress, &err));
    bundle_world_check(&next, s->dir.path);
    assert_int_equal(progress.copied, 8 + 14);
    assert_int_equal(progress.fetched, 8 + 10 + (int64_t)next.message.len);
    assert_true(folder_clear(s->dir.path, str_from(next.hash), STR(""), STR(""), &err));
    assert_false(folder_is_whole(s->dir.path, str_from(s->world.hash)));
    bundle_world_check(&next, s->dir.path);
    bundle_world_end(&next);
}

static void a_transfer_goes_on_where_it_broke(void **state)
{
    struct scene *s = *state;
    struct err err = {0};
    int64_t fetched = 0;
    bool is_whole = false;
    for (int breaks = 0; !is_whole; breaks++) {
        struct incoming *in = NULL;
        enum incoming_need need = INCOMING_WORK;
        struct bundle_want want;
        bool taken = false;
        assert_true(breaks < 1000);
        assert_true(incoming_open(&in, &s->options, &err));
        while (need == INCOMING_WORK) {
            assert_true(incoming_next(in, &need, &want, &err));
        }
        is_whole = need == INCOMING_WHOLE;
        if (!is_whole) {
            want.max = 5;
            struct bundle_piece piece = bundle_world_piece(&s->world, &want);
            assert_true(incoming_add(in, &piece, &taken, &err) && taken);
            assert_true(incoming_add(in, &piece, &taken, &err)); /* once more: passed over */
            assert_true(!taken || piece.bytes.len == 0);
            fetched += (int64_t)piece.bytes.len;
        }
        incoming_close(in);
    }
    bundle_world_check(&s->world, s->dir.path);
    assert_int_equal(fetched, s->world.manifest.bytes - 8 + (int64_t)s->world.message.len);
}

static void what_nobody_here_trusts_is_refused(void **state)
{
    struct scene *s = *state;
    struct bundle_world other;
    struct err err = {0};
    bundle_world_begin(&other);
    struct incoming_options options = s->options;
    options.keys = buf_str(&other.keys);
    assert_false(bundle_world_take(&s->world, &options, 64, NULL, &err));
    assert_int_equal(err.code, ERR_DENIED);
    /* The right signature under another bundle's hash. */
    bundle_world_add(&other, BUNDLE_ENTRY, STR("project: other\n"), false);
    bundle_world_sign(&other);
    options = s->options;
    options.hash = str_from(other.hash);
    assert_false(bundle_world_take(&s->world, &options, 64, NULL, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_false(folder_is_whole(s->dir.path, str_from(other.hash)));
    bundle_world_end(&other);
}

static void a_file_that_is_not_what_its_hash_says_is_refused(void **state)
{
    struct scene *s = *state;
    struct err err = {0};
    s->world.contents[4].ptr[0] = 'X'; /* after it was signed */
    assert_false(bundle_world_take(&s->world, &s->options, 64, NULL, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_string_equal(err.msg, BUNDLE_ENTRY ": it came 3 times with another content");
    assert_false(folder_is_whole(s->dir.path, str_from(s->world.hash)));
}

static void one_that_is_too_large_here_is_refused(void **state)
{
    struct scene *s = *state;
    struct err err = {0};
    s->options.bytes_max = 10;
    assert_false(bundle_world_take(&s->world, &s->options, 64, NULL, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_grow_until_one_is_lost),
        cmocka_unit_test(what_the_hub_has_not_is_asked_for_more_and_more_rarely),
        cmocka_unit_test(a_bundle_that_does_no_harm_is_healthy),
        cmocka_unit_test(a_failed_run_speaks_against_it),
        cmocka_unit_test(a_lost_connection_speaks_against_it),
        cmocka_unit_test(an_agent_that_starts_again_and_again_speaks_against_it),
        cmocka_unit_test_setup_teardown(what_was_asked_for_is_whole, begin, end),
        cmocka_unit_test_setup_teardown(files_of_the_bundle_before_it_are_not_fetched, begin, end),
        cmocka_unit_test_setup_teardown(a_transfer_goes_on_where_it_broke, begin, end),
        cmocka_unit_test_setup_teardown(what_nobody_here_trusts_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_what_its_hash_says_is_refused, begin,
                                        end),
        cmocka_unit_test_setup_teardown(one_that_is_too_large_here_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
