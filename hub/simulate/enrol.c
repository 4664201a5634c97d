#include "hub/simulate/enrol.h"

#include "common/base/limits.h"
#include "common/tls/identity.h"
#include "hub/registry/authority.h"
#include "hub/registry/registry.h"
#include <stdio.h>

enum { AUTHORITY_ARENA_BYTES = 1 << 20, DEVICE_ARENA_BYTES = 256 << 10, PEM_BYTES_MAX = 16 << 10 };
#define TOKEN_NS (INT64_C(86400) * NS_PER_SEC)

struct office {
    const struct enrol_job *job;
    struct rng rng;
    struct arena arena;
    struct authority authority;
    struct registry *registry;
    char token[TOKEN_ID_SIZE];
    char secret[TOKEN_SECRET_SIZE];
};

static struct wall_time wall_now(const struct office *o)
{
    return clock_wall(loop_clock(o->job->host->loop));
}

static bool open_office(struct office *o, struct err *err)
{
    char database[LIMIT_PATH_BYTES + 1];
    const struct hub_config *config = o->job->config;
    struct wall_time now = wall_now(o);
    struct token_options token = {
        .label = STR("simulate"), .max_uses = o->job->count, .expires = {now.ns + TOKEN_NS}};
    return authority_read(config, &o->rng, &o->arena, &o->authority, err) &&
           hub_path(config, "hub.db", database, err) &&
           registry_open(&o->registry, database, err) &&
           registry_create_token(o->registry, &o->rng, &token, now, o->token, o->secret, err);
}

static bool ask(struct office *o, struct str name, struct str csr, struct arena *arena,
                struct message_enrol_reply *ret, struct err *err)
{
    struct enrol_outcome outcome;
    struct enrol_authority authority =
        authority_for_devices(&o->authority, o->job->config, &o->rng);
    authority.certificate_ns = INT64_C(86400) * NS_PER_SEC;
    const struct message_enrol_request request = {.token_id = str_from(o->token),
                                                  .token_secret = str_from(o->secret),
                                                  .device = name,
                                                  .csr_pem = csr,
                                                  .version = STR(SELVEDGE_VERSION),
                                                  .board = STR("simulated")};
    if (!registry_enrol(o->registry, &authority, &request, wall_now(o), arena, &outcome, err)) {
        return false;
    }
    *ret = outcome.reply;
    return (ret->accepted || err_set(err, ERR_DENIED, "enrol " STR_FMT ": " STR_FMT, STR_ARG(name),
                                     STR_ARG(ret->reason)));
}

static bool enrol_one(struct office *o, int64_t number, struct err *err)
{
    char text[64];
    struct buf name = buf_fixed(text, sizeof(text));
    struct buf key = buf_growing(PEM_BYTES_MAX);
    AUTO(buf) csr = buf_growing(PEM_BYTES_MAX);
    AUTO(arena) arena = arena_new(DEVICE_ARENA_BYTES);
    struct message_enrol_reply reply = {0};
    buf_addf(&name, STR_FMT "-%05lld", STR_ARG(o->job->prefix), (long long)number + 1);
    bool ok = identity_make_key(&o->rng, &key, err) &&
              identity_make_csr(&o->rng, buf_str(&key), buf_str(&name), &csr, err) &&
              ask(o, buf_str(&name), buf_str(&csr), &arena, &reply, err);
    if (ok) {
        struct str server =
            str_is_empty(o->job->config->host) ? STR("localhost") : o->job->config->host;
        const struct tls_client_options tls = {.ca_pem = reply.ca_pem,
                                               .cert_pem = reply.cert_pem,
                                               .key_pem = buf_str(&key),
                                               .server_name = server,
                                               .rng = &o->rng,
                                               .clock = loop_clock(o->job->host->loop)};
        ok = device_open(&o->job->devices[number], o->job->host,
                         script_mix(o->job->seed + (uint64_t)number), buf_str(&name), &tls, err);
    }
    buf_wipe(&key);
    return ok;
}

bool enrol_all(const struct enrol_job *job, struct err *err)
{
    struct office office = {
        .job = job, .rng = rng_system(), .arena = arena_new(AUTHORITY_ARENA_BYTES)};
    bool ok = open_office(&office, err);
    for (int64_t i = 0; ok && i < job->count; i++) {
        ok = enrol_one(&office, i, err);
        if (ok && job->on_progress != NULL && !job->on_progress(job->ctx, i + 1, job->count)) {
            ok = err_set(err, ERR_CANCELLED, "interrupted");
        }
    }
    registry_close(office.registry);
    authority_wipe(&office.authority);
    arena_release(&office.arena);
    return ok;
}
