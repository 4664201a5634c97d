"""Users and tokens by the command line, on a hub that runs: the way in when a password is forgotten, and for scripts."""
import json
import os
import pty
import select
import subprocess
import sys
import time

from fleet import HUB, Fleet, run, run_tests, wait_for
from web import Client, wait_for_web

GOOD, OTHER = "a long good password", "another long password"


def command(fleet, *argv, password=None, code=0):
    text = None if password is None else password + "\n"
    return run(HUB, *argv, "--state-dir", fleet.hub_dir, text_in=text, code=code)


def users():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        assert "nobody yet" in command(fleet, "users")
        command(fleet, "user", "add", "ada", "--role", "admin", password=GOOD)
        command(fleet, "user", "add", "bo", password=GOOD)
        command(fleet, "user", "add", "bo", password=GOOD, code=1)
        command(fleet, "user", "add", "cy", password="short", code=6)
        command(fleet, "user", "add", "No Name", password=GOOD, code=6)
        rows = [json.loads(line) for line in command(fleet, "users", "--json").splitlines()]
        assert [(r["user"], r["role"]) for r in rows] == [("ada", "admin"), ("bo", "viewer")], rows

        bo = Client(fleet.http_port).log_in("bo", GOOD)
        assert bo.get("/api/v1/session").json["role"] == "viewer"
        command(fleet, "user", "role", "bo", "operator")
        wait_for("who has another role logs in again", lambda: bo.get("/api/v1/session").status == 401)
        assert bo.log_in("bo", GOOD).get("/api/v1/session").json["role"] == "operator"
        command(fleet, "user", "password", "bo", password=OTHER)
        wait_for("its sessions have ended", lambda: bo.get("/api/v1/session").status == 401)
        bo.log_in("bo", OTHER)

        command(fleet, "user", "remove", "ada", code=6)  # the last admin
        command(fleet, "user", "remove", "bo")
        ada = Client(fleet.http_port).log_in("ada", GOOD)
        did = [(a["action"], a["subject"]) for a in ada.items("/api/v1/audit") if a["peer"] == "command line"]
        assert did == [("user.remove", "bo"), ("user.password", "bo"), ("user.role", "bo"), ("user.add", "bo"), ("user.add", "ada")], did


def read_until_end(terminal, typed, answer):
    """All that the other side says; `answer` is typed when it asks. A minute at most."""
    said, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            said += os.read(terminal, 1000)
        except OSError:  # the other side is closed
            return said
        if answer and typed in said:
            os.write(terminal, answer)
            answer = b""
    raise AssertionError(f"it does not end: {said}")


def a_password_is_typed_unseen():
    with Fleet() as fleet:
        mine, theirs = pty.openpty()
        with subprocess.Popen([HUB, "user", "add", "ada", "--state-dir", fleet.hub_dir], stdin=theirs, stdout=theirs, stderr=theirs) as typing:
            os.close(theirs)
            said = read_until_end(mine, b"password:", GOOD.encode() + b"\n")
            assert typing.wait(30) == 0, said
        os.close(mine)
        assert GOOD.encode() not in said, said
        assert "ada" in command(fleet, "users")


def tokens():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        command(fleet, "user", "add", "ada", "--role", "operator", password=GOOD)
        secret = command(fleet, "api-token", "create", "--user", "ada", "--label", "a script").strip()
        made = json.loads(command(fleet, "api-token", "create", "--user", "ada", "--scope", "operate", "--json"))
        command(fleet, "api-token", "create", code=6)
        command(fleet, "api-token", "create", "--user", "nobody", code=3)
        reads, operates = Client(fleet.http_port, token=secret), Client(fleet.http_port, token=made["secret"])
        assert reads.get("/api/v1/devices").status == 200
        assert reads.ask("POST", "/report_asset_materialization/k").status == 403
        assert operates.ask("POST", "/report_asset_materialization/k").json == {}
        dagster = Client(fleet.http_port).ask("POST", "/report_asset_check/k?check_name=c&passed=true",
                                              headers={"Dagster-Cloud-Api-Token": made["secret"]})
        assert dagster.json == {}, dagster
        rows = [json.loads(line) for line in command(fleet, "api-tokens", "--json").splitlines()]
        assert sorted((r["scopes"][0], r["state"]) for r in rows) == [("operate", "good"), ("read", "good")], rows
        assert secret not in json.dumps(rows)
        command(fleet, "api-token", "revoke", made["token"])
        wait_for("it is good for nothing", lambda: operates.get("/api/v1/devices").status == 401)
        assert "revoked" in command(fleet, "api-tokens")


if __name__ == "__main__":
    sys.exit(run_tests([users, a_password_is_typed_unseen, tokens]))
