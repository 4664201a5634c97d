"""Models of dbt projects in a real PostgreSQL: what each materialization leaves, and that nobody's view is lost."""
import signal
import time

import pg_nodes
import pg_server
from pg_nodes import model
from el_step import main

pg_server.need()
SERVER = pg_server.Server()
sql = SERVER.sql


def fresh(more=""):
    sql("DROP SCHEMA IF EXISTS lab CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; " + more)


def run(*nodes, **more):
    results = pg_nodes.run(SERVER.dsn(), *nodes, **more)
    for result in results:
        assert result["ok"], result
    return results[-1]


def failed(node, *words, code="invalid", dsn=None, **more):
    result = pg_nodes.run(dsn or SERVER.dsn(), node, **more)[-1]
    assert not result["ok"] and result["code"] == code, result
    for word in words:
        assert word in result["error"] + " " + result["hint"], (word, result)
    return result


def leftovers():
    return sql("SELECT relname FROM pg_class WHERE relname LIKE '%\\_\\_dbt\\_%' AND relkind <> 'i'")


def kind(name):
    found = sql(f"SELECT relkind FROM pg_class WHERE oid = to_regclass('{name}')")
    return found[0][0] if found else None


def oid(name):
    return sql(f"SELECT '{name}'::regclass::oid")


# --- view, table ----------------------------------------------------------------------------------


def a_table_is_made_and_made_again():
    fresh()
    result = run(model("t", "table", "select 1 as id, 'a'::text as v union all select 2, 'b' -- both"))
    assert (result["message"], result["rows_written"], result["row_count"]) == ("SELECT 2", 2, 2), result
    assert result["columns"] == {"id": "integer", "v": "text"}, result
    result = run(model("t", "table", "select id + 10 as id, v, null::numeric(8,2) as n from lab.t;\n-- the old one"))
    assert sql("SELECT * FROM lab.t ORDER BY 1") == [["11", "a", "NULL"], ["12", "b", "NULL"]]
    assert result["columns"]["n"] == "numeric(8,2)" and leftovers() == []


def a_view_is_replaced_in_place_where_it_can_be():
    fresh()
    run(model("v", "view", "select 1 as id"))
    sql("CREATE VIEW public.mine AS SELECT * FROM lab.v")
    before = oid("lab.v")
    result = run(model("v", "view", "select 2 as id, 'x'::text as more"))
    assert result["message"] == "CREATE VIEW" and result["row_count"] == -1, result
    assert oid("lab.v") == before and sql("SELECT * FROM public.mine") == [["2"]]
    run(model("v", "view", "select 'y'::text as other, 3 as id"))  # its columns are others now
    assert oid("lab.v") != before and sql("SELECT * FROM public.mine") == [["3"]] and leftovers() == []


def kinds_change():
    fresh()
    run(model("m", "table", "select 1 as id"))
    sql("CREATE VIEW public.mine AS SELECT id FROM lab.m")
    run(model("m", "view", "select 2 as id"))
    assert kind("lab.m") == "v" and sql("SELECT * FROM mine") == [["2"]]
    run(model("m", "incremental", "select 3 as id", sql_incremental="select 4 as id"))
    assert kind("lab.m") == "r" and sql("SELECT * FROM mine") == [["3"]]
    run(model("m", "view", "select 5 as id"), model("m", "table", "select 6 as id"))
    assert kind("lab.m") == "r" and sql("SELECT * FROM mine") == [["6"]] and leftovers() == []
    sql("DROP VIEW mine; DROP TABLE lab.m; CREATE MATERIALIZED VIEW lab.m AS SELECT 1 AS id")
    failed(model("m", "table", "select 1 as id"), "neither a table nor a view", code="exists")


