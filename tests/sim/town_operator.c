/* town_operator.c - what people ask for, beside a running hub as command lines do; and what a hostile
 * broker does with what it has heard. */
#include "tests/sim/town_internal.h"

#include "common/wire/signed.h"
#include "hub/fleet/poke.h"
#include "tests/support/shelf_pack.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct wall_time wall(const struct town *t)
{
    return (struct wall_time){TOWN_BEGIN_NS + t->now};
}

/* The hub hears of it now; one that is not there hears it at its next start. */
static void poke(struct town *t)
{
    if (t->hub != NULL) {
        town_enter(t, TOWN_HUB);
        poke_send(&t->hub_config);
        town_settle(t, TOWN_HUB);
    }
}

static bool *flags(const struct town *t)
{
    bool *new = calloc((size_t)t->device_count, sizeof(*new));
    if (new == NULL) {
        abort();
    }
    return new;
}

/* --- commands --------------------------------------------------------------------------------- */

static void give_command(struct town *t)
{
    static const struct {
        struct str verb, args;
    } kinds[] = {{STR_INIT("ping"), STR_INIT("{}")},
                 {STR_INIT("materialize"), STR_INIT("{\"selection\":\"x\"}")},
                 {STR_INIT("materialize"), STR_INIT("{\"selection\":\"x\"}")},
                 {STR_INIT("run_job"), STR_INIT("{\"job\":\"j\"}")},
                 {STR_INIT("describe"), STR_INIT("{}")}};
    AUTO(arena) arena = arena_new(1 << 20);
    size_t kind = rng_below(&t->rng, COUNT_OF(kinds));
    struct err err = {0};
    struct order_given given;
    if (t->command_count == TOWN_COMMANDS_MAX) {
        return;
    }
    struct town_command *c = &t->commands[t->command_count];
    struct str *names = arena_array(&arena, (size_t)t->device_count, sizeof(*names));
    struct order order = {
        .fleet = t->hub_config.fleet,
        .targets = STR("some"),
        .devices = names,
        .verb = kinds[kind].verb,
        .args = kinds[kind].args,
        .life_ns = town_between(t, 2 * MINUTE_NS,
                                rng_below(&t->rng, 3) == 0 ? 15 * MINUTE_NS : 12 * HOUR_NS)};
    c->is_for = flags(t);
    uint64_t share = 1 + rng_below(&t->rng, 5);
    for (int d = 0; d < t->device_count; d++) {
        if (!t->devices[d].is_revoked && rng_below(&t->rng, 10) < share) {
            names[order.device_count++] = str_from(t->devices[d].name);
            c->is_for[d] = true;
        }
    }
    bool ok = order.device_count > 0 && orders_give(t->orders, &t->rng, t->authority.command_key,
                                                    &order, wall(t), &given, &err);
    if (!ok) {
        free(c->is_for);
        town_check(t, order.device_count == 0, &err, "give a command");
        return;
    }
    memcpy(c->id, given.id, sizeof(c->id));
    c->expires = given.expires;
    t->command_count++;
    t->result->commands++;
    poke(t);
}

/* --- desired state ---------------------------------------------------------------------------- */

static void want_something(struct town *t)
{
    static const char *const names[] = {"base", "more", "most"};
    static const char *const missed[] = {"\"latest\"", "\"skip\"", "{\"all\":3}"};
    char content[512];
    char target[64];
    struct err err = {0};
    int which = (int)rng_below(&t->rng, COUNT_OF(names));
    (void)snprintf(target, sizeof(target), "%s", "*");
    if (which == 2) {
        (void)snprintf(target, sizeof(target), "d%d,d%d",
                       (int)rng_below(&t->rng, (uint64_t)t->device_count),
                       (int)rng_below(&t->rng, (uint64_t)t->device_count));
    }
    (void)snprintf(
        content, sizeof(content),
        "{\"schedules\":[{\"name\":\"%c\",\"job\":\"j\",\"every\":\"%dh\",\"missed\":%s},"
        "{\"name\":\"a\",\"job\":\"j\",\"cron\":\"%d */4 * * *\"}]}",
        (char)('e' + which), 2 + (int)rng_below(&t->rng, 5),
        missed[rng_below(&t->rng, COUNT_OF(missed))], (int)rng_below(&t->rng, 60));
    const struct document_row row = {.name = str_from(names[which]),
                                     .target = str_from(target),
                                     .content = str_from(content),
                                     .priority = which,
                                     .set = wall(t)};
    town_check(t, document_set(t->desired, &row, &err), &err, "want something");
    poke(t);
}

