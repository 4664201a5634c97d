"""Desired state with the real hub, broker and agents: set, applied, refused, degraded; who wins; a hub that is away; a broker that
forgets; a hub that was put back; messages that nobody signed; a hub whose operators sign elsewhere."""
import json
import os
import shutil
import subprocess
import sys
import time

from fleet import HUB, Fleet, need, run, run_tests, wait_for
from mqtt_stranger import Stranger, tls

DEFINITIONS = """project: shop
assets:
  - {key: a, run: ["true"]}
  - {key: b, run: ["true"]}
jobs:
  - {name: all, select: "*"}
schedules:
  - {name: nightly, job: all, cron: "30 2 * * *"}
sensors:
  - {name: files, watch: in/*.csv, job: all}
"""


def document(fleet, name, text, *options):
    path = os.path.join(fleet.dir, f"{name}.yaml")
    with open(path, "w") as f:
        f.write(text)
    return fleet.command("desired", "set", path, *options)


def status(fleet):
    return {row["device"]: row
            for row in map(json.loads, fleet.command("desired", "status", "--json").splitlines())}


def until(fleet, device, state, wanted=None, seconds=60):
    def reached():
        row = status(fleet).get(device.name, {"state": "", "wanted": 0})
        return row if row["state"] == state and wanted in (None, row["wanted"]) else None
    try:
        return wait_for(f"{device.name} is {state} at {wanted}", reached, seconds)
    except AssertionError:
        print(status(fleet), file=sys.stderr)
        raise


def schedules(device):
    return {row["schedule"]: row for row in map(json.loads, device.command("schedules", "--json").splitlines())}


def fleet_of(*names):
    fleet = Fleet()
    fleet.start_hub()
    for name in names:
        device = fleet.device(name, DEFINITIONS)
        device.enrol()
        device.start()
    return fleet


def test_set_applied_refused_degraded():
    with fleet_of("brooklyn", "harlem") as fleet:
        brooklyn, harlem = fleet.devices
        fleet.command("device", "label", "brooklyn", "site=newyork")
        said = document(fleet, "nightly", "schedules: [{name: nightly, job: all, cron: 0 4 * * *, timezone: Europe/Berlin}]\n"
                        "settings: {sync_linger: 20ms, log_level: debug}\n", "--to", "label:site=newyork")
        assert "means 1 device" in said, said
        until(fleet, brooklyn, "in force", 1)
        assert harlem.name not in status(fleet)
        nightly = schedules(brooklyn)["nightly"]
        assert (nightly["origin"], nightly["cron"]) == ("hub", "0 4 * * *"), nightly
        assert schedules(harlem)["nightly"]["origin"] == "file"

        # A label brings the other one in; what a device has already is issued no second time.
        fleet.command("device", "label", "harlem", "site=newyork")
        until(fleet, harlem, "in force", 1)
        assert status(fleet)["brooklyn"]["wanted"] == 1

        # Refused whole, with the reason; what was in force stays.
        document(fleet, "extra", "schedules: [{name: extra, job: al, every: 1h}, {name: more, select: a, every: 1h}]\n",
                 "--to", "brooklyn")
        row = until(fleet, brooklyn, "refused", 2)
        assert 'schedule extra: there is no job "al"' in row["reason"], row
        assert row["in_force"] == 1 and set(schedules(brooklyn)) == {"nightly"}, row

        # The definitions come to fit: it applies what it had refused.
        brooklyn.define(DEFINITIONS.replace("jobs:\n", "jobs:\n  - {name: al, select: a}\n"))
        brooklyn.command("reload")
        until(fleet, brooklyn, "in force", 2)
        assert set(schedules(brooklyn)) == {"nightly", "extra", "more"}

        # And no longer: the rest stays, the reason is told, across a restart.
        brooklyn.define(DEFINITIONS)
        brooklyn.command("reload")
        row = until(fleet, brooklyn, "degraded", 2)
        assert 'schedule extra: there is no job "al"' in row["reason"], row
        assert set(schedules(brooklyn)) == {"nightly", "more"}
        told = brooklyn_events(fleet)
        brooklyn.daemon.stop()
        brooklyn.start()
        assert set(schedules(brooklyn)) == {"nightly", "more"}
        time.sleep(0.5)
        assert brooklyn_events(fleet) == told, "the same is told once"
        fleet.command("desired", "remove", "extra")
        until(fleet, brooklyn, "in force", 3)
        fleet.command("desired", "remove", "nightly")
        until(fleet, brooklyn, "in force", 4)
        assert schedules(brooklyn)["nightly"]["origin"] == "file"
        assert schedules(brooklyn)["nightly"]["cron"] == "30 2 * * *"
        fleet.hub.stop()
        fleet.command("rebuild", "--check")


