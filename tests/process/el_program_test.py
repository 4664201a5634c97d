"""Singer taps that are programs, and the target that is one: several streams, the state there and back, and each way to break off."""
import json
import os
import signal
import subprocess
import sys

from el_step import EL, execute, main, request, rows, run, run_ok, start, finish
from el_tap import TAP, given, record, schema, state, stored_state


def step(config, mode="upsert", tap=None, **target):
    with open("tap.py", "w", encoding="utf8") as file:
        file.write(TAP)
    command = [sys.executable, "tap.py"]
    return request(dict({"type": "singer_program", "command": command, "config": json.dumps(config)}, **(tap or {})),
                   dict({"type": "sqlite", "path": "t.db", "mode": mode}, **target))


def each_stream_has_its_table_and_the_state_comes_back():
    messages = [schema("users"), schema("shops"), record("users", 1), record("shops", 7), record("users", 2), state(at=1),
                record("shops", 8), record("users", 1, "y"), state(at=2)]
    result = run_ok(step({"messages": messages, "secret": "s"}))
    assert rows("t.db", "SELECT id, name FROM users ORDER BY id") == [(1, "y"), (2, "x")]
    assert rows("t.db", "SELECT id FROM shops ORDER BY id") == [(7,), (8,)]
    assert stored_state() == {"at": 2}
    assert "state" not in given() and given()["config"]["secret"] == "s"
    streams = result.metadata["streams"]
    assert (streams["users"]["rows_read"], streams["users"]["row_count"], streams["shops"]["rows_read"]) == (3, 2, 2), streams
    assert result.metadata["rows_read"] == 5 and result.metadata["bytes_read"] > 0
    run_ok(step({"messages": [schema("users"), record("users", 3)]}, tap={"catalog": '{"streams": []}'}))
    assert given()["state"] == {"at": 2} and given()["catalog"] == {"streams": []}
    assert stored_state() == {"at": 2}, "a run without a STATE keeps the one there is"


def each_stream_tells_its_range_and_columns():
    messages = [{**schema("a"), "bookmark_properties": ["id"]}, {**schema("b"), "bookmark_properties": ["name"]}, schema("c"), record("a", 7), record("a", -3), record("a", 5),
                record("b", 1, "z"), record("b", 2, "ä"), record("b", 3, None), record("c", 1), {"type": "STATE", "value": {"bookmarks": {"c": {"replication_key": "id"}}}}]
    streams = run_ok(step({"messages": messages})).metadata["streams"]
    assert [streams["a"][k] for k in ("replication_key_min", "replication_key_max")] == ["-3", "7"], streams
    assert [streams["b"][k] for k in ("replication_key_min", "replication_key_max")] == ["z", "ä"], streams
    assert "replication_key_min" not in streams["c"] and streams["a"]["columns"] == {"id": "INTEGER", "name": "TEXT"}
    assert streams["a"]["schema_hash"] == streams["b"]["schema_hash"] and len(streams["a"]["schema_hash"]) == 16
    assert streams["a"]["duration_s"] > 0 and streams["a"]["rows_per_second"] >= 0
    wider = [{**schema("c"), "schema": {"properties": {"name": {"type": "string"}, "id": {"type": "integer"}, "w": {}}}}, record("c", 4), record("c", 9)]
    streams = run_ok(step({"messages": wider})).metadata["streams"]
    assert [streams["c"][k] for k in ("replication_key_min", "replication_key_max")] == ["4", "9"], "the state of the last run names the key"
    assert streams["c"]["schema_hash"] != "" and streams["c"]["schema_hash"] not in (None, run_ok(step({"messages": messages})).metadata["streams"]["a"]["schema_hash"])


