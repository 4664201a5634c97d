"""Promise P5: a device obeys who signed with a key that it trusts, each command at most once, and tells the hub what came of it.

Against the real hub, its broker and a device; commands are signed with openssl and published with the hub's certificate, as
somebody who has taken over the broker would."""
import json
import os
import random
import shutil
import sys
import time

from signed_commands import Sender, Signer, openssl, stamp, uuid7
from fleet import BIN, Fleet, run_tests, skip, wait_for

if shutil.which("openssl") is None:
    skip("openssl is not there")

DEFINITIONS = """\
project: shop
assets:
  - {key: a, run: [sh, -c, 'echo hello; echo trouble >&2']}
  - {key: b, deps: [a], run: [sh, -c, 'test -e ${STATE_DIR}/good']}
  - {key: slow, run: [sleep, '600']}
  - {key: loud, run: [seq, '60000']}
  - {key: c, partitions: {static: [x, y, z]}, run: ['true']}
jobs:
  - {name: all, select: 'a or b'}
schedules:
  - {name: nightly, job: all, cron: '0 2 * * *'}
  - {name: weekly, job: all, cron: '0 2 * * 0'}
"""


class Scene:
    def __init__(self):
        self.fleet = Fleet("test")

    def __enter__(self):
        self.fleet.__enter__()
        self.fleet.start_hub()
        self.device = self.fleet.device("brooklyn", DEFINITIONS)
        self.device.enrol()
        self.device.start()
        self.online()
        self.sender = Sender(self.fleet, self.device)
        return self

    def __exit__(self, *why):
        self.fleet.__exit__(*why)

    def online(self):
        wait_for("the device is online", lambda: json.loads(self.device.command("status", "--json"))["link"] == "sending")

    def heard(self, command=None):
        """What the hub has heard of a command, or of messages that were refused; oldest first."""
        rows = self.fleet.query("SELECT body FROM event WHERE type = 'command' ORDER BY seq")
        events = [json.loads(row[0]) for row in rows]
        return [e for e in events if e.get("command") == command]

    def end_of(self, command, seconds=60):
        """The event that says how it ended."""
        return wait_for(f"command {command} has ended", lambda: next(
            (e for e in self.heard(command) if e["status"] in ("refused", "succeeded", "failed")), None), seconds)

    def statuses(self, command):
        return [e["status"] for e in self.heard(command)]

    def succeeds(self, verb, args=None, **more):
        end = self.end_of(self.sender.send(verb, args, **more))
        assert end["status"] == "succeeded", end
        return end

    def fails(self, verb, args, code):
        end = self.end_of(self.sender.send(verb, args))
        assert (end["status"], end["code"]) == ("failed", code), end
        return end

    def refused(self, code, count=1):
        """A message was refused, and it is told as no command's end."""
        return wait_for(f"{code} is told", lambda: (lambda found: found if len(found) >= count else None)(
            [e for e in self.heard() if e.get("code") == code]), 10)


