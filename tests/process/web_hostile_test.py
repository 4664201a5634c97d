"""What is sent to hurt: the web process answers or cuts, stays small, and the hub goes on."""
import os
import re
import resource
import socket
import sqlite3
import ssl
import sys
import threading
import time
import warnings

from fleet import Fleet, free_port, run_tests, wait_for
from web import PASSWORD, Client, Stream, set_up, setup_secret, wait_for_web, web_pid

IDLE = 10000
IDLE_KIB = 24  # of one, with sanitizers; what it is without: docs/limits.md


def raw(port, data, wait=30):
    """What comes back until the other end closes or is silent for a second."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as s:
        try:
            s.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass
        got = b""
        while True:
            try:
                part = s.recv(65536)
            except (ConnectionResetError, socket.timeout):
                return got
            if not part:
                return got
            got += part
            if b"\r\n\r\n" in got:
                s.settimeout(1)


def status(answer):
    return int(answer.split()[1]) if answer.startswith(b"HTTP/") else None


def bad_requests_are_answered():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        port = fleet.http_port
        get = lambda target: status(raw(port, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        for target in (b"/api/v1/%", b"/api/v1/%zz", b"/api/v1/devices/%00", b"/api/v1/devices/%ff", b"/api/../etc/passwd",
                       b"/api//v1", b"/" + b"a/" * 40 + b"a", b"/api/v1/devices?" + b"&".join(b"a%d=1" % i for i in range(40)),
                       b"/api/v1/devices/%2e%2e"):
            assert get(target) == 400, (target, get(target))
        for count, said in ((300, 400), (2000, 400), (9000, 414)):
            assert get(b"/api/v1/devices?" + b"&".join([b"x="] * count)) == said, count
        assert get(b"/api/v1/nothing") == 404
        assert get(b"/" + b"a" * 9000) in (400, 414, 431)
        big = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(64)) + b"\r\n"
        assert status(raw(port, big)) in (400, 413, 431), raw(port, big)[:200]
        assert status(raw(port, b"NONSENSE\r\n\r\n")) in (400, None)
        assert status(raw(port, b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03" + b"\x00" * 100 + b"\r\n\r\n")) in (400, None)
        for path in ("devices?limit=0", "devices?limit=1001", "devices?limit=x", "devices?cursor=x", "runs?cursor=QQ", "runs?cursor=%F0%9F%92%A9",
                     "assets?selection=%28", "assets?selection=nosuch%3A%3A", "graph?at=yesterday", "search", "events?order=up", "devices?to=%28",
                     "events?cursor=QUFBAA", "assets/a/history?cursor=QUFBAA"):
            answer = admin.get("/api/v1/" + path)
            assert answer.status == 400 and answer.headers["content-type"] == "application/problem+json", (path, answer)
        for body in ("", "{", "[]", '{"user":1,"password":2}', '{"user":"a","user":"b"}', '{"a":' * 40 + "1" + "}" * 40, "\0", '"\\ud800"'):
            answer = admin.ask("POST", "/api/v1/session", body, {"Content-Type": "application/json"})
            assert answer.status == 400, (body, answer)
        assert admin.ask("POST", "/api/v1/session", "user=a&password=b", {"Content-Type": "application/x-www-form-urlencoded"}).status == 400
        assert admin.ask("POST", "/api/v1/session", "x" * 5000, {"Content-Type": "application/json"}).status == 413
        chunked = (b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
                   + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 100)
        assert status(raw(port, chunked)) in (400, 413, None)
        twice = b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n1\r\nx\r\n0\r\n\r\n"
        before = web_pid(fleet)
        assert status(raw(port, twice)) == 400 and web_pid(fleet) == before, "one byte that a second length denies"
        assert status(raw(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n")) == 413
        forwarded = admin.ask("GET", "/metrics", headers={"X-Forwarded-For": "1.2.3.4", "Cookie": "x=y"})
        assert forwarded.status == 401, "what a proxy passes on is not of this machine"
        assert Client(port).get("/metrics", headers={"Host": "127.0.0.1.evil.example"}).status == 401
        assert Client(port).get("/metrics", headers={"Host": "evil.example"}).status == 401, "a name that was made to resolve to us"
        assert Client(port).get("/metrics").body.startswith(b"# HELP")
        assert admin.get("/api/v1/devices").status == 200 and fleet.hub.is_running


def connections_are_kept():
    """Whatever is answered, the next request on the connection is too; but after a body that was refused."""
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        headers = {"Cookie": admin.cookie, "X-CSRF-Token": admin.csrf, "Content-Type": "application/json"}
        etag = admin.get("/api/v1/devices").headers["etag"]
        asked = [("GET", "/healthz", None, 200), ("GET", "/api/v1/nothing", None, 404), ("GET", "/api/v1/%zz", None, 400), ("PUT", "/healthz", None, 405),
                 ("GET", "/api/v1/devices", None, 200), ("HEAD", "/api/v1/devices", None, 200), ("GET", "/assets/nothing.js", None, 404),
                 ("POST", "/api/v1/silences", "{", 400), ("DELETE", "/api/v1/silences/7", None, 404), ("GET", "/runs", None, 200)]
        before = figure(fleet.http_port, "connections_total")
        connection = admin.connect(30)
        for _ in range(20):
            for method, path, body, expected in asked:
                connection.request(method, path, body=body, headers=headers)
                response = connection.getresponse()
                response.read()
                assert response.status == expected, (method, path, response.status)
            connection.request("GET", "/api/v1/devices", headers={**headers, "If-None-Match": etag})
            response = connection.getresponse()
            assert (response.status, response.read()) == (304, b""), response.status
        # One for these, and one each for the figures.
        assert figure(fleet.http_port, "connections_total") == before + 2, "a connection was closed after an answer"
        connection.request("GET", "/healthz", body="more than it takes", headers=headers)
        response = connection.getresponse()
        assert (response.status, response.headers["Connection"]) == (413, "close"), response.status


def passwords_are_not_guessed():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        set_up(fleet.hub, fleet.http_port)
        guess = Client(fleet.http_port)
        statuses = [guess.ask("POST", "/api/v1/session", {"user": "admin", "password": f"guess number {i}"}).status for i in range(14)]
        assert statuses[0] == 401 and 429 in statuses, statuses
        assert statuses.count(401) <= 11, statuses
        last = guess.ask("POST", "/api/v1/session", {"user": "admin", "password": PASSWORD})
        assert last.status == 429 and last.headers["retry-after"], "not even the right one is looked at now"


def pss(pid):
    """KiB."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def figure(port, name):
    return int(re.search(rf"^selvedge_web_{name} (\d+)$", Client(port).get("/metrics").body.decode(), re.M)[1])


