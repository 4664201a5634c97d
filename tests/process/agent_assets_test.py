"""What the agent does with its assets of itself, and what a person sees of it: automation, freshness, staleness, reports, the
status table, `why` and the graph. Clocks are moved by tests/support/shifted_clock.c; a step that the kernel does not announce is
noticed at the next reload."""
import json
import os
import random
import re
import shutil
import subprocess
import sys

from agent_cli_test import project, said, shell
from fleet import AGENT, BIN, Alone, need, run, run_tests, wait_for

SHIM = os.path.join(BIN, "shifted_clock.so")
CHAIN = [shell("a", "true"), shell("b", "true", ", deps: [a], automation: eager"), shell("c", "true", ", deps: [b], automation: eager")]
EXTERNAL = "  - {key: erp/prices, external: true, group: erp}\n"
MINUTE = 60
DAY = 86400


def table(agent, *argv):
    """Rows of `assets` by key, split at two spaces or more."""
    lines = agent.command("assets", *argv).splitlines()
    names = re.split(r"\s{2,}", lines[0].strip())
    return {row[0]: dict(zip(names, row)) for row in (re.split(r"\s{2,}", line.strip()) for line in lines[1:])}


def assets(agent, *argv):
    return {a["definition"]["key"]: a for a in map(json.loads, agent.command("assets", "--json", *argv).splitlines())}


def why(agent, key):
    return json.loads(agent.command("why", key, "--json"))


def made(agent, key):
    return [e for e in agent.events("asset_materialization") if e["asset"] == key]


def asked(agent, key):
    return [e for e in agent.events("automation_evaluation") if e["asset"] == key]


def evaluated(agent, *keys):
    """Until the first evaluation, which asks for nothing, is kept."""
    known = "SELECT count(*) FROM automation WHERE asset IN (%s)" % ",".join("?" * len(keys))
    wait_for("conditions are evaluated", lambda: agent.query(known, *keys)[0][0] == len(keys), every=0.05)


class Clock:
    """The wall clock of an agent's daemon, moved by seconds."""

    def __init__(self, agent):
        need(SHIM)
        self.agent = agent
        self.path = os.path.join(agent.dir, "clock")
        self.env = [f"LD_PRELOAD={SHIM}", f"SHIFTED_CLOCK={self.path}"]
        self.seconds = 0
        self.move(0)

    def move(self, seconds):
        self.seconds += seconds
        with open(self.path + ".new", "w") as f:
            f.write(str(self.seconds))
        os.replace(self.path + ".new", self.path)

    def start(self):
        """The daemon alone lives by this clock."""
        argv = self.agent.daemon.argv
        if argv[0] != "/usr/bin/env":
            self.agent.daemon.argv = ["/usr/bin/env", *self.env, *argv]
        self.agent.start()

    def command(self, *argv):
        """A command that lives by it too."""
        return run("/usr/bin/env", *self.env, AGENT, *argv, "--config", self.agent.config)


# --- automation ---

def a_chain_is_made_by_one_run():
    with Alone(project(*CHAIN)) as agent:
        agent.start()
        evaluated(agent, "b", "c")
        assert not agent.runs()
        assert "success" in agent.command("materialize", "a")
        wait_for("c is made", lambda: made(agent, "c"))
        runs = agent.runs()
        assert len(runs) == 2 and runs[0]["cause"] == "automation" and runs[0]["selection"] == "b or c", runs
        assert runs[0]["tags"] == {"dagster/from_automation_condition": "true"}, runs[0]
        assert [e["run"] for e in asked(agent, "b") + asked(agent, "c")] == [runs[0]["run"]] * 2
        nodes = asked(agent, "c")[0]["metadata"]["nodes"]
        assert nodes[0]["label"] == "eager" and nodes[0]["true"] and nodes[1]["depth"] == 1, nodes
        reason = why(agent, "c")["automation"]
        assert reason["run"] == runs[0]["run"] and reason["condition"] == "eager" and not reason["paused"], reason
        text = agent.command("why", "c")
        assert "automation    eager: asks for nothing now" in text and "trigger: OR" in text and "last asked for" in text, text
        status = agent.command("automation", "status")
        assert "automation is on; 2 assets" in status and runs[0]["run"] in status, status


