"""`selvedge-hub simulate`: simulated devices over TLS on a real hub and broker."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from fleet import HUB, Fleet, run, run_tests, wait_for


def simulate(*argv, code=0):
    return json.loads(run(HUB, "simulate", "--json", *argv, code=code, timeout=150))


def a_fleet_of_its_own_is_whole():
    before = set(os.listdir(tempfile.gettempdir()))
    found = simulate("--standalone", "-n", "25", "--storm", "--backlog", "140", "--rate", "70", "--duration", "4s",
                     "--partition", "20", "--lie", "20", "--seed", "7")
    assert found["is_whole"] and found["events_in_hub"] == found["events_recorded"], found
    assert found["devices_in_hub"] == 25 and found["sessions_full"] == 25, found
    assert found["sessions_resumed"] >= 25, "nobody came back with a session ticket"
    assert found["backlog"]["events"] == 25 * 140, found
    assert found["steady"]["events"] >= 70, found
    assert found["drops"] >= 25 + 1, "nobody was cut off in the steady phase"
    assert 0 < found["visible_count"] and 0 < found["steady"]["p50_ms"] <= found["steady"]["p99_ms"], found
    assert found["hub_rss_max_bytes"] > 1 << 20 and found["connect"]["broker_rss_bytes"] > 1 << 20, found
    left = [name for name in set(os.listdir(tempfile.gettempdir())) - before if name.startswith("selvedge-simulate")]
    assert not left, left


def on_a_hub_that_runs():
    with Fleet("sim") as fleet:
        fleet.start_hub()
        found = simulate("-s", fleet.hub_dir, "-n", "5", "--duration", "1s", "--rate", "50")
        again = simulate("-s", fleet.hub_dir, "-n", "5", "--rate", "0")
        assert found["is_whole"] and again["is_whole"] and found["prefix"] != again["prefix"], (found, again)
        devices = [json.loads(line) for line in fleet.command("devices", "--json").splitlines()]
        assert len(devices) == 10 and all(d["device"].startswith("sim-") for d in devices), devices
        rows = fleet.query("SELECT count(*), count(DISTINCT asset), count(DISTINCT device) FROM asset_definition")
        assert rows == [(200, 20, 10)], rows
        assert run(HUB, "rebuild", "--check", "-s", fleet.hub_dir)
        text = run(HUB, "simulate", "-s", fleet.hub_dir, "-n", "3", "--rate", "0")
        assert "all, each once" in text and "connect" in text, text


def says_what_is_wrong():
    with Fleet("sim") as fleet:
        fleet.start_hub()
        fleet.hub.stop()
        done = run(HUB, "simulate", "-s", fleet.hub_dir, code=None)
        assert done.returncode == 4 and "no hub runs" in done.stderr and "--standalone" in done.stderr, done
        fleet.start_hub()
        few = "ulimit -n 100; exec \"$@\""
        done = run("sh", "-c", few, "sh", HUB, "simulate", "-s", fleet.hub_dir, "-n", "60", code=None)
        assert done.returncode == 1 and "open files" in done.stderr and "hint: " in done.stderr, done
        done = run(HUB, "simulate", "-s", fleet.hub_dir, "--devices", "0", code=None)
        assert done.returncode == 2, done
    with tempfile.TemporaryDirectory() as empty:
        done = run(HUB, "simulate", "-s", empty, code=None)
        assert done.returncode == 3 and "selvedge-hub init" in done.stderr, done


def a_phase_that_takes_too_long_says_why():
    with Fleet("sim") as fleet:
        fleet.start_hub()
        broker = fleet.broker_pid()
        os.kill(broker, signal.SIGSTOP)
        try:
            done = run(HUB, "simulate", "-s", fleet.hub_dir, "-n", "2", "--phase-timeout", "3s", code=None)
        finally:
            os.kill(broker, signal.SIGCONT)
        assert done.returncode == 4 and "0 of 2 devices within 3 s" in done.stderr, done


def ends_when_it_is_told_to():
    process = subprocess.Popen([HUB, "simulate", "--standalone", "-n", "5", "--duration", "1h"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    folder = wait_for("the hub of its own", lambda: [n for n in os.listdir(tempfile.gettempdir())
                                                     if n.startswith("selvedge-simulate") and is_of(process.pid, n)])
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "interrupted" in err, err
    assert not os.path.exists(os.path.join(tempfile.gettempdir(), folder[0]))


def is_of(pid, folder):
    """Whether a child of the process works in the folder."""
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        for child in f.read().split():
            try:
                with open(f"/proc/{child}/cmdline") as line:
                    if folder in line.read():
                        return True
            except OSError:
                pass
    return False


TESTS = [a_fleet_of_its_own_is_whole, on_a_hub_that_runs, says_what_is_wrong, a_phase_that_takes_too_long_says_why,
         ends_when_it_is_told_to]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=3))
