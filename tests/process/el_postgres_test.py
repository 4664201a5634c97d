"""selvedge-el into and out of a real PostgreSQL that this test starts: modes, types, names, states, and what is said when it cannot be."""
import json
import os
import sqlite3
import subprocess

import el_step
import pg_server
from el_step import execute, main, request, rows, run, run_ok

FILES = os.path.abspath("../shared/data/singer")
pg_server.need()
SERVER = pg_server.Server(password="s3cret pass")
DSN = SERVER.dsn(password="s3cret pass")
sql = SERVER.sql


def fresh():
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def target(mode="upsert", **more):
    return dict({"type": "postgres", "dsn": DSN, "mode": mode}, **more)


def table(name, mode="upsert", **more):
    return target(mode, table=name, **more)


def messages(*lines):
    with open("in.singer", "w", encoding="utf8") as file:
        file.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    return {"type": "singer_input", "path": "in.singer"}


def schema(stream, key=(), **properties):
    return {"type": "SCHEMA", "stream": stream, "key_properties": list(key),
            "schema": {"properties": {name: {"type": ["null", kind]} for name, kind in properties.items()}}}


def record(stream, **values):
    return {"type": "RECORD", "stream": stream, "record": values}


def failed(step, code, *words):
    result = run(step)
    assert result.code == 1 and result.error["code"] == code, (result.code, result.error, result.log)
    for word in words:
        assert word in result.error["message"] + result.error.get("hint", ""), (word, result.error)
    assert "s3cret" not in json.dumps(result.error) + result.log
    return result


# --- rows -----------------------------------------------------------------------------------------


def every_value_arrives_as_it_is():
    fresh()
    texts = ["", " ", "tab\tline\nreturn\rback\\slash", "\\N", "\\.", "'quote' \"double\"", "ä€\U0001f600", "\x01\x7f"]
    execute("till.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, r REAL, x TEXT, b BLOB, d DECIMAL(30,2), l BOOLEAN)")
    db = sqlite3.connect("till.db")
    for i, text in enumerate(texts):
        db.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)",
                   (i, [-2**63, 2**63 - 1, 0, None][i % 4], [0.1, -1e308, 5e-324, 5.0, None][i % 5], text,
                    bytes(range(256)) if i % 2 else b"", [9007199254740993, 0.1, None][i % 3], i % 2))
    db.commit()
    db.close()
    run_ok(request({"type": "sqlite", "path": "till.db", "table": "t"}, table("t", primary_key=["id"])))
    types = dict(sql("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 't'"))
    assert types == {"id": "bigint", "i": "bigint", "r": "double precision", "x": "text", "b": "bytea", "d": "numeric",
                     "l": "boolean"}, types
    got = sql("SELECT id, i, r, encode(convert_to(x, 'UTF8'), 'hex'), encode(b, 'hex'), d, l FROM t ORDER BY id")
    for i, (row, text) in enumerate(zip(got, texts, strict=True)):
        want = [str(i), str([-2**63, 2**63 - 1, 0, "NULL"][i % 4]), ["0.1", "-1e+308", "5e-324", "5", "NULL"][i % 5],
                text.encode().hex(), (bytes(range(256)) if i % 2 else b"").hex(), ["9007199254740993", "0.1", "NULL"][i % 3], "ft"[i % 2]]
        assert row == want, (row, want)


def upsert_takes_the_last_and_writes_only_what_differs():
    fresh()
    first = messages(schema("s", ["id"], id="integer", v="string", o="object"), *(record("s", id=i % 3, v=f"v{i}", o={"n": i}) for i in range(9)))
    result = run_ok(request(first, target()))
    assert result.metadata["streams"]["s"] == {**result.metadata["streams"]["s"], "rows_read": 9, "rows_written": 3, "row_count": 3}
    assert sql("SELECT id, v, o->>'n' FROM s ORDER BY id") == [["0", "v6", "6"], ["1", "v7", "7"], ["2", "v8", "8"]]
    same = messages(schema("s", ["id"], id="integer", v="string", o="object"), record("s", id=1, v="v7", o={"n": 7}),
                    record("s", id=2, v="new", o={"n": 8}), record("s", id=3, v="more"))
    assert run_ok(request(same, target())).metadata["streams"]["s"]["rows_written"] == 2
    # A repeated key whose first row is what is there.
    again = messages(schema("s", ["id"], id="integer", v="string"), record("s", id=1, v="v7"), record("s", id=1, v="last"))
    run_ok(request(again, target()))
    assert sql("SELECT v, o->>'n' FROM s WHERE id = 1") == [["last", "7"]], "columns that do not come stay as they are"