def names_are_cut_and_quoted():
    fresh()
    long = "ein_sehr_langer_name_für_eine_tabelle_die_nie_aufhören_will_x"
    odd = 'we"ird Näme'
    for name in (long, odd):
        for i in (1, 2):
            run(model(name.replace('"', '""'), "table", f"select {i} as id", indexes=[{"columns": ["id"], "type": "hash"}]))
            assert sql("SELECT id FROM lab.\"" + name.replace('"', '""') + '"') == [[str(i)]]
    assert leftovers() == []
    for i in (1, 2):  # as with quoting: {database: false, ...}
        run(dict(model("t", "table", f"select {i} as id", grants={"select": ["public"]}), relation_name=f"{pg_server.DATABASE}.New_Schema.Plain"))
        assert sql("SELECT id FROM new_schema.plain") == [[str(i)]]
    sql("DROP SCHEMA new_schema CASCADE")
    failed(model("x" * 64, "table", "select 1 as id"), "63 bytes")
    failed(dict(model("t", "table", "select 1 as id"), relation_name='"elsewhere"."lab"."t"'), "elsewhere")
    failed(dict(model("t", "table", "select 1 as id"), relation_name='"lab"."t"; drop table x'), "relation_name")


def dress_is_what_is_configured():
    fresh("DROP ROLE IF EXISTS reader; DROP ROLE IF EXISTS other; CREATE ROLE reader; CREATE ROLE other")
    dressed = {"indexes": [{"columns": ["id"], "unique": True}, {"columns": ["v", "id"], "type": "btree"}], "grants": {"select": ["reader"]},
               "persist_docs": True, "description": "it's a table", "columns": {"v": "a 'value'", "absent": "x"}, "unlogged": True}
    for _ in range(2):
        run(model("t", "table", "select 1 as id, 'a'::text as v", **dressed))
        found = sql("SELECT indexdef FROM pg_indexes WHERE tablename = 't' ORDER BY indexdef ~ 'UNIQUE' DESC")
        assert len(found) == 2 and found[0][0].endswith("USING btree (id)") and found[1][0].endswith("USING btree (v, id)"), found
        assert sql("SELECT count(*) FROM pg_indexes WHERE tablename = 't' AND indexname ~ '^[0-9a-f]{32}$'") == [["2"]]
        assert sql("SELECT relpersistence, obj_description(oid), col_description(oid, 2) FROM pg_class WHERE relname = 't'") == \
            [["u", "it's a table", "a 'value'"]]
        assert sql("SELECT grantee, privilege_type FROM information_schema.role_table_grants WHERE table_name = 't' AND grantee <> "
                   "current_user") == [["reader", "SELECT"]]
    # What stays gets the difference: an incremental table, a view that is replaced in place.
    for materialized, more in (("incremental", {"sql_incremental": "select 2 as id"}), ("view", {})):
        name = "g_" + materialized
        run(model(name, materialized, "select 1 as id", grants={"select": ["reader"], "UPDATE": ["reader", "other"]}, **more))
        run(model(name, materialized, "select 1 as id", grants={"SELECT": ["Reader", "public"], "update": ["other"]}, **more))
        assert sql("SELECT grantee, privilege_type FROM information_schema.role_table_grants WHERE table_name = '" + name +
                   "' AND grantee <> current_user ORDER BY 1, 2") == [["PUBLIC", "SELECT"], ["other", "UPDATE"], ["reader", "SELECT"]], name
        run(model(name, materialized, "select 1 as id", **more))  # nothing is configured: nothing is touched
        assert sql(f"SELECT count(*) FROM information_schema.role_table_grants WHERE table_name = '{name}' AND grantee = 'reader'") == [["1"]]
    sql("DROP SCHEMA lab CASCADE; DROP ROLE reader; DROP ROLE other")


def hooks_stand_inside_and_outside():
    fresh("CREATE TABLE public.log (n serial, what text, xid text)")

    def hook(what, outside=False):
        return {"sql": f"insert into public.log (what, xid) values ('{what}', txid_current()::text);", "outside": outside}

    hooks = {"pre_hooks": [hook("pre in"), hook("pre out", True), {"sql": " -- nothing"}], "post_hooks": [hook("post out", True), hook("post in")]}
    for materialized in ("view", "table", "incremental"):
        run(model("m_" + materialized, materialized, "select 1 as id", **hooks))
        got = sql("SELECT what, xid FROM public.log ORDER BY n")
        assert [row[0] for row in got] == ["pre out", "pre in", "post in", "post out"], got
        assert got[1][1] == got[2][1] and len({row[1] for row in got}) == 3, got
        failed(model("m_" + materialized, materialized, "select 1 / 0 as id", **hooks) if materialized != "view" else
               model("m_view", "view", "select nix", **hooks))
        assert [row[0] for row in sql("SELECT what FROM public.log ORDER BY n")][4:] == ["pre out"], "what was inside is undone"
        sql("TRUNCATE public.log")
    failed(model("t", "table", "select 1 as id", post_hooks=[{"sql": "select * from nowhere"}]), "post-hook 1", "nowhere", code="not_found")
    assert kind("lab.t") is None
    run(model("t", "table", "select public.h() as id", sql_header="create function public.h() returns int language sql as 'select 7';"))
    assert sql("SELECT id FROM lab.t") == [["7"]]


