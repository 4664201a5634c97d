"""What is in a PostgreSQL is what its state says, whoever dies: the worker killed -9 at random moments of an incremental load, the server
restarted under it, and a COMMIT whose worker is gone. SEED in the environment replays a run."""
import json
import os
import random
import sqlite3
import sys
import time

import el_step
import pg_server
from el_step import execute, main, request, run, run_ok

ROWS = 230000  # three slices
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
rng = random.Random(SEED)
print(f"seed={SEED}")
pg_server.need()
SERVER = pg_server.Server()
sql = SERVER.sql


def target(mode, **more):
    return dict({"type": "postgres", "dsn": SERVER.dsn(), "mode": mode, "table": "sales"}, **more)


def fresh():
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def until(condition, what):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.005)


def workers():
    return int(sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'selvedge-el'")[0][0])


def make_till():
    db = sqlite3.connect("till.db")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, v INTEGER, t TEXT)")
    db.executemany("INSERT INTO sales VALUES (?, ?, ?)", ((i, (i * 7919) % 1000, "t%05d" % (i // 3)) for i in range(ROWS)))
    db.commit()
    db.close()


def is_there(name):
    return sql(f"SELECT to_regclass('{name}') IS NOT NULL") == [["t"]]


def check_prefix():
    """Rows and state are those of one commit: the first rows in order, as many as the state says."""
    until(lambda: workers() == 0, "the killed worker's server process")
    count, most, total = ["0", "NULL", "NULL"]
    if is_there("sales"):
        count, most, total = sql("SELECT count(*), max(id), sum(id) FROM sales")[0]
    states = sql("SELECT value FROM _selvedge_state") if is_there("_selvedge_state") else []
    mark = json.loads(states[0][0])["bookmarks"].get("sales") if states else None
    if mark is None:
        assert count == "0", (SEED, count)
        return 0
    n = int(count)
    assert mark["replication_key_value"] == int(most) == n - 1 and int(total) == n * (n - 1) // 2, (SEED, mark, count, most)
    return n


def kill_repeatedly(step):
    """Kills after random times, sometimes just at a commit; looks at what is there after each."""
    seen = set()
    longest = 0.5
    for _ in range(40):
        process, events = el_step.start(step)
        began = time.monotonic()
        time.sleep(rng.uniform(0.02, longest))
        finished = process.poll() is not None
        process.kill()
        result = el_step.finish(process, events)
        seen.add(check_prefix())
        if result.code == 0:
            break
        assert not finished or result.code == 0, (SEED, result.error, result.log, time.monotonic() - began)
        longest *= 1.2
    run_ok(step)
    print("commits seen:", sorted(seen))


def killed(mode, **more):
    fresh()
    make_till()
    step = request({"type": "sqlite", "path": "till.db", "table": "sales", "replication_key": "id"}, target(mode, **more))
    kill_repeatedly(step)
    want = [[str(ROWS), str(sum(range(ROWS))), str(ROWS), str(sum((i * 7919) % 1000 for i in range(ROWS)))]]
    assert sql("SELECT count(*), sum(id), count(DISTINCT id), sum(v) FROM sales") == want, SEED
    # The source goes on.
    execute("till.db", f"INSERT INTO sales VALUES ({ROWS}, 1, 'x')", f"UPDATE sales SET v = -1 WHERE id = {ROWS - 1}")
    run_ok(step)
    last = "-1" if mode == "upsert" else str(((ROWS - 1) * 7919) % 1000)
    assert sql(f"SELECT v FROM sales WHERE id >= {ROWS - 1} ORDER BY id LIMIT 1") == [[last]], SEED


def killed_while_it_upserts():
    killed("upsert", primary_key=["id"])


def killed_while_it_appends():
    killed("append")


def killed_while_it_overwrites():
    fresh()
    make_till()
    sql("CREATE TABLE sales (id bigint PRIMARY KEY, v bigint, t text); INSERT INTO sales VALUES (-1, -1, 'old')")
    step = request({"type": "sqlite", "path": "till.db", "table": "sales"}, target("overwrite", primary_key=["id"]))
    for _ in range(5):
        process, events = el_step.start(step)
        time.sleep(rng.uniform(0.02, 0.6))
        process.kill()
        result = el_step.finish(process, events)
        until(lambda: workers() == 0, "the killed worker's server process")
        count = sql("SELECT count(*) FROM sales")[0][0]
        assert count == "1" or (count == str(ROWS) and result.code in (0, -9)), (SEED, count)
        if count != "1":
            break
    run_ok(step)
    assert sql("SELECT count(*), min(id) FROM sales") == [[str(ROWS), "0"]]
    assert sql("SELECT count(*) FROM pg_class WHERE relname LIKE '\\_selvedge\\_rows%'") == [["0"]], "nothing is left behind"


# A tap that stops in the middle until the file "go" is there, and goes on from its state.
TAP = """
import json, os, sys, time
state = json.load(open(sys.argv[sys.argv.index("--state") + 1]))["last"] if "--state" in sys.argv else 0
def say(**message):
    print(json.dumps(message), flush=True)
say(type="SCHEMA", stream="sales", key_properties=["id"], schema={"properties": {"id": {"type": "integer"}, "v": {"type": "string"}}})
def rows(begin, end):
    for i in range(begin, end):
        say(type="RECORD", stream="sales", record={"id": i, "v": "v%d" % i})
    say(type="STATE", value={"last": end})
rows(state, max(state, 1000))
end = time.monotonic() + 100
while not os.path.exists("go"):
    assert time.monotonic() < end
    time.sleep(0.01)
rows(max(state, 1000), 3000)
"""


def restarted(mode):
    fresh()
    with open("tap.py", "w", encoding="utf8") as file:
        file.write(TAP)
    step = request({"type": "singer_program", "command": [sys.executable, "tap.py"]},
                   target(mode, flush_every="1ms", append_without_key=True))
    process, events = el_step.start(step)
    until(lambda: is_there("_selvedge_state") and sql("SELECT count(*) FROM sales") == [["1000"]], "the first commit")
    SERVER.stop("fast")
    SERVER.start()
    with open("go", "w", encoding="utf8"):
        pass
    result = el_step.finish(process, events)
    assert result.code == 1 and result.error["code"] == "offline", (result.code, result.error, result.log)
    assert "next run goes on" in result.error["hint"], result.error
    assert sql("SELECT count(*) FROM sales") == [["1000"]]
    assert json.loads(sql("SELECT value FROM _selvedge_state")[0][0]) == {"last": 1000}
    run_ok(step)
    assert sql("SELECT count(*), count(DISTINCT id) FROM sales") == [["3000", "3000"]]


def a_server_that_restarts():
    restarted("upsert")
    os.remove("go")
    restarted("append")


def a_server_that_is_down():
    fresh()
    execute("till.db", "CREATE TABLE sales (id INTEGER PRIMARY KEY)", "INSERT INTO sales VALUES (1)")
    step = request({"type": "sqlite", "path": "till.db", "table": "sales", "replication_key": "id"}, target("append"))
    SERVER.stop("fast")
    result = run(step)
    assert result.code == 1 and result.error["code"] == "offline", result.error
    SERVER.start()
    run_ok(step)
    assert sql("SELECT count(*) FROM sales") == [["1"]]


def the_next_worker_waits_for_the_last_commit():
    """A worker was killed behind its COMMIT, which waits in the server (here: for a lock). The next one must not read the state before."""
    fresh()
    execute("till.db", "CREATE TABLE sales (id INTEGER PRIMARY KEY)", "INSERT INTO sales VALUES (1)")
    step = request({"type": "sqlite", "path": "till.db", "table": "sales", "replication_key": "id"}, target("append"))
    run_ok(step)
    execute("till.db", "INSERT INTO sales VALUES (2)")
    # A check at the end of the transaction that takes its time.
    sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END'; "
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON sales DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()")
    holder = hold_lock(4711)
    first, first_events = el_step.start(step)
    until(lambda: waiting() == 1, "the first worker's COMMIT")
    first.kill()
    el_step.finish(first, first_events)
    second, second_events = el_step.start(step)
    until(lambda: waiting() == 2, "the second worker")
    holder.communicate("COMMIT;\n", timeout=60)
    result = el_step.finish(second, second_events)
    assert result.code == 0, (result.error, result.log)
    assert sql("SELECT id FROM sales ORDER BY 1") == [["1"], ["2"]], "not twice"


def waiting():
    return int(sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")[0][0])


def hold_lock(number):
    """A psql that holds it until it is told to commit."""
    holder = el_step.subprocess.Popen(
        [os.path.join(pg_server.BINARIES, "psql"), "-h", SERVER.folder, "-U", pg_server.USER, "-d", pg_server.DATABASE, "-X", "-q"],
        stdin=el_step.subprocess.PIPE, stdout=el_step.subprocess.DEVNULL, text=True)
    holder.stdin.write(f"BEGIN; SELECT pg_advisory_xact_lock({number});\n")
    holder.stdin.flush()
    until(lambda: sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted") == [["1"]], "the lock")
    return holder


try:
    main([killed_while_it_upserts, killed_while_it_appends, killed_while_it_overwrites, a_server_that_restarts, a_server_that_is_down,
          the_next_worker_waits_for_the_last_commit])
finally:
    SERVER.close()
