"""What surrounds a load breaks: disks that are full or broken, a PostgreSQL that restarts, a broker that goes away, a device that is silent.
Each is told in the words asserted here, the next run goes on from there, and nothing is lost. (HTTP's answers: el_http_test.py.)"""
import errno
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import el_step
import el_world
import pg_server
from el_step import finish, main, request, rows, run, run_ok, start
from modbus_server import HOLDING, TcpDevice
from mqtt_stranger import Refused, Stranger

FAULTS = os.path.join(os.path.dirname(el_step.EL), "fault_io.so")
BROKEN = "look into the kernel's log for errors of the disk"
MOSQUITTO = "/usr/sbin/mosquitto"
rng = random.Random(1)


def broken(step, file, call, number, after=0):
    """A run in which such calls on the file fail after so many."""
    environment = dict(os.environ, LD_PRELOAD=FAULTS, FAULT_FILE=file, FAULT_CALL=call, FAULT_ERRNO=str(number), FAULT_AFTER=str(after))
    return run(step, env=environment)


def told(result, code, message, hint=""):
    error = result.error
    assert result.code == 1 and error, (result.code, result.log)
    assert error["code"] == code and re.fullmatch(message, error["message"]), (code, message, error)
    assert re.fullmatch(hint, error.get("hint", "")), (hint, error)
    assert result.of("materialization") == []


class Load:
    """A source that changes, and one target of it."""

    def __init__(self, target, rows_of, updates=1500):
        self.source = el_world.Source(os.getcwd())
        self.updates = updates
        self.rows = rows_of
        self.step = request({"type": "sqlite", "path": self.source.path, "table": "sales", "replication_key": "at"},
                            dict({"flush_every": "1ms"}, **target), state_dir="states")
        self.change()

    def change(self):
        self.source.change(rng, 3000, self.updates)

    def in_peace(self):
        run_ok(self.step)
        el_world.expect_equal(self.source, self.rows(), "in peace")

    def broken(self, file, call, number, code, message, hint="", after=0):
        """Told, and made good by the next run."""
        self.change()
        told(broken(self.step, file, call, number, after), code, message, hint)
        self.in_peace()


def from_sqlite(path="shop.db"):
    return lambda: el_world.loaded(path)[0]


def from_jsonl():
    with open("out.jsonl", encoding="utf8") as file:
        return sorted(tuple(json.loads(line)[name] for name in ("id", "at", "v", "t")) for line in file)


def sqlite_target(**more):
    return dict({"type": "sqlite", "path": "shop.db", "table": "sales", "mode": "upsert", "primary_key": ["id"]}, **more)


def a_disk_of_sqlite():
    load = Load(sqlite_target(), from_sqlite())
    load.in_peace()
    for after in (0, 3, 40):
        load.broken("/shop.db-wal", "write", errno.ENOSPC, "full", "target sqlite: commit: shop.db: commit: disk is full", "free disk space", after)
        load.broken("/shop.db-wal", "write", errno.EIO, "io", "target sqlite: commit: shop.db: commit: write failed: Input/output error", BROKEN, after)
    for after in (0, 2):
        load.broken("/shop.db-wal", "sync", errno.EIO, "io", "target sqlite: commit: shop.db: commit: sync failed: Input/output error", BROKEN, after)
    # A file system that cannot read is a broken database to SQLite.
    load.broken("/till.db", "read", errno.EIO, "corrupt", ".*till.db: SELECT .*: database disk image is malformed",
                "look into the kernel's log for read errors of the disk; else the file is damaged: restore it, or move it away", 2)
    # What is committed is in the WAL: that it cannot be copied into the file yet fails no load.
    load.change()
    assert broken(load.step, "/shop.db", "write", errno.ENOSPC).code == 0
    load.in_peace()


def a_disk_of_a_file():
    load = Load({"type": "jsonl", "path": "out.jsonl", "mode": "append"}, from_jsonl, updates=0)
    load.in_peace()
    space = "free disk space; the file is put back to its last commit by the next run"
    for after in (0, 2):
        load.broken("/out.jsonl", "write", errno.ENOSPC, "full", "target jsonl: (commit: )?write out.jsonl: No space left on device", space, after)
        load.broken("/out.jsonl", "write", errno.EIO, "io", "target jsonl: (commit: )?write out.jsonl: Input/output error", space, after)
    load.broken("/out.jsonl", "sync", errno.EIO, "io", "target jsonl: commit: sync out.jsonl: Input/output error")
    load.broken("/out.jsonl.state.tmp", "write", errno.ENOSPC, "full", "target jsonl: commit: write out.jsonl.state.tmp: No space left on device")
    load.broken("/out.jsonl.state.tmp", "sync", errno.EIO, "io", "target jsonl: commit: write out.jsonl.state.tmp: Input/output error")


def a_disk_of_states():
    """The target has the rows; what is not kept is how far they go: they come again, and an upsert makes that harmless."""
    command = el_world.program(os.getcwd(), "target.py", el_world.TARGET)
    load = Load({"type": "singer_program", "command": command, "config": json.dumps({"path": "shop.db"}), "mode": "upsert", "table": "sales",
                 "primary_key": ["id"]}, from_sqlite())
    load.in_peace()
    for call, number, code, why in (("write", errno.ENOSPC, "full", "No space left on device"), ("sync", errno.EIO, "io", "Input/output error")):
        load.broken(".json.tmp", call, number, code, f"keep the state: write states/shop%2Fsales.json.tmp: {why}")


