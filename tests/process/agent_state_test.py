"""`selvedge-agent state`: what is kept of loads, set and taken back, with the real programs."""
import json
import os
import sqlite3
import sys

from fleet import Alone, run_tests, wait_for

TAP = r'''
import json, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
state = json.load(open(given["--state"])) if "--state" in given else {"bookmarks": {}}
print(json.dumps({"state_was": state}), file=sys.stderr)
for stream in ("x", "y"):
    start = state["bookmarks"].get(stream, {}).get("id", 0)
    print(json.dumps({"type": "SCHEMA", "stream": stream, "key_properties": ["id"], "schema": {"properties": {"id": {"type": "integer"}}}}))
    print(json.dumps({"type": "RECORD", "stream": stream, "record": {"id": start + 1}}))
    state["bookmarks"][stream] = {"id": start + 1}
print(json.dumps({"type": "STATE", "value": state}))
'''
DEFINITIONS = """project: p
resources:
  source: {type: sqlite, path: source.db}
  db: {type: sqlite, path: shop.db}
assets:
  - key: lake/sales
    extract: {resource: source, table: sales, replication_key: id}
    load: {resource: db, table: sales, primary_key: [id]}
  - key: lake/events
    extract: {tap: [python3, tap.py]}
    load: {resource: db}
  - key: lake/copy
    extract: {resource: source, table: sales, replication_key: id}
    load: {jsonl: copy.jsonl}
  - {key: other, run: ["true"]}
"""
NONE = {"asset": "lake/sales", "state_id": "lake/sales", "kept": 0}


def device():
    agent = Alone(DEFINITIONS)
    with open(os.path.join(agent.dir, "tap.py"), "w") as file:
        file.write(TAP)
    source(agent, "CREATE TABLE sales (id INTEGER PRIMARY KEY, total REAL)")
    add_sales(agent, 1, 2)
    return agent


def source(agent, sql, *rows):
    db = sqlite3.connect(os.path.join(agent.dir, "source.db"))
    with db:
        db.execute(sql) if not rows else db.executemany(sql, rows)
    db.close()


def add_sales(agent, *ids):
    source(agent, "INSERT INTO sales VALUES (?, 1.5)", *[(i,) for i in ids])


def states(agent):
    return {entry["asset"]: entry for entry in map(json.loads, agent.command("state", "list", "--json").splitlines())}


def rows_read(agent, key):
    entry = next(a for a in map(json.loads, agent.command("assets", "--json").splitlines()) if a["definition"]["key"] == key)
    return entry["metadata"]["rows_read"]["raw_value"]


def a_state_is_listed_set_and_taken_back():
    with device() as agent:
        assert states(agent)["lake/sales"] == NONE and "other" not in states(agent)
        assert not os.path.exists(os.path.join(agent.dir, "shop.db")), "a look makes no file"
        agent.command("materialize", "lake/sales")
        first = json.loads(agent.command("state", "show", "lake/sales"))
        add_sales(agent, 3)
        agent.command("materialize", "lake/sales")
        history = [json.loads(line) for line in agent.command("state", "show", "lake/sales", "--history", "--json").splitlines()]
        assert [entry["back"] for entry in history] == [0, 1] and history[1]["value"] == first, history
        assert json.loads(agent.command("state", "show", "lake/sales", "--back", "1")) == first
        agent.command("state", "set", "lake/sales", "--back", "1")
        agent.command("materialize", "lake/sales")
        assert rows_read(agent, "lake/sales") == 2, "the last row of the state, and the new one, again"
        agent.command("state", "reset", "lake/sales")
        assert "value" not in states(agent)["lake/sales"] and states(agent)["lake/sales"]["kept"] > 2
        agent.command("materialize", "lake/sales")
        assert rows_read(agent, "lake/sales") == 3
        text = agent.command("state", "list")
        assert "lake/sales" in text and "lake/events" in text and "just now" in text, text


def a_file_keeps_its_states_beside_it():
    with device() as agent:
        done = agent.command("state", "set", "lake/copy", "-", code=None, text_in="{}")
        assert done.returncode == 3 and "there is no" in done.stderr, done
        agent.command("materialize", "lake/copy")
        add_sales(agent, 3)
        agent.command("materialize", "lake/copy")
        agent.command("state", "set", "lake/copy", "--back", "1")
        agent.command("materialize", "lake/copy")
        with open(os.path.join(agent.dir, "copy.jsonl")) as file:
            assert [json.loads(line)["id"] for line in file] == [1, 2, 3, 3], "what was loaded stays"
        assert states(agent)["lake/copy"]["kept"] == 4
        agent.command("state", "reset", "lake/copy")
        assert "value" not in states(agent)["lake/copy"]
        assert json.loads(agent.command("state", "show", "lake/copy", "--back", "1"))


