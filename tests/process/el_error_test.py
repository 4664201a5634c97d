"""What goes wrong is one clear error with a hint, and nothing is half-applied."""
import os
import resource
import signal
import sqlite3
import subprocess
import time

import el_step
from el_step import execute, main, request, rows, run, run_ok

TILL = {"type": "sqlite", "path": "till.db", "table": "sales"}


def target(mode="overwrite", **more):
    return dict({"type": "sqlite", "path": "shop.db", "table": "sales", "mode": mode}, **more)


def till(count=10):
    db = sqlite3.connect("till.db")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, note TEXT, updated_at TEXT)")
    db.executemany("INSERT INTO sales VALUES (?, ?, ?)", ((i, "n" * 60, "t%08d" % i) for i in range(count)))
    db.commit()
    db.close()


def fails(step, code, *words, hint=None, exit_code=1):
    result = run(step)
    assert result.code == exit_code, (result.code, result.error)
    assert result.error and result.error["code"] == code, result.error
    for word in words:
        assert word in result.error["message"], (word, result.error)
    assert not hint or hint in result.error.get("hint", ""), (hint, result.error)
    assert len(result.events) == 1 and "el.failed" in result.log
    return result


def csv(text, path="f.csv"):
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return {"type": "csv", "path": path}


def requests_that_make_no_sense():
    for text, word in ((b"", ""), (b"[]", "object"), (b"{", ""), (b'{"kind":"x","asset":"a"}', "kind"),
                       (b'{"kind":"extract_load","asset":"a"}', "tap"), (b'{"kind":"sql","asset":"a","path":"p"}', "name"),
                       (b'{"kind":"checks","asset":"a"}', "checks"),
                       (b'{"kind":"checks","asset":"a","checks":[{"name":"c","sql":"select 1"}]}', "checks[0].database")):
        result = run(text)
        assert result.code == 2 and result.error["code"] == "invalid" and word in result.error["message"], result.error
    till()
    fails(request(TILL, dict(target(), extra=1)), "invalid", "extra", exit_code=2)
    fails(request(dict(TILL, tabel="x"), target()), "invalid", "tabel", hint="table", exit_code=2)
    fails(request(dict(TILL, type="oracle"), target()), "invalid", "oracle", hint="sqlite", exit_code=2)
    fails(request(TILL, dict(target(), type="oracle")), "invalid", "oracle", hint="jsonl", exit_code=2)
    fails(request(TILL, target("upsert")), "invalid", "primary_key", hint="primary_key")
    fails(request(TILL, target("append")), "invalid", "replication_key", hint="upsert")
    fails(request(TILL, {"type": "jsonl", "path": "x.jsonl", "mode": "upsert"}), "invalid", "upserted")
    assert subprocess.run([el_step.EL, "stepp"], capture_output=True).returncode == 2
    assert not os.path.exists("x.jsonl")


def names_that_are_not_there():
    till()
    fails(request(dict(TILL, table="sale"), target()), "not_found", "sale", hint="sales")
    fails(request(dict(TILL, columns=["ID", "notes"]), target()), "not_found", "notes", hint="note")
    fails(request(dict(TILL, replication_key="update_at"), target("upsert", primary_key=["id"])), "not_found", hint="updated_at")
    fails(request(TILL, target(primary_key=["idd"])), "not_found", "idd", hint="id")
    fails(request(dict(TILL, path="no.db"), target()), "not_found", "no.db", hint="path")
    fails(request(TILL, target(path="no/shop.db")), "not_found", "no/shop.db", hint="folder")
    fails(request({"type": "csv", "path": "no.csv"}, target()), "not_found", "no.csv")
    fails(request({"type": "csv", "path": "."}, target()), "invalid", "regular file", hint="*.csv")
    fails({"kind": "sql", "asset": "a", "path": "till.db", "name": "x", "sql": "SELECT * FROM sale"}, "invalid", hint="sales")
    execute("shop.db", "DROP TABLE IF EXISTS sales", "CREATE VIEW sales AS SELECT 1")
    fails(request(TILL, target()), "invalid", "view")


