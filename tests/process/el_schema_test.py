"""Streams whose columns change: what becomes of the table, of the rows in it, and what is told, by policy. SQLite, and PostgreSQL where it is."""
import json
import os
import sqlite3

import pg_server
from el_step import execute, main, request, rows, run, run_ok

SERVER = pg_server.Server() if pg_server.BINARIES else None
TYPES = {"i": ["null", "integer"], "n": ["null", "number"], "s": ["null", "string"], "b": ["null", "boolean"], "o": ["null", "object"]}


def messages(properties, *records, key=("id",)):
    schema = {"properties": dict({"id": {"type": "integer"}}, **{name: {"type": TYPES[kind]} for name, kind in properties.items()})}
    lines = [{"type": "SCHEMA", "stream": "t", "key_properties": list(key), "schema": schema}]
    lines += [{"type": "RECORD", "stream": "t", "record": record} for record in records]
    with open("in.singer", "w", encoding="utf8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return {"type": "singer_input", "path": "in.singer"}


class Sqlite:
    name = "sqlite"

    @staticmethod
    def target(mode="upsert", **more):
        return dict({"type": "sqlite", "path": "shop.db", "mode": mode, "table": "t"}, **more)

    @staticmethod
    def table():
        got = {}
        columns = [c[1:3] for c in rows("shop.db", "PRAGMA table_info(t)")]
        for row in rows("shop.db", "SELECT %s FROM t ORDER BY id" % ", ".join(f'"{name}"' for name, _ in columns)):
            got[row[0]] = dict(zip([name for name, _ in columns], row))
        return dict(columns), got

    @staticmethod
    def fresh():
        if os.path.exists("shop.db"):
            os.remove("shop.db")


class Postgres:
    name = "postgres"

    @staticmethod
    def target(mode="upsert", **more):
        return dict({"type": "postgres", "dsn": SERVER.dsn(), "mode": mode, "table": "t"}, **more)

    @staticmethod
    def table():
        columns = [tuple(row) for row in SERVER.sql("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass "
                                                    "AND attnum > 0 AND NOT attisdropped ORDER BY attnum")]
        got = {json.loads(row[0])["id"]: json.loads(row[0], parse_float=str) for row in SERVER.sql("SELECT to_jsonb(t) FROM t ORDER BY id")}
        return dict(columns), got

    @staticmethod
    def fresh():
        SERVER.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


BOTH = [Sqlite] + ([Postgres] if SERVER else [])


def load(db, properties, *records, mode="upsert", key=("id",), **more):
    return run_ok(request(messages(properties, *records, key=key), db.target(mode, **more)))


def refused(db, properties, *records, **more):
    result = run(request(messages(properties, *records), db.target(**more)))
    assert result.code == 1 and result.error["code"] == "invalid", (db.name, result.error)
    return result.error


def changes(result):
    return [tuple(c.get(k) for k in ("column", "change", "from", "to")) for c in result.metadata.get("schema_changes", [])]


def a_new_column_is_added_and_told():
    for db in BOTH:
        db.fresh()
        first = load(db, {"a": "i"}, {"id": 1, "a": 5})
        assert "schema_changes" not in first.metadata and len(first.metadata["schema_hash"]) == 16
        result = load(db, {"a": "i", "b": "s"}, {"id": 2, "a": 6, "b": "x"})
        assert changes(result) == [("b", "added", None, {"sqlite": "TEXT", "postgres": "text"}[db.name])], changes(result)
        assert result.metadata["schema_hash_before"] == first.metadata["schema_hash"] != result.metadata["schema_hash"]
        assert "el.schema_changed" in result.log
        assert db.table()[1] == {1: {"id": 1, "a": 5, "b": None}, 2: {"id": 2, "a": 6, "b": "x"}}
        again = load(db, {"b": "s"}, {"id": 3, "b": "y"})  # what is missing stays, empty
        assert changes(again) == [] and "el.schema_changed" not in again.log
        assert db.table()[1][3] == {"id": 3, "a": None, "b": "y"}


def numbers_become_wider_numbers_without_loss():
    big = 2**63 - 1
    for db in BOTH:
        db.fresh()
        load(db, {"b": "b", "i": "i"}, {"id": 1, "b": True, "i": big})
        result = load(db, {"b": "i", "i": "n"}, {"id": 2, "b": 7, "i": 0.1})
        types = db.table()[0]
        assert (types["b"], types["i"]) == {"sqlite": ("INTEGER", "NUMERIC"), "postgres": ("bigint", "numeric")}[db.name], types
        assert sorted(c[0] for c in changes(result)) == ["b", "i"], changes(result)
        got = db.table()[1]
        assert (got[1]["b"], got[1]["i"], got[2]["b"], str(got[2]["i"])) == (1, big, 7, "0.1"), got
        assert changes(load(db, {"b": "b", "i": "i"}, {"id": 3, "b": False, "i": 4})) == []  # never narrower
        assert db.table()[1][3] == {"id": 3, "b": 0, "i": 4}


def text_in_a_column_of_numbers_is_refused_by_default():
    for db in BOTH:
        for policy in ({}, {"on_schema_change": "error"}):
            db.fresh()
            load(db, {"v": "n"}, {"id": 1, "v": 1.5})
            error = refused(db, {"v": "s"}, {"id": 2, "v": "x"}, **policy)
            assert 'column "v" holds text now, but the table has it as ' in error["message"], error
            assert "on_schema_change" in error["hint"], error
            assert list(db.table()[1]) == [1]


def widen_makes_text_of_it_with_every_digit():
    values = [0.1, 1e300, -5.0, 5e-324, 0.1 + 0.2, 123456789.123456789]
    for db in BOTH:
        db.fresh()
        load(db, {"r": "n", "i": "i", "b": "b"}, *({"id": i, "r": v, "i": 2**63 - 1 - i, "b": i % 2 == 0} for i, v in enumerate(values)))
        result = load(db, {"r": "s", "i": "s", "b": "s"}, {"id": 100, "r": "x", "i": "y", "b": "z"}, on_schema_change="widen")
        types, got = db.table()
        assert [types[c].lower() for c in "rib"] == ["text"] * 3, types
        for i, v in enumerate(values):
            assert float(got[i]["r"]) == v and int(got[i]["i"]) == 2**63 - 1 - i, (db.name, v, got[i])
            assert got[i]["b"] == {"sqlite": str(int(i % 2 == 0)), "postgres": str(i % 2 == 0).lower()}[db.name], got[i]
        assert got[100] == {"id": 100, "r": "x", "i": "y", "b": "z"}
        assert len(changes(result)) == 3
        load(db, {"r": "n"}, {"id": 101, "r": 0.1 + 0.2})  # numbers again: text keeps them whole
        assert float(db.table()[1][101]["r"]) == 0.1 + 0.2, db.table()[1][101]


def json_keeps_what_is_what():
    for db in BOTH:
        db.fresh()
        load(db, {"v": "n", "b": "b"}, {"id": 1, "v": 5, "b": True}, {"id": 2, "v": 0.5, "b": False}, {"id": 3})
        for records in ([{"id": 4, "v": "5", "b": "true"}, {"id": 5, "v": 'q"\\', "b": None}],):
            load(db, {"v": "s", "b": "s"}, *records, on_schema_change="json")
        load(db, {"v": "i", "b": "o"}, {"id": 6, "v": 7, "b": {"x": [1, None]}}, on_schema_change="json")
        types, got = db.table()
        assert types["v"] == {"sqlite": "JSON_TEXT", "postgres": "jsonb"}[db.name], types
        if db is Sqlite:
            for row in got.values():
                row.update({c: None if row[c] is None else json.loads(row[c], parse_float=str) for c in "vb"})
        assert {k: (r["v"], r["b"]) for k, r in got.items()} == {
            1: ({"sqlite": "5.0", "postgres": 5}[db.name], True), 2: ("0.5", False), 3: (None, None), 4: ("5", "true"),
            5: ('q"\\', None), 6: (7, {"x": [1, None]})}, (db.name, got)
    # and a tap reads it as JSON
    made = run_ok(request({"type": "sqlite", "path": "shop.db", "table": "t"}, {"type": "jsonl", "path": "out.jsonl", "mode": "overwrite"})).metadata
    assert made["rows_written"] == 6
    assert json.loads(open("out.jsonl", encoding="utf8").readlines()[5])["b"] == {"x": [1, None]}


def quarantine_keeps_the_table_and_rejects_what_does_not_fit():
    for db in BOTH:
        db.fresh()
        load(db, {"v": "i"}, {"id": 1, "v": 1})
        before = db.table()[0]
        result = load(db, {"v": "s"}, {"id": 2, "v": "2"}, {"id": 3, "v": "three"}, {"id": 4}, {"id": 5, "v": "5.5"},
                      on_schema_change="quarantine", reject_limit=2)
        assert (result.metadata["rows_written"], result.metadata["rows_rejected"]) == (2, 2), result.metadata
        types, got = db.table()
        assert types == before and {k: r["v"] for k, r in got.items()} == {1: 1, 2: 2, 4: None}, got
        error = refused(db, {"v": "s"}, {"id": 6, "v": "six"}, on_schema_change="quarantine")
        assert "none of its integers" in error["message"], error


def what_is_in_a_key_or_an_index_stays():
    for db in BOTH:
        db.fresh()
        load(db, {"v": "i"}, {"id": 1, "v": 1})
        if db is Sqlite:
            execute("shop.db", "CREATE INDEX by_v ON t (v)")
        else:
            SERVER.sql("CREATE VIEW sum_v AS SELECT sum(v) FROM t")
        error = refused(db, {"v": "s"}, {"id": 2, "v": "x"}, on_schema_change="widen")
        assert "cannot become" in error["message"] and "overwrite" in error["hint"], error
        assert list(db.table()[1]) == [1]
    Sqlite.fresh()
    execute("shop.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER NOT NULL DEFAULT 9 CHECK (id > 0), w TEXT UNIQUE)",
            "CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET w = 'seen ' || new.id WHERE id = new.id; END")
    execute("shop.db", "ALTER TABLE t ADD COLUMN n INTEGER")
    load(Sqlite, {"n": "s"}, {"id": 1, "n": "x"}, {"id": 2, "n": "y"}, on_schema_change="widen", mode="append")
    assert rows("shop.db", "SELECT id, v, w, n FROM t") == [(1, 9, "seen 1", "x"), (2, 9, "seen 2", "y")]
    assert rows("shop.db", "SELECT sql LIKE '%CHECK%' FROM sqlite_schema WHERE name = 't'") == [(1,)]


def a_changed_key_gets_its_index():
    for db in BOTH:
        db.fresh()
        load(db, {"mail": "s", "v": "i"}, {"id": 1, "mail": "a", "v": 1}, {"id": 2, "mail": "b", "v": 2})
        load(db, {"mail": "s", "v": "i"}, {"id": 1, "mail": "a", "v": 10}, {"id": 3, "mail": "c", "v": 3}, key=("mail",))
        assert {k: r["v"] for k, r in db.table()[1].items()} == {1: 10, 2: 2, 3: 3}
        # the old key holds still: who breaks it is rejected
        result = load(db, {"mail": "s", "v": "i"}, {"id": 1, "mail": "new", "v": 0}, key=("mail",), reject_limit=1)
        assert result.metadata["rows_rejected"] == 1, result.metadata


def overwrite_takes_the_new_schema():
    for db in BOTH:
        db.fresh()
        load(db, {"v": "n", "gone": "s"}, {"id": 1, "v": 1.5, "gone": "x"})
        result = load(db, {"v": "s"}, {"id": 2, "v": "x"}, mode="overwrite")
        assert db.table()[1] == {2: {"id": 2, "v": "x"}}
        assert sorted(c[:2] for c in changes(result)) == [("gone", "gone"), ("v", "type")], changes(result)


def a_schema_that_changes_on_the_way_is_no_other_thing():
    for db in BOTH:
        for mode in ("upsert", "append", "overwrite"):
            db.fresh()
            messages({"v": "i"}, *({"id": i, "v": i} for i in range(1000)))
            first = open("in.singer", encoding="utf8").read()
            messages({"v": "s", "w": "n"}, *({"id": i, "v": "x", "w": 0.5} for i in range(1000, 1500)))
            with open("in.singer", "r+", encoding="utf8") as file:
                second = file.read()
                file.seek(0)
                file.write(first + second)
            run_ok(request({"type": "singer_input", "path": "in.singer"}, db.target(mode, on_schema_change="widen")))
            got = db.table()[1]
            assert len(got) == 1500 and got[999]["v"] == "999" and got[1000] == {"id": 1000, "v": "x", "w": got[1000]["w"]}, (db.name, mode)


def records_are_validated_when_asked():
    schema = {"type": "SCHEMA", "stream": "t", "key_properties": ["id"], "schema": {"required": ["id"], "properties": {
        "id": {"type": "integer"}, "s": {"type": ["null", "string"]}, "at": {"type": "string", "format": "date-time"},
        "d": {"anyOf": [{"type": "string"}, {"type": "null"}], "format": "date"}, "t": {"type": ["string", "null"], "format": "time"},
        "any": {}, "o": {"type": ["object", "string"]}}}}
    good = [{"id": 1, "at": "2026-01-01T00:00:00Z"}, {"id": 2.0, "s": None, "at": "2026-01-01 00:00:00.5+02:00", "d": "2024-02-29", "t": "23:59:59"},
            {"id": 3, "any": [1], "o": "text"}, {"id": 4, "any": None, "o": {}, "d": None}]
    bad = [{"id": 10, "s": 5}, {"id": 11, "at": None}, {"id": 12, "at": "yesterday"}, {"id": 13, "at": "2026-13-01T00:00:00Z"},
           {"id": 14, "d": "2026-01-01T00:00:00Z"}, {"id": 15, "t": "25:00:00"}, {"id": 16, "o": [1]}, {"s": "no id"}]
    with open("in.singer", "w", encoding="utf8") as file:
        file.write(json.dumps(schema) + "\n")
        file.writelines(json.dumps({"type": "RECORD", "stream": "t", "record": r}) + "\n" for r in good + bad)
    tap = {"type": "singer_input", "path": "in.singer"}
    made = run_ok(request(tap, Sqlite.target(reject_limit=20, validate_records=True))).metadata
    assert (made["rows_written"], made["rows_rejected"]) == (len(good), len(bad)), (made, rows("shop.db", "SELECT place, reason FROM _selvedge_rejected"))
    made = run_ok(request(tap, Sqlite.target(reject_limit=20, table="u"), state_id="u")).metadata
    assert made["rows_rejected"] == 1  # types that the columns cannot hold, and required members, are looked at always


if __name__ == "__main__":
    try:
        main([a_new_column_is_added_and_told, numbers_become_wider_numbers_without_loss, text_in_a_column_of_numbers_is_refused_by_default,
              widen_makes_text_of_it_with_every_digit, json_keeps_what_is_what, quarantine_keeps_the_table_and_rejects_what_does_not_fit,
              what_is_in_a_key_or_an_index_stays, a_changed_key_gets_its_index, overwrite_takes_the_new_schema,
              a_schema_that_changes_on_the_way_is_no_other_thing, records_are_validated_when_asked])
    finally:
        if SERVER:
            SERVER.close()
