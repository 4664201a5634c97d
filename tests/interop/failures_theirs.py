"""Dagster's side of failures_test.py: its code server, its queue, its run workers and the loops of its daemon are the real ones; only when
the loops turn is decided here, so that nothing is waited for."""
import contextlib
import os
import signal
import time
from pathlib import Path

import dagster
from dagster._cli.job import _create_run
from dagster._core.definitions.selector import JobSubsetSelector
from dagster._core.errors import DagsterInvariantViolationError, DagsterUserCodeProcessError
from dagster._core.execution.plan.resume_retry import ReexecutionStrategy
from dagster._core.instance_for_test import instance_for_test
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.dagster_run import RunsFilter
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import PythonFileTarget
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon
from dagster._daemon.monitoring import execute_run_monitoring_iteration
from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

import failures_dagster
from failures_shapes import IN_PROCESS, Run, Seen, Step

INSTANCE = {"run_coordinator": {"module": "dagster", "class": "QueuedRunCoordinator"},
            "run_launcher": {"module": "failures_dagster", "class": "Launcher"},
            "run_retries": {"enabled": True}, "run_monitoring": {"enabled": True}}
AT_MOST_S = 600
CHECK_STATUS = {AssetCheckExecutionRecordStatus.SUCCEEDED: "passed", AssetCheckExecutionRecordStatus.FAILED: "failed"}


class Theirs:
    def __init__(self, instance, context):
        self.instance, self.context = instance, context
        self.workspace = context.create_request_context()
        self.location = self.workspace.get_code_location("shapes")
        self.repository = next(iter(self.location.get_repositories().values()))
        self.queue = QueuedRunCoordinatorDaemon(interval_seconds=1)
        self.retries = EventLogConsumerDaemon()
        self.turn()  # from here on it knows what is new

    def turn(self):
        list(self.queue.run_iteration(self.context))
        list(self.retries.run_iteration(self.context))

    def watch_runtimes(self):
        list(execute_run_monitoring_iteration(self.context, dagster.get_dagster_logger()))

    def runs_of(self, shape):
        """Oldest first."""
        return list(reversed(self.instance.get_runs(RunsFilter(job_name=shape.name))))

    def play_all(self, shapes):
        """What each came to, by name. Those that wait for a process do so together."""
        first = sorted(shapes, key=lambda shape: shape.dagster == IN_PROCESS)
        going = {shape.name: Play(self, shape) for shape in first}
        moves = {name: play.moves() for name, play in going.items()}
        end = time.monotonic() + AT_MOST_S
        while moves:
            done = [name for name, move in moves.items() if next(move, "over") == "over"]
            for name in done:
                del moves[name]
            self.turn()
            if not done:
                time.sleep(0.05)
            assert time.monotonic() < end, f"Dagster did not come to an end with {sorted(moves)}: {self.tell(moves)}"
        return {name: play.seen() for name, play in going.items()}

    def tell(self, names):
        return {name: [(run.status, [e.message for e in self.instance.all_logs(run.run_id)][-3:])
                       for run in self.instance.get_runs(RunsFilter(job_name=name))] for name in names}


