"""Taps csv, jsonl and singer on gzip files; targets csv and jsonl: one file, a file for each stream, packed ones."""
import csv
import glob
import gzip
import hashlib
import json
import os
import resource
import signal
import sqlite3

from el_step import execute, main, request, rows, run, run_ok


def write(path, data, mode="wb"):
    with open(path, mode) as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def read(path):
    with open(path, "rb") as f:
        return f.read()


def into(mode="append", **more):
    return dict({"type": "sqlite", "path": "shop.db", "table": "t", "mode": mode}, **more)


def load(tap, target=None, **more):
    return run_ok(request(tap, target or into(), **more)).metadata


def fails(step, code, *words):
    result = run(step)
    assert result.code == 1 and result.error["code"] == code, (result.error, result.log)
    for word in words:
        assert word in result.error["message"], (word, result.error)
    return result.error


def all_rows(sql="SELECT * FROM t"):
    return rows("shop.db", sql)


def packed_files_are_known_by_content():
    write("a.csv", gzip.compress(b"id,name\n1,ada\n") + gzip.compress(b"2,bob\n"))
    tap = {"type": "csv", "path": "a.csv"}
    assert load(tap)["rows_read"] == 2
    assert "rows_read" not in load(tap) or load(tap)["rows_read"] == 0
    write("a.csv", gzip.compress(b"3,eve\n"), "ab")  # a member more
    assert load(tap)["rows_read"] == 1
    assert all_rows() == [(1, "ada"), (2, "bob"), (3, "eve")]
    write("a.csv", gzip.compress(b"id,name\n1,ada\n9,zoe\n"))
    fails(request(tap, into()), "invalid", "a.csv changed")
    write("e.jsonl.gz", gzip.compress(b"".join(b'{"id":%d}\n' % i for i in range(100000))))
    assert load({"type": "jsonl", "path": "*.gz"}, into(table="e"), state_id="e")["rows_read"] == 100000
    assert all_rows("SELECT count(*), sum(id) FROM e") == [(100000, sum(range(100000)))]
    write("s.gz", gzip.compress(b'{"type":"SCHEMA","stream":"s","key_properties":[],"schema":{"properties":{"id":{"type":"integer"}}}}\n'
                                b'{"type":"RECORD","stream":"s","record":{"id":1}}\n'))
    assert load({"type": "singer", "path": "s.gz"}, into(table="s"), state_id="s")["rows_read"] == 1


