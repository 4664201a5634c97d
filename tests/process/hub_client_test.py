"""The command line as a client of the API: over the hub's socket, over HTTPS with a token, and with no hub running."""
import fcntl
import http.client
import json
import os
import socket
import subprocess
import sys

from fleet import HUB, Fleet, run, run_tests, wait_for

NOBODY = 65534


def socket_of(fleet):
    return os.path.join(fleet.hub_dir, "api.sock")


class LocalConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask_locally(path, target, method="GET", body=None):
    connection = LocalConnection(path)
    try:
        connection.request(method, target, body=body, headers={"Content-Type": "application/json"} if body else {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def wait_for_socket(fleet):
    def answers():
        try:
            return ask_locally(socket_of(fleet), "/healthz")[0] == 200
        except OSError:
            return False
    wait_for("the socket answers", answers)


# --- the socket ---

def the_socket_needs_no_password_and_writes_down_who():
    with Fleet() as fleet:  # `http: off`
        fleet.start_hub()
        wait_for_socket(fleet)
        path = socket_of(fleet)
        assert os.stat(path).st_mode & 0o777 == 0o600
        status, body = ask_locally(path, "/api/v1/session")
        me = json.loads(body)
        assert status == 200 and me["role"] == "admin" and me["user"].endswith(" (local)"), (status, body)
        if os.geteuid() == 0:
            assert me["user"] == "root (local)"
        status, body = ask_locally(path, "/api/v1/silences", "POST", json.dumps({"targets": "*", "for": "1h", "reason": "works"}))
        assert status == 201, body
        audit = json.loads(ask_locally(path, "/api/v1/audit")[1])["items"][0]
        assert audit["user"] == me["user"] and audit["peer"] == "local" and audit["action"] == "silence.add", audit


ASK_AS = """
import os, socket, sys
os.setgroups([]); os.setgid(%d); os.setuid(%d)
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
except PermissionError:
    print("refused to connect"); sys.exit()
s.sendall(b"GET /api/v1/devices HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
while (b := s.recv(65536)):
    sys.stdout.write(b.decode())
"""


def others_of_this_machine_are_refused():
    if os.geteuid() != 0:
        print("not run: becoming another user takes root")
        return
    with Fleet() as fleet:
        fleet.start_hub()
        wait_for_socket(fleet)
        for folder in (fleet.dir, fleet.hub_dir):
            os.chmod(folder, 0o711)

        def ask_as_nobody():
            return run(sys.executable, "-c", ASK_AS % (NOBODY, NOBODY), socket_of(fleet))

        assert ask_as_nobody() == "refused to connect\n"
        os.chmod(socket_of(fleet), 0o666)  # and if its mode were lost
        said = ask_as_nobody()
        assert "HTTP/1.1 403" in said and "answers root and the hub's own user" in said, said


def a_killed_hubs_socket_is_replaced_and_a_second_web_process_refused():
    with Fleet() as fleet:
        fleet.start_hub()
        wait_for_socket(fleet)
        second = subprocess.run([HUB, "web", "--state-dir", fleet.hub_dir], capture_output=True, text=True, check=False, timeout=60)
        assert second.returncode == 1 and "another process listens on" in second.stderr, second
        wait_for_socket(fleet)  # it took nothing away
        fleet.hub.stop()
        assert not os.path.exists(socket_of(fleet))
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(socket_of(fleet))  # as kill -9 leaves it
        fleet.start_hub()
        wait_for_socket(fleet)


# --- one hub, asked three ways ---

DEFINITIONS = """
project: shop
resources:
  local: {type: sqlite, path: "${STATE_DIR}/shop.db"}
assets:
  - {key: erp/prices, external: true}
  - key: pos/orders
    sql: {resource: local, materialized: table, query: "select 1 id"}
    group: pos
    checks:
      - {name: has_rows, sql: "select count(*) > 0 from orders", resource: local}
  - key: reports/daily
    deps: [pos/orders, erp/prices]
    sql: {resource: local, materialized: table, query: "select count(*) n from orders"}
  - key: pos/broken
    sql: {resource: local, materialized: table, query: "select * from nowhere"}
"""
# Three runs each: the rest has the same path, and is asked under --long.
LISTINGS = [["devices"], ["devices", "brooklyn"], ["assets", "pos/*"], ["assets", "pos/broken"], ["assets", "--at", "0s"], ["lineage"],
            ["pools"], ["alerts", "silences"], ["runs"], ["logs"], ["bundles"], ["token", "list"], ["desired", "show", "brooklyn"]]
if os.environ.get("SELVEDGE_LONG"):
    LISTINGS += [["devices", "--to", "is:away"], ["assets"], ["assets", "--device", "brooklyn"], ["assets", "--differing"],
                 ["lineage", "--asset", "pos/orders"], ["refusals"], ["quarantine"], ["clones"], ["alerts"], ["alerts", "--all"],
                 ["deployments"], ["commands"], ["runs", "--status", "failure"], ["reports"], ["checks"], ["desired", "list"]]
MAY_BE_EMPTY = ("refusals", "quarantine", "clones", "deployments", "alerts", "commands")
PASSWORD = "correct horse battery"
REPORTS = "reports:\n  - {name: yearly, cron: '0 7 1 1 *', format: csv, to: {mqtt: true}}\n"


class TlsFleet(Fleet):
    """Its web side answers over HTTPS, with the hub's own certificate."""

    def __init__(self):
        super().__init__(web=True)
        settings = os.path.join(self.hub_dir, "hub.yaml")
        with open(settings, encoding="utf-8") as f:
            text = f.read()
        with open(settings, "w", encoding="utf-8") as f:
            f.write(text.replace(f"{{port: {self.http_port}}}", f"{{port: {self.http_port}, tls: on}}") + REPORTS)
        self.url = f"https://127.0.0.1:{self.http_port}"

    def token_file(self, name, role, scope):
        self.command("user", "add", name, "--role", role, text_in=PASSWORD + "\n")
        path = os.path.join(self.dir, name + ".token")
        with open(path, "w", encoding="utf-8") as f:
            f.write(json.loads(self.command("api-token", "create", "--user", name, "--scope", scope, "--json"))["secret"] + "\n")
        return path

    def there(self, *argv, token=None, ca=True, url=None, code=0, **env):
        """As from another machine: nothing of this one is named."""
        options = ["--url", url or self.url]
        options += ["--token-file", token] if token else []
        options += ["--ca-file", os.path.join(self.hub_dir, "ca/ca.pem")] if ca is True else ["--ca-file", ca] if ca else []
        done = subprocess.run([HUB, *argv, *options], capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **env})
        assert done.returncode == code, (argv, done)
        return done.stdout if code == 0 else done.stderr

    def bundle(self):
        folder = os.path.join(self.dir, "bundle")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "selvedge.yaml"), "w", encoding="utf-8") as f:
            f.write(DEFINITIONS)
        return folder

    def fill(self):
        """One device, that has run everything once and is away."""
        self.start_hub()
        wait_for_socket(self)
        device = self.device("brooklyn", DEFINITIONS)
        device.enrol()
        device.start()
        device.command("materialize", "*", code=1)
        wait_for("everything is merged", lambda: device.position()["waiting_events"] == 0)
        device.daemon.stop()
        wait_for("it is away", lambda: self.query("select 1 from connection where is_online = 0"))


