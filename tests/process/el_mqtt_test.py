"""Tap mqtt: messages as rows, acknowledged when they are durable; every way a broker can refuse, break off or talk nonsense; and a real
mosquitto that keeps what comes between two runs."""
import os
import signal
import socket
import sqlite3

import mosquitto
from el_step import finish, main, request, rows, run, run_ok, start
from mqtt_broker import FakeBroker, publish


def step(port, tap=None, **target):
    return request(dict({"type": "mqtt", "host": "127.0.0.1", "port": port, "topics": ["shop/#"], "timeout": "20s"}, **(tap or {})),
                   dict({"type": "sqlite", "path": "t.db", "table": "log", "mode": "append"}, **target))


def stored(*columns):
    return rows("t.db", f"SELECT {', '.join(columns)} FROM log ORDER BY rowid")


def is_there():
    return os.path.exists("t.db") and rows("t.db", "SELECT name FROM sqlite_schema WHERE name = 'log'") != []


def messages_are_rows():
    broker = FakeBroker(publish("shop/1", "21.5", retain=True), publish("shop/2/ü", "") + publish("shop/3", b"\xff\x00") + publish("shop/4", b"a\x00b"))
    result = run_ok(step(broker.port, {"messages": 4, "topics": ["shop/#", "till/+/sum"]}))
    assert stored("topic", "retained", "payload") == [("shop/1", 1, "21.5"), ("shop/2/ü", 0, ""), ("shop/3", 0, b"\xff\x00"), ("shop/4", 0, b"a\x00b")]
    assert result.metadata["rows_read"] == 4 and result.metadata["bytes_read"] == 6 + 4 + 9 + 6 + 2 + 6 + 3
    types = [(c["name"], c["type"]) for c in result.metadata["dagster/column_schema"]["columns"]]
    assert types == [("time", "TEXT"), ("topic", "TEXT"), ("retained", "BOOLEAN"), ("payload", "TEXT")], types
    assert broker.filters == [("shop/#", 1), ("till/+/sum", 1)]
    client_id, keeps, = broker.logins[0]
    assert len(client_id) == 16 and not keeps
    broker.wait(lambda: broker.ended)
    assert broker.ended == ["disconnect"]


def json_and_what_is_not():
    broker = FakeBroker(*(publish("shop/a", p) for p in ('{"t": 21.5, "on": true}', "[1]", "7", "{", b"\xff", "")))
    run_ok(step(broker.port, {"messages": 6, "format": "json"}))
    assert stored("payload", "not_json") == [('{"t": 21.5, "on": true}', None), ("[1]", None), ("7", None), (None, "{"), (None, b"\xff"), (None, "")]
    assert stored("payload ->> 't'")[0] == (21.5,)


def acknowledged_once_it_is_durable():
    """The broker sends no more than 20 ahead, and looks into the database at each acknowledgement."""
    def on_ack(number):
        count = sqlite3.connect("t.db").execute("SELECT count(*) FROM log WHERE payload = ?", (str(number),)).fetchone()[0]
        assert count == 1, (number, count)

    script = []
    for i in range(1, 101):
        script.append(publish("shop/n", str(i), i))
        if i % 20 == 0:
            script.append(i)
    broker = FakeBroker(*script, on_ack=on_ack)
    run_ok(step(broker.port, {"messages": 100, "client_id": "till-7", "user": "ada", "password": "s3"}))
    broker.wait(lambda: broker.ended)
    assert broker.failure is None, broker.failure
    assert broker.acks == list(range(1, 101)) and broker.ended == ["disconnect"]
    assert broker.logins == [("till-7", True, "ada", "s3")]
    assert stored("count(*)") == [(100,)]


def a_few_are_acknowledged_too():
    broker = FakeBroker(publish("shop/n", "1", 1), 1, publish("shop/n", "2", 2), 2, publish("shop/n", "3"))
    run_ok(step(broker.port, {"messages": 3}))
    assert broker.acks == [1, 2] and stored("payload") == [("1",), ("2",), ("3",)]


def killed_before_the_commit_nothing_is_acknowledged():
    broker = FakeBroker(*(publish("shop/n", str(i), i) for i in range(1, 8)))
    process, events = start(step(broker.port, {"messages": 100}))
    broker.wait(lambda: broker.filters)
    process.kill()
    finish(process, events)
    broker.wait(lambda: broker.ended)
    count = stored("count(*)")[0][0] if is_there() else 0
    assert len(broker.acks) <= count, (broker.acks, count)


def a_time_ends_it():
    broker = FakeBroker(publish("shop/n", "1", 9))
    run_ok(step(broker.port, {"for": "2s"}))
    broker.wait(lambda: broker.ended)
    assert stored("payload") == [("1",)] and broker.acks == [9] and broker.ended == ["disconnect"]
    silent = FakeBroker()
    run_ok(step(silent.port, {"for": "50ms"}, table="none"))
    assert rows("t.db", "SELECT count(*) FROM none") == [(0,)]


def what_comes_is_committed_while_it_waits():
    broker = FakeBroker(publish("shop/n", "1"), "wait")
    process, events = start(step(broker.port, {"for": "1h"}, flush_every="20ms"))
    while not (is_there() and stored("payload") == [("1",)]):
        assert process.poll() is None, finish(process, events).log
    process.send_signal(signal.SIGTERM)
    result = finish(process, events)
    assert result.code == 143 and result.error["code"] == "cancelled", (result.code, result.error)
    assert stored("payload") == [("1",)]


