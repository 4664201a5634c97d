#!/usr/bin/env python3
"""A large dbt project for SQLite, the same each time: dbt_big.py FOLDER [--models N] [--incremental] writes FOLDER/manifest.json
(as `dbt compile` of dbt 1.10 writes it; --incremental: as it does when the incremental models' tables are there), seeds/*.csv, and
the project itself (dbt_project.yml, models, schema.yml), so that dbt can build what the manifest says.

2,000 models (a fifth of them staging over 20 seeds, half intermediate, the rest marts of which every sixth is incremental), three
generic tests of each, 400 macros: 23 MB."""
import argparse
import hashlib
import json
import pathlib

PACKAGE = "big"
SEEDS = 20
SEED_ROWS = 30
MACROS = 400
WHEN = "2026-01-02T03:04:05.678901Z"
WORDS = ("orders customers payments refunds stock shelves returns visits staff shifts prices promotions suppliers deliveries "
         "invoices budgets sensors alarms meters").split()


def config(materialized, **more):
    return {"enabled": True, "alias": None, "schema": None, "database": None, "tags": [], "meta": {}, "group": None,
            "materialized": materialized, "incremental_strategy": None, "batch_size": None, "lookback": 1, "begin": None,
            "persist_docs": {}, "post-hook": [], "pre-hook": [], "quoting": {}, "column_types": {}, "full_refresh": None,
            "unique_key": None, "on_schema_change": "ignore", "on_configuration_change": "apply", "grants": {},
            "packages": [], "docs": {"show": True, "node_color": None},
            "contract": {"enforced": False, "alias_types": True}, "event_time": None, "concurrent_batches": None, **more}


def column(name, description):
    return {"name": name, "description": description, "meta": {}, "data_type": None, "constraints": [], "quote": None,
            "config": {"meta": {}, "tags": []}, "tags": [], "granularity": None, "doc_blocks": []}


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def node(kind, name, folder, suffix, **more):
    path = f"{folder}/{name}{suffix}" if folder else f"{name}{suffix}"
    base = {"model": "models", "seed": "seeds", "test": "tests"}[kind]
    return {"database": "big", "schema": "main", "name": name, "resource_type": kind, "package_name": PACKAGE, "path": path,
            "original_file_path": f"{base}/{path}", "unique_id": f"{kind}.{PACKAGE}.{name}",
            "fqn": [PACKAGE, *folder.split("/"), name] if folder else [PACKAGE, name], "alias": name,
            "checksum": {"name": "sha256", "checksum": digest(name)}, **more}


