"""Live events: what changes is told as it is committed, a listener that comes back misses nothing, the end of a session ends
its streams."""
import os
import signal
import sys

from fleet import Fleet, run_tests, wait_for
from web import PASSWORD, Client, Stream, set_up, wait_for_web
from web_test import DEFINITIONS, web_pid


def changes_are_told_and_resumed():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        stream = Stream(admin)
        assert stream.next() == ("hello", {})
        device = fleet.device("brooklyn", DEFINITIONS)
        device.enrol()
        device.start()
        stream.until(lambda kind, data: kind == "device" and data.get("status") == "online")
        device.command("materialize", "pos/orders", code=None)
        seen = stream.until(lambda kind, data: kind == "run" and data.get("status") == "success")
        seen += stream.until(lambda kind, data: True) if ("asset", {"asset": "pos/orders", "device": "brooklyn"}) not in seen else []
        assert ("asset", {"asset": "pos/orders", "device": "brooklyn"}) in seen, seen
        # Told is there: who asks then gets nothing older.
        assert admin.items("/api/v1/runs?status=success"), "a run that was told is not there"
        last = stream.last
        stream.close()
        device.command("materialize", "reports/daily", code=None)
        wait_for("the second run is merged", lambda: len(admin.items("/api/v1/runs?status=success")) == 2)
        again = Stream(admin, last)
        seen = again.until(lambda kind, data: kind == "run" and data.get("status") == "success")
        assert all(kind not in ("hello", "reset") for kind, _ in seen), seen
        again.close()
        assert Stream(admin, "000000000000-5").next() == ("reset", {})
        assert Stream(admin, "nonsense").next() == ("reset", {})
        os.kill(web_pid(fleet), signal.SIGKILL)
        wait_for_web(fleet.hub, fleet.http_port)
        assert Stream(admin, last).next() == ("reset", {}), "another process knows nothing of that id"


def a_session_that_ends_ends_its_streams():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        other = Client(fleet.http_port).log_in("admin", PASSWORD)
        stream = Stream(other)
        assert stream.next() == ("hello", {})
        assert other.ask("DELETE", "/api/v1/session").status == 204
        assert stream.next() is None, "somebody who logged out is told more"
        assert admin.get("/api/v1/devices").status == 200


def nobody_listens_without_a_login():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        assert Client(fleet.http_port).get("/api/v1/events/live").status == 401


if __name__ == "__main__":
    sys.exit(run_tests([changes_are_told_and_resumed, a_session_that_ends_ends_its_streams, nobody_listens_without_a_login]))
