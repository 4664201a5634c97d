/* new_token.h - a token that was made, said once. */
#pragma once
#include "hub/cli/commands.h"
#include "hub/registry/new_token.h"

/* `name` is what the hint says to enrol as. */
void new_token_say(struct cli *cli, const struct new_token *token, const char *name);
