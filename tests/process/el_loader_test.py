"""Singer targets that somebody else wrote: rows and other people's messages into them, the state that they tell, each way to break off."""
import json
import os
import signal
import sys

from el_step import EL, execute, finish, main, request, run, run_ok, start

# Writes what it gets into a file, says the states it is told, and does what its configuration wants.
TARGET = """
import json, os, sys, time
config = json.load(open(sys.argv[sys.argv.index("--config") + 1])) if "--config" in sys.argv else {}
count = 0
last = None
with open(config.get("into", "got.jsonl"), "a") as got:
    for line in sys.stdin:
        got.write(line)
        got.flush()
        count += 1
        message = json.loads(line)
        if message["type"] == "STATE":
            last = message["value"]
            if not config.get("at_end"):
                print(json.dumps(last), flush=True)
        if config.get("chatty"):
            print("x" * config["chatty"], flush=True)
        if count == config.get("stop_after"):
            if config.get("kill"):
                os.kill(os.getpid(), config["kill"])
            sys.exit(config.get("exit", 0))
if config.get("at_end") and last is not None:
    print(json.dumps(last), end="")
sys.exit(config.get("exit", 0))
"""
# Writes lines as they are, then waits for files or ends.
TAP = """
import json, os, sys, time
given = {sys.argv[i][2:]: json.load(open(sys.argv[i + 1])) for i in range(1, len(sys.argv), 2)}
json.dump(given, open("given.json", "w"))
config = given.get("config", {})
open("tap.pid", "w").write(str(os.getpid()))
for line in config.get("lines", []):
    print(line if isinstance(line, str) else json.dumps(line), flush=True)
for name in config.get("wait_for", []):
    while not os.path.exists(name):
        time.sleep(0.01)
sys.exit(config.get("exit", 0))
"""
SCHEMA = {"type": "SCHEMA", "stream": "users", "key_properties": ["id"], "schema": {"properties": {"id": {"type": "integer"}}}}


def record(number, stream="users", **more):
    return {"type": "RECORD", "stream": stream, "record": dict({"id": number}, **more)}


def state(**value):
    return {"type": "STATE", "value": value}


def target(config=None, **more):
    with open("target.py", "w", encoding="utf8") as file:
        file.write(TARGET)
    return dict({"type": "singer_program", "command": [sys.executable, "target.py"], "config": json.dumps(config or {}), "mode": "upsert"}, **more)


def tap(config, **more):
    with open("tap.py", "w", encoding="utf8") as file:
        file.write(TAP)
    return dict({"type": "singer_program", "command": [sys.executable, "tap.py"], "config": json.dumps(config)}, **more)


def step(source, sink):
    return request(source, sink, state_dir="states")


def lines(path="got.jsonl"):
    with open(path, encoding="utf8") as file:
        return [json.loads(line) for line in file]


def states():
    path = "states/shop%2Fsales.json"
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf8") as file:
        kept = json.load(file)
    assert kept["state_id"] == "shop/sales"
    return [s["value"] for s in kept["states"]]


def make_source(count=3):
    execute("s.db", "CREATE TABLE sales (id INTEGER PRIMARY KEY, name VARCHAR(9), b BLOB)",
            f"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
            "INSERT INTO sales SELECT i, 'n' || i, x'00ff' FROM n")
    return {"type": "sqlite", "path": "s.db", "table": "sales", "replication_key": "id"}


# --- a native tap ---

def rows_reach_the_target_and_its_state_comes_back():
    source = make_source()
    result = run_ok(step(source, target(primary_key=["id"])))
    got = lines()
    assert [m["type"] for m in got] == ["SCHEMA", "RECORD", "RECORD", "RECORD", "STATE"], got
    assert got[0]["key_properties"] == ["id"] and got[0]["stream"] == "sales"
    assert got[3]["record"] == {"id": 3, "name": "n3", "b": "00ff"}
    streams = result.metadata["streams"]
    assert streams["sales"]["rows_written"] == 3 and result.metadata["rows_read"] == 3, result.metadata
    assert states()[0]["bookmarks"]["sales"]["replication_key_value"] == 3
    execute("s.db", "INSERT INTO sales VALUES (9, 'new', NULL)")
    os.remove("got.jsonl")
    run_ok(step(source, target(table="till", primary_key=["id"])))
    assert [(m["stream"], m["record"]["id"]) for m in lines() if m["type"] == "RECORD"] == [("till", 3), ("till", 9)]
    assert [s["bookmarks"]["sales"]["replication_key_value"] for s in states()] == [9, 3], "with the earlier run's behind it"


