"""Live events: what changes is told as it is committed, a listener that comes back misses nothing, the end of a session ends
its streams."""
import os
import random
import signal
import sqlite3
import subprocess
import sys

from fleet import HUB, Fleet, run_tests, wait_for
from listeners import Crowd
from web import PASSWORD, Client, Stream, set_up, wait_for_web, web_pid
from web_test import DEFINITIONS


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


def one_user_does_not_hold_all_streams():
    """64 of one user by whatever he shows; others have theirs, and one that ends makes room."""
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        token = admin.ask("POST", "/api/v1/tokens", {"scopes": ["read"], "expires_in": "1h"}).json["secret"]
        holders = [admin, Client(fleet.http_port, token=token)]
        streams = [Stream(holders[i % 2]) for i in range(64)]
        assert all(stream.next() == ("hello", {}) for stream in streams)
        for holder in holders:
            refused = holder.get("/api/v1/events/live")
            assert refused.status == 429 and refused.headers["content-type"] == "application/problem+json", refused
            assert "64 listeners are admin's" in refused.json["detail"] and refused.headers["retry-after"], refused
        assert admin.ask("POST", "/api/v1/users", {"user": "bob", "role": "viewer", "password": PASSWORD}).status == 201
        assert Stream(Client(fleet.http_port).log_in("bob")).next() == ("hello", {})
        streams.pop().close()
        wait_for("there is room again", lambda: listens(admin))
        fleet.device("brooklyn", DEFINITIONS).enrol()
        for stream in streams:  # nobody was cut for it
            stream.until(lambda kind, data: kind == "device" and data.get("device") == "brooklyn")


def listens(client):
    try:
        Stream(client).close()
        return True
    except AssertionError:
        return False


def nobody_listens_without_a_login():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        assert Client(fleet.http_port).get("/api/v1/events/live").status == 401


# --- many listeners, while much happens --------------------------------------------------------------------

LONG = bool(os.environ.get("SELVEDGE_LONG"))
LISTENERS = 100 if LONG else 20
DEVICES = 40 if LONG else 10
RATE = 2000 if LONG else 300
SECONDS = 60 if LONG else 5
LONGEST_S = 20 if LONG else 2
GROWN_KIB = 160 << 10  # with sanitizers: the ring, caches, what listeners have in the kernel is not in it


def truth(path):
    """(runs, devices, assets) of the database."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        runs = {(device, run): status for device, run, status in
                db.execute("SELECT s.device, r.run, r.status FROM run r JOIN stream s ON s.id = r.stream_id")}
        devices = {device: "online" if online else "away" for device, online in db.execute("SELECT device, is_online FROM connection")}
        assets = set(db.execute("SELECT DISTINCT s.device, json_extract(e.body, '$.asset') FROM event e JOIN stream s ON s.id = e.stream_id "
                                "WHERE json_extract(e.body, '$.asset') IS NOT NULL"))
        return runs, devices, assets
    finally:
        db.close()


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


def differences(crowd, fleet):
    """Where somebody believes less than the truth."""
    runs, devices, assets = truth(fleet.hub_db)
    found = []
    for listener in crowd.listeners:
        if runs.items() <= listener.runs.items() and devices.items() <= listener.devices.items() and assets <= listener.assets:
            continue
        found += [(listener.number, key, status, listener.runs.get(key)) for key, status in runs.items() if listener.runs.get(key) != status]
        found += [(listener.number, key, status, listener.devices.get(key)) for key, status in devices.items() if listener.devices.get(key) != status]
        found += [(listener.number, key) for key in assets - listener.assets]
    return found


def crowded(act):
    """A hub to which simulated devices tell much while listeners come and go; `act(fleet, turn)` in each of four quarters."""
    seed = int(os.environ.get("SELVEDGE_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SELVEDGE_SEED={seed}", flush=True)
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        def read():
            _, devices, assets = truth(fleet.hub_db)
            return {(r["device"], r["run"]): r["status"] for r in admin.items("/api/v1/runs?limit=1000")}, devices, assets

        crowd = Crowd(admin, LISTENERS, read, seed, LONGEST_S)
        crowd.go_on(1)
        before = {"web": pss(web_pid(fleet)), "hub": pss(fleet.hub.process.pid)}
        argv = [HUB, "simulate", "--state-dir", fleet.hub_dir, "--devices", str(DEVICES), "--rate", str(RATE), "--duration", f"{SECONDS}s",
                "--seed", str(seed % 1000000 + 1), "--json"]
        with open(os.path.join(fleet.dir, "simulate.log"), "w") as log:
            simulated = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            wait_for("devices tell something", lambda: crowd.go_on(0.3) or truth(fleet.hub_db)[0], seconds=120)
            for turn in range(4):
                crowd.go_on(SECONDS / 4, leave_per_s=LISTENERS / 3, sleep_per_s=LISTENERS / 40)
                act(fleet, turn)
            while simulated.poll() is None:
                crowd.go_on(0.5, leave_per_s=LISTENERS / 3)
            assert simulated.returncode == 0, simulated.stdout.read() + open(os.path.join(fleet.dir, "simulate.log")).read()
            crowd.go_on(LONGEST_S + 1)  # those that sleep wake up
            wait_for("everybody believes the truth", lambda: crowd.go_on(1) or not differences(crowd, fleet), seconds=600)
            grown = {"web": pss(web_pid(fleet)) - before["web"], "hub": pss(fleet.hub.process.pid) - before["hub"]}
            print(f"{len(truth(fleet.hub_db)[0])} runs; " + ", ".join(f"{name} {crowd.total(name)}" for name in ("told", "resumed", "resets", "cuts"))
                  + f"; KiB grown: {grown}")
            assert max(grown.values()) < GROWN_KIB, grown
            return crowd
        except AssertionError:
            print("differences:", differences(crowd, fleet)[:10], file=sys.stderr)
            raise
        finally:
            simulated.kill()
            simulated.wait()
            crowd.close()


def nobody_is_told_less_than_the_truth():
    crowd = crowded(lambda fleet, turn: None)
    assert crowd.total("resumed") > 0, "nobody came back"


def not_even_when_the_web_process_or_the_hub_ends():
    def act(fleet, turn):
        if turn == 0:
            os.kill(web_pid(fleet), signal.SIGKILL)
        elif turn == 1:
            fleet.hub.kill()
            fleet.start_hub()
        elif turn == 2:
            fleet.hub.stop()
            fleet.start_hub()
    crowd = crowded(act)
    assert crowd.total("resets") > 0, "another process went on where the first had been"


if __name__ == "__main__":
    sys.exit(run_tests([changes_are_told_and_resumed, a_session_that_ends_ends_its_streams, one_user_does_not_hold_all_streams, nobody_listens_without_a_login,
                        nobody_is_told_less_than_the_truth, not_even_when_the_web_process_or_the_hub_ends], at_once=1 if LONG else 2))
