#!/usr/bin/env python3
"""Writes the small manifests of this folder: one little shop, as each version of the format says it. Run it after a change."""
import json
import pathlib

HERE = pathlib.Path(__file__).parent
SHOP = "shop"


def config(version, materialized, **more):
    base = {"enabled": True, "alias": None, "schema": None, "database": None, "tags": [], "meta": {}, "group": None,
            "materialized": materialized}
    if version >= 11 and materialized == "test":
        base["store_failures_as"] = None
    return {**base, **more}


def node(kind, name, **more):
    return {"database": "shop", "schema": "main", "name": name, "resource_type": kind, "package_name": SHOP,
            "path": f"{name}.sql", "original_file_path": f"models/{name}.sql", "unique_id": f"{kind}.{SHOP}.{name}",
            "fqn": [SHOP, name], "alias": name, "tags": [], "description": "", "columns": {}, "meta": {}, "group": None,
            "patch_path": None, "relation_name": f'main."{name}"', "raw_code": "", "language": "sql", "refs": [],
            "sources": [], "metrics": [], **more}


def model(version, name, code, parents, macros=(), raw=None, **more):
    settings = config(version, more.pop("materialized", "view"), **more.pop("config", {}))
    return node("model", name, config=settings, raw_code=code if raw is None else raw, compiled=True, compiled_code=code,
                compiled_path=f"target/{name}.sql", extra_ctes_injected=True, extra_ctes=[],
                depends_on={"macros": list(macros), "nodes": list(parents)}, access="protected", version=None,
                latest_version=None, **more)


def test(version, name, parents, attached, **settings):
    return node("test", name, unique_id=f"test.{SHOP}.{name}.0123456789", relation_name=None,
                config=config(version, "test", severity="ERROR", **settings), raw_code="{{ test_not_null(**kwargs) }}",
                test_metadata={"name": "not_null", "kwargs": {"column_name": "id"}, "namespace": None}, column_name="id",
                attached_node=attached, compiled=True, compiled_code="select id from main.\"orders\" where id is null",
                depends_on={"macros": ["macro.dbt.test_not_null"], "nodes": list(parents)})


def macro(name, sql, calls=()):
    return {"name": name.rsplit(".", 1)[1], "resource_type": "macro", "package_name": name.split(".")[1], "unique_id": name,
            "macro_sql": sql, "depends_on": {"macros": list(calls)}, "description": "", "meta": {}}


def by_id(*items):
    return {item["unique_id"]: item for item in items}