def a_kill_between_loses_no_request_and_doubles_none():
    chance = random.Random(7)
    with Alone(project(EXTERNAL, shell("b", "true", ", deps: [erp/prices], automation: eager"))) as agent:
        agent.start()
        evaluated(agent, "b")
        for cycle in range(1, 13):
            agent.command("report", "materialization", "erp/prices")
            try:
                agent.daemon.process.wait(chance.uniform(0, 1.6))
                raise AssertionError("the agent has ended")
            except subprocess.TimeoutExpired:
                agent.daemon.kill()
            agent.start()
            wait_for("b is asked for", lambda: len(asked(agent, "b")) >= cycle)  # pylint: disable=cell-var-from-loop
            wait_for("nothing is open", lambda: all(r["status"] in ("success", "failure") for r in agent.runs()))
            assert len(asked(agent, "b")) == cycle, asked(agent, "b")
            assert len({e["run"] for e in asked(agent, "b")}) == cycle
        wait_for("b is made of the last", lambda: made(agent, "b")[-1]["at"] > made(agent, "erp/prices")[-1]["at"])
        first = [r for r in agent.runs() if r["cause"] == "automation"]
        assert len(first) == 12, first


def automation_is_paused_and_resumed():
    with Alone(project(*CHAIN)) as agent:
        assert "is paused" in agent.command("automation", "pause")  # nobody runs: it is done here
        assert "was already paused" in agent.command("automation", "pause")
        agent.start()
        assert json.loads(agent.command("status", "--json"))["automation"] == "paused"
        for _ in range(3):
            agent.command("materialize", "a")
        assert "paused" in agent.command("why", "b")
        assert json.loads(agent.command("automation", "resume", "--json")) == {"paused": False, "changed": True}
        evaluated(agent, "b", "c")
        assert not asked(agent, "b")  # never evaluated before: as a first evaluation
        assert "is paused" in agent.command("automation", "pause")
        for _ in range(3):
            agent.command("materialize", "a")
        agent.daemon.stop()
        agent.start()
        assert json.loads(agent.command("status", "--json"))["automation"] == "paused"
        agent.command("automation", "resume")
        wait_for("c is made", lambda: made(agent, "c"))
        assert len(asked(agent, "b")) == 1 and len(asked(agent, "c")) == 1
        told = [(e["automation"], e["status"]) for e in agent.events("instigator")]
        assert told == [("automation", s) for s in ("paused", "running", "paused", "running")], told


def on_cron_and_on_missing_follow_the_clock():
    daily = ", partitions: {daily: {start: 2026-01-01}}"
    with Alone(project(shell("a", "true", daily), shell("b", "true", daily + ", deps: [a], automation: on_missing"), shell("x", "true"),
                       shell("hourly", "true", ", deps: [x], automation: {on_cron: '0 * * * *'}"))) as agent:
        clock = Clock(agent)
        clock.start()
        agent.command("materialize", "x")
        evaluated(agent, "b", "hourly")
        clock.move(60 * MINUTE)
        agent.command("reload")
        agent.command("materialize", "x")
        wait_for("the cron has passed", lambda: made(agent, "hourly"))

        def newest():
            return agent.query("SELECT cursor FROM automation WHERE asset = 'b'")[0][0].splitlines()[1]
        before = newest()
        clock.move(DAY)
        agent.command("reload")
        wait_for("b waits for the new day", lambda: newest() != before, every=0.1)
        day = newest()
        assert not made(agent, "b")
        agent.command("materialize", "a", "--partition", day)
        wait_for("b is made for it", lambda: made(agent, "b"))
        assert [e["partition"] for e in made(agent, "b")] == [day]
        assert assets(agent, "b")["b"]["partitions"]["materialized"] == 1
        row = next(line for line in clock.command("assets").splitlines() if line.startswith("b "))
        assert "partial" in row and re.search(r"1 of \d+ partitions", row), row


# --- freshness ---

def freshness_is_told_when_it_changes():
    with Alone(project(shell("a", "true", ", freshness: {warn_after: 10m, fail_after: 30m}"))) as agent:
        clock = Clock(agent)

        def states():
            return [(e["previous"], e["status"]) for e in agent.events("freshness_state_change")]
        clock.start()
        assert table(agent)["a"]["FRESHNESS"] == "unknown" and not states()
        agent.command("materialize", "a")
        wait_for("it passes", lambda: states() == [("unknown", "pass")])
        clock.move(11 * MINUTE)
        agent.command("reload")
        wait_for("it warns", lambda: states()[1:] == [("pass", "warn")])
        text = clock.command("why", "a")
        assert "freshness     warn: warns after 10m, fails after 30m; until" in text, text
        clock.move(20 * MINUTE)
        agent.command("reload")
        wait_for("it fails", lambda: states()[2:] == [("warn", "fail")])
        assert "fail " in clock.command("assets", "--failing")
        agent.daemon.kill()
        agent.start()
        agent.command("materialize", "a")
        wait_for("it passes again", lambda: states()[3:] == [("fail", "pass")])
        assert "pass " in clock.command("assets") and "pass " not in clock.command("assets", "--failing")
        agent.define(project(shell("a", "true")))
        agent.command("reload")
        wait_for("no policy any more", lambda: states()[4:] == [("pass", "not_applicable")])
        assert table(agent)["a"]["FRESHNESS"] == "-"


