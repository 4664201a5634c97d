"""Freshness: Dagster's two evaluators and ours say the same of random policies at random moments, those around changes of the clock and
around each limit included; and what we say of the next change is no earlier and no later than Dagster's answers change.

The evaluators run as they are; only the clock and the record of the last materialization are made up. Deadlines fall between 4 and 23
o'clock: ticks in the hours in which clocks change are compared by the tests of cron."""
import asyncio
import sys
import types
from datetime import datetime, timedelta, timezone
from unittest import mock
from zoneinfo import ZoneInfo

import referee

POLICIES = 150
MOMENTS = 60
S = 10 ** 9
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
FROM = int(datetime(2025, 1, 1, tzinfo=timezone.utc).timestamp())
UNTIL = int(datetime(2026, 12, 1, tzinfo=timezone.utc).timestamp())
NEVER = (1 << 63) - 1


def state_of(evaluator, policy, made_s, now_s):
    """Dagster's answer."""
    entry = types.SimpleNamespace(last_materialization=made_s and types.SimpleNamespace(timestamp=made_s))
    module = "dagster._core.definitions.freshness_evaluator."

    async def gen(_context, _key):
        return types.SimpleNamespace(asset_entry=entry)

    with mock.patch(module + "AssetRecord", types.SimpleNamespace(gen=gen)), \
         mock.patch(module + "get_current_timestamp", lambda: now_s), \
         mock.patch(module + "get_current_datetime", lambda zone="UTC": datetime.fromtimestamp(now_s, ZoneInfo(zone))):
        node = types.SimpleNamespace(key=None, freshness_policy_or_from_metadata=policy)
        return asyncio.run(evaluator.evaluate_freshness(None, node)).value.lower()


def window_policy(dagster, rng):
    fail = rng.randint(60, 10 * 86400)
    warn = rng.randint(60, fail - 1) if fail > 61 and rng.random() < 0.7 else 0
    theirs = dagster.FreshnessPolicy.time_window(timedelta(seconds=fail), timedelta(seconds=warn) if warn else None)
    return theirs, {"fail_after": fail * S, "warn_after": warn * S}, [warn, fail]


def cron_policy(dagster, rng):
    minute, hour = rng.randrange(60), rng.randrange(4, 23)
    cron = rng.choice([f"{minute} {hour} * * *", f"{minute} {hour} * * {rng.randrange(7)}", f"{minute} {hour} {rng.randint(1, 28)} * *",
                       f"{minute} {hour} * * 1-5", f"{minute} {hour},{hour + 1} * * *"])
    bound = rng.randint(60, 3600)
    zone = rng.choice(ZONES)
    theirs = dagster.FreshnessPolicy.cron(cron, timedelta(seconds=bound), zone)
    return theirs, {"cron": cron, "timezone": zone, "lower_bound": bound * S}, [bound]


def random_moments(rng, limits):
    moments = []
    for _ in range(MOMENTS):
        made = rng.randint(FROM, UNTIL) if rng.random() < 0.95 else 0
        age = rng.choice([rng.choice(limits), rng.choice(limits) + rng.choice([-1, 1]), rng.randint(0, 3 * 86400), rng.randint(0, 40 * 86400)])
        moments.append([made, max(made, FROM) + max(age, 0)])
    return moments


def test(peer, rng):
    import dagster
    from dagster._core.definitions.freshness_evaluator import FRESHNESS_EVALUATORS_BY_POLICY_TYPE
    seen = {}
    changes = 0
    for number in range(POLICIES):
        policy, ours, limits = (window_policy if number % 2 else cron_policy)(dagster, rng)
        evaluator = FRESHNESS_EVALUATORS_BY_POLICY_TYPE[type(policy)]()
        moments = random_moments(rng, limits)
        answers = peer.ask("freshness", policy=ours, moments=[[made * S, now * S] for made, now in moments])["answers"]
        for (made, now), (state, change) in zip(moments, answers):
            theirs = state_of(evaluator, policy, made, now)
            assert state == theirs, (ours, made, now, state, theirs)
            seen[state] = seen.get(state, 0) + 1
            if change != NEVER:
                assert change % S == 0
                assert state_of(evaluator, policy, made, change // S - 1) == state, (ours, made, now, change)
                assert state_of(evaluator, policy, made, change // S) != state, (ours, made, now, change)
                changes += 1
            elif state != "unknown":
                assert state == "fail", (ours, made, now, state)
                assert state_of(evaluator, policy, made, now + 400 * 86400) == "fail"
    assert set(seen) == {"unknown", "pass", "warn", "fail"} and min(seen.values()) > MOMENTS, seen
    print(f"{POLICIES} policies: {seen}, {changes} next changes")


if __name__ == "__main__":
    sys.exit(referee.main(test))