class Project:
    def __init__(self, models, incremental):
        self.incremental = incremental
        self.model_count = models
        self.models = []  # (name, folder, raw code)
        self.nodes = {}

    def relation(self, name):
        return f'main."{name}"'

    def add_seeds(self):
        for i in range(SEEDS):
            made = node("seed", f"seed_{i}", "", ".csv", config=config("seed", delimiter=",", quote_columns=None), tags=[],
                        description="", columns={}, meta={}, group=None, docs={"show": True, "node_color": None},
                        patch_path=None, build_path=None, unrendered_config={}, created_at=1767323045.5,
                        relation_name=self.relation(f"seed_{i}"), raw_code="", doc_blocks=[], root_path="/project",
                        depends_on={"macros": []})
            self.nodes[made["unique_id"]] = made

    def layer(self, i):
        """Folder and kind of the model of this number."""
        place = i * 10 // self.model_count
        if place < 2:
            return f"staging/{WORDS[i % len(WORDS)]}", "view"
        if place < 7:
            return f"intermediate/{WORDS[i % len(WORDS)]}", "table" if i % 4 == 0 else "view"
        return f"marts/{WORDS[i % len(WORDS)]}", "incremental" if i % 6 == 0 else "table"

    def name(self, i):
        return f"{self.layer(i)[0].replace('/', '_')}_{i:04d}"

    def parents(self, i):
        """At most two, of the layers before: no chain of views is long."""
        if i * 10 // self.model_count < 2:
            return [f"seed.{PACKAGE}.seed_{i % SEEDS}"]
        staged = self.model_count * 2 // 10
        below = staged if i * 10 // self.model_count < 7 else self.model_count * 7 // 10
        first = (i * 7919) % staged
        second = staged + (i * 104729) % (below - staged) if below > staged else (i * 104729) % staged
        return [f"model.{PACKAGE}.{self.name(j)}" for j in sorted({first, second})]

    def code(self, i, parents, ref):
        """The text, with what `ref` makes of a parent's id; the last line only where a run adds to what is there."""
        first, last = ref(parents[0]), ref(parents[-1])
        lines = ["with source as (", "", f"    select * from {first}", "", "),", "", "renamed as (", "",
                 "    select", "        source.id,", f"        source.{'name' if 'seed' in parents[0] else 'label'} as label,",
                 "        source.amount,", "        source.kind,", "        cast(source.day as varchar(10)) as day,",
                 f"        case when source.amount > {i % 50} then 'large' else 'small' end as size_{i % 7},",
                 f"        round(source.amount * {1 + i % 9} / 100.0, 2) as share_{i % 5}",
                 "    from source", f"    where source.id % {2 + i % 11} >= 0", "", "),", "", "final as (", "",
                 "    select", "        renamed.id,", "        renamed.label,",
                 f"        renamed.amount + coalesce(sum(other.amount), 0) / {10 + i % 13} as amount,",
                 "        renamed.kind,", "        renamed.day,", f"        max(renamed.size_{i % 7}) as size_{i % 7},",
                 f"        max(renamed.share_{i % 5}) as share_{i % 5},", "        count(other.id) as others",
                 "    from renamed", f"    left join {last} as other", "        on other.id = renamed.id",
                 "    group by renamed.id, renamed.label, renamed.amount, renamed.kind, renamed.day", "", ")", "",
                 "select * from final"]
        return "\n".join(lines)

    def add_model(self, i):
        folder, kind = self.layer(i)
        name, parents = self.name(i), self.parents(i)
        raw = self.code(i, parents, lambda p: "{{ ref('" + p.split(".")[2] + "') }}")
        code = self.code(i, parents, lambda p: self.relation(p.split(".")[2]))
        macros = ["macro.dbt_sqlite.ref"]
        settings = {"materialized": kind}
        if kind == "incremental":
            settings["unique_key"] = "id"
            raw += "\n{% if is_incremental() %}\nwhere day > (select coalesce(max(day), '') from {{ this }})\n{% endif %}"
            code += f"\n\nwhere day > (select coalesce(max(day), '') from {self.relation(name)})\n" if self.incremental else "\n"
            macros.append("macro.dbt.is_incremental")
        if kind != "view":
            raw = "{{ config(" + ", ".join(f"{k}='{v}'" for k, v in settings.items()) + ") }}\n" + raw
            code = "\n" + code
        columns = {"id": column("id", f"The key of {name}."), "kind": column("kind", "a, b or c"),
                   "amount": column("amount", "In cents, without tax.")}
        made = node("model", name, folder, ".sql", config=config(access="protected", freshness=None, **settings),
                    tags=[], description=f"What {name} tells about {WORDS[i % len(WORDS)]}, one row for each id.", columns=columns,
                    meta={}, group=None, docs={"show": True, "node_color": None}, patch_path=f"{PACKAGE}://models/schema.yml",
                    build_path=None, unrendered_config=settings, created_at=1767323045.123 + i,
                    relation_name=self.relation(name), raw_code=raw, doc_blocks=[], language="sql",
                    refs=[{"name": p.split(".")[2], "package": None, "version": None} for p in parents], sources=[], metrics=[],
                    depends_on={"macros": macros, "nodes": parents}, compiled_path=f"target/compiled/{PACKAGE}/models/{folder}/{name}.sql",
                    compiled=True, compiled_code=code, extra_ctes_injected=True, extra_ctes=[],
                    contract={"enforced": False, "alias_types": True, "checksum": None}, access="protected", constraints=[],
                    version=None, latest_version=None, deprecation_date=None, primary_key=["id"], time_spine=None)
        self.nodes[made["unique_id"]] = made
        self.models.append((name, folder, raw))
        self.add_test(made, "not_null", "id", {}, "\n    \n    \n\n\n\nselect id\nfrom {0}\nwhere id is null\n\n\n")
        self.add_test(made, "unique", "id", {}, "\n    \n    \n\nselect\n    id as unique_field,\n    count(*) as n_records\n\n"
                      "from {0}\nwhere id is not null\ngroup by id\nhaving count(*) > 1\n\n\n")
        self.add_test(made, "accepted_values", "kind", {"values": ["a", "b", "c"]},
                      "\n    \n    \n\nwith all_values as (\n\n    select\n        kind as value_field,\n        count(*) as n_records\n\n"
                      "    from {0}\n    group by kind\n\n)\n\nselect *\nfrom all_values\nwhere value_field not in (\n    'a','b','c'\n)\n\n\n")

    def add_test(self, model, kind, col, kwargs, code):
        full = "__".join([f"{kind}_{model['name']}_{col}", *kwargs.get("values", [])])
        name = full if len(full) < 64 else f"{kind}_{model['name']}"[:30] + "_" + hashlib.md5(full.encode()).hexdigest()
        tail = hashlib.md5((full + col).encode()).hexdigest()[:10]
        made = node("test", full, "", ".sql")
        made.update({
            "schema": "main_dbt_test__audit", "path": f"{name}.sql", "original_file_path": "models/schema.yml",
            "unique_id": f"test.{PACKAGE}.{full}.{tail}", "fqn": [PACKAGE, full], "alias": name,
            "checksum": {"name": "none", "checksum": ""},
            "config": {"enabled": True, "alias": None if name == full else name, "schema": "dbt_test__audit", "database": None,
                       "tags": [], "meta": {}, "group": None, "materialized": "test", "severity": "ERROR", "store_failures": None,
                       "store_failures_as": None, "where": None, "limit": None, "fail_calc": "count(*)", "warn_if": "!= 0",
                       "error_if": "!= 0"},
            "tags": [], "description": "", "columns": {}, "meta": {}, "group": None, "docs": {"show": True, "node_color": None},
            "patch_path": None, "build_path": None, "unrendered_config": {}, "created_at": 1767323045.9, "relation_name": None,
            "raw_code": "{{ test_" + kind + "(**_dbt_generic_test_kwargs) }}", "doc_blocks": [], "language": "sql",
            "refs": [{"name": model["name"], "package": None, "version": None}], "sources": [], "metrics": [],
            "depends_on": {"macros": [f"macro.dbt.test_{kind}", "macro.dbt.get_where_subquery"], "nodes": [model["unique_id"]]},
            "compiled_path": f"target/compiled/{PACKAGE}/models/schema.yml/{name}.sql", "compiled": True,
            "compiled_code": code.format(model["relation_name"]), "extra_ctes_injected": True, "extra_ctes": [],
            "contract": {"enforced": False, "alias_types": True, "checksum": None}, "column_name": col,
            "file_key_name": f"models.{model['name']}", "attached_node": model["unique_id"],
            "test_metadata": {"name": kind, "kwargs": {"column_name": col, "model": "{{ get_where_subquery(ref('" + model["name"] + "')) }}",
                                                       **kwargs}, "namespace": None}})
        self.nodes[made["unique_id"]] = made

    def macros(self):
        found = {}

        def add(name, sql, calls=()):
            found[f"macro.{name}"] = {
                "name": name.split(".")[1], "resource_type": "macro", "package_name": name.split(".")[0], "path": "macros/m.sql",
                "original_file_path": "macros/m.sql", "unique_id": f"macro.{name}", "macro_sql": sql,
                "depends_on": {"macros": list(calls)}, "description": "", "meta": {}, "docs": {"show": True, "node_color": None},
                "patch_path": None, "arguments": [], "created_at": 1767323040.1, "supported_languages": None}
        add("dbt.is_incremental", "{% macro is_incremental() %}{% set relation = adapter.get_relation(this.database, this.schema, "
            "this.table) %}{{ return(relation is not none) }}{% endmacro %}")
        add("dbt_sqlite.ref", "{% macro ref(model_name) %}{% do return(builtins.ref(model_name).include(database=False)) %}{% endmacro %}")
        add("dbt.get_where_subquery", "{% macro get_where_subquery(relation) %}{% do return(adapter.dispatch('get_where_subquery', "
            "'dbt')(relation)) %}{% endmacro %}")
        for kind in ("not_null", "unique", "accepted_values"):
            add(f"dbt.test_{kind}", "{% test " + kind + "(model, column_name) %}{{ adapter.dispatch('test_" + kind + "')(model) }}{% endtest %}")
        for i in range(MACROS):
            add(f"dbt.helper_{i}", "{% macro helper_" + str(i) + "(relation) %}\n  {% set found = adapter.get_relation(relation) %}\n"
                "  {# what it does, in many words #}\n" * 4 + "{% endmacro %}", [f"macro.dbt.helper_{(i * 7) % MACROS}"])
        return found

    def manifest(self):
        self.add_seeds()
        for i in range(self.model_count):
            self.add_model(i)
        parents = {k: n["depends_on"].get("nodes", []) for k, n in self.nodes.items()}
        children = {k: [] for k in self.nodes}
        for child, above in parents.items():
            for parent in above:
                children[parent].append(child)
        return {
            "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.10.23",
                         "generated_at": WHEN, "invocation_id": "00000000-0000-4000-8000-000000000000",
                         "invocation_started_at": WHEN, "env": {}, "project_name": PACKAGE,
                         "project_id": hashlib.md5(PACKAGE.encode()).hexdigest(), "user_id": None,
                         "send_anonymous_usage_stats": False, "adapter_type": "sqlite",
                         "quoting": {"database": False, "schema": False, "identifier": True, "column": None}},
            "nodes": self.nodes, "sources": {}, "macros": self.macros(), "docs": {}, "exposures": {}, "metrics": {}, "groups": {},
            "selectors": {}, "disabled": {}, "parent_map": parents, "child_map": children, "group_map": {}, "saved_queries": {},
            "semantic_models": {}, "unit_tests": {}}


