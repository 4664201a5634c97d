"""Loads whose streams are assets of their own: what is told of each, what the tap is asked for, what the state keeps."""
import json
import sys

from el_step import execute, main, request, rows, run, run_ok
from el_tap import TAP, given, record, schema, state, stored_state


def step(config, *streams, catalog=None, target=None, checks=()):
    with open("tap.py", "w", encoding="utf8") as file:
        file.write(TAP)
    tap = {"type": "singer_program", "command": [sys.executable, "tap.py"], "config": json.dumps(config), "streams": streams}
    if catalog is not None:
        tap["catalog"] = json.dumps(catalog)
    made = request(tap, target or {"type": "sqlite", "path": "t.db", "mode": "upsert"}, state_id="lake",
                   assets=[{"asset": "lake/" + s, "stream": s} for s in streams], checks=checks)
    del made["asset"]
    return made


def told(result, kind):
    return {e["asset"]: e for e in result.of(kind)}


def bookmarks(**at):
    return state(bookmarks={stream: {"at": value} for stream, value in at.items()})


def ids(table):
    return [row[0] for row in rows("t.db", f"SELECT id FROM {table} ORDER BY id")]


def each_is_told_of_by_itself():
    messages = [schema("a"), record("a", 1), record("a", 2), schema("b"), record("b", 7), schema("c"), bookmarks(a=2, b=7)]
    checks = [{"asset": "lake/a", "name": "two", "sql": "SELECT count(*) = 2 FROM a"},
              {"asset": "lake/b", "name": "none", "sql": "SELECT count(*) = 0 FROM b"}]
    result = run_ok(step({"messages": messages}, "a", "b", "c", checks=checks))
    made = told(result, "materialization")
    assert sorted(made) == ["lake/a", "lake/b", "lake/c"], made
    a = {k: v["raw_value"] for k, v in made["lake/a"]["metadata"].items()}
    assert (a["dagster/row_count"], a["dagster/table_name"], a["rows_read"], a["rows_written"]) == (2, "t.a", 2, 2), a
    assert [c["name"] for c in a["dagster/column_schema"]["columns"]] == ["id", "name"] and "streams" not in a
    assert made["lake/c"]["metadata"]["dagster/row_count"]["raw_value"] == 0
    assert [(c["asset"], c["name"], c["passed"]) for c in result.of("check")] == \
        [("lake/a", "two", True), ("lake/b", "none", False)]


def of_some_only_those_are_loaded_and_the_state_forgets_none():
    run_ok(step({"messages": [schema("a"), record("a", 1), schema("b"), record("b", 1), bookmarks(a=1, b=1)]}, "a", "b"))
    # This tap tells of what it was asked for alone.
    messages = [schema("b"), record("b", 9), schema("a"), record("a", 2), bookmarks(a=2)]
    result = run_ok(step({"messages": messages}, "a"))
    assert list(told(result, "materialization")) == ["lake/a"]
    assert ids("a") == [1, 2] and ids("b") == [1]
    assert stored_state() == {"bookmarks": {"a": {"at": 2}, "b": {"at": 1}}}
    assert "event=el.records_passed_over" in result.log and "records=1" in result.log, result.log
    # And this one claims what was passed over: it has to come again.
    messages = [schema("a"), record("a", 3), schema("b"), record("b", 2), bookmarks(a=3, b=2, x=1)]
    run_ok(step({"messages": messages}, "a"))
    assert stored_state() == {"bookmarks": {"a": {"at": 3}, "b": {"at": 1}}}
    # A state that cannot be told apart stays.
    run_ok(step({"messages": [schema("a"), record("a", 4), schema("b"), record("b", 2), state(position=9)]}, "a"))
    assert stored_state() == {"bookmarks": {"a": {"at": 3}, "b": {"at": 1}}} and ids("a") == [1, 2, 3, 4]
    run_ok(step({"messages": [schema("a"), state(position=9)]}, "a"))
    assert stored_state() == {"position": 9}


