/* device_time.c - /devices/{device}/timeline: what happened to a device, on one axis. */
#include "hub/api/api_internal.h"

enum { TIME_ROWS_MAX = 500 }; /* of a kind */
#define SPAN_NS     (24 * 3600 * NS_PER_SEC)
#define SPAN_NS_MAX (INT64_C(92) * 24 * 3600 * NS_PER_SEC)

struct span {
    struct api *api;
    struct http_request *rq;
    struct json_writer w;
    struct wall_time since, until;
    bool is_cut; /* of a kind there is more */
};

static void write_at(struct json_writer *w, const char *key, const struct db_query *q, int col)
{
    if (!db_col_is_null(q, col)) {
        jw_member_wall(w, key, (struct wall_time){db_col_i64(q, col) * NS_PER_MS});
    }
}

static void write_number(struct json_writer *w, const char *key, const struct db_query *q, int col)
{
    if (!db_col_is_null(q, col)) {
        jw_member_i64(w, key, db_col_i64(q, col));
    }
}

static void write_presence(struct json_writer *w, const struct db_query *q)
{
    write_at(w, "at", q, 0);
    jw_member_str(w, "status", db_col_i64(q, 1) != 0 ? STR("online") : STR("away"));
    jw_member_opt(w, "reason", db_col_str(q, 2));
}

static void write_run(struct json_writer *w, const struct db_query *q)
{
    write_at(w, "at", q, 3);
    write_at(w, "until", q, 4);
    jw_member_str(w, "run", db_col_str(q, 0));
    jw_member_str(w, "status", db_col_str(q, 1));
    jw_member_opt(w, "name", db_col_str(q, 2));
}

static void write_definitions(struct json_writer *w, const struct db_query *q)
{
    write_at(w, "at", q, 0);
    jw_member_str(w, "hash", db_col_str(q, 1));
}

static void write_deployment(struct json_writer *w, const struct db_query *q)
{
    write_at(w, "at", q, 0);
    jw_member_str(w, "deployment", db_col_str(q, 1));
    jw_member_str(w, "bundle", db_col_str(q, 2));
    jw_member_str(w, "status", db_col_is_null(q, 4) ? STR("asked") : db_col_str(q, 4));
}

static void write_alert(struct json_writer *w, const struct db_query *q)
{
    write_at(w, "at", q, 0);
    write_at(w, "until", q, 1);
    jw_member_str(w, "kind", db_col_str(q, 2));
    jw_member_opt(w, "detail", db_col_str(q, 3));
    jw_member_i64(w, "alert", db_col_i64(q, 4));
}

static void write_command(struct json_writer *w, const struct db_query *q)
{
    write_at(w, "at", q, 0);
    write_at(w, "until", q, 4);
    jw_member_str(w, "command", db_col_str(q, 1));
    jw_member_str(w, "verb", db_col_str(q, 2));
    jw_member_str(w, "status", db_col_str(q, 3));
}

static void write_health(struct json_writer *w, const struct db_query *q)
{
    write_at(w, "at", q, 0);
    write_number(w, "buffer_events", q, 1);
    write_number(w, "buffer_bytes", q, 2);
    write_number(w, "buffer_quota_bytes", q, 3);
    write_number(w, "disk_free_bytes", q, 4);
}

static const struct kind {
    const char *name;
    int sql_id;
    void (*write)(struct json_writer *w, const struct db_query *q);
} kinds[] = {
    {"presence", HUB_API_TIME_PRESENCE, write_presence},
    {"runs", HUB_API_TIME_RUNS, write_run},
    {"definitions", HUB_API_TIME_DEFINITIONS, write_definitions},
    {"deployments", HUB_API_TIME_DEPLOYMENTS, write_deployment},
    {"alerts", HUB_API_TIME_ALERTS, write_alert},
    {"commands", HUB_API_TIME_COMMANDS, write_command},
    {"health", HUB_API_TIME_HEALTH, write_health},
};

static bool write_kind(struct span *s, const struct kind *kind, struct err *err)
{
    struct db_query q = db_query(s->api->own, kind->sql_id);
    int64_t count = 0;
    bool ok = true;
    db_bind_str(&q, ":device", s->rq->args[0]);
    db_bind_i64(&q, ":until", s->until.ns / NS_PER_MS);
    db_bind_i64(&q, ":limit", TIME_ROWS_MAX + 1);
    db_bind_i64(&q, ":since", s->since.ns / NS_PER_MS);
    jw_key(&s->w, str_from(kind->name));
    jw_begin_array(&s->w);
    while (db_each(&q, &ok, err)) {
        if (count++ == TIME_ROWS_MAX) {
            s->is_cut = true;
            continue;
        }
        jw_begin_object(&s->w);
        kind->write(&s->w, &q);
        jw_end_object(&s->w);
    }
    jw_end_array(&s->w);
    return ok;
}

/* Until now, or ?until=; since ?since=, or for ?span=. */
static bool read_span(struct span *s, struct err *err)
{
    struct str text = http_target_get(&s->rq->target, "span");
    int64_t span = SPAN_NS;
    if (!str_is_empty(text) && !str_to_duration(text, &span)) {
        return err_set(err, ERR_INVALID, "span is like 6h or 7d");
    }
    if (span <= 0 || span > SPAN_NS_MAX) {
        return err_set(err, ERR_INVALID, "span is more than nothing, 92d at most");
    }
    if (!api_time(s->rq, "until", s->rq->now, &s->until, err) ||
        !api_time(s->rq, "since", (struct wall_time){s->until.ns - span}, &s->since, err)) {
        return false;
    }
    return (s->since.ns <= s->until.ns && s->until.ns - s->since.ns <= SPAN_NS_MAX) ||
           err_set(err, ERR_INVALID, "since is before until, by 92 days at most");
}

bool api_device_timeline(void *ctx, struct http_request *rq, struct http_response *rs,
                         struct err *err)
{
    struct span s = {.api = ctx, .rq = rq, .w = json_writer(&rs->body)};
    struct str device;
    if (!api_find_device(s.api, rq, &device, err) || !read_span(&s, err)) {
        return false;
    }
    jw_begin_object(&s.w);
    jw_member_str(&s.w, "device", device);
    jw_member_wall(&s.w, "since", s.since);
    jw_member_wall(&s.w, "until", s.until);
    bool ok = true;
    for (size_t i = 0; ok && i < COUNT_OF(kinds); i++) {
        ok = write_kind(&s, &kinds[i], err);
    }
    jw_member_bool(&s.w, "cut", s.is_cut);
    jw_end_object(&s.w);
    return ok;
}
