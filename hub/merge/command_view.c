/* command_view.c - what a device last said of a command, and how far a backfill is: what a fleet's
 * backfill waits for. */
#include "hub/merge/members.h"
#include "hub/merge/views.h"
#include "hub_store_sql.h"

/* One that names no command or no status is in the log only. */
bool views_apply_answer(struct views *v, const struct view_stream *stream, const struct event *ev,
                        struct err *err)
{
    struct members m;
    members_read(&m, ev->body, &v->text);
    struct str command = members_name(&m, MEMBER_COMMAND);
    struct str status = members_name(&m, MEMBER_STATUS);
    if (str_is_empty(command) || str_is_empty(status)) {
        return true;
    }
    struct db_query q = db_query(v->out, HUB_STORE_ANSWER_SET);
    db_bind_str(&q, ":command", command);
    db_bind_str(&q, ":device", stream->device);
    db_bind_i64(&q, ":is_taken", str_eq(status, STR("refused")) ? 0 : 1);
    db_bind_i64(&q, ":stream_ms", stream->first_at_ms);
    db_bind_str(&q, ":epoch", stream->epoch);
    db_bind_i64(&q, ":seq", ev->seq);
    db_bind_i64(&q, ":at", wall_ms(ev->at));
    db_bind_str(&q, ":status", status);
    db_bind_opt(&q, ":verb", members_name(&m, MEMBER_VERB));
    db_bind_opt(&q, ":code", members_name(&m, MEMBER_CODE));
    db_bind_opt(&q, ":reason", members_text(&m, MEMBER_REASON));
    db_bind_opt(&q, ":key", members_name(&m, MEMBER_KEY));
    db_bind_opt(&q, ":run", ev->run);
    db_bind_opt(&q, ":result", members_json(&m, MEMBER_RESULT, JSON_OBJECT));
    return db_run(&q, err);
}

/* The command that asked for it stands in its tags. */
static struct str command_of(struct str tags)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err err;
    if (str_is_empty(tags) || !json_scan_object(&scan, tags, &err)) {
        return STR_NONE;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "selvedge/command") && value.type == JSON_STRING &&
            !value.has_escape) {
            return value.text;
        }
    }
    return STR_NONE;
}

static void bind_number(struct db_query *q, const char *name, const struct members *m,
                        enum member member)
{
    int64_t value = 0;
    if (members_i64(m, member, &value)) {
        db_bind_i64(q, name, value);
    }
}

bool views_apply_backfill(struct views *v, const struct view_stream *stream, const struct event *ev,
                          struct err *err)
{
    struct members m;
    members_read(&m, ev->body, &v->text);
    struct str backfill = members_name(&m, MEMBER_BACKFILL);
    struct str status = members_name(&m, MEMBER_STATUS);
    if (str_is_empty(backfill) || str_is_empty(status)) {
        return true;
    }
    struct db_query q = db_query(v->out, HUB_STORE_BACKFILL_SET);
    db_bind_i64(&q, ":stream", stream->id);
    db_bind_str(&q, ":backfill", backfill);
    db_bind_str(&q, ":status", status);
    db_bind_opt(&q, ":command", command_of(members_json(&m, MEMBER_TAGS, JSON_OBJECT)));
    db_bind_opt(&q, ":selection", members_text(&m, MEMBER_SELECTION));
    db_bind_opt(&q, ":reason", members_text(&m, MEMBER_REASON));
    db_bind_i64(&q, ":at", wall_ms(ev->at));
    db_bind_opt(&q, ":first", members_text(&m, MEMBER_PARTITION));
    db_bind_opt(&q, ":last", members_text(&m, MEMBER_PARTITION_END));
    db_bind_opt(&q, ":parent", members_name(&m, MEMBER_PARENT));
    bind_number(&q, ":partitions", &m, MEMBER_STEPS);
    bind_number(&q, ":per_run", &m, MEMBER_PARTITIONS_PER_RUN);
    return db_run(&q, err);
}
