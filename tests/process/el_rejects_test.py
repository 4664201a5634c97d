"""Records that a load does not take: counted, kept in the quarantine, told; and the load goes on or fails as reject_limit says.
SEED in the environment replays the random ones."""
import json
import os
import random
import subprocess

import el_step
import mosquitto
from el_step import execute, main, request, rows, run, run_ok
from http_api import Api

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
os.environ["no_proxy"] = "127.0.0.1"
print(f"seed={SEED}")
SCHEMA = {"type": "SCHEMA", "stream": "t", "key_properties": ["id"],
          "schema": {"required": ["id"], "properties": {"id": {"type": "integer"}, "n": {"type": ["null", "integer"]},
                                                        "note": {"type": ["null", "string"]}}}}


def record(**values):
    return {"type": "RECORD", "stream": "t", "record": values}


def messages(*lines, name="in.singer"):
    with open(name, "wb") as file:
        for line in lines:
            file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
    return {"type": "singer_input", "path": name}


def into(mode="upsert", **more):
    return dict({"type": "sqlite", "path": "shop.db", "mode": mode}, **more)


def quarantine(columns="place, reason", where="1"):
    return rows("shop.db", f"SELECT {columns} FROM _selvedge_rejected WHERE {where} ORDER BY id")


BAD = [
    (record(id=1, n="x"), 'column "n": expected a 64-bit integer, got "x"'),
    (record(n=1), 'required "id" is missing'),
    (b'{"type": "RECORD", "stream": "t", "rec', "a string without its closing quote"),
    (record(id=None, n=1), 'column "id" of the primary key is NULL'),
    (b"\xff\xfe\x00 not JSON", ""),
    (record(id=2**70), 'column "id": 1180591620717411303424 does not fit'),
]


def bad_records_go_to_the_quarantine_and_the_rest_is_loaded():
    lines = [SCHEMA, record(id=10, n=1)]
    for i, (bad, _) in enumerate(BAD):
        lines += [bad, record(id=11 + i, n=i)]
    lines.append({"type": "STATE", "value": {"at": 1}})
    result = run_ok(request(messages(*lines), into(reject_limit=10)))
    made = result.metadata
    good = 1 + len(BAD)
    assert (made["rows_read"], made["rows_rejected"], made["rows_written"]) == (good + len(BAD), len(BAD), good), made
    assert made["quarantine"] == "table _selvedge_rejected of shop.db", made
    got = quarantine("stream, place, reason, record, record_bytes, outcome, state_id")
    assert len(got) == len(BAD), got
    places = {3: "in.singer:3", 5: "in.singer:5", 7: "in.singer:7", 11: "in.singer:11", 13: "row 8"}
    by_place = {row[1]: row for row in got}
    for i, (bad, reason) in enumerate(BAD):
        row = by_place[places.get(3 + 2 * i, "row 5")]
        assert reason in row[2], (row, reason)
        assert row[5:] == ("rejected", "shop/sales"), row
        text = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
        if not row[1].startswith("row "):
            assert row[4] == len(text) and row[3] == text.decode(errors="replace").replace("\0", "�"), row
    assert json.loads(by_place["row 5"][3]) == {"id": None, "n": 1, "note": None}
    assert result.log.count("el.rejected") == len(BAD), result.log


def without_a_limit_the_first_bad_record_fails_the_step():
    for limit in ({}, {"reject_limit": 0}, {"reject_limit": "0"}, {"reject_limit": "0%"}):
        result = run(request(messages(SCHEMA, record(id=1), record(id=2, n="x")), into(**limit)))
        assert result.code == 1 and 'column "n"' in result.error["message"], result.error
        assert not os.path.exists("shop.db") or rows("shop.db", "SELECT name FROM sqlite_schema") == []
    for wrong in ("x", "1.234%", "101%", "-1", -1, 1.5, ["1"], True):
        result = run(request(messages(SCHEMA, record(id=1)), into(reject_limit=wrong)))
        assert result.code == 1 and '"reject_limit"' in result.error["message"], (wrong, result.error)


