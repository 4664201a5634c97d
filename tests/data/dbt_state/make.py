#!/usr/bin/env python3
"""Writes before.json and after.json: two manifests of one project between which each node changes in one way, that its name says."""
import json
import pathlib

HERE = pathlib.Path(__file__).parent
WHEN = {"before": 0, "after": 1}


def node(kind, name, parents=(), macros=(), **more):
    return {"unique_id": f"{kind}.m.{name}", "resource_type": kind, "name": name, "package_name": "m", "fqn": ["m", name],
            "original_file_path": f"models/{name}.sql", "raw_code": "select 1", "config": {"materialized": "view"}, "unrendered_config": {},
            "description": "", "columns": {}, "tags": [], "depends_on": {"nodes": list(parents), "macros": list(macros)}, **more}


def macro(name, sql, calls=()):
    return {"unique_id": f"macro.m.{name}", "name": name, "macro_sql": sql, "depends_on": {"macros": [f"macro.m.{c}" for c in calls]}}


def by_id(*items):
    return {item["unique_id"]: item for item in items if item}


def manifest(now):
    text = ["before", "after"][now]
    relation, columns = {"persist_docs": {"relation": True}}, {"persist_docs": {"columns": True}}
    contract = {"enforced": True, "checksum": text}
    nodes = by_id(
        node("model", "same", macros=["macro.m.kept"]),
        node("model", "body", raw_code=f"select '{text}'"),
        node("model", "config", unrendered_config={"materialized": ["view", "table"][now]}),
        node("model", "number", unrendered_config={"lookback": [1, 1.0][now]}),
        node("model", "tagged", unrendered_config={"tags": [text], "group": text}),
        node("model", "hooked", unrendered_config={"pre-hook": ["a", ["a", "b"]][now]}),
        node("model", "described", description=text),
        node("model", "persisted", description=text, config=relation, unrendered_config=relation),
        node("model", "persisted_column", columns={"id": {"name": "id", "description": text}}, config=columns, unrendered_config=columns),
        node("model", "moved", unrendered_config={"alias": text}),
        node("model", "calls_outer", macros=["macro.m.kept", "macro.m.outer"]),
        node("model", "calls_gone", macros=["macro.m.gone"]),
        node("model", "contracted", contract=contract),
        node("model", "released", contract={"enforced": not now, "checksum": "x"}),
        node("model", "shown", access=["protected", "public"][now]),
        node("model", "elsewhere", fqn=["m", text, "elsewhere"]),
        node("model", "fresh") if now else None,
        None if now else node("model", "gone"),
        node("seed", "grown", checksum={"name": "sha256", "checksum": text}, raw_code=""),
        node("seed", "large", checksum={"name": "path", "checksum": "seeds/large.csv"}, raw_code=""),
        node("test", "generic", parents=["model.m.same"], raw_code=text, test_metadata={"name": "not_null", "kwargs": {}}),
        node("test", "severe", parents=["model.m.same"], unrendered_config={"severity": text}, test_metadata={"name": "not_null", "kwargs": {}}),
        node("test", "singular", parents=["model.m.same"], raw_code=text),
        node("snapshot", "body_of_snapshot", raw_code=text),
    )
    sources = by_id(
        node("source", "same.t", source_name="same", identifier="t", description=text),
        node("source", "moved.t", source_name="moved", identifier=text),
        node("source", "stale.t", source_name="stale", identifier="t", freshness={"warn_after": {"count": now + 1, "period": "hour"}}),
        node("source", "fresh.t", source_name="fresh", identifier="t") if now else None,
    )
    pair = ["model.m.body", "model.m.same"]
    return {
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.11.16", "project_name": "m",
                     "adapter_type": "sqlite"},
        "nodes": nodes, "sources": sources,
        "exposures": by_id(node("exposure", "owned", owner={"name": text}), node("exposure", "turned", parents=[pair, pair[::-1]][now]),
                           node("exposure", "rewired", parents=pair[:now + 1])),
        "metrics": by_id(node("metric", "labelled", label=text), node("metric", "grouped", unrendered_config={"group": text})),
        "semantic_models": by_id(node("semantic_model", "measured", measures=[{"name": text}])),
        "saved_queries": by_id(node("saved_query", "exported", exports=[{"name": "e", "unrendered_config": {"alias": text}}]),
                               node("saved_query", "asked", query_params={"metrics": ["a"], "where": None if now else {"x": None}})),
        "unit_tests": by_id(node("unit_test", "unit", parents=["model.m.same"], checksum=text)),
        "macros": by_id(macro("kept", "1"), macro("outer", "1", ["inner"]), macro("inner", text), macro("unused", text),
                        None if now else macro("gone", "1")),
        "disabled": {}, "selectors": {},
    }


for when, now in WHEN.items():
    with open(HERE / f"{when}.json", "w") as file:
        json.dump(manifest(now), file, indent=1)
        file.write("\n")
