"""SQL checks of assets that a command makes: asked by the worker after the command, with the real programs."""
import json
import os
import sqlite3
import sys

from fleet import Alone, run_tests

MAKE = "import os, sqlite3; d = sqlite3.connect(os.environ['STATE_DIR'] + '/shop.db'); " \
       "d.executescript(\"create table if not exists t(k text, n int); insert into t values('x', 3)\"); d.close()"
HEAD = """project: shop
resources:
  shop: {type: sqlite, path: "${STATE_DIR}/shop.db"}
  none: {type: sqlite, path: "${STATE_DIR}/none.db"}
  text: {type: sqlite, path: "${STATE_DIR}/text.db"}
assets:
"""
ENDLESS = "with recursive c(i) as (select 1 union all select i + 1 from c) select count(*) from c"


def asset(key, *checks, code=MAKE, more=""):
    text = f"  - key: {key}\n    run: [{json.dumps(sys.executable)}, -c, {json.dumps(code)}]\n{more}"
    return text + "".join(["    checks:\n"] + [f"      - {{{check}}}\n" for check in checks])


def check(name, sql, more="", resource="shop"):
    return f"name: {name}, resource: {resource}, sql: {json.dumps(sql)}{more}"


def materialize(agent, *what, code=0):
    """What was printed of checks, by name: the words behind it."""
    text = agent.command("materialize", *what, code=code)
    lines = [line.split("check=", 1)[1] for line in text.splitlines() if "asset_check_evaluation" in line]
    verdicts = dict(line.split("  ", 1) for line in lines)
    assert len(verdicts) == len(lines), ("a check was told twice", text)
    return verdicts, text


def verdicts_are_told_and_a_blocking_one_stops_what_comes_next():
    blocking = check("sold", "select count(*) > 1 from t", ", blocking: true")
    text = HEAD + asset("a", check("rows", "select count(*) from t"), check("cheap", "select n < 2 from t", ", severity: warn"), blocking) \
        + "  - {key: b, deps: [a], run: ['true']}\n  - {key: c, run: ['true']}\n"
    with Alone(text) as agent:
        agent.start()
        verdicts, text = materialize(agent, "*", code=1)
        assert verdicts == {"rows": "passed=true  value=1", "cheap": "passed=false  value=0",
                            "sold": "passed=false  value=0"}, verdicts
        assert "blocking check sold did not pass" in text and text.count("asset_materialization ") == 2, text
        assert [line for line in text.splitlines() if "step_skipped" in line and " b " in line], text
        verdicts, text = materialize(agent, "*")  # two rows now
        assert verdicts["sold"] == "passed=true  value=1" and " b " in text, text
        states = {a["definition"]["key"]: a for a in map(json.loads, agent.command("assets", "--json").splitlines())}
        assert [(c["name"], c["passed"], c["severity"]) for c in states["a"]["checks"]] == \
            [("cheap", False, "warn"), ("rows", True, "error"), ("sold", True, "error")], states["a"]


def what_cannot_be_asked_has_not_passed_and_says_why():
    text = HEAD + asset("a", check("typo", "selct 1"), check("table", "select count(*) from tt"), check("changes", "delete from t"),
                        check("empty", "select n from t where n = 0"), check("parameter", "select ?"),
                        check("missing", "select 1", resource="none"), check("text", "select 1 from x", resource="text"),
                        check("endless", ENDLESS), check("last", "select 1"), more="    timeout: 3s\n")
    with Alone(text) as agent:
        agent.start()
        with open(os.path.join(agent.state, "text.db"), "w", encoding="ascii") as file:
            file.write("this is not a database, however long it may be" * 40)
        verdicts, _ = materialize(agent, "a")  # a check never fails its step
        assert verdicts.pop("last") == "passed=true  value=1", "those after a bad one are asked"
        for name, words in (("typo", "syntax error"), ("table", "no such table: tt"), ("changes", "not a SELECT"), ("empty", "no value"),
                            ("parameter", "parameter"), ("missing", "none.db"), ("text", "not a database"), ("endless", "time-out")):
            said = verdicts.pop(name)
            assert said.startswith("passed=false  ") and words in said, (name, said)
        assert not verdicts, verdicts
        assert not os.path.exists(os.path.join(agent.state, "none.db")), "a check makes no database"
        rows = sqlite3.connect(os.path.join(agent.state, "shop.db")).execute("select count(*) from t").fetchall()
        assert rows == [(1,)], "a check changes nothing"


