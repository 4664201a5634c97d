"""The shapes as a Dagster project, and the launcher of its runs. Read by the test, by Dagster's code server and by its run workers."""
import os
import subprocess
import sys
import time

import dagster
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.api import execute_run
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._utils.hosted_user_process import recon_job_from_origin

from failures_shapes import IN_PROCESS, IN_PROCESSES, SHAPES

FOLDER = "FAILURES_FOLDER"  # names the environment variable
CLEANS_UP_AT_MOST_S = 60
IN_PROCESS_TAG = "failures/in_process"


class Launcher(DefaultRunLauncher):
    """Dagster's own; a run that nobody interrupts is carried out right here, by the same function as in a run worker: that saves the
    seconds in which one starts."""

    def launch_run(self, context):
        if IN_PROCESS_TAG in context.dagster_run.tags:
            execute_run(recon_job_from_origin(context.job_code_origin), context.dagster_run, self._instance)
        else:
            super().launch_run(context)


def file_of(shape, name):
    return os.path.join(os.environ[FOLDER], f"{shape.name}.{name}")


def shell(shape, script, context):
    variables = {"ATTEMPT": str(context.retry_number + 1), "STEP_PID": str(os.getpid()), "STARTED": file_of(shape, "started"),
                 "MENDED": file_of(shape, "mended")}
    try:
        return subprocess.run(["sh", "-c", script], env={**os.environ, **variables}, check=False).returncode
    except DagsterExecutionInterruptedError:
        clean_up(shape)
        raise


def clean_up(shape):
    """For as long as the test says: so it is known what Dagster reports of a run whose steps take their time to end."""
    end = time.monotonic() + CLEANS_UP_AT_MOST_S
    while os.path.exists(file_of(shape, "cleaning")) and time.monotonic() < end:
        time.sleep(0.02)


def asset_of(shape, asset):
    key = [shape.name, asset.key]
    checks = [dagster.AssetCheckSpec(check.name, asset=key, blocking=check.blocking) for check in asset.checks]

    @dagster.asset(key=key, deps=[dagster.AssetKey([shape.name, dep]) for dep in asset.deps], check_specs=checks or None,
                   retry_policy=dagster.RetryPolicy(max_retries=asset.retries) if asset.retries > 0 else None)
    def compute(context: dagster.AssetExecutionContext):
        if asset.program != "":
            invocation = dagster.PipesSubprocessClient().run(command=[sys.executable, "-c", asset.program], context=context)
            yield from invocation.get_results()
            return
        code = shell(shape, asset.does, context)
        if code != 0:
            raise RuntimeError(f"exit code {code}")
        yield dagster.MaterializeResult()
        for check in asset.checks:
            yield dagster.AssetCheckResult(check_name=check.name, passed=shell(shape, check.does, context) == 0,
                                           severity=dagster.AssetCheckSeverity[check.severity.upper()])
    return compute


def job_of(shape):
    tags = {**dict(shape.tags), **({IN_PROCESS_TAG: "yes"} if shape.dagster == IN_PROCESS else {})}
    fork_server = {"start_method": {"forkserver": {"preload_modules": ["failures_dagster"]}}}
    executor = dagster.multiprocess_executor.configured(fork_server) if shape.dagster == IN_PROCESSES else dagster.in_process_executor
    return dagster.define_asset_job(shape.name, selection=[dagster.AssetKey([shape.name, asset.key]) for asset in shape.assets], tags=tags,
                                    executor_def=executor)


defs = dagster.Definitions(assets=[asset_of(shape, asset) for shape in SHAPES for asset in shape.assets],
                           jobs=[job_of(shape) for shape in SHAPES])
