#!/usr/bin/env python3
"""A project that real Meltano runs, with plugins from PyPI, under the agent as it is: same rows, state ids that are taken up both ways, the
catalog that Meltano kept; and Meltano with our worker as its tap and its target."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

import venv

BIN = os.environ.get("SELVEDGE_BIN_DIR", os.path.join(venv.ROOT, "build", "dev", "bin"))
MELTANO = os.path.join(os.path.dirname(venv.ensure("meltano==4.2.2")), "meltano")
PLUGINS = {("extractors", "tap-jsonl"): "tap-jsonl==0.3.1", ("loaders", "target-jsonl"): "target-jsonl==0.1.4",
           ("mappers", "meltano-map-transformer"): "meltano-map-transform==0.12.3"}
ID = "dev:tap-jsonl-to-target-jsonl"

PROJECT = """
default_environment: dev
project_id: 0f0e0d0c-0000-4000-8000-000000000000
send_anonymous_usage_stats: false
environments:
  - name: dev
plugins:
  extractors:
    - name: tap-jsonl
      namespace: tap_jsonl
      pip_url: tap-jsonl==0.3.1
      capabilities: [catalog, discover, state]
      settings: [{name: path}, {name: stream_name}, {name: primary_keys, kind: array}]
      config: {path: people.jsonl, stream_name: people, primary_keys: [id]}
      select: ["people.*", "!people.secret"]
    - name: tap-sqlite
      namespace: tap_sqlite
      executable: ./bin/tap-sqlite
      capabilities: [catalog, discover, state]
      settings: [{name: path}]
      config: {path: source.db}
      select: ["orders.*", "!orders.note"]
      metadata: {orders: {replication-method: INCREMENTAL, replication-key: id}}
  mappers:
    - name: meltano-map-transformer
      namespace: meltano_map_transformer
      pip_url: meltano-map-transform==0.12.3
      executable: meltano-map-transform
      settings: [{name: stream_maps, kind: object}]
      mappings: [{name: shout, config: {stream_maps: {people: {name: "name.upper()"}}}}]
  loaders:
    - name: target-jsonl
      namespace: target_jsonl
      pip_url: target-jsonl==0.1.4
      settings: [{name: destination_path}, {name: do_timestamp_file, kind: boolean}]
      config: {destination_path: output, do_timestamp_file: false}
    - name: target-sqlite
      namespace: target_sqlite
      executable: ./bin/target-sqlite
      settings: [{name: path}]
      config: {path: target.db}
jobs:
  - {name: load, tasks: [tap-jsonl target-jsonl]}
  - {name: shouted, tasks: [tap-jsonl shout target-jsonl]}
  - {name: ours, tasks: [tap-sqlite target-sqlite]}
schedules:
  - {name: nightly, job: load, interval: "0 3 * * *"}
"""


def make():
    os.makedirs("project/output")
    os.makedirs("project/bin")
    with open("project/meltano.yml", "w", encoding="utf8") as file:
        file.write(PROJECT)
    for (kind, name), package in PLUGINS.items():  # as `meltano install` would
        os.makedirs(f"project/.meltano/{kind}/{name}")
        os.symlink(os.path.dirname(os.path.dirname(venv.ensure(package))), f"project/.meltano/{kind}/{name}/venv")
    for name in ("tap-sqlite", "target-sqlite"):
        os.symlink(os.path.abspath(os.path.join(BIN, "selvedge-el")), f"project/bin/{name}")
    with open("selvedge.yaml", "w", encoding="utf8") as file:
        file.write("project: interop\nmeltano: [{project: project, schedules: paused}]\n")


def meltano(*args, fails=False):
    done = subprocess.run([MELTANO, "--log-level=warning", *args], cwd="project", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, env={"PATH": os.environ["PATH"], "HOME": os.getcwd(), "MELTANO_CLI_LOG_LEVEL": "warning"})
    assert (done.returncode != 0) == fails, (args, done.stdout[-2000:], done.stderr[-3000:])
    return done.stdout


def agent(*args):
    done = subprocess.run([os.path.join(BIN, "selvedge-agent"), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "HOME": os.getcwd(), "SELVEDGE_STATE_DIR": os.path.abspath("state"),
                               "SELVEDGE_DEFINITIONS": os.path.abspath("selvedge.yaml")})
    assert done.returncode == 0, (args, done.stdout[-3000:], done.stderr[-2000:])
    return done.stdout


def people(*more, age):
    """A file whose time of change is the tap's replication key."""
    with open("project/people.jsonl", "a", encoding="utf8") as file:
        for number, name in more:
            file.write(json.dumps({"id": number, "name": name, "secret": "hunter2"}) + "\n")
    when = time.time() - age
    os.utime("project/people.jsonl", (when, when))


