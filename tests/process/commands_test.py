"""Commands over a real hub and broker, to devices that a test plays: who is there gets them, who is away gets them later,
across restarts; waves; keys; what was signed elsewhere. What a real agent does with them: command_agent_test.py."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

from fake_device import FakeDevice
from fleet import HUB, Fleet, run, run_tests, sample, wait_for


class World(Fleet):
    def __init__(self):
        super().__init__("test")
        self.fakes = []

    def __enter__(self):
        super().__enter__()
        self.start_hub()
        return self

    def fake(self, name, answer=None, is_there=True):
        fake = FakeDevice(self, name, answer)
        self.fakes.append(fake)
        return fake.connect() if is_there else fake

    def give(self, *argv, code=0, **more):
        done = run(HUB, "command", *argv, "--json", "--state-dir", self.hub_dir, code=None, **more)
        assert done.returncode == code, (argv, done.returncode, done.stdout, done.stderr)
        return [json.loads(line) for line in (done.stdout or done.stderr).splitlines()]

    def fates(self, command):
        rows = [json.loads(line) for line in self.command("commands", command, "--json").splitlines()]
        return {r["device"]: r["status"] for r in rows[1:]}

    def wait_for_fates(self, command, seconds=80, **wanted):
        return wait_for(f"{wanted}", lambda: self.fates(command) == wanted, seconds, 0.1)

    def is_rebuildable(self):
        self.command("rebuild", "--check")


def who_is_there_gets_it_signed():
    with World() as world:
        first, second = world.fake("first"), world.fake("second")
        given = world.give("--to", "*", "materialize", "shop/orders", "--tag", "why=test", "--wait")
        assert given[0]["devices"] == 2 and given[0]["online"] == 2, given
        assert {(g["device"], g["status"]) for g in given[1:]} == {("first", "succeeded"), ("second", "succeeded")}, given
        body = first.bodies()[0]
        assert body["to"] == ["first", "second"] and body["id"] == given[0]["command"], body
        assert body["args"] == {"selection": "shop/orders", "tags": {"why": "test"}} and body["fleet"] == "test", body
        assert second.messages == first.messages and len(first.messages) == 1
        assert 3500 <= first.expiries[0] <= 3600, first.expiries
        # As openssl sees it, with the public key that devices are told at enrolment.
        head, signed = first.messages[0].split(b"\n", 1)
        paths = [os.path.join(world.dir, name) for name in ("body", "sig")]
        for path, content in zip(paths, (signed, bytes.fromhex(json.loads(head)["sig"]))):
            with open(path, "wb") as f:
                f.write(content)
        run("openssl", "dgst", "-sha256", "-verify", world.hub_dir + "/command/keys.pem", "-signature", paths[1], paths[0])
        listed = json.loads(world.command("commands", "--json"))
        assert listed["state"] == "done" and listed["succeeded"] == 2, listed
        assert "succeeded" in world.command("commands") and "2 devices" not in world.command("commands", given[0]["command"])
        world.is_rebuildable()


def who_is_away_gets_it_later():
    """Across a restart of the hub, a killed broker and a device that heard it and said nothing."""
    with World() as world:
        away = world.fake("away", is_there=False)
        deaf = world.fake("deaf", answer=lambda body: None)
        command = world.give("--to", "away,deaf", "ping")[0]["command"]
        wait_for("it was sent", lambda: world.fates(command) == {"away": "waiting", "deaf": "sent"})
        world.hub.kill()
        world.start_hub()
        deaf.disconnect()
        wait_for("deaf is back", lambda: try_to(deaf.connect))
        wait_for("sent again to who said nothing", lambda: len(deaf.messages) == 2)
        deaf.answer = lambda body: [{"status": "received"}, {"status": "succeeded"}]
        away.connect()
        wait_for("the one that was away has it", lambda: len(away.messages) == 1)
        world.wait_for_fates(command, away="succeeded", deaf="sent")
        world.kill_broker()
        wait_for("the broker is there again", lambda: world.broker_pid() is not None)
        deaf.disconnect()
        wait_for("deaf is back", lambda: try_to(deaf.connect))
        world.wait_for_fates(command, away="succeeded", deaf="succeeded")
        time.sleep(0.5)
        assert len(away.messages) == 1, len(away.messages)
        world.is_rebuildable()


def try_to(what):
    try:
        return what()
    except (OSError, AssertionError):
        return None


def what_expires_or_is_withdrawn_is_not_sent():
    with World() as world:
        away = world.fake("away", is_there=False)
        there = world.fake("there")
        begun = time.monotonic()
        done = run(HUB, "command", "--to", "*", "ping", "--expires", "2s", "--wait", "--state-dir", world.hub_dir, code=1)
        assert 1.5 < time.monotonic() - begun < 15
        assert "expired" in done and "never seen" in done and "succeeded" in done, done
        late = world.give("--to", "away", "ping")[0]["command"]
        said = world.command("commands", "cancel", late)
        assert "1 device will not get it" in said, said
        again = run(HUB, "commands", "cancel", late, "--state-dir", world.hub_dir, code=None)
        assert again.returncode == 6 and "nothing to withdraw" in again.stderr, again
        world.wait_for_fates(late, away="withdrawn")
        last = world.give("--to", "away", "ping")[0]["command"]
        away.connect()
        world.wait_for_fates(last, away="succeeded")
        assert [b["id"] for b in away.bodies()] == [last], away.bodies()
        assert len(there.messages) == 1


def outcomes_are_told_apart():
    with World() as world:
        def fails(body):
            return [{"status": "received"}, {"status": "started", "run": "r-1"}, 0.2,
                    {"status": "failed", "code": "failed", "reason": "shop/orders: no disk", "run": "r-1"}]
        for name in ("one", "two"):
            world.fake(name, fails)
        world.fake("three", lambda body: [{"status": "refused", "code": "unknown_asset", "reason": "there is no asset shop/orders"}])
        world.fake("four")
        done = run(HUB, "command", "--to", "*", "materialize", "shop/orders", "--wait", "--state-dir", world.hub_dir, code=1)
        assert "shop/orders: no disk" in done and "there is no asset" in done, done
        lines = [line.split() for line in done.splitlines()]
        assert ["failed", "2"] in [line[:2] for line in lines] and ["refused", "1"] in [line[:2] for line in lines], done
        rows = world.give("--to", "one", "ping", "--wait", code=1)
        assert rows[1]["reason"] == "shop/orders: no disk" and rows[1]["run"] == "r-1" and rows[1]["code"] == "failed", rows


def watching_ends_and_the_command_goes_on():
    with World() as world:
        slow = world.fake("slow", lambda body: [{"status": "received"}, 3, {"status": "succeeded"}])
        assert slow
        watching = subprocess.Popen([HUB, "command", "--to", "slow", "ping", "--wait", "--state-dir", world.hub_dir],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for("it was received", lambda: "received" in world.command("commands"))
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=20)
        assert watching.returncode == 1 and "goes on" in err and "selvedge-hub commands" in err, (watching.returncode, err)
        command = out.split()[0]
        assert world.give("--to", "slow", "ping", "--wait=1s", code=4)
        world.wait_for_fates(command, slow="succeeded")


def a_wave_at_a_time():
    """At most two work on it at a time; one that says nothing and one that is away block nobody; a restart changes nothing."""
    with World() as world:
        working, most, lock = set(), [0], threading.Lock()

        def works(name):
            def answer(body):
                with lock:
                    working.add(name)
                    most[0] = max(most[0], len(working))
                threading.Timer(0.6, lambda: working.discard(name)).start()
                return [{"status": "received"}, {"status": "started"}, 0.7, {"status": "succeeded"}]
            return answer
        for name in ("a", "b", "c", "d"):
            world.fake(name, works(name))
        world.fake("mute", lambda body: None)
        world.fake("zz", is_there=False)
        command = world.give("--to", "*", "backfill", "reports/daily", "--partitions", "2026-01-01..2026-01-31",
                             "--devices-at-once", "2", "--device-timeout", "3s")[0]["command"]
        wait_for("the first have begun", lambda: "succeeded" in world.fates(command).values() or
                 "started" in world.fates(command).values())
        world.hub.stop()
        world.start_hub()
        for fake in world.fakes:
            if fake.name != "zz":
                fake.disconnect()
                fake.connect()
        world.wait_for_fates(command, seconds=80, a="succeeded", b="succeeded", c="succeeded", d="succeeded", mute="overdue",
                             zz="waiting")
        assert most[0] <= 2, most
        body = world.fakes[0].bodies()[0]
        assert body["args"] == {"selection": "reports/daily", "from": "2026-01-01", "to": "2026-01-31"}, body
        world.fakes[5].connect()
        world.wait_for_fates(command, a="succeeded", b="succeeded", c="succeeded", d="succeeded", mute="overdue",
                             zz="succeeded")


def a_backfill_ends_when_its_partitions_are_made():
    """A device says that it has begun it; the fleet goes on to the next when it is over."""
    with World() as world:
        def begins(body):
            return [{"status": "received"}, 0.5, {"status": "succeeded", "result": {"backfill": "b"}}]
        first, second = world.fake("first", begins), world.fake("second", begins)
        command = world.give("--to", "*", "backfill", "reports/daily", "--partitions", "a..z", "--devices-at-once", "1")[0]["command"]
        wait_for("the first has it", lambda: first.messages or second.messages)
        if second.messages:
            first, second = second, first
        for status, fate, last in (("requested", "started", False), ("completed_failed", "failed", True)):
            first.say("backfill", backfill="b1", status=status, tags={"selvedge/command": command, "a": "b"})
            wait_for(fate, lambda fate=fate: world.fates(command)[first.name] == fate)
            if not last:
                time.sleep(1)
                assert not second.messages
        second.say("backfill", backfill="b2", status="requested", tags={"selvedge/command": command})
        second.say("backfill", backfill="b2", status="completed_success")
        world.wait_for_fates(command, **{first.name: "failed", second.name: "succeeded"})
        world.is_rebuildable()


def a_wave_that_goes_wrong_stops():
    with World() as world:
        for name in "abcdefgh":
            world.fake(name, lambda body: [{"status": "received"}, {"status": "failed", "reason": "no disk"}])
        done = run(HUB, "command", "--to", "*", "ping", "--devices-at-once", "1", "--abort-if", "failed > 2", "--wait",
                   "--state-dir", world.hub_dir, code=1)
        assert "3 of 8 devices failed, more than 2" in done, done
        listed = json.loads(world.command("commands", "--json"))
        assert listed["state"] == "stopped" and listed["failed"] == 3 and listed["withdrawn"] == 5, listed
        assert sum(len(f.messages) for f in world.fakes) == 3


def operators_sign_elsewhere():
    with World() as world:
        there = world.fake("there")
        ops, other = os.path.join(world.dir, "ops.key"), os.path.join(world.dir, "other.key")
        run(HUB, "key", "create", ops)
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", other)
        run("openssl", "ec", "-in", other, "-pubout", "-out", other + ".pub")
        signed = os.path.join(world.dir, "ping.cmd")
        run(HUB, "sign", "--key", ops, "--fleet", "test", "--to", "there", "ping", "-o", signed)
        stranger = world.give("--file", signed, code=5)
        assert "not trusted" in stranger[0]["error"]["message"], stranger

        added = json.loads(world.command("key", "add", ops + ".pub", "--json"))
        wait_for("the device is told", lambda: len(there.messages) == 1)
        told = there.bodies()[0]
        assert told["verb"] == "trust" and told["id"] == added["command"] and told["args"]["keys"].count("BEGIN") == 2, told
        given = world.give("--file", signed, "--wait")
        assert given[1]["status"] == "succeeded" and there.messages[1] == open(signed, "rb").read(), given
        twice = world.give("--file", signed, code=1)
        assert "already" in twice[0]["error"]["message"], twice

        # The hub's own key goes: it only carries.
        hub_key = [k["key"] for k in map(json.loads, world.command("key", "list", "--json").splitlines()) if k["is_hub"]][0]
        world.command("key", "remove", hub_key)
        assert not os.path.exists(world.hub_dir + "/command/hub.key")
        wait_for("the device is told", lambda: len(there.messages) == 3)
        assert there.bodies()[2]["args"]["keys"] == open(world.hub_dir + "/command/keys.pem").read()
        refused = world.give("--to", "there", "ping", code=3)
        assert "selvedge-hub sign" in refused[0]["error"]["hint"], refused
        # A device that enrols now trusts the operator's key alone, without a restart of the hub.
        late = world.fake("late", is_there=False)
        keys = open(late.device.state + "/identity/command.pem").read()
        assert keys == open(world.hub_dir + "/command/keys.pem").read() and keys.count("BEGIN") == 1, keys
        # More keys by the operator's: the hub takes them over.
        both = os.path.join(world.dir, "both.pem")
        with open(both, "w") as f:
            f.write(open(ops + ".pub").read() + open(other + ".pub").read())
        trust = os.path.join(world.dir, "trust.cmd")
        run(HUB, "sign", "--key", ops, "--fleet", "test", "--to", "*", "--expires", "30d", "trust", both, "-o", trust)
        world.give("--file", trust)
        assert len(world.command("key", "list", "--json").splitlines()) == 2
        run(HUB, "sign", "--key", other, "--fleet", "test", "--to", "there", "ping", "-o", signed)
        assert world.give("--file", signed, "--wait")[1]["status"] == "succeeded"
        for wrong, why in ((["--fleet", "elsewhere", "--to", "there"], "fleet"), (["--fleet", "test", "--to", "nobody"], "nobody")):
            run(HUB, "sign", "--key", ops, *wrong, "ping", "-o", signed)
            refused = run(HUB, "command", "--file", signed, "--state-dir", world.hub_dir, code=None)
            assert refused.returncode != 0 and why in refused.stderr, refused
        altered = open(signed, "rb").read().replace(b'"ping"', b'"pong"')
        with open(signed, "wb") as f:
            f.write(altered)
        refused = run(HUB, "command", "--file", signed, "--state-dir", world.hub_dir, code=None)
        assert refused.returncode == 5, refused


def text_that_was_asked_for_comes():
    with World() as world:
        there = world.fake("there")
        other = world.fake("other")

        def piece(device, command, offset, data, last=False, name="a/1.stdout"):
            head = {"v": 1, "command": command, "name": name, "offset": offset, "bytes": len(data)}
            device.publish("log", json.dumps(head | ({"last": True} if last else {})).encode() + b"\n" + data)
        command = world.give("--to", "there", "describe")[0]["command"]
        world.wait_for_fates(command, there="succeeded")
        piece(there, command, 6, b"world\n", True)
        piece(there, command, 0, b"hello ")
        piece(there, command, 0, b"hello ")  # twice: it is one
        folder = os.path.join(world.hub_dir, "output", command, "there")
        wait_for("it is kept", lambda: os.path.isdir(folder) and len(os.listdir(folder)) == 2)
        piece(other, command, 0, b"not asked")
        piece(there, "01a20425-dd00-753f-8b4a-fd392505ef1c", 0, b"no such command")
        wait_for("strangers' text is refused", lambda: world.command("refusals", "--json").count('"log"') == 2)
        assert os.listdir(os.path.join(world.hub_dir, "output")) == [command]


def output_of_a_run_is_fetched_once():
    with World() as world:
        run_id = "01a20425-dd00-753f-8b4a-fd392505ef1c"

        def answer(body):
            if body["verb"] != "logs":
                return [{"status": "succeeded"}]
            if body["args"]["stream"] == "stderr":
                return [{"status": "received"}, {"status": "failed", "code": "not_found", "reason": "no output is kept here"}]
            first, last = b"hello \xf0\x9f\x90\x9f", b"world\n"
            for offset, dropped, data, is_last in ((0, 0, first, False), (1000, 990, last, True)):
                head = {"v": 1, "command": body["id"], "name": "a/2.stdout", "offset": offset, "bytes": len(data)}
                head |= {"dropped": dropped} if dropped else {}
                head |= {"last": True} if is_last else {}
                there.publish("log", json.dumps(head).encode() + b"\n" + data)
            return [{"status": "received"}, {"status": "succeeded"}]
        there = world.fake("there", answer)
        members = {"run": run_id, "step": "a"}
        there.say("run_enqueued", run=run_id, selection="a", steps=1)
        there.say("run_start", run=run_id)
        for attempt in (1, 2):
            there.say("step_start", attempt=attempt, **members)
            there.say("logs_captured", attempt=attempt, metadata={"stdout_bytes": {"type": "int", "raw_value": 1006},
                                                                  "stderr_bytes": {"type": "int", "raw_value": 0}}, **members)
        there.say("step_success", attempt=2, **members)
        there.say("run_success", run=run_id)
        wait_for("the run is known", lambda: run_id in world.command("runs", "--json"))
        shown = world.command("logs", "01a2", "--output")
        assert "a, attempt 2, stdout" in shown and "hello 🐟\n[990 bytes were not kept]\nworld\n" in shown, shown
        assert there.bodies()[0]["args"] == {"run": run_id, "step": "a", "attempt": 2, "stream": "stdout"}, there.bodies()
        there.disconnect()
        assert world.command("logs", "01a2", "--output") == shown  # it is here
        as_json = [json.loads(line) for line in world.command("logs", "01a2", "--output", "--json").splitlines()]
        assert [piece["text"] for piece in as_json] == ["hello 🐟", "world\n"], as_json
        none = run(HUB, "logs", "01a2", "--output", "--step", "b", "--state-dir", world.hub_dir, code=None)
        assert none.returncode == 3 and "written anything" in none.stderr, none


def what_is_left_of_a_run_whose_begin_was_lost_is_shown():
    """Neither the run's begin nor a word of its step came: what it made tells its asset, and the device has its output."""
    with World() as world:
        run_id = "01a20425-dd00-753f-8b4a-fd392505ef1d"

        def answer(body):
            if body["args"]["step"] != "a" or body["args"]["attempt"] != 2:
                return [{"status": "received"}, {"status": "failed", "code": "not_found", "reason": "no output is kept here"}]
            head = {"v": 1, "command": body["id"], "name": "a/2.stdout", "offset": 0, "bytes": 6, "last": True}
            there.publish("log", json.dumps(head).encode() + b"\nhello\n")
            return [{"status": "received"}, {"status": "succeeded"}]
        there = world.fake("there", answer)
        there.say("buffer_gap", **{"from": 1, "reason": "quota", "dropped": {"run_enqueued": 1}})
        there.say("asset_materialization", run=run_id, step="a", asset="a")
        there.say("logs_captured", run=run_id, step="a", attempt=2, metadata={"stdout_bytes": {"type": "int", "raw_value": 6}})
        there.say("run_success", run=run_id)
        wait_for("the run is known", lambda: run_id in world.command("runs", "--json"))
        assert run_id in world.command("runs", "--asset", "a", "--json") and run_id not in world.command("runs", "--asset", "b", "--json")
        told = [json.loads(line) for line in world.command("logs", run_id, "--json").splitlines()]
        assert [event["type"] for event in told] == ["asset_materialization", "logs_captured", "run_success"], told
        shown = world.command("logs", run_id, "--output", "--step", "a")
        assert "a, attempt 2, stdout" in shown and "hello\n" in shown, shown
        none = run(HUB, "logs", run_id, "--output", "--step", "b", "--state-dir", world.hub_dir, code=None)
        assert none.returncode != 0 and "hello" not in none.stdout, none