def settle(fleet, **settings):
    """Of the web process, beside its port."""
    more = "".join(f", {key}: {value}" for key, value in settings.items())
    path = os.path.join(fleet.hub_dir, "hub.yaml")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace(f"http: {{port: {fleet.http_port}}}", f"http: {{port: {fleet.http_port}{more}}}"))


class Normal:
    """Somebody who asks again and again while others do what they do; each answer must be a right one. Where there
    are more connections than fit, a new one may be cut before its request is on its way: it is tried again."""

    def __init__(self, client, tries=1):
        self.client = client
        self.tries = tries
        self.count = 0
        self.worst = 0
        self.failure = None
        self.is_over = False
        self.thread = threading.Thread(target=self.ask)

    def ask(self):
        while not self.is_over and self.failure is None:
            begun = time.monotonic()
            for left in reversed(range(self.tries)):
                try:
                    answer = self.client.get("/api/v1/devices", timeout=60)
                    if answer.status != 200:
                        self.failure = repr(answer)
                    break
                except OSError as problem:
                    if left == 0:
                        self.failure = f"{problem!r} after {self.count} answers"
            self.worst = max(self.worst, time.monotonic() - begun)
            self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.is_over = True
        self.thread.join()
        assert self.failure is None or kind is not None, self.failure
        assert self.count > 0
        print(f"{self.count} normal requests meanwhile, the slowest took {self.worst * 1e3:.0f} ms")


