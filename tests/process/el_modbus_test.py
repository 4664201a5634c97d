"""Tap modbus against a device that plays each fault: values, requests, exceptions, silence, and what is kept of a run that breaks off."""
import json
import os
import signal
import socket
import struct
import sys

from el_step import finish, main, request, rows, run, run_ok, start
from modbus_server import COIL, DISCRETE, HOLDING, INPUT, RtuDevice, TcpDevice

SHORT = "1s"  # where the device is silent: too long for nobody, and long enough for a machine that is busy


def step(device, registers, tap=None, **target):
    place = {"device": device.path} if isinstance(device, RtuDevice) else {"host": "127.0.0.1", "port": device.port}
    return request(dict({"type": "modbus", "registers": registers, "timeout": "20s", "retries": 0}, **place, **(tap or {})),
                   dict({"type": "sqlite", "path": "t.db", "table": "plc", "mode": "append"}, **target))


def words(fmt, value):
    packed = struct.pack(">" + fmt, value)
    return struct.unpack(f">{len(packed) // 2}H", packed)


def one(name, address, **more):
    return dict({"name": name, "address": address}, **more)


def values(*columns):
    return rows("t.db", f"SELECT {', '.join(columns)} FROM plc ORDER BY rowid")


def is_there():
    return os.path.exists("t.db") and rows("t.db", "SELECT name FROM sqlite_schema WHERE name = 'plc'") != []


def every_type_in_every_order():
    device = TcpDevice()
    types = {"uint16": ("H", 65535), "int16": ("h", -2), "uint32": ("I", 4000000000), "int32": ("i", -70000), "uint64": ("Q", 2**62 + 1),
             "int64": ("q", -2**62 - 1), "float32": ("f", 21.3), "float64": ("d", -1.1e-9)}
    registers = []
    expected = []
    address = 0
    for name, (fmt, value) in types.items():
        for word_order in ("big", "little"):
            for byte_order in ("big", "little"):
                sent = list(words(fmt, value))
                sent = sent[::-1] if word_order == "little" else sent
                sent = [w >> 8 | (w & 255) << 8 for w in sent] if byte_order == "little" else sent
                device.put(HOLDING, address, *sent)
                registers.append(one(f"{name}_{word_order}_{byte_order}", address, type=name, word_order=word_order, byte_order=byte_order))
                expected.append(value)
                address += len(sent)
    device.put(HOLDING, address, 0x5075, 0x6D70, 0x2031, 0x0000)
    registers.append(one("label", address, type="string", length=4))
    result = run_ok(step(device, registers))
    names = [r["name"] for r in registers]
    assert values(*names) == [tuple(expected) + ("Pump 1",)], values(*names)
    assert device.requests == [(1, HOLDING, 0, address + 4)], device.requests
    types = {c["name"]: c["type"] for c in result.metadata["dagster/column_schema"]["columns"]}
    assert (types["time"], types["int16_big_big"], types["float64_big_big"], types["label"]) == ("TEXT", "INTEGER", "REAL", "TEXT"), types
    assert result.metadata["rows_read"] == 1 and result.metadata["bytes_read"] == 2 * (address + 4)


def the_four_tables():
    device = TcpDevice()
    device.put(HOLDING, 7, 215)
    device.put(INPUT, 7, 0b100)
    device.put(COIL, 0, *[i % 3 == 0 for i in range(20)])
    device.put(DISCRETE, 7, 1)
    run_ok(step(device, [one("temp", 7, type="int16", scale=0.1, offset=-1), one("alarm", 7, kind="input", type="bit", bit=2),
                         one("valve", 9, kind="coil"), one("pump", 10, kind="coil"), one("door", 7, kind="discrete", unit=5)], {"unit": 3}))
    assert values("temp", "alarm", "valve", "pump", "door") == [(20.5, 1, 1, 0, 1)]
    assert device.requests == [(3, HOLDING, 7, 1), (3, INPUT, 7, 1), (3, COIL, 9, 2), (5, DISCRETE, 7, 1)], device.requests


def long_reads_and_gaps():
    device = TcpDevice()
    device.put(HOLDING, 0, *range(300))
    device.put(COIL, 0, *[i % 2 for i in range(2100)])
    run_ok(step(device, [one(f"r{i}", i) for i in range(300)] + [one("first", 0, kind="coil"), one("last", 2099, kind="coil"),
                                                                one("middle", 1999, kind="coil")], {"gap": 2000}))
    assert device.requests == [(1, HOLDING, 0, 125), (1, HOLDING, 125, 125), (1, HOLDING, 250, 50), (1, COIL, 0, 2000), (1, COIL, 2099, 1)]
    assert values("r0", "r124", "r125", "r299", "first", "middle", "last") == [(0, 124, 125, 299, 0, 1, 1)]
    device.requests.clear()
    run_ok(step(device, [one("a", 10), one("b", 13)], {"gap": 1}, table="gaps"))
    assert device.requests == [(1, HOLDING, 10, 1), (1, HOLDING, 13, 1)]


