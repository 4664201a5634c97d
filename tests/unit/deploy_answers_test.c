/* deploy_answers_test.c - what counts as a device's answer to a deployment: what it said since it was
 * asked, or what is still in force, and not what it once said of a bundle that it left since. */
#include "common/db/db.h"
#include "hub/deploy/deployments.h"
#include "hub/store/store.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>

static struct temp_dir dir;
static struct db *db;
static struct deployments *deployments;
static struct err err;
static int64_t seq, now_ms;

static void check(bool ok)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err.code), err.msg);
    }
}

static int begin(void **state)
{
    (void)state;
    char path[256];
    err = (struct err){0};
    seq = 0;
    now_ms = INT64_C(1795000000000);
    dir = temp_dir_new();
    (void)snprintf(path, sizeof(path), "%s/hub.db", dir.path);
    check(hub_store_open(&db, &(struct hub_store_options){.path = path}, &err));
    check(deployments_open(&deployments, path, &err));
    check(db_exec(db,
                  "INSERT INTO bundle (hash, made_ms, files, bytes, source) "
                  "VALUES ('one', 1, 1, 1, 'one'), ('two', 1, 1, 1, 'two')",
                  &err));
    return 0;
}

static int end(void **state)
{
    (void)state;
    deployments_close(deployments);
    db_close(db);
    temp_dir_release(&dir);
    return 0;
}

static void none(void *ctx, const struct deployment *deployment,
                 const struct wave_decision *decision)
{
    (void)ctx;
    (void)deployment;
    (void)decision;
}

static void go_on(void)
{
    struct deployments_outcome outcome;
    for (int i = 0; i < 4; i++) {
        now_ms += 1000;
        check(deployments_go_on(deployments, (struct wall_time){now_ms * NS_PER_MS}, none, NULL,
                                &outcome, &err));
    }
}

/* One device, one wave, no soak; asked at once. */
static void deploy(const char *id, const char *bundle)
{
    char sql[640];
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO deployment (id, bundle, targets, waves, abort_if, keeps_on_abort, "
                   "soak_ms, patience_ms, made_ms, status) "
                   "VALUES ('%s', '%s', '*', '100%%', 'never', 0, 0, 60000, %lld, 'running');"
                   "INSERT INTO deployment_device (deployment, device, wave) "
                   "VALUES ('%s', 'ferry', 1)",
                   id, bundle, (long long)now_ms, id);
    check(db_exec(db, sql, &err));
    go_on();
}

static void says(const char *bundle, const char *status, const char *current)
{
    char sql[640];
    seq++;
    (void)snprintf(
        sql, sizeof(sql),
        "INSERT INTO bundle_state (device, bundle, stream_ms, epoch, seq, at_ms, status, current) "
        "VALUES ('ferry', '%s', 1, 'e', %lld, %lld, '%s', '%s') ON CONFLICT DO UPDATE SET "
        "seq = excluded.seq, at_ms = excluded.at_ms, status = excluded.status, current = "
        "excluded.current",
        bundle, (long long)seq, (long long)now_ms, status, current);
    check(db_exec(db, sql, &err));
    go_on();
}

static void is(const char *id, const char *status)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct deployment found;
    check(deployments_find(deployments, str_from(id), &arena, &found, &err));
    if (!str_eq(found.status, str_from(status))) {
        fail_msg("deployment %s is " STR_FMT ", not %s", id, STR_ARG(found.status), status);
    }
}

static void an_answer_since_it_was_asked(void **state)
{
    (void)state;
    deploy("d1", "one");
    is("d1", "running");
    says("one", "applied", "one");
    is("d1", "running");
    says("one", "healthy", "one");
    is("d1", "done");
}

static void back_to_a_bundle_that_it_had_before(void **state)
{
    (void)state;
    deploy("d1", "one");
    says("one", "healthy", "one");
    is("d1", "done");
    deploy("d2", "two");
    says("two", "healthy", "two");
    is("d2", "done");
    deploy("d3", "one");
    is("d3", "running"); /* it was healthy once, and is not in force now */
    says("one", "applied", "one");
    is("d3", "running");
    says("one", "healthy", "one");
    is("d3", "done");
}

static void one_that_it_runs_already(void **state)
{
    (void)state;
    says("one", "healthy", "one");
    deploy("d1", "one");
    is("d1", "done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_since_it_was_asked, begin, end),
        cmocka_unit_test_setup_teardown(back_to_a_bundle_that_it_had_before, begin, end),
        cmocka_unit_test_setup_teardown(one_that_it_runs_already, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
