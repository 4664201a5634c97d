#!/usr/bin/env python3
"""docs/reference/worker.md: its steps run, what they say has the members it lists, and its lists are those of the code."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORKER = os.path.join(os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin")), "selvedge-el")
CSV = "id,customer,ordered_at,total\n1,ada,2026-11-01,12.50\n2,bob,2026-11-01,7.25\n3,ada,2026-11-02,30.00\n"


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


TAPS_WITH_KEYS = ["system", "modbus", "mqtt"]
PAGE = read("docs/reference/worker.md")


def blocks(info):
    return re.findall(rf"^```{info}\n(.*?)^```$", PAGE, re.M | re.S)


def step(folder, text):
    done = subprocess.run([WORKER, "step"], input=text, capture_output=True, text=True, cwd=folder, check=False,
                          timeout=60)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def table(start):
    """First cells of the table below the text `start`, backquoted names only."""
    rows = PAGE[PAGE.index(start):].split("\n\n")
    lines = next(part for part in rows if part.startswith("| ")).splitlines()[2:]
    return {name for line in lines for name in re.findall(r"`([^`]+)`", line.split("|")[1])}


def fields(name, file="agent/el/request.c"):
    """The keys of a field table in `file`."""
    code = read(file)
    body = re.search(rf"struct field {name}_fields\[\] = \{{(.*?)^\}};", code, re.M | re.S).group(1)
    return set(re.findall(r'\.key = "(\w+)"', body))


def macro_keys(name, file):
    """The keys of fields that several tables share."""
    return set(re.findall(r'\.key = "(\w+)"', re.search(rf"#define {name}(.*?[^\\])\n", read(file), re.S).group(1)))


def check_runs(folder):
    with open(os.path.join(folder, "orders.csv"), "w", encoding="utf-8") as file:
        file.write(CSV)
    said = []
    for text in blocks("json step"):
        code, messages = step(folder, text)
        assert code == 0, messages
        said += messages
    kinds = [message["event"] for message in said]
    assert kinds == ["materialization", "check", "materialization", "check"], kinds
    assert said[0]["metadata"]["dagster/row_count"] == {"type": "int", "raw_value": 3}, said[0]
    assert said[1]["passed"] is True and said[1]["metadata"]["value"]["raw_value"] == 1, said[1]
    os.remove(os.path.join(folder, "orders.csv"))
    code, messages = step(folder, blocks("json step")[0])
    assert code == 1, code
    said += messages
    code, messages = step(folder, "{}")
    assert code == 2 and messages[0]["event"] == "error", messages
    return said


def dbt_node(kind, name, sql, parents, **more):
    return {"resource_type": kind, "unique_id": f"{kind}.shop.{name}", "name": name, "alias": name, "package_name": "shop", "fqn": ["shop", name],
            "schema": "main", "database": "shop", "relation_name": f'main."{name}"', "raw_code": sql, "compiled": True, "compiled_code": sql,
            "language": "sql", "depends_on": {"macros": [], "nodes": parents}, **more}


def check_dbt(folder):
    """The example runs: a table, a view from it, and the tests of both."""
    sales, best = "model.shop.sales", "model.shop.best"
    nodes = [dbt_node("model", "sales", "select 1 as id union all select 2", [], config={"materialized": "table"}),
             dbt_node("model", "best", 'select max(id) as id from main."sales"', [sales], config={"materialized": "view"}),
             dbt_node("test", "ids", 'select id from main."sales" where id is null', [sales], attached_node=sales, config={"severity": "ERROR"}),
             dbt_node("test", "few", 'select id from main."best" where id > 1', [best], attached_node=best, config={"severity": "warn"})]
    manifest = {"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "project_name": "shop", "adapter_type": "sqlite"},
                "nodes": {node["unique_id"]: node for node in nodes}}
    os.makedirs(os.path.join(folder, "target"))
    with open(os.path.join(folder, "target/manifest.json"), "w", encoding="utf-8") as file:
        json.dump(manifest, file)
    code, said = step(folder, blocks("json dbt step")[0])
    assert code == 0, said
    told = [(m["event"], m["asset"], m.get("passed"), m.get("severity")) for m in said if m["event"] != "progress"]
    assert told == [("materialization", "sales", None, None), ("check", "sales", True, "error"), ("materialization", "marts/best", None, None),
                    ("check", "marts/best", False, "warn")], told
    assert said[0]["metadata"]["dagster/row_count"]["raw_value"] == 2, said[0]
    with open(os.path.join(folder, "state/1.nodes"), encoding="utf-8") as file:
        kept = [json.loads(line) for line in file]
    assert any(line["asset"] == "marts/best" and "max(id)" in line.get("sql", "") for line in kept), kept
    with open(os.path.join(folder, "state/dbt/dbt~shop.results"), encoding="utf-8") as file:
        assert "warn\ttest.shop.few\n" in file.read()
    assert table("### Nodes of a dbt project") == fields("dbt"), table("### Nodes of a dbt project") ^ fields("dbt")


def check_members(said):
    """What the page shows and what was really said have the same members, but for what depends on the step."""
    shown = {message["event"]: message for line in blocks("jsonl messages")[0].splitlines()
             for message in [json.loads(line)]}
    assert set(shown) == table("## What comes out"), shown.keys()
    for message in said:
        assert set(message) == set(shown[message["event"]]), message
    metadata = table("Metadata of a materialization")
    for message in said:
        if message["event"] == "materialization":
            assert set(message["metadata"]) <= metadata, set(message["metadata"]) - metadata
    assert set(shown["materialization"]["metadata"]) <= metadata


def check_lists():
    assert table("## What goes in") == fields("request"), table("## What goes in") ^ fields("request")
    before_targets = read("agent/connectors/options.c").split("struct field sqlite_target_fields")[0]
    taps = {key for key in re.findall(r'\.key = "(\w+)"(?!, \.type = FIELD_JSON, \.is_unsupported)', before_targets)}
    dsn = set(re.findall(r'DSN_FIELD\(struct_, "(\w+)"', read("agent/connectors/postgres_options.c")))
    taps |= fields("tap", "agent/connectors/postgres_options.c") | dsn | macro_keys("FLATTEN_FIELDS", "agent/connectors/flatten_options.h")
    assert table("### Taps") == taps, table("### Taps") ^ taps
    pace = macro_keys("PACE_OPTION_FIELDS", "agent/connectors/pace_options.h")
    assert table("### Taps that measure") == pace, table("### Taps that measure") ^ pace
    broker = macro_keys("MQTT_CONNECTION_FIELDS", "agent/connectors/mqtt_options.h")
    for tap in TAPS_WITH_KEYS:
        own = fields(tap, f"agent/connectors/{tap}_options.c") - {"type"} | (broker if tap == "mqtt" else set())
        assert table(f"### Tap {tap}") == own, table(f"### Tap {tap}") ^ own
    registers = fields("register", "agent/connectors/modbus_options.c")
    assert table("#### Registers") == registers, table("#### Registers") ^ registers
    types = set(re.findall(r"`(\w+)`", re.search(r"^\| `type` \|.*", PAGE[PAGE.index("### Taps"):], re.M).group(0))) - {"type"}
    there = {t for path in glob.glob(os.path.join(ROOT, "agent/el/tap_*.c")) for t in re.findall(r'^    \.type = "(\w+)"', read(path), re.M)}
    assert types == there, types ^ there
    targets = macro_keys("LOAD_OPTION_FIELDS", "agent/connectors/options.h") | fields("target", "agent/connectors/postgres_options.c") | dsn
    for target in ("sqlite", "program"):
        targets |= fields(f"{target}_target", "agent/connectors/options.c")
    files = set(re.findall(r'\.key = "(\w+)"', read("agent/connectors/file_target_options.c")))
    targets |= files
    http = macro_keys("HTTP_OPTION_FIELDS", "agent/connectors/http_options.h")
    targets |= http | fields("target", "agent/connectors/http_target_options.c")
    targets |= broker | fields("target", "agent/connectors/mqtt_target_options.c")
    asked = http | fields("tap", "agent/connectors/http_tap_options.c") - {"type"}
    assert table("### Tap http") == asked, table("### Tap http") ^ asked
    style = re.search(r"style_names\[\] = \{(.*?)\}", read("agent/connectors/http_tap_options.c")).group(1)
    assert table("#### Pages") == set(re.findall(r'"(\w+)"', style)) - {"none"}, table("#### Pages")
    kinds = re.search(r"kind_names\[\] = \{(.*?)\}", read("agent/connectors/http_options.c"), re.S).group(1)
    assert table("#### HTTP authentication") == set(re.findall(r'"(\w+)"', kinds)) - {"none"}, table("#### HTTP authentication")
    assert table("### Targets") == targets, table("### Targets") ^ targets
    assert table("### Checks") == fields("check"), table("### Checks") ^ fields("check")
    report = read("agent/el/report.c")
    metadata = set(re.findall(r'add_(?:int|text|float)\(\s*&?w,\s*"([^"]+)"', report)) | {"dagster/column_schema", "streams", "tap_metrics", "schema_changes"}
    metadata -= {"error", "value"}  # of a check
    assert table("Metadata of a materialization") == metadata, table("Metadata of a materialization") ^ metadata
    codes = set(re.findall(r'\[ERR_\w+\] = "(\w+)"', read("common/base/err.c"))) - {"none"}
    said = set(re.findall(r"`(\w+)`", re.search(r"`code` is one of (.*)", PAGE).group(1)))
    assert said == codes, said ^ codes


def main():
    if not os.path.exists(WORKER):
        print("skipped:", WORKER, "is not there")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        said = check_runs(folder)
        check_dbt(folder)
    check_members(said)
    check_lists()
    return 0


if __name__ == "__main__":
    sys.exit(main())
