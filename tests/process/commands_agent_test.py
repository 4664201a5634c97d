"""Commands from the hub's command line to real agents, and back: what an operator sees of each verb."""
import json
import sys
import time

from breaking_proxy import BreakingProxy
from fleet import HUB, Fleet, run, run_tests, sample, wait_for

DEFINITIONS = """
project: shop
assets:
  - {key: a, run: [sh, -c, 'echo out of a; echo err of a >&2']}
  - {key: b, deps: [a], run: [sh, -c, 'test -e FLAG']}
  - {key: slow, run: [sleep, '60']}
  - key: daily
    partitions: {daily: {start: "2026-01-01", end: "2026-01-06"}}
    run: [sh, -c, 'sleep 0.2']
jobs:
  - {name: both, select: 'a or b'}
schedules:
  - {name: nightly, job: both, cron: "0 3 * * *"}
"""


class World(Fleet):
    def __init__(self, *names):
        super().__init__("test")
        self.names = names

    def __enter__(self):
        super().__enter__()
        self.start_hub()
        for name in self.names:
            device = self.device(name)
            device.define(DEFINITIONS.replace("FLAG", device.dir + "/flag"))
            device.enrol()
            device.start()
        wait_for("all are online", lambda: self.query("SELECT count(*) FROM connection WHERE is_online = 1") == [(len(self.names),)])
        return self

    def give(self, *argv, code=0):
        done = run(HUB, "command", *argv, "--json", "--state-dir", self.hub_dir, code=None)
        assert done.returncode == code, (argv, done.returncode, done.stdout, done.stderr)
        return [json.loads(line) for line in (done.stdout or done.stderr).splitlines()]

    def fates(self, command):
        rows = [json.loads(line) for line in self.command("commands", command, "--json").splitlines()]
        return {r["device"]: r["status"] for r in rows[1:]}


def runs_are_started_tried_again_and_canceled():
    with World("one", "two") as world:
        given = world.give("--to", "*", "run-job", "both", "--tag", "why=test", "--wait", code=1)
        assert {g["status"] for g in given[1:]} == {"failed"} and all("b" in g["reason"] for g in given[1:]), given
        failed = {g["device"]: g["run"] for g in given[1:]}
        # It shows where it came from.
        listed = [json.loads(line) for line in world.command("runs", "--json").splitlines()]
        assert {r["cause"] for r in listed} == {"command"} and {r["cause_name"] for r in listed} == {given[0]["command"]}, listed

        open(world.devices[0].dir + "/flag", "w").close()
        again = world.give("retry", failed["one"], "--wait")  # to the device of the run
        assert again[0]["devices"] == 1 and again[1]["device"] == "one" and again[1]["status"] == "succeeded", again
        both = world.give("--to", "*", "retry", "--of-command", given[0]["command"], "--wait", code=1)
        assert {g["device"]: g["status"] for g in both[1:]} == {"one": "succeeded", "two": "failed"}, both

        slow = world.give("--to", "one", "materialize", "slow")[0]["command"]
        wait_for("it runs", lambda: world.fates(slow) == {"one": "started"})
        world.give("--to", "one", "cancel", "--of-command", slow, "--wait")
        wait_for("it has ended", lambda: world.fates(slow) == {"one": "failed"})
        unknown = world.give("--to", "one", "materialize", "nothing", "--wait", code=1)
        assert unknown[1]["status"] in ("failed", "refused") and "nothing" in unknown[1]["reason"], unknown
        world.command("rebuild", "--check")


def devices_are_asked_and_told():
    with World("one") as world:
        pong = world.give("--to", "one", "ping", "--wait")
        assert pong[1]["status"] == "succeeded" and pong[1]["result"]["version"], pong
        world.give("--to", "one", "set", "log_level=debug", "--wait")
        world.give("--to", "one", "pause", "schedules", "nightly", "--wait")
        assert "paused" in world.devices[0].command("schedules"), world.devices[0].command("schedules")
        world.give("--to", "one", "resume", "schedules", "--wait")
        assert "paused" not in world.devices[0].command("schedules")
        told = world.give("--to", "one", "describe", "device", "--wait")
        assert told[1]["status"] == "succeeded", told
        made = world.give("--to", "one", "materialize", "a", "--wait")
        shown = world.command("logs", made[1]["run"], "--output")
        assert "out of a\n" in shown and "err of a\n" in shown and "stderr" in shown, shown


def output_comes_over_a_link_that_breaks():
    with World() as world:
        proxy = BreakingProxy(world.port, 160 * 1024, is_up=True)
        world.closers.append(proxy.close)
        device = world.device("barge", DEFINITIONS.replace("echo out of a", "seq 100000 140000"))
        device.write_settings(hub_host="127.0.0.1", hub_port=proxy.port, reconnect_max="1s")
        device.enrol()
        device.start()
        device.command("materialize", "a")
        run_id = device.runs()[0]["run"]
        wait_for("the hub knows that it wrote something", lambda: run_id in world.command("runs", "--json")
                 and "logs_captured" in world.command("logs", run_id, "--json"))
        broken = proxy.broken
        shown = world.command("logs", run_id, "--output", "--timeout", "90s", "--json", timeout=100)
        pieces = [piece for piece in map(json.loads, shown.splitlines()) if piece["stream"] == "stdout"]
        assert "".join(piece["text"] for piece in pieces) == "".join(f"{i}\n" for i in range(100000, 140001))
        asked = [c for c in map(json.loads, world.command("commands", "--json").splitlines()) if c["verb"] == "logs"]
        print(f"{proxy.broken - broken} breaks, {len(asked)} commands for {sum(len(piece['text']) for piece in pieces)} bytes")
        assert proxy.broken > broken


