#include "hub/rows/account_rows.h"

void row_user(struct json_writer *w, const struct account_user *u)
{
    jw_member_str(w, "user", u->name);
    jw_member_str(w, "role", u->role);
    jw_member_wall(w, "created_at", u->created);
    jw_member_opt_wall(w, "last_login_at", u->last_login);
    jw_member_opt_wall(w, "locked_until", u->locked_until);
    jw_member_i64(w, "wrong_passwords", u->failures);
    jw_member_i64(w, "sessions", u->sessions);
    jw_member_i64(w, "tokens", u->tokens);
}

struct str token_state(const struct account_token *t, struct wall_time now)
{
    if (t->revoked.ns != 0) {
        return STR("revoked");
    }
    return t->expires.ns <= now.ns ? STR("expired") : STR("good");
}

void row_token(struct json_writer *w, const struct account_token *t, struct wall_time now)
{
    jw_member_str(w, "token", t->id);
    jw_member_str(w, "user", t->account);
    jw_member_opt(w, "label", t->label);
    jw_key(w, STR("scopes"));
    jw_begin_array(w);
    jw_str(w, t->scope);
    jw_end_array(w);
    jw_member_str(w, "state", token_state(t, now));
    jw_member_wall(w, "created_at", t->created);
    jw_member_wall(w, "expires_at", t->expires);
    jw_member_opt_wall(w, "used_at", t->used);
    jw_member_opt_wall(w, "revoked_at", t->revoked);
}
