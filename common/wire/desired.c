#include "common/wire/desired.h"

#include "common/tls/identity.h"
#include <stddef.h>
#include <string.h>

enum { REPORTED_BYTES_MAX = 4 << 10, BUNDLE_HASH_LEN = 64 };

const char *const desired_log_levels[] = {"error", "warn", "info", "debug", NULL};

/* --- tables --- */

#define ROW(struct_, member_, key_, type_, ...)                                                    \
    {                                                                                              \
        .key = (key_), .type = (type_), .offset = offsetof(struct_, member_), __VA_ARGS__          \
    }
#define SEEN(struct_, member_) .present_offset = offsetof(struct_, member_)
#define TABLE(name_, struct_, fields_)                                                             \
    .name = (name_), .size = sizeof(struct_), .fields = (fields_), .count = COUNT_OF(fields_)

static const struct field pauses_fields[] = {
    ROW(struct desired_pauses, schedules, "schedules", FIELD_STR_LIST, .max = DESIRED_PAUSES_MAX),
    ROW(struct desired_pauses, sensors, "sensors", FIELD_STR_LIST, .max = DESIRED_PAUSES_MAX),
    ROW(struct desired_pauses, automation, "automation", FIELD_BOOL, .min = 0),
};
static const struct field_table pauses_table = {
    TABLE("pauses", struct desired_pauses, pauses_fields)};

/* Ranges as in the agent's settings. */
static const struct field settings_fields[] = {
    ROW(struct desired_settings, log_level, "log_level", FIELD_ENUM, .names = desired_log_levels,
        SEEN(struct desired_settings, has_log_level)),
    ROW(struct desired_settings, sync_linger_ns, "sync_linger", FIELD_DURATION,
        .max = 3600 * NS_PER_SEC, SEEN(struct desired_settings, has_sync_linger)),
    ROW(struct desired_settings, reconnect_max_ns, "reconnect_max", FIELD_DURATION,
        .min = NS_PER_SEC, .max = 86400 * NS_PER_SEC,
        SEEN(struct desired_settings, has_reconnect_max)),
};
static const struct field_table settings_table = {
    TABLE("settings", struct desired_settings, settings_fields)};

#define CONTENT(struct_, content_)                                                                 \
    ROW(struct_, content_.schedules, "schedules", FIELD_JSON, .min = 0),                           \
        ROW(struct_, content_.pauses, "pauses", FIELD_OBJECT, .object = &pauses_table),            \
        ROW(struct_, content_.settings, "settings", FIELD_OBJECT, .object = &settings_table)

static const struct field content_fields[] = {CONTENT(struct desired, content)};
static const struct field_table content_table = {
    TABLE("desired state", struct desired, content_fields)};

struct desired_read {
    struct desired d;
    struct str kind;
    struct str issued_at;
    int64_t v;
};
static const struct field desired_fields[] = {
    ROW(struct desired_read, kind, "kind", FIELD_STR, .required = true),
    ROW(struct desired_read, v, "v", FIELD_I64, .required = true, .min = 1, .max = 1),
    ROW(struct desired_read, d.fleet, "fleet", FIELD_STR, .required = true),
    ROW(struct desired_read, d.device, "device", FIELD_STR, .required = true),
    ROW(struct desired_read, d.revision, "revision", FIELD_I64, .required = true, .min = 1,
        .max = DESIRED_REVISION_MAX),
    ROW(struct desired_read, issued_at, "issued_at", FIELD_STR, .required = true),
    CONTENT(struct desired_read, d.content),
    ROW(struct desired_read, d.content.bundle, "bundle", FIELD_STR, .min = 0),
};
static const struct field_table desired_table = {
    TABLE("desired", struct desired_read, desired_fields)};

/* --- writing --- */

static void write_names(struct json_writer *w, const char *key, const struct str_list *names)
{
    if (names->count == 0) {
        return;
    }
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < names->count; i++) {
        jw_str(w, names->items[i]);
    }
    jw_end_array(w);
}

static void write_pauses(const struct desired_pauses *p, struct json_writer *w)
{
    if (p->schedules.count == 0 && p->sensors.count == 0 && !p->automation) {
        return;
    }
    jw_key(w, STR("pauses"));
    jw_begin_object(w);
    write_names(w, "schedules", &p->schedules);
    write_names(w, "sensors", &p->sensors);
    if (p->automation) {
        jw_member_bool(w, "automation", true);
    }
    jw_end_object(w);
}