def a_contract_is_kept():
    fresh()
    contract = {"columns": {"id": {"type": "int", "constraints": ["not null", "check (id > 0)"]}, "v": {"type": "varchar(9)"}},
                "constraints": ["primary key (id)"]}
    node = model("t", "table", "select 'a' as v, 1 as id;", contract=contract)
    for _ in range(2):
        result = run(node)
        assert (result["message"], result["columns"]) == ("INSERT 0 1", {"id": "integer", "v": "character varying(9)"}), result
    assert sql("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'lab.t'::regclass ORDER BY 1") == \
        [["CHECK ((id > 0))"], ["PRIMARY KEY (id)"]]
    failed(dict(node, sql="select 'a' as v, -1 as id"), "check")
    for query, words in (("select 1 as id", '"v" is declared'), ("select 1 as id, 'a' as v, 2 as w", '"w" is not declared'),
                         ("select 1.5 as id, 'a' as v", '"id" is of another type')):
        for materialized in ("table", "view", "incremental"):
            failed(model("u", materialized, query, contract=contract), words)
    failed(dict(node, contract={"columns": {}}), "declares no columns")
    failed(dict(node, contract={"columns": {"id": {"type": "int); drop table lab.t; --"}, "v": {"type": "text"}}}))
    incremental = model("t", "incremental", "select 1 as id, 'a' as v", sql_incremental="select 2 as id, 'b'::text as v", contract=contract)
    assert run(incremental)["was_incremental"] and sql("SELECT id, v FROM lab.t ORDER BY 1") == [["1", "a"], ["2", "b"]]
    failed(dict(incremental, sql_incremental="select true as id, 'b' as v"), '"id" is of another type')
    run(model("w", "view", "select 3 as id, 'c' as v", contract=contract))
    assert sql("SELECT id, v FROM lab.w") == [["3", "c"]] and leftovers() == []


# --- incremental ----------------------------------------------------------------------------------


def build_incremental(rows, **more):
    """A table that grows: `rows` is the query of every run."""
    return run(model("inc", "incremental", rows, sql_incremental=rows, **more))


def incremental_rows():
    return sql("SELECT * FROM lab.inc ORDER BY 1, 2")


def strategies():
    first = "select 1 as id, 'a'::text as v, 10 as n union all select 2, 'b', 20 union all select null, 'z', 0"
    second = "select 2 as id, 'B'::text as v, 21 as n union all select 3, 'c', 30 union all select null, 'y', 1"
    old = [["1", "a", "10"], ["2", "b", "20"]]
    new = [["2", "B", "21"], ["3", "c", "30"], ["NULL", "y", "1"], ["NULL", "z", "0"]]
    for strategy, more in (("", {}), ("append", {"unique_key": ["id"]}), ("", {"unique_key": ["id"]}), ("delete+insert", {"unique_key": ["id"]}),
                           ("delete+insert", {}), ("merge", {"unique_key": ["id"]}), ("merge", {})):
        fresh()
        keyed = bool(more) and strategy != "append"
        build_incremental(first, strategy=strategy, **more)
        result = build_incremental(second, strategy=strategy, **more)
        expected = [r for r in old if not keyed or r[0] != "2"] + new
        assert sorted(incremental_rows()) == sorted(expected), (strategy, more, incremental_rows())
        assert result["was_incremental"] and result["rows_written"] == 3 and result["row_count"] == len(expected), result
        assert result["message"] == ("MERGE 3" if strategy == "merge" and keyed else "INSERT 0 3"), result
    for more, row in (({"merge_update_columns": ["v"]}, ["2", "B", "20"]), ({"merge_exclude_columns": ["V"]}, ["2", "b", "21"]),
                      ({"predicates": ["DBT_INTERNAL_DEST.n < 20 -- old ones"]}, ["2", "b", "20"])):
        fresh()
        build_incremental(first, strategy="merge", unique_key=["id"], **more)
        build_incremental(second, strategy="merge", unique_key=["id"], **more)
        assert row in incremental_rows(), (more, incremental_rows())
    fresh()
    build_incremental("select 1 as a, 1 as b, 'x'::text as v union all select 1, 2, 'y'", unique_key=["a", "b"])
    build_incremental("select 1 as a, 2 as b, 'z'::text as v", unique_key=["a", "b"])
    build_incremental("select 1 as a, 1 as b, 'w'::text as v", unique_key=["a", "b"], strategy="merge")
    assert incremental_rows() == [["1", "1", "w"], ["1", "2", "z"]]
    failed(model("inc", "incremental", "select 1", sql_incremental="select 1 as a", strategy="other"), "other")
    failed(model("inc", "incremental", "select 1 as a"), "incremental run is missing")


