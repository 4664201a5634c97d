"""Secrets and included definitions, as a person meets them: what a step gets, and where no secret may ever stand."""
import json
import os
import sqlite3
import stat
import sys

from fleet import AGENT, Alone, read_file, run, run_tests, wait_for

VALUE = "hunter2-" + "c0ffee" * 4
BYTES = VALUE.encode()


def put(path, text, mode=0o600):
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def with_secret(agent, name="TOKEN", text=VALUE + "\n", mode=0o600):
    folder = os.path.join(agent.dir, "secrets")
    agent.write_settings(secrets_dir=folder)
    return put(os.path.join(folder, name), text, mode)


def script(key, text, more=""):
    text = text.replace("$", "$$")
    return f"  - {{key: {key}, run: [sh, -c, {json.dumps(text)}], env: {{GIVEN: \"a${{secret:TOKEN}}b\"}}{more}}}\n"


def project(*assets, more=""):
    return "project: test\nassets:\n" + "".join(assets) + more


def holders_of_command_lines():
    """Processes with the secret in their arguments, which every user can read."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if BYTES in f.read():
                    found.append(pid)
        except OSError:
            continue  # ended meanwhile
    return found


def holders_of_files(folder, but):
    found = []
    for dir_path, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(dir_path, name)
            if path not in but and stat.S_ISREG(os.lstat(path).st_mode):
                with open(path, "rb") as f:
                    if BYTES in f.read():
                        found.append(path)
    return found


def is_in_memory(pid):
    """Whether a process still holds the secret; None when we may not look."""
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for line in maps:
                span, rights = line.split()[:2]
                begin, end = (int(n, 16) for n in span.split("-"))
                # The sanitizer's shadow is terabytes of nothing.
                if rights.startswith("rw") and end - begin < 1 << 30:
                    memory.seek(begin)
                    try:
                        if BYTES in memory.read(end - begin):
                            return True
                    except OSError:
                        continue
        return False
    except PermissionError:
        return None


def ended(agent, run_id):
    def look():
        found = [r for r in agent.runs() if r["run"] == run_id]
        return found[0] if found and found[0]["status"] not in ("queued", "started") else None
    return wait_for("the run has ended", look, every=0.05)


# --- a secret is given, and seen nowhere ---

def a_secret_reaches_its_step_only():
    with Alone() as agent:
        path = with_secret(agent)
        started, go_on = (os.path.join(agent.dir, name) for name in ("started", "go_on"))
        agent.define(project(script("a", f"test \"$GIVEN\" = \"a$(cat {path})b\" || exit 1\n: > {started}\n"
                                         f"while ! test -e {go_on}; do sleep 0.05; done\n")))
        agent.start()
        run_id = json.loads(agent.command("materialize", "a", "--no-wait", "--json"))["run"]
        wait_for("the step has its secret", lambda: os.path.exists(started), every=0.02)
        assert holders_of_command_lines() == []
        assert holders_of_files(agent.dir, but=[path]) == []
        put(go_on, "")
        assert ended(agent, run_id)["status"] == "success", agent.command("logs")
        said = "".join(agent.command(*words) for words in (
            ["logs"], ["logs", "--json"], ["runs", "--json"], ["buffer", "--events", "--json"], ["assets", "--json"],
            ["status"], ["explain"], ["explain", "--json"], ["check"]))
        assert VALUE not in said, said
        assert holders_of_files(agent.dir, but=[path]) == []
        assert VALUE not in agent.daemon.read_log()
        held = is_in_memory(agent.daemon.process.pid)
        if held is None:
            print("memory: not looked at, not allowed")
        assert not held, "the daemon still holds the secret"
        assert is_in_memory(os.getpid()) is not False  # the search finds our own copy
        assert agent.daemon.stop() == 0
        assert holders_of_files(agent.dir, but=[path]) == []


TAP = """
import json, os, sys, time
config = json.load(open(sys.argv[sys.argv.index("--config") + 1]))
schema = {"properties": {"id": {"type": "integer"}, "length": {"type": "integer"}}}
print(json.dumps({"type": "SCHEMA", "stream": "users", "key_properties": ["id"], "schema": schema}))
print(json.dumps({"type": "RECORD", "stream": "users", "record": {"id": 1, "length": len(config["tokens"][0])}}), flush=True)
print(json.dumps({"type": "STATE", "value": {"at": 1}}))
open("started", "w").close()
while not os.path.exists("go_on"):
    time.sleep(0.05)
