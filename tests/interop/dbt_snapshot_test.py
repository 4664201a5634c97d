"""Snapshots against real dbt-postgres from PyPI, in real servers: every mixture of strategy, key, hard_deletes, dbt_valid_to_current and
meta column names, over four builds with changed, deleted and reappearing rows, NULLs, keys that are NULL and a new column. Ours in
PostgreSQL and, from the same manifest, in SQLite (where dbt-sqlite loses deletions) must keep the same versions. A sample of the mixtures; all with SELVEDGE_LONG. SEED changes the rows and the
sample."""
import hashlib
import itertools
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile

import peer_dbt
import venv

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import pg_server  # noqa: E402

PEER = os.path.join(os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin")), "dbt_nodes_peer")
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
BUILDS = int(os.environ.get("BUILDS", 4))
LATER = ("dbt-core==1.11.16", "dbt-postgres==1.9.1")  # with dbt-adapters 1.24
FOREVER = "'9999-12-31 00:00:00'"
META = {"dbt_valid_from": "since", "dbt_valid_to": "until", "dbt_scd_id": "version_id", "dbt_updated_at": "changed", "dbt_is_deleted": "gone"}


def snapshots():
    """Name and settings of each mixture; dbt needs half a second for each."""
    strategies = [{"strategy": "timestamp", "updated_at": "updated_at"}, {"strategy": "check", "check_cols": "all"},
                  {"strategy": "check", "check_cols": ["price", "NAME"]},
                  {"strategy": "check", "check_cols": ["name"], "updated_at": "updated_at"}]
    keys = [("id", True, True), (["id", "region"], True, False), ("id || '-' || region", False, False)]
    number = 0
    for strategy, (key, with_current, with_meta), deletes in itertools.product(strategies, keys, ["ignore", "invalidate", "new_record"]):
        for current, meta in [(None, None)] + ([(FOREVER, META if with_meta else None)] if with_current else []):
            settings = dict(strategy, unique_key=key, hard_deletes=deletes)
            if deletes == "invalidate" and current:
                del settings["hard_deletes"]
                settings["invalidate_hard_deletes"] = True  # as it was called
            if current:
                settings["dbt_valid_to_current"] = current
            if meta:
                settings["snapshot_meta_column_names"] = meta
            number += 1
            yield f"snap_{number:03d}", settings


def sample(every):
    """Some of each way with deletions; all of them in a long run."""
    rng = random.Random(f"mixtures {SEED}")
    groups = {}
    for name, settings in every.items():
        if not peer_dbt.LONG and settings.get("hard_deletes") == "new_record" and "dbt_valid_to_current" in settings:
            continue  # dbt-adapters 1.16, which dbt-sqlite wants, records such a deletion in every run
        groups.setdefault(settings.get("hard_deletes", "invalidate"), []).append(name)
    names = list(every) if peer_dbt.LONG else [name for group in groups.values() for name in rng.sample(group, 4)]
    return {name: every[name] for name in sorted(names)}


def write_project(folder, server, chosen):
    def put(name, value):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf8") as file:
            json.dump(value, file)  # JSON is YAML

    put("dbt_project.yml", {"name": "snaps", "version": "1.0", "profile": "snaps", "flags": {"send_anonymous_usage_stats": False}})
    put("profiles.yml", {"snaps": {"target": "dev", "outputs": {"dev": {
        "type": "postgres", "host": server.folder, "user": pg_server.USER, "password": "none", "port": 5432, "dbname": pg_server.DATABASE,
        "schema": "dbt", "threads": 4}}}})
    put("models/sources.yml", {"sources": [{"name": "raw", "schema": "raw", "tables": [{"name": "items"}]}]})
    put("snapshots/snapshots.yml", {"snapshots": [{"name": name, "relation": "source('raw', 'items')", "config": settings}
                                                  for name, settings in chosen.items()]})


def dbt(python, folder, *words):
    env = dict(os.environ, DBT_SEND_ANONYMOUS_USAGE_STATS="0", DBT_PROFILES_DIR=folder)
    done = subprocess.run([os.path.join(os.path.dirname(python), "dbt"), "--no-use-colors", *words, "--project-dir", folder], cwd=folder,
                          env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]


class Rows:
    """The source: what it holds now, as SQL for both databases."""

    def __init__(self, rng):
        self.rng = rng
        self.rows = {}
        self.gone = {}
        self.has_color = False

    def value(self, row):
        row["price"] = self.rng.choice([None, self.rng.randrange(3), self.rng.randrange(3)])
        row["name"] = self.rng.choice([None, "a", "it's", ""])
        row["color"] = self.rng.choice([None, "red"])
        return row

    def stamp(self, build):
        return f"2026-01-{build + 1:02d} 00:00:{self.rng.randrange(60):02d}"

    def step(self, build):
        for key in list(self.rows):
            chance = self.rng.randrange(10)
            if chance < 3:
                self.value(self.rows[key])["updated_at"] = self.stamp(build)
            elif chance == 3:
                self.value(self.rows[key])  # without a stamp
            elif chance == 4:
                self.rows[key]["updated_at"] = self.stamp(build)  # nothing else
            elif chance == 5 and build > 0:
                self.gone[key] = self.rows.pop(key)
        for key in list(self.gone):
            if self.rng.randrange(2) == 0:
                self.rows[key] = self.gone.pop(key)
                if self.rng.randrange(2) == 0:
                    self.rows[key]["updated_at"] = self.stamp(build)
                if self.rng.randrange(3) == 0:
                    self.rows[key]["region"] = "west"
        for _ in range(12 if build == 0 else 2):
            key = self.rng.randrange(1, 25)
            if key not in self.rows and key not in self.gone:
                self.rows[key] = self.value({"region": self.rng.choice(["north", "south"]), "updated_at": self.stamp(build)})
        if build == 1:
            self.rows[None] = self.value({"region": "north", "updated_at": self.stamp(build)})
        self.has_color = self.has_color or build == 2

    def statements(self, table):
        def literal(value):
            return "NULL" if value is None else str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
        yield f"delete from {table}"
        names = ["region", "price", "name", "updated_at"] + (["color"] if self.has_color else [])
        for number, row in self.rows.items():
            yield (f"insert into {table} (id, {', '.join(names)}) values ({literal(number)}, "
                   f"{', '.join(literal(row[name]) for name in names)})")


def fill(build, rows, servers, lite):
    make = "(id integer, region text, price integer, name text, updated_at timestamp)"
    for server in servers:
        text = list(rows.statements("raw.items"))
        if build == 0:
            text = ["create schema raw", f"create table raw.items {make}"] + text
        elif build == 2:
            text.insert(0, "alter table raw.items add column color varchar(10)")
        server.sql("; ".join(text))
    with sqlite3.connect(lite) as db:
        if build == 0:
            db.execute(f"create table items {make.replace('timestamp', 'text')}")
        elif build == 2:
            db.execute("alter table items add column color varchar(10)")
        for statement in rows.statements("items"):
            db.execute(statement)
    db.close()


def ours(manifest, target, build, names):
    done = subprocess.run([PEER, manifest, target, "/nowhere", f"2027-01-{build + 1:02d}T00:00:00Z", *(f"snapshot.snaps.{n}" for n in names)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        result = json.loads(line)
        assert result.get("status") == "success", (target, build, result)


def md5(*parts):
    return hashlib.md5("|".join(parts).encode()).hexdigest()


def canonical(names, rows, settings):
    """Sorted rows by column name. Times of runs become "run 1", ...; identities what they are made of."""
    meta = settings.get("snapshot_meta_column_names") or {k: k for k in META}
    valid_from, valid_to, scd, updated, deleted = (meta[k] for k in META)
    rows = [dict(zip(names, row)) for row in rows]
    times = sorted({row[c] for row in rows for c in (valid_from, valid_to, updated) if row[c] and not row[c].startswith(("2026-01", "9999"))})
    key = settings["unique_key"]
    seen = {row[scd].lower() for row in rows}
    assert len(settings) > 2
    out = []
    for row in rows:
        parts = [row[k] or "" for k in key] if isinstance(key, list) else [row["id"] or ""]
        if key == "id || '-' || region":
            parts = [f"{row['id']}-{row['region']}" if row["id"] else ""]
        identity = row[scd].lower()
        if identity == md5(*parts, row[updated] or ""):
            identity = "of key and time"
        elif any(identity == md5(other, row[valid_from]) or identity == md5(other.upper(), row[valid_from]) for other in seen):
            identity = "of a deletion"
        row = {name: f"run {times.index(v)}" if v in times and name in (valid_from, valid_to, updated) else v for name, v in row.items()}
        row[scd] = identity
        out.append(sorted((n, v if v is not None else "<null>") for n, v in row.items()))
    return sorted(out), deleted in names


def read_postgres(server, name):
    names = [r[0] for r in server.sql("select column_name from information_schema.columns where table_schema = 'dbt' and "
                                      f"table_name = '{name}' order by ordinal_position")]
    rows = server.sql(f"select * from dbt.{name}")
    return names, [[None if v == "NULL" else v for v in row] for row in rows]


def read_sqlite(path, name):
    db = sqlite3.connect(path)
    cursor = db.execute(f"select * from {name}")
    names = [c[0] for c in cursor.description]
    rows = [[None if v is None else str(v) for v in row] for row in cursor]
    db.close()
    return names, rows


def compare(build, name, settings, theirs, mine, where):
    expected = canonical(*theirs, settings)
    got = canonical(*mine, settings)
    if expected != got or theirs[0] != mine[0]:
        print(f"SEED={SEED}: {name} differs in {where} after build {build}: {settings}")
        print("columns", theirs[0], mine[0])
        for label, rows, others in (("only dbt", expected[0], got[0]), ("only ours", got[0], expected[0])):
            for row in rows:
                if row not in others:
                    print(f"  {label}: {dict(row)}")
        sys.exit(1)
    return expected[0]


def main():
    pg_server.need()
    python = venv.ensure(*(LATER if peer_dbt.LONG else peer_dbt.PACKAGES))
    print(f"SEED={SEED}")
    chosen = sample(dict(snapshots()))
    rows = Rows(random.Random(SEED))
    seen = {"versions": 0, "closed": 0, "deletions": 0}
    with tempfile.TemporaryDirectory() as folder, pg_server.Server() as theirs, pg_server.Server() as mine:
        lite = os.path.join(folder, "shop.db")
        write_project(folder, theirs, chosen)
        manifest = os.path.join(folder, "target", "manifest.json")
        for build in range(BUILDS):
            rows.step(build)
            fill(build, rows, (theirs, mine), lite)
            dbt(python, folder, "snapshot")
            with open(manifest, encoding="utf8") as file:
                text = file.read()
            small = os.path.join(folder, "sqlite.json")
            for schema in ("dbt", "raw"):
                text = text.replace(f'\\"{pg_server.DATABASE}\\".\\"{schema}\\".', "main.")
            with open(small, "w", encoding="utf8") as file:
                file.write(text)
            ours(manifest, "postgres:" + mine.dsn(), build, chosen)
            ours(small, "sqlite:" + lite, build, chosen)
            for name, settings in chosen.items():
                expected = read_postgres(theirs, name)
                kept = compare(build, name, settings, expected, read_postgres(mine, name), "PostgreSQL")
                compare(build, name, settings, expected, read_sqlite(lite, name), "SQLite")
                if build + 1 == BUILDS:
                    seen["versions"] += len(kept)
                    seen["closed"] += sum("run" in str(row) for row in kept)
                    seen["deletions"] += sum("of a deletion" in str(row) for row in kept)
    print(f"{len(chosen)} snapshots after {BUILDS} builds:", seen)
    assert all(seen.values()), seen
    return 0


if __name__ == "__main__":
    sys.exit(main())
