"""Promises P1, P2, P3 with the real programs and a real mosquitto: nothing lost, nothing twice.

Three agents record events without pause while, at moments drawn from a seed, the broker is killed -9, the hub is killed -9,
agents are killed -9, and their links are cut, delayed, truncated and duplicated. At the end the hub's log must equal the
agents' own ledgers (the buffers, which keep acknowledged events here), and `rebuild` must derive identical tables.

    chaos_test.py [--seed N] [--events N]"""
import argparse
import os
import random
import sys
import time

from fleet import Fleet, wait_for
from nasty_proxy import NastyProxy

AGENTS = 3
STEPS = 30

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=None)
parser.add_argument("--events", type=int, default=20000)
options = parser.parse_args()
seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
print(f"seed={seed} events={options.events}", flush=True)
rng = random.Random(seed)


def definitions(with_schedule):
    assets = "".join(f"  - {{key: work/step{i}, run: ['true']}}\n" for i in range(STEPS))
    jobs = "jobs:\n  - {name: all, select: '*'}\n"
    schedules = "schedules:\n  - {name: all, job: all, every: 1s}\n" if with_schedule else ""
    return f"project: chaos\nassets:\n{assets}{jobs}{schedules}"


class Chaos:
    def __init__(self, fleet, devices, proxies):
        self.fleet = fleet
        self.devices = devices
        self.proxies = proxies
        self.counts = {}
        self.down = []  # (when to start again, what)

    def strike(self):
        kind = rng.choice(["broker", "hub", "agent", "agent", "cut", "drop", "delay", "truncate", "duplicate"])
        self.counts[kind] = self.counts.get(kind, 0) + 1
        again = time.monotonic() + 0.1 + rng.random() * 1.2
        if kind == "broker":
            self.fleet.kill_broker()
        elif kind == "hub":
            self.fleet.hub.kill()
            self.down.append((again, self.fleet.hub.start))
        elif kind == "agent":
            daemon = rng.choice(self.devices).daemon
            daemon.kill()
            self.down.append((again, daemon.start))
        else:
            proxy = rng.choice(self.proxies)
            proxy.set_mode(kind)
            self.down.append((again, lambda: proxy.set_mode("good")))

    def mend(self, everything=False):
        now = time.monotonic()
        due = [entry for entry in self.down if everything or entry[0] <= now]
        self.down = [entry for entry in self.down if entry not in due]
        for _, start in due:
            start_is_program = getattr(start, "__self__", None)
            if start_is_program is None or not start_is_program.is_running:
                start()


def has_events(device):
    if not os.path.exists(device.db_path):
        return False
    made = device.query("SELECT count(*) FROM sqlite_master WHERE name = 'event'")[0][0]  # all tables in one transaction
    return made and device.query("SELECT count(*) FROM event")[0][0] > 0


def recorded(devices):
    return sum(device.query("SELECT last_seq FROM buffer")[0][0] for device in devices)


def ledger(device):
    epoch = device.query("SELECT epoch FROM buffer")[0][0]
    return epoch, dict(device.query("SELECT seq, body FROM event"))


def main():
    with Fleet("chaos") as fleet:
        fleet.start_hub()
        devices, proxies = [], []
        for i in range(AGENTS):
            proxy = NastyProxy(fleet.port, random.Random(rng.randrange(1 << 31)))
            fleet.closers.append(proxy.close)
            device = fleet.device(f"agent{i}", definitions(True))
            device.write_settings(hub_host="127.0.0.1", hub_port=proxy.port, buffer_history="1GiB", runs_kept=1000000)
            device.enrol()
            device.daemon.start()
            devices.append(device)
            proxies.append(proxy)

        wait_for("the first events", lambda: all(has_events(d) for d in devices))
        chaos = Chaos(fleet, devices, proxies)
        started = time.monotonic()
        next_news = started + 10
        while recorded(devices) < options.events:
            if time.monotonic() - started > 600:
                raise AssertionError(f"only {recorded(devices)} events in 600 s")
            chaos.strike()
            end = time.monotonic() + 0.2 + rng.random() * 1.3
            while time.monotonic() < end:
                chaos.mend()
                time.sleep(0.05)
            if time.monotonic() > next_news:
                next_news += 10
                print(f"{time.monotonic() - started:5.0f} s  {recorded(devices)} events, {chaos.counts}", flush=True)

        chaos.mend(everything=True)
        for proxy in proxies:
            proxy.set_mode("good")
        for device in devices:
            device.daemon.stop(60)
            device.define(definitions(False))
            device.daemon.start()
        wait_for("everything is acknowledged", lambda: all(d.position()["waiting_events"] == 0 for d in devices), 120)
        compare(fleet, devices)
        print(f"struck: {chaos.counts}, by the proxies: {[p.struck for p in proxies]}")


def compare(fleet, devices):
    total = 0
    for device in devices:
        epoch, own = ledger(device)
        last = max(own)
        assert sorted(own) == list(range(1, last + 1)), f"{device.name}: its own ledger has holes"
        streams = fleet.query("SELECT id, epoch, merged_seq FROM stream WHERE device = ?", device.name)
        assert [s[1] for s in streams] == [epoch], f"{device.name}: streams {streams}, epoch {epoch}"
        rows = fleet.query("SELECT seq, body FROM event WHERE stream_id = ?", streams[0][0])
        merged = {seq: body.rstrip("\n") for seq, body in rows}
        assert len(rows) == len(merged), f"{device.name}: an event is there twice"
        assert sorted(merged) == sorted(own), f"{device.name}: {sorted(set(own) ^ set(merged))[:10]} differ"
        for seq, body in own.items():
            assert merged[seq] == body.rstrip("\n"), f"{device.name}: event {seq} differs"
        total += last
    assert total >= options.events
    print(f"{total} events of {len(devices)} devices: the hub's log equals their ledgers")
    fleet.hub.stop()
    print(fleet.command("rebuild", "--check").strip())


if __name__ == "__main__":
    sys.exit(main())
