"""A small Meltano project with plugins of its own, "installed" where Meltano would: for process tests. Standard library only."""
import json
import os
import sys

# Three streams; goes on from its state; writes what it was given into asked.jsonl.
TAP = """
import json, os, sys
args = sys.argv[1:]
given = {args[i][2:]: json.load(open(args[i + 1])) for i in range(len(args) - 1) if args[i] in ("--config", "--catalog", "--properties", "--state")}
names = ("VIRTUAL_ENV", "PYTHONPATH", "MELTANO_ENVIRONMENT", "GREETING")
with open("asked.jsonl", "a") as file:
    json.dump({"args": [a for a in args if a.startswith("--")], "cwd": os.getcwd(), "env": {n: os.environ.get(n) for n in names},
               "path": os.environ["PATH"].split(":")[0], **given}, file)
    file.write(chr(10))
config = given["config"]
if "--discover" in args:
    properties = {"id": {"type": "integer", "maximum": 18446744073709551615}, "name": {"type": "string"}}
    print(json.dumps({"streams": [
        {"tap_stream_id": "db-" + s, "stream": s, "key_properties": ["id"], "schema": {"type": "object", "properties": properties},
         "metadata": [{"breadcrumb": [], "metadata": {"inclusion": "available"}}]} for s in ("people", "sites", "log")]}))
    sys.exit(config.get("discover_exit", 0))
streams = given.get("catalog", given.get("properties", {"streams": [{"stream": "people", "schema": {}, "metadata": [
    {"breadcrumb": [], "metadata": {"selected": True}}]}]}))["streams"]
start = given.get("state", {}).get("next", 0)
for stream in streams:
    if not stream["metadata"][0]["metadata"].get("selected"):
        continue
    print(json.dumps({"type": "SCHEMA", "stream": stream["stream"], "schema": stream["schema"], "key_properties": ["id"]}))
    for i in range(start, start + config["rows"]):
        print(json.dumps({"type": "RECORD", "stream": stream["stream"], "record": {"id": i, "name": stream["stream"]}}))
print(json.dumps({"type": "STATE", "value": {"next": start + config["rows"]}}), flush=True)
sys.exit(config.get("exit", 0))
"""
TARGET = """
import json, sys
config = json.load(open(sys.argv[sys.argv.index("--config") + 1]))
with open(config["path"], "a") as out:
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "RECORD":
            out.write(json.dumps({"stream": message["stream"], **message["record"]}) + chr(10))
        elif message["type"] == "STATE":
            out.flush()
            print(json.dumps(message["value"]), flush=True)
"""
MAPPER = """
import json, sys
config = json.load(open(sys.argv[sys.argv.index("--config") + 1]))
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "RECORD":
        message["record"]["name"] = config["name"]
        if message["record"]["id"] == config.get("fail_at"):
            sys.exit(3)
    print(json.dumps(message), flush=True)
"""
UTILITY = """
import os, sys
print("utility", *sys.argv[1:], os.environ.get("GREETING"), flush=True)
sys.exit(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
"""
PROGRAMS = {("extractors", "tap-shop"): TAP, ("loaders", "target-files"): TARGET, ("mappers", "masker"): MAPPER, ("utilities", "greet"): UTILITY}

PROJECT = """
version: 1
default_environment: dev
environments:
  - name: dev
  - name: prod
    state_id_suffix: shop
    config: {plugins: {loaders: [{name: target-files, config: {path: prod.jsonl}}]}}
plugins:
  extractors:
    - name: tap-shop
      namespace: tap_shop
      pip_url: tap-shop
      capabilities: [catalog, discover, state]
      settings:
        - {name: rows, kind: integer, value: 2}
        - {name: exit, kind: integer}
        - {name: discover_exit, kind: integer}
        - {name: token, sensitive: true}
      select: [db-people.*, "db-sites.*"]
  mappers:
    - name: masker
      namespace: masker
      pip_url: masker
      mappings: [{name: mask, config: {name: "***"}}, {name: break, config: {name: x, fail_at: 3}}]
  loaders:
    - {name: target-files, namespace: target_files, pip_url: target-files, settings: [{name: path}], config: {path: out.jsonl}}
  utilities:
    - name: greet
      namespace: greet
      pip_url: greet
      commands: {hello: hello, fail: fail 4}
      env: {GREETING: hi}
jobs:
  - {name: nightly, tasks: [tap-shop target-files, greet:hello]}
schedules:
  - {name: nightly, job: nightly, interval: "0 3 * * *"}
  - {name: weekly-people, extractor: tap-shop, loader: target-files, transform: skip, interval: "@weekly", env: {TAP_SHOP_ROWS: "5"}}
"""


def install(folder, kind, name):
    path = os.path.join(folder, ".meltano", kind, name, "venv", "bin")
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, name), "w", encoding="utf8") as file:
        file.write(f"#!{sys.executable}\n{PROGRAMS[kind, name]}")
    os.chmod(os.path.join(path, name), 0o755)


def make(folder="meltano", text=PROJECT):
    """The path of its meltano.yml."""
    os.makedirs(folder, exist_ok=True)
    for kind, name in PROGRAMS:
        install(folder, kind, name)
    path = os.path.join(folder, "meltano.yml")
    with open(path, "w", encoding="utf8") as file:
        file.write(text)
    return path


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf8") as file:
        return [json.loads(line) for line in file]


def asked(folder="meltano"):
    """What the tap was given, each time."""
    return lines(os.path.join(folder, "asked.jsonl"))


def change(old, new, folder="meltano"):
    """In its meltano.yml."""
    path = os.path.join(folder, "meltano.yml")
    with open(path, encoding="utf8") as file:
        text = file.read()
    assert old in text, old
    with open(path, "w", encoding="utf8") as file:
        file.write(text.replace(old, new))
