"""A project with every materialization and strategy, built four times by a real dbt into one PostgreSQL database and natively into another: the same
relations, columns, rows, indexes, grants and comments after each, and the same statuses."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import peer_dbt
import venv

sys.path.insert(0, os.path.join(venv.ROOT, "tests", "support"))
import pg_server  # noqa: E402
import postgres_lab_project as lab  # noqa: E402

PEER = os.path.abspath(os.path.join(os.environ.get("SELVEDGE_BIN_DIR", os.path.join(venv.ROOT, "build/dev/bin")), "dbt_build_peer"))
REAL, OURS = "real", "ours"

# Where we mean to leave something else than dbt does: {relation: why}. All of it is in docs/reference/dbt.md.
OTHER_ORDER = {
    "dbt.inc_ignore": "a text column that became too narrow is widened in its place; dbt puts a new one behind the others",
    "dbt.inc_new_columns": "the same",
    "dbt.inc_sync": "a column's type is changed in its place",
}


def run(python, folder, server, command, *arguments, database, ok=True):
    with open(os.path.join(folder, "profiles.yml"), "w", encoding="utf8") as file:
        json.dump({"lab": {"target": "t", "outputs": {"t": {"type": "postgres", "host": server.folder, "user": pg_server.USER, "password": "x", "port": 5432,
                                                           "dbname": database, "schema": "dbt", "threads": 1}}}}, file)
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH",)}
    done = subprocess.run([os.path.join(os.path.dirname(python), "dbt"), "--quiet", command, "--profiles-dir", ".", "--target-path", "target-" + database,
                           *arguments], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    assert done.returncode == 0 or not ok, (command, arguments, done.stdout)
    return os.path.join(folder, "target-" + database)


def write(folder, build):
    for name, text in lab.files(build).items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf8") as file:
            file.write(text)


def real_build(python, folder, server, build):
    target = run(python, folder, server, "build", *(["--full-refresh"] if lab.FULL_REFRESH[build] else []), database=REAL, ok=False)
    with open(os.path.join(target, "run_results.json"), encoding="utf8") as file:
        return {r["unique_id"]: (r["status"], r["failures"]) for r in json.load(file)["results"]}


def compile_both(python, folder, empty, build):
    """Against an empty database, and one where each incremental model has a table: what a CI job does for its devices."""
    paths = []
    stubs = "".join(f'CREATE TABLE dbt."{name}" (stub int); ' for name in lab.incremental_models(build))
    for variant, content in (("full", ""), ("delta", stubs)):
        empty.sql("DROP SCHEMA IF EXISTS dbt CASCADE; CREATE SCHEMA dbt; " + content, OURS)
        paths.append(os.path.join(folder, f"{variant}{build}.json"))
        shutil.move(os.path.join(run(python, folder, empty, "compile", database=OURS), "manifest.json"), paths[-1])
    return paths


def our_build(python, folder, server, empty, build):
    full, delta = compile_both(python, folder, empty, build)
    words = ["full_refresh"] if lab.FULL_REFRESH[build] else []
    done = subprocess.run([PEER, f"manifest={full}", f"incremental={delta}", f"project={folder}", f"postgres={server.dsn(database=OURS)}", *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr, done.stdout[-2000:])
    return {event["ended"]: event for event in map(json.loads, done.stdout.splitlines()) if "ended" in event}


RELATIONS = """SELECT n.nspname || '.' || c.relname, c.relkind, c.relpersistence, obj_description(c.oid, 'pg_class'),
    (SELECT string_agg(concat(g.grantee::regrole, '=', g.privilege_type), ',' ORDER BY 1) FROM aclexplode(c.relacl) g WHERE g.grantee <> c.relowner),
    (SELECT string_agg(regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX .* ON', 'INDEX ON'), '; ' ORDER BY 1) FROM pg_index i WHERE indrelid = c.oid)
    , (SELECT string_agg(pg_get_constraintdef(k.oid), '; ' ORDER BY 1) FROM pg_constraint k WHERE conrelid = c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'dbt%' AND c.relkind IN ('r', 'v', 'm')"""
COLUMNS = """SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum) FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid WHERE n.nspname LIKE 'dbt%' AND c.relkind IN ('r', 'v', 'm')
    AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum"""
# The time of the run is in them, and so is what dbt makes of it.
TIMES = {"dbt.people_by_value": ("dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"), "dbt.people_by_time": ("dbt_valid_to",)}


def rows_of(server, database, name, columns):
    words = [f'"{c}" IS NULL' if c in TIMES.get(name, ()) else f'"{c}"' for c in sorted(columns)]
    schema, relation = name.split(".", 1)
    return sorted(server.sql(f'SELECT {", ".join(words)} FROM "{schema}"."{relation}"', database))


def state(server, database):
    found = {row[0]: {"relation": row[1:], "columns": []} for row in server.sql(RELATIONS, database)}
    for name, *column in server.sql(COLUMNS, database):
        found[name]["columns"].append(tuple(column))
    for name, relation in found.items():
        relation["rows"] = rows_of(server, database, name, [c[0] for c in relation["columns"]])
        if name in OTHER_ORDER:
            relation["columns"].sort()
    return found


def compare(server, build, theirs, ours):
    assert set(theirs) == set(ours), (build, set(theirs) ^ set(ours))
    wrong = []
    for node, (status, failures) in sorted(theirs.items()):
        mine = ours[node]
        if mine["status"] != status or (failures or 0) != max(mine["failures"], 0):
            wrong.append((node, status, failures, mine))
    there, here = state(server, REAL), state(server, OURS)
    wrong += [(name, "only in", "dbt" if name in there else "ours") for name in sorted(set(there) ^ set(here))]
    for name in sorted(set(there) & set(here)):
        for what in ("relation", "columns", "rows"):
            a, b = there[name][what], here[name][what]
            if a != b:
                wrong.append((name, what, "dbt:", [x for x in a if x not in b] or a, "we:", [x for x in b if x not in a] or b))
    for line in wrong:
        print(f"build {build + 1}:", *line)
    assert not wrong, f"{len(wrong)} differences"
    return len(there)


def main():
    pg_server.need()
    python = venv.ensure(*peer_dbt.PACKAGES)
    folder = tempfile.mkdtemp(prefix="selvedge-lab-")
    try:
        with pg_server.Server(settings=("jit=off",)) as server, pg_server.Server() as empty:
            for database in (REAL, OURS):
                server.tool("createdb", "-h", server.folder, "-U", pg_server.USER, database)
            empty.tool("createdb", "-h", empty.folder, "-U", pg_server.USER, OURS)
            server.sql("CREATE ROLE lab_reader")
            for build, mutation in enumerate(lab.MUTATIONS):
                write(folder, build)
                for database in (REAL, OURS):
                    server.sql(mutation, database)
                theirs = real_build(python, folder, server, build)
                count = compare(server, build, theirs, our_build(python, folder, server, empty, build))
                errors = sorted(node for node, (status, _) in theirs.items() if status == "error")
                print(f"build {build + 1}: {count} relations, {len(theirs)} nodes, the same; errors of both: {', '.join(errors)}", flush=True)
            left = server.sql("SELECT relname FROM pg_class WHERE relname ~ '__dbt_' AND relkind <> 'i'", OURS)
            assert left == [], left
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
