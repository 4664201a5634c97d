"""Another CA for a fleet, without a gap: devices record all the time while it is changed. No event is lost, none is there twice,
no device is left behind, one that joins meanwhile is one like all; who was away comes back by the documented way."""
import json
import os
import ssl
import sys
import threading

from fleet import Fleet, run_tests, wait_for
from mqtt_stranger import Refused, Stranger, tls
from renew_test import set_lifetime
from revoke_test import online, works

DEFINITIONS = "project: test\nassets:\n  - {key: a, run: ['true']}\n"
LIFETIME = "100s"  # so that devices renew within a second of being told


def status(fleet):
    """The counts, and what is not there yet: {device: why}."""
    lines = [json.loads(line) for line in fleet.command("ca", "status", "--json").splitlines()]
    return lines[0], {line["device"]: line["standing"] for line in lines[1:]}


def all_moved(fleet):
    counts, behind = status(fleet)
    return counts["devices"] > 0 and not behind


def start(fleet, name, *token):
    device = fleet.device(name, DEFINITIONS)
    device.enrol(*token)
    device.start()
    wait_for(f"{name} is online", lambda: online(fleet, name))
    return device


class Recorder:
    """Materializes on a device, again and again, until it is told to stop."""

    def __init__(self, device):
        self.device, self.runs, self.failed, self.is_over = device, 0, None, False
        self.thread = threading.Thread(target=self.record)
        self.thread.start()

    def record(self):
        try:
            while not self.is_over:
                self.device.command("materialize", "a")
                self.runs += 1
        except Exception as error:  # told by the test's own thread
            self.failed = error

    def stop(self):
        self.is_over = True
        self.thread.join()
        if self.failed is not None:
            raise self.failed
        return self.runs


def handshake_with(fleet, device):
    """Whether the broker takes this device's certificate."""
    folder = device.state + "/identity/"
    context = tls(folder + "ca.pem", folder + "cert.pem", folder + "key.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        with Stranger(fleet.port, f"probe.{device.name}", context):
            return True
    except (Refused, OSError):
        return False


def the_ca_is_changed_without_a_gap():
    with Fleet("test") as fleet:
        set_lifetime(fleet, LIFETIME)
        fleet.start_hub()
        earlier_token = fleet.token("--label", "made before")
        devices = [start(fleet, name) for name in ("boston", "chicago", "denver")]
        assert all_moved(fleet), (status(fleet), fleet.query("SELECT device, authorities, authority FROM connection"))
        assert not status(fleet)[0]["is_under_way"]
        broker = fleet.broker_pid()
        recorders = [Recorder(device) for device in devices]
        try:
            fleet.command("ca", "rotate")
            assert "already" in fleet.command("ca", "rotate", code=None).stderr
            during_token = fleet.token()
            devices.append(start(fleet, "eugene", earlier_token))
            devices.append(start(fleet, "fresno", during_token))
            wait_for("all have moved", lambda: all_moved(fleet), 60)
            late_token = fleet.token("--label", "made during, used after")
            fleet.command("ca", "finish")
            devices.append(start(fleet, "golden", late_token))
            devices.append(start(fleet, "helena", fleet.token()))
            wait_for("the old CA is trusted by nobody", lambda: all_moved(fleet), 60)
        finally:
            runs = sum(recorder.stop() for recorder in recorders)
        for device in devices:
            works(device)
        for device in devices[:3]:
            assert json.loads(device.command("status", "--json"))["connects"] == 1, f"{device.name} was never cut off"
        assert fleet.broker_pid() == broker, "the broker was not started again"

        # All of it under the new CA alone, also after every connection is made anew.
        fleet.kill_broker()
        for device in devices:
            works(device)
        assert len(fleet.query("SELECT 1 FROM run WHERE status = 'success'")) == runs + 2 * len(devices)
        assert fleet.query("SELECT count(*), count(DISTINCT stream_id || ':' || seq) FROM event")[0][0] == \
            fleet.query("SELECT sum(merged_seq) FROM stream")[0][0], "none lost, none twice"
        assert not fleet.query("SELECT 1 FROM gap LIMIT 1")
        print(f"  {runs} runs on 3 devices while the CA was changed, none lost")

        again = fleet.device("idaho", DEFINITIONS).enrol(earlier_token, code=None)
        assert again.returncode != 0, "a token of before names a CA that is gone"


TESTS = [the_ca_is_changed_without_a_gap]
if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=4))
