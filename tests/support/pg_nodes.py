"""Nodes of dbt projects, written by hand and carried out by our program `dbt_node` in a real PostgreSQL. Standard library only."""
import json
import os
import subprocess

import pg_server

NODE = os.path.abspath(os.path.join(os.environ.get("SELVEDGE_BIN_DIR", "build/bin"), "dbt_node"))


def model(name, materialized, sql, schema="lab", **more):
    """The keys are those of tests/process/dbt_node.c."""
    return dict({"relation_name": f'"{pg_server.DATABASE}"."{schema}"."{name}"', "materialized": materialized, "sql": sql}, **more)


def start(dsn, *nodes, timeout_ms=0):
    process = subprocess.Popen([NODE, dsn, str(timeout_ms)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write("".join(json.dumps(node) + "\n" for node in nodes))
    process.stdin.close()
    process.stdin = None
    return process


def run(dsn, *nodes, **more):
    """What became of each, and the end of the program."""
    process = start(dsn, *nodes, **more)
    out, log = process.communicate(timeout=120)
    assert process.returncode == 0, (process.returncode, log, out)
    return [json.loads(line) for line in out.splitlines()]