def only_the_last_ones_are_kept():
    with device() as agent:
        for i in range(12):
            add_sales(agent, 100 + i)
            agent.command("materialize", "lake/sales")
        history = agent.command("state", "show", "lake/sales", "--history", "--json").splitlines()
        assert len(history) == 10, history


def a_stream_begins_anew():
    with device() as agent:
        agent.command("materialize", "lake/events")
        agent.command("materialize", "lake/events")
        assert json.loads(agent.command("state", "show", "lake/events")) == {"bookmarks": {"x": {"id": 2}, "y": {"id": 2}}}
        agent.command("state", "reset", "lake/events", "--stream", "x")
        assert json.loads(agent.command("state", "show", "lake/events")) == {"bookmarks": {"y": {"id": 2}}}
        agent.command("materialize", "lake/events")
        assert json.loads(agent.command("state", "show", "lake/events")) == {"bookmarks": {"y": {"id": 3}, "x": {"id": 1}}}


def states_go_out_and_come_in():
    with device() as agent:
        agent.command("materialize", "lake/events")
        exported = agent.command("state", "export")
        assert json.loads(exported) == {"lake/events": {"completed": {"singer_state": {"bookmarks": {"x": {"id": 1}, "y": {"id": 1}}}},
                                                        "partial": {}}}
        agent.command("state", "reset", "lake/events")
        agent.command("state", "import", "-", text_in=exported)
        assert agent.command("state", "export") == exported
        # As Meltano has them: another id, and a partial state that is laid over the completed one.
        theirs = {"prod:tap-e-to-target-s": {"completed": {"singer_state": {"bookmarks": {"x": {"id": 7, "v": 1}}}},
                                             "partial": {"singer_state": {"bookmarks": {"x": {"id": 8}, "y": {"id": 9}}}}}}
        done = agent.command("state", "import", "-", code=None, text_in=json.dumps(theirs))
        assert done.returncode == 3 and "--map 'prod:tap-e-to-target-s=ASSET'" in done.stderr, done
        agent.command("state", "import", "-", "--map", "prod:tap-e-to-target-s=lake/events", text_in=json.dumps(theirs))
        assert json.loads(agent.command("state", "show", "lake/events")) == {"bookmarks": {"x": {"id": 8, "v": 1}, "y": {"id": 9}}}
        agent.command("state", "set", "lake/events", "-", text_in='{"singer_state": {"bookmarks": {}}}')
        assert json.loads(agent.command("state", "show", "lake/events")) == {"bookmarks": {}}


def what_cannot_be_is_said():
    with device() as agent:
        def fails(code, words, *argv, text_in=None):
            done = agent.command("state", *argv, code=None, text_in=text_in)
            assert done.returncode == code and words in done.stderr, (argv, done)
        fails(3, 'no asset "lake/sale"', "show", "lake/sale")
        fails(6, "other has no state", "show", "other")
        fails(3, "has no state: its next load begins from the start", "show", "lake/sales")
        fails(2, "give a file with the state or --back N", "set", "lake/sales")
        fails(6, "a state is a JSON object", "set", "lake/sales", "-", text_in="[1]")
        fails(6, "line 1, column 2", "set", "lake/sales", "-", text_in="{")
        fails(6, "holds no state", "import", "-", text_in='{"lake/sales": {"bookmarks": {}}}')
        fails(3, "there is no", "set", "lake/sales", "-", text_in="{}")
        agent.command("materialize", "lake/events")
        fails(3, "--history", "show", "lake/events", "--back", "5")
        fails(3, 'no bookmark of a stream "z"', "reset", "lake/events", "--stream", "z")


def a_load_that_goes_on_is_not_disturbed():
    with device() as agent:
        with open(os.path.join(agent.dir, "tap.py"), "a") as file:
            file.write("import time\nsys.stdout.flush()\nwhile True: time.sleep(0.1)\n")
        agent.start()
        agent.command("materialize", "lake/events", "--no-wait")
        wait_for("the load goes on", lambda: agent.events("step_start"))
        done = agent.command("state", "reset", "lake/events", code=None)
        assert done.returncode == 1 and "is being loaded by run" in done.stderr and "selvedge-agent cancel" in done.stderr, done
        assert states(agent)["lake/events"]["kept"] == 0


if __name__ == "__main__":
    sys.exit(run_tests([a_state_is_listed_set_and_taken_back, a_file_keeps_its_states_beside_it, only_the_last_ones_are_kept, a_stream_begins_anew,
                        states_go_out_and_come_in, what_cannot_be_is_said, a_load_that_goes_on_is_not_disturbed]))
