"""Rows, pairs of measurements, and what a row comes to. A row is a function that gets a Bench and returns a Result."""
import os
import shutil
import statistics
import subprocess
import sys

ROWS = {}


class Skip(Exception):
    """The row cannot be measured here; says why."""


class Result:
    """`value` in the row's unit; `peer_value` and `ratio` (ours to the peer's) where there is a peer."""

    def __init__(self, value, peer_value=None, ratio=None):
        self.value = value
        self.peer_value = peer_value
        self.ratio = ratio


class Row:
    def __init__(self, measure, unit, peer, budget):
        self.name = measure.__name__
        self.measure = measure
        self.unit = unit
        self.peer = peer
        self.budget = budget  # ">= 0.8 x" binds the ratio, "<= 5 MB" the value

    def is_met(self, result):
        operator, limit, of = self.budget.split(" ", 2)
        number = result.ratio if of == "x" else result.value
        return number >= float(limit) if operator == ">=" else number <= float(limit)


def row(unit, budget, peer=None):
    """Registers a row under the name of its function."""
    def register(measure):
        ROWS[measure.__name__] = Row(measure, unit, peer, budget)
        return measure
    return register


class Bench:
    """Where programs and scratch files are, and how much is measured."""

    PAIRS = 5

    def __init__(self, bin_dir, work_dir, scale=1.0, pairs=PAIRS):
        self.bin_dir = bin_dir
        self.work_dir = work_dir
        self.scale = scale
        self.pairs_count = pairs
        self.shared = {}
        self.endings = []

    def count(self, full, at_least=1):
        return max(at_least, int(full * self.scale))

    def seconds(self, full):
        """How long to wait for something to settle."""
        return full if self.scale >= 1 else min(full, 2.0 if self.scale >= 0.1 else 0.2)

    def program(self, name):
        return os.path.join(self.bin_dir, name)

    def path(self, name):
        return os.path.join(self.work_dir, name)

    def run(self, name, *args, **popen):
        """A measuring program's "name value" lines as a dictionary."""
        argv = [self.program("bench/" + name), *(str(a) for a in args)]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **popen)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}: {done.stderr.strip()}")
        return {key: int(value) for key, value in (line.split() for line in done.stdout.splitlines())}

    def once(self, name, measure):
        """What several rows are read from: measured by the first of them; a failure is everyone's."""
        if name not in self.shared:
            try:
                self.shared[name] = measure(self)
            except Exception as problem:
                self.shared[name] = problem
        if isinstance(self.shared[name], Exception):
            raise self.shared[name]
        return self.shared[name]

    def at_end(self, action):
        """Called when all is measured."""
        self.endings.append(action)

    def close(self):
        for action in reversed(self.endings):
            action()

    def fresh(self, name):
        """A path in the scratch folder at which nothing is."""
        path = self.path(name)
        for suffix in ("", "-wal", "-shm", "-journal"):
            if os.path.isdir(path + suffix):
                shutil.rmtree(path + suffix)
            elif os.path.lexists(path + suffix):
                os.remove(path + suffix)
        return path

    def pairs(self, ours, peer):
        """Runs both in turn; medians of each and of the pairwise ratios. They return numbers, the same way round."""
        mine, theirs = [], []
        for _ in range(self.pairs_count):
            mine.append(ours())
            theirs.append(peer())
        ratios = [a / b for a, b in zip(mine, theirs)]
        return Result(statistics.median(mine), statistics.median(theirs), statistics.median(ratios))

    def rates(self, ours, peer):
        """The same for times per operation, as operations a second: a ratio above 1 is faster than the peer."""
        times = self.pairs(ours, peer)
        return Result(1 / times.value, 1 / times.peer_value, 1 / times.ratio)


def note(text):
    print(text, file=sys.stderr, flush=True)
