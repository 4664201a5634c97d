#include "hub/serve/keeper.h"

#include "common/base/limits.h"
#include "common/log/log.h"

enum { AUTHORITY_ARENA_BYTES = 1 << 20 };

static void say_lock_wait(const struct err *why)
{
    LOG(INFO, "hub.lock_wait", F_ERR(why));
}

static bool load(const struct keeper *k, struct arena *arena, struct authority *ret,
                 struct err *err)
{
    *arena = arena_new(AUTHORITY_ARENA_BYTES);
    if (!authority_load(k->config, k->rng, clock_wall(loop_clock(k->loop)), arena, ret, err)) {
        arena_release(arena);
        return false;
    }
    return true;
}

bool keeper_open(struct keeper *k, struct loop *loop, const struct rng *rng,
                 const struct hub_config *config, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    char pins[AUTHORITY_PINS_SIZE];
    *k = (struct keeper){.loop = loop, .rng = rng, .config = config, .lock = {-1}};
    /* Before the lock, whose error would not say that there is no hub here. */
    return authority_pins(config, pins, err) && hub_path(config, "lock", path, err) &&
           files_lock_wait(path, say_lock_wait, &k->lock, err) &&
           load(k, &k->arena, &k->authority, err);
}

void keeper_close(struct keeper *k)
{
    authority_wipe(&k->authority);
    arena_release(&k->arena);
    if (k->config != NULL) {
        fd_release(&k->lock);
    }
}

struct keeper_change keeper_look(struct keeper *k)
{
    struct arena arena;
    struct authority now;
    struct err err = {0};
    if (!load(k, &arena, &now, &err)) {
        LOG(WARN, "hub.keys_not_read", F_ERR(&err), F_T("action", "the earlier ones still hold"));
        return (struct keeper_change){.is_trust = false};
    }
    bool is_trust = !str_eq(now.trusted, k->authority.trusted);
    const struct keeper_change change = {
        .is_trust = is_trust,
        .is_server = is_trust || !str_eq(now.server_cert, k->authority.server_cert),
        .is_hub = is_trust || !str_eq(now.hub_cert, k->authority.hub_cert)};
    authority_wipe(&k->authority);
    arena_release(&k->arena);
    k->arena = arena;
    k->authority = now;
    if (change.is_server || change.is_hub) {
        LOG(INFO, "hub.certificates_changed", F_T("trust", is_trust ? "changed" : "as before"),
            F_T("server", change.is_server ? "read again" : "as before"),
            F_T("hub", change.is_hub ? "from the next connection on" : "as before"));
    }
    return change;
}