def past_the_limit_the_step_fails_and_shows_what_was_rejected():
    lines = [SCHEMA] + [record(id=i, n="bad") if i % 3 == 0 else record(id=i) for i in range(30)]
    for attempt in range(2):
        result = run(request(messages(*lines), into(reject_limit=4)))
        assert result.code == 1, result.log
        assert result.error["message"].startswith("5 of 13 records were rejected, more than reject_limit 4 allows; the first: in.singer:2: "), result.error
        assert "look at table _selvedge_rejected of shop.db" in result.error["hint"], result.error
        assert rows("shop.db", "SELECT name FROM sqlite_schema WHERE name = 't'") == []
        assert quarantine("place, outcome") == [(f"in.singer:{2 + i}", "pending") for i in range(0, 15, 3)], attempt
    made = run_ok(request(messages(*lines), into(reject_limit="34%"))).metadata
    assert (made["rows_written"], made["rows_rejected"]) == (20, 10), made
    assert quarantine("place, outcome") == [(f"in.singer:{2 + i}", "rejected") for i in range(0, 30, 3)]
    assert run(request(messages(*lines), into(reject_limit="33%"))).code == 1


def a_pending_record_goes_when_a_load_succeeds():
    bad = messages(SCHEMA, record(id=1, n="x"), record(id=2, n="y"))
    assert run(request(bad, into(reject_limit=1))).code == 1
    assert len(quarantine()) == 2
    run_ok(request(messages(SCHEMA, record(id=1)), into(reject_limit=1)))
    assert quarantine() == []


def the_quarantine_keeps_the_newest():
    lines = [SCHEMA] + [record(id=i, n="bad") for i in range(500)] + [record(id=1)]
    made = run_ok(request(messages(*lines), into(reject_limit="100%", reject_keep=70))).metadata
    assert made["rows_rejected"] == 500
    assert quarantine("place") == [(f"in.singer:{2 + i}",) for i in range(430, 500)]
    long = record(id=9, n="x" * 100000)
    run_ok(request(messages(SCHEMA, long), into(reject_limit=9)))
    (kept, whole), = quarantine("length(record), record_bytes", "record_bytes > 10000")
    assert (kept, whole) == (4096, len(json.dumps(long)))


def a_line_that_is_too_long_is_passed_over():
    line = b'{"type": "RECORD", "stream": "t", "record": {"id": 5, "note": "' + b"x" * (51 << 20) + b'"}}'
    tap = messages(SCHEMA, record(id=1), line, record(id=2))
    made = run_ok(request(tap, into(reject_limit=1))).metadata
    assert (made["rows_written"], made["rows_rejected"]) == (2, 1), made
    (place, reason), = quarantine()
    assert place == "in.singer:3" and "longer than" in reason
    result = run(request(tap, into(table="u")))
    assert result.code == 1 and result.error["code"] == "full" and "line 3 is longer" in result.error["message"], result.error


def rows_that_the_table_refuses_are_rejected():
    """Tables that somebody made, with rules of their own."""
    execute("shop.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n <> 13), note TEXT UNIQUE)",
            "CREATE TRIGGER no BEFORE INSERT ON t WHEN new.n = 99 BEGIN SELECT RAISE(ABORT, 'not today'); END")
    lines = [SCHEMA, record(id=1, n=1, note="a"), record(id=2), record(id=3, n=13), record(id=4, n=4, note="a"),
             record(id=5, n=5), record(id=6, n=99), record(id=7, n=7)]
    for mode in ("upsert", "append"):
        execute("shop.db", "DELETE FROM t")
        made = run_ok(request(messages(*lines), into(mode, reject_limit=10))).metadata
        assert (made["rows_written"], made["rows_rejected"]) == (3, 4), (mode, made)
        assert rows("shop.db", "SELECT id FROM t ORDER BY id") == [(1,), (5,), (7,)], mode
        reasons = [r for _, r in quarantine()[-4:]]
        for reason, word in zip(reasons, ("NOT NULL", "CHECK", "UNIQUE", "not today")):
            assert word in reason, reasons
    execute("shop.db", "CREATE TABLE s (id INTEGER PRIMARY KEY, n INTEGER, note TEXT) STRICT",
            "CREATE TABLE src (id, n, note)", "INSERT INTO src VALUES (1, 1, 'a'), (2, 'x', 'b'), ('three', 3, 'c'), (4, 4, 'd')")
    tap = {"type": "sqlite", "path": "shop.db", "table": "src"}
    made = run_ok(request(tap, into("upsert", table="s", primary_key=["id"], reject_limit=10), state_id="s")).metadata
    assert (made["rows_written"], made["rows_rejected"]) == (2, 2), made