static void write_duration(struct json_writer *w, const char *key, int64_t ns)
{
    char memory[96];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_add_exact_duration(&text, ns);
    jw_member_str(w, key, buf_str(&text));
}

static void write_settings(const struct desired_settings *s, struct json_writer *w)
{
    if (!s->has_log_level && !s->has_sync_linger && !s->has_reconnect_max) {
        return;
    }
    jw_key(w, STR("settings"));
    jw_begin_object(w);
    if (s->has_log_level) {
        jw_member_str(w, "log_level", str_from(desired_log_levels[s->log_level]));
    }
    if (s->has_sync_linger) {
        write_duration(w, "sync_linger", s->sync_linger_ns);
    }
    if (s->has_reconnect_max) {
        write_duration(w, "reconnect_max", s->reconnect_max_ns);
    }
    jw_end_object(w);
}

static void write_schedules(const struct json *schedules, struct json_writer *w)
{
    if (schedules == NULL || schedules->count == 0) {
        return;
    }
    jw_key(w, STR("schedules"));
    json_write(w->out, schedules);
    w->needs_comma = true;
}

void desired_write_content(const struct desired_content *c, struct json_writer *w)
{
    write_schedules(c->schedules, w);
    write_pauses(&c->pauses, w);
    write_settings(&c->settings, w);
    if (c->bundle.ptr != NULL) {
        jw_member_str(w, "bundle", c->bundle);
    }
}

void desired_encode(const struct desired *d, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "kind", STR("desired"));
    jw_member_i64(&w, "v", 1);
    jw_member_str(&w, "fleet", d->fleet);
    jw_member_str(&w, "device", d->device);
    jw_member_i64(&w, "revision", d->revision);
    jw_member_wall(&w, "issued_at", d->issued_at);
    desired_write_content(&d->content, &w);
    jw_end_object(&w);
}

/* --- reading --- */

static bool has_earlier(const struct json *schedules, const struct json *until, struct str name)
{
    for (const struct json *node = schedules->child; node != until; node = node->next) {
        const struct json *other = json_get(node, "name");
        if (other != NULL && other->type == JSON_STRING && str_eq(other->as.string, name)) {
            return true;
        }
    }
    return false;
}

static struct location place(const struct json *node)
{
    return (struct location){node->line, node->column, node->file};
}

/* Each is an object with a name that no other has. */
static void check_schedules(const struct json *schedules, struct problems *problems)
{
    if (schedules == NULL) {
        return;
    }
    if (schedules->type != JSON_ARRAY) {
        problems_add(problems, place(schedules), STR_NONE, "schedules: must be a list");
        return;
    }
    if (schedules->count > DESIRED_SCHEDULES_MAX) {
        problems_add(problems, place(schedules), STR_NONE, "schedules: there are more than %d",
                     DESIRED_SCHEDULES_MAX);
        return;
    }
    size_t index = 0;
    for (const struct json *node = schedules->child; node != NULL; node = node->next, index++) {
        const struct json *name = json_get(node, "name");
        if (name == NULL || name->type != JSON_STRING) {
            problems_add(problems, place(node), STR_NONE, "schedules[%zu]: it has no name", index);
        } else if (has_earlier(schedules, node, name->as.string)) {
            problems_add(problems, place(node), STR_NONE,
                         "schedules[%zu]: there are two with the name " STR_FMT, index,
                         STR_ARG(str_slice(name->as.string, 0, LIMIT_NAME_BYTES)));
        }
    }
}

static bool is_hash(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
            return false;
        }
    }
    return text.len == BUNDLE_HASH_LEN;
}

bool desired_read_content(const struct json *root, struct arena *arena, struct problems *problems,
                          struct desired_content *ret)
{
    struct desired read = {0};
    size_t before = problems->total;
    if (fields_read(root, &content_table, STR(""), arena, problems, &read)) {
        check_schedules(read.content.schedules, problems);
    }
    *ret = read.content;
    return problems->total == before;
}

