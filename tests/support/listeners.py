"""Many listeners to live events in one thread, each with what it believes: status of runs and devices, and which assets were made. A
listener goes by the rules of docs/reference/api.md: after `hello`, `reset` and {"all":true} it reads everything, else it believes what it is
told; when it is cut off it comes back with the last id it had. Standard library only."""
import http.client
import json
import random
import re
import selectors
import socket
import time

EVENT = re.compile(rb"(?:retry: \d+\n)?(?:id: (\S+)\n)event: (\w+)\ndata: (.*)\n\n")
COMMENT = re.compile(rb"^:.*\n\n", re.M)


class Listener:
    def __init__(self, crowd, number):
        self.crowd = crowd
        self.number = number
        self.socket = None
        self.last = None
        self.runs = {}     # (device, run) -> status
        self.devices = {}  # device -> status
        self.assets = set()  # (device, asset)
        self.again_at = 0  # when it connects
        self.sleeps_until = 0  # it reads nothing
        self.resets = self.resumed = self.cuts = self.told = 0

    # --- the connection

    def connect(self):
        client = self.crowd.client
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 10)  # who stops reading falls behind
        self.socket.settimeout(30)
        try:
            self.socket.connect((client.address, client.port))
        except OSError:
            self.socket.close()
            self.socket = None
            self.later(0.3)
            return
        last = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
        self.socket.sendall(f"GET /api/v1/events/live HTTP/1.1\r\nHost: localhost\r\nCookie: {client.cookie}\r\n{last}\r\n".encode())
        self.socket.setblocking(False)
        self.head, self.raw, self.text = b"", b"", b""
        self.is_head = True
        self.resumed += self.last is not None
        self.crowd.selector.register(self.socket, selectors.EVENT_READ, self)

    def later(self, seconds):
        self.again_at = time.monotonic() + seconds

    def leave(self, seconds):
        if self.socket is not None:
            self.crowd.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None
        self.later(seconds)

    def sleep(self, seconds):
        if self.socket is not None and not self.sleeps_until:
            self.crowd.selector.unregister(self.socket)
            self.sleeps_until = time.monotonic() + seconds

    def wake(self):
        self.sleeps_until = 0
        self.crowd.selector.register(self.socket, selectors.EVENT_READ, self)

    def read(self):
        try:
            part = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            self.cuts += 1
            self.leave(0.1)
            return
        if self.is_head:
            self.head += part
            head, end, part = self.head.partition(b"\r\n\r\n")
            if not end:
                return
            self.is_head = False
            if not head.startswith(b"HTTP/1.1 200"):
                assert head.startswith(b"HTTP/1.1 503"), head
                self.leave(0.5)
                return
            assert b"chunked" in head, head
        self.take(part)

    def take(self, part):
        """Chunks become text, whole messages of it become belief."""
        self.raw += part
        while True:
            size, end, rest = self.raw.partition(b"\r\n")
            if not end:
                break
            length = int(size, 16)
            if length == 0:
                self.cuts += 1
                self.leave(0.1)
                return
            if len(rest) < length + 2:
                break
            self.text += rest[:length]
            self.raw = rest[length + 2:]
        whole, end, self.text = self.text.rpartition(b"\n\n")
        must_read = False
        for found in EVENT.finditer(whole + end):
            self.last = found[1].decode()
            self.told += 1
            must_read |= self.believe(found[2], found[3])
        if must_read:
            self.read_all()

    # --- belief

    def believe(self, kind, data):
        """True: everything has to be read."""
        known = self.crowd.parsed.get((kind, data))
        if known is None:
            known = self.crowd.parsed[(kind, data)] = (kind.decode(), json.loads(data))
        kind, data = known
        if kind in ("hello", "reset") or data.get("all"):
            self.resets += kind == "reset"
            return True
        if kind == "run":
            if data.get("status"):
                self.runs[(data["device"], data["run"])] = data["status"]
        elif kind == "device" and data.get("status"):
            self.devices[data["device"]] = data["status"]
        elif kind == "asset" and data.get("asset"):
            self.assets.add((data["device"], data["asset"]))
        return False

    def read_all(self):
        try:
            runs, devices, assets = self.crowd.read()
        except (OSError, http.client.HTTPException):  # the web process has just ended: begin anew
            self.last = None
            self.leave(0.1)
            return
        self.runs.update(runs)
        self.devices.update(devices)
        self.assets.update(assets)


class Crowd:
    """`read` gives (runs, devices, assets) as they are now."""

    def __init__(self, client, count, read, seed, longest_s):
        self.client = client
        self.longest_s = longest_s  # that somebody is away, or reads nothing
        self.read = read
        self.random = random.Random(seed)
        self.selector = selectors.DefaultSelector()
        self.parsed = {}
        self.listeners = [Listener(self, i) for i in range(count)]

    def go_on(self, seconds, leave_per_s=0.0, sleep_per_s=0.0):
        """For so long; meanwhile so many leave a second, for up to some seconds, and so many stop reading."""
        end = time.monotonic() + seconds
        before = time.monotonic()
        while (now := time.monotonic()) < end:
            for key, _ in self.selector.select(0.05):
                key.data.read()
            for listener in self.listeners:
                if listener.socket is None and now >= listener.again_at:
                    listener.connect()
                if listener.sleeps_until and now >= listener.sleeps_until:
                    listener.wake()
            for rate, act in ((leave_per_s, self.one_leaves), (sleep_per_s, self.one_sleeps)):
                if self.random.random() < rate * (now - before):
                    act(self.random.choice(self.listeners))
            before = now

    def one_leaves(self, listener):
        if not listener.sleeps_until:
            listener.leave(self.random.choice((0, 0.2, 1, self.longest_s)))

    def one_sleeps(self, listener):
        listener.sleep(self.random.choice((1, self.longest_s)))

    def total(self, name):
        return sum(getattr(listener, name) for listener in self.listeners)

    def close(self):
        for listener in self.listeners:
            if listener.sleeps_until:
                listener.wake()
            listener.leave(0)
        self.selector.close()