def the_text_is_chosen_by_what_is_there():
    fresh()
    both = {"sql_incremental": "select max(id) + 1 as id from lab.inc"}
    assert not run(model("inc", "incremental", "select 1 as id", **both))["was_incremental"]
    for _ in range(3):
        assert run(model("inc", "incremental", "select 1 as id", **both))["was_incremental"]
    assert sql("SELECT id FROM lab.inc ORDER BY 1") == [["1"], ["2"], ["3"], ["4"]]
    assert run(model("inc", "incremental", "select 1 as id", full_refresh="never", asked_full_refresh=True, **both))["was_incremental"]
    assert not run(model("inc", "incremental", "select 1 as id", asked_full_refresh=True, **both))["was_incremental"]
    assert sql("SELECT id FROM lab.inc") == [["1"]]
    assert not run(model("inc", "incremental", "select 5 as id", full_refresh="always", **both))["was_incremental"]
    assert sql("SELECT id FROM lab.inc") == [["5"]]


def columns_come_and_go():
    base = "select 1 as id, 'a'::varchar(3) as v, 5 as n"
    for change in ("ignore", "append_new_columns", "sync_all_columns", "fail"):
        fresh()
        build_incremental(base, on_schema_change=change)
        build_incremental(base, on_schema_change=change)  # the same is no change
        sql("CREATE VIEW public.mine AS SELECT id, v FROM lab.inc")
        more = model("inc", "incremental", base, sql_incremental="select 2 as id, 'abcdef'::varchar(10) as v, 6 as n, 7.5::numeric(6,2) as extra",
                     on_schema_change=change)
        less = model("inc", "incremental", base, sql_incremental="select 3 as id, 'c'::varchar(3) as v", on_schema_change=change)
        retyped = model("inc", "incremental", base, sql_incremental="select 4 as id, 'd'::varchar(3) as v, 9.25::numeric(9,3) as n",
                        on_schema_change=change)
        if change == "fail":
            failed(more, "extra")
            failed(less, '"n"')
            assert sql("SELECT count(*) FROM lab.inc") == [["2"]]
            continue
        columns = run(more)["columns"]
        assert columns["v"] == "character varying(10)", columns
        if change == "ignore":
            assert list(columns) == ["id", "v", "n"]
            failed(less, '"n"')
            assert run(retyped)["columns"]["n"] == "integer"
        elif change == "append_new_columns":
            assert columns["extra"] == "numeric(6,2)"
            run(less)
            assert run(retyped)["columns"]["n"] == "integer"
            assert ["3", "c", "NULL", "NULL"] in incremental_rows() and ["2", "abcdef", "6", "7.50"] in incremental_rows()
        else:
            assert run(less)["columns"] == {"id": "integer", "v": "character varying(10)"}
            assert run(retyped)["columns"]["n"] == "numeric(9,3)"
            assert run(model("inc", "incremental", base, sql_incremental="select 5::bigint as id, 'e'::varchar(3) as v, 1.5::numeric(9,3) as n",
                             on_schema_change=change))["columns"]["id"] == "bigint"
            assert ["5", "e", "1.500"] in incremental_rows()
        assert len(sql("SELECT * FROM public.mine")) == len(incremental_rows())
    assert leftovers() == []


# --- others' views --------------------------------------------------------------------------------


