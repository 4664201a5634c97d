"""What a load leaves behind: modes, bookmarks, files that grow, schema changes, checks, SQL assets."""
import glob
import json
import os
import sqlite3
import time

import el_step
from el_step import execute, main, request, rows, run, run_ok

TILL = {"type": "sqlite", "path": "till.db", "table": "sales"}
KEYED = dict(TILL, replication_key="updated_at")


def till(*values, wal=True):
    if not os.path.exists("till.db"):
        execute("till.db", f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}",
                "CREATE TABLE sales (id INTEGER PRIMARY KEY, total REAL, note VARCHAR(20), updated_at TEXT)")
    db = sqlite3.connect("till.db")
    db.executemany("INSERT OR REPLACE INTO sales VALUES (?, ?, ?, ?)", values)
    db.commit()
    db.close()


def into(mode, table="sales", **more):
    return dict({"type": "sqlite", "path": "shop.db", "table": table, "mode": mode}, **more)


def load(tap, target, **more):
    return run_ok(request(tap, target, **more)).metadata


def upsert_follows_the_replication_key():
    till((1, 1.5, "a", "2026-01-01"), (2, 2.5, None, "2026-01-02"))
    step = (KEYED, into("upsert", primary_key=["id"]))
    made = load(*step)
    assert (made["rows_read"], made["rows_written"], made["dagster/row_count"]) == (2, 2, 2), made
    assert (made["replication_key_min"], made["replication_key_max"]) == ("2026-01-01", "2026-01-02")
    assert [c["type"] for c in made["dagster/column_schema"]["columns"]] == ["INTEGER", "REAL", "VARCHAR(20)", "TEXT"]
    made = load(*step)
    assert (made["rows_read"], made["rows_written"]) == (1, 0), made  # the row at the bookmark comes again
    till((1, 9.5, "changed", "2026-01-03"), (3, 3.5, "late, same key", "2026-01-02"))
    made = load(*step)
    assert (made["rows_read"], made["rows_written"], made["dagster/row_count"]) == (3, 2, 3), made
    assert rows("shop.db", "SELECT * FROM sales ORDER BY id") == rows("till.db", "SELECT * FROM sales ORDER BY id")


def append_takes_late_rows_with_the_bookmarks_key_once():
    till((1, 1, "a", "t1"), (2, 2, "b", "t2"), (3, 2, "b", "t2"))
    step = (dict(KEYED, columns=["total", "note", "updated_at"]), into("append"))
    assert load(*step)["rows_written"] == 3
    assert load(*step)["rows_written"] == 0
    till((4, 2, "b", "t2"), (5, 7, "c", "t2"))  # one equal to what was loaded, one new
    assert load(*step)["rows_written"] == 2
    assert load(*step)["rows_written"] == 0
    till((6, 1, "d", "t3"))
    assert load(*step)["rows_written"] == 1
    want = rows("till.db", "SELECT total, note, updated_at FROM sales ORDER BY 3, 1, 2")
    assert rows("shop.db", "SELECT total, note, updated_at FROM sales ORDER BY 3, 1, 2") == want
    # A new column makes the rows at the bookmark look different; they still count as loaded.
    execute("till.db", "ALTER TABLE sales ADD COLUMN extra TEXT DEFAULT 'x'")
    step[0]["columns"].append("extra")
    assert load(*step)["rows_written"] == 0
    till_with_extra = sqlite3.connect("till.db")
    till_with_extra.execute("INSERT INTO sales VALUES (7, 1, 'e', 't4', 'y')")
    till_with_extra.commit()
    assert load(*step)["rows_written"] == 1
    assert rows("shop.db", "SELECT extra FROM sales WHERE updated_at = 't4'") == [("y",)]


def null_keys_are_counted_and_reported():
    till((1, 1, "a", None), (2, 2, "b", "t1"))
    result = run_ok(request(KEYED, into("upsert", primary_key=["id"])))
    assert result.metadata["rows_without_replication_key"] == 1
    assert "rows_without_replication_key" in result.log
    assert rows("shop.db", "SELECT id FROM sales") == [(2,)]


