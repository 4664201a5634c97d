"""Driving the real dbt, dbt-core with dbt-sqlite and dbt-postgres from PyPI: what the listener is told is what dbt did, whether it ends well, with failures,
by --fail-fast, is stopped or killed in the middle, or does not run at all; and nothing is left running."""
import glob
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from dbt_drive import Told, command, drive, processes_with
import el_step
import peer_dbt
import pg_server
from venv import ensure

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "dbt", "drive")
ENDLESS = "400000000"  # steps of model slow: minutes
ALL = {"orders": "success", "sales": "success", "amount_is_ten": "warn", "unique_sales_id": "pass", "broken": "error", "after_broken": "skipped",
       "by_amount": "success", "slow": "success", "tested": "success", "amount_is_small": "fail", "after_tested": "skipped"}
GOOD = ["seed:shop.orders", "model:shop.sales", "model:shop.slow", "test:shop.unique_sales_id"]


class World:
    def __init__(self, folder, dbt):
        self.folder, self.dbt = folder, dbt
        self.project, self.state, self.database = (os.path.join(folder, name) for name in ("project", "state", "shop.db"))
        shutil.copytree(os.path.join(DATA, "project"), self.project)
        self.env = {"SHOP_DB": self.database, "SHOP_DIR": folder, "SHOP_STEPS": "3", "SHOP_WORLD": folder}

    def drive(self, *more, nodes=(), **env):
        told = drive(self.project, self.state, "--profiles", ".", *more, nodes=nodes, dbt=self.dbt, env={**self.env, **env})
        self.check_clean()
        return told

    def start_slow(self):
        """Until the slow model is being made."""
        process = subprocess.Popen(command(self.project, self.state, "--profiles", ".", nodes=GOOD, dbt=self.dbt),
                                   env={**os.environ, **self.env, "SHOP_STEPS": ENDLESS}, stdout=subprocess.PIPE, text=True)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if '"started"' in line and "model.shop.slow" in line:
                break
        time.sleep(1)
        return process, lines

    def finish(self, process, lines):
        text, _ = process.communicate(timeout=60)
        told = Told("".join(lines) + text, process.returncode)
        self.check_clean()
        return told

    def dbt_processes(self):
        return [pid for pid in processes_with(f"SHOP_WORLD={self.folder}") if "dbt_drive_peer" not in os.readlink(f"/proc/{pid}/exe")]

    def check_clean(self):
        assert processes_with(f"SHOP_WORLD={self.folder}") == [], "nothing is left running"
        assert glob.glob(os.path.join(self.state, "dbt", "*", "run-*")) == []
        assert not os.path.exists(os.path.join(self.project, "target")), "nothing is written into the project"

    def rows(self, sql):
        with sqlite3.connect(self.database) as db:
            return db.execute(sql).fetchall()


def success(world):
    told = world.drive(nodes=GOOD)
    assert told.done["ok"] and told.statuses() == {"orders": "success", "sales": "success", "slow": "success", "unique_sales_id": "pass"}
    assert sorted((s["index"], s["total"]) for s in told.starts.values()) == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert told.end("orders")["rows"] == 2 and told.end("unique_sales_id")["failures"] == 0
    assert "create  table main.\"sales\"" in told.end("sales")["sql"] and '"app": "dbt"' not in told.end("sales")["sql"]
    assert all(0 < end[0]["duration_ns"] < 60 * 10**9 for end in told.ends.values())
    assert world.rows("SELECT id, amount FROM sales ORDER BY id") == [(1, 10), (2, 20)]
    assert told.said("Unable to do partial parsing because saved manifest not found")
    # A folder has the name of a model: only the model was wanted. The parse cache of the last run is used.
    assert world.rows("SELECT count(*) FROM sqlite_master WHERE name = 'by_amount'") == [(0,)]
    told = world.drive("--full-refresh", nodes=["model:shop.sales.by_amount"])
    assert told.statuses() == {"by_amount": "success"} and not told.said("Unable to do partial parsing"), told.lines


def failures(world):
    told = world.drive()
    assert told.done["ok"] and told.statuses() == ALL
    assert "no such column: no_such_column" in told.end("broken")["error"] and told.done["lost"] == 0
    assert told.end("amount_is_small")["failures"] == 2 and told.end("amount_is_small")["message"] == "Got 2 results, configured to fail if != 0"
    assert told.end("amount_is_ten")["failures"] == 1
    assert [line for line in told.lines if line["level"] == "error" and line["node"] == "model.shop.broken"]
    # With --fail-fast nothing is begun after the first failure. dbt's own record calls a test that failed so "skipped".
    told = world.drive("--fail-fast", nodes=GOOD + ["model:shop.tested", "test:shop.amount_is_small", "model:shop.after_tested"])
    statuses = told.statuses()
    assert statuses["amount_is_small"] == "fail" and statuses["after_tested"] == "skipped", statuses
    told = world.drive("--fail-fast")
    assert told.end("broken")["status"] == "error" and "after_broken" not in {s["node"].split(".")[2] for s in told.starts.values()}
    assert told.statuses()["after_broken"] == "skipped" and told.statuses()["after_tested"] == "skipped"


