"""The Singer SDK's own target test data, stream by stream, into SQLite."""
import os
import sys

from el_step import main, request, rows, run, run_ok

FILES = os.path.abspath("../shared/data/singer")


def load(name, stream=None, mode="upsert", table=None, **target):
    tap = {"type": "singer", "path": f"{FILES}/{name}.singer"}
    if stream:
        tap["stream"] = stream
    table = table or stream or name
    return request(tap, dict({"type": "sqlite", "path": "t.db", "table": table, "mode": mode}, **target),
                   asset=f"singer/{table}", state_id=f"{name}/{table}")


def column(table, name, order="1"):
    return [r[0] for r in rows("t.db", f'SELECT "{name}" FROM "{table}" ORDER BY {order}')]


def what_target_postgres_expects():
    run_ok(load("array_data"))
    assert rows("t.db", "SELECT count(*) FROM array_data") == [(4,)]
    assert column("array_data", "fruits", "id")[2] == '[ "pear" ]'
    run_ok(load("camelcase"))
    assert column("camelcase", "Id") == ["1", "2"]
    run_ok(load("camelcase_complex_schema", mode="append"))
    run_ok(load("duplicate_records"))
    assert rows("t.db", "SELECT id, metric FROM duplicate_records ORDER BY id") == [(1, 100), (2, 20)]
    for stream, count in (("test_strings", 11), ("test_strings_in_objects", 11), ("test_strings_in_arrays", 6)):
        run_ok(load("encoded_string_data", stream))
        assert rows("t.db", f"SELECT count(*) FROM {stream}") == [(count,)], stream
    assert column("test_strings", "info", "id")[10] == "Control Characters in string: \0 A \1"
    run_ok(load("no_primary_keys", mode="append", table="npk"))
    run_ok(load("no_primary_keys_append", mode="append", table="npk"))
    assert rows("t.db", "SELECT count(*) FROM npk") == [(8,)]
    run_ok(load("optional_attributes"))
    assert column("optional_attributes", "optional", "id").count(None) == 2
    run_ok(load("record_missing_fields"))
    assert column("record_missing_fields", "optional", "id") == ["now you see me", None]
    run_ok(load("schema_updates"))
    assert rows("t.db", "SELECT * FROM schema_updates WHERE id = 1") == [(1, 101.0, "string1", None, None, None, None)]
    assert rows("t.db", "SELECT count(*) FROM schema_updates") == [(6,)]
    run_ok(load("special_chars_in_attributes", table="test:SpecialChars!in?attributes"))
    assert '"agent:type": "desktop"' in column("test:SpecialChars!in?attributes", "d")[0]
    run_ok(load("pk_updates"))
    assert column("pk_updates", "email") == ["alice@example.com", "bob@example.com"]
    for stream in ("test_object_schema_with_properties", "test_object_schema_no_properties"):
        run_ok(load("schema_no_properties", stream, mode="append"))
        assert rows("t.db", f"SELECT count(*) FROM {stream}") == [(2,)]


def an_upsert_over_other_data():
    for stream in ("test_users", "test_locations", "test_user_in_location"):
        for name in ("user_location_data", "user_location_upsert_data"):
            run_ok(load(name, stream))
    users = dict(rows("t.db", "SELECT id, name FROM test_users"))
    assert users == {1: "Johny", 2: "George", 3: "Jacob", 4: "Josh", 5: "Jim", 8: "Thomas", 12: "Paul", 13: "Mary"}, users
    places = dict(rows("t.db", "SELECT id, name FROM test_locations"))
    assert len(places) == 5 and places[6] == "Colorado" and places[8] == "Boston", places
    assert rows("t.db", "SELECT count(*) FROM test_user_in_location") == [(5,)]


def wrong_files_are_refused():
    for name, word in (("invalid_schema", "properties"), ("record_before_schema", "before its SCHEMA"),
                       ("record_missing_key_property", "\"id\""), ("record_missing_required_property", "\"id\"")):
        result = run(load(name, mode="append"))
        assert result.code == 1 and word in result.error["message"], result.error
    result = run(load("user_location_data"))
    assert "stream" in result.error["hint"], result.error


if not os.path.isdir(FILES):
    print("skipped: needs ../shared/data")
    sys.exit(77)
main([what_target_postgres_expects, an_upsert_over_other_data, wrong_files_are_refused])
