/* signed.c - what operators signed elsewhere, with a key that devices trust: desired state and commands. The
 * hub keeps it as it came and sends it. */
#include "hub/api/api_internal.h"

#include "common/wire/signed.h"
#include "hub/command/keyring.h"
#include "hub/fleet/poke.h"
#include "hub/fleet/targets.h"
#include "hub/rows/order_rows.h"

enum { KEYS_BYTES_MAX = 64 << 10, MESSAGE_ARENA_BYTES = 8 << 20 };

/* The part of the request that a trusted key signed. `keys` holds those that are. */
static bool open_signed(const struct api *api, const struct http_request *rq, struct buf *keys,
                        struct str *ret_body, struct err *err)
{
    char key[KEY_ID_SIZE];
    if (!str_starts(rq->headers.content_type, STR(HTTP_BYTES))) {
        return err_set(err, ERR_INVALID, "the body must be " HTTP_BYTES);
    }
    if (!keyring_read(api->config, keys, err)) {
        err->code = err->code == ERR_NOT_FOUND ? ERR_EXISTS : err->code; /* 409: none yet */
        return false;
    }
    if (signed_open(rq->body, buf_str(keys), ret_body, key, err)) {
        return true;
    }
    return err->code == ERR_DENIED
               ? err_hint(err, "the keys that devices trust: selvedge-hub key list")
               : false;
}

/* --- desired state ----------------------------------------------------------------------------- */

static bool take_desired(struct api *api, struct http_request *rq, struct desired *ret,
                         struct err *err)
{
    AUTO(buf) keys = buf_growing(KEYS_BYTES_MAX);
    struct str body = STR_NONE;
    return open_signed(api, rq, &keys, &body, err) && desired_decode(body, rq->arena, ret, err) &&
           desired_sign(api->desired, ret->device, body, rq->body, err);
}

bool api_signed_desired(void *ctx, struct http_request *rq, struct http_response *rs,
                        struct err *err)
{
    struct api *api = ctx;
    struct desired desired = {0};
    struct json_writer w = json_writer(&rs->body);
    bool ok = take_desired(api, rq, &desired, err);
    api_audit(api, rq, "desired.sign", desired.device, ok ? "ok" : "refused",
              ok ? STR_NONE : str_from(err->msg));
    if (!ok) {
        err->code = err->code == ERR_NOT_FOUND ? ERR_INVALID : err->code; /* the address is there */
        return false;
    }
    poke_send(api->config);
    jw_begin_object(&w);
    jw_member_str(&w, "device", desired.device);
    jw_member_i64(&w, "revision", desired.revision);
    jw_end_object(&w);
    return true;
}

/* --- a command --------------------------------------------------------------------------------- */

struct taking {
    struct api *api;
    struct http_request *rq;
    struct arena arena;
    struct buf keys; /* that are trusted */
    struct command command;
    struct str targets;
    struct chosen chosen;
    struct order_pace pace;
    struct order_given given;
};

/* The devices that it names, as targets. */
static bool find_devices(struct taking *t, struct err *err)
{
    AUTO(buf) names = buf_growing(TARGETS_BYTES_MAX);
    for (size_t i = 0; i < t->command.to_count; i++) {
        buf_add(&names, i == 0 ? STR("") : STR(","));
        buf_add(&names, t->command.to[i]);
    }
    t->targets = arena_copy(t->rq->arena, buf_str(&names));
    return chosen_find(t->api->registry, t->targets, &t->chosen, err);
}

/* What devices trust that enrol from now on, and what the hub takes commands by. */
static bool adopt_keys(const struct taking *t, struct err *err)
{
    AUTO(arena) arena = arena_new(COMMAND_ARENA_BYTES);
    struct command_args args;
    return command_read_args(&t->command, &arena, &args, err) &&
           keyring_write(t->api->config, args.keys, err);
}

static bool keep(struct taking *t, struct err *err)
{
    struct orders *orders = t->api->orders;
    struct wall_time now = t->rq->now;
    bool is_trust = str_eq(t->command.verb, STR("trust"));
    const struct order order = {.fleet = t->api->config->fleet,
                                .targets = t->targets,
                                .devices = t->chosen.devices,
                                .device_count = t->chosen.count,
                                .pace = t->pace,
                                .given_by = api_who(t->rq)};
    if (is_trust && !orders_withdraw_verb(orders, t->command.verb, STR("other keys took its place"),
                                          now, err)) {
        return false;
    }
    return orders_take(orders, t->rq->body, buf_str(&t->keys), &order, now, &t->given, err) &&
           (!is_trust || adopt_keys(t, err));
}

static bool check_role(const struct taking *t, struct err *err)
{
    bool is_for_admins =
        str_eq(t->command.verb, STR("trust")) || str_eq(t->command.verb, STR("decommission"));
    return !is_for_admins || t->rq->role >= HTTP_ADMIN ||
           err_set(err, ERR_DENIED, "only an admin gives the command " STR_FMT,
                   STR_ARG(t->command.verb));
}

static bool take_command(struct taking *t, struct err *err)
{
    struct str body = STR_NONE;
    return open_signed(t->api, t->rq, &t->keys, &body, err) &&
           command_decode(body, &t->arena, &t->command, err) && check_role(t, err) &&
           find_devices(t, err) && keep(t, err);
}

static bool read_pace(struct taking *t, struct err *err)
{
    const struct http_target *query = &t->rq->target;
    struct api_pace pace = {.device_timeout = http_target_get(query, "device_timeout"),
                            .abort_if = http_target_get(query, "abort_if")};
    pace.is_given = !str_is_empty(http_target_get(query, "devices_at_once"));
    return api_number(t->rq, "devices_at_once", 0, &pace.at_once, err) &&
           api_read_pace(&pace, &t->pace, err);
}

bool api_signed_command(void *ctx, struct http_request *rq, struct http_response *rs,
                        struct err *err)
{
    struct taking t = {.api = ctx,
                       .rq = rq,
                       .arena = arena_new(MESSAGE_ARENA_BYTES),
                       .keys = buf_growing(KEYS_BYTES_MAX)};
    struct json_writer w = json_writer(&rs->body);
    bool ok = read_pace(&t, err) && take_command(&t, err);
    api_audit(t.api, rq, "command.sign", t.targets, ok ? "ok" : "refused",
              ok ? t.command.verb : str_from(err->msg));
    if (ok) {
        poke_send(t.api->config);
        rs->status = 201;
        row_order_given(&w, &t.given, t.command.verb, t.targets, &t.chosen);
    }
    chosen_release(&t.chosen);
    buf_release(&t.keys);
    arena_release(&t.arena);
    return ok;
}
