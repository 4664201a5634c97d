"""Of a manifest a project that dbt can build: the models' text, the packages' macros, seeds and tests, without unit tests, sources and docs.
What it becomes is what the manifest says, so that one project can be built by dbt and by us."""
import json
import os
import shutil

OF_DBT = ("dbt", "dbt_sqlite", "dbt_postgres")


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a", encoding="utf8") as file:
        file.write(text)


def add_macros(manifest, name, folder):
    """Several of one file become that file again."""
    packages = {name: folder}
    for macro in manifest["macros"].values():
        package = macro["package_name"]
        if package in OF_DBT:
            continue
        if package not in packages:
            packages[package] = os.path.join(folder, "dbt_packages", package)
            put(os.path.join(packages[package], "dbt_project.yml"), json.dumps({"name": package, "version": "1.0.0", "config-version": 2}))
        put(os.path.join(packages[package], macro["original_file_path"]), macro["macro_sql"] + "\n")


def as_test(node):
    """As a line of `data_tests` says it."""
    of = node["test_metadata"]
    kwargs = {k: v for k, v in of["kwargs"].items() if k not in ("model", "column_name")}
    kind = f"{of['namespace']}.{of['name']}" if of.get("namespace") else of["name"]
    return {kind: {**kwargs, "config": {"severity": node["config"]["severity"]}}}


def properties(nodes):
    """Settings and tests of each model and seed."""
    kinds = {"model": "models", "seed": "seeds"}
    said = {"models": {}, "seeds": {}}
    for node in nodes:
        if node["resource_type"] in kinds:
            keep = ("materialized", "unique_key") if node["resource_type"] == "model" else ("quote_columns", "column_types", "delimiter")
            config = {k: node["config"][k] for k in keep if node["config"].get(k)}
            said[kinds[node["resource_type"]]][node["name"]] = {"name": node["name"], "config": config, "data_tests": [], "columns": {}}
    for node in nodes:
        if node["resource_type"] == "test" and node.get("test_metadata"):
            kind, _, name = node["attached_node"].split(".")[:3]
            of = said[kinds[kind]][name]
            column = node.get("column_name")
            tests = of["data_tests"] if not column else of["columns"].setdefault(column, {"name": column, "data_tests": []})["data_tests"]
            tests.append(as_test(node))
    return {"version": 2, **{kind: [{**one, "columns": list(one["columns"].values())} for one in of.values()] for kind, of in said.items()}}


def unpack(manifest_path, seeds_from, folder):
    """Writes it to `folder`, which is new."""
    with open(manifest_path, encoding="utf8") as file:
        manifest = json.load(file)
    name = manifest["metadata"]["project_name"]
    nodes = list(manifest["nodes"].values())
    put(os.path.join(folder, "dbt_project.yml"), json.dumps({"name": name, "version": "1.0.0", "config-version": 2, "profile": "p"}))
    for node in nodes:
        path = os.path.join(folder, node["original_file_path"])
        is_own_test = node["resource_type"] == "test" and not node.get("test_metadata")
        if node["resource_type"] == "model" or is_own_test:
            put(path, node["raw_code"] + "\n")
        elif node["resource_type"] == "seed":
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(os.path.join(seeds_from, node["original_file_path"]), path)
    put(os.path.join(folder, "models", "properties.yml"), json.dumps({k: v for k, v in properties(nodes).items() if k != "seeds"}))
    put(os.path.join(folder, "seeds", "properties.yml"), json.dumps({"version": 2, "seeds": properties(nodes)["seeds"]}))
    add_macros(manifest, name, folder)
    return folder