def brooklyn_events(fleet):
    return fleet.query("SELECT count(*) FROM event e JOIN stream s ON s.id = e.stream_id "
                       "WHERE s.device = 'brooklyn' AND e.type = 'desired'")[0][0]


def test_settings():
    with fleet_of("brooklyn") as fleet:
        brooklyn = fleet.devices[0]
        for revision, level in ((1, "error"), (2, "info")):
            document(fleet, "log", f"settings: {{log_level: {level}}}\n", "--to", "*")
            until(fleet, brooklyn, "in force", revision)
        log = brooklyn.daemon.read_log()
        assert "event=desired.applied revision=1" not in log and "event=desired.applied revision=2" in log, log


def test_pauses():
    with fleet_of("brooklyn") as fleet:
        brooklyn = fleet.devices[0]
        document(fleet, "stop", "pauses: {schedules: ['*'], sensors: [files], automation: true}\n", "--to", "*")
        until(fleet, brooklyn, "in force", 1)
        row = schedules(brooklyn)["nightly"]
        assert (row["status"], row["paused_by"]) == ("paused", "hub"), row
        refused = brooklyn.command("schedules", "resume", "nightly", code=None)
        assert refused.returncode != 0 and "the hub pauses it" in refused.stderr, refused.stderr
        assert "automation is paused by the hub" in brooklyn.command("automation", "status")
        assert json.loads(brooklyn.command("status", "--json"))["desired_status"] == "applied"
        refused = brooklyn.command("automation", "resume", code=None)
        assert refused.returncode != 0 and "the hub pauses it" in refused.stderr, refused.stderr
        refused = brooklyn.command("sensors", "resume", "files", code=None)
        assert refused.returncode != 0 and "the hub pauses it" in refused.stderr, refused.stderr
        fleet.command("desired", "remove", "stop")
        until(fleet, brooklyn, "in force", 2)
        assert schedules(brooklyn)["nightly"]["status"] == "running"
        # Somebody who stands there is not overruled.
        brooklyn.command("schedules", "pause", "nightly")
        document(fleet, "times", "schedules: [{name: nightly, job: all, cron: 0 5 * * *}]\n", "--to", "*")
        until(fleet, brooklyn, "in force", 3)
        row = schedules(brooklyn)["nightly"]
        assert (row["origin"], row["status"]) == ("hub", "paused") and "paused_by" not in row, row


def test_ticks_without_the_hub():
    """A schedule of the hub goes on ticking when hub and broker are gone, across a restart, and each tick starts one run."""
    with fleet_of("brooklyn") as fleet:
        brooklyn = fleet.devices[0]
        document(fleet, "fast", "schedules: [{name: fast, select: a, every: 1s, missed: {all: 100}}]\n", "--to", "*")
        until(fleet, brooklyn, "in force", 1)
        fleet.hub.stop()

        def started():
            return [row[0] for row in brooklyn.query("SELECT nominal FROM tick WHERE name = 'fast' AND status = 'started'")]
        wait_for("three ticks", lambda: len(started()) >= 3)
        brooklyn.daemon.kill()
        time.sleep(1.5)
        brooklyn.start()
        before = len(started())
        wait_for("more ticks after a crash", lambda: len(started()) >= before + 3)
        ticks = started()
        assert len(ticks) == len(set(ticks)), "a tick started two runs"


