"""Back-off: RetryPolicy.calculate_delay() of Dagster and ours, with chance told: the same waiting times. Ours end at 24 hours."""
import sys
from unittest import mock

import referee

POLICIES = 200
TRIES = 12
DAY_S = 24 * 3600
GROWTHS = {"none": None, "linear": "LINEAR", "exponential": "EXPONENTIAL"}
JITTERS = {"none": None, "full": "FULL", "plus_minus": "PLUS_MINUS"}


def grown(growth, delay_ns, retry):
    """Only to say over which bound chance is spread, and what the cap does to it."""
    return {"none": 1, "linear": retry, "exponential": 2 ** retry - 1}[growth] * delay_ns


def their_delay(policy, retry, jitter, growth, delay_ns, chance):
    bound = grown(growth, delay_ns, retry) if jitter == "full" else 2 * delay_ns
    with mock.patch("dagster._core.definitions.policy.random", return_value=(chance % bound) / bound):
        return policy.calculate_delay(retry)


def test(peer, rng):
    import dagster
    compared = capped = 0
    for _ in range(POLICIES):
        growth, jitter = rng.choice(list(GROWTHS)), rng.choice(list(JITTERS))
        delay_ns = rng.choice([rng.randint(1, 10 ** 7), rng.randint(1, 10 ** 10), rng.randint(1, 10 ** 12)]) * 10
        policy = dagster.RetryPolicy(max_retries=TRIES, delay=delay_ns / 1e9,
                                     backoff=GROWTHS[growth] and dagster.Backoff[GROWTHS[growth]],
                                     jitter=JITTERS[jitter] and dagster.Jitter[JITTERS[jitter]])
        tries = [[retry, rng.randrange(1 << 62)] for retry in range(1, TRIES + 1)]
        ours = peer.ask("backoff", delay=delay_ns, growth=growth, jitter=jitter, tries=tries)["answers"]
        for (retry, chance), answer in zip(tries, ours):
            if grown(growth, delay_ns, retry) > DAY_S * 10 ** 9:
                assert answer <= DAY_S * 10 ** 9
                capped += 1
                continue
            theirs = their_delay(policy, retry, jitter, growth, delay_ns, chance)
            theirs = min(theirs, DAY_S)
            assert abs(answer / 1e9 - theirs) <= 1e-9 + theirs * 1e-12, (growth, jitter, delay_ns, retry, chance, answer, theirs)
            compared += 1
    assert compared > POLICIES * TRIES / 2
    print(f"{compared} delays compared, {capped} beyond 24 hours")


if __name__ == "__main__":
    sys.exit(referee.main(test))