def shop(version, is_incremental=False):
    raw = f"source.{SHOP}.till.raw_orders"
    orders, daily, old = f"model.{SHOP}.orders", f"model.{SHOP}.daily", f"model.{SHOP}.old"
    sizes = f"seed.{SHOP}.sizes"
    nodes = by_id(
        model(version, "orders", "select id, \"at\" from main.\"raw_orders\"", [raw], tags=["hot", "till"],
              config={"tags": ["till"], "group": "ops"}, group="ops", patch_path=f"{SHOP}://models/orders.yml"),
        model(version, "daily", "select date(\"at\") as day, count(*) as n from main.\"orders\"" +
              (" where \"at\" > (select max(day) from main.\"daily\")" if is_incremental else "") + " group by 1", [orders, sizes],
              ["macro.dbt.is_incremental", "macro.shop.stamp"], materialized="incremental",
              raw="{{ config(materialized='incremental') }} {# adapter.execute #} select 'adapter.x' {{ var('zone') }}",
              config={"unique_key": "day", "on_error": "continue"} if version == 12 else {"unique_key": "day"}),
        model(version, "totals", "select count(*) as n from main.\"orders\"", [orders], materialized="incremental",
              config={"contract": {"enforced": True}},
              columns={"n": {"name": "n", "description": "how many", "data_type": "integer", "constraints": [{"type": "not_null"}],
                             "meta": {}, "quote": None}, "m": {"name": "m", "description": "", "data_type": None}}),
        node("seed", "sizes", config=config(version, "seed", delimiter=",", quote_columns=None), root_path="/project",
             original_file_path="seeds/sizes.csv", depends_on={"macros": []}),
        test(version, "not_null_orders_id", [orders], orders),
        test(version, "warns", [orders], orders, tags=["slow"]),
        test(version, "of_what_is_off", [], old),
    )
    nodes[f"test.{SHOP}.warns.0123456789"]["config"]["severity"] = "Warn"
    source = {"database": "shop", "schema": "main", "name": "raw_orders", "resource_type": "source", "package_name": SHOP,
              "path": "models/till.yml", "original_file_path": "models/till.yml", "unique_id": raw,
              "fqn": [SHOP, "till", "raw_orders"], "source_name": "till", "identifier": "orders_raw", "loader": "",
              "freshness": {"warn_after": {"count": 1, "period": "day"}, "error_after": {"count": None, "period": None},
                            "filter": None}, "loaded_at_field": "at", "columns": {}, "meta": {}, "tags": [],
              "config": {"enabled": True}, "relation_name": 'main."orders_raw"'}
    exposure = {"name": "board", "resource_type": "exposure", "package_name": SHOP, "path": "models/board.yml",
                "original_file_path": "models/board.yml", "unique_id": f"exposure.{SHOP}.board", "fqn": [SHOP, "board"],
                "type": "dashboard", "owner": {"name": "Ops", "email": None}, "tags": [], "meta": {},
                "config": {"enabled": True}, "depends_on": {"macros": [], "nodes": [daily]}}
    macros = by_id(
        macro("macro.dbt.is_incremental", "{% macro is_incremental() %}{{ adapter.get_relation(this) }}{% endmacro %}"),
        macro("macro.dbt.test_not_null", "{% test not_null(model) %}{{ adapter.dispatch('test_not_null')(model) }}{% endtest %}"),
        macro("macro.shop.stamp", "{% macro stamp() %}{{ inner_stamp() }}{% endmacro %}", ["macro.shop.inner_stamp"]),
        macro("macro.shop.inner_stamp", "{% macro inner_stamp() %}{{ run_started_at }}{% endmacro %}", ["macro.shop.stamp"]),
        macro("macro.shop.unused", "{% macro unused() %}{% do run_query('select 1') %}{% endmacro %}"),
    )
    manifest = {
        "metadata": {"dbt_schema_version": f"https://schemas.getdbt.com/dbt/manifest/v{version}.json",
                     "dbt_version": {10: "1.6.6", 11: "1.7.4", 12: "1.10.0"}[version], "generated_at": "2026-01-02T03:04:05Z",
                     "invocation_id": "0", "env": {}, "project_name": SHOP, "adapter_type": "sqlite"},
        "nodes": nodes, "sources": {raw: source}, "macros": macros, "docs": {"doc.dbt.x": {"block_contents": "a \"}\" in a text \\\\"}},
        "exposures": {exposure["unique_id"]: exposure}, "metrics": {},
        "groups": {f"group.{SHOP}.ops": {"name": "ops", "resource_type": "group", "package_name": SHOP,
                                         "unique_id": f"group.{SHOP}.ops", "owner": {"name": "Ops Team", "email": "ops@example.test"}}},
        "selectors": {"nightly": {"name": "nightly", "definition": "tag:till"}},
        "disabled": {old: [node("model", "old", config=config(version, "view", enabled=False))]},
        "parent_map": {}, "child_map": {}, "group_map": {}, "semantic_models": {},
    }
    if version >= 11:
        manifest["saved_queries"] = {}
    if version >= 12:
        unit = {"name": "ut", "model": "orders", "resource_type": "unit_test", "package_name": SHOP, "path": "models/orders.yml",
                "original_file_path": "models/orders.yml", "unique_id": f"unit_test.{SHOP}.orders.ut",
                "fqn": [SHOP, "orders", "ut"], "given": [], "expect": {"rows": []},
                "config": {"tags": "unit", "meta": {}, "enabled": True}, "depends_on": {"macros": [], "nodes": [orders]}}
        manifest["unit_tests"] = {unit["unique_id"]: unit}
    return manifest


def without_unset(value):
    """As dbt 2 writes: no null, no empty list or object but where a map of resources is."""
    if isinstance(value, dict):
        return {k: without_unset(v) for k, v in value.items() if v not in (None, [], {}, "")}
    return [without_unset(v) for v in value] if isinstance(value, list) else value


def main():
    for version in (10, 11, 12):
        with open(HERE / f"small_v{version}.json", "w", encoding="utf-8") as file:
            json.dump(shop(version), file)
    with open(HERE / "small_v12_incremental.json", "w", encoding="utf-8") as file:
        json.dump(shop(12, is_incremental=True), file)
    with open(HERE / "small_v2.json", "w", encoding="utf-8") as file:
        two = without_unset(shop(12))
        two["metadata"]["dbt_version"] = "2.0.0"
        json.dump(two, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
