/* openapi.c - the OpenAPI 3.1 document of the routing table: what is not in the table is not in it. */
#include "hub/api/api_internal.h"
#include "hub/api/schemas.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 256 };

static void write_ref(struct json_writer *w, struct str name)
{
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof(text), "#/components/schemas/" STR_FMT, STR_ARG(name));
    jw_begin_object(w);
    jw_member_str(w, "$ref", str_from(text));
    jw_end_object(w);
}

static void write_type(struct json_writer *w, const char *type, const char *format)
{
    jw_begin_object(w);
    jw_member_str(w, "type", str_from(type));
    jw_member_opt(w, "format", str_from(format));
    jw_end_object(w);
}

static void write_member_type(struct json_writer *w, struct str type)
{
    bool is_list = str_ends(type, STR("[]"));
    if (is_list) {
        type = str_slice(type, 0, type.len - 2);
        jw_begin_object(w);
        jw_member_str(w, "type", STR("array"));
        jw_key(w, STR("items"));
    }
    if (str_is_empty(type) || str_eq(type, STR("s"))) {
        write_type(w, "string", NULL);
    } else if (str_eq(type, STR("i"))) {
        write_type(w, "integer", NULL);
    } else if (str_eq(type, STR("b"))) {
        write_type(w, "boolean", NULL);
    } else if (str_eq(type, STR("t"))) {
        write_type(w, "string", "date-time");
    } else if (str_eq(type, STR("o"))) {
        write_type(w, "object", NULL);
    } else if (str_eq(type, STR("j"))) {
        jw_begin_object(w);
        jw_end_object(w);
    } else {
        write_ref(w, type);
    }
    if (is_list) {
        jw_end_object(w);
    }
}

/* The next of "device! failing:b"; false at the end. */
static bool next_member(struct str *rest, struct str *ret_name, struct str *ret_type,
                        bool *ret_required)
{
    struct str word = STR_NONE;
    if (str_is_empty(*rest)) {
        return false;
    }
    (void)str_cut(*rest, ' ', &word, rest);
    (void)str_cut(word, ':', ret_name, ret_type);
    *ret_required = str_ends(*ret_name, STR("!"));
    if (*ret_required) {
        *ret_name = str_slice(*ret_name, 0, ret_name->len - 1);
    }
    return true;
}

static void write_schema(struct json_writer *w, const struct api_schema *schema)
{
    struct str rest = str_from(schema->members);
    struct str name = STR_NONE;
    struct str type = STR_NONE;
    bool is_required = false;
    jw_key(w, str_from(schema->name));
    jw_begin_object(w);
    jw_member_str(w, "type", STR("object"));
    jw_key(w, STR("properties"));
    jw_begin_object(w);
    while (next_member(&rest, &name, &type, &is_required)) {
        jw_key(w, name);
        write_member_type(w, type);
    }
    jw_end_object(w);
    jw_key(w, STR("required"));
    jw_begin_array(w);
    rest = str_from(schema->members);
    while (next_member(&rest, &name, &type, &is_required)) {
        if (is_required) {
            jw_str(w, name);
        }
    }
    jw_end_array(w);
    jw_end_object(w);
}

/* --- one route ------------------------------------------------------------------------------------- */

/* "up|down" */
static void write_choices(struct json_writer *w, struct str names)
{
    struct str name = STR_NONE;
    jw_begin_object(w);
    jw_member_str(w, "type", STR("string"));
    jw_key(w, STR("enum"));
    jw_begin_array(w);
    for (bool has_more = true; has_more;) {
        has_more = str_cut(names, '|', &name, &names);
        jw_str(w, name);
    }
    jw_end_array(w);
    jw_end_object(w);
}

static void write_parameter(struct json_writer *w, struct str name, const char *where,
                            bool is_required, struct str type)
{
    bool is_time = str_eq(type, STR("date-time"));
    bool is_choice = str_contains(type, STR("|"));
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(type));
    jw_begin_object(w);
    jw_member_str(w, "name", name);
    jw_member_str(w, "in", str_from(where));
    jw_member_bool(w, "required", is_required);
    jw_key(w, STR("schema"));
    if (is_choice) {
        write_choices(w, type);
        jw_end_object(w);
        return;
    }
    write_type(w, str_is_empty(type) || is_time ? "string" : text, is_time ? text : NULL);
    jw_end_object(w);
}

