"""dbt projects, built: by our worker, by a real dbt, and by the sqlite3 shell from a script of the same statements. All begin with an empty
database, and end with the same tables (checked). A node is a transaction of its own in the script too, with the pragmas that we set: what it
has made is on disk before the next begins. dbt runs with its parse cache warm, as it is from the second build on."""
import hashlib
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
from graphlib import TopologicalSorter

import dbt_big
import dbt_unpack
from harness import Result, Skip, note, row
from rows_el import need_shell
from rows_el_peers import python_with

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
JAFFLE = os.path.join(ROOT, "../shared/data/dbt/jaffle_shop_sqlite")
MODELS = 2000
PACKAGES = ("dbt-core==1.10.23", "dbt-sqlite==1.10.0")
DBT_SECONDS_MAX = 600
INSERT_ROWS = 500
STOPPED_IN_TIME = f'timeout {DBT_SECONDS_MAX} "$@" || [ $? = 124 ]'

# dbt-sqlite loads a file for md5(), that Debian has not.
DBT = """
import hashlib, sqlite3, sys
import dbt.adapters.sqlite.connections as connections


def connected(*arguments, _connect=sqlite3.connect, **options):
    db = _connect(*arguments, **options)
    db.create_function("md5", 1, lambda value: None if value is None else hashlib.md5(str(value).encode()).digest())
    return db


connections.sqlite3.connect = connected
from dbt.cli.main import cli
cli()
"""


def md5(value):
    return None if value is None else hashlib.md5(str(value).encode()).digest()