def output_goes_on_where_a_piece_was_lost():
    with World() as world:
        run_id = "01a20425-dd00-753f-8b4a-fd392505ef1e"
        texts = [f"line {i}\n".encode() * 50 for i in range(6)]
        starts = [sum(len(t) for t in texts[:i]) for i in range(7)]
        lost = [{2}, {5}, {5}, set()]  # of the first, second, ... command

        def answer(body):
            gone = lost.pop(0)
            for i, text in enumerate(texts):
                if starts[i] >= body["args"].get("offset", 0) and i not in gone:
                    head = {"v": 1, "command": body["id"], "name": "a/1.stdout", "offset": starts[i], "bytes": len(text)}
                    there.publish("log", json.dumps(head | ({"last": True} if i == 5 else {})).encode() + b"\n" + text)
            return [{"status": "received"}, {"status": "succeeded"}]
        there = world.fake("there", answer)
        there.say("run_enqueued", run=run_id, selection="a", steps=1)
        there.say("step_start", run=run_id, step="a", attempt=1)
        there.say("step_success", run=run_id, step="a", attempt=1)
        there.say("logs_captured", run=run_id, step="a", attempt=1,
                  metadata={"stdout_bytes": {"type": "int", "raw_value": starts[6]}})
        there.say("run_success", run=run_id)
        wait_for("the run is known", lambda: run_id in world.command("runs", "--json"))
        part = run(HUB, "logs", run_id, "--output", "--timeout", "1s", "--state-dir", world.hub_dir, code=None)
        assert part.returncode == 4, part  # the first has lost a piece, which is not told yet
        shown = world.command("logs", run_id, "--output", "--timeout", "3m", "--json", timeout=200)
        asked = [body["args"].get("offset", 0) for body in there.bodies()]
        assert asked == [0, starts[2], starts[5], starts[5]], asked
        assert "".join(json.loads(line)["text"] for line in shown.splitlines()).encode() == b"".join(texts), shown
        assert world.command("logs", run_id, "--output", "--json") == shown and len(there.bodies()) == 4  # it is here


