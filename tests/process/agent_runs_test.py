"""Runs by hand, with a running daemon: jobs, the timeline, retry, cancel, reload."""
import json
import os
import signal
import sys

from agent_cli_test import ended, pid_in, project, said, shell
from fleet import Alone, run_tests, wait_for

CHAIN = [shell("a", "true"), shell("b", "test -e good", ", deps: [a]"), shell("c", "true", ", deps: [b]"), shell("d", "true")]
JOBS = "jobs:\n  - {name: all, select: '*'}\n"


def timeline(agent, *run):
    return json.loads(agent.command("run", *run, "--json"))


def statuses(agent, *run):
    return {s["step"]: s["status"] for s in timeline(agent, *run)["timeline"]}


def a_failed_run_is_tried_again_by_hand():
    with Alone(project(*CHAIN, more=JOBS)) as agent:
        agent.start()
        assert "failure  run" in agent.command("job", "all", "--tag", "why=test", "--priority", "3", code=1)
        first = timeline(agent)
        assert first["tags"] == {"why": "test"} and first["priority"] == 3 and first["job"] == "all", first
        assert statuses(agent) == {"a": "success", "b": "failure", "c": "skipped", "d": "success"}
        assert agent.command("retry", first["run"], code=None).returncode == 1
        assert statuses(agent) == {"b": "failure", "c": "skipped"}
        second = timeline(agent)
        assert (second["parent"], second["root"], second["cause"]) == (first["run"], first["run"], "retry"), second
        open(agent.dir + "/good", "w").close()
        assert "success" in agent.command("retry", second["run"], "--from-failure")
        third = timeline(agent)
        assert (third["parent"], third["root"]) == (second["run"], first["run"]) and third["tags"] == first["tags"], third
        assert "success" in agent.command("retry", first["run"], "--select", "b+")
        assert statuses(agent) == {"b": "success", "c": "success"}
        assert "success" in agent.command("retry", first["run"], "--all")
        assert len(statuses(agent)) == 4
        for arguments, code, words in ((["nothing"], 3, "no run begins with"), ([third["run"]], 3, "needs another try"),
                                       ([first["run"], "--all", "--from-failure"], 2, "give one of"),
                                       ([first["run"], "--select", "x"], 3, "selects no asset"), ([], 3, f"nothing of run {timeline(agent)['run']}")):
            done = agent.command("retry", *arguments, code=None)
            assert done.returncode == code and words in done.stderr, (arguments, said(done))
        text = agent.command("run", first["run"][:13]) if len({r["run"][:13] for r in agent.runs()}) == len(agent.runs()) \
            else agent.command("run", first["run"])
        assert "upstream b did not succeed" in text and "why" in text, text


def runs_are_canceled_in_the_queue_and_on_the_way():
    with Alone(project(shell("slow", "echo $$ > leader; sleep 1000"), more="jobs:\n  - {name: all, select: slow}\n")) as agent:
        agent.start()
        going = json.loads(agent.command("job", "all", "--no-wait", "--json"))["run"]
        waiting = json.loads(agent.command("job", "all", "--no-wait", "--json", "--priority", "3", "-t", "a=b c", "-t", "n=1"))["run"]
        pid_in(agent.dir + "/leader")
        text = agent.command("run", waiting)
        assert f"waits for  run {going} of the same job\n" in text and "priority   3\n" in text, text
        assert "tags       a=b c\n           n=1\n" in text and "waits for" not in agent.command("run", going), text
        assert agent.command("retry", going, code=None).returncode == 1  # it has not ended
        assert json.loads(agent.command("status", "--json"))["queued_runs"] == 1
        agent.command("cancel", waiting, going)
        assert ended(agent, waiting)["status"] == "canceled" and ended(agent, going)["status"] == "canceled"
        assert len(agent.events("run_canceling")) == 1 and len(agent.events("run_canceled")) == 2
        assert agent.command("cancel", going, code=None).returncode == 3
        assert agent.command("cancel", "none", code=None).returncode == 3


def a_run_that_waits_says_till_when():
    with Alone(project(shell("a", "false"), more="jobs:\n  - {name: one, select: a, retry: {max: 1, delay: 1h}}\n")) as agent:
        agent.start()
        agent.command("job", "one", code=1)
        retry = wait_for("its retry", lambda: next((r for r in agent.runs() if r["status"] == "queued"), None))
        till = f"waits till {retry['not_before']}\n"
        assert retry["not_before"] > retry["created_at"] and till in agent.command("run", retry["run"]), retry
        assert "waits" not in agent.command("run", retry["parent"])


def a_person_replaces_where_the_job_says_so():
    with Alone(project(shell("slow", "echo $$ > leader; test -e go || sleep 1000"),
                       more="jobs:\n  - {name: one, select: slow, on_overlap: replace}\n")) as agent:
        agent.start()
        going = json.loads(agent.command("job", "one", "--no-wait", "--json"))["run"]
        pid_in(agent.dir + "/leader")
        open(agent.dir + "/go", "w").close()
        agent.command("job", "one")
        assert ended(agent, going)["status"] == "canceled"
        assert [run["status"] for run in agent.runs()] == ["success", "canceled"], agent.runs()


def definitions_are_read_again_whole_or_not_at_all():
    with Alone(project(shell("a", "true"), more="schedules:\n  - {name: often, select: a, every: 1s}\n")) as agent:
        agent.start()
        wait_for("it ticks", lambda: agent.events("tick"))
        agent.define(project(shell("a", "true"), "  - nonsense\n"))
        done = agent.command("reload", code=None)
        status = json.loads(agent.command("status", "--json"))
        assert status["definitions_refused"] in done.stderr and status["refused_at"], (status, said(done))
        assert done.returncode == 6 and "the definitions in use stay: " in done.stderr and "selvedge.yaml:" in done.stderr, said(done)
        ticks = len(agent.events("tick"))
        wait_for("the old ones go on", lambda: len(agent.events("tick")) > ticks)
        agent.define(project(shell("a", "true"), shell("b", "true")))
        reloaded = json.loads(agent.command("reload", "--json"))
        assert "definitions_refused" not in json.loads(agent.command("status", "--json"))
        assert reloaded["assets"] == 2 and reloaded["changed"] == "assets: 1 added (b); schedules: 1 removed (often)", reloaded
        assert "assets: 1 added (b)" in agent.daemon.read_log()
        assert agent.command("reload") == "reloaded: 2 assets\nchanged: nothing\n"
        assert "success" in agent.command("materialize", "b")
        told = [e for e in agent.events("definitions")]
        assert len(told) == 2 and [a["key"] for a in told[-1]["assets"]] == ["a", "b"], told
        ticks = len(agent.events("tick"))
        agent.define(project(shell("c", "true")))
        os.kill(agent.daemon.process.pid, signal.SIGHUP)
        wait_for("HUP does the same", lambda: agent.command("materialize", "c", code=None).returncode == 0)
        assert len(agent.events("tick")) == ticks, "the schedule is gone and ticks"
        agent.daemon.stop()
        assert agent.command("reload", code=None).returncode == 4


TESTS = [a_failed_run_is_tried_again_by_hand, a_run_that_waits_says_till_when, a_person_replaces_where_the_job_says_so,
         runs_are_canceled_in_the_queue_and_on_the_way,
         definitions_are_read_again_whole_or_not_at_all]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=3))
