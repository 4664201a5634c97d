#!/usr/bin/env python3
"""Runs the commands of a page of docs/guide (first-hour.md when none is named) in one shell, as a newcomer who only copies would, and compares what they
print with what the page shows.

A block ```sh is run; the block ```text behind it is what it prints. Words behind sh: exit=N (the last command's exit code; 0
when not given), again (looked at again until it is as shown, at most 30 s), install (not run: it changes the machine), dbt (the real dbt runs it; where it
cannot be had, dbt=NAME takes what it made from tests/data/dbt/guide/NAME, and dbt alone is left out).
Times, ids, durations and the like may differ, and so may the width of columns; a line with an ellipsis alone stands for any
lines; need=PROGRAM: where it is not installed, the page ends here. guide_test.py --write puts in what was really printed wherever it is not as shown."""
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import modbus_server
import page_dbt
import pg_server
import smtp_server
from fleet import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin"))
NAMES = [name for name in sys.argv[1:] if not name.startswith("-")]
PAGE = os.path.join(ROOT, "docs/guide", NAMES[0] if NAMES else "first-hour.md")
PATH = f"{BIN}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
BLOCK = re.compile(r"^```sh([^\n]*)\n(.*?)^```\n(?:\n?```text\n(.*?)^```\n)?", re.M | re.S)
PORTS = {"8883": None, "8884": None, "8125": None, "8880": None, "8443": None}
DATABASE = "postgresql://shop:s3cret@db.example/shop"  # what pages call a PostgreSQL, and a device that speaks Modbus
DEVICE = "host: plc.example"
WEB = "http://127.0.0.1:8880"
MAIL = "server: mail.example.org\n  port: 587\n"
STANDS_FOR = []  # (what the page says, what is really there): of what is in commands, and of what they print
PRINTED = []
BLOCK_SECONDS = 60
DBT_SECONDS = 600
AGAIN_SECONDS = 30