def keys_are_compared_by_type():
    execute("till.db", "CREATE TABLE n (id INTEGER PRIMARY KEY, v)",
            "INSERT INTO n VALUES (1, 9), (2, 10), (3, 9.5), (4, 'x'), (5, 100)")
    tap = {"type": "sqlite", "path": "till.db", "table": "n", "replication_key": "v"}
    target = into("upsert", "n", primary_key=["id"])
    assert load(tap, target)["rows_read"] == 5
    execute("till.db", "INSERT INTO n VALUES (6, 'w'), (7, 'y'), (8, 11)")
    load(tap, target)  # 'w' and 11 sort before the bookmark 'x'
    assert [r[0] for r in rows("shop.db", "SELECT id FROM n ORDER BY id")] == [1, 2, 3, 4, 5, 7]
    execute("till.db", "CREATE TABLE i (id INTEGER PRIMARY KEY)", "INSERT INTO i VALUES (9), (9007199254740993)")
    tap = {"type": "sqlite", "path": "till.db", "table": "i", "replication_key": "id"}
    load(tap, into("append", "i"), state_id="i")
    execute("till.db", "INSERT INTO i VALUES (10), (9007199254740994)")
    load(tap, into("append", "i"), state_id="i")
    assert [r[0] for r in rows("shop.db", "SELECT id FROM i ORDER BY id")] == [9, 9007199254740993, 9007199254740994]


def overwrite_swaps_and_keeps_indexes_and_views():
    till((1, 1, "a", "t1"), (2, 2, "b", "t2"))
    load(TILL, into("overwrite", primary_key=["id"]))
    execute("shop.db", "CREATE INDEX by_note ON sales (note)", "CREATE VIEW v AS SELECT sum(total) AS s FROM sales")
    execute("till.db", "DELETE FROM sales WHERE id = 1", "ALTER TABLE sales ADD COLUMN extra TEXT")
    made = load(TILL, into("overwrite", primary_key=["id"]))
    assert made["dagster/row_count"] == 1
    assert rows("shop.db", "SELECT s FROM v") == [(2.0,)]
    assert rows("shop.db", "SELECT name FROM sqlite_schema WHERE name LIKE '%selvedge_new%' OR name = 'by_note'") == [("by_note",)]
    assert [r[1] for r in rows("shop.db", "PRAGMA table_info(sales)")] == ["id", "total", "note", "updated_at", "extra"]


def nothing_new_writes_nothing():
    till((1, 1, "a", "t1"))
    step = (KEYED, into("upsert", primary_key=["id"]))
    load(*step)
    before = (os.stat("shop.db").st_mtime_ns, rows("shop.db", "SELECT * FROM _selvedge_state"))
    load(*step)
    assert (os.stat("shop.db").st_mtime_ns, rows("shop.db", "SELECT * FROM _selvedge_state")) == before


def new_columns_are_added_and_lost_tables_loaded_again():
    till((1, 1, "a", "t1"))
    step = (KEYED, into("upsert", primary_key=["id"]))
    load(*step)
    execute("till.db", "ALTER TABLE sales ADD COLUMN cashier TEXT", "UPDATE sales SET cashier = 'ann'")
    load(*step)
    assert rows("shop.db", "SELECT cashier FROM sales") == [("ann",)]
    execute("shop.db", "DROP TABLE sales")
    assert load(*step)["rows_written"] == 1


def an_upsert_into_a_table_without_the_key_makes_an_index():
    till((1, 1, "a", "t1"), (2, 2, "b", "t2"))
    execute("shop.db", "CREATE TABLE sales (id, total, note, updated_at)", "INSERT INTO sales VALUES (1, 0, '', '')")
    load(KEYED, into("upsert", primary_key=["id"]))
    assert rows("shop.db", "SELECT id, note FROM sales ORDER BY id") == [(1, "a"), (2, "b")]


def a_rollback_journal_source_lets_the_writer_in():
    till(*((i, i, "x" * 100, "t%07d" % i) for i in range(120000)), wal=False)
    for key, mode in (("updated_at", "upsert"), ("", "overwrite")):
        execute("till.db", "CREATE INDEX IF NOT EXISTS by_time ON sales (updated_at)")
        tap = dict(TILL, **({"replication_key": key} if key else {}))
        process, events = el_step.start(request(tap, into(mode, mode, primary_key=["id"]), state_id=mode))
        db = sqlite3.connect("till.db", timeout=5)
        waits = []
        while process.poll() is None:
            began = time.monotonic()
            with db:
                db.execute("UPDATE sales SET total = total WHERE id = 5")
            waits.append(time.monotonic() - began)
            time.sleep(0.02)
        db.close()
        result = el_step.finish(process, events)
        assert result.code == 0, result.error
        assert max(waits) < 2, max(waits)
        assert rows("shop.db", f"SELECT count(*), sum(id) FROM {mode}") == rows("till.db", "SELECT count(*), sum(id) FROM sales")


