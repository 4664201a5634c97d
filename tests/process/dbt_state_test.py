"""dbt's `state:` and `result:` on a device: against a folder or a file that is given, as dbt's `--state`, and against what the
device itself kept of its builds."""
import gzip
import json
import os
import shutil
import subprocess

import dbt_shop
from dbt_agent_test import ENTRY, GOOD, agent, assets_of, checks, define, orders
from el_step import main

HUB = os.path.join(os.environ["SELVEDGE_BIN_DIR"], "selvedge-hub")
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
    said = agent("materialize", "--dbt-select", "source_status:fresher+", "--dbt-state", "before", fails=True)
    assert "there is no " in said and "before/sources.json" in said and "dbt source freshness" in said, said
    said = agent("materialize", "--dbt-select", "people", "--dbt-state", "", fails=True)
    assert "--dbt-state is empty" in said, said


def against_what_was_built():
    begin()
    said = agent("materialize", "--dbt-select", "state:modified", fails=True)
    assert "nothing to compare with: nothing of it was built here yet" in said and "--dbt-state" in said, said
    load_orders(builds=True)
    said = agent("materialize", "--dbt-select", "state:modified", fails=True)
    assert "selects no model, seed or snapshot" in said, said
    kept = os.stat("state/dbt/dbt~shop.state")
    agent("materialize", "--dbt-select", "*")
    assert os.stat("state/dbt/dbt~shop.state").st_ino == kept.st_ino  # it would be the same: nothing is written
    edit(new_text(SALES, "select 2"))
    edit(new_text("model.shop.seen", "select 3"))
    agent("materialize", "--dbt-select", "seen")  # what others are like now does not count as built
    assert made() == ["sales"] and list(checks()) == ["names_are_unique"], checks()
    agent("materialize", "--dbt-select", "state:modified", fails=True)
    assert made(select="state:unmodified,resource_type:seed") == ["people"]
    os.utime("shop/target/manifest.json")  # compiled again, and the same
    assert made(select="people") == ["people"]
    agent("materialize", "--dbt-select", "state:modified", fails=True)


def what_failed_stays_modified():
    begin()
    load_orders(builds=True)
    good = dbt_shop.nodes()[2]["compiled_code"]
    edit(lambda m: m["nodes"][SALES].update(raw_code="broken", compiled_code="select nothing from nowhere"))
    agent("materialize", "--dbt-select", "state:modified", fails=True)
    agent("materialize", "--dbt-select", "people")
    edit(lambda m: m["nodes"][SALES].update(compiled_code=good))
    assert made() == ["sales"]
    edit(lambda m: m["nodes"]["test.shop.names_are_unique"].update(raw_code="broken", compiled_code="select 1"))
    agent("materialize", "--dbt-select", "1+state:modified", fails=True)
    edit(lambda m: m["nodes"]["test.shop.names_are_unique"].update(compiled_code="select 1 where 1 = 0"))
    assert made(select="1+state:modified") == ["sales"] and checks()["names_are_unique"][1], checks()
    agent("materialize", "--dbt-select", "1+state:modified", fails=True)


def what_is_not_made_here_counts_when_all_has_seen_it():
    begin()
    load_orders(builds=True)
    edit(lambda m: m["sources"][dbt_shop.SOURCE].update(quoting={"identifier": True}))
    agent("materialize", "--dbt-select", "stg_orders")
    assert made(select="state:modified+") == ["big_sales", "sales", "seen", "stg_orders"]  # `seen` has not seen it
    agent("materialize", "--dbt-select", "state:modified+", fails=True)
    edit(lambda m: m["nodes"]["model.shop.large"].update(raw_code="select 4"))
    agent("materialize", "--dbt-select", "people")
    assert made(select="state:modified+") == ["big_sales"]  # through an ephemeral model
    agent("materialize", "--dbt-select", "state:modified+", fails=True)


def two_steps_of_one_project():
    begin()
    define(entry=f"{ENTRY}, select: [people, sales], name: dbt/some}}, {{{ENTRY}, exclude: [people, sales]")
    orders(GOOD)
    agent("materialize", "*")
    assert sorted(os.listdir("state/dbt")) == ["dbt~shop.results", "dbt~shop.state", "dbt~some.results", "dbt~some.state"], os.listdir("state/dbt")
    agent("materialize", "--dbt-select", "state:modified+", fails=True)  # the other step's nodes are not new to this one
    edit(new_text("model.shop.stg_orders", "select 5"))
    assert made(select="state:modified") == ["stg_orders"]
    assert made(select="state:modified+") == ["sales"]  # it has not seen the change yet


def a_damaged_file_is_in_nobodys_way():
    begin()
    load_orders(builds=True)
    path = "state/dbt/dbt~shop.state"
    for damage in (lambda text: text[: len(text) // 2], lambda text: b"", lambda text: b"nonsense", lambda text: text[:40] + b"x" + text[41:]):
        with open(path, "rb") as file:
            text = file.read()
        with open(path, "wb") as file:
            file.write(damage(text))
        said = agent("materialize", "--dbt-select", "state:modified", fails=True)
        assert "dbt~shop.state" in said and "the next build makes it anew" in said, said
        agent("materialize", "--dbt-select", "*")
        said = agent("materialize", "--dbt-select", "state:modified", fails=True)
        assert "selects no model, seed or snapshot" in said, said
    os.remove(path)
    os.mkdir(path)  # it cannot be kept
    assert "sales" in made(select="*")
    os.rmdir(path)


def a_bundle_is_as_good():
    begin()
    load_orders(builds=True)
    for name in ("first", "second"):
        subprocess.run([HUB, "dbt-bundle", "shop/target/manifest.json", "--incremental", "shop/target/incremental.json", "--seeds", "shop",
                        "-o", f"{name}.gz"], check=True, stdout=subprocess.DEVNULL)
        edit(new_text(SALES, "select 2"))
    entry = ENTRY.replace("shop/target/manifest.json, incremental: shop/target/incremental.json", "shop/bundle.gz")
    shutil.copy("first.gz", "shop/bundle.gz")
    define(entry=entry, more="")
    agent("materialize", "--dbt-select", "state:modified", fails=True)  # what a manifest left
    agent("materialize", "--dbt-select", "*")
    shutil.copy("second.gz", "shop/bundle.gz")
    assert made("--dbt-state", "first.gz") == ["sales"]
    assert made("--dbt-state", "before") == ["sales"]  # against a manifest
    edit(new_text(SALES, "select 3"))
    define(more="")
    assert made("--dbt-state", "first.gz") == ["sales"]  # a manifest against a bundle
    define(entry=entry, more="")
    assert made() == ["sales"]  # the manifest of now was built last
    agent("materialize", "--dbt-select", "state:modified", fails=True)


TESTS = (against_what_is_given, a_macro_that_changed, by_the_entry, results_of_a_folder, what_cannot_be_compared_with, against_what_was_built,
         what_failed_stays_modified, what_is_not_made_here_counts_when_all_has_seen_it, two_steps_of_one_project, a_damaged_file_is_in_nobodys_way,
         a_bundle_is_as_good)


if __name__ == "__main__":
    main(TESTS)
