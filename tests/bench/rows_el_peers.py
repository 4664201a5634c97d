"""The worker against other people's engines from PyPI, end to end. Skipped where they cannot be installed, and by a smoke run."""
import json
import os
import platform
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "interop"))

import venv  # noqa: E402, of tests/interop, which stands before the library's

from harness import Skip  # noqa: E402
from rows_el import expect_rows, load, our_target, run_step, sales_csv, sales_singer  # noqa: E402

SDK = "singer-sdk[testing]==0.54.9"  # as tests/interop has it
MELTANO = "meltano==4.2.2"
DLT = "dlt[sqlalchemy]==1.31.0"
SLING = "sling-linux-amd64==1.4.11"
ROWS = 100000

SDK_TARGET = """
import decimal, sqlite3
from singer_sdk import typing as th
from singer_sdk.sql import SQLConnector, SQLSink, SQLTarget

sqlite3.register_adapter(decimal.Decimal, str)  # as the SDK's own sample has it


class Connector(SQLConnector):
    allow_temp_tables = False
    allow_column_alter = False
    allow_merge_upsert = True

    def get_sqlalchemy_url(self, config):
        return f"sqlite:///{config['path']}"


class Sink(SQLSink):
    connector_class = Connector


class Target(SQLTarget):
    name = "target-sqlite"
    max_parallelism = 1
    default_sink_class = Sink
    config_jsonschema = th.PropertiesList(th.Property("path", th.StringType, required=True)).to_dict()


Target.cli()
"""

MELTANO_PROJECT = """
version: 1
project_id: 11111111-1111-4111-8111-111111111111
send_anonymous_usage_stats: false
default_environment: bench
environments: [{{name: bench}}]
plugins:
  extractors: [{{name: tap-file, namespace: tap_file, executable: {folder}/tap-file}}]
  loaders: [{{name: target-sdk, namespace: target_sdk, executable: {folder}/target-sdk, settings: [{{name: path}}], config: {{path: {path}}}}}]
"""

DLT_PIPELINE = """
import csv, sys
import dlt
from dlt.destinations import sqlalchemy
numbers = {"id": int, "customer": int, "quantity": int, "price": float, "total": float}

@dlt.resource(name="sales", write_disposition="append")
def sales():
    rows = []
    for row in csv.DictReader(open(sys.argv[1], newline="")):
        rows.append({name: numbers.get(name, str)(value) for name, value in row.items()})
        if len(rows) == 5000:
            yield rows
            rows = []
    yield rows

destination = sqlalchemy(f"sqlite:///{sys.argv[2]}")
dlt.pipeline("bench", destination=destination, dataset_name="main", pipelines_dir=sys.argv[3]).run(sales())
"""


def python_with(bench, *packages):
    if bench.scale < 0.01:
        raise Skip("a smoke run installs nothing")
    try:
        return venv.ensure(*packages)
    except SystemExit:
        raise Skip(f"{' '.join(packages)} cannot be installed") from None


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def quiet(bench, *argv, **more):
    """As bench.run("measure", ...), with a home of its own and no word to anybody."""
    env = dict(os.environ, HOME=bench.work_dir, SLING_DISABLE_TELEMETRY="true", RUNTIME__DLTHUB_TELEMETRY="false", DLT_DATA_DIR=bench.path("dlt"),
               MELTANO_SEND_ANONYMOUS_USAGE_STATS="false", **more)
    return bench.run("measure", *argv, env=env, cwd=more.get("PWD", bench.work_dir))


def singer(bench, run):
    """Ours and another's load of the same Singer lines."""
    rows = bench.count(ROWS, 1000)
    source = sales_singer(bench, rows)

    def theirs():
        path = bench.fresh("peer.db")
        done = run(source, path)
        expect_rows(path, rows)
        return done

    return rows, lambda: our_target(bench, source, rows), theirs


@load(">= 25 x", "the Singer SDK's target (0.54.9, SQLite through SQLAlchemy)", clock="wall_ns")
def el_singer_against_sdk(bench):
    python = python_with(bench, SDK)
    script = write(bench.path("sdk_target.py"), SDK_TARGET)

    def run(source, path):
        config = write(bench.path("sdk.json"), json.dumps({"path": path}))
        return quiet(bench, python, script, "--config", config, "--input", source)

    yield singer(bench, run)


@load(">= 25 x", "meltano run (4.2.2) of the same lines into the SDK's target", clock="wall_ns")
def el_singer_against_meltano(bench):
    python, meltano = python_with(bench, SDK), python_with(bench, MELTANO)
    folder = bench.fresh("project")
    os.mkdir(folder)
    script = write(bench.path("sdk_target.py"), SDK_TARGET)
    write(f"{folder}/target-sdk", f'#!/bin/sh\nexec {python} {script} "$@"\n', 0o755)

    def run(source, path):
        write(f"{folder}/tap-file", f"#!/bin/sh\nexec cat {source}\n", 0o755)
        write(f"{folder}/meltano.yml", MELTANO_PROJECT.format(folder=folder, path=path))
        return quiet(bench, os.path.join(os.path.dirname(meltano), "meltano"), "--log-level=error", "run", "tap-file", "target-sdk", PWD=folder)

    yield singer(bench, run)


def files(bench, run):
    """Ours and another's load of the same CSV file."""
    rows = bench.count(ROWS, 1000)
    source = sales_csv(bench, rows)

    def ours():
        path = bench.fresh("ours.db")
        done = run_step(bench, {"type": "csv", "path": source}, {"type": "sqlite", "path": path, "table": "sales", "mode": "append"})
        expect_rows(path, rows)
        return done

    def theirs():
        path = bench.fresh("peer.db")
        done = run(source, path)
        expect_rows(path, rows)
        return done

    return rows, ours, theirs


@load(">= 10 x", "Sling (1.4.11), CSV into SQLite", clock="wall_ns")
def el_csv_against_sling(bench):
    if platform.machine() != "x86_64":
        raise Skip("PyPI has this Sling for x86-64 only")
    python = python_with(bench, SLING)
    find = "import os, sling_linux_amd64 as s; print(os.path.join(os.path.dirname(s.__file__), 'bin', 'sling-linux-amd64'))"
    program = subprocess.run([python, "-c", find], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    os.chmod(program, 0o755)
    yield files(bench, lambda source, path: quiet(bench, program, "run", "--src-stream", f"file://{source}", "--tgt-conn", f"sqlite://{path}",
                                                  "--tgt-object", "main.sales", "--mode", "full-refresh"))


@load(">= 25 x", "dlt (1.31.0), CSV into SQLite through SQLAlchemy", clock="wall_ns")
def el_csv_against_dlt(bench):
    python = python_with(bench, DLT)
    script = write(bench.path("dlt_pipeline.py"), DLT_PIPELINE)
    yield files(bench, lambda source, path: quiet(bench, python, script, source, path, bench.fresh("pipelines")))