def stopped_in_the_middle(world):
    process, lines = world.start_slow()
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    told = world.finish(process, lines)
    assert told.done["code"] == "cancelled" and time.monotonic() - began < 9, (told.done, time.monotonic() - began)
    assert told.end("slow")["error"] == "Database Error in model slow (models/slow.sql) interrupted", told.end("slow")
    assert told.statuses()["sales"] == "success" and told.said("dbt is told to end")
    assert not told.said("dbt left no run_results.json"), "it was asked, not killed"
    assert world.rows("SELECT count(*) FROM sales") == [(2,)]
    told = world.drive("--timeout", "8s", nodes=GOOD, SHOP_STEPS=ENDLESS)
    assert told.done["code"] == "timeout" and told.done["error"] == "dbt ran longer than 8.0 s", told.done
    assert world.drive(nodes=GOOD).done["ok"], "and then again"


def killed_in_the_middle(world):
    process, lines = world.start_slow()
    pids = world.dbt_processes()
    assert len(pids) >= 1
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    told = world.finish(process, lines)
    assert told.done["code"] == "io" and told.done["error"] == "dbt was killed by signal 9 (SIGKILL)" and told.done["lost"] == 1
    assert told.end("slow")["error"] == "dbt ended while it ran: dbt was killed by signal 9 (SIGKILL)"
    assert told.statuses() == {"orders": "success", "sales": "success", "unique_sales_id": "pass", "slow": "error"}
    told = world.drive(nodes=GOOD)
    assert told.done["ok"] and told.statuses()["slow"] == "success" and not told.said("Unable to do partial parsing because saved manifest not found")


def does_not_run(world):
    with open(os.path.join(world.project, "models", "bad.sql"), "w", encoding="utf8") as file:
        file.write("select * from {{ ref('nobody') }}\n")
    told = world.drive()
    assert told.done["code"] == "io" and not told.ends and told.done["error"].startswith("dbt ended with exit code 2: Encountered an error: Compilation Error")
    assert "nobody" in told.done["error"], told.done
    with open(os.path.join(world.project, "models", "bad.sql"), "w", encoding="utf8") as file:
        file.write("select {% if %}\n")
    told = world.drive()
    assert "exit code 2" in told.done["error"] and "bad" in told.done["error"], told.done
    os.remove(os.path.join(world.project, "models", "bad.sql"))
    assert "exit code 2" in world.drive("--target", "nowhere").done["error"]
    assert "nowhere" in world.drive("--target", "nowhere").done["error"]
    world.dbt = os.path.join(world.folder, "no", "dbt")
    assert world.drive().done["code"] == "not_found"


def summary(result):
    """What the agent is told, without what cannot be the same: times, and words of databases."""
    told = {}
    for event in result.events:
        if event["event"] == "materialization":
            told[event["asset"]] = "made"
        elif event["event"] == "failure":
            told[event["asset"]] = "not made"
        elif event["event"] == "check":
            told[event["asset"], event["name"]] = (event["passed"], event["severity"], event["metadata"]["status"]["raw_value"],
                                                   event["metadata"]["failed_row_count"]["raw_value"])
    return told


def step(world, runner, nodes):
    return {"kind": "dbt", "step": "dbt/shop", "state_dir": world.state, "assets": [{"asset": name, "node": node} for name, node in nodes.items()],
            "dbt": {"manifest": os.path.join(world.folder, "manifest.json"), "project_dir": world.project, "profiles_dir": ".", "program": world.dbt,
                    "runner": runner, "allow_frozen": True, "database": {"type": "sqlite", "path": world.database}}}


def by_the_worker(world):
    """A step of the agent's worker, run by dbt and natively: the same is told, the same tables are left."""
    names = {name: "model.shop." + name for name in ("sales", "by_amount", "slow", "broken", "after_broken", "tested", "after_tested")}
    names["orders"] = "seed.shop.orders"
    dbt = subprocess.run([world.dbt, "compile", "--profiles-dir", ".", "--target-path", os.path.join(world.folder, "compiled")], cwd=world.project,
                         env={**os.environ, **world.env, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}, stdout=subprocess.PIPE, text=True, check=False)
    assert dbt.returncode == 0, dbt.stdout
    shutil.copy(os.path.join(world.folder, "compiled", "manifest.json"), world.folder)
    shutil.rmtree(os.path.join(world.project, "logs"), ignore_errors=True)
    found = {}
    for runner in ("dbt", "native"):
        if os.path.exists(world.database):
            os.remove(world.database)
        done = el_step.run(step(world, runner, names), env={**os.environ, **world.env})
        tables = [(name, world.rows(f"SELECT * FROM {name} ORDER BY 1")) for name, in world.rows("SELECT name FROM sqlite_master ORDER BY 1")]
        found[runner] = (done.code, summary(done), tables)
        world.check_clean()
    assert found["dbt"][1] == {
        "orders": "made", "sales": "made", "by_amount": "made", "slow": "made", "tested": "made", "broken": "not made", "after_broken": "not made",
        "after_tested": "not made", ("sales", "unique_sales_id"): (True, "error", "pass", 0), ("sales", "amount_is_ten"): (False, "warn", "warn", 1),
        ("tested", "amount_is_small"): (False, "error", "fail", 2)}, found["dbt"][1]
    assert found["dbt"] == found["native"], found
    # Only what is wanted runs, and a stop is a stop.
    done = el_step.run(step(world, "dbt", {"sales": names["sales"]}), env={**os.environ, **world.env})
    assert done.code == 0 and summary(done)["sales"] == "made" and "by_amount" not in summary(done), done.events
    said = os.path.join(world.folder, "nodes")
    slow = step(world, "dbt", {"sales": names["sales"], "slow": names["slow"]})
    slow["dbt"]["log_file"] = said
    process, read_end = el_step.start(slow, env={**os.environ, **world.env, "SHOP_STEPS": ENDLESS})
    end = time.monotonic() + 60
    while not os.path.exists(said) or "START sql table model main.slow" not in pathlib.Path(said).read_text(encoding="utf8"):
        assert time.monotonic() < end
        time.sleep(0.2)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    done = el_step.finish(process, read_end)
    assert done.code in (1, 143) and summary(done)["slow"] == "not made" and summary(done)["sales"] == "made", (done.code, done.events)
    world.check_clean()


