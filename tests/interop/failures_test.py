"""What happens when something fails: the shapes of failures_shapes.py, carried out by Dagster and by our agent at the same time. Compared: the
run's events and final state, each step's events among them with attempts, its state, what is materialized, results of checks, which
steps a retry takes up, and what is refused.

What differs on purpose stands in DIFFERENCES, each with its row in docs/reference/differences-from-dagster.md, and each shape names
those it shows. A difference that nobody named fails the test; so does one that has gone."""
import difflib
import logging
import os
import pprint
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import failures_ours  # noqa: E402
import referee  # noqa: E402
import venv  # noqa: E402, ours, which stands before the library's
from failures_shapes import SHAPES  # noqa: E402

DOCUMENT = os.path.join(venv.ROOT, "docs", "reference", "differences-from-dagster.md")
SECTION = "## Runs that fail"

# Types of events that both have a name for.
COMPARED = """run_enqueued run_dequeued run_starting run_start run_success run_failure run_canceling run_canceled
    step_start step_success step_failure step_skipped step_up_for_retry step_restarted
    asset_materialization_planned asset_materialization asset_failed_to_materialize asset_observation
    asset_check_evaluation_planned asset_check_evaluation""".split()
# Both have them, and they tell how a run was carried out, not what came of it; the document says so.
NOT_COMPARED = "logs_captured engine_event".split()
# Ours has no such things: values between steps, resources in Python, workers that start.
THEIRS_ALONE = """step_output step_input handled_output loaded_input resource_init_started resource_init_success resource_init_failure
    step_worker_starting step_worker_started""".split()


# --- what differs on purpose ---


def drop(*types):
    """Without the events whose first words are these."""
    return lambda story, run: [event for event in story if not event.startswith(types)]


def planned_at_start(story, run):
    """As we write them: when the run starts, and of one that never does, not at all."""
    planned = [event for event in story if event.startswith("asset_materialization_planned")]
    told = [event for event in story if event not in planned]
    at = told.index("run_start") + 1 if "run_start" in told else None
    return told if at is None else told[:at] + planned + told[at:]


def straight_to_canceled(story, run):
    return [event for event in story if event != "run_canceling"] if "run_start" not in story else story


def ends_with_its_steps(story, run):
    """As if the run had ended when its steps had, and had not been canceling."""
    if run.status != "failure" or "run_canceling" not in run.story:
        return story
    return [event for event in story if event not in ("run_canceling", "run_failure")] + ["run_failure"]


def ended_before_the_run(story, run):
    """As if somebody had recorded the end of a step that was running when the run was given up."""
    starts = [event for event in story if event.startswith(("step_start", "step_restarted"))]
    ends = [event for event in story if event.startswith(("step_success", "step_failure", "step_up_for_retry"))]
    if run.story[-1] != "run_failure" or len(starts) == len(ends) or story[-1] != "run_failure":
        return story
    return [*story[:-1], f"step_failure {len(starts)}", "run_failure"]


def stories(change):
    """A change of every story, as a change of what was seen."""
    def changed(seen):
        for before, run in zip(deepcopy(seen.runs), seen.runs):
            run.story = change(run.story, before)
            for step in run.steps.values():
                step.story = change(step.story, before)
        return seen
    return changed


def states(change):
    def changed(seen):
        for run in seen.runs:
            for step in run.steps.values():
                step.status = change.get(step.status, step.status)
        return seen
    return changed


def both(first, second):
    return lambda seen: second(first(seen))


def stops_when_canceled(seen):
    """Of a step whose retry policy answered the cancellation: as if it had failed by it, and the run had ended there."""
    for run in seen.runs:
        retried = {key for key, step in run.steps.items()
                   if "run_canceling" in step.story and step.story[step.story.index("run_canceling") + 1].startswith("step_up_for_retry")}
        if not retried:
            continue
        assert run.status == "success" and run.story[-1] == "run_success", run  # so little was it canceled
        for key, step in run.steps.items():
            told = step.story[:step.story.index("run_canceling") + 1]
            starts = [event for event in told if event.startswith(("step_start", "step_restarted"))]
            if not any(event.startswith("asset_materialization ") for event in told):
                seen.made.remove(key)
            step.attempt = len(starts)
            step.status = "failure" if key in retried else ""
            step.story = [*told, *([f"step_failure {step.attempt}"] if key in retried else []), "run_canceled"]
        run.story = [*run.story[:-1], "run_canceled"]
        run.status = "canceled"
    return seen


def is_not_tried_again(seen):
    """Without the run that follows an interrupted one by itself."""
    again = [run for run in seen.runs if run.parent >= 0]
    assert len(again) <= 1 and all(run.status == "success" for run in again), again
    seen.made = [key for key in seen.made if not any(key in run.steps for run in again)]
    seen.runs = [run for run in seen.runs if run.parent < 0]
    return seen


def as_it_is(seen):
    return seen


@dataclass(frozen=True)
class Difference:
    """`row`: how its row begins in the document. `ours` and `theirs` take the difference, and nothing else, from what was seen."""
    row: str
    ours: callable = as_it_is
    theirs: callable = as_it_is


