#!/usr/bin/env python3
"""A native build as a process: SIGTERM in the middle, a project that changes under it, many nodes in little memory."""
import json
import os
import pathlib
import resource
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

PEER = pathlib.Path(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin")) / "dbt_build_peer"
SLOW = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000000) select count(*) as c from n"


def node(kind, name, sql, parents=(), materialized=None, **config):
    return {"unique_id": f"{kind}.p.{name}", "resource_type": kind, "name": name, "alias": name, "package_name": "p",
            "schema": "main", "original_file_path": f"models/{name}.sql", "relation_name": f'main."{name}"',
            "config": {"materialized": materialized or ("test" if kind == "test" else "table"), **config},
            "depends_on": {"nodes": list(parents), "macros": []}, "compiled_code": sql}


def manifest(*nodes):
    return json.dumps({
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.10.0",
                     "adapter_type": "sqlite", "project_name": "p"},
        "nodes": {n["unique_id"]: n for n in nodes}, "macros": {}})


class Build(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.file = self.root / "shop.db"
        self.manifest = self.root / "manifest.json"

    def tearDown(self):
        self.folder.cleanup()

    def command(self, *more):
        return [str(PEER), f"manifest={self.manifest}", f"sqlite={self.file}", *more]

    def tables(self):
        database = sqlite3.connect(self.file)
        found = {name for name, in database.execute("select name from sqlite_master where type in ('table', 'view')")}
        database.close()
        return found

    def build(self, *more):
        done = subprocess.run(self.command(*more), capture_output=True, text=True, timeout=300, check=False)
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    def test_sigterm_in_the_middle(self):
        self.manifest.write_text(manifest(node("model", "a_quick", "select 1 as one"), node("model", "b_slow", SLOW),
                                          node("model", "c_never", "select 1 as one")))
        with subprocess.Popen(self.command(), stdout=subprocess.PIPE, text=True) as build:
            seen = []
            for line in build.stdout:
                seen.append(json.loads(line))
                if seen[-1].get("started") == "model.p.b_slow":
                    time.sleep(0.3)
                    build.send_signal(signal.SIGTERM)
                    sent = time.monotonic()
            code = build.wait(timeout=60)
            self.assertLess(time.monotonic() - sent, 20)
        self.assertNotEqual(code, 0)
        self.assertNotIn("model.p.c_never", [e.get("started") for e in seen])
        ends = {e["ended"]: e for e in seen if "ended" in e}
        self.assertEqual(ends["model.p.a_quick"]["status"], "success")
        if "model.p.b_slow" in ends:  # it may have ended at once, which is as safe
            self.assertEqual(ends["model.p.b_slow"]["status"], "error")
        self.assertEqual(self.tables(), {"a_quick"})

    def test_a_manifest_that_is_written_meanwhile(self):
        """dbt compiles again while a build runs: nodes that had no turn fail, and nothing of another compilation is run."""
        hook = [{"sql": "create table if not exists waited (i int)"}]
        slow = SLOW.replace("2000000000", "3000000")
        self.manifest.write_text(manifest(node("model", "a_slow", slow, **{"pre-hook": hook}),
                                          node("model", "b_late", "select 1 as old")))
        with subprocess.Popen(self.command(), stdout=subprocess.PIPE, text=True) as build:
            seen = []
            for line in build.stdout:
                seen.append(json.loads(line))
                if seen[-1].get("started") == "model.p.a_slow":
                    self.manifest.write_text(manifest(node("model", "a_slow", slow), node("model", "b_late", "select 2 as new")))
        ends = {e["ended"]: e for e in seen if "ended" in e}
        self.assertEqual(ends["model.p.b_late"]["status"], "error")
        self.assertIn("manifest", ends["model.p.b_late"]["error"])
        self.assertNotIn("b_late", self.tables())

    def test_many_nodes(self):
        """2,000 models and 6,000 tests: in order, each once, in memory that does not grow with what they say."""
        models = []
        for i in range(2000):
            parents = [] if i < 50 else [f"model.p.m{i - 50}", f"model.p.m{i - 50 - i % 50}"]
            sql = f"select {i} as id /* {'x' * 4000} */"
            models.append(node("model", f"m{i}", sql, dict.fromkeys(parents), "view"))
        tests = [node("test", f"t{i}_{k}", f"select id from main.m{i} where id <> {i}", [f"model.p.m{i}"])
                 for i in range(2000) for k in range(3)]
        self.manifest.write_text(manifest(*models, *tests))
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        began = time.monotonic()
        done, lines = self.build()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(lines[-1], {"total": 8000, "well": 8000, "warned": 0, "failed": 0, "skipped": 0})
        place = {line["ended"]: at for at, line in enumerate(line for line in lines if "ended" in line)}
        self.assertEqual(len(place), 8000)
        for model in models:
            for parent in model["depends_on"]["nodes"]:
                self.assertLess(place[parent], place[model["unique_id"]])
                for k in range(3):
                    self.assertLess(place[f"test.p.t{parent[9:]}_{k}"], place[model["unique_id"]])
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"8,000 nodes: {time.monotonic() - began:.1f} s, {peak / 1024:.0f} MiB (others before: {before / 1024:.0f}), "
              f"manifest {self.manifest.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    unittest.main(verbosity=2)
