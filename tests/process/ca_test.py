"""Another CA for a fleet, without a gap: devices record all the time while it is changed. No event is lost, none is there twice,
no device is left behind, one that joins meanwhile is one like all; who was away comes back by the documented way."""
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from first_boot_test import SHIM, set_clock
from fleet import Fleet, run_tests, wait_for
from mqtt_stranger import Stranger, tls
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


def start(fleet, name, *token, env=None):
    device = fleet.device(name, DEFINITIONS)
    device.enrol(*token)
    device.daemon.env = env
    device.start()
    wait_for(f"{name} is online", lambda: online(fleet, name))
    return device


def start_all(fleet, **environments):
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda name: start(fleet, name, env=environments[name]), environments))


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


def the_ca_is_changed_without_a_gap():
    with Fleet("test") as fleet:
        set_lifetime(fleet, LIFETIME)
        fleet.start_hub()
        earlier_token = fleet.token("--label", "made before")
        clock = os.path.join(fleet.dir, "clock")
        set_clock(clock, -int(time.time()) + 60)
        in_1970 = {**os.environ, "LD_PRELOAD": SHIM, "SHIFTED_CLOCK": clock}  # it needs no date for any of this
        devices = start_all(fleet, boston=None, chicago=None, denver=in_1970)
        assert all_moved(fleet), (status(fleet), fleet.query("SELECT device, authorities, authority FROM connection"))
        assert not status(fleet)[0]["is_under_way"]
        broker = fleet.broker_pid()
        recorders = [Recorder(device) for device in devices]
        try:
            fleet.command("ca", "rotate")
            assert "already" in fleet.command("ca", "rotate", code=None).stderr
            devices.append(start(fleet, "eugene", earlier_token))
            wait_for("all have moved", lambda: all_moved(fleet), 60)
            late_token = fleet.token("--label", "made during, used after")
            fleet.command("ca", "finish")
            devices.append(start(fleet, "golden", late_token))
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


def move_all(fleet):
    fleet.command("ca", "rotate")
    wait_for("all have moved", lambda: all_moved(fleet), 60)


def who_was_away_all_the_time_comes_back_with_a_token():
    with Fleet("test") as fleet:
        set_lifetime(fleet, LIFETIME)
        fleet.start_hub()
        boston, chicago, denver = start_all(fleet, boston=None, chicago=None, denver=None)
        works(boston)
        boston.daemon.stop()
        fleet.command("ca", "rotate")
        wait_for("only boston has not moved", lambda: status(fleet)[1] == {"boston": "not_trusting"}, 60)
        denver.daemon.stop()  # it has moved, and misses the end alone
        refusal = fleet.command("ca", "finish", code=None)
        assert refusal.returncode == 5 and "1 device would be cut off: boston" in refusal.stderr, refusal
        assert "does not trust it yet" in fleet.command("ca", "status")
        assert "cut off: boston" in fleet.command("ca", "finish", "--force")

        denver.start()
        works(denver)
        works(chicago)
        boston.start()
        wait_for("boston says why it does not come", lambda: "not signed by a CA that we trust" in boston.daemon.read_log())
        boston.command("materialize", "a")  # it works on by itself
        boston.daemon.stop()
        key = open(boston.state + "/identity/key.pem").read()
        boston.enrol(fleet.token("--names", "boston"))
        boston.start()
        works(boston)
        assert key == open(boston.state + "/identity/key.pem").read()
        assert len(fleet.query("SELECT 1 FROM stream WHERE device = 'boston'")) == 1, "its history goes on"
        assert len(fleet.query("SELECT 1 FROM run WHERE status = 'success'")) == 5
        wait_for("all have moved", lambda: all_moved(fleet), 60)


def a_crash_at_any_step_leaves_what_works():
    with Fleet("test") as fleet:
        set_lifetime(fleet, LIFETIME)
        ca = os.path.join(fleet.hub_dir, "ca")
        fleet.start_hub()
        boston, chicago = start_all(fleet, boston=None, chicago=None)

        # The hub is killed before it hears of it, a device at the moment that it has written the CAs, and one that renews.
        fleet.hub.kill()
        fleet.command("ca", "rotate")
        fleet.start_hub()
        wait_for("boston has written the CAs", lambda: "authorities.changed" in boston.daemon.read_log(), every=0.01)
        boston.daemon.kill()
        wait_for("chicago asks for a certificate", lambda: os.path.exists(chicago.state + "/identity/pending-key.pem") or
                 "certificate.renewed" in chicago.daemon.read_log(), every=0.01)
        chicago.daemon.kill()
        boston.start()
        chicago.start()
        wait_for("all have moved", lambda: all_moved(fleet), 60)

        # Ended by a power cut behind its first step: the hub completes it.
        fleet.hub.kill()
        with open(os.path.join(ca, "next.key")) as key, open(os.path.join(ca, "ca.key"), "w") as current:
            current.write(key.read())
        fleet.start_hub()
        assert not os.path.exists(os.path.join(ca, "next.pem")) and not status(fleet)[0]["is_under_way"]
        wait_for("the old CA is trusted by nobody", lambda: all_moved(fleet), 60)
        for device in (boston, chicago):
            works(device)