def csv_keeps_what_people_mean():
    os.mkdir("in")
    open("in/a.csv", "w").write('id,code,price,big,empty,text\r\n1,007,1.50,12345678901234567890,,""\r\n2,8,2,1,,"a ""b"",\nc"\r\n\r\n')
    made = load({"type": "csv", "path": "in/*.csv"}, into("append", "t"))
    assert [c["type"] for c in made["dagster/column_schema"]["columns"]] == ["INTEGER", "TEXT", "REAL", "TEXT", "TEXT", "TEXT"]
    assert rows("shop.db", "SELECT * FROM t") == [(1, "007", 1.5, "12345678901234567890", None, ""), (2, "8", 2.0, "1", None, 'a "b",\nc')]
    open("in/b.csv", "w").write("\ufeffcode,id,more\n9,3,x\n")
    made = load({"type": "csv", "path": "in/*.csv"}, into("append", "t"))
    assert made["rows_read"] == 1
    assert rows("shop.db", "SELECT id, code, more, price FROM t WHERE id = 3") == [(3, "9", "x", None)]
    open("in/h.tsv", "w").write("1\tx\n2\ty")
    load({"type": "csv", "path": "in/h.tsv", "delimiter": "\t", "header": False}, into("append", "h"))
    assert rows("shop.db", "SELECT c1, c2 FROM h") == [(1, "x"), (2, "y")]
    load({"type": "csv", "path": "in/h.tsv", "delimiter": "\t", "header": False, "columns": ["n", "name"]},
         into("overwrite", "h"))
    assert rows("shop.db", "SELECT n, name FROM h") == [(1, "x"), (2, "y")]


def a_file_is_loaded_once_even_when_it_is_away_for_a_while():
    open("a.csv", "w").write("id\n1\n")
    open("b.csv", "w").write("id\n2\n")
    step = ({"type": "csv", "path": "*.csv"}, into("append", "t"))
    assert load(*step)["rows_written"] == 2
    os.rename("b.csv", "b.away")
    assert load(*step)["rows_written"] == 0
    os.rename("b.away", "b.csv")
    assert load(*step)["rows_written"] == 0
    open("empty.csv", "w")
    open("only_header.csv", "w").write("id\n")
    assert load(*step)["rows_written"] == 0
    open("only_header.csv", "a").write("3\n")
    open("empty.csv", "a").write("id\n4\n")
    assert load(*step)["rows_written"] == 2
    assert load({"type": "csv", "path": "none*.csv"}, into("append", "u"), state_id="u")["rows_read"] == 0


def jsonl_finds_columns_and_grows():
    open("e.jsonl", "w").write('{"id":1,"x":1,"ok":true,"tags":["a"],"n":null}\n{"id":2,"x":1.5,"s":"\\u0041\\n","mix":1}\n\n{"id":3,"mix":"a"}\n{"id":4')
    step = ({"type": "jsonl", "path": "e.jsonl"}, into("append", "e"))
    assert load(*step)["rows_written"] == 3  # the last line is still being written
    assert rows("shop.db", "SELECT id, x, ok, tags, n, s, mix FROM e") == [
        (1, 1.0, 1, '["a"]', None, None, None), (2, 1.5, None, None, None, "A\n", "1"), (3, None, None, None, None, None, "a")]
    open("e.jsonl", "a").write(',"late":true}\n')
    assert load(*step)["rows_written"] == 1
    assert rows("shop.db", "SELECT id, late FROM e WHERE late IS NOT NULL") == [(4, 1)]


def jsonl_target_appends_exactly_once():
    till((1, 1.25, "a\u00e9\x01", "t1"), (2, None, None, "t2"))
    target = {"type": "jsonl", "path": "out.jsonl", "mode": "append"}
    made = load(KEYED, target)
    assert (made["rows_written"], made["dagster/row_count"]) == (2, 2)
    assert [json.loads(line) for line in open("out.jsonl")] == [
        {"id": 1, "total": 1.25, "note": "a\u00e9\x01", "updated_at": "t1"},
        {"id": 2, "total": None, "note": None, "updated_at": "t2"}]
    with open("out.jsonl", "a") as f:
        f.write('{"id": 99')  # what a killed run leaves
    till((3, 3, "c", "t3"))
    made = load(KEYED, target)
    assert (made["rows_written"], made["dagster/row_count"]) == (1, 3), made
    assert [json.loads(line)["id"] for line in open("out.jsonl")] == [1, 2, 3]
    load(TILL, dict(target, mode="overwrite", path="all.jsonl"), state_id="all")
    assert len(open("all.jsonl").readlines()) == 3 and not glob.glob("*.new")


