"""Our side of failures_test.py: one agent, as a person has it, with a job for each shape."""
import json
import os
import sys
from pathlib import Path

from failures_shapes import Run, Seen, Step
from fleet import Alone, wait_for

AT_MOST_S = 120
ENDS = ("success", "failure", "canceled")
SCRIPT = "ATTEMPT=$SELVEDGE_ATTEMPT STEP_PID=$$; "
NOT_FOUND = 3  # an exit code of the agent
HOLD = "hold"  # the job that keeps others in the queue


def command(script):
    return json.dumps(["sh", "-c", (SCRIPT + script).replace("$", "$$")])  # ${...} is for the agent


def check_text(check):
    run = f", run: {command(check.does)}" if check.does != "" else ""
    return f"{{name: {check.name}, severity: {check.severity}, blocking: {json.dumps(check.blocking)}{run}}}"


def asset_text(shape, asset, folder):
    run = json.dumps([sys.executable, "-c", asset.program]) if asset.program != "" else command(asset.does)
    files = {"STARTED": file_of(folder, shape, "started"), "MENDED": file_of(folder, shape, "mended")}
    lines = [f"  - key: {shape.key(asset.key)}", f"    deps: {json.dumps([shape.key(dep) for dep in asset.deps])}", f"    run: {run}",
             f"    env: {json.dumps(files)}"]
    if asset.retries > 0:
        lines.append(f"    retry: {{max: {asset.retries}}}")
    if asset.checks:
        lines.append(f"    checks: [{', '.join(map(check_text, asset.checks))}]")
    return lines


def definitions(shapes, folder):
    lines = ["project: shapes", "assets:", f"  - {{key: {HOLD}, run: [sh, -c, 'while test -e selvedge.yaml; do sleep 0.1; done']}}"]
    for shape in shapes:
        for asset in shape.assets:
            lines += asset_text(shape, asset, folder)
    lines += ["jobs:", f"  - {{name: {HOLD}, select: {HOLD}}}"]
    lines += [f"  - {{name: {shape.name}, select: 'key:{shape.name}/*', tags: {json.dumps(dict(shape.tags))}}}" for shape in shapes]
    return "\n".join(lines) + "\n"


def file_of(folder, shape, name):
    return os.path.join(folder, f"{shape.name}.{name}")


def runs_of(agent):
    """Newest first, all of them."""
    return [json.loads(line) for line in agent.command("runs", "--json", "--limit", "1000").splitlines()]


class Play:
    """One shape."""

    def __init__(self, agent, shape):
        self.agent, self.shape = agent, shape
        self.run_id = None
        self.hold_id = None
        self.refused = ""

    def play(self):
        for act in self.shape.acts:
            getattr(self, act)()
        assert self.refused != "" or self.find(self.run_id)["status"] in ENDS

    def find(self, run_id):
        return next(run for run in runs_of(self.agent) if run["run"] == run_id)

    def start_job(self, name):
        return json.loads(self.agent.command("job", name, "--no-wait", "--json"))["run"]

    # --- acts ---

    def start(self):
        self.run_id = self.start_job(self.shape.name)

    def enqueue(self):
        self.hold_id = self.start_job(HOLD)
        self.run_id = self.start_job(self.shape.name)

    def started(self):
        wait_for(f"{self.shape.name} has started", lambda: os.path.exists(file_of(self.agent.dir, self.shape, "started")), AT_MOST_S, every=0.02)

    def mend(self):
        Path(file_of(self.agent.dir, self.shape, "mended")).touch()

    def retry(self):
        self.run_id = json.loads(self.agent.command("retry", self.run_id, "--from-failure", "--no-wait", "--json"))["run"]

    def next(self):
        def look():
            children = [run for run in runs_of(self.agent) if run["cause"] == "retry" and run["cause_name"] == self.run_id]
            return children and children[0]["run"]
        self.run_id = wait_for(f"{self.shape.name} is tried again", look, AT_MOST_S, every=0.02)

    def cancel(self):
        self.agent.command("cancel", self.run_id)
        if self.hold_id is not None:
            self.end()
            self.agent.command("cancel", self.hold_id)
            wait_for("nothing is held any more", lambda: self.find(self.hold_id)["status"] in ENDS, AT_MOST_S, every=0.02)

    def overrun(self):
        pass  # it needs nobody to watch it

    def kill(self):
        self.agent.daemon.kill()
        self.agent.start()

    def end(self):
        wait_for(f"{self.shape.name} has ended", lambda: self.find(self.run_id)["status"] in ENDS, AT_MOST_S, every=0.02)

    def retry_in_vain(self):
        self.is_refused("retry", self.run_id, "--from-failure")

    def ask_for_unknown(self):
        self.is_refused("materialize", self.shape.key("unknown"))

    def is_refused(self, *command):
        done = self.agent.command(*command, code=None)
        if done.returncode == NOT_FOUND:
            self.refused = done.stderr

    # --- what came of it ---

    def seen(self, events, assets):
        runs = [run for run in reversed(runs_of(self.agent)) if run.get("job") == self.shape.name]
        ids = [run["run"] for run in runs]
        mine = [assets[self.shape.key(asset.key)] for asset in self.shape.assets]
        return Seen(runs=[self.seen_of(run, ids, events) for run in runs],
                    made=sorted(asset["definition"]["key"] for asset in mine if asset["materializations"] > 0),
                    checks={f"{asset['definition']['key']} {check['name']}": "passed" if check["passed"] else "failed"
                            for asset in mine for check in asset["checks"]}, refused=self.refused)

    def seen_of(self, run, ids, events):
        mine = [event for event in events if event.get("run") == run["run"]]
        whole = json.loads(self.agent.command("run", run["run"], "--json"))
        timeline = {step["step"]: step for step in whole["timeline"]}
        steps = {key: Step(story=story(mine, key), status=timeline[key]["status"], attempt=timeline[key].get("attempt", 0))
                 for key in sorted({event["step"] for event in mine if "step" in event})}
        return Run(story=story(mine, None), status=run["status"], parent=ids.index(whole["parent"]) if "parent" in whole else -1, steps=steps)


def story(events, key):
    return [told(event) for event in events if event.get("step") in (None, key)]


def told(event):
    words = [event["type"]]
    if event.get("attempt", 0) > 0:
        words.append(str(event["attempt"]))
    if event["type"] == "asset_check_evaluation":
        words += [event["check"], "passed" if event["passed"] else "failed", event["severity"]]
    if event.get("partial"):
        words.append("partial")
    return " ".join(words)


def play_all(shapes):
    """What each came to, by name."""
    with Alone() as agent:
        agent.define(definitions(shapes, agent.dir))
        agent.write_settings(runs_max=1)  # so that one run can hold another in the queue
        agent.start()
        plays = {shape.name: Play(agent, shape) for shape in shapes}
        for play in plays.values():
            play.play()
        wait_for("every run has ended", lambda: all(run["status"] in ENDS for run in runs_of(agent)), AT_MOST_S, every=0.02)
        assets = {asset["definition"]["key"]: asset for asset in map(json.loads, agent.command("assets", "--json").splitlines())}
        events = agent.events()
        return {name: play.seen(events, assets) for name, play in plays.items()}