def test_forgetful_broker():
    with fleet_of("brooklyn") as fleet:
        brooklyn = fleet.devices[0]
        document(fleet, "one", "schedules: [{name: extra, job: all, every: 1h}]\n", "--to", "*")
        until(fleet, brooklyn, "in force", 1)
        brooklyn.daemon.stop()
        document(fleet, "one", "schedules: [{name: extra, job: all, every: 2h}]\n", "--to", "*")
        wait_for("it was sent", lambda: fleet.query("SELECT 1 FROM desired_device WHERE revision = 2 AND sent_ms IS NOT NULL"))
        assert status(fleet)["brooklyn"]["state"] == "waiting"
        before = fleet.hub.read_log().count("hub.online")
        fleet.kill_broker()  # it keeps nothing
        wait_for("the hub is back", lambda: fleet.hub.read_log().count("hub.online") > before)
        brooklyn.start()
        until(fleet, brooklyn, "in force", 2)


def test_restored_hub():
    """The hub is put back to before revisions that the device has seen: it gives higher numbers."""
    with fleet_of("brooklyn") as fleet:
        brooklyn = fleet.devices[0]
        document(fleet, "one", "schedules: [{name: extra, job: all, every: 1h}]\n", "--to", "*")
        until(fleet, brooklyn, "in force", 1)
        fleet.hub.stop()
        for name in os.listdir(fleet.hub_dir):
            if name.startswith("hub.db"):
                shutil.copy(os.path.join(fleet.hub_dir, name), os.path.join(fleet.dir, "old-" + name))
        fleet.start_hub()
        for hours in (2, 3):
            document(fleet, "one", f"schedules: [{{name: extra, job: all, every: {hours}h}}]\n", "--to", "*")
            until(fleet, brooklyn, "in force", hours)
        fleet.hub.stop()
        for name in os.listdir(fleet.hub_dir):
            if name.startswith("hub.db"):
                os.remove(os.path.join(fleet.hub_dir, name))
        shutil.copy(os.path.join(fleet.dir, "old-hub.db"), os.path.join(fleet.hub_dir, "hub.db"))
        document(fleet, "one", "schedules: [{name: extra, job: all, every: 7h}]\n", "--to", "*")
        fleet.start_hub()
        wait_for("a higher revision is in force", lambda: brooklyn.query(
            "SELECT 1 FROM desired WHERE slot = 'applied' AND revision > 3"), 60)
        assert schedules(brooklyn)["extra"]["every_s"] == 7 * 3600
        until(fleet, brooklyn, "in force")


def publish(fleet, topic, payload):
    """As a broker that was taken over would."""
    ca = os.path.join(fleet.hub_dir, "broker", "ca.pem")
    cert, key = (os.path.join(fleet.hub_dir, "identity", name) for name in ("hub.pem", "hub.key"))
    with Stranger(fleet.port, "stranger", tls(ca, cert, key)) as stranger:
        assert stranger.publish(topic, payload.encode(), retain=True) == 0


def test_strangers_messages():
    with fleet_of("brooklyn", "harlem") as fleet:
        brooklyn, harlem = fleet.devices
        for hours in (1, 2):
            document(fleet, "one", f"schedules: [{{name: extra, job: all, every: {hours}h}}]\n", "--to", "*")
            for device in (brooklyn, harlem):
                until(fleet, device, "in force", hours)
        topic = f"selvedge/v1/{fleet.name}/brooklyn/desired"
        message, body = fleet.query("SELECT message, body FROM desired_device WHERE device = 'brooklyn'")[0]
        message = bytes(message).decode()
        other = bytes(fleet.query("SELECT message FROM desired_device WHERE device = 'harlem'")[0][0]).decode()
        altered = message.replace('"revision":2', '"revision":9')
        for wrong in (body, altered, other, "no message at all"):
            seen = brooklyn.daemon.read_log().count("desired.turned_away")
            publish(fleet, topic, wrong)
            wait_for("it is turned away", lambda: brooklyn.daemon.read_log().count("desired.turned_away") > seen)
        assert brooklyn.query("SELECT revision FROM desired WHERE slot = 'applied'") == [(2,)]
        wait_for("the hub is told", lambda: fleet.query("SELECT 1 FROM device_desired WHERE device = 'brooklyn' AND revision = 0"))
        assert brooklyn_events(fleet) == 3, "four in a minute are one event"


