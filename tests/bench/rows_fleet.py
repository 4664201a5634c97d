"""A fleet of simulated devices on one hub and broker: one run of `selvedge-hub simulate`, from which all rows are read."""
import json
import subprocess

from harness import Result, row
from rows_link import broker

DEVICES = 5000
DAY_EVENTS = 420  # of each device: its 20 assets three times, seven events each
RATE = 2000
LINGER_MS = 250  # how long an agent waits for more events before it sends a few
MB = 1 << 20


def fleet(bench):
    def measure(bench):
        devices = bench.count(DEVICES, 20)
        argv = [bench.program("selvedge-hub"), "simulate", "--standalone", "--json", "--devices", str(devices), "--storm",
                "--backlog", str(DAY_EVENTS), "--rate", str(bench.count(RATE, 20)), "--duration",
                f"{max(2, int(bench.seconds(30)))}s", "--phase-timeout", "30m"]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip()}{done.stdout.strip()}")
        return json.loads(done.stdout)
    return bench.once("fleet", measure)


def connects(bench):
    """Milliseconds of a broker's processor time for a connection, full and resumed, from a client without anything else."""
    def measure(bench):
        count = bench.count(1000, 20)
        with broker(bench) as (port, folder, pid):
            done = bench.run("limit_connects", port, folder, pid, count)
        return {name: done[name] / 1e6 / count for name in ("full_ns", "resumed_ns")}
    return bench.once("connects", measure)


def per_device(bench, phase, peer):
    found = fleet(bench)
    ours = found[phase]["broker_cpu_ms"] / found["devices"]
    theirs = connects(bench)[peer]
    return Result(ours, theirs, ours / theirs if theirs > 0 else 1.0)


@row("ms/device", "<= 1.3 x", "bare mbedTLS and CONNECT: the broker's CPU time for a full handshake")
def fleet_connect_storm(bench):
    return per_device(bench, "connect", "full_ns")


@row("ms/device", "<= 1.5 x", "the same with session tickets")
def fleet_reconnect_tickets(bench):
    return per_device(bench, "storm", "resumed_ns")


@row("events/s", ">= 0.3 x", "bare SQLite, rowid table with unique (device, seq), CPU time; ours with broker, TLS and inflating")
def fleet_backlog(bench):
    found = fleet(bench)["backlog"]
    size = (bench.count(1000, 10), bench.count(100000, 320), 16)
    done = bench.run("limit_merge", bench.fresh("peer.db"), *size)
    ours = found["events"] / (max(1, found["hub_cpu_ms"] + found["broker_cpu_ms"]) / 1e3)
    theirs = done["events"] / (done["cpu_ns"] / 1e9)
    return Result(ours, theirs, ours / theirs)


@row("events/s", ">= 0.9 x", "the rate at which they were recorded")
def fleet_steady_rate(bench):
    found = fleet(bench)["steady"]
    ours = found["events"] / found["seconds"]
    rate = bench.count(RATE, 20)
    return Result(ours, rate, ours / rate)


def visible(bench, quantile):
    return Result(fleet(bench)[f"visible_{quantile}_ms"] - LINGER_MS)


@row("ms", "<= 50 ms")
def fleet_visible_p50(bench):
    return visible(bench, "p50")


@row("ms", "<= 250 ms")
def fleet_visible_p99(bench):
    return visible(bench, "p99")


@row("KB/device", "<= 4 KB")
def fleet_hub_memory(bench):
    found = fleet(bench)
    return Result(max(0.0, found["hub_rss_max_bytes"] - 40 * MB) / 1024 / found["devices"])