def open_idle(port, count, start=b""):
    opened = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", port), timeout=120)
        if start:
            s.sendall(start)
        opened.append(s)
    return opened


def has_ended(s):
    """Whether the other side has closed; what it says before is read."""
    s.setblocking(False)
    try:
        while True:
            if not s.recv(65536):
                return True
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    finally:
        s.setblocking(True)


def as_many_files_as_may_be():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def ten_thousand_idle_ones_are_kept():
    files = as_many_files_as_may_be()
    count = IDLE if files == resource.RLIM_INFINITY else min(IDLE, files - 1000)
    if count < IDLE:
        print(f"only {count} connections: the hard limit of open files is {files}")
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        pid = web_pid(fleet)
        before = pss(pid)
        room = figure(fleet.http_port, "connections_max")
        with Normal(admin):
            idle = open_idle(fleet.http_port, count)
            wait_for("all are accepted", lambda: figure(fleet.http_port, "connections_total") >= count, seconds=120)
        grown = pss(pid) - before
        print(f"{count} idle connections: {grown} KiB, {grown / count:.1f} each; {figure(fleet.http_port, 'connections')} at once")
        if room > count + 100 and figure(fleet.http_port, "connections_cut_total") == 0:  # else the machine took a minute for all this
            assert figure(fleet.http_port, "connections_displaced_total") == 0
            assert figure(fleet.http_port, "connections") >= count
            assert not any(has_ended(s) for s in idle), "an idle connection was closed though there is room"
        assert web_pid(fleet) == pid, "the web process has ended"
        assert grown < IDLE_KIB * count, f"{grown} KiB for idle connections"
        for s in idle:
            s.close()
        wait_for("those that are closed are forgotten", lambda: figure(fleet.http_port, "connections") < 100, seconds=60)