def views_that_read_it_are_as_they_were():
    fresh("DROP ROLE IF EXISTS reader; DROP ROLE IF EXISTS owner; CREATE ROLE reader; CREATE ROLE owner; CREATE SCHEMA other; "
          "GRANT USAGE, CREATE ON SCHEMA other TO owner; ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO reader")
    run(model("t", "table", "select 1 as id, 'a'::text as v", grants={"select": ["owner"]}))
    sql("GRANT USAGE ON SCHEMA lab TO owner; "
        "CREATE VIEW other.\"One\" (k, \"Ä\") WITH (security_barrier = true) AS SELECT id, v FROM lab.t WHERE id > 0 WITH LOCAL CHECK OPTION; "
        "ALTER VIEW other.\"One\" OWNER TO owner; GRANT SELECT, UPDATE ON other.\"One\" TO reader; REVOKE INSERT ON other.\"One\" FROM reader; "
        "GRANT SELECT (k) ON other.\"One\" TO PUBLIC; COMMENT ON VIEW other.\"One\" IS 'it''s one'; COMMENT ON COLUMN other.\"One\".\"Ä\" IS 'ä'; "
        "ALTER VIEW other.\"One\" ALTER COLUMN k SET DEFAULT 42; "
        "CREATE FUNCTION other.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
        "CREATE VIEW other.two AS SELECT k FROM other.\"One\" UNION SELECT id FROM lab.t; "
        "CREATE TRIGGER trig INSTEAD OF INSERT ON other.two FOR EACH ROW EXECUTE FUNCTION other.f(); "
        "CREATE VIEW other.three AS SELECT t.k, o.\"Ä\" FROM other.two t JOIN other.\"One\" o USING (k)")
    state = ("SELECT c.relname, pg_get_userbyid(c.relowner), c.reloptions, c.relacl, pg_get_viewdef(c.oid), obj_description(c.oid), "
             "(SELECT string_agg(concat(a.attname, a.attacl, col_description(c.oid, a.attnum), (SELECT pg_get_expr(adbin, adrelid) FROM "
             "pg_attrdef WHERE adrelid = c.oid AND adnum = a.attnum)), ';' ORDER BY attnum) FROM pg_attribute a WHERE attrelid = c.oid), "
             "(SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE tgrelid = c.oid) "
             "FROM pg_class c WHERE relnamespace = 'other'::regnamespace ORDER BY 1")
    before = sql(state)
    assert len(before) == 3 and before[0][1] == "owner" and "42" in before[0][6] and "trig" in before[2][7], before
    result = run(model("t", "table", "select 7 as id, 'b'::text as v, now() as more", grants={"select": ["owner"]}))
    assert result["message"] == "SELECT 1", result
    after = sql(state)
    assert after == before, [(a, b) for a, b in zip(before, after) if a != b]
    assert sql("SELECT * FROM other.three") == [["7", "b"]] and leftovers() == []
    sql("DROP SCHEMA other CASCADE; ALTER DEFAULT PRIVILEGES REVOKE INSERT ON TABLES FROM reader; DROP OWNED BY owner; DROP ROLE owner; "
        "DROP OWNED BY reader; DROP ROLE reader")


def a_view_that_no_longer_fits():
    fresh()
    run(model("t", "table", "select 1 as id, 'a'::text as v"))
    sql("CREATE VIEW public.mine AS SELECT v FROM lab.t; CREATE VIEW public.over_mine AS SELECT * FROM public.mine")
    narrower = model("t", "table", "select 2 as id")
    failed(narrower, "public.mine", "made again", "v does not exist")
    assert sql("SELECT * FROM lab.t") == [["1", "a"]] and sql("SELECT * FROM public.over_mine") == [["a"]] and leftovers() == []
    # A model of the same project is made anew by its own node; a view of others on it still is none of ours.
    failed(dict(narrower, views=[{"schema": "public", "alias": "mine"}]), "public.over_mine", code="not_found")
    assert sql("SELECT * FROM public.over_mine") == [["a"]]
    result = run(dict(narrower, views=[{"schema": "public", "alias": "mine"}, {"schema": "public", "alias": "over_mine"}]))
    assert result["message"].startswith("SELECT 1; dropped view public.mine") and "over_mine" in result["message"], result
    assert kind("public.mine") is None and sql("SELECT * FROM lab.t") == [["2"]]


