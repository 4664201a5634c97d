"""Promise P6: strangers stay out. Who is refused is told in the hub's log, with who and why, and `refusals` lists it.

Against the real hub and its broker; certificates are made with openssl, the tokens are the hub's own."""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time

from fleet import Fleet, run, run_tests, skip, wait_for
from mqtt_stranger import Refused, Stranger, tls

PACE = 9  # tries a second: the hub tells of 20 one by one and counts the others (flood_test)
DEFINITIONS = "project: test\nassets:\n  - {key: a, run: ['true']}\n"
if shutil.which("openssl") is None:
    skip("openssl is not there")


class Scene:
    """A hub with two devices, one of them online; and one who tries doors."""

    def __init__(self):
        self.fleet = Fleet("test")
        self.seen = 0
        self.tellings = []
        self.paced_at = time.monotonic()

    def __enter__(self):
        self.fleet.__enter__()
        self.fleet.start_hub()
        self.chicago = self.fleet.device("chicago", DEFINITIONS)
        self.boston = self.fleet.device("boston", DEFINITIONS)
        self.chicago.enrol()
        self.boston.enrol()
        self.boston.start()
        wait_for("boston is online", lambda: 'event=device.online device="boston"' in self.fleet.hub.read_log())
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.listed()
        finally:
            self.fleet.__exit__(kind, value, trace)

    def path(self, name):
        return os.path.join(self.fleet.dir, name)

    def context(self, device=None, cert=None, key=None):
        folder = device.state + "/identity/" if device else ""
        return tls(self.fleet.hub_dir + "/ca/ca.pem", cert or folder + "cert.pem", key or folder + "key.pem")

    def knock(self, context=None, client_id="chicago.1", port=None, will=None):
        return Stranger(port or self.fleet.port, client_id, context, will)

    def may_not_publish(self, topic, peer, context, client_id="chicago.1", port=None):
        """Mosquitto ends the connection after the refusal, so each try is a new one."""
        with self.knock(context, client_id, port) as stranger:
            assert stranger.publish(topic) == 0x87, topic
        self.told(peer, "publish", topic)

    def told(self, peer, what, why):
        """A line of the log that is new since the last one; `listed` looks for the same in `refusals`."""
        wanted = re.compile(f'event=hub.refused peer="(?P<peer>{peer})" what="?{what}"? why="(?P<why>.*{why}.*)"')
        match = wait_for(f"the log says {wanted.pattern}", lambda: wanted.search(self.fleet.hub.read_log(), self.seen), 10, 0.05)
        self.seen = match.end()
        self.tellings.append((match["peer"], what, match["why"].replace('\\"', '"')))
        if len(self.tellings) % PACE == 0:
            time.sleep(max(0.0, self.paced_at + 1 - time.monotonic()))
            self.paced_at = time.monotonic()

    def listed(self):
        rows = [json.loads(line) for line in self.fleet.command("refusals", "--limit", "1000", "--json").splitlines()]
        listed = [(r["peer"], r["what"], r["why"]) for r in reversed(rows)]
        assert listed == self.tellings, set(listed) ^ set(self.tellings)

    def good_device_works(self):
        """Its events are taken in, and its connection was never lost on the way."""
        before = self.boston.position()["acked_seq"]
        self.boston.command("materialize", "a")
        wait_for("boston's events are acknowledged",
                 lambda: self.boston.position()["acked_seq"] > before and self.boston.position()["waiting_events"] == 0)
        assert json.loads(self.boston.command("status", "--json"))["connects"] == 1, self.boston.daemon.tail()


ADDRESS = r"127\.0\.0\.1(:\d+)?"


def refused_at_the_door(knock):
    try:
        with knock() as stranger:
            stranger.publish("selvedge/v1/test/chicago/events")  # TLS 1.3 tells of a refusal at the first read only
    except (Refused, OSError):
        return
    raise AssertionError("was let in")


# --- certificates ---

def openssl(*arguments, **more):
    return run("openssl", *arguments, **more)


