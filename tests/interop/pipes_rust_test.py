"""dagster_pipes_rust of crates.io against the agent. Needs cargo, and the crates index once."""
import os
import shutil
import subprocess
import sys

import pipes_step
from fleet import run_tests
from pipes_step import LEVELS, carry_out, given_version, same
from venv import ROOT, skip

SOURCE = os.path.join(pipes_step.CLIENTS, "rust")
TARGET = os.path.join(ROOT, "build", "cargo")


def build():
    cargo = shutil.which("cargo")
    if cargo is None:
        skip("there is no cargo")
    done = subprocess.run([cargo, "build", "--quiet", "--locked", "--manifest-path", os.path.join(SOURCE, "Cargo.toml"), "--target-dir",
                           TARGET], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0 and "error[E" not in done.stdout:
        skip(f"dagster_pipes_rust cannot be built here: {done.stdout.strip()[-300:]}")
    assert done.returncode == 0, done.stdout
    return os.path.join(TARGET, "debug", "rust_client")


def step_of(case, **expected):
    return carry_out([PROGRAM, case], **expected)


def logs_have_their_levels():
    same(step_of("log_levels").logs, [(level, f"{level.capitalize()} message") for level in LEVELS])


def reports_arrive():
    step = step_of("materialization")
    same([(e["data_version"], e["metadata"]) for e in step.made],
         [("alpha", {"rows": {"type": "int", "raw_value": 100}, "url": {"type": "url", "raw_value": "https://dagster.io"},
                     "null": {"type": "null", "raw_value": None}})])
    step = step_of("bare")  # its client sends metadata {} where others send null
    same([(given_version(e), e.get("metadata")) for e in step.made], [(None, None)])
    step = step_of("check")
    same([(e["check"], e["passed"], e["severity"]) for e in step.checks], [("my_check", False, "warn")])
    same(step_of("custom_message").custom, [{"foo": "bar", "qux": [1, 2, 3], "corge": None}])


def a_panic_leaves_evidence():
    """It closes the context as it unwinds: only the exit code says that it failed."""
    step = step_of("panics", ok=False)
    same([(e["partial"], e["data_version"]) for e in step.made], [(True, "half")])
    same(step.of("step_failure")[0]["exit"], "exit code 101")


TESTS = [logs_have_their_levels, reports_arrive, a_panic_leaves_evidence]

if __name__ == "__main__":
    PROGRAM = build()
    sys.exit(run_tests(TESTS))