class Project:
    """What is built, and the three that build it."""

    def __init__(self, bench, name, manifest, folder, packed, without=()):
        self.bench, self.name, self.manifest, self.folder, self.packed, self.without = bench, name, manifest, folder, packed, list(without)
        with open(manifest, encoding="utf8") as file:
            every = json.load(file)["nodes"]
        left = {k: n for k, n in every.items() if n["name"] not in self.without and n["resource_type"] in ("model", "seed", "test")}
        parents = {k: [p for p in n["depends_on"].get("nodes", []) if p in left] for k, n in left.items()}
        self.nodes = [left[k] for k in TopologicalSorter(parents).static_order()]
        self.made = [n for n in self.nodes if n["resource_type"] != "test" and n["config"]["materialized"] != "ephemeral"]
        self.step = self.write("step.json", json.dumps(self.request()))

    def path(self, name):
        return self.bench.path(f"{self.name}-{name}")

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf8") as file:
            file.write(text)
        return self.path(name)

    # by us

    def request(self):
        dbt = {"manifest": self.packed, "project_dir": self.folder, "database": {"type": "sqlite", "path": self.path("ours.db")},
               "runner": "native", "log_file": self.path("log"), "exclude": self.without}
        return {"kind": "dbt", "step": f"dbt/{self.name}", "state_dir": self.path("state"), "dbt": dbt,
                "assets": [{"asset": n["name"], "node": n["unique_id"]} for n in self.made]}

    def ours(self):
        self.bench.fresh(f"{self.name}-ours.db")
        with open(self.step, encoding="utf8") as step:
            return self.bench.run("measure", self.bench.program("selvedge-el"), "step", stdin=step, cwd=self.bench.work_dir)

    # by the shell

    def seed(self, db, name):
        """As the worker's table is: dbt's rules for types are no work of the script."""
        (create,) = db.execute("select sql from sqlite_schema where name = ?", (name,)).fetchone()
        columns = len(db.execute(f'select * from "{name}" limit 0').description)
        quoted = " || ', ' || ".join(f'quote("{c[1]}")' for c in db.execute(f'pragma table_info("{name}")'))
        rows = [f"({line})" for (line,) in db.execute(f'select {quoted} from "{name}"')] if columns else []
        some = [rows[i:i + INSERT_ROWS] for i in range(0, len(rows), INSERT_ROWS)]
        return create + ";\n" + "".join(f'insert into "{name}" values {", ".join(part)};\n' for part in some)

    def statements(self, node, db):
        name, code = node["relation_name"], node.get("compiled_code", "").strip().rstrip(";")
        if node["resource_type"] == "seed":
            return f"drop table if exists {name};\n" + self.seed(db, node["name"])
        if node["resource_type"] == "model":
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            return f"drop {kind} if exists {name};\ncreate {kind} {name} as\n{code};\n"
        calc = node["config"].get("fail_calc") or "count(*)"
        return (f"select {calc} as failures, {calc} {node['config'].get('warn_if') or '!= 0'} as should_warn,\n"
                f"{calc} {node['config'].get('error_if') or '!= 0'} as should_error\nfrom (\n{code}\n) dbt_internal_test;\n")

    def script(self):
        """After a build of ours, which says what the seeds' tables are."""
        db = sqlite3.connect(self.path("ours.db"))
        text = [f".load {self.bench.program('bench/md5_extension')}\n",
                "pragma journal_mode=wal; pragma cache_size=-4096; pragma mmap_size=0; pragma synchronous=full;\n"]
        for node in self.nodes:
            text.append(self.statements(node, db) if node["resource_type"] == "test"
                        else f"begin immediate;\n{self.statements(node, db)}commit;\n")
        db.close()
        return self.write("script.sql", "".join(text))

    def shell(self):
        self.bench.fresh(f"{self.name}-peer.db")
        with open(self.path("script.sql"), encoding="utf8") as script:
            return self.bench.run("measure", shutil.which("sqlite3"), "-batch", "-bail", self.path("peer.db"), stdin=script,
                                  cwd=self.bench.work_dir)

    # by dbt

    def unpack(self):
        folder = self.path("project")
        dbt_unpack.unpack(self.manifest, self.folder, folder)
        output = {"type": "sqlite", "threads": 1, "database": "db", "schema": "main", "schemas_and_paths": {"main": self.path("peer.db")},
                  "schema_directory": self.path("schemas")}
        os.makedirs(self.path("schemas"), exist_ok=True)
        dbt_unpack.put(os.path.join(folder, "profiles.yml"), json.dumps({"p": {"target": "t", "outputs": {"t": output}}}))
        self.python = python_with(self.bench, *PACKAGES)
        self.launcher = self.path("launcher/run.py")  # in a folder without modules of a plugin's name
        dbt_unpack.put(self.launcher, DBT)

    def dbt(self, command="build"):
        """What it took; DBT_SECONDS_MAX and more: it was stopped then."""
        self.bench.fresh(f"{self.name}-peer.db")
        folder = self.path("project")
        env = dict(os.environ, DBT_SEND_ANONYMOUS_USAGE_STATS="0", HOME=self.bench.work_dir)
        more = ["--exclude", *self.without] if command == "build" and self.without else []
        return self.bench.run("measure", "/bin/sh", "-c", STOPPED_IN_TIME, "dbt", self.python, self.launcher, "--quiet", command,
                              "--profiles-dir", folder, "--project-dir", folder, *more, env=env, cwd=folder)

    # the same

    def expect_same(self):
        ours, peer = sqlite3.connect(self.path("ours.db")), sqlite3.connect(self.path("peer.db"))
        for db in (ours, peer):
            db.create_function("md5", 1, md5)
        for node in self.made:
            name = node["relation_name"]
            rows = [sorted(db.execute(f"select * from {name}").fetchall(), key=repr) for db in (ours, peer)]
            if rows[0] != rows[1]:
                raise RuntimeError(f"{name}: {len(rows[0])} rows, the peer's has {len(rows[1])}, or they are others: "
                                   f"{[pair for pair in zip(*rows) if pair[0] != pair[1]][:1]}")
        ours.close()
        peer.close()


# --- the projects


def bundle(bench, name, folder, *manifests):
    """What a device gets."""
    path = bench.path(f"{name}.dbt.gz")
    bench.run("measure", bench.program("selvedge-hub"), "dbt-bundle", *manifests, "--seeds", folder, "-o", path)
    return path


