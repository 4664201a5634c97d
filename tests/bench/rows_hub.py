"""The hub's merge."""
from harness import Result, row


@row("events/s", ">= 0.4 x", "bare SQLite, the same events into a rowid table with unique (device, seq), CPU time")
def hub_merge_events(bench):
    size = (bench.count(1000, 10), bench.count(100000, 320), 16)

    def ours():
        done = bench.run("hub_merge", bench.fresh("ours.db"), *size)
        return done["cpu_ns"] / 1e9 / done["events"]

    def peer():
        done = bench.run("limit_merge", bench.fresh("peer.db"), *size)
        return done["cpu_ns"] / 1e9 / done["events"]

    return bench.rates(ours, peer)


@row("B/event", "<= 2 x", "the same bare table")
def hub_merge_bytes(bench):
    size = (bench.count(1000, 10), bench.count(100000, 320), 16)

    def ours():
        done = bench.run("hub_merge", bench.fresh("ours.db"), *size)
        return done["written_bytes"] / done["events"]

    def peer():
        done = bench.run("limit_merge", bench.fresh("peer.db"), *size)
        return done["written_bytes"] / done["events"]

    return bench.pairs(ours, peer)


def of_100k_devices(bench):
    """16 events of each of 100,000 devices, none of which was heard before."""
    devices = bench.count(100000, 100)
    done = bench.run("hub_merge", bench.fresh("many.db"), devices, devices * 16, 16)
    return {"cpu_s": done["cpu_ns"] / 1e9, "events": done["events"], "bytes": done["written_bytes"],
            "grown": done["grown_bytes"]}


@row("events/s", ">= 50000 events/s")
def hub_merge_100k_devices(bench):
    done = bench.once("of_100k_devices", of_100k_devices)
    return Result(done["events"] / done["cpu_s"])


@row("B/event", "<= 2500 B/event")
def hub_merge_100k_devices_bytes(bench):
    done = bench.once("of_100k_devices", of_100k_devices)
    return Result(done["bytes"] / done["events"])


@row("MB", "<= 160 MB")
def hub_merge_100k_devices_memory(bench):
    done = bench.once("of_100k_devices", of_100k_devices)
    return Result(done["grown"] / 1e6)
