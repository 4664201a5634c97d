"""The agent alone, as a person or a supervisor meets it: every command, the daemon's life, steps that misbehave."""
import fcntl
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from fleet import AGENT, Alone, children, is_alive, query, read_file, run, run_tests, wait_for

COMMANDS = ["daemon", "enroll", "check", "explain", "assets", "why", "report", "automation", "materialize", "job", "runs", "run", "backfill", "partitions", "logs", "retry", "cancel", "reload",
            "sensors", "status", "buffer", "schema", "help", "completion"]
OUTPUT_KEPT = 1 << 20  # LIMIT_STEP_OUTPUT_BYTES, of each stream
FOREVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) AS n FROM c"


def shell(key, script, more=""):
    """One asset that runs a script; $ is doubled, since ${...} is for the agent."""
    return f"  - {{key: {key}, run: [sh, -c, {json.dumps(script.replace('$', '$$'))}]{more}}}\n"


def project(*assets, more=""):
    return "project: test\nresources:\n  local: {type: sqlite, path: \"${STATE_DIR}/shop.db\"}\nassets:\n" + "".join(assets) + more


def said(done):
    return done.stdout + done.stderr


def memory_peak_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


def pid_in(path):
    return int(wait_for(f"a process id in {path}", lambda: read_file(path).strip(), every=0.02))


def ended(agent, run_id=None):
    """The newest run, or the named one, once it has ended."""
    def look():
        runs = [r for r in agent.runs() if run_id in (None, r["run"])]
        return runs[0] if runs and runs[0]["status"] not in ("queued", "started") else None
    return wait_for("the run has ended", look, every=0.05)


def queue(agent, *what):
    return json.loads(agent.command("materialize", "--no-wait", "--json", *what))["run"]


# --- commands without a daemon ---

def every_command_has_help():
    for name in COMMANDS:
        text = run(AGENT, name, "--help")
        assert f"selvedge-agent {name}" in text, text
    assert all(name in run(AGENT, "--help") for name in COMMANDS)
    for wrong in (["nonsense"], ["runs", "--nonsense"], ["enroll"], ["materialize", "a", "--job", "b"], ["runs", "--limit", "0"]):
        done = run(AGENT, *wrong, code=None)
        assert done.returncode == 2 and done.stderr.startswith("error: "), (wrong, said(done))


def bash_completes_what_is_meant():
    """The script is loaded by bash itself; what Tab would offer stands behind a line's last word."""
    with tempfile.NamedTemporaryFile("w", suffix=".bash") as script:
        script.write(run(AGENT, "completion", "bash"))
        script.flush()

        def offers(*words):
            body = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _selvedge_agent; printf "%s\\n" "${COMPREPLY[@]}"')
            return run("bash", "-eu", "-c", body, "bash", script.name, "selvedge-agent", *words).split()

        assert offers("mat") == ["materialize"]
        assert offers("schedules", "") == ["pause", "resume", "preview"]
        assert "--all" in offers("schedules", "pause", "--") and "--sensor" not in offers("schedules", "pause", "--")
        assert offers("materialize", "--s") == ["--selector", "--source-freshness", "--standalone", "--state-dir"]
        assert offers("materialize", "--indirect-selection", "c") == ["cautious"]
        assert offers("assets", "--graph", "") == ["text", "dot", "mermaid"]
        assert "queued" in offers("runs", "--status", "") and "materialized" not in offers("runs", "--status", "")
        assert offers("partitions", "--status", "") == ["materialized", "failed", "missing"]
        assert offers("help", "sched") == ["schedules"] and offers("completion", "") == ["bash", "zsh", "fish"]
        assert offers("runs", "--log-level", "w") == ["warn"]
        assert offers("--state-dir", "") == [], "a folder is the shell's to complete"


