"""The Singer SDK's own test suite for targets, all of it, against `selvedge-el target sqlite` and, where a server
is installed, `selvedge-el target postgres`, run as programs.

The suite wants a class of the SDK's kind: the one here starts the program for every input, gives on what it prints, and turns an exit
code other than 0 into the exception that the program's message stands for. After the suite the tables are looked at: it asks no more
than that nothing is raised."""
import builtins
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pg_server  # noqa: E402
import venv  # noqa: E402, ours, which stands before the library's

PACKAGES = ["singer-sdk[testing]==0.54.9"]
BIN = os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin"))
WORKER = os.path.join(BIN, "selvedge-el")
# What MeltanoLabs' target-postgres, which passes the suite too, has in its tables afterwards.
ROWS = {"test_array_data": 4, "TestCamelcase": 2, "test_duplicate_records": 2, "test_strings": 11, "test_strings_in_objects": 11,
        "test_strings_in_arrays": 6, "test_no_pk": 3, "test_optional_attributes": 4, "test_object_schema_with_properties": 2,
        "test_object_schema_no_properties": 2, "test_schema_updates": 6, "test:SpecialChars!in?attributes": 1,
        "record_missing_fields": 2, "example_stream": 2, "ForecastingTypeToCategory": 0}


def make_class(folder, kind, config):
    from singer_sdk import Target
    from singer_sdk import typing as th
    from singer_sdk.exceptions import MissingKeyPropertiesError, RecordsWithoutSchemaException

    class Program(Target):
        name = f"selvedge-el target {kind}"
        config_jsonschema = th.PropertiesList(*(th.Property(key, th.StringType) for key in config)).to_dict()

        def run(self, arguments, text=None):
            done = subprocess.run([WORKER, "target", kind, *arguments], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  check=False, timeout=60)
            print(done.stdout, end="")
            if done.returncode == 0:
                return done.stdout
            kinds = {"before its SCHEMA": RecordsWithoutSchemaException, "is missing": MissingKeyPropertiesError}
            raise next((kind for words, kind in kinds.items() if words in done.stderr), RuntimeError)(done.stderr)

        def process_lines(self, file_input):
            config = os.path.join(folder, "config.json")
            with open(config, "w", encoding="utf8") as file:
                json.dump(dict(self.config), file)
            self.run(["--config", config], file_input.read())

        def process_endofpipe(self):
            """The program came to its end with its input."""

        def print_version(self):
            assert self.run(["--version"]).startswith("selvedge-el ")

        def print_about(self, output_format=None):
            about = self.run(["--about", "--format", output_format or "markdown"])
            if output_format == "json":
                said = json.loads(about)
                assert {"name", "description", "version", "capabilities", "settings"} <= set(said), said

    return Program


def run_suite(kind, config, count):
    """All tests of the suite, then the rows: `count` gives those of a table."""
    import pytest
    from singer_sdk.testing import get_target_test_class
    from singer_sdk.testing.suites import target_tests
    with tempfile.TemporaryDirectory(prefix="selvedge-test-") as folder:
        config = dict(config, load_method="upsert")
        builtins.selvedge_suite = get_target_test_class(make_class(folder, kind, config), config=config)
        path = os.path.join(folder, f"suite_{kind}_test.py")
        with open(path, "w", encoding="utf8") as file:
            file.write("import builtins\nTestTarget = builtins.selvedge_suite\n")
        outcomes = []

        class Watcher:
            @staticmethod
            def pytest_runtest_logreport(report):
                if report.when == "call" or report.failed:
                    outcomes.append((report.nodeid, report.outcome))

        code = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", folder, path], plugins=[Watcher()])
        print(f"{kind}: {len(outcomes)} tests of the suite, which has {len(target_tests.tests)}")
        assert code == 0 and len(outcomes) == len(target_tests.tests), (code, outcomes)
    for table, rows in ROWS.items():
        found = count(table)
        assert found == rows, (kind, table, found, rows)
    print(f"ok: the rows in {kind} are those that target-postgres has")


def into_sqlite():
    with tempfile.TemporaryDirectory(prefix="selvedge-test-") as folder:
        database = os.path.join(folder, "t.db")

        def count(table):
            return sqlite3.connect(database).execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]

        run_suite("sqlite", {"path": database}, count)


def into_postgres():
    if pg_server.BINARIES is None:
        print("skipped for postgres: it is not installed (Debian: apt-get install postgresql)")
        return
    with pg_server.Server() as server:
        run_suite("postgres", {"dsn": server.dsn(), "nul_characters": "replace"},
                  lambda table: int(server.sql(f'SELECT count(*) FROM "{table}"')[0][0]))


def main():
    venv.rerun(*PACKAGES)
    if not os.path.exists(WORKER):
        venv.skip(f"{WORKER} is not there")
    into_sqlite()
    into_postgres()


if __name__ == "__main__":
    sys.exit(main())