def what_is_no_view_keeps_its_table():
    fresh()
    node = model("t", "table", "select 1 as id, 'a'::text as v", indexes=[{"columns": ["id"]}])
    run(node)
    sql("CREATE MATERIALIZED VIEW public.kept AS SELECT count(*) AS n FROM lab.t; CREATE VIEW public.mine AS SELECT * FROM lab.t; "
        "CREATE INDEX mine ON lab.t (v)")
    before = oid("lab.t")
    result = run(dict(node, sql="select 2 as id, 'b'::text as v union all select 3, 'c'"))
    assert oid("lab.t") == before and result["row_count"] == 2, result
    assert sql("SELECT * FROM public.mine ORDER BY 1") == [["2", "b"], ["3", "c"]] and sql("SELECT n FROM public.kept") == [["1"]]
    assert len(sql("SELECT 1 FROM pg_indexes WHERE tablename = 't'")) == 2 and leftovers() == []
    failed(dict(node, sql="select 'x'::text as id, 'b'::text as v"), "public.kept", "no plain view")
    sql("DROP MATERIALIZED VIEW public.kept; CREATE TABLE public.row_of (t lab.t)")
    run(node)
    failed(dict(node, sql="select 1 as id"), "table row_of")
    assert sql("SELECT * FROM lab.t") == [["1", "a"]]


def views_of_other_users_stay():
    fresh("DROP ROLE IF EXISTS modeller; DROP ROLE IF EXISTS analyst; CREATE ROLE modeller LOGIN; CREATE ROLE analyst; "
          "CREATE SCHEMA lab AUTHORIZATION modeller; CREATE SCHEMA his AUTHORIZATION analyst; GRANT USAGE ON SCHEMA lab TO analyst")
    dsn = SERVER.dsn(user="modeller")
    node = model("t", "table", "select 1 as id")
    assert pg_nodes.run(dsn, node)[0]["ok"]
    sql("GRANT SELECT ON lab.t TO analyst; CREATE VIEW his.v AS SELECT * FROM lab.t; ALTER VIEW his.v OWNER TO analyst")
    assert pg_nodes.run(dsn, dict(node, sql="select 2 as id"))[0]["ok"]
    assert sql("SELECT * FROM his.v") == [["2"]], "the table was refilled"
    failed(dict(node, sql="select 2 as id, 3 as n"), "his.v", "another user's", dsn=dsn)
    result = pg_nodes.run(dsn, model("t", "table", "select 1 as id", schema="nowhere"))[0]
    assert not result["ok"] and result["code"] == "denied", result
    sql("DROP SCHEMA his CASCADE; DROP SCHEMA lab CASCADE; DROP ROLE modeller; DROP ROLE analyst")


def what_dbt_left_behind():
    fresh()
    run(model("t", "table", "select 1 as id"))
    sql("CREATE TABLE lab.t__dbt_tmp (x int); CREATE TABLE lab.t__dbt_backup (x int); CREATE VIEW public.stale AS SELECT * FROM lab.t__dbt_backup")
    run(model("t", "table", "select 2 as id"))
    assert leftovers() == [["t__dbt_backup"]] and sql("SELECT * FROM public.stale") == []
    sql("DROP VIEW public.stale; CREATE VIEW lab.t__dbt_tmp AS SELECT 1 AS one")
    run(model("t", "table", "select 3 as id"))
    assert leftovers() == []


# --- what a project may not, and stopping ---------------------------------------------------------