/* "{key...}" is a parameter `key`. */
static void write_path_parameters(struct json_writer *w, const char *path)
{
    struct str rest = str_from(path);
    struct str part = STR_NONE;
    for (bool has_more = true; has_more;) {
        has_more = str_cut(rest, '/', &part, &rest);
        if (str_starts(part, STR("{"))) {
            size_t tail = str_ends(part, STR("...}")) ? 4 : 1;
            write_parameter(w, str_slice(part, 1, part.len - tail), "path", true, STR_NONE);
        }
    }
}

static void write_parameters(struct json_writer *w, const struct http_route *r)
{
    struct str rest = str_from(r->query);
    struct str name = STR_NONE;
    struct str type = STR_NONE;
    bool is_required = false;
    jw_key(w, STR("parameters"));
    jw_begin_array(w);
    write_path_parameters(w, r->path);
    while (next_member(&rest, &name, &type, &is_required)) {
        write_parameter(w, name, "query", is_required, type);
    }
    if (r->answer != NULL && r->answer[0] == '[') {
        write_parameter(w, STR("limit"), "query", false, STR("integer"));
        write_parameter(w, STR("cursor"), "query", false, STR_NONE);
    }
    jw_end_array(w);
}

static void begin_content(struct json_writer *w, const char *type)
{
    jw_key(w, STR("content"));
    jw_begin_object(w);
    jw_key(w, str_from(type));
    jw_begin_object(w);
    jw_key(w, STR("schema"));
}

static void end_content(struct json_writer *w)
{
    jw_end_object(w);
    jw_end_object(w);
}

static void write_list_schema(struct json_writer *w, struct str item)
{
    jw_begin_object(w);
    jw_member_str(w, "type", STR("object"));
    jw_member_raw(w, "required", STR("[\"items\",\"next\"]"));
    jw_key(w, STR("properties"));
    jw_begin_object(w);
    jw_key(w, STR("items"));
    jw_begin_object(w);
    jw_member_str(w, "type", STR("array"));
    jw_key(w, STR("items"));
    write_ref(w, item);
    jw_end_object(w);
    jw_member_raw(w, "next", STR("{\"type\":[\"string\",\"null\"]}"));
    jw_end_object(w);
    jw_end_object(w);
}

static void write_forms(struct json_writer *w, struct str forms)
{
    struct str form = STR_NONE;
    while (!str_is_empty(forms)) {
        (void)str_cut(forms, ' ', &form, &forms);
        jw_key(w, form);
        jw_begin_object(w);
        jw_key(w, STR("schema"));
        write_type(w, "string", NULL);
        jw_end_object(w);
    }
}

static void write_answer(struct json_writer *w, const struct http_route *r)
{
    struct str answer = str_from(r->answer);
    jw_member_str(w, "description", STR("what was asked for"));
    if (r->is_stream) {
        begin_content(w, "text/event-stream");
        write_type(w, "string", NULL);
        end_content(w);
    } else if (str_starts(answer, STR("["))) {
        begin_content(w, "application/json");
        write_list_schema(w, str_slice(answer, 1, answer.len - 1));
        end_content(w);
    } else if (!str_is_empty(answer)) {
        begin_content(w, "application/json");
        write_ref(w, answer);
        jw_end_object(w);
        write_forms(w, str_from(r->forms));
        jw_end_object(w);
    }
}

static void write_responses(struct json_writer *w, const struct http_route *r)
{
    jw_key(w, STR("responses"));
    jw_begin_object(w);
    jw_key(w, STR("2XX"));
    jw_begin_object(w);
    write_answer(w, r);
    jw_end_object(w);
    if (r->is_cached) {
        jw_member_raw(w, "304", STR("{\"description\":\"it is the same\"}"));
    }
    /* By the library, before it is ours. */
    jw_member_raw(w, "414", STR("{\"description\":\"the address is too long; in plain words\"}"));
    jw_member_raw(w, "431", STR("{\"description\":\"headers are too long; in plain words\"}"));
    jw_key(w, STR("default"));
    jw_begin_object(w);
    jw_member_str(w, "description", STR("a problem (RFC 9457)"));
    jw_key(w, STR("content"));
    jw_begin_object(w);
    jw_key(w, STR("application/problem+json"));
    jw_begin_object(w);
    jw_key(w, STR("schema"));
    write_ref(w, STR("Problem"));
    jw_end_object(w);
    if (!str_starts(str_from(r->path), STR("/api/"))) { /* those answer as others do, too */
        jw_member_raw(w, "application/json", STR("{\"schema\":{\"type\":\"object\"}}"));
    }
    jw_end_object(w);
    jw_end_object(w);
    jw_end_object(w);
}

