"""The API of a big fleet: 2,000 devices that define and made 500 assets each, while events are merged, and 50 clients
that ask without a pause. Latencies are wrk's, of this machine with all programs on it; rates are by processor time."""
import base64
import contextlib
import os
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import time
from datetime import datetime

from harness import Result, Skip, row

DEVICES = 2000
ASSETS = 500
RATE = 2000  # events a second that are merged meanwhile
CLIENTS = 50
SECONDS = 4.0
TINY = 0.01  # below this scale it is only seen that it runs
MB = 1 << 20


def wrk(bench, url, clients, token=None, script=None):
    """Requests, and latencies by percentile in milliseconds: of what was not answered in time, the time itself."""
    program = shutil.which("wrk")
    if program is None:
        raise Skip("there is no wrk: apt-get install wrk")
    seconds = max(1, round(bench.seconds(SECONDS)))
    argv = [program, "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
    argv += ["-H", f"Authorization: Bearer {token}"] if token else []
    argv += ["-s", script] if script else []
    done = subprocess.run(argv + [url], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0 or "Non-2xx" in done.stdout or re.search(r"Socket errors:.*(connect|read|write) [1-9]", done.stdout):
        raise RuntimeError(f"{url}: {done.stdout}{done.stderr}")
    units = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
    found = dict.fromkeys((50, 99), seconds * 1e3)
    requests = int(re.search(r"^\s+(\d+) requests in", done.stdout, re.M).group(1))
    if requests > 0:  # of none wrk says 0 us
        found |= {int(p): float(value) * units[unit] for p, value, unit in
                 re.findall(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s|m)\s*$", done.stdout, re.M)}
    return requests, found


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        user, system = f.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Proportional, in bytes."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return 1024 * int(re.search(r"^Pss:\s+(\d+) kB", f.read(), re.M).group(1))


# --- the fleet ----------------------------------------------------------------------------------------------------------

def register(path):
    """What the hub's registry knows of the devices: enrolled, labelled, on line but for a fiftieth of them."""
    now = int(time.time() * 1000)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        names = [name for (name,) in db.execute("SELECT device FROM stream ORDER BY device")]
        for i, name in enumerate(names):
            db.execute("INSERT INTO device (id, status, status_ms, enrolled_ms, cert_serial, cert_fingerprint, key_fingerprint,"
                       " not_after_ms) VALUES (?1, 'enrolled', ?2, ?2, ?1, ?1, ?1, ?3)", (name, now, now + 90 * 86400_000))
            db.executemany("INSERT INTO device_label VALUES (?, ?, ?)",
                           [(name, "site", f"site-{i % 100}"), (name, "line", str(i % 4))])
            db.execute("INSERT INTO connection (device, is_online, since_ms, last_seen_ms, epoch, last_seq, version, board,"
                       " clock_offset_ms, clock_trusted) SELECT device, ?2, ?3, ?3, epoch, merged_seq, '1.0.0', 'generic', 3, 1"
                       " FROM stream WHERE device = ?1", (name, 0 if i % 50 == 49 else 1, now))


class BigFleet:
    """A hub's folder with a big database, and the web process alone upon it."""

    def __init__(self, bench, devices, assets):
        from fleet import Program, free_port, run
        self.bench = bench
        self.devices, self.assets = devices, assets
        self.dir = bench.fresh("api")
        self.db = os.path.join(self.dir, "hub.db")
        self.port = free_port()
        hub = bench.program("selvedge-hub")
        run(hub, "init", "--state-dir", self.dir, "--fleet", "big", "--host", "127.0.0.1", "--bind", "127.0.0.1",
            "--port", str(free_port()), "--enrol-port", str(free_port()))
        with open(os.path.join(self.dir, "hub.yaml"), "a") as f:
            f.write(f"http: {{port: {self.port}}}\n")
        self.made = bench.run("hub_fleet", "make", self.db, devices, assets)
        register(self.db)
        self.web = Program([hub, "web", "--state-dir", self.dir], os.path.join(self.dir, "web.log"))
        self.hub = Program([hub, "serve", "--state-dir", self.dir], os.path.join(self.dir, "hub.log"))

    def start(self):
        from web import set_up
        self.web.start()
        client = set_up(self.web, self.port)
        self.token = client.ask("POST", "/api/v1/tokens", {"scopes": ["admin"], "label": "bench"}).json["secret"]
        self.client = client
        client.get("/api/v1/overview", timeout=600)  # all was read once
        client.get("/api/v1/graph", timeout=600)
        return self

    def stop(self):
        self.web.kill()
        self.hub.kill()

    @contextlib.contextmanager
    def merging(self, rate, seconds):
        """While events come: `rate` a second, 1: as fast as it goes."""
        from fleet import wait_for
        argv = [self.bench.program("bench/hub_fleet"), "load", self.db, self.devices, self.assets, seconds, rate]
        before = self.newest()
        load = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True)
        try:
            wait_for("events are merged", lambda: self.newest() != before, 60)
            yield
        finally:
            load.terminate()
            load.communicate()

    def newest(self):
        """The id of the newest event in the log."""
        return self.client.get("/api/v1/events?limit=1").json["items"][0]["id"]

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"


def big_fleet(bench):
    def build(bench):
        fleet = BigFleet(bench, bench.count(DEVICES, 4), bench.count(ASSETS, 12))
        bench.at_end(fleet.stop)
        return fleet.start()
    return bench.once("big_fleet", build)


# --- endpoints ----------------------------------------------------------------------------------------------------------

ASSET = "layer1/asset_00011"
DEVICE = "shop-000002"
ENDPOINTS = {
    "overview": "/api/v1/overview",
    "devices": "/api/v1/devices",
    "device": f"/api/v1/devices/{DEVICE}",
    "assets": "/api/v1/assets",
    "assets_selected": "/api/v1/assets?selection=%2Bkey:%22layer9/*%22",
    "assets_of_device": f"/api/v1/assets?device={DEVICE}",
    "asset": f"/api/v1/assets/{ASSET}",
    "asset_devices": f"/api/v1/assets/{ASSET}/devices",
    "asset_history": f"/api/v1/assets/{ASSET}/history",
    "asset_checks": f"/api/v1/assets/{ASSET}/checks",
    "asset_why": f"/api/v1/assets/{ASSET}/why",
    "asset_why_1000": f"/api/v1/assets/{ASSET}/why?limit=1000",
    "asset_partitions": "/api/v1/assets/layer0/asset_00000/partitions",
    "graph": "/api/v1/graph",
    "runs": "/api/v1/runs",
    "runs_of_device": f"/api/v1/runs?device={DEVICE}",
    "runs_failed": "/api/v1/runs?status=failure",
    "runs_of_asset": f"/api/v1/runs?asset={ASSET}",
    "runs_since": "/api/v1/runs?since=24h",
    "run": "/api/v1/runs/{device}/{run}",
    "run_events": "/api/v1/runs/{device}/{run}/events",
    "checks": "/api/v1/checks",
    "checks_failing": "/api/v1/checks?failing=true",
    "jobs": "/api/v1/jobs",
    "schedules": "/api/v1/schedules",
    "schedules_folded": "/api/v1/schedules?fold=true",
    "sensors": "/api/v1/sensors",
    "ticks": "/api/v1/ticks",
    "backfills": "/api/v1/backfills",
    "commands": "/api/v1/commands",
    "deployments": "/api/v1/deployments",
    "alerts": "/api/v1/alerts",
    "pools": "/api/v1/pools",
    "silences": "/api/v1/silences",
    "search": "/api/v1/search?q=asset_0001",
    "events": "/api/v1/events",
    "events_of_device": f"/api/v1/events?device={DEVICE}",
    "users": "/api/v1/users",
    "tokens": "/api/v1/tokens",
    "audit": "/api/v1/audit",
    "metrics": "/metrics",
}


def latencies(bench, name):
    """Of one endpoint, while events are merged."""
    def measure(bench):
        fleet = big_fleet(bench)
        path = ENDPOINTS[name]
        if "{run}" in path:
            path = path.format(**fleet.client.get("/api/v1/runs").json["items"][0])
        if bench.scale < TINY:
            begun = time.monotonic()
            answer = fleet.client.get(path)
            assert answer.status == 200, (path, answer)
            return dict.fromkeys((50, 99), 1e3 * (time.monotonic() - begun))
        with fleet.merging(RATE, 600):
            fleet.client.get(path, timeout=60)  # what follows the log only while it is asked for was read once
            return wrk(bench, fleet.url(path), CLIENTS, fleet.token)[1]
    return bench.once("api_" + name, measure)


def define_rows(name):
    budget = f"<= {100 if name == 'graph' else 25} ms"

    def p50(bench):
        return Result(latencies(bench, name)[50])

    def p99(bench):
        return Result(latencies(bench, name)[99])
    p50.__name__, p99.__name__ = f"api_{name}_p50", f"api_{name}_p99"
    row("ms", budget)(p50)
    row("ms", budget)(p99)


for endpoint in ENDPOINTS:
    define_rows(endpoint)


# --- what is new ---------------------------------------------------------------------------------------------------------

def visible(bench):
    """Milliseconds from when the hub got an event to when the API shows it, of many."""
    def measure(bench):
        fleet = big_fleet(bench)
        seen, last = [], None
        with fleet.merging(bench.count(RATE, 20), 600):
            end = time.monotonic() + max(1.0, bench.seconds(10))
            while time.monotonic() < end or len(seen) < 3:
                newest = fleet.client.get("/api/v1/events?limit=1").json["items"][0]
                if last is not None and newest["id"] != last:
                    at = newest["received_at"].replace("Z", "+00:00")
                    seen.append(1e3 * (time.time() - datetime.fromisoformat(at).timestamp()))
                last = newest["id"]
        return sorted(seen)
    return bench.once("api_visible", measure)


@row("ms", "<= 50 ms")
def api_visible_p50(bench):
    """At 2,000 events a second; the way from the device to the hub is in fleet_visible_*."""
    return Result(statistics.median(visible(bench)))


@row("ms", "<= 250 ms")
def api_visible_p99(bench):
    found = visible(bench)
    return Result(found[min(len(found) - 1, len(found) * 99 // 100)])


# --- against the bare library ----------------------------------------------------------------------------------------------

# Pages of three to six assets, from each on: more than answers are kept, so that none is there when it is asked for again.
EACH_PAGE = """local n = 0
local pages = {PAGES}
request = function()
  n = n % #pages + 1
  return wrk.format("GET", "/api/v1/assets?limit=" .. pages[n])
end
"""


def each_page(bench, fleet):
    """A script for wrk."""
    keys = [asset["asset"] for asset in fleet.client.items("/api/v1/assets?limit=1000")]
    cursors = [base64.urlsafe_b64encode(key.encode() + b"\0").decode().rstrip("=") for key in keys]
    pages = ", ".join(f'"{limit}&cursor={cursor}"' for limit in (3, 4, 5, 6) for cursor in cursors)
    path = bench.path("each_page.lua")
    with open(path, "w") as f:
        f.write(EACH_PAGE.replace("PAGES", pages))
    return path


@contextlib.contextmanager
def bare_server(bench):
    from fleet import free_port, wait_for
    port = free_port()
    program = subprocess.Popen([bench.program("bench/limit_http"), str(port)], stdin=subprocess.PIPE)

    def answers():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    try:
        wait_for("the bare server listens", answers)
        yield f"http://127.0.0.1:{port}/", program.pid
    finally:
        program.stdin.close()
        program.wait()


def rates(bench, ours):
    """Requests a second of the server's processor time, against the bare library's."""
    def per_request(pid, ask):
        before = cpu_seconds(pid)
        requests, _ = ask()
        return max(cpu_seconds(pid) - before, 0.001) / requests
    fleet = big_fleet(bench)
    with bare_server(bench) as (url, pid):
        return bench.rates(lambda: per_request(fleet.web.process.pid, lambda: ours(fleet)),
                           lambda: per_request(pid, lambda: wrk(bench, url, 16)))


@row("requests/s", ">= 0.5 x", "bare libmicrohttpd in an own loop, 1 KB, CPU time")
def http_requests_cached(bench):
    return rates(bench, lambda fleet: wrk(bench, fleet.url(f"/api/v1/devices/{DEVICE}"), 16, fleet.token))


@row("requests/s", ">= 0.25 x", "the same")
def http_requests_built(bench):
    script = each_page(bench, big_fleet(bench))
    return rates(bench, lambda fleet: wrk(bench, fleet.url("/"), 16, fleet.token, script))


@row("ms", "<= 2 x", "bare libmicrohttpd beside the same merging")
def http_p99_under_ingest(bench):
    """As fast as it merges; of a kilobyte that each commit makes anew."""
    fleet = big_fleet(bench)
    with bare_server(bench) as (url, _), fleet.merging(1, 600):
        return bench.pairs(lambda: wrk(bench, fleet.url(f"/api/v1/devices/{DEVICE}"), 16, fleet.token)[1][99],
                           lambda: wrk(bench, url, 16)[1][99])


# --- memory ----------------------------------------------------------------------------------------------------------------

def memories(bench):
    """Of the web process after all of the above, and of a hub with its web process that has just answered."""
    def measure(bench):
        from fleet import children, wait_for
        from web import Client, wait_for_web
        fleet = big_fleet(bench)
        used = memory(fleet.web.process.pid)
        fleet.web.stop()
        fleet.hub.start()
        try:
            wait_for_web(fleet.hub, fleet.port)
            client = Client(fleet.port, fleet.token)
            for path in ("/api/v1/overview", "/api/v1/graph", "/api/v1/assets", "/api/v1/devices"):
                assert client.get(path, timeout=600).status == 200
            pid = fleet.hub.process.pid
            web = wait_for("the web process runs", lambda: [c for c in children(pid) if b"\0web\0" in command_line(c)])
            return {"used": used, "hub": memory(pid) + memory(web[0])}
        finally:
            fleet.hub.stop()
            fleet.web.start()
            wait_for_web(fleet.web, fleet.port)
    return bench.once("api_memory", measure)


def command_line(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        return f.read()


@row("MB", "<= 200 MB")
def api_web_memory(bench):
    return Result(memories(bench)["used"] / MB)


@row("MB", "<= 200 MB")
def api_hub_memory(bench):
    """`serve` and the web process together, without the broker."""
    return Result(memories(bench)["hub"] / MB)
