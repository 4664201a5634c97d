/* admin.c - users, tokens, the audit log. */
#include "hub/api/api_internal.h"
#include "hub/rows/account_rows.h"
#include <string.h>

#define DAY_NS (INT64_C(86400) * NS_PER_SEC)
enum { TOKEN_DAYS = 90 };

static bool read_role(const struct json *body, enum account_role *ret, struct err *err)
{
    return account_role_from(api_member(body, "role"), ret) ||
           err_set(err, ERR_INVALID, "role is viewer, operator or admin");
}

/* --- users --------------------------------------------------------------------------------------- */

static void add_user(void *ctx, const struct account_user *u)
{
    struct page *page = ctx;
    struct json_writer *w = &page->w;
    if (!page_has_room(page)) {
        return;
    }
    jw_begin_object(w);
    row_user(w, u);
    jw_end_object(w);
    page_is_at(page, &u->name);
}

bool api_users(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    bool ok = accounts_each_user(api->accounts, page.after[0], page_wants(&page), rq->now, add_user,
                                 &page, err);
    page_end(&page);
    return ok;
}

static void write_user(struct http_response *rs, struct str name, enum account_role role)
{
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_str(&w, "user", name);
    jw_member_str(&w, "role", str_from(account_role_name(role)));
    jw_end_object(&w);
}

bool api_users_post(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    enum account_role role = ACCOUNT_NONE;
    if (!api_body(rq, &body, err) || !read_role(body, &role, err)) {
        return false;
    }
    struct str name = api_member(body, "user");
    if (!accounts_add(api->accounts, name, role, api_member(body, "password"), rq->now, err)) {
        return false;
    }
    api_audit(api, rq, "user.add", name, "ok", str_from(account_role_name(role)));
    rs->status = 201;
    write_user(rs, name, role);
    return true;
}

bool api_user_put(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    enum account_role role = ACCOUNT_NONE;
    struct str name = rq->args[0];
    if (!api_body(rq, &body, err) || !read_role(body, &role, err) ||
        !accounts_set_role(api->accounts, name, role, err)) {
        return false;
    }
    live_ask_again(api->live);
    api_audit(api, rq, "user.role", name, "ok", str_from(account_role_name(role)));
    write_user(rs, name, role);
    return true;
}

bool api_user_delete(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    if (!accounts_remove(api->accounts, rq->args[0], err)) {
        return false;
    }
    live_ask_again(api->live);
    api_audit(api, rq, "user.remove", rq->args[0], "ok", STR_NONE);
    api_no_content(rs);
    return true;
}

static bool refuse_pace(struct http_response *rs, const struct err *err)
{
    http_problem(rs, 429, err->msg, err->hint);
    http_add_header(rs, "Retry-After", "6");
    return true;
}

/* The session that set it stays, but not the cookie: somebody else may have that as well. */
static bool give_cookie(struct api *api, struct http_request *rq, struct http_response *rs,
                        struct err *err)
{
    char session[ACCOUNT_SECRET_SIZE];
    if (!accounts_rotate_session(api->accounts, rq->session, session, err)) {
        return false;
    }
    http_add_header(rs, "Set-Cookie", api_session_cookie(rq, session, ACCOUNT_SESSION_S));
    explicit_bzero(session, sizeof(session));
    return true;
}

/* One's own, with the old one; an admin anybody's. */
bool api_password_put(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    struct str name = rq->args[0];
    bool is_own = str_eq(name, rq->user);
    if (!api_body(rq, &body, err)) {
        return false;
    }
    if (!is_own && rq->role < HTTP_ADMIN) {
        return err_set(err, ERR_DENIED, "only an admin changes the password of others");
    }
    if (is_own) {
        const struct account_asking asking = {.peer = rq->peer, .now = rq->now, .mono = rq->mono};
        if (!accounts_check_password(api->accounts, name, api_member(body, "old_password"), &asking,
                                     err)) {
            api_audit(api, rq, "user.password", name, "failed", str_from(err->msg));
            return err->code == ERR_BUSY && refuse_pace(rs, err);
        }
    }
    if (!accounts_set_password(api->accounts, name, api_member(body, "password"),
                               is_own ? rq->session : STR_NONE, err) ||
        (is_own && !str_is_empty(rq->session) && !give_cookie(api, rq, rs, err))) {
        return false;
    }
    live_ask_again(api->live);
    api_audit(api, rq, "user.password", name, "ok", STR_NONE);
    api_no_content(rs);
    return true;
}

