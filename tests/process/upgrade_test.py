"""A hub whose program derives its views otherwise than the one before does so anew at its first start: with a word in the log and to the
supervisor; killed in the middle, the views are as they were, and the next start begins again."""
import os
import socket
import sqlite3
import sys

from fleet import Fleet, run_tests, wait_for

DEFINITIONS = "project: test\nassets:\n  - {key: a, run: ['true']}\n"
MORE = 20000


def write(fleet, *statements):
    db = sqlite3.connect(fleet.hub_db)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def grow(fleet):
    """The log as a busy device would have made it: many observations behind what it said."""
    write(fleet, f"""WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MORE})
        INSERT INTO event (stream_id, seq, type, at_ms, received_ms, body)
        SELECT s.id, s.merged_seq + i, 'asset_observation', s.first_at_ms, s.first_at_ms, json_object('seq', s.merged_seq + i,
            'at', '2026-11-22T16:46:00.000Z', 'type', 'asset_observation', 'asset', 'a', 'metadata', json('{{}}')) FROM stream s, n""",
          f"UPDATE stream SET merged_seq = merged_seq + {MORE}")


def as_before(fleet):
    """As a hub of an earlier version leaves it: without what this one derives."""
    write(fleet, "DELETE FROM device_health", "DELETE FROM definitions_history", "DELETE FROM asset_history", "UPDATE derived SET version = 0")


def views(fleet):
    return {table: fleet.query(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in ("device_health", "definitions_history", "asset_history", "asset_state")}


def killed_while_it_is_at_it(fleet):
    """It says so to its supervisor."""
    path = os.path.join(fleet.dir, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(path)
        supervisor.settimeout(60)
        fleet.hub.env = {**os.environ, "NOTIFY_SOCKET": path}
        fleet.hub.start()
        said = b""
        while b"5000 events" not in said:
            said = supervisor.recv(1000)
            assert b"READY" not in said, said
        assert b"EXTEND_TIMEOUT_USEC=60000000" in said, said
        fleet.hub.kill()
    fleet.hub.env = None
    os.unlink(path)


def the_first_start_derives_them_anew():
    with Fleet("test") as fleet:
        fleet.start_hub()
        version = fleet.query("SELECT version FROM derived")
        assert version[0][0] > 0, "a new one has nothing to derive"
        device = fleet.device("brooklyn", DEFINITIONS)
        device.enrol()
        device.start()
        device.command("materialize", "a")
        wait_for("all is merged", lambda: device.position()["waiting_events"] == 0 and fleet.query("SELECT count(*) FROM device_health") == [(1,)])
        device.daemon.stop()
        fleet.hub.stop()
        grow(fleet)
        whole = views(fleet)
        assert all(whole.values()), whole
        as_before(fleet)
        before = views(fleet)
        assert before != whole
        for _ in range(10):  # on a machine that is busy it may be over before it is killed
            killed_while_it_is_at_it(fleet)
            if fleet.query("SELECT version FROM derived") == [(0,)]:
                break
            assert views(fleet) == whole
            as_before(fleet)
        assert views(fleet) == before and fleet.query("SELECT version FROM derived") == [(0,)]
        already = fleet.hub.read_log().count("event=views.renewed")

        fleet.start_hub()
        told = [line for line in fleet.hub.read_log().splitlines() if "event=views.renewed" in line][already]
        assert MORE < int(told.split("events=")[1].split()[0]) < MORE + 100, told
        assert views(fleet) == whole and fleet.query("SELECT version FROM derived") == version
        fleet.command("rebuild", "--check")

        # Once. And `rebuild` by hand is as good.
        fleet.hub.stop()
        fleet.start_hub()
        assert fleet.hub.read_log().count("event=views.renewed") == already + 1
        fleet.hub.stop()
        as_before(fleet)
        fleet.command("rebuild")
        fleet.start_hub()
        assert fleet.hub.read_log().count("event=views.renewed") == already + 1 and views(fleet) == whole


if __name__ == "__main__":
    sys.exit(run_tests([the_first_start_derives_them_anew]))