def a_postgres_that_restarts():
    if pg_server.BINARIES is None:
        print("not tried: PostgreSQL is not installed")
        return
    with pg_server.Server() as server:
        def stored():
            found = server.sql("SELECT id, at, v, t FROM sales ORDER BY id")
            return [(*(int(n) for n in row[:3]), None if row[3] == "NULL" else row[3]) for row in found]

        load = Load({"type": "postgres", "dsn": server.dsn(), "table": "sales", "mode": "upsert", "primary_key": ["id"]}, stored)
        if "not in this build" in ((run(load.step).error or {}).get("message", "")):
            print("not tried: this build has no PostgreSQL")
            return
        load.in_peace()
        for mode in ("fast", "immediate"):
            load.source.change(rng, 40000, 0)
            before = server.sql("SELECT count(*) FROM sales")
            process, events = start(load.step)
            end = time.monotonic() + 60
            while server.sql("SELECT count(*) FROM sales") == before:
                assert process.poll() is None and time.monotonic() < end, finish(process, events).error
            server.stop(mode)
            server.start()
            result = finish(process, events)
            if result.code == 0:
                print(f"({mode}: the load was over before the server was)")
            else:
                told(result, "offline", "target postgres: .*(server closed the connection|terminating connection|connection to server|no connection).*",
                     ".*the next run goes on.*")
            load.in_peace()


class Mosquitto:
    """Keeps its sessions in a file when it is told to end, as brokers do."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="selvedge-test-")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        with open(os.path.join(self.folder, "conf"), "w", encoding="ascii") as f:
            f.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {self.folder}/\n"
                    + ("user root\n" if os.geteuid() == 0 else ""))
        self.start()

    def start(self):
        self.process = subprocess.Popen([MOSQUITTO, "-c", os.path.join(self.folder, "conf")], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while True:
            try:
                Stranger(self.port, "asking").close()
                return
            except (OSError, Refused):
                assert time.monotonic() < end and self.process.poll() is None
                time.sleep(0.02)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def publish(self, numbers):
        with Stranger(self.port, "publisher") as stranger:
            for number in numbers:
                assert stranger.publish("shop/n", str(number).encode()) < 0x80


def a_broker_that_goes_away():
    if not os.path.exists(MOSQUITTO):
        print("not tried:", MOSQUITTO, "is not there")
        return
    broker = Mosquitto()
    try:
        def step(**more):
            return request(dict({"type": "mqtt", "host": "127.0.0.1", "port": broker.port, "topics": ["shop/#"], "client_id": "till-7"}, **more),
                           {"type": "sqlite", "path": "t.db", "table": "log", "mode": "append", "flush_every": "20ms"})

        def payloads():
            return [int(row[0]) for row in rows("t.db", "SELECT payload FROM log ORDER BY rowid")]

        run_ok(step(**{"for": "50ms"}))
        broker.publish(range(50))
        process, events = start(step(messages=1000))
        end = time.monotonic() + 60
        while len(payloads()) < 30:
            assert process.poll() is None and time.monotonic() < end, finish(process, events).error
            time.sleep(0.01)
        broker.stop()
        told(finish(process, events), "offline", f"mqtt 127.0.0.1:{broker.port}: the broker ended the connection",
             'its log says why; two clients may have the same "client_id"')
        told(run(step(messages=1)), "offline", f"mqtt 127.0.0.1:{broker.port}: .*refused.*", ".*")
        broker.start()
        broker.publish(range(50, 60))
        run_ok(step(**{"for": "500ms"}))
        assert sorted(set(payloads())) == list(range(60)), sorted(set(range(60)) - set(payloads()))
    finally:
        broker.close()


def a_device_that_stops_answering():
    device = TcpDevice()
    device.put(HOLDING, 0, 21)
    step = request({"type": "modbus", "host": "127.0.0.1", "port": device.port, "registers": [{"name": "temp", "address": 0}], "timeout": "300ms",
                    "retries": 1, "samples": 5, "every": "10ms"}, {"type": "sqlite", "path": "t.db", "table": "plc", "mode": "append"})
    device.plan = ["ok", "ok", "silence", "silence"]
    result = run(step)
    if "not in this build" in (result.error or {}).get("message", ""):
        print("not tried:", result.error["message"])
        return
    told(result, "timeout", f"modbus 127.0.0.1:{device.port}: unit 1, holding 0 to 0: no answer in time",
         'see whether the device is on, and the "unit"; "timeout" gives it longer')
    assert rows("t.db", "SELECT temp FROM plc") == [(21,), (21,)], "what it said before is kept"
    run_ok(step)
    assert rows("t.db", "SELECT count(*) FROM plc") == [(7,)]


if not os.path.exists(FAULTS):
    print("skipped:", FAULTS, "is not built")
    sys.exit(77)
main([a_disk_of_sqlite, a_disk_of_a_file, a_disk_of_states, a_postgres_that_restarts, a_broker_that_goes_away, a_device_that_stops_answering])