def an_older_table_gets_its_index():
    fresh()
    sql("CREATE TABLE s (\"ID\" int, v text); INSERT INTO s VALUES (1, 'old')")
    step = request(messages(schema("s", ["id"], id="integer", v="string"), record("s", id=1, v="a"), record("s", id=2, v="b")), target())
    run_ok(step)
    assert sql('SELECT "ID", v FROM s ORDER BY 1') == [["1", "a"], ["2", "b"]], "names differ in case only"
    sql('DROP TABLE s; CREATE TABLE s (id int, v text); INSERT INTO s VALUES (1, \'x\'), (1, \'y\')')
    failed(step, "exists", "primary_key", "remove rows that repeat the key")
    assert sql("SELECT count(*) FROM s") == [["2"]]


def append_adds_and_keeps_the_tables_types():
    fresh()
    sql("CREATE TABLE s (id smallint, at timestamptz, n numeric(6,2), j json)")
    step = request(messages(schema("s", id="integer", at="string", n="number", j="object"),
                            record("s", id=1, at="2026-01-02T03:04:05Z", n=1.5, j={"b": 1, "a": 2})), target("append"))
    run_ok(step)
    assert run_ok(step).metadata["streams"]["s"]["row_count"] == 2
    assert sql("SELECT id, at AT TIME ZONE 'UTC', n, j FROM s LIMIT 1") == [["1", "2026-01-02 03:04:05", "1.50", '{"b": 1, "a": 2}']]
    too_large = messages(schema("s", id="integer"), record("s", id=1 << 20))
    failed(request(too_large, target("append")), "invalid", 'column "id"', "out of range", "correct the row")
    fraction = messages(schema("s", id="number"), record("s", id=2.0), record("s", id=1.5))
    failed(request(fraction, target("append")), "invalid", 'column "id"', "1.5")
    assert sql("SELECT count(*) FROM s") == [["2"]], "all or nothing"


def new_columns_are_added_and_text_is_not_put_among_numbers():
    fresh()
    run_ok(request(messages(schema("s", ["id"], id="integer"), record("s", id=1)), target()))
    run_ok(request(messages(schema("s", ["id"], id="integer", v="integer"), record("s", id=2, v=25)), target()))
    assert sql("SELECT id, v FROM s ORDER BY id") == [["1", "NULL"], ["2", "25"]]
    failed(request(messages(schema("s", ["id"], id="integer", v="string"), record("s", id=3, v="x")), target()), "invalid",
           'column "v" holds text now, but the table has it as bigint', "mode overwrite")
    run_ok(request(messages(schema("s", ["id"], id="integer", v="string"), record("s", id=3, v="x")), target("overwrite")))
    assert sql("SELECT id, v FROM s") == [["3", "x"]]


