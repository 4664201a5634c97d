"""Steps as processes, with the real daemon: what they leave when it is killed, and how they are watched."""
import json
import os
import signal
import subprocess
import sys

from fleet import AGENT, Alone, is_alive, read_file, run_tests, wait_for

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


class Watcher:
    """`selvedge-agent logs --follow` beside the daemon; its lines as they come."""

    def __init__(self, agent, *argv):
        self.path = agent.dir + "/watched"
        with open(self.path, "w") as out:
            self.process = subprocess.Popen([AGENT, "logs", "--follow", "--config", agent.config, *argv], stdout=out,
                                            stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def lines(self):
        return read_file(self.path).splitlines()

    def wait_for(self, text):
        wait_for(f"{text!r} is shown", lambda: any(text in line for line in self.lines()), every=0.02)

    def end(self, code=0):
        assert self.process.wait(30) == code, self.process.stderr.read()
        return self.lines()


# --- a daemon that is killed ---

def nobody_outlives_a_killed_daemon_for_long():
    """Children that ignore TERM, fork, daemonise and hold nothing of us; another agent's live on."""
    # When the run is tried again they have nothing to do.
    stubborn = "[ ! -e stubborn ] || exit 0; trap '' TERM; echo $$ > stubborn; sleep 1000; sleep 1000"
    forked = "[ ! -e leader ] || exit 0; sleep 1000 & echo $! > forked; echo $$ > leader; wait"
    daemonised = ("[ ! -e away ] || exit 0; (setsid sh -c 'echo $$ > away; exec sleep 1000' >/dev/null 2>&1 3>&- &); "
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
        agent.daemon.stop()  # the run was tried again


def a_daemon_that_stops_leaves_nobody():
    with Alone(project(shell("a", "(setsid sh -c 'echo $$ > away; exec sleep 1000' &); echo $$ > self; sleep 1000"))) as agent:
        agent.start()
        queue(agent, "*")
        pids = [pid_in(f"{agent.dir}/{name}") for name in ("away", "self")]
        agent.daemon.stop()
        assert not any(is_alive(pid) for pid in pids)


# --- watching ---

def a_run_is_watched_while_it_goes_on():
    script = "echo one; echo two >&2; while [ ! -e go ]; do sleep 0.02; done; printf 'three\\nno end'"
    with Alone(project(shell("a/b", script), shell("c", "echo four", ", deps: [a/b]"))) as agent:
        agent.start()
        run = queue(agent, "*")
        with Watcher(agent, run, "--output") as watcher:
            watcher.wait_for("a/b out | one")
            watcher.wait_for("a/b err | two")
            assert watcher.process.poll() is None and not any("three" in line for line in watcher.lines())
            open(agent.dir + "/go", "w").close()
            lines = watcher.end()
        at = {text: next(i for i, line in enumerate(lines) if text in line)
              for text in ("run_enqueued", "step_start", "a/b out | one", "a/b out | three", "a/b out | no end",
                           "step_success", "c out | four", "run_success")}
        assert list(at.values()) == sorted(at.values()), lines
        assert lines[-1] and "run_success" in lines[-1], lines
        assert len(lines) == len(set(lines)) or lines.count("a/b out | one") == 1, "something was shown twice"
        # What has ended is shown whole and at once; without --output only the events; --step one step only.
        with Watcher(agent, run) as watcher:
            lines = watcher.end()
        assert any("run_success" in line for line in lines) and not any(" | " in line for line in lines), lines
        with Watcher(agent, run, "--output", "--step", "c") as watcher:
            lines = watcher.end()
        assert any(line == "c out | four" for line in lines) and not any("a/b" in line for line in lines), lines


def watching_as_json_is_json():
    with Alone(project(shell("a", "echo one; printf 'x\\377y\\n'"))) as agent:
        agent.start()
        run = queue(agent, "*")
        wait_for_status(agent, run, "success")
        with Watcher(agent, run, "--output", "--json") as watcher:
            lines = [json.loads(line) for line in watcher.end()]
        said = [line for line in lines if "line" in line]
        assert said[0] == {"step": "a", "attempt": 1, "stream": "stdout", "line": "one"}, said
        assert said[1]["line"] == "x\ufffdy" and lines[-1]["type"] == "run_success", lines


def attempts_and_long_output_are_watched():
    flood = "echo first; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo last"
    with Alone(project(shell("a", "echo attempt $SELVEDGE_ATTEMPT; test $SELVEDGE_ATTEMPT = 2", ", retry: {max: 1}"),
                       shell("b", flood, ", deps: [a]"))) as agent:
        agent.start()
        run = queue(agent, "*")
        with Watcher(agent, run, "--output") as watcher:
            lines = watcher.end()
        texts = [line for line in lines if line.startswith("a out | ")]
        assert texts == ["a out | attempt 1", "a out | attempt 2"], texts
        flooded = [line for line in lines if line.startswith("b out | ")]
        assert flooded[0] == "b out | first" and flooded[-1] == "b out | last", (flooded[0], flooded[-1])
        missing = sum(int(line.split()[4]) for line in flooded if "bytes were not kept" in line)
        shown = sum(len(line) - len("b out | ") for line in flooded if "not kept" not in line)
        assert missing > 0 and missing + shown + len("\n\n\n") == 30000000 + len("first\n\nlast\n"), (missing, shown)


def watching_ends_with_who_carries_it_out():
    with Alone(project(shell("a", "echo $$ > self; exec sleep 1000"))) as agent:
        agent.start()
        queue(agent, "*")
        pid_in(agent.dir + "/self")
        with Watcher(agent) as watcher:
            watcher.wait_for("step_start")
            agent.daemon.kill()
            watcher.end(4)
        agent.start()  # ends the orphan
        agent.daemon.stop()


def a_run_without_a_daemon_is_watched_too():
    """It has no socket to ask: the watcher must not take that for the end."""
    script = "echo $$ > self; echo one; while [ ! -e go ]; do sleep 0.02; done; echo two"
    with Alone(project(shell("a", script))) as agent:
        alone = subprocess.Popen([AGENT, "materialize", "a", "--config", agent.config], stdout=subprocess.DEVNULL)
        try:
            pid_in(agent.dir + "/self")
            with Watcher(agent, "--output") as watcher:
                watcher.wait_for("a out | one")
                looks = Counter(20)  # longer than it takes to ask for a daemon twice
                wait_for("it watches on", lambda: looks.is_over() or watcher.process.poll() is not None, every=0.15)
                open(agent.dir + "/go", "w").close()
                assert any(line == "a out | two" for line in watcher.end()), watcher.lines()
            assert alone.wait(30) == 0
        finally:
            alone.kill()
            alone.wait()


class Counter:
    def __init__(self, calls):
        self.left = calls

    def is_over(self):
        self.left -= 1
        return self.left < 0


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


TESTS = [nobody_outlives_a_killed_daemon_for_long, a_daemon_that_stops_leaves_nobody, a_run_is_watched_while_it_goes_on,
         watching_as_json_is_json, attempts_and_long_output_are_watched, watching_ends_with_who_carries_it_out,
         a_run_without_a_daemon_is_watched_too, what_is_not_kept_is_said]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=4))
