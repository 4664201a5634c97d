#!/usr/bin/env python3
"""Connectors as definitions name them, carried out by the real agent: PostgreSQL and Modbus as resources, a broker, this host, a Singer target of
somebody else; and what is said when a table, a password or a device is wrong."""
import json
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile

import modbus_server
import mosquitto
import pg_server

BIN = os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin"))
PASSWORD = "s3cret pass"
TARGET = """#!/usr/bin/env python3
import json, sys
config = json.load(open(sys.argv[sys.argv.index("--config") + 1]))
with open(config["out"], "a", encoding="utf-8") as out:
    for line in sys.stdin:
        message = json.loads(line)
        out.write(line)
        if message["type"] == "STATE":
            print(json.dumps(message["value"]), flush=True)
"""


class Host:
    """A folder with definitions, secrets and the agent's state."""

    def __init__(self, folder, definitions):
        self.folder = folder
        self.write("selvedge.yaml", definitions)
        self.write("agent.yaml", "secrets_dir: secrets\nstate_dir: state\n")
        os.makedirs(self.path("secrets"), exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def agent(self, *arguments):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return subprocess.run([os.path.join(BIN, "selvedge-agent"), *arguments, "--config", "agent.yaml", "--definitions", "selvedge.yaml"],
                              cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False)

    def materialize(self, asset, code=0):
        done = self.agent("materialize", asset)
        assert done.returncode == code, (asset, done.returncode, done.stdout, done.stderr)
        assert PASSWORD not in done.stdout + done.stderr, "a secret was shown"
        return done.stdout + done.stderr

    def database(self, sql, name="shop.db"):
        with sqlite3.connect(self.path(name)) as db:
            return db.execute(sql).fetchall()


def postgres_both_ways(folder):
    with pg_server.Server(password=PASSWORD) as server:
        server.sql("CREATE SCHEMA raw")
        host = Host(folder, """project: p
resources:
  pos: {type: sqlite, path: shop.db}
  central: {type: postgres, dsn: "${secret:CENTRAL}"}
  stranger: {type: postgres, dsn: "${secret:WRONG}"}
assets:
  - key: pos/sales
    extract: {resource: pos, replication_key: id}
    load: {resource: central, schema: raw, primary_key: [id]}
    checks:
      - {name: some, sql: "select count(*) > 0 from sales"}
      - {name: share, sql: "select avg(total) / 100 from sales"}
      - {name: none_free, sql: "select count(*) = 0 from sales where total = 0"}
      - {name: changes_nothing, sql: "delete from sales returning 1"}
      - {name: one_statement, sql: "select 1; commit; drop table raw.sales"}
      - {name: at_home, sql: "select 0.5", resource: pos}
  - key: back
    extract: {resource: central, schema: raw, table: sales}
    load: {resource: pos, table: back, mode: overwrite}
    checks:
      - {name: there_too, sql: "select (select count(*) from raw.sales) = 3", resource: central}
  - {key: nothing, extract: {resource: central, schema: raw, table: salse}, load: {jsonl: out.jsonl}}
  - {key: denied, extract: {resource: stranger, table: sales}, load: {jsonl: denied.jsonl}}
""")
        host.write("secrets/CENTRAL", server.dsn(password=PASSWORD))
        host.write("secrets/WRONG", server.dsn(password="wrong"))
        host.database("CREATE TABLE sales(id INTEGER PRIMARY KEY, total REAL)")
        host.database("INSERT INTO sales VALUES (1, 20.5), (2, 30)")
        said = host.materialize("pos/sales")
        for check, passed in (("some", True), ("share", True), ("none_free", True), ("changes_nothing", False), ("one_statement", False),
                              ("at_home", True)):
            line = next(line for line in said.splitlines() if f"check={check} " in line)
            assert ("passed=true" in line) == passed, line
        assert "value=0.2525" in said, said
        host.database("INSERT INTO sales VALUES (3, 0)")
        said = host.materialize("pos/sales")
        assert "rows_read=1" in said or "rows_read=2" in said, said
        assert "check=none_free" in said and "passed=false" in said, said
        assert server.sql("SELECT id, total FROM raw.sales ORDER BY id") == [["1", "20.5"], ["2", "30"], ["3", "0"]]
        assert "passed=true" in host.materialize("back")
        assert host.database("SELECT count(*) FROM back") == [(3,)]
        said = host.materialize("nothing", 1)
        assert "salse" in said and "did you mean sales?" in said.replace('"', ""), said
        said = host.materialize("denied", 1)
        assert "password" in said, said
        explained = host.agent("explain").stdout
        assert PASSWORD not in explained and "CENTRAL" in explained and "***" in explained, explained


def postgres_as_a_singer_program(folder):
    with pg_server.Server(password=PASSWORD) as server:
        server.sql("CREATE TABLE t(id bigint PRIMARY KEY, at timestamptz NOT NULL, secret text); CREATE TABLE other(x int);"
                   "INSERT INTO t VALUES (1, '2026-01-01Z', 'a'), (2, '2026-01-02Z', 'b'); CREATE TABLE _selvedge_state(x int)")
        host = Host(folder, "project: p\n")
        host.write("tap.json", json.dumps({"url": server.dsn(password=PASSWORD)}))

        def tap(*arguments, code=0):
            done = subprocess.run([os.path.join(BIN, "selvedge-el"), "tap", "postgres", "--config", "tap.json", *arguments], cwd=folder,
                                  capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == code and PASSWORD not in done.stdout + done.stderr, (done.returncode, done.stderr)
            return done.stderr if code else done.stdout

        catalog = json.loads(tap("--discover"))
        assert [s["tap_stream_id"] for s in catalog["streams"]] == ["other", "t"], catalog
        stream = catalog["streams"][1]
        assert stream["key_properties"] == ["id"] and stream["schema"]["properties"]["at"]["type"] == ["string"], stream
        for entry in stream["metadata"]:
            if entry["breadcrumb"] == []:
                entry["metadata"].update({"selected": True, "replication-method": "INCREMENTAL", "replication-key": "at"})
            elif entry["breadcrumb"][-1] == "secret":
                entry["metadata"]["selected"] = False
        catalog["streams"] = [stream]
        host.write("catalog.json", json.dumps(catalog))
        messages = [json.loads(line) for line in tap("--catalog", "catalog.json").splitlines()]
        records = [m["record"] for m in messages if m["type"] == "RECORD"]
        assert records == [{"id": 1, "at": "2026-01-01T00:00:00Z"}, {"id": 2, "at": "2026-01-02T00:00:00Z"}], records
        host.write("state.json", json.dumps([m["value"] for m in messages if m["type"] == "STATE"][-1]))
        server.sql("INSERT INTO t VALUES (3, '2026-01-03Z', 'c')")
        messages = [json.loads(line) for line in tap("--catalog", "catalog.json", "--state", "state.json").splitlines()]
        assert [m["record"]["id"] for m in messages if m["type"] == "RECORD"] == [2, 3], messages
        stream["metadata"][0]["metadata"]["replication-method"] = "LOG_BASED"
        host.write("catalog.json", json.dumps(catalog))
        assert "LOG_BASED" in tap("--catalog", "catalog.json", code=6)


def a_device_and_this_host(folder):
    device = modbus_server.TcpDevice()
    high, low = struct.unpack(">HH", struct.pack(">f", 21.3))
    device.put(modbus_server.HOLDING, 100, high, low)
    host = Host(folder, f"""project: p
resources:
  local: {{type: sqlite, path: shop.db}}
  plc: {{type: modbus, host: 127.0.0.1, port: {device.port}, unit: 1, timeout: 200ms, retries: 1}}
assets:
  - key: sensors/boiler
    extract: {{resource: plc, registers: [{{name: temp_c, address: 100, type: float32}}], samples: 2, every: 50ms}}
    load: {{resource: local, mode: append}}
    checks: [{{name: warm, sql: "select min(temp_c) > 20 from boiler"}}]
  - key: host/numbers
    extract: {{system: [cpu, memory]}}
    load: {{resource: local, mode: upsert}}
""")
    said = host.materialize("sensors/boiler")
    assert "rows_written=2" in said and "passed=true" in said, said
    assert host.database("SELECT DISTINCT temp_c FROM boiler") == [(21.3,)]
    device.plan = ["silence"] * 4
    said = host.materialize("sensors/boiler", 1)
    assert f"127.0.0.1:{device.port}" in said and "no answer" in said, said
    device.plan = []
    host.materialize("sensors/boiler")
    assert host.database("SELECT count(*) FROM boiler") == [(4,)]
    host.materialize("host/numbers")
    assert {row[0] for row in host.database("SELECT DISTINCT name FROM numbers")} >= {"cpu_used", "memory_total"}
    device.close()


def a_target_of_somebody_else(folder):
    host = Host(folder, """project: p
resources: {pos: {type: sqlite, path: shop.db}}
assets:
  - key: sales
    extract: {resource: pos, replication_key: id}
    load: {target: [./target-file], config: {out: got.jsonl, token: "${secret:TOKEN}"}, primary_key: [id]}
""")
    host.write("target-file", TARGET, 0o755)
    host.write("secrets/TOKEN", PASSWORD)
    host.database("CREATE TABLE sales(id INTEGER PRIMARY KEY, total REAL)")
    host.database("INSERT INTO sales VALUES (1, 20.5), (2, 30)")
    host.materialize("sales")
    host.database("INSERT INTO sales VALUES (3, 1)")
    host.materialize("sales")
    with open(host.path("got.jsonl"), encoding="utf-8") as file:
        messages = [json.loads(line) for line in file]
    ids = [m["record"]["id"] for m in messages if m["type"] == "RECORD"]
    assert sorted(set(ids)) == [1, 2, 3] and ids.count(1) == 1, ids
    assert messages[0]["key_properties"] == ["id"], messages[0]
    assert os.listdir(host.path("state/states")), "the state is kept below the agent's"
    os.remove(host.path("target-file"))
    said = host.materialize("sales", 1) if host.database("INSERT INTO sales VALUES (4, 1)") == [] else ""
    assert "target-file" in said, said


def rows_as_messages(folder):
    if not mosquitto.is_there():
        return
    broker = mosquitto.Mosquitto("password_file @DIR@/passwords")
    broker.write_password("till", PASSWORD)
    host = Host(folder, f"""project: p
resources:
  pos: {{type: sqlite, path: shop.db}}
  near: {{type: mqtt, host: 127.0.0.1, port: {broker.port}, user: till, password: "${{secret:BROKER}}"}}
assets:
  - key: pos/sales
    extract: {{resource: pos, replication_key: id}}
    load: {{resource: near, topic: "shop/${{SITE:-nine}}/{{stream}}/{{id}}", retain: true}}
  - key: log
    extract: {{resource: near, topics: [shop/#], messages: 3}}
    load: {{resource: pos, mode: append}}
""")
    host.write("secrets/BROKER", PASSWORD)
    host.database("CREATE TABLE sales(id INTEGER PRIMARY KEY, total REAL)")
    host.database("INSERT INTO sales VALUES (1, 20.5), (2, 30)")
    said = host.materialize("pos/sales", 1)
    assert f"mqtt 127.0.0.1:{broker.port}: connect: " in said, said
    with broker:
        said = host.materialize("pos/sales")
        assert "rows_written=2" in said, said
        host.database("INSERT INTO sales VALUES (3, 1)")
        said = host.materialize("pos/sales")
        assert "rows_written=1" in said, said
        host.materialize("log")
        assert sorted(host.database("SELECT topic, payload FROM log")) == [
            ("shop/nine/sales/1", '{"id":1,"total":20.5}'), ("shop/nine/sales/2", '{"id":2,"total":30.0}'), ("shop/nine/sales/3", '{"id":3,"total":1.0}')]
        host.write("secrets/BROKER", "wrong")
        host.database("INSERT INTO sales VALUES (4, 1)")
        said = host.materialize("pos/sales", 1)
        assert "not authorized" in said or "password is wrong" in said, said


def what_cannot_be_is_said_before_it_runs(folder):
    head = "project: p\nresources:\n  plc: {type: modbus, host: h}\n  central: {type: postgres, url: u}\n  near: {type: mqtt, host: h}\nassets:\n  - {key: a, "
    for text, words in (
            ("extract: {resource: plc, registers: [{name: t, address: 1, type: bit}]}, load: {resource: central}}", ["7:", '"bit" is missing']),
            ("extract: {resource: plc, registers: [{name: t, adress: 1}]}, load: {resource: central}}", ['did you mean "address"?']),
            ("extract: {resource: plc, registers: [{name: t, address: 1}], every: 2m}, load: {resource: central}}", ["single sample"]),
            ("extract: {csv: x}, load: {resource: near, topic: a/+}}", ["7:", '"topic" has a +']),
            ("extract: {csv: x}, load: {resource: near}}", ['"topic"']),
            ("extract: {csv: x}, load: {resource: plc}}", ["type modbus of resource plc cannot be written to"]),
            ("extract: {resource: central, shema: x}, load: {jsonl: x}}", ['did you mean "schema"?']),
            ("sql: {resource: central, query: select 1}}", ["type sqlite only"])):
        host = Host(folder, head + text + "\n")
        done = host.agent("check")
        said = done.stdout + done.stderr
        for word in words:
            assert word in said, (word, said)


def main():
    pg_server.need()
    for test in (what_cannot_be_is_said_before_it_runs, a_target_of_somebody_else, a_device_and_this_host, rows_as_messages, postgres_both_ways,
                 postgres_as_a_singer_program):
        with tempfile.TemporaryDirectory() as folder:
            test(folder)
        print("ok  ", test.__name__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