def overwrite_keeps_what_hangs_on_the_table():
    fresh()
    step = request(messages(schema("s", ["id"], id="integer", v="string"), *(record("s", id=i % 50, v=f"v{i}") for i in range(100))),
                   target("overwrite"))
    assert run_ok(step).metadata["streams"]["s"]["row_count"] == 50
    sql("CREATE VIEW seen AS SELECT v FROM s; CREATE INDEX by_v ON s (v); INSERT INTO s VALUES (1000, 'gone'); GRANT SELECT ON s TO PUBLIC")
    run_ok(step)
    assert sql("SELECT count(*), count(DISTINCT v), min(v), bool_and(v <> 'gone') FROM seen") == [["50", "50", "v50", "t"]]
    assert sql("SELECT count(*) FROM pg_indexes WHERE indexname = 'by_v'") == [["1"]]
    other = request(messages(schema("s", ["id"], id="integer", w="string"), record("s", id=1, w="w")), target("overwrite"))
    failed(other, "invalid", "other objects depend on it", "drop those first")
    assert sql("SELECT count(*) FROM seen") == [["50"]], "nothing changed"
    sql("DROP VIEW seen")
    run_ok(other)
    assert sql("SELECT * FROM s") == [["1", "w"]]
    empty = request(messages(schema("s", ["id"], id="integer", w="string")), target("overwrite"))
    run_ok(empty)
    assert sql("SELECT count(*) FROM s") == [["0"]]
    assert sql("SELECT count(*) FROM pg_class WHERE relname LIKE '\\_selvedge\\_rows%'") == [["0"]]


def nul_characters_are_refused_or_replaced():
    fresh()
    tap = messages(schema("s", ["id"], id="integer", v="string", o="object"),
                   '{"type":"RECORD","stream":"s","record":{"id":1,"v":"a\\u0000b","o":{"k":"c\\u0000\\\\u0000d"}}}')
    failed(request(tap, target()), "invalid", 'row 1: column "v": a NUL character', "nul_characters")
    run_ok(request(tap, target(nul_characters="replace")))
    assert sql("SELECT v, o->>'k' FROM s") == [["a\ufffdb", "c\ufffd\\u0000d"]]
    run_ok(request(tap, target(nul_characters="remove")))
    assert sql("SELECT v, o->>'k' FROM s") == [["ab", "c\\u0000d"]]
    failed(request(messages(schema("s", ["id"], id="integer", o="object"), '{"type":"RECORD","stream":"s","record":{"id":2,"o":["\\u0000"]}}'),
                   target()), "invalid", 'column "o": a NUL character')


def streams_that_take_turns():
    fresh()
    lines = [schema("a", ["id"], id="integer"), schema("b", ["id"], id="integer", v="string")]
    for i in range(3000):
        lines += [record("a", id=i), record("b", id=i, v="x" * 100)]
    streams = run_ok(request(messages(*lines), target())).metadata["streams"]
    assert {name: stream["row_count"] for name, stream in streams.items()} == {"a": 3000, "b": 3000}


# --- the SDK's files ------------------------------------------------------------------------------

COUNTS = {"array_data": {"test_array_data": 4}, "camelcase_complex_schema": {"ForecastingTypeToCategory": 0},
          "camelcase": {"TestCamelcase": 2}, "duplicate_records": {"test_duplicate_records": 2},
          "encoded_string_data": {"test_strings": 11, "test_strings_in_objects": 11, "test_strings_in_arrays": 6},
          "no_primary_keys": {"test_no_pk": 3}, "no_primary_keys_append": {"test_no_pk": 8},
          "optional_attributes": {"test_optional_attributes": 4}, "pk_updates": {"example_stream": 2},
          "record_missing_fields": {"record_missing_fields": 2},
          "schema_no_properties": {"test_object_schema_with_properties": 2, "test_object_schema_no_properties": 2},
          "schema_updates": {"test_schema_updates": 6}, "special_chars_in_attributes": {"test:SpecialChars!in?attributes": 1},
          "multiple_state_messages": {"test_multiple_state_messages_a": 6, "test_multiple_state_messages_b": 6},
          "user_location_data": {"test_users": 5, "test_locations": 3, "test_user_in_location": 3},
          "user_location_upsert_data": {"test_users": 8, "test_locations": 5, "test_user_in_location": 5}}
REFUSED = ["invalid_schema", "record_before_schema", "record_missing_key_property", "record_missing_required_property"]