def make_certificate(scene, name, ca=None, days=None, enddate=None):
    """A P-256 key and a certificate for `name`, of the hub's CA or, by default, of one of its own."""
    key, csr, cert = (scene.path(f"{name}.{kind}") for kind in ("key", "csr", "crt"))
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    openssl("req", "-new", "-key", key, "-subj", "/CN=chicago", "-out", csr)
    if ca is None:
        openssl("req", "-x509", "-key", key, "-subj", "/CN=chicago", "-days", "2", "-out", cert)
    elif enddate is None:
        openssl("x509", "-req", "-in", csr, "-CA", ca + "/ca.pem", "-CAkey", ca + "/ca.key", "-set_serial", "7", "-days", str(days),
                "-out", cert)
    else:
        with open(scene.path("ca.conf"), "w") as f:
            f.write(f"[ca]\ndefault_ca=c\n[c]\ndatabase={scene.path('index')}\nnew_certs_dir={scene.fleet.dir}\nrand_serial=yes\n"
                    f"certificate={ca}/ca.pem\nprivate_key={ca}/ca.key\ndefault_md=sha256\npolicy=p\nemail_in_dn=no\n"
                    "[p]\ncommonName=supplied\n")
        open(scene.path("index"), "w").close()
        openssl("ca", "-batch", "-notext", "-config", scene.path("ca.conf"), "-in", csr, "-startdate", "20200101000000Z", "-enddate",
                enddate, "-out", cert)
    return cert, key


def no_certificate_of_this_fleet_no_entry():
    with Scene() as scene:
        ca = scene.fleet.hub_dir + "/ca"
        refused_at_the_door(lambda: scene.knock(tls()))
        scene.told(ADDRESS, "connection", "no client certificate")

        refused_at_the_door(lambda: scene.knock(tls(None, *make_certificate(scene, "foreign"))))
        scene.told(ADDRESS, "connection", "another CA")

        refused_at_the_door(lambda: scene.knock(tls(None, *make_certificate(scene, "expired", ca, enddate="20200201000000Z"))))
        scene.told(ADDRESS, "connection", "expired")

        for port in (scene.fleet.port, scene.fleet.enrol_port):
            refused_at_the_door(lambda: scene.knock(port=port))
            scene.told(ADDRESS, "connection", "does not speak TLS")

        # The same way of making one, still good and of the right CA: it is the date and the CA that were refused.
        with scene.knock(tls(None, *make_certificate(scene, "good", ca, days=2))) as stranger:
            assert stranger.publish("selvedge/v1/test/chicago/death", b"{}") == 0
        scene.told("chicago", "death", "session")
        scene.good_device_works()


# --- devices that overstep ---

def a_device_is_itself_and_nobody_else():
    with Scene() as scene:
        chicago = scene.context(scene.chicago)
        for topic in ("boston/events", "boston/birth", "boston/ack", "chicago/ack", "hub/state", "enrol/request/1"):
            scene.may_not_publish(f"selvedge/v1/test/{topic}", "chicago", chicago)
        scene.may_not_publish("other", "chicago", chicago)

        with scene.knock(chicago) as stranger:
            filters = ["selvedge/v1/test/boston/#", "selvedge/v1/test/+/ack", "selvedge/v1/test/+/events", "#", "$SYS/#",
                       "$share/g/selvedge/v1/test/+/events", "selvedge/v1/test/enrol/#"]
            for topic in filters:
                stranger.subscribe(topic)
                scene.told("chicago", "subscribe", re.escape(topic))
            scene.good_device_works()  # events, acknowledgements: there is something to hear
            assert set(stranger.topics_received()) <= {"selvedge/v1/test/hub/state"}, stranger.messages

        # A last will is a message like any other: the hub would tell of this one as boston's nonsense, and `listed` knows no
        # such line.
        dying = scene.knock(chicago, will="selvedge/v1/test/boston/death")
        dying.socket.close()

        # What it says its name is makes no difference, and throws nobody out.
        for name in ("boston", "boston.1", "hub", "hub.1"):
            scene.may_not_publish("selvedge/v1/test/boston/events", "chicago", chicago, name)

        with scene.knock(chicago) as stranger:
            try:
                stranger.publish("selvedge/v1/test/chicago/events", b"x" * 400_000)
                raise AssertionError("the packet was taken")
            except (Refused, OSError):
                scene.told("chicago", "packet", "larger")
        with scene.knock(chicago) as stranger:
            for channel in ("events", "birth", "death"):
                stranger.publish(f"selvedge/v1/test/chicago/{channel}", b"nonsense")
                scene.told("chicago", channel, "")
        scene.good_device_works()
        assert scene.fleet.query("SELECT count(*) FROM event JOIN stream ON stream.id = stream_id WHERE device = 'chicago'") == [(0,)]


