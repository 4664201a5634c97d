"""Steps that make several assets, by the real programs: a tap's streams and a command's outputs, in parts, half failed, killed, and
on the hub."""
import json
import os
import signal
import sys

from fleet import Alone, Fleet, query, read_file, run_tests, wait_for

# Gives its streams one after the other, from where the state says; "fail" names one in whose middle it ends, "hold" one before which it
# waits for that file to go.
TAP = """
import json, os, sys, time
given = {sys.argv[i][2:]: json.load(open(sys.argv[i + 1])) for i in range(1, len(sys.argv), 2)}
here = os.path.dirname(os.path.abspath(__file__))
def note(name):
    path = os.path.join(here, name)
    return open(path).read().strip() if os.path.exists(path) else ""
def say(**message):
    print(json.dumps(message), flush=True)
marks = given.get("state", {}).get("bookmarks", {})
for stream in given["config"]["streams"]:
    while note("hold") == stream:
        open(os.path.join(here, "holding"), "w").close()
        time.sleep(0.02)
    say(type="SCHEMA", stream=stream, key_properties=["id"], schema={"properties": {"id": {"type": "integer"}}})
    for number in range(marks.get(stream, 0) + 1, 101):
        say(type="RECORD", stream=stream, record={"id": number})
        if number == 50 and note("fail") == stream:
            sys.exit("it broke in " + stream)
    marks[stream] = 100
    say(type="STATE", value={"bookmarks": marks})
"""
DEFINITIONS = f"""
project: lakes
resources:
  local: {{type: sqlite, path: lake.db}}
assets:
  - key: lake
    extract:
      tap: ["{sys.executable}", tap.py]
      config: {{streams: [orders, customers, items]}}
      streams:
        - {{name: orders, checks: [{{name: has_rows, sql: select count(*) > 0 from orders, blocking: true}}]}}
        - customers
        - {{name: items, key: shop/items, description: What is sold.}}
    load: {{resource: local}}
  - {{key: sales, deps: [lake/orders], sql: {{resource: local, materialized: table, query: select count(*) as n from orders}}}}
  - {{key: people, deps: [lake/customers], sql: {{resource: local, materialized: table, query: select count(*) as n from customers}}}}
  - key: month_end
    run: [sh, -c, 'echo "$$SELVEDGE_ASSETS" >>made; [ ! -e refuse ]']
    assets: [report/a, {{key: report/b, deps: [sales]}}]
    retry: {{max: 1}}
"""


def define(device):
    device.define(DEFINITIONS)
    with open(os.path.join(device.dir, "tap.py"), "w") as f:
        f.write(TAP)
    return device


def path(device, name):
    return os.path.join(device.dir, name)


def write(device, name, text):
    with open(path(device, name), "w") as f:
        f.write(text)


def count(device, table):
    db = path(device, "lake.db")
    there = query(db, "SELECT count(*) FROM sqlite_schema WHERE name = ?", table)[0][0]
    return query(db, f"SELECT count(*) FROM {table}")[0][0] if there else None


def made(events):
    return sorted(e["asset"] for e in events if e["type"] == "asset_materialization" and not e.get("partial"))


def one_tap_makes_what_a_run_selects():
    with Alone() as device:
        define(device)
        said = device.command("materialize", "lake/orders+")
        assert "lake/orders" in said and "customers" not in said, said
        assert (count(device, "orders"), count(device, "customers"), count(device, "sales")) == (100, None, 1)
        device.command("materialize", "*")
        events = device.events()
        runs = device.runs()
        second = [e for e in events if e.get("run") == runs[0]["run"]]
        assert made(second) == ["lake/customers", "lake/orders", "people", "report/a", "report/b", "sales", "shop/items"]
        assert [e["step"] for e in second if e["type"] == "step_success"].count("lake") == 1
        assert runs[0]["steps"] == 4 and runs[0]["succeeded"] == 4, runs[0]
        rows = {e["asset"]: e["metadata"]["dagster/row_count"]["raw_value"] for e in second
                if e["type"] == "asset_materialization" and e["step"] == "lake"}
        assert rows == {"lake/orders": 100, "lake/customers": 100, "shop/items": 100}, rows
        assert read_file(path(device, "made")) == "report/b\nreport/a report/b\n"
        # What looks at assets and runs finds them.
        assert len(device.command("runs", "--asset", "lake/orders", "--json").splitlines()) == 2
        assert len(device.command("runs", "--asset", "shop/items", "--json").splitlines()) == 1
        shown = device.command("run", runs[0]["run"])
        assert "lake " in shown and "month_end" in shown, shown
        device.command("logs", "--step", "lake", runs[0]["run"])
        assert "lake/orders" in device.command("assets", "lake/orders")
        assert "lake/orders" in device.command("why", "lake/orders")
        explained = device.command("explain", "shop/items")
        assert "What is sold." in explained and "key: lake\n" in explained and "customers" not in explained.split("streams:\n")[1]


