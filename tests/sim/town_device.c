/* town_device.c - a device: the agent as the program runs it, on a disk whose power is cut, and what
 * is done to it: off for hours, its disk wiped or put back to an earlier day, its clock wrong. */
#include "tests/sim/town_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS (24 * HOUR_NS)

/* A disk's name stays as long as the town: SQLite borrows it. */
static const char *name_disk(struct town *t, struct town_device *d)
{
    struct str name = arena_printf(&t->arena, "%s.%d", d->name, d->disks++);
    if (name.ptr == NULL) {
        abort();
    }
    return name.ptr;
}

static void new_disk(struct town *t, struct town_device *d)
{
    d->vfs = power_vfs_new(name_disk(t, d), rng_u64(&t->rng));
}

/* --- enrolment -------------------------------------------------------------------------------- */

static bool enrol(struct town *t, struct town_device *d, const char *token, const char *secret,
                  struct err *err)
{
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) key = buf_growing(16 << 10);
    AUTO(buf) csr = buf_growing(16 << 10);
    char path[LIMIT_PATH_BYTES + 1];
    struct enrol_outcome outcome;
    struct identity_info info;
    const struct wall_time now = {TOWN_BEGIN_NS};
    const struct enrol_authority authority =
        authority_for_devices(&t->authority, &t->hub_config, &t->rng);
    (void)snprintf(path, sizeof(path), "%s/identity", d->dir);
    if (!files_make_dirs(path, 0700, err) || !identity_make_key(&d->rng, &key, err) ||
        !identity_make_csr(&d->rng, buf_str(&key), str_from(d->name), &csr, err)) {
        return false;
    }
    const struct message_enrol_request request = {.token_id = str_from(token),
                                                  .token_secret = str_from(secret),
                                                  .device = str_from(d->name),
                                                  .csr_pem = buf_str(&csr),
                                                  .version = STR("1"),
                                                  .board = STR("sim")};
    if (!registry_enrol(t->registry, &authority, &request, now, &arena, &outcome, err)) {
        return false;
    }
    if (!outcome.reply.accepted) {
        return err_set(err, ERR_DENIED, STR_FMT, STR_ARG(outcome.reply.reason));
    }
    const struct device_identity identity = {.fleet = t->hub_config.fleet,
                                             .device = outcome.reply.device,
                                             .host = outcome.reply.host,
                                             .port = outcome.reply.port,
                                             .cert_pem = outcome.reply.cert_pem,
                                             .ca_pem = outcome.reply.ca_pem,
                                             .command_keys = outcome.reply.command_keys};
    if (t->marker_count < 2) { /* of one device: it stands for all */
        t->markers[t->marker_count++] = arena_copy(&t->arena, str_slice(buf_str(&key), 60, 120));
    }
    (void)snprintf(path, sizeof(path), "%s/identity/key.pem", d->dir);
    if (!files_write(path, buf_str(&key), 0600, err) ||
        !device_identity_save(d->dir, &identity, err) ||
        !identity_read_cert(outcome.reply.cert_pem, &info, err)) {
        return false;
    }
    (void)snprintf(d->serial, sizeof(d->serial), "%s", info.serial);
    return true;
}

/* One token for all, whose secret is told here and never again. */
static bool token_for_all(struct town *t, char id[TOKEN_ID_SIZE], char secret[TOKEN_SECRET_SIZE],
                          struct err *err)
{
    const struct label_change label = {.key = STR("site"), .value = STR("town")};
    const struct token_options options = {.label = STR("town"),
                                          .max_uses = t->device_count,
                                          .expires = {TOWN_BEGIN_NS + HOUR_NS},
                                          .labels = &label,
                                          .label_count = 1};
    if (!registry_create_token(t->registry, &t->rng, &options, (struct wall_time){TOWN_BEGIN_NS},
                               id, secret, err)) {
        return false;
    }
    t->markers[t->marker_count++] = arena_copy(&t->arena, str_from(secret));
    return true;
}

/* --- life ------------------------------------------------------------------------------------- */