def every_verb():
    with Scene() as s:
        end = s.succeeds("ping")
        assert s.statuses(end["command"]) == ["received", "succeeded"], s.heard(end["command"])
        assert end["result"]["uptime_s"] >= 0

        end = s.succeeds("materialize", {"selection": "a", "tags": {"why": "test"}})
        assert s.statuses(end["command"]) == ["received", "started", "succeeded"]
        enqueued = json.loads(s.fleet.query(
            "SELECT body FROM event WHERE type = 'run_enqueued' AND json_extract(body, '$.run') = ?", end["run"])[0][0])
        assert enqueued["cause"] == {"type": "command", "name": end["command"]}, enqueued
        assert enqueued["tags"] == {"why": "test", "selvedge/command": end["command"]}, enqueued
        made = end["run"]

        end = s.end_of(s.sender.send("run_job", {"job": "all"}))
        assert (end["status"], end["code"]) == ("failed", "run_failed"), end  # b fails
        assert "b failed" in end["reason"], end
        failed = end["run"]
        end = s.end_of(s.sender.send("retry", {"run": failed}))
        assert (end["status"], end["code"]) == ("failed", "run_failed"), end
        open(os.path.join(s.device.state, "good"), "w").close()
        end = s.succeeds("retry", {"command": end["command"], "what": "from_failure"})
        steps = [json.loads(r[0])["step"] for r in s.fleet.query(
            "SELECT body FROM event WHERE type = 'step_start' AND json_extract(body, '$.run') = ?", end["run"])]
        assert steps == ["b"], steps
        end = s.succeeds("retry", {"run": failed, "what": "all"})
        end = s.succeeds("retry", {"run": failed, "what": "selected", "selection": "a+"})
        assert s.fails("retry", {"run": made}, "not_found")

        slow = s.sender.send("materialize", {"selection": "slow"})
        wait_for("slow runs", lambda: s.statuses(slow) == ["received", "started"])
        s.succeeds("cancel", {"command": slow})
        end = s.end_of(slow)
        assert (end["status"], end["code"]) == ("failed", "run_canceled"), end
        s.fails("cancel", {"run": made}, "not_found")
        s.fails("materialize", {"selection": "nothing"}, "not_found")

        end = s.succeeds("pause", {"what": "schedules", "names": ["nightly"]})
        assert end["result"]["schedules"] == {"changed": ["nightly"], "unchanged": []}, end
        assert s.device.query("SELECT status FROM instigator WHERE name = 'nightly'") == [("paused",)]
        end = s.succeeds("pause", {"what": "everything"})
        assert end["result"]["schedules"]["changed"] == ["weekly"], end
        assert end["result"]["automation"]["paused"] is True
        end = s.succeeds("resume", {"what": "everything"})
        assert sorted(end["result"]["schedules"]["changed"]) == ["nightly", "weekly"], end
        s.fails("pause", {"what": "schedules", "names": ["monthly"]}, "not_found")

        end = s.succeeds("backfill", {"selection": "c", "from": "x", "to": "y"})
        backfill = end["result"]["backfill"]
        wait_for("the backfill is done", lambda: s.device.query(
            "SELECT status FROM backfill WHERE id = ?", backfill) == [("completed_success",)])
        tags = s.device.query("SELECT DISTINCT json_extract(tags, '$.\"selvedge/command\"') FROM run WHERE backfill = ?", backfill)
        assert tags == [(end["command"],)], tags

        end = s.succeeds("describe")
        described = end["result"]["described"]
        assert [a["key"] for a in described["assets"]] == ["a", "b", "slow", "loud", "c"], described
        assert {x["name"]: x["status"] for x in described["schedules"]} == {"nightly": "running", "weekly": "running"}
        assert described["definitions"]["jobs"] == ["all"] and described["device"]["device"] == "brooklyn"
        assert "sleep" not in json.dumps(described)  # how it is made stays on the device
        assert s.succeeds("rotate_certificate")["result"] == {"ordered": True}
        wait_for("it is renewed", lambda: "certificate.renewed" in s.device.daemon.read_log())
        end = s.succeeds("set", {"log_level": "debug", "sync_interval": "100ms"})
        assert end["result"] == {"log_level": "debug", "sync_interval_ms": 100}, end
        wait_for("the level is in force", lambda: "level=debug" in s.device.daemon.read_log())

        logs_come_in_pieces(s, made)


def pieces(listener, end, count=None):
    """The text that came for a command; its pieces fit together."""
    text, last, heads = b"", False, []
    for payload in listener.payloads_received():
        head, _, data = payload.partition(b"\n")
        head = json.loads(head)
        if head["command"] == end["command"]:
            assert not last and head["bytes"] == len(data), head
            assert not heads or head["offset"] == heads[-1]["offset"] + heads[-1]["bytes"], (heads[-1], head)
            text, last = text + data, head.get("last", False)
            heads.append(head)
    assert last and (count is None or len(heads) == count), heads
    return text.decode()


def logs_come_in_pieces(s, run):
    """Of a short output one; of a long one several, also from an offset on."""
    with s.sender.stranger() as listener:
        listener.subscribe(s.sender.log_topic)
        for args, expected in (({"step": "a"}, "hello\n"), ({"step": "a", "stream": "stderr"}, "trouble\n"),
                               ({"step": "a", "offset": 2, "bytes": 3}, "llo")):
            end = s.succeeds("logs", {"run": run, **args})
            assert pieces(listener, end) == expected
        loud = s.succeeds("materialize", {"selection": "loud"})["run"]
        expected = "".join(f"{n}\n" for n in range(1, 60001))
        end = s.succeeds("logs", {"run": loud, "step": "loud"})
        assert pieces(listener, end) == expected
        assert end["result"] == {"from": 0, "to": len(expected), "dropped": 0}, end
        end = s.succeeds("logs", {"run": loud, "step": "loud", "offset": 300000})
        assert pieces(listener, end, 1) == expected[300000:]

        s.device.define("project: many\nassets:\n" + "".join(f"  - {{key: x/{n:03}, run: ['true']}}\n" for n in range(900)))
        s.device.command("reload")
        end = s.succeeds("describe", {"parts": ["assets"]})
        assert [a["key"] for a in json.loads(pieces(listener, end))["assets"]] == [f"x/{n:03}" for n in range(900)]
    s.fails("logs", {"run": uuid7(), "step": "a"}, "not_found")
    s.fails("logs", {"run": run, "step": "../../../etc/passwd"}, "invalid")


