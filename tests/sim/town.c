/* town.c - what happens, and when: one queue of things to come for all loops. */
#include "tests/sim/town_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MONO_BEGIN_NS (24 * HOUR_NS)

static const char definitions[] =
    "project: town\n"
    "assets:\n"
    "  - {key: x, run: [nothing], env: {TOKEN: \"${secret:town-token}\"}}\n"
    "jobs: [{name: j, select: x, on_overlap: queue}]\n"
    "schedules: [{name: a, job: j, every: 6h}]\n";
static const char planted[] = "planted-never-to-be-seen-outside";

/* --- whose turn ------------------------------------------------------------------------------- */

static struct fake_clock *clock_of(struct town *t, int owner)
{
    return owner == TOWN_HUB ? &t->hub_clock : &t->devices[owner].clock;
}

static struct loop *loop_of(const struct town *t, int owner)
{
    return owner == TOWN_HUB ? t->hub_loop : t->devices[owner].loop;
}

static bool is_running(const struct town *t, int owner)
{
    return owner == TOWN_HUB ? t->hub != NULL : t->devices[owner].agent != NULL;
}

void town_enter(struct town *t, int owner)
{
    int64_t skew = owner == TOWN_HUB ? 0 : t->devices[owner].skew_ns;
    *clock_of(t, owner) = (struct fake_clock){.mono = {MONO_BEGIN_NS + t->now},
                                              .wall = {TOWN_BEGIN_NS + t->now + skew}};
    t->current = owner;
}

static void plan_wake(struct town *t, int owner)
{
    int64_t *planned = owner == TOWN_HUB ? &t->hub_planned : &t->devices[owner].planned;
    int64_t due = loop_due(loop_of(t, owner)).ns;
    if (due == INT64_MAX || !is_running(t, owner)) {
        return;
    }
    int64_t at = due - MONO_BEGIN_NS > t->now ? due - MONO_BEGIN_NS : t->now;
    if (at < *planned) {
        *planned = at;
        (void)town_plan(t, at - t->now, TOWN_WAKE, owner);
    }
}

void town_settle(struct town *t, int owner)
{
    struct err err = {0};
    struct loop *loop = loop_of(t, owner);
    int turns = 0;
    do {
        town_check(t, loop_turn(loop, 0, &err), &err, "turn");
        if (++turns > TOWN_TURNS_MAX) {
            town_fail(t, "%s never comes to rest",
                      owner == TOWN_HUB ? "the hub" : t->devices[owner].name);
        }
    } while (!town_has_failed(t) && is_running(t, owner) &&
             loop_due(loop).ns <= clock_of(t, owner)->mono.ns);
    t->result->turns += turns;
    plan_wake(t, owner);
    if (owner == TOWN_HUB) {
        check_hub(t);
    } else {
        check_device(t, owner);
    }
}

static void on_wake(struct town *t, const struct town_item *item)
{
    int64_t *planned = item->owner == TOWN_HUB ? &t->hub_planned : &t->devices[item->owner].planned;
    if (item->at != *planned) {
        return; /* an earlier one has come meanwhile */
    }
    *planned = INT64_MAX;
    if (is_running(t, item->owner)) {
        town_enter(t, item->owner);
        town_settle(t, item->owner);
    }
}

/* --- what happens ----------------------------------------------------------------------------- */

static void on_fault(struct town *t)
{
    /* Where a rule is broken, more of that in which it shows. */
    bool is_often = town_mutant == TOWN_NO_OFFLINE || town_mutant == TOWN_NO_RESEND;
    bool is_hub = rng_below(&t->rng, 2) == 0 && !is_often;
    int64_t most = is_often ? HOUR_NS / 2 : 12 * HOUR_NS;
    if (is_hub) {
        hub_kill(t);
    } else {
        broker_kill(t);
    }
    if (t->now < t->trouble_ends) {
        (void)town_plan_trouble(t, most / 12, most, TOWN_FAULT);
    }
}

static void happen(struct town *t, const struct town_item *item)
{
    switch (item->kind) {
    case TOWN_WAKE:
        on_wake(t, item);
        break;
    case TOWN_LINKED:
    case TOWN_GONE:
    case TOWN_SUBSCRIBED:
    case TOWN_TAKEN:
    case TOWN_MESSAGE:
        broker_handle(t, item);
        break;
    case TOWN_FAULT:
        on_fault(t);
        break;
    case TOWN_INCIDENT:
        device_incident(t, item->owner);
        break;
    case TOWN_DEVICE_UP:
        device_start(t, item->owner);
        break;
    case TOWN_HUB_UP:
        hub_start(t);
        break;
    case TOWN_BROKER_UP:
        t->broker_is_up = true;
        break;
    case TOWN_OPERATOR:
        operator_acts(t);
        break;
    case TOWN_HOSTILE:
        hostile_acts(t);
        break;
    case TOWN_CLOCK_RIGHT:
        device_clock_right(t, item->owner);
        break;
    }
}

/* --- a town ----------------------------------------------------------------------------------- */

static bool look_up_nothing(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    (void)name;
    (void)ret_value;
    return false;
}

