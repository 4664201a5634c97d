"""The real dbt for pages that show `dbt compile`, and what it made when they were written, for hosts where it cannot be had: the manifests in
tests/data/dbt/guide, trimmed to what is read of them."""
import functools
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEPT = os.path.join(ROOT, "tests/data/dbt/guide")
PACKAGES = ("dbt-core==1.10.23", "dbt-sqlite==1.10.0")
TOP = ("nodes", "sources", "exposures", "groups", "selectors")
METADATA = ("dbt_schema_version", "dbt_version", "project_name", "adapter_type")
UNREAD = ("created_at", "root_path", "build_path", "compiled_path", "doc_blocks", "unrendered_config", "docs")


@functools.lru_cache(maxsize=None)
def program():
    """Its path, or None."""
    sys.path.insert(0, os.path.join(ROOT, "tests/interop"))
    from venv import ensure  # pylint: disable=import-outside-toplevel
    try:
        return os.path.join(os.path.dirname(ensure(*PACKAGES)), "dbt")
    except SystemExit:
        return None


def dense(item):
    return {key: value for key, value in item.items() if key not in UNREAD and value not in (None, "", [], {})}


def macros_of(manifest):
    """Those that nodes call, and those that these call."""
    wanted, found = [name for node in manifest["nodes"].values() for name in node["depends_on"]["macros"]], {}
    while wanted:
        name = wanted.pop()
        macro = manifest["macros"].get(name)
        if macro is not None and name not in found:
            found[name] = dense(macro)
            wanted += macro["depends_on"]["macros"]
    return found


def trimmed(manifest):
    made = {"metadata": {key: manifest["metadata"][key] for key in METADATA}, "macros": macros_of(manifest)}
    for part in TOP:
        made[part] = {name: dense(item) for name, item in manifest[part].items()}
    for node in made["nodes"].values():
        node["config"] = dense(node["config"])
    return made


def keep(name, folder):
    """The files that are kept under this name, as they are in the folder now."""
    for where, _, files in os.walk(os.path.join(KEPT, name)):
        for file in files:
            path = os.path.relpath(os.path.join(where, file), os.path.join(KEPT, name))
            with open(os.path.join(folder, path), encoding="utf8") as source:
                manifest = json.load(source)
            with open(os.path.join(where, file), "w", encoding="utf8") as to:
                json.dump(trimmed(manifest), to, indent=1, sort_keys=True)
                to.write("\n")