def a_listing_is_the_same_three_ways():
    with TlsFleet() as fleet:
        fleet.fill()
        fleet.command("deploy", fleet.bundle(), "--to", "brooklyn")
        fleet.command("desired", "set", "-", "--to", "*", "--name", "loud", text_in="settings: {log_level: debug}\n")
        wait_for("both are wanted", lambda: "bundle" in fleet.command("desired", "show", "brooklyn", code=None).stdout)
        viewer = fleet.token_file("ada", "viewer", "read")
        admin = fleet.token_file("eve", "admin", "admin")
        fleet.command("pools", "set", "warehouse", "2")
        fleet.command("alerts", "silence", "*", "--reason", "works")
        seen = {}
        for listing in LISTINGS:
            seen[tuple(listing)] = fleet.command(*listing, "--json")
            assert seen[tuple(listing)] or listing[0] in MAY_BE_EMPTY or "--differing" in listing, listing
            assert fleet.there(*listing, "--json", token=admin if listing[0] == "token" else viewer) == seen[tuple(listing)], listing
        report = fleet.command("report", "--format", "csv")
        assert '"pos/orders",1,1,' in report and fleet.there("report", "--format", "csv", token=viewer) == report
        for table in (["devices"], ["assets"], ["runs"]):  # but for how long ago things were
            assert fleet.there(*table, token=viewer).split()[:5] == fleet.command(*table).split()[:5]
        fleet.hub.stop()
        for listing in LISTINGS:
            assert fleet.command(*listing, "--json") == seen[tuple(listing)], listing
        assert fleet.command("report", "--format", "csv") == report


