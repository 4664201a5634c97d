"""What is sent to hurt: the web process answers or cuts, stays small, and the hub goes on."""
import os
import resource
import socket
import sqlite3
import ssl
import sys

from fleet import Fleet, free_port, run_tests, wait_for
from web import PASSWORD, Client, Stream, set_up, setup_secret, wait_for_web
from web_test import web_pid

IDLE = 4600  # more than HTTP_CONNECTIONS_MAX


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
        assert get(b"/api/v1/nothing") == 404
        assert get(b"/" + b"a" * 9000) in (400, 414, 431)
        big = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(64)) + b"\r\n"
        assert status(raw(port, big)) in (400, 413, 431), raw(port, big)[:200]
        assert status(raw(port, b"NONSENSE\r\n\r\n")) in (400, None)
        assert status(raw(port, b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03" + b"\x00" * 100 + b"\r\n\r\n")) in (400, None)
        for path in ("devices?limit=0", "devices?limit=1001", "devices?limit=x", "devices?cursor=x", "runs?cursor=QQ", "runs?cursor=%F0%9F%92%A9",
                     "assets?selection=%28", "assets?selection=nosuch%3A%3A", "graph?at=yesterday", "search", "events?order=up", "devices?to=%28",
                     "events?cursor=LTUA", "assets/a/history?cursor=QUFBAA"):
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
        assert status(raw(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n")) == 413
        forwarded = admin.ask("GET", "/metrics", headers={"X-Forwarded-For": "1.2.3.4", "Cookie": "x=y"})
        assert forwarded.status == 401, "what a proxy passes on is not of this machine"
        assert Client(port).get("/metrics", headers={"Host": "127.0.0.1.evil.example"}).status == 401
        assert Client(port).get("/metrics", headers={"Host": "evil.example"}).status == 401, "a name that was made to resolve to us"
        assert Client(port).get("/metrics").body.startswith(b"# HELP")
        assert admin.get("/api/v1/devices").status == 200 and fleet.hub.is_running


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


def rss(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def idle_and_slow_ones_are_cut():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12000), hard))
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        pid = web_pid(fleet)
        silent = socket.create_connection(("127.0.0.1", fleet.http_port))
        before = rss(pid)
        idle = []
        for _ in range(IDLE):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", fleet.http_port))
            idle.append(s)
        wait_for("somebody new is answered while thousands are idle", lambda: healthy(fleet.http_port), seconds=150)
        grown = rss(pid) - before
        for s in idle:
            s.close()
        silent.settimeout(60)
        silent.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")  # and no more
        assert silent.recv(1000)[:12] in (b"", b"HTTP/1.1 408"), "one that sends no request is kept"
        assert web_pid(fleet) == pid, "the web process has ended"
        print(f"{IDLE} idle connections: {grown} KiB")
        assert grown < 400 << 10, f"{grown} KiB for idle connections"  # with sanitizers; see docs/limits.md


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
        assert statuses.count(b"503") >= 5 and statuses.count(b"200") >= 10, statuses
        assert Client(fleet.http_port).get("/healthz").status == 200
        for s in waiting:
            s.close()
        wait_for("others are answered again", lambda: admin.get("/api/v1/events?limit=1").status == 200)


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
    sys.exit(run_tests([bad_requests_are_answered, passwords_are_not_guessed, idle_and_slow_ones_are_cut, answers_that_nobody_takes_are_bounded,
                        tls_is_the_hubs_own]))
