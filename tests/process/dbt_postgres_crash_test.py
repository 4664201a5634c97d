"""The connection lost, the program killed -9 and the server stopped at once, at every statement of every materialization: what is there then is the
old relation or the new one, whole, with everybody's views, and running it again converges. SEED in the environment replays a run."""
import os
import random
import time

import pg_nodes
import pg_server
from pg_nodes import model
from el_step import main
from pg_proxy import Proxy

LONG = bool(os.environ.get("SELVEDGE_LONG"))  # every statement; else those around the COMMIT, and some of the others
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
rng = random.Random(SEED)
print(f"seed={SEED}")
pg_server.need()
SERVER = pg_server.Server()
PROXY = Proxy(SERVER)
sql = SERVER.sql

sql("CREATE SCHEMA watch; CREATE FUNCTION watch.rows(name text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE found text; BEGIN IF "
    "to_regclass(name) IS NULL THEN RETURN 'absent'; END IF; EXECUTE format('SELECT count(*) || md5(string_agg(t::text, '','' ORDER BY t::text)) "
    "|| left(string_agg(t::text, '','' ORDER BY t::text), 99) FROM %s t', name) INTO found; RETURN found; END $$")

HOOKS = {"pre_hooks": [{"sql": "insert into public.log values ('pre')"}], "post_hooks": [{"sql": "insert into public.log values ('post')"}]}
DRESS = dict(HOOKS, grants={"select": ["public"]}, persist_docs=True, description="new", columns={"id": "key"})
INDEXED = dict(DRESS, indexes=[{"columns": ["id"], "unique": True}])
OLD_TABLE = "CREATE TABLE lab.m (id int, v text); INSERT INTO lab.m VALUES (1, 'old'), (2, 'old'); "
OLD_VIEW = "CREATE VIEW lab.m AS SELECT 1 AS id, 'old'::text AS v; "
MINE = "CREATE VIEW public.mine AS SELECT id FROM lab.m; CREATE VIEW public.over_mine AS SELECT count(*) FROM public.mine; "
KEPT = "CREATE MATERIALIZED VIEW public.kept AS SELECT 1 FROM lab.m; "
NEW = "select i as id, 'new'::text as v from generate_series(2, 500) i"
DELTA = "select i as id, 'new'::text as v, 1.5 as more from generate_series(2, 500) i"

# What is there before, and the model.
CASES = {
    "a view where there is none": ("", model("m", "view", NEW, **DRESS)),
    "a view in the place of one": (OLD_VIEW + MINE, model("m", "view", NEW, **DRESS)),
    "a view of other columns": (OLD_VIEW + MINE, model("m", "view", "select 'x'::text as v, 5 as id", **DRESS)),
    "a table where there is none": ("", model("m", "table", NEW, **INDEXED)),
    "a table over a table": (OLD_TABLE + MINE, model("m", "table", NEW, **INDEXED)),
    "a table over a view": (OLD_VIEW + MINE, model("m", "table", NEW, **INDEXED)),
    "a table that stays": (OLD_TABLE + MINE + KEPT, model("m", "table", NEW, **INDEXED)),
    "append": (OLD_TABLE + MINE, model("m", "incremental", NEW, sql_incremental=NEW + " where i > (select max(id) from lab.m)", **INDEXED)),
    "delete+insert": (OLD_TABLE + MINE, model("m", "incremental", NEW, sql_incremental=DELTA, unique_key=["id"],
                                              on_schema_change="append_new_columns", **INDEXED)),
    "merge": (OLD_TABLE + MINE, model("m", "incremental", NEW, sql_incremental=DELTA, unique_key=["id"], strategy="merge",
                                      on_schema_change="sync_all_columns", **INDEXED)),
    "other types": (OLD_TABLE + MINE, model("m", "incremental", NEW, sql_incremental="select 2::bigint as id, 'x'::text as v",
                                            on_schema_change="sync_all_columns", unique_key=["id"], **INDEXED)),
    "a full refresh": (OLD_TABLE + MINE, model("m", "incremental", NEW, sql_incremental=DELTA, asked_full_refresh=True, **INDEXED)),
}


def fresh(before):
    sql("DROP SCHEMA IF EXISTS lab CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE public.log (what text); " +
        (f"CREATE SCHEMA lab; {before}" if before else ""))


def until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, (SEED, f"waited for {what}")
        time.sleep(0.002)