bool desired_decode(struct str body, struct arena *arena, struct desired *ret, struct err *err)
{
    struct json *root = NULL;
    struct desired_read r = {0};
    if (!json_parse(body, DESIRED_BYTES_MAX, arena, &root, err)) {
        return err_wrap(err, "desired");
    }
    struct problems *problems = arena_alloc(arena, sizeof(*problems));
    if (problems == NULL) {
        return err_set(err, ERR_NO_MEMORY, "desired: no memory to read it");
    }
    problems->arena = arena;
    if (!fields_read(root, &desired_table, STR("desired"), arena, problems, &r)) {
        return problems_to_err(problems, err);
    }
    check_schedules(r.d.content.schedules, problems);
    if (problems->total > 0) {
        (void)problems_to_err(problems, err);
        return err_wrap(err, "desired");
    }
    if (!str_eq(r.kind, STR("desired"))) {
        return err_set(err, ERR_INVALID, "desired.kind: it is no desired state");
    }
    if (!wall_parse(r.issued_at, &r.d.issued_at)) {
        return err_set(err, ERR_INVALID,
                       "desired.issued_at: must be a time like 2026-11-22T02:30:00.123Z");
    }
    if (r.d.content.bundle.len > 0 && !is_hash(r.d.content.bundle)) {
        return err_set(err, ERR_INVALID,
                       "desired.bundle: must be 64 lower-case hex digits, or empty");
    }
    *ret = r.d;
    return true;
}

bool desired_list_has(const struct str_list *list, struct str name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], STR("*")) || str_eq(list->items[i], name)) {
            return true;
        }
    }
    return false;
}

void desired_hash(struct str body, char ret[DESIRED_HASH_SIZE])
{
    char text[FINGERPRINT_TEXT_SIZE];
    digest_hex(body, text);
    memcpy(ret, text, DESIRED_HASH_SIZE - 1);
    ret[DESIRED_HASH_SIZE - 1] = '\0';
}

/* --- the answer --- */

static const struct str status_names[DESIRED_STATUS_COUNT] = {
    [DESIRED_APPLIED] = STR_INIT("applied"),
    [DESIRED_DEGRADED] = STR_INIT("degraded"),
    [DESIRED_REFUSED] = STR_INIT("refused")};

struct str desired_status_name(enum desired_status status)
{
    return status_names[status];
}

bool desired_status_from(struct str name, enum desired_status *ret)
{
    for (size_t i = 0; i < COUNT_OF(status_names); i++) {
        if (str_eq(name, status_names[i])) {
            *ret = (enum desired_status)i;
            return true;
        }
    }
    return false;
}

void message_reported_encode(const struct message_reported *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_i64(&w, "revision", m->revision);
    jw_member_str(&w, "status", desired_status_name(m->status));
    jw_member_opt(&w, "reason", str_slice(m->reason, 0, DESIRED_REASON_BYTES));
    jw_member_i64(&w, "applied", m->applied);
    jw_member_opt(&w, "hash", m->hash);
    jw_member_wall(&w, "at", m->at);
    jw_end_object(&w);
}

struct reported_read {
    struct message_reported m;
    struct str status;
    struct str at;
};
static const struct field reported_fields[] = {
    ROW(struct reported_read, m.revision, "revision", FIELD_I64, .required = true, .min = 0,
        .max = DESIRED_REVISION_MAX),
    ROW(struct reported_read, status, "status", FIELD_STR, .required = true),
    ROW(struct reported_read, m.reason, "reason", FIELD_STR, .min = 0),
    ROW(struct reported_read, m.applied, "applied", FIELD_I64, .required = true, .min = 0,
        .max = DESIRED_REVISION_MAX),
    ROW(struct reported_read, m.hash, "hash", FIELD_STR, .min = 0),
    ROW(struct reported_read, at, "at", FIELD_STR, .required = true),
};
static const struct field_table reported_table = {
    TABLE("reported", struct reported_read, reported_fields), .ignore_unknown = true};

bool message_reported_decode(struct str payload, struct arena *arena, struct message_reported *ret,
                             struct err *err)
{
    struct json *root = NULL;
    struct reported_read r = {0};
    if (!json_parse(payload, REPORTED_BYTES_MAX, arena, &root, err)) {
        return err_wrap(err, "reported");
    }
    struct problems *problems = arena_alloc(arena, sizeof(*problems));
    if (problems == NULL) {
        return err_set(err, ERR_NO_MEMORY, "reported: no memory to read it");
    }
    problems->arena = arena;
    if (!fields_read(root, &reported_table, STR("reported"), arena, problems, &r)) {
        return problems_to_err(problems, err);
    }
    if (!desired_status_from(r.status, &r.m.status)) {
        return err_set(err, ERR_INVALID, "reported.status: one of applied, degraded, refused");
    }
    if (!wall_parse(r.at, &r.m.at)) {
        return err_set(err, ERR_INVALID,
                       "reported.at: must be a time like 2026-11-22T02:30:00.123Z");
    }
    *ret = r.m;
    return true;
}
