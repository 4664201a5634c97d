#include "hub/registry/new_token.h"

#include "common/wire/messages.h"
#include <string.h>

bool new_token_create(const struct hub_config *config, const struct rng *rng,
                      struct registry *registry, struct new_token *token, struct wall_time now,
                      struct err *err)
{
    AUTO(buf) fleet = buf_growing(LIMIT_NAME_BYTES + 1);
    bool ok =
        authority_pins(config, token->fingerprint, err) && registry_fleet(registry, &fleet, err) &&
        registry_create_token(registry, rng, &token->options, now, token->id, token->secret, err);
    if (ok) {
        struct enrol_token parts = {.fleet = buf_str(&fleet),
                                    .host = config->host,
                                    .port = config->enrol_port,
                                    .id = str_from(token->id),
                                    .secret = str_from(token->secret),
                                    .ca_fingerprint = str_from(token->fingerprint)};
        enrol_token_format(&parts, &token->text);
    }
    return ok;
}

void new_token_wipe(struct new_token *token)
{
    explicit_bzero(token->secret, sizeof(token->secret));
    buf_wipe(&token->text);
}

const char *enrol_token_state(const struct token_row *row, struct wall_time now)
{
    if (row->revoked.ns != 0) {
        return "revoked";
    }
    if (row->uses >= row->max_uses) {
        return "used";
    }
    return row->expires.ns <= now.ns ? "expired" : "open";
}
