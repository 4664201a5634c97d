"""The command line as a client of the API: over the hub's socket, over HTTPS with a token, and with no hub running."""
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


if __name__ == "__main__":
    sys.exit(run_tests([the_socket_needs_no_password_and_writes_down_who, others_of_this_machine_are_refused,
                        a_killed_hubs_socket_is_replaced_and_a_second_web_process_refused]))