def a_rowid_that_is_none_is_rejected_alone():
    execute("src.db", "CREATE TABLE src (id, n)", "INSERT INTO src VALUES (1, 1), ('x', 2), (2.5, 3), (NULL, 4), ('5', 5), (6.0, 6)")
    execute("shop.db", "CREATE TABLE s (id INTEGER PRIMARY KEY, n)")
    tap = {"type": "sqlite", "path": "src.db", "table": "src"}
    made = run_ok(request(tap, into(table="s", primary_key=["id"], reject_limit=10))).metadata
    assert (made["rows_written"], made["rows_rejected"]) == (3, 3), made
    assert rows("shop.db", "SELECT id, n FROM s") == [(1, 1), (5, 5), (6, 6)]


def overwrite_keeps_pending_until_its_end():
    lines = [SCHEMA, record(id=1), record(id=2, n="x"), record(id=3)]
    for _ in range(2):
        run_ok(request(messages(*lines), into("overwrite", reject_limit=1)))
    assert quarantine("place, outcome") == [("in.singer:3", "rejected")] * 2


def files_have_a_file_beside_them():
    lines = [SCHEMA, record(id=1), record(id=2, n="x"), record(id=3), b"nothing"]
    target = {"type": "jsonl", "path": "out.jsonl", "mode": "append", "reject_limit": 2}
    result = run(request(messages(*lines), dict(target, reject_limit=1)))
    assert result.code == 1 and "look at out.jsonl.rejected" in result.error["hint"], result.error
    assert len(open("out.jsonl.rejected", encoding="utf8").readlines()) == 2
    made = run_ok(request(messages(*lines), target)).metadata
    assert (made["rows_written"], made["rows_rejected"], made["quarantine"]) == (2, 2, "out.jsonl.rejected"), made
    kept = [json.loads(line) for line in open("out.jsonl.rejected", encoding="utf8")]
    assert [k["place"] for k in kept] == ["in.singer:3", "in.singer:5"], kept
    assert [k["record"] for k in kept] == [json.dumps(lines[2]), "nothing"]
    with open("out.jsonl.rejected", "a", encoding="utf8") as file:
        file.write("what a load that was killed had written\n")
    run_ok(request(messages(*lines, name="more.singer"), target, state_id="shop/sales"))
    assert [json.loads(line)["place"] for line in open("out.jsonl.rejected", encoding="utf8")] == [
        "in.singer:3", "in.singer:5", "more.singer:3", "more.singer:5"]


def foreign_targets_have_a_file_beside_their_state():
    target = {"type": "singer_program", "command": ["/bin/sh", "-c", "cat > got"], "mode": "append", "reject_limit": 2}
    made = run_ok(request(messages(SCHEMA, record(id=1), b"{", record(id=2)), target, state_dir="states")).metadata
    assert made["rows_rejected"] == 1 and made["quarantine"].startswith("states/"), made
    assert json.loads(open(made["quarantine"], encoding="utf8").read())["record"] == "{"
    assert open("got", encoding="utf8").read().count("RECORD") == 2


def services_have_a_file_beside_their_state():
    lines = (SCHEMA, record(id=1), b"{", record(id=2, n="x"), record(id=3))
    with Api(lambda r: (201, b"")) as api, mosquitto.Mosquitto("allow_anonymous true") as broker:
        heard = mosquitto.Listener(broker)
        for target in ({"type": "http", "url": api.url}, {"type": "mqtt", "host": "127.0.0.1", "port": broker.port, "topic": "t"}):
            with_limit = {**target, "mode": "append", "reject_limit": 2}
            made = run_ok(request(messages(*lines), with_limit, state_dir="states-" + target["type"])).metadata
            assert made["rows_rejected"] == 2 and made["rows_written"] == 2, made
            assert made["quarantine"].startswith("states-" + target["type"]), made
            with open(made["quarantine"], encoding="utf8") as file:
                kept = [json.loads(line) for line in file]
            assert [k["place"] for k in kept] == ["in.singer:3", "in.singer:4"] and kept[0]["record"] == "{", kept
            past = run(request(messages(*lines), {**with_limit, "reject_limit": 1}, state_dir="past-" + target["type"]))
            assert past.code == 1 and ".rejected" in past.error["hint"], past.error
        assert [row["id"] for r in api.requests[:1] for row in r.json] == [1, 3]
        assert [json.loads(payload)["id"] for _, payload, _ in heard.all()][:2] == [1, 3]
    with open("t.json", "w", encoding="utf8") as file:
        json.dump({"url": "http://127.0.0.1:1/", "reject_limit": 1}, file)
    done = subprocess.run([el_step.EL, "target", "http", "--config", "t.json"], input=b"", capture_output=True, check=False, timeout=60)
    assert done.returncode != 0 and b"has no quarantine" in done.stderr, done.stderr