def a_damaged_file_gives_what_was_before():
    lines = b"".join(b"%d,%d\n" % (i, i * 7919 % 100003) for i in range(50000))
    whole = gzip.compress(b"id,v\n" + lines)
    write("a.csv.gz", whole[:len(whole) // 2])
    write("b.csv.gz", gzip.compress(b"id,v\n-1,0\n"))  # another one does not suffer
    tap = {"type": "csv", "path": "*.csv.gz"}
    error = fails(request(tap, into()), "corrupt", "a.csv.gz", "cut off", f"near byte {len(whole) // 2}", "bytes into the text")
    assert "whole file" in error["hint"], error
    count, total, low = all_rows("SELECT count(*), sum(id), min(id) FROM t")[0]
    assert 1000 < count < 50001 and low == -1 and total == sum(range(count - 1)) - 1, (count, total)
    fails(request(tap, into()), "corrupt", "cut off")  # and nothing comes twice
    assert all_rows("SELECT count(*) FROM t") == [(count,)]
    fails(request(tap, into("overwrite")), "corrupt")
    assert all_rows("SELECT count(*) FROM t") == [(count,)]
    write("a.csv.gz", whole)
    assert load(tap)["rows_read"] == 50001 - count
    assert all_rows("SELECT count(*), count(DISTINCT id) FROM t") == [(50001, 50001)]
    broken = bytearray(gzip.compress(b'{"id":1}\n') + gzip.compress(b'{"id":2}\n'))
    broken[-5] ^= 0xff
    write("d.jsonl", bytes(broken))
    fails(request({"type": "jsonl", "path": "d.jsonl"}, into(table="d"), state_id="d"), "corrupt", "d.jsonl", "incorrect data check")
    write("n.jsonl", gzip.compress(b'{"id":1}\n') + b"text")
    fails(request({"type": "jsonl", "path": "n.jsonl"}, into(table="n"), state_id="n"), "corrupt", "n.jsonl", "header")
    assert all_rows("SELECT id FROM n") == [(1,)]


TRICKY = [(1, "plain", None, 1.5), (2, "", b"\x00\xff", -0.1), (3, 'a "quoted", one', None, 1e14), (4, "two\nlines\r\n", b"", 3.0),
          (5, "\r", None, None), (6, "007", None, 0.1 + 0.2), (7, "\ufeffmark", None, 123456789.125), (-2**63, None, None, 5e-4),
          (2**63 - 1, "ünï", None, None), (0, ",", None, None), (10, " spaces ", None, None), (11, "1e5", None, None)]


def till():
    execute("till.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, b BLOB, v REAL)")
    db = sqlite3.connect("till.db")
    db.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", TRICKY)
    db.commit()
    db.close()


TILL = {"type": "sqlite", "path": "till.db", "table": "t", "replication_key": "id"}


def csv_comes_back_as_it_was():
    till()
    out = {"type": "csv", "path": "out.csv", "mode": "append"}
    made = load(TILL, out)
    assert made["dagster/row_count"] == made["rows_written"] == len(TRICKY) and made["dagster/table_name"] == "out.csv", made
    with open("out.csv", newline="") as f:  # what Python reads; it does not tell NULL from empty text
        got = list(csv.reader(f))
    want = [[str(i), n or "", (b or b"").hex(), "" if v is None else repr(v)] for i, n, b, v in sorted(TRICKY)]
    assert got == [["id", "name", "b", "v"]] + [w[:3] + [g[3]] for w, g in zip(want, got[1:])], got
    assert [float(g[3] or 0) for g in got[1:]] == [r[3] or 0 for r in sorted(TRICKY)]
    load({"type": "csv", "path": "out.csv"}, into("append"), state_id="back")
    assert all_rows("SELECT id, name, v FROM t ORDER BY id") == [(r[0], r[1], r[3]) for r in sorted(TRICKY)]
    assert all_rows("SELECT group_concat(DISTINCT typeof(name)), group_concat(DISTINCT typeof(v)) FROM t") in (
        [("text,null", "real,null")], [("null,text", "real,null")], [("text,null", "null,real")], [("null,text", "null,real")])
    assert load(TILL, out)["rows_written"] == 0
    execute("till.db", "UPDATE t SET v = 1e300 WHERE id = 1")  # with an exponent: a number where the table says so
    execute("shop.db", "CREATE TABLE e (id INTEGER, name TEXT, b TEXT, v REAL)")
    load(dict(TILL, replication_key=""), {"type": "csv", "path": "e.csv", "mode": "overwrite"}, state_id="e")
    load({"type": "csv", "path": "e.csv"}, into("append", table="e"), state_id="f")
    assert all_rows("SELECT v, typeof(v) FROM e WHERE id = 1") == [(1e300, "real")]
    load(dict(TILL, replication_key=""), {"type": "csv", "path": "semi.csv", "mode": "overwrite", "delimiter": ";"}, state_id="s")
    with open("semi.csv", newline="") as f:
        assert [row[:3] for row in csv.reader(f, delimiter=";")] == [row[:3] for row in got]
    execute("one.db", "CREATE TABLE t (v INTEGER)", "INSERT INTO t VALUES (1), (NULL), (2)")
    load({"type": "sqlite", "path": "one.db", "table": "t"}, {"type": "csv", "path": "one.csv", "mode": "overwrite"}, state_id="o")
    load({"type": "csv", "path": "one.csv"}, into("append", table="one"), state_id="p")
    assert all_rows("SELECT v FROM one") == [(1,), (None,), (2,)]  # an empty line would be no record
    execute("nul.db", "CREATE TABLE t (v TEXT)", "INSERT INTO t VALUES ('a' || char(0))")
    error = fails(request({"type": "sqlite", "path": "nul.db", "table": "t"}, {"type": "csv", "path": "n.csv", "mode": "overwrite"}),
                  "invalid", '"v"', "zero byte")
    assert "jsonl" in error["hint"] and not os.path.exists("n.csv") and not os.path.exists("n.csv.new")


def appended_files_are_put_back_first():
    for kind, compress in (("csv", "none"), ("csv", "gzip"), ("jsonl", "gzip")):
        source, path = f"{kind}{compress}.db", f"out.{kind}.{compress}"
        out = {"type": kind, "path": path, "mode": "append", "compress": compress}
        execute(source, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
        tap = dict(TILL, path=source)
        load(tap, out, state_id=path)
        write(path, b"\x1f\x8bleft by a killed run", "ab")
        execute(source, "INSERT INTO t VALUES (3)")
        assert load(tap, out, state_id=path)["dagster/row_count"] == 3
        text = gzip.decompress(read(path)) if compress == "gzip" else read(path)
        want = b"id\n1\n2\n3\n" if kind == "csv" else b'{"id":1}\n{"id":2}\n{"id":3}\n'
        assert text == want, text
        os.rename(path, path + ".old")  # rotated by somebody, and made anew
        write(path, b"")
        execute(source, "INSERT INTO t VALUES (4)")
        assert load(tap, out, state_id=path)["dagster/row_count"] == 1
        text = gzip.decompress(read(path)) if compress == "gzip" else read(path)
        assert text == (b"id\n4\n" if kind == "csv" else b'{"id":4}\n'), text
        os.remove(path)  # the data are gone, and the state with them
        assert load(tap, out, state_id=path)["dagster/row_count"] == 4
        error = fails(request(tap, dict(out, compress="none" if compress == "gzip" else "gzip"), state_id=path), "exists", path, "packed")
        assert "compress" in error["hint"]
        load(tap, dict(out, mode="overwrite"), state_id=path)
        assert not glob.glob("*.new")


def new_columns_are_told_or_begin_a_file():
    execute("till.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", "INSERT INTO t VALUES (1, 'x')")
    out = {"type": "csv", "path": "out.csv", "mode": "append"}
    load(TILL, out)
    execute("till.db", "ALTER TABLE t ADD COLUMN c INTEGER", "INSERT INTO t VALUES (2, 'y', 7)")
    error = fails(request(TILL, out), "invalid", "out.csv", '"c"')
    assert "new_file" in error["hint"] and read("out.csv") == b"id,a\n1,x\n"
    assert load(TILL, dict(out, new_columns="new_file"))["dagster/row_count"] == 1
    assert read("out.csv.1") == b"id,a\n1,x\n" and read("out.csv") == b"id,a,c\n2,y,7\n", read("out.csv")
    execute("till.db", "ALTER TABLE t DROP COLUMN a", "INSERT INTO t VALUES (3, 8)")
    load(TILL, dict(out, new_columns="new_file"))
    assert read("out.csv") == b"id,a,c\n2,y,7\n3,,8\n"  # by name, and what is not there is NULL
    execute("till.db", "ALTER TABLE t ADD COLUMN d INTEGER", "INSERT INTO t VALUES (4, 9, 10)")
    load(TILL, dict(out, new_columns="new_file"))
    assert read("out.csv.2") == b"id,a,c\n2,y,7\n3,,8\n" and read("out.csv") == b"id,a,c,d\n4,,9,10\n"
    assert not glob.glob("*.new")
    state = json.load(open("out.csv.state"))  # killed between the state and the renames: the next run does them
    os.rename("out.csv", "out.csv.new")
    os.rename("out.csv.2", "out.csv")
    write("out.csv", b"not committed\n", "ab")
    execute("till.db", "INSERT INTO t VALUES (5, 9, 10)")
    assert state["files"][0]["aside_bytes"] == 18, state
    load(TILL, dict(out, new_columns="new_file"))
    assert read("out.csv.2") == b"id,a,c\n2,y,7\n3,,8\n" and read("out.csv") == b"id,a,c,d\n4,,9,10\n5,,9,10\n"


def each_stream_has_a_file():
    def singer(stream, *records):
        lines = [{"type": "SCHEMA", "stream": stream, "key_properties": [], "schema": {"properties": {"id": {"type": "integer"}}}}]
        return lines + [{"type": "RECORD", "stream": stream, "record": {"id": i}} for i in records]

    def put(*parts):
        write("tap.singer", "".join(json.dumps(m) + "\n" for part in parts for m in part), "ab")

    tap = {"type": "singer", "path": "tap.singer"}
    os.mkdir("out")
    for kind, compress in (("jsonl", "none"), ("csv", "gzip")):
        write("tap.singer", b"")
        put(singer("users", 1, 2), singer("../odd", 3), singer("users", 4))
        out = {"type": kind, "path": "out/{stream}." + kind, "mode": "append", "compress": compress}
        unpack = gzip.decompress if compress == "gzip" else bytes
        line = (lambda *ids: b"id\n" + b"".join(b"%d\n" % i for i in ids)) if kind == "csv" else (
            lambda *ids: b"".join(b'{"id":%d}\n' % i for i in ids))
        made = load(tap, out)
        assert made["streams"]["users"]["row_count"] == 3 and made["streams"]["../odd"]["rows_written"] == 1, made
        assert unpack(read(f"out/users.{kind}")) == line(1, 2, 4)
        assert unpack(read(f"out/%2E.%2Fodd.{kind}")) == line(3)
        write(f"out/users.{kind}", b"left", "ab")
        put(singer("users", 5))
        load(tap, out)
        assert unpack(read(f"out/users.{kind}")) == line(1, 2, 4, 5) and unpack(read(f"out/%2E.%2Fodd.{kind}")) == line(3)
        put(singer("new", 6))
        load(tap, out)
        assert unpack(read(f"out/new.{kind}")) == line(6)
        os.remove(f"out/new.{kind}")  # one of them taken away: the others count
        put(singer("new", 7), singer("users", 8))
        load(tap, out)
        assert unpack(read(f"out/new.{kind}")) == line(7) and unpack(read(f"out/users.{kind}")) == line(1, 2, 4, 5, 8)
        load(tap, dict(out, mode="overwrite"))
        assert unpack(read(f"out/new.{kind}")) == line(6, 7) and not glob.glob("out/*.new")
        for path in glob.glob(f"out/*.{kind}"):
            os.remove(path)
        load(tap, out)  # all are gone: from the start
        assert unpack(read(f"out/users.{kind}")) == line(1, 2, 4, 5, 8)
        fails(request(tap, dict(out, path="{stream}/x." + kind)), "invalid", "folder")
        fails(request(tap, dict(out, path="one." + kind)), "invalid", "several streams")


def a_full_disk_puts_files_back():
    execute("till.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO t VALUES (1, 'a')")
    limit = lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    outs = [{"type": kind, "path": f"out.{kind}.{compress}", "mode": "append", "compress": compress}
            for kind in ("csv", "jsonl") for compress in ("none", "gzip")]
    for out in outs:
        load(TILL, out, state_id=out["path"])
    db = sqlite3.connect("till.db")
    db.executemany("INSERT INTO t VALUES (?, ?)", ((i, hashlib.sha256(b"%d" % i).hexdigest()) for i in range(2, 40000)))
    db.commit()
    db.close()
    for out in outs:
        result = run(request(TILL, out, state_id=out["path"]), preexec_fn=limit)
        assert result.code == 1 and result.error["code"] == "full" and out["path"] in result.error["message"], result.error
        assert "next run" in result.error["hint"]
        assert load(TILL, out, state_id=out["path"])["dagster/row_count"] == 39999
        text = gzip.decompress(read(out["path"])) if out["compress"] == "gzip" else read(out["path"])
        assert text.count(b"\n") == 39999 + (out["type"] == "csv")


main([packed_files_are_known_by_content, a_damaged_file_gives_what_was_before, csv_comes_back_as_it_was,
      appended_files_are_put_back_first, new_columns_are_told_or_begin_a_file, each_stream_has_a_file, a_full_disk_puts_files_back])
