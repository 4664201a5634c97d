"""Target mqtt: rows as messages; a state only behind what the broker acknowledged; every way a broker can refuse, break off or talk nonsense; a real
mosquitto that is killed on the way, and the worker too. SEED in the environment replays a run."""
import json
import os
import random
import socket
import struct
import subprocess
import time

import el_step
import mosquitto
from el_step import execute, main, request, run, run_ok
from mqtt_broker import FakeBroker

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
rng = random.Random(SEED)
STATE = "states/shop%2Fsales.json"


def source(count, first=1):
    execute("s.db", "CREATE TABLE IF NOT EXISTS sales (id INTEGER PRIMARY KEY, till INTEGER, item TEXT, ok BOOLEAN)",
            f"INSERT INTO sales WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {first + count - 1}) SELECT i, i % 7, 'é' || i, i % 2 FROM n")


def step(broker, tap=None, **target):
    return request(dict({"type": "sqlite", "path": "s.db", "table": "sales", "replication_key": "id"}, **(tap or {})),
                   dict({"type": "mqtt", "host": "127.0.0.1", "port": broker.port, "topic": "shop/{till}", "mode": "append"}, **target), state_dir="states")


def fails(of_step, code, *words):
    result = run(of_step)
    assert result.code == 1 and result.error is not None, (result.code, result.log)
    said = result.error["message"] + " | " + result.error.get("hint", "")
    assert result.error["code"] == code and all(word in said for word in words), (result.error["code"], words, said)
    assert not os.path.exists(STATE), "nothing is claimed"


def ids(messages):
    return [json.loads(payload)["id"] for _, payload, _ in messages]


def rows_are_messages():
    source(2500)
    with mosquitto.Mosquitto("allow_anonymous true", "max_queued_messages 0") as broker:
        heard = mosquitto.Listener(broker)
        result = run_ok(step(broker))
        assert ids(heard.all()) == list(range(1, 2501)), "each once, in order"
        assert heard.messages[1] == ("shop/2", '{"id":2,"till":2,"item":"é2","ok":false}'.encode(), False), heard.messages[1]
        assert result.metadata["rows_written"] == 2500
        run_ok(step(broker))
        source(1, 2501)
        run_ok(step(broker, topic="one", qos=0, retain=True, client_id="till-7"))
        assert heard.all()[2500:] == [("one", '{"id":2501,"till":2,"item":"é2501","ok":true}'.encode(), False)], heard.messages[2500:]
        assert ("one", heard.all()[-1][1], True) in mosquitto.Listener(broker).all(), "it is kept for who comes later"
        run_ok(step(broker, {"replication_key": ""}, mode="overwrite", qos=0))
        assert ids(heard.all()[2501:]) == list(range(1, 2502)), "without acknowledgements: none was lost here"


def topics_are_clean():
    execute("s.db", "CREATE TABLE sales (id INTEGER PRIMARY KEY, name, n REAL)",
            "INSERT INTO sales VALUES (1, 'a/b', 1.5), (2, '+#' || char(0) || 'x', 2), (3, '', NULL), (4, NULL, 0), (5, char(65534, 10, 133, 65), 1), (6, x'ff41c3', 1)",
            "INSERT INTO sales VALUES (7, CAST(x'ed' AS TEXT), -1), (8, 'ü€😀', 1), (9, char(64976), 1), (10, 7, 1)")
    with mosquitto.Mosquitto() as broker:
        heard = mosquitto.Listener(broker)
        run_ok(step(broker, topic="s/{name}/{stream}/{n}", table="my+sales"))
        names = [(topic.removeprefix("s/").split("/my_sales/")) for topic, _, _ in heard.all()]
        assert names == [["a/b", "1.5"], ["___x", "2.0"], ["_", "_"], ["_", "0.0"], ["___A", "1.0"], ["_A_", "1.0"], ["_", "-1.0"], ["ü€😀", "1.0"],
                         ["_", "1.0"], ["7", "1.0"]], names


def columns_that_come_later():
    with open("s.jsonl", "w", encoding="utf8") as file:
        file.write('{"id": 1}\n{"id": 2, "to": "x"}\n')
    with mosquitto.Mosquitto() as broker:
        heard = mosquitto.Listener(broker)
        of_step = step(broker, topic="t/{id}")
        of_step["tap"] = {"type": "jsonl", "path": "s.jsonl"}
        run_ok(of_step)
        assert [m[:2] for m in heard.all()] == [("t/1", b'{"id":1,"to":null}'), ("t/2", b'{"id":2,"to":"x"}')], heard.messages


