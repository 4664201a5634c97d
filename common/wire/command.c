/* command.c - see command.h: the body, and pieces of text. What verbs take is in command_args.c. */
#include "common/wire/command.h"

#include "common/base/uuid.h"
#include "common/json/json_writer.h"
#include "common/wire/topics.h"
#include <stddef.h>
#include <string.h>

enum {
    FLEET_BYTES_MAX = 63,
    PIECE_HEAD_BYTES_MAX = 4 << 10,
};

struct command_read {
    struct command c;
    struct str kind;
    int64_t version;
    struct str_list to;
    struct str issued_at;
    struct str expires_at;
};
#define TEXT(struct_, member_, key_, is_required_)                                                 \
    {                                                                                              \
        .key = (key_), .type = FIELD_STR, .offset = offsetof(struct_, member_),                    \
        .required = (is_required_)                                                                 \
    }
#define NUMBER(struct_, member_, key_, is_required_, min_, max_)                                   \
    {                                                                                              \
        .key = (key_), .type = FIELD_I64, .offset = offsetof(struct_, member_),                    \
        .required = (is_required_), .min = (min_), .max = (max_)                                   \
    }
static const struct field command_fields[] = {
    TEXT(struct command_read, kind, "kind", true),
    NUMBER(struct command_read, version, "v", true, 1, 1),
    TEXT(struct command_read, c.fleet, "fleet", true),
    {.key = "to",
     .type = FIELD_STR_LIST,
     .offset = offsetof(struct command_read, to),
     .required = true,
     .min = 1,
     .max = COMMAND_DEVICES_MAX},
    TEXT(struct command_read, c.id, "id", true),
    NUMBER(struct command_read, c.counter, "counter", true, 1, INT64_MAX),
    TEXT(struct command_read, issued_at, "issued_at", true),
    TEXT(struct command_read, expires_at, "expires_at", true),
    TEXT(struct command_read, c.verb, "verb", true),
    {.key = "args", .type = FIELD_JSON_TEXT, .offset = offsetof(struct command_read, c.args)},
};
static const struct field_table command_table = {.name = "command",
                                                 .size = sizeof(struct command_read),
                                                 .fields = command_fields,
                                                 .count = COUNT_OF(command_fields),
                                                 .ignore_unknown = true};

/* --- the body --------------------------------------------------------------------------------- */

void command_encode(const struct command *c, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "kind", STR("command"));
    jw_member_i64(&w, "v", 1);
    jw_member_str(&w, "fleet", c->fleet);
    jw_key(&w, STR("to"));
    jw_begin_array(&w);
    for (size_t i = 0; i < c->to_count; i++) {
        jw_str(&w, c->to[i]);
    }
    jw_end_array(&w);
    jw_member_str(&w, "id", c->id);
    jw_member_i64(&w, "counter", c->counter);
    jw_member_wall(&w, "issued_at", c->issued_at);
    jw_member_wall(&w, "expires_at", c->expires_at);
    jw_member_str(&w, "verb", c->verb);
    jw_member_raw(&w, "args", str_is_empty(c->args) ? STR("{}") : c->args);
    jw_end_object(&w);
}

static bool read_object(struct str text, size_t max_bytes, const struct field_table *table,
                        struct arena *arena, void *out, struct err *err)
{
    struct json *root = NULL;
    if (!json_parse(text, max_bytes, arena, &root, err)) {
        return err_wrap(err, "%s", table->name);
    }
    struct problems *problems = arena_alloc(arena, sizeof(*problems));
    if (problems == NULL) {
        return err_set(err, ERR_NO_MEMORY, "%s: no memory to read it", table->name);
    }
    problems->arena = arena;
    return fields_read(root, table, str_from(table->name), arena, problems, out) ||
           problems_to_err(problems, err);
}

static bool check_devices(const struct str_list *to, struct err *err)
{
    for (size_t i = 0; i < to->count; i++) {
        bool is_all = str_eq(to->items[i], STR("*")) && to->count == 1;
        if (!is_all && !device_name_is_valid(to->items[i])) {
            return err_set(err, ERR_INVALID,
                           "command.to[%zu]: \"" STR_FMT
                           "\" is no device name (and \"*\" stands alone)",
                           i, STR_ARG(str_clip(to->items[i], 80)));
        }
    }
    return true;
}

static bool verb_is_word(struct str verb)
{
    if (verb.len == 0 || verb.len > COMMAND_VERB_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < verb.len; i++) {
        char c = verb.ptr[i];
        bool is_letter = c >= 'a' && c <= 'z';
        if (!is_letter && (i == 0 || (c != '_' && !(c >= '0' && c <= '9')))) {
            return false;
        }
    }
    return true;
}

static bool take_time(const char *member, struct str text, struct wall_time *ret, struct err *err)
{
    return wall_parse(text, ret) ||
           err_set(err, ERR_INVALID, "command.%s: must be a time like 2026-11-22T02:30:00Z",
                   member);
}