def who_asks_from_elsewhere_is_told_what_is_wrong():
    with TlsFleet() as fleet:
        fleet.start_hub()
        wait_for_socket(fleet)
        viewer = fleet.token_file("ada", "viewer", "read")
        with open(viewer, encoding="utf-8") as f:
            secret = f.read().strip()
        assert fleet.there("runs", SELVEDGE_HUB_TOKEN=secret) == "no runs\n"
        wrong = os.path.join(fleet.dir, "wrong.token")
        with open(wrong, "w", encoding="utf-8") as f:
            f.write("svhk_" + "0" * 64)
        assert "unknown, over or revoked" in fleet.there("runs", token=wrong, code=5)
        said = fleet.there("runs", code=5)
        assert "only who shows a token" in said and "SELVEDGE_HUB_TOKEN" in said, said
        with open(wrong, "w", encoding="utf-8") as f:
            f.write("two words")
        assert "it is one word" in fleet.there("runs", token=wrong, code=6)
        assert "--token-file" in fleet.there("runs", token=wrong + ".none", code=3)
        # The hub's certificate.
        said = fleet.there("runs", token=viewer, ca=None, code=5)
        assert "not proven" in said and "--ca-file ca.pem" in said, said
        with Fleet("other") as other:
            said = fleet.there("runs", token=viewer, ca=os.path.join(other.hub_dir, "ca/ca.pem"), code=5)
            assert "must be the CA of that hub" in said, said
        assert "--ca-file" in fleet.there("runs", token=viewer, ca=viewer, code=6)
        # The address.
        said = fleet.there("runs", token=viewer, url="https://127.0.0.1:1", code=4)
        assert "is the hub running there" in said, said
        assert "begins with https://" in fleet.there("runs", token=viewer, url="hub:8880", code=6)
        assert "could read it" in fleet.there("runs", token=viewer, url="http://hub.example.org:8880", code=5)
        # What works on files does not act on this machine's hub instead.
        assert "run it on its machine" in fleet.there("backup", "x.tar", token=viewer, code=2)
        assert not os.path.exists("x.tar")
        done = run(HUB, "runs", "--token-file", viewer, "--state-dir", fleet.hub_dir, code=None)
        assert done.returncode == 2 and "go with --url" in done.stderr, done


def who_may_act_does_and_stands_in_the_audit_log():
    with TlsFleet() as fleet:
        fleet.start_hub()
        wait_for_socket(fleet)
        viewer = fleet.token_file("ada", "viewer", "read")
        operator = fleet.token_file("bob", "operator", "operate")
        for act in (["deploy", fleet.bundle(), "--to", "*"], ["command", "--to", "*", "ping"], ["pools", "set", "warehouse", "2"], ["alerts", "silence", "*"], ["alerts", "test"], ["clones", "accept", "brooklyn"]):
            said = fleet.there(*act, token=viewer, code=5)
            assert "your role does not allow it" in said, said
        assert fleet.command("pools") == "no pools; make one: selvedge-hub pools set NAME PLACES\n"
        fleet.there("pools", "set", "warehouse", "2", token=operator)
        assert json.loads(fleet.command("pools", "--json"))["places"] == 2
        fleet.command("pools", "pause", "warehouse")
        assert "there is no pool" in fleet.there("pools", "remove", "nosuch", token=operator, code=3)
        assert "places must be a number" in fleet.there("pools", "set", "warehouse", "0", token=operator, code=6)
        audit = json.loads(ask_locally(socket_of(fleet), "/api/v1/audit")[1])["items"]
        done = [(a["user"].replace("root", "me"), a["action"], a["subject"]) for a in audit if a["action"].startswith("pool.")]
        me = "me (local)" if os.geteuid() == 0 else done[0][0]
        assert done == [(me, "pool.pause", "warehouse"), ("bob", "pool.set", "warehouse")], audit
        fleet.hub.stop()
        done = fleet.command("pools", "resume", "warehouse", code=None)  # with no hub running it is written down as well
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
        assert not json.loads(fleet.command("pools", "--json"))["paused"]
        assert fleet.query("select action from audit order by id desc limit 1") == [("pool.resume",)]