"""


def a_tap_gets_its_secret_by_no_file_and_no_command_line():
    with Alone() as agent:
        path = with_secret(agent)
        agent.define("project: test\nresources: {local: {type: sqlite, path: local.db}}\nassets:\n  - key: crm\n"
                     f"    extract: {{tap: [{sys.executable}, tap.py], config: {{tokens: ['${{secret:TOKEN}}']}}}}\n"
                     "    load: {resource: local}\n")
        folder = os.path.dirname(agent.definitions)
        put(os.path.join(folder, "tap.py"), TAP)
        agent.start()
        run_id = json.loads(agent.command("materialize", "crm", "--no-wait", "--json"))["run"]
        wait_for("the tap has its secret", lambda: os.path.exists(os.path.join(folder, "started")), every=0.02)
        assert holders_of_command_lines() == []
        assert holders_of_files(agent.dir, but=[path]) == []
        put(os.path.join(folder, "go_on"), "")
        assert ended(agent, run_id)["status"] == "success", agent.command("logs")
        with sqlite3.connect(os.path.join(folder, "local.db")) as db:
            assert db.execute("SELECT id, length FROM users").fetchall() == [(1, len(VALUE))]
        assert not is_in_memory(agent.daemon.process.pid), "the daemon still holds the secret"
        assert VALUE not in agent.command("explain") + agent.command("explain", "--json")
        assert "singer" in agent.command("assets")
        assert agent.daemon.stop() == 0
        assert holders_of_files(agent.dir, but=[path]) == []


def a_changed_secret_needs_no_reload():
    with Alone() as agent:
        with_secret(agent, text="first")
        out = os.path.join(agent.dir, "out")
        agent.define(project(script("a", f"printf %s \"$GIVEN\" > {out}")))
        agent.start()
        for text, expected in (("first", "afirstb"), ("second\n", "asecondb")):
            with_secret(agent, text=text)
            agent.command("materialize", "a")
            assert read_file(out) == expected, read_file(out)


def what_is_wrong_with_a_secret_is_said():
    with Alone() as agent:
        agent.define(project(script("a", "true")))
        path = with_secret(agent, mode=0o644)
        done = agent.command("materialize", "a", code=None)
        assert done.returncode == 1, done
        failure = agent.events("step_failure")[-1]["error"]
        assert failure["message"] == f"asset a: secret TOKEN: {path} is open to others (mode 0644)", failure
        assert failure["hint"] == f"chmod 600 {path}", failure
        os.chmod(path, 0o600)
        agent.command("materialize", "a")
        os.remove(path)
        agent.command("materialize", "a", code=1)
        failure = agent.events("step_failure")[-1]["error"]
        assert failure["message"] == f"asset a: secret TOKEN: open {path}: No such file or directory", failure
        assert VALUE not in json.dumps(agent.events())


def credentials_of_systemd_come_first():
    with Alone() as agent:
        with_secret(agent, text="from the folder")
        credentials = os.path.join(agent.dir, "credentials")
        put(os.path.join(credentials, "TOKEN"), "from systemd", 0o440)
        out = os.path.join(agent.dir, "out")
        agent.define(project(script("a", f"printf %s \"$GIVEN$CREDENTIALS_DIRECTORY\" > {out}")))
        os.environ["CREDENTIALS_DIRECTORY"] = credentials
        try:
            agent.command("materialize", "a")
            text = agent.command("explain")
        finally:
            del os.environ["CREDENTIALS_DIRECTORY"]
        assert read_file(out) == "afrom systemdb", read_file(out)
        assert f"#   TOKEN: {credentials}/TOKEN\n" in text, text


def secrets_do_not_stand_where_they_show():
    with Alone() as agent:
        for text, place in ((project("  - {key: a, run: [x, \"${secret:T}\"]}\n"), ":3:23: "),
                            ("project: test\nresources:\n  r: {type: sqlite, path: \"/x/${secret:T}\"}\n", ":3:27: "),
                            (project("  - {key: a, run: [x], dir: \"${secret:T}\"}\n"), ":3:29: ")):
            agent.define(text)
            done = agent.command("check", code=None)
            assert done.returncode == 6 and place in done.stderr and "is not filled in here" in done.stderr, done


# --- definitions in several files ---

def define_parts(agent):
    agent.define("project: shop\ninclude: parts/*.yaml\njobs: [{name: all, select: '*'}]\n")
    parts = os.path.join(agent.dir, "parts")
    put(os.path.join(parts, "b.yaml"), "assets:\n  - {key: b, deps: [a], run: ['true']}\n", 0o644)
    put(os.path.join(parts, "a.yaml"), "assets:\n  - {key: a, run: ['true'], env: {T: \"${secret:T}\", H: \"${HOME}\"}}\n"
        "schedules: [{name: s, job: all, cron: '@daily'}]\n", 0o644)
    put(os.path.join(parts, ".b.yaml.swp"), "not yaml: [", 0o644)
    return parts


def included_files_run():
    with Alone() as agent:
        parts = define_parts(agent)
        with_secret(agent, "T")
        assert ": ok: 2 assets, 1 job, 1 schedule, " in agent.command("check")
        agent.command("materialize", "--job", "all")
        assert [r["status"] for r in agent.runs()] == ["success"]
        put(os.path.join(parts, "c.yaml"), "assets:\n  - {key: a, run: ['true']}\n  - {key: d, deps: [bb], run: ['true']}\n",
            0o644)
        put(os.path.join(parts, "d.yaml"), "jobs: [\n", 0o644)
        done = agent.command("check", code=None)
        assert done.returncode == 6 and f"{parts}/d.yaml:2:1: " in done.stderr, done
        os.remove(os.path.join(parts, "d.yaml"))
        problems = json.loads(agent.command("check", "--json", code=6))["problems"]
        assert [(p["file"], p["line"]) for p in problems] == [(f"{parts}/c.yaml", 2), (f"{parts}/c.yaml", 3)], problems
        assert problems[0]["message"] == f"asset a: it is defined twice (first in {parts}/a.yaml:2)", problems


def explain_shows_what_is_understood():
    with Alone() as agent:
        parts = define_parts(agent)
        with_secret(agent, "T")
        text = agent.command("explain")
        assert f"  # {parts}/a.yaml:2\n  - key: a\n" in text, text
        assert 'T: "***"' in text and f"H: {os.environ['HOME']}" in text, text
        again = os.path.join(agent.dir, "again.yaml")
        put(again, text, 0o644)
        assert ": ok: 2 assets, 1 job, 1 schedule, " in agent.command("check", again)
        asset = json.loads(agent.command("explain", "b", "--json"))["assets"]
        assert [a["key"] for a in asset] == ["b"] and asset[0]["defined_at"] == f"{parts}/b.yaml:2", asset
        job = json.loads(agent.command("explain", "job", "all", "--json"))["jobs"][0]
        assert job["assets"] == ["a", "b"] and job["on_overlap"] == "skip", job
        assert agent.command("explain", "schedule", "s").startswith("schedules:\n")
        for words, code, said in ((["job", "al"], 3, "did you mean all?"), (["jbo", "all"], 6, "job, schedule, sensor"),
                                  (["b and"], 6, "column 6"), (["x", "y", "z"], 2, "usage")):
            done = agent.command("explain", *words, code=None)
            assert done.returncode == code and (code == 2 or said in done.stderr), (words, done)
        agent.define("project: [\n")
        done = agent.command("explain", code=None)
        assert done.returncode == 6 and "selvedge.yaml:2:1: " in done.stderr, done
    assert "explain" in run(AGENT, "--help")


TESTS = [a_secret_reaches_its_step_only, a_tap_gets_its_secret_by_no_file_and_no_command_line, a_changed_secret_needs_no_reload,
         what_is_wrong_with_a_secret_is_said, credentials_of_systemd_come_first, secrets_do_not_stand_where_they_show,
         included_files_run, explain_shows_what_is_understood]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
