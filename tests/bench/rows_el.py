"""The extract/load worker against the sqlite3 shell, each as a whole process."""
import json
import os
import shutil
import sqlite3
import sys

from harness import Result, Skip, row

COLUMNS = ("id INTEGER PRIMARY KEY", "shop TEXT", "sold_at TEXT", "customer INTEGER", "item TEXT", "quantity INTEGER",
           "price REAL", "total REAL", "note TEXT", "updated_at TEXT")
TABLE = f"CREATE TABLE sales ({', '.join(COLUMNS)})"
SALES = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
SELECT i, 'brooklyn', strftime('%Y-%m-%dT%H:%M:%S', 1767225600 + i * 7, 'unixepoch'), i * 7919 % 50000,
    'item-' || i % 700, i % 5 + 1, (i * 31 % 5000) / 100.0, (i * 31 % 5000) * (i % 5 + 1) / 100.0,
    CASE i % 3 WHEN 0 THEN 'paid in cash' END, strftime('%Y-%m-%dT%H:%M:%S', 1767225600 + i * 7, 'unixepoch')
FROM n"""


def need_shell():
    if shutil.which("sqlite3") is None:
        raise Skip("the sqlite3 shell is not installed")


def made(bench, name, make):
    """A scratch file that several rows use, made once."""
    path = bench.path(name)
    if not os.path.exists(path):
        make(path)
    return path


def sales_db(bench, rows):
    def make(path):
        db = sqlite3.connect(path)
        db.execute(TABLE)
        db.execute("INSERT INTO sales" + SALES, (rows,))
        db.commit()
        db.close()
    return made(bench, f"sales-{rows}.db", make)


def sales_csv(bench, rows):
    def make(path):
        db = sqlite3.connect(sales_db(bench, rows))
        with open(path, "w") as f:
            f.write(",".join(c.split()[0] for c in COLUMNS) + "\n")
            f.writelines(",".join("" if v is None else str(v) for v in line) + "\n"
                         for line in db.execute("SELECT * FROM sales"))
        db.close()
    return made(bench, f"sales-{rows}.csv", make)


def run_step(bench, tap, target):
    step = {"kind": "extract_load", "asset": "shop/sales", "tap": tap, "target": target}
    with open(bench.path("step.json"), "w+") as text:
        json.dump(step, text)
        text.seek(0)
        return bench.run("measure", bench.program("selvedge-el"), "step", stdin=text, cwd=bench.work_dir)


def run_shell(bench, path, script):
    with open(bench.path("script.sql"), "w+") as text:
        text.write("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;\n" + script)
        text.seek(0)
        return bench.run("measure", shutil.which("sqlite3"), "-batch", "-bail", path, stdin=text, cwd=bench.work_dir)


def expect_rows(path, rows):
    db = sqlite3.connect(path)
    count = db.execute("SELECT count(*) FROM sales").fetchone()[0]
    db.close()
    if count != rows:
        raise RuntimeError(f"{path}: {count} rows, expected {rows}")


def loads(bench, rows, tap, script, mode="append"):
    need_shell()
    target = {"type": "sqlite", "path": "ours.db", "table": "sales", "mode": mode, "primary_key": ["id"]}

    def ours():
        path = bench.fresh("ours.db")
        done = run_step(bench, tap, target)
        expect_rows(path, rows)
        return done["cpu_ns"] / 1e9 / rows

    def peer():
        path = bench.fresh("peer.db")
        done = run_shell(bench, path, script)
        expect_rows(path, rows)
        return done["cpu_ns"] / 1e9 / rows

    return bench.rates(ours, peer)


@row("rows/s", ">= 0.5 x", "INSERT ... SELECT ... WHERE key > n ORDER BY key through ATTACH, CPU time")
def el_sqlite_to_sqlite(bench):
    rows = bench.count(300000, 1000)
    source = sales_db(bench, rows)
    script = f"""ATTACH '{source}' AS source; {TABLE};
        INSERT INTO sales SELECT * FROM source.sales WHERE id > 0 ORDER BY id;"""
    return loads(bench, rows, {"type": "sqlite", "path": source, "table": "sales", "replication_key": "id"}, script)


@row("rows/s", ">= 0.5 x", "INSERT ... SELECT of a whole table through ATTACH (SQLite copies records undecoded), CPU time")
def el_sqlite_to_sqlite_whole(bench):
    rows = bench.count(300000, 1000)
    source = sales_db(bench, rows)
    script = f"ATTACH '{source}' AS source; {TABLE}; INSERT INTO sales SELECT * FROM source.sales;"
    return loads(bench, rows, {"type": "sqlite", "path": source, "table": "sales"}, script, "overwrite")


@row("rows/s", ">= 1.1 x", "the sqlite3 shell's .import, CPU time")
def el_csv_to_sqlite(bench):
    rows = bench.count(300000, 1000)
    source = sales_csv(bench, rows)
    script = f"{TABLE};\n.import --csv --skip 1 {source} sales\n"
    return loads(bench, rows, {"type": "csv", "path": source}, script)


PYTHON_TARGET = """
import json, sqlite3, sys
names = [c.split()[0] for c in %r]
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=FULL")
db.execute(%r)
marks = ", ".join("?" for _ in names)
sets = ", ".join(f"{n} = excluded.{n}" for n in names[1:])
upsert = f"INSERT INTO sales VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {sets}"
rows = []
for line in open(sys.argv[2]):
    message = json.loads(line)
    if message["type"] == "RECORD":
        rows.append([message["record"].get(n) for n in names])
        if len(rows) == 10000:
            db.executemany(upsert, rows)
            rows.clear()
