"""The extract/load worker against the sqlite3 shell, psql and Python, each as a whole process."""
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pg_server
from harness import Result, Skip, row

TABLE_ROWS = 2000000

COLUMNS = ("id INTEGER PRIMARY KEY", "shop TEXT", "sold_at TEXT", "customer INTEGER", "item TEXT", "quantity INTEGER",
           "price REAL", "total REAL", "note TEXT", "updated_at TEXT")
TABLE = f"CREATE TABLE sales ({', '.join(COLUMNS)})"
SALES = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
SELECT i, 'brooklyn', strftime('%Y-%m-%dT%H:%M:%S', 1767225600 + i * 7, 'unixepoch'), i * 7919 % 50000,
    'item-' || (i % 700), i % 5 + 1, (i * 31 % 5000) / 100.0, (i * 31 % 5000) * (i % 5 + 1) / 100.0,
    CASE i % 3 WHEN 0 THEN 'paid in cash' END, strftime('%Y-%m-%dT%H:%M:%S', 1767225600 + i * 7, 'unixepoch')
FROM n"""


def load(budget, peer, clock="cpu_ns", memory="<= 8 MB"):
    """Registers two rows, for the rate and for the peak memory of the largest process, from the same loads. The function that is decorated
    prepares and gives the number of rows and what runs ours and the peer's load; it is a generator, so that it can clean up."""
    def register(prepare):
        name = prepare.__name__

        def both(bench):
            with contextlib.contextmanager(prepare)(bench) as (rows, ours, theirs):
                peaks = {ours: 0, theirs: 0}

                def seconds(run):
                    done = run()
                    peaks[run] = max(peaks[run], done["peak_bytes"])
                    return done[clock] / 1e9 / rows

                rates = bench.rates(lambda: seconds(ours), lambda: seconds(theirs))
                return rates, Result(peaks[ours] / 1e6, peaks[theirs] / 1e6)

        def rate(bench):
            return bench.once(name, both)[0]

        def peak(bench):
            return bench.once(name, both)[1]

        rate.__name__, peak.__name__ = name, f"{name}_memory"
        row("rows/s", budget, f"{peer}, {'CPU' if clock == 'cpu_ns' else 'wall'} time")(rate)
        row("MB", memory, "the same, peak memory of the largest process")(peak)
        return prepare
    return register


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


def run_step(bench, tap, target, **more):
    step = {"kind": "extract_load", "asset": "shop/sales", "tap": tap, "target": target, **more}
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
    """Ours and the shell's load into SQLite."""
    need_shell()
    target = {"type": "sqlite", "path": "ours.db", "table": "sales", "mode": mode, "primary_key": ["id"]}

    def ours():
        path = bench.fresh("ours.db")
        done = run_step(bench, tap, target)
        expect_rows(path, rows)
        return done

    def theirs():
        path = bench.fresh("peer.db")
        done = run_shell(bench, path, script)
        expect_rows(path, rows)
        return done

    yield rows, ours, theirs


@load(">= 0.5 x", "INSERT ... SELECT ... WHERE key > n ORDER BY key through ATTACH")
def el_sqlite_to_sqlite(bench):
    rows = bench.count(TABLE_ROWS, 1000)
    source = sales_db(bench, rows)
    script = f"""ATTACH '{source}' AS source; {TABLE};
        INSERT INTO sales SELECT * FROM source.sales WHERE id > 0 ORDER BY id;"""
    return loads(bench, rows, {"type": "sqlite", "path": source, "table": "sales", "replication_key": "id"}, script)


@load(">= 0.5 x", "INSERT ... SELECT of a whole table through ATTACH (SQLite copies records undecoded)")
def el_sqlite_to_sqlite_whole(bench):
    rows = bench.count(TABLE_ROWS, 1000)
    source = sales_db(bench, rows)
    script = f"ATTACH '{source}' AS source; {TABLE}; INSERT INTO sales SELECT * FROM source.sales;"
    return loads(bench, rows, {"type": "sqlite", "path": source, "table": "sales"}, script, "overwrite")


@load(">= 1.1 x", "the sqlite3 shell's .import")
def el_csv_to_sqlite(bench):
    rows = bench.count(TABLE_ROWS, 1000)
    source = sales_csv(bench, rows)
    script = f"{TABLE};\n.import --csv --skip 1 {source} sales\n"
    return loads(bench, rows, {"type": "csv", "path": source}, script)


# --- PostgreSQL: both wait for the same server, so it is the time that counts, and the server's work is the most of it ---

PG_TYPES = {"INTEGER": "bigint", "REAL": "double precision", "TEXT": "text"}
PG_COLUMNS = ", ".join(f"{c.split()[0]} {PG_TYPES[c.split()[1]]}" for c in COLUMNS)