def a_folder_is_deployed_three_ways():
    with TlsFleet() as fleet:
        fleet.start_hub()
        wait_for_socket(fleet)
        fleet.device("brooklyn").enrol()
        operator = fleet.token_file("bob", "operator", "operate")
        admin = fleet.token_file("eve", "admin", "admin")
        folder = fleet.bundle()
        with open(os.path.join(folder, "data.bin"), "wb") as f:
            f.write(os.urandom(3 << 20))  # in pieces
        said = fleet.there("deploy", folder, "--to", "brooklyn", token=operator, code=5)
        assert "your role does not allow it" in said, said  # definitions are code: they are put there by admins
        bundles = []
        for new_files, ask in ((2, lambda *argv: fleet.there(*argv, token=admin)), (0, fleet.command)):
            made = json.loads(ask("deploy", folder, "--to", "brooklyn", "--json"))
            assert made["new_files"] == new_files and made["files"] == 2 and made["devices"] == 1, made
            bundles.append(made["bundle"])
        # While bundles are deleted the web process answers others, and who deploys is let in afterwards.
        with open(os.path.join(fleet.hub_dir, "bundles/.lock"), encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            waiting = subprocess.Popen([HUB, "deploy", folder, "--to", "brooklyn", "--state-dir", fleet.hub_dir], stdout=subprocess.PIPE, text=True)
            fleet.closers.append(waiting.kill)
            wait_for("it is told to wait", lambda: "deleted right now" in fleet.hub.read_log())
            body = json.dumps({"bundle": bundles[0], "targets": "brooklyn"})
            assert ask_locally(socket_of(fleet), "/api/v1/deployments", "POST", body)[0] == 503
            assert fleet.command("bundles") and waiting.poll() is None
        assert waiting.communicate()[0].startswith("deployment ") and waiting.returncode == 0
        with open(os.path.join(folder, "more.sql"), "w", encoding="utf-8") as f:
            f.write("select 1")
        fleet.hub.stop()
        made = json.loads(fleet.command("deploy", folder, "--to", "brooklyn", "--json"))
        assert bundles[0] == bundles[1] != made["bundle"] and made["new_files"] == 1, (bundles, made)
        shown = json.loads(fleet.command("bundles", made["bundle"][:10], "--json"))
        assert [f["path"] for f in shown["file_list"]] == ["data.bin", "more.sql", "selvedge.yaml"] and shown["source"] == folder, shown
        assert "more.sql" in fleet.command("bundles", made["bundle"][:10])
        assert fleet.query("select account, action from audit order by id desc limit 2")[::-1] == [
            (fleet.query("select account from audit order by id desc limit 1")[0][0], action) for action in ("bundle.add", "deployment.add")]
        with open(os.path.join(folder, "selvedge.yaml"), "w", encoding="utf-8") as f:
            f.write("project: [")
        done = fleet.command("deploy", folder, "--to", "brooklyn", code=None)
        assert done.returncode == 6 and "selvedge.yaml:2" in done.stderr, done
        os.rename(os.path.join(fleet.hub_dir, "command/hub.key"), os.path.join(fleet.dir, "hub.key"))
        with open(os.path.join(folder, "selvedge.yaml"), "w", encoding="utf-8") as f:
            f.write("project: b")
        done = fleet.command("deploy", folder, "--to", "brooklyn", code=None)
        assert done.returncode != 0 and "key" in done.stderr, done


def who_is_not_root_is_told_how_to_ask():
    if os.geteuid() != 0:
        print("not run: becoming another user takes root")
        return
    with Fleet() as fleet:
        fleet.start_hub()
        wait_for_socket(fleet)
        for folder in (fleet.dir, fleet.hub_dir):
            os.chmod(folder, 0o711)
        os.chmod(os.path.join(fleet.hub_dir, "hub.yaml"), 0o644)
        done = subprocess.run([HUB, "runs", "--state-dir", fleet.hub_dir], capture_output=True, text=True, check=False, timeout=60,
                              user=NOBODY, group=NOBODY, extra_groups=[])
        assert done.returncode == 5 and "--token-file" in done.stderr, done
        fleet.hub.stop()
        done = subprocess.run([HUB, "runs", "--state-dir", fleet.hub_dir], capture_output=True, text=True, check=False, timeout=60,
                              user=NOBODY, group=NOBODY, extra_groups=[])
        assert done.returncode == 5 and "sudo" in done.stderr, done


if __name__ == "__main__":
    sys.exit(run_tests([the_socket_needs_no_password_and_writes_down_who, others_of_this_machine_are_refused,
                        a_killed_hubs_socket_is_replaced_and_a_second_web_process_refused, a_listing_is_the_same_three_ways,
                        a_folder_is_deployed_three_ways, who_asks_from_elsewhere_is_told_what_is_wrong,
                        who_may_act_does_and_stands_in_the_audit_log, who_is_not_root_is_told_how_to_ask]))