def views_that_call_functions_of_dbt_can_be_asked():
    view = "d.execute(\"create view if not exists v as select md5(k) as digest, split_part(k || '-y', '-', 2) as tail from t\"); "
    code = MAKE.replace("d.close()", view + "d.close()")
    with Alone(HEAD + asset("a", check("digest", "select length(digest) = 16 and tail = 'y' from v"), code=code)) as agent:
        agent.start()
        assert materialize(agent, "a")[0] == {"digest": "passed=true  value=1"}


def a_command_that_failed_is_not_asked_about():
    with Alone(HEAD + asset("a", check("rows", "select 1 / 0"), code="raise SystemExit(4)")) as agent:
        agent.start()
        verdicts, text = materialize(agent, "a", code=1)
        assert not verdicts and "exit code 4" in text, text


def partitions_are_filled_in():
    make = "import os, sqlite3; d = sqlite3.connect(os.environ['STATE_DIR'] + '/shop.db'); " \
           "d.execute('create table if not exists t(k text)'); " \
           "d.execute('insert into t values(?)', [os.environ['SELVEDGE_PARTITION_START_KEY']]); d.commit()"
    text = HEAD + asset("days", check("one", "select count(*) from t where k = {{ partition_key }}"),
                        check("several", "select count(*) from t where k in {{ partition_keys }}"),
                        check("window", "select {{ partition_end }} = '2024-01-04 00:00:00'"), code=make,
                        more="    partitions: {daily: {start: 2024-01-01, end: 2024-01-11}}\n")
    with Alone(text) as agent:
        agent.start()
        verdicts, _ = materialize(agent, "days", "--partition", "2024-01-03")
        assert verdicts == {name: "passed=true  value=1" for name in ("one", "several", "window")}, verdicts
        verdicts, text = materialize(agent, "days", "--partition", "2024-01-05", "--to", "2024-01-06")
        assert verdicts["one"].startswith("passed=false  ") and "the run makes 2 partitions" in verdicts["one"], verdicts
        assert verdicts["several"] == "passed=true  value=1" and text.count("asset_materialization ") == 1, text


def a_program_that_speaks_pipes_reports_the_others():
    report = """
import base64, json, os, sqlite3, zlib
path = json.loads(zlib.decompress(base64.b64decode(os.environ["DAGSTER_PIPES_MESSAGES"])))["path"]
def say(method, params):
    with open(path, "a") as f:
        f.write(json.dumps({"__dagster_pipes_version": "0.1", "method": method, "params": params}) + chr(10))
say("opened", {"extras": {}})
say("report_asset_check", {"asset_key": "a", "check_name": "own", "passed": True, "severity": "ERROR", "metadata": {}})
say("closed", None)
d = sqlite3.connect(os.environ["STATE_DIR"] + "/shop.db")
d.executescript("create table t(n int); insert into t values(7)")
"""
    text = HEAD + asset("a", "name: own", check("seven", "select max(n) from t"), check("eight", "select n = 8 from t", ", blocking: true"),
                        code=report) + "  - {key: b, deps: [a], run: ['true']}\n"
    with Alone(text) as agent:
        agent.start()
        verdicts, text = materialize(agent, "*", code=1)
        assert verdicts.pop("own").startswith("passed=true"), text
        assert verdicts == {"seven": "passed=true  value=7", "eight": "passed=false  value=0"}, verdicts
        assert "blocking check eight did not pass" in text, text


def without_a_database_to_ask_the_definitions_are_refused():
    with Alone(HEAD + asset("a", 'name: rows, sql: "select 1"')) as agent:
        said = agent.command("check", code=None)
        assert said.returncode != 0 and "check rows needs a resource" in said.stdout + said.stderr, (said.stdout, said.stderr)


TESTS = [verdicts_are_told_and_a_blocking_one_stops_what_comes_next, what_cannot_be_asked_has_not_passed_and_says_why,
           views_that_call_functions_of_dbt_can_be_asked, a_command_that_failed_is_not_asked_about, partitions_are_filled_in, a_program_that_speaks_pipes_reports_the_others,
           without_a_database_to_ask_the_definitions_are_refused]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=2))
