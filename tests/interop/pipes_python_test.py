"""dagster-pipes of PyPI, unmodified, against the agent: an old version and a new one. Needs the package index once."""
import itertools
import json
import os
import sys

import pipes_step
import venv
from fleet import run_tests
from pipes_step import LEVELS, carry_out, given_version, go, same
from pipes_metadata import METADATA

NEW = "dagster-pipes==1.13.28"
OLD = "dagster-pipes==1.5.9"  # of 2023, weeks after the first
CLIENT = os.path.join(pipes_step.CLIENTS, "python_client.py")
OBJECTS = [{"foo": "bar"}, {"foo": "bar", "baz": 1}, {"foo": "bar", "baz": 1, "qux": [1, 2, 3]},
           {"foo": "bar", "baz": 1, "qux": [1, 2, 3], "quux": {"a": 1, "b": 2}},
           {"foo": "bar", "baz": 1, "qux": [1, 2, 3], "quux": {"a": 1, "b": 2}, "corge": None}]
# Without the package, which lies where only root may go: the protocol is a line in a file.
NOBODY = """
import base64, json, os, zlib
read = lambda name: json.loads(zlib.decompress(base64.b64decode(os.environ[name])))["path"]
assert json.load(open(read("DAGSTER_PIPES_CONTEXT")))["asset_keys"] == ["a/b"]
with open(read("DAGSTER_PIPES_MESSAGES"), "a") as out:
    for method, params in (("opened", {}), ("log", {"message": f"as {os.getuid()}", "level": "INFO"}), ("closed", {})):
        out.write(json.dumps({"__dagster_pipes_version": "0.1", "method": method, "params": params}) + "\\n")
"""
ERROR = "ValueError: Very bad error has happened!"


def client(version, *case):
    return [venv.ensure(version), CLIENT, *case]


def shell(script):
    return ["sh", "-c", script]


def declared(*names):
    """Checks that the program reports."""
    return "    checks:\n" + "".join(f"      - {{name: {name}}}\n" for name in names)




# --- the documentation's examples ---

def the_example_of_the_documentation():
    for version in (OLD, NEW):
        step = carry_out(client(version, "subprocess_asset"))
        same(step.logs, [("info", "Here is a log message")])
        same([(e["metadata"], e.get("partial")) for e in step.made], [({"total_orders": {"type": "int", "raw_value": 2}}, None)])
        same([(e["check"], e["passed"], e["severity"]) for e in step.checks], [("no_empty_order_check", True, "error")])
        same(step.notes, [])
        same([e["type"] for e in step.events if e["type"] not in ("logs_captured",)],
             ["asset_materialization_planned", "step_start", "log", "asset_check_evaluation", "asset_materialization", "step_success"])


def every_type_of_metadata():
    step = carry_out(client(NEW, "typed_metadata"))
    same(step.made[0]["metadata"], METADATA)
    same(step.made[0]["data_version"], "alpha")


def a_script_started_by_hand_does_not_mind():
    step = carry_out(client(NEW, "without_orchestration"))
    assert len(step.made) == 1 and step.logs == [] and step.notes == []  # the implicit materialization


# --- the cases of the public test suite for clients ---

def extras_are_loaded():
    for version, extras in itertools.product((OLD, NEW), OBJECTS):
        step = carry_out(client(version, "extras"), f"    extras: {json.dumps(extras)}\n")
        same([json.loads(text) for _, text in step.logs], [extras])


def components_are_loaded():
    for version in (OLD, NEW):
        step = carry_out(shell(f"exec {venv.ensure(version)} {CLIENT} components \"$SELVEDGE_RUN\""))
        same(step.logs, [("info", "Hello from external process!")])


def errors_are_reported():
    for version in (OLD, NEW):
        step = carry_out(client(version, "error_reporting"), ok=False)
        note = step.notes[0]
        same(note["level"], "error")
        same(note["error"], {"code": "exception", "message": ERROR})
        same(note["exception"]["name"], "ValueError")
        assert note["exception"]["message"].strip() == ERROR and note["exception"]["stack"], note
        same(step.of("step_failure")[0]["error"]["message"], ERROR)
        same(step.of("step_failure")[0]["exit"], "exit code 1")
        assert step.made == [] and len(step.of("asset_failed_to_materialize")) == 1
    step = carry_out(client(NEW, "error_with_a_cause"), ok=False)
    same(step.notes[0]["exception"]["cause"]["name"], "FileNotFoundError")
    same(step.of("step_failure")[0]["error"]["message"], "RuntimeError: it cannot go on")


def logs_have_their_levels():
    for version in (OLD, NEW):
        step = carry_out(client(version, "log_levels"))
        same(step.logs, [(level, f"{level.capitalize()} message") for level in LEVELS] + [("info", "Message of a level of its own")])
        same(step.of("log")[-1]["level_name"], "Level 5")


