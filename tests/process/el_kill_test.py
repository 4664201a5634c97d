"""Extract and load, killed -9 at seeded moments: the tap, the target, the worker, the daemon. The source goes on changing between the kills.
After each, what a state claims is in the target as it is in the source, and nothing is there twice; and whenever a load is left in peace,
source and target agree row for row.

Each life is one pair of tap and target; several suffer at the same time, each with its own seed.

    el_kill_test.py [--seed N] [--kills N] [--life NAME]..."""
import argparse
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import el_step
import el_world
import pg_server
from fleet import Alone, children, is_alive, wait_for

SECONDS = 120  # for anything to end
LIVES_AT_ONCE = 3


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def victim(pid, what):
    """The process of a worker's family: the worker itself, or the program with this file."""
    if what == "worker":
        return pid
    return next((child for child in children(pid) if any(word.endswith(f"/{what}.py".encode()) for word in command_of(child))), None)


class Life:
    """A source, a load and its target in a folder of their own."""

    victims = ("worker",)
    first_rows = 1000
    new, updates = 50, 800
    share = 1
    kills_of_a_life = 40

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix="selvedge-el-")
        self.source = el_world.Source(self.folder)
        self.facts = Counter()
        self.first, self.last = 0.0, 0.0  # seconds of the latest load in peace until its first commit could be seen, and its last
        self.source.change(self.rng, self.first_rows, 0)
        self.program_tap = el_world.program(self.folder, "tap.py", el_world.TAP)
        self.program_target = el_world.program(self.folder, "target.py", el_world.TARGET)

    def path(self, name):
        return os.path.join(self.folder, name)

    def native_tap(self):
        return {"type": "sqlite", "path": self.source.path, "table": "sales", "replication_key": "at"}

    def singer_tap(self):
        return {"type": "singer_program", "command": self.program_tap, "config": json.dumps({"path": self.source.path})}

    def singer_target(self):
        return {"type": "singer_program", "command": self.program_target, "config": json.dumps({"path": self.path("shop.db")}),
                "mode": "upsert", "table": "sales", "primary_key": ["id"]}

    def step(self):
        tap, target = self.ends()
        return el_step.request(tap, dict({"flush_every": "1ms"}, **target), state_dir=self.path("states"))

    # What each life has of its own: ends(), rows() of the target, and mark(), `at` of its state.

    def load(self):
        """In peace."""
        before = self.mark()
        self.change()
        began = time.monotonic()
        process, events = el_step.start(self.step())
        self.first = 0.0
        while process.poll() is None and (mark := self.mark()) < self.source.at:
            self.first = self.first or (mark > before) * (time.monotonic() - began)
            time.sleep(0.002)
        self.last = time.monotonic() - began
        self.first = self.first or self.last / 2
        result = el_step.finish(process, events)
        assert result.code == 0, (result.error, result.log)

    def moment(self):
        """Seconds from the start: mostly while rows are on their way."""
        begin = self.rng.choice((0, 0.8, 0.9, 1)) * self.first
        return begin + self.rng.random() * (self.last * 1.1 - begin)

    def check_always(self):
        el_world.expect_claimed(self.source, self.mark(), self.rows(), "after a kill")

    def check_equal(self):
        el_world.expect_equal(self.source, self.rows(), "in peace")

    def change(self):
        self.source.change(self.rng, self.new, self.updates)

    def kill_once(self):
        """Whether it was in the middle."""
        before = self.mark()
        self.change()
        process, events = el_step.start(self.step())
        end = time.monotonic() + self.moment()
        while process.poll() is None and time.monotonic() < end:
            time.sleep(min(0.002, max(0, end - time.monotonic())))
        what = self.rng.choice(self.victims)
        pid = victim(process.pid, what) if process.poll() is None else None
        if pid is None:  # too late: the load in peace was measured on a slower machine
            self.first, self.last = self.first * 0.8, self.last * 0.8
        family = descendants(process.pid)
        if pid is not None:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pid = None
        el_step.finish(process, events)
        if pid is not None:
            self.facts[what] += 1
        for child in family:  # of a killed worker: they see the end of their pipes; the agent ends them itself
            wait_for(f"the end of {command_of(child)}", lambda child=child: not is_alive(child), SECONDS, every=0.002)
        self.facts["between two commits"] += pid is not None and before < self.mark() < self.source.at
        return pid is not None

    def suffer(self, kills):
        self.load()
        self.check_equal()
        done = 0
        while done < kills:
            done += self.kill_once()
            self.check_always()
            if self.rng.random() < 0.15:
                self.load()
                self.check_equal()
        self.load()
        self.check_equal()

    def close(self):
        self.source.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class IntoSqlite(Life):
    share = 4
    updates = 3000

    def ends(self):
        return self.native_tap(), {"type": "sqlite", "path": self.path("shop.db"), "table": "sales", "mode": "upsert", "primary_key": ["id"]}

    def rows(self):
        return el_world.loaded(self.path("shop.db"))[0]

    def mark(self):
        return el_world.loaded(self.path("shop.db"))[1]

    def check_always(self):
        """Rows and state are one transaction: nothing is ahead of it either."""
        rows, mark = el_world.loaded(self.path("shop.db"))
        el_world.expect_claimed(self.source, mark, rows, "after a kill")
        assert max((row[1] for row in rows), default=0) == mark, (rows[-1], mark)


