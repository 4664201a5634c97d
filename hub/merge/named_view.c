/* named_view.c - jobs, schedules and sensors: as devices define them, and what a person or the hub did
 * to them; the keys of dynamic partitions, and what was seen of assets. */
#include "hub/merge/members.h"
#include "hub/merge/views.h"
#include "hub_store_sql.h"

static const struct kind {
    enum member list;
    struct str word;
} kinds[] = {{MEMBER_JOBS, STR_INIT("job")},
             {MEMBER_SCHEDULES, STR_INIT("schedule")},
             {MEMBER_SENSORS, STR_INIT("sensor")}};

static bool add_text(struct views *v, struct str version, struct str object, struct err *err)
{
    struct db_query q = db_query(v->out, HUB_STORE_NAMED_TEXT_ADD);
    db_bind_str(&q, ":version", version);
    db_bind_str(&q, ":body", object);
    return db_run(&q, err);
}

static bool set_named(struct views *v, const struct view_stream *stream, struct str kind,
                      const struct members *m, struct str version, struct err *err)
{
    int64_t assets = 0;
    (void)members_i64(m, MEMBER_ASSETS, &assets);
    struct db_query q = db_query(v->out, HUB_STORE_NAMED_SET);
    db_bind_str(&q, ":kind", kind);
    db_bind_str(&q, ":name", members_name(m, MEMBER_NAME));
    db_bind_str(&q, ":device", stream->device);
    db_bind_str(&q, ":version", version);
    db_bind_i64(&q, ":assets", assets);
    return db_run(&q, err);
}

static bool take_one(struct views *v, const struct view_stream *stream, struct str kind,
                     struct str object, bool is_latest, struct err *err)
{
    char hex[2 * VIEWS_VERSION_BYTES];
    struct members m;
    members_read(&m, object, &v->parts);
    if (str_is_empty(members_name(&m, MEMBER_NAME))) {
        return true;
    }
    struct str version = views_version_of(object, hex);
    return add_text(v, version, object, err) &&
           (!is_latest || set_named(v, stream, kind, &m, version, err));
}

bool views_take_named(struct views *v, const struct view_stream *stream, const struct members *m,
                      bool is_latest, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct str list = members_json(m, kinds[i].list, JSON_ARRAY);
        struct json_scan scan;
        struct json_raw one;
        struct err bad;
        if (str_is_empty(list) || !json_scan_array(&scan, list, &bad)) {
            continue;
        }
        while (json_scan_element(&scan, &one)) {
            if (one.type == JSON_OBJECT &&
                !take_one(v, stream, kinds[i].word, one.text, is_latest, err)) {
                return false;
            }
        }
    }
    return true;
}

static bool count_one(struct views *v, const struct view_stream *stream, struct str kind,
                      struct str name, struct err *err)
{
    struct db_query q = db_query(v->out, HUB_STORE_NAMED_COUNT);
    db_bind_str(&q, ":kind", kind);
    db_bind_str(&q, ":name", name);
    db_bind_str(&q, ":device", stream->device);
    return db_run(&q, err);
}

bool views_count_named(struct views *v, const struct view_stream *stream,
                       const struct members *asset, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct str list = members_json(asset, kinds[i].list, JSON_ARRAY);
        struct json_scan scan;
        struct json_raw name;
        struct err bad;
        if (str_is_empty(list) || !json_scan_array(&scan, list, &bad)) {
            continue;
        }
        while (json_scan_element(&scan, &name)) {
            bool is_name = name.type == JSON_STRING && !name.has_escape && name.text.len > 0;
            if (is_name && !count_one(v, stream, kinds[i].word, name.text, err)) {
                return false;
            }
        }
    }
    return true;
}

static void bind_stamp(struct db_query *q, const struct view_stream *stream, const struct event *ev)
{
    db_bind_str(q, ":device", stream->device);
    db_bind_i64(q, ":stream_ms", stream->first_at_ms);
    db_bind_str(q, ":epoch", stream->epoch);
    db_bind_i64(q, ":seq", ev->seq);
}

bool views_apply_instigator(struct views *v, const struct view_stream *stream,
                            const struct event *ev, struct err *err)
{
    struct members m;
    struct str name = STR_NONE;
    members_read(&m, ev->body, &v->text);
    struct str kind = members_instigator(&m, &name);
    if (str_is_empty(kind)) {
        return true;
    }
    struct db_query q = db_query(v->out, HUB_STORE_INSTIGATOR_SET);
    bind_stamp(&q, stream, ev);
    db_bind_str(&q, ":kind", kind);
    db_bind_str(&q, ":name", name);
    db_bind_opt(&q, ":status", members_name(&m, MEMBER_STATUS));
    db_bind_opt(&q, ":reason", members_text(&m, MEMBER_REASON));
    db_bind_opt(&q, ":command", members_name(&m, MEMBER_COMMAND));
    db_bind_i64(&q, ":at", wall_ms(ev->at));
    return db_run(&q, err);
}

bool views_apply_partition_key(struct views *v, const struct view_stream *stream,
                               const struct event *ev, struct err *err)
{
    struct members m;
    members_read(&m, ev->body, &v->text);
    struct str set = members_name(&m, MEMBER_SET);
    struct str key = members_text(&m, MEMBER_PARTITION);
    if (str_is_empty(set) || str_is_empty(key)) {
        return true;
    }
    struct db_query q = db_query(v->out, HUB_STORE_DYNAMIC_PARTITION_SET);
    bind_stamp(&q, stream, ev);
    db_bind_str(&q, ":set", set);
    db_bind_str(&q, ":key", key);
    db_bind_i64(&q, ":is_there", str_eq(members_text(&m, MEMBER_STATUS), STR("deleted")) ? 0 : 1);
    return db_run(&q, err);
}

bool views_apply_observation(struct views *v, const struct view_stream *stream,
                             const struct event *ev, struct err *err)
{
    struct members m;
    if (str_is_empty(ev->asset)) {
        return true;
    }
    members_read(&m, ev->body, &v->text);
    struct db_query q = db_query(v->out, HUB_STORE_OBSERVED_SET);
    bind_stamp(&q, stream, ev);
    db_bind_str(&q, ":asset", ev->asset);
    db_bind_i64(&q, ":at", wall_ms(ev->at));
    db_bind_opt(&q, ":version", members_text(&m, MEMBER_DATA_VERSION));
    return db_run(&q, err);
}
