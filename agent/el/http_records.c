#include "agent/el/http_records.h"

#include "agent/el/hash.h"
#include "agent/el/schema.h"
#include "common/json/json_path.h"

#define BYTE_ORDER_MARK STR("\xEF\xBB\xBF")

static bool missing(struct str path, struct str body, struct err *err)
{
    err_set(err, ERR_INVALID, "the answer has no \"" STR_FMT "\": " STR_FMT "%s", STR_ARG(path),
            STR_ARG(str_clip(body, 80)), body.len > 80 ? "…" : "");
    return err_hint(err, "\"records\" has to name the list in the answer");
}

static bool open_json(struct http_records *r, struct str body, struct str path, struct err *err)
{
    struct json_raw found;
    bool is_found = false;
    if (!json_path_find(path, body, &is_found, &found, err)) {
        return err_wrap(err, "the answer is no JSON");
    }
    if (!is_found) {
        return missing(path, body, err);
    }
    if (found.type == JSON_NULL) {
        return true;
    }
    r->content = hash64_of(found.text);
    if (found.type == JSON_ARRAY) {
        r->is_list = true;
        return json_scan_array(&r->scan, found.text, err);
    }
    if (found.type != JSON_OBJECT) {
        err_set(err, ERR_INVALID, "\"" STR_FMT "\" in the answer is %s", STR_ARG(path),
                json_type_name(found.type));
        return err_hint(err, "\"records\" has to name a list or an object");
    }
    r->rest = found.text;
    return true;
}

bool http_records_open(struct http_records *r, struct str body, struct str path, bool is_lines,
                       struct err *err)
{
    *r = (struct http_records){.is_lines = is_lines};
    if (str_starts(body, BYTE_ORDER_MARK)) {
        body = str_slice(body, BYTE_ORDER_MARK.len, body.len);
    }
    if (is_lines) {
        r->rest = body;
        r->content = hash64_of(body);
        return true;
    }
    return str_trim(body).len == 0 || open_json(r, body, path, err);
}

static bool next_line(struct http_records *r, struct str *ret, bool *ret_found)
{
    *ret_found = false;
    while (!*ret_found && r->rest.len > 0) {
        struct str line;
        (void)str_cut(r->rest, '\n', &line, &r->rest);
        *ret = str_trim(line);
        *ret_found = ret->len > 0;
    }
    return true;
}

static bool next_element(struct http_records *r, struct str *ret, bool *ret_found, struct err *err)
{
    struct json_raw value;
    *ret_found = json_scan_element(&r->scan, &value);
    if (!*ret_found) {
        return json_scan_end(&r->scan, err);
    }
    if (value.type != JSON_OBJECT) {
        err_set(err, ERR_INVALID, "record %zu is %s", r->given + 1, json_type_name(value.type));
        return err_hint(err, "a record has to be an object; \"records\" names the list of them");
    }
    *ret = value.text;
    return true;
}

bool http_records_next(struct http_records *r, struct str *ret, bool *ret_found, struct err *err)
{
    bool ok = true;
    if (r->is_list) {
        ok = next_element(r, ret, ret_found, err);
    } else if (r->is_lines) {
        ok = next_line(r, ret, ret_found);
    } else {
        *ret_found = r->rest.len > 0;
        *ret = r->rest;
        r->rest = STR("");
    }
    r->given += ok && *ret_found;
    return ok;
}

bool http_is_lines_type(struct str content_type)
{
    static const char *const types[] = {"application/x-ndjson",  "application/ndjson",
                                        "application/jsonl",     "application/x-jsonlines",
                                        "application/jsonlines", "application/x-jsonl"};
    struct str type;
    struct str params;
    bool is_one = false;
    (void)str_cut(content_type, ';', &type, &params);
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        is_one = is_one || names_equal_nocase(str_trim(type), str_from(types[i]));
    }
    return is_one;
}