def files_that_are_wrong_name_the_line():
    for text, message, hint in (
            ("id,name\n1,a\n2,b,c\n", "f.csv:3: 3 fields", "delimiter"), ("id,name\n1,\"a\n", "f.csv:2", "close it"),
            ("id\n\"1\"x\n", "f.csv:2: text follows", "quote"), (b"id\n\xff\n", "f.csv:2: not UTF-8", "iconv"),
            (b"i\0d\0\n\0", "zero byte", "iconv"), ("id,\n1,2\n", "empty", "name"), ("id,id\n", "twice", "name"),
            ("id,ID\n1,2\n", "case", "rename")):
        fails(request(csv(text), target()), "invalid", message, hint=hint)
    fails(request(dict(csv("a\n"), delimiter=",,"), target()), "invalid", "delimiter")
    for text, message in (('{"a":1}\n{"a":}\n', "f.jsonl:2"), ("[1]\n", "f.jsonl:1"), ('{"a":1,"a":2}\n', "twice")):
        csv(text, "f.jsonl")
        fails(request({"type": "jsonl", "path": "f.jsonl"}, target()), "invalid", message)
    schema = '{"type":"SCHEMA","stream":"s","schema":{"required":["id"],"properties":{"id":{"type":"integer"}}}}\n'
    for text, message in (
            ("x\n", "f.s:1"), ("{}\n", "type"), ('{"type":"RECORD","stream":"s","record":{}}\n', "before its SCHEMA"),
            (schema + '{"type":"RECORD","stream":"s","record":{}}\n', "f.s:2: required \"id\""),
            (schema + '{"type":"RECORD","stream":"s","record":{"id":"x"}}\n', "f.s:2: column \"id\": expected"),
            (schema + '{"type":"RECORD","stream":"t","record":{"id":1}}\n', "before its SCHEMA"),
            (schema + schema.replace('"stream":"s"', '"stream":"t"'), "several streams"),
            (schema + '{"type":"BATCH","stream":"s"}\n', "manifest"),
            ('{"type":"SCHEMA","stream":"s","schema":{}}\n', "properties"),
            ('{"type":"SCHEMA","stream":"s","schema":{"properties":{"a":{}}},"key_properties":["b"]}\n', "\"b\"")):
        csv(text, "f.s")
        fails(request({"type": "singer", "path": "f.s"}, target("append")), "invalid", message)
    assert not os.path.exists("shop.db") or rows("shop.db", "SELECT * FROM sqlite_schema") == []


def types_that_do_not_fit():
    run_ok(request(csv("id,price\n1,2\n"), target("append")))
    with open("f.csv", "a") as f:
        f.write("2,cheap\n")
    fails(request(csv("id,price\n1,2\n2,cheap\n"), target("append")), "invalid", "f.csv:3", "price", "cheap", hint="overwrite")
    assert rows("shop.db", "SELECT count(*) FROM sales") == [(1,)]
    execute("till.db", "CREATE TABLE sales (id TEXT, price TEXT)", "INSERT INTO sales VALUES ('007', '1')")
    fails(request(TILL, target("upsert", primary_key=["id"])), "invalid", "\"id\"", "INTEGER", hint="overwrite")
    execute("k.db", "CREATE TABLE t (id TEXT, k)", "INSERT INTO t VALUES (NULL, 1), ('a', x'00')")
    fails(request({"type": "sqlite", "path": "k.db", "table": "t"}, target("upsert", table="t", primary_key=["id"])),
          "invalid", "primary key is NULL")
    fails(request({"type": "sqlite", "path": "k.db", "table": "t", "replication_key": "k"}, target("append", table="t")),
          "invalid", "blob")
    execute("shop.db", "CREATE TABLE one (id INTEGER, k INTEGER UNIQUE CHECK (k < 5))")
    open("o.csv", "w").write("id,k\n1,1\n2,1\n")
    fails(request({"type": "csv", "path": "o.csv"}, target("append", table="one")), "exists", "row 2")
    open("o.csv", "w").write("id,k\n1,9\n")
    fails(request({"type": "csv", "path": "o.csv"}, target("append", table="one")), "invalid", "row 1", "CHECK")
    assert rows("shop.db", "SELECT count(*) FROM one") == [(0,)]