def files_of_singer_lines_reject_too():
    messages(SCHEMA, record(id=1), b"{", record(id=2, n="x"), record(id=3))
    tap = {"type": "singer", "path": "in.singer"}
    assert run(request(tap, into())).code == 1
    made = run_ok(request(tap, into(reject_limit=5))).metadata
    assert (made["rows_written"], made["rows_rejected"]) == (2, 2), made
    with open("in.singer", "a", encoding="utf8") as file:
        file.write(json.dumps(record(id=4)) + "\nbad\n")
    made = run_ok(request(tap, into(reject_limit=5))).metadata
    assert (made["rows_read"], made["rows_rejected"]) == (2, 1), made
    assert [place for place, _ in quarantine()] == ["in.singer:3", "in.singer:4", "in.singer:7"]


def records_of_a_batch_are_rejected_with_its_file_and_line():
    batch = [{"id": 1, "n": 1}, {"id": 2, "n": "x"}, {"n": 3}, {"id": 4, "n": 4}]
    with open("part.jsonl", "w", encoding="utf8") as file:
        file.write("".join(json.dumps(r) + "\n" for r in batch) + "{broken\n" + json.dumps({"id": 5, "n": 5}) + "\n")
    path = os.path.abspath("part.jsonl")
    lines = [SCHEMA, {"type": "BATCH", "stream": "t", "encoding": {"format": "jsonl"}, "manifest": ["file://" + path]},
             record(id=6, n="y"), record(id=7, n=7), {"type": "STATE", "value": {"at": 1}}]
    wanted = [(f"{path}:2", 'column "n": expected a 64-bit integer'), (f"{path}:3", 'required "id" is missing'),
              (f"{path}:5", ""), ("in.singer:3", 'column "n"')]
    for kind in ("singer_input", "singer"):
        for name in ("shop.db", "in.singer"):
            if os.path.exists(name):
                os.unlink(name)
        made = run_ok(request({**messages(*lines), "type": kind}, into(reject_limit=4))).metadata
        assert (made["rows_read"], made["rows_rejected"], made["rows_written"]) == (8, 4, 4), made
        assert rows("shop.db", "SELECT id FROM t ORDER BY id") == [(1,), (4,), (5,), (7,)]
        got = quarantine("place, reason, stream, record")
        assert len(got) == len(wanted), got
        for (place, reason, stream, kept), (where, why) in zip(got, wanted):
            assert place == where and why in reason and stream == "t", (place, reason, stream)
        assert json.loads(got[0][3]) == batch[1] and got[2][3] == "{broken", got
    os.unlink("shop.db")
    os.unlink("in.singer")
    failed = run(request(messages(*lines), into(reject_limit=1)))
    assert failed.code == 1 and "reject_limit" in failed.error["message"], failed.error
    assert run(request(messages(*lines), into())).code == 1


def lines_of_files_are_rejected():
    with open("in.csv", "wb") as file:
        file.write(b'id,n\n1,10\n2\n3,30\n4,4,4\n5,"x\xff"\n6,60\n')
    made = run_ok(request({"type": "csv", "path": "in.csv"}, into(table="c", primary_key=["id"], reject_limit=3))).metadata
    assert (made["rows_read"], made["rows_written"], made["rows_rejected"]) == (6, 3, 3), made
    assert quarantine("place, record, stream") == [("in.csv:3", "2", "in"), ("in.csv:5", "4,4,4", "in"), ("in.csv:6", '5,"x\ufffd"', "in")]
    assert [c["type"] for c in made["dagster/column_schema"]["columns"]] == ["INTEGER", "INTEGER"], made
    with open("in.csv", "ab") as file:
        file.write(b"7,text\n8,80\n")
    made = run_ok(request({"type": "csv", "path": "in.csv"}, into(table="c", primary_key=["id"], reject_limit=3))).metadata
    assert (made["rows_read"], made["rows_written"], made["rows_rejected"]) == (2, 1, 1), made
    with open("in.jsonl", "wb") as file:
        file.write(b'{"id": 1}\n[]\n{"id": 2, "id": 3}\nnope\n{"id": 4}\n')
    assert run(request({"type": "jsonl", "path": "in.jsonl"}, into(table="j", primary_key=["id"]), state_id="j")).code == 1
    made = run_ok(request({"type": "jsonl", "path": "in.jsonl"}, into(table="j", primary_key=["id"], reject_limit=3), state_id="j")).metadata
    assert (made["rows_read"], made["rows_written"], made["rows_rejected"]) == (5, 2, 3), made


