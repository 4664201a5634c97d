"""Freshness of dbt sources, asked before the nodes that are made from them: fresh, warned of, too old, not to be asked. It is a check of the
source's asset and blocks nothing; a table that is loaded has it as well as one that others fill."""
import json
import os
import sqlite3

import dbt_shop
import pg_server
from dbt_agent_test import ENTRY, GOOD, agent, assets_of, define, events, fake_dbt, orders, rows
from el_step import main

ASKED = f"{ENTRY}, source_freshness: true"
HOURS = {"warn_after": {"count": 2, "period": "hour"}, "error_after": {"count": 1, "period": "day"}}


def shop(freshness, field="at", extra=()):
    """The shop, with a source that says when its rows came."""
    dbt_shop.make(extra=extra)
    for name in ("manifest.json", "incremental.json"):
        with open(f"shop/target/{name}", encoding="utf8") as file:
            manifest = json.load(file)
        manifest["sources"][dbt_shop.SOURCE].update(freshness=freshness, loaded_at_field=field)
        with open(f"shop/target/{name}", "w", encoding="utf8") as file:
            json.dump(manifest, file)


def table(age):
    connection = sqlite3.connect("shop.db")
    connection.execute("drop table if exists orders")
    connection.execute(f"create table orders as select 1 as id, 1 as person, 5 as amount, datetime('now', '{age}') as at")
    connection.commit()
    connection.close()


def told():
    """What was told of the source, or None: passed, severity, metadata."""
    found = [e for e in events() if e["type"] == "asset_check_evaluation" and e["check"] == "freshness"]
    assert len(found) <= 1 and all(e["asset"] == "raw/orders" for e in found), found
    return (found[0]["passed"], found[0]["severity"], {key: value["raw_value"] for key, value in found[0]["metadata"].items()}) if found else None


def of_asset(key):
    return next(asset for asset in map(json.loads, agent("assets", "--json").splitlines()) if asset["definition"]["key"] == key)


def fresh_sources_pass():
    shop(HOURS)
    define(entry=ASKED, more="")
    external = next(asset for asset in json.loads(agent("explain", "--json"))["assets"] if asset["key"] == "raw/orders")
    assert [(check["name"], check["severity"]) for check in external["checks"]] == [("freshness", "error")], external
    assert "0/1" in agent("assets"), agent("assets")  # it has the check before it was ever asked
    table("-30 minutes")
    said = agent("materialize", "*")
    assert "freshness of raw.orders: pass, loaded " in said or "freshness" in agent("logs", "--asset", "raw/orders"), said
    passed, severity, metadata = told()
    assert passed and severity == "error" and metadata["status"] == "pass", (passed, severity, metadata)
    assert 1790 < metadata["age_s"] < 1900 and metadata["max_loaded_at"].endswith("Z"), metadata
    assert metadata["warn_after_s"] == 7200 and metadata["error_after_s"] == 86400 and "error" not in metadata, metadata
    checks = {check["name"]: check["passed"] for check in of_asset("raw/orders")["checks"]}
    assert checks == {"freshness": True, "till_has_orders": True}, checks


def what_is_old_is_told_and_blocks_nothing():
    shop(HOURS)
    define(entry=ASKED, more="")
    for age, status, severity in (("-3 hours", "warn", "warn"), ("-2 days", "error", "error")):
        table(age)
        agent("materialize", "sales or stg_orders or people")
        passed, told_severity, metadata = told()
        assert (passed, told_severity, metadata["status"]) == (False, severity, status), (age, told())
        assert assets_of("asset_materialization") == ["people", "sales", "stg_orders"]
    assert rows("select name from sales") == [("ada",)]
    said = agent("why", "raw/orders")
    assert "freshness did not pass (error)" in said, said
    agent("materialize", "people")  # made from no source
    assert told() is None, told()


def what_cannot_be_asked_is_told():
    shop(HOURS)
    define(entry=ASKED, more="")
    agent("materialize", "people or seen", fails=True)  # there is no such table: `seen` fails of that, not of the freshness
    passed, severity, metadata = told()
    assert (passed, severity, metadata["status"]) == (False, "error", "runtime error") and "no such table" in metadata["error"], metadata
    assert "max_loaded_at" not in metadata and "age_s" not in metadata, metadata
    assert assets_of("asset_materialization") == ["people"]
    table("0 hours")
    connection = sqlite3.connect("shop.db")
    connection.execute("update orders set at = 'yesterday'")
    connection.commit()
    agent("materialize", "seen")
    assert told()[2]["status"] == "runtime error" and "is no time" in told()[2]["error"], told()
    connection.execute("delete from orders")
    connection.commit()
    connection.close()
    agent("materialize", "people or stg_orders")
    assert told()[2] == {"status": "error", "warn_after_s": 7200, "error_after_s": 86400}, told()  # no row is infinitely old
    shop({"warn_after": {"count": 1, "period": "hour"}}, field=None)
    agent("materialize", "people or stg_orders")
    assert told()[2]["status"] == "runtime error" and "loaded_at_field" in told()[2]["error"], told()


