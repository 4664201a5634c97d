"""A client of the hub's web process. Standard library only."""
import gzip
import http.client
import json
import re

from fleet import children, wait_for

PASSWORD = "correct horse battery"


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.raw = body
        self.body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Client:
    """Asks as nobody, as who holds a token, or as who has logged in."""

    def __init__(self, port, token=None, address="127.0.0.1"):
        self.port = port
        self.address = address
        self.token = token
        self.cookie = None
        self.csrf = None
        self.context = None  # of TLS

    def connect(self, timeout):
        if self.context is not None:
            return http.client.HTTPSConnection(self.address, self.port, timeout=timeout, context=self.context)
        return http.client.HTTPConnection(self.address, self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, timeout=30):
        connection = self.connect(timeout)
        sent = {"Accept-Encoding": "gzip"}
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        if self.cookie:
            sent["Cookie"] = self.cookie
            sent["X-CSRF-Token"] = self.csrf or ""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def items(self, path):
        """All pages of a list."""
        found, cursor = [], None
        while True:
            join = "&" if "?" in path else "?"
            answer = self.get(path + (f"{join}cursor={cursor}" if cursor else ""))
            assert answer.status == 200, answer
            found += answer.json["items"]
            cursor = answer.json["next"]
            if cursor is None:
                return found

    def take_session(self, answer):
        assert answer.status == 200, answer
        self.cookie = answer.headers["set-cookie"].split(";")[0]
        self.csrf = answer.json["csrf_token"]
        return self

    def log_in(self, user, password=PASSWORD):
        return self.take_session(self.ask("POST", "/api/v1/session", {"user": user, "password": password}))


def wait_for_web(program, port):
    """Until the web process answers."""
    def answers():
        try:
            return Client(port).get("/healthz").status == 200
        except OSError:
            return False
    wait_for("the web process answers", answers)
    return program


def web_pid(fleet):
    """Of the web process, a child of the hub; None while there is none."""
    return next(children_called(fleet.hub.process.pid, "web"), None)


def children_called(pid, word):
    """Ids of the children that have this word on their command line, while they are there."""
    for child in children(pid):
        try:
            with open(f"/proc/{child}/cmdline", "rb") as f:
                if f"\0{word}\0".encode() in f.read():
                    yield child
        except OSError:
            pass


def setup_secret(program):
    """Of the newest link in the log."""
    links = re.findall(r"/setup#([0-9a-f]{64})", program.read_log())
    return links[-1] if links else None


def set_up(program, port, password=PASSWORD):
    """Waits for the web process and sets the admin's password: a client that is logged in."""
    wait_for_web(program, port)
    secret = wait_for("the setup link is logged", lambda: setup_secret(program))
    client = Client(port)
    return client.take_session(client.ask("POST", "/api/v1/setup", {"secret": secret, "password": password}))


class Stream:
    """Server-sent events, read as they come."""

    def __init__(self, client, last=None):
        headers = {"Cookie": client.cookie} if client.cookie else {"Authorization": "Bearer " + client.token}
        if last:
            headers["Last-Event-ID"] = last
        self.connection = client.connect(60)
        self.connection.request("GET", "/api/v1/events/live", headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()
        self.last = last

    def next(self):
        """(type, data) of the next event; None when the stream has ended."""
        kind, data = None, ""
        while True:
            line = self.response.readline().decode()
            if line == "":
                return None
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "id":
                self.last = value
            elif name == "event":
                kind = value
            elif name == "data":
                data += value
            elif line == "\n" and kind:
                return kind, json.loads(data)

    def until(self, wanted):
        """Everything up to the first event for which wanted(type, data) holds."""
        seen = []
        while True:
            event = self.next()
            assert event is not None, ("the stream has ended", seen)
            seen.append(event)
            if wanted(*event):
                return seen

    def close(self):
        self.connection.close()