def check_names_every_place():
    with Alone(project(shell("a", "true"))) as agent:
        assert ": ok: 1 asset, " in agent.command("check")
        agent.define("project: test\n"
                     "assets:\n"
                     "  - {key: 'a b', run: ['true']}\n"
                     "  - {key: c, run: ['true'], dep: [d]}\n"
                     "  - {key: e, run: ['true'], deps: [nowhere]}\n"
                     "  - {key: f}\n")
        done = agent.command("check", code=6)
        done = agent.command("check", code=None)
        for place in ("selvedge.yaml:3:11: ", "selvedge.yaml:4:29: ", "selvedge.yaml:5:36: ", "selvedge.yaml:6:5: "):
            assert place in done.stderr, done.stderr
        found = [line.split(":")[1] for line in done.stderr.splitlines() if line[0] == "/"]
        assert found == ["3", "4", "5", "6"], "in the order of the file"
        assert 'did you mean "deps"?' in done.stderr and "error: 4 problems" in done.stderr, done.stderr
        problems = json.loads(agent.command("check", "--json", code=6))
        assert problems["total"] == 4 and {p["line"] for p in problems["problems"]} == {3, 4, 5, 6}, problems
        agent.define("project: test\nassets: [\n")
        assert "selvedge.yaml:3:1: " in agent.command("check", code=None).stderr
        for command in (["assets"], ["materialize", "a"], ["daemon"]):
            assert "selvedge.yaml:3:1: " in agent.command(*command, code=None).stderr, command
        done = agent.command("check", agent.dir + "/none.yaml", code=None)
        assert done.returncode == 3 and done.stderr.startswith("error: open ") and ":0:0" not in done.stderr, said(done)
        assert "--definitions FILE, SELVEDGE_DEFINITIONS" in done.stderr, said(done)
        agent.define(project(shell("a", "true"), more="schedules:\n  - {name: off, select: a, cron: '@daily', paused: true}\n"
                             "sensors:\n  - {name: s, watch: '*.csv', select: a}\n"))
        text = agent.command("check")
        assert ": ok: 1 asset, 0 jobs, 1 schedule, 1 sensor\n" in text and "off: 1 asset, paused, else next tick 2" in text, text


def a_selection_is_answered_alike_by_all():
    with Alone(project(shell("pos/sales", "true"), shell("b", "true"))) as agent:
        for command in ("materialize", "assets", "explain"):
            done = agent.command(command, "pos/sale", code=None)
            assert done.returncode == 3 and "pos/sale selects no asset" in done.stderr, (command, said(done))
            assert "did you mean pos/sales?" in done.stderr and not done.stdout, (command, said(done))
            done = agent.command(command, "b or (x", code=None)
            assert done.returncode == 6 and "\n    b or (x\n         ^\n" in done.stderr, (command, said(done))
        assert agent.command("assets", "--failing") == "no assets\n"
        assert agent.command("assets", "--failing", "--json") == ""


def a_step_that_a_run_lacks_is_an_error():
    with Alone(project(shell("a", "echo hello"))) as agent:
        agent.start()
        done = agent.command("logs", code=None)
        assert done.returncode == 3 and "make one: selvedge-agent materialize" in done.stderr, said(done)
        agent.command("materialize", "a")
        assert "hello" in agent.command("logs", "--step", "a")
        for more in ([], ["--json"]):
            done = agent.command("logs", "--step", "nope", *more, code=None)
            assert done.returncode == 3 and "has no step nope" in done.stderr and not done.stdout, said(done)


def settings_are_checked():
    with Alone(project(shell("a", "true"))) as agent:
        for text, place in (("state_dir: s\nlog_levle: info\n", ":2:1: "), ("keepalive_s: 0\n", ":1:14: "),
                            ("buffer_quota: lots\n", ":1:15: "), ("state_dir: [\n", ":2:1: ")):
            with open(agent.config, "w") as f:
                f.write(text)
            done = agent.command("runs", code=None)
            assert done.returncode == 6 and agent.config + place in done.stderr, (text, said(done))
        done = run(AGENT, "runs", "--config", agent.dir + "/none.yaml", code=None)
        assert done.returncode == 3 and "none.yaml" in done.stderr, said(done)