bool device_prepare(struct town *t, int number, struct err *err)
{
    static char token[TOKEN_ID_SIZE];
    static char secret[TOKEN_SECRET_SIZE];
    struct town_device *d = &t->devices[number];
    if (number == 0 && !token_for_all(t, token, secret, err)) {
        return false;
    }
    (void)snprintf(d->name, sizeof(d->name), "d%d", number);
    (void)snprintf(d->dir, sizeof(d->dir), "%s/%s", t->options->dir, d->name);
    d->seed = seeded_rng_new(rng_u64(&t->rng));
    d->rng = seeded_rng_port(&d->seed);
    d->clock = (struct fake_clock){.mono = {DAY_NS}, .wall = {TOWN_BEGIN_NS}};
    d->planned = INT64_MAX;
    d->retained = buf_growing(256 << 10);
    d->last_batch = buf_growing(1 << 20);
    d->config.state_dir = str_from(d->dir);
    (void)snprintf(d->told.name, sizeof(d->told.name), "%s", d->name);
    d->told.buffer = &d->position;
    d->told.epoch_now = -1;
    new_disk(t, d);
    return loop_open(&d->loop, fake_clock_port(&d->clock), err) && enrol(t, d, token, secret, err);
}

void device_start(struct town *t, int number)
{
    struct town_device *d = &t->devices[number];
    struct err err = {0};
    const struct agent_options options = {
        .config = &d->config, .env = &t->env, .problems = &t->problems, .is_daemon = true};
    town_enter(t, number);
    power_vfs_make_default(d->vfs);
    bool ok = agent_open(&d->agent, d->loop, &d->rng, &options, &err);
    power_vfs_end_default();
    if (!ok) {
        d->agent = NULL;
        town_fail(t, "%s does not start: %s", d->name, err.msg);
        return;
    }
    agent_start(d->agent);
    town_settle(t, number);
}

/* The power is cut: what was not synced is torn. */
void device_stop(struct town *t, int number)
{
    struct town_device *d = &t->devices[number];
    if (d->agent == NULL) {
        return;
    }
    t->result->power_cuts++;
    t->current = number;
    power_vfs_arm(d->vfs, rng_below(&t->rng, 2) == 0 ? POWER_SYNC : POWER_WRITE, 0, POWER_CUT);
    agent_close(d->agent);
    d->agent = NULL;
    power_vfs_reboot(d->vfs, rng_u64(&t->rng));
    if (town_mutant == TOWN_LAZY_DISK && d->image != NULL) { /* and nobody is told */
        power_vfs_free(d->vfs);
        d->vfs = d->image;
        d->image = NULL;
    }
}

static void take_image(struct town *t, struct town_device *d)
{
    power_vfs_free(d->image);
    d->image = power_vfs_copy(d->vfs, name_disk(t, d), rng_u64(&t->rng));
    d->image_seq = d->position.last_seq;
    d->image_acked = d->position.acked_seq;
    memcpy(d->image_epoch, d->position.epoch, sizeof(d->image_epoch));
    d->told.image_branch = ledger_now(&d->told)->branch_now;
    line_copy(&d->image_line, &d->line);
}

static void wipe(struct town *t, struct town_device *d)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err err = {0};
    t->result->wiped++;
    power_vfs_free(d->vfs);
    new_disk(t, d);
    (void)snprintf(path, sizeof(path), "%s/bundles", d->dir);
    if (files_exist(path)) {
        town_check(t, files_remove_tree(path, &err), &err, "wipe");
    }
    line_release(&d->line);
    d->line = (struct town_line){0};
    d->position = (struct buffer){0}; /* check_device() sees that it begins anew */
}

static void put_back(struct town *t, struct town_device *d)
{
    t->result->put_back++;
    power_vfs_free(d->vfs);
    d->vfs = d->image;
    d->image = NULL;
    line_copy(&d->line, &d->image_line);
    memcpy(d->position.epoch, d->image_epoch, sizeof(d->image_epoch));
    d->position.last_seq = d->image_seq;
    d->position.acked_seq = d->image_acked;
    ledger_put_back(&t->ledger, &d->told, d->image_epoch, d->told.image_branch, d->image_seq);
}

