#!/usr/bin/env python3
"""Random projects built three times, with changes between, by a real dbt and by us: the same tables, the same statuses. Half of them on SQLite, half on
PostgreSQL. A sample; all 200 with SELVEDGE_LONG. SEED in the environment replays one run, FROM from a project of it on, ONLY one project."""
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

import venv

import peer_dbt

venv.rerun(*peer_dbt.PACKAGES)
sys.path.insert(0, os.path.join(venv.ROOT, "tests", "support"))
import pg_server  # noqa: E402
from random_dbt import Project  # noqa: E402

BIN = os.environ.get("SELVEDGE_BIN_DIR", os.path.join(venv.ROOT, "build", "dev", "bin"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
PROJECTS = 200 if os.environ.get("SELVEDGE_LONG") else 4
BUILDS = 3
NOW = re.compile(r"20(?!20-)\d\d-\d\d-\d\d ")  # rows are of 2020


class Sqlite:
    adapter = "sqlite"

    def __init__(self, folder):
        self.paths = {side: os.path.join(folder, side + ".db") for side in ("real", "ours")}
        self.outputs = {side: peer_dbt.sqlite_output(path, os.path.join(folder, side + "-schemas")) for side, path in self.paths.items()}
        self.database = {"type": "sqlite", "path": self.paths["ours"]}

    def execute(self, side, statements):
        db = sqlite3.connect(self.paths[side])
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()

    def relations(self, side):
        """{name: (type, columns, rows)}"""
        db = sqlite3.connect(self.paths[side])
        found = {}
        for kind, name in db.execute("select type, name from sqlite_master where type in ('table', 'view') and name not like 'raw%' and name not like '\\_selvedge%' escape '\\'").fetchall():
            cursor = db.execute(f'select * from "{name}"')
            found[name] = (kind, [c[0] for c in cursor.description], [tuple(row) for row in cursor.fetchall()])
        db.close()
        return found

    def close(self):
        pass


class Postgres:
    adapter = "postgres"
    server = None

    def __init__(self, folder):
        del folder
        if Postgres.server is None:
            Postgres.server = pg_server.Server()
        for side in ("real", "ours"):
            self.server.sql(f"drop database if exists {side} with (force)")
            self.server.sql(f"create database {side}")
        self.outputs = {side: peer_dbt.postgres_output(self.server, pg_server.USER, side) for side in ("real", "ours")}
        self.database = {"type": "postgres", "dsn": self.server.dsn(database="ours")}

    def execute(self, side, statements):
        self.server.sql(";\n".join(statements), database=side)

    def relations(self, side):
        found = {}
        listed = self.server.sql("select table_name, table_type from information_schema.tables where table_schema = 'dbt'", database=side)
        for name, kind in listed:
            columns = [row[0] for row in self.server.sql(f"select column_name || ' ' || data_type from information_schema.columns where table_schema = 'dbt' and table_name = '{name}'"
                                                         " order by ordinal_position", database=side)]
            rows = self.server.sql(f'select * from dbt."{name}"', database=side)
            found[name] = (kind, columns, [tuple(row) for row in rows])
        return found

    def close(self):
        from dbt.adapters.factory import reset_adapters
        reset_adapters()


# --- comparing -----------------------------------------------------------------------------------

def without_now(columns, rows, snapshot):
    """Of a snapshot what depends on when it was taken: times of this year are counted, keys that were made of them are left out."""
    names = [c.split(" ")[0] for c in columns]
    times = sorted({v for row in rows for n, v in zip(names, row) if n.startswith("dbt_") and NOW.match(str(v))})
    keeps_ids = snapshot["config"]["strategy"] == "timestamp" and snapshot["config"].get("hard_deletes") != "new_record"
    def plain(name, value):
        if name == "dbt_scd_id" and not keeps_ids:
            return "id"
        return f"time {times.index(value)}" if name.startswith("dbt_") and value in times else value
    return [tuple(plain(n, v) for n, v in zip(names, row)) for row in rows]


def comparable(project, relations):
    snapshots = {s["name"]: s for s in project.snapshots}
    found = {}
    for name, (kind, columns, rows) in relations.items():
        if name in snapshots:
            rows = without_now(columns, rows, snapshots[name])
        found[name] = (kind, columns, sorted(rows, key=repr))
    return found


def same(where, project, statuses, real, ours):
    """dbt-postgres drops with `cascade`: views of what it replaces are gone when they are not made again. Ours are there."""
    real, ours = comparable(project, real), comparable(project, ours)
    for name in set(ours) - set(real):
        if ours[name][0] == "VIEW" and statuses.get(f"model.p.{name}", ("success",))[0] in ("skipped", "error"):
            del ours[name]
    assert sorted(real) == sorted(ours), f"{where}: relations: dbt has {sorted(real)}, we have {sorted(ours)}"
    for name, (kind, columns, rows) in real.items():
        assert (kind, columns) == ours[name][:2], f"{where}: {name}: dbt has {(kind, columns)}, we have {ours[name][:2]}"
        assert rows == ours[name][2], f"{where}: {name}:\n  only dbt {[r for r in rows if r not in ours[name][2]]}\n  only ours {[r for r in ours[name][2] if r not in rows]}"


def same_statuses(where, real, ours):
    """A failing test that is no check of an asset, since its model is ephemeral, has a status and no count."""
    for node, (status, failures, message) in real.items():
        assert node in ours, f"{where}: {node}: dbt says {status} ({message}), we say nothing"
        got = ours[node]
        assert got[0] == status, f"{where}: {node}: dbt says {status} ({message}), we say {got}"
        assert node.split(".")[0] != "test" or got[1] is None or status in ("error", "skipped") or failures == got[1], f"{where}: {node}: dbt counts {failures}, we {got}"


# --- building ------------------------------------------------------------------------------------

def compiled(dbt, inc):
    """What a device gets: the manifest of one of the two compilations."""
    path = f"target-{inc}"
    dbt.run("compile", "--vars", json.dumps({"inc": inc}), target="ours", target_path=path)
    return dbt.manifest(path)


def native(folder, dbt, manifests, database, refresh):
    """{unique id: (status, failures)} as the worker tells it: one step with all models, seeds and snapshots as assets."""
    with open(manifests[0], encoding="utf8") as file:
        nodes = json.load(file)["nodes"]
    assets = [id for id, node in nodes.items() if node["resource_type"] in ("model", "seed", "snapshot") and node["config"]["materialized"] != "ephemeral"]
    tests = {node["name"]: id for id, node in nodes.items() if node["resource_type"] == "test"}
    step = {"kind": "dbt", "step": "p", "state_dir": os.path.join(folder, "state"), "assets": [{"asset": id, "node": id} for id in assets],
            "dbt": {"manifest": manifests[0], "incremental": manifests[1], "project_dir": dbt.folder, "database": database, "runner": "native", "full_refresh": refresh}}
    done = subprocess.run([os.path.join(BIN, "selvedge-el"), "step"], input=json.dumps(step), capture_output=True, text=True, check=False, timeout=300)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode in (0, 1), (done.returncode, done.stderr[-3000:])
    whole = [event for event in events if event["event"] == "error" and "asset" not in event]
    told = {}
    for event in events:
        if event["event"] == "failure":
            told[event["asset"]] = event["message"]
        elif event["event"] == "check":
            told[tests[event["name"]]] = event["metadata"]["failed_row_count"]["raw_value"] if "failed_row_count" in event["metadata"] else event["metadata"]
    if not os.path.exists(os.path.join(folder, "state", "p.results")):
        raise AssertionError(f"the step did not run: {whole}\n{done.stderr[-3000:]}")
    with open(os.path.join(folder, "state", "p.results"), encoding="utf8") as file:
        return {id: (status, told.get(id)) for status, id in (line.rstrip("\n").split("\t") for line in file)}


def build(i, kind, rng, folder):
    databases = kind(folder)
    project = Project(rng, kind.adapter, os.path.join(folder, "project"))
    os.makedirs(project.folder)
    dbt = peer_dbt.Dbt(project.folder, databases.outputs)
    for side in ("real", "ours"):
        databases.execute(side, project.create())
    for number in range(BUILDS):
        where = f"seed {SEED}, project {i} ({kind.adapter}), build {number + 1}"
        if number > 0 and project.snapshots:
            time.sleep(1.1)  # SQLite's now has whole seconds, and builds are told from one another by it
        statements = project.change()
        for side in ("real", "ours"):
            if statements:
                databases.execute(side, statements)
        project.write()
        refresh = ["--full-refresh"] if number > 0 and rng.random() < 0.15 else []
        real = dbt.run("build", *refresh, target="real")
        if number == 0 or project.has_changed:
            manifests = compiled(dbt, "no"), compiled(dbt, "yes")
        ours = native(folder, dbt, manifests, databases.database, bool(refresh))
        same_statuses(where, real, ours)
        same(where, project, real, databases.relations("real"), databases.relations("ours"))
    databases.close()
    return len(real)


def main():
    print(f"seed={SEED}, {PROJECTS} projects", flush=True)
    kinds = [Sqlite, Postgres] if pg_server.BINARIES else [Sqlite]
    nodes = 0
    try:
        for i in range(PROJECTS):
            if os.environ.get("ONLY", str(i)) != str(i) or i < int(os.environ.get("FROM", "0")):
                continue
            folder = tempfile.mkdtemp(prefix="selvedge-dbt-")
            nodes += build(i, kinds[i % len(kinds)], random.Random(f"{SEED}/{i}"), folder)
            shutil.rmtree(folder, ignore_errors=True)
            if i % 10 == 9:
                print(f"{i + 1} projects", flush=True)
    finally:
        if Postgres.server is not None:
            Postgres.server.close()
    print(f"ok: {nodes} nodes, {BUILDS} builds each")


main()