def a_real_broker_that_refuses():
    source(3)
    strict = mosquitto.Mosquitto("password_file @DIR@/passwords", "acl_file @DIR@/acl", "message_size_limit 60")
    strict.write_password("ada", "sesame")
    strict.write("acl", "user ada\ntopic write shop/#\n")
    with strict as broker:
        login = {"user": "ada", "password": "sesame"}
        fails(step(broker, user="ada", password="wrong"), "denied", f"mqtt 127.0.0.1:{broker.port}: the broker refuses the connection: ")
        fails(step(broker), "denied", "refuses the connection")
        fails(step(broker, topic="till/{id}", **login), "denied", "message 1 of this load: not authorized", "access list")
        execute("s.db", "UPDATE sales SET item = printf('%.60c', 'x') WHERE id = 2")
        fails(step(broker, **login), "full", "message 2 of this load: the message is larger than it takes")
    with mosquitto.Mosquitto("allow_anonymous true", "max_packet_size 100") as broker:
        fails(step(broker), "full", "message 2 of this load has 1", "100 is the most")
        execute("s.db", "UPDATE sales SET item = printf('%.*c', 4200000, 'x') WHERE id = 2")
        fails(step(broker), "full", "4194304 bytes")
    with mosquitto.Mosquitto("allow_anonymous true", "retain_available false") as broker:
        fails(step(broker, retain=True), "invalid", "keeps no messages")
    fails(step(broker), "offline", "refused")


# --- a broker that does what a test wants --------------------------------------------------------

def accepted(*properties):
    body = b"".join(properties)
    return b"\x20" + bytes([3 + len(body)]) + b"\x00\x00" + bytes([len(body)]) + body


def puback(number, *code):
    return b"\x40" + bytes([2 + len(code)]) + struct.pack(">H", number) + bytes(code)


class Taker(FakeBroker):
    """Speaks MQTT 5. `answer(n, number)` says what the n-th message is answered: bytes, or "close"."""

    def __init__(self, connack=accepted(), answer=lambda n, number: puback(number), pings=True):
        self.messages = []
        self.answer = answer
        self.pings_back = pings
        super().__init__(connack=connack)

    def take(self, connection, kind, body, ready):
        if kind == 1:
            assert body[6] == 5, body
            self.note(lambda: self.logins.append(body))
            connection.sendall(self.connack)
            ready.set()
        elif kind == 3:
            size = struct.unpack(">H", body[:2])[0]
            number = struct.unpack(">H", body[2 + size:4 + size])[0]
            self.note(lambda: self.messages.append(body[5 + size:]))
            said = self.answer(len(self.messages), number)
            if said == "close":
                connection.shutdown(socket.SHUT_RDWR)
            elif said:
                connection.sendall(said)
        elif kind == 12 and self.pings_back:
            connection.sendall(b"\xd0\x00")


def logins():
    source(1)
    for answer, code, word in [(b"\x20\x02\x00\x01", "invalid", "does not speak MQTT 5"), (b"\x20\x03\x00\x85\x00", "invalid", "client_id"),
                               (b"\x20\x03\x00\x86\x00", "denied", "password"), (b"\x20\x03\x00\x88\x00", "offline", "not available"),
                               (b"\x20\x02\x00\x00", "corrupt", "login"), (accepted(b"\x24\x00"), "invalid", "QoS 1"),
                               (accepted(b"\x27\x00\x00\x00\x0a"), "full", "10 is the most"), (b"SSH-2.0-OpenSSH " * 9, "corrupt", "login")]:
        fails(step(Taker(answer)), code, word)
    fails(step(Taker(b""), timeout="50ms"), "timeout", "login")
    everything = accepted(b"\x11\0\0\0\x09", b"\x21\0\x05", b"\x24\x01", b"\x25\x01", b"\x27\0\0\1\0", b"\x12\0\1x", b"\x22\0\x09", b"\x1f\0\2no", b"\x26\0\1k\0\1v",
                          b"\x28\x01", b"\x29\x01", b"\x2a\x01", b"\x13\0\x3c", b"\x1a\0\0", b"\x1c\0\0", b"\x15\0\0", b"\x16\0\0")
    run_ok(step(Taker(everything)))


