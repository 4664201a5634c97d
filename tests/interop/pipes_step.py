"""One run of one asset, a/b, whose program is a client of Dagster Pipes: what the agent has recorded of it."""
import json
import os
import re
import sys
from types import SimpleNamespace

from fleet import Alone, run, AGENT

CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pipes_clients")
sys.path.insert(0, CLIENTS)  # pipes_metadata.py
LEVELS = ["debug", "info", "warning", "error", "critical"]


def quoted(text):
    """A YAML text of its own; $ is doubled, since ${...} is for the agent."""
    return json.dumps(text.replace("$", "$$"))


def definitions(argv, more=""):
    return ("project: pipes\nresources:\n  db: {type: sqlite, path: x.db}\nassets:\n"
            f"  - key: a/b\n    run: [{', '.join(quoted(word) for word in argv)}]\n{more}"
            "  - {key: after, run: ['true'], deps: [a/b]}\n")


def outcome(agent, done):
    events = agent.events()
    newest = agent.runs()[0]
    mine = [e for e in events if e.get("run") == newest["run"] and e.get("asset") == "a/b"]
    found = SimpleNamespace(agent=agent, done=done, run=newest, events=mine)
    found.of = lambda kind: [e for e in mine if e["type"] == kind]
    found.logs = [(e["level"], e["message"]) for e in found.of("log")]
    found.made = found.of("asset_materialization")
    found.checks = found.of("asset_check_evaluation")
    found.notes = found.of("engine_event")
    found.custom = [e["payload"] for e in found.notes if "payload" in e]
    found.warnings = [e["message"] for e in found.notes if e["level"] == "warning"]
    found.materialized = agent.query("SELECT materialized_run FROM asset WHERE key = 'a/b' AND materialized_at IS NOT NULL")
    found.ok = newest["status"] == "success"
    return found


def go(agent, *more):
    done = run(AGENT, "materialize", "a/b", *more, "--config", agent.config, code=None, timeout=300)
    return outcome(agent, done)


def carry_out(argv, more="", check=lambda step: None, **expected):
    """Runs it once; `check` looks at the outcome while the agent's folder is there. Expected: ok (True), warnings ([])."""
    with Alone(definitions(argv, more)) as agent:
        step = go(agent)
        assert step.ok == expected.get("ok", True), (step.run, step.done.stdout, step.done.stderr)
        assert step.warnings == expected.get("warnings", []), step.warnings
        assert not left_behind(agent), left_behind(agent)
        check(step)
        return step


def left_behind(agent):
    """Folders of Dagster Pipes that nobody has deleted."""
    return [os.path.join(folder, name) for folder, names, _ in os.walk(os.path.join(agent.state, "runs"))
            for name in names if name.endswith(".pipes")]


def given_version(event):
    """The data version that the program gave; None when the agent computed one."""
    version = event["data_version"]
    return None if re.fullmatch("[0-9a-f]{64}", version) else version


def same(seen, expected):
    assert seen == expected, f"{json.dumps(seen, indent=1)}\nis not\n{json.dumps(expected, indent=1)}"
