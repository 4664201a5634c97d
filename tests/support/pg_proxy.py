"""Stands between a program and a PostgreSQL, on a UNIX socket of its own, and strikes at the n-th statement: counts queries of both protocols
and, at that one, calls `strike` before the server gets it or when it has answered and the program does not know yet. Standard library only."""
import os
import socket
import struct
import tempfile
import threading

SOCKET = ".s.PGSQL.5432"


class Proxy:
    """One program at a time. `at` counts from 1, without what opens the session; 0: it only counts."""

    def __init__(self, server, skip=2):
        self.server = server
        self.skip = skip  # the settings that a session begins with
        self.folder = tempfile.mkdtemp(prefix="selvedge-proxy-")
        os.chmod(self.folder, 0o755)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(self.folder, SOCKET))
        self.listener.listen(4)
        self.arm(0)
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self, at, before=True, strike=None):
        self.at, self.before, self.strike = at, before, strike
        self.count = 0
        self.struck = False
        self.done = threading.Event()  # the strike is over
        self.statements = []

    def dsn(self):
        return self.server.dsn().replace(self.server.folder, self.folder)

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(os.path.join(self.server.folder, SOCKET))
            head = self.exactly(client, 8)
            length, _ = struct.unpack(">ii", head)
            far.sendall(head + self.exactly(client, length - 8))
            pump = threading.Thread(target=self.answers, args=(far, client), daemon=True)
            self.holds = threading.Event()
            self.answered = threading.Event()
            pump.start()
            self.questions(client, far)
        except (OSError, EOFError):
            pass
        finally:
            for end in (client, far):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()

    def exactly(self, end, length):
        data = b""
        while len(data) < length:
            piece = end.recv(length - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def message(self, end):
        head = self.exactly(end, 5)
        return head[:1], head + self.exactly(end, struct.unpack(">i", head[1:])[0] - 4)

    def questions(self, client, far):
        pending = b""
        while True:
            kind, data = self.message(client)
            pending += data
            if kind in (b"Q", b"S", b"X"):  # a query, the end of an extended one, good-bye
                if kind != b"X":
                    self.count += 1
                    self.statements.append(pending)
                if kind != b"X" and self.at and self.count - self.skip == self.at:
                    self.hit(far, pending)
                    raise EOFError
                far.sendall(pending)
                pending = b""

    def hit(self, far, pending):
        self.struck = True
        if not self.before:
            self.holds.set()
            far.sendall(pending)
            self.answered.wait(30)
        if self.strike:
            self.strike()
        self.done.set()

    def answers(self, far, client):
        try:
            while True:
                kind, data = self.message(far)
                if self.holds.is_set():
                    if kind == b"Z":
                        self.answered.set()
                    continue
                client.sendall(data)
        except (OSError, EOFError):
            self.answered.set()
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
        os.remove(os.path.join(self.folder, SOCKET))
        os.rmdir(self.folder)
