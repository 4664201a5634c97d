"""Partitions and backfills through the command line: what is asked for, watched, canceled, killed and tried again."""
import json
import os
import sqlite3
import sys

from fleet import AGENT, Alone, query, read_file, run_tests, wait_for

DEFINITIONS = """project: shop
resources:
  local: {type: sqlite, path: "${STATE_DIR}/shop.db"}
assets:
  - key: daily
    partitions: {daily: {start: 2024-01-01, end: 2024-01-11, timezone: Europe/Berlin}}
    run: [sh, -c, 'echo $$SELVEDGE_PARTITION_KEY >> "${STATE_DIR}/daily"; test "$$SELVEDGE_PARTITION_KEY" != 2024-01-03 -o -e "${STATE_DIR}/good"']
  - key: weekly
    deps: [daily]
    partitions: {weekly: {start: 2024-01-01, day_offset: 1, end: 2024-01-15, timezone: Europe/Berlin}}
    run: [sh, -c, 'echo $$SELVEDGE_PARTITION_KEY >> "${STATE_DIR}/weekly"']
  - key: slow
    partitions: {static: [a, b, c, d, e, f]}
    run: [sh, -c, 'echo $$SELVEDGE_PARTITION_KEY >> "${STATE_DIR}/slow"; until test -e "${STATE_DIR}/go"; do sleep 0.05; done']
  - key: shops
    partitions: {dynamic: shops}
    run: [sh, -c, 'echo $$SELVEDGE_PARTITION_START_KEY $$SELVEDGE_PARTITION_END_KEY >> "${STATE_DIR}/shops"']
    backfill: single_run
  - key: sums
    partitions: {monthly: {start: 2024-01-01, end: 2024-04-01, format: '%Y-%m'}}
    sql:
      resource: local
      materialized: table
      partition_by: month
      query: >-
        select {{ partition_key }} as month, sum(total) as total from sales
        where at >= {{ partition_start }} and at < {{ partition_end }}
    checks:
      - {name: has_rows, resource: local, sql: "select count(*) = 1 from sums where month = {{ partition_key }}"}
"""


def lines(agent, name):
    return read_file(os.path.join(agent.state, name)).split()


def touch(agent, name):
    with open(os.path.join(agent.state, name), "w"):
        pass


def begin(agent, *what):
    return json.loads(agent.command("backfill", *what, "--json"))["backfill"]


def show(agent, backfill):
    return json.loads(agent.command("backfill", "show", backfill, "--json").splitlines()[0])


def ended(agent, backfill, status):
    facts = wait_for(f"backfill {backfill} ends", lambda: (f := show(agent, backfill)).get("ended_at") and f, seconds=60)
    assert facts["status"] == status, facts
    return facts


def statuses(agent, asset):
    listed = json.loads(agent.command("partitions", asset, "--json"))
    assert len(listed["partitions"]) == listed["materialized"] + listed["failed"] + listed["missing"]
    return listed


