"""dbt's `state:`, `result:` and `source_status:` on a device: against a folder or a file that is given, as dbt's `--state`, and against what the
device itself kept of its builds."""
import gzip
import json
import os
import shutil

import dbt_shop
from dbt_agent_test import ENTRY, GOOD, agent, assets_of, checks, define, orders
from el_step import main

SALES = "model.shop.sales"


def edit(change, names=("manifest.json", "incremental.json"), folder="shop/target"):
    for name in names:
        path = f"{folder}/{name}"
        with open(path, encoding="utf8") as file:
            manifest = json.load(file)
        change(manifest)
        with open(f"{path}.new", "w", encoding="utf8") as file:
            json.dump(manifest, file)
        os.rename(f"{path}.new", path)


def new_text(node, text):
    """Another text of a model that gives the same rows."""
    def change(manifest):
        manifest["nodes"][node].update(raw_code=text, compiled_code=manifest["nodes"][node]["compiled_code"] + " ")
    return change


def begin(folder="before"):
    """The shop, and its manifest as it was before, as dbt's target folder."""
    for name in ("shop", "state", folder):
        shutil.rmtree(name, ignore_errors=True)
    dbt_shop.make()
    define(more="")
    shutil.copytree("shop/target", folder)
    with open("orders.csv", "w", encoding="utf8") as file:
        file.write(GOOD)


def load_orders(builds=False):
    define()
    orders(GOOD)
    agent("materialize", "*" if builds else "raw/orders")
    define(more="")


def made(*options, select="state:modified"):
    agent("materialize", "--dbt-select", select, *options)
    return assets_of("asset_materialization")


def against_what_is_given():
    begin()
    load_orders()
    said = agent("materialize", "--dbt-select", "state:modified", "--dbt-state", "before", fails=True)
    assert "selects no model, seed or snapshot" in said, said
    edit(new_text(SALES, "select 2"))
    agent("materialize", "--dbt-select", "+sales", "--dbt-state", "before")  # a state that no method asks for
    assert made("--dbt-state", "before") == ["sales"]
    assert checks() == {"names_are_unique": ("sales", True, "error")}, checks()  # the worker chose with the same state
    assert made("--dbt-state", "before/manifest.json") == ["sales"]  # a file
    with open("before/manifest.json", "rb") as file, gzip.open("before.json.gz", "wb") as packed:
        packed.write(file.read())
    assert made("--dbt-state", os.path.abspath("before.json.gz")) == ["sales"]
    edit(lambda m: m["nodes"]["model.shop.seen"].update(unrendered_config={"tags": ["x"], "materialized": "incremental"}))
    assert made("--dbt-state", "before", select="state:modified.configs") == ["seen"]
    assert made("--dbt-state", "before", select="state:unmodified,resource_type:model") == ["big_sales", "stg_orders"]
    extra = dbt_shop.model("fresh", "select 1 as n", [])
    edit(lambda m: m["nodes"].update({extra["unique_id"]: extra}))
    assert made("--dbt-state", "before", select="state:new") == ["fresh"]
    edit(lambda m: m["nodes"]["seed.shop.people"].update(checksum={"name": "sha256", "checksum": "other"}))
    assert made("--dbt-state", "before", select="state:modified+") == ["fresh", "people", "sales", "seen"]


def a_macro_that_changed():
    begin()
    load_orders()
    edit(lambda m: m["macros"]["macro.dbt.is_incremental"].update(macro_sql="{% macro is_incremental() %} {% endmacro %}"))
    assert made("--dbt-state", "before", select="state:modified.macros") == ["seen"]
    assert made("--dbt-state", "before") == ["seen"]


def by_the_entry():
    begin()
    load_orders(builds=True)
    define(entry=f"{ENTRY}, state: before", more="")
    edit(new_text(SALES, "select 2"))
    assert made() == ["sales"] and list(checks()) == ["names_are_unique"], checks()
    shutil.copytree("shop/target", "later")
    edit(new_text("model.shop.stg_orders", "select 3"))
    assert made("--dbt-state", "later") == ["stg_orders"]  # what is said on the command line goes before
    assert "state: before" in agent("explain", "sales"), agent("explain", "sales")


def results_of_a_folder():
    begin()
    load_orders(builds=True)
    results = {"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"},
               "results": [{"unique_id": SALES, "status": "error"}, {"unique_id": "seed.shop.people", "status": "success"}], "elapsed_time": 1.0}
    said = agent("materialize", "--dbt-select", "result:error", "--dbt-state", "before", fails=True)
    assert "before/run_results.json" in said and "earlier dbt build" in said, said
    with open("before/run_results.json", "w", encoding="utf8") as file:
        json.dump(results, file)
    assert made("--dbt-state", "before", select="result:error") == ["sales"]
    assert made("--dbt-state", "before", select="result:success") == ["people"]
    assert made("--dbt-state", "before/manifest.json", select="result:success,sales") == ["sales"]  # of a file it is how nodes ended here
    with open("before/run_results.json", "w", encoding="utf8") as file:
        file.write(json.dumps(results)[:-20])
    said = agent("materialize", "--dbt-select", "result:error", "--dbt-state", "before", fails=True)
    assert "not whole" in said, said


def what_cannot_be_compared_with():
    begin()
    for path, word in (("nowhere", "there is no "), ("shop", "has no manifest.json"), ("shop/seeds/people.csv", "byte 1")):
        said = agent("materialize", "--dbt-select", "state:modified", "--dbt-state", path, fails=True)
        assert word in said and path in said, (path, said)
    edit(lambda m: m["metadata"].update(project_name="till"), folder="before")
    said = agent("materialize", "--dbt-select", "state:new", "--dbt-state", "before", fails=True)
    assert 'is of project "till" and this one is "shop"' in said and "dbt/shop" in said, said
    edit(lambda m: m["metadata"].update(dbt_schema_version="https://schemas.getdbt.com/dbt/manifest/v13.json"), folder="before")
    said = agent("materialize", "--dbt-select", "state:new", "--dbt-state", "before", fails=True)
    assert "a manifest of version 13: versions 10 to 12 are read" in said, said
    said = agent("materialize", "--dbt-select", "people", "--dbt-state", "", fails=True)
    assert "--dbt-state is empty" in said, said


TESTS = (against_what_is_given, a_macro_that_changed, by_the_entry, results_of_a_folder, what_cannot_be_compared_with)


if __name__ == "__main__":
    main(TESTS)
