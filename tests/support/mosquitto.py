"""A real mosquitto without TLS on a free port, which can be killed and started again, and who listens to it. Standard library only."""
import base64
import hashlib
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from mqtt_stranger import Refused, Stranger, text

MOSQUITTO = "/usr/sbin/mosquitto"


def is_there():
    if not os.path.exists(MOSQUITTO):
        print("skipped:", MOSQUITTO, "is not there")
    return os.path.exists(MOSQUITTO)


class Mosquitto:
    """`settings` are lines of its configuration; @DIR@ in them is its folder."""

    def __init__(self, *settings):
        self.dir = tempfile.mkdtemp(prefix="selvedge-test-")
        self.process = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        lines = [f"listener {self.port} 127.0.0.1", *(settings or ("allow_anonymous true",)), *(["user root"] if os.geteuid() == 0 else [])]
        self.write("conf", "".join(line.replace("@DIR@", self.dir) + "\n" for line in lines))

    def write(self, name, lines):
        with open(os.path.join(self.dir, name), "w", encoding="utf8") as file:
            file.write(lines)
        os.chmod(file.name, 0o600)

    def write_password(self, user, password):
        salt = os.urandom(12)
        key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101, 64)
        self.write("passwords", f"{user}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}\n")

    def answers(self):
        try:
            Stranger(self.port, "asking").close()
            return True
        except Refused as error:
            return "CONNACK" in str(error)  # it wants a password
        except OSError:
            return False

    def start(self):
        self.process = subprocess.Popen([MOSQUITTO, "-c", os.path.join(self.dir, "conf")], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not self.answers():
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.02)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def publish(self, *messages):
        with Stranger(self.port, "publisher") as stranger:
            for topic, payload in messages:
                assert stranger.publish(topic, payload.encode()) < 0x80


class Listener:
    """What came, as (topic, payload, retained), in order, over all connections. QoS 0: mosquitto hands a message on before it acknowledges it,
    so that even one that is killed has handed on what it acknowledged."""

    def __init__(self, broker):
        self.broker = broker
        self.messages = []
        self.changed = threading.Condition()
        self.threads = []
        self.connect()

    def connect(self):
        stranger = Stranger(self.broker.port, f"listener-{id(self)}-{len(self.threads)}")
        stranger.send(0x82, b"\x00\x01\x00" + text("#") + b"\x00")
        assert stranger.answer(9)[-1] == 0
        stranger.socket.settimeout(None)
        self.threads.append(threading.Thread(target=self.listen, args=(stranger,), daemon=True))
        self.threads[-1].start()

    def listen(self, stranger):
        try:
            while True:
                kind, body = stranger.packet()
                if kind >> 4 == 3:
                    size = struct.unpack(">H", body[:2])[0]
                    with self.changed:
                        self.messages.append((body[2:2 + size].decode(), body[3 + size:], bool(kind & 1)))
                        self.changed.notify_all()
        except (OSError, Refused):
            stranger.close()

    def reconnect(self):
        """To a broker that was killed: first what it had handed on."""
        self.threads[-1].join(30)
        assert not self.threads[-1].is_alive()
        self.connect()

    def all(self):
        """Everything until now."""
        end = f"end/{len(self.messages)}/{time.monotonic_ns()}"
        self.broker.publish((end, ""))
        with self.changed:
            assert self.changed.wait_for(lambda: any(m[0] == end for m in self.messages), 60)
        return [m for m in self.messages if not m[0].startswith("end/")]