def materialize_tells_how_it_went():
    with Alone(project(shell("a/ok", "echo to stdout; echo to stderr >&2"), shell("a/bad", "echo no luck >&2; exit 3", ", deps: [a/ok]"),
                       shell("a/after", "true", ", deps: [a/bad]"), "  - {key: a/none, run: [no-such-program]}\n",
                       "  - {key: out, external: true}\n", more="jobs:\n  - {name: one, select: a/ok}\n")) as agent:
        done = agent.command("materialize", "a/ok")
        assert "asset_materialization" in done and done.splitlines()[-1].startswith("success  run "), done
        done = agent.command("materialize", "--job", "one", "--json")
        assert json.loads(done.splitlines()[-1])["status"] == "success", done

        done = agent.command("materialize", "*", code=None)
        assert done.returncode == 1 and "no luck" in done.stdout, said(done)
        newest = agent.runs()[0]
        assert (newest["status"], newest["steps"], newest["succeeded"]) == ("failure", 4, 1), newest
        failures = {e["asset"]: e["error"]["message"] for e in agent.events("step_failure")}
        assert failures["a/bad"] == "no luck" and "no-such-program" in failures["a/none"], failures
        assert [e["asset"] for e in agent.events("step_skipped")] == ["a/after"]

        for selection, code, text in (("a/okk", 3, "did you mean a/ok?"), ("out", 3, "external"), ("+++", 6, "column 2"),
                                      ("a/ok and", 6, "    a/ok and\n            ^\n"), ("group:none", 3, "selects no asset")):
            done = agent.command("materialize", selection, code=None)
            assert done.returncode == code and text in done.stderr, (selection, said(done))
        done = agent.command("materialize", "--job", "on", code=None)
        assert done.returncode == 3 and "did you mean one?" in done.stderr, said(done)


def runs_and_logs_are_kept():
    with Alone(project(shell("a/ok", "echo to stdout; echo to stderr >&2"), shell("b/ok", "printf 'no line end'"))) as agent:
        for command in ("runs", "logs", "buffer"):
            done = agent.command(command, code=None)
            assert done.returncode == 3 and "hint: " in done.stderr, (command, said(done))
        agent.command("materialize", "*")
        agent.command("materialize", "a/ok")
        newest, oldest = [r["run"] for r in agent.runs()]
        assert agent.command("runs", "--limit", "1").count(newest) == 1
        assert oldest not in agent.command("runs", "--limit", "1")
        assert agent.command("runs", "--status", "failure") == "no runs\n"
        assert newest not in agent.command("runs", "--asset", "b/ok")
        log = agent.command("logs")
        assert "step_success" in log and "\nto stdout\n" in log and "\nto stderr\n" in log, log
        log = agent.command("logs", oldest, "--step", "b/ok")
        assert "\nno line end\n" in log and "to stdout" not in log and "a/ok" not in log, log
        assert all(json.loads(line)["run"] == oldest for line in agent.command("logs", oldest, "--json").splitlines())
        done = agent.command("logs", "nonsense", code=None)
        assert done.returncode == 3 and "selvedge-agent runs" in done.stderr, said(done)
        done = agent.command("logs", os.path.commonprefix([newest, oldest]), code=None)
        assert done.returncode != 0 and "error: " in done.stderr, said(done)
        assert "a/ok" in agent.command("assets", "key:a*") and "b/ok" not in agent.command("assets", "key:a*")
        assert agent.position()["waiting_events"] == agent.position()["last_seq"] == len(agent.events())


def json_of_every_command_parses():
    with Alone(project(shell("a", "true"), more="schedules:\n  - {name: s, select: a, cron: '0 0 1 1 *'}\n")) as agent:
        agent.command("materialize", "a")
        for command in (["check"], ["assets"], ["runs"], ["logs"], ["buffer"], ["buffer", "--events"], ["materialize", "a"], ["schema"]):
            lines = agent.command(*command, "--json").splitlines()
            documents = [json.loads(line) for line in lines] if command != ["schema"] else [json.loads("\n".join(lines))]
            assert documents and all(isinstance(d, dict) for d in documents), command
        for command in (["status"], ["logs", "none"], ["materialize", "none"], ["enroll", "nonsense", "--name", "x"]):
            done = agent.command(*command, "--json", code=None)
            error = json.loads(done.stderr)["error"]
            assert done.returncode != 0 and error["code"] and error["message"], (command, said(done))