def check_singer_tables():
    assert sql("SELECT id, metric FROM test_duplicate_records ORDER BY id") == [["1", "100"], ["2", "20"]]
    assert sql("SELECT fruits FROM test_array_data WHERE id = 3") == [['["pear"]']]
    assert [r[0] for r in sql('SELECT "Id" FROM "TestCamelcase" ORDER BY 1')] == ["1", "2"]
    assert sql("SELECT * FROM test_schema_updates WHERE id = 1") == [["1", "101", "string1", "NULL", "NULL", "NULL", "NULL"]]
    users = dict(sql("SELECT id, name FROM test_users"))
    assert users == {"1": "Johny", "2": "George", "3": "Jacob", "4": "Josh", "5": "Jim", "8": "Thomas", "12": "Paul", "13": "Mary"}, users
    assert sql("SELECT info FROM test_strings WHERE id = 11") == [["Control Characters in string: \ufffd A \x01"]]


def the_sdks_files_by_step_and_by_program():
    if not os.path.isdir(FILES):
        print("skipped: needs ../shared/data")
        return
    options = {"append_without_key": True, "nul_characters": "replace"}
    with open("config.json", "w", encoding="utf8") as file:
        json.dump({"dsn": DSN, "nul_characters": "replace"}, file)
    fresh()
    for name, counts in COUNTS.items():
        got = run_ok(request({"type": "singer", "path": f"{FILES}/{name}.singer"}, target(**options), state_id=name)).metadata["streams"]
        assert {stream: said["row_count"] for stream, said in got.items()} == counts, (name, got)
    check_singer_tables()
    for name in REFUSED:
        assert run(request({"type": "singer", "path": f"{FILES}/{name}.singer"}, target(**options))).code == 1, name
    fresh()
    for name, counts in COUNTS.items():
        program([f"--input={FILES}/{name}.singer"])
        for stream, count in counts.items():
            assert sql(f'SELECT count(*) FROM "{stream}"') == [[str(count)]], (name, stream)
    check_singer_tables()
    said = program([f"--input={FILES}/multiple_state_messages.singer"]).splitlines()
    assert json.loads(said[-1]) == {"test_multiple_state_messages_a": 5, "test_multiple_state_messages_b": 6}, said


