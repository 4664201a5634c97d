"""Runs `selvedge-el step` and reads what it reports. Standard library only."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

EL = os.path.abspath(os.path.join(os.environ.get("SELVEDGE_BIN_DIR", "build/bin"), "selvedge-el"))


class Result:
    def __init__(self, code, lines, log):
        self.code = code
        self.log = log
        self.events = [json.loads(line) for line in lines.splitlines()]

    def of(self, kind):
        return [e for e in self.events if e["event"] == kind]

    @property
    def error(self):
        errors = self.of("error")
        return errors[0] if errors else None

    @property
    def metadata(self):
        return {k: v["raw_value"] for k, v in self.of("materialization")[0]["metadata"].items()}


def request(tap, target, **more):
    return dict({"kind": "extract_load", "asset": "shop/sales", "tap": tap, "target": target}, **more)


def start(step, **popen):
    """The process, and the read end of a pipe that is its descriptor 3."""
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as text:
        text.write(step if isinstance(step, bytes) else json.dumps(step).encode())
        text.seek(0)
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$0" step 3>&1 >/dev/null', EL],  # dash knows no descriptor above 9
            stdin=text, stdout=write_end, stderr=subprocess.PIPE, **popen)
    os.close(write_end)
    return process, read_end


def finish(process, read_end):
    with os.fdopen(read_end) as events:
        lines = events.read()
    log = process.stderr.read().decode()
    process.stderr.close()
    return Result(process.wait(), lines, log)


def run(step, **popen):
    return finish(*start(step, **popen))


def run_ok(step):
    result = run(step)
    assert result.code == 0, (result.code, result.error, result.log)
    return result


def rows(path, sql, *args):
    db = sqlite3.connect(path)
    try:
        return db.execute(sql, args).fetchall()
    finally:
        db.close()


def execute(path, *statements):
    db = sqlite3.connect(path)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def main(tests):
    """Runs each test in a fresh folder; names on the command line choose some."""
    chosen = [t for t in tests if len(sys.argv) < 2 or t.__name__ in sys.argv[1:]]
    home = os.getcwd()
    for test in chosen:
        folder = tempfile.mkdtemp(prefix="selvedge-el-")
        os.chdir(folder)
        try:
            test()
            print(f"ok   {test.__name__}", flush=True)
        finally:
            os.chdir(home)
            shutil.rmtree(folder)