class IntoSqliteByAppending(IntoSqlite):
    """Of rows that only come: where nothing but the state keeps a row from being there twice."""

    share = 2
    new, updates = 1000, 0
    kills_of_a_life = 8

    def ends(self):
        tap, target = super().ends()
        return tap, {key: value for key, value in dict(target, mode="append").items() if key != "primary_key"}


class IntoJsonl(Life):
    share = 2
    new, updates = 300, 0
    file = "out.jsonl"

    def ends(self):
        return self.native_tap(), {"type": "jsonl", "path": self.path(self.file), "mode": "append"}

    def rows(self):
        """Those that are committed; what is behind them is cut off by the next run."""
        size = self.state()["files"][0]["bytes"] if os.path.exists(self.path(self.file + ".state")) else 0
        if size == 0:
            return []
        with open(self.path(self.file), "rb") as file:
            return self.parse(file.read(size))

    def parse(self, data):
        return [tuple(json.loads(line)[name] for name in ("id", "at", "v", "t")) for line in data.splitlines()]

    def state(self):
        with open(self.path(self.file + ".state"), encoding="utf8") as file:
            return json.load(file)

    def mark(self):
        return el_world.mark_of(self.state()["states"][0]["value"]) if os.path.exists(self.path(self.file + ".state")) else 0

    def check_equal(self):
        super().check_equal()
        assert os.path.getsize(self.path(self.file)) == self.state()["files"][0]["bytes"], "something is behind the last commit"


class IntoPackedCsv(IntoJsonl):
    """Members of gzip: what is committed is a whole file."""

    file = "out.csv.gz"

    def ends(self):
        return self.native_tap(), {"type": "csv", "path": self.path(self.file), "mode": "append", "compress": "gzip"}

    def parse(self, data):
        """Python's csv does not tell NULL (nothing) from empty text (quotes)."""
        fields = re.findall(r'^(-?\d+),(-?\d+),(-?\d+),("(?:[^"]|"")*"|[^"\n]*)$', gzip.decompress(data).decode(), re.M)
        return [(int(i), int(at), int(v), None if t == "" else t[1:-1].replace('""', '"') if t[0] == '"' else t) for i, at, v, t in fields]


class FromSinger(IntoSqlite):
    victims = ("tap", "worker")
    share = 3
    updates = 800

    def ends(self):
        return self.singer_tap(), super().ends()[1]

    def check_always(self):
        """Rows after the last STATE may be there, and come again."""
        rows, mark = el_world.loaded(self.path("shop.db"))
        el_world.expect_claimed(self.source, mark, rows, "after a kill")


class IntoSinger(Life):
    victims = ("target", "worker")
    share = 3

    def ends(self):
        return self.native_tap(), self.singer_target()

    def rows(self):
        return el_world.loaded(self.path("shop.db"))[0]

    def mark(self):
        return el_world.mark_of(el_world.state_of_folder(self.path("states")))


class Pumped(IntoSinger):
    victims = ("tap", "target", "worker")

    def ends(self):
        return self.singer_tap(), self.singer_target()