def what_brokers_say_of_messages():
    source(50)
    for answer, code, *words in [
            (lambda n, number: puback(number, 0x87 if n == 17 else 0x10, 0), "denied", "message 17 of this load: not authorized"),
            (lambda n, number: puback(number, 0x97) if n == 5 else puback(number), "full", "message 5", "quota"),
            (lambda n, number: b"\xe0\x02\x8b\x00" if n == 3 else puback(number), "offline", "ends the connection", "shutting down"),
            (lambda n, number: puback(number) * 2, "corrupt", "an acknowledgement"), (lambda n, number: puback(999), "corrupt", "an acknowledgement"),
            (lambda n, number: b"\x40\x01\x00", "corrupt", "an acknowledgement"), (lambda n, number: b"\x90\x03\x00\x01\x00", "corrupt", "a packet"),
            (lambda n, number: b"HTTP/1.1 400 " * 9, "corrupt", "not as MQTT"),
            (lambda n, number: "close" if n == 20 else puback(number), "offline", "messages not acknowledged: the broker ended the connection")]:
        fails(step(Taker(answer=answer)), code, *words)
    fails(step(Taker(answer=lambda n, number: None if n > 10 else puback(number)), timeout="100ms"), "timeout", "40 messages not acknowledged", "does not answer")
    fails(step(Taker(answer=lambda n, number: None, pings=False), qos=0, timeout="100ms"), "timeout", "does not answer")
    late = []  # out of order, which MQTT forbids and some brokers do
    broker = Taker(answer=lambda n, number: late.append(number) or (b"".join(puback(i) for i in reversed(late)) if n == 50 else None))
    run_ok(step(broker))
    assert os.path.exists(STATE)