def a_locked_source_is_waited_for_then_named():
    execute("till.db", "CREATE TABLE sales (id)")
    db = sqlite3.connect("till.db", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    process, events = el_step.start(request(TILL, target()))
    time.sleep(0.5)
    assert process.poll() is None  # it waits
    db.execute("COMMIT")
    assert el_step.finish(process, events).code == 0
    db.execute("BEGIN EXCLUSIVE")
    fails(request(TILL, target()), "busy", "till.db", "locked", hint="another program")
    db.close()


def a_full_disk_leaves_what_was_there():
    till(200000)
    execute("shop.db", "CREATE TABLE sales (id INTEGER PRIMARY KEY, note TEXT, updated_at TEXT)", "INSERT INTO sales VALUES (-1, 'old', '')")
    limit = lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20)))
    for mode, key in (("overwrite", ["id"]), ("upsert", ["id"])):
        result = run(request(dict(TILL, replication_key="updated_at"), target(mode, primary_key=key)), preexec_fn=limit)
        assert result.code == 1 and result.error["code"] == "full", result.error
        assert rows("shop.db", "PRAGMA integrity_check") == [("ok",)]
        assert rows("shop.db", "SELECT count(*), min(id) FROM sales") == [(1, -1)]
    result = run(request(TILL, {"type": "jsonl", "path": "o.jsonl", "mode": "overwrite"}), preexec_fn=limit)
    assert result.code == 1 and result.error["code"] == "full", result.error
    assert not os.path.exists("o.jsonl") and not os.path.exists("o.jsonl.new")


def sigterm_rolls_back_at_once():
    # A source without an end in sight: the signal comes in the middle on any machine.
    execute("till.db", "CREATE VIEW sales AS WITH RECURSIVE c(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM c WHERE id < 1000000000) "
            "SELECT id, 'note' AS note FROM c")
    run_ok({"kind": "sql", "asset": "a", "path": "shop.db", "name": "n", "sql": "SELECT 1 AS one"})
    slow = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000000000) SELECT sum(i) FROM c"
    locker = sqlite3.connect("busy.db", isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    for step, says in ((request(TILL, target()), True),
                       ({"kind": "sql", "asset": "a", "path": "shop.db", "name": "n", "sql": slow}, True),
                       ({"kind": "checks", "asset": "a", "checks": [{"name": "c", "database": {"type": "sqlite", "path": "shop.db"}, "sql": slow}]}, True),
                       (request(TILL, target(path="busy.db")), False)):
        process, events = el_step.start(step)
        time.sleep(0.6)
        began = time.monotonic()
        process.terminate()
        process.wait()
        took = time.monotonic() - began
        result = el_step.finish(process, events)
        assert result.code == 143, (result.code, result.error)
        assert not result.of("check"), "a check that was stopped has no verdict"
        assert took < 0.5, took  # 0.1 s on a quiet machine without sanitizers
        if says and took < 0.06:  # later, the grace time may have ended it without a word
            assert result.error["code"] == "cancelled", result.error
    assert rows("shop.db", "SELECT count(*) FROM sqlite_schema WHERE name = 'sales'") == [(0,)]
    assert rows("shop.db", "SELECT one FROM n") == [(1,)]


main([requests_that_make_no_sense, names_that_are_not_there, files_that_are_wrong_name_the_line, types_that_do_not_fit,
      a_locked_source_is_waited_for_then_named, a_full_disk_leaves_what_was_there, sigterm_rolls_back_at_once])