# --- staleness and the table ---

def what_changed_makes_stale():
    def define(agent, version, deps):
        agent.define(project(shell("a", "true", f", code_version: '{version}'"), shell("b", "true", f", deps: {deps}"),
                             shell("c", "exit 3", ", deps: [b]"), EXTERNAL))
    with Alone() as agent:
        define(agent, "1", "[a]")
        assert table(agent)["a"]["STATUS"] == "missing" and table(agent)["b"]["WHY"] == "a is missing"  # nothing ran here yet
        agent.start()
        agent.command("materialize", "a or b")
        assert {k: r["STATUS"] for k, r in table(agent).items()} == {"a": "fresh", "b": "fresh", "c": "missing", "erp/prices": "external"}
        define(agent, "2", "[a, erp/prices]")
        agent.command("reload")
        rows = table(agent)
        assert (rows["a"]["STATUS"], rows["a"]["WHY"]) == ("stale", "has a new code version"), rows
        assert (rows["b"]["STATUS"], rows["b"]["WHY"]) == ("stale", "has a new dependency on erp/prices"), rows
        assert set(table(agent, "--stale")) == {"a", "b", "c"}
        assert 'has a new code version: "2" now, made with "1"' in agent.command("why", "a")
        agent.command("materialize", "a")
        causes = assets(agent)["b"]["causes"]
        assert [(c["category"], c["dependency"]) for c in causes] == [("DATA", "a"), ("DEPENDENCIES", "erp/prices")], causes
        agent.command("materialize", "b")
        assert table(agent)["b"]["STATUS"] == "fresh"
        agent.command("materialize", "c", code=1)
        assert (table(agent)["c"]["STATUS"], table(agent)["c"]["WHY"]) == ("failed", "exit code 3")
        assert set(table(agent, "--failing")) == {"c"}
        agent.daemon.stop()
        about = why(agent, "c")  # without a daemon
        assert about["status"] == "failed" and about["error"] == "exit code 3" and about["staleness"] == "MISSING", about
        assert assets(agent, "a")["a"]["code_version"] == "2" and len(assets(agent, "a")["a"]["data_version"]) == 64
        done = agent.command("why", "erp/price", code=None)
        assert done.returncode == 3 and "did you mean erp/prices" in done.stderr, said(done)


def what_runs_and_what_is_checked_is_seen():
    checks = ", checks: [{name: good, run: ['true']}, {name: bad, run: ['false'], severity: warn}]"
    with Alone(project(shell("a", "true", checks), shell("slow", "test -e ../go || exec sleep 1000"))) as agent:
        agent.start()
        agent.command("materialize", "a")
        assert table(agent)["a"]["CHECKS"] == "1/2", table(agent)
        assert "bad did not pass (warn)" in agent.command("why", "a")
        assert [(c["name"], c["passed"]) for c in assets(agent, "a")["a"]["checks"]] == [("bad", False), ("good", True)]
        assert not table(agent, "--failing")
        run = json.loads(agent.command("materialize", "slow", "--no-wait", "--json"))["run"]
        wait_for("it runs", lambda: table(agent)["slow"]["STATUS"] == "running")
        assert why(agent, "slow")["running"][0]["run"] == run
        agent.command("cancel", run)
        wait_for("it is over", lambda: table(agent)["slow"]["STATUS"] != "running")


# --- reports ---

