"""Taps csv, jsonl and singer on gzip files; targets csv and jsonl: one file, a file for each stream, packed ones."""
import gzip
import json
import os

from el_step import main, request, rows, run, run_ok


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
    csv = {"type": "csv", "path": "a.csv"}
    assert load(csv)["rows_read"] == 2
    assert "rows_read" not in load(csv) or load(csv)["rows_read"] == 0
    write("a.csv", gzip.compress(b"3,eve\n"), "ab")  # a member more
    assert load(csv)["rows_read"] == 1
    assert all_rows() == [(1, "ada"), (2, "bob"), (3, "eve")]
    write("a.csv", gzip.compress(b"id,name\n1,ada\n9,zoe\n"))
    fails(request(csv, into()), "invalid", "a.csv changed")
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
    csv = {"type": "csv", "path": "*.csv.gz"}
    error = fails(request(csv, into()), "corrupt", "a.csv.gz", "cut off", f"near byte {len(whole) // 2}", "bytes into the text")
    assert "whole file" in error["hint"], error
    count, total, low = all_rows("SELECT count(*), sum(id), min(id) FROM t")[0]
    assert 1000 < count < 50001 and low == -1 and total == sum(range(count - 1)) - 1, (count, total)
    fails(request(csv, into()), "corrupt", "cut off")  # and nothing comes twice
    assert all_rows("SELECT count(*) FROM t") == [(count,)]
    fails(request(csv, into("overwrite")), "corrupt")
    assert all_rows("SELECT count(*) FROM t") == [(count,)]
    write("a.csv.gz", whole)
    assert load(csv)["rows_read"] == 50001 - count
    assert all_rows("SELECT count(*), count(DISTINCT id) FROM t") == [(50001, 50001)]
    broken = bytearray(gzip.compress(b'{"id":1}\n') + gzip.compress(b'{"id":2}\n'))
    broken[-5] ^= 0xff
    write("d.jsonl", bytes(broken))
    fails(request({"type": "jsonl", "path": "d.jsonl"}, into(table="d"), state_id="d"), "corrupt", "d.jsonl", "incorrect data check")
    write("n.jsonl", gzip.compress(b'{"id":1}\n') + b"text")
    fails(request({"type": "jsonl", "path": "n.jsonl"}, into(table="n"), state_id="n"), "corrupt", "n.jsonl", "header")
    assert all_rows("SELECT id FROM n") == [(1,)]


main([packed_files_are_known_by_content, a_damaged_file_gives_what_was_before])