def in_postgres(world):
    """Several nodes at a time, rows as the database counts them, and statements that are cancelled in the server."""
    if pg_server.BINARIES is None:
        print("in_postgres: PostgreSQL is not installed")
        return
    if peer_dbt.LONG:
        world.dbt = program("dbt-core==1.11.16", "dbt-postgres==1.10.0")
    with pg_server.Server() as server:
        with open(os.path.join(world.project, "profiles.yml"), "w", encoding="utf8") as file:
            file.write(f"shop:\n  target: dev\n  outputs:\n    dev: {{type: postgres, threads: 4, host: {server.folder}, user: {pg_server.USER}, "
                       f"password: x, port: 5432, dbname: {pg_server.DATABASE}, schema: dbt}}\n")
        told = world.drive()
        assert told.statuses() == ALL and told.done["ok"] and told.done["lost"] == 0
        assert (told.end("orders")["rows"], told.end("sales")["rows"], told.end("slow")["rows"]) == (2, 2, 1), told.ends
        assert 'column "no_such_column" does not exist' in told.end("broken")["error"] and told.end("amount_is_small")["failures"] == 2
        assert server.sql("select id, amount from dbt.sales order by id") == [["1", "10"], ["2", "20"]]
        process, lines = world.start_slow()
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        told = world.finish(process, lines)
        assert told.done["code"] == "cancelled" and time.monotonic() - began < 9 and told.end("slow")["status"] == "error", told.ends
        assert server.sql("select count(*) from pg_stat_activity where query ~ 'recursive' and pid <> pg_backend_pid()") == [["0"]]
        assert server.sql("select steps from dbt.slow") == [["6"]], "the table of the last run is still there"
        for key in ("error", "message"):
            assert not re.search("run-[A-Za-z0-9]{6}", told.end("slow")[key]), told.end("slow")


def of_dbt_2(world):
    """The one that PyPI has as a wheel. It fetches the driver of its database: where that cannot be had, no node runs."""
    if not peer_dbt.LONG:
        print("of_dbt_2: with SELVEDGE_LONG only")
        return
    world.dbt = program("dbt-core==2.0.0a4")
    with open(os.path.join(world.project, "profiles.yml"), "w", encoding="utf8") as file:
        file.write(f"shop:\n  target: dev\n  outputs:\n    dev: {{type: duckdb, threads: 2, path: {world.folder}/shop.duckdb, schema: main}}\n")
    told = world.drive(nodes=GOOD)
    assert told.said("Running with dbt-core=2.0.0-alpha.4") and set(told.statuses()) == {"orders", "sales", "slow", "unique_sales_id"}, told.statuses()
    if told.said("Failed to load `duckdb` driver"):
        assert set(told.statuses().values()) == {"error"}, told.statuses()
        print("no driver for DuckDB can be had here")
    else:
        assert told.statuses() == {"orders": "success", "sales": "success", "slow": "success", "unique_sales_id": "pass"}
    with open(os.path.join(world.project, "models", "bad.sql"), "w", encoding="utf8") as file:
        file.write("select {% if %}\n")
    told = world.drive()
    assert not told.done["ok"] and not told.ends and "exit code" in told.done["error"], told.done


def program(*packages):
    return os.path.join(os.path.dirname(ensure(*packages)), "dbt")


def main():
    dbt = program(*peer_dbt.PACKAGES)
    for case in (success, failures, stopped_in_the_middle, killed_in_the_middle, does_not_run, by_the_worker, in_postgres, of_dbt_2):
        if len(sys.argv) > 1 and case.__name__ not in sys.argv[1:]:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            case(World(os.path.realpath(folder), dbt))
        print(f"{case.__name__}: {time.monotonic() - began:.1f} s", flush=True)


main()