/* --- bundles ---------------------------------------------------------------------------------- */

/* In three of five nothing is wrong; one has an asset that fails, which did not fail before; one
 * cannot be loaded. */
static bool write_bundle(struct town *t, const struct town_bundle *b, struct err *err)
{
    char text[1024];
    char path[256];
    uint64_t fault = rng_below(&t->rng, 5);
    (void)snprintf(text, sizeof(text),
                   "project: town\nassets:\n"
                   "  - {key: x, run: [nothing], env: {TOKEN: \"${secret:town-token}\"}}\n"
                   "  - {key: z%d, run: [nothing]}\n"
                   "jobs: [{name: j, select: \"%s\", on_overlap: queue}]\n"
                   "schedules: [{name: b, job: %s, every: 1h}]\n",
                   t->bundle_count, fault == 0 ? "*" : "x", fault == 1 ? "gone" : "j");
    (void)snprintf(path, sizeof(path), "%s/selvedge.yaml", b->dir);
    if (!files_make_dirs(b->dir, 0700, err) || !files_write(path, str_from(text), 0644, err)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s/note.txt", b->dir);
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        text[i] = (char)('a' + rng_below(&t->rng, 26));
    }
    return files_write(path, (struct str){text, sizeof(text) - 1}, 0644, err);
}

static void deploy(struct town *t)
{
    struct town_bundle *b = &t->bundles[t->bundle_count];
    struct shelf_packed packed;
    struct err err = {0};
    int64_t devices = 0;
    if (t->device_count > 100 && rng_below(&t->rng, 4) != 0) {
        return; /* a trial is a thousand looks of each */
    }
    if (t->bundle_count == TOWN_BUNDLES_MAX || (t->bundle_count > 0 && !b[-1].is_over)) {
        return;
    }
    *b = (struct town_bundle){0};
    (void)snprintf(b->dir, sizeof(b->dir), "%s/b%d", t->options->dir, t->bundle_count);
    const struct shelf_signer signer = {.key = t->authority.command_key, .rng = &t->rng};
    int64_t new_files = 0;
    const struct deployment_options options = {.bundle = &packed,
                                               .source = str_from(b->dir),
                                               .registry = t->registry,
                                               .targets = STR("*"),
                                               .waves = STR("1,10%,50%,100%"),
                                               .abort_if = STR("failed > 20%"),
                                               .soak_ns = 10 * MINUTE_NS,
                                               .patience_ns = 4 * HOUR_NS};
    if (!write_bundle(t, b, &err) ||
        !shelf_pack(&t->hub_config, b->dir, &signer, &packed, &new_files, &err) ||
        !deployments_add(t->deployments, &t->rng, &options, wall(t), b->deployment, &devices,
                         &err)) {
        town_fail(t, "deploy: %s", err.msg);
        return;
    }
    memcpy(b->hash, packed.hash, sizeof(b->hash));
    b->was_asked = flags(t);
    t->bundle_count++;
    t->bundles_said = t->now;
    t->result->deployments++;
    poke(t);
}

/* --- revocation ------------------------------------------------------------------------------- */

static int64_t merged_of(struct town *t, const struct town_device *d)
{
    char sql[200];
    int64_t count = 0;
    bool found = false;
    struct err err = {0};
    (void)snprintf(sql, sizeof(sql),
                   "SELECT count(*) FROM stream s JOIN event e ON e.stream_id = s.id WHERE "
                   "s.device = '%s'",
                   d->name);
    town_check(t, db_scalar_i64(t->log, sql, &count, &found, &err), &err, "count");
    return count;
}

