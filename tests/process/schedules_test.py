"""Schedules as a person meets them: listed, previewed, paused and resumed with a daemon and without one, missed, held for a clock that
nothing keeps right. What fires when is the simulation's to prove (tests/sim/schedule_sim_test.c)."""
import ctypes
import json
import os
import signal
import sys
from datetime import datetime, timedelta, timezone

from fleet import BIN, Alone, need, run_tests, wait_for

SHIM = os.path.join(BIN, "shifted_clock.so")
DEFINITIONS = """\
project: test
assets:
  - {key: quick, run: ["true"]}
jobs:
  - {name: all, select: "*"}
schedules:
  - {name: nightly, job: all, cron: "30 2 * * *", timezone: Europe/Berlin}
  - {name: hourly, select: quick, cron: "@hourly"}
"""
OFTEN = """\
project: test
assets:
  - {key: quick, run: ["true"]}
schedules:
  - {name: often, select: quick, every: 1s}
"""


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def schedules(agent):
    return {s["schedule"]: s for s in lines(agent.command("schedules", "--json"))}


def statuses(agent):
    return {name: s["status"] for name, s in schedules(agent).items()}


def ticks(agent, *more):
    return lines(agent.command("ticks", "--json", "--limit", "1000", *more))


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def they_are_listed_and_previewed():
    with Alone(DEFINITIONS) as agent:
        table = agent.command("schedules")
        assert "nightly" in table and "30 2 * * *" in table and "Europe/Berlin" in table and "held" in table, table
        assert "no ticks" in agent.start().command("ticks")
        assert "held" not in agent.command("schedules"), "a daemon runs"
        listed = schedules(agent)["nightly"]
        assert listed["job"] == "all" and listed["cron"] == "30 2 * * *" and listed["status"] == "running", listed
        preview = lines(agent.command("schedules", "preview", "nightly", "--count", "400", "--json"))
        assert len(preview) == 400 and preview[0]["nominal"] == listed["next"], preview[0]
        times = [instant(p["nominal"]) for p in preview]
        assert times[0] > datetime.now(timezone.utc)
        # 400 nights hold both changes of the clock: to 03:00 and back, and to the second 02:30.
        assert {b - a for a, b in zip(times, times[1:])} == {timedelta(hours=h) for h in (23.5, 24, 25)}
        text = agent.command("schedules", "preview", "nightly", "-n", "400")
        assert "behind times that do not exist" in text and "the clock shows this time twice" in text, text
        done = agent.command("schedules", "preview", "nigthly", code=3)
        done = agent.command("schedules", "preview", "nigthly", code=None)
        assert "did you mean nightly?" in done.stderr, done.stderr


def a_pause_survives_restarts():
    with Alone(DEFINITIONS) as agent:
        agent.start()
        assert agent.command("schedules", "pause", "nightly") == "nightly is paused\n"
        assert json.loads(agent.command("schedules", "pause", "nightly", "hourly", "--json")) == \
            {"changed": ["hourly"], "unchanged": ["nightly"]}
        assert "next" not in schedules(agent)["nightly"]
        agent.daemon.kill()  # at once: what the command said is on the disk
        assert statuses(agent) == {"nightly": "paused", "hourly": "paused"}
        agent.start()
        assert statuses(agent) == {"nightly": "paused", "hourly": "paused"}
        assert agent.command("schedules", "resume", "--all") == "nightly is running\nhourly is running\n"
        agent.command("schedules", "pause", "hourly", "nightyl", code=3)
        assert statuses(agent) == {"nightly": "running", "hourly": "running"}, "all or none"
        for wrong in (["pause"], ["pause", "nightly", "--all"], ["resume"]):
            assert agent.command("schedules", *wrong, code=None).returncode == 2, wrong
        told = [(e["schedule"], e["status"]) for e in agent.events("instigator") if "status" in e]
        assert told == [("nightly", "paused"), ("hourly", "paused"), ("nightly", "running"), ("hourly", "running")], told


def they_are_paused_without_a_daemon():
    with Alone(OFTEN) as agent:
        assert agent.command("schedules", "pause", "--all") == "often is paused\n"
        assert agent.command("schedules", "pause", "often") == "often was already paused\n"
        agent.command("schedules", "pause", "oftne", code=3)
        agent.start()
        assert statuses(agent) == {"often": "paused"}
        agent.daemon.stop()
        assert ticks(agent) == [], "it was paused from the beginning"
        assert agent.command("schedules", "resume", "often") == "often is running\n"
        agent.start()
        wait_for("it ticks", lambda: ticks(agent))