def jaffle(bench):
    """The fixture, without the one test that fails on SQLite for real dbt too, and its unit tests. dbt gets a project made of the manifest."""
    if not os.path.exists(JAFFLE):
        raise Skip("the jaffle shop is not here: shared/data/dbt/jaffle_shop_sqlite")
    with open(os.path.join(JAFFLE, "run_results.json"), encoding="utf8") as file:
        failed = [r["unique_id"].split(".")[2] for r in json.load(file)["results"] if r["status"] == "fail"]
    manifest, folder = os.path.join(JAFFLE, "manifest.json"), os.path.join(JAFFLE, "project")
    return Project(bench, "jaffle", manifest, folder, bundle(bench, "jaffle", folder, manifest), failed)


def made(bench, name, models):
    """Of our own making."""
    folder = bench.path(f"{name}-source")
    full, second = dbt_big.write(folder, models), dbt_big.write(folder, models, incremental=True, name="second.json")
    return Project(bench, name, full, folder, bundle(bench, name, folder, full, "--incremental", second))


def small(bench):
    return made(bench, "small", 12)


def large(bench):
    return made(bench, "large", bench.count(MODELS, 20))


# --- the rows


def against_shell(project):
    need_shell()
    project.ours()
    project.script()
    pairs = []
    for _ in range(project.bench.pairs_count):
        pairs.append((project.ours(), project.shell()))
    project.expect_same()
    return pairs


def was_stopped(done):
    return done["wall_ns"] >= DBT_SECONDS_MAX * 10**9


def against_dbt(project, at_most):
    project.unpack()
    parsed = project.dbt("parse")
    pairs = []
    for _ in range(min(at_most, project.bench.pairs_count)):
        pairs.append((project.ours(), parsed if was_stopped(parsed) else project.dbt()))
        if was_stopped(pairs[-1][1]):
            note(f"{project.name}: dbt was stopped after {DBT_SECONDS_MAX} s and was not done: the ratio is at least this")
            return pairs
    project.expect_same()
    return pairs


def compared(pairs, of, ours_first=True):
    mine, theirs = [of(a) for a, _ in pairs], [of(b) for _, b in pairs]
    ratios = [a / b if ours_first else b / a for a, b in zip(mine, theirs)]
    return Result(statistics.median(mine), statistics.median(theirs), statistics.median(ratios))


def wall(done):
    return done["wall_ns"] / 1e9


def cpu(done):
    return done["cpu_ns"] / 1e9


def peak(done):
    return done["peak_bytes"] / 1e6


def register(make, dbt_pairs):
    """Five rows of a project: seconds and memory by dbt, seconds, CPU time and memory by the shell."""
    name = make.__name__ if make is not large else str(MODELS)

    def pairs(bench, peer):
        project = bench.once(f"dbt_{name}", make)
        return bench.once(f"dbt_{name}_{peer}", lambda _: against_shell(project) if peer == "sql" else against_dbt(project, dbt_pairs))

    def add(suffix, unit, budget, peer, of, ours_first=True):
        def result(bench):
            return compared(pairs(bench, "dbt" if "_dbt" in suffix else "sql"), of, ours_first)
        result.__name__ = f"dbt_{name}_{suffix}"
        row(unit, budget, peer)(result)

    add("against_dbt", "s", ">= 50 x", "dbt build of dbt-core 1.10.23 and dbt-sqlite 1.10.0, its parse cache warm, wall time; theirs to ours", wall, False)
    add("against_dbt_memory", "MB", "<= 0.2 x", "the same, peak memory", peak)
    add("against_sql", "s", "<= 1.15 x", "the same statements in the sqlite3 shell, a transaction a node, wall time", wall)
    add("against_sql_cpu", "s", "<= 1.15 x", "the same, CPU time", cpu)
    add("against_sql_memory", "MB", "<= 1.5 x", "the same, peak memory", peak)


register(jaffle, 5)
register(small, 3)
register(large, 1)
