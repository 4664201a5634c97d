/* account_rows.h - users and tokens of the web side as JSON: members of an object. */
#pragma once
#include "common/json/json_writer.h"
#include "hub/accounts/accounts.h"

void row_user(struct json_writer *w, const struct account_user *u);
void row_token(struct json_writer *w, const struct account_token *t, struct wall_time now);
struct str token_state(const struct account_token *t,
                       struct wall_time now); /* good, expired, revoked */