/* --- tokens -------------------------------------------------------------------------------------- */

struct token_list {
    struct page page;
    struct http_request *rq;
};

static void add_token(void *ctx, const struct account_token *t)
{
    struct token_list *list = ctx;
    struct json_writer *w = &list->page.w;
    if (!page_has_room(&list->page)) {
        return;
    }
    jw_begin_object(w);
    row_token(w, t, list->rq->now);
    jw_end_object(w);
    page_is_at(&list->page, &t->id);
}

bool api_tokens(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct token_list list = {.rq = rq};
    if (!page_begin(&list.page, rq, rs, 1, err)) {
        return false;
    }
    bool ok = accounts_each_token(api->accounts, list.page.after[0], page_wants(&list.page),
                                  add_token, &list, err);
    page_end(&list.page);
    return ok;
}

static bool read_token(struct http_request *rq, const struct json *body, struct account_token *ret,
                       struct err *err)
{
    const struct json *scopes = json_get(body, "scopes");
    int64_t life = TOKEN_DAYS * DAY_NS;
    struct str expires_in = api_member(body, "expires_in");
    if (scopes == NULL || scopes->type != JSON_ARRAY || scopes->count != 1 ||
        scopes->child->type != JSON_STRING) {
        return err_set(err, ERR_INVALID,
                       "scopes is a list of one of metrics, read, operate and admin: each may all "
                       "that the ones before it may");
    }
    if (!str_is_empty(expires_in) && !str_to_duration(expires_in, &life)) {
        return err_set(err, ERR_INVALID, "expires_in is like 90d or 12h");
    }
    *ret = (struct account_token){.account = rq->user,
                                  .label = str_clip(api_member(body, "label"), ACCOUNT_LABEL_BYTES),
                                  .scope = scopes->child->as.string,
                                  .created = rq->now};
    if (life <= 0 || life > INT64_MAX - rq->now.ns) {
        return err_set(err, ERR_INVALID, "expires_in is like 90d or 12h");
    }
    ret->expires.ns = rq->now.ns + life;
    return true;
}

bool api_tokens_post(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    struct account_token token = {0};
    char id[17];
    char secret[ACCOUNT_TOKEN_SIZE];
    if (!api_body(rq, &body, err) || !read_token(rq, body, &token, err) ||
        !accounts_token_add(api->accounts, &token, id, secret, err)) {
        return false;
    }
    api_audit(api, rq, "token.add", str_from(id), "ok", token.scope);
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_str(&w, "token", str_from(id));
    jw_member_str(&w, "secret", str_from(secret)); /* said once, here */
    jw_member_wall(&w, "expires_at", token.expires);
    jw_end_object(&w);
    rs->status = 201;
    return true;
}

bool api_token_delete(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    if (!accounts_token_revoke(api->accounts, rq->args[0], rq->now, err)) {
        return false;
    }
    live_ask_again(api->live);
    api_audit(api, rq, "token.revoke", rq->args[0], "ok", STR_NONE);
    api_no_content(rs);
    return true;
}

/* --- audit --------------------------------------------------------------------------------------- */

static void add_audit(void *ctx, const struct account_audit *a)
{
    struct page *page = ctx;
    struct json_writer *w = &page->w;
    char memory[32];
    struct buf id = buf_fixed(memory, sizeof(memory));
    if (!page_has_room(page)) {
        return;
    }
    jw_begin_object(w);
    jw_member_i64(w, "id", a->id);
    jw_member_wall(w, "at", a->at);
    jw_member_opt(w, "user", a->account);
    jw_member_str(w, "peer", a->peer);
    jw_member_str(w, "action", a->action);
    jw_member_opt(w, "subject", a->subject);
    jw_member_str(w, "result", a->result);
    jw_member_opt(w, "detail", a->detail);
    jw_end_object(w);
    buf_add_i64(&id, a->id);
    struct str at = buf_str(&id);
    page_is_at(page, &at);
}

bool api_audit_list(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    struct account_audit_filter filter = {.account = http_target_get(&rq->target, "user"),
                                          .action = http_target_get(&rq->target, "action")};
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    filter.limit = page_wants(&page);
    bool ok = str_is_empty(page.after[0]) ||
              str_to_i64(page.after[0], 1, INT64_MAX, &filter.before) ||
              err_set(err, ERR_INVALID, "the cursor is none of this list");
    ok = ok && accounts_each_audit(api->accounts, &filter, add_audit, &page, err);
    page_end(&page);
    return ok;
}
