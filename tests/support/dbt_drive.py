"""Drives a dbt through dbt_drive_peer and holds what it was told against what it must be told: each node that starts ends, once."""
import json
import os
import subprocess

PEER = os.path.join(os.environ["SELVEDGE_BIN_DIR"], "dbt_drive_peer")


class Told:
    """What the listener heard, by node."""

    def __init__(self, text, returncode):
        self.events = [json.loads(line) for line in text.splitlines()]
        self.done = self.events.pop()
        assert self.done["event"] == "done" and self.done["ok"] == (returncode == 0), self.done
        self.starts, self.ends, self.lines = {}, {}, []
        for event in self.events:
            self.hear(event)
        self.check()

    def hear(self, event):
        node = event["node"]
        if event["event"] == "started":
            assert node not in self.starts and node not in self.ends, f"{node} starts once, and before its end"
            self.starts[node] = event
        elif event["event"] == "ended":
            self.ends.setdefault(node, []).append(event)
        else:
            self.lines.append(event)

    def check(self):
        assert set(self.starts) <= set(self.ends), f"without an end: {set(self.starts) - set(self.ends)}"
        for node, ends in self.ends.items():
            assert len(ends) == 1, ends
            assert node in self.starts or ends[0]["status"] == "skipped", f"{node} ended without a start: {ends[0]}"
            assert bool(ends[0]["error"]) == (ends[0]["status"] == "error"), ends[0]
        assert (self.done["started"], self.done["ended"]) == (len(self.starts), len(self.ends)), self.done
        statuses = list(self.statuses().values())
        assert self.done["failed"] == statuses.count("error") + statuses.count("fail"), (self.done, statuses)
        assert (self.done["warned"], self.done["skipped"]) == (statuses.count("warn"), statuses.count("skipped")), self.done

    def statuses(self):
        """By the name of the node: the type, the package and the hash of its id are left out."""
        return {node.split(".")[2]: ends[0]["status"] for node, ends in self.ends.items()}

    def end(self, name):
        (found,) = [ends[0] for node, ends in self.ends.items() if node.split(".")[2] == name]
        return found

    def said(self, text):
        return [line for line in self.lines if text in line["text"]]


def command(project, state, *more, nodes=(), dbt=None):
    words = [PEER, "--project", project, "--state", state, *more]
    words += ["--dbt", dbt] if dbt else []
    for node in nodes:
        words += ["--node", node]
    return words


def drive(*args, env=None, **kwargs):
    done = subprocess.run(command(*args, **kwargs), env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, text=True, check=False,
                          timeout=120)
    return Told(done.stdout, done.returncode)


def processes_with(text):
    """Of all processes those that have it in their environment: nothing that a test started may be left."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                has_it = text.encode() in file.read()
            with open(f"/proc/{pid}/stat", encoding="utf8", errors="replace") as file:
                state = file.read().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if has_it and state != "Z":
            found.append(int(pid))
    return found
