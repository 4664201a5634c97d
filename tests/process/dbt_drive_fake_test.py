"""Driving a dbt that is no dbt: a script that says what a real one said (tests/data/dbt/drive), with pauses, garbage and every way
to end, so that a clone without a network covers what tests/interop/dbt_drive_test.py does with the real one."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from dbt_drive import Told, command, drive, processes_with

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "dbt", "drive")
with open(os.path.join(DATA, "build.jsonl"), encoding="utf8") as data:
    LINES = data.read().splitlines()
with open(os.path.join(DATA, "run_results.json"), encoding="utf8") as data:
    RESULTS = json.load(data)
STATUSES = {r["unique_id"].split(".")[2]: r["status"] for r in RESULTS["results"]}
# What a real dbt says of the nodes of this build.
EXPECTED = {"orders": "success", "sales": "success", "amount_is_ten": "warn", "unique_sales_id": "pass", "broken": "error",
            "by_amount": "success", "slow": "success", "tested": "success", "after_broken": "skipped", "amount_is_small": "fail",
            "after_tested": "skipped"}

# Plays the list of acts in the file that FAKE_ACTS names; what it was given goes to FAKE_GIVEN.
FAKE = r'''#!PYTHON
import json, os, signal, subprocess, sys, time
acts = json.load(open(os.environ["FAKE_ACTS"]))
target = sys.argv[sys.argv.index("--target-path") + 1]
json.dump({"argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd(), "target": sorted(os.listdir(target)), "pgid": os.getpgid(0), "pid": os.getpid()},
          open(os.environ["FAKE_GIVEN"], "w"))
def play(acts):
    for act, value in acts:
        if act == "say":
            sys.stdout.buffer.write(value.encode("utf8", "surrogateescape") + b"\n"); sys.stdout.flush()
        elif act == "part":
            sys.stdout.write(value); sys.stdout.flush()
        elif act == "complain":
            sys.stderr.write(value + "\n"); sys.stderr.flush()
        elif act == "sleep":
            time.sleep(value)
        elif act == "file":
            open(os.path.join(target, value[0]), "w").write(value[1])
        elif act == "child":
            subprocess.Popen(["sleep", "300"])
        elif act == "close":
            os.close(1); os.close(2)
        elif act == "at_int":
            signal.signal(signal.SIGINT, signal.SIG_IGN if value is None else lambda *_: play(value))
        elif act == "kill":
            os.kill(os.getpid(), value)
        elif act == "exit":
            sys.stdout.flush(); os._exit(value)
play(acts)
'''


class World:
    def __init__(self, folder):
        self.project, self.state = os.path.join(folder, "project"), os.path.join(folder, "state")
        self.folder, self.acts, self.given_file = folder, os.path.join(folder, "acts.json"), os.path.join(folder, "given.json")
        os.makedirs(os.path.join(self.project, ".venv", "bin"))
        shutil.copy(os.path.join(DATA, "project", "dbt_project.yml"), self.project)
        self.dbt = os.path.join(self.project, ".venv", "bin", "dbt")
        self.write_dbt(FAKE.replace("PYTHON", sys.executable))
        self.env = {"FAKE_ACTS": self.acts, "FAKE_GIVEN": self.given_file, "FAKE_WORLD": folder}

    def write_dbt(self, text, mode=0o755):
        with open(self.dbt, "w", encoding="utf8") as file:
            file.write(text)
        os.chmod(self.dbt, mode)

    def play(self, *acts):
        with open(self.acts, "w", encoding="utf8") as file:
            json.dump(acts, file)

    def drive(self, *more, **kwargs):
        told = drive(self.project, self.state, *more, env={**self.env, **kwargs.pop("env", {})}, **kwargs)
        self.check_clean()
        return told

    def start(self, *more):
        return subprocess.Popen(command(self.project, self.state, *more), env={**os.environ, **self.env}, stdout=subprocess.PIPE, text=True)

    def finish(self, process, timeout=30):
        text, _ = process.communicate(timeout=timeout)
        told = Told(text, process.returncode)
        self.check_clean()
        return told

    def check_clean(self):
        assert processes_with(f"FAKE_WORLD={self.folder}") == [], "nothing is left running"
        assert self.runs() == [], "the folder of the run is gone"

    def runs(self):
        return [name for folder, names, _ in os.walk(self.state) for name in names if name.startswith("run-")]

    def given(self):
        with open(self.given_file, encoding="utf8") as file:
            return json.load(file)

    def wait_for(self, what, timeout=60):
        end = time.monotonic() + timeout
        while not what():
            assert time.monotonic() < end, "it does not happen"
            time.sleep(0.02)


def say(lines=None):
    return [["say", line] for line in (LINES if lines is None else lines)]


def results(change=None, only=None):
    text = json.loads(json.dumps(RESULTS))
    text["results"] = [r for r in text["results"] if only is None or r["unique_id"].split(".")[2] in only]
    for r in text["results"]:
        r.update((change or {}).get(r["unique_id"].split(".")[2], {}))
    return ["file", ["run_results.json", json.dumps(text)]]


def up_to(name, event="LogStartLine"):
    """The lines up to that event of that node."""
    for i, line in enumerate(LINES):
        entry = json.loads(line)
        if entry["info"]["name"] == event and entry["data"]["node_info"]["unique_id"].split(".")[2] == name:
            return LINES[:i + 1]
    raise AssertionError(name)


def a_whole_build(world):
    assert STATUSES == EXPECTED
    world.play(*say(), results(), ["file", ["partial_parse.msgpack", "cache 1"]], ["exit", 1])
    told = world.drive("--profiles", "profiles", "--target", "prod", "--vars", "{a: 1}", "--full-refresh", "--fail-fast",
                       nodes=["model:shop.sales", "seed:shop.orders", "test:shop.my dir.no, blanks"])
    assert told.statuses() == EXPECTED and told.done["lost"] == 0
    assert [told.starts[n]["index"] for n in told.starts] == [1, 2, 3, 4, 5, 6, 7, 8, 10], "skipped ones do not start"
    assert {s["total"] for s in told.starts.values()} == {11}
    assert told.end("orders")["rows"] == 2 and told.end("amount_is_small")["failures"] == 2 and told.end("sales")["failures"] == -1
    assert told.end("broken")["error"].startswith("Database Error in model broken (models/broken.sql) no such column: no_such_column")
    assert told.end("sales")["sql"].startswith('BEGIN;\ncreate  table main."sales"'), told.end("sales")["sql"]
    assert 0 < told.end("slow")["duration_ns"] < 10**10
    assert told.said("Running with dbt=1.10.23") and told.said("2 of 11 START sql table model main.sales")
    given = world.given()
    words = " ".join(given["argv"][1:])
    assert "--log-format json --log-level debug" in words and "--profiles-dir profiles --target prod --vars {a: 1} --full-refresh --fail-fast" in words
    assert words.endswith("--select fqn:shop.[s]ales,resource_type:model fqn:shop.[o]rders,resource_type:seed "
                          "fqn:shop.my?dir.[n]o??blanks,resource_type:test"), words
    assert {k: given["env"][k] for k in ("DBT_INDIRECT_SELECTION", "DBT_SEND_ANONYMOUS_USAGE_STATS", "DBT_QUIET")} == {
        "DBT_INDIRECT_SELECTION": "empty", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_QUIET": "false"}
    assert given["pgid"] == given["pid"] and os.path.realpath(given["cwd"]) == os.path.realpath(world.project)
    assert given["target"] == ["lock"]
    # The parse cache comes back, and what the caller's environment says does not win.
    world.play(*say(), results(), ["exit", 1])
    world.drive(env={"DBT_QUIET": "true", "DBT_INDIRECT_SELECTION": "eager"})
    assert world.given()["target"] == ["lock", "partial_parse.msgpack"] and world.given()["env"]["DBT_QUIET"] == "false"
    assert world.given()["env"]["DBT_INDIRECT_SELECTION"] == "empty" and "--select" not in world.given()["argv"]


def lines_that_are_no_log(world):
    noise = [["complain", "x.py:1: DeprecationWarning: old"], ["say", "not JSON"], ["say", "{\"info\": "], ["say", ""], ["say", "\udcff\udcfe"],
             ["say", "[1, 2]"], ["say", "{\"data\": {}, \"info\": {\"name\": \"X\", \"msg\": \"" + "y" * (1 << 20) + "\"}}"]]
    acts = []
    for i, act in enumerate(say()):
        acts += [act] + (noise if i % 10 == 0 else [])
    world.play(*acts, results(), ["complain", "last words"], ["exit", 1])
    told = world.drive()
    assert told.statuses() == EXPECTED
    assert len(told.said("DeprecationWarning")) == len(told.said("not JSON")) > 5 and told.said("last words")
    assert told.said("lines of dbt's log, longer than 1048576 bytes, were passed over")


def lines_that_are_lost(world):
    """What the log does not say, run_results.json does."""
    kept = [line for line in LINES if json.loads(line)["info"]["name"] not in ("NodeFinished",)]
    world.play(*say(kept), results(), ["exit", 1])
    told = world.drive()
    assert told.statuses() == EXPECTED and told.end("slow")["duration_ns"] > 0
    world.play(*say(LINES[:5]), results(), ["exit", 1])
    assert world.drive().statuses() == EXPECTED
    world.play(*say([line[:len(line) - 40] for line in LINES]), results(), ["exit", 1])
    assert world.drive().statuses() == EXPECTED
    # And the other way round.
    world.play(*say(), ["exit", 1])
    told = world.drive()
    assert told.statuses() == EXPECTED and told.said("dbt left no run_results.json")
    world.play(*say(), ["file", ["run_results.json", json.dumps(RESULTS)[:700]]], ["exit", 1])
    told = world.drive()
    assert told.statuses() == EXPECTED and told.said("run_results.json: it is not whole")


def log_and_file_disagree(world):
    world.play(*say(), results({"amount_is_small": {"status": "skipped", "message": "Skipping due to fail_fast"}}), ["exit", 1])
    told = world.drive()
    assert told.statuses() == EXPECTED and told.said("the log counts"), "--fail-fast: what failed was not skipped"
    world.play(*say(up_to("sales", "NodeFinished")), results({"sales": {"status": "error", "message": "at the last moment"}}, ("orders", "sales")), ["exit", 1])
    done = subprocess.run(command(world.project, world.state), env={**os.environ, **world.env}, stdout=subprocess.PIPE, text=True, check=False, timeout=60)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    ends = [(e["status"], e["error"]) for e in events if e["event"] == "ended" and e["node"] == "model.shop.sales"]
    assert ends == [("success", ""), ("error", "at the last moment")], ends
    assert [e for e in events if e["event"] == "said" and e["level"] == "warn" and "the file counts" in e["text"]]
    assert events[-1]["ok"] and events[-1]["failed"] == 1 and events[-1]["ended"] == 2


def what_dbt_2_says(world):
    with open(os.path.join(DATA, "build_dbt_2.jsonl"), encoding="utf8") as file:
        lines = file.read().splitlines()
    with open(os.path.join(DATA, "run_results_dbt_2.json"), encoding="utf8") as file:
        found = ["file", ["run_results.json", file.read()]]
    for acts in ([*say(lines), found], say(lines)):
        world.play(*acts, ["exit", 1])
        told = world.drive()
        assert told.statuses() == EXPECTED and len(told.starts) == 11 and {s["total"] for s in told.starts.values()} == {0}
        assert "Binder Error" in told.end("broken")["error"] and told.end("amount_is_small")["failures"] == 2
        assert 'create  table\n      "x"."main"."sales__dbt_tmp"' in told.end("sales")["sql"]
    world.play(found, ["exit", 1])
    told = world.drive()
    assert told.statuses() == EXPECTED and told.end("orders")["rows"] == 2


def dbt_dies_in_the_middle(world):
    for line, ends in (("sales", {"orders": "success", "sales": "error"}), ("by_amount", dict(list(EXPECTED.items())[:5], by_amount="error"))):
        world.play(*say(up_to(line)), ["part", LINES[-1][:90]], ["kill", signal.SIGKILL])
        told = world.drive()
        assert told.done["code"] == "io" and told.done["error"] == "dbt was killed by signal 9 (SIGKILL)" and "memory" in told.done["hint"]
        assert told.statuses() == ends and told.done["lost"] == 1
        assert told.end(line)["error"] == "dbt ended while it ran: dbt was killed by signal 9 (SIGKILL)" and told.end(line)["duration_ns"] >= 0
    # With results of what was done before; and an exit that says all is well when not all was told.
    world.play(*say(up_to("by_amount")), results(only=("orders", "sales", "by_amount")), ["exit", 2])
    told = world.drive()
    assert told.end("by_amount")["status"] == "success" and told.done["code"] == "io" and "exit code 2" in told.done["error"]
    world.play(*say(up_to("sales")), ["exit", 0])
    told = world.drive()
    assert told.end("sales")["error"] == "dbt ended while it ran, and says nothing of how it went" and told.done["lost"] == 1
    # It closes its output and goes on, it leaves a child that holds it.
    world.play(*say(), results(), ["close", 0], ["sleep", 0.5], ["exit", 1])
    assert world.drive().statuses() == EXPECTED
    world.play(*say(), results(), ["child", 0], ["exit", 1])
    assert world.drive().statuses() == EXPECTED


def stopped(world):
    """At SIGTERM dbt gets one SIGINT, and what it then writes counts."""
    at_int = [*say([LINES[-1]]), results(only=("orders",)), ["exit", 2]]
    world.play(["at_int", at_int], *say(up_to("sales")), ["child", 0], ["sleep", 60])
    process = world.start()
    world.wait_for(lambda: os.path.exists(world.given_file))
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    told = world.finish(process)
    assert time.monotonic() - began < 5 and told.done["code"] == "cancelled", told.done
    assert told.statuses() == {"orders": "success", "sales": "error"} and told.end("sales")["error"] == "dbt ended while it ran: stopped on request"
    # One that does not care is killed after the grace.
    os.remove(world.given_file)
    world.play(["at_int", None], *say(up_to("sales")), ["child", 0], *[["sleep", 1]] * 60)
    process = world.start()
    world.wait_for(lambda: os.path.exists(world.given_file))
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    told = world.finish(process)
    assert 7 < time.monotonic() - began < 10 and told.done["code"] == "cancelled" and told.statuses()["sales"] == "error"
    # The time-out.
    world.play(["at_int", at_int], *say(up_to("sales")), ["sleep", 60])
    told = world.drive("--timeout", "1s")
    assert told.done["code"] == "timeout" and told.done["error"] == "dbt ran longer than 1.0 s", told.done
    assert told.end("sales")["error"] == "dbt ended while it ran: dbt ran longer than 1.0 s"


def we_die_in_the_middle(world):
    """Its folder is removed by the next run, but not that of one that is at work."""
    world.play(*say(up_to("sales")), ["file", ["partial_parse.msgpack", "half"]], ["sleep", 30])
    at_work, killed = world.start(), world.start()
    world.wait_for(lambda: [name for _, _, names in os.walk(world.state) for name in names].count("partial_parse.msgpack") == 2)
    killed.kill()
    killed.communicate()
    world.play(*say(), results(), ["exit", 1])
    told = drive(world.project, world.state, env=world.env)
    assert told.statuses() == EXPECTED and world.given()["target"] == ["lock"]
    assert len(world.runs()) == 1, "the one at work has its folder"
    at_work.send_signal(signal.SIGTERM)
    at_work.communicate(timeout=20)
    for pid in processes_with(f"FAKE_WORLD={world.folder}"):
        os.kill(pid, signal.SIGKILL)  # the agent finds what a killed worker leaves by its token; here nobody does


def dbt_that_does_not_run(world):
    world.play(["say", json.dumps({"info": {"name": "MainEncounteredError", "level": "error", "msg": "Encountered an error:\nParsing Error\n  bad: [yaml"}, "data": {}})],
               *say([LINES[-1]]), ["complain", "noise"], ["exit", 2])
    told = world.drive()
    assert told.done["error"] == "dbt ended with exit code 2: Encountered an error: Parsing Error bad: [yaml" and not told.ends, told.done
    world.play(["complain", "Usage: dbt build"], ["complain", "Error: No such option: --x"], ["exit", 2])
    assert world.drive().done["error"] == "dbt ended with exit code 2: Error: No such option: --x"
    world.play(["exit", 1])
    assert world.drive().done["error"] == "dbt ended with exit code 1: it does not say why"
    world.play(["exit", 0])
    assert world.drive().done["ok"] and world.given()["argv"][0] == world.dbt
    # No program, no dbt, no project.
    world.write_dbt("#!/no/such/python\n")
    assert "its interpreter is missing" in world.drive().done["error"]
    world.write_dbt("", 0o644)
    none = {"PATH": "/nowhere"}
    told = world.drive(env=none)
    assert told.done["code"] == "not_found" and told.done["error"].startswith("there is no dbt: not in venv or .venv of ") and told.done["hint"]
    assert "there is no dbt at" in world.drive(dbt="tools/dbt").done["error"]
    assert "which is no path" in world.drive(dbt="dbt").done["error"]
    os.remove(os.path.join(world.project, "dbt_project.yml"))
    assert "there is no " + os.path.join(world.project, "dbt_project.yml") in world.drive().done["error"]


def where_dbt_is(world):
    """Named, in venv, in .venv, in PATH: the first of them."""
    world.play(["exit", 0])
    places = [os.path.join(world.folder, "bin", "dbt"), world.dbt, os.path.join(world.project, "venv", "bin", "dbt")]
    for place in places:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if place != world.dbt:
            shutil.copy(world.dbt, place)
    path = {"PATH": os.path.dirname(places[0]) + ":" + os.environ["PATH"]}
    assert world.drive(dbt=".venv/bin/dbt", env=path).done["ok"] and world.given()["argv"][0] == places[1]
    for place in reversed(places):
        assert world.drive(env=path).done["ok"] and world.given()["argv"][0] == place
        os.remove(place)
    assert world.drive(env={"PATH": os.path.dirname(places[0])}).done["code"] == "not_found"


def many_nodes(world):
    world.play(["exit", 0])
    nodes = [f"model:shop.a_folder_of_some_depth.and_another.a_model_with_a_long_name_{i:05}" for i in range(16000)]
    assert world.drive(nodes=nodes[:7000]).done["ok"] and len([w for w in world.given()["argv"] if w.startswith("fqn:")]) == 7000
    told = world.drive(nodes=nodes)
    assert told.done["code"] == "full" and "16000 nodes are more than one command takes" in told.done["error"], told.done


def main():
    for case in (a_whole_build, lines_that_are_no_log, lines_that_are_lost, log_and_file_disagree, what_dbt_2_says, dbt_dies_in_the_middle, stopped,
                 we_die_in_the_middle, dbt_that_does_not_run, where_dbt_is, many_nodes):
        if len(sys.argv) > 1 and case.__name__ not in sys.argv[1:]:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            case(World(os.path.realpath(folder)))
        print(f"{case.__name__}: {time.monotonic() - began:.1f} s", flush=True)


main()