def custom_messages_arrive():
    for payload in [*OBJECTS, 1, 1.0, "foo", [1, 2, 3], None, {"ä": "\u2028"}]:
        same(carry_out(client(NEW, "custom_message", json.dumps(payload))).custom, [payload])


def materializations_with_and_without():
    for data_version, key in itertools.product(("", "alpha"), ("", "a/b")):
        step = carry_out(client(NEW, "materialization", data_version, key))
        same([(given_version(e), e["metadata"]) for e in step.made], [(data_version or None, METADATA)])
    step = carry_out(client(OLD, "one_metadata", "doc", json.dumps({"type": "url", "raw_value": "https://dagster.io"})))
    same(step.made[0]["metadata"], {"doc": {"type": "url", "raw_value": "https://dagster.io"}})


def checks_of_every_kind():
    for passed, severity, key in itertools.product(("true", "false"), ("WARN", "ERROR"), ("", "a/b")):
        step = carry_out(client(NEW, "check", passed, severity, key), declared("my_check"))
        same([(e["check"], e["passed"], e["severity"], e["metadata"]) for e in step.checks],
             [("my_check", passed == "true", severity.lower(), METADATA)])
    step = carry_out(client(NEW, "check", "true", "ERROR", ""), declared("my_check", "another"), ok=False)
    same(step.of("step_failure")[0]["error"]["message"], "check another was not reported")


# --- what a client may do besides ---

def parameters_on_the_command_line():
    step = carry_out(shell(f"c=$DAGSTER_PIPES_CONTEXT m=$DAGSTER_PIPES_MESSAGES; unset DAGSTER_PIPES_CONTEXT DAGSTER_PIPES_MESSAGES; "
                           f"exec {venv.ensure(NEW)} {CLIENT} command_line --dagster-pipes-context $c --dagster-pipes-messages $m"))
    same(step.made[0]["data_version"], "cli")


def metadata_that_is_inferred():
    step = carry_out(client(NEW, "inferred_metadata"))
    same(step.made[0]["metadata"], {
        "text": {"type": "text", "raw_value": "hello ä \u2028"}, "int": {"type": "int", "raw_value": 5},
        "negative": {"type": "int", "raw_value": -7}, "float": {"type": "float", "raw_value": 2.5},
        "whole": {"type": "float", "raw_value": 3.0}, "true": {"type": "bool", "raw_value": True},
        "none": {"type": "null", "raw_value": None}, "list": {"type": "json", "raw_value": [1, "x", None]}})


def metadata_that_json_does_not_have():
    step = carry_out(client(NEW, "metadata_beyond_json"))
    same(step.made[0]["metadata"], {
        "nan": {"type": "float", "raw_value": "NaN"}, "inf": {"type": "float", "raw_value": "Infinity"},
        "minus_inf": {"type": "float", "raw_value": "-Infinity"}, "huge": {"type": "int", "raw_value": str(2 ** 70)},
        "lone": {"type": "text", "raw_value": "a\ufffdb"}, "nul": {"type": "text", "raw_value": "a\ufffdb"},
        "nested": {"type": "json", "raw_value": ["NaN", {"deep": str(2 ** 64)}]}})


def reports_that_the_client_refuses():
    same(carry_out(client(NEW, "wrong_asset")).made[0]["data_version"], "right")
    step = carry_out(client(NEW, "twice"))
    same([e["data_version"] for e in step.made], ["once"])
    same(step.logs, [("info", "refused")])


def output_on_another_way():
    def look(step):
        folder = os.path.join(step.agent.state, "runs", step.run["run"], "a/b")
        for name, text in (("1.out", "said elsewhere\n"), ("1.err", "and complained\n")):
            with open(os.path.join(folder, name)) as file:
                assert file.read() == text, name
    carry_out(client(NEW, "external_stream"), check=look)


def a_script_that_dies_leaves_evidence():
    not_closed = ["Dagster Pipes was opened and not closed: what the program had not written yet is lost"]
    for version, case, how in ((NEW, "killed", "killed by signal 9 (SIGKILL)"), (NEW, "exits_at_once", "exit code 1"),
                               (OLD, "killed", "killed by signal 9 (SIGKILL)")):
        step = carry_out(client(version, case), ok=False, warnings=not_closed)
        same([(e.get("partial"), e["data_version"], e["metadata"]) for e in step.made],
             [(True, "half", {"rows": {"type": "int", "raw_value": 3}})])
        same(step.of("step_failure")[0]["exit"], how)
        if case == "killed":
            same(step.logs, [("info", "before")])
            same([(e["check"], e["passed"], e["severity"]) for e in step.checks], [("my_check", False, "warn")])
        # Evidence, and no more: the asset was not made, and what depends on it is not told so.
        assert len(step.of("asset_failed_to_materialize")) == 1
        same(step.materialized, [])
    step = carry_out(client(NEW, "leaves_without_closing"), warnings=not_closed)
    same([(e.get("partial"), e["data_version"]) for e in step.made], [(None, "good")])


