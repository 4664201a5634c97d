"""The daemon is killed -9 again and again in the middle of runs whose steps ignore TERM, fork, daemonise, write and fail; after
each start, and at the end, what it promised must hold: nothing doubled, no tick lost, no orphan, every run ends.

Several agents suffer at the same time, each with its own seed. The steps themselves are witnesses: each holds a lock for as long
as anything of it lives, and tells its beginning and end to a file that only grows.

    kill_test.py [--seed N] [--kills N] [--agents N]"""
import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from agent_cli_test import shell
from fleet import Alone, children, is_alive, read_file, skip, wait_for

INTERRUPTIONS_MAX = 3  # in a row; as runner_internal.h has it
RETRIES = 2
SECOND = 10**9
ORPHANS_S = 5  # how long after its start an agent may take to end what an earlier one left
ENDED = "('success', 'failure', 'canceled')"

# Of anything of an earlier attempt that still lives the lock is held: its children inherit descriptor 9. The wait is for a
# process that was killed and has not closed its files yet; what lives on here lives for minutes.
WITNESS = """log() { echo "$SELVEDGE_RUN $SELVEDGE_ASSET $SELVEDGE_ATTEMPT $1" >> "$STATE_DIR/../ledger"; }
exec 9>>"$STATE_DIR/../lock.$(echo "$SELVEDGE_ASSET" | tr / .)"
flock -w 2 9 || log doubled
log begin
"""
# True for one in three, always the same of one attempt.
UNLUCKY = "[ $(($(echo $SELVEDGE_RUN $SELVEDGE_ASSET $SELVEDGE_ATTEMPT | cksum | cut -d ' ' -f 1) % 3)) = 0 ]"
STEPS = {
    "stubborn": "trap '' TERM; for i in 1 2 3 4 5 6 7 8; do sleep 0.2; done",
    "forks": "sleep 600 & (trap '' TERM; sleep 600 & sleep 600) & sleep 0.5",
    "daemonises": "setsid sh -c 'trap \"\" TERM; sleep 600; sleep 600' </dev/null >/dev/null 2>&1 & sleep 0.3",
    "writes": "for i in 1 2 3 4 5; do head -c 200000 /dev/zero | tr '\\0' x; head -c 200000 /dev/zero >> big; sleep 0.1; done; rm -f big",
    "flaky": f"sleep 0.1; {UNLUCKY} && exit 1",
    "now": ":",
    "each": ":",
    "first": "sleep 0.1",
    "breaks": f"sleep 0.2; {UNLUCKY} && exit 1",
    "last": "sleep 0.2",
}
MORE = {
    "flaky": ", retry: {max: 3, delay: 1s, backoff: exponential, jitter: plus_minus}",
    "daemonises": ", deps: [forks]",
    "breaks": ", deps: [first]",
    "last": ", deps: [breaks]",
}


def definitions(with_schedules):
    assets = "".join(shell(key, f"{WITNESS}{script}\nlog end", MORE.get(key, "")) for key, script in STEPS.items())
    jobs = ("jobs:\n  - {name: nasty, select: 'stubborn or daemonises or forks or writes or flaky'}\n"
            f"  - {{name: again, select: 'first or breaks or last', retry: {{max: {RETRIES}, delay: 1s}}}}\n")
    schedules = ("schedules:\n  - {name: second, select: now, every: 1s}\n"
                 "  - {name: each, select: each, every: 1s, missed: {all: 10000}}\n"
                 "  - {name: nasty, job: nasty, every: 2s}\n"
                 "  - {name: again, job: again, every: 3s}\n")
    return f"project: kills\nassets:\n{assets}{jobs}{schedules if with_schedules else ''}"


