"""A hub, its broker and devices, all the real programs, on loopback in a temporary folder. Standard library only.

Everything that is started is ended by its process id when the fleet is closed, whatever the test did."""
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

BIN = os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin"))
HUB = os.path.join(BIN, "selvedge-hub")
AGENT = os.path.join(BIN, "selvedge-agent")
SKIP = 77


def skip(why):
    print("skipped:", why)
    sys.exit(SKIP)


def need(*programs):
    for program in programs:
        if not os.path.exists(program):
            skip(f"{program} is not there")


def free_port():
    """Below the range that the kernel takes for outgoing connections: nobody has it a moment later by chance."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_for(what, condition, seconds=60.0, every=0.1):
    """Returns the first true value of condition(); fails with what was waited for."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(every)


def run(*argv, code=0, timeout=60, text_in=None):
    """Runs a program; its stdout. Fails when it ends otherwise than expected (code=None: any)."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, input=text_in)
    if code is not None and done.returncode != code:
        raise AssertionError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done if code is None else done.stdout


class Program:
    """A long-running program with its log; may be killed and started again."""

    def __init__(self, argv, log):
        self.argv = argv
        self.log = log
        self.env = None  # as ours
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                                            start_new_session=True)
        return self

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        if self.is_running:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds=60):
        if self.is_running:
            self.process.terminate()
            try:
                return self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.argv[0]} did not stop within {seconds} s\n{self.tail()}") from None
        return self.process.returncode if self.process else 0

    def read_log(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def tail(self, lines=15):
        return "\n".join(self.read_log().splitlines()[-lines:])


class Device:
    def __init__(self, fleet, name):
        self.fleet = fleet
        self.name = name
        self.dir = os.path.join(fleet.dir, name)
        self.state = os.path.join(self.dir, "state")
        self.config = os.path.join(self.dir, "agent.yaml")
        self.definitions = os.path.join(self.dir, "selvedge.yaml")
        self.db_path = os.path.join(self.state, "agent.db")
        os.makedirs(self.dir)
        self.settings = {"state_dir": self.state, "definitions": self.definitions, "reconnect_max": "1s",
                         "sync_linger": "50ms", "keepalive_s": 5}
        self.daemon = Program([AGENT, "daemon", "--config", self.config], os.path.join(self.dir, "agent.log"))
        self.write_settings()

    def write_settings(self, **more):
        self.settings.update(more)
        with open(self.config, "w") as f:
            f.writelines(f"{key}: {value}\n" for key, value in self.settings.items())

    def define(self, text):
        with open(self.definitions, "w") as f:
            f.write(text)

    def enrol(self, token=None, code=0):
        token = token or self.fleet.token()
        return run(AGENT, "enroll", token, "--name", self.name, "--config", self.config, code=code)

    def command(self, *argv, **more):
        return run(AGENT, *argv, "--config", self.config, **more)

    def start(self):
        """Starts the daemon and waits until it works."""
        before = len(self.daemon.read_log()) if os.path.exists(self.daemon.log) else 0
        self.daemon.start()
        wait_for("the agent is ready",
                 lambda: "agent.ready" in self.daemon.read_log()[before:] or not self.daemon.is_running, every=0.02)
        if not self.daemon.is_running:
            raise AssertionError("the agent has ended\n" + self.daemon.tail())
        return self

    def events(self, kind=None):
        """What waits to be sent, oldest first; without a hub, everything that was recorded."""
        lines = self.command("buffer", "--events", "--limit", "1000000", "--json").splitlines()
        events = [json.loads(line) for line in lines]
        return [e for e in events if kind is None or e["type"] == kind]

    def runs(self):
        """Newest first."""
        return [json.loads(line) for line in self.command("runs", "--json").splitlines()]

    def position(self):
        return json.loads(self.command("buffer", "--json"))

    def query(self, sql, *parameters):
        return query(self.db_path, sql, *parameters)


class Alone(Device):
    """A device that knows no hub, in a folder of its own."""

    def __init__(self, definitions=None, parent=None):
        need(AGENT)
        super().__init__(SimpleNamespace(dir=parent or tempfile.mkdtemp(prefix="selvedge-test-")), "alone")
        if definitions is not None:
            self.define(definitions)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.daemon.kill()
        if kind is not None and os.path.exists(self.daemon.log):
            print(f"agent log ends:\n{self.daemon.tail()}", file=sys.stderr)
        shutil.rmtree(self.fleet.dir, ignore_errors=True)


def query(path, sql, *parameters):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return db.execute(sql, parameters).fetchall()
    finally:
        db.close()


class Fleet:
    def __init__(self, name="test", web=False):
        need(HUB, AGENT, "/usr/sbin/mosquitto")
        self.name = name
        self.dir = tempfile.mkdtemp(prefix="selvedge-test-")
        self.hub_dir = os.path.join(self.dir, "hub")
        self.hub_db = os.path.join(self.hub_dir, "hub.db")
        self.port = free_port()
        self.enrol_port = self.port
        while self.enrol_port == self.port:
            self.enrol_port = free_port()
        self.devices = []
        self.closers = []
        run(HUB, "init", "--state-dir", self.hub_dir, "--fleet", name, "--host", "127.0.0.1", "--port", str(self.port),
            "--enrol-port", str(self.enrol_port), "--bind", "127.0.0.1")
        self.http_port = free_port() if web else 0
        with open(os.path.join(self.hub_dir, "hub.yaml"), "a") as f:
            f.write(f"http: {{port: {self.http_port}}}\n" if web else "http: off\n")
        self.hub = Program([HUB, "serve", "--state-dir", self.hub_dir], os.path.join(self.dir, "hub.log"))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for device in self.devices:
            device.daemon.kill()
        self.hub.kill()
        for close in self.closers:
            close()
        if kind is not None:
            print(f"hub log ends:\n{self.hub.tail() if os.path.exists(self.hub.log) else ''}", file=sys.stderr)
            for device in self.devices:
                if os.path.exists(device.daemon.log):
                    print(f"{device.name} log ends:\n{device.daemon.tail()}", file=sys.stderr)
        if not os.environ.get("SELVEDGE_TEST_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            print("kept:", self.dir, file=sys.stderr)

    def start_hub(self):
        before = len(self.hub.read_log()) if os.path.exists(self.hub.log) else 0
        self.hub.start()
        wait_for("the hub serves", lambda: "hub.online" in self.hub.read_log()[before:] or not self.hub.is_running)
        if not self.hub.is_running:
            raise AssertionError("the hub has ended\n" + self.hub.tail())

    def command(self, *argv, **more):
        return run(HUB, *argv, "--state-dir", self.hub_dir, **more)

    def token(self, *argv):
        return self.command("token", "create", *argv).strip()

    def device(self, name, definitions=None):
        device = Device(self, name)
        self.devices.append(device)
        if definitions is not None:
            device.define(definitions)
        return device

    def query(self, sql, *parameters):
        return query(self.hub_db, sql, *parameters)

    def broker_pid(self):
        """The hub's child; None while there is none."""
        pid = self.hub.process.pid
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as f:
                children = f.read().split()
        except FileNotFoundError:
            return None
        return int(children[0]) if children else None

    def kill_broker(self):
        pid = self.broker_pid()
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def is_alive(pid):
    """Runs, and is not just waiting for its parent to take note of its end."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(child) for child in f.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def read_file(path):
    """Its text; empty while it is not there."""
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def sample(always, sometimes, count):
    """`always`, and of the others so many, by a fresh seed that is printed; all with SELVEDGE_LONG, or when they are named."""
    if os.environ.get("SELVEDGE_LONG") or len(sys.argv) > 1:
        return always + sometimes
    seed = int(os.environ.get("SELVEDGE_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"a sample, SELVEDGE_SEED={seed}", flush=True)
    return always + random.Random(seed).sample(sometimes, count)


def run_tests(tests, at_once=1):
    """Runs functions that are independent of each other; names on the command line choose some. The exit code."""
    chosen = [t for t in tests if len(sys.argv) < 2 or t.__name__ in sys.argv[1:]]

    def carry_out(test):
        start = time.monotonic()
        try:
            test()
            verdict = "ok  "
        except Exception:  # whatever it was, the other tests are still worth running
            traceback.print_exc()
            verdict = "FAIL"
        print(f"{verdict} {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
        return verdict == "ok  "

    with ThreadPoolExecutor(at_once) as pool:
        return 0 if all(list(pool.map(carry_out, chosen))) else 1