db.executemany(upsert, rows)
db.commit()
""" % (COLUMNS, TABLE)


def sales_singer(bench, rows):
    """As a Singer tap writes them, about 290 bytes a record."""
    names = [c.split()[0] for c in COLUMNS]
    kinds = {"INTEGER": "integer", "TEXT": "string", "REAL": "number"}
    properties = {c.split()[0]: {"type": ["null", kinds[c.split()[1]]]} for c in COLUMNS}

    def make(path):
        db = sqlite3.connect(sales_db(bench, rows))
        with open(path, "w", encoding="utf8") as f:
            f.write(json.dumps({"type": "SCHEMA", "stream": "sales", "key_properties": ["id"],
                                "schema": {"properties": properties}}) + "\n")
            for line in db.execute("SELECT * FROM sales"):
                f.write(json.dumps({"type": "RECORD", "stream": "sales", "record": dict(zip(names, line)),
                                    "time_extracted": "2026-01-01T00:00:00Z"}) + "\n")
            f.write(json.dumps({"type": "STATE", "value": {"id": rows}}) + "\n")
        db.close()
    return made(bench, f"sales-{rows}.singer", make)


@row("rows/s", ">= 3 x", "Python's json and executemany, upsert by key, CPU time")
def el_singer_to_sqlite(bench):
    rows = bench.count(200000, 1000)
    source = sales_singer(bench, rows)
    script = bench.path("target.py")
    with open(script, "w", encoding="utf8") as f:
        f.write(PYTHON_TARGET)

    def ours():
        path = bench.fresh("ours.db")
        with open(bench.path("target.json"), "w", encoding="utf8") as f:
            json.dump({"path": path}, f)
        done = bench.run("measure", bench.program("selvedge-el"), "target", "sqlite", "--config", bench.path("target.json"),
                         "--input", source, cwd=bench.work_dir)
        expect_rows(path, rows)
        return done["cpu_ns"] / 1e9 / rows

    def peer():
        path = bench.fresh("peer.db")
        done = bench.run("measure", sys.executable, script, path, source, cwd=bench.work_dir)
        expect_rows(path, rows)
        return done["cpu_ns"] / 1e9 / rows

    return bench.rates(ours, peer)


@row("MB", "<= 8 MB")
def el_peak_memory_1gb(bench):
    """Rows of 1 KB with one of 64 KB among each 640: a tenth of the bytes."""
    size = bench.count(10**9, 10**6)
    source = bench.fresh("large.db")
    db = sqlite3.connect(source)
    db.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, at TEXT, body TEXT)")
    db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
               " INSERT INTO sales SELECT i, strftime('%Y-%m-%dT%H:%M:%S', i, 'unixepoch'),"
               " printf('%0*d', iif(i % 640 = 0, 64000, 900), i) FROM n", (size // 1000,))
    db.commit()
    db.close()
    bench.fresh("ours.db")
    done = run_step(bench, {"type": "sqlite", "path": source, "table": "sales", "replication_key": "id"},
                    {"type": "sqlite", "path": "ours.db", "table": "sales", "mode": "append"})
    expect_rows(bench.path("ours.db"), size // 1000)
    bench.fresh("large.db")
    bench.fresh("ours.db")
    return Result(done["peak_bytes"] / 1e6)
