"""selvedge-el is killed -9 at random moments of a load and started again: what is committed is a prefix that the state
describes, and in the end every row is there once. SEED in the environment replays a run."""
import json
import os
import random
import sqlite3
import time

import el_step
from el_step import main, request, rows, run_ok

ROWS = 230000  # three slices
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
rng = random.Random(SEED)
print(f"seed={SEED}")


def values():
    return ((i, (i * 7919) % 1000, "t%05d" % (i // 3)) for i in range(ROWS))


def till():
    db = sqlite3.connect("till.db")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, v INTEGER, t TEXT)")
    db.executemany("INSERT INTO sales VALUES (?, ?, ?)", values())
    db.execute("CREATE INDEX by_t ON sales (t)")
    db.commit()
    db.close()


def files():
    with open("sales.csv", "w") as f:
        f.write("id,v,t\n")
        f.writelines("%d,%d,%s\n" % row for row in values())


def kill_repeatedly(step, check):
    """Kills after random times up to that of a whole load; `check` looks at what is there after each."""
    process, events = el_step.start(step)
    began = time.monotonic()
    time.sleep(rng.uniform(0.05, 0.2))
    process.kill()
    el_step.finish(process, events)
    check()
    longest = 0.5
    for _ in range(40):
        process, events = el_step.start(step)
        began = time.monotonic()
        while process.poll() is None and time.monotonic() - began < longest:
            time.sleep(rng.uniform(0.001, 0.02))
            if rng.random() < 0.02:
                break
        process.kill()
        result = el_step.finish(process, events)
        check()
        if result.code == 0:
            break
        longest *= 1.3
    run_ok(step)


def is_whole(table):
    want = [(ROWS, sum(range(ROWS)), ROWS)]
    got = rows("shop.db", f"SELECT count(*), sum(id), count(DISTINCT id) FROM {table}")
    assert got == want, (SEED, table, got, want)
    assert rows("shop.db", "PRAGMA integrity_check") == [("ok",)]


def loaded(table):
    if not os.path.exists("shop.db") or not rows("shop.db", "SELECT 1 FROM sqlite_schema WHERE name = ?", table):
        return 0, None
    state = rows("shop.db", "SELECT value FROM _selvedge_state")
    return rows("shop.db", f"SELECT count(*) FROM {table}")[0][0], json.loads(state[0][0]) if state else None


def sqlite_to_sqlite(mode):
    till()
    step = request({"type": "sqlite", "path": "till.db", "table": "sales", "replication_key": "t"},
                   {"type": "sqlite", "path": "shop.db", "table": "s", "mode": mode, "primary_key": ["id"]})

    def check():
        count, state = loaded("s")
        if count:  # never rows without the state that describes them
            key = state["bookmarks"]["sales"]["replication_key_value"]
            assert rows("shop.db", "SELECT max(t) FROM s") == [(key,)], SEED
            assert rows("shop.db", "SELECT count(DISTINCT id) FROM s") == [(count,)], SEED

    kill_repeatedly(step, check)
    is_whole("s")


def append():
    sqlite_to_sqlite("append")


def upsert():
    sqlite_to_sqlite("upsert")


def overwrite_shows_the_old_or_the_new():
    till()
    el_step.execute("shop.db", "CREATE TABLE s (id INTEGER, v INTEGER, t TEXT)", "INSERT INTO s VALUES (-1, 0, '')")
    step = request({"type": "sqlite", "path": "till.db", "table": "sales"},
                   {"type": "sqlite", "path": "shop.db", "table": "s", "mode": "overwrite"})
    kill_repeatedly(step, lambda: rows("shop.db", "SELECT count(*) FROM s")[0][0] in (1, ROWS) or exit(f"torn: seed={SEED}"))
    is_whole("s")
    assert rows("shop.db", "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%selvedge_new%'") == [(0,)]


def csv_append():
    files()
    step = request({"type": "csv", "path": "sales.csv"},
                   {"type": "sqlite", "path": "shop.db", "table": "s", "mode": "append"})

    def check():
        count, state = loaded("s")
        if count:
            size = state["files"][0]["size"]
            assert open("sales.csv").read(size).count("\n") == count + 1, SEED

    kill_repeatedly(step, check)
    is_whole("s")


def jsonl_append():
    till()
    step = request({"type": "sqlite", "path": "till.db", "table": "sales", "replication_key": "id"},
                   {"type": "jsonl", "path": "out.jsonl", "mode": "append"})
    kill_repeatedly(step, lambda: None)
    ids = [json.loads(line)["id"] for line in open("out.jsonl")]
    assert ids == list(range(ROWS)), SEED


LINES = 60000


def bad_lines():
    """Singer messages, one in fifty bad: by its line is each either a row or a rejected record."""
    bad = {i for i in range(LINES) if rng.random() < 0.02}
    with open("sales.singer", "w") as f:
        f.write(json.dumps({"type": "SCHEMA", "stream": "s", "key_properties": ["id"], "schema": {"properties": {
            "id": {"type": ["null", "integer"]}, "v": {"type": "integer"}}}}) + "\n")
        for i in range(LINES):
            record = rng.choice(["x", None]) if i in bad else i
            f.write("{broken\n" if record is None else json.dumps({"type": "RECORD", "stream": "s", "record": {"id": i, "v": record}}) + "\n")
    return bad


def rejects_are_committed_with_the_rows_beside_them(mode="append"):
    bad = bad_lines()
    text = open("sales.singer").read()
    step = request({"type": "singer", "path": "sales.singer"},
                   {"type": "sqlite", "path": "shop.db", "mode": mode, "table": "s", "batch_size_rows": 5000,
                    "reject_limit": "5%", "reject_keep": 100000})

    def check():
        count, state = loaded("s")
        if not count:
            return
        lines = text[:state["files"][0]["size"]].count("\n") - 1  # records that the state speaks of
        want = sum(i < lines for i in bad)
        assert count == lines - want, (SEED, count, lines, want)
        assert rows("shop.db", "SELECT count(*), count(DISTINCT place), count(*) FILTER (WHERE outcome = 'rejected') FROM _selvedge_rejected") \
            == [(want, want, want)], (SEED, lines, want)

    kill_repeatedly(step, check)
    run_ok(step)
    check()
    assert rows("shop.db", "SELECT count(*), count(DISTINCT id) FROM s") == [(LINES - len(bad),) * 2], SEED
    places = {int(place.split(":")[1]) - 2 for place, in rows("shop.db", "SELECT place FROM _selvedge_rejected")}
    assert places == bad, SEED


def rejects_of_an_overwrite_are_there_once():
    bad = bad_lines()
    step = request({"type": "singer", "path": "sales.singer"},
                   {"type": "sqlite", "path": "shop.db", "mode": "overwrite", "table": "s", "batch_size_rows": 5000,
                    "reject_limit": "5%", "reject_keep": 100000})

    def check():
        if os.path.exists("shop.db") and rows("shop.db", "SELECT 1 FROM sqlite_schema WHERE name = '_selvedge_rejected'"):
            count, = rows("shop.db", "SELECT count(*), count(DISTINCT place) FROM _selvedge_rejected")
            assert count[0] == count[1] <= len(bad), (SEED, count)

    kill_repeatedly(step, check)
    assert rows("shop.db", "SELECT count(*) FROM s") == [(LINES - len(bad),)], SEED
    assert rows("shop.db", "SELECT count(*), count(DISTINCT place) FROM _selvedge_rejected WHERE outcome = 'rejected'") == [(len(bad),) * 2], SEED


main([rejects_are_committed_with_the_rows_beside_them, rejects_of_an_overwrite_are_there_once, append, upsert, overwrite_shows_the_old_or_the_new, csv_append, jsonl_append])
