#include "agent/identity/renewal.h"

#include "common/model/backoff.h"

#define LOOK_NS            (INT64_C(86400) * NS_PER_SEC) /* the longest sleep: clocks drift */
#define MOVE_SPREAD_MAX_NS (INT64_C(3600) * NS_PER_SEC)
enum { TESTS_PER_CERTIFICATE = 4 }; /* then another is asked for */

static int64_t clamp(int64_t v, int64_t min, int64_t max)
{
    return v < min ? min : v > max ? max : v;
}

static void act(struct renewal_actions *actions, enum renewal_action_type type, struct mono_time at)
{
    if (actions->count < RENEWAL_ACTIONS_MAX) {
        actions->item[actions->count].type = type;
        actions->item[actions->count].at = at;
        actions->count++;
    }
}

static void arm_in(struct renewal_actions *actions, const struct renewal_event *e, int64_t ns)
{
    act(actions, RENEWAL_ARM, (struct mono_time){e->now.ns + ns});
}

static void ask_when_up(struct renewal *r, const struct renewal_event *e,
                        struct renewal_actions *actions)
{
    r->state = r->is_up ? RENEWAL_ASKED : RENEWAL_WANTING;
    if (r->is_up) {
        act(actions, RENEWAL_ASK, e->now);
        arm_in(actions, e, clamp(r->life_ns / 30, 2 * NS_PER_SEC, 60 * NS_PER_SEC));
    } else {
        act(actions, RENEWAL_DISARM, e->now);
    }
}

static void rest(struct renewal *r, const struct renewal_event *e, struct renewal_actions *actions)
{
    int64_t left = wall_is_set(e->wall) ? r->due.ns - e->wall.ns : INT64_MAX;
    if (left < r->quiet.ns - e->now.ns) {
        left = r->quiet.ns - e->now.ns;
    }
    if (r->is_outdated && r->move.ns - e->now.ns < left) {
        left = r->move.ns - e->now.ns;
    }
    if (r->is_ordered || left <= 0) {
        r->is_ordered = false;
        ask_when_up(r, e, actions);
    } else if (left == INT64_MAX) {
        act(actions, RENEWAL_DISARM, e->now);
    } else {
        arm_in(actions, e, left < LOOK_NS ? left : LOOK_NS);
    }
}

/* Everybody was told within seconds: they do not ask so. A hub that gives no certificate of the newer
 * CA is asked less and less often. */
static void plan_move(struct renewal *r, const struct renewal_event *e)
{
    if (r->is_outdated) {
        return;
    }
    int64_t spread = clamp(r->life_ns / 100, NS_PER_SEC, MOVE_SPREAD_MAX_NS);
    for (int i = 0; i < r->in_vain && spread < r->life_ns / 3; i++) {
        spread *= 8;
    }
    r->is_outdated = true;
    r->move.ns = e->now.ns + (int64_t)(e->random % (uint64_t)spread);
}

/* Around two thirds of its life, so that a fleet that joined in an hour does not renew in one. */
static void hold(struct renewal *r, const struct renewal_event *e, struct renewal_actions *actions)
{
    int64_t life = e->not_after.ns - e->not_before.ns;
    life = life < NS_PER_SEC ? NS_PER_SEC : life;
    int64_t spread = life / 12;
    r->due.ns = e->not_before.ns + life / 3 * 2 - spread / 2 +
                (int64_t)(e->random % (uint64_t)(spread + 1));
    r->quiet.ns = r->was_renewed ? e->now.ns + life / 3 : e->now.ns;
    r->life_ns = life;
    r->state = RENEWAL_RESTING;
    r->failures = 0;
    r->has_issued = false;
    r->in_vain = r->is_outdated && e->is_outdated ? r->in_vain + 1 : 0;
    r->is_outdated = false;
    if (e->is_outdated) {
        plan_move(r, e);
    }
    rest(r, e, actions);
}