def a_month_with_a_bad_day():
    with Alone(DEFINITIONS) as agent:
        assert statuses(agent, "daily")["missing"] == 10, "before anything ran"
        agent.start()
        text = agent.command("backfill", "daily", "--from", "2024-01-02", "--to", "2024-01-05", "--tag", "why=test")
        assert text.startswith("requested  backfill ") and text.endswith("  4 partitions\n"), text
        backfill = text.split()[2]
        facts = ended(agent, backfill, "completed_failed")
        assert (facts["succeeded"], facts["failed"], facts["partitions"]) == (3, 1, 4), facts
        assert sorted(lines(agent, "daily")) == ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]
        text = agent.command("backfill", "show", backfill[:13])
        assert "4 of 4" in text and "3 succeeded, 1 failed" in text and "failed:\n  2024-01-03  run " in text, text
        listed = statuses(agent, "daily")
        assert (listed["materialized"], listed["failed"], listed["missing"]) == (3, 1, 6), listed
        text = agent.command("partitions", "daily", "--status", "failed")
        assert "2024-01-03" in text and "10 partitions: 3 materialized, 1 failed, 6 missing" in text, text
        runs = agent.runs()
        assert {r["tags"]["dagster/backfill"] for r in runs} == {backfill} and {r["tags"]["why"] for r in runs} == {"test"}
        # Only what failed; then only what is missing.
        touch(agent, "good")
        again = json.loads(agent.command("backfill", "retry", backfill, "--json"))
        assert again["partitions"] == 1, again
        ended(agent, again["backfill"], "completed_success")
        facts = ended(agent, begin(agent, "daily", "--missing", "--per-run", "3", "--newest-first"), "completed_success")
        assert facts["partitions"] == 6 and statuses(agent, "daily")["materialized"] == 10
        assert "lacks no partition" in agent.command("backfill", "daily", "--missing", code=None).stderr
        listed = [json.loads(line) for line in agent.command("backfill", "list", "--json").splitlines()]
        assert [b["status"] for b in listed] == ["completed_success", "completed_success", "completed_failed"], listed
        assert "SELECTION" in agent.command("backfill", "list")


def downstream_follows():
    with Alone(DEFINITIONS) as agent:
        agent.start()
        touch(agent, "good")
        text = agent.command("backfill", "daily+", "--from", "2024-01-06", "--to", "2024-01-09")
        assert "6 partitions in 2 legs" in text, text
        wait_for("both weeks are made", lambda: len(lines(agent, "weekly")) == 2)
        assert sorted(lines(agent, "weekly")) == ["2024-01-01", "2024-01-08"] and len(lines(agent, "daily")) == 4
        wait_for("both legs have ended", lambda: agent.command("backfill", "list").count("completed_success") == 2)


def cancel_and_kill():
    with Alone(DEFINITIONS) as agent:
        agent.start()
        backfill = begin(agent, "slow", "--all", "--max-runs", "2")
        wait_for("the first step runs", lambda: lines(agent, "slow"))
        assert show(agent, backfill)["requested"] == 2
        assert agent.command("backfill", "cancel", backfill) == f"canceling  backfill {backfill}\n"
        facts = ended(agent, backfill, "canceled")
        assert facts["canceled"] == 6 and len(lines(agent, "slow")) == 1, facts
        assert "has ended: canceled" in agent.command("backfill", "cancel", backfill, code=None).stderr
        # A kill in the middle: the daemon that comes next goes on.
        backfill = begin(agent, "slow", "--all", "--max-runs", "1")
        wait_for("its first step runs", lambda: len(lines(agent, "slow")) == 2)
        agent.daemon.kill()
        touch(agent, "go")
        agent.start()
        facts = ended(agent, backfill, "completed_success")
        assert facts["succeeded"] == 6, facts
        made = lines(agent, "slow")[1:]
        assert [made[0]] + sorted(set(made)) == ["a", "a", "b", "c", "d", "e", "f"] and len(made) <= 7, made


def dynamic_sets():
    with Alone(DEFINITIONS) as agent:
        agent.start()
        text = agent.command("assets", "shops")
        assert "  missing  " in text and "it has no partitions yet" in text, text
        done = agent.command("backfill", "shops", "--all", code=None)
        assert done.returncode == 3 and "shops has no partition yet" in done.stderr, done.stderr
        assert agent.command("partitions", "add", "shops", "berlin", "hamburg", "munich") == "added 3\n"
        assert agent.command("partitions", "add", "shops", "berlin", "aachen") == "added 1\n"
        assert agent.command("partitions", "delete", "shops", "hamburg", "nowhere") == "deleted 1\n"
        many = [f"shop-{i:04d}" for i in range(2000)]
        assert agent.command("partitions", "add", "shops", *many) == "added 2000\n"
        assert agent.command("partitions", "delete", "shops", *many) == "deleted 2000\n"
        assert [p["partition"] for p in statuses(agent, "shops")["partitions"]] == ["berlin", "munich", "aachen"]
        for wrong, code, word in ((("tills", "x"), 3, 'did you mean "shops"'), (("shops", "a...b"), 6, "ranges"), (("shops", ""), 6, "empty")):
            done = agent.command("partitions", "add", *wrong, code=None)
            assert done.returncode == code and word in done.stderr, (wrong, done.stderr)
        ended(agent, begin(agent, "shops", "--all"), "completed_success")
        assert read_file(os.path.join(agent.state, "shops")) == "berlin aachen\n"
        done = agent.command("materialize", "shops", "--partition", "hamburg", code=None)
        assert done.returncode == 3 and 'no partition "hamburg"' in done.stderr, done.stderr