def state():
    """All that the model may change: rows, what hangs on it, the hooks' log, and what should not be there at all."""
    rows = "', '".join(("lab.m", "public.mine", "public.over_mine", "public.kept"))
    return sql(f"SELECT watch.rows(n) FROM unnest(ARRAY['{rows}']) n UNION ALL "
               "SELECT string_agg(concat_ws('|', c.oid = to_regclass('lab.m'), relkind, relacl, obj_description(oid, 'pg_class'), (SELECT count(*) "
               "FROM pg_index WHERE indrelid = c.oid), (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ',' ORDER BY attnum) "
               "FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)), '; ') FROM pg_class c WHERE oid = "
               "to_regclass('lab.m') OR relname LIKE '%\\_\\_dbt\\_%' UNION ALL SELECT watch.rows('public.log')")


def settled():
    return sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'selvedge-el'") == []


def count_statements(before, node):
    fresh(before)
    old = state()
    PROXY.arm(0)
    result = pg_nodes.run(PROXY.dsn(), node)[0]
    assert result["ok"], result
    new = state()
    assert old != new and "__dbt" not in str(new), (old, new)
    return old, new, PROXY.count - PROXY.skip


def check(name, at, old, new):
    now = state()
    assert now in (old, new), (SEED, name, at, PROXY.statements[-1:], now, old)
    return now == new


def cut(name, before, node, old, new, at):
    """The connection is lost when the server has done the statement."""
    fresh(before)
    PROXY.arm(at, before=False)
    result = pg_nodes.run(PROXY.dsn(), node)[0]
    assert PROXY.struck and not result["ok"] and result["code"] == "offline", (SEED, name, at, result)
    until(settled, "the server to notice")
    return check(name, at, old, new)


def kill(name, before, node, old, new, at):
    """The program dies when it sends the statement."""
    fresh(before)
    victim = []
    PROXY.arm(at, strike=lambda: victim[0].kill())
    victim.append(pg_nodes.start(PROXY.dsn(), node))
    out, log = victim[0].communicate(timeout=60)
    assert PROXY.struck and victim[0].returncode == -9 and out == "", (SEED, name, at, victim[0].returncode, out, log)
    until(settled, "the server to notice")
    return check(name, at, old, new)


def again(name, at, node, new):
    result = pg_nodes.run(SERVER.dsn(), node)[0]
    assert result["ok"], (SEED, name, at, result)
    got = state()
    assert got[:-1] == new[:-1], (SEED, name, at, got, new)  # but for the log: its hooks may have run twice


def strike_everywhere():
    for name, (before, node) in CASES.items():
        old, new, count = count_statements(before, node)
        seen = set()
        for at in range(1, count + 1):
            is_end = at > count - 4  # around the COMMIT
            if not is_end and not LONG and rng.randrange(3) > 0:
                continue
            for strike in (cut, kill) if is_end else (rng.choice((cut, kill)),):
                is_new = strike(name, before, node, old, new, at)
                assert is_end or not is_new, (SEED, name, at, "it was committed too early")
                seen.add(is_new)
                again(name, at, node, new)
        assert seen == {False, True}, (SEED, name, seen)
        print(f"     {name}: {count} statements", flush=True)


def the_server_stops():
    """In its tracks, as in a power cut, and begins again from its log."""
    for name, (before, node) in CASES.items():
        old, new, count = count_statements(before, node)
        for at in sorted(rng.sample(range(1, count + 1), 3)):
            fresh(before)
            PROXY.arm(at, before=rng.random() < 0.5, strike=lambda: SERVER.stop("immediate"))
            result = pg_nodes.run(PROXY.dsn(), node)[0]
            assert PROXY.struck and not result["ok"], (SEED, name, at, result)
            assert PROXY.done.wait(120)
            SERVER.start()
            check(name, at, old, new)
            again(name, at, node, new)


def the_next_node_connects_again():
    fresh("")
    PROXY.arm(3)
    nodes = [model(name, "table", "select 1 as id") for name in ("one", "two", "three")]
    process = pg_nodes.start(PROXY.dsn(), *nodes)
    until(lambda: PROXY.struck, "the cut")
    PROXY.at = 0
    out, log = process.communicate(timeout=60)
    lines = out.splitlines()
    assert '"code":"offline"' in lines[0] and '"ok":true' in lines[1] and '"ok":true' in lines[2], (out, log)


try:
    main([strike_everywhere, the_server_stops, the_next_node_connects_again])
finally:
    PROXY.close()
    SERVER.close()