def a_run_without_news_starts_no_target():
    with open("f.jsonl", "w", encoding="utf8") as file:
        file.write('{"a": 1}\n')
    once = step({"type": "jsonl", "path": "f.jsonl"}, target())
    run_ok(once)
    assert [(m["type"], m.get("stream")) for m in lines()] == [("SCHEMA", "f"), ("RECORD", "f"), ("STATE", None)]
    os.remove("got.jsonl")
    run_ok(once)
    assert not os.path.exists("got.jsonl") and states()[0]["files"][0]["size"] == 9
    with open("f.jsonl", "a", encoding="utf8") as file:
        file.write('{"a": 2}\n')
    error = run(step({"type": "jsonl", "path": "*.jsonl"}, target())).error
    assert "no name" in error["message"] and '"table"' in error["hint"], error


def a_target_that_talks_while_it_reads_does_not_block():
    """Its output is more than a pipe holds, and so is its input."""
    run_ok(step(make_source(3000), target({"chatty": 4000, "at_end": True})))
    assert len(lines()) == 3002 and len(states()) == 1, "a last line without its end is a state too"


def a_target_that_fails_keeps_the_last_state_that_it_told():
    source = make_source()
    run_ok(step(source, target()))
    execute("s.db", "INSERT INTO sales VALUES (10, 'x', NULL)")
    result = run(step(source, target({"exit": 3, "at_end": True})))
    assert result.code == 1 and "exit code 3" in result.error["message"], result.error
    assert [s["bookmarks"]["sales"]["replication_key_value"] for s in states()] == [10, 3], "it was told before the end"
    execute("s.db", "INSERT INTO sales VALUES (11, 'x', NULL)")
    result = run(step(source, target({"exit": 4, "stop_after": 2})))
    assert "exit code 4" in result.error["message"], result.error
    assert states()[0]["bookmarks"]["sales"]["replication_key_value"] == 10


def a_target_that_ends_early_is_an_error_whatever_it_says():
    source = make_source(100000)
    result = run(step(source, target({"stop_after": 5})))
    assert result.code == 1 and "ended before its input did" in result.error["message"], result.error
    assert states() == []
    result = run(step(source, target({"stop_after": 5, "kill": int(signal.SIGKILL)})))
    assert "SIGKILL" in result.error["message"] and "memory" in result.error["hint"], result.error


def what_is_missing_or_wrong_is_named():
    source = make_source()
    error = run(request(source, target())).error
    assert "state_dir" in error["message"], error
    error = run(step(source, target(command=["no-such-target"]))).error
    assert "no-such-target" in error["message"], error
    error = run(step(source, target(command=[]))).error
    assert "command" in error["message"], error
    os.makedirs("states", exist_ok=True)
    for text, words in [("{", "no state file"), ('{"state_id": "shop/sales"}', "no state file"),
                        ('{"state_id": "other", "states": []}', 'belongs to "other"')]:
        with open("states/shop%2Fsales.json", "w", encoding="utf8") as file:
            file.write(text)
        error = run(step(source, target())).error
        assert words in error["message"], error


# --- a foreign tap ---

def lines_pass_as_they_are():
    odd = '{ "record": {"id": 1.50}, "stream":"us\\u0065rs" , "type":"RECORD","x":[1,  2]}'
    result = run_ok(step(tap({"lines": [SCHEMA, odd, record(2), record(7, "shops"), "", '{"type":"NEW","n":1}', state(at=1), record(3), state(at=2)]}),
                         target({"into": "got.jsonl"})))
    with open("got.jsonl", encoding="utf8") as file:
        text = file.read()
    assert odd + "\n" in text and "\n\n" not in text
    assert states() == [{"at": 2}], "one run, one entry"
    assert result.metadata["streams"]["users"]["rows_read"] == 3 and result.metadata["streams"]["shops"]["rows_read"] == 1
    assert result.metadata["rows_read"] == 4 and result.metadata["bytes_read"] == len(text.encode()) + 1
    run_ok(step(tap({"lines": [SCHEMA]}, catalog='{"streams": []}'), target()))
    with open("given.json", encoding="utf8") as file:
        given = json.load(file)
    assert given["state"] == {"at": 2} and given["catalog"] == {"streams": []}


