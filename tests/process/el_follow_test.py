"""Taps csv and jsonl with `follow`: a log that grows and is rotated in every way is loaded line by line, each once. The last test
lets chance choose what happens between runs; SEED in the environment replays it."""
import gzip
import json
import os
import random
import shutil
import signal
import time

import el_step
from el_step import main, request, rows, run, run_ok

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
print(f"seed={SEED}")


class Log:
    """A program that writes lines with a number and a time, and logrotate."""

    def __init__(self, path="app.log", kind="jsonl"):
        self.path, self.kind, self.next, self.half, self.file = path, kind, 0, b"", None
        self.begin()

    def begin(self):
        self.file = open(self.path, "ab", buffering=0)
        if self.kind == "csv" and self.file.tell() == 0:
            self.file.write(b"n,text\n")

    def lines(self, count):
        out, self.half = self.half, b""
        for _ in range(count):
            n, self.next = self.next, self.next + 1
            text = "x" * (n * 7919 % 90)
            out += (f'{{"n":{n},"text":"{text}"}}\n' if self.kind == "jsonl" else f'{n},"{text}"\n').encode()
        return out

    def write(self, count, cut=0):
        """The last `cut` bytes come with the next write."""
        out = self.lines(count)
        self.file.write(out[:len(out) - cut])
        self.half = out[len(out) - cut:]

    def shift(self, keep=9):
        for n in range(keep, 0, -1):
            for end in ("", ".gz"):
                if os.path.exists(f"{self.path}.{n}{end}"):
                    os.rename(f"{self.path}.{n}{end}", f"{self.path}.{n + 1}{end}")

    def rotate(self):
        """create: the writer goes on in a new file."""
        self.file.write(self.half)
        self.half = b""
        self.shift()
        os.rename(self.path, self.path + ".1")
        self.begin()

    def copy(self):
        """The first half of copytruncate."""
        self.shift()
        shutil.copy2(self.path, self.path + ".1")

    def truncate(self):
        os.truncate(self.path, 0)

    def pack(self, n, keep_plain=False, cut=0):
        path = f"{self.path}.{n}"
        if os.path.exists(path):
            with open(path, "rb") as f:
                data = gzip.compress(f.read())
            with open(path + ".gz", "wb") as f:
                f.write(data[:len(data) - cut])
            os.utime(path + ".gz", ns=(os.stat(path).st_mtime_ns,) * 2)
            if not keep_plain:
                os.remove(path)


def tap(kind="jsonl", path="app.log", **more):
    return dict({"type": kind, "path": path, "follow": True}, **more)


def into(mode="append"):
    return {"type": "sqlite", "path": "shop.db", "table": "log", "mode": mode}


def load(**more):
    return run_ok(request(tap(**more), into()))


def numbers():
    return [n for (n,) in rows("shop.db", "SELECT n FROM log ORDER BY n")]


def check(log, more=""):
    assert numbers() == list(range(log.next)), (SEED, more, [n for n in range(log.next) if numbers().count(n) != 1], sorted(os.listdir()))


def what_is_appended_is_read_once():
    log = Log()
    log.write(3)
    load()
    check(log)
    assert load().metadata.get("rows_read", 0) == 0
    log.write(2, cut=4)
    load()
    assert numbers() == [0, 1, 2, 3]  # the last line waits for its end
    log.write(1)
    load()
    check(log)
    state = json.loads(rows("shop.db", "SELECT value FROM _selvedge_state")[0][0])["follow"]
    assert [(s["path"], s["offset"], s["inode"]) for s in state] == [("app.log", os.path.getsize("app.log"), os.stat("app.log").st_ino)]


def renamed_and_packed_files_are_the_same():
    for kind in ("jsonl", "csv"):
        for name in os.listdir():
            os.remove(name)
        log = Log(kind=kind)
        log.write(300)
        load(kind=kind)
        log.write(200)
        log.rotate()
        log.write(5)
        load(kind=kind)
        check(log, kind)
        log.write(100)
        for _ in range(3):  # several rotations between two runs
            log.rotate()
            log.write(50)
        log.pack(3)
        log.pack(4)
        load(kind=kind)
        check(log, kind)
        log.rotate()
        log.pack(2, keep_plain=True, cut=9)  # gzip is at work
        load(kind=kind)
        check(log, kind)
        log.pack(2)
        log.pack(1)
        load(kind=kind)
        check(log, kind)
        log.rotate()
        log.file.close()
        os.remove(log.path)  # nothing is there but what was rotated
        assert load(kind=kind).metadata.get("rows_read", 0) == 0
        log.begin()
        log.write(1)
        load(kind=kind)
        check(log, kind)
        shutil.copy2("app.log.1", "app.log-20261129")  # dateext, and two names with the same text
        os.link("app.log.1", "app.log.link")
        load(kind=kind)
        check(log, kind)


def truncated_files_begin_anew():
    log = Log()
    log.write(300)
    load()
    log.write(50)
    log.copy()
    log.write(0)
    load()  # between copy and truncation
    check(log)
    log.truncate()
    load()
    check(log)
    log.write(7)
    load()
    check(log)
    log.write(500)
    log.copy()
    log.truncate()
    log.write(800)  # longer than it was
    load()
    check(log)
    log.copy()
    with open("app.log.1", "rb+") as f:
        f.truncate(20000)  # half copied
    log.write(100)
    load()
    check(log)
    shutil.copyfile("app.log", "app.log.1")
    log.truncate()
    log.write(3)
    load()
    check(log)
    inode = os.stat("app.log").st_ino
    with open("app.log", "rb+") as f:  # other content under the same inode number
        f.write(log.lines(9))
        f.truncate()
    load()
    assert os.stat("app.log").st_ino == inode
    check(log)