def pg_loads(bench, rows, tap, script, mode):
    """Ours and psql's, into an empty table with a primary key, of a server of its own."""
    if pg_server.BINARIES is None:
        raise Skip("PostgreSQL is not installed")
    with pg_server.Server(settings=["shared_buffers=256MB", "max_wal_size=4GB"]) as server:
        psql = [os.path.join(pg_server.BINARIES, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", server.dsn()]
        target = {"type": "postgres", "dsn": server.dsn(), "table": "sales", "mode": mode, "primary_key": ["id"]}

        def empty():
            server.sql(f"DROP TABLE IF EXISTS sales, _selvedge_state; CREATE TABLE sales ({PG_COLUMNS}, PRIMARY KEY (id)); CHECKPOINT")

        def checked(done):
            if server.sql("SELECT count(*) FROM sales") != [[str(rows)]]:
                raise RuntimeError("not all rows arrived")
            return done

        def ours():
            empty()
            return checked(run_step(bench, tap, target))

        def theirs():
            empty()
            with open(bench.path("script.sql"), "w+") as text:
                text.write(script)
                text.seek(0)
                return checked(bench.run("measure", *psql, stdin=text, cwd=bench.work_dir))

        yield rows, ours, theirs


@load(">= 0.7 x", "psql: COPY of a prepared file", clock="wall_ns")
def el_sqlite_to_postgres(bench):
    rows = bench.count(TABLE_ROWS, 1000)
    tap = {"type": "sqlite", "path": sales_db(bench, rows), "table": "sales", "replication_key": "id"}
    return pg_loads(bench, rows, tap, f"\\copy sales FROM '{sales_csv(bench, rows)}' CSV HEADER\n", "append")


@load(">= 0.85 x", "psql: COPY into a temporary table, INSERT ... ON CONFLICT", clock="wall_ns")
def el_csv_to_postgres(bench):
    rows = bench.count(300000, 1000)
    source = sales_csv(bench, rows)
    names = [c.split()[0] for c in COLUMNS]
    script = (f"BEGIN;\nCREATE TEMPORARY TABLE rows ({PG_COLUMNS});\n\\copy rows FROM '{source}' CSV HEADER\n"
              f"INSERT INTO sales SELECT * FROM rows ON CONFLICT (id) DO UPDATE SET "
              f"{', '.join(f'{name} = excluded.{name}' for name in names[1:])};\nCOMMIT;\n")
    return pg_loads(bench, rows, {"type": "csv", "path": source}, script, "upsert")


# --- Singer: lines of some 290 bytes ---

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
for line in open(sys.argv[2]) if len(sys.argv) > 2 else sys.stdin:
    message = json.loads(line)
    if message["type"] == "RECORD":
        rows.append([message["record"].get(n) for n in names])
        if len(rows) == 10000:
            db.executemany(upsert, rows)
            rows.clear()
db.executemany(upsert, rows)
db.commit()
""" % (COLUMNS, TABLE)


PYTHON_TAP = """
import sys
for line in open(sys.argv[1]):
    sys.stdout.write(line)
"""


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


def our_target(bench, source, rows):
    """Lines of a file into our target, as the Singer program that it is; its input is a pipe."""
    path = bench.fresh("ours.db")
    with open(bench.path("target.json"), "w", encoding="utf8") as f:
        json.dump({"path": path}, f)
    with subprocess.Popen(["cat", source], stdout=subprocess.PIPE) as tap:
        done = bench.run("measure", bench.program("selvedge-el"), "target", "sqlite", "--config", bench.path("target.json"), stdin=tap.stdout,
                         cwd=bench.work_dir)
    expect_rows(path, rows)
    return done


@load(">= 3 x", "Python's json and executemany, upsert by key")
def el_singer_to_sqlite(bench):
    rows = bench.count(TABLE_ROWS, 1000)
    source = sales_singer(bench, rows)
    script = bench.path("target.py")
    with open(script, "w", encoding="utf8") as f:
        f.write(PYTHON_TARGET)

    def theirs():
        path = bench.fresh("peer.db")
        done = bench.run("measure", sys.executable, script, path, source, cwd=bench.work_dir)
        expect_rows(path, rows)
        return done

    yield rows, lambda: our_target(bench, source, rows), theirs


@load(">= 0.85 x", "limit program: a scanner in place that trusts its input, one prepared upsert")
def el_singer_against_the_limit(bench):
    rows = bench.count(TABLE_ROWS, 1000)
    source = sales_singer(bench, rows)

    def theirs():
        path = bench.fresh("peer.db")
        with subprocess.Popen(["cat", source], stdout=subprocess.PIPE) as tap:
            done = bench.run("measure", bench.program("bench/limit_singer"), path, stdin=tap.stdout)
        expect_rows(path, rows)
        return done

    yield rows, lambda: our_target(bench, source, rows), theirs


@load(">= 0.03 x", "the pipe alone: cat into cat", clock="wall_ns", memory="<= 8 MB")
def el_singer_against_the_pipe(bench):
    rows = bench.count(TABLE_ROWS, 1000)
    source = sales_singer(bench, rows)

    def theirs():
        with subprocess.Popen(["cat", source], stdout=subprocess.PIPE) as tap:
            return bench.run("measure", shutil.which("cat"), stdin=tap.stdout)

    yield rows, lambda: our_target(bench, source, rows), theirs


@load(">= 0.9 x", "tap | target in a shell, both in Python", clock="wall_ns", memory="<= 100 MB")
def el_pump(bench):
    """The memory is that of Python."""
    rows = bench.count(TABLE_ROWS // 10, 1000)
    source = sales_singer(bench, rows)
    for name, text in ("tap.py", PYTHON_TAP), ("target.py", PYTHON_TARGET):
        with open(bench.path(name), "w", encoding="utf8") as f:
            f.write(text)

    def ours():
        path = bench.fresh("ours.db")
        shutil.rmtree(bench.path("states"), ignore_errors=True)
        done = run_step(bench, {"type": "singer_program", "command": [sys.executable, bench.path("tap.py"), source]},
                        {"type": "singer_program", "command": [sys.executable, bench.path("target.py"), path], "mode": "append"},
                        state_dir=bench.path("states"))
        expect_rows(path, rows)
        return done

    def theirs():
        path = bench.fresh("peer.db")
        done = bench.run("measure", "/bin/sh", "-c", '"$0" "$1" "$2" | "$0" "$3" "$4"', sys.executable, bench.path("tap.py"), source,
                         bench.path("target.py"), path)
        expect_rows(path, rows)
        return done

    yield rows, ours, theirs


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
