"""The engine: from a trigger to the program, planning, ticks, many assets, and the same job under Dagster."""
import json
import os
import statistics
import subprocess
import sys
import time

import fleet as fleets
from harness import Result, Skip, row
from rows_agent import memory, trivial_runs

DAGSTER = ("dagster==1.13.29",)


@row("ms", "<= 2.5 x", "posix_spawn and wait")
def trigger_to_exec_p50_ms(bench):
    """From the request for a run to the first instruction of its step's program, with the commit before it."""
    done = bench.once("runs", trivial_runs)
    bare = done["spawn_ns"] + done["sync_ns"] / 2
    return Result(done["exec_p50_ns"] / 1e6, bare / 1e6, done["exec_p50_ns"] / bare)


@row("ms", "<= 25 ms")
def trigger_to_exec_p99_ms(bench):
    return Result(bench.once("runs", trivial_runs)["exec_p99_ns"] / 1e6)


def plan(bench, assets):
    return bench.once(f"plan{assets}", lambda b: b.run("plan_run", assets, b.count(50, 1)))


@row("ms", "<= 0.2 ms")
def planner_100_ms(bench):
    """CPU time from a selection of all to the first step that may start; 5 deps an asset."""
    return Result(plan(bench, 100)["plan_ns"] / 1e6)


@row("ms", "<= 2 ms")
def planner_1000_ms(bench):
    return Result(plan(bench, 1000)["plan_ns"] / 1e6)


@row("ms", "<= 20 ms")
def planner_10000_ms(bench):
    return Result(plan(bench, 10000)["plan_ns"] / 1e6)


@row("MB", "<= 10 MB")
def planner_10000_memory(bench):
    return Result(plan(bench, 10000)["plan_bytes"] / 1e6)


# --- a daemon alone --------------------------------------------------------------------------------


def alone(assets, more="", deps=0):
    lines = ["project: bench", "assets:", "  - {key: trivial, run: [/bin/true]}"]
    for i in range(assets):
        before = ", ".join(f"a{(i * 7919 + d * 104729) % i}" for d in range(1, deps + 1)) if i > deps else ""
        lines.append(f"  - {{key: a{i}, run: [/bin/true]{', deps: [' + before + ']' if before else ''}}}")
    return "\n".join(lines) + "\n" + more


def idle_pss(bench, assets):
    with fleets.Alone(alone(assets, deps=5)) as agent:
        agent.start()
        time.sleep(bench.seconds(2))
        return memory(agent.daemon.process.pid)[0]


@row("MB", "<= 8 MB")
def agent_pss_idle_1000(bench):
    """Not enrolled, 1,000 assets with 5 deps each."""
    return Result(idle_pss(bench, bench.count(1000, 10)))


@row("MB", "<= 40 MB")
def agent_pss_idle_10000(bench):
    return Result(idle_pss(bench, bench.count(10000, 10)))


SCHEDULES = 100


@row("ms", "<= 50 ms")
def tick_latency_p99_ms(bench):
    """100 schedules on the same second: from the nominal time to the run's record."""
    schedules = "schedules:\n" + "".join(f"  - {{name: s{i}, select: trivial, every: 5s}}\n" for i in range(SCHEDULES))
    with fleets.Alone(alone(0, schedules)) as agent:
        agent.start()
        rounds = bench.count(3, 1)
        fleets.wait_for("the ticks", lambda: len(agent.events("tick")) >= rounds * SCHEDULES, 60)
        late = []
        for tick in agent.events("tick"):
            if tick["status"] == "started":
                late.append(milliseconds(tick["at"]) - milliseconds(tick["nominal"]))
        return Result(statistics.quantiles(late, n=100)[98] if len(late) > 1 else late[0])


def milliseconds(text):
    clock, fraction = text[11:-1].split(".")
    hours, minutes, seconds = clock.split(":")
    return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1000 + int(fraction)


# --- Dagster ---------------------------------------------------------------------------------------

JOB = """
import subprocess
import dagster as dg

@dg.op
def trivial():
    subprocess.run(["/bin/true"], check=True)

@dg.job(executor_def=dg.in_process_executor)
def bench():
    trivial()
"""


def dagster_program():
    """`dagster` of the interop tests' environment; made when it is not there and can be."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "interop"))
    try:
        import venv as interop  # the tests' helper of that name comes first in the path
        return os.path.join(os.path.dirname(interop.ensure(*DAGSTER)), "dagster")
    except (SystemExit, AttributeError, ImportError) as why:
        raise Skip("real dagster is not there and cannot be installed") from why


def timed(argv, **popen):
    start = time.monotonic()
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **popen)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]}: {done.stdout[-300:]}")
    return time.monotonic() - start


@row("s", "<= 0.05 x", "dagster job execute, in process, of an op that runs /bin/true")
def run_against_dagster_s(bench):
    """Whole processes: `selvedge-agent materialize --standalone` of one step that is /bin/true."""
    if bench.scale < 0.1:
        raise Skip("takes too long at this size")
    program = dagster_program()
    home = bench.path("dagster")
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, "job.py"), "w") as f:
        f.write(JOB)
    environment = dict(os.environ, DAGSTER_HOME=home, DAGSTER_DISABLE_TELEMETRY="1")
    with fleets.Alone(alone(0)) as agent:
        ours = [fleets.AGENT, "materialize", "trivial", "--standalone", "--config", agent.config]
        theirs = [program, "job", "execute", "-f", os.path.join(home, "job.py"), "-j", "bench"]
        return bench.pairs(lambda: timed(ours), lambda: timed(theirs, env=environment))
