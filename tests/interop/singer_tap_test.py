"""The Singer SDK's own test suite for taps, all of it, against each of our taps run as a program; `postgres` where a server is installed.

The suite wants a class of the SDK's kind: the one here asks the program for its catalog, makes the SDK's streams from it, and gives on what
the program writes. The rows that the suite saw are then compared with the source: it asks no more than their types."""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]
import http_api  # noqa: E402
import modbus_server  # noqa: E402
import mqtt_broker  # noqa: E402
import pg_server  # noqa: E402
import venv  # noqa: E402, ours, which stands before the library's

PACKAGES = ["singer-sdk[testing]==0.54.9"]
EL = os.path.join(os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin")), "selvedge-el")


def make_class(kind, folder, settings):
    from singer_sdk import Stream, Tap
    from singer_sdk import typing as th

    def run(*arguments, config=None):
        if config is not None:
            path = os.path.join(folder, f"{kind}.json")
            with open(path, "w", encoding="utf8") as file:
                json.dump(config, file)
            arguments = ["--config", path, *arguments]
        done = subprocess.run([EL, "tap", kind, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        assert done.returncode == 0, (arguments, done.returncode, done.stderr)
        return done.stdout

    class Found(Stream):
        def get_records(self, context):
            raise NotImplementedError("the program reads")

    class Program(Tap):
        name = f"selvedge-el tap {kind}"
        config_jsonschema = th.PropertiesList(*(th.Property(name, th.CustomType({})) for name in settings)).to_dict()

        def discover_streams(self):
            streams = []
            for entry in json.loads(run("--discover", config=dict(self.config)))["streams"]:
                stream = Found(self, schema=entry["schema"], name=entry["tap_stream_id"])
                stream.primary_keys = entry["key_properties"]
                streams.append(stream)
            return streams

        def run_discovery(self):
            return run("--discover", config=dict(self.config))

        @property
        def catalog_dict(self):
            return json.loads(self.run_discovery())

        def run_connection_test(self):
            lines = [json.loads(line) for line in run("--test", config=dict(self.config)).splitlines()]
            assert {line["type"] for line in lines} == {"SCHEMA", "RECORD"}, lines
            return True

        def run_sync_dry_run(self, dry_run_record_limit=1, streams=None):
            catalog = os.path.join(folder, "catalog.json")
            with open(catalog, "w", encoding="utf8") as file:
                file.write(self.run_discovery())
            print(run("--catalog", catalog, config=dict(self.config)), end="")
            return True

        def print_version(self):
            assert run("--version").startswith("selvedge-el ")

        def print_about(self, output_format=None):
            about = run("--about", "--format", output_format or "markdown")
            if output_format == "json":
                said = json.loads(about)
                assert {"name", "description", "version", "capabilities", "settings"} <= set(said), said

    return Program


def make_api():
    """A server that gives three records a page, ordered by their time; its URL, and the records."""
    records = [{"id": i, "at": f"2026-01-{i:02}T00:00:00Z", "name": f"n{i}", "x": i / 2, "tags": {"a": [i]}, "ok": i % 2 == 0} for i in range(1, 9)]

    def answer(request):
        since = request.query.get("since", "")
        return {"orders": [r for r in records if r["at"] >= since][int(request.query["offset"]):][:3]}
    return http_api.Api(answer), records


def make_postgres(server):
    """Its settings and its rows: a schema with a table of many types, one with a key of two columns, and a view."""
    server.sql("""CREATE SCHEMA source; SET search_path = source;
        CREATE TABLE t (id bigint PRIMARY KEY, name varchar(20) NOT NULL, x double precision, b bytea, ok boolean, at timestamptz, n numeric(10, 2),
            j jsonb, u uuid);
        INSERT INTO t VALUES (1, 'a', 1.5, '\\x00ff', true, '2026-01-02 03:04:05.5+01', 12.34, '{"k": [1, "x"]}', '123e4567-e89b-12d3-a456-426614174000'),
            (2, E'é\\n"\\\\', -1e300, '', false, '2026-01-02 03:04:05Z', -0.5, '{}', NULL), (9223372036854775807, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
        CREATE TABLE "Odd name!" (a text, b integer, PRIMARY KEY (a, b));
        INSERT INTO "Odd name!" SELECT 'x', n FROM generate_series(0, 199) n;
        CREATE VIEW v AS SELECT id, name FROM t""")
    rows = [{"id": 1, "name": "a", "x": 1.5, "b": "00ff", "ok": True, "at": "2026-01-02T02:04:05.5Z", "n": 12.34, "j": {"k": [1, "x"]},
             "u": "123e4567-e89b-12d3-a456-426614174000"},
            {"id": 2, "name": "é\n\"\\", "x": -1e300, "b": "", "ok": False, "at": "2026-01-02T03:04:05Z", "n": -0.5, "j": {}, "u": None},
            dict.fromkeys(("x", "b", "ok", "at", "n", "j", "u"), None) | {"id": 2**63 - 1, "name": ""}]
    return ({"url": server.dsn(password=server.password), "schema": "source"},
            {"t": rows, "Odd name!": [{"a": "x", "b": n} for n in range(200)], "v": [{"id": r["id"], "name": r["name"]} for r in rows]})


def make_sources(folder, api, records):
    """Each kind's settings, and the rows that its streams have."""
    values = [(1, "a", 1.5, b"\x00\xff", True, 7), (2, "é\n\"\\", -1e300, b"", False, 2.5),
              (2**63 - 1, "", None, None, None, None)]
    database = os.path.join(folder, "s.db")
    db = sqlite3.connect(database)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, x REAL, b BLOB, ok BOOLEAN, at)")
    db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", values)
    db.execute("CREATE TABLE \"Odd name!\" (a TEXT, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID")
    db.executemany("INSERT INTO \"Odd name!\" VALUES (?, ?)", [("x", n) for n in range(200)])
    db.execute("CREATE VIEW v AS SELECT id, name FROM t")
    db.commit()
    db.close()
    rows = [dict(zip(("id", "name", "x", "b", "ok", "at"), v)) for v in values]
    for row in rows:
        row["b"] = None if row["b"] is None else row["b"].hex()
    tables = {"t": rows, "Odd name!": [{"a": "x", "b": n} for n in range(200)],
              "v": [{"id": r["id"], "name": r["name"]} for r in rows]}
    with open(os.path.join(folder, "f.csv"), "w", encoding="utf8") as file:
        file.write("n,r,s\n1,0.5,x\n2,,\"a,\"\"b\"\"\"\n3,1,007\n")
    lines = [{"n": 1, "o": {"k": [1]}, "t": True}, {"n": 2, "l": [1, "x"], "t": None}, {"n": 3, "r": 1.5, "t": False}]
    with open(os.path.join(folder, "f.jsonl"), "w", encoding="utf8") as file:
        file.write("".join(json.dumps(line) + "\n" for line in lines))
    orders = {"url": api.url + "/v1/orders", "records": "orders", "pagination": {"style": "offset"}, "primary_key": ["id"],
              "replication_key": "at", "since": {"param": "since"}, "sorted": True}
    return {"http": (orders, {"orders": records}),
            "sqlite": ({"path": database}, tables),
            "csv": ({"path": os.path.join(folder, "f.csv")}, {"f": [{"n": 1, "r": 0.5, "s": "x"}, {"n": 2, "r": None, "s": 'a,"b"'},
                                                          {"n": 3, "r": 1.0, "s": "007"}]}),
            "jsonl": ({"path": os.path.join(folder, "f.jsonl")}, {"f": [dict({"o": None, "l": None, "r": None}, **line) for line in lines]})}


def make_devices():
    """What is measured: each kind's settings, and its rows without their time; of this host nobody knows them before."""
    plc = modbus_server.TcpDevice()
    plc.put(modbus_server.HOLDING, 100, 0x41AA, 0x6666, 7)
    registers = [{"name": "temp", "address": 100, "type": "float32"}, {"name": "n", "address": 102}]
    messages = [mqtt_broker.publish("t/a", '{"v": 1}'), mqtt_broker.publish("t/b", "not json", retain=True)]
    broker = mqtt_broker.FakeBroker(*messages)
    return {"system": ({"groups": ["cpu", "memory", "clock"], "every": "50ms", "samples": 2}, {"system": None}),
            "modbus": ({"host": "127.0.0.1", "port": plc.port, "registers": registers, "every": "50ms", "samples": 2},
                       {"modbus": [{"temp": 21.3, "n": 7}] * 2}),
            "mqtt": ({"host": "127.0.0.1", "port": broker.port, "topics": ["t/#"], "format": "json", "messages": 2},
                     {"mqtt": [{"topic": "t/a", "retained": False, "payload": {"v": 1}, "not_json": None},
                               {"topic": "t/b", "retained": True, "payload": None, "not_json": "not json"}]})}


def without_time(rows):
    return [{name: value for name, value in row.items() if name != "time"} for row in rows]


def check_rows(seen, rows):
    if rows is None:
        assert {"uptime", "memory_total"} <= {row["name"] for row in seen}, seen
    else:
        assert seen == rows or without_time(seen) == rows, (seen, rows)


def run_suite(kind, folder, settings, rows):
    import builtins

    import pytest
    from singer_sdk.testing import SuiteConfig, get_tap_test_class
    suite = get_tap_test_class(make_class(kind, folder, settings), config=settings, suite_config=SuiteConfig(max_records_limit=150))
    script = os.path.join(folder, f"suite_{kind}_test.py")
    with open(script, "w", encoding="utf8") as file:
        file.write(f"import builtins\nTestTap = builtins.selvedge_{kind}\n")
    setattr(builtins, f"selvedge_{kind}", suite)
    outcomes = []
    runners = []

    class Watcher:
        @staticmethod
        def pytest_runtest_logreport(report):
            if report.when == "call" or report.failed:
                outcomes.append((report.nodeid, report.outcome))

        @staticmethod
        def pytest_runtest_teardown(item):
            if not runners and "runner" in item.funcargs:
                runners.append(item.funcargs["runner"])

    code = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", folder, script], plugins=[Watcher()])
    names = {name.split("::")[-1].split("[")[0] for name, _ in outcomes}
    print(f"{kind}: {len(outcomes)} tests, of {len(names)} kinds")
    assert code == 0 and all(outcome == "passed" for _, outcome in outcomes), (code, outcomes)
    assert {"test_tap_cli_prints", "test_tap_discovery", "test_tap_stream_connections", "test_tap_valid_final_state"} <= names, names
    assert len(outcomes) >= 4 + 6 * len(rows), "tap tests and stream tests"
    assert set(runners[0].records) == set(rows), runners[0].records
    for stream, there in rows.items():
        check_rows(runners[0].records[stream], there)


def run_all(folder, sources):
    for kind, (settings, rows) in sources.items():
        about = subprocess.run([EL, "tap", kind, "--about"], capture_output=True, text=True, check=False)
        if "is not in this build" in about.stderr:
            print(f"{kind}: not in this build")
        else:
            run_suite(kind, folder, settings, rows)


def main():
    venv.rerun(*PACKAGES)
    if not os.path.exists(EL):
        venv.skip(f"{EL} is not there")
    with tempfile.TemporaryDirectory(prefix="selvedge-test-") as folder:
        api, records = make_api()
        with api:
            run_all(folder, make_sources(folder, api, records))
        run_all(folder, make_devices())
        if pg_server.BINARIES is None:
            print("postgres: no server is installed")
        else:
            with pg_server.Server(password="s3cret") as server:
                run_all(folder, {"postgres": make_postgres(server)})
    print("ok: the rows are those of the sources")


if __name__ == "__main__":
    sys.exit(main())