def a_catalog_is_reduced_to_them():
    catalog = {"streams": [
        {"tap_stream_id": "a", "stream": "a", "schema": {"properties": {}}, "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}]},
        {"tap_stream_id": "b", "stream": "b", "schema": {"properties": {"id": {}}, "selected": True}, "metadata": [
            {"breadcrumb": [], "metadata": {"selected": True, "replication-method": "INCREMENTAL"}},
            {"breadcrumb": ["properties", "id"], "metadata": {"selected": True}}]},
        {"tap_stream_id": "c-1", "stream": "c", "schema": {}}]}
    run_ok(step({"messages": [schema("a"), schema("c")]}, "a", "c", catalog=catalog))
    a, b, c = given()["catalog"]["streams"]
    assert a == catalog["streams"][0] and c == catalog["streams"][2]
    assert b["selected"] is False and b["schema"]["selected"] is False and b["schema"]["properties"] == {"id": {}}
    assert b["metadata"][0] == {"breadcrumb": [], "metadata": {"selected": False, "replication-method": "INCREMENTAL"}}
    assert b["metadata"][1:] == catalog["streams"][1]["metadata"][1:]


def a_tap_that_fails_leaves_whole_what_it_had_gone_on_from():
    messages = [schema("a"), record("a", 1), schema("b"), record("b", 1), record("b", 2), schema("c"), record("c", 5),
                bookmarks(a=1, b=2, c=5)]
    checks = [{"asset": f"lake/{s}", "name": "asked", "sql": "SELECT 1"} for s in "abcd"]
    result = run(step({"messages": messages, "exit": 3}, "a", "b", "c", "d", checks=checks))
    assert result.code == 1
    assert sorted(told(result, "materialization")) == ["lake/a", "lake/b"]
    failed = told(result, "failure")
    assert sorted(failed) == ["lake/c", "lake/d"] and "exit code 3" in failed["lake/c"]["message"], failed
    assert "exit code 3" in result.error["message"]
    assert [c["asset"] for c in result.of("check")] == ["lake/a", "lake/b"]
    assert ids("c") == [5]  # what it gave is kept all the same
    assert stored_state() == {"bookmarks": {"a": {"at": 1}, "b": {"at": 2}, "c": {"at": 5}}}


def of_a_tap_that_mixes_its_streams_none_is_whole_when_it_fails():
    messages = [schema("a"), schema("b"), record("a", 1), record("b", 1), record("a", 2), record("b", 2)]
    result = run(step({"messages": messages, "exit": 1}, "a", "b"))
    assert result.of("materialization") == [] and sorted(told(result, "failure")) == ["lake/a", "lake/b"]


def an_overwrite_that_breaks_off_makes_none():
    messages = [schema("a"), record("a", 1), schema("b"), record("b", 1)]
    target = {"type": "sqlite", "path": "t.db", "mode": "overwrite"}
    result = run(step({"messages": messages, "exit": 1}, "a", "b", target=target))
    assert result.of("materialization") == [] and sorted(told(result, "failure")) == ["lake/a", "lake/b"]


def one_that_the_target_cannot_take_fails_alone_and_its_state_stays():
    run_ok(step({"messages": [schema("a"), schema("b"), schema("c"), record("b", 1), bookmarks(a=0, b=1, c=0)]}, "a", "b", "c"))
    # Into a view nothing can be loaded.
    execute("t.db", "ALTER TABLE b RENAME TO kept", "CREATE VIEW b AS SELECT * FROM kept")
    messages = [schema("a"), record("a", 1), schema("b"), record("b", 2), schema("c"), record("c", 1), record("b", 3), record("a", 2),
                bookmarks(a=2, b=3, c=1)]
    result = run(step({"messages": messages}, "a", "b", "c"))
    assert result.code == 1 and sorted(told(result, "materialization")) == ["lake/a", "lake/c"], result.events
    failed = told(result, "failure")
    assert list(failed) == ["lake/b"] and "view" in failed["lake/b"]["message"], failed
    assert result.error["message"].startswith("1 of 3 streams failed: "), result.error
    assert (ids("a"), ids("b"), ids("c")) == ([1, 2], [1], [1])
    assert stored_state() == {"bookmarks": {"a": {"at": 2}, "c": {"at": 1}, "b": {"at": 1}}}
    execute("t.db", "DROP VIEW b", "ALTER TABLE kept RENAME TO b")
    # What was passed over comes with the next load, which begins where the state says.
    run_ok(step({"messages": [schema("b"), record("b", 2), record("b", 3), bookmarks(b=3)]}, "b"))
    assert given()["state"]["bookmarks"]["b"] == {"at": 1} and ids("b") == [1, 2, 3]


def one_that_has_never_been_loaded_keeps_no_state():
    execute("t.db", "CREATE VIEW b AS SELECT 1 AS id")
    result = run(step({"messages": [schema("b"), record("b", 1), schema("a"), record("a", 1), bookmarks(a=1, b=1)]}, "a", "b"))
    assert sorted(told(result, "failure")) == ["lake/b"]
    assert stored_state() == {"bookmarks": {"a": {"at": 1}}}


def a_state_that_speaks_of_no_streams_does_not_move_when_one_failed():
    run_ok(step({"messages": [schema("a"), schema("b"), state(position=1)]}, "a", "b"))
    execute("t.db", "DROP TABLE b", "CREATE VIEW b AS SELECT 1 AS id")
    run(step({"messages": [schema("b"), record("b", 1), schema("a"), record("a", 1), state(position=2)]}, "a", "b"))
    assert stored_state() == {"position": 1} and ids("a") == [1]


def a_stream_that_the_tap_does_not_have_fails():
    result = run(step({"messages": [schema("a"), record("a", 1), bookmarks(a=1)]}, "a", "ordrs"))
    assert list(told(result, "materialization")) == ["lake/a"]
    assert told(result, "failure")["lake/ordrs"]["message"] == 'the tap gave no stream "ordrs"'
    # One that was loaded before may be silent when there is nothing new.
    result = run_ok(step({"messages": [bookmarks(a=1)]}, "a"))
    assert told(result, "materialization")["lake/a"]["metadata"]["rows_read"]["raw_value"] == 0


def nothing_is_told_twice_or_of_a_wrong_request():
    wrong = step({}, "a")
    wrong["asset"] = "x"
    assert run(wrong).error["message"] == 'step: there is both "asset" and "assets"'
    wrong = step({}, "a")
    del wrong["state_id"]
    assert run(wrong).error["message"] == 'step: "state_id" is missing'
    missing = step({}, "a")
    del missing["assets"]
    assert run(missing).error["message"] == 'step: "asset" is missing'


# A Singer target that prints the last state, as others do.
TARGET = """
import json, sys
last = None
for line in sys.stdin:
    message = json.loads(line)
    open("loaded", "a").write(message["type"] + " " + message.get("stream", "") + "\\n")
    if message["type"] == "STATE":
        print(json.dumps(message["value"]), flush=True)
"""


def between_two_programs_it_is_the_same():
    with open("target.py", "w", encoding="utf8") as file:
        file.write(TARGET)
    target = {"type": "singer_program", "mode": "append", "command": [sys.executable, "target.py"]}
    messages = [schema("a"), record("a", 1), record("x", 1), schema("b"), record("b", 1), bookmarks(a=1, b=1, x=1)]
    made = step({"messages": messages}, "a", "b", target=target)
    made["state_dir"] = "."
    assert sorted(told(run_ok(made), "materialization")) == ["lake/a", "lake/b"]
    with open("lake.json", encoding="utf8") as file:
        assert json.load(file)["states"][0]["value"] == {"bookmarks": {"a": {"at": 1}, "b": {"at": 1}}}
    with open("loaded", encoding="utf8") as file:
        assert "RECORD x" not in file.read()
    made = step({"messages": messages, "exit": 1}, "a", "b", target=target)
    made["state_dir"] = "."
    result = run(made)
    assert list(told(result, "materialization")) == ["lake/a"] and list(told(result, "failure")) == ["lake/b"], result.events


main([each_is_told_of_by_itself, of_some_only_those_are_loaded_and_the_state_forgets_none, a_catalog_is_reduced_to_them,
      a_tap_that_fails_leaves_whole_what_it_had_gone_on_from, of_a_tap_that_mixes_its_streams_none_is_whole_when_it_fails,
      an_overwrite_that_breaks_off_makes_none, one_that_the_target_cannot_take_fails_alone_and_its_state_stays,
      one_that_has_never_been_loaded_keeps_no_state, a_state_that_speaks_of_no_streams_does_not_move_when_one_failed,
      a_stream_that_the_tap_does_not_have_fails, nothing_is_told_twice_or_of_a_wrong_request, between_two_programs_it_is_the_same])