static void try_later(struct renewal *r, const struct renewal_event *e,
                      struct renewal_actions *actions)
{
    r->state = RENEWAL_WAITING;
    r->failures++;
    int64_t base = clamp(r->life_ns / 60, NS_PER_SEC, 300 * NS_PER_SEC);
    int64_t cap = clamp(r->life_ns / 12, NS_PER_SEC, 12 * 3600 * NS_PER_SEC);
    arm_in(actions, e, reconnect_delay_ns(base, cap, r->failures, e->random));
}

static void test_now(struct renewal *r, const struct renewal_event *e,
                     struct renewal_actions *actions)
{
    r->state = RENEWAL_TESTING;
    act(actions, RENEWAL_DISARM, e->now);
    act(actions, RENEWAL_TEST, e->now);
}

static void on_timer(struct renewal *r, const struct renewal_event *e,
                     struct renewal_actions *actions)
{
    if (r->state == RENEWAL_RESTING) {
        rest(r, e, actions);
    } else if (r->state == RENEWAL_ASKED) {
        try_later(r, e, actions);
    } else if (r->state == RENEWAL_WAITING && r->has_issued &&
               r->failures % TESTS_PER_CERTIFICATE != 0) {
        test_now(r, e, actions);
    } else if (r->state == RENEWAL_WAITING) {
        ask_when_up(r, e, actions);
    }
}

static void on_link(struct renewal *r, const struct renewal_event *e,
                    struct renewal_actions *actions)
{
    r->is_up = e->type == RENEWAL_LINK_UP;
    if (r->is_up && r->state == RENEWAL_WANTING) {
        ask_when_up(r, e, actions);
    } else if (!r->is_up && r->state == RENEWAL_ASKED) {
        r->state = RENEWAL_WANTING;
        act(actions, RENEWAL_DISARM, e->now);
    }
}

static void on_order(struct renewal *r, const struct renewal_event *e,
                     struct renewal_actions *actions)
{
    if (r->state == RENEWAL_RESTING) {
        r->is_ordered = true;
        r->quiet = e->now;
        rest(r, e, actions);
    }
}

void renewal_step(struct renewal *r, const struct renewal_event *e, struct renewal_actions *ret)
{
    ret->count = 0;
    switch (e->type) {
    case RENEWAL_HELD:
        hold(r, e, ret);
        break;
    case RENEWAL_LINK_UP:
    case RENEWAL_LINK_DOWN:
        on_link(r, e, ret);
        break;
    case RENEWAL_TIMER:
        on_timer(r, e, ret);
        break;
    case RENEWAL_CLOCK_STEPPED:
        if (r->state == RENEWAL_RESTING) {
            rest(r, e, ret);
        }
        break;
    case RENEWAL_ORDERED:
        on_order(r, e, ret);
        break;
    case RENEWAL_OUTDATED:
        plan_move(r, e);
        if (r->state == RENEWAL_RESTING) {
            rest(r, e, ret);
        }
        break;
    case RENEWAL_ISSUED:
        if (r->state != RENEWAL_RESTING && r->state != RENEWAL_TESTING) {
            r->has_issued = true;
            test_now(r, e, ret);
        }
        break;
    case RENEWAL_REFUSED:
        if (r->state == RENEWAL_ASKED) {
            try_later(r, e, ret);
        }
        break;
    case RENEWAL_TEST_PASSED:
        if (r->state == RENEWAL_TESTING) {
            r->was_renewed = true;
            act(ret, RENEWAL_SWAP, e->now);
        }
        break;
    case RENEWAL_TEST_FAILED:
        if (r->state == RENEWAL_TESTING) {
            try_later(r, e, ret);
        }
        break;
    }
}

const char *renewal_state_name(enum renewal_state state)
{
    static const char *const names[] = {[RENEWAL_RESTING] = "resting",
                                        [RENEWAL_WANTING] = "wanting",
                                        [RENEWAL_ASKED] = "asked",
                                        [RENEWAL_WAITING] = "waiting",
                                        [RENEWAL_TESTING] = "testing"};
    return names[state];
}
