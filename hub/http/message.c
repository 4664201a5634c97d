#include "hub/http/message.h"

#include "common/json/json_writer.h"

const char *http_method_name(enum http_method method)
{
    static const char *const names[] = {"GET", "POST", "PUT", "DELETE", ""};
    return names[method];
}

void http_add_header(struct http_response *rs, const char *name, const char *value)
{
    if (value != NULL && rs->header_count < HTTP_HEADERS_MAX) {
        rs->headers[rs->header_count].name = name;
        rs->headers[rs->header_count].value = value;
        rs->header_count++;
    }
}

static const char *title_of(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad request"},
        {401, "Log in first"},
        {403, "Not allowed"},
        {404, "Not found"},
        {405, "Method not allowed"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Too large"},
        {415, "Unsupported type"},
        {422, "Cannot be done"},
        {429, "Too many requests"},
        {500, "Error of the hub"},
        {503, "Not available now"},
        {507, "Full"},
    };
    for (size_t i = 0; i < COUNT_OF(titles); i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return "Error";
}

static void write_problem(struct http_response *rs, int status, const char *detail,
                          const char *hint, const char *code)
{
    struct json_writer w = json_writer(&rs->body);
    buf_reset(&rs->body);
    rs->status = status;
    rs->type = "application/problem+json";
    jw_begin_object(&w);
    jw_member_str(&w, "type", STR("about:blank"));
    jw_member_str(&w, "title", str_from(title_of(status)));
    jw_member_i64(&w, "status", status);
    jw_member_opt(&w, "detail", str_from(detail));
    jw_member_opt(&w, "hint", str_from(hint));
    jw_member_opt(&w, "code", str_from(code));
    jw_end_object(&w);
}

void http_problem(struct http_response *rs, int status, const char *detail, const char *hint)
{
    write_problem(rs, status, detail, hint, NULL);
}

int http_status_of(enum err_code code)
{
    switch (code) {
    case ERR_INVALID:
        return 400;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_EXISTS:
        return 409;
    case ERR_DENIED:
        return 403;
    case ERR_FULL:
        return 507;
    case ERR_OFFLINE:
    case ERR_TIMEOUT:
    case ERR_BUSY:
    case ERR_CANCELLED:
        return 503;
    case ERR_NONE:
    case ERR_CORRUPT:
    case ERR_IO:
    case ERR_NO_MEMORY:
    case ERR_INTERNAL:
        break;
    }
    return 500;
}

void http_problem_as(struct http_response *rs, int status, const struct err *err)
{
    write_problem(rs, status, err->msg, err->hint, err_code_name(err->code));
}

void http_problem_from(struct http_response *rs, const struct err *err)
{
    http_problem_as(rs, http_status_of(err->code), err);
}