def streams_that_take_turns_at_every_row():
    count = 3000
    messages = [schema("a"), schema("b"), schema("c", ())]
    for i in range(count):
        messages += [record("a", i), record("b", i), record("c", i)]
    run_ok(step({"messages": messages}, append_without_key=True))
    for table in "abc":
        assert rows("t.db", f"SELECT count(*), sum(id) FROM {table}") == [(count, count * (count - 1) // 2)]


def one_stream_into_a_named_table():
    messages = [schema("users"), schema("shops"), record("users", 1), record("shops", 7)]
    run_ok(step({"messages": messages}, tap={"stream": "shops"}, table="t"))
    assert rows("t.db", "SELECT id FROM t") == [(7,)]
    error = run(step({"messages": messages}, table="t")).error
    assert "several streams" in error["message"] and "stream" in error["hint"], error
    error = run(step({"messages": [schema("users"), schema("Users")]})).error
    assert "the same table" in error["message"], error


def a_tap_that_fails_keeps_what_it_gave():
    messages = [schema("users"), record("users", 1), state(at=1), record("users", 2)]
    result = run(step({"messages": messages, "exit": 3}))
    assert result.code == 1 and "exit code 3" in result.error["message"], result.error
    assert rows("t.db", "SELECT id FROM users") == [(1,), (2,)] and stored_state() == {"at": 1}
    result = run(step({"messages": messages, "kill": int(signal.SIGKILL)}))
    assert "SIGKILL" in result.error["message"] and "memory" in result.error["hint"], result.error


def an_overwrite_that_breaks_off_changes_nothing():
    run_ok(step({"messages": [schema("users"), record("users", 1)]}, "overwrite"))
    result = run(step({"messages": [schema("users"), record("users", 5)], "exit": 1}, "overwrite"))
    assert result.code == 1
    assert rows("t.db", "SELECT id FROM users") == [(1,)]
    assert rows("t.db", "SELECT name FROM sqlite_schema WHERE name LIKE '_selvedge_new%'") == []


def wrong_words_stop_the_tap():
    result = run(step({"messages": [schema("users"), record("users", 1), "what?"], "wait_for": ["never"]}))
    assert result.code == 1 and "3: " in result.error["message"], result.error
    assert not os.path.exists("t.db") or rows("t.db", "SELECT name FROM sqlite_schema") == []


def programs_that_cannot_be_started():
    error = run(step({}, tap={"command": ["no-such-tap"]})).error
    assert "no-such-tap" in error["message"], error
    error = run(step({}, tap={"command": []})).error
    assert error["code"] == "invalid", error


def a_slow_tap_is_committed_while_it_waits():
    """The tap ends only once its first row can be seen by others."""
    messages = [schema("users"), record("users", 1), state(at=1)]
    process, events = start(step({"messages": messages, "wait_for": ["seen"]}, flush_every="50ms"))
    while not os.path.exists("t.db") or rows("t.db", "SELECT name FROM sqlite_schema WHERE name = '_selvedge_state'") == []:
        assert process.poll() is None, finish(process, events).log
    assert rows("t.db", "SELECT id FROM users") == [(1,)] and stored_state() == {"at": 1}
    with open("seen", "w", encoding="utf8"):
        pass
    assert finish(process, events).code == 0


def sigterm_ends_both():
    process, events = start(step({"messages": [schema("users"), record("users", 1)], "wait_for": ["never"]}), start_new_session=True)
    while not os.path.exists("given.json"):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGTERM)
    assert finish(process, events).code in (143, -signal.SIGTERM)
    try:
        while True:  # until nobody of the group is left
            os.killpg(process.pid, 0)
    except ProcessLookupError:
        pass


METRICS = ['INFO METRIC: {"type": "counter", "metric": "record_count", "value": 2, "tags": {"endpoint": "users"}}',
           'INFO METRIC: {"type": "counter", "metric": "record_count", "value": 3, "tags": {"endpoint": "users"}}',
           '2026-01-02 03:04:05,678 | INFO     | singer_sdk.metrics  | METRIC: {"metric_type":"timer","type":"timer","metric":"http_request_duration","value":0.25,'
           '"tags":{"stream":"users","endpoint":"/u","http_status_code":500,"status":"failed","pid":7}}',
           '{"level": "info", "message": "METRIC", "metric_info": {"type": "timer", "metric": "http_request_duration", "value": 0.5, "tags": {"stream": "users", "status": "succeeded"}}}',
           'METRIC: {"type": "timer", "metric": "job_duration", "value": 1.5, "tags": {"job_type": "sync", "status": "succeeded"}}',
           'METRIC: {"type": "timer", "metric": "sync_duration", "value": 2, "tags": {}}', 'METRIC: {"metric": "broken"', 'METRIC: not one', '{"metric_info": 5}']
MEASURED = {"record_count": {"users": {"total": 5, "count": 2}}, "http_request_duration": {"users": {"total": 0.75, "count": 2, "max": 0.5, "failed": 1}},
            "job_duration": {"sync": {"total": 1.5, "count": 1, "max": 1.5}}, "sync_duration": {"": {"total": 2, "count": 1, "max": 2}}}


def what_the_tap_measures_is_told():
    messages = [schema("users"), record("users", 1)]
    result = run_ok(step({"messages": messages, "log": METRICS}))
    assert result.metadata["tap_metrics"] == MEASURED, result.metadata["tap_metrics"]
    assert all(line in result.log for line in METRICS), "the log is whole"
    result = run_ok(request({"type": "singer_program", "command": [sys.executable, "tap.py"], "config": json.dumps({"messages": messages, "log": METRICS})},
                            {"type": "singer_program", "command": ["cat"], "mode": "append"}, state_dir="state"))
    assert result.metadata["tap_metrics"] == MEASURED and METRICS[0] in result.log
    assert "tap_metrics" not in run_ok(step({"messages": messages})).metadata
    many = [f'METRIC: {{"metric": "m{i}", "type": "counter", "value": 1, "tags": {{}}}}' for i in range(150)]
    result = run_ok(step({"messages": messages, "log": many}))
    assert len(result.metadata["tap_metrics"]) == 100 and result.metadata["tap_metrics_dropped"] == 50


def a_tap_that_logs_much_does_not_wait_for_ever():
    """More than its pipe holds, before and after its last message, with a last line that does not end."""
    text = json.dumps(step({"messages": [schema("users"), record("users", 1)], "log_bytes": 3 << 20}))
    done = subprocess.run([EL, "step"], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60, close_fds=True)
    assert done.returncode == 0 and len(done.stderr) > 3 << 20 and "y" * 100 in done.stderr, (done.returncode, done.stdout)
    # A child of the tap that holds its standard error is not waited for.
    command = ["/bin/sh", "-c", f"{sys.executable} tap.py \"$@\"; sleep 3 >/dev/null & ", "tap"]
    result = run_ok(step({"messages": [schema("users"), record("users", 2)], "log": METRICS[:1]}, tap={"command": command}))
    assert result.metadata["tap_metrics"]["record_count"]["users"]["total"] == 2


# --- selvedge-el target ---

def target(messages, *arguments, config=None, **popen):
    with open("target.json", "w", encoding="utf8") as file:
        json.dump(config or {"path": "t.db"}, file)
    text = "".join((m if isinstance(m, str) else json.dumps(m)) + "\n" for m in messages)
    return subprocess.run([EL, "target", "sqlite", "--config", "target.json", *arguments], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=60, **popen)


def the_target_tells_the_states_that_are_durable():
    messages = [schema("users"), record("users", 1), state(at=1), record("users", 2), state(at=2), record("users", 3)]
    done = target(messages)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"at": 2}
    assert rows("t.db", "SELECT count(*) FROM users") == [(3,)]
    assert rows("t.db", "SELECT name FROM sqlite_schema WHERE name LIKE '_selvedge%'") == [], "the state is the pipeline's to keep"
    done = target([schema("log", ()), record("log", 1), record("log", 1)])
    assert rows("t.db", "SELECT count(*) FROM log") == [(2,)], "without a key rows are appended"
    done = target([schema("users"), "nonsense"])
    assert done.returncode == 6 and "standard input:2" in done.stderr, (done.returncode, done.stderr)


