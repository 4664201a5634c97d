/* new_token.h - a token that is made and shown once. */
#pragma once
#include "hub/cli/commands.h"
#include "hub/registry/authority.h"
#include "hub/registry/registry.h"

struct new_token { /* set `options` and `text`; wiped by new_token_wipe() */
    char id[TOKEN_ID_SIZE];
    char secret[TOKEN_SECRET_SIZE];
    char fingerprint[AUTHORITY_PINS_SIZE]; /* of the CA, or of two */
    struct token_options options;
    struct label_change labels[LABELS_MAX];
    struct buf text;
};
MUST_CHECK bool new_token_create(const struct settings *settings, struct registry *registry,
                                 struct new_token *token, struct wall_time now, struct err *err);
/* `name` is what the hint says to enrol as. */
void new_token_say(struct cli *cli, const struct new_token *token, const char *name);
void new_token_wipe(struct new_token *token);