def a_fleet_backfills_a_device_at_a_time():
    with World("one", "two", "three") as world:
        command = world.give("--to", "*", "backfill", "daily", "--partitions", "2026-01-01..2026-01-05",
                             "--devices-at-once", "1")[0]["command"]
        most = 0

        def is_done():
            nonlocal most
            fates = list(world.fates(command).values())
            most = max(most, sum(f in ("sent", "received", "started") for f in fates))
            return fates == ["succeeded"] * 3
        wait_for("all have made it", is_done, 60)
        assert most == 1, most
        for device in world.devices:
            assert device.query("SELECT count(*) FROM run WHERE status = 'success'")[0][0] >= 1


def nothing_is_done_twice():
    """Agents, hub and broker are killed while commands are on their way; each is carried out once."""
    with World("one", "two") as world:
        given = []
        for i in range(6):
            given.append(world.give("--to", "*", "materialize", "a", "--tag", f"n={i}")[0]["command"])
            if i == 1:
                world.devices[0].daemon.kill()
            elif i == 2:
                world.hub.kill()
            elif i == 3:
                world.start_hub()
                world.devices[0].start()
            elif i == 4:
                world.kill_broker()
            time.sleep(0.3)
        wait_for("all has been carried out", lambda: all(world.fates(c) == {"one": "succeeded", "two": "succeeded"} for c in given), 90)
        for device in world.devices:
            # One run of each; one that a kill interrupted is tried again, and has succeeded once.
            for which in ("parent = ''", "status = 'success'"):
                rows = device.query(f"SELECT json_extract(tags, '$.n'), count(*) FROM run WHERE {which} GROUP BY 1")
                assert sorted(rows) == [(str(i), 1) for i in range(6)], (which, rows)
        world.command("rebuild", "--check")


def other_keys_are_obeyed():
    with World("one", "two") as world:
        ops = world.dir + "/ops.key"
        run(HUB, "key", "create", ops)

        def sign(key, to, *words):
            run(HUB, "sign", "--key", key, "--fleet", "test", "--to", to, *words, "-o", world.dir + "/signed.cmd")
            return world.dir + "/signed.cmd"
        world.devices[1].daemon.stop()  # away while the keys change
        wait_for("two is away", lambda: world.query("SELECT is_online FROM connection WHERE device = 'two'") == [(0,)])
        first_set = world.hub_dir + "/command/keys.pem"
        added = json.loads(world.command("key", "add", ops + ".pub", "--json"))["command"]
        wait_for("one trusts both", lambda: world.fates(added) == {"one": "succeeded", "two": "waiting"})
        assert world.give("--file", sign(ops, "one", "ping"), "--wait")[1]["status"] == "succeeded"
        hub_key = [k["key"] for k in map(json.loads, world.command("key", "list", "--json").splitlines()) if k["is_hub"]][0]
        removed = json.loads(world.command("key", "remove", hub_key, "--json"))["command"]
        wait_for("one trusts the operator alone", lambda: world.fates(removed) == {"one": "succeeded", "two": "waiting"})
        assert world.fates(added) == {"one": "succeeded", "two": "withdrawn"}
        assert open(world.devices[0].state + "/identity/command.pem").read() == open(first_set).read()
        world.devices[1].start()  # learns it by the command that waited, signed by what it trusts
        wait_for("two, too", lambda: world.fates(removed) == {"one": "succeeded", "two": "succeeded"})
        given = world.give("--file", sign(ops, "*", "ping"), "--wait")
        assert {g["device"]: g["status"] for g in given[1:]} == {"one": "succeeded", "two": "succeeded"}, given
        # After a restart it still holds; and an older set cannot be brought back.
        world.devices[0].daemon.stop()
        world.devices[0].start()
        old = sign(ops, "*", "--expires", "30d", "trust", ops + ".pub")
        kept = open(old, "rb").read()
        time.sleep(0.01)
        world.give("--file", sign(ops, "*", "--expires", "30d", "trust", ops + ".pub"), "--wait")
        with open(old, "wb") as f:
            f.write(kept)
        assert "signed later" in world.give("--file", old, code=6)[0]["error"]["message"]


ALWAYS = [other_keys_are_obeyed, nothing_is_done_twice]
SOMETIMES = [output_comes_over_a_link_that_breaks, runs_are_started_tried_again_and_canceled, devices_are_asked_and_told, a_fleet_backfills_a_device_at_a_time]

if __name__ == "__main__":
    sys.exit(run_tests(sample(ALWAYS, SOMETIMES, 1), at_once=3))