static void write_route(struct json_writer *w, const struct http_route *r)
{
    static const char *const methods[] = {"get", "post", "put", "delete"};
    static const char *const roles[] = {"nobody", "this machine", "viewer", "operator", "admin"};
    jw_key(w, str_from(methods[r->method]));
    jw_begin_object(w);
    jw_member_str(w, "summary", str_from(r->summary));
    jw_member_str(w, "x-role", str_from(roles[r->role]));
    write_parameters(w, r);
    if (r->body != NULL) {
        jw_key(w, STR("requestBody"));
        jw_begin_object(w);
        jw_member_bool(w, "required", strcmp(r->body, "RetryRequest") != 0);
        if (strcmp(r->body, HTTP_BYTES) == 0) {
            begin_content(w, HTTP_BYTES);
            write_type(w, "string", "binary");
        } else {
            begin_content(w, "application/json");
            write_ref(w, str_from(r->body));
        }
        end_content(w);
        jw_end_object(w);
    }
    jw_member_raw(w, "security",
                  r->role == HTTP_PUBLIC ? STR("[]") : STR("[{\"token\":[]},{\"session\":[]}]"));
    write_responses(w, r);
    jw_end_object(w);
}

/* --- the document ------------------------------------------------------------------------------------ */

static bool is_first_of_path(size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(api_routes[i].path, api_routes[at].path) == 0) {
            return false;
        }
    }
    return true;
}

static void write_path(struct json_writer *w, size_t at)
{
    char text[TEXT_BYTES];
    struct buf path = buf_fixed(text, sizeof(text));
    struct str head = STR_NONE;
    struct str tail = STR_NONE;
    bool is_long = str_cut(str_from(api_routes[at].path), '.', &head, &tail);
    buf_add(&path, head);
    bool is_rest = is_long && str_starts(tail, STR("..}")); /* {key...} is {key} */
    buf_add(&path, is_rest ? str_slice(tail, 2, tail.len) : STR(""));
    buf_add(&path, is_long && !is_rest ? STR(".") : STR(""));
    buf_add(&path, is_long && !is_rest ? tail : STR(""));
    jw_key(w, buf_str(&path));
    jw_begin_object(w);
    for (size_t i = at; i < api_route_count; i++) {
        if (strcmp(api_routes[i].path, api_routes[at].path) == 0) {
            write_route(w, &api_routes[i]);
        }
    }
    jw_end_object(w);
}

void api_write_openapi(struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "openapi", STR("3.1.0"));
    jw_member_raw(
        &w, "info",
        STR("{\"title\":\"Selvedge hub\",\"version\":\"1\",\"description\":\"See api.md "
            "for what each address means. x-role: who may ask, and whoever may more.\"}"));
    jw_key(&w, STR("paths"));
    jw_begin_object(&w);
    for (size_t i = 0; i < api_route_count; i++) {
        if (is_first_of_path(i)) {
            write_path(&w, i);
        }
    }
    jw_end_object(&w);
    jw_key(&w, STR("components"));
    jw_begin_object(&w);
    jw_member_raw(&w, "securitySchemes",
                  STR("{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"},\"session\":{\"type\":"
                      "\"apiKey\",\"in\":\"cookie\",\"name\":\"selvedge_session\"}}"));
    jw_key(&w, STR("schemas"));
    jw_begin_object(&w);
    for (size_t i = 0; i < api_schema_count; i++) {
        write_schema(&w, &api_schemas[i]);
    }
    jw_end_object(&w);
    jw_end_object(&w);
    jw_end_object(&w);
    buf_add_char(out, '\n');
}

bool api_openapi(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    (void)ctx;
    (void)rq;
    (void)err;
    api_write_openapi(&rs->body);
    return true;
}
