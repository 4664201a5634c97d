"""Certificates that live for seconds are renewed without a lost event, whatever happens on the way."""
import json
import os
import random
import subprocess
import sys
import time

from fleet import Fleet, run_tests, wait_for
from revoke_test import online, works

DEFINITIONS = "project: test\nassets:\n  - {key: a, run: ['true']}\n"
IS_LONG = bool(os.environ.get("SELVEDGE_LONG"))
LIFETIME = "5m" if IS_LONG else "12s"
RENEWALS = 20 if IS_LONG else 3


def set_lifetime(fleet, text):
    with open(os.path.join(fleet.hub_dir, "hub.yaml"), "a") as f:
        f.write(f"certificate_lifetime: {text}\n")


def serial(device, name="cert.pem"):
    path = os.path.join(device.state, "identity", name)
    return subprocess.run(["openssl", "x509", "-in", path, "-noout", "-serial"], capture_output=True, text=True, check=True).stdout


def renewals(device):
    return device.daemon.read_log().count("event=certificate.renewed")


def recorded(fleet, device):
    return fleet.query("SELECT coalesce(sum(merged_seq), 0) FROM stream WHERE device = ?", device.name)[0][0]


def certificates_are_renewed_without_a_lost_event():
    with Fleet("test") as fleet:
        set_lifetime(fleet, LIFETIME)
        fleet.start_hub()
        device = fleet.device("boston", DEFINITIONS)
        device.enrol()
        keys = {open(device.state + "/identity/key.pem").read()}
        device.start()
        events, end = 0, time.monotonic() + (7200 if IS_LONG else 60)
        while renewals(device) < RENEWALS:
            assert time.monotonic() < end, device.daemon.tail()
            device.command("materialize", "a")
            events += 1
            keys.add(open(device.state + "/identity/key.pem").read())
            if renewals(device) == 1 and not IS_LONG:
                fleet.kill_broker()  # the next connection shows the new certificate
            time.sleep(10 if IS_LONG else 0.5)
        assert len(keys) >= RENEWALS, "a new key each time"
        works(device)
        assert len(fleet.query("SELECT 1 FROM run WHERE status = 'success'")) == events + 1
        assert recorded(fleet, device) == device.position()["acked_seq"]
        assert not os.path.exists(device.state + "/identity/pending-key.pem")
        print(f"  {renewals(device)} renewals of certificates of {LIFETIME}, {recorded(fleet, device)} events, none lost")


def a_renewal_is_refused_to_who_is_out():
    with Fleet("test") as fleet:
        set_lifetime(fleet, "12s")
        fleet.start_hub()
        device = fleet.device("boston", DEFINITIONS)
        device.enrol()
        before = serial(device)
        fleet.command("device", "revoke", "boston")
        device.start()
        time.sleep(3)
        assert serial(device) == before and not online(fleet, "boston")
        assert fleet.query("SELECT count(*) FROM certificate WHERE revoked_ms IS NULL") == [(0,)]


TESTS = [certificates_are_renewed_without_a_lost_event, a_renewal_is_refused_to_who_is_out]
if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
