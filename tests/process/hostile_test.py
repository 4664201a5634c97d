"""What a member of the fleet can do to the others when it turns hostile, and what a stranger can who guesses: nothing.

Against the real hub and its broker. The rest of the table in docs/security.md is shown by strangers_test, flood_test,
revoke_test, device_command_test, desired_test and put_back_test."""
import json
import os
import sys
import time

from fleet import Fleet, run, run_tests, wait_for
from mqtt_stranger import Refused, Stranger, length, text, tls

DEFINITIONS = "project: test\nassets:\n  - {key: a, run: ['true']}\n"
EPOCH = "00000000000000ff"


class Scene:
    """A good device that is online, and a hostile one that has a certificate and no agent."""

    def __init__(self):
        self.fleet = Fleet("test")

    def __enter__(self):
        self.fleet.__enter__()
        self.fleet.start_hub()
        self.good = self.fleet.device("boston", DEFINITIONS)
        self.bad = self.fleet.device("chicago", DEFINITIONS)
        for device in (self.good, self.bad):
            device.enrol()
        self.good.start()
        self.works()
        return self

    def __exit__(self, *error):
        self.fleet.__exit__(*error)

    def knock(self, client_id="chicago.1"):
        folder = self.bad.state + "/identity/"
        context = tls(self.fleet.hub_dir + "/ca/ca.pem", folder + "cert.pem", folder + "key.pem")
        return Stranger(self.fleet.port, client_id, context)

    def works(self, seconds=60):
        """The good device's events are taken in, soon, over the connection that it has."""
        before = self.good.position()["last_seq"]
        self.good.command("materialize", "a")
        wait_for("the good device's events are acknowledged",
                 lambda: self.good.position()["acked_seq"] > before and self.good.position()["waiting_events"] == 0, seconds)
        assert json.loads(self.good.command("status", "--json"))["connects"] == 1, self.good.daemon.tail()

    def refusals(self):
        return [json.loads(line) for line in self.fleet.command("refusals", "--limit", "1000", "--json").splitlines()]

    def events_of(self, device):
        return self.fleet.query("SELECT count(*) FROM event JOIN stream ON stream.id = stream_id WHERE device = ?", device)[0][0]


def topic(channel, device="chicago"):
    return f"selvedge/v1/test/{device}/{channel}"


def batch(first, count, epoch=EPOCH, at="2026-11-22T16:45:13.788Z", head=None):
    lines = "".join(json.dumps({"seq": first + i, "at": at, "type": "log", "message": "x" * 10}) + "\n" for i in range(count))
    head = {"v": 1, "epoch": epoch, "first": first, "last": first + count - 1, "codec": "none", "size": len(lines)} | (head or {})
    return (json.dumps(head, separators=(",", ":")) + "\n" + lines).encode()


def birth(**changed):
    return json.dumps({"epoch": EPOCH, "first_seq": 1, "last_seq": 10, "at": "2026-11-22T16:45:13.788Z", "clock_trusted": True,
                       "version": "9", "session": "s"} | changed).encode()


def a_hundred_megabytes_are_not_taken():
    with Scene() as scene:
        sent = 0
        with scene.knock() as stranger:
            head = text(topic("events")) + b"\x00\x02\x00"
            total = 100 << 20
            try:
                stranger.socket.sendall(bytes([0x32]) + length(len(head) + total) + head)
                while sent < total:
                    stranger.socket.sendall(b"x" * 65536)
                    sent += 65536
                raise AssertionError("all of it was taken")
            except OSError:
                pass
        assert sent < 16 << 20, sent
        with scene.knock() as stranger:  # as many small ones as it can
            for i in range(3000):
                stranger.send(0x32, text(topic("events")) + bytes([i >> 8 & 255, (i & 255) | 1]) + b"\x00" + b"nonsense %d" % i)
            scene.works()
        wait_for("it is told", lambda: any(r["peer"] == "chicago" for r in scene.refusals()))
        assert scene.fleet.query("SELECT count(*) FROM refusal")[0][0] <= 1000
        assert scene.events_of("chicago") == 0
        scene.works()


