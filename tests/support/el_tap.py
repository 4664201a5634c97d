"""A Singer tap that says what it is told to, and what it was given and left behind. Standard library only."""
import json

from el_step import rows

# Writes what its configuration says, and notes what it was given.
TAP = """
import json, os, sys, time
given = {sys.argv[i][2:]: json.load(open(sys.argv[i + 1])) for i in range(1, len(sys.argv), 2)}
json.dump(given, open("given.json", "w"))
config = given.get("config", {})
for message in config.get("messages", []):
    print(message if isinstance(message, str) else json.dumps(message), flush=True)
for line in config.get("log", []):
    print(line, file=sys.stderr, flush=True)
if config.get("log_bytes"):
    sys.stderr.write("x" * config["log_bytes"] + "\\n" + "y" * 100)
    sys.stderr.flush()
for name in config.get("wait_for", []):
    while not os.path.exists(name):
        time.sleep(0.01)
if config.get("kill"):
    os.kill(os.getpid(), config["kill"])
sys.exit(config.get("exit", 0))
"""


def schema(stream, key=("id",)):
    return {"type": "SCHEMA", "stream": stream, "key_properties": list(key),
            "schema": {"properties": {"id": {"type": "integer"}, "name": {"type": ["null", "string"]}}}}


def record(stream, number, name="x"):
    return {"type": "RECORD", "stream": stream, "record": {"id": number, "name": name}}


def state(**value):
    return {"type": "STATE", "value": value}


def given():
    with open("given.json", encoding="utf8") as file:
        return json.load(file)


def stored_state():
    found = rows("t.db", "SELECT value FROM _selvedge_state")
    return json.loads(found[0][0]) if found else None