def what_nobody_may_do():
    with Scene() as s:
        signer = s.sender.signer
        good = signer.body("ping")
        # Of messages: nothing is known of a command.
        other = os.path.join(s.fleet.dir, "other.key")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", other)
        forged = Signer(other)
        forged.id = signer.id
        signed = signer.sign(good)
        for payload in (json.dumps(good).encode(), Signer(other).sign(good), signed.replace(b'"ping"', b'"pinG"'), forged.sign(good),
                        signer.sign({**good, "kind": "desired"}), signer.sign(b"no json"), signer.sign({**good, "fleet": "prod"}),
                        signer.sign({**good, "to": ["queens"]})):
            s.sender.publish(payload)
        for code, count in (("unsigned", 1), ("untrusted_key", 1), ("bad_signature", 2), ("unreadable", 2), ("wrong_fleet", 1),
                            ("misaddressed", 1)):
            events = s.refused(code, count)
            assert len(events) == count and all(e.get("key") == signer.id for e in events) == (code not in ("unsigned", "untrusted_key"))
        assert s.heard(good["id"]) == []

        # None of that has used the command up.
        s.sender.publish(signed)
        assert s.end_of(good["id"])["status"] == "succeeded"
        s.sender.publish(signed)
        s.sender.publish(signer.sign({**good, "counter": good["counter"] + 1000}))
        s.sender.publish(signer.sign({**good, "id": uuid7()}))
        s.refused("replayed", 3)
        assert s.statuses(good["id"]) == ["received", "succeeded"], s.heard(good["id"])

        # Of commands to this device: the end of each.
        sent = [(s.sender.send(**{"verb": "ping", **body}), code) for code, body in (
            ("expired", {"issued_at": stamp(-600), "expires_at": stamp(-300)}),
            ("not_yet", {"issued_at": stamp(7200), "expires_at": stamp(9000)}),
            ("unsupported", {"verb": "sing"}),
            ("invalid_arguments", {"args": {"loud": True}}),
            ("invalid_arguments", {"verb": "decommission", "to": ["*"]}),
            ("invalid_arguments", {"verb": "set", "args": {"labels": {"site": "berlin"}}}))]
        for command, code in sent:
            end = s.end_of(command)
            assert (end["status"], end["code"]) == ("refused", code), end
            assert s.statuses(command) == ["refused"], s.heard(command)

        # A counter that is lower than others is good as long as it was not used.
        late = signer.body("ping")
        s.succeeds("ping")
        s.sender.publish(signer.sign(late))
        assert s.end_of(late["id"])["status"] == "succeeded"
        assert s.device.query("SELECT count(*) FROM run") == [(0,)]

        # A flood is counted, and does not fill the buffer.
        before = s.device.position()["last_seq"]
        with s.sender.stranger() as stranger:
            for _ in range(200):
                stranger.publish(s.sender.topic, b"nonsense")
        wait_for("all are counted", lambda: json.loads(
            s.device.command("status", "--json"))["commands_refused"]["unsigned"] >= 201)
        assert s.device.position()["last_seq"] - before <= 20
        s.succeeds("ping")
        listed = [json.loads(line) for line in s.device.command("commands", "--json").splitlines()]
        assert listed[0]["status"] == "succeeded" and listed[0]["verb"] == "ping", listed[0]
        assert {c["code"] for c in listed if c["status"] == "refused"} == {"expired", "not_yet", "unsupported", "invalid_arguments"}