def output():
    with open("project/output/people.jsonl", encoding="utf8") as file:
        rows = [json.loads(line) for line in file]
    os.remove("project/output/people.jsonl")
    assert all("secret" not in row for row in rows), rows
    return [(row["id"], row["name"]) for row in rows]


def bookmark(state):
    return state["singer_state"]["bookmarks"]["people"]["partitions"][0]["replication_key_value"]


def both_run_it_in_turn():
    """Each goes on from where the other was."""
    people((1, "ada"), (2, "bob"), age=900)
    meltano("run", "--no-install", "load")
    assert output() == [(1, "ada"), (2, "bob")]
    first = json.loads(meltano("state", "get", ID))
    assert "meltano/tap-jsonl-to-target-jsonl" in agent("explain") and "target-jsonl/people" in agent("assets")
    people((3, "eve"), age=600)
    told = agent("materialize", "target-jsonl/people")
    assert "target-jsonl/people" in told and output() == [(1, "ada"), (2, "bob"), (3, "eve")]
    logs = agent("logs")
    assert "incremental sync with bookmark value: " + bookmark(first) in logs, "what Meltano kept was not taken up"
    assert "iscovering" not in logs
    exported = json.loads(agent("state", "export"))[ID]
    second = exported["completed"]
    assert exported["partial"] == {} and bookmark(second) > bookmark(first), (exported, first)
    with open("project/state.json", "w", encoding="utf8") as file:
        json.dump(second, file)
    meltano("state", "set", "--force", ID, "--input-file", "state.json")
    people((4, "dan"), age=300)
    meltano("run", "--no-install", "load")
    assert len(output()) == 4
    third = json.loads(meltano("state", "get", ID))
    assert bookmark(third) > bookmark(second), "Meltano did not go on from ours"
    with open("theirs.json", "w", encoding="utf8") as file:
        json.dump({ID: {"completed": third, "partial": {}}}, file)
    agent("state", "import", "theirs.json")
    agent("materialize", "group:tap-jsonl-to-target-jsonl")
    assert "incremental sync with bookmark value: " + bookmark(third) in agent("logs")
    assert len(output()) == 4, "of the same moment as the bookmark"


def a_mapper_of_theirs_works():
    people(age=60)
    agent("materialize", "group:tap-jsonl-shout-to-target-jsonl")
    assert output() == [(1, "ADA"), (2, "BOB"), (3, "EVE"), (4, "DAN")]


def meltano_runs_our_worker():
    db = sqlite3.connect("project/source.db")
    db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL, note TEXT)")
    db.execute("CREATE TABLE secrets (id INTEGER PRIMARY KEY)")
    db.executemany("INSERT INTO orders VALUES (?, ?, 'n')", [(i, i / 4) for i in range(500)])
    db.commit()
    meltano("run", "--no-install", "ours")

    def loaded():
        target = sqlite3.connect("project/target.db")
        columns = [c[1] for c in target.execute("PRAGMA table_info(orders)")]
        tables = [t[0] for t in target.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'")]
        return columns, tables, target.execute("SELECT count(*), max(id), sum(total) FROM orders").fetchone()
    columns, tables, totals = loaded()
    assert "note" not in columns and {"id", "total"} <= set(columns) and tables == ["orders"], (columns, tables)
    assert totals == (500, 499, sum(i / 4 for i in range(500))), totals
    state = json.loads(meltano("state", "get", "dev:tap-sqlite-to-target-sqlite"))
    assert state["singer_state"]["bookmarks"]["orders"]["replication_key_value"] == 499, state
    db.execute("INSERT INTO orders VALUES (1000, 1, 'n')")
    db.commit()
    meltano("run", "--no-install", "ours")
    assert loaded()[2][:2] == (501, 1000)
    db.execute("INSERT INTO orders VALUES (1001, 1, 'n')")
    db.commit()
    agent("materialize", "target-sqlite/orders")
    assert loaded()[2][:2] == (502, 1001)


def main():
    folder = tempfile.mkdtemp(prefix="selvedge-meltano-")
    os.chdir(folder)
    try:
        make()
        for test in (both_run_it_in_turn, a_mapper_of_theirs_works, meltano_runs_our_worker):
            began = time.monotonic()
            test()
            print(f"ok   {test.__name__} {time.monotonic() - began:.1f} s", flush=True)
    finally:
        os.chdir("/")
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