def processes_of(agent):
    """Who was given this agent's folder and a step's token: process id and start time."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                variables = f.read().split(b"\0")
            if f"STATE_DIR={agent.state}".encode() in variables and any(v.startswith(b"SELVEDGE_STEP_TOKEN=") for v in variables):
                with open(f"/proc/{pid}/stat") as f:
                    found.add((int(pid), f.read().rpartition(")")[2].split()[19]))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended meanwhile, or is not ours
    return {(pid, start) for pid, start in found if is_alive(pid)}


def begin(agent, rng):
    """Starts the daemon. False: it was killed before it was ready, which is the worst moment."""
    if rng.random() < 0.2:
        agent.daemon.start()
        time.sleep(rng.random() * 0.8)
        agent.daemon.kill()
        return False
    left = processes_of(agent)
    agent.start()
    wait_for(f"the end of what was left by steps: {sorted(left & processes_of(agent))}",
             lambda: not left & processes_of(agent), ORPHANS_S, every=0.05)
    return True


def suffer(number, seed, kills):
    """One agent's life. What happened, to be told."""
    rng = random.Random(seed)
    with Alone(definitions(True)) as agent:
        agent.write_settings(steps_max=4, runs_max=3, runs_kept=1000000, buffer_quota="1GiB", cgroup="off")
        facts = Counter()
        for kill in range(kills):
            if begin(agent, rng):
                time.sleep(rng.random() * 3)
                facts["with steps"] += bool(children(agent.daemon.process.pid))
                agent.daemon.kill()
                check_always(agent)
            else:
                facts["while starting"] += 1
            if kill % 25 == 24:
                print(f"agent {number}: killed {kill + 1} times", flush=True)
        agent.define(definitions(False))
        agent.start()
        wait_for("every run has ended", lambda: not open_runs(agent), 180, every=0.5)
        wait_for(f"nothing of a step lives: {processes_of(agent)}", lambda: not processes_of(agent), ORPHANS_S)
        agent.daemon.stop(60)
        check_always(agent, has_schedules=False)
        check_end(agent)
        facts["runs"] = agent.query("SELECT count(*) FROM run")[0][0]
        facts["interrupted"] = agent.query("SELECT count(*) FROM run WHERE error_code = 'interrupted'")[0][0]
        facts["steps"] = len(read_file(agent.dir + "/ledger").splitlines())
        facts["ticks"] = agent.query("SELECT count(*) FROM tick")[0][0]
        return facts


def open_runs(agent):
    return agent.query(f"SELECT id, job, status FROM run WHERE status NOT IN {ENDED}")


def none(what, found):
    assert not found, f"{what}: {found[:5]} ({len(found)})"


# --- what holds at any moment ---

def check_always(agent, has_schedules=True):
    check_ledger(agent)
    if not agent.query("SELECT count(*) FROM sqlite_master WHERE name = 'backfill'")[0][0]:
        return  # killed before its tables were made, which is done in one transaction
    check_ticks(agent, has_schedules)
    last = agent.query("SELECT last_seq FROM buffer")[0][0]
    seqs = [row[0] for row in agent.query("SELECT seq FROM event ORDER BY seq")]
    assert seqs == list(range(1, last + 1)), f"events have holes: {set(range(1, last + 1)) ^ set(seqs)}"
    none("steps of no run", agent.query("SELECT run, step FROM step WHERE run NOT IN (SELECT id FROM run)"))
    none("open steps of a run that has ended", agent.query(
        f"SELECT r.id, r.status, s.step, s.status FROM step s JOIN run r ON r.id = s.run WHERE r.status IN {ENDED}"
        " AND s.status IN ('waiting', 'started', 'up_for_retry')"))


def check_ledger(agent):
    lines = [line.split() for line in read_file(agent.dir + "/ledger").splitlines()]
    none("began while an earlier attempt lived", [line for line in lines if line[3] == "doubled"])
    counts = Counter(tuple(line) for line in lines)
    none("told more than once", [line for line, count in counts.items() if count > 1])
    going = {}  # asset: its attempt that has begun and not ended
    for run, asset, attempt, what in lines:
        if what == "begin":
            going[asset] = (run, attempt)
        else:
            assert going.get(asset) == (run, attempt), f"{asset}: {run}/{attempt} ended while {going.get(asset)} went on"
    if os.path.exists(agent.db_path) and lines:
        attempts = {(run, step): attempt for run, step, attempt in agent.query("SELECT run, step, attempt FROM step")}
        none("began and is not recorded", [line for line in lines if int(line[2]) > attempts.get((line[0], line[1]), 0)])