# In the order in which they are taken away.
DIFFERENCES = {
    "starting": Difference("`RUN_STARTING`", theirs=stories(drop("run_starting"))),
    "planned": Difference("`ASSET_MATERIALIZATION_PLANNED`", theirs=stories(planned_at_start)),
    "dequeued": Difference("`RUN_DEQUEUED`", ours=stories(drop("run_dequeued"))),
    "planned checks": Difference("`ASSET_CHECK_EVALUATION_PLANNED`", theirs=stories(drop("asset_check_evaluation_planned"))),
    "failed to materialize": Difference("`ASSET_FAILED_TO_MATERIALIZE`", ours=stories(drop("asset_failed_to_materialize"))),
    "skipped": Difference("a step whose upstream failed", ours=both(stories(drop("step_skipped")), states({"skipped": ""}))),
    "partial": Difference("what a Pipes program reported before it failed",
                          ours=stories(lambda story, run: [event for event in story if not event.endswith(" partial")])),
    "canceled in the queue": Difference("a run that is canceled in the queue", theirs=stories(straight_to_canceled)),
    "retried although canceled": Difference("canceling a run whose step has retries left", theirs=stops_when_canceled),
    "canceled step": Difference("a step that was stopped because its run was canceled", ours=states({"canceled": "failure"})),
    "too long": Difference("a run that takes longer than `dagster/max_runtime`", theirs=stories(ends_with_its_steps)),
    "interrupted step": Difference("a step that was running when the process of its run was killed",
                                   theirs=both(stories(ended_before_the_run), states({"in_progress": "failure"}))),
    "interrupted run": Difference("a run whose process was killed", ours=is_not_tried_again),
}
OF_EVERY_START = {"starting", "planned"}  # they show in each run that starts, whatever fails


# --- comparing ---


def compared(seen, alone):
    """Without what has no counterpart; fails at events that nobody thought of."""
    def keep(story, run):
        unknown = [event for event in story if event.split()[0] not in (*COMPARED, *NOT_COMPARED, *alone)]
        assert not unknown, f"these events are new: compare them, or say why not: {unknown}"
        return [event for event in story if event.split()[0] in COMPARED]
    return stories(keep)(seen)


def without_bystanders(seen):
    """Steps of which nothing is told but what their run went through."""
    for run in seen.runs:
        run.steps = {key: step for key, step in run.steps.items() if step.story != run.story or step.status != ""}
    seen.refused = seen.refused != ""
    return seen


def compare(shape, ours, theirs):
    """Says what is wrong, or returns None."""
    ours, theirs = compared(ours, []), compared(theirs, THEIRS_ALONE)
    has_started = any("run_start" in run.story for run in theirs.runs)
    named = set(shape.differs) | (OF_EVERY_START if has_started else set())
    gone = set()
    for name, difference in DIFFERENCES.items():
        before = deepcopy((ours, theirs))
        if name in named:
            ours, theirs = difference.ours(ours), difference.theirs(theirs)
        if name in named and before == (ours, theirs):
            gone.add(name)
    ours, theirs = without_bystanders(ours), without_bystanders(theirs)
    if ours != theirs:
        lines = difflib.unified_diff(*(pprint.pformat(seen, width=150).splitlines() for seen in (theirs, ours)), "Dagster", "here", lineterm="")
        return "\n".join(lines)
    return f"these differences have gone: {sorted(gone)}" if gone else None


def check_names():
    """Each difference shows in a shape, and has its row in the document; each row has its difference."""
    shown = {name for shape in SHAPES for name in shape.differs} | OF_EVERY_START
    assert shown == set(DIFFERENCES), shown ^ set(DIFFERENCES)
    with open(DOCUMENT) as file:
        section = file.read().split(f"\n{SECTION}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")][1:]
    for name, difference in DIFFERENCES.items():
        assert sum(row.startswith(difference.row) for row in rows) == 1, f"{name}: no row of {SECTION} begins with {difference.row}"
    for row in rows:
        assert any(row.startswith(d.row) for d in DIFFERENCES.values()), f"{row}: nothing in DIFFERENCES takes it away"
    for event in NOT_COMPARED:
        assert f"`{event.upper()}`" in section, f"{SECTION} does not say that {event} is not compared"


def main():
    check_names()
    shapes = [shape for shape in SHAPES if len(sys.argv) < 2 or shape.name in sys.argv[1:]]
    begin = time.monotonic()
    # Ours in a process of its own: Dagster changes the environment and the descriptors of the one it runs in.
    with ProcessPoolExecutor(1) as pool, tempfile.TemporaryDirectory(prefix="selvedge-dagster-") as folder:
        ours = pool.submit(failures_ours.play_all, shapes)
        import failures_theirs
        with failures_theirs.theirs(folder) as dagster:
            theirs = dagster.play_all(shapes)
        ours = ours.result()
    runs = sum(len(seen.runs) for seen in ours.values())
    wrong = {shape.name: words for shape in shapes if (words := compare(shape, ours[shape.name], theirs[shape.name])) is not None}
    for name, words in wrong.items():
        print(f"--- {name}\n{words}")
    print(f"{len(shapes)} shapes, {runs} runs here, {len(wrong)} shapes differ ({time.monotonic() - begin:.0f} s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    venv.rerun(referee.DAGSTER)
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    sys.exit(main())