static void tell_step(struct town *t, int number)
{
    struct agent *agent = t->devices[number].agent;
    if (agent == NULL) {
        return;
    }
    town_enter(t, number); /* as agent.c's on_clock_step() */
    scheduler_clock_stepped(agent->scheduler);
    renewer_clock_stepped(agent->renewer);
    asset_watch_clock_stepped(&agent->assets);
    agent_command_clock_stepped(agent);
    town_settle(t, number);
}

void device_clock_right(struct town *t, int number)
{
    t->devices[number].skew_ns = 0;
    tell_step(t, number);
}

static void wrong_clock(struct town *t, int number)
{
    static const int64_t wrong[] = {-30 * 365, 5 * 365, 2, 3, -1, -2};
    struct town_device *d = &t->devices[number];
    if (d->skew_ns != 0) {
        return;
    }
    t->result->clocks++;
    uint64_t kind = rng_below(&t->rng, 6);
    if (town_mutant == TOWN_TICK_AGAIN || kind < 2) { /* it ticks ahead, and the time comes again */
        d->skew_ns = town_between(t, 25 * HOUR_NS, 30 * HOUR_NS);
    } else if (kind < 4) {
        d->skew_ns = town_between(t, -2 * HOUR_NS, 2 * HOUR_NS);
    } else {
        d->skew_ns = wrong[rng_below(&t->rng, COUNT_OF(wrong))] * DAY_NS;
    }
    town_plan_trouble(t, MINUTE_NS, 10 * HOUR_NS, TOWN_CLOCK_RIGHT)->owner = number;
    tell_step(t, number);
}

enum incident { WRONG_CLOCK, TAKE_IMAGE, BREAK_LINK, CUT_POWER, WIPE, PUT_BACK };

/* Where a rule is broken, more of that in which it shows. */
static enum incident draw(struct town *t)
{
    static const unsigned char chances[] = {4, 2, 7, 4, 1, 2}; /* of 20 */
    uint64_t dice = rng_below(&t->rng, 20);
    if (town_mutant == TOWN_LAZY_DISK && dice < 12) {
        return dice < 6 ? TAKE_IMAGE : CUT_POWER;
    }
    if ((town_mutant == TOWN_TICK_AGAIN || town_mutant == TOWN_NO_EXPIRY) && dice < 12) {
        return WRONG_CLOCK;
    }
    enum incident kind = WRONG_CLOCK;
    while (dice >= chances[kind]) {
        dice -= chances[kind++];
    }
    return kind;
}

static void cut_power(struct town *t, int number, enum incident kind)
{
    struct town_device *d = &t->devices[number];
    device_stop(t, number);
    if (kind == WIPE) {
        wipe(t, d);
    } else if (kind == PUT_BACK && d->image != NULL) {
        put_back(t, d);
    }
    int64_t most = rng_below(&t->rng, 4) == 0 ? 12 * HOUR_NS : 5 * MINUTE_NS;
    town_plan_trouble(t, NS_PER_SEC, most, TOWN_DEVICE_UP)->owner = number;
}

void device_incident(struct town *t, int number)
{
    enum incident kind = draw(t);
    if (t->now > t->trouble_ends) {
        return;
    }
    town_plan_trouble(t, HOUR_NS, 24 * HOUR_NS, TOWN_INCIDENT)->owner = number;
    if (t->devices[number].agent == NULL) {
        return;
    }
    switch (kind) {
    case WRONG_CLOCK:
        wrong_clock(t, number);
        break;
    case TAKE_IMAGE:
        take_image(t, &t->devices[number]);
        break;
    case BREAK_LINK:
        broker_break_link(t, number);
        break;
    case CUT_POWER:
    case WIPE:
    case PUT_BACK:
        cut_power(t, number, kind);
        break;
    }
}

void device_release(struct town_device *d)
{
    agent_close(d->agent);
    loop_close(d->loop);
    power_vfs_free(d->vfs);
    power_vfs_free(d->image);
    ledger_release(&d->told);
    line_release(&d->line);
    line_release(&d->image_line);
    buf_release(&d->retained);
    buf_release(&d->last_batch);
    free(d->issued);
}