def output_of_who_is_away_waits():
    with World() as world:
        run_id = "01a20425-dd00-753f-8b4a-fd392505ef1d"
        there = world.fake("there", lambda body: [{"status": "failed", "code": "not_found", "reason": "no output is kept here"}])
        there.say("run_enqueued", run=run_id, selection="a", steps=1)
        there.say("step_start", run=run_id, step="a", attempt=1)
        there.say("step_failure", run=run_id, step="a", attempt=1)
        there.say("logs_captured", run=run_id, step="a", attempt=1, metadata={"stderr_bytes": {"type": "int", "raw_value": 6}})
        there.say("run_failure", run=run_id, error={"message": "x"})
        wait_for("the run is known", lambda: run_id in world.command("runs", "--json"))
        there.disconnect()
        wait_for("it is away", lambda: not there.is_online())
        late = run(HUB, "logs", run_id, "--output", "--timeout", "1s", "--state-dir", world.hub_dir, code=None)
        assert late.returncode == 4 and "there is away" in late.stderr, late
        again = run(HUB, "logs", run_id, "--output", "--timeout", "0s", "--state-dir", world.hub_dir, code=None)
        assert again.returncode == 4 and len(world.command("commands", "--json").splitlines()) == 1, again  # asked for once
        there.connect()
        gone = run(HUB, "logs", run_id, "--output", "--state-dir", world.hub_dir, code=None)
        assert gone.returncode == 1 and "no output is kept here" in gone.stdout, gone