def only_where_it_is_asked_for():
    shop(HOURS)
    define(more="")
    table("-2 days")
    agent("materialize", "people or stg_orders")
    assert told() is None
    agent("materialize", "people or stg_orders", "--source-freshness")  # of this run
    assert told()[2]["status"] == "error", told()
    shop({"warn_after": {"count": None, "period": None}, "error_after": {"count": None, "period": None}})
    define(entry=ASKED, more="")
    agent("materialize", "people or stg_orders")
    assert told() is None  # the project has no freshness for it
    assert not any(asset["key"] == "raw/orders" and asset.get("checks") for asset in json.loads(agent("explain", "--json"))["assets"])
    test = dbt_shop.node("test", "freshness", "select 1 where 1 = 0", [dbt_shop.SOURCE], {"severity": "ERROR"})
    shop({"warn_after": {"count": 1, "period": "hour"}}, extra=[test])
    agent("materialize", "*")  # a test of that name has another one
    names = {e["check"]: e["severity"] for e in events() if e["type"] == "asset_check_evaluation" and e["asset"] == "raw/orders"}
    assert names == {"freshness": "warn", "test.shop.freshness": "error", "till_has_orders": "error"}, names


def a_loaded_table_is_asked_after_its_load():
    shop(HOURS)
    define(entry=ASKED)
    orders(GOOD.replace("amount\n", "amount,at\n").replace("5\n", "5,2020-01-01T00:00:00Z\n").replace("20\n", "20,2020-01-02T00:00:00Z\n"))
    agent("materialize", "people or raw/orders+")
    assert told()[2]["status"] == "error" and told()[2]["max_loaded_at"] == "2020-01-02T00:00:00.000Z", told()
    assert "stg_orders" in assets_of("asset_materialization")
    assert "freshness" in [check["name"] for check in of_asset("raw/orders")["checks"]]


def it_is_asked_by_us_when_dbt_runs_the_nodes():
    shop(HOURS)
    fake_dbt()
    driven = f"manifest: shop/target/manifest.json, runner: dbt, project_dir: shop, dbt: {os.path.abspath('dbt')}, source_freshness: true"
    driven += f", env: {{GIVEN: {os.path.abspath('given')}}}"
    define(entry=driven, more="")
    assert "source_freshness needs a resource" in agent("check", fails=True)
    define(entry=f"{driven}, resource: local", more="")
    table("-3 hours")
    agent("materialize", "people or stg_orders")
    assert os.path.exists("given") and told()[2]["status"] == "warn", told()


def postgres_too():
    if pg_server.BINARIES is None:
        print("skipped: PostgreSQL is not installed")
        return
    with pg_server.Server() as server:
        shop(HOURS)
        with open("shop/target/manifest.json", encoding="utf8") as file:
            text = file.read()
        manifest = json.loads(text.replace('"adapter_type": "sqlite"', '"adapter_type": "postgres"').replace("main.", '\\"shop\\".\\"public\\".')
                              .replace('"schema": "main"', '"schema": "public"'))
        with open("shop/target/manifest.json", "w", encoding="utf8") as file:
            json.dump(manifest, file)
        with open("selvedge.yaml", "w", encoding="utf8") as file:
            file.write(f"project: p\nresources: {{pg: {{type: postgres, dsn: \"{server.dsn()}\"}}}}\n"
                       "dbt: [{manifest: shop/target/manifest.json, resource: pg, runner: native, source_freshness: true}]\n")
        for age, status in (("1 minute", "pass"), ("3 hours", "warn"), ("3 days", "error")):
            server.sql("drop table if exists orders cascade")
            server.sql(f"create table orders as select 1 as id, 1 as person, 5 as amount, now() - interval '{age}' as at")
            agent("materialize", "people or stg_orders")
            assert told()[2]["status"] == status, (age, told())


TESTS = (fresh_sources_pass, what_is_old_is_told_and_blocks_nothing, what_cannot_be_asked_is_told, only_where_it_is_asked_for,
         a_loaded_table_is_asked_after_its_load, it_is_asked_by_us_when_dbt_runs_the_nodes, postgres_too)


if __name__ == "__main__":
    main(TESTS)