def three_made_and_one_failed():
    with Alone() as device:
        define(device)
        write(device, "fail", "items")
        said = device.command("materialize", "lake/* or shop/items or sales or people", code=1)
        events = device.events()
        assert made(events) == ["lake/customers", "lake/orders", "people", "sales"], said
        failed = [e for e in events if e["type"] == "asset_failed_to_materialize"]
        assert [e["asset"] for e in failed] == ["shop/items"] and "exit code 1" in json.dumps(failed), failed
        assert device.runs()[0]["status"] == "failure"
        os.remove(path(device, "fail"))
        device.start()
        device.command("retry", device.runs()[0]["run"])
        wait_for("the retry", lambda: device.runs()[0]["status"] == "success")
        device.daemon.stop()
        after = [e for e in device.events() if e.get("run") == device.runs()[0]["run"]]
        assert made(after) == ["shop/items"], after
        assert count(device, "items") == 100
        # A command that fails makes none of what it did not report; its retry asks for both again.
        write(device, "refuse", "")
        device.command("materialize", "report/*", code=1)
        assert read_file(path(device, "made")) == "report/a report/b\nreport/a report/b\n"


def a_kill_in_the_middle_loses_and_doubles_nothing():
    with Alone() as device:
        define(device)
        write(device, "hold", "customers")
        device.start()
        device.command("materialize", "--no-wait", "lake/orders or lake/customers or people")
        wait_for("the tap waits", lambda: os.path.exists(path(device, "holding")))
        device.daemon.process.send_signal(signal.SIGKILL)
        device.daemon.process.wait()
        os.remove(path(device, "hold"))
        device.start()
        wait_for("the run goes on", lambda: [r["status"] for r in device.runs()] == ["success", "failure"])
        events = device.events()
        assert made(events) == ["lake/customers", "lake/orders", "people"]
        assert [e["error"]["code"] for e in events if e["type"] == "step_failure"] == ["interrupted"]
        assert (count(device, "orders"), count(device, "customers"), count(device, "items")) == (100, 100, None)
        assert query(path(device, "lake.db"), "SELECT n FROM people") == [(100,)]


def the_hub_knows_each_of_them():
    with Fleet() as fleet:
        fleet.start_hub()
        device = define(fleet.device("pond"))
        device.enrol()
        write(device, "fail", "customers")
        device.start()
        device.command("materialize", "lake/* or shop/items or sales", code=1)
        wait_for("the hub has it", lambda: fleet.query("SELECT status FROM run") == [("failure",)])
        assets = {a["asset"]: a for a in map(json.loads, fleet.command("assets", "--json").splitlines())}
        assert {"lake/orders", "lake/customers", "shop/items", "sales", "report/a"} <= set(assets), assets
        assert "lake" not in assets
        assert assets["lake/orders"]["row_count"] == 100 and assets["sales"]["materializations"] == 1, assets["lake/orders"]
        assert fleet.query("SELECT asset FROM asset_state WHERE failures > 0 ORDER BY 1") == \
            [("lake/customers",), ("shop/items",)]
        assert fleet.query("SELECT step, asset, status FROM step ORDER BY 1") == [("lake", None, "failure"), ("sales", "sales", "success")]
        assert len(fleet.command("runs", "--asset", "lake/orders", "--json").splitlines()) == 1
        os.remove(path(device, "fail"))
        device.command("materialize", "lake/*")
        wait_for("the hub has that too", lambda: fleet.query("SELECT count(*) FROM run WHERE status = 'success'") == [(1,)])
        assert fleet.query("SELECT materializations FROM asset_state WHERE asset = 'lake/customers'") == [(1,)]
        before = fleet.query("SELECT * FROM asset_state ORDER BY 1, 2")
        device.daemon.stop()
        fleet.hub.stop()
        fleet.command("rebuild")
        assert fleet.query("SELECT * FROM asset_state ORDER BY 1, 2") == before


if __name__ == "__main__":
    sys.exit(run_tests([one_tap_makes_what_a_run_selects, three_made_and_one_failed, a_kill_in_the_middle_loses_and_doubles_nothing,
                        the_hub_knows_each_of_them]))
