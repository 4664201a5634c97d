"""Who reads a daemon's log may go away (a pager that was closed, a log collector that crashed): the daemon goes on."""
import os
import subprocess
import sys

from fleet import Alone, wait_for

DEFINITIONS = """\
project: log-reader
assets:
  - {key: tick, run: ["true"]}
"""


def main():
    with Alone(DEFINITIONS) as device:
        read_end, write_end = os.pipe()
        agent = subprocess.Popen(device.daemon.argv, stdin=subprocess.DEVNULL, stdout=write_end, stderr=write_end)
        os.close(write_end)
        try:
            wait_for("the agent listens", lambda: device.command("status", code=None).returncode == 0)
            os.close(read_end)
            for _ in range(3):
                device.command("materialize", "tick")
            assert agent.poll() is None, f"the agent ended with {agent.returncode}"
            assert [run["status"] for run in device.runs()] == ["success"] * 3
            agent.terminate()
            assert agent.wait(20) == 0, f"the agent ended with {agent.returncode}"
        finally:
            agent.kill()
            agent.wait()


if __name__ == "__main__":
    sys.exit(main())