def who_is_idle_longest_gives_way():
    with Fleet(web=True) as fleet:
        settle(fleet, connections=100)
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        for start in (b"", b"GET /api/v1/devices HTTP/1.1\r\nX-Slow: ",
                      b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"):
            displaced = figure(fleet.http_port, "connections_displaced_total")
            with Normal(admin, tries=20):
                opened = open_idle(fleet.http_port, 400, start)
                wait_for("the first gave way", lambda: all(has_ended(s) for s in opened[:250]))
                wait_for("as many gave way as there were too many",
                         lambda: figure(fleet.http_port, "connections_displaced_total") >= displaced + 300)
            assert figure(fleet.http_port, "connections") <= 100 + 64
            for s in opened:
                s.close()
        wait_for("it is logged", lambda: re.search(r"event=web.crowded connections=\d+ limit=100 displaced=\d+ refused=0", fleet.hub.read_log()))


def as_many_as_there_may_be_files():
    with Fleet(web=True) as fleet:
        fleet.hub.argv = ["prlimit", "--nofile=400:400", "--"] + fleet.hub.argv
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        assert "event=web.few_files open_files=400" in fleet.hub.read_log()
        room = figure(fleet.http_port, "connections_max")
        assert 64 <= room < 300, room
        with Normal(admin, tries=20):
            opened = open_idle(fleet.http_port, 600)
            wait_for("the first gave way", lambda: all(has_ended(s) for s in opened[:250]))
        for s in opened:
            s.close()


def when_nobody_can_give_way_the_newest_is_told():
    with Fleet(web=True) as fleet:
        settle(fleet, connections=64)
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        streams = [Stream(admin) for _ in range(64)]
        told = Client(fleet.http_port).get("/healthz")
        assert told.status == 503 and told.headers["retry-after"] and "connections" in told.json["detail"], told
        streams.pop().close()
        wait_for("there is room when a listener has gone", lambda: healthy(fleet.http_port))
        assert all(stream.next() == ("hello", {}) for stream in streams), "a listener was cut for somebody new"


def outer_address():
    """Of this machine, not loopback; None when it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("198.51.100.1", 9))  # sends nothing
            return s.getsockname()[0]
        except OSError:
            return None


def an_address_has_its_share_and_no_more():
    address = outer_address()
    if address is None or address.startswith("127."):
        print("not tested: this machine has no address but loopback")
        return
    for is_proxy in (False, True):
        with Fleet(web=True) as fleet:
            settle(fleet, connections=80, bind="0.0.0.0", tls="off", **({"proxies": f"[{address}]"} if is_proxy else {}))
            fleet.start_hub()
            wait_for_web(fleet.hub, fleet.http_port)
            assert ("event=web.not_private" in fleet.hub.read_log()) is not is_proxy, "passwords can be read on the way"
            opened = [socket.create_connection((address, fleet.http_port)) for _ in range(30)]
            if is_proxy:
                wait_for("a proxy has more", lambda: figure(fleet.http_port, "connections") > 30)
                assert figure(fleet.http_port, "connections_refused_total") == 0
            else:
                wait_for("the others are refused", lambda: figure(fleet.http_port, "connections_refused_total") == 10)
                assert sum(has_ended(s) for s in opened) == 10
            assert healthy(fleet.http_port), "others are answered meanwhile"
            for s in opened:
                s.close()


def a_proxy_says_who_asks():
    with Fleet(web=True) as fleet:
        settle(fleet, proxies="127.0.0.1")
        fleet.start_hub()
        set_up(fleet.hub, fleet.http_port)

        def guess(forwarded, user):
            body = {"user": user, "password": "no, not this one"}
            return Client(fleet.http_port).ask("POST", "/api/v1/session", body, {"X-Forwarded-For": forwarded}).status
        first = [guess(f"198.51.100.{i}, 192.0.2.7", f"user{i}") for i in range(14)]
        assert 429 in first, "what stands before the last entry is not believed"
        assert guess("192.0.2.8", "somebody") == 401, "somebody else has an attempt"
        assert 'peer=192.0.2.7' in fleet.hub.read_log().replace('"', ""), fleet.hub.tail()


def slow_and_half_closed_ones_hold_up_nobody():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        port = fleet.http_port
        head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        post = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
        long = bool(os.environ.get("SELVEDGE_LONG"))
        with Normal(admin):
            slow = [(s, b"X-Slow: " + b"y" * 100) for s in open_idle(port, 50, b"GET /healthz HTTP/1.1\r\n")]
            slow += [(s, b"{" * 100) for s in open_idle(port, 50, post)]
            seconds = 45 if long else 5  # HTTP_RECEIVE_S is 30
            for i in range(seconds):
                for s, text in slow:
                    try:
                        s.sendall(text[i:i + 1])
                    except ConnectionError:
                        pass
                time.sleep(1)
            if long:
                assert all(has_ended(s) for s, _ in slow), "one that sends a byte a second is kept"
            else:
                assert not any(has_ended(s) for s, _ in slow), "a slow one is not given its time"
            for s, _ in slow:
                s.close()
            # One end is closed: what was asked is answered; half a request is not waited for.
            ended = open_idle(port, 20, head)
            halves = [s for half in (b"GET /heal", head[:-4], post + b"{") for s in open_idle(port, 20, half)]
            for s in ended + halves:
                s.shutdown(socket.SHUT_WR)
            for s in ended:
                assert s.makefile("rb").read().endswith(b"ok\n")
            for s in halves:
                assert status(s.makefile("rb").read()) in (None, 400)
            for s in ended + halves:
                s.close()
            # Many requests in one go are answered in their order, until one asks to close.
            targets = [b"/healthz", b"/api/v1/nothing", b"/healthz?x=%zz"] * 40
            requests = b"".join(b"GET " + t + b" HTTP/1.1\r\nHost: localhost\r\n\r\n" for t in targets)
            with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
                s.sendall(requests + head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                got = re.findall(rb"HTTP/1.1 (\d+) ", s.makefile("rb").read())
            assert got == [b"200", b"404", b"400"] * 40 + [b"200"], got
            # 64 KB of headers: in one line, in many, in the first line.
            for i in range(30):
                for big in (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 65536 + b"\r\n\r\n",
                            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 11000 + b"\r\n",
                            b"GET /" + b"y" * 65536 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
                            b"Y" * 65536):
                    assert status(raw(port, big)) in (400, 413, 414, 431, None), big[:60]
        wait_for("none of them is left", lambda: figure(port, "connections") < 10)


def healthy(port):
    try:
        return Client(port).ask("GET", "/healthz", timeout=10).status == 200
    except OSError:
        return False


def answers_that_nobody_takes_are_bounded():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        db = sqlite3.connect(fleet.hub_db, timeout=30)
        db.execute("INSERT INTO stream (device, epoch, first_at_ms, merged_seq, received_ms) VALUES ('big', '0123456789abcdef', 1, 1000, 1)")
        body = '{"message":"%s"}' % ("x" * 16000)
        db.executemany("INSERT INTO event (stream_id, seq, type, at_ms, received_ms, body) SELECT max(id), ?, 'log', 1, 1, ? FROM stream",
                       [(i, body) for i in range(1, 1001)])
        db.commit()
        db.close()
        waiting = []
        for i in range(26):  # 16 MB each
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(("127.0.0.1", fleet.http_port))
            s.sendall(f"GET /api/v1/events?limit=1000&x={i} HTTP/1.1\r\nHost: localhost\r\nCookie: {admin.cookie}\r\n\r\n".encode())
            waiting.append(s)
        statuses = []
        for s in waiting:
            s.settimeout(60)
            statuses.append(s.recv(12)[9:])
        # Where all of it takes longer than an answer may wait, the first ones have made room again.
        assert statuses.count(b"503") >= 1 and statuses.count(b"200") >= 10, statuses
        assert Client(fleet.http_port).get("/healthz").status == 200
        for s in waiting:
            s.close()
        wait_for("others are answered again", lambda: admin.get("/api/v1/events?limit=1").status == 200)


def speaks(port, most):
    """The version that is agreed on with a client that knows none later than `most`; None: the server ends it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that these are old
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, most
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        try:
            with context.wrap_socket(s) as tls:
                return tls.version()
        except (ssl.SSLError, ConnectionError):
            return None


def tls_is_the_hubs_own():
    with Fleet(web=True) as fleet:
        port = free_port()
        settings = os.path.join(fleet.hub_dir, "hub.yaml")
        with open(settings) as f:
            text = f.read().replace(f"http: {{port: {fleet.http_port}}}", f"http: {{port: {port}, tls: on}}")
        with open(settings, "w") as f:
            f.write(text)
        fleet.start_hub()
        context = ssl.create_default_context(cafile=os.path.join(fleet.hub_dir, "ca", "ca.pem"))

        client = Client(port)
        client.context = context
        wait_for("HTTPS is answered with a certificate of the fleet's CA", lambda: healthy_client(client))
        admin = client.take_session(client.ask("POST", "/api/v1/setup", {"secret": setup_secret(fleet.hub), "password": PASSWORD}))
        answer = admin.get("/api/v1/devices")
        assert answer.status == 200 and "max-age" in answer.headers["strict-transport-security"], answer.headers
        login = client.ask("POST", "/api/v1/session", {"user": "admin", "password": PASSWORD})
        assert "Secure" in login.headers["set-cookie"], login.headers
        assert speaks(port, ssl.TLSVersion.TLSv1_2) == "TLSv1.2" and speaks(port, ssl.TLSVersion.TLSv1_1) is None, "TLS 1.1 is over"
        stream = Stream(admin)
        assert stream.next() == ("hello", {})
        fleet.device("brooklyn", "project: shop\n").enrol()
        stream.until(lambda kind, data: kind == "device" and data.get("device") == "brooklyn")


def healthy_client(client):
    try:
        return client.get("/healthz").status == 200
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(run_tests([bad_requests_are_answered, connections_are_kept, passwords_are_not_guessed, ten_thousand_idle_ones_are_kept, who_is_idle_longest_gives_way,
                        as_many_as_there_may_be_files, when_nobody_can_give_way_the_newest_is_told, an_address_has_its_share_and_no_more, a_proxy_says_who_asks,
                        slow_and_half_closed_ones_hold_up_nobody, answers_that_nobody_takes_are_bounded, tls_is_the_hubs_own], at_once=3))
