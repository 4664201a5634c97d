"""Rows that a real PostgreSQL refuses, or that cannot be sent to it: found in their batch, quarantined, the rest loaded.
SEED in the environment replays the random ones."""
import json
import os
import random
import sqlite3

import el_step
import pg_server
from el_step import execute, main, request, run, run_ok

pg_server.need()
SERVER = pg_server.Server()
sql = SERVER.sql
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
print(f"seed={SEED}")
SCHEMA = {"type": "SCHEMA", "stream": "t", "key_properties": ["id"],
          "schema": {"properties": {"id": {"type": ["null", "integer"]}, "n": {"type": ["null", "integer"]},
                                    "note": {"type": ["null", "string"]}}}}


def record(**values):
    return {"type": "RECORD", "stream": "t", "record": values}


def messages(*lines):
    with open("in.singer", "wb") as file:
        for line in lines:
            file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
    return {"type": "singer_input", "path": "in.singer"}


def target(mode="upsert", **more):
    return dict({"type": "postgres", "dsn": SERVER.dsn(), "mode": mode}, **more)


def fresh():
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def quarantine(columns="place, reason"):
    return [tuple(row) for row in sql(f"SELECT {columns} FROM _selvedge_rejected ORDER BY id")]


def what_the_server_refuses_is_found_in_its_batch():
    for mode in ("append", "upsert"):
        fresh()
        sql("CREATE TABLE t (id smallint PRIMARY KEY, n integer NOT NULL CHECK (n <> 13), note date UNIQUE)")
        lines = [SCHEMA, record(id=1, n=1, note="2026-01-01"), record(id=2, n=2, note="whenever"), record(id=70000, n=3),
                 record(id=4, n=13), record(id=5), record(id=6, n=6, note="2026-01-01"), record(id=7, n=7, note="2026-01-07"),
                 record(id=None, n=8), record(id=9, n=9, note="a\0b"), record(id=10, n=10)]
        made = run_ok(request(messages(*lines), target(mode, reject_limit=10))).metadata
        assert (made["rows_read"], made["rows_written"], made["rows_rejected"]) == (10, 3, 7), (mode, made, sql("SELECT * FROM t"), quarantine())
        assert sql("SELECT id FROM t ORDER BY id") == [["1"], ["7"], ["10"]], mode
        got = {json.loads(r)["id"]: (p, why) for p, why, r in quarantine("place, reason, record")}
        for key, place, word in ((2, "row 2", "whenever"), (70000, "row 3", "smallint"), (4, "row 4", "t_n_check"), (5, "row 5", "null value"),
                                 (6, "row 6", "t_note_key"), (None, "row 8", "primary key is NULL" if mode == "upsert" else "null value"),
                                 (9, "row 9", "NUL")):
            assert got[key][0] == place and word in got[key][1], (mode, key, got[key])
        assert sql("SELECT DISTINCT stream, outcome, state_id FROM _selvedge_rejected") == [["t", "rejected", "shop/sales"]]


def values_that_cannot_be_sent_are_rejected():
    fresh()
    execute("till.db", "CREATE TABLE s (id INTEGER PRIMARY KEY, x TEXT)", "INSERT INTO s VALUES (1, 'a'), (2, CAST(x'ff41' AS TEXT)), (3, x'00')")
    tap = {"type": "sqlite", "path": "till.db", "table": "s"}
    made = run_ok(request(tap, target(table="s", primary_key=["id"], reject_limit="90%"))).metadata
    assert (made["rows_written"], made["rows_rejected"]) == (1, 2), made
    reasons = [why for _, why in quarantine()]
    assert "not UTF-8" in reasons[0] and "blob" in reasons[1], reasons


def past_the_limit_nothing_is_loaded_and_the_rest_is_shown():
    fresh()
    sql("CREATE TABLE t (id integer PRIMARY KEY, n integer CHECK (n <> 13), note text)")
    lines = [SCHEMA] + [record(id=i, n=13 if i % 5 == 0 else i) for i in range(20, 40)]
    for _ in range(2):
        result = run(request(messages(*lines), target(reject_limit=3)))
        assert result.code == 1 and "4 of 20 records were rejected" in result.error["message"], result.error
        assert "look at table public._selvedge_rejected" in result.error["hint"], result.error
        assert sql("SELECT count(*) FROM t") == [["0"]]
        assert quarantine("place, outcome") == [(f"row {r}", "pending") for r in (1, 6, 11, 16)]
    run_ok(request(messages(*lines), target(reject_limit=4)))
    assert quarantine("place, outcome") == [(f"row {r}", "rejected") for r in (1, 6, 11, 16)]
    assert sql("SELECT count(*) FROM t") == [["16"]]
    run_ok(request(messages(*lines), target(reject_limit=4, reject_keep=3)))
    assert quarantine("place") == [(f"row {r}",) for r in (6, 11, 16)]


def a_server_that_fails_otherwise_is_no_reason_to_reject():
    fresh()
    sql("CREATE TABLE t (id integer PRIMARY KEY, n integer, note text); CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN new; END$$; "
        "CREATE TRIGGER die BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION die()")
    result = run(request(messages(SCHEMA, record(id=1)), target("append", reject_limit=5)))
    assert result.code == 1 and "rejected" not in result.error["message"], result.error
    assert sql("SELECT count(*) FROM pg_class WHERE relname = '_selvedge_rejected'") == [["0"]]


def what_is_read_is_loaded_or_rejected():
    """Random rows, refused by the server, by us or by the tap, alone and in heaps: each is in the table or in the quarantine."""
    rng = random.Random(SEED)
    for round_ in range(8):
        fresh()
        mode = rng.choice(["append", "upsert", "upsert", "overwrite"])
        has_rules = mode != "overwrite"
        if has_rules:
            sql("CREATE TABLE t (id integer PRIMARY KEY, n smallint CHECK (n <> 13), note varchar(5))")
        share = rng.choice([0.0005, 0.01, 0.3, 1])
        lines, good, bad, was_bad = [SCHEMA], [], 0, False
        for i in range(rng.randrange(1, 6000)):
            was_bad = rng.random() < (0.7 if was_bad and share < 0.3 else share)  # they come in heaps
            if was_bad:
                bad += 1
                lines.append(rng.choice([record(id=i, n="x"), b"{", record(id=i, note="\0")] +
                                        ([record(id=i, n=13), record(id=i, n=70000), record(id=i, note="too long"), record(id=None)] if has_rules else [])))
            else:
                good.append(i)
                lines.append(record(id=i, n=i + 100, note="ä\t\\n"))
        made = run_ok(request(messages(*lines), target(mode, reject_limit="100%", reject_keep=100000))).metadata
        where = (SEED, round_, mode, share, len(lines))
        assert made["rows_read"] == len(good) + bad and made.get("rows_rejected", 0) == bad, (where, bad, made)
        assert made["rows_written"] == len(good), (where, made)
        if good or has_rules:
            assert [int(r[0]) for r in sql("SELECT id FROM t ORDER BY id")] == good, where
        if bad:
            assert len(quarantine("id")) == bad, where


if __name__ == "__main__":
    try:
        main([what_the_server_refuses_is_found_in_its_batch, values_that_cannot_be_sent_are_rejected,
              past_the_limit_nothing_is_loaded_and_the_rest_is_shown, a_server_that_fails_otherwise_is_no_reason_to_reject,
              what_is_read_is_loaded_or_rejected])
    finally:
        SERVER.close()
