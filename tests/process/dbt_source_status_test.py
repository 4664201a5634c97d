"""dbt's `source_status:` on a device: the sources are asked first, and compared with what a build here found, or with a sources.json that is given."""
import json
import os
import sqlite3
import subprocess

import dbt_shop
from dbt_agent_test import ENTRY, agent, assets_of, checks, define
from dbt_freshness_test import HOURS, told
from el_step import main

BELOW = ["big_sales", "sales", "seen", "stg_orders"]
OTHER = "source.shop.raw.other"


def edit_sources(change):
    for name in ("manifest.json", "incremental.json"):
        with open(f"shop/target/{name}", encoding="utf8") as file:
            manifest = json.load(file)
        change(manifest["sources"])
        with open(f"shop/target/{name}.new", "w", encoding="utf8") as file:
            json.dump(manifest, file)
        os.rename(f"shop/target/{name}.new", f"shop/target/{name}")


def sql(*statements):
    connection = sqlite3.connect("shop.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def add(table="orders", age="0 hours"):
    sql(f"insert into {table} select coalesce(max(id), 0) + 1, 1, 5, strftime('%Y-%m-%d %H:%M:%f', 'now', '{age}') from {table}")


def begin():
    """The shop with two sources that say when their rows came, each with a row; of a third nobody asks."""
    subprocess.run(["rm", "-rf", "state", "shop", "shop.db", "before"], check=True)
    dbt_shop.make(extra=[dbt_shop.model("of_other", 'select * from main."other"', [OTHER])])

    def change(sources):
        sources[dbt_shop.SOURCE].update(freshness=HOURS, loaded_at_field="at")
        sources[OTHER] = {**sources[dbt_shop.SOURCE], "unique_id": OTHER, "name": "other", "identifier": "other", "fqn": ["shop", "raw", "other"],
                          "relation_name": 'main."other"'}
        sources["source.shop.raw.third"] = {**sources[OTHER], "unique_id": "source.shop.raw.third", "name": "third", "freshness": None}
    edit_sources(change)
    define(more="")
    for table in ("orders", "other"):
        sql(f"create table {table} (id, person, amount, at)")
        add(table, "-3 hours" if table == "other" else "-1 hours")


def made(select, *options):
    agent("materialize", "--dbt-select", select, *options)
    return assets_of("asset_materialization")


def nothing(select, *options):
    said = agent("materialize", "--dbt-select", select, *options, fails=True)
    assert "selects no model, seed or snapshot" in said, said


def against_what_was_built():
    begin()
    said = agent("materialize", "--dbt-select", "source_status:fresher+", fails=True)
    assert "no build here has asked its sources yet" in said and "--source-freshness" in said, said
    agent("materialize", "*")  # a build that did not ask knows nothing
    agent("materialize", "--dbt-select", "source_status:fresher+", fails=True)
    agent("materialize", "*", "--source-freshness")
    nothing("source_status:fresher+")
    add()
    assert made("source_status:fresher+") == BELOW
    assert told() is not None and "names_are_unique" in checks(), checks()  # what was asked is told, and the worker chose the same
    nothing("source_status:fresher+")
    add("other")
    add()
    assert made("source_status:fresher+", "--exclude", "seen sales") == ["big_sales", "of_other", "stg_orders"]
    assert made("source_status:fresher+") == BELOW  # `seen` and `sales` have not seen the new orders; of_other has seen the others


def what_failed_stays_fresher():
    begin()
    agent("materialize", "*", "--source-freshness")
    add()
    sql("drop view stg_orders", "create table stg_orders (id)", "create view in_the_way as select * from stg_orders")
    sql("update orders set amount = null where id = 2")
    agent("materialize", "--dbt-select", "source_status:fresher+", fails=True)  # the test of stg_orders holds the others back
    sql("update orders set amount = 7 where id = 2")
    assert made("source_status:fresher+") == BELOW
    nothing("source_status:fresher+")


def by_the_answer():
    begin()
    agent("materialize", "*")
    assert made("source_status:warn+") == ["of_other"]
    assert made("source_status:pass+") == BELOW
    nothing("source_status:error+")
    sql("update other set at = datetime('now', '-3 days')")
    assert made("source_status:error+") == ["of_other"]
    sql("delete from other")  # no row is infinitely old
    assert made("source_status:error+") == ["of_other"]
    nothing("source_status:older+")


def against_what_is_given():
    begin()
    agent("materialize", "*")
    os.mkdir("before")
    done = agent("sources", "--json")
    with open("before/sources.json", "w", encoding="utf8") as file:
        file.write(done)
    found = {r["unique_id"]: r for r in json.loads(done)["results"]}
    assert {i: r["status"] for i, r in found.items()} == {dbt_shop.SOURCE: "pass", OTHER: "warn"}, found
    assert 3500 < found[dbt_shop.SOURCE]["max_loaded_at_time_ago_in_s"] < 3700, found
    nothing("source_status:fresher+", "--dbt-state", "before")
    add()
    assert made("source_status:fresher+", "--dbt-state", "before") == BELOW
    define(entry=f"{ENTRY}, state: before", more="")
    assert made("source_status:fresher+1") == ["seen", "stg_orders"]  # by the entry; what is given does not change by a build
    with open("before/sources.json", "w", encoding="utf8") as file:  # as dbt writes it: of one nothing is known, of the other an error
        json.dump({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/sources/v3.json"},
                   "results": [{"unique_id": dbt_shop.SOURCE, "error": "no such table", "status": "runtime error"}], "elapsed_time": 1.0}, file)
    assert made("source_status:fresher+1") == ["of_other", "seen", "stg_orders"]


def what_cannot_be_compared_with():
    begin()
    os.mkdir("before")
    for text, word in ((None, "there is no "), ("{}", "this is no sources.json"), ('{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/sources/v9.json"}, "results": []}', "of version 9"),
                       ('{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/sources/v3.json"}, "results": [{"unique_id": "source.x.y", "status": "pass", "max_loaded_at": "soon"}]}', "is no time"),
                       ('{"metadata": ', "line 1")):
        if text is not None:
            with open("before/sources.json", "w", encoding="utf8") as file:
                file.write(text)
        said = agent("materialize", "--dbt-select", "source_status:fresher", "--dbt-state", "before", fails=True)
        assert word in said and "before/sources.json" in said, (text, said)


def one_that_cannot_be_asked_is_none_that_is_fresher():
    begin()
    agent("materialize", "*", "--source-freshness")
    add("other", "1 hours")
    sql("update orders set at = 'yesterday'")
    assert made("source_status:fresher+") == ["of_other"]
    said = agent("sources", fails=True)
    assert "runtime error" in said and "is no time" in said and "third" not in said, said
    sql("update orders set at = strftime('%Y-%m-%d %H:%M:%f', 'now')")
    assert made("source_status:fresher+") == BELOW


TESTS = (against_what_was_built, what_failed_stays_fresher, by_the_answer, against_what_is_given, what_cannot_be_compared_with,
         one_that_cannot_be_asked_is_none_that_is_fresher)


if __name__ == "__main__":
    main(TESTS)