def write_seeds(folder):
    (folder / "seeds").mkdir(parents=True, exist_ok=True)
    for i in range(SEEDS):
        rows = [f"{r},{WORDS[(i + r) % len(WORDS)]},{(r * 37 + i) % 1000},{'abc'[r % 3]},2026-01-{1 + r % 28:02d}" for r in range(SEED_ROWS)]
        (folder / "seeds" / f"seed_{i}.csv").write_text("id,name,amount,kind,day\n" + "\n".join(rows) + "\n", encoding="utf-8")


def write_project(folder, project):
    (folder / "dbt_project.yml").write_text(f"name: {PACKAGE}\nversion: '1.0'\nprofile: {PACKAGE}\nmodel-paths: [models]\n"
                                            "seed-paths: [seeds]\n", encoding="utf-8")
    tests = []
    for name, where, raw in project.models:
        (folder / "models" / where).mkdir(parents=True, exist_ok=True)
        (folder / "models" / where / f"{name}.sql").write_text(raw, encoding="utf-8")
        tests.append(f"  - name: {name}\n    columns:\n      - name: id\n        data_tests: [not_null, unique]\n      - name: kind\n"
                     "        data_tests:\n          - accepted_values:\n              arguments: {values: [a, b, c]}\n")
    (folder / "models" / "schema.yml").write_text("version: 2\nmodels:\n" + "".join(tests), encoding="utf-8")


def write(folder, models=2000, incremental=False, name="manifest.json"):
    """Returns the manifest's path."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    project = Project(models, incremental)
    path = folder / name
    with open(path, "w", encoding="utf-8") as file:
        json.dump(project.manifest(), file)
    write_seeds(folder)
    write_project(folder, project)
    return str(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder")
    parser.add_argument("--models", type=int, default=2000)
    parser.add_argument("--incremental", action="store_true")
    parser.add_argument("--name", default="manifest.json")
    args = parser.parse_args()
    print(write(args.folder, args.models, args.incremental, args.name))


if __name__ == "__main__":
    main()