class IntoPostgres(Life):
    """A server of its own; the transaction of a killed worker is the server's to end."""

    share = 3
    updates = 500

    def __init__(self, seed):
        self.server = None
        super().__init__(seed)
        self.server = pg_server.Server()

    def ends(self):
        return self.native_tap(), {"type": "postgres", "dsn": self.server.dsn(), "table": "sales", "mode": "upsert", "primary_key": ["id"]}

    @staticmethod
    def is_possible():
        if pg_server.BINARIES is None:
            print("not tried: PostgreSQL is not installed (Debian: apt-get install postgresql)")
            return False
        about = subprocess.run([el_step.EL, "target", "postgres", "--about"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if about.returncode != 0:
            print("not tried:", about.stderr.strip())
        return about.returncode == 0

    def query(self, sql):
        """Nothing while the table is not there."""
        try:
            return self.server.sql(sql)
        except AssertionError as problem:
            assert "does not exist" in str(problem), problem
            return []

    def read(self):
        """Rows and mark, as of one moment, once nobody is at work any more."""
        wait_for("the killed worker's server process", lambda: self.server.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'selvedge-el'") == [["0"]], SECONDS, every=0.005)
        rows = self.query(f"SELECT {el_world.COLUMNS} FROM sales ORDER BY id")
        return [(*(int(n) for n in row[:3]), None if row[3] == "NULL" else row[3]) for row in rows], self.mark()

    def rows(self):
        return self.read()[0]

    def mark(self):
        """While others are at work, too."""
        states = self.query("SELECT value FROM _selvedge_state")
        return el_world.mark_of(json.loads(states[0][0])) if states else 0

    def check_always(self):
        rows, mark = self.read()
        el_world.expect_claimed(self.source, mark, rows, "after a kill")
        assert max((row[1] for row in rows), default=0) == mark, (rows[-1], mark)

    def close(self):
        if self.server is not None:
            self.server.close()
        super().close()


class Daemon(IntoSqlite):
    """The agent on its schedule, killed while its worker is at work, or its worker, or the tap; then it starts anew."""

    share = 2
    updates = 800

    def __init__(self, seed):
        super().__init__(seed)
        command = json.dumps(self.program_tap)
        self.agent = Alone(
            "project: kills\nresources:\n"
            f"  till: {{type: sqlite, path: {self.source.path}}}\n  shop: {{type: sqlite, path: {self.path('shop.db')}}}\n"
            f"  other: {{type: sqlite, path: {self.path('other.db')}}}\nassets:\n"
            "  - key: sales\n    extract: {resource: till, replication_key: at}\n"
            "    load: {resource: shop, mode: upsert, primary_key: [id]}\n"
            f"  - key: told\n    extract: {{tap: {command}, config: {{path: {self.source.path}}}}}\n    load: {{resource: other}}\n"
            "schedules:\n  - {name: always, select: 'sales or told', every: 1s}\n", parent=self.folder)
        self.agent.write_settings(cgroup="off")

    def told(self):
        return el_world.loaded(self.path("other.db"))[0]

    def check_always(self):
        super().check_always()
        rows, mark = el_world.loaded(self.path("other.db"))
        el_world.expect_claimed(self.source, mark, rows, "told, after a kill")

    def workers(self):
        pid = self.agent.daemon.process.pid
        return [p for p in descendants(pid) if any(word.endswith(b"selvedge-el") for word in command_of(p)[:1])]

    def load(self):
        """Leaves the daemon in peace until all has arrived."""
        if not self.agent.daemon.is_running:
            self.agent.start()
        wait_for("all rows have arrived", lambda: self.rows() == self.source.all() == self.told(), SECONDS, every=0.1)

    def check_equal(self):
        super().check_equal()
        el_world.expect_equal(self.source, self.told(), "told, in peace")

    def kill_once(self):
        self.change()
        if not self.agent.daemon.is_running:
            self.agent.start()
        end = time.monotonic() + SECONDS
        while not self.workers():
            assert time.monotonic() < end, "no worker was started"
            time.sleep(0.005)
        time.sleep(self.rng.random() * 0.3)
        workers = self.workers()
        what = self.rng.choice(("daemon", "daemon", "worker", "tap"))
        if what == "daemon":
            self.agent.daemon.kill()
            self.facts["daemon, its worker at work" if workers else "daemon"] += 1
            return True
        pids = workers if what == "worker" else [pid for w in workers for pid in [victim(w, "tap")] if pid]
        if not pids:
            return False
        try:
            os.kill(self.rng.choice(pids), 9)
        except ProcessLookupError:
            return False
        self.facts[f"{what}, of a daemon"] += 1
        return True

    def close(self):
        self.agent.daemon.kill()
        super().close()


LIVES = [IntoSqlite, IntoSqliteByAppending, IntoJsonl, IntoPackedCsv, FromSinger, IntoSinger, Pumped, IntoPostgres, Daemon]


def spans(kind, kills):
    """Each look at a life reads all its rows: so none gets old, and another begins."""
    return [min(kind.kills_of_a_life, kills - done) for done in range(0, kills, kind.kills_of_a_life)]


def live(kind, seed, kills):
    """What happened, or None where it went wrong."""
    life = kind(f"{seed}/{kind.__name__}")
    began = time.monotonic()
    try:
        life.suffer(kills)
        print(f"ok   {kind.__name__}: {kills} kills, {life.source.at} changes, {time.monotonic() - began:.0f} s: {dict(life.facts)}", flush=True)
        return life.facts
    except Exception:  # whatever it was, the other lives are still worth living
        traceback.print_exc()
        print(f"FAIL {kind.__name__}: --seed {seed} --life {kind.__name__} --kills-each {kills}; so far {dict(life.facts)}", flush=True)
        return None
    finally:
        life.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kills", type=int, default=1000 if os.environ.get("SELVEDGE_LONG") else 48)
    parser.add_argument("--kills-each", type=int, default=None)
    parser.add_argument("--life", action="append", choices=[kind.__name__ for kind in LIVES])
    options = parser.parse_args()
    lives = [kind for kind in LIVES if not options.life or kind.__name__ in options.life]
    if IntoPostgres in lives and not IntoPostgres.is_possible():
        lives.remove(IntoPostgres)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    print(f"seed={seed} kills={options.kills}", flush=True)
    parts = sum(kind.share for kind in lives)
    with ThreadPoolExecutor(LIVES_AT_ONCE) as pool:
        going = [pool.submit(live, kind, seed + i, kills) for kind in lives
                 for i, kills in enumerate(spans(kind, options.kills_each or -(-options.kills * kind.share // parts)))]
        facts = [future.result() for future in going]
    if None in facts:
        return 1
    total = sum(facts, Counter())
    print(f"killed {total.total() - total['between two commits']} times: {dict(total)}")
    assert options.life or total["between two commits"] > 0, "no kill fell between two commits"
    return 0


if __name__ == "__main__":
    sys.exit(main())