def samples_at_their_pace():
    device = TcpDevice()
    device.put(HOLDING, 0, 1)
    result = run_ok(step(device, [one("a", 0)], {"samples": 4, "every": "20ms"}))
    assert len(device.requests) == 4 and device.connections == 1
    assert values("count(DISTINCT time)", "count(*)") == [(4, 4)] and result.metadata["rows_read"] == 4
    run_ok(step(device, [one("a", 0)]))
    assert values("count(*)") == [(5,)], "no state: the next run adds its own"


def exceptions_by_name():
    device = TcpDevice()
    device.put(HOLDING, 0, 1)
    for number, code, word in [(1, "invalid", "illegal function"), (2, "invalid", "illegal data address"), (3, "invalid", "illegal data value"),
                               (4, "io", "server device failure"), (8, "io", "memory parity error"), (9, "io", "does not know")]:
        device.plan = [number]
        device.requests.clear()
        result = run(step(device, [one("a", 0)], {"retries": 3}))
        assert result.code == 1 and result.error["code"] == code and word in result.error["message"], result.error
        assert f"127.0.0.1:{device.port}: unit 1, holding 0 to 0" in result.error["message"], result.error
        assert len(device.requests) == 1, "what a device refuses is not asked again"
    device.plan = [2]
    assert "40101" in run(step(device, [one("a", 0)])).error["hint"]
    assert not is_there(), "nothing was read, nothing is made"


def what_may_pass_is_tried_again():
    device = TcpDevice()
    device.put(HOLDING, 0, 77)
    device.put(COIL, 0, 1)
    for fault in (5, 6, 10, 11, "silence", "cut", "half", "wrong_id", "wrong_function", "short", "long", "garbage"):
        device.plan = [fault]
        device.requests.clear()
        run_ok(step(device, [one("a", 0), one("c", 0, kind="coil")], {"retries": 1, "timeout": SHORT}, mode="overwrite"))
        assert values("a", "c") == [(77, 1)], fault
        assert len(device.requests) == 3, (fault, device.requests)


def and_then_the_step_fails():
    device = TcpDevice()
    device.put(HOLDING, 0, 77)
    for fault, code, word in [("silence", "timeout", "no answer in time"), ("cut", "offline", "reset"), ("half", "timeout", "no answer in time"),
                              ("wrong_id", "corrupt", "makes no sense"), ("short", "corrupt", "makes no sense"), (6, "busy", "server device busy"),
                              (11, "offline", "gateway target")]:
        device.plan = [fault] * 3
        device.requests.clear()
        result = run(step(device, [one("a", 0)], {"retries": 2, "timeout": SHORT}))
        assert result.code == 1 and result.error["code"] == code and word in result.error["message"], (fault, result.error)
        device.wait_for(3)
        assert len(device.requests) == 3, fault
    assert not is_there()


def a_late_answer_is_not_the_next_one():
    """The answer that comes to a connection given up on is read by nobody."""
    device = TcpDevice()
    device.put(HOLDING, 0, 1)
    device.plan = ["ok", "silence", "ok"]
    run_ok(step(device, [one("a", 0)], {"retries": 1, "samples": 2, "every": "10ms", "timeout": SHORT}))
    assert device.connections == 2 and values("a") == [(1,), (1,)]


def rows_before_the_silence_are_kept():
    device = TcpDevice()
    device.put(HOLDING, 0, 5, 6)
    device.put(INPUT, 0, 9)
    device.plan = ["ok", "ok", "ok", "ok", "ok", "silence"]  # the third sample's second request
    registers = [one("a", 0), one("b", 0, kind="input")]
    result = run(step(device, registers, {"samples": 10, "every": "10ms", "timeout": SHORT}))
    assert result.code == 1 and result.error["code"] == "timeout" and "input 0 to 0" in result.error["message"], result.error
    assert values("a", "b") == [(5, 9), (5, 9)], "whole rows only"
    assert result.of("materialization") == []
    device.plan = ["ok", "ok", "silence"]
    result = run(step(device, registers, {"samples": 10, "every": "10ms", "timeout": SHORT}, mode="overwrite"))
    assert result.code == 1 and values("a", "b") == [(5, 9), (5, 9)], "an overwrite is whole or not at all"
    run_ok(step(device, registers))
    assert len(values("a")) == 3


