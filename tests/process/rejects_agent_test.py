"""What the agent shows of rejected records: in the materialization of the run, and of a step that failed at its limit, where to look."""
import json
import sqlite3
import sys

from fleet import Alone, run_tests

TEXT = """project: shop
resources: {local: {type: sqlite, path: "${STATE_DIR}/shop.db"}}
assets:
  - key: t
    extract: {csv: in.csv}
    load: {resource: local, table: t, primary_key: [id], reject_limit: LIMIT, on_schema_change: widen}
"""


def rejected_records_are_shown():
    with Alone(TEXT.replace("LIMIT", "1")) as agent:
        with open(f"{agent.dir}/in.csv", "w", encoding="ascii") as file:
            file.write("id,n\n1,1\n2\n3,3,3\n4,4\n")
        text = agent.command("materialize", "t", code=1)
        assert "2 of 3 records were rejected, more than reject_limit 1 allows; the first: " in text and "in.csv:3" in text, text
        failure = [e for e in agent.events("step_failure")][0]
        assert "look at table _selvedge_rejected of " in failure["error"]["hint"], failure
        agent.define(TEXT.replace("LIMIT", '"60%"'))
        text = agent.command("materialize", "t")
        made = agent.events("asset_materialization")[-1]["metadata"]
        assert made["rows_rejected"]["raw_value"] == 2 and made["quarantine"]["raw_value"].startswith("table _selvedge_rejected of "), made
        rows = sqlite3.connect(f"{agent.state}/shop.db").execute("SELECT outcome, record FROM _selvedge_rejected").fetchall()
        assert rows == [("rejected", "2"), ("rejected", "3,3,3")], rows


if __name__ == "__main__":
    sys.exit(run_tests([rejected_records_are_shown]))
