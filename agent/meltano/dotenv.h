/* dotenv.h - the variables of a .env file, as python-dotenv reads them. Internal to agent/meltano. */
#pragma once
#include "agent/meltano/env.h"

/* Lines NAME=value with `export`, quotes, comments and ${NAME:-default}, which a line above, else
 * the terminal fills in. What is no such line is left out, as there. */
void dotenv_read(struct str text, const struct meltano_terminal *terminal, struct env *into);