def sign(key, key_id, body):
    done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=body.encode(), capture_output=True, check=True)
    return json.dumps({"v": 1, "key": key_id, "sig": done.stdout.hex()}, separators=(",", ":")) + "\n" + body + "\n"


def test_signed_elsewhere():
    need("/usr/bin/openssl")
    with fleet_of("brooklyn") as fleet:
        brooklyn = fleet.devices[0]
        document(fleet, "one", "schedules: [{name: extra, job: all, every: 1h}]\n", "--to", "*")
        until(fleet, brooklyn, "in force", 1)
        key_id = json.loads(bytes(fleet.query("SELECT message FROM desired_device")[0][0]).split(b"\n")[0])["key"]
        fleet.hub.stop()
        key = os.path.join(fleet.dir, "operator.key")
        shutil.move(os.path.join(fleet.hub_dir, "command", "hub.key"), key)
        fleet.start_hub()
        document(fleet, "one", "schedules: [{name: extra, job: all, every: 2h}]\n", "--to", "*")
        until(fleet, brooklyn, "unsigned", 2)
        body = fleet.command("desired", "export").strip()
        path = os.path.join(fleet.dir, "signed.jsonl")
        with open(path, "w") as f:
            f.write(sign(key, key_id, body) + sign(key, key_id, body.replace("7200", "60").replace("2h", "1m")))
        done = fleet.command("desired", "import", path, code=1)
        assert done.startswith("took 1, refused 1"), done
        until(fleet, brooklyn, "in force", 2)
        assert fleet.command("desired", "export") == ""


def test_conflicts_and_diff():
    with fleet_of("brooklyn") as fleet:
        brooklyn = fleet.devices[0]
        document(fleet, "a", "settings: {log_level: debug}\n", "--to", "*")
        until(fleet, brooklyn, "in force", 1)
        path = os.path.join(fleet.dir, "b.yaml")
        with open(path, "w") as f:
            f.write("settings: {log_level: warn}\nschedules: [{name: extra, job: all, every: 1h}]\n")
        diff = run(HUB, "desired", "diff", path, "--to", "*", "--state-dir", fleet.hub_dir, code=1)
        assert '- settings {"log_level":"debug"}' in diff and '+ settings {"log_level":"warn"}' in diff, diff
        assert '+ schedule {"name":"extra","job":"all","every":"1h"}' in diff, diff
        document(fleet, "b", "settings: {log_level: warn}\n", "--to", "*")
        row = until(fleet, brooklyn, "in force", 2)
        assert "log_level: in both a and b, of equal priority; b wins" in row["conflicts"], row
        document(fleet, "a", "settings: {log_level: debug}\n", "--to", "*", "--priority", "5")
        row = until(fleet, brooklyn, "in force", 3)
        assert "conflicts" not in row, row
        wrong = os.path.join(fleet.dir, "wrong.yaml")
        with open(wrong, "w") as f:
            f.write("schedules:\n  - {name: x, job: all, croon: 1}\nsetings: {}\n")
        done = fleet.command("desired", "set", wrong, "--to", "*", code=None)
        assert done.returncode != 0 and "wrong.yaml:3" in done.stderr, done.stderr


TESTS = [test_set_applied_refused_degraded, test_settings, test_pauses, test_ticks_without_the_hub, test_forgetful_broker, test_restored_hub,
         test_strangers_messages, test_signed_elsewhere, test_conflicts_and_diff]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=3))
