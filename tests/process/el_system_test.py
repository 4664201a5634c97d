"""Tap system on the host that runs this test, into SQLite."""
import os
import signal
import time

from el_step import finish, main, request, rows, run, run_ok, start


def step(tap, **target):
    return request(dict({"type": "system"}, **tap), dict({"type": "sqlite", "path": "t.db", "table": "host", "mode": "append"}, **target))


def value(name, label=""):
    found = rows("t.db", "SELECT value FROM host WHERE name = ? AND label = ? ORDER BY time DESC LIMIT 1", name, label)
    assert len(found) == 1, (name, label)
    return found[0][0]


def a_sample_of_this_host():
    before = float(open("/proc/uptime", encoding="ascii").read().split()[0])
    result = run_ok(step({}))
    after = float(open("/proc/uptime", encoding="ascii").read().split()[0])
    assert before <= value("uptime") <= after
    with open("/proc/meminfo", encoding="ascii") as file:
        total = int(file.readline().split()[1]) * 1024
    assert value("memory_total") == total and 0 < value("memory_available") <= total
    assert value("memory_used") == total - value("memory_available")
    shares = rows("t.db", "SELECT sum(value) FROM host WHERE unit = 'percent' AND name IN ('cpu_user', 'cpu_nice', 'cpu_system', "
                          "'cpu_idle', 'cpu_iowait', 'cpu_irq', 'cpu_softirq', 'cpu_steal')")
    assert abs(shares[0][0] - 100) < 1e-6, shares
    assert 0.9 < value("cpu_interval") and value("cpu_count") == len([n for n in open("/proc/stat", encoding="ascii") if n.startswith("cpu")]) - 1
    root = os.statvfs("/")
    if rows("t.db", "SELECT 1 FROM host WHERE name = 'filesystem_total' AND label = '/'"):
        assert value("filesystem_total", "/") == root.f_blocks * root.f_frsize
    for interface in os.listdir("/sys/class/net"):
        assert interface == "lo" or value("network_received_bytes", interface) >= 0
    assert value("clock_synchronised") in (0, 1)
    assert rows("t.db", "SELECT count(DISTINCT time), count(*) - count(DISTINCT name || '|' || label) FROM host") == [(1, 0)]
    assert result.metadata["rows_read"] == rows("t.db", "SELECT count(*) FROM host")[0][0]
    types = [(c["name"], c["type"]) for c in result.metadata["dagster/column_schema"]["columns"]]
    assert types == [("time", "TEXT"), ("name", "TEXT"), ("label", "TEXT"), ("value", "REAL"), ("unit", "TEXT")], types


def several_samples_of_chosen_groups():
    run_ok(step({"groups": ["memory", "clock"], "samples": 3, "every": "30ms"}))
    assert rows("t.db", "SELECT count(DISTINCT time) FROM host") == [(3,)]
    names = {name.split("_")[0] for name, in rows("t.db", "SELECT name FROM host")}
    assert names == {"memory", "swap", "clock", "uptime"}, names
    run_ok(step({"groups": ["memory"], "samples": 1}))
    assert rows("t.db", "SELECT count(DISTINCT time) FROM host") == [(4,)], "the next run adds its own"


def the_stream_names_its_key():
    run_ok(step({"groups": ["memory"]}, mode="upsert"))
    keys = rows("t.db", "SELECT name FROM pragma_index_list('host') WHERE \"unique\"")
    columns = rows("t.db", "SELECT name FROM pragma_index_info(?) ORDER BY seqno", keys[0][0]) if keys else \
        rows("t.db", "SELECT name FROM pragma_table_info('host') WHERE pk > 0 ORDER BY pk")
    assert [c for c, in columns] == ["time", "name", "label"], columns


def a_host_without_anything():
    os.mkdir("nothing")
    run_ok(step({"proc": "nothing", "sys": "nothing", "samples": 2, "every": "10ms"}))
    assert rows("t.db", "SELECT DISTINCT name FROM host") == [("clock_synchronised",)]


def samples_are_committed_while_it_waits():
    """The next sample is an hour away: what there is can be seen before, and SIGTERM ends the wait."""
    process, events = start(step({"groups": ["memory"], "samples": 2, "every": "1h"}, flush_every="20ms"))
    deadline = time.monotonic() + 60
    while not (os.path.exists("t.db") and rows("t.db", "SELECT name FROM sqlite_schema WHERE name = 'host'")):
        assert process.poll() is None and time.monotonic() < deadline, finish(process, events).log
    assert value("memory_total") > 0
    process.send_signal(signal.SIGTERM)
    result = finish(process, events)
    assert result.code == 143 and result.error["code"] == "cancelled", (result.code, result.error)
    assert value("memory_total") > 0, "what was committed stays"


def options_that_make_no_sense():
    for tap, word in [({"samples": 2}, '"every" is missing'), ({"for": "1s"}, '"every" is missing'), ({"every": "2m"}, "single sample"),
                      ({"groups": ["weather"]}, "weather"), ({"samples": 0}, "samples"), ({"proc": ""}, "path")]:
        result = run(step(tap))
        assert result.code == 1 or result.code == 2, result.code
        assert result.error["code"] == "invalid" and word in result.error["message"], result.error
    assert not os.path.exists("t.db") or rows("t.db", "SELECT name FROM sqlite_schema") == []


main([a_sample_of_this_host, several_samples_of_chosen_groups, the_stream_names_its_key, a_host_without_anything,
      samples_are_committed_while_it_waits, options_that_make_no_sense])