def restarts():
    """A run that a command started outlives the agent; what waits for an answer gets one."""
    with Scene() as s:
        slow = s.sender.send("materialize", {"selection": "slow"})
        wait_for("slow runs", lambda: s.statuses(slow) == ["received", "started"])
        signed = s.sender.signer.sign(s.sender.signer.body("ping"))
        s.device.daemon.kill()
        s.device.define(DEFINITIONS.replace("[sleep, '600']", "['true']"))
        s.device.start()
        s.online()
        end = s.end_of(slow)
        assert end["status"] == "succeeded", end
        runs = s.device.query("SELECT id, parent FROM run ORDER BY created_at, first_seq")
        assert len(runs) == 2 and runs[1] == (end["run"], runs[0][0]), (runs, end)
        assert [e["run"] for e in s.heard(slow) if e["status"] == "started"] == [runs[0][0]]
        s.sender.publish(signed)
        s.succeeds("ping")


def kills():
    """The agent is killed at random moments while commands arrive; what has no end is sent again, as the hub does. Each starts one
    run, has one end, and is told once."""
    seed = int(os.environ.get("SELVEDGE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
    print("kills: SELVEDGE_SEED =", seed)
    chance = random.Random(seed)
    with Scene() as s:
        sent = {}

        def send_again():
            for command, payload in sent.items():
                if not any(e["status"] in ("refused", "succeeded", "failed") for e in s.heard(command)):
                    s.sender.publish(payload)

        for _ in range(20 if os.environ.get("SELVEDGE_LONG") else 4):
            for _ in range(3):
                body = s.sender.signer.body("materialize", {"selection": "a"})
                sent[body["id"]] = s.sender.signer.sign(body)
                s.sender.publish(sent[body["id"]])
            time.sleep(chance.uniform(0, 0.3))
            s.device.daemon.kill()
            s.device.start()
            s.online()
            send_again()
        wait_for("all have ended", lambda: all(len(s.heard(c)) == 3 for c in sent) or send_again(), 60, 1)
        for command in sent:
            assert s.statuses(command)[:2] == ["received", "started"], s.heard(command)
            end = s.heard(command)[2]
            # Killed between its last step and its own end a run is told as failed, and there is nothing to try again.
            assert end["status"] == "succeeded" or "the agent stopped" in end["reason"], end
        begun = s.device.query("SELECT json_extract(tags, '$.\"selvedge/command\"') FROM run WHERE parent = ''")
        assert sorted(row[0] for row in begun) == sorted(sent), begun


def a_clock_that_is_not_set():
    """It cannot tell whether a command has expired: the command waits, and is judged once the clock is set."""
    with Scene() as s:
        clock = os.path.join(s.fleet.dir, "clock")
        s.device.daemon.stop()
        set_clock(clock, 60 - int(time.time()))
        s.device.daemon.env = {**os.environ, "LD_PRELOAD": os.path.join(BIN, "shifted_clock.so"), "SHIFTED_CLOCK": clock}
        s.device.start()
        s.online()
        good = s.sender.send("ping")
        late = s.sender.send("ping", issued_at=stamp(-600), expires_at=stamp(-300))
        wait_for("both are received", lambda: s.statuses(late) == ["received"] and s.statuses(good) == ["received"])
        assert "clock" in s.heard(late)[0]["reason"]
        listed = [json.loads(line) for line in s.device.command("commands", "--open", "--json").splitlines()]
        assert [c["status"] for c in listed] == ["received", "received"], listed
        set_clock(clock, 0)
        assert s.end_of(good)["status"] == "succeeded"
        assert s.end_of(late)["code"] == "expired"


def set_clock(path, seconds):
    with open(path + ".new", "w") as f:
        f.write(str(seconds))
    os.replace(path + ".new", path)


def a_device_leaves():
    with Scene() as s:
        end = s.succeeds("decommission")
        assert "stays" in end["result"], end
        wait_for("the identity is gone", lambda: not os.path.exists(os.path.join(s.device.state, "identity")))
        wait_for("the log says so", lambda: "agent.left_fleet" in s.device.daemon.read_log())
        s.device.command("materialize", "a")  # it still works
        heard = s.fleet.query("SELECT max(seq) FROM event")[0][0]
        s.device.daemon.stop()
        s.device.start()
        assert json.loads(s.device.command("status", "--json"))["link"] == "not enrolled"
        assert s.fleet.query("SELECT max(seq) FROM event")[0][0] == heard


if __name__ == "__main__":
    sys.exit(run_tests([every_verb, what_nobody_may_do, restarts, kills, a_clock_that_is_not_set, a_device_leaves], at_once=2))
