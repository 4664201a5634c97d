"""A Modbus device with the faults a test wants: over TCP on a free port, or RTU on a pseudo-terminal. Standard library only."""
import os
import select
import socket
import struct
import threading
import tty

HOLDING, INPUT, COIL, DISCRETE = "holding", "input", "coil", "discrete"
KINDS = {1: COIL, 2: DISCRETE, 3: HOLDING, 4: INPUT}


def crc(message):
    value = 0xFFFF
    for byte in message:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


class Device:
    """Tables of words, and what to do with the requests to come: `plan` holds one word each, "ok" when it is empty.

    ok; exception N (a number); silence; cut; half (of an answer, then silence); wrong_id; wrong_unit; wrong_function; short (fewer
    registers than asked for); long; garbage; bad_crc.
    """

    def __init__(self):
        self.tables = {kind: {} for kind in KINDS.values()}
        self.units = None  # all
        self.plan = []
        self.requests = []  # (unit, kind, address, count)
        self.connections = 0
        self.served = threading.Condition()

    def put(self, kind, address, *words):
        for i, word in enumerate(words):
            self.tables[kind][address + i] = word

    def wait_for(self, count):
        """Until so many requests have come."""
        with self.served:
            assert self.served.wait_for(lambda: len(self.requests) >= count, 30), self.requests

    def answer(self, unit, pdu):
        """The fault to play, and the answer as it should be."""
        function, address, count = struct.unpack(">BHH", pdu)
        with self.served:
            fault = self.plan.pop(0) if self.plan else "ok"
            self.requests.append((unit, KINDS.get(function), address, count))
            self.served.notify_all()
        table = self.tables[KINDS[function]]
        if isinstance(fault, int):
            return "ok", bytes([function | 0x80, fault])
        if any(a not in table for a in range(address, address + count)):
            return fault, bytes([function | 0x80, 2])
        words = [table[a] for a in range(address, address + count)]
        if fault in ("short", "long"):
            words = words[:-1] if fault == "short" else words + [0]
        if function <= 2:
            packed = bytearray((len(words) + 7) // 8)
            for i, bit in enumerate(words):
                packed[i // 8] |= bit << (i % 8)
        else:
            packed = struct.pack(f">{len(words)}H", *words)
        if fault == "wrong_function":
            function ^= 7
        return fault, bytes([function, len(packed)]) + packed


class TcpDevice(Device):
    def __init__(self):
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            while True:
                header = connection.recv(7, socket.MSG_WAITALL)
                if len(header) < 7:
                    return
                number, protocol, length, unit = struct.unpack(">HHHB", header)
                pdu = connection.recv(length - 1, socket.MSG_WAITALL)
                fault, answer = self.answer(unit, pdu)
                if fault == "cut":
                    return
                if fault == "silence":
                    continue
                if fault == "wrong_id":
                    number = (number + 1) & 0xFFFF
                if fault == "wrong_unit":
                    unit ^= 1
                message = struct.pack(">HHHB", number, protocol, len(answer) + 1, unit) + answer
                if fault == "garbage":
                    message = b"\xff" * 64
                connection.sendall(message[:len(message) // 2] if fault == "half" else message)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class RtuDevice(Device):
    """`path` is the line's other end."""

    def __init__(self):
        super().__init__()
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        got = b""
        while True:
            ready, _, _ = select.select([self.master], [], [], 0.05)
            if not ready:
                got = b""  # a pause ends a frame
                continue
            got += os.read(self.master, 256)
            if len(got) < 8:
                continue
            frame, got = got[:8], b""
            if crc(frame[:6]) != frame[6:] or self.units and frame[0] not in self.units:
                continue
            fault, answer = self.answer(frame[0], frame[1:6])
            if fault == "silence":
                continue
            message = bytes([frame[0] ^ (fault == "wrong_unit")]) + answer
            check = crc(message)
            if fault == "bad_crc":
                check = bytes([check[0] ^ 1, check[1]])
            message += check
            os.write(self.master, message[:len(message) // 2] if fault == "half" else message)
