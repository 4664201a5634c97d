/* session.c - logging in and out; the first password. */
#include "hub/api/api_internal.h"

#include "common/log/log.h"

const char *api_session_cookie(const struct http_request *rq, const char *secret, int64_t age_s)
{
    struct str text = arena_printf(
        rq->arena, "selvedge_session=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s", secret,
        (long long)age_s, rq->is_secure ? "; Secure" : "");
    return text.ptr;
}

static void write_session(struct http_response *rs, struct str user, struct str role,
                          struct str csrf)
{
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_str(&w, "user", user);
    jw_member_str(&w, "role", role);
    jw_member_opt(&w, "csrf_token", csrf);
    jw_end_object(&w);
}

static bool tell_session(struct api *api, struct http_request *rq, struct str session,
                         struct http_response *rs, struct err *err)
{
    struct account_caller caller = {0};
    bool is_found = false;
    if (!accounts_by_session(api->accounts, session, rq->now, &caller, &is_found, err)) {
        return false;
    }
    if (!is_found) {
        return err_set(err, ERR_NOT_FOUND, "the session is over");
    }
    write_session(rs, str_from(caller.name), str_from(account_role_name(caller.role)),
                  str_from(caller.csrf));
    return true;
}

bool api_session_get(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    if (!str_is_empty(rq->session)) {
        return tell_session(api, rq, rq->session, rs, err);
    }
    if (str_is_empty(rq->user)) {
        http_problem(rs, 401, "nobody is logged in", "POST /api/v1/session");
        return true;
    }
    static const char *const roles[] = {"none", "metrics", "viewer", "operator", "admin"};
    write_session(rs, rq->user, str_from(roles[rq->role]), STR_NONE);
    return true;
}

static struct account_asking asking_of(const struct http_request *rq)
{
    return (struct account_asking){.peer = rq->peer, .now = rq->now, .mono = rq->mono};
}

/* What is no name may be a password, given in the wrong place. */
static struct str name_tried(struct str user)
{
    return account_name_is_valid(user) ? user : STR("(no user's name)");
}

static bool refuse_login(struct api *api, struct http_request *rq, struct http_response *rs,
                         struct str user, const struct err *why)
{
    bool is_pace = why->code == ERR_BUSY;
    api_audit(api, rq, "login", name_tried(user), is_pace ? "refused" : "failed",
              str_from(why->msg));
    http_problem(rs, is_pace ? 429 : 401, why->msg, why->hint);
    if (is_pace) {
        http_add_header(rs, "Retry-After", "6");
    }
    return true;
}

bool api_session_post(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    char session[ACCOUNT_SECRET_SIZE];
    if (!api_body(rq, &body, err)) {
        return false;
    }
    struct str user = api_member(body, "user");
    struct str password = api_member(body, "password");
    struct account_asking asking = asking_of(rq);
    if (str_is_empty(user) || str_is_empty(password)) {
        return err_set(err, ERR_INVALID, "give user and password");
    }
    bool ok = accounts_login(api->accounts, user, password, &asking, session, err);
    str_wipe(&password);
    if (!ok) {
        bool is_refusal = err->code == ERR_DENIED || err->code == ERR_BUSY;
        return is_refusal && refuse_login(api, rq, rs, user, err);
    }
    http_add_header(rs, "Set-Cookie", api_session_cookie(rq, session, ACCOUNT_SESSION_S));
    rq->user = user;
    api_audit(api, rq, "login", user, "ok", STR_NONE);
    return tell_session(api, rq, str_from(session), rs, err);
}

bool api_session_delete(void *ctx, struct http_request *rq, struct http_response *rs,
                        struct err *err)
{
    struct api *api = ctx;
    if (!str_is_empty(rq->session)) { /* else nothing ends */
        if (!accounts_logout(api->accounts, rq->session, err)) {
            return false;
        }
        live_ask_again(api->live);
        api_audit(api, rq, "logout", rq->user, "ok", STR_NONE);
    }
    http_add_header(rs, "Set-Cookie", api_session_cookie(rq, "", 0));
    api_no_content(rs);
    return true;
}

bool api_setup(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    if (!api_body(rq, &body, err)) {
        return false;
    }
    struct account_asking asking = asking_of(rq);
    struct str user = api_member(body, "user");
    struct str password = api_member(body, "password");
    user = str_is_empty(user) ? STR("admin") : user;
    if (!accounts_setup_use(api->accounts, api_member(body, "secret"), user, password, &asking,
                            err)) {
        str_wipe(&password);
        if (err->code == ERR_BUSY) {
            http_problem(rs, 429, err->msg, err->hint);
            http_add_header(rs, "Retry-After", "6");
            return true;
        }
        api_audit(api, rq, "setup", name_tried(user), "failed", str_from(err->msg));
        return false;
    }
    rq->user = user;
    api_audit(api, rq, "setup", user, "ok", STR_NONE);
    char session[ACCOUNT_SECRET_SIZE];
    bool ok = accounts_login(api->accounts, user, password, &asking, session, err);
    str_wipe(&password);
    if (!ok) {
        return false;
    }
    http_add_header(rs, "Set-Cookie", api_session_cookie(rq, session, ACCOUNT_SESSION_S));
    return tell_session(api, rq, str_from(session), rs, err);
}
