"""The Singer SDK's own target test data, every file, into SQLite and, where a server is installed, PostgreSQL: the rows are those that MeltanoLabs'
target-postgres has in its own tests. Each file once as a step, and all of them once through `selvedge-el target`."""
import json
import os
import subprocess
import sys

from el_databases import DATABASES, close, each
from el_step import EL, main, request, run, run_ok

FILES = os.path.abspath("../shared/data/singer")
REFUSED = {"invalid_schema": "properties", "record_before_schema": "before its SCHEMA", "record_missing_key_property": "\"id\"",
           "record_missing_required_property": "\"id\""}
# Tables and rows of each file, loaded alone by key; None: no row, and a table.
ROWS = {"array_data": {"test_array_data": 4}, "camelcase": {"TestCamelcase": 2}, "camelcase_complex_schema": {"ForecastingTypeToCategory": 0},
        "duplicate_records": {"test_duplicate_records": 2}, "encoded_string_data": {"test_strings": 11, "test_strings_in_objects": 11, "test_strings_in_arrays": 6},
        "multiple_state_messages": {"test_multiple_state_messages_a": 6, "test_multiple_state_messages_b": 6},
        "no_primary_keys": {"test_no_pk": 3}, "no_primary_keys_append": {"test_no_pk": 5},
        "optional_attributes": {"test_optional_attributes": 4}, "pk_updates": {"example_stream": 2}, "record_missing_fields": {"record_missing_fields": 2},
        "schema_no_properties": {"test_object_schema_with_properties": 2, "test_object_schema_no_properties": 2}, "schema_updates": {"test_schema_updates": 6},
        "special_chars_in_attributes": {"test:SpecialChars!in?attributes": 1},
        "user_location_data": {"test_users": 5, "test_locations": 3, "test_user_in_location": 3},
        "user_location_upsert_data": {"test_users": 6, "test_locations": 4, "test_user_in_location": 4}}


def load(db, name, mode="upsert", **target):
    more = {"nul_characters": "replace"} if db.kind == "postgres" else {}
    return request({"type": "singer", "path": f"{FILES}/{name}.singer"}, db.step_target(mode=mode, append_without_key=True, **more, **target), asset=f"singer/{name}",
                   state_id=name)


def column(db, table, name, order="1"):
    return [row[0] for row in db.sql(f'SELECT "{name}" FROM "{table}" ORDER BY {order}')]


@each
def every_file_by_itself(db):
    names = {name[:-7] for name in os.listdir(FILES) if name.endswith(".singer")}
    assert names == set(ROWS) | set(REFUSED), names ^ (set(ROWS) | set(REFUSED))
    for name, tables in ROWS.items():
        db.clear()
        result = run_ok(load(db, name))
        assert set(result.metadata["streams"]) == set(tables), (name, result.metadata["streams"])
        for table, count in tables.items():
            assert db.sql(f'SELECT count(*) FROM "{table}"') == [[str(count)]], (db.kind, name, table)
            assert result.metadata["streams"][table]["row_count"] == count
    for name, word in REFUSED.items():
        db.clear()
        result = run(load(db, name))
        assert result.code == 1 and word in result.error["message"], result.error


@each
def values_are_those_of_the_files(db):
    run_ok(load(db, "array_data"))
    assert [json.loads(v) if v != "NULL" else None for v in column(db, "test_array_data", "fruits", "id")][2] == ["pear"]
    run_ok(load(db, "camelcase"))
    assert column(db, "TestCamelcase", "Id") == ["1", "2"]
    run_ok(load(db, "duplicate_records"))
    assert db.sql("SELECT id, metric FROM test_duplicate_records ORDER BY id") == [["1", "100"], ["2", "20"]]
    run_ok(load(db, "encoded_string_data"))
    nul = "\0" if db.kind == "sqlite" else "\ufffd"
    assert column(db, "test_strings", "info", "id")[10] == f"Control Characters in string: {nul} A \1"
    run_ok(load(db, "optional_attributes"))
    assert column(db, "test_optional_attributes", "optional", "id").count("NULL") == 2
    run_ok(load(db, "record_missing_fields"))
    assert column(db, "record_missing_fields", "optional", "id") == ["now you see me", "NULL"]
    run_ok(load(db, "schema_updates"))
    row = db.sql("SELECT id, a1, a2, a3, a4, a5, a6 FROM test_schema_updates WHERE id = 1")[0]
    assert float(row[1]) == 101 and [row[0], *row[2:]] == ["1", "string1", *["NULL"] * 4], row
    run_ok(load(db, "special_chars_in_attributes"))
    assert '"agent:type": "desktop"' in column(db, "test:SpecialChars!in?attributes", "d")[0]
    run_ok(load(db, "pk_updates"))
    assert column(db, "example_stream", "email") == ["alice@example.com", "bob@example.com"]


@each
def files_after_one_another(db):
    for name in ("no_primary_keys", "no_primary_keys_append"):
        run_ok(load(db, name))
    assert db.sql("SELECT count(*) FROM test_no_pk") == [["8"]]
    for name in ("user_location_data", "user_location_upsert_data"):
        run_ok(load(db, name))
    users = dict(db.sql("SELECT id, name FROM test_users"))
    assert users == {"1": "Johny", "2": "George", "3": "Jacob", "4": "Josh", "5": "Jim", "8": "Thomas", "12": "Paul", "13": "Mary"}, users
    places = dict(db.sql("SELECT id, name FROM test_locations"))
    assert len(places) == 5 and places["6"] == "Colorado" and places["8"] == "Boston", places
    assert db.sql("SELECT count(*) FROM test_user_in_location") == [["5"]]


@each
def all_of_them_through_the_target_program(db):
    """What may be claimed: the last STATE of multiple_state_messages, with the record behind it loaded too."""
    with open("target.json", "w", encoding="utf8") as file:
        json.dump({**db.settings, **({"sanitize_null_text_characters": True} if db.kind == "postgres" else {})}, file)
    for name in ROWS:
        done = subprocess.run([EL, "target", db.kind, "--config", "target.json", "--input", f"{FILES}/{name}.singer"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        assert done.returncode == 0, (name, done.stderr)
        if name == "multiple_state_messages":
            assert json.loads(done.stdout.splitlines()[-1]) == {"test_multiple_state_messages_a": 5, "test_multiple_state_messages_b": 6}, done.stdout


def one_stream_into_one_table_needs_a_choice():
    for db in DATABASES:
        db.clear()
        result = run(load(db, "user_location_data", table="users"))
        assert "several streams" in result.error["message"] and "stream" in result.error["hint"], result.error


if not os.path.isdir(FILES):
    print("skipped: needs ../shared/data")
    sys.exit(77)
try:
    main([every_file_by_itself, values_are_those_of_the_files, files_after_one_another, all_of_them_through_the_target_program,
          one_stream_into_one_table_needs_a_choice])
finally:
    close()
