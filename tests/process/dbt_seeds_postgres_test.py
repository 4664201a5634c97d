"""Seeds, snapshots and source freshness in a real PostgreSQL, from a manifest made by hand: what dbt gives a table beside its rows, views of
others that stay, what is refused, and that nothing is left behind by what fails. Against real dbt: tests/interop/dbt_seed_test.py."""
import json
import os
import subprocess
import sys
import tempfile

import pg_server

PEER = os.path.abspath(os.path.join(os.environ.get("SELVEDGE_BIN_DIR", "build/bin"), "dbt_nodes_peer"))
NOW = "2026-01-31T12:00:00Z"


class Lab:
    def __init__(self, folder, server):
        self.folder = folder
        self.server = server
        self.nodes = {}
        self.sources = {}

    def node(self, kind, name, code=None, **config):
        self.nodes[f"{kind}.lab.{name}"] = {
            "unique_id": f"{kind}.lab.{name}", "resource_type": kind, "name": name, "alias": name, "package_name": "lab", "schema": "lab",
            "database": pg_server.DATABASE, "fqn": ["lab", name], "relation_name": f'"{pg_server.DATABASE}"."lab"."{name}"',
            "original_file_path": f"seeds/{name}.csv", "path": f"{name}.csv", "raw_code": code or "", "compiled": code is not None,
            "compiled_code": code, "depends_on": {"nodes": [], "macros": []}, "tags": [], "columns": config.pop("columns", {}),
            "description": config.pop("description", ""), "config": dict({"materialized": kind, "enabled": True}, **config)}
        return f"{kind}.lab.{name}"

    def source(self, name, **more):
        self.sources[f"source.lab.raw.{name}"] = dict({
            "unique_id": f"source.lab.raw.{name}", "resource_type": "source", "name": name, "source_name": "raw", "identifier": name,
            "package_name": "lab", "schema": "raw", "database": pg_server.DATABASE, "fqn": ["lab", "raw", name],
            "relation_name": f'"{pg_server.DATABASE}"."raw"."{name}"', "original_file_path": "models/sources.yml", "path": "models/sources.yml",
            "tags": [], "columns": {}, "config": {"enabled": True}}, **more)
        return f"source.lab.raw.{name}"

    def csv(self, name, text):
        path = os.path.join(self.folder, "seeds", f"{name}.csv")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf8") as file:
            file.write(text)

    def run(self, *words):
        manifest = os.path.join(self.folder, "manifest.json")
        with open(manifest, "w", encoding="utf8") as file:
            json.dump({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.11.16",
                                    "project_name": "lab", "adapter_type": "postgres"},
                       "nodes": self.nodes, "sources": self.sources, "macros": {}, "docs": {}, "exposures": {}, "metrics": {}, "groups": {},
                       "selectors": {}, "disabled": {}, "parent_map": {}, "child_map": {}, "group_map": {}, "saved_queries": {},
                       "semantic_models": {}, "unit_tests": {}}, file)
        done = subprocess.run([PEER, manifest, "postgres:" + self.server.dsn(), self.folder, NOW, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 0, done.stderr
        results = [json.loads(line) for line in done.stdout.splitlines()]
        return results[0] if len(results) == 1 else results


def check_seed(lab):
    sql = lab.server.sql
    sql("create role reader; create role other")
    seed = lab.node("seed", "site", description="all sites", columns={"name": {"name": "name", "description": "it's one"}},
                    persist_docs={"relation": True, "columns": True}, grants={"select": ["reader"]}, indexes=[{"columns": ["id"], "unique": True}])
    lab.csv("site", "id,name,opened,price\n1,it's,2026-01-31,\"$1,000.50\"\n2,,null,\n")
    result = lab.run(seed)
    assert result["status"] == "success" and result["message"] == "INSERT 2", result
    assert sql("select * from lab.site order by id") == [["1", "it's", "2026-01-31", "1000.5"], ["2", "NULL", "NULL", "NULL"]]
    assert sql("select obj_description('lab.site'::regclass), col_description('lab.site'::regclass, 2)") == [["all sites", "it's one"]]
    assert sql("select count(*) from pg_indexes where schemaname = 'lab' and tablename = 'site' and indexdef like '%UNIQUE%'") == [["1"]]
    assert sql("select has_table_privilege('reader', 'lab.site', 'select')") == [["t"]]
    # Rows are replaced, the table and what reads it stay.
    sql("create view public.sites as select id, name from lab.site; grant select on public.sites to other")
    was = sql("select 'lab.site'::regclass::oid")
    lab.csv("site", "name,id,opened,price\nthree,3,,\n")
    assert lab.run(seed)["message"] == "INSERT 1"
    assert sql("select id, name from public.sites") == [["3", "three"]]
    assert sql("select 'lab.site'::regclass::oid") == was
    # A new column needs a full refresh, through which the view of others lives.
    lab.csv("site", "id,name,color\n4,four,red\n")
    result = lab.run(seed)
    assert "color" in result["error"], result
    assert sql("select id, name from public.sites") == [["3", "three"]]
    assert lab.run("--full-refresh", seed)["message"] == "CREATE 1"
    assert sql("select * from lab.site") == [["4", "four", "red"]]
    assert sql("select id, name from public.sites") == [["4", "four"]]
    assert sql("select has_table_privilege('other', 'public.sites', 'select'), has_table_privilege('reader', 'lab.site', 'select')") == [["t", "t"]]
    assert sql("select count(*) from pg_indexes where schemaname = 'lab' and tablename = 'site'") == [["1"]]
    # A value that does not fit: all of it is as it was.
    lab.csv("site", "id,name,color\n1,x,y\n2147483648,x,y\n")
    result = lab.run(seed)
    assert "out of range" in result["error"], result
    assert sql("select * from lab.site") == [["4", "four", "red"]]
    # A view is nobody's seed.
    sql("create view lab.seen as select 1 as id")
    lab.csv("seen", "id\n1\n")
    result = lab.run("--full-refresh", lab.node("seed", "seen"))
    assert "is a view, and a seed needs a table" in result["error"], result


def check_large_seed(lab):
    with open(os.path.join(lab.folder, "seeds", "large.csv"), "w", encoding="utf8") as file:
        file.write("id,text\n")
        for i in range(30000):
            file.write(f'{i},"row {i}\nback\\slash and it\'s"\n')
    assert lab.run(lab.node("seed", "large"))["message"] == "INSERT 30000"
    assert lab.server.sql("select count(*), sum(id), max(text) from lab.large") == [["30000", "449985000", "row 9999\nback\\slash and it's"]]


def check_snapshot(lab):
    sql = lab.server.sql
    sql("create schema raw; create table raw.items (id integer, name varchar(5), at timestamp); "
        "insert into raw.items values (1, 'one', '2026-01-01'), (2, 'two', '2026-01-01')")
    snapshot = lab.node("snapshot", "history", f'select * from "{pg_server.DATABASE}"."raw"."items"', unique_key="id", strategy="timestamp",
                        updated_at="at", hard_deletes="invalidate", grants={"select": ["reader"]}, indexes=[{"columns": ["id"]}])
    assert lab.run(snapshot)["status"] == "success"
    sql("create view public.now_there as select id, name from lab.history where dbt_valid_to is null")
    # A longer text, a new column, a row that changes and one that goes.
    sql("alter table raw.items alter column name type varchar(20); alter table raw.items add column color text; "
        "update raw.items set name = 'one and more', at = '2026-01-02', color = 'red' where id = 1; delete from raw.items where id = 2")
    result = lab.run(snapshot)
    assert result["status"] == "success" and result["rows_written"] == 3, result
    assert sql("select id, name, color, dbt_valid_from, dbt_valid_to is null from lab.history order by id, dbt_valid_from") == [
        ["1", "one", "NULL", "2026-01-01 00:00:00", "f"], ["1", "one and more", "red", "2026-01-02 00:00:00", "t"],
        ["2", "two", "NULL", "2026-01-01 00:00:00", "f"]]
    assert sql("select * from public.now_there") == [["1", "one and more"]]
    assert sql("select count(*) from pg_indexes where schemaname = 'lab' and tablename = 'history'") == [["1"]]
    assert sql("select has_table_privilege('reader', 'lab.history', 'select')") == [["t"]]
    assert lab.run(snapshot)["rows_written"] == 0
    # What fails changes nothing.
    before = sql("select * from lab.history order by 1, 2")
    sql("update raw.items set at = '2026-01-03'")
    lab.nodes[snapshot]["config"]["post-hook"] = [{"sql": "insert into nowhere values (1)", "transaction": True}]
    assert "post-hook 1" in lab.run(snapshot)["error"]
    assert sql("select * from lab.history order by 1, 2") == before
    assert sql("select count(*) from pg_class where relname like 'dbt_snapshot%'") == [["0"]]


def check_freshness(lab):
    sql = lab.server.sql
    sql("create table raw.readings (at timestamptz, day date, text text, site text)")
    limits = {"warn_after": {"count": 1, "period": "hour"}, "error_after": {"count": 1, "period": "day"}}
    sql("insert into raw.readings values (now() - interval '30 minutes', current_date, to_char(now() at time zone 'utc', "
        "'YYYY-MM-DD HH24:MI:SS'), 'a'), (now() - interval '3 hours', current_date - 3, '2020-01-01', 'b')")

    def ask(**more):
        freshness = dict(limits, filter=more.pop("filter", None))
        return lab.run(lab.source("readings", freshness=freshness, **more))

    fresh = ask(loaded_at_field="at")
    assert fresh["status"] == "pass" and 1800 <= fresh["age_ns"] / 1e9 < 1900, fresh
    assert ask(loaded_at_field="at", filter="site = 'b'")["status"] == "warn"
    assert ask(loaded_at_field="day", filter="site = 'b'")["status"] == "error"
    assert ask(loaded_at_field="text")["status"] == "pass"  # real dbt fails here
    assert ask(loaded_at_field="text", filter="site = 'b'")["status"] == "error"
    assert ask(loaded_at_query='select min(at) from raw.readings')["status"] == "warn"
    assert ask(loaded_at_field="at", filter="false")["status"] == "error"  # no row: infinitely old
    assert "is no time" in ask(loaded_at_field="site")["error"]
    assert "column" in ask(loaded_at_field="nothing")["error"]


def main():
    pg_server.need()
    with tempfile.TemporaryDirectory() as folder, pg_server.Server() as server:
        lab = Lab(folder, server)
        check_seed(lab)
        check_large_seed(lab)
        check_snapshot(lab)
        check_freshness(lab)
    return 0


if __name__ == "__main__":
    sys.exit(main())