# --- the daemon's life ---

def a_lock_that_is_let_go_of_is_waited_for():
    """A killed daemon's child keeps it until it has become its program."""
    with Alone(project(shell("a", "true"))) as agent:
        os.mkdir(agent.state, 0o700)
        with open(agent.state + "/lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            agent.daemon.start()
            wait_for("it meets the lock", lambda: "agent.lock_wait" in agent.daemon.read_log(), every=0.02)
        wait_for("it works", lambda: "agent.ready" in agent.daemon.read_log())
        assert agent.daemon.stop() == 0


def status_needs_a_daemon():
    with Alone(project(shell("a", "true"))) as agent:
        done = agent.command("status", code=None)
        assert done.returncode == 4 and "hint: start it" in done.stderr, said(done)
        done = agent.command("materialize", "a", "--no-wait", code=None)
        assert done.returncode == 4 and "hint: " in done.stderr, said(done)
        agent.start()
        status = json.loads(agent.command("status", "--json"))
        assert status["state"] == "running" and status["pid"] == agent.daemon.process.pid and status["link"] == "not enrolled", status
        assert "link               not enrolled" in agent.command("status")
        done = agent.command("daemon", code=None)
        assert done.returncode == 1 and f"process {agent.daemon.process.pid} holds it" in done.stderr, said(done)
        assert "hint: an agent works here already" in done.stderr, said(done)
        assert agent.daemon.is_running
        assert agent.daemon.stop() == 0
        assert agent.command("status", code=None).returncode == 4
        assert not os.path.exists(agent.state + "/agent.sock")


def the_daemon_materializes_what_it_is_asked():
    with Alone(project(shell("a", "true"), shell("bad", "exit 1"), more="jobs:\n  - {name: one, select: a}\n")) as agent:
        agent.start()
        assert "success  run" in agent.command("materialize", "a")
        assert json.loads(agent.command("materialize", "--job", "one", "--json").splitlines()[-1])["status"] == "success"
        assert agent.command("materialize", "bad", code=None).returncode == 1
        done = agent.command("materialize", "b", code=None)
        assert done.returncode == 3 and "selects no asset" in done.stderr, said(done)
        assert agent.command("materialize", "a and", code=None).returncode == 6
        assert agent.command("materialize", "--job", "two", code=None).returncode == 3
        assert ended(agent, queue(agent, "a"))["status"] == "success"


def nonsense_on_the_control_socket_is_answered():
    with Alone(project(shell("a", "true"))) as agent:
        agent.start()
        path = agent.state + "/agent.sock"
        assert os.stat(path).st_mode & 0o777 == 0o600
        for request, answer in ((b"nonsense\n", b'"error"'), (b"[]\n", b'"error"'), (b'{"verb":"dance"}\n', b"dance"),
                                (b'{"verb":7}\n', b'"error"'), (b"x" * 100000, b""), (b"\xff\x00\n", b'"error"'), (b"", b"")):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(10)
                s.connect(path)
                try:
                    s.sendall(request)
                    s.shutdown(socket.SHUT_WR)
                    assert answer in s.recv(65536), request[:20]
                except (BrokenPipeError, ConnectionResetError):
                    assert answer == b"", request[:20]  # hung up: it was too long
        idle = []
        for _ in range(20):  # more than it has places for
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            idle.append(s)
        for s in idle:
            s.close()
        wait_for("there is a place again", lambda: agent.command("status", code=None).returncode == 0)


def term_interrupts_what_runs():
    with Alone(project(shell("slow", "echo $$ > leader; sleep 1000 & echo $! > grandchild; wait"), shell("next", "true", ", deps: [slow]"))) as agent:
        agent.start()
        run_id = queue(agent, "*")
        pids = [pid_in(agent.dir + "/grandchild"), pid_in(agent.dir + "/leader")]
        begin = time.monotonic()
        assert agent.daemon.stop(8) == 0
        assert time.monotonic() - begin < 5, "slow to stop"
        wait_for("its children are gone", lambda: not any(map(is_alive, pids)))
        retry, first = agent.runs()
        assert (first["run"], first["status"]) == (run_id, "failure"), first
        assert (retry["cause"], retry["cause_name"], retry["status"]) == ("retry", run_id, "queued"), retry
        assert agent.events("run_failure")[0]["error"]["code"] == "interrupted"
        assert agent.events("step_failure")[0]["error"]["code"] == "interrupted"
        assert [e["asset"] for e in agent.events("step_skipped")] == ["next"]
        os.remove(agent.dir + "/leader")
        agent.start()  # the next start goes on from there
        pid_in(agent.dir + "/leader")
        assert agent.runs()[0]["status"] == "started"


def a_child_that_ignores_term_is_killed():
    with Alone(project(shell("stubborn", "trap '' TERM; echo $$ > leader; while :; do sleep 1; done"))) as agent:
        agent.start()
        queue(agent, "*")
        pid = pid_in(agent.dir + "/leader")
        assert agent.daemon.stop(20) == 0
        assert not is_alive(pid)
        assert [r["status"] for r in agent.runs()] == ["queued", "failure"]


def kill_in_the_middle_of_a_run_is_made_good():
    with Alone(project(shell("slow", "echo $$ > leader; exec sleep 1000"), shell("quick", "true"))) as agent:
        agent.start()
        follower = subprocess.Popen([AGENT, "materialize", "slow", "--config", agent.config], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True)
        pid = pid_in(agent.dir + "/leader")
        agent.daemon.kill()
        assert follower.wait(20) == 4 and "the agent ended before the run did" in follower.stderr.read()
        follower.stderr.close()
        assert agent.runs()[0]["status"] == "started"
        agent.start()
        retry, first = agent.runs()
        assert first["status"] == "failure" and "stopped" in first["error"], first
        assert retry["cause"] == "retry" and retry["cause_name"] == first["run"], retry
        assert agent.events("run_failure")[0]["error"]["code"] == "interrupted"
        assert "run.interrupted" in agent.daemon.read_log() and "step.orphans_ended" in agent.daemon.read_log()
        assert not is_alive(pid)
        assert "success" in agent.command("materialize", "quick")
        seqs = [e["seq"] for e in agent.events()]
        assert seqs == list(range(1, len(seqs) + 1)), "the ledger has holes"


def schedules_fire_and_skip_what_still_runs():
    with Alone(project(shell("quick", "true"), shell("slow", "while [ ! -e go ]; do sleep 0.05; done"),
                       more="schedules:\n  - {name: often, select: quick, every: 1s}\n  - {name: long, select: slow, every: 1s}\n")) as agent:
        agent.start()

        def ticks(name, status):
            return [e for e in agent.events("tick") if e["schedule"] == name and e["status"] == status]
        wait_for("the quick one was started three times", lambda: len(ticks("often", "started")) >= 3)
        wait_for("the slow one was skipped twice", lambda: len(ticks("long", "skipped")) >= 2)
        assert len(ticks("long", "started")) == 1
        open(agent.dir + "/go", "w").close()
        wait_for("the slow one was started again", lambda: len(ticks("long", "started")) >= 2)
        nominal = [e["nominal"] for e in agent.events("tick") if e["schedule"] == "often"]
        assert len(nominal) == len(set(nominal)), "one tick fired twice"
        assert agent.daemon.stop() == 0
        assert all(r["cause"] == "schedule" for r in agent.runs())


# --- steps that misbehave ---

def a_time_out_ends_the_whole_group():
    script = "(trap '' TERM; echo $$ > /dev/null; exec sleep 1000) & echo $! > grandchild; echo $$ > leader; exec sleep 1000"
    with Alone(project(shell("slow", script, ", timeout: 1s"))) as agent:
        done = agent.command("materialize", "*", code=None)
        assert done.returncode == 1 and "time-out" in done.stdout, said(done)
        assert agent.events("step_failure")[0]["error"]["code"] == "timeout"
        pids = [pid_in(agent.dir + "/grandchild"), pid_in(agent.dir + "/leader")]
        wait_for("nobody is left of the group", lambda: not any(map(is_alive, pids)))


def huge_output_costs_neither_memory_nor_disk():
    with Alone(project(shell("small", "true"), shell("huge", "head -c 100000000 /dev/zero | tr '\\0' 'x' | tee /dev/stderr"))) as agent:
        agent.start()
        agent.command("materialize", "small")
        before = memory_peak_kb(agent.daemon.process.pid)
        agent.command("materialize", "huge")
        growth = memory_peak_kb(agent.daemon.process.pid) - before
        assert growth < 8192, f"the daemon grew by {growth} KB"
        folder = f"{agent.state}/runs/{agent.runs()[0]['run']}/huge"
        for stream in ("1.out", "1.err"):
            kept = sum(os.path.getsize(f"{folder}/{name}") for name in os.listdir(folder) if name.startswith(stream))
            assert OUTPUT_KEPT * 3 // 4 < kept <= OUTPUT_KEPT, (stream, kept)
        log = agent.command("logs")
        assert OUTPUT_KEPT * 3 // 2 < len(log) < 2 * OUTPUT_KEPT + 8192 and log.count("bytes were not kept") == 2, len(log)


def a_daemonised_grandchild_ends_with_its_step():
    with Alone(project(shell("fork", "setsid sleep 1000 & echo $! > grandchild; echo done"))) as agent:
        done = agent.command("materialize", "*", "--log-level", "warn", timeout=15, code=None)
        assert done.returncode == 0 and 'event=step.left_processes' in done.stderr and "processes=1" in done.stderr, said(done)
        assert "\ndone\n" in agent.command("logs")
        assert not is_alive(pid_in(agent.dir + "/grandchild"))


def retries_go_on_until_success():
    with Alone(project(shell("second", "echo attempt $SELVEDGE_ATTEMPT; test $SELVEDGE_ATTEMPT = 2", ", retry: {max: 2, delay: 200ms}"),
                       shell("never", "exit 7", ", retry: {max: 1}"))) as agent:
        agent.command("materialize", "second")
        assert [e["attempt"] for e in agent.events() if e["type"] in ("step_up_for_retry", "step_restarted", "step_success")] == [1, 2, 2]
        log = agent.command("logs")
        assert "\nattempt 1\n" in log and "\nattempt 2\n" in log, log
        agent.command("materialize", "never", code=1)
        failure = agent.events("step_failure")[0]
        assert (failure["attempt"], failure["exit"]) == (2, "exit code 7"), failure


def a_worker_that_is_killed_is_a_failed_step():
    with Alone(project(f"  - {{key: forever, sql: {{resource: local, query: \"{FOREVER}\", materialized: table}}}}\n", shell("quick", "true"))) as agent:
        agent.start()
        run_id = queue(agent, "forever")
        worker = wait_for("the worker runs", lambda: children(agent.daemon.process.pid), every=0.02)[0]
        os.kill(worker, signal.SIGKILL)
        assert ended(agent, run_id)["status"] == "failure"
        failure = agent.events("step_failure")[0]
        assert "killed by signal 9 (SIGKILL)" in failure["error"]["message"], failure
        assert "success" in agent.command("materialize", "quick")


def programs_that_cannot_start_are_failed_steps():
    with Alone(project("  - {key: gone, run: [./gone]}\n", "  - {key: dir, run: [/tmp]}\n", "  - {key: text, run: [./text]}\n",
                       "  - {key: unset, run: [echo, '${NOT_SET_ANYWHERE}']}\n")) as agent:
        with open(agent.dir + "/text", "w") as f:
            f.write("no program\n")
        os.chmod(agent.dir + "/text", 0o755)
        agent.command("materialize", "*", code=1)
        errors = {e["asset"]: e["error"]["message"] for e in agent.events("step_failure")}
        assert "./gone" in errors["gone"] and "/tmp" in errors["dir"] and "./text" in errors["text"], errors
        assert "NOT_SET_ANYWHERE" in errors["unset"], errors
        agent.write_settings(worker=agent.dir + "/no-worker")
        agent.define(project("  - {key: v, sql: {resource: local, query: SELECT 1 AS one}}\n"))
        agent.command("materialize", "*", code=1)
        assert "no-worker" in agent.events("step_failure")[-1]["error"]["message"]


# --- a full disk ---

class SmallDisk:
    """A disk of 4 MB where mounting is allowed; else a limit on the size of files, which is lifted to make room."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="selvedge-test-")
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", self.dir]
        self.is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self, pid):
        if not self.is_mounted:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (16384, resource.RLIM_INFINITY))
            return
        try:
            with open(self.dir + "/ballast", "wb", buffering=0) as f:
                while f.write(b"x" * 4096):
                    pass
        except OSError:
            pass

    def make_room(self, pid):
        if self.is_mounted:
            os.remove(self.dir + "/ballast")
        else:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self):
        if self.is_mounted:
            run("umount", self.dir)
        shutil.rmtree(self.dir, ignore_errors=True)


def a_full_disk_is_survived():
    disk = SmallDisk()
    print("full disk:", "a small tmpfs" if disk.is_mounted else "a limit on file sizes (mounting is not permitted)")
    try:
        with Alone(project(shell("quick", "true"), more="schedules:\n  - {name: s, select: quick, every: 1s}\n"), parent=disk.dir) as agent:
            # A write beyond a limit is an error then, and no signal.
            agent.daemon.argv = ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\"", *agent.daemon.argv]
            agent.daemon.log = f"{tempfile.gettempdir()}/selvedge-full-disk.{os.getpid()}.log"
            agent.start()
            pid = agent.daemon.process.pid
            wait_for("it works", lambda: agent.events("run_success"))
            disk.fill(pid)
            wait_for("it says so", lambda: "store.write_failed" in agent.daemon.read_log(), 40)
            stuck = query(agent.db_path, "SELECT max(seq) FROM event")[0][0]
            wait_for("ticks go by", lambda: agent.daemon.read_log().rpartition("store.write_failed")[2].count("schedule.tick") >= 7)
            assert agent.daemon.is_running and json.loads(agent.command("status", "--json"))["state"] == "running"
            assert agent.daemon.read_log().count("store.write_failed") == 1, agent.daemon.tail()
            disk.make_room(pid)
            wait_for("it recovers", lambda: "store.write_recovered" in agent.daemon.read_log())
            begun = agent.runs()[0]["run"]
            wait_for("it works again", lambda: agent.runs()[0]["run"] != begun and agent.runs()[0]["status"] == "success")
            assert agent.daemon.stop() == 0
            seqs = [s for (s,) in query(agent.db_path, "SELECT seq FROM event ORDER BY seq")]
            assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) > stuck, "the ledger has holes"
            assert "record_lost" not in agent.daemon.read_log()
            os.remove(agent.daemon.log)
    finally:
        disk.close()


TESTS = [a_child_that_ignores_term_is_killed, a_full_disk_is_survived, schedules_fire_and_skip_what_still_runs,
         huge_output_costs_neither_memory_nor_disk, kill_in_the_middle_of_a_run_is_made_good, every_command_has_help,
         bash_completes_what_is_meant, check_names_every_place, a_selection_is_answered_alike_by_all,
         a_step_that_a_run_lacks_is_an_error, settings_are_checked, materialize_tells_how_it_went, runs_and_logs_are_kept,
         json_of_every_command_parses, status_needs_a_daemon,
         a_lock_that_is_let_go_of_is_waited_for, the_daemon_materializes_what_it_is_asked,
         nonsense_on_the_control_socket_is_answered, term_interrupts_what_runs, a_time_out_ends_the_whole_group,
         a_daemonised_grandchild_ends_with_its_step, retries_go_on_until_success, a_worker_that_is_killed_is_a_failed_step,
         programs_that_cannot_start_are_failed_steps]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=4))
