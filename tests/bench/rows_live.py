"""Live events to a thousand listeners, against bare libmicrohttpd telling the same. Ours begins with a commit to the hub's database, the
peer's with a byte in a pipe: the difference is what noticing costs."""
import os
import subprocess

from harness import Result, row

LISTENERS = 1000
OF_USER = 64  # docs/limits.md
ROUNDS = 40


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024


def listen(bench, port, pid, trigger, headers):
    """(nanoseconds until the last was told, bytes of a listener)."""
    count = bench.count(LISTENERS, 20)
    argv = [bench.program("bench/listeners"), str(port), str(count), str(bench.count(ROUNDS, 3)), trigger, *headers]
    before = pss(pid)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        line = client.stdout.readline()
        grown = pss(pid) - before
        client.stdin.close()
    if not line.startswith("last_ns "):
        raise RuntimeError(f"{' '.join(argv)}: exit {client.returncode}")
    return int(line.split()[1]), grown / count


def of_hub(bench):
    from fleet import Fleet
    from web import set_up, web_pid
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        set_up(fleet.hub, fleet.http_port)
        tokens = []
        for i in range(-(-LISTENERS // OF_USER)):
            fleet.command("user", "add", f"screen-{i}", "--role", "viewer", text_in="correct horse battery\n")
            tokens.append(fleet.command("api-token", "create", "--user", f"screen-{i}").strip())
        return listen(bench, fleet.http_port, web_pid(fleet), fleet.hub_db, [f"Authorization: Bearer {token}" for token in tokens])


def of_limit(bench):
    from fleet import free_port
    port, fifo = free_port(), bench.fresh("live.fifo")
    os.mkfifo(fifo)
    argv = [bench.program("bench/limit_live"), str(port), fifo]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        server.stdout.readline()
        try:
            return listen(bench, port, server.pid, fifo, ["X-Nobody: 1"])
        finally:
            server.stdin.close()


def live(bench):
    def measure(bench):
        return [(of_hub(bench), of_limit(bench)) for _ in range(min(3, bench.pairs_count))]
    return bench.once("live", measure)


def result(bench, index, scale):
    pairs = [(ours[index], theirs[index]) for ours, theirs in live(bench)]
    ours, theirs = sorted(pairs, key=lambda p: p[0] / max(1, p[1]))[len(pairs) // 2]
    return Result(ours / scale, theirs / scale, ours / max(1, theirs))


@row("ms", "<= 2 x", "bare libmicrohttpd: a byte in a pipe until the last of 1,000 has it; ours from the commit on")
def live_last_delivery(bench):
    return result(bench, 0, 1e6)


@row("KB", "<= 1.5 x", "the same: proportional memory for each listener")
def live_memory_listener(bench):
    return result(bench, 1, 1024)
