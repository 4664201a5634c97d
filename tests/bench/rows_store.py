"""The agent's buffer: durable appends, bytes written, bytes on the wire."""
from harness import Result, row

BARE = "bare SQLite, WAL, synchronous=FULL, the same event table and grouping"


def appends(bench, events, group):
    def ours():
        done = bench.run("store_append", bench.fresh("ours.db"), events, group)
        return done["wall_ns"] / 1e9 / done["events"]

    def peer():
        done = bench.run("limit_append", bench.fresh("peer.db"), events, group)
        return done["wall_ns"] / 1e9 / done["events"]

    return bench.rates(ours, peer)


@row("events/s", ">= 0.8 x", BARE)
def durable_append_single(bench):
    return appends(bench, bench.count(1000, 10), 1)


@row("events/s", ">= 0.7 x", BARE)
def durable_append_group100(bench):
    return appends(bench, bench.count(40000, 200), 100)


def bytes_per_event(bench, *how):
    events = bench.count(20000, 100)  # in groups of 50: a second's worth at 50 events/s

    def ours():
        done = bench.run("store_append", bench.fresh("ours.db"), events, 50, *how)
        return done["written_bytes"] / done["events"]

    def peer():
        done = bench.run("limit_append", bench.fresh("peer.db"), events, 50)
        return done["written_bytes"] / done["events"]

    return bench.pairs(ours, peer)


@row("B/event", "<= 1.15 x", BARE)
def store_bytes_per_event(bench):
    return bytes_per_event(bench)


@row("B/event", "<= 2 x", BARE + ", append alone")
def store_bytes_per_event_deleted(bench):
    return bytes_per_event(bench, "acknowledge")


@row("B/event", "<= 60 B/event", "the events as they are stored, uncompressed")
def wire_bytes_per_event(bench):
    done = bench.run("wire_size", bench.count(100), 64)
    ours = done["wire_bytes"] / done["events"]
    plain = done["line_bytes"] / done["events"]
    return Result(ours, plain, ours / plain)
