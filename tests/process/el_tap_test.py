"""`selvedge-el tap`: native taps as Singer programs. Discovery, selection, state, and the way back into a table, row by row."""
import json
import os
import random
import signal
import subprocess

from el_step import EL, execute, main, rows


def tap(kind, *arguments, config=None, code=0):
    with open("tap.json", "w", encoding="utf8") as file:
        json.dump(config or {"path": "s.db"}, file)
    done = subprocess.run([EL, "tap", kind, "--config", "tap.json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=60)
    assert done.returncode == code, (done.returncode, done.stderr)
    return done if code else [json.loads(line) for line in done.stdout.splitlines()]


def write(name, value):
    with open(name, "w", encoding="utf8") as file:
        file.write(value if isinstance(value, str) else json.dumps(value))
    return name


def catalog(kind="sqlite", **config):
    return tap(kind, "--discover", config=config or None)[0]


def stream_of(found, name):
    return next(s for s in found["streams"] if s["tap_stream_id"] == name)


def metadata(stream, *crumbs):
    return next(m["metadata"] for m in stream["metadata"] if m["breadcrumb"] == list(crumbs))


def records(messages, stream):
    return [m["record"] for m in messages if m["type"] == "RECORD" and m["stream"] == stream]


def last_state(messages):
    return [m["value"] for m in messages if m["type"] == "STATE"][-1]


def make_shop():
    execute("s.db", "CREATE TABLE sales (id INTEGER PRIMARY KEY, item TEXT NOT NULL, at DATETIME, price REAL)",
            "INSERT INTO sales VALUES (1, 'a', '2026-01-01', 1.5), (2, 'b', '2026-01-02', NULL)",
            "CREATE TABLE parts (a, b, PRIMARY KEY (b, a)) WITHOUT ROWID", "INSERT INTO parts VALUES (1, 'x')",
            "CREATE VIEW dear AS SELECT id FROM sales WHERE price > 1", "CREATE TABLE _selvedge_state (id)")


def discovery_tells_tables_keys_and_types():
    make_shop()
    found = catalog()
    assert [s["tap_stream_id"] for s in found["streams"]] == ["dear", "parts", "sales"]
    sales = stream_of(found, "sales")
    assert sales["key_properties"] == ["id"] and sales["schema"]["properties"]["item"]["type"] == ["string"]
    assert sales["schema"]["properties"]["at"]["x-sql-datatype"] == "DATETIME"
    said = metadata(sales)
    assert said["row-count"] == 2 and said["is-view"] is False and "at" in said["valid-replication-keys"]
    assert metadata(sales, "properties", "id")["inclusion"] == "automatic"
    assert metadata(sales, "properties", "at") == {"inclusion": "available", "selected-by-default": True, "sql-datatype": "DATETIME"}
    assert stream_of(found, "parts")["key_properties"] == ["b", "a"]
    assert metadata(stream_of(found, "dear"))["is-view"] is True
    assert [s["stream"] for s in catalog(path="s.db", table="sales")["streams"]] == ["sales"]
    done = tap("sqlite", "--discover", config={"path": "s.db", "table": "sale"}, code=3)
    assert "sale" in done.stderr and "sales" in done.stderr, done.stderr


def the_catalog_selects_streams_and_properties():
    make_shop()
    found = catalog()
    sales = stream_of(found, "sales")
    metadata(sales)["selected"] = True
    metadata(stream_of(found, "dear"))["selected"] = False
    metadata(stream_of(found, "parts"))["selected"] = "false"
    for name in ("price", "id"):
        metadata(sales, "properties", name)["selected"] = False
    for option in ("--catalog", "--properties"):
        messages = tap("sqlite", option, write("catalog.json", found))
        assert [m["type"] for m in messages] == ["SCHEMA", "RECORD", "RECORD", "STATE"], messages
        assert records(messages, "sales")[0] == {"id": 1, "item": "a", "at": "2026-01-01"}, "the key comes along"
        assert list(messages[0]["schema"]["properties"]) == ["id", "item", "at"]
    execute("s.db", "ALTER TABLE sales ADD COLUMN extra INTEGER")
    assert records(tap("sqlite", "--catalog", "catalog.json"), "sales")[0]["extra"] is None, "a column that the catalog does not know"
    metadata(sales)["table-key-properties"] = ["item"]
    sales["stream"] = "shop-sales"
    messages = tap("sqlite", "--catalog", write("catalog.json", found))
    assert messages[0]["key_properties"] == ["item"] and messages[0]["stream"] == "shop-sales"
    metadata(sales)["table-key-properties"] = ["nothing"]
    done = tap("sqlite", "--catalog", write("catalog.json", found), code=6)
    assert '"nothing"' in done.stderr and "table-key-properties" in done.stderr, done.stderr


def views_that_call_functions_of_dbt_are_read():
    make_shop()
    execute("s.db", "CREATE VIEW marked AS SELECT hex(md5(item)) AS digest, split_part(item || '-x', '-', 2) AS tail FROM sales WHERE id = 1")
    found = catalog()
    stream_of(found, "marked")["metadata"][0]["metadata"]["selected"] = True
    messages = tap("sqlite", "--catalog", write("catalog.json", found))
    assert records(messages, "marked") == [{"digest": "0CC175B9C0F1B6A831C399E269772661", "tail": "x"}], messages


def wrong_catalogs_and_methods_are_named():
    make_shop()
    found = catalog()
    cases = [({"streams": [{"tap_stream_id": "gone", "stream": "gone"}]}, "gone", 3), ({"stream": []}, "streams", 6),
             ({"streams": [{}]}, "streams[0]", 6), ("{", "catalog.json", 6)]
    for text, words, code in cases:
        done = tap("sqlite", "--catalog", write("catalog.json", text), code=code)
        assert words in done.stderr, (text, done.stderr)
    for method, words in {"LOG_BASED": "not to be had here", "INCREMENTAL": "replication-key", "SOMETIMES": "SOMETIMES"}.items():
        metadata(stream_of(found, "sales"))["replication-method"] = method
        done = tap("sqlite", "--catalog", write("catalog.json", found), code=6)
        assert words in done.stderr, done.stderr
    metadata(stream_of(found, "sales"))["replication-method"] = "FULL_TABLE"
    done = tap("sqlite", "--catalog", write("catalog.json", found), "--state", write("state.json", "[1"), code=6)
    assert "state.json" in done.stderr, done.stderr
    done = subprocess.run([EL, "tap", "singer"], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2 and "reads Singer messages itself" in done.stderr, done.stderr
    done = subprocess.run([EL, "tap", "sqlite"], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 6 and "--config" in done.stderr, done.stderr


def a_value_that_its_type_cannot_hold_stops_the_tap():
    execute("s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)", "INSERT INTO t VALUES (1, 1), (2, 'two')")
    done = tap("sqlite", code=6)
    assert 'column "n" of type INTEGER holds text' in done.stderr and "deselect" in done.stderr, done.stderr


def only_what_is_new_with_the_state():
    make_shop()
    found = catalog()
    sales = metadata(stream_of(found, "sales"))
    sales["replication-method"], sales["replication-key"] = "INCREMENTAL", "id"
    write("catalog.json", found)
    messages = tap("sqlite", "--catalog", "catalog.json")
    state = last_state(messages)
    assert state["bookmarks"]["sales"]["replication_key_value"] == 2 and list(state["bookmarks"]) == ["sales"], state
    assert next(m for m in messages if m.get("stream") == "sales")["bookmark_properties"] == ["id"]
    execute("s.db", "INSERT INTO sales VALUES (7, 'c', NULL, NULL)")
    state["bookmarks"]["elsewhere"] = {"x": 1}
    messages = tap("sqlite", "--catalog", "catalog.json", "--state", write("state.json", state))
    assert [r["id"] for r in records(messages, "sales")] == [2, 7], "the row at the bookmark comes again"
    assert len(records(messages, "parts")) == 1, "FULL_TABLE"
    state = last_state(messages)
    assert state["bookmarks"]["sales"]["replication_key_value"] == 7 and state["bookmarks"]["elsewhere"] == {"x": 1}
    metadata(stream_of(found, "sales"), "properties", "item")["selected"] = False
    messages = tap("sqlite", "--catalog", write("catalog.json", found), "--state", write("state.json", state))
    assert len(records(messages, "sales")) == 3, "other columns: all rows again, or old ones would lack them"


def files_are_followed():
    write("sales.2026.csv", "id,name\n1,a\n2,\n")
    csv = {"path": "sales.2026.csv"}
    messages = tap("csv", config=csv)
    assert records(messages, "sales") == [{"id": 1, "name": "a"}, {"id": 2, "name": None}]
    state = write("state.json", last_state(messages))
    assert [m["type"] for m in tap("csv", "--state", state, config=csv)] == ["STATE"], "nothing is new"
    with open("sales.2026.csv", "a", encoding="utf8") as file:
        file.write("3,c\n")
    messages = tap("csv", "--state", state, config=csv)
    assert records(messages, "sales") == [{"id": 3, "name": "c"}]
    found = catalog("csv", **csv)
    metadata(found["streams"][0])["replication-method"] = "FULL_TABLE"
    messages = tap("csv", "--state", write("state.json", last_state(messages)), "--catalog", write("catalog.json", found), config=csv)
    assert len(records(messages, "sales")) == 3
    done = tap("csv", "--discover", config={"path": "*.csv"}, code=6)
    assert '"stream" is missing' in done.stderr, done.stderr
    assert catalog("csv", path="*.csv", stream="all")["streams"][0]["stream"] == "all"
    write("l.jsonl", '{"o": {"k": [1]}, "n": 1}\n{"n": null}\n')
    messages = tap("jsonl", config={"path": "l.jsonl"})
    assert records(messages, "l") == [{"o": {"k": [1]}, "n": 1}, {"o": None, "n": None}]


def a_test_writes_little_and_no_state():
    make_shop()
    messages = tap("sqlite", "--test")
    assert [m["type"] for m in messages] == ["SCHEMA", "RECORD"] * 3, messages
    assert tap("sqlite", "--test=all") == messages
    assert [m["type"] for m in tap("sqlite", "--test=schema")] == ["SCHEMA"] * 3


def make_any_values():
    """A table of every type, with values at their edges."""
    dice = random.Random(4)
    execute("s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20), x REAL, b BLOB, at DATETIME, ok BOOLEAN, whatever, "
            "price DECIMAL(10,2))")
    texts = ["", "é", 'quote " and \\', "line\nend\r\n", "\x01\x7f", "a\x00b", "😀", "007", "x" * 5000]
    anything = [None, 5, 2.5, "text", "1e5", -2**63, 1e300]
    for number in range(300):
        execute_one("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (number * 7919 - 2**40, dice.choice(texts), dice.choice([None, 0.1, -1e-310, 1.7976931348623157e308, 3.0]),
                     dice.choice([None, b"", b"\x00\xff", bytes(range(256))]), dice.choice([None, "2026-01-02 03:04:05", 1767000000, 0.5]),
                     dice.choice([None, 0, 1]), dice.choice(anything), dice.choice([None, 9007199254740993, 12.5, 3])))


def execute_one(sql, values):
    import sqlite3
    db = sqlite3.connect("s.db")
    db.execute(sql, values)
    db.commit()
    db.close()


COLUMNS = ["id", "name", "x", "b", "at", "ok", "whatever", "price"]


def everything(path):
    return rows(path, "SELECT " + ", ".join(f"{c}, typeof({c})" for c in COLUMNS) + " FROM t ORDER BY id")


def pipe(*tap_arguments):
    """tap | target, and the last state that the target told."""
    write("target.json", {"path": "t.db"})
    first = subprocess.Popen([EL, "tap", "sqlite", "--config", write("tap.json", {"path": "s.db"}), *tap_arguments], stdout=subprocess.PIPE)
    second = subprocess.run([EL, "target", "sqlite", "--config", "target.json"], stdin=first.stdout, stdout=subprocess.PIPE, check=False,
                            timeout=120)
    first.stdout.close()
    assert (first.wait(), second.returncode) == (0, 0)
    return json.loads(second.stdout.splitlines()[-1])


def the_way_through_both_programs_loses_nothing():
    make_any_values()
    found = catalog()
    sales = metadata(stream_of(found, "t"))
    sales["replication-method"], sales["replication-key"] = "INCREMENTAL", "id"
    write("catalog.json", found)
    write("state.json", pipe("--catalog", "catalog.json"))
    assert everything("t.db") == everything("s.db")
    assert rows("t.db", "SELECT name, type, pk FROM pragma_table_info('t')") == rows("s.db", "SELECT name, type, pk FROM pragma_table_info('t')")
    execute("s.db", "INSERT INTO t (id, name) VALUES (1, 'new'), (2, NULL)")
    state = pipe("--catalog", "catalog.json", "--state", "state.json")
    assert state["bookmarks"]["t"]["replication_key_value"] == 2
    assert everything("t.db") == everything("s.db") and len(everything("t.db")) == 302


def sigterm_and_a_reader_that_goes_away_end_it():
    execute("s.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)",
            "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 200000) INSERT INTO t SELECT i FROM n")
    command = [EL, "tap", "sqlite", "--config", write("tap.json", {"path": "s.db"})]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143, "it was blocked: the pipe is full"
    process.stdout.close()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) in (1, -signal.SIGPIPE)


assert os.path.exists(EL), EL
main([discovery_tells_tables_keys_and_types, the_catalog_selects_streams_and_properties, views_that_call_functions_of_dbt_are_read, wrong_catalogs_and_methods_are_named,
      a_value_that_its_type_cannot_hold_stops_the_tap, only_what_is_new_with_the_state, files_are_followed,
      a_test_writes_little_and_no_state, the_way_through_both_programs_loses_nothing, sigterm_and_a_reader_that_goes_away_end_it])