VARYING = [
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<run>"),
    (r"\bselvedge1\.\S+", "<token>"),
    (r"\b[0-9a-f]{64}\b", "<hash>"),
    (r"\b[0-9a-f]{4}(-[0-9a-f]{4}){3}\b", "<fingerprint>"),
    (r"-ca-[0-9a-f]{8}\b", "-ca-<number>"),
    (r"\b[0-9a-f]{16}\b", "<epoch>"),
    (r"\b\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
    (r"\b\d\d:\d\d:\d\d\.\d{3}\b", "<time>"),
    (r"\b20\d\d-\d\d-\d\d(?= |$)", "<date>"),
    (r"\b(just now|now)\b", "<ago>"),
    (r"\bin \d+ (ms|s|min|h|d)\b", "<ahead>"),
    (r"\b\d+ (s|min|m|h|d)( \d+ (s|min|m|h))? ago\b", "<ago>"),
    (r"\b\d+(\.\d+)? (ms|s|min|h)\b", "<duration>"),
    (r"\bin \d+\.\d\ds\b", "in <duration>"),
    (r"\b\d+ bytes(, from \d+)?", "<bytes>"),
    (r"\b(duration_s|rows_per_second|peak_memory_bytes|pid)([= ]+)[\d.]+(e[-+]\d+)?", r"\1\2<n>"),
    (r"\b(?!0 B)\d+(\.\d+)? (B|KiB|MiB)(?= |$)", "<size>"),
    (r"\b(x86_64|aarch64|armv\w+|riscv64) \S+ [A-Z].*?\)", "<board>"),
    (r"^[a-z2-7]{8}(?= +(open|used|expired|revoked)\b)", "<token id>"),
    (r"\btoken=\"?[a-z2-7]{8}\"?", "token=<token id>"),
    (r"\[\d+\] \d+", "<job>"),
    (r"(?<= )={2,}(?= |$)", "<bar>"),
    (r"/\S*/(?=selvedge-try\b)", "<home>/"),
    (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b", "<day>"),
    (r"\bfleet (\S+), <date> \d\d:\d\d to <date> \d\d:\d\d UTC", r"fleet \1, <date> to <date>"),
]


def canonical(text):
    lines = []
    for line in text.rstrip("\n").split("\n"):
        for pattern, name in VARYING:
            line = re.sub(pattern, name, line)
        lines.append(re.sub(r" +", " ", line).rstrip())
    return lines


def is_as_shown(shown, printed):
    """Line by line, where a line with an ellipsis alone stands for any number of lines."""
    parts = [[]]
    for line in canonical(shown):
        if line.strip() == "…":
            parts.append([])
        else:
            parts[-1].append(line)
    lines = canonical(printed)
    if len(parts) == 1:
        return lines == parts[0]
    head, tail = parts[0], parts[-1]
    if lines[:len(head)] != head or (tail and lines[-len(tail):] != tail):
        return False
    at, end = len(head), len(lines) - len(tail)
    for part in parts[1:-1]:
        while at + len(part) <= end and lines[at:at + len(part)] != part:
            at += 1
        if at + len(part) > end:
            return False
        at += len(part)
    return at <= end


class Shell:
    """One interactive-like shell: variables, folder and background jobs live on from block to block."""

    def __init__(self, folder):
        environment = {"PATH": PATH, "HOME": folder, "LANG": "C.UTF-8",
                       "TZ": "UTC"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "CURL_CA_BUNDLE"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self.process = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=folder, env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        self.count = 0
        self.folder = folder

    def run(self, commands, seconds=BLOCK_SECONDS):
        """What was printed, and the last command's exit code."""
        self.count += 1
        mark = f"\x1eend {self.count} "
        self.process.stdin.write(f"{commands}\nprintf '\\036end {self.count} %d\\n' $?\n".encode())
        self.process.stdin.flush()
        text, end = "", time.monotonic() + seconds
        while mark not in text or not text.endswith("\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not piece:
                raise AssertionError(f"no end within {seconds} s:\n{commands}\n{text}")
            text += piece.decode()
        printed, _, code = text.partition(mark)
        return printed, int(code)

    def others(self):
        """Processes of the session that the shell leads: what it left running."""
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) != self.process.pid:
                try:
                    with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                        session = file.read().rpartition(")")[2].split()[3]
                except OSError:
                    continue
                if int(session) == self.process.pid:
                    yield int(name)

    def close(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + 15
            for pid in self.others():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            while any(self.others()) and time.monotonic() < end:
                time.sleep(0.1)
        self.process.kill()
        self.process.wait()


def choose_ports():
    """Others than the page's, which another page's hub may have."""
    for port in PORTS:
        PORTS[port] = str(free_port())


# A hub's web process listens on one port of the machine, where hubs of other tests are at the same time: on any other, or on
# the one that stands for it where the page asks there.
WEB_PORT = """code=$?; find . -maxdepth 2 -name hub.yaml -exec sh -c 'grep -q ^http: "$1" || echo "http: {port: %s}" >> "$1"' - {} \\;; (exit $code)"""


def with_web_port(commands, port):
    return re.sub(r"^(selvedge-hub init [^\n]*[^\\\n])$", lambda init: f"{init.group(1)}\n{WEB_PORT % port}", commands, flags=re.M)


def with_ports(text, back=False):
    for shown, used in list(PORTS.items()) + (STANDS_FOR + PRINTED if back else STANDS_FOR):
        text = text.replace(used, shown) if back else text.replace(shown, used)
    return text


def start_database():
    pg_server.need()
    server = pg_server.Server(password="s3cret")
    server.sql("CREATE ROLE shop LOGIN PASSWORD 's3cret'; ALTER DATABASE shop OWNER TO shop")
    STANDS_FOR.append((DATABASE, f"postgresql://shop:s3cret@/shop?host={server.folder}"))
    return server


def start_device():
    """A boiler: its temperature, its pressure in hundredths, and whether the pump runs."""
    device = modbus_server.TcpDevice()
    device.put(modbus_server.HOLDING, 100, *struct.unpack(">HH", struct.pack(">f", 71.5)), 142)
    device.put(modbus_server.COIL, 5, 1)
    STANDS_FOR.append((DEVICE, f"host: 127.0.0.1, port: {device.port}"))
    PRINTED.append(("plc.example:502", f"127.0.0.1:{device.port}"))
    return device


def start_mail(folder):
    """A mail server that asks for the page's password; its certificate is one that curl trusts."""
    certificate = smtp_server.make_certificate(folder)
    os.environ["CURL_CA_BUNDLE"] = certificate[0]
    server = smtp_server.SmtpServer(certificate, ("selvedge", "s3cret"))
    STANDS_FOR.append((MAIL, f"server: 127.0.0.1\n  port: {server.port}\n"))
    return server


def start_peers(page, folder):
    """What the page expects to be there already."""
    return (([start_database()] if DATABASE in page else []) + ([start_device()] if DEVICE in page else []) +
            ([start_mail(folder)] if MAIL in page else []))


def tidy(printed):
    """As it goes into the page."""
    return "".join(line.rstrip() + "\n" for line in printed.rstrip("\n").split("\n"))


def option_of(options, name, otherwise=None):
    return dict(o.partition("=")[::2] for o in options).get(name, otherwise)


def run_dbt(shell, name, commands, write):
    """The commands and scripts find dbt, as a function, and the agent does not: on a device there is none."""
    dbt = page_dbt.program()
    if dbt is None:
        print("dbt cannot be had here:", f"what it made is taken from {name}" if name else "left out")
        commands = f"cp -r {page_dbt.KEPT}/{name}/. ." if name else ":"
    printed, code = shell.run(f"dbt() {{ {dbt} \"$@\"; }}; export -f dbt\n{commands}", DBT_SECONDS)
    shell.run("unset -f dbt")
    if write and dbt and name:
        page_dbt.keep(name, shell.run("pwd")[0].strip())
    return code == 0, printed, code


def run_block(shell, options, commands, shown, patience, web_port):
    expected = int(option_of(options, "exit", 0))
    commands = with_web_port(with_ports(commands), web_port)
    end = time.monotonic() + (patience if "again" in options else 0)
    while True:
        printed, code = shell.run(commands)
        printed = with_ports(printed, back=True)
        right = code == expected and (shown is None or (shown and is_as_shown(shown, printed)))
        if right or time.monotonic() > end:
            return right, printed, code
        time.sleep(0.5)


def run_page(shell, page, write):
    problems, result, at = [], "", 0
    web_port = PORTS["8880"] if WEB in page else 0
    for match in BLOCK.finditer(page):
        options, commands, shown = match.group(1).split(), match.group(2), match.group(3)
        if "install" in options:
            continue
        needed = option_of(options, "need")
        if needed and shutil.which(needed, path=PATH) is None:
            print(f"{needed} is not installed: the rest of {os.path.basename(PAGE)} is left out")
            break
        if option_of(options, "dbt") is not None:
            right, printed, code = run_dbt(shell, option_of(options, "dbt"), commands, write)
        else:
            right, printed, code = run_block(shell, options, commands, shown, 3 if write else AGAIN_SECONDS, web_port)
        printed = printed.replace(shell.folder, "/home/you")
        line = page.count("\n", 0, match.start()) + 1
        if not right:
            problems.append(f"{os.path.basename(PAGE)}:{line}: exit {code}\n$ {commands}shown:\n{shown}\nprinted:\n{printed}")
        if not right and shown is not None and write:
            result += page[at:match.start(3)] + tidy(printed)
            at = match.end(3)
        elif not right and not write:
            break
    return problems, result + page[at:]


def check_readme():
    """The definitions at the top of the project are ones that the agent takes."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        samples = re.findall(r"^```yaml\n(.*?)^```$", file.read(), re.M | re.S)
    assert samples
    for sample in samples:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(sample)
            file.flush()
            done = subprocess.run([os.path.join(BIN, "selvedge-agent"), "check", file.name], capture_output=True, text=True,
                                  check=False)
            if done.returncode != 0:
                yield f"README.md: {done.stdout}{done.stderr}"


def main():
    write = "--write" in sys.argv[1:]
    for program in [os.path.join(BIN, name) for name in ("selvedge-agent", "selvedge-el", "selvedge-hub")] + [
            "/usr/sbin/mosquitto", "/usr/bin/sqlite3"]:
        if not os.path.exists(program):
            print("skipped:", program, "is not there")
            return 77
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    choose_ports()
    folder = tempfile.mkdtemp(prefix="selvedge-guide-")
    peers = start_peers(page, folder)
    shell = Shell(folder)
    try:
        problems, result = run_page(shell, page, write)
    finally:
        shell.close()
        for peer in peers:
            peer.close()
        shutil.rmtree(folder, ignore_errors=True)
    if write and result != page:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(result)
    problems.extend(check_readme())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
