#include "agent/daemon/near_broker.h"

#include "agent/connectors/mqtt_options.h"
#include "agent/sense/digest.h"

enum { RESOLVE_ARENA_BYTES = 192 << 10, CONNECT_TIMEOUT_MS = 10000, KEEPALIVE_S = 60 };

struct texts {
    struct str host, user, password;
};

static bool resolve(const struct near_broker *b, struct arena *arena, struct texts *ret,
                    struct err *err)
{
    const struct resource *r = b->resource;
    const struct mqtt_tap_options *options = r->options;
    const struct mqtt_connection *o = &options->connection;
    return (definitions_resolve_text(o->host, b->env, arena, &ret->host, err) &&
            definitions_resolve_text(o->user, b->env, arena, &ret->user, err) &&
            definitions_resolve_text(o->password, b->env, arena, &ret->password, err)) ||
           err_wrap(err, "resource " STR_FMT, STR_ARG(r->name));
}

static bool open_session(const struct near_broker *b, const struct texts *texts,
                         struct mqtt_session **ret, struct err *err)
{
    const struct mqtt_tap_options *resource = b->resource->options;
    const struct mqtt_options options = {.host = texts->host,
                                         .port = (int)resource->connection.port,
                                         .client_id = b->client_id,
                                         .is_bare = true,
                                         .user = texts->user,
                                         .password = texts->password,
                                         .keepalive_s = KEEPALIVE_S,
                                         .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                         .inflight_max = 1,
                                         .payload_bytes_max = NEAR_BROKER_PAYLOAD_MAX,
                                         .socket_dir = b->socket_dir};
    return mqtt_open(ret, b->loop, b->rng, &options, &b->handlers, err);
}

bool near_broker_connect(const struct near_broker *b, struct mqtt_session **session,
                         uint64_t *digest, struct err *err)
{
    AUTO(arena) arena = arena_new(RESOLVE_ARENA_BYTES);
    struct texts texts = {0};
    if (!resolve(b, &arena, &texts, err)) {
        return false;
    }
    uint64_t now = digest_join(digest_join(digest_of(texts.host), digest_of(texts.user)),
                               digest_of(texts.password));
    if (*session == NULL || *digest != now) {
        mqtt_close(*session);
        *session = NULL;
        *digest = now;
        if (!open_session(b, &texts, session, err)) {
            return false;
        }
    }
    return mqtt_connect(*session, err);
}