def one_stream_of_several():
    run_ok(step(tap({"lines": [SCHEMA, record(1), record(7, "shops"), state(at=1)]}, stream="users"), target()))
    assert [m.get("stream") for m in lines()] == ["users", "users", None]


def a_slow_taps_lines_arrive_before_it_ends():
    process, events = start(step(tap({"lines": [SCHEMA, record(1), state(at=1)], "wait_for": ["seen"]}), target()))
    while states() != [{"at": 1}]:
        assert process.poll() is None, finish(process, events).log
    with open("seen", "w", encoding="utf8"):
        pass
    assert finish(process, events).code == 0


def a_tap_that_fails_keeps_what_it_gave():
    result = run(step(tap({"lines": [SCHEMA, record(1), state(at=1), record(2)], "exit": 3}), target({"at_end": True})))
    assert result.code == 1 and "exit code 3" in result.error["message"] and "tap" in result.error["message"], result.error
    assert [m["type"] for m in lines()] == ["SCHEMA", "RECORD", "STATE", "RECORD"] and states() == [{"at": 1}]
    result = run(step(tap({"lines": [SCHEMA], "exit": 3}), target({"exit": 4})))
    assert "exit code 3" in result.error["message"] and "exit code 4" in result.error["message"], result.error


def a_dead_targets_tap_is_killed_at_once():
    """It would wait for ever."""
    lines_before = [SCHEMA, record(1), state(at=1), record(2)]
    for config, words in [({"stop_after": 4, "exit": 5}, "exit code 5"), ({"stop_after": 4}, "ended before its input did")]:
        result = run(step(tap({"lines": lines_before, "wait_for": ["never"]}), target(config)))
        assert result.code == 1 and words in result.error["message"] and "target" in result.error["message"], result.error
        assert states() == [{"at": 1}], (states(), result.log)
        with open("tap.pid", encoding="utf8") as file:
            assert not os.path.exists(f"/proc/{file.read()}")


def sigterm_ends_all_three():
    process, events = start(step(tap({"lines": [SCHEMA, record(1), state(at=1)], "wait_for": ["never"]}), target()), start_new_session=True)
    while states() != [{"at": 1}]:
        assert process.poll() is None, finish(process, events).log
    os.killpg(process.pid, signal.SIGTERM)
    assert finish(process, events).code in (143, -signal.SIGTERM)
    try:
        while True:  # until nobody of the group is left
            os.killpg(process.pid, 0)
    except ProcessLookupError:
        pass


def our_own_programs_fit():
    """selvedge-el as the foreign tap and the foreign target, in one load."""
    make_source(500)
    with open("to.json", "w", encoding="utf8") as file:
        json.dump({"path": "t.db"}, file)
    source = {"type": "singer_program", "command": [EL, "tap", "sqlite"], "config": '{"path": "s.db"}'}
    sink = {"type": "singer_program", "command": [EL, "target", "sqlite", "--config", "to.json"], "mode": "upsert"}
    result = run_ok(step(source, sink))
    assert result.metadata["rows_read"] == 500 and states() == [{"bookmarks": {}}]


main([rows_reach_the_target_and_its_state_comes_back, a_run_without_news_starts_no_target, a_target_that_talks_while_it_reads_does_not_block,
      a_target_that_fails_keeps_the_last_state_that_it_told, a_target_that_ends_early_is_an_error_whatever_it_says,
      what_is_missing_or_wrong_is_named, lines_pass_as_they_are, one_stream_of_several, a_slow_taps_lines_arrive_before_it_ends,
      a_tap_that_fails_keeps_what_it_gave, a_dead_targets_tap_is_killed_at_once, sigterm_ends_all_three, our_own_programs_fit])
