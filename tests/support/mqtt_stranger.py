"""As much MQTT 5 as somebody needs who tries doors: no library that would be too polite. Standard library only."""
import socket
import ssl
import struct


class Refused(Exception):
    """The connection was not let in, or was ended."""


def length(n):
    out = bytearray()
    while True:
        n, digit = divmod(n, 128)
        out.append(digit | (0x80 if n else 0))
        if not n:
            return bytes(out)


def text(s):
    return struct.pack(">H", len(s.encode())) + s.encode()


def tls(ca=None, cert=None, key=None):
    """Trusts anybody without `ca`: a stranger does not care."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
    if ca:
        context.load_verify_locations(ca)
    if cert:
        context.load_cert_chain(cert, key)
    return context


class Stranger:
    """One connection; Refused when it was not let in."""

    def __init__(self, port, client_id, context=None, will=None, session=None):
        self.messages = []
        self.payloads = []  # of the same
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        try:
            if context is not None:
                self.socket = context.wrap_socket(self.socket, session=session)
            flags, last = (b"\x0e", b"\x00" + text(will) + text("{}")) if will else (b"\x02", b"")
            self.send(0x10, text("MQTT") + b"\x05" + flags + struct.pack(">H", 60) + b"\x00" + text(client_id) + last)
            kind, body = self.packet()
        except (OSError, Refused) as error:
            self.close()
            raise Refused(str(error)) from error
        if kind >> 4 != 2 or body[1] != 0:
            self.close()
            raise Refused(f"CONNACK with reason {body[1]:#x}" if kind >> 4 == 2 else f"packet {kind:#x}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, kind, body):
        self.socket.sendall(bytes([kind]) + length(len(body)) + body)

    def read(self, count):
        out = b""
        while len(out) < count:
            part = self.socket.recv(count - len(out))
            if not part:
                raise Refused("the connection was ended")
            out += part
        return out

    def packet(self):
        kind = self.read(1)[0]
        total, shift = 0, 0
        while True:
            digit = self.read(1)[0]
            total |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return kind, self.read(total)

    def answer(self, wanted):
        """The next packet of a kind; messages that come before it are kept."""
        while True:
            try:
                kind, body = self.packet()
            except OSError as error:
                raise Refused(str(error)) from error
            if kind >> 4 == wanted:
                return body
            if kind >> 4 == 3:
                size = struct.unpack(">H", body[:2])[0]
                self.messages.append(body[2:2 + size].decode())
                rest = body[2 + size + (2 if kind & 6 else 0):]
                self.payloads.append(rest[1 + rest[0]:])  # of properties there are less than 128 bytes
            elif kind >> 4 == 14:
                raise Refused(f"DISCONNECT with reason {body[0] if body else 0:#x}")

    def ended(self, seconds):
        """Whether the other side ends the connection within this time."""
        self.socket.settimeout(seconds)
        try:
            while True:
                if self.packet()[0] >> 4 == 14:
                    return True
        except TimeoutError:
            return False
        except (OSError, Refused):
            return True

    def subscribe(self, topic):
        """The reason code: below 0x80 the broker took it."""
        self.send(0x82, b"\x00\x01\x00" + text(topic) + b"\x01")
        return self.answer(9)[-1]

    def publish(self, topic, payload=b"hello", qos=1, retain=False):
        """The reason code; 0x87 is 'not authorized'."""
        self.send(0x30 | qos << 1 | retain, text(topic) + (b"\x00\x02" if qos else b"") + b"\x00" + payload)
        body = self.answer(4)
        return body[2] if len(body) > 2 else 0

    def payloads_received(self):
        self.topics_received()
        return self.payloads

    def topics_received(self):
        """Of everything that was delivered until now; the broker answers a ping after what it had to deliver."""
        self.send(0xC0, b"")
        self.answer(13)
        return self.messages