def the_enrolment_listener_reaches_nothing_else():
    with Scene() as scene:
        door = {"context": tls(), "port": scene.fleet.enrol_port}
        for name in ("x", "chicago", "boston.1", "hub", "hub.1"):
            for topic in ("boston/events", "boston/ack", "hub/state", "enrol/request/other", "enrol/reply/other"):
                scene.may_not_publish(f"selvedge/v1/test/{topic}", ADDRESS, client_id=name, **door)
            with scene.knock(client_id=name, **door) as stranger:
                for topic in ("selvedge/v1/test/boston/ack", "selvedge/v1/test/+/events", "selvedge/v1/test/enrol/#", "#"):
                    stranger.subscribe(topic)
                    scene.told(ADDRESS, "subscribe", re.escape(topic))
                scene.good_device_works()
                assert stranger.topics_received() == [], stranger.messages
        with scene.knock(client_id="x", **door) as stranger:
            stranger.publish("selvedge/v1/test/enrol/request/x", b"nonsense")
            scene.told("unknown", "enrolment", "")
            try:
                stranger.publish("selvedge/v1/test/enrol/request/x", b"x" * 400_000)
                raise AssertionError("the packet was taken")
            except (Refused, OSError):
                scene.told(ADDRESS, "packet", "larger")
        scene.good_device_works()


# --- tokens ---

def enrol(scene, name, token, code):
    device = scene.fleet.device(name, DEFINITIONS)
    done = device.command("enroll", token, "--name", name, "--timeout", "10s", code=None)
    assert done.returncode == code, (name, done.returncode, done.stderr)
    return done.stderr


def a_token_opens_once_and_in_time():
    with Scene() as scene:
        fleet = scene.fleet
        used = fleet.token()
        enrol(scene, "first", used, 0)
        assert "hub refused" in enrol(scene, "second", used, 5)
        scene.told("second", "enrolment", "used")

        late = fleet.token("--expires", "1s")
        wait_for("it has expired", lambda: '"expired"' in fleet.command("token", "list", "--json"))
        enrol(scene, "third", late, 5)
        scene.told("third", "enrolment", "expired")

        made = json.loads(fleet.command("token", "create", "--json"))
        fleet.command("token", "revoke", made["id"])
        enrol(scene, "fourth", made["token"], 5)
        scene.told("fourth", "enrolment", "revoked")

        good = fleet.token()
        for wrong in ("nonsense", good[:-10], good.replace("selvedge1", "selvedge7")):
            assert "token" in enrol(scene, f"wrong{len(scene.fleet.devices)}", wrong, 6), wrong
        said = enrol(scene, "elsewhere", good.replace(".test.", ".other."), 5)
        assert "Not authorized" in said, said
        scene.told(ADDRESS, "subscribe", "selvedge/v1/other/enrol/reply/")
        scene.told(ADDRESS, "publish", "selvedge/v1/other/enrol/request/")
        open_tokens = fleet.command("token", "list", "--json")
        assert made["id"] in open_tokens and good not in open_tokens

        # A name that is taken stays with its key, whatever the token.
        thief = fleet.device("thief", DEFINITIONS)
        done = thief.command("enroll", good, "--name", "boston", code=None)
        assert done.returncode == 5, done.stderr
        scene.told("boston", "enrolment", "")
        for name in ("hub", "enrol", "UP", "a/b", "+", "#"):
            assert thief.command("enroll", good, "--name", name, code=None).returncode == 6, name
        enrol(scene, "sixth", good, 0)
        scene.good_device_works()