def what_is_reported_from_outside_counts():
    with Alone(project(EXTERNAL, shell("b", "true", ", deps: [erp/prices], automation: eager"),
                       shell("p", "true", ", partitions: {static: [x, y]}"))) as agent:
        report = ("report", "materialization", "erp/prices", "-m", "rows=5", "-m", "share=0.5", "-m", "note=a=b", "-m", "ok=true",
                  "-m", 'list=[1,2]', "--data-version", "v1")
        assert "recorded  a materialization of erp/prices" in agent.command(*report)  # nobody runs: it is done here
        agent.start()
        evaluated(agent, "b")
        agent.command("report", "observation", "erp/prices", "--data-version", "v1")
        agent.command("report", "observation", "erp/prices", "--data-version", "v2")
        wait_for("b is made", lambda: made(agent, "b"))
        assert len(asked(agent, "b")) == 1
        event = made(agent, "erp/prices")[0]
        assert event["metadata"] == {"rows": {"type": "int", "raw_value": 5}, "share": {"type": "float", "raw_value": 0.5},
                                     "note": {"type": "text", "raw_value": "a=b"}, "ok": {"type": "bool", "raw_value": True},
                                     "list": {"type": "json", "raw_value": [1, 2]}}, event
        assert event["data_version"] == "v1" and event["data_version_given"] and "run" not in event, event
        assert assets(agent, "key:erp/*")["erp/prices"]["observed_version"] == "v2"
        agent.command("report", "check", "erp/prices", "--check", "complete", "--passed", "false", "--severity", "warn")
        agent.command("report", "check", "erp/prices", "--check", "complete", "--passed", "true")
        assert table(agent)["erp/prices"]["CHECKS"] == "1/1"
        agent.command("report", "materialization", "p", "--partition", "x")
        assert assets(agent, "p")["p"]["partitions"] == {"count": 2, "materialized": 1, "failed": 0}
        for argv, code, words in ((("materialization", "erp/price"), 3, "did you mean erp/prices"),
                                  (("materialization", "b", "-p", "x"), 6, "b has no partitions"),
                                  (("materialization", "p", "-p", "z"), 3, "z"),
                                  (("materialization", "b", "-m", "rows"), 2, "NAME=VALUE"),
                                  (("check", "b", "--passed", "true"), 2, "--check NAME"),
                                  (("check", "b", "--check", "c"), 2, "--passed"),
                                  (("check", "b", "--check", "c", "--passed", "perhaps"), 2, "perhaps")):
            done = agent.command("report", *argv, code=None)
            assert done.returncode == code and words in done.stderr, (argv, said(done))


# --- the graph ---

def the_graph_is_drawn_in_three_ways():
    with Alone(project(EXTERNAL, shell("x/a", "true", ", deps: [erp/prices], group: one"), shell("b", "true", ", deps: [erp/prices]"),
                       shell("c", "true", ", deps: [x/a, b]"), shell("d", "true", ", deps: [c]"))) as agent:
        assert agent.command("assets", "--graph", "text") == (
            "erp/prices (external)\n"
            "├── x/a  missing\n"
            "│   └── c  missing\n"
            "│       └── d  missing\n"
            "└── b  missing\n"
            "    └── c (above)\n")
        assert agent.command("assets", "--graph", "text", "c+") == "c  missing\n└── d  missing\n"
        dot = agent.command("assets", "--graph", "dot")
        edges = {("erp/prices", "x/a"), ("erp/prices", "b"), ("x/a", "c"), ("b", "c"), ("c", "d")}
        assert set(re.findall(r'^  "(.*)" -> "(.*)"$', dot, re.M)) == edges, dot
        assert '"erp/prices" [style="rounded,dashed"];' in dot and dot.count("subgraph") == 3 and dot.count("{") == dot.count("}"), dot
        if shutil.which("dot"):
            drawn = subprocess.run(["dot", "-Tsvg"], input=dot, capture_output=True, text=True, check=True).stdout
            assert drawn.count('class="edge"') == len(edges) and drawn.count('class="node"') == 5, drawn
        mermaid = agent.command("assets", "--graph", "mermaid")
        names = dict(re.findall(r'^    (a\d+)\["([^"]*)"\]', mermaid, re.M))
        assert {(names[a], names[b]) for a, b in re.findall(r"^  (a\d+) --> (a\d+)$", mermaid, re.M)} == edges, mermaid
        assert re.search(r'"erp/prices"\]:::external$', mermaid, re.M) and mermaid.count("\n  end\n") == 3, mermaid
        done = agent.command("assets", "--graph", "dot", "--json", code=None)
        assert done.returncode == 2 and "do not go together" in done.stderr, said(done)


def a_long_chain_is_drawn_in_parts():
    keys = [f"k{i:03}" for i in range(100)]
    with Alone(project(*[shell(k, "true", f", deps: [{keys[i - 1]}]" if i else "") for i, k in enumerate(keys)])) as agent:
        lines = agent.command("assets", "--graph", "text").splitlines()
        assert max(map(len, lines)) < 200 and sum("(below)" in line for line in lines) == 2, lines
        assert [k for k in keys if not any(re.search(rf"(^|─ ){k}  missing$", line) for line in lines)] == [], lines


TESTS = [a_chain_is_made_by_one_run, a_kill_between_loses_no_request_and_doubles_none, automation_is_paused_and_resumed,
         on_cron_and_on_missing_follow_the_clock, freshness_is_told_when_it_changes, what_changed_makes_stale,
         what_runs_and_what_is_checked_is_seen, what_is_reported_from_outside_counts, the_graph_is_drawn_in_three_ways,
         a_long_chain_is_drawn_in_parts]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=3))