def as_a_singer_target_it_rejects_by_its_configuration():
    with open("config.json", "w", encoding="utf8") as file:
        json.dump({"path": "shop.db", "reject_limit": 1}, file)
    messages(SCHEMA, record(id=1), record(id=2, n="x"), record(id=3), {"type": "STATE", "value": {"at": 3}})
    with open("in.singer", "rb") as lines:
        done = subprocess.run([el_step.EL, "target", "sqlite", "--config", "config.json"], stdin=lines, capture_output=True, check=False)
    assert done.returncode == 0 and json.loads(done.stdout) == {"at": 3}, done
    assert quarantine("place, stream") == [("standard input:3", "t")]


def what_is_read_is_loaded_or_rejected():
    """Random records, good and bad: each is in the table or in the quarantine, and none in both."""
    rng = random.Random(SEED)
    for round_ in range(12):
        mode = rng.choice(["upsert", "append", "overwrite"])
        share = rng.choice([0.001, 0.02, 0.5, 1])
        if os.path.exists("shop.db"):
            os.remove("shop.db")
        if rng.random() < 0.4:
            execute("shop.db", "CREATE TABLE t (id INTEGER, n INTEGER CHECK (n <> 13), note TEXT NOT NULL DEFAULT '', PRIMARY KEY (id))")
        has_rules = os.path.exists("shop.db") and mode != "overwrite"
        lines, good, bad = [SCHEMA], [], []
        for i in range(rng.randrange(1, 3000)):
            if rng.random() < share:
                choice = rng.choice([record(id=i, n="x"), record(n=i), b"{", record(id=i, n=1.5), record(id=[i])]
                                    + ([record(id=None)] if mode != "append" else [])
                                    + ([record(id=i, n=13, note=""), record(id=i)] if has_rules else []))
                bad.append(i)
            else:
                choice = record(id=i, n=i * 100, note=rng.choice(["", "a", "ä\u0000€"]))
                good.append(i)
            lines.append(choice)
        made = run_ok(request(messages(*lines), into(mode, reject_limit="100%", reject_keep=100000))).metadata
        where = (SEED, round_, mode, has_rules)
        assert made["rows_read"] == len(good) + len(bad), (where, made)
        assert made.get("rows_rejected", 0) == len(bad), (where, made)
        assert [r[0] for r in rows("shop.db", "SELECT id FROM t ORDER BY id")] == good, where
        if bad:
            assert quarantine("count(*), count(DISTINCT place)") == [(len(bad), len(bad))] or has_rules or mode != "append", where
            assert quarantine("count(*)") == [(len(bad),)], where


if __name__ == "__main__":
    main([bad_records_go_to_the_quarantine_and_the_rest_is_loaded, without_a_limit_the_first_bad_record_fails_the_step,
          past_the_limit_the_step_fails_and_shows_what_was_rejected, a_pending_record_goes_when_a_load_succeeds,
          the_quarantine_keeps_the_newest, a_line_that_is_too_long_is_passed_over, rows_that_the_table_refuses_are_rejected,
          a_rowid_that_is_none_is_rejected_alone, overwrite_keeps_pending_until_its_end, files_have_a_file_beside_them,
          foreign_targets_have_a_file_beside_their_state, services_have_a_file_beside_their_state, files_of_singer_lines_reject_too, records_of_a_batch_are_rejected_with_its_file_and_line, lines_of_files_are_rejected,
          as_a_singer_target_it_rejects_by_its_configuration, what_is_read_is_loaded_or_rejected])
