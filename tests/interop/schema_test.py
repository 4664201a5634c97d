"""The JSON Schema that `selvedge-agent schema` prints, read by somebody else's validator (jsonschema): it is a schema, it takes what the
agent takes, and it refuses what the agent refuses for its shape. Definitions that hold every key are changed in one place each, in every
place, by values of all kinds; the agent and the validator must be of one mind."""
import copy
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import venv

venv.rerun("jsonschema==4.23.0")

import jsonschema  # noqa: E402  (in the environment that was made above)

AGENT = os.path.join(os.environ["SELVEDGE_BIN_DIR"], "selvedge-agent")
ONE_OF_EVERYTHING = {
    "project": "shop",
    "include": [],
    "resources": {"pos": {"type": "sqlite", "path": "pos.db"},
                  "near": {"type": "mqtt", "host": "h", "port": 1883, "user": "u", "password": "${secret:P}"}},
    "pools": {"cpu": 1, "disk": {"limit": 2}},
    "assets": [
        {"key": "a", "extract": {"resource": "pos", "table": "t", "replication_key": "u", "columns": ["u", "id"]},
         "load": {"resource": "pos", "table": "x", "mode": "upsert", "primary_key": ["id"]}, "group": "g", "kinds": ["k"],
         "tags": {"a": "b"}, "owners": ["team:a"], "description": "d", "metadata": {"m": "n"}, "code_version": "1",
         "retry": {"max": 1, "delay": "1s", "backoff": "linear", "jitter": "full"}, "timeout": "1m",
         "freshness": {"warn_after": "1h", "fail_after": "2h"}, "automation": "eager",
         "checks": [{"name": "c", "sql": "select 1", "resource": "pos", "severity": "error", "blocking": True, "description": "d"},
                    {"name": "d", "run": ["x", "y"], "severity": "warn"}]},
        {"key": "f", "extract": {"csv": "x.csv", "delimiter": ";", "header": False}, "load": {"jsonl": "y"}},
        {"key": "q", "deps": ["a"], "sql": {"resource": "pos", "materialized": "table", "query": "select 1", "name": "n", "partition_by": "d"},
         "partitions": {"daily": {"start": "2026-01-01", "end": "2027-01-01", "timezone": "UTC", "end_offset": 1, "hour_offset": 6,
                                  "minute_offset": 5, "format": "%Y-%m-%d"}},
         "backfill": {"max_partitions_per_run": 3}, "automation": {"on_cron": "@daily", "timezone": "UTC"}},
        {"key": "r", "run": ["x"], "env": {"A": "b"}, "dir": "w", "user": "u", "pool": "cpu", "extras": {"a": [1]},
         "limits": {"memory": "64MiB", "cpu": "1m", "file_size": 1024, "open_files": 64, "processes": 3, "nice": 1},
         "partitions": {"static": ["x", "y"]}, "backfill": "single_run", "freshness": {"cron": "@daily", "lower_bound": "1h"}},
        {"key": "w", "run": ["x"], "partitions": {"weekly": {"start": "2026-01-01", "day_offset": 1}}},
        {"key": "m", "run": ["x"], "partitions": {"monthly": {"start": "2026-01-01", "day_offset": 1}}},
        {"key": "h", "run": ["x"], "partitions": {"hourly": {"start": "2026-01-01"}}},
        {"key": "n", "run": ["x"], "partitions": {"cron": {"schedule": "@daily", "start": "2026-01-01"}}},
        {"key": "e", "external": True, "partitions": {"dynamic": "set"}}],
    "jobs": [{"name": "j", "select": "*", "max_parallel": 1, "on_overlap": "queue", "priority": 1, "timeout": "1h",
              "retry": {"max": 1, "delay": "1s", "strategy": "all_steps"}, "tags": {"a": "b"}}],
    "schedules": [{"name": "s", "job": "j", "cron": "@daily", "timezone": "UTC", "missed": {"all": 3}, "splay": "1m", "paused": True,
                   "tags": {"a": "b"}},
                  {"name": "t", "select": "r", "every": "1h", "missed": "skip"}],
    "sensors": [{"name": "f", "job": "j", "watch": "in/*", "stable": "1s", "min_interval": "1s", "paused": True, "tags": {"a": "b"}},
                {"name": "m", "job": "j", "mqtt": "a/+", "broker": "near"},
                {"name": "x", "job": "j", "asset": "e"},
                {"name": "y", "select": "r", "run_status": ["failure", "canceled"], "jobs": ["j"]},
                {"name": "z", "job": "j", "run": ["x"], "env": {"A": "b"}, "timeout": "1s"}]}
CHANGES = 400  # of some 3,700; all of them with SELVEDGE_LONG
VALUES = [None, True, 7, -1, 1.5, "", "word", "1s", [], ["word"], [7], {}, {"word": 1}, {"word": "word"}]
# What the agent says of a shape. Of numbers only integers have their limits in the schema, so that these are left out.
SHAPE = re.compile(r"(^|: )expected |unknown key|is not one of|is not supported|required key|does not stand alone|is not a (duration|size)")


def agent_says(document, folder):
    """Problems; none when the agent takes it."""
    path = os.path.join(folder, "selvedge.yaml")
    with open(path, "w") as file:
        json.dump(document, file)  # JSON is YAML
    done = subprocess.run([AGENT, "check", path, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 6), done
    return [p["message"] for p in json.loads(done.stdout).get("problems", [])] if done.returncode else []


def places(node, path=()):
    yield path
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in members:
        yield from places(child, (*path, key))


def changed(path, change):
    """A copy of everything in which `change` was done to (the container, the key) at the end of the path."""
    document = copy.deepcopy({"": ONE_OF_EVERYTHING})
    node = document
    for key in ("", *path)[:-1]:
        node = node[key]
    change(node, ("", *path)[-1])
    return document[""]


def changes():
    for path in places(ONE_OF_EVERYTHING):
        for value in VALUES:
            yield changed(path, lambda node, key, value=value: node.__setitem__(key, value))
        if path:
            yield changed(path, lambda node, key: node.pop(key))
        yield changed(path, lambda node, key: node[key].update({"surprise": 1}) if isinstance(node[key], dict) else None)


def main():
    schema = json.loads(subprocess.run([AGENT, "schema"], capture_output=True, text=True, check=True).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    seen = {"taken": 0, "refused": 0, "refused for what the schema cannot say": 0}
    wrong = []
    with tempfile.TemporaryDirectory(prefix="selvedge-test-") as folder:
        said = agent_says(ONE_OF_EVERYTHING, folder)
        assert not said and validator.is_valid(ONE_OF_EVERYTHING), (said, list(validator.iter_errors(ONE_OF_EVERYTHING)))
        documents = list(changes())
        for document in documents if os.environ.get("SELVEDGE_LONG") else random.Random(1).sample(documents, CHANGES):
            said = agent_says(document, folder)
            is_valid = validator.is_valid(document)
            is_shape = any(SHAPE.search(message) for message in said)
            if is_valid == (not said):
                seen["taken" if is_valid else "refused"] += 1
            elif is_valid and not is_shape:
                seen["refused for what the schema cannot say"] += 1
            else:
                wrong.append((said, [e.message[:200] for e in validator.iter_errors(document)]))
    print(seen)
    for said, errors in wrong[:20]:
        print("agent:", said, "\nschema:", errors)
    assert min(seen.values()) > 15, seen
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