def singer_streams_become_tables():
    line = '{"type":"%s","stream":"%s",%s}\n'
    schema = '"schema":{"properties":{"id":{"type":"integer"},"v":{"type":["null","string"]}%s}},"key_properties":["id"]'
    with open("s.singer", "w") as f:
        f.write(line % ("SCHEMA", "users", schema % ""))
        f.write(line % ("RECORD", "users", '"record":{"id":1,"v":"a"}'))
        f.write(line % ("RECORD", "users", '"record":{"id":1,"v":"b"}'))
        f.write('{"type":"STATE","value":{"users":1}}\n')
    step = ({"type": "singer", "path": "s.singer"}, into("upsert", "users"))
    load(*step)
    with open("s.singer", "a") as f:
        f.write(line % ("schema", "users", schema % ',"w":{"type":"object"}'))
        f.write(line % ("RECORD", "users", '"record":{"id":2,"w":{"k":1},"unknown":5}'))
        f.write(line % ("ACTIVATE_VERSION", "users", '"version":1') + '{"type":"HELLO"}\n')
    assert load(*step)["rows_read"] == 1
    assert rows("shop.db", "SELECT * FROM users") == [(1, "b", None), (2, None, '{"k":1}')]
    state = json.loads(rows("shop.db", "SELECT value FROM _selvedge_state")[0][0])
    assert state["singer_state"] == {"users": 1}


def checks_and_sql_assets():
    till((1, 10, "a", "t1"), (2, 20, "b", "t1"))
    checks = [{"name": "has_rows", "sql": "SELECT count(*) > 0 FROM sales"},
              {"name": "too_dear", "sql": "SELECT count(*) = 0 FROM sales WHERE total > 15", "severity": "warn"},
              {"name": "source", "sql": "SELECT 1 FROM sales LIMIT 1", "path": "till.db"},
              {"name": "broken", "sql": "SELECT * FROM missing"}, {"name": "writes", "sql": "DELETE FROM sales"}]
    result = run_ok(request(KEYED, into("upsert", primary_key=["id"]), checks=checks))
    assert [(c["name"], c["passed"], c["severity"]) for c in result.of("check")] == [
        ("has_rows", True, "error"), ("too_dear", False, "warn"), ("source", True, "error"),
        ("broken", False, "error"), ("writes", False, "error")]
    assert rows("shop.db", "SELECT count(*) FROM sales") == [(2,)]
    sql = {"kind": "sql", "asset": "daily", "path": "shop.db", "name": "daily", "materialized": "table",
           "sql": "SELECT updated_at AS day, sum(total) AS total FROM sales GROUP BY 1; -- the end",
           "checks": [{"name": "one", "sql": "SELECT count(*) FROM daily"}]}
    for _ in range(2):
        result = run_ok(sql)
        assert result.metadata["dagster/row_count"] == 1 and result.of("check")[0]["passed"]
    run_ok(dict(sql, materialized="view"))
    assert rows("shop.db", "SELECT type FROM sqlite_schema WHERE name = 'daily'") == [("view",)]
    assert rows("shop.db", "SELECT * FROM daily") == [("t1", 30.0)]
    for bad in ("DELETE FROM sales", "SELECT 1; DELETE FROM sales", "ATTACH 'x' AS y", "SELECT ?1", "PRAGMA user_version=3",
                "SELECT * FROM sale", "SELECT load_extension('x')"):
        result = run(dict(sql, sql=bad))
        assert result.code == 1 and result.error["message"], bad
    assert "sales" in run(dict(sql, sql="SELECT * FROM sale")).error["hint"]
    assert rows("shop.db", "SELECT * FROM daily") == [("t1", 30.0)]


def a_state_of_an_older_version_counts():
    """Which kept no history of it."""
    till((1, 1.5, "a", "2026-01-01"), (2, 2.5, None, "2026-01-02"))
    load(KEYED, into("append"))
    execute("shop.db", "DROP TABLE _selvedge_state_history")
    till((3, 3.5, None, "2026-01-03"))
    load(KEYED, into("append"))
    assert rows("shop.db", "SELECT id FROM sales ORDER BY rowid") == [(1,), (2,), (3,)], "none twice"
    assert rows("shop.db", "SELECT count(*) FROM _selvedge_state_history") == [(1,)]


def steps_that_make_a_file_together():
    """Steps of one run load into a database that none of them has made before."""
    with open("in.csv", "w") as file:
        file.write("id\n1\n2\n")
    for turn in range(8):
        steps = [request({"type": "csv", "path": "in.csv"}, {"type": "sqlite", "path": f"{turn}.db", "table": f"t{i}", "mode": "append"},
                         asset=f"a{i}") for i in range(6)]
        for result in [el_step.finish(*started) for started in [el_step.start(step) for step in steps]]:
            assert result.code == 0, (result.error, result.log)


main([value for name, value in list(globals().items())
      if callable(value) and getattr(value, "__module__", "") == "__main__" and name not in ("till", "into", "load")])
