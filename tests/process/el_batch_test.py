"""BATCH messages: files of records that a target reads, that a tap writes, and that are counted as they pass between two foreign programs."""
import gzip
import json
import os
import subprocess
import sys
import urllib.parse

from el_step import EL, execute, main, request, rows, run, run_ok

SCHEMA = {"type": "SCHEMA", "stream": "s", "key_properties": ["id"], "schema": {"properties": {"id": {"type": "integer"}, "v": {"type": ["null", "string"]}}}}


def write(name, records, packed=True, mode="wb"):
    text = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records).encode()
    with (gzip.open(name, mode) if packed else open(name, mode)) as file:
        file.write(text)
    return "file://" + urllib.parse.quote(os.path.abspath(name))


def batch(*files, compression="gzip", stream="s", **more):
    return {"type": "BATCH", "stream": stream, "encoding": {"format": "jsonl", "compression": compression}, "manifest": list(files), **more}


def numbers(start, count):
    return [{"id": i, "v": f"v{i}"} for i in range(start, start + count)]


def target(messages, code=0, kind="sqlite", **config):
    with open("target.json", "w", encoding="utf8") as file:
        json.dump({"path": "t.db", **config}, file)
    done = subprocess.run([EL, "target", kind, "--config", "target.json"], input="".join(json.dumps(m) + "\n" for m in messages), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert code in (None, done.returncode), (done.returncode, done.stderr)
    return done


def files_of_all_kinds():
    os.mkdir("a b%")
    messages = [SCHEMA, batch(write("1.json.gz", numbers(0, 3)), write("a b%/2.gz", numbers(3, 2))), batch(write("3.json", numbers(5, 1), False), compression="none"),
                batch(os.path.abspath(write("4.json", ["", json.dumps({"id": 6}), ""], False)[7:]), compression=None),
                batch("file://localhost" + write("5.gz", numbers(7, 1))[7:]), batch(), batch(write("6.json", [], False), compression="none"),
                {"type": "STATE", "value": {"at": 8}}]
    write("1.json.gz", numbers(100, 2), mode="ab")  # a second gzip member
    done = target(messages)
    assert json.loads(done.stdout) == {"at": 8}
    assert rows("t.db", "SELECT count(*), sum(id) FROM s") == [(10, 28 + 201)]
    assert os.path.exists("1.json.gz"), "files are the tap's to remove"


def rows_of_batches_are_rows_like_others():
    messages = [SCHEMA, batch(write("1.gz", [{"id": 1, "v": "old"}, {"id": 1, "v": "new"}, {"id": 2}]), version=5), {"type": "RECORD", "stream": "s", "record": {"id": 3}, "version": 6},
                {"type": "ACTIVATE_VERSION", "stream": "s", "version": 6}]
    target(messages, hard_delete=True, batch_size_rows=2)
    assert rows("t.db", "SELECT id, _sdc_table_version FROM s") == [(3, 6)]
    nested = {**SCHEMA, "stream": "n", "schema": {"properties": {"id": {"type": "integer"}, "a": {"type": "object", "properties": {"b": {"type": "integer"}}}}}}
    target([nested, batch(write("2.gz", [{"id": 1, "a": {"b": 2}}]), stream="n")], flattening_enabled=True, flattening_max_depth=2, add_record_metadata=True)
    assert rows("t.db", "SELECT id, a__b, _sdc_received_at IS NOT NULL FROM n") == [(1, 2, 1)]


def what_is_damaged_is_told():
    whole = write("whole.gz", numbers(0, 2000))
    with open("whole.gz", "rb") as file:
        content = file.read()
    damaged = {"cut.gz": content[:-9], "bit.gz": content[:50] + bytes([content[50] ^ 4]) + content[51:], "crc.gz": content[:-8] + b"\0\0\0\0" + content[-4:],
               "empty.gz": b"", "text.gz": b'{"id": 1}\n'}
    for name, data in damaged.items():
        with open(name, "wb") as file:
            file.write(data)
        done = target([SCHEMA, batch(whole.replace("whole", name[:-3]))], code=None)
        assert done.returncode != 0 and name in done.stderr, (name, done.stderr)
        assert not os.path.exists("t.db") or rows("t.db", "SELECT name FROM sqlite_schema") == [], name
    wrong = {"is no regular file": batch("file:///tmp"), "No such file": batch("file:///no/such"), "s3://": batch("s3://bucket/x"), "another host": batch("file://other/x"),
             "parquet": {**batch(whole), "encoding": {"format": "parquet"}}, "zstd": batch(whole, compression="zstd"), "no \"format\"": {**batch(), "encoding": {}},
             "holds an integer": batch(1), "before its SCHEMA": batch(whole, stream="nobody"), "bad.json:2": batch(write("bad.json", [{"id": 1}, {"id": "x"}], False), compression="none"),
             "half.json:1": batch(write("half.json", ["{"], False), compression="none")}
    for word, message in wrong.items():
        done = target([SCHEMA, message], code=None)
        assert done.returncode != 0 and word in done.stderr, (word, done.stderr)


def a_file_of_messages_goes_on_where_it_was():
    """Tap `singer`: the line of a BATCH counts as read when its files are loaded."""
    with open("in.singer", "w", encoding="utf8") as file:
        file.writelines(json.dumps(m) + "\n" for m in [SCHEMA, batch(write("1.gz", numbers(0, 500))), batch(write("2.json", [*numbers(500, 300), "broken"], False), compression="none")])
    step = request({"type": "singer", "path": "in.singer"}, {"type": "sqlite", "path": "t.db", "mode": "append", "table": "s", "batch_size_rows": 100})
    result = run(step)
    assert result.code == 1 and "2.json:301" in result.error["message"], result.error
    assert rows("t.db", "SELECT count(*) FROM s") == [(500,)], "the first file alone"
    write("2.json", numbers(500, 300), False)
    assert run_ok(step).metadata["rows_read"] == 300
    assert rows("t.db", "SELECT count(*), count(DISTINCT id) FROM s") == [(800, 800)]
    assert run_ok(step).metadata["rows_read"] == 0


def memory_stays_small():
    """100 MB of records in a file of a few hundred KB; each record 1 MB. Measured against a file of one record."""
    peaks = []
    for name, count in (("one.gz", 1), ("many.gz", 100)):
        with gzip.open(name, "wb", 1) as file:
            for i in range(count):
                file.write(json.dumps({"id": i, "v": "x" * (1 << 20)}).encode() + b"\n")
        with open("in.singer", "w", encoding="utf8") as file:
            file.writelines(json.dumps(m) + "\n" for m in [SCHEMA, batch("file://" + os.path.abspath(name))])
        result = run_ok(request({"type": "singer", "path": "in.singer"}, {"type": "sqlite", "path": name + ".db", "mode": "append", "table": "s"}))
        assert result.metadata["rows_read"] == count and result.metadata["bytes_read"] > count << 20
        peaks.append(result.metadata["peak_memory_bytes"])
    print("     peaks:", peaks)
    assert peaks[1] < peaks[0] + (24 << 20), peaks  # a sanitizer keeps freed memory for a while


# --- selvedge-el tap ---

def tap(*arguments, code=0, **config):
    with open("tap.json", "w", encoding="utf8") as file:
        json.dump({"path": "source.db", **config}, file)
    done = subprocess.run([EL, "tap", "sqlite", "--config", "tap.json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert code in (None, done.returncode), (done.returncode, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()], done


def source(count=25):
    execute("source.db", 'CREATE TABLE "odd name/1" (id INTEGER PRIMARY KEY, v TEXT)',
            f'INSERT INTO "odd name/1" WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i, \'v\' || i FROM n',
            "CREATE TABLE empty (id INTEGER PRIMARY KEY)")


def a_tap_writes_batches():
    source()
    for compression in ("gzip", "none"):
        config = {"encoding": {"format": "jsonl", "compression": compression}, "storage": {"root": f"file://{os.getcwd()}/out%20{compression}", "prefix": "run-"}, "batch_size": 10}
        messages, _ = tap(batch_config=config)
        batches = [m for m in messages if m["type"] == "BATCH"]
        assert [m["type"] for m in messages if m.get("stream") == "odd name/1"] == ["SCHEMA", "BATCH", "BATCH", "BATCH"], messages
        assert not any(m["type"] == "RECORD" for m in messages) and messages[-1]["type"] == "STATE"
        assert all(set(m) == {"type", "stream", "encoding", "manifest"} and m["encoding"] == {"format": "jsonl", "compression": compression} for m in batches)
        found = []
        for message in batches:
            path = urllib.parse.unquote(message["manifest"][0][7:])
            assert message["manifest"][0].startswith("file:///") and os.path.basename(path).startswith("run-sqlite--odd_name_1-"), path
            assert path.endswith(".json.gz" if compression == "gzip" else ".json"), path
            with (gzip.open(path, "rt") if compression == "gzip" else open(path, encoding="utf8")) as file:
                records = [json.loads(line) for line in file]
            assert len(records) <= 10
            found += records
        assert found == [{"id": i, "v": f"v{i}"} for i in range(1, 26)]
        assert len(os.listdir("out " + compression)) == 3
        target(messages, path=f"{compression}.db")
        assert rows(f"{compression}.db", 'SELECT count(*), sum(id) FROM "odd name/1"') == [(25, 325)]
    messages, _ = tap("--test", batch_config=config)
    assert [m["type"] for m in messages if m["type"] == "RECORD"] == ["RECORD"], "a test writes no files"
    _, done = tap(code=6, batch_config={"storage": {"root": "s3://bucket"}})
    assert "s3://bucket" in done.stderr, done.stderr
    _, done = tap(code=6, batch_config={"encoding": {"format": "parquet"}, "storage": {"root": "out"}})
    assert "parquet" in done.stderr or "jsonl" in done.stderr, done.stderr
    _, done = tap(code=6, batch_config={})
    assert "storage" in done.stderr, done.stderr


def a_tap_that_cannot_write_says_so_and_leaves_nothing():
    source()
    with open("file", "w", encoding="utf8"):
        pass
    _, done = tap(code=None, batch_config={"storage": {"root": "file/x"}})
    assert done.returncode != 0 and "storage.root" in done.stderr, done.stderr


# --- between foreign programs ---

def a_pump_counts_by_the_manifest():
    messages = [SCHEMA, batch(write("1.gz", numbers(0, 30))), batch(write("2.json", numbers(30, 5), False), compression="none"), batch("s3://somewhere/else"),
                {"type": "RECORD", "stream": "s", "record": {"id": 99}}, {"type": "STATE", "value": {"at": 1}}]
    with open("messages", "w", encoding="utf8") as file:
        file.writelines(json.dumps(m) + "\n" for m in messages)
    with open("loader.py", "w", encoding="utf8") as file:
        file.write("import sys\nopen('got', 'w').write(sys.stdin.read())\nprint('{\"at\": 1}')\n")
    result = run_ok(request({"type": "singer_program", "command": ["cat", "messages"]},
                            {"type": "singer_program", "command": [sys.executable, "loader.py"], "mode": "append"}, state_dir="state"))
    assert result.metadata["rows_read"] == 36 and result.metadata["streams"]["s"]["rows_read"] == 36, result.metadata
    assert "batch_not_counted" in result.log and "s3://somewhere" in result.log, result.log
    with open("got", encoding="utf8") as file:
        assert [json.loads(line) for line in file] == messages, "what passes is not changed"


main([files_of_all_kinds, rows_of_batches_are_rows_like_others, what_is_damaged_is_told, a_file_of_messages_goes_on_where_it_was, memory_stays_small,
      a_tap_writes_batches, a_tap_that_cannot_write_says_so_and_leaves_nothing, a_pump_counts_by_the_manifest])
