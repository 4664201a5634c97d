"""Certificates that live for seconds are renewed without a lost event, whatever happens on the way."""
import json
import os
import random
import ssl
import subprocess
import sys
import time

from first_boot_test import SHIM, set_clock
from fleet import Fleet, need, run_tests, wait_for
from revoke_test import online, works

DEFINITIONS = "project: test\nassets:\n  - {key: a, run: ['true']}\n"
IS_LONG = bool(os.environ.get("SELVEDGE_LONG"))
LIFETIME = "5m" if IS_LONG else "5s"
RENEWALS = 20 if IS_LONG else 3


def set_lifetime(fleet, text):
    with open(os.path.join(fleet.hub_dir, "hub.yaml"), "a") as f:
        f.write(f"certificate_lifetime: {text}\n")


def serial(device, name="cert.pem"):
    path = os.path.join(device.state, "identity", name)
    return subprocess.run(["openssl", "x509", "-in", path, "-noout", "-serial"], capture_output=True, text=True, check=True).stdout


def end_of(device):
    """Of its certificate, in seconds since 1970."""
    path = os.path.join(device.state, "identity", "cert.pem")
    said = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-enddate"], capture_output=True, text=True, check=True).stdout
    return ssl.cert_time_to_seconds(said.strip().partition("=")[2])


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
        events, is_cut, end = 0, False, time.monotonic() + (7200 if IS_LONG else 60)
        while renewals(device) < RENEWALS:
            assert time.monotonic() < end, device.daemon.tail()
            device.command("materialize", "a")
            events += 1
            keys.add(open(device.state + "/identity/key.pem").read())
            if renewals(device) >= 1 and not is_cut:
                fleet.kill_broker()  # the next connection shows the new certificate
                is_cut = True
            time.sleep(10 if IS_LONG else 0.5)
        assert len(keys) >= RENEWALS, "a new key each time"
        works(device)
        assert len(fleet.query("SELECT 1 FROM run WHERE status = 'success'")) == events + 1
        assert recorded(fleet, device) == device.position()["acked_seq"]
        assert not os.path.exists(device.state + "/identity/pending-key.pem")
        print(f"  {renewals(device)} renewals of certificates of {LIFETIME}, {recorded(fleet, device)} events, none lost")


def a_power_cut_at_any_step_leaves_a_device_that_connects():
    """Killed at a random moment, again and again, while it renews as often as it can."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"  seed={seed}")
    chance = random.Random(seed)
    with Fleet("test") as fleet:
        set_lifetime(fleet, "4s")
        fleet.start_hub()
        device = fleet.device("boston", DEFINITIONS)
        device.enrol()
        for _ in range(40 if IS_LONG else 6):
            device.start()
            time.sleep(chance.uniform(0.2, 8.0 if IS_LONG else 2.0))
            device.daemon.kill()
        device.start()
        works(device)


def a_device_that_was_away_too_long_comes_back():
    """Two certificates that ended: one within renewal_grace, one that the hub does not take back."""
    with Fleet("test") as fleet:
        set_lifetime(fleet, "3s")
        fleet.start_hub()
        device = fleet.device("boston", DEFINITIONS)
        device.enrol()
        device.start()
        works(device)
        device.daemon.kill()
        before = serial(device)
        time.sleep(max(0, end_of(device) - time.time()) + 0.5)
        device.start()
        works(device)
        assert "certificate.recovered" in device.daemon.read_log() and serial(device) != before
        assert fleet.query("SELECT count(*) FROM certificate WHERE cause = 'recovered'")[0][0] >= 1

        device.daemon.kill()
        fleet.hub.stop()
        with open(os.path.join(fleet.hub_dir, "hub.yaml"), "a") as f:
            f.write("renewal_grace: 1s\n")
        time.sleep(max(0, end_of(device) - time.time()) + 1.5)
        fleet.start_hub()
        device.start()
        wait_for("the hub says why not", lambda: "renewal_grace" in fleet.command("refusals"))
        wait_for("the device says it", lambda: "renewal_grace" in device.daemon.read_log())
        fleet.command("device", "revoke", "boston")


def a_device_whose_clock_says_1970_comes_back():
    """It cannot know when its certificate is due, nor that it has ended: the broker says so, and it gets another. With the
    time set it renews as all do."""
    need(SHIM)
    with Fleet("test") as fleet:
        set_lifetime(fleet, "4s")
        fleet.start_hub()
        device = fleet.device("boston", DEFINITIONS)
        device.enrol()
        clock = os.path.join(fleet.dir, "clock")
        set_clock(clock, -int(time.time()) + 60)
        device.daemon.env = {**os.environ, "LD_PRELOAD": SHIM, "SHIFTED_CLOCK": clock}
        device.start()
        works(device)
        before, ends = serial(device), end_of(device)
        time.sleep(max(0, ends - time.time()) + 0.5)
        works(device)  # the connection that it has is good for longer
        assert serial(device) == before and "time=1970-01-01" in device.daemon.read_log()
        fleet.kill_broker()
        wait_for("it has another", lambda: serial(device) != before, 60)
        works(device)
        log = device.daemon.read_log()
        assert "certificate.recovered" in log and not renewals(device), "in 1970 nothing is due by the date"
        assert all(line.startswith("time=1970-") for line in log.splitlines() if "certificate.recovered" in line)

        device.daemon.stop()  # the kernel says that a clock was set, and of this one it knows nothing
        set_clock(clock, 0)
        device.start()
        wait_for("it renews, now that it knows the date", lambda: renewals(device) > 0, 60)
        works(device)
        assert len(fleet.query("SELECT 1 FROM run WHERE status = 'success'")) == 4, "none lost, and none twice"
        assert recorded(fleet, device) == device.position()["acked_seq"]


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


TESTS = [certificates_are_renewed_without_a_lost_event, a_power_cut_at_any_step_leaves_a_device_that_connects,
         a_device_that_was_away_too_long_comes_back, a_device_whose_clock_says_1970_comes_back, a_renewal_is_refused_to_who_is_out]
if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=5))
