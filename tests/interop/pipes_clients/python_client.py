"""A step that speaks Dagster Pipes: python_client.py CASE [ARGUMENT]. Each case makes the calls that an example of Dagster's
documentation or a case of its public test suite for clients makes; run by pipes_python_test.py with dagster-pipes of PyPI."""
import json
import multiprocessing
import os
import sys
import warnings

import dagster_pipes
from dagster_pipes import PipesContext, open_dagster_pipes
from pipes_metadata import METADATA

ORDERS = [(1, 432), (2, 878)]
INFERRED = {"text": "hello ä \u2028", "int": 5, "negative": -7, "float": 2.5, "whole": 3.0, "true": True, "none": None,
            "list": [1, "x", None]}
BEYOND = {"nan": float("nan"), "inf": float("inf"), "minus_inf": float("-inf"), "huge": 2 ** 70, "lone": "a\ud800b", "nul": "a\0b",
          "nested": [float("nan"), {"deep": 2 ** 64}]}


# --- the documentation's examples ---

def subprocess_asset():
    """Rewriting a script as an asset: the context is opened around main() and found again inside."""
    def work():
        context = PipesContext.get()
        print("total", len(ORDERS))
        context.log.info("Here is a log message")
        context.report_asset_materialization(metadata={"total_orders": len(ORDERS)})
        context.report_asset_check(passed=all(item for _, item in ORDERS), check_name="no_empty_order_check")

    with open_dagster_pipes():
        work()


def extras():
    with open_dagster_pipes() as context:
        for key, value in context.extras.items():
            assert context.get_extra(key) == value
        try:
            context.get_extra("no such extra")
        except dagster_pipes.DagsterPipesError:
            context.log.info(json.dumps(context.extras))


def typed_metadata():
    with open_dagster_pipes() as context:
        context.report_asset_materialization(metadata=METADATA, data_version="alpha")


def one_metadata(name, value):
    with open_dagster_pipes() as context:
        context.report_asset_materialization(metadata={name: json.loads(value)})


def without_orchestration():
    """The same script started by hand: everything is a no-op."""
    del os.environ["DAGSTER_PIPES_CONTEXT"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with open_dagster_pipes() as context:
            context.log.info("nobody hears this")
            context.report_asset_materialization(metadata={"x": 1})
    assert any("not launched by a Dagster orchestration process" in str(w.message) for w in caught)


# --- the cases of the suite for clients ---

def components(run):
    with open_dagster_pipes() as context:
        assert context.run_id == run and context.job_name is None, (context.run_id, context.job_name)
        assert context.is_asset_step and context.asset_key == "a/b" and context.asset_keys == ["a/b"]
        assert context.extras == {} and context.retry_number == 0
        context.log.info("Hello from external process!")


def context_of():
    """All that the context says, told back."""
    with open_dagster_pipes() as context:
        said = {"asset_key": context.asset_key, "asset_keys": context.asset_keys, "code_version": context.code_version,
                "code_version_by_asset_key": context.code_version_by_asset_key, "provenance": context.provenance,
                "provenance_by_asset_key": context.provenance_by_asset_key, "is_partition_step": context.is_partition_step,
                "run_id": context.run_id, "job_name": context.job_name, "retry_number": context.retry_number,
                "extras": context.extras}
        if context.is_partition_step:
            said["partition_key_range"] = context.partition_key_range
            said["partition_time_window"] = context.partition_time_window
            if context.partition_key_range["start"] == context.partition_key_range["end"]:
                said["partition_key"] = context.partition_key
        context.log.info(json.dumps(said))


def error_reporting():
    with open_dagster_pipes():
        raise ValueError("Very bad error has happened!")


def error_with_a_cause():
    with open_dagster_pipes():
        try:
            os.stat("/no/such/file")
        except OSError as error:
            raise RuntimeError("it cannot go on") from error


def log_levels():
    with open_dagster_pipes() as context:
        context.log.setLevel(1)
        context.log.debug("Debug message")
        context.log.info("Info message")
        context.log.warning("Warning message")
        context.log.error("Error message")
        context.log.critical("Critical message")
        context.log.log(5, "Message of a level of its own")


def custom_message(payload):
    with open_dagster_pipes() as context:
        context.report_custom_message(json.loads(payload))


def materialization(data_version, asset_key):
    with open_dagster_pipes() as context:
        context.report_asset_materialization(metadata=METADATA, data_version=data_version or None, asset_key=asset_key or None)


def check(passed, severity, asset_key):
    with open_dagster_pipes() as context:
        context.report_asset_check(check_name="my_check", passed=passed == "true", severity=severity, metadata=METADATA,
                                   asset_key=asset_key or None)


# --- and what a client may do besides ---

def command_line(*_):
    """The parameters as arguments of the program."""
    with open_dagster_pipes(params_loader=dagster_pipes.PipesCliArgsParamsLoader()) as context:
        context.report_asset_materialization(data_version="cli")


def inferred_metadata():
    with open_dagster_pipes() as context:
        context.report_asset_materialization(metadata=INFERRED)


def metadata_beyond_json():
    with open_dagster_pipes() as context:
        context.report_asset_materialization(metadata=BEYOND)


def wrong_asset():
    """The client itself refuses; the program goes on."""
    with open_dagster_pipes() as context:
        try:
            context.report_asset_materialization(asset_key="other")
        except dagster_pipes.DagsterPipesError:
            context.report_asset_materialization(data_version="right")


def twice():
    with open_dagster_pipes() as context:
        context.report_asset_materialization(data_version="once")
        try:
            context.report_asset_materialization(data_version="again")
        except dagster_pipes.DagsterPipesError:
            context.log.info("refused")


def external_stream():
    with open_dagster_pipes() as context:
        context.log_external_stream("stdout", "said elsewhere\n")
        context.log_external_stream("stderr", "and complained\n")


def killed():
    with open_dagster_pipes() as context:
        context.log.info("before")
        context.report_asset_check(check_name="my_check", passed=False, severity="WARN")
        context.report_asset_materialization(metadata={"rows": 3}, data_version="half")
        os.kill(os.getpid(), 9)


def exits_at_once():
    with open_dagster_pipes() as context:
        context.report_asset_materialization(metadata={"rows": 3}, data_version="half")
        os._exit(1)


def leaves_without_closing():
    context = open_dagster_pipes()
    context.report_asset_materialization(data_version="good")
    os._exit(0)


def fails_once():
    with open_dagster_pipes() as context:
        context.report_asset_materialization(data_version=f"attempt {context.retry_number}")
        context.log.info(f"retry number {context.retry_number}")
        if context.retry_number == 0:
            sys.exit("not yet")


def many_logs(count):
    with open_dagster_pipes() as context:
        for i in range(int(count)):
            context.log.info(f"message {i}")


def large_messages():
    with open_dagster_pipes() as context:
        context.log.info("x" * (1 << 20))
        context.report_asset_materialization(metadata={"plot": {"type": "md", "raw_value": "y" * (1 << 20)}, "rows": 7},
                                             data_version="large")
        context.report_custom_message("z" * (1 << 20))


def write_from_a_fork(number):
    for i in range(200):
        PipesContext.get().log.info(f"worker {number} message {i}")


def forked_writers():
    with open_dagster_pipes() as context:
        workers = [multiprocessing.get_context("fork").Process(target=write_from_a_fork, args=(n,)) for n in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        context.report_asset_materialization(data_version="joined")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
