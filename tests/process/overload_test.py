"""Too much at once, on the release build: a thousand assets with five thousand edges, a hundred schedules on the same second, and a
command that prints a gigabyte. The daemon's memory stays within its bound and its ticks come on time."""
import json
import os
import sys

# Memory under sanitizers would say nothing.
RELEASE = os.environ.get("SELVEDGE_RELEASE_DIR")
if RELEASE:
    os.environ["SELVEDGE_BIN_DIR"] = os.path.join(RELEASE, "bin")

from agent_cli_test import memory_peak_kb  # noqa: E402
from fleet import Alone, run_tests, skip, wait_for  # noqa: E402

ASSETS, DEPS, SCHEDULES = 1000, 5, 100
MEMORY_MAX_KB = 40 << 10  # of the daemon, at its peak; docs/limits.md
LATENESS_MAX_S = 5.0      # far above the budget of the bench row: this machine does other things too
OUTPUT = 1 << 30


def definitions():
    lines = ["project: overload", "assets:"]
    for i in range(ASSETS):
        deps = sorted({(i * 7919 + d * 104729) % i for d in range(1, DEPS + 1)}) if i > 0 else []
        lines.append(f"  - {{key: a{i}, run: ['true'], deps: [{', '.join(f'a{d}' for d in deps)}]}}")
    lines.append("  - {key: loud, run: [sh, -c, 'head -c %d /dev/zero | tr \"\\\\0\" x']}" % OUTPUT)
    lines.append("schedules:")
    lines += [f"  - {{name: s{i}, select: a0, every: 5s}}" for i in range(SCHEDULES)]
    return "\n".join(lines) + "\n"


def seconds(text):
    hours, minutes, rest = text[11:-1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def too_much_at_once_stays_within_bounds():
    with Alone(definitions()) as agent:
        agent.start()
        pid = agent.daemon.process.pid
        all_of_it = json.loads(agent.command("materialize", "*", "--no-wait", "--json"))["run"]
        wait_for("the schedules fired twice", lambda: len(agent.events("tick")) >= 2 * SCHEDULES, 90)
        ticks = agent.events("tick")
        nominal = [(t["schedule"], t["nominal"]) for t in ticks]
        assert len(nominal) == len(set(nominal)), "a tick fired twice"
        late = sorted((seconds(t["at"]) - seconds(t["nominal"])) % 86400 for t in ticks)
        assert late[-1] < LATENESS_MAX_S, late[-5:]
        def run():
            return json.loads(agent.command("run", all_of_it, "--json"))
        wait_for("all of it has ended", lambda: run()["status"] not in ("queued", "started"), 200, every=0.5)
        assert run()["status"] == "success", run()
        steps = run()["timeline"]
        assert len(steps) == ASSETS + 1 and all(s["status"] == "success" for s in steps), len(steps)
        peak = memory_peak_kb(pid)
        print(f"     {len(ticks)} ticks, p50 {late[len(late) // 2] * 1000:.0f} ms, worst {late[-1] * 1000:.0f} ms late; "
              f"daemon's peak {peak / 1024:.1f} MiB")
        assert peak < MEMORY_MAX_KB, peak
        kept = sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(agent.state + "/runs") for name in names)
        assert kept < 4 << 20, kept
        assert agent.daemon.is_running


if __name__ == "__main__":
    if not RELEASE:
        skip("the release build is not named: SELVEDGE_RELEASE_DIR, as ./dev test does")
    sys.exit(run_tests([too_much_at_once_stays_within_bounds]))
