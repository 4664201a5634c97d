"""SIGTERM stops a statement in a real PostgreSQL, not only the worker that waits for it: checks, loads and reads that would take for ever."""
import signal
import time

import el_step
import pg_server
from el_step import execute, main, request, run_ok

pg_server.need()
SERVER = pg_server.Server()
sql = SERVER.sql
SLOW = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN NEW; END'"


def fresh():
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def target(mode, **more):
    return dict({"type": "postgres", "dsn": SERVER.dsn(), "mode": mode, "table": "sales"}, **more)


def until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.01)


def running(words):
    return sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'selvedge-el' AND state = 'active' AND "
               f"query LIKE '%{words}%'") != []


def workers():
    return sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'selvedge-el'") != []


def stopped(step, words):
    """Ends the worker while that statement runs; the server's process is gone soon after, and the worker says that it was stopped."""
    process, events = el_step.start(step)
    until(lambda: running(words), words)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    result = el_step.finish(process, events)
    took = time.monotonic() - began
    assert result.code == 143 and took < 2, (result.code, took, result.error, result.log)
    assert result.error and result.error["code"] == "cancelled", (result.error, result.log)
    until(lambda: not workers(), "the server to stop as well")
    assert time.monotonic() - began < 3, time.monotonic() - began
    return result


def a_check():
    fresh()
    check = {"name": "slow", "sql": "SELECT pg_sleep(600)", "database": {"type": "postgres", "dsn": SERVER.dsn()}}
    result = stopped({"kind": "checks", "asset": "a", "checks": [check]}, "FETCH")
    assert not result.of("check"), result.events


def a_load():
    fresh()
    execute("till.db", "CREATE TABLE sales (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO sales VALUES (1, 'a')")
    step = request({"type": "sqlite", "path": "till.db", "table": "sales"}, target("upsert", primary_key=["id"]))
    run_ok(step)
    sql(SLOW + "; CREATE TRIGGER slow BEFORE UPDATE ON sales FOR EACH ROW EXECUTE FUNCTION slow()")
    execute("till.db", "UPDATE sales SET v = 'b'")
    stopped(step, "INSERT INTO")
    assert sql("SELECT * FROM sales") == [["1", "a"]], "nothing of it was kept"
    sql("DROP TRIGGER slow ON sales")
    run_ok(step)
    assert sql("SELECT * FROM sales") == [["1", "b"]]


def a_read():
    fresh()
    sql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); "
        "CREATE VIEW v AS SELECT id, pg_sleep(600)::text AS nap FROM t")
    step = request({"type": "postgres", "dsn": SERVER.dsn(), "table": "v"},
                   {"type": "sqlite", "path": "out.db", "table": "v", "mode": "overwrite"})
    stopped(step, "COPY")


try:
    main([a_check, a_load, a_read])
finally:
    SERVER.close()