def attempts_are_told_apart():
    step = carry_out(client(NEW, "fails_once"), "    retry: {max: 2}\n")
    same(step.logs, [("info", "retry number 0"), ("info", "retry number 1")])
    same([(e.get("partial"), e["data_version"], e["attempt"]) for e in step.made],
         [(True, "attempt 0", 1), (None, "attempt 1", 2)])
    same(step.of("step_up_for_retry")[0]["error"]["message"], "SystemExit: not yet")


def the_context_knows_what_came_before():
    with pipes_step.Alone(pipes_step.definitions(client(NEW, "context_of"), "    code_version: v3\n")) as agent:
        for made in (None, {"code_version": "v3", "input_data_versions": {}, "is_user_provided": False}):
            step = go(agent)
            said = json.loads(step.logs[0][1])
            same(said, {"asset_key": "a/b", "asset_keys": ["a/b"], "code_version": "v3", "code_version_by_asset_key": {"a/b": "v3"},
                        "provenance": made, "provenance_by_asset_key": {"a/b": made}, "is_partition_step": False,
                        "run_id": step.run["run"], "job_name": None, "retry_number": 0, "extras": {}})


def the_context_knows_the_partition():
    more = "    partitions: {daily: {start: 2024-01-01, timezone: Europe/Berlin}}\n"
    with pipes_step.Alone(pipes_step.definitions(client(NEW, "context_of"), more)) as agent:
        step = go(agent, "--partition", "2024-03-31")
        said = json.loads(step.logs[0][1])
        same([said[field] for field in ("is_partition_step", "partition_key", "partition_key_range", "partition_time_window")],
             [True, "2024-03-31", {"start": "2024-03-31", "end": "2024-03-31"},
              {"start": "2024-03-31T00:00:00+01:00", "end": "2024-04-01T00:00:00+02:00"}])
        step = go(agent, "--partition", "2024-01-01", "--to", "2024-01-03")
        said = json.loads(step.logs[0][1])
        assert "partition_key" not in said  # the client refuses it for a range
        same([said["partition_key_range"], said["partition_time_window"]],
             [{"start": "2024-01-01", "end": "2024-01-03"},
              {"start": "2024-01-01T00:00:00+01:00", "end": "2024-01-04T00:00:00+01:00"}])


def another_user_reports_too():
    if os.geteuid() != 0:
        print("not root: nobody else to run as")
        return
    step = carry_out(["/usr/bin/env", "python3", "-c", NOBODY], "    user: nobody\n")
    same(step.logs, [("info", "as 65534")])


def ten_thousand_logs():
    step = carry_out(client(NEW, "many_logs", "10000"))
    same(step.logs, [("info", f"message {i}") for i in range(10000)])


def messages_of_a_mebibyte():
    step = carry_out(client(NEW, "large_messages"))
    text = step.logs[0][1]
    assert text.startswith("xxxx") and text.endswith("... (1040384 bytes more)") and len(text) < 9000, text[-60:]
    same(step.made[0]["metadata"], {"rows": {"type": "int", "raw_value": 7},
                                    "selvedge/metadata_dropped_bytes": {"type": "int", "raw_value": (1 << 20) + 35}})
    same(step.made[0]["data_version"], "large")
    same([e["message"] for e in step.notes], ["the step sent a custom message of 1048578 bytes, more than is kept"])


def forked_workers_write_side_by_side():
    step = carry_out(client(NEW, "forked_writers"))
    same(sorted(step.logs), sorted(("info", f"worker {n} message {i}") for n in range(4) for i in range(200)))
    same(step.made[0]["data_version"], "joined")


TESTS = [the_example_of_the_documentation, every_type_of_metadata, a_script_started_by_hand_does_not_mind, extras_are_loaded, components_are_loaded,
         errors_are_reported, logs_have_their_levels, custom_messages_arrive, materializations_with_and_without, checks_of_every_kind,
         parameters_on_the_command_line, metadata_that_is_inferred, metadata_that_json_does_not_have, reports_that_the_client_refuses,
         output_on_another_way, a_script_that_dies_leaves_evidence, attempts_are_told_apart, the_context_knows_what_came_before,
         the_context_knows_the_partition, another_user_reports_too,
         ten_thousand_logs, messages_of_a_mebibyte, forked_workers_write_side_by_side]

if __name__ == "__main__":
    venv.ensure(NEW)
    venv.ensure(OLD)
    sys.exit(run_tests(TESTS, at_once=2))
