"""A device that speaks the protocol and does as it is told by a test: with a certificate of its own, births, batches of
events, and answers to commands. Standard library only."""
import json
import secrets
import socket
import struct
import threading
import time

from fleet import wait_for
from mqtt_stranger import length, text, tls


def variable_int(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def now_text():
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


class FakeDevice:
    """`answer(body)` gives what is said to a command: a list of {"status": ..., ...}; a number in it waits so many
    seconds. None: nothing is said. Commands that it knows already are passed over, as a device does."""

    def __init__(self, fleet, name, answer=None):
        self.fleet = fleet
        self.name = name
        self.device = fleet.device(name)
        self.device.define("project: test\nassets:\n  - {key: a, run: ['true']}\n")
        self.device.enrol()
        self.epoch = secrets.token_hex(8)
        self.events = []  # what was recorded, from seq 1
        self.acked = 0
        self.messages = []  # of channel cmd: payloads, repeats included
        self.expiries = []  # message expiry of each, in seconds
        self.known = set()
        self.answer = answer or (lambda body: [{"status": "received"}, {"status": "succeeded"}])
        self.socket = None
        self.lock = threading.RLock()
        self.thread = None
        self.packet_id = 0
        fleet.closers.append(self.disconnect)

    # --- the connection ---

    def connect(self):
        folder = self.device.state + "/identity/"
        raw = socket.create_connection(("127.0.0.1", self.fleet.port), timeout=10)
        self.socket = tls(self.fleet.hub_dir + "/ca/ca.pem", folder + "cert.pem", folder + "key.pem").wrap_socket(raw)
        client = f"{self.name}.{secrets.token_hex(8)}"
        self.send(0x10, text("MQTT") + b"\x05\x02" + struct.pack(">H", 60) + b"\x00" + text(client))
        kind, body = self.packet()
        assert kind >> 4 == 2 and body[1] == 0, (kind, body)
        self.socket.settimeout(None)
        topics = [f"selvedge/v1/{self.fleet.name}/{self.name}/{channel}" for channel in ("cmd", "ack")]
        topics.append(f"selvedge/v1/{self.fleet.name}/hub/state")
        self.hub = None
        self.thread = threading.Thread(target=self.read_for_ever, args=(self.socket,), daemon=True)
        self.thread.start()
        self.send(0x82, struct.pack(">H", 1) + b"\x00" + b"".join(text(t) + b"\x01" for t in topics))
        wait_for(f"{self.name} is greeted", lambda: self.is_online(), 20, 0.02)
        return self

    def is_online(self):
        return self.fleet.query("SELECT 1 FROM connection WHERE device = ? AND is_online = 1 AND session = ?", self.name,
                                getattr(self, "session", "")) != []

    def disconnect(self):
        """Abruptly, but orderly enough for the broker to tell: the death is said first."""
        if self.socket is not None:
            try:
                self.publish("death", json.dumps({"session": self.session, "reason": "stopped"}).encode())
                self.send(0xE0, b"")
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.socket.close()
            self.socket = None
            self.thread.join(10)

    def send(self, kind, body):
        with self.lock:
            self.socket.sendall(bytes([kind]) + length(len(body)) + body)

    def read(self, connection, count):
        out = b""
        while len(out) < count:
            part = connection.recv(count - len(out))
            if not part:
                raise OSError("ended")
            out += part
        return out

    def packet(self, connection=None):
        connection = connection or self.socket
        kind = self.read(connection, 1)[0]
        total, shift = 0, 0
        while True:
            digit = self.read(connection, 1)[0]
            total |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return kind, self.read(connection, total)

    def publish(self, channel, payload):
        self.packet_id = self.packet_id % 60000 + 2
        self.send(0x32, text(f"selvedge/v1/{self.fleet.name}/{self.name}/{channel}") + struct.pack(">H", self.packet_id) +
                  b"\x00" + payload)

    def read_for_ever(self, connection):
        try:
            while True:
                kind, body = self.packet(connection)
                if kind >> 4 == 3:
                    self.take(kind, body)
        except (OSError, ValueError):
            pass  # closed

    def take(self, kind, body):
        size = struct.unpack(">H", body[:2])[0]
        topic = body[2:2 + size].decode()
        at = 2 + size
        if kind & 0x06:
            self.send(0x40, body[at:at + 2])
            at += 2
        properties, at = variable_int(body, at)
        expiry = None
        if properties and body[at] == 0x02:
            expiry = struct.unpack(">I", body[at + 1:at + 5])[0]
        payload = body[at + properties:]
        channel = topic.rsplit("/", 1)[1]
        if channel == "state":
            self.take_state(json.loads(payload))
        elif channel == "ack":
            self.take_ack(json.loads(payload))
        elif channel == "cmd":
            self.expiries.append(expiry)
            self.take_command(payload)

    # --- what it says ---

    def take_state(self, state):
        if state["online"] and state["instance"] != self.hub:
            self.hub = state["instance"]
            self.be_born()

    def be_born(self):
        self.session = secrets.token_hex(8)
        with self.lock:
            birth = {"epoch": self.epoch, "first_seq": self.acked + 1, "last_seq": len(self.events), "at": now_text(),
                     "clock_trusted": True, "version": "0", "session": self.session}
        self.publish("birth", json.dumps(birth).encode())

    def take_ack(self, ack):
        with self.lock:
            if ack["epoch"] == self.epoch and ack["seq"] >= self.acked:
                self.acked = ack["seq"]
                self.flush()

    def flush(self):
        """Everything that is not acknowledged, in one batch."""
        if self.acked < len(self.events):
            lines = "".join(json.dumps(e, separators=(",", ":")) + "\n" for e in self.events[self.acked:]).encode()
            head = {"v": 1, "epoch": self.epoch, "first": self.acked + 1, "last": len(self.events), "codec": "none",
                    "size": len(lines)}
            self.publish("events", json.dumps(head).encode() + b"\n" + lines)

    def say(self, kind, **members):
        with self.lock:
            self.events.append({"seq": len(self.events) + 1, "at": now_text(), "type": kind, **members})
            self.flush()

    # --- commands ---

    def take_command(self, payload):
        self.messages.append(payload)
        body = json.loads(payload.split(b"\n", 1)[1])
        if body["id"] in self.known:
            return
        said = self.answer(body)
        if said is None:
            return
        self.known.add(body["id"])
        threading.Thread(target=self.say_all, args=(body, said), daemon=True).start()

    def say_all(self, body, said):
        try:
            for one in said:
                if isinstance(one, (int, float)):
                    time.sleep(one)
                else:
                    self.say("command", command=body["id"], verb=body["verb"], **one)
        except (OSError, AttributeError):
            pass  # disconnected; the next connection sends it

    def bodies(self):
        return [json.loads(m.split(b"\n", 1)[1]) for m in self.messages]