def what_was_missed_is_told_in_one_line():
    need(SHIM)
    with Alone(OFTEN) as agent:
        clock = os.path.join(agent.dir, "clock")
        os.environ.update(LD_PRELOAD=SHIM, SHIFTED_CLOCK=clock)
        try:
            agent.start()
            wait_for("it ticks", lambda: ticks(agent))
            agent.daemon.kill()
            before = ticks(agent)
            with open(clock, "w") as f:
                f.write("7200")
            agent.start()
            wait_for("it ticks again", lambda: len(ticks(agent)) > len(before) + 2)
        finally:
            del os.environ["LD_PRELOAD"], os.environ["SHIFTED_CLOCK"]
        after = list(reversed(ticks(agent)))[len(before):]
        assert after[0]["status"] == "skipped" and "ticks were missed while the agent was down" in after[0]["reason"], after[0]
        assert 7100 < int(after[0]["reason"].split()[0]) < 7400, after[0]
        nominal = [t["nominal"] for t in ticks(agent) if t["status"] == "started"]
        assert len(nominal) == len(set(nominal)), "one tick fired twice"
        assert {t["name"] for t in ticks(agent, "--schedule", "often")} == {"often"}
        assert ticks(agent, "--sensor", "often") == []
        assert agent.command("ticks", "--schedule", "a", "--sensor", "b", code=None).returncode == 2


def new_times_begin_with_the_reload():
    with Alone(DEFINITIONS) as agent:
        agent.start()
        wait_for("they have begun", lambda: len(agent.events("instigator")) == 2)
        agent.define(DEFINITIONS.replace("30 2", "31 2"))
        os.kill(agent.daemon.process.pid, signal.SIGHUP)
        wait_for("the schedule begins anew", lambda: len(agent.events("instigator")) == 3)
        event = agent.events("instigator")[-1]
        assert event["schedule"] == "nightly" and event["reason"] == "its times were changed", event
        assert ticks(agent) == []


def its_definition_may_pause_and_spread_it():
    with Alone(OFTEN.replace("every: 1s", "every: 1s, paused: true") +
               "  - {name: spread, select: quick, cron: '0 2 * * *', splay: 1h, missed: {all: 3}}\n") as agent:
        agent.start()
        listed = schedules(agent)
        assert listed["often"]["status"] == "paused" and "next" not in listed["often"], listed
        splay = listed["spread"]["splay_s"]
        assert 0 <= splay < 3600
        assert instant(listed["spread"]["next"]) - instant(listed["spread"]["next_nominal"]) == timedelta(seconds=splay)
        assert instant(listed["spread"]["next_nominal"]).strftime("%H:%M") == "02:00"
        agent.daemon.stop()
        assert schedules(agent)["spread"]["splay_s"] == splay
        agent.command("schedules", "resume", "often")
        agent.start()  # by hand is stronger than by definition
        wait_for("it ticks", lambda: ticks(agent))


class Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
                ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_char * 512)]


def kernel_is_synchronized():
    timex = Timex(modes=0)
    state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    return state not in (-1, 5) and timex.status & 0x40 == 0  # TIME_ERROR, STA_UNSYNC


def a_clock_that_must_be_synchronized_holds_ticks():
    with Alone(OFTEN) as agent:
        agent.write_settings(clock="require_sync")
        agent.start()
        expected = "trusted" if kernel_is_synchronized() else "not synchronized"
        status = wait_for("the clock was looked at", lambda: json.loads(agent.command("status", "--json")))
        wait_for("it says so", lambda: json.loads(agent.command("status", "--json"))["clock"] == expected)
        assert status["schedules"] == 1, status
        if expected == "trusted":
            wait_for("it ticks", lambda: ticks(agent))
            return
        assert "schedule.clock_not_synced" in agent.daemon.read_log()
        listed = schedules(agent)["often"]
        assert listed["status"] == "running" and listed["held"] == "the clock is not synchronized", listed
        assert "held" in agent.command("schedules")
        assert ticks(agent) == []


TESTS = [what_was_missed_is_told_in_one_line, a_pause_survives_restarts, they_are_paused_without_a_daemon,
         they_are_listed_and_previewed, new_times_begin_with_the_reload,
         its_definition_may_pause_and_spread_it, a_clock_that_must_be_synchronized_holds_ticks]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
