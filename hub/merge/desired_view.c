/* desired_view.c - the `desired` event: which revision is in force on a device, or was refused. */
#include "hub/merge/members.h"
#include "hub/merge/views.h"
#include "hub_store_sql.h"

bool views_apply_desired(struct views *v, const struct view_stream *stream, const struct event *ev,
                         struct err *err)
{
    struct members m;
    int64_t revision = 0;
    int64_t applied = 0;
    members_read(&m, ev->body, &v->text);
    struct str status = members_name(&m, MEMBER_STATUS);
    if (str_is_empty(status)) {
        return true; /* nothing that can be shown */
    }
    (void)members_i64(&m, MEMBER_REVISION, &revision);
    (void)members_i64(&m, MEMBER_APPLIED, &applied);
    struct db_query q = db_query(v->out, HUB_STORE_DESIRED_TOLD);
    db_bind_str(&q, ":device", stream->device);
    db_bind_i64(&q, ":revision", revision);
    db_bind_str(&q, ":status", status);
    db_bind_opt(&q, ":reason", members_text(&m, MEMBER_REASON));
    db_bind_i64(&q, ":applied", applied);
    db_bind_opt(&q, ":hash", members_name(&m, MEMBER_HASH));
    db_bind_i64(&q, ":at", wall_ms(ev->at));
    db_bind_i64(&q, ":stream_ms", stream->first_at_ms);
    db_bind_str(&q, ":epoch", stream->epoch);
    db_bind_i64(&q, ":seq", ev->seq);
    return db_run(&q, err);
}