def what_a_file_lost_is_told():
    log = Log()
    log.write(5)
    load()
    log.file.close()
    os.remove("app.log")
    log.begin()
    log.write(2)
    result = load()
    assert "event=el.followed_file_gone" in result.log and 'path="app.log"' in result.log, result.log
    check(log)
    assert "el.followed_file_gone" not in load().log


def errors_say_what_to_do():
    result = run(request(tap(), into()))
    assert result.error["code"] == "not_found" and "app.log" in result.error["message"], result.error
    log = Log()
    log.write(2)
    result = run(request(tap(), into("overwrite")))
    assert result.error["code"] == "invalid" and "append" in result.error["hint"], result.error
    result = run(request(dict(tap(), follow=False, **{"for": "1s"}), into()))
    assert "followed" in result.error["message"], result.error
    load()
    result = run(request(dict(tap(), follow=False), into()))
    assert result.error["code"] == "invalid" and "followed" in result.error["message"], result.error
    log.file.write(b"not json\n")
    result = run(request(tap(), into()))
    assert result.error["code"] == "invalid" and f"app.log, before byte {os.path.getsize('app.log')}" in result.error["message"], result.error
    os.remove("shop.db")
    os.truncate("app.log", 0)
    log.write(2)
    run_ok(request(dict(tap(), follow=False), into()))
    result = run(request(tap(), into()))
    assert result.error["code"] == "invalid" and "not followed" in result.error["message"], result.error


def a_run_follows_for_a_time():
    open("app.log", "w").close()
    target = dict(into(), flush_every="300ms")
    process, events = el_step.start(request(tap(**{"for": "1m"}), target))
    log = Log()
    deadline = time.monotonic() + 80
    for part in range(3):
        log.write(40, cut=3 if part == 1 else 0)
        if part == 1:
            log.file.write(log.half)
            log.half = b""
            log.rotate()
        while True:
            try:
                if len(numbers()) == log.next:
                    break
            except Exception:  # no table yet, or it is locked
                pass
            assert time.monotonic() < deadline, (numbers(), process.poll())
            time.sleep(0.1)
    log.file.write(b'{"n":1000,"text":"","late":true}\n')  # a column that was not there
    while not rows("shop.db", "SELECT count(*) FROM log WHERE n = 1000")[0][0]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert rows("shop.db", "SELECT late FROM log WHERE n = 1000") == [(1,)]
    process.send_signal(signal.SIGTERM)
    result = el_step.finish(process, events)
    assert result.error["code"] == "cancelled", result.error
    began = time.monotonic()
    log.write(1)
    run_ok(request(tap(**{"for": "1s"}), target))
    assert time.monotonic() - began < 20
    assert numbers() == list(range(log.next)) + [1000]


def chance_loses_and_doubles_nothing():
    for turn in range(120 if "SELVEDGE_LONG" in os.environ else 6):
        rng = random.Random(SEED * 100 + turn)
        for name in os.listdir():
            os.remove(name)
        log = Log(kind=rng.choice(("jsonl", "jsonl", "csv")))
        log.write(1)
        story = []

        def happen():
            what = rng.choice(["write"] * 8 + ["rotate"] * 3 + ["copytruncate"] * 2 + ["copy, run, truncate", "pack", "pack", "packing", "touch"])
            story.append(what)
            if log.kind == "csv" and "copy" in what:  # a truncated CSV has no header
                return
            if what == "write":
                n = rng.choice((1, 3, 40, 2000))
                log.write(n, cut=rng.choice((0, 0, 1, 5)))
            elif what == "rotate":
                log.rotate()
            elif what == "copytruncate":
                log.write(rng.choice((0, 5)))
                log.copy()
                log.truncate()
            elif what == "copy, run, truncate":
                log.write(3)
                log.copy()
                load(kind=log.kind)
                log.truncate()
            elif what == "pack":
                log.pack(rng.choice((1, 2, 3)))
            elif what == "packing":
                log.pack(1, keep_plain=True, cut=rng.choice((0, 3, 12)))
                load(kind=log.kind)
                log.pack(1)
            else:
                os.utime(log.path)

        for _ in range(8):
            for _ in range(rng.randrange(4)):
                try:
                    happen()
                except AssertionError:
                    print("seed", SEED, "turn", turn, log.kind, story, sorted(os.listdir()))
                    raise
            step = request(tap(kind=log.kind), into())
            if rng.random() < 0.3:  # killed at some moment, then again
                process, events = el_step.start(step)
                time.sleep(rng.uniform(0, 0.06))
                process.kill()
                el_step.finish(process, events)
            story.append("run")
            run_ok(step)
        log.write(1)
        load(kind=log.kind)
        check(log, (turn, log.kind, story))


main([what_is_appended_is_read_once, renamed_and_packed_files_are_the_same, truncated_files_begin_anew, what_a_file_lost_is_told,
      errors_say_what_to_do, a_run_follows_for_a_time, chance_loses_and_doubles_nothing])