def requests_that_the_agent_would_not_make():
    """A request by hand: the hub checks what the agent checks, and the rest."""
    with Scene() as scene:
        key, csr = scene.path("by-hand.key"), scene.path("by-hand.csr")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        openssl("req", "-new", "-key", key, "-subj", "/CN=someone", "-out", csr)
        good = {"token_id": "none", "token_secret": "none", "device": "someone", "csr_pem": open(csr).read(), "version": "1"}

        def ask(**changed):
            with scene.knock(tls(), "x", scene.fleet.enrol_port) as stranger:
                stranger.subscribe("selvedge/v1/test/enrol/reply/x")
                stranger.publish("selvedge/v1/test/enrol/request/x", json.dumps(good | changed).encode())
        ask()
        scene.told("someone", "enrolment", "token")
        ask(device="hub")
        scene.told("unknown", "enrolment", "hub.+ is not a name")
        ask(csr_pem="nonsense")
        scene.told("someone", "enrolment", "")
        ask(device="boston")
        scene.told("boston", "enrolment", "")
        openssl("genrsa", "-out", key, "1024")
        openssl("req", "-new", "-key", key, "-subj", "/CN=someone", "-out", csr)
        ask(csr_pem=open(csr).read())
        scene.told("someone", "enrolment", "")
        assert scene.fleet.query("SELECT count(*) FROM device") == [(2,)]
        scene.good_device_works()


def enrolling_again_gives_the_same_certificate():
    with Scene() as scene:
        token = scene.fleet.token()
        device = scene.fleet.device("again", DEFINITIONS)
        device.enrol(token)
        first = open(device.state + "/identity/cert.pem").read()
        os.remove(device.state + "/identity/cert.pem")  # as if the answer had been lost
        os.remove(device.state + "/identity/hub.json")
        device.enrol(token)
        assert open(device.state + "/identity/cert.pem").read() == first
        assert scene.fleet.query("SELECT uses FROM enrol_token WHERE uses > 1") == []
        done = device.command("enroll", scene.fleet.token(), "--name", "other", code=None)
        assert done.returncode != 0 and "already again" in done.stderr, done.stderr


def the_key_stays_where_it_was_made():
    with Scene() as scene:
        path = scene.chicago.state + "/identity/key.pem"
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert os.stat(os.path.dirname(path)).st_mode & 0o077 == 0
        secret = "".join(open(path).read().split("\n")[1:-2])[:40].encode()
        raw = subprocess.run(["openssl", "ec", "-in", path, "-noout", "-text"], capture_output=True, check=True).stdout
        number = bytes.fromhex(re.search(rb"priv:([0-9a-f:\s]+)pub", raw)[1].decode().replace(":", "").replace(" ", "").replace("\n", "")[-64:])
        scene.fleet.hub.stop()
        sqlite3.connect(scene.fleet.hub_db).execute("PRAGMA wal_checkpoint").connection.close()
        for folder, _, names in os.walk(scene.fleet.hub_dir):
            for name in filter(lambda name: os.path.isfile(os.path.join(folder, name)), names):
                content = open(os.path.join(folder, name), "rb").read()
                assert secret not in content and number not in content and number.hex().encode() not in content, name
        for private in ("ca/ca.key", "broker/server.key", "identity/hub.key"):
            assert os.stat(f"{scene.fleet.hub_dir}/{private}").st_mode & 0o777 == 0o600, private


def enrolment_says_what_is_wrong():
    with Scene() as scene:
        token = scene.fleet.token()
        scene.fleet.hub.stop()
        assert "hint: " in enrol(scene, "early", token, 4)
        scene.fleet.start_hub()
        enrol(scene, "late", token, 0)
        with Fleet("test") as impostor:
            impostor.start_hub()
            # A token of the first hub that leads to the second, as a redirected name would.
            fields = json.loads(scene.fleet.command("token", "create", "--json"))
            device = impostor.device("lured", DEFINITIONS)
            lured = fields["token"].replace(f":{scene.fleet.enrol_port}.", f":{impostor.enrol_port}.")
            done = device.command("enroll", lured, "--name", "lured", "--timeout", "10s", code=None)
            assert done.returncode == 5 and "CA" in done.stderr, (done.returncode, done.stderr)
            assert not os.path.exists(device.state + "/identity/cert.pem")
            assert fields["token"].rpartition(".")[2] not in impostor.hub.read_log()
            assert impostor.query("SELECT count(*) FROM refusal WHERE what = 'enrolment'") == [(0,)], "the secret was sent to it"


TESTS = [no_certificate_of_this_fleet_no_entry, a_device_is_itself_and_nobody_else, the_enrolment_listener_reaches_nothing_else,
         a_token_opens_once_and_in_time, requests_that_the_agent_would_not_make, enrolling_again_gives_the_same_certificate,
         the_key_stays_where_it_was_made, enrolment_says_what_is_wrong]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=3))