/* One file of definitions and one planted secret for all devices. */
static bool write_device_files(struct town *t, struct agent_config *ret, struct err *err)
{
    char path[256];
    char text[1024];
    (void)snprintf(path, sizeof(path), "%s/secrets", t->options->dir);
    if (!files_make_dirs(path, 0700, err)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s/secrets/town-token", t->options->dir);
    if (!files_write(path, str_from(planted), 0600, err)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s/selvedge.yaml", t->options->dir);
    if (!files_write(path, str_from(definitions), 0600, err)) {
        return false;
    }
    (void)snprintf(text, sizeof(text),
                   "state_dir: x\ndefinitions: %s\nsecrets_dir: %s/secrets\nruns_kept: 50\n"
                   "bundle_trial: 80m\ncgroup: off\nlog_level: error\n",
                   path, t->options->dir);
    (void)snprintf(path, sizeof(path), "%s/agent.yaml", t->options->dir);
    return files_write(path, str_from(text), 0600, err) &&
           agent_config_load(path, true, &t->arena, &t->problems, ret, err);
}

static bool prepare(struct town *t, struct err *err)
{
    struct agent_config config;
    if (!hub_prepare(t, err) || !write_device_files(t, &config, err) ||
        !identity_make_key(&t->rng, &t->attacker_key, err)) {
        return false;
    }
    t->markers[t->marker_count++] = str_from(planted);
    t->markers[t->marker_count++] = str_slice(t->authority.command_key, 60, 120);
    t->markers[t->marker_count++] = str_slice(t->authority.ca_key, 60, 120);
    for (int d = 0; d < t->device_count; d++) {
        t->devices[d].config = config;
        if (!device_prepare(t, d, err)) {
            return false;
        }
    }
    return true;
}

static void begin(struct town *t)
{
    struct err err = {0};
    if (!prepare(t, &err)) {
        town_fail(t, "prepare: %s", err.msg);
        return;
    }
    hub_start(t);
    for (int d = 0; d < t->device_count; d++) {
        (void)town_plan(t, town_between(t, 0, MINUTE_NS), TOWN_DEVICE_UP, d);
        (void)town_plan(t, town_between(t, MINUTE_NS, 12 * HOUR_NS), TOWN_INCIDENT, d);
    }
    (void)town_plan(t, town_between(t, HOUR_NS, 6 * HOUR_NS), TOWN_FAULT, 0);
    (void)town_plan(t, 5 * MINUTE_NS, TOWN_OPERATOR, 0);
    (void)town_plan(t, 10 * MINUTE_NS, TOWN_HOSTILE, 0);
}

static int expected(const struct town *t)
{
    return t->device_count - (int)t->result->revoked;
}

static void name_who_is_not_settled(struct town *t)
{
    for (int i = 0; i < t->device_count; i++) {
        const struct town_device *d = &t->devices[i];
        if (!d->is_settled && !d->is_revoked) {
            town_fail(t, "%s does not come to rest: %lld of %lld told, revision %lld of %lld%s",
                      d->name, (long long)d->position.acked_seq, (long long)d->position.last_seq,
                      d->agent == NULL ? -1 : (long long)d->agent->desired.applied,
                      (long long)d->wanted, d->agent == NULL ? ", off" : "");
        }
    }
}

static void live(struct town *t)
{
    while (!town_has_failed(t) && t->settled_count < expected(t)) {
        if (t->queued == 0 || t->now > t->trouble_ends + TOWN_REST_NS) {
            name_who_is_not_settled(t);
            break;
        }
        struct town_item *item = town_next(t);
        if (t->options->on_day != NULL && item->at / (24 * HOUR_NS) > t->now / (24 * HOUR_NS)) {
            t->options->on_day(item->at / (24 * HOUR_NS), t->result);
        }
        t->now = item->at;
        t->result->steps++;
        happen(t, item);
        town_free_item(item);
    }
}

static void end(struct town *t)
{
    t->broker_is_up = false; /* nobody hears their wills */
    for (int d = 0; d < t->device_count; d++) {
        t->current = d;
        device_release(&t->devices[d]);
    }
    t->current = TOWN_HUB;
    hub_release(t);
    broker_release(t);
    while (t->queued > 0) {
        town_free_item(town_next(t));
    }
    for (int i = 0; i < t->command_count; i++) {
        free(t->commands[i].is_for);
    }
    for (int i = 0; i < t->bundle_count; i++) {
        free(t->bundles[i].was_asked);
    }
    buf_wipe(&t->attacker_key);
    buf_release(&t->lines);
    free(t->queue);
    free(t->devices);
    arena_release(&t->arena);
    free(t);
}

void town_run(const struct town_options *options, struct town_result *ret)
{
    struct town *t = calloc(1, sizeof(*t));
    struct town_device *devices = calloc((size_t)options->devices, sizeof(*devices));
    if (t == NULL || devices == NULL) {
        abort();
    }
    *ret = (struct town_result){0};
    *t = (struct town){.options = options,
                       .result = ret,
                       .seed = seeded_rng_new(options->seed),
                       .trouble_ends = options->for_ns,
                       .devices = devices,
                       .device_count = options->devices,
                       .broker_is_up = true,
                       .arena = arena_new(256 << 20),
                       .revoked_arena = arena_new(16 << 20),
                       .env = {.get = look_up_nothing},
                       .hub_state = buf_growing(4096),
                       .attacker_key = buf_growing(4096),
                       .lines = buf_growing(4 << 20)};
    t->rng = seeded_rng_port(&t->seed);
    t->problems.arena = &t->arena;
    t->revoked = strmap_new(&t->revoked_arena);
    town_here = t;
    town_mutant = options->mutant;
    begin(t);
    live(t);
    if (!town_has_failed(t)) {
        check_at_end(t);
    }
    ret->merged = t->ledger_result.events;
    end(t);
    town_here = NULL;
}