def program(arguments):
    done = subprocess.run([el_step.EL, "target", "postgres", "--config", "config.json", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the state ------------------------------------------------------------------------------------


def state_and_rows_are_one_transaction():
    fresh()
    sql('CREATE SCHEMA "Other Place"')
    execute("till.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    step = request({"type": "sqlite", "path": "till.db", "table": "t", "replication_key": "id"},
                   table("t", schema="Other Place", primary_key=["id"]))
    result = run_ok(step)
    assert result.metadata["dagster/table_name"] == "shop.Other Place.t", result.metadata
    state = '"Other Place"._selvedge_state'
    before = sql(f"SELECT state_id, value, updated_at FROM {state}")
    assert before[0][0] == "shop/sales" and '"replication_key_value":2' in before[0][1], before
    assert run_ok(step).metadata["rows_written"] == 0
    assert sql(f"SELECT state_id, value, updated_at FROM {state}") == before, "no news, nothing written"
    execute("till.db", "INSERT INTO t VALUES (3, 'c')")
    sql(f"ALTER TABLE {state} ADD CONSTRAINT no CHECK (state_id = 'other') NOT VALID")
    failed(step, "invalid", "state", "no")
    assert sql('SELECT count(*) FROM "Other Place".t') == [["2"]], "no row without its state"
    sql(f"ALTER TABLE {state} DROP CONSTRAINT no")
    assert run_ok(step).metadata["rows_written"] == 1


# --- out of PostgreSQL ----------------------------------------------------------------------------

KINDS = """CREATE TABLE k (id bigint PRIMARY KEY, i2 smallint, i4 int, r4 real, r8 double precision, n numeric, n2 numeric(12,2),
n0 numeric(18), nbig numeric(40,3), b boolean, t text, v varchar(20), c char(5), d date, ts timestamp, tz timestamptz(3), ti time, iv interval, u uuid,
ip inet, j json, jb jsonb, by bytea, a int[], at text[], bits bit(8), m mood, ct domain_int)"""
VALUES = """INSERT INTO k VALUES
(1, -32768, 2147483647, 0.1, 0.1, 12345678901234567890.123456789, 1234567890.12, 999999999999999999, 1234567890123456789012345678901234567.125, true,
 E'tab\\tnew\\nback\\\\slash ä', 'x', 'y', '2026-01-02', '2026-01-02 03:04:05.123456', '2026-01-02 03:04:05.123+02', '23:59:59.5', '1 mon 2 days 03:04:05',
 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.1/8', '{"b": 1, "a": [1.0]}', '{"b": 1}', '\\x00ff5c0a09', '{1,NULL,3}', '{"a,b",NULL,"q\\"q"}',
 '00000101', '1', 7),
(2, NULL, NULL, 'NaN', '-Infinity', 'NaN', -0.5, -1, -1.000, false, '', '', '', 'infinity', '0044-03-15 12:00:00 BC', 'infinity', '00:00', '-1 year', NULL,
 '::1', 'null', '"x"', '', '{}', '{}', '11111111', 'happy', NULL),
(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
 NULL, NULL, NULL)"""


def a_state_of_an_older_version_counts():
    """Which kept no history of it."""
    fresh()
    execute("old.db", "CREATE TABLE sales (id INTEGER PRIMARY KEY)", "INSERT INTO sales VALUES (1), (2)")
    step = request({"type": "sqlite", "path": "old.db", "table": "sales", "replication_key": "id"}, table("sales", "append"))
    run_ok(step)
    sql("DROP TABLE _selvedge_state_history")
    execute("old.db", "INSERT INTO sales VALUES (3)")
    run_ok(step)
    assert sql("SELECT id FROM sales ORDER BY 1") == [["1"], ["2"], ["3"]], "none twice"
    sql("DROP TABLE sales, _selvedge_state")  # and one that is gone is none
    run_ok(step)
    assert sql("SELECT count(*) FROM sales") == [["3"]]


def postgres(name="k", **more):
    return dict({"type": "postgres", "dsn": DSN, "table": name}, **more)


def make_kinds():
    fresh()
    sql("CREATE TYPE mood AS ENUM ('1', 'happy'); CREATE DOMAIN domain_int AS int CHECK (VALUE > 0)")
    sql(KINDS)
    sql(VALUES)


def every_type_comes_back():
    make_kinds()
    run_ok(request(postgres(), table("k2", primary_key=["id"])))
    types = dict(sql("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'k2'"))
    want = {"n": "numeric", "nbig": "numeric", "n2": "numeric", "n0": "bigint", "d": "date", "tz": "timestamp with time zone", "iv": "interval", "u": "uuid", "ip": "inet",
            "j": "jsonb", "by": "bytea", "a": "jsonb", "bits": "text", "m": "text", "ct": "bigint", "r4": "double precision"}
    assert {name: types[name] for name in want} == want, types
    same = "id, i2, i4, r8, n, n2, n0, nbig, b, t, v, d, ts, tz, ti, iv, u, ip, jb, by, ct"
    alike = f"{same}, j::jsonb, to_jsonb(a), to_jsonb(at), bits::text, m::text, c::text, r4::text"
    copied = f"{same}, j, a, at, bits, m, c::char(5)::text, r4::text"
    assert sql(f"(SELECT {alike} FROM k EXCEPT SELECT {copied} FROM k2) UNION ALL (SELECT {copied} FROM k2 EXCEPT SELECT {alike} FROM k)") == []
    # Into tables of the same types, and again: nothing is left to write.
    sql("CREATE TABLE k3 (LIKE k INCLUDING ALL)")
    columns = [name for name in types if name not in ("a", "at")]  # JSON is no SQL list
    step = request(postgres(columns=columns), table("k3", primary_key=["id"]))
    assert run_ok(step).metadata["rows_written"] == 3
    assert run_ok(step).metadata["rows_written"] == 0
    names = ", ".join(name if name != "j" else "j::text" for name in columns)
    assert sql(f"SELECT {names} FROM k EXCEPT SELECT {names} FROM k3") == []


def every_type_reaches_sqlite_and_comes_back():
    make_kinds()
    run_ok(request(postgres(), {"type": "sqlite", "path": "t.db", "table": "k", "mode": "upsert", "primary_key": ["id"]}))
    got = rows("t.db", "SELECT n, n2, n0, b, ts, tz, iv, a, at, by, bits, m, r8, nbig, ct, j FROM k ORDER BY id")
    assert got[0] == ("12345678901234567890.123456789", 1234567890.12, 999999999999999999, 1, "2026-01-02T03:04:05.123456", "2026-01-02T01:04:05.123Z",
                      "1 mon 2 days 03:04:05", "[1,null,3]", '["a,b",null,"q\\"q"]', b"\x00\xff\\\n\t", "00000101", "1", 0.1,
                      "1234567890123456789012345678901234567.125", 7, '{"b": 1, "a": [1.0]}'), got[0]
    assert got[1][:7] == ("NaN", -0.5, -1, 0, "0044-03-15 12:00:00 BC", "infinity", "-1 years") and got[1][12] == "-Infinity", got[1]
    assert got[2] == (None,) * 16
    run_ok(request({"type": "sqlite", "path": "t.db", "table": "k", "columns": ["id", "n", "by", "t", "n2"]}, table("k2", primary_key=["id"])))
    assert sql("SELECT id, n, by, t, n2 FROM k EXCEPT SELECT id, n, by, t, n2 FROM k2") == []


def incremental_reads_from_the_last_key_on():
    fresh()
    sql("CREATE TABLE k (id int, at timestamptz, v text); INSERT INTO k SELECT i, timestamptz '2026-01-01Z' + i / 3 * interval '1 s', 'v' FROM generate_series(0, 8) i; "
        "INSERT INTO k VALUES (100, NULL, 'no key')")
    for mode in ("append", "upsert"):
        step = request(postgres(replication_key="at"), {"type": "sqlite", "path": f"{mode}.db", "table": "k", "mode": mode, "primary_key": ["id"]})
        result = run_ok(step)
        assert result.metadata["rows_without_replication_key"] == 1 and result.metadata["rows_read"] == 9, result.metadata
        assert result.metadata["replication_key_max"] == "2026-01-01T00:00:02Z"
        assert run_ok(step).metadata["rows_written"] == 0
    sql("INSERT INTO k VALUES (9, '2026-01-01 00:00:02Z', 'same time'), (10, '2026-01-01 00:00:03Z', 'later'); UPDATE k SET v = 'new' WHERE id = 0")
    for mode in ("append", "upsert"):
        step = request(postgres(replication_key="at"), {"type": "sqlite", "path": f"{mode}.db", "table": "k", "mode": mode, "primary_key": ["id"]})
        assert run_ok(step).metadata["rows_written"] == 2, mode
        assert rows(f"{mode}.db", "SELECT count(*), count(DISTINCT id), max(v) FROM k") == [(11, 11, "v")], mode
    failed(request(postgres(), {"type": "sqlite", "path": "x.db", "table": "k", "mode": "append"}), "invalid", "replication_key")


def keys_of_every_type():
    """Numbers, text by its bytes (where the database's order is another), many digits, dates."""
    fresh()
    sql("CREATE TABLE k (i int, r double precision, n numeric, t text COLLATE \"und-x-icu\", d date, s timestamp, u uuid)")
    for i, text in enumerate(["B", "a", "Z", "it's", "ä", "b\\c"]):
        values = f"({i}, {i} / 7.0, {i} + 1e-30, $${text}$$, date '2026-01-01' + {i}, timestamp '2026-01-01' + {i} * interval '1 us', md5('{i}')::uuid)"
        sql(f"INSERT INTO k VALUES {values}")
    for key in "irntdsu":
        step = request(postgres(replication_key=key, columns=["i", "t"]), {"type": "sqlite", "path": f"{key}.db", "table": "k", "mode": "append"})
        assert run_ok(step).metadata["rows_written"] == 6, key
        assert run_ok(step).metadata["rows_written"] == 0, key
    assert [r[0] for r in rows("t.db", "SELECT t FROM k ORDER BY rowid")] == sorted(["B", "a", "Z", "it's", "ä", "b\\c"])


def a_tap_that_cannot_says_why():
    make_kinds()
    into = {"type": "sqlite", "path": "t.db", "table": "k", "mode": "overwrite"}
    failed(request(postgres("kk"), into), "not_found", "no table or view \"kk\"", "did you mean \"k\"")
    failed(request(postgres(columns=["nn"]), into), "not_found", "no column \"nn\"", "did you mean")
    failed(request(postgres(replication_key="nope"), dict(into, mode="upsert", primary_key=["id"])), "not_found", "replication_key")
    failed(request(postgres(dsn=SERVER.dsn(password="s3cretwrong")), into), "denied", "tap postgres", "28P01")
    failed(request(postgres(schema="nowhere"), into), "not_found", "nowhere")
    sql("CREATE VIEW broken AS SELECT 1 / (i2 - i2) AS x FROM k")
    failed(request(postgres("broken"), into), "invalid", "division by zero")
    sql("CREATE VIEW seen AS SELECT id, t FROM k")
    assert run_ok(request(postgres("seen"), into)).metadata["dagster/row_count"] == 3


# --- what is refused ------------------------------------------------------------------------------


def what_cannot_be_is_said():
    fresh()
    tap = messages(schema("s", ["id"], id="integer"), record("s", id=1))
    wrong = SERVER.dsn(password="s3cretwrong")
    failed(request(tap, target(dsn=wrong)), "denied", "password authentication failed", "28P01")
    failed(request(tap, target(dsn=SERVER.dsn())), "offline", "no password supplied")
    failed(request(tap, target(dsn=SERVER.dsn(password="s3cret pass", database="nowhere"))), "not_found", "nowhere")
    failed(request(tap, target(dsn="host=/nonexistent user=x password=s3cret")), "offline", "/nonexistent", "server runs")
    failed(request(tap, target(dsn="host=x password=s3cret secret2")), "invalid", "dsn cannot be read")
    for uri in ("postgresql://me:s3cr/s3cret@host/db", "postgresql://me:s3cret@s3cret@host/db"):
        failed(request(tap, target(dsn=uri)), "invalid", "percent-encode")
    failed(request(tap, target(schema="nowhere")), "not_found", 'no schema "nowhere"')
    failed(request(tap, table("x" * 64)), "invalid", "63 bytes")
    failed(request(tap, table("_selvedge_state")), "invalid", "reserved")
    failed(request(messages(schema("s", ["id"], **{"id": "integer", "c" * 64: "string"})), target()), "invalid", "63 bytes")
    sql("CREATE VIEW v AS SELECT 1 AS id")
    failed(request(tap, table("v")), "invalid", "is a view")
    failed(request(messages(schema("s", ["id"], id="integer"), record("s", id=None)), target()), "invalid", "primary key is NULL")
    sql("CREATE ROLE reader LOGIN PASSWORD 's3cret'")
    failed(request(tap, target(dsn=SERVER.dsn(user="reader", password="s3cret"))), "not_found", "GRANT USAGE")
    sql("GRANT USAGE ON SCHEMA public TO reader")
    failed(request(tap, target(dsn=SERVER.dsn(user="reader", password="s3cret"))), "denied", "42501")


try:
    main([every_value_arrives_as_it_is, upsert_takes_the_last_and_writes_only_what_differs, an_older_table_gets_its_index,
          append_adds_and_keeps_the_tables_types, new_columns_are_added_and_text_is_not_put_among_numbers,
          overwrite_keeps_what_hangs_on_the_table, nul_characters_are_refused_or_replaced, streams_that_take_turns,
          the_sdks_files_by_step_and_by_program, every_type_comes_back, every_type_reaches_sqlite_and_comes_back,
          incremental_reads_from_the_last_key_on, keys_of_every_type, a_tap_that_cannot_says_why, state_and_rows_are_one_transaction,
          a_state_of_an_older_version_counts, what_cannot_be_is_said])
finally:
    SERVER.close()