/* One in twenty at most. */
static void revoke(struct town *t)
{
    struct err err = {0};
    struct town_device *d = &t->devices[rng_below(&t->rng, (uint64_t)t->device_count)];
    if (t->hub == NULL || d->is_revoked || t->result->revoked * 20 >= t->device_count) {
        return;
    }
    d->is_revoked = true;
    t->result->revoked++;
    town_check(t,
               registry_shut_out(t->registry, str_from(d->name), SHUT_OUT_REVOKED, STR("stolen"),
                                 wall(t), &err),
               &err, "revoke");
    poke(t); /* the hub has heard it when this returns */
    d->is_cut = true;
    d->merged_at_cut = merged_of(t, d);
}

void operator_acts(struct town *t)
{
    uint64_t what = rng_below(&t->rng, 10);
    if (t->now > t->trouble_ends) {
        return;
    }
    if (town_mutant == TOWN_HEAR_REVOKED || town_mutant == TOWN_CUT_NEIGHBOUR) {
        what = what < 5 ? 9 : what;
    }
    (void)town_plan_trouble(t, 10 * MINUTE_NS, 2 * HOUR_NS, TOWN_OPERATOR);
    if (what < 5) {
        give_command(t);
    } else if (what < 7) {
        want_something(t);
    } else if (what < 9) {
        deploy(t);
    } else {
        revoke(t);
    }
}

/* --- the hostile broker ----------------------------------------------------------------------- */

/* A command that nobody gave, signed with a key of its own. */
static void forge(struct town *t, int device)
{
    AUTO(buf) body = buf_growing(4096);
    AUTO(buf) message = buf_growing(8192);
    char id[UUID_TEXT_SIZE];
    const struct str to[] = {STR_INIT("*")};
    struct err err = {0};
    (void)snprintf(id, sizeof(id), "01a20425-dd00-753f-8b4a-%012d",
                   (int)rng_below(&t->rng, 1000000000));
    const struct command c = {.fleet = t->hub_config.fleet,
                              .to = to,
                              .to_count = 1,
                              .id = str_from(id),
                              .counter = 1000000 + t->result->forged,
                              .issued_at = wall(t),
                              .expires_at = {wall(t).ns + HOUR_NS},
                              .verb = STR("ping")};
    command_encode(&c, &body);
    town_check(t, signed_make(&t->rng, buf_str(&t->attacker_key), buf_str(&body), &message, &err),
               &err, "forge");
    broker_inject(t, device, CHANNEL_CMD, buf_str(&message));
}

/* What a revoked device said last, as if it were still let in. */
static void say_for_revoked(struct town *t)
{
    int device = (int)rng_below(&t->rng, (uint64_t)t->device_count);
    while (!t->devices[device].is_cut) {
        device = (device + 1) % t->device_count;
    }
    const struct buf *said = &t->devices[device].last_batch;
    if (said->len > 0) {
        broker_inject(t, device, CHANNEL_EVENTS, buf_str(said));
    }
}

/* To whom it was meant or to another, as it was or harmed. */
static void say_again(struct town *t, int device)
{
    size_t known = t->heard_count < TOWN_HEARD_MAX ? t->heard_count : TOWN_HEARD_MAX;
    const struct town_heard *h = &t->heard[rng_below(&t->rng, known)];
    AUTO(buf) copy = buf_growing(1 << 20);
    buf_add(&copy, buf_str(&h->payload));
    if (rng_below(&t->rng, 4) == 0 && copy.len > 0) {
        copy.ptr[rng_below(&t->rng, copy.len)] ^= 4;
    }
    bool is_moved = rng_below(&t->rng, 3) == 0;
    broker_inject(t, is_moved ? device : h->device, h->channel, buf_str(&copy));
}

void hostile_acts(struct town *t)
{
    int device = (int)rng_below(&t->rng, (uint64_t)t->device_count);
    if (t->now > t->trouble_ends) {
        return;
    }
    int64_t most = 6 * HOUR_NS / t->device_count + NS_PER_SEC;
    (void)town_plan_trouble(t, NS_PER_SEC / 2, most, TOWN_HOSTILE);
    t->result->forged++;
    uint64_t what = rng_below(&t->rng, 8);
    if (what == 0 && t->result->revoked > 0) {
        say_for_revoked(t);
    } else if (what < 3 || t->heard_count == 0) {
        forge(t, device);
    } else {
        say_again(t, device);
    }
}
