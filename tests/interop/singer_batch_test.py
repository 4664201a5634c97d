"""BATCH between the Singer SDK's taps and targets and ours: a tap of the SDK writes files that our target loads, and our tap writes files that a target of
the SDK loads. The rows on the other side are those that were put in. (The SDK does not undo the percent signs of a file: URI, its own among them: no folder has
a space in its name here.)"""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import venv  # noqa: E402, ours, which stands before the library's

PACKAGES = ["singer-sdk[testing]==0.54.9"]
WORKER = os.path.join(os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin")), "selvedge-el")
ROWS = [{"id": i, "name": f"n{i} ü", "price": i / 4, "tags": ["a", i]} for i in range(2500)]

TAP = """
from singer_sdk import Stream, Tap, typing as th
import json
class Things(Stream):
    name = "things"
    primary_keys = ("id",)
    schema = th.PropertiesList(th.Property("id", th.IntegerType), th.Property("name", th.StringType), th.Property("price", th.NumberType),
                               th.Property("tags", th.ArrayType(th.CustomType({"type": ["string", "integer"]})))).to_dict()
    def get_records(self, context):
        yield from json.load(open("rows.json"))
class TapThings(Tap):
    name = "tap-things"
    config_jsonschema = th.PropertiesList().to_dict()
    def discover_streams(self):
        return [Things(self)]
if __name__ == "__main__":
    TapThings.cli()
"""
TARGET = """
from singer_sdk import Target, typing as th
from singer_sdk.sinks import BatchSink
from singer_sdk.helpers.capabilities import PluginCapabilities
import json
class Sink(BatchSink):
    def process_batch(self, context):
        with open("got.jsonl", "a") as file:
            file.writelines(json.dumps(r, default=float) + "\\n" for r in context["records"])
class TargetThings(Target):
    name = "target-things"
    config_jsonschema = th.PropertiesList().to_dict()
    default_sink_class = Sink
if __name__ == "__main__":
    TargetThings.cli()
"""


def write(name, content):
    with open(name, "w", encoding="utf8") as file:
        file.write(content if isinstance(content, str) else json.dumps(content))


def run(*command, text=None):
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    assert done.returncode == 0, (command, done.stderr[-2000:])
    return done.stdout


def theirs_to_ours():
    write("tap.py", TAP)
    write("rows.json", ROWS)
    write("tap.json", {"batch_config": {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": f"file://{os.getcwd()}/in", "prefix": "p-"}, "batch_size": 1000}})
    messages = run(sys.executable, "tap.py", "--config", "tap.json")
    kinds = [json.loads(line)["type"] for line in messages.splitlines()]
    assert kinds.count("BATCH") == 3 and "RECORD" not in kinds, kinds
    write("target.json", {"path": "t.db"})
    states = run(WORKER, "target", "sqlite", "--config", "target.json", text=messages)
    assert "bookmarks" in json.loads(states.splitlines()[-1])
    found = sqlite3.connect("t.db").execute("SELECT id, name, price, tags FROM things ORDER BY id").fetchall()
    assert [(r["id"], r["name"], r["price"], r["tags"]) for r in ROWS] == [(*row[:3], json.loads(row[3])) for row in found]
    print("ok: a tap of the SDK, our target:", len(found), "rows")


def ours_to_theirs():
    write("target.py", TARGET)
    db = sqlite3.connect("source.db")
    db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, price REAL)")
    db.executemany("INSERT INTO things VALUES (?, ?, ?)", [(r["id"], r["name"], r["price"]) for r in ROWS])
    db.commit()
    for compression in ("gzip", "none"):
        write("tap.json", {"path": "source.db", "batch_config": {"encoding": {"format": "jsonl", "compression": compression},
                                                                 "storage": {"root": f"out_{compression}"}, "batch_size": 1000}})
        messages = run(WORKER, "tap", "sqlite", "--config", "tap.json")
        write("empty.json", {})
        states = run(sys.executable, "target.py", "--config", "empty.json", text=messages)
        assert json.loads(states.splitlines()[-1]), states
        with open("got.jsonl", encoding="utf8") as file:
            found = [json.loads(line) for line in file]
        os.remove("got.jsonl")
        assert found == [{"id": r["id"], "name": r["name"], "price": r["price"]} for r in ROWS], found[:3]
        print(f"ok: our tap ({compression}), a target of the SDK:", len(found), "rows")


def main():
    venv.rerun(*PACKAGES)
    if not os.path.exists(WORKER):
        venv.skip(f"{WORKER} is not there")
    with tempfile.TemporaryDirectory(prefix="selvedge-test-") as folder:
        os.chdir(folder)
        theirs_to_ours()
        ours_to_theirs()
        os.chdir("/")


if __name__ == "__main__":
    sys.exit(main())
