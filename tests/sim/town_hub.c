/* town_hub.c - the hub: `serve` as the program runs it, set up as `init` does, and what stands beside
 * it as command lines do. */
#include "hub/store/store.h"
#include "tests/sim/town_internal.h"
#include <stdio.h>
#include <stdlib.h>

static bool make_hub(struct town *t, struct err *err)
{
    const struct wall_time now = {TOWN_BEGIN_NS};
    struct db *store = NULL;
    struct registry *registry = NULL;
    bool ok = files_make_dirs(t->hub_dir, 0700, err) &&
              hub_store_open(&store, &(struct hub_store_options){.path = t->database}, err) &&
              registry_open(&registry, t->database, err) &&
              registry_set_fleet(registry, t->hub_config.fleet, now, err) &&
              authority_make(&t->hub_config, &t->rng, now, err);
    registry_close(registry);
    db_close(store);
    return ok && authority_load(&t->hub_config, &t->rng, now, &t->arena, &t->authority, err);
}

static bool prepare_checks(struct town *t, struct err *err)
{
    t->ledger.options = NULL;
    t->ledger.result = &t->ledger_result;
    return hub_store_open(&t->log,
                          &(struct hub_store_options){.path = t->database, .flags = DB_READ_ONLY},
                          err) &&
           db_prepare(t->log,
                      STR("SELECT e.seq, coalesce(e.from_seq, e.seq), e.body, e.type FROM stream s "
                          "JOIN event e ON e.stream_id = s.id "
                          "WHERE s.device = ? AND s.epoch = ? AND e.seq > ? ORDER BY e.seq"),
                      &t->ledger.rows, err) &&
           db_prepare(t->log, STR("SELECT status, wave FROM deployment WHERE id = ?"), &t->state,
                      err) &&
           db_prepare(t->log,
                      STR("SELECT count(*), coalesce(sum(b.status IN ('failed', 'rolled_back')), "
                          "0) FROM deployment_device d LEFT JOIN bundle_state b "
                          "ON b.device = d.device AND b.bundle = ?2 "
                          "WHERE d.deployment = ?1 AND d.wave < ?3 AND d.asked_ms IS NOT NULL "
                          "AND NOT d.is_superseded"),
                      &t->failing, err);
}

bool hub_prepare(struct town *t, struct err *err)
{
    char text[512];
    (void)snprintf(t->hub_dir, sizeof(t->hub_dir), "%s/hub", t->options->dir);
    (void)snprintf(t->database, sizeof(t->database), "%s/hub.db", t->hub_dir);
    (void)snprintf(text, sizeof(text),
                   "state_dir: %s\nfleet: main\nhost: 127.0.0.1\nbroker: external\n"
                   "certificate_lifetime: %llds\n",
                   t->hub_dir, (long long)(t->options->for_ns / 4 * 3 / NS_PER_SEC));
    t->hub_clock = (struct fake_clock){.mono = {24 * HOUR_NS}, .wall = {TOWN_BEGIN_NS}};
    t->hub_planned = INT64_MAX;
    return hub_config_parse(arena_copy(&t->arena, str_from(text)), "hub.yaml", &t->arena,
                            &t->problems, &t->hub_config, err) &&
           make_hub(t, err) && loop_open(&t->hub_loop, fake_clock_port(&t->hub_clock), err) &&
           registry_open(&t->registry, t->database, err) &&
           orders_open(&t->orders, t->database, err) &&
           desired_rows_open(&t->desired, t->database, err) &&
           deployments_open(&t->deployments, t->database, err) && prepare_checks(t, err);
}

void hub_start(struct town *t)
{
    struct err err = {0};
    town_enter(t, TOWN_HUB);
    if (!serve_open(&t->hub, t->hub_loop, &t->rng, &t->hub_config, &err)) {
        t->hub = NULL;
        town_fail(t, "the hub does not start: %s", err.msg);
        return;
    }
    town_settle(t, TOWN_HUB);
}

/* What it had not committed is gone. */
void hub_kill(struct town *t)
{
    if (t->hub == NULL) {
        return;
    }
    t->result->hub_kills++;
    t->current = TOWN_HUB;
    serve_close(t->hub);
    t->hub = NULL;
    int64_t most = rng_below(&t->rng, 20) == 0 ? 6 * HOUR_NS : 3 * MINUTE_NS;
    (void)town_plan_trouble(t, NS_PER_SEC, most, TOWN_HUB_UP);
}

void hub_release(struct town *t)
{
    serve_close(t->hub);
    deployments_close(t->deployments);
    desired_rows_close(t->desired);
    orders_close(t->orders);
    registry_close(t->registry);
    db_finish(&t->state);
    db_finish(&t->failing);
    db_finish(&t->ledger.rows);
    db_close(t->log);
    loop_close(t->hub_loop);
    authority_wipe(&t->authority);
}
