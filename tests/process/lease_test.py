"""Pools that the fleet shares: real hub, broker and devices; never more steps at once than there are places."""
import json
import os
import sys
import time

from fleet import Fleet, run_tests, wait_for

# A step writes when it begins and ends; all devices write into one file.
DEFINITIONS = """project: load
pools:
  warehouse: {{limit: 4, fleet: true, wait: {wait}}}
assets:
{assets}
"""
ASSET = """  - key: load/{name}
    pool: warehouse
    run: ["sh", "-c", "echo + >> {log}; sleep 0.5; echo - >> {log}"]
"""


def definitions(log, wait="1h", assets=3):
    return DEFINITIONS.format(wait=wait, assets="".join(ASSET.format(name=f"a{i}", log=log) for i in range(assets)))


def most_at_once(log):
    now = most = 0
    with open(log) as f:
        for line in f:
            now += 1 if line == "+\n" else -1
            most = max(most, now)
    assert now == 0, now
    return most


def ended(log):
    return open(log).read().count("-\n") if os.path.exists(log) else 0


def pools(fleet):
    return [json.loads(line) for line in fleet.command("pools", "--json").splitlines()]


def no_more_than_there_are_places():
    with Fleet() as fleet:
        log = os.path.join(fleet.dir, "log")
        fleet.start_hub()
        fleet.command("pools", "set", "warehouse", "2", "--lease", "2s")
        time.sleep(2.5)  # a new pool listens first for those that hold places
        devices = [fleet.device(name, definitions(log)) for name in ("a", "b", "c")]
        for device in devices:
            device.enrol()
            device.start()
        for device in devices:
            device.command("materialize", "*", "--no-wait")
        seen = []
        wait_for("all have loaded", lambda: seen.append(pools(fleet)) or ended(log) == 9, 90)
        assert most_at_once(log) == 2, open(log).read()
        assert any(p.get("granted", 0) > 0 for listed in seen for p in listed), seen
        wait_for("all places are given back", lambda: [p for p in pools(fleet) if "device" in p] == [])
        assert "warehouse" in fleet.command("pools")
        fleet.command("pools", "remove", "warehouse")
        assert fleet.command("pools", "remove", "warehouse", code=None).returncode != 0


def a_device_that_dies_gives_way_and_one_without_a_hub_goes_on():
    with Fleet() as fleet:
        log = os.path.join(fleet.dir, "log")
        fleet.start_hub()
        fleet.command("pools", "set", "warehouse", "1", "--lease", "3s")
        first = fleet.device("a", definitions(log).replace("sleep 0.5", "sleep 600"))
        second = fleet.device("b", definitions(log, wait="2s"))
        for device in (first, second):
            device.enrol()
            device.start()
        first.command("materialize", "load/a0", "--no-wait")
        wait_for("it holds the place", lambda: [p.get("granted") for p in pools(fleet)] == [1])
        second.command("materialize", "load/a0", "--no-wait")
        wait_for("the other waits", lambda: ("b", 0) in [(p["device"], p["granted"]) for p in pools(fleet)])
        first.daemon.kill()
        wait_for("it has the place", lambda: ended(log) == 1, 60)
        fleet.hub.kill()
        fleet.kill_broker()
        time.sleep(4)  # what it was granted has ended
        second.command("materialize", "load/a1", "--no-wait")
        wait_for("it goes on alone", lambda: ended(log) == 2, 60)
        assert "lease.begins_alone" in second.daemon.read_log()


def a_paused_pool_lets_nothing_begin():
    with Fleet() as fleet:
        log = os.path.join(fleet.dir, "log")
        fleet.start_hub()
        fleet.command("pools", "set", "warehouse", "1", "--lease", "2s")
        device = fleet.device("a", definitions(log).replace("sleep 0.5", "while [ ! -e go ]; do sleep 0.05; done"))
        device.enrol()
        device.start()
        device.command("materialize", "*", "--no-wait")
        wait_for("one runs", lambda: os.path.exists(log) and open(log).read() == "+\n")
        assert fleet.command("pools", "pause", "nosuch", code=None).returncode == 3
        fleet.command("pools", "pause", "warehouse")
        assert pools(fleet)[0]["paused"] and "paused by " in fleet.command("pools")
        assert pools(fleet)[0]["paused_by"].endswith("(local)") and pools(fleet)[0]["paused_at"], pools(fleet)
        fleet.command("command", "ping", "--to", "a", "--wait")  # what the hub said before has arrived
        open(os.path.join(device.dir, "go"), "w").close()
        wait_for("it ran to its end", lambda: ended(log) == 1)
        fleet.hub.kill()  # a pause holds across a restart, and nobody's place is lost
        fleet.start_hub()
        time.sleep(3)  # longer than a lease: whoever may begin has begun
        assert open(log).read() == "+\n-\n", open(log).read()
        fleet.command("pools", "resume", "warehouse")
        wait_for("the others run", lambda: ended(log) == 3)
        assert most_at_once(log) == 1 and not pools(fleet)[0]["paused"]
        assert "paused_by" not in pools(fleet)[0] and "paused_at" not in pools(fleet)[0], pools(fleet)


if __name__ == "__main__":
    sys.exit(run_tests([no_more_than_there_are_places, a_paused_pool_lets_nothing_begin, a_device_that_dies_gives_way_and_one_without_a_hub_goes_on],
                       at_once=3))
