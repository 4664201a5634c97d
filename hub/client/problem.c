/* problem.c - a problem of the API (RFC 9457) as an error of ours. */
#include "hub/client/client_internal.h"

#include "hub/client/item.h"

enum { PROBLEM_ARENA_BYTES = 256 << 10 };

static enum err_code code_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return ERR_DENIED;
    case 404:
    case 410:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_EXISTS;
    case 429:
        return ERR_BUSY;
    case 502:
    case 503:
    case 504:
        return ERR_OFFLINE;
    case 507:
        return ERR_FULL;
    default:
        return status >= 500 ? ERR_INTERNAL : ERR_INVALID;
    }
}

static bool no_problem(int status, const char *who, struct err *err)
{
    (void)err_set(err, code_of(status), "%s answered %d, as no hub does", who, status);
    return err_hint(err, "is the address that of a hub, and what does a proxy in between say?");
}

/* What the API says of its own addresses helps who asks it by hand. */
static bool with_hint(struct err *err, int status, struct str hint, bool has_token)
{
    if (status == 401 && !has_token) {
        (void)err_set(err, ERR_DENIED, "the hub answers only who shows a token");
        return err_hint(err, "--token-file FILE, or SELVEDGE_HUB_TOKEN; an admin makes one: "
                             "selvedge-hub api-token create");
    }
    if (status == 401) {
        return err_hint(err, "an admin makes another: selvedge-hub api-token create");
    }
    if (str_contains(hint, STR("openapi.json"))) {
        (void)err_set(err, ERR_INTERNAL, "the hub does not know what it was asked");
        return err_hint(err, "it runs another version than this program: start it again, or take "
                             "the program of its version");
    }
    return str_is_empty(hint) ? false : err_hint(err, STR_FMT, STR_ARG(hint));
}

bool problem_check(const struct client_answer *answer, const char *who, bool has_token,
                   struct err *err)
{
    AUTO(arena) arena = arena_new(PROBLEM_ARENA_BYTES);
    struct json *problem = NULL;
    struct err ignored = {0};
    if (answer->status >= 200 && answer->status < 300) {
        return true;
    }
    if (!json_parse(buf_str(&answer->body), PROBLEM_ARENA_BYTES / 4, &arena, &problem, &ignored) ||
        str_is_empty(item_str(problem, "title"))) {
        return no_problem(answer->status, who, err);
    }
    struct str code = item_str(problem, "code");
    struct str detail = item_str(problem, "detail");
    detail = str_is_empty(detail) ? item_str(problem, "title") : detail;
    (void)err_set(err,
                  str_is_empty(code) ? code_of(answer->status) : err_code_from(code.ptr, code.len),
                  STR_FMT, STR_ARG(detail));
    return with_hint(err, answer->status, item_str(problem, "hint"), has_token);
}
