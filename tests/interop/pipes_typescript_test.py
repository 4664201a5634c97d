"""@dagster-io/dagster-pipes against the agent: the package of npm, or a built checkout of it that SELVEDGE_PIPES_TYPESCRIPT names (its folder
with package.json and dist/). Needs node, and npm for the former."""
import os
import re
import shutil
import subprocess
import sys

import pipes_step
from fleet import run_tests
from pipes_step import LEVELS, carry_out, same
from venv import ROOT, skip

PACKAGE = "@dagster-io/dagster-pipes"
CLIENT = os.path.join(pipes_step.CLIENTS, "typescript_client.js")
ERROR = "AnError: Very bad error has happened!"
METADATA = {"bool_true": {"type": "bool", "raw_value": True}, "float": {"type": "float", "raw_value": 0.1},
            "int": {"type": "int", "raw_value": 1}, "url": {"type": "url", "raw_value": "https://dagster.io"},
            "null": {"type": "null", "raw_value": None}, "text": {"type": "text", "raw_value": "hello"},
            "json": {"type": "json", "raw_value": {"quux": {"a": 1}, "corge": None, "qux": [1, 2, 3]}}}


def find_package():
    checkout = os.environ.get("SELVEDGE_PIPES_TYPESCRIPT")
    if checkout:
        return checkout
    folder = os.path.join(ROOT, "build", "npm")
    package = os.path.join(folder, "node_modules", PACKAGE)
    if not os.path.exists(package):
        if shutil.which("npm") is None:
            skip("there is no npm")
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, PACKAGE], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            reason = re.search(r"npm error code \w+", done.stdout)
            skip(f"npm has no {PACKAGE} ({reason.group(0) if reason else 'not reachable'}); SELVEDGE_PIPES_TYPESCRIPT may name a checkout")
    return package


def client(case):
    return [shutil.which("node"), CLIENT, case]


def step_of(case, more="", **expected):
    return carry_out(client(case), f"    env: {{PIPES_PACKAGE: {pipes_step.quoted(PLACE)}}}\n{more}", **expected)


def the_example_of_the_package():
    step = step_of("example")
    same(step.logs, [("info", "this is a log message from the external process"),
                     ("warning", "This is an example warning from the external process")])
    same([e["metadata"] for e in step.made], [{"row_count": {"type": "int", "raw_value": 100}}])
    same([(e["check"], e["passed"], e["severity"]) for e in step.checks], [("example_typescript_check", True, "error")])


def logs_have_their_levels():
    same(step_of("log_levels").logs, [(level, f"{level.capitalize()} message") for level in LEVELS])


def messages_and_reports_arrive():
    same(step_of("custom_message").custom, [{"foo": "bar", "qux": [1, 2, 3], "corge": None}])
    step = step_of("materialization")
    same([(e["data_version"], e["metadata"]) for e in step.made], [("alpha", METADATA)])
    step = step_of("check")
    same([(e["check"], e["passed"], e["severity"], e["metadata"]) for e in step.checks], [("my_check", False, "warn", METADATA)])


def the_context_is_loaded():
    step = step_of("components")
    same(step.custom, [{"run": step.run["run"], "job": None, "asset": "a/b", "extras": {}, "retry": 0}])


def errors_are_reported():
    step = step_of("error_reporting", ok=False)
    same(step.notes[0]["error"]["message"], ERROR)
    same(step.notes[0]["exception"]["stack"], ["one", "two"])
    same(step.of("step_failure")[0]["error"]["message"], ERROR)


def a_program_that_dies_leaves_evidence():
    step = step_of("killed", ok=False, warnings=["Dagster Pipes was opened and not closed: what the program had not written yet is lost"])
    same([(e["partial"], e["data_version"]) for e in step.made], [(True, "half")])


TESTS = [the_example_of_the_package, logs_have_their_levels, messages_and_reports_arrive, the_context_is_loaded, errors_are_reported,
         a_program_that_dies_leaves_evidence]

if __name__ == "__main__":
    if shutil.which("node") is None:
        skip("there is no node")
    PLACE = find_package()
    sys.exit(run_tests(TESTS, at_once=2))
