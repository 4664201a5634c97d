"""Steps as processes, with the real daemon: what they leave when it is killed."""
import json
import os
import signal
import sys

from fleet import Alone, is_alive, read_file, run_tests, wait_for

OUTPUT_KEPT = 1 << 20  # LIMIT_STEP_OUTPUT_BYTES, of each stream


def shell(key, script, more=""):
    """One asset that runs a script; $ is doubled, since ${...} is for the agent."""
    return f"  - {{key: {key}, run: [sh, -c, {json.dumps(script.replace('$', '$$'))}]{more}}}\n"


def project(*assets):
    return "project: test\nassets:\n" + "".join(assets)


def pid_in(path):
    return int(wait_for(f"a process id in {path}", lambda: read_file(path).strip(), every=0.02))


def queue(agent, *what):
    return json.loads(agent.command("materialize", "--no-wait", "--json", *what))["run"]


def wait_for_status(agent, run, *statuses):
    wait_for(f"{run} is {statuses}", lambda: any(r["run"] == run and r["status"] in statuses for r in agent.runs()), every=0.05)


# --- a daemon that is killed ---

def nobody_outlives_a_killed_daemon_for_long():
    """Children that ignore TERM, fork, daemonise and hold nothing of us; another agent's live on."""
    stubborn = "trap '' TERM; echo $$ > stubborn; sleep 1000; sleep 1000"
    forked = "sleep 1000 & echo $! > forked; echo $$ > leader; wait"
    daemonised = ("(setsid sh -c 'echo $$ > away; exec sleep 1000' >/dev/null 2>&1 3>&- &); "
                  "while [ ! -s away ]; do :; done; sleep 1000")
    with Alone(project(shell("a", stubborn), shell("b", forked), shell("c", daemonised))) as agent, \
            Alone(project(shell("d", "echo $$ > other; exec sleep 1000"))) as other:
        agent.write_settings(steps_max=3)
        agent.start()
        other.start()
        run, _ = queue(agent, "*"), queue(other, "*")
        pids = [pid_in(f"{agent.dir}/{name}") for name in ("stubborn", "forked", "leader", "away")]
        foreign = pid_in(other.dir + "/other")
        agent.daemon.kill()
        assert all(is_alive(pid) for pid in pids)
        agent.start()
        assert not any(is_alive(pid) for pid in pids), "something of the run lives on"
        assert is_alive(foreign), "another agent's step was ended"
        wait_for_status(agent, run, "failure")
        ended = [line for line in agent.daemon.read_log().splitlines() if "step.orphans_ended" in line]
        assert len(ended) == 1 and f'run="{run}"' in ended[0], ended
        agent.daemon.stop()
        agent.start()
        assert agent.daemon.read_log().count("step.orphans_ended") == 1
        os.kill(foreign, signal.SIGKILL)
        wait_for_status(other, other.runs()[0]["run"], "failure")


def a_daemon_that_stops_leaves_nobody():
    with Alone(project(shell("a", "(setsid sh -c 'echo $$ > away; exec sleep 1000' &); echo $$ > self; sleep 1000"))) as agent:
        agent.start()
        queue(agent, "*")
        pids = [pid_in(f"{agent.dir}/{name}") for name in ("away", "self")]
        agent.daemon.stop()
        assert not any(is_alive(pid) for pid in pids)


# --- output on disk ---

def what_is_not_kept_is_said():
    with Alone(project(shell("a", "echo first; yes | head -c 20000000; echo last"))) as agent:
        agent.command("materialize", "a")
        folder = f"{agent.state}/runs/{agent.runs()[0]['run']}/a"
        sizes = {name: os.path.getsize(f"{folder}/{name}") for name in os.listdir(folder)}
        assert sum(sizes.values()) <= OUTPUT_KEPT and sizes["1.out"] == OUTPUT_KEPT // 4, sizes
        log = agent.command("logs")
        missing = 20000000 + len("first\nlast\n") - sum(sizes.values())
        assert "\nfirst\ny\n" in log and log.endswith("y\nlast\n") and f"--- {missing} bytes were not kept\n" in log


TESTS = [nobody_outlives_a_killed_daemon_for_long, a_daemon_that_stops_leaves_nobody, what_is_not_kept_is_said]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=4))