class Play:
    """One shape. Each act is a generator: it yields as long as it has to wait."""

    def __init__(self, theirs, shape):
        self.theirs, self.shape = theirs, shape
        self.instance = theirs.instance
        self.run_id = None
        self.is_killed = False
        self.refused = ""

    def moves(self):
        for act in self.shape.acts:
            yield from getattr(self, act)()

    def run(self):
        return self.instance.get_run_by_id(self.run_id)

    # --- acts ---

    def start(self):
        job = self.theirs.repository.get_full_job(self.shape.name)
        run = _create_run(instance=self.instance, code_location=self.theirs.location, remote_repo=self.theirs.repository, remote_job=job,
                          run_config={}, tags={}, op_selection=None, run_id=None)
        self.run_id = run.run_id
        self.instance.submit_run(self.run_id, self.theirs.workspace)
        return ()

    enqueue = start  # nothing starts before the queue turns

    def started(self):
        while not os.path.exists(failures_dagster.file_of(self.shape, "started")):
            yield

    def mend(self):
        Path(failures_dagster.file_of(self.shape, "mended")).touch()
        return ()

    def retry(self):
        parent = self.run()
        job = self.theirs.repository.get_full_job(self.shape.name)
        again = self.instance.create_reexecuted_run(parent_run=parent, request_context=self.theirs.workspace,
                                                    code_location=self.theirs.location, remote_job=job,
                                                    strategy=ReexecutionStrategy.FROM_FAILURE, use_parent_run_tags=True)
        self.run_id = again.run_id
        self.instance.submit_run(self.run_id, self.theirs.workspace)
        return ()

    def next(self):
        """The run by which Dagster tries this one again by itself."""
        while not (children := [r for r in self.theirs.runs_of(self.shape) if r.parent_run_id == self.run_id]):
            yield
        self.run_id = children[0].run_id

    def cancel(self):
        assert self.instance.run_coordinator.cancel_run(self.run_id)
        return ()

    def overrun(self):
        cleaning = Path(failures_dagster.file_of(self.shape, "cleaning"))
        cleaning.touch()
        while not self.run().is_finished:
            self.theirs.watch_runtimes()
            yield
        cleaning.unlink()

    def kill(self):
        os.kill(int(Path(failures_dagster.file_of(self.shape, "started")).read_text()), signal.SIGKILL)
        self.is_killed = True
        return ()

    def end(self):
        """Also the run worker's: what it has to say after the run has ended is part of the story."""
        while not self.run().is_finished:
            yield
        while self.shape.dagster != IN_PROCESS and not self.is_killed and not self.has_worker_ended():
            yield

    def has_worker_ended(self):
        return any("Process for run exited" in (e.message or "") for e in self.instance.all_logs(self.run_id))

    def retry_in_vain(self):
        try:
            list(self.retry())
        except DagsterInvariantViolationError as e:
            self.refused = str(e)
        return ()

    def ask_for_unknown(self):
        unknown = JobSubsetSelector(location_name="shapes", repository_name=self.theirs.repository.name, job_name=self.shape.name,
                                    op_selection=None, asset_selection=[dagster.AssetKey([self.shape.name, "unknown"])])
        try:
            self.theirs.location.get_job(unknown)
        except DagsterUserCodeProcessError as e:
            assert "DagsterInvalidSubsetError" in str(e), e
            self.refused = str(e)
        return ()

    # --- what came of it ---

    def seen(self):
        runs = self.theirs.runs_of(self.shape)
        ids = [run.run_id for run in runs]
        keys = [dagster.AssetKey([self.shape.name, asset.key]) for asset in self.shape.assets]
        made = [key.to_user_string() for key in keys if self.instance.get_latest_materialization_event(key) is not None]
        return Seen(runs=[self.seen_of(run, ids.index(run.parent_run_id) if run.parent_run_id else -1) for run in runs], made=sorted(made),
                    checks=self.checks(), refused=self.refused)

    def checks(self):
        keys = [dagster.AssetCheckKey(dagster.AssetKey([self.shape.name, asset.key]), check.name)
                for asset in self.shape.assets for check in asset.checks]
        latest = self.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys) if keys else {}
        return {f"{key.asset_key.to_user_string()} {key.name}": CHECK_STATUS[record.status]
                for key, record in latest.items() if record.status in CHECK_STATUS}

    def seen_of(self, run, parent):
        events = [e.dagster_event for e in self.instance.all_logs(run.run_id) if e.dagster_event is not None]
        stats = {stat.step_key: stat for stat in self.instance.get_run_step_stats(run.run_id)}
        steps = {}
        for step_key in sorted({e.step_key for e in events if e.step_key is not None}):
            stat = stats.get(step_key)
            status = stat.status.value.lower() if stat is not None and stat.status is not None else ""
            steps[step_key.replace("__", "/")] = Step(story=story(events, step_key), status=status, attempt=stat.attempts if stat else 0)
        return Run(story=story(events, None), status=run.status.value.lower(), parent=parent, steps=steps)


def story(events, step_key):
    """Of a step: with its attempts counted, since Dagster's events do not name them."""
    told, attempt = [], 0
    for event in events:
        name = event.event_type.name.lower()
        if event.step_key is None:
            told.append(name)
        elif event.step_key == step_key:
            attempt += name in ("step_start", "step_restarted")
            told.append(" ".join([name, *(detail(event, attempt))]))
    return told


def detail(event, attempt):
    if event.event_type is dagster.DagsterEventType.ASSET_CHECK_EVALUATION:
        result = event.asset_check_evaluation_data
        return str(attempt), result.check_name, "passed" if result.passed else "failed", result.severity.value.lower()
    if event.event_type is dagster.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
        return (event.asset_check_planned_data.check_name,)
    return (str(attempt),) if attempt > 0 else ()


@contextlib.contextmanager
def theirs(folder):
    """With everything of it that runs ended again; `folder` is for its files and those of the shapes."""
    os.environ[failures_dagster.FOLDER] = folder
    home = os.path.dirname(os.path.abspath(failures_dagster.__file__))
    os.environ["PYTHONPATH"] = os.pathsep.join([home, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    target = PythonFileTarget(python_file=failures_dagster.__file__, attribute=None, working_directory=home, location_name="shapes")
    with instance_for_test(overrides=INSTANCE, temp_dir=folder) as instance:
        with create_test_daemon_workspace_context(target, instance) as context:
            try:
                yield Theirs(instance, context)
            finally:
                for started in Path(folder).glob("*.started"):
                    started.unlink()  # whatever still hangs ends, also after a failure