def tables_by_partition():
    with Alone(DEFINITIONS) as agent:
        os.makedirs(agent.state, exist_ok=True)
        db = sqlite3.connect(os.path.join(agent.state, "shop.db"))
        db.execute("CREATE TABLE sales (at TEXT, total INTEGER)")
        db.executemany("INSERT INTO sales VALUES (?, ?)", [("2024-01-31 23:59:59", 1), ("2024-02-01 00:00:00", 2), ("2024-02-29 12:00:00", 4)])
        db.commit()
        agent.start()
        ended(agent, begin(agent, "sums", "--all"), "completed_success")
        expected = [("2024-01", 1), ("2024-02", 6), ("2024-03", None)]
        assert db.execute("SELECT month, total FROM sums ORDER BY 1").fetchall() == expected
        db.execute("INSERT INTO sales VALUES ('2024-02-02', 8)")
        db.commit()
        agent.command("materialize", "sums", "--partition", "2024-02")
        expected[1] = ("2024-02", 14)
        assert db.execute("SELECT month, total FROM sums ORDER BY 1").fetchall() == expected
        done = agent.command("materialize", "sums", "--partition", "2024-01", "--to", "2024-02", code=None)
        assert done.returncode == 1 and "the run makes 2 partitions" in done.stdout + done.stderr, done
        assert db.execute("SELECT month, total FROM sums ORDER BY 1").fetchall() == expected
        checks = query(os.path.join(agent.state, "agent.db"), "SELECT name, passed FROM asset_check")
        assert checks == [("has_rows", 1)], checks
        done = agent.command("materialize", "sums", code=None)
        assert done.returncode == 6 and "--partition 2024-03" in done.stderr, done.stderr
        db.close()


def mistakes():
    with Alone(DEFINITIONS) as agent:
        for arguments, word in ((["daily"], "say which partitions"), (["daily", "--all", "--from", "2024-01-01"], "--all is all"),
                                (["daily", "--missing", "--failed"], "--missing or --failed"), (["daily", "-p", "x", "--all"], "one by one"),
                                (["daily", "--all", "--tag", "x"], "NAME=VALUE"), ([], "SELECTION")):
            done = agent.command("backfill", *arguments, code=None)
            assert done.returncode == 2 and word in done.stderr, (arguments, done.stderr)
        assert agent.command("backfill", "daily", "--all", code=None).returncode == 4, "no daemon"
        agent.start()
        for arguments, code, word in ((["dayly", "--all"], 3, "dayly"), (["daily", "--from", "2024-13-01"], 3, "the month is not from 1 to 12"),
                                      (["daily", "-p", "2024-01-11"], 3, "it lies behind all of them"),
                                      (["daily or slow", "--all"], 6, "are partitioned differently")):
            done = agent.command("backfill", *arguments, code=None)
            assert done.returncode == code and word in done.stderr, (arguments, done.returncode, done.stderr)
        assert agent.command("backfill", "show", "nonsense", code=None).returncode == 3
        assert agent.command("partitions", "nonsense", code=None).returncode == 3


if __name__ == "__main__":
    assert AGENT
    sys.exit(run_tests([a_month_with_a_bad_day, downstream_follows, cancel_and_kill, dynamic_sets, tables_by_partition, mistakes], at_once=2))