def publish_as_hub(fleet, device, message):
    folder = fleet.hub_dir
    hub = tls(folder + "/broker/ca.pem", folder + "/identity/hub.pem", folder + "/identity/hub.key")
    with Stranger(fleet.port, "postman", hub) as postman:
        assert postman.publish(f"selvedge/v1/test/{device.name}/certificate", json.dumps(message).encode()) == 0


def sign(text, key, folder):
    path = os.path.join(folder, "told")
    with open(path, "w") as file:
        file.write(text)
    return subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, path], capture_output=True, check=True).stdout.hex()


def nobody_is_talked_into_another_ca():
    """Who has the broker and the hub's certificate tells devices of CAs: their own, or those of before."""
    with Fleet("test") as fleet:
        set_lifetime(fleet, LIFETIME)
        fleet.start_hub()
        boston = start(fleet, "boston")
        evil = os.path.join(fleet.dir, "evil")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", evil + ".key",
                        "-out", evil + ".pem", "-subj", "/CN=test-ca", "-days", "9"], capture_output=True, check=True)
        ca = [open(os.path.join(fleet.hub_dir, "ca", name)).read() for name in ("ca.pem", "ca.key")]
        evil_pem = open(evil + ".pem").read()
        old_key = os.path.join(fleet.dir, "old.key")
        with open(old_key, "w") as file:
            file.write(ca[1])
        move_all(fleet)
        both = open(boston.state + "/identity/ca.pem").read()
        fleet.command("ca", "finish")
        wait_for("the old CA is trusted by nobody", lambda: all_moved(fleet), 60)
        trusted = open(boston.state + "/identity/ca.pem").read()

        tries = [(evil_pem, sign(evil_pem, evil + ".key", fleet.dir)), (trusted + evil_pem, sign(trusted + evil_pem, evil + ".key", fleet.dir)),
                 (both, sign(both, old_key, fleet.dir)), (ca[0], sign(ca[0], old_key, fleet.dir)),
                 (trusted * 5, "00"), ("garbage", "3045"), (evil_pem, "not hex")]
        for pems, signature in tries:
            publish_as_hub(fleet, boston, {"authorities": pems, "signature": signature})
        publish_as_hub(fleet, boston, {"authorities": evil_pem})
        wait_for("each is refused", lambda: boston.daemon.read_log().count("event=authorities.refused") == len(tries))
        wait_for("one that is not signed is none", lambda: "certificate.bad_answer" in boston.daemon.read_log())
        assert trusted == open(boston.state + "/identity/ca.pem").read()
        fleet.kill_broker()
        works(boston)


def openssl(*argv):
    subprocess.run(["openssl", *argv], capture_output=True, check=True)


def server_certificate(fleet):
    """What the broker shows, as DER."""
    with socket.create_connection(("127.0.0.1", fleet.enrol_port), timeout=10) as plain, tls().wrap_socket(plain) as server:
        return server.getpeercert(binary_form=True)


def the_brokers_certificate_is_renewed_while_it_serves():
    """One that is near its end stands there; the hub finds it at its next look, half a minute later at most."""
    with Fleet("test") as fleet:
        fleet.start_hub()
        boston = start(fleet, "boston")
        broker, before = fleet.broker_pid(), server_certificate(fleet)
        ca, server = os.path.join(fleet.hub_dir, "ca/ca"), os.path.join(fleet.hub_dir, "broker/server")
        request, extensions = os.path.join(fleet.dir, "server.csr"), os.path.join(fleet.dir, "server.ext")
        with open(extensions, "w") as file:
            file.write("basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("req", "-new", "-key", server + ".key", "-subj", "/CN=broker", "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", ca + ".pem", "-CAkey", ca + ".key", "-set_serial", "77", "-days", "2",
                "-extfile", extensions, "-out", extensions + ".pem")
        old = open(extensions + ".pem").read()
        os.replace(extensions + ".pem", server + ".pem")
        fleet.command("device", "label", "boston", "site=loop")  # has the hub look
        wait_for("the file is another", lambda: open(server + ".pem").read() != old, 60)
        wait_for("the broker shows it", lambda: server_certificate(fleet) not in (before, ssl.PEM_cert_to_DER_cert(old)), 60)
        works(boston)
        assert json.loads(boston.command("status", "--json"))["connects"] == 1, "boston was never cut off"
        assert fleet.broker_pid() == broker, "the broker was not started again"


TESTS = [the_ca_is_changed_without_a_gap, who_was_away_all_the_time_comes_back_with_a_token, a_crash_at_any_step_leaves_what_works,
         nobody_is_talked_into_another_ca, the_brokers_certificate_is_renewed_while_it_serves]
if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=3))