def devices_that_are_not_there():
    with socket.create_server(("127.0.0.1", 0)) as free:
        device = TcpDevice()
        device.close()
        device.port = free.getsockname()[1]
    result = run(step(device, [one("a", 0)]))
    assert result.code == 1 and result.error["code"] == "offline" and "refused" in result.error["message"], result.error
    wrong = step(device, [one("a", 0)])
    wrong["tap"]["host"] = "no-such-host.invalid"
    result = run(wrong)
    assert result.code == 1 and result.error["code"] == "offline" and "no-such-host.invalid" in result.error["message"], result.error
    assert "refused" not in result.error["message"], result.error
    del wrong["tap"]["host"]
    wrong["tap"]["device"] = "/dev/no-such-line"
    result = run(wrong)
    assert result.code == 1 and result.error["code"] == "not_found" and "/dev/no-such-line" in result.error["message"], result.error


def sigterm_ends_a_wait():
    device = TcpDevice()
    device.put(HOLDING, 0, 5)
    process, events = start(step(device, [one("a", 0)], {"samples": 2, "every": "1h"}, flush_every="20ms"))
    while not is_there():
        assert process.poll() is None, finish(process, events).log
    process.send_signal(signal.SIGTERM)
    result = finish(process, events)
    assert result.code == 143 and result.error["code"] == "cancelled", (result.code, result.error)
    assert values("a") == [(5,)], "what was committed stays"
    device.plan = ["silence"] * 2
    process, events = start(step(device, [one("a", 0)], {"timeout": "60s"}))
    device.wait_for(2)
    process.send_signal(signal.SIGTERM)
    assert finish(process, events).code == 143
    assert values("a") == [(5,)]


def wrong_options():
    device = TcpDevice()
    for registers, tap, word in [
            ([], {}, "registers"), ([one("a", 65536)], {}, "address"), ([one("a", 0), one("A", 1)], {}, "differ only in case"),
            ([one("time", 0)], {}, "occurs twice"), ([one("a", 0, type="string")], {}, '"length" is missing'),
            ([one("a", 0, kind="coil", type="uint16")], {}, "type bit"), ([one("a", 0, typ="bit")], {}, "typ"), ([one("a", 0)], {"unit": 250}, "247"),
            ([one("a", 0)], {"device": "/dev/ttyS0"}, "two ways"), ([one("a", 0)], {"host": ""}, '"host" is missing'),
            ([one("a", 0)], {"samples": 2}, '"every" is missing'), ([one("a", 0, type="float16")], {}, "float16")]:
        asked = step(device, registers)
        asked["tap"].update(tap)
        result = run(asked)
        assert result.error["code"] == "invalid" and word in result.error["message"], (word, result.error)
    assert device.requests == [] and device.connections == 0


def a_serial_line():
    try:
        device = RtuDevice()
    except OSError as reason:  # a container may have no /dev/pts
        print(f"not run: no pseudo-terminal: {reason}")
        return
    device.units = [7]
    device.put(HOLDING, 100, *words("f", 21.3), 3)
    device.put(DISCRETE, 0, 1, 0, 1)
    registers = [one("temp", 100, type="float32"), one("n", 102), one("a", 0, kind="discrete"), one("b", 1, kind="discrete")]
    tap = {"unit": 7, "parity": "none", "baud": 9600, "retries": 2, "timeout": SHORT}
    run_ok(step(device, registers, tap, mode="overwrite"))
    assert values("temp", "n", "a", "b") == [(21.3, 3, 1, 0)]
    assert device.requests == [(7, HOLDING, 100, 3), (7, DISCRETE, 0, 2)], device.requests
    for fault in ("silence", "half", "bad_crc", "wrong_unit", 6):
        device.plan = [fault]
        run_ok(step(device, registers, tap, mode="overwrite"))
        assert values("temp", "n", "a", "b") == [(21.3, 3, 1, 0)], fault
    result = run(step(device, registers, {"unit": 8, "parity": "none", "timeout": SHORT}))
    assert result.error["code"] == "timeout" and device.path in result.error["message"] and "unit 8" in result.error["message"], result.error
    device.plan = [2]
    assert "illegal data address" in run(step(device, registers, {"unit": 7, "parity": "none"})).error["message"]


def is_in_this_build():
    result = run(request({"type": "modbus", "registers": []}, {"type": "sqlite", "path": "t.db", "mode": "append"}))
    if "not in this build" not in result.error["message"]:
        return True
    assert "libmodbus-dev" in result.error["hint"], result.error
    print("skipped:", json.dumps(result.error))
    return False


if not is_in_this_build():
    sys.exit(77)
main([every_type_in_every_order, the_four_tables, long_reads_and_gaps, samples_at_their_pace, exceptions_by_name,
      what_may_pass_is_tried_again, and_then_the_step_fails, a_late_answer_is_not_the_next_one, rows_before_the_silence_are_kept,
      devices_that_are_not_there, sigterm_ends_a_wait, wrong_options, a_serial_line])
