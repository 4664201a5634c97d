/* definitions_view.c - the `definitions` event: a device's assets and edges, told in parts. The
 * parts that came are not kept anywhere else: when the last one is there, all are read from the log
 * again. */
#include "common/base/limits.h"
#include "hub/merge/members.h"
#include "hub/merge/views.h"
#include "hub_store_sql.h"

struct part {
    struct str hash;
    int64_t part;
    int64_t parts;
    int64_t first_seq; /* where part 1 stands */
};

static bool read_part(const struct members *m, struct part *ret)
{
    ret->hash = members_name(m, MEMBER_HASH);
    return ret->hash.len > 0 && members_i64(m, MEMBER_PART, &ret->part) &&
           members_i64(m, MEMBER_PARTS, &ret->parts) && ret->part >= 1 && ret->part <= ret->parts;
}

/* Whether the part before this one came, of the same set. */
static bool follows(struct views *v, const struct view_stream *stream, struct part *part,
                    bool *ret_follows, struct err *err)
{
    struct db_query q = db_query(v->out, HUB_STORE_DEFINITIONS_PART_FIND);
    db_bind_i64(&q, ":stream", stream->id);
    db_bind_str(&q, ":hash", part->hash);
    bool has_row = false;
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    *ret_follows =
        has_row && db_col_i64(&q, 0) == part->parts && db_col_i64(&q, 1) == part->part - 1;
    if (has_row) {
        part->first_seq = db_col_i64(&q, 2);
        db_reset(&q);
    }
    return true;
}

static bool set_part(struct views *v, const struct view_stream *stream, const struct part *part,
                     struct err *err)
{
    struct db_query q = db_query(v->out, HUB_STORE_DEFINITIONS_PART_SET);
    db_bind_i64(&q, ":stream", stream->id);
    db_bind_str(&q, ":hash", part->hash);
    db_bind_i64(&q, ":parts", part->parts);
    db_bind_i64(&q, ":part", part->part);
    db_bind_i64(&q, ":first", part->first_seq);
    return db_run(&q, err);
}

static bool clear_by_stream(struct views *v, const struct view_stream *stream, struct err *err)
{
    struct db_query q = db_query(v->out, HUB_STORE_DEFINITIONS_PART_CLEAR);
    db_bind_i64(&q, ":stream", stream->id);
    return db_run(&q, err);
}

static bool clear_by_device(struct views *v, const struct view_stream *stream, int sql_id,
                            struct err *err)
{
    struct db_query q = db_query(v->out, sql_id);
    db_bind_str(&q, ":device", stream->device);
    return db_run(&q, err);
}

/* False in *ret_is_latest when a newer database of the device has said what holds. */
static bool set_definitions(struct views *v, const struct view_stream *stream,
                            const struct event *ev, struct str hash, bool *ret_is_latest,
                            struct err *err)
{
    struct db_query q = db_query(v->out, HUB_STORE_DEFINITIONS_SET);
    db_bind_str(&q, ":device", stream->device);
    db_bind_str(&q, ":hash", hash);
    db_bind_i64(&q, ":at", wall_ms(ev->at));
    db_bind_i64(&q, ":stream_ms", stream->first_at_ms);
    db_bind_str(&q, ":epoch", stream->epoch);
    db_bind_i64(&q, ":seq", ev->seq);
    if (!db_run(&q, err)) {
        return false;
    }
    *ret_is_latest = db_changes(v->out) > 0;
    return true;
}

static bool add_edges(struct views *v, const struct view_stream *stream, struct str asset,
                      struct str deps, struct err *err)
{
    struct json_scan scan;
    struct json_raw dep;
    struct err bad;
    if (str_is_empty(deps) || !json_scan_array(&scan, deps, &bad)) {
        return true;
    }
    while (json_scan_element(&scan, &dep)) {
        bool is_key = dep.type == JSON_STRING && !dep.has_escape && dep.text.len > 0 &&
                      dep.text.len <= LIMIT_ASSET_KEY_BYTES;
        if (!is_key) {
            continue;
        }
        struct db_query q = db_query(v->out, HUB_STORE_EDGE_SET);
        db_bind_str(&q, ":device", stream->device);
        db_bind_str(&q, ":downstream", asset);
        db_bind_str(&q, ":upstream", dep.text);
        if (!db_run(&q, err)) {
            return false;
        }
    }
    return true;
}

/* One complete set on its way into the tables. */
struct taking {
    struct views *v;
    const struct view_stream *stream;
    int64_t previous; /* seq of the stream's set before; 0 = none */
    int64_t first, seq;
    bool is_latest;   /* no newer database of the device has said what holds */
    bool tells_named; /* jobs, schedules and sensors stand beside the assets */
};

