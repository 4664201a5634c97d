"""A dbt project in selvedge.yaml, without dbt: what it becomes, runs of all and of some nodes, tests that fail and what they hold back, retries,
selections by dbt's syntax, logs of one node, and one graph with extract/load and with Meltano."""
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import dbt_shop
import meltano_project
from el_step import main
import pg_server

AGENT = os.path.join(os.environ["SELVEDGE_BIN_DIR"], "selvedge-agent")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
JAFFLE = os.path.join(ROOT, "../shared/data/dbt/jaffle_shop_sqlite")
GOOD = "id,person,amount\n1,1,5\n2,2,20\n"
BAD = "id,person,amount\n1,1,5\n2,2,\n"
ENTRY = "manifest: shop/target/manifest.json, incremental: shop/target/incremental.json, resource: local, project_dir: shop, runner: native"
LOAD = """assets:
  - {key: raw/orders, extract: {csv: orders.csv}, load: {resource: local, primary_key: [id]}}
  - {key: report, deps: [sales], run: [/bin/sh, -c, 'echo made >> report.txt']}
"""


def agent(*args, fails=False):
    done = subprocess.run([AGENT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=300,
                          env={"PATH": "/usr/bin:/bin", "SELVEDGE_STATE_DIR": os.path.abspath("state"),
                               "SELVEDGE_DEFINITIONS": os.path.abspath("selvedge.yaml")})
    assert (done.returncode != 0) == fails, (args, done.stdout, done.stderr)
    return done.stdout + done.stderr


def define(entry=ENTRY, more=LOAD):
    with open("selvedge.yaml", "w", encoding="utf8") as file:
        file.write(f"project: p\nresources: {{local: {{type: sqlite, path: shop.db}}}}\ndbt: [{{{entry}}}]\n{more}")


def orders(text):
    with open("orders.csv", "w", encoding="utf8") as file:
        file.write(text)


def rows(sql):
    connection = sqlite3.connect("shop.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def events(*args):
    """The newest run's events of a type: (asset, what counts)."""
    told = [json.loads(line) for line in agent("logs", "--json", *args).splitlines()]
    return [event for event in told if "type" in event]


def assets_of(kind):
    return sorted(event["asset"] for event in events() if event["type"] == kind)


def checks():
    return {event["check"]: (event["asset"], event["passed"], event["severity"]) for event in events() if event["type"] == "asset_check_evaluation"}


def it_becomes_assets_and_checks():
    dbt_shop.make()
    define()
    said = agent("check")
    assert "ok: 8 assets" in said and "dbt project dbt/shop: 11 of 11 nodes run without dbt" in said, said
    told = json.loads(agent("explain", "--json"))
    step = next(asset for asset in told["assets"] if asset["key"] == "dbt/shop")
    by_key = {asset["key"]: asset for asset in step["assets"]}
    assert set(by_key) == {"people", "stg_orders", "sales", "big_sales", "seen"}, by_key
    assert by_key["stg_orders"]["deps"] == ["raw/orders"] and by_key["big_sales"]["deps"] == ["stg_orders"], by_key
    assert by_key["sales"]["group"] == "finance" and by_key["sales"]["owners"] == ["finance@example.test"], by_key["sales"]
    assert by_key["sales"]["kinds"] == ["dbt", "sqlite", "table"], by_key["sales"]
    assert [c["name"] for c in by_key["stg_orders"]["checks"]] == ["all_people_are_known", "amounts_are_small", "amounts_are_there"]
    assert [c["blocking"] for c in by_key["stg_orders"]["checks"]] == [True, False, True]
    external = {asset["key"]: asset for asset in told["assets"] if asset.get("external")}
    assert set(external) == {"exposure/board"}, external  # the source is what the csv file is loaded to
    assert external["exposure/board"]["deps"] == ["sales"]
    listed = json.loads(agent("check", "--json"))["dbt"]
    assert listed[0]["step"] == "dbt/shop" and listed[0]["native"] == 11 and listed[0]["refused"] == 0, listed


def all_of_it_is_made():
    dbt_shop.make()
    define()
    orders(GOOD)
    agent("materialize", "*")
    assert rows('select name, amount from sales order by name') == [("ada", 5), ("bob", 20)]
    assert rows("select n from big_sales") == [(1,)] and rows("select count(*) from seen") == [(2,)]
    assert checks() == {"amounts_are_there": ("stg_orders", True, "error"), "amounts_are_small": ("stg_orders", True, "warn"),
                        "all_people_are_known": ("stg_orders", True, "error"), "names_are_unique": ("sales", True, "error"),
                        "till_has_orders": ("raw/orders", True, "error")}, checks()
    made = next(event for event in events() if event["type"] == "asset_materialization" and event["asset"] == "sales")["metadata"]
    assert made["dagster/row_count"]["raw_value"] == 2 and made["dbt/node"]["raw_value"] == "model.shop.sales", made
    columns = [column["name"] for column in made["dagster/column_schema"]["raw_value"]["columns"]]
    assert columns == ["name", "amount"], made
    said = agent("logs", "--asset", "sales")
    assert "sum(o.amount)" in said and "big_sales" not in said and "asset_materialization" in said, said
    orders(GOOD + "3,1,50\n")
    agent("materialize", "*")
    assert rows("select count(*) from seen") == [(3,)]
    assert any(e["asset"] == "seen" and e["metadata"].get("dbt/variant") for e in events() if e["type"] == "asset_materialization")
    stale = [line for line in agent("assets", "--json").splitlines() if json.loads(line).get("status") not in ("fresh", "external")]
    assert stale == [], stale  # a node is made from what the same step made before it
    agent("materialize", "seen", "--full-refresh")
    assert not any("dbt/variant" in e["metadata"] for e in events() if e["type"] == "asset_materialization")


def a_failing_test_holds_back_and_a_retry_goes_on():
    dbt_shop.make()
    define()
    orders(BAD)
    said = agent("materialize", "*", fails=True)
    assert "amounts_are_there" in said, said
    assert assets_of("asset_materialization") == ["people", "raw/orders", "seen", "stg_orders"], assets_of("asset_materialization")
    failed = {e["asset"]: e["error"]["message"] for e in events() if e["type"] == "asset_failed_to_materialize"}
    assert set(failed) == {"sales", "big_sales"}, failed
    assert checks()["amounts_are_there"] == ("stg_orders", False, "error") and "names_are_unique" not in checks()
    assert not os.path.exists("report.txt")  # made from what was not made, in another step
    assert rows("select count(*) from sqlite_master where name = 'sales'") == [(0,)]
    orders(GOOD)
    agent("materialize", "raw/orders")
    failed_run = json.loads(agent("runs", "--json", "--status", "failure").splitlines()[0])["run"]
    daemon = subprocess.Popen([AGENT, "daemon"], env={"PATH": "/usr/bin:/bin", "SELVEDGE_STATE_DIR": os.path.abspath("state"),
                                                      "SELVEDGE_DEFINITIONS": os.path.abspath("selvedge.yaml")},
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if os.path.exists("state/control.sock") or os.path.exists("state/agent.sock"):
                break
            time.sleep(0.1)
        agent("retry", failed_run)
        assert assets_of("asset_materialization") == ["big_sales", "report", "sales", "stg_orders"], assets_of("asset_materialization")
        agent("materialize", "--dbt-select", "sales", "--indirect-selection", "empty")
        assert assets_of("asset_materialization") == ["sales"] and checks() == {}, checks()
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)
    assert os.path.exists("report.txt")


def a_failing_test_of_a_source_fails_the_step():
    dbt_shop.make()
    define()
    orders("id,person,amount\n")
    said = agent("materialize", "*", fails=True)
    assert "till_has_orders" in said and checks()["till_has_orders"] == ("raw/orders", False, "error"), said
    assert assets_of("asset_materialization") == ["people", "raw/orders"], assets_of("asset_materialization")
    # Of a part of the project tests of sources are not asked, as with dbt.
    agent("materialize", "stg_orders")
    assert set(checks()) == {"amounts_are_there", "amounts_are_small", "all_people_are_known"}, checks()


def dbt_selections_choose_assets_and_tests():
    dbt_shop.make()
    define()
    orders(GOOD)
    agent("materialize", "*")
    agent("materialize", "--dbt-select", "stg_orders+", "--exclude", "big_sales test_type:generic")
    assert assets_of("asset_materialization") == ["sales", "stg_orders"], assets_of("asset_materialization")
    agent("materialize", "--dbt-select", "stg_orders", "--exclude", "amounts_are_small")
    assert set(checks()) == {"amounts_are_there", "all_people_are_known"}, checks()
    agent("materialize", "--dbt-select", "stg_orders", "--indirect-selection", "cautious")
    assert set(checks()) == {"amounts_are_there", "amounts_are_small"}, checks()
    agent("materialize", "--selector", "nightly")
    assert assets_of("asset_materialization") == ["stg_orders"]
    agent("materialize", "kind:table", "--dbt-select", "sales people")
    assert assets_of("asset_materialization") == ["sales"]
    said = agent("materialize", "--dbt-select", "amounts_are_small", fails=True)
    assert "selects no model" in said and "1+" in said, said
    agent("materialize", "--dbt-select", "tag:no", fails=True)
    assert "--selector" in agent("materialize", "--help")
    agent("materialize", "--job", "x", "--dbt-select", "sales", fails=True)


def hundreds_of_tests_are_told_in_part():
    extra = [dbt_shop.data_test(f"t{i:03}_{'x' * 200}", "select 1 where 1 = 0", "model.shop.sales") for i in range(300)]
    dbt_shop.make(extra=extra)
    define()
    orders(GOOD)
    agent("materialize", "*")
    assert len([name for name, (asset, passed, _) in checks().items() if asset == "sales" and passed]) == 301
    sales = next(asset for asset in map(json.loads, agent("assets", "--json").splitlines()) if asset["definition"]["key"] == "sales")
    told = sales["definition"]["checks"]
    assert 100 < len(told) < 301 and len(told) + sales["definition"]["checks_left_out"] == 301, len(told)
    assert len(sales["checks"]) == 301 and "301/301" in agent("assets")


def results_choose_what_to_run_again():
    dbt_shop.make(extra=[dbt_shop.model("late", "select * from main.\"not_there\"", ["seed.shop.people"], "table"),
                         dbt_shop.model("later", "select * from main.\"late\"", ["model.shop.late"], "table")])
    define()
    orders(GOOD)
    said = agent("materialize", "*", fails=True)
    assert "no such table" in said, said
    failed = {e["asset"]: e["error"]["message"] for e in events() if e["type"] == "asset_failed_to_materialize"}
    assert set(failed) == {"late", "later"} and "not_there" in failed["late"] and "skip" in failed["later"].lower(), failed
    assert "sales" in assets_of("asset_materialization")  # what has nothing to do with it goes on
    connection = sqlite3.connect("shop.db")
    connection.execute("create table not_there (id)")
    connection.commit()
    connection.close()
    agent("materialize", "--dbt-select", "result:error+")
    assert assets_of("asset_materialization") == ["late", "later"], assets_of("asset_materialization")
    agent("materialize", "--dbt-select", "result:error", fails=True)  # there is none any more


def fail_fast_stops_at_the_first():
    dbt_shop.make(extra=[dbt_shop.model("aaa", "select * from main.\"not_there\"", [], "table")])
    define()
    orders(GOOD)
    agent("materialize", "*", "--fail-fast", fails=True)
    made = assets_of("asset_materialization")
    assert "sales" not in made and "report" not in made, made


def a_statement_that_takes_too_long_is_stopped():
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"
    dbt_shop.make(extra=[dbt_shop.model("endless", endless, [], "table")])
    define(entry=ENTRY + ", statement_timeout: 1s")
    assert "statement_timeout: 1s" in agent("explain", "endless")
    orders(GOOD)
    began = time.monotonic()
    agent("materialize", "*", fails=True)
    assert time.monotonic() - began < 60
    failed = [e for e in events() if e["type"] == "asset_failed_to_materialize"]
    assert [e["asset"] for e in failed] == ["endless"] and failed[0]["error"]["code"] == "timeout", failed
    assert rows("select count(*) from sales") == [(2,)] and rows("select count(*) from sqlite_master where name like 'endless%'") == [(0,)]


def what_may_not_run_is_refused_and_said():
    extra = [dbt_shop.model("py", "", [], "table", language="python"),
             dbt_shop.model("after_py", "select 1 as x", ["model.shop.py"], "table")]
    dbt_shop.make(extra=extra)
    define(entry="manifest: shop/target/manifest.json, resource: local, project_dir: shop")
    said = agent("check")
    assert "model.shop.py" in said and "model.shop.seen" in said and "is_incremental" in said, said
    listed = json.loads(agent("check", "--json"))["dbt"][0]
    assert {node["node"]: node["admission"] for node in listed["nodes"]}.keys() >= {"model.shop.py", "model.shop.seen"}, listed
    whole = json.loads(agent("check", "shop/target/manifest.json", "--json", fails=True))
    assert whole["refused"] == 1 and len(whole["nodes"]) >= 12, whole
    agent("check", "shop/target/manifest.json", "--incremental", "shop/target/incremental.json")
    orders(GOOD)
    agent("materialize", "*", fails=True)
    failed = {e["asset"] for e in events() if e["type"] == "asset_failed_to_materialize"}
    assert failed == {"py", "after_py", "seen"}, failed
    assert rows("select count(*) from sales") == [(2,)]


def one_graph_with_meltano():
    dbt_shop.make()
    meltano_project.make()
    source = {"resource_type": "source", "unique_id": "source.shop.target-files.people", "source_name": "target-files", "name": "people",
              "package_name": "shop", "fqn": ["shop", "target-files", "people"], "identifier": "people", "schema": "main", "relation_name": 'main."x"'}
    with open("shop/target/manifest.json", encoding="utf8") as file:
        manifest = json.load(file)
    manifest["sources"][source["unique_id"]] = source
    extra = dbt_shop.model("count_people", "select 1 as n", [source["unique_id"]], "table")
    manifest["nodes"] = {extra["unique_id"]: extra}
    with open("shop/target/manifest.json", "w", encoding="utf8") as file:
        json.dump(manifest, file)
    define(entry="manifest: shop/target/manifest.json, resource: local, runner: native", more="meltano: [{project: meltano, schedules: none}]\n")
    agent("materialize", "--job", "nightly")  # from then on the streams are known
    listed = {}
    for line in agent("assets", "--json").splitlines():
        asset = json.loads(line)["definition"]
        listed[asset["key"]] = asset
    assert listed["count_people"]["deps"] == ["target-files/people"] and not listed["target-files/people"].get("external"), listed
    agent("materialize", "target-files/people+")
    made = assets_of("asset_materialization")
    assert made == ["count_people", "greet/hello", "target-files/people"], made
    order = [e["step"] for e in events() if e["type"] == "step_start"]
    assert order.index("dbt/shop") > order.index("meltano/tap-shop-to-target-files"), order


def steps_that_wait_for_each_other_are_refused():
    dbt_shop.make()
    define(more="assets:\n  - {key: raw/orders, deps: [people], run: [x]}\n")
    said = agent("check", fails=True)
    assert "steps wait for each other: " in said and "two entries under dbt" in said, said
    define(entry=f"{ENTRY}, exclude: people}}, {{{ENTRY}, select: people, name: dbt/people", more="assets:\n  - {key: raw/orders, deps: [people], run: [x]}\n")
    assert "dbt project dbt/people: 2 of 2" in agent("check")


# Says of each node that it is asked for that it went well; of one called `bad` that it did not.
FAKE_DBT = r'''#!PYTHON
import json, os, re, sys
def say(name, level="info", **data):
    print(json.dumps({"data": data, "info": {"name": name, "level": level, "msg": name, "ts": "2026-11-29T14:06:00Z"}}), flush=True)
with open(os.environ["GIVEN"], "w") as file:
    json.dump(sys.argv, file)
for word in sys.argv[sys.argv.index("--select") + 1:]:
    found = re.match(r"fqn:([\w.\[\]]+),resource_type:(\w+)", word)
    if not found:
        continue
    name, kind = found.group(1).replace("[", "").replace("]", "").split(".")[-1], found.group(2)
    info = {"unique_id": f"{kind}.shop.{name}", "node_name": name, "resource_type": kind, "node_status": "started", "materialized": "table"}
    status = "pass" if kind == "test" else "error" if name == "bad" else "success"
    say("LogStartLine", index=1, total=1, description="model", node_info=info)
    say("NodeFinished", "debug", node_info={**info, "node_status": status}, run_result={"status": status, "message": "Database Error" if status == "error" else "OK",
        "execution_time": 0.1, "num_failures": 0, "adapter_response": {}})
say("CommandCompleted", "debug", command="dbt build", success=True, elapsed=1.0)
sys.exit(1 if any("[b]ad" in word for word in sys.argv) else 0)
'''


def fake_dbt():
    with open("dbt", "w", encoding="utf8") as file:
        file.write(FAKE_DBT.replace("PYTHON", sys.executable))
    os.chmod("dbt", 0o755)
    with open("shop/dbt_project.yml", "w", encoding="utf8") as file:
        file.write("name: shop\n")


def an_installed_dbt_runs_what_may_not_run_here():
    dbt_shop.make(extra=[dbt_shop.model("py", "", [], "table", language="python"), dbt_shop.model("bad", "", [], "table", language="python")])
    fake_dbt()
    define(entry=f"{ENTRY.replace('native', 'auto')}, dbt: {os.path.abspath('dbt')}, target: prod, env: {{GIVEN: {os.path.abspath('given')}}}")
    orders(GOOD)
    agent("materialize", "raw/orders or people or stg_orders")  # all of it may run here
    assert not os.path.exists("given") and rows("select count(*) from stg_orders") == [(2,)]
    agent("materialize", "stg_orders or py", "--full-refresh")
    with open("given", encoding="utf8") as file:
        given = json.load(file)
    assert "build" in given and "--full-refresh" in given and given[given.index("--target") + 1] == "prod", given
    assert "fqn:shop.[p]y,resource_type:model" in given and "fqn:shop.[a]mounts_are_there,resource_type:test" in given, given
    assert assets_of("asset_materialization") == ["py", "stg_orders"] and checks()["amounts_are_there"][1] is True
    agent("materialize", "bad or py", fails=True)
    failed = {e["asset"]: e["error"]["message"] for e in events() if e["type"] == "asset_failed_to_materialize"}
    assert set(failed) == {"bad"} and "Database Error" in failed["bad"], failed
    assert assets_of("asset_materialization") == ["py"]
    os.remove("dbt")
    said = agent("materialize", "py", fails=True)
    assert "Python" in said or "python" in said, said
    define(entry=f"manifest: shop/target/manifest.json, runner: dbt, project_dir: shop, dbt: {os.path.abspath('dbt')}", more="")
    said = agent("materialize", "py", fails=True)
    assert "dbt" in said and "not_found" in json.dumps(events()), said


def a_cancel_keeps_what_was_made():
    slow = "with recursive n(x) as (select 1 union all select x + 1 from n where x < 1000000000) select count(*) as n from n"
    dbt_shop.make(extra=[dbt_shop.model("slow", slow, ["seed.shop.people"], "table"), dbt_shop.model("slower", "select 1 as x", ["model.shop.slow"], "table")])
    define(more="")
    going = subprocess.Popen([AGENT, "materialize", "people or slow or slower"],
                             env={"PATH": "/usr/bin:/bin", "SELVEDGE_STATE_DIR": os.path.abspath("state"), "SELVEDGE_DEFINITIONS": os.path.abspath("selvedge.yaml")},
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        time.sleep(0.1)
        if os.path.exists("shop.db") and rows("select count(*) from sqlite_master where name = 'people'") == [(1,)]:
            break
    time.sleep(1)
    going.send_signal(signal.SIGTERM)
    assert going.wait(60) != 0
    assert assets_of("asset_materialization") == ["people"], events()
    assert rows("select count(*) from sqlite_master where name in ('slow', 'slower')") == [(0,)]


def postgres_too():
    if pg_server.BINARIES is None:
        print("skipped: PostgreSQL is not installed")
        return
    with pg_server.Server() as server:
        dbt_shop.make()
        with open("shop/target/manifest.json", encoding="utf8") as file:
            text = file.read()
        manifest = json.loads(text.replace('"adapter_type": "sqlite"', '"adapter_type": "postgres"').replace("main.", '\\"shop\\".\\"public\\".')
                              .replace('"schema": "main"', '"schema": "public"'))
        del manifest["nodes"]["model.shop.seen"]  # asks is_incremental()
        with open("shop/target/manifest.json", "w", encoding="utf8") as file:
            json.dump(manifest, file)
        with open("selvedge.yaml", "w", encoding="utf8") as file:
            file.write(f"project: p\nresources: {{pg: {{type: postgres, dsn: \"{server.dsn()}\"}}}}\n"
                       "dbt: [{manifest: shop/target/manifest.json, project_dir: shop, resource: pg, runner: native}]\n"
                       "assets:\n  - {key: raw/orders, extract: {csv: orders.csv}, load: {resource: pg, primary_key: [id]}}\n")
        orders(GOOD)
        assert "dbt project dbt/shop: 10 of 10" in agent("check")
        agent("materialize", "*")
        assert server.sql("select name, amount from sales order by name") == [["ada", "5"], ["bob", "20"]]
        assert checks()["all_people_are_known"][1] is True
        agent("materialize", "stg_orders")  # a view that others are made from: they stay
        assert server.sql("select count(*) from big_sales") == [["1"]]


def the_jaffle_shop_runs():
    if not os.path.exists(JAFFLE):
        print("skipped: no jaffle shop here")
        return
    define(entry=f"manifest: {JAFFLE}/manifest.json, project_dir: {JAFFLE}/project, resource: local, runner: native", more="")
    agent("materialize", "*", fails=True)
    with open(f"{JAFFLE}/run_results.json", encoding="utf8") as file:
        results = json.load(file)["results"]
    expected = {r["unique_id"]: r["status"] for r in results if not r["unique_id"].startswith("unit_test.")}
    with open("state/dbt/dbt~jaffle_shop.results", encoding="utf8") as file:
        ours = dict(reversed(line.rstrip("\n").split("\t")) for line in file)
    assert ours == expected, [(k, ours.get(k), expected.get(k)) for k in set(ours) ^ set(expected) | {k for k in ours if ours[k] != expected.get(k)}]
    assert len(assets_of("asset_materialization")) == 18


TESTS = (it_becomes_assets_and_checks, all_of_it_is_made, a_failing_test_holds_back_and_a_retry_goes_on,
         a_failing_test_of_a_source_fails_the_step, dbt_selections_choose_assets_and_tests, hundreds_of_tests_are_told_in_part,
         results_choose_what_to_run_again, fail_fast_stops_at_the_first, a_statement_that_takes_too_long_is_stopped, what_may_not_run_is_refused_and_said, one_graph_with_meltano,
         steps_that_wait_for_each_other_are_refused, an_installed_dbt_runs_what_may_not_run_here, a_cancel_keeps_what_was_made,
         postgres_too, the_jaffle_shop_runs)


if __name__ == "__main__":
    main(TESTS)
