"""What people see of a step while it runs: a line on a terminal, plain lines elsewhere, nothing in JSON; and that nothing of it is kept."""
import json
import os
import pty
import re
import select
import subprocess
import sys
import time

from fleet import AGENT, Alone, run_tests

# Tells of itself as the worker does, until it is let go.
STEP = "import os, time\n" \
       "for i in range(1, 200):\n" \
       "    os.write(3, b'{\"event\":\"progress\",\"rows\":%d,\"bytes\":%d}\\n' % (i * 100000, i << 20))\n" \
       "    time.sleep(0.1)\n" \
       "    if os.path.exists(os.environ['STATE_DIR'] + '/go'): break\n"
TEXT = f"project: shop\nassets:\n  - key: a/slow\n    run: [{json.dumps(sys.executable)}, -c, {json.dumps(STEP)}]\n"


def until(fd, words, text=b"", seconds=60):
    end = time.monotonic() + seconds
    while words not in text:
        ready, _, _ = select.select([fd], [], [], max(0, end - time.monotonic()))
        assert ready, (words, text)
        try:
            text += os.read(fd, 65536)
        except OSError:  # the other end of a terminal is closed
            break
    return text


def start(agent, *words, terminal=False):
    mine, theirs = pty.openpty() if terminal else os.pipe()
    command = [AGENT, *words, "--config", agent.config]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.STDOUT, cwd=agent.dir)
    os.close(theirs)
    return process, mine


def let_go(agent):
    with open(os.path.join(agent.state, "go"), "w", encoding="ascii"):
        pass


def a_terminal_shows_a_line_that_goes_when_the_step_ends():
    for with_daemon in (False, True):
        with Alone(TEXT) as agent:
            if with_daemon:
                agent.start()
            process, out = start(agent, "materialize", "a/slow", terminal=True)
            text = until(out, b" rows/s, ")
            assert b"a/slow  " in text and b" rows, " in text and b"MiB" in text, text
            text = until(out, b"\x1b[1A\r\x1b[J", text)  # drawn over in its place
            let_go(agent)
            text = until(out, b"success  run", text)
            assert process.wait() == 0
            shown = text.decode().replace("\r\n", "\n")
            assert shown.count("step_success") == 1 and "\x1b[1A\r\x1b[J" in shown[shown.rindex(" rows"):], shown
            os.close(out)


def elsewhere_there_are_plain_lines_and_none_in_json():
    with Alone(TEXT) as agent:
        agent.start()
        process, out = start(agent, "materialize", "a/slow")
        text = until(out, b"progress  a/slow  ")
        run = agent.command("runs", "--json").splitlines()
        run = json.loads(run[0])["run"] if run else None
        follower, followed = start(agent, "logs", run, "--follow")
        machine, lines = start(agent, "logs", run, "--follow", "--json")
        assert b" rows/s, " in until(followed, b"progress  a/slow  ") + until(followed, b" s\n")
        let_go(agent)
        text = until(out, b"success  run", text)
        assert b"\x1b" not in text, text
        until(followed, b"run_success")
        for line in until(lines, b"run_success").decode().splitlines():
            json.loads(line)
        assert [p.wait() for p in (process, follower, machine)] == [0, 0, 0]
        for fd in (out, followed, lines):
            os.close(fd)
        for folder, _, files in os.walk(agent.state):  # nothing of it was written
            for path in (os.path.join(folder, name) for name in files):
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        assert not re.search(rb'"rows":\d+00000', file.read()), path


if __name__ == "__main__":
    sys.exit(run_tests([a_terminal_shows_a_line_that_goes_when_the_step_ends, elsewhere_there_are_plain_lines_and_none_in_json], at_once=2))