static bool set_asset(const struct taking *t, const struct members *m, struct str key,
                      struct err *err)
{
    struct db_query q = db_query(t->v->out, HUB_STORE_ASSET_DEFINITION_SET);
    db_bind_str(&q, ":device", t->stream->device);
    db_bind_str(&q, ":asset", key);
    db_bind_opt(&q, ":group", members_text(m, MEMBER_GROUP));
    db_bind_opt(&q, ":kinds", members_json(m, MEMBER_KINDS, JSON_ARRAY));
    db_bind_opt(&q, ":tags", members_json(m, MEMBER_TAGS, JSON_OBJECT));
    db_bind_opt(&q, ":owners", members_json(m, MEMBER_OWNERS, JSON_ARRAY));
    db_bind_opt(&q, ":checks", members_json(m, MEMBER_CHECKS, JSON_ARRAY));
    db_bind_opt(&q, ":description", members_text(m, MEMBER_DESCRIPTION));
    db_bind_opt(&q, ":code_version", members_text(m, MEMBER_CODE_VERSION));
    db_bind_i64(&q, ":external", members_is_true(m, MEMBER_EXTERNAL) ? 1 : 0);
    return db_run(&q, err) &&
           add_edges(t->v, t->stream, key, members_json(m, MEMBER_DEPS, JSON_ARRAY), err);
}

static bool add_asset(const struct taking *t, struct str object, struct err *err)
{
    struct members m;
    members_read(&m, object, &t->v->parts);
    struct str key = members_name(&m, MEMBER_KEY);
    if (str_is_empty(key)) {
        return true;
    }
    return views_add_version(t->v, t->stream, key, object, t->previous, t->seq, err) &&
           (!t->is_latest || (set_asset(t, &m, key, err) &&
                              (t->tells_named || views_count_named(t->v, t->stream, &m, err))));
}

static bool add_part(struct taking *t, struct str body, bool is_first, struct err *err)
{
    struct members m;
    members_read(&m, body, &t->v->parts);
    if (is_first) {
        t->tells_named = !str_is_empty(members_json(&m, MEMBER_JOBS, JSON_ARRAY));
    }
    if (t->tells_named && !views_take_named(t->v, t->stream, &m, t->is_latest, err)) {
        return false;
    }
    struct json_scan scan;
    struct json_raw asset;
    struct err bad;
    struct str assets = members_json(&m, MEMBER_ASSETS, JSON_ARRAY);
    if (str_is_empty(assets) || !json_scan_array(&scan, assets, &bad)) {
        return true;
    }
    while (json_scan_element(&scan, &asset)) {
        arena_reset(&t->v->parts); /* one asset's text at a time */
        if (asset.type == JSON_OBJECT && !add_asset(t, asset.text, err)) {
            return false;
        }
        if (t->v->parts.exhausted) {
            return err_set(err, ERR_NO_MEMORY, "views: no memory for the texts of an asset");
        }
    }
    return true;
}

static bool clear_assets(const struct taking *t, struct err *err)
{
    return clear_by_device(t->v, t->stream, HUB_STORE_ASSET_DEFINITION_CLEAR, err) &&
           clear_by_device(t->v, t->stream, HUB_STORE_EDGE_CLEAR, err) &&
           clear_by_device(t->v, t->stream, HUB_STORE_NAMED_CLEAR, err);
}

static bool take_assets(struct taking *t, struct err *err)
{
    if (t->is_latest && !clear_assets(t, err)) {
        return false;
    }
    struct db_query q = db_query(t->v->log, HUB_STORE_EVENT_DEFINITIONS);
    db_bind_i64(&q, ":stream", t->stream->id);
    db_bind_i64(&q, ":first", t->first);
    db_bind_i64(&q, ":last", t->seq);
    bool has_row = false;
    for (bool is_first = true; db_next(&q, &has_row, err); is_first = false) {
        if (!has_row) {
            return true;
        }
        if (!add_part(t, db_col_str(&q, 0), is_first, err)) {
            db_reset(&q);
            return false;
        }
    }
    return false;
}

bool views_apply_definitions(struct views *v, const struct view_stream *stream,
                             const struct event *ev, struct err *err)
{
    struct members m;
    struct part part = {.first_seq = ev->seq};
    members_read(&m, ev->body, &v->parts);
    if (!read_part(&m, &part)) {
        return clear_by_stream(
            v, stream, err); /* it belongs to no set, and breaks the one that was coming in */
    }
    bool is_next = part.part == 1;
    if (!is_next && !follows(v, stream, &part, &is_next, err)) {
        return false;
    }
    if (!is_next) {
        return clear_by_stream(v, stream, err);
    }
    if (part.part < part.parts) {
        return set_part(v, stream, &part, err);
    }
    struct taking t = {.v = v, .stream = stream, .first = part.first_seq, .seq = ev->seq};
    return clear_by_stream(v, stream, err) &&
           set_definitions(v, stream, ev, part.hash, &t.is_latest, err) &&
           views_begin_set(v, stream, ev, part.hash, &t.previous, err) && take_assets(&t, err);
}