static bool take_members(struct command_read *r, struct err *err)
{
    if (!str_eq(r->kind, STR("command"))) {
        return err_set(err, ERR_INVALID, "command.kind: \"" STR_FMT "\" is no command",
                       STR_ARG(str_clip(r->kind, 40)));
    }
    if (str_is_empty(r->c.fleet) || r->c.fleet.len > FLEET_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "command.fleet: must have 1 to %d bytes", FLEET_BYTES_MAX);
    }
    if (!uuid_is_valid(r->c.id)) {
        return err_set(err, ERR_INVALID, "command.id: must be a UUID in lower case");
    }
    if (!verb_is_word(r->c.verb)) {
        return err_set(err, ERR_INVALID, "command.verb: must be a word of at most %d of a-z 0-9 _",
                       COMMAND_VERB_BYTES_MAX);
    }
    if (!take_time("issued_at", r->issued_at, &r->c.issued_at, err) ||
        !take_time("expires_at", r->expires_at, &r->c.expires_at, err)) {
        return false;
    }
    if (r->c.expires_at.ns <= r->c.issued_at.ns) {
        return err_set(err, ERR_INVALID, "command.expires_at: must be later than issued_at");
    }
    return check_devices(&r->to, err);
}

bool command_decode(struct str body, struct arena *arena, struct command *ret, struct err *err)
{
    struct command_read r = {0};
    if (!read_object(body, COMMAND_BYTES_MAX, &command_table, arena, &r, err) ||
        !take_members(&r, err)) {
        return false;
    }
    r.c.args = str_is_empty(r.c.args) ? STR("{}") : r.c.args;
    r.c.to = r.to.items;
    r.c.to_count = r.to.count;
    *ret = r.c;
    return true;
}

bool command_is_for(const struct command *c, struct str device)
{
    for (size_t i = 0; i < c->to_count; i++) {
        if (str_eq(c->to[i], STR("*")) || str_eq(c->to[i], device)) {
            return true;
        }
    }
    return false;
}

/* --- its fate --------------------------------------------------------------------------------- */

static const char *const status_names[COMMAND_STATUS_COUNT] = {"received", "refused", "started",
                                                               "succeeded", "failed"};

const char *command_status_name(enum command_status status)
{
    return status_names[status];
}

bool command_status_from(struct str name, enum command_status *ret)
{
    for (int i = 0; i < COMMAND_STATUS_COUNT; i++) {
        if (str_eq(name, str_from(status_names[i]))) {
            *ret = (enum command_status)i;
            return true;
        }
    }
    return false;
}

bool command_status_is_end(enum command_status status)
{
    return status != COMMAND_RECEIVED && status != COMMAND_STARTED;
}

/* --- pieces ----------------------------------------------------------------------------------- */

struct piece_read {
    struct command_piece p;
    int64_t version;
    int64_t bytes;
};
static const struct field piece_fields[] = {
    NUMBER(struct piece_read, version, "v", true, 1, 1),
    TEXT(struct piece_read, p.command, "command", true),
    TEXT(struct piece_read, p.name, "name", true),
    NUMBER(struct piece_read, p.offset, "offset", true, 0, INT64_MAX),
    NUMBER(struct piece_read, p.dropped, "dropped", false, 0, INT64_MAX),
    NUMBER(struct piece_read, bytes, "bytes", true, 0, COMMAND_PIECE_BYTES_MAX),
    {.key = "last", .type = FIELD_BOOL, .offset = offsetof(struct piece_read, p.is_last)},
};
static const struct field_table piece_table = {.name = "log",
                                               .size = sizeof(struct piece_read),
                                               .fields = piece_fields,
                                               .count = COUNT_OF(piece_fields),
                                               .ignore_unknown = true};

void command_piece_encode(const struct command_piece *p, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_i64(&w, "v", 1);
    jw_member_str(&w, "command", p->command);
    jw_member_str(&w, "name", p->name);
    jw_member_i64(&w, "offset", p->offset);
    if (p->dropped > 0) {
        jw_member_i64(&w, "dropped", p->dropped);
    }
    jw_member_i64(&w, "bytes", (int64_t)p->bytes.len);
    if (p->is_last) {
        jw_member_bool(&w, "last", true);
    }
    jw_end_object(&w);
    buf_add_char(out, '\n');
    buf_add(out, p->bytes);
}

bool command_piece_decode(struct str payload, struct arena *arena, struct command_piece *ret,
                          struct err *err)
{
    struct piece_read r = {0};
    struct str head;
    struct str bytes;
    if (!str_cut(payload, '\n', &head, &bytes)) {
        return err_set(err, ERR_INVALID, "log: there is no line that says what it is a piece of");
    }
    if (!read_object(head, PIECE_HEAD_BYTES_MAX, &piece_table, arena, &r, err)) {
        return false;
    }
    if (!uuid_is_valid(r.p.command)) {
        return err_set(err, ERR_INVALID, "log.command: must be a UUID in lower case");
    }
    if ((size_t)r.bytes != bytes.len) {
        return err_set(err, ERR_INVALID, "log.bytes: %lld, but %zu follow", (long long)r.bytes,
                       bytes.len);
    }
    if (r.p.offset > INT64_MAX - r.bytes) {
        return err_set(err, ERR_INVALID, "log.offset: %lld is too large", (long long)r.p.offset);
    }
    r.p.bytes = bytes;
    *ret = r.p;
    return true;
}