def no_more_are_on_their_way_than_the_window():
    """Ids go round at 65,535."""
    for connack, options, most, count in ((accepted(b"\x21\0\x07"), {}, 7, 70), (accepted(), {"window": 3}, 3, 70), (accepted(), {"window": 8000}, 8000, 66000)):
        execute("s.db", "DROP TABLE IF EXISTS sales")
        source(count)
        awaited, seen = [], []

        def answer(n, number, awaited=awaited, seen=seen, most=most, count=count):
            awaited.append(number)
            seen.append(len(awaited))
            if len(awaited) < (most if n <= most else (most + 1) // 2) and n < count:
                return None
            said = b"".join(puback(i) for i in awaited)
            awaited.clear()
            return said
        broker = Taker(connack, answer)
        run_ok(step(broker, {"replication_key": ""}, mode="overwrite", **options))
        assert max(seen) == most, max(seen)
        assert [json.loads(m)["id"] for m in broker.messages] == list(range(1, count + 1))


def a_pause_longer_than_the_broker_bears():
    """It says 1 s: the next message after half a second goes over a new connection."""
    program = "import json, sys, time\nprint(json.dumps({'type': 'SCHEMA', 'stream': 'a', 'key_properties': [], 'schema': {'properties': {'id': {'type': 'integer'}}}}))\n" \
              "for i in range(3):\n    print(json.dumps({'type': 'RECORD', 'stream': 'a', 'record': {'id': i}}), flush=True)\n    time.sleep(0.7)\n"
    with open("tap.py", "w", encoding="utf8") as file:
        file.write(program)
    broker = Taker(accepted(b"\x13\0\x01"))
    of_step = step(broker, topic="{stream}", flush_every="10ms")
    of_step["tap"] = {"type": "singer_program", "command": ["python3", "tap.py"]}
    run_ok(of_step)
    assert [json.loads(m)["id"] for m in broker.messages] == [0, 1, 2] and len(broker.logins) == 3, len(broker.logins)
    broker.wait(lambda: len(broker.ended) == 3)
    assert broker.ended == ["disconnect"] * 3


def several_streams():
    messages = []
    for stream in ("a", "b"):
        messages.append({"type": "SCHEMA", "stream": stream, "key_properties": [], "schema": {"properties": {"n": {"type": "integer"}}}})
    messages += [{"type": "RECORD", "stream": s, "record": {"n": n}} for n in (1, 2) for s in ("a", "b")]
    with open("m.jsonl", "w", encoding="utf8") as file:
        file.write("".join(json.dumps(m) + "\n" for m in messages))
    with mosquitto.Mosquitto() as broker:
        heard = mosquitto.Listener(broker)
        of_step = step(broker, topic="x/{stream}")
        of_step["tap"] = {"type": "singer_input", "path": "m.jsonl"}
        run_ok(of_step)
        assert sorted(m[:2] for m in heard.all()) == [("x/a", b'{"n":1}'), ("x/a", b'{"n":2}'), ("x/b", b'{"n":1}'), ("x/b", b'{"n":2}')], heard.messages
        of_step["target"]["topic"] = "x"
        fails(of_step, "invalid", "several streams", "{stream}")


def as_a_singer_program():
    lines = [{"type": "SCHEMA", "stream": "a", "key_properties": ["n"], "schema": {"properties": {"n": {"type": "integer"}}}},
             {"type": "RECORD", "stream": "a", "record": {"n": 7}}, {"type": "STATE", "value": {"x": 1}}]
    with mosquitto.Mosquitto() as broker:
        heard = mosquitto.Listener(broker)
        with open("c.json", "w", encoding="utf8") as file:
            json.dump({"host": "localhost", "port": broker.port, "topic": "in/{stream}/{n}"}, file)

        def target():
            return subprocess.run([el_step.EL, "target", "mqtt", "--config", "c.json"], input="".join(json.dumps(x) + "\n" for x in lines), text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
        done = target()
        assert done.returncode == 0 and json.loads(done.stdout) == {"x": 1}, (done.returncode, done.stdout, done.stderr)
        assert heard.all() == [("in/a/7", b'{"n":7}', False)], heard.messages
    done = target()
    assert done.returncode == 4 and done.stdout == "" and "refused" in done.stderr, (done.returncode, done.stdout, done.stderr)


def wrong_options():
    source(1)
    broker = Taker()
    for options, word in [({"topic": "a/+"}, '"topic" has a +'), ({"password": "x"}, '"user"'), ({"topic": "{tll}"}, "did you mean {till}?")]:
        fails(step(broker, **options), "invalid", word)
    assert broker.messages == []


# --- what dies ------------------------------------------------------------------------------------

def in_order_for_each_key(messages, count):
    """Every row is there, and each till's rows begin in order: what comes again comes behind what was there."""
    assert set(ids(messages)) == set(range(1, count + 1)), (SEED, len(set(ids(messages))))
    for till in range(7):
        seen = [i for i in ids(messages) if i % 7 == till]
        assert list(dict.fromkeys(seen)) == sorted(set(seen)), (SEED, till)
        starts = [i for i, after in zip([0] + seen, seen) if after != i + 7 and i != 0]
        assert len(starts) <= 6, (SEED, "only whole stretches come again")
        assert seen[-1] == max(seen), SEED


def broker_killed_on_the_way():
    source(12000)
    broker = mosquitto.Mosquitto("allow_anonymous true", "max_queued_messages 0")
    of_step = step(broker, batch_size_rows=1000, window=20)
    failures = 0
    with broker:
        heard = mosquitto.Listener(broker)
        for _ in range(4):
            process, events = el_step.start(of_step)
            reached = len(heard.messages) + rng.randrange(1, 3000)
            with heard.changed:
                heard.changed.wait_for(lambda n=reached: len(heard.messages) >= n or process.poll() is not None, 30)
            broker.kill()
            result = el_step.finish(process, events)
            broker.start()
            heard.reconnect()
            if result.code != 0:
                failures += 1
                said = result.error["message"]
                assert result.error["code"] == "offline" and f"target mqtt: mqtt 127.0.0.1:{broker.port}: " in said, (SEED, result.error)
        run_ok(of_step)
        assert failures >= 1, (SEED, "the broker was there all the time")
        in_order_for_each_key(heard.all(), 12000)
        with open(STATE, encoding="utf8") as file:
            assert "12000" in json.dumps(json.load(file)["states"][0]), "the state has all"


def worker_killed_on_the_way():
    source(12000)
    with mosquitto.Mosquitto("allow_anonymous true", "max_queued_messages 0") as broker:
        heard = mosquitto.Listener(broker)
        of_step = step(broker, batch_size_rows=1000, window=20)
        for _ in range(5):
            process, events = el_step.start(of_step)
            reached = len(heard.messages) + rng.randrange(1, 3000)
            with heard.changed:
                heard.changed.wait_for(lambda n=reached: len(heard.messages) >= n or process.poll() is not None, 30)
            process.kill()
            el_step.finish(process, events)
        run_ok(of_step)
        in_order_for_each_key(heard.all(), 12000)


def a_signal_ends_the_wait():
    source(10)
    broker = Taker(answer=lambda n, number: None)
    process, events = el_step.start(step(broker, timeout="600s"))
    broker.wait(lambda: len(broker.messages) == 10)
    begun = time.monotonic()
    process.terminate()
    result = el_step.finish(process, events)
    assert result.code == 143 and result.error["code"] == "cancelled" and time.monotonic() - begun < 20, (result.code, result.error)
    assert not os.path.exists(STATE)


if __name__ == "__main__":
    print(f"seed={SEED}")
    with_real = [rows_are_messages, topics_are_clean, columns_that_come_later, a_real_broker_that_refuses, several_streams, as_a_singer_program,
                 broker_killed_on_the_way, worker_killed_on_the_way] if mosquitto.is_there() else []
    main([logins, what_brokers_say_of_messages, no_more_are_on_their_way_than_the_window, a_pause_longer_than_the_broker_bears, wrong_options,
          a_signal_ends_the_wait, *with_real])