def one_statement_and_no_more():
    fresh("CREATE TABLE public.victim (id int)")
    for text in ("select 1 as id); drop table public.victim; --", "select 1 as id; drop table public.victim"):
        for materialized in ("view", "table"):
            failed(model("t", materialized, text))
    for text in ("commit", "BEGIN", " /* x */ rollback", "copy public.victim to '/tmp/x'", "copy public.victim from program 'id'",
                 "set role postgres", "SET LOCAL ROLE x", "set session authorization x", "reset role", "prepare transaction 'x'", "load 'x'",
                 "alter system set work_mem = 1", "-- x\nsavepoint a", "set transaction isolation level serializable", "end", "; commit", "/**/ ; -- x\n;rollback"):
        for outside in (False, True):
            failed(model("t", "table", "select 1 as id", post_hooks=[{"sql": text, "outside": outside}]), "post-hook", code="denied")
    failed(model("t", "table", "select 1 as id", post_hooks=[{"sql": "select 1; commit; select 2"}]), "post-hook", code="denied")
    run(model("t", "table", "select 1 as id", sql_header="set local work_mem = '8MB';;\nset local enable_hashjoin = off;",
              post_hooks=[{"sql": "create index a on lab.t (id); -- ; \n comment on table lab.t is 'a;b';"}]))
    assert sql("SELECT obj_description('lab.t'::regclass), count(*) FROM pg_indexes WHERE tablename = 't'") == [["a;b", "1"]]
    run(model("t", "table", "select 1 as id", post_hooks=[{"sql": "set local work_mem = '8MB'"}, {"sql": "do $$ begin perform 1; end $$"},
                                                          {"sql": "vacuum lab.t", "outside": True}]))
    assert kind("public.victim") == "r" and kind("lab.t") == "r"


def settings_are_those_of_the_user():
    fresh(f"ALTER DATABASE {pg_server.DATABASE} SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE {pg_server.DATABASE} SET DateStyle = 'German'")
    run(model("t", "table", "select timestamptz '2026-01-31 20:00:00+00'::date as d, (date '2026-01-31')::text as s"))
    assert sql("SELECT d = date '2026-02-01', s FROM lab.t") == [["t", "2026-01-31"]], "as psycopg2 sets DateStyle, and only that"
    sql(f"ALTER DATABASE {pg_server.DATABASE} RESET ALL")


def time_outs_and_sigterm():
    fresh()
    run(model("t", "table", "select 1 as id"))
    slow = model("t", "table", "select pg_sleep(600)::text as id")
    began = time.monotonic()
    failed(slow, code="timeout", timeout_ms=200)
    assert time.monotonic() - began < 20
    process = pg_nodes.start(SERVER.dsn(), slow)
    end = time.monotonic() + 60
    while not sql("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'create table%pg_sleep%' AND pid <> pg_backend_pid()"):
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, log = process.communicate(timeout=60)
    assert '"code":"cancelled"' in out, (out, log)
    while sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'selvedge-el'"):
        assert time.monotonic() < end, "the server goes on"
    assert sql("SELECT id FROM lab.t") == [["1"]] and leftovers() == []


# --- tests ----------------------------------------------------------------------------------------


def tests_and_their_rows():
    fresh()
    run(model("t", "table", "select 1 as id union all select null union all select null"))
    bad = model("failing", "test", "select * from lab.t where id is null", schema="audit")
    good = model("passing", "test", "select * from lab.t where id > 5", schema="audit")
    result = run(bad)
    assert (result["status"], result["failures"], result["stored_in"]) == ("fail", 2, ""), result
    assert run(dict(bad, is_warning=True))["status"] == "warn" and run(good)["status"] == "pass"
    for store in ("table", "view"):
        for _ in range(2):
            result = run(dict(bad, store_as=store))
            assert (result["status"], result["failures"]) == ("fail", 2) and result["stored_in"].endswith('"failing"'), result
            assert len(sql("SELECT * FROM audit.failing")) == 2 and kind("audit.failing") == store[0].replace("t", "r")
        assert run(dict(good, store_as=store))["status"] == "pass" and sql("SELECT * FROM audit.passing") == []
    failed(dict(bad, sql="select * from lab.nothing"), "nothing", code="not_found")
    failed(dict(bad, sql="select * from lab.t) x; drop table lab.t; select * from (select 1"))
    assert kind("lab.t") == "r"
    sql("DROP SCHEMA audit CASCADE")


try:
    main([a_table_is_made_and_made_again, a_view_is_replaced_in_place_where_it_can_be, kinds_change, names_are_cut_and_quoted,
          dress_is_what_is_configured, hooks_stand_inside_and_outside, a_contract_is_kept, strategies, the_text_is_chosen_by_what_is_there, columns_come_and_go,
          views_that_read_it_are_as_they_were, a_view_that_no_longer_fits, what_is_no_view_keeps_its_table, views_of_other_users_stay,
          what_dbt_left_behind, one_statement_and_no_more, settings_are_those_of_the_user, time_outs_and_sigterm, tests_and_their_rows])
finally:
    SERVER.close()
