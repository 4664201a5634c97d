"""A build without the connectors that one may be without: it compiles, SQLite into SQLite runs, and what is missing says what brings it."""
import json
import os
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEFT_OUT = ["CSV", "JSONL", "SYSTEM", "MQTT", "HTTP", "MODBUS", "POSTGRES"]
TAPS = {"csv": {"path": "x.csv"}, "jsonl": {"path": "x.jsonl"}, "system": {"groups": ["cpu"]}, "mqtt": {"host": "127.0.0.1", "topic": "t"},
        "http": {"url": "http://127.0.0.1:1/"}, "modbus": {"host": "127.0.0.1"}, "postgres": {"dsn": "host=127.0.0.1", "table": "t"}}


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=800, **options)


def built(folder):
    options = [f"-DSELVEDGE_WITH_{name}=OFF" for name in LEFT_OUT]
    for command in (["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-O0",
                     "-DSELVEDGE_TESTS=OFF", "-DSELVEDGE_WERROR=ON", *options],
                    ["cmake", "--build", folder, "--target", "selvedge-el", "selvedge-agent"]):
        done = run(*command)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return os.path.join(folder, "bin")


def step(bin_dir, tap, target):
    text = json.dumps({"kind": "extract_load", "asset": "t", "state_dir": "states", "tap": tap, "target": target})
    done = run(os.path.join(bin_dir, "selvedge-el"), "step", input=text)
    errors = [event for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "error"]
    return done.returncode, errors[0] if errors else None


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        bin_dir = built(os.path.join(folder, "build"))
        sqlite = {"type": "sqlite", "path": "t.db", "table": "t", "mode": "overwrite"}
        assert run("sqlite3", "s.db", "CREATE TABLE s (id INTEGER); INSERT INTO s VALUES (1), (2)").returncode == 0
        done = step(bin_dir, {"type": "sqlite", "path": "s.db", "table": "s"}, sqlite)
        assert done == (0, None), done
        assert run("sqlite3", "t.db", "SELECT count(*) FROM t").stdout == "2\n"
        for kind, options in TAPS.items():
            code, error = step(bin_dir, {"type": kind, **options}, sqlite)
            assert code == 2 and f'tap "{kind}" is not in this build' in error["message"], (kind, code, error)
            assert f"SELVEDGE_WITH_{kind.upper()}" in error["hint"], error
        code, error = step(bin_dir, {"type": "sqlite", "path": "s.db", "table": "s"}, {"type": "csv", "path": "o.csv", "mode": "append"})
        assert code == 2 and "SELVEDGE_WITH_CSV" in error["hint"], (code, error)
        with open("selvedge.yaml", "w", encoding="utf8") as file:
            file.write("project: p\nresources: {r: {type: sqlite, path: t.db}}\nassets:\n  - {key: a, extract: {csv: x.csv}, load: {resource: r}}\n")
        told = run(os.path.join(bin_dir, "selvedge-agent"), "explain", "--definitions", "selvedge.yaml")
        said = told.stdout + told.stderr
        assert "csv" in said and "SELVEDGE_WITH_CSV" in said, (told.returncode, said)
    print("ok")


main()