def check_ticks(agent, has_schedules):
    """Every second was decided on, or folded into the latest by a decision that came late."""
    for name, every in (("second", 1), ("each", 1), ("nasty", 2), ("again", 3)):
        ticks = agent.query("SELECT nominal, at, status, run, reason FROM tick WHERE kind = 'schedule' AND name = ? ORDER BY id", name)
        nominals = [tick[0] for tick in ticks]
        assert nominals == sorted(set(nominals)), f"{name}: a tick was decided on twice or after a later one"
        none(f"{name}: another time than the schedule's", [n for n in nominals if n % (every * SECOND)])
        # The decision looks at the clock once more for its record, on a machine that may be busy: hence a second.
        none(f"{name}: a tick was left out", [
            (n, at) for n, at, _, _, why in ticks if not n <= at < n + (every + 1) * SECOND and "missed while" not in why and name != "each"])
        decided = agent.query("SELECT decided FROM instigator WHERE kind = 'schedule' AND name = ?", name)
        assert not ticks or not has_schedules or decided == [(nominals[-1],)], f"{name}: {decided}, last tick {nominals[-1]}"
        none(f"{name}: failed", [tick for tick in ticks if tick[2] == "failed"])
    each = [tick[0] // SECOND for tick in agent.query("SELECT nominal FROM tick WHERE name = 'each' ORDER BY id")]
    assert not each or each == list(range(each[0], each[-1] + 1)), f"each: a second was lost or is there twice: {each}"
    none("a tick's run that is not there, or a run without its tick", agent.query(
        "SELECT t.name, t.nominal, t.run, r.id FROM (SELECT * FROM tick WHERE status = 'started') t"
        " FULL JOIN (SELECT * FROM run WHERE cause = 'schedule') r ON t.run = r.id WHERE t.run IS NULL OR r.id IS NULL"))


# --- what holds when all is quiet ---

def check_end(agent):
    none("runs that have not ended", open_runs(agent))
    none("a step that succeeded was made again", agent.query(
        "SELECT r.id, s.step FROM run r JOIN step p ON p.run = r.parent JOIN step s ON s.run = r.id AND s.step = p.step"
        " WHERE p.status = 'success'"))
    none("a step that did not succeed was left out", agent.query(
        "SELECT r.id, p.step FROM run r JOIN step p ON p.run = r.parent WHERE p.status <> 'success'"
        " AND NOT EXISTS (SELECT 1 FROM step s WHERE s.run = r.id AND s.step = p.step)"
        " AND EXISTS (SELECT 1 FROM step s WHERE s.run = r.id)"))
    none("runs with two children", agent.query("SELECT parent FROM run WHERE parent <> '' GROUP BY parent HAVING count(*) > 1"))
    with_child = {row[0] for row in agent.query("SELECT parent FROM run WHERE parent <> ''")}
    for run, job, tags, number, code in agent.query(
            "SELECT id, job, tags, retry_number, error_code FROM run WHERE status = 'failure'"):
        if code == "interrupted":
            is_given_up = int(json.loads(tags).get("selvedge/interruptions", 0)) >= INTERRUPTIONS_MAX
            unfinished = agent.query("SELECT count(*) FROM step WHERE run = ? AND status <> 'success'", run)[0][0]
            expected = not is_given_up and unfinished > 0
        else:
            expected = job == "again" and number < RETRIES
        assert (run in with_child) == expected, f"run {run} of {job} ({code}, {tags}): tried again {run in with_child}"
    check_success(agent)


def check_success(agent):
    """What is recorded as a success has said its end, once, in that attempt."""
    ends = {tuple(line.split()[:3]) for line in read_file(agent.dir + "/ledger").splitlines() if line.endswith(" end")}
    succeeded = agent.query("SELECT run, step, CAST(attempt AS TEXT) FROM step WHERE status = 'success'")
    none("a success that never was", [step for step in succeeded if step not in ends])
    assert succeeded, "nothing was made"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kills", type=int, default=500 if os.environ.get("SELVEDGE_LONG") else 25)
    parser.add_argument("--agents", type=int, default=4)
    options = parser.parse_args()
    if not os.path.exists("/usr/bin/flock"):
        skip("flock is not there")
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    print(f"seed={seed} kills={options.kills} agents={options.agents}", flush=True)
    shares = [options.kills // options.agents + (i < options.kills % options.agents) for i in range(options.agents)]
    with ThreadPoolExecutor(options.agents) as pool:
        lives = [pool.submit(suffer, i, f"{seed}/{i}", share) for i, share in enumerate(shares) if share]
        facts = sum((life.result() for life in lives), Counter())
    print(f"killed {options.kills} times: {dict(facts)}")
    assert facts["with steps"] > 0 and facts["interrupted"] > 0, "it was never killed in the middle of something"


if __name__ == "__main__":
    sys.exit(main())
