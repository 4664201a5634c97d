"""Signed commands to devices, made with openssl and sent as the hub: nothing of our programs has a part in it."""
import datetime
import json
import os
import secrets
import subprocess
import time

from mqtt_stranger import Stranger, tls


def uuid7():
    n = int(time.time() * 1000) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    h = f"{n:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def openssl(*argv, given=None):
    return subprocess.run(["openssl", *argv], input=given, capture_output=True, check=True).stdout


def stamp(seconds):
    return datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Signer:
    """A private key and its counter."""

    def __init__(self, key, counter=1):
        self.key = key
        self.counter = counter
        public = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
        self.id = openssl("dgst", "-sha256", "-r", given=public).decode()[:16]

    def body(self, verb, args=None, **more):
        body = {"kind": "command", "v": 1, "fleet": "test", "to": ["brooklyn"], "id": uuid7(), "counter": self.counter,
                "issued_at": stamp(0), "expires_at": stamp(300), "verb": verb, "args": args or {}}
        self.counter += 1
        body.update(more)
        return body

    def sign(self, body):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = openssl("dgst", "-sha256", "-sign", self.key, given=text).hex()
        return json.dumps({"v": 1, "key": self.id, "sig": signature}).encode() + b"\n" + text


class Sender:
    """Whoever may publish to devices: the hub, or a broker that was taken over."""

    def __init__(self, fleet, device):
        self.device = device
        self.topic = f"selvedge/v1/{fleet.name}/{device.name}/cmd"
        self.context = tls(fleet.hub_dir + "/ca/ca.pem", fleet.hub_dir + "/identity/hub.pem", fleet.hub_dir + "/identity/hub.key")
        self.port = fleet.port
        self.log_topic = f"selvedge/v1/{fleet.name}/{device.name}/log"
        self.signer = Signer(os.path.join(fleet.hub_dir, "command/hub.key"))

    def stranger(self):
        return Stranger(self.port, "test." + secrets.token_hex(4), self.context)

    def publish(self, payload):
        with self.stranger() as stranger:
            assert stranger.publish(self.topic, payload) in (0, 0x10)

    def send(self, verb, args=None, **more):
        """The command's id."""
        body = self.signer.body(verb, args, **more)
        self.publish(self.signer.sign(body))
        return body["id"]
