/* new_token.h - a token that was made, said once. */
#pragma once
#include "common/base/time.h"
#include "common/cli/cli.h"

struct token_said {
    struct str token;
    int64_t max_uses;
    struct wall_time expires;
};
/* The token alone goes to stdout, for scripts; what a person wants to know goes to the terminal. `name` is
 * what the hint says to enrol as. */
void new_token_say(struct cli *cli, const struct token_said *token, struct str name);
