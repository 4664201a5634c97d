/* new_token.h - a token by which devices join, made and shown once. */
#pragma once
#include "hub/registry/authority.h"
#include "hub/registry/registry.h"

enum { NEW_TOKEN_BYTES_MAX = 64 << 10 };
struct new_token { /* set `options` and `text`; wiped by new_token_wipe() */
    char id[TOKEN_ID_SIZE];
    char secret[TOKEN_SECRET_SIZE];
    char fingerprint[AUTHORITY_PINS_SIZE]; /* of the CA, or of two */
    struct token_options options;
    struct label_change labels[LABELS_MAX];
    struct buf text; /* what is typed on the device */
};
MUST_CHECK bool new_token_create(const struct hub_config *config, const struct rng *rng,
                                 struct registry *registry, struct new_token *token,
                                 struct wall_time now, struct err *err);
void new_token_wipe(struct new_token *token);

/* "open", "used", "expired", "revoked". */
const char *enrol_token_state(const struct token_row *row, struct wall_time now);
