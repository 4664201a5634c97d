/* health_view.c - what a device last measured of itself. */
#include "hub/merge/views.h"
#include "hub_store_sql.h"

bool views_apply_health(struct views *v, const struct view_stream *stream, const struct event *ev,
                        struct err *err)
{
    struct db_query q = db_query(v->out, HUB_STORE_HEALTH_SET);
    db_bind_str(&q, ":device", stream->device);
    db_bind_i64(&q, ":stream_ms", stream->first_at_ms);
    db_bind_str(&q, ":epoch", stream->epoch);
    db_bind_i64(&q, ":seq", ev->seq);
    db_bind_i64(&q, ":at", wall_ms(ev->at));
    db_bind_str(&q, ":body", ev->body);
    return db_run(&q, err);
}