def the_target_killed_has_all_that_it_claimed():
    with open("target.json", "w", encoding="utf8") as file:
        json.dump({"path": "t.db"}, file)
    process = subprocess.Popen([EL, "target", "sqlite", "--config", "target.json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write((json.dumps(schema("users")) + "\n").encode())
    number = 0
    os.set_blocking(process.stdout.fileno(), False)
    claimed = b""
    while not claimed:  # 100,000 rows and a STATE make it speak
        for _ in range(1000):
            number += 1
            process.stdin.write((json.dumps(record("users", number)) + "\n").encode())
        process.stdin.write((json.dumps(state(at=number)) + "\n").encode())
        claimed = process.stdout.read() or b""
    process.kill()
    process.wait()
    at = json.loads(claimed.splitlines()[-1])["at"]
    assert rows("t.db", "SELECT count(*) FROM users WHERE id <= ?", at) == [(at,)]
    process.stdin.close = lambda: None
    process.stdout.close()


def the_target_reads_files_and_settings():
    with open("in.singer", "w", encoding="utf8") as file:
        file.write("\n".join(json.dumps(m) for m in [schema("users"), record("users", 1)]))
    assert target([], "--input", "in.singer").returncode == 0
    assert target([], "--input", "in.singer", config={"path": "t.db", "load_method": "overwrite", "batch_size_rows": 5}).returncode == 0
    assert rows("t.db", "SELECT count(*) FROM users") == [(1,)]
    done = target([], config={"path": "t.db", "load_method": "sideways"})
    assert done.returncode == 6 and "load_method" in done.stderr and "upsert" in done.stderr, done.stderr
    done = subprocess.run([EL, "target", "sqlite"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 6 and "--config" in done.stderr, done.stderr
    done = subprocess.run([EL, "target", "oracle", "--about"], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2 and "sqlite" in done.stderr, done.stderr
    execute("v.db", "CREATE VIEW users AS SELECT 1 AS id")
    done = target([schema("users"), record("users", 1)], config={"path": "v.db"})
    assert done.returncode == 6 and "view" in done.stderr, done.stderr


main([each_stream_has_its_table_and_the_state_comes_back, each_stream_tells_its_range_and_columns, streams_that_take_turns_at_every_row, one_stream_into_a_named_table,
      a_tap_that_fails_keeps_what_it_gave, an_overwrite_that_breaks_off_changes_nothing, wrong_words_stop_the_tap,
      programs_that_cannot_be_started, what_the_tap_measures_is_told, a_tap_that_logs_much_does_not_wait_for_ever, a_slow_tap_is_committed_while_it_waits, sigterm_ends_both,
      the_target_tells_the_states_that_are_durable, the_target_killed_has_all_that_it_claimed, the_target_reads_files_and_settings])