def numbers_and_times_that_cannot_be():
    """Epochs of tomorrow, sequence numbers at the end of all, clocks of another century: the stream that they are in is
    the sender's own, and nothing of the others changes."""
    with Scene() as scene:
        before = scene.fleet.query("SELECT stream_id, seq, body FROM event JOIN stream ON stream.id = stream_id"
                                   " WHERE device = 'boston' ORDER BY 1, 2")
        with scene.knock() as stranger:
            for payload in (birth(first_seq=2**62, last_seq=2**63 - 2), birth(at="9999-12-31T23:59:59.999Z"),
                            birth(at="0001-01-01T00:00:00.000Z"), birth(last_seq=2**63), birth(epoch="no"), birth(session="s" * 4000)):
                stranger.publish(topic("birth"), payload)
            for payload in (batch(1, 3, at="9999-12-31T23:59:59.999Z"), batch(4, 3, at="1970-01-01T00:00:00.000Z"),
                            batch(2**62, 2), batch(7, 1, head={"first": 3}), batch(7, 1, head={"size": 10**9}), batch(7, 1, head={"last": 10**6}),
                            batch(7, 1, "f" * 17), batch(7, 1, head={"v": 2}), batch(7, 300), b"\x00" * 1000,
                            batch(7, 1, head={"codec": "deflate"}), batch(7, 1, "f" * 16, "2999-01-01T00:00:00.000Z")):
                stranger.publish(topic("events"), payload)
        scene.works()
        # The two good batches are there, in an epoch of the sender's own.
        assert 0 < scene.events_of("chicago") <= 8, scene.events_of("chicago")
        after = scene.fleet.query("SELECT stream_id, seq, body FROM event JOIN stream ON stream.id = stream_id"
                                  " WHERE device = 'boston' ORDER BY 1, 2")
        assert after[:len(before)] == before and len(after) > len(before)
        assert [r for r in scene.refusals() if r["peer"] == "chicago" and r["what"] == "events"], scene.refusals()
        scene.fleet.command("devices")
        scene.fleet.command("report")
        scene.fleet.command("rebuild", "--check")


def what_it_wants_is_bounded():
    """Nonsense on the channels of every desk, and leases without end."""
    with Scene() as scene:
        scene.fleet.command("pools", "set", "warehouse", "2", "--lease", "2s")
        with scene.knock() as stranger:
            for channel in ("reported", "log", "want"):
                for payload in (b"", b"nonsense", b"{}", b"[]", b"\xff" * 100, b"{" * 5000, json.dumps({"lease": 1}).encode(),
                                json.dumps({"lease": {"pool": "warehouse", "places": 10**9, "asked_ms": 1}}).encode(),
                                json.dumps({"csr": "x" * 20000}).encode(), json.dumps({"bundle": "../../etc/passwd"}).encode(),
                                json.dumps({"revision": 10**18, "status": "applied"}).encode()):
                    stranger.publish(topic(channel), payload)
            for i in range(300):
                stranger.publish(topic("want"), json.dumps(
                    {"lease": {"pool": f"p{i}", "places": 10000, "asked_ms": i}}).encode())
        scene.works()
        assert [json.loads(line)["pool"] for line in scene.fleet.command("pools", "--json").splitlines()] == ["warehouse"]
        assert any(r["peer"] == "chicago" for r in scene.refusals())


def a_token_is_not_guessed():
    with Scene() as scene:
        token = scene.fleet.token("--uses", "5")
        known = json.loads(scene.fleet.command("token", "list", "--json").splitlines()[0])["id"]
        csr = os.path.join(scene.fleet.dir, "csr")
        key = os.path.join(scene.fleet.dir, "key")
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        run("openssl", "req", "-new", "-key", key, "-subj", "/CN=thief", "-out", csr)
        request = {"token_id": known, "device": "thief", "csr_pem": open(csr).read(), "version": "1"}
        begun, tries = time.monotonic(), 1500
        with Stranger(scene.fleet.enrol_port, "x", tls()) as stranger:
            for i in range(tries):
                stranger.send(0x32, text("selvedge/v1/test/enrol/request/x") + bytes([i >> 8 & 255, (i & 255) | 1]) + b"\x00" +
                              json.dumps(request | {"token_secret": f"{i:032d}"}).encode())
            scene.works()
        took = time.monotonic() - begun
        assert scene.fleet.query("SELECT count(*) FROM device WHERE id = 'thief'") == [(0,)]
        # So many a second are looked at: the secret has 160 bits.
        assert scene.fleet.query("SELECT count(*) FROM refusal")[0][0] <= 25 * (took + 3)
        # Of this token ever fewer: five at once, then one after 1 s, 2 s, 4 s, ...
        guessed = json.loads(scene.fleet.command("token", "list", "--json").splitlines()[0])
        assert 6 <= guessed["wrong_secrets"] <= 7 + int(took + 3).bit_length(), guessed
        assert guessed["closed_until"] and "event=token.guessed" in scene.fleet.hub.read_log(), guessed
        listed = {t["id"]: t for t in map(json.loads, scene.fleet.command("token", "list", "--json").splitlines())}
        assert listed[known]["uses"] == 0 and listed[known]["last_error"], listed
        wait_for("what was not looked at is counted", lambda: "hub.flooded" in scene.fleet.hub.read_log())
        scene.fleet.device("denver", DEFINITIONS).enrol(token)
        scene.works()


if __name__ == "__main__":
    sys.exit(run_tests([a_hundred_megabytes_are_not_taken, numbers_and_times_that_cannot_be, what_it_wants_is_bounded,
                        a_token_is_not_guessed], at_once=2))
