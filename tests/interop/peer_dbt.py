"""A real dbt in this process, on SQLite or PostgreSQL: what it builds and what it says of each node. Import it behind venv.rerun(*PACKAGES).

dbt takes every module on the path whose name begins with "dbt_" for a plugin and imports it, our tests too: so this folder leaves the path."""
import hashlib
import json
import os
import sqlite3
import sys

PACKAGES = ("dbt-core==1.10.23", "dbt-sqlite==1.10.0", "dbt-postgres==1.9.1")  # one environment for all tests of the ordinary run
LONG = bool(os.environ.get("SELVEDGE_LONG"))
EITHER = ("dbt-core==1.11.16", *PACKAGES[1:]) if LONG else PACKAGES  # of tests that a later dbt must pass as well
os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "0"


def md5(value):
    return None if value is None else hashlib.md5(str(value).encode()).digest()


def with_md5(connect):
    """dbt-sqlite asks for a loadable extension that has md5(); Debian's SQLite has none."""
    def connected(*arguments, **options):
        db = connect(*arguments, **options)
        db.create_function("md5", 1, md5)
        return db
    return connected


class Dbt:
    """Runs dbt on one project folder. `outputs` are the targets of its profile."""

    def __init__(self, folder, outputs):
        sys.path[:] = [p for p in sys.path if os.path.realpath(p or ".") != os.path.dirname(os.path.realpath(__file__))]
        from dbt.cli.main import dbtRunner
        import dbt.adapters.sqlite.connections as connections
        if connections.sqlite3.connect.__module__ != __name__:
            connections.sqlite3.connect = with_md5(sqlite3.connect)
        self.folder = folder
        self.runner = dbtRunner()
        with open(os.path.join(folder, "profiles.yml"), "w", encoding="utf8") as file:
            json.dump({"p": {"target": next(iter(outputs)), "outputs": outputs}}, file)

    def run(self, command, *arguments, target, target_path="target"):
        """{unique id: (status, failures, message)}, and the manifest's path."""
        done = self.runner.invoke(["--quiet", command, "--profiles-dir", self.folder, "--project-dir", self.folder, "--target", target,
                                   "--target-path", target_path, "--threads", "1", *arguments])
        if done.exception is not None:
            raise done.exception
        return {r.node.unique_id: (str(r.status), r.failures, r.message) for r in getattr(done.result, "results", [])}

    def manifest(self, target_path="target"):
        return os.path.join(self.folder, target_path, "manifest.json")


def sqlite_output(path, folder):
    """dbt-sqlite attaches every *.db of `folder`."""
    os.makedirs(folder, exist_ok=True)
    return {"type": "sqlite", "threads": 1, "database": "db", "schema": "main", "schemas_and_paths": {"main": path}, "schema_directory": folder}


def postgres_output(server, user, database, schema="dbt"):
    return {"type": "postgres", "threads": 1, "host": server.folder, "port": 5432, "user": user, "password": server.password or "", "dbname": database, "schema": schema}