def many_in_one_piece():
    count = 20000
    everything = b"".join(publish(f"shop/{i % 7}", str(i)) for i in range(count))
    broker = FakeBroker(everything, publish("shop/large", "x" * 3000000))
    run_ok(step(broker.port, {"messages": count + 1}))
    assert stored("count(*)", "count(DISTINCT payload)", "max(length(payload))") == [(count + 1, count + 1, 3000000)]
    assert rows("t.db", "SELECT sum(CAST(payload AS INTEGER)) FROM log WHERE topic <> 'shop/large'") == [(count * (count - 1) // 2,)]


def a_broker_that_breaks_off():
    first = publish("shop/n", "1") + publish("shop/n", "2", 2)
    for script, code, word in [((first, "close"), "offline", "ended the connection"), ((first, b"\x30\xff\xff\xff\xff\x01"), "corrupt", "not as MQTT"),
                               ((first, publish("", "x")), "corrupt", "a message"), ((first, b"\x30\xff\xff\xff\x7f"), "full", "268435460 bytes"),
                               ((first, b"\x50\x02\x00\x01"), "corrupt", "a packet"), ((first, b"HTTP/1.1 400 " * 9), "corrupt", "not as MQTT")]:
        broker = FakeBroker(*script)
        result = run(step(broker.port, {"messages": 5}))
        assert result.code == 1 and result.error["code"] == code and word in result.error["message"], result.error
        assert f"mqtt 127.0.0.1:{broker.port}: " in result.error["message"], result.error
        assert stored("payload")[-2:] == [("1",), ("2",)], "what came before is kept"
        os.remove("t.db")
        for rest in ("t.db-wal", "t.db-shm"):
            if os.path.exists(rest):
                os.remove(rest)
    broker = FakeBroker("close")
    result = run(step(broker.port, {"messages": 5}))
    assert result.error["code"] == "offline" and not is_there(), result.error


def logins_that_are_refused():
    for answer, code, word in [(b"\x20\x02\x00\x01", "invalid", "3.1.1"), (b"\x20\x02\x00\x02", "invalid", "client_id"),
                               (b"\x20\x02\x00\x03", "offline", "not available"), (b"\x20\x02\x00\x04", "denied", "password"),
                               (b"\x20\x02\x00\x05", "denied", "not authorized"), (b"\x20\x02\x00\x77", "corrupt", "login"),
                               (b"\x90\x03\x00\x01\x00", "corrupt", "login"), (b"SSH-2.0-OpenSSH " * 9, "corrupt", "login")]:
        broker = FakeBroker(connack=answer)
        result = run(step(broker.port, {"messages": 1}))
        assert result.code == 1 and result.error["code"] == code and word in result.error["message"], (answer, result.error)
    broker = FakeBroker(suback=b"\x01\x80")
    result = run(step(broker.port, {"messages": 1, "topics": ["a", "b/#"]}))
    assert result.error["code"] == "denied" and '"b/#"' in result.error["message"], result.error
    broker = FakeBroker(connack=b"")
    result = run(step(broker.port, {"messages": 1, "timeout": "50ms"}))
    assert result.error["code"] == "timeout" and "login" in result.error["message"], result.error
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = run(step(port, {"messages": 1}))
    assert result.error["code"] == "offline" and "refused" in result.error["message"], result.error
    result = run(step(port, {"messages": 1, "host": "no-such-host.invalid"}))
    assert result.error["code"] == "offline" and "no-such-host.invalid" in result.error["message"], result.error


def wrong_options():
    for tap, word in [({}, '"for" or "messages"'), ({"messages": 1, "topics": []}, "topics"), ({"messages": 1, "topics": [""]}, "empty"),
                      ({"messages": 1, "format": "xml"}, "xml"), ({"messages": 1, "topics": ["x" * 65536]}, "longer"), ({"for": "-1s"}, "for")]:
        result = run(step(1, tap))
        assert result.error["code"] == "invalid" and word in result.error["message"], (word, result.error)
    result = run(step(1, {"messages": 1, "client_id": "till-7"}, mode="overwrite"))
    assert result.error["code"] == "invalid" and "overwrite" in result.error["message"], result.error


def a_real_broker_keeps_what_comes_between_runs():
    if not mosquitto.is_there():
        return
    with mosquitto.Mosquitto() as broker:
        run_ok(step(broker.port, {"for": "100ms", "client_id": "till-7"}))
        broker.publish(*((f"shop/{i}", str(i)) for i in range(90)))
        run_ok(step(broker.port, {"messages": 40, "client_id": "till-7"}))
        assert stored("count(*)") == [(40,)], "the rest is left at the broker"
        run_ok(step(broker.port, {"messages": 50, "client_id": "till-7"}))
        assert stored("payload") == [(str(i),) for i in range(90)], "each once, in order"
        run_ok(step(broker.port, {"for": "100ms", "client_id": "till-7"}))
        assert stored("count(*)") == [(90,)]
        process, events = start(step(broker.port, {"messages": 5, "topics": ["new/+"]}))
        while process.poll() is None:
            broker.publish(("new/x", "y"))
        assert finish(process, events).code == 0 and stored("count(*)") == [(95,)]


main([messages_are_rows, json_and_what_is_not, acknowledged_once_it_is_durable, a_few_are_acknowledged_too,
      killed_before_the_commit_nothing_is_acknowledged, a_time_ends_it, what_comes_is_committed_while_it_waits, many_in_one_piece,
      a_broker_that_breaks_off, logins_that_are_refused, wrong_options, a_real_broker_keeps_what_comes_between_runs])
