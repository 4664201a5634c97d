"""A broker of MQTT 3.1.1 that does to its listener what a test wants. Standard library only."""
import socket
import struct
import threading

from mqtt_stranger import length, text


def publish(topic, payload, number=0, retain=False, again=False):
    """QoS 1 with a number, else 0."""
    payload = payload if isinstance(payload, bytes) else payload.encode()
    body = text(topic) + (struct.pack(">H", number) if number else b"") + payload
    return bytes([0x30 | (8 if again else 0) | (2 if number else 0) | retain]) + length(len(body)) + body


class FakeBroker:
    """Plays `script` after a login: bytes are sent, a number waits until as many messages were acknowledged, "close" ends the
    connection, "wait" waits for the listener to end it. Then it waits, too."""

    def __init__(self, *script, connack=b"\x20\x02\x00\x00", suback=None, on_ack=None):
        self.script = script
        self.connack = connack
        self.suback = suback
        self.on_ack = on_ack or (lambda number: None)
        self.logins = []  # (client_id, keeps its session, user, password)
        self.filters = []
        self.acks = []
        self.ended = []  # "disconnect", or "lost"
        self.pings = 0
        self.failure = None
        self.changed = threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        ready = threading.Event()
        threading.Thread(target=self.listen, args=(connection, ready), daemon=True).start()
        try:
            if not ready.wait(30):
                return
            for action in self.script:
                if isinstance(action, bytes):
                    connection.sendall(action)
                elif isinstance(action, int):
                    self.wait(lambda n=action: len(self.acks) >= n)
                elif action == "close":
                    connection.shutdown(socket.SHUT_RDWR)
                else:
                    self.wait(lambda: self.ended)
            self.wait(lambda: self.ended)
        except OSError:
            pass

    def wait(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, 60)

    def note(self, change):
        with self.changed:
            change()
            self.changed.notify_all()

    def listen(self, connection, ready):
        stream = connection.makefile("rb")
        end = "lost"
        try:
            while (first := stream.read(1)):
                size, shift = 0, 0
                while True:
                    byte = stream.read(1)[0]
                    size |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                body = stream.read(size)
                kind = first[0] >> 4
                if kind == 14:
                    end = "disconnect"
                    break
                self.take(connection, kind, body, ready)
        except (OSError, IndexError):
            pass
        self.note(lambda: self.ended.append(end))

    def take(self, connection, kind, body, ready):
        if kind == 1:
            self.note(lambda: self.login(body))
            connection.sendall(self.connack)
        elif kind == 8:
            number, rest, filters = body[:2], body[2:], []
            while rest:
                size = struct.unpack(">H", rest[:2])[0]
                filters.append((rest[2:2 + size].decode(), rest[2 + size]))
                rest = rest[3 + size:]
            self.note(lambda: self.filters.extend(filters))
            if not self.connack:
                return  # it says nothing at all
            codes = self.suback or bytes([1] * len(filters))
            connection.sendall(bytes([0x90, 2 + len(codes)]) + number + codes)
            ready.set()
        elif kind == 4:
            number = struct.unpack(">H", body)[0]
            try:
                self.on_ack(number)
            except Exception as error:  # told by the test, whose thread is another one
                self.failure = error
            self.note(lambda: self.acks.append(number))
        elif kind == 12:
            self.pings += 1
            connection.sendall(b"\xd0\x00")

    def login(self, body):
        assert body[:7] == text("MQTT") + b"\x04", body
        flags, rest, texts = body[7], body[10:], []
        while rest:
            size = struct.unpack(">H", rest[:2])[0]
            texts.append(rest[2:2 + size].decode())
            rest = rest[2 + size:]
        self.logins.append((texts[0], not flags & 2, *texts[1:]))
