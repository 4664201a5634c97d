#include "common/model/backoff.h"
#include "common/model/freshness.h"
#include "tests/interop/model_peer.h"

/* {"policy":{"fail_after","warn_after"} or {"cron","timezone","lower_bound"},"moments":[[MADE,NOW],
 * ...]}, all in nanoseconds, gives {"answers":[["pass",NEXT],...]}. */
void peer_freshness(struct peer *p, const struct json *question, struct json_writer *w)
{
    const struct json *policy = json_get(question, "policy");
    struct freshness_policy f = {
        .kind = FRESHNESS_WINDOW,
        .warn_after_ns = peer_number(policy, "warn_after"),
        .fail_after_ns = peer_number(policy, "fail_after"),
    };
    if (json_get(policy, "cron") != NULL) {
        f.kind = FRESHNESS_DEADLINE;
        f.lower_bound_ns = peer_number(policy, "lower_bound");
        peer_cron(p, policy, &f.cron, &f.tz);
    }
    jw_key(w, STR("answers"));
    jw_begin_array(w);
    const struct json *list = json_get(question, "moments");
    for (const struct json *e = list->child; e != NULL; e = e->next) {
        struct wall_time next;
        enum freshness_state state =
            freshness_at(&f, (struct wall_time){e->child->as.integer},
                         (struct wall_time){e->child->next->as.integer}, &next);
        jw_begin_array(w);
        jw_str(w, str_from(freshness_state_name(state)));
        jw_i64(w, next.ns);
        jw_end_array(w);
    }
    jw_end_array(w);
}

/* {"delay":NS,"growth":"linear","jitter":"full","tries":[[RETRY,RANDOM],...]} gives
 * {"answers":[NS,...]}. */
void peer_backoff(struct peer *p, const struct json *question, struct json_writer *w)
{
    (void)p;
    struct str growth = peer_text(question, "growth");
    struct str jitter = peer_text(question, "jitter");
    struct retry_policy policy = {.max = 100, .delay_ns = peer_number(question, "delay")};
    policy.growth = str_eq(growth, STR("linear"))        ? BACKOFF_LINEAR
                    : str_eq(growth, STR("exponential")) ? BACKOFF_EXPONENTIAL
                                                         : BACKOFF_NONE;
    policy.jitter = str_eq(jitter, STR("full"))         ? JITTER_FULL
                    : str_eq(jitter, STR("plus_minus")) ? JITTER_PLUS_MINUS
                                                        : JITTER_NONE;
    jw_key(w, STR("answers"));
    jw_begin_array(w);
    const struct json *list = json_get(question, "tries");
    for (const struct json *e = list->child; e != NULL; e = e->next) {
        jw_i64(w,
               retry_delay_ns(&policy, e->child->as.integer, (uint64_t)e->child->next->as.integer));
    }
    jw_end_array(w);
}
