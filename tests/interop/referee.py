"""Dagster as referee: the calling test again inside an environment that has it, a seed to replay, and our answers from `model_peer`."""
import argparse
import json
import logging
import os
import random
import subprocess
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import venv  # noqa: E402, ours, which stands before the library's

DAGSTER = "dagster==1.13.29"


class Peer:
    """Our side: one question, one answer."""

    def __init__(self):
        program = os.path.join(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin"), "model_peer")
        if not os.path.exists(program):
            venv.skip(f"{program} is not there")
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what, **question):
        self.process.stdin.write(json.dumps({"ask": what, **question}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"model_peer ended with {self.process.wait()} at {json.dumps(question)[:2000]}"
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


def main(test):
    """Runs `test(peer, rng)`; `--seed N` replays what an earlier call printed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    seed = parser.parse_args().seed
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    venv.rerun(DAGSTER)
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    print(f"seed={seed}", flush=True)
    peer = Peer()
    try:
        test(peer, random.Random(seed))
    finally:
        peer.close()


def random_keys(rng, count):
    """Different keys, some with parts, whose order tells apart how they are sorted."""
    keys = []
    while len(keys) < count:
        key = "/".join(rng.choice("a b ab a_b B x y9 zz a1 q_".split()) for _ in range(rng.choice([1, 1, 2, 3])))
        if key not in keys:
            keys.append(key)
    return keys


def random_deps(rng, keys, most=3):
    """For each key some of those before it, so that there is no circle."""
    return {key: rng.sample(keys[:i], rng.randint(0, min(i, most))) for i, key in enumerate(keys)}
