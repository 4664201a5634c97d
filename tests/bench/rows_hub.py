"""The hub's merge."""
from harness import row


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