def mistakes_are_told():
    with World() as world:
        world.fake("there", is_there=False)
        for argv, code, why in (
                (["ping"], 2, "which devices"),
                (["--to", "ther", "ping"], 3, "no device ther"),
                (["--to", "label:site=berlin", "ping"], 3, "no device"),
                (["--to", "there and", "ping"], 6, "column"),
                (["--to", "there", "materialise", "x"], 2, "did you mean materialize"),
                (["--to", "there", "materialize"], 2, "SELECTION"),
                (["--to", "there", "ping", "now"], 2, "it is: ping"),
                (["--to", "there", "ping", "--partition", "x"], 2, "does not belong"),
                (["--to", "there", "backfill", "x", "--partitions", "2026"], 2, "range"),
                (["--to", "there", "set", "log_level=loud"], 6, "loud"),
                (["--to", "there", "pause", "shedules"], 6, "shedules"),
                (["--to", "there", "retry"], 2, "give one of"),
                (["retry", "01a2"], 3, "no run 01a2"),
                (["--to", "there", "ping", "--abort-if", "failed > 2"], 2, "devices-at-once"),
                (["--to", "there", "ping", "--devices-at-once", "1", "--abort-if", "late > 2"], 2, "not like"),
                (["--to", "there", "trust", "x"], 2, "selvedge-hub key"),
                (["--to", "there", "deploy", "--args", "{"], 6, "args"),
                (["--file", "/nonexistent"], 3, "/nonexistent"),
                ([], 2, "verb"),
        ):
            done = run(HUB, "command", *argv, "--state-dir", world.hub_dir, code=None)
            assert done.returncode == code and why in done.stderr, (argv, done)
        assert world.command("commands").startswith("no commands yet")


ALWAYS = [who_is_away_gets_it_later, a_backfill_ends_when_its_partitions_are_made, operators_sign_elsewhere, mistakes_are_told]
SOMETIMES = [who_is_there_gets_it_signed, what_expires_or_is_withdrawn_is_not_sent, outcomes_are_told_apart,
             watching_ends_and_the_command_goes_on, a_wave_at_a_time, a_wave_that_goes_wrong_stops, text_that_was_asked_for_comes,
             output_of_a_run_is_fetched_once, what_is_left_of_a_run_whose_begin_was_lost_is_shown, output_goes_on_where_a_piece_was_lost, output_of_who_is_away_waits]

if __name__ == "__main__":
    sys.exit(run_tests(sample(ALWAYS, SOMETIMES, 3), at_once=3))
