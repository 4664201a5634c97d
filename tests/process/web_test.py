"""The web process beside a real hub with a real device: setting up, logging in, what it tells, and that it comes back."""
import base64
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import datetime, timezone

from fleet import HUB, Fleet, run_tests, wait_for
from web import PASSWORD, Client, set_up, setup_secret, wait_for_web, web_pid

DEFINITIONS = """
project: shop
resources:
  local: {type: sqlite, path: "${STATE_DIR}/shop.db"}
assets:
  - {key: erp/prices, external: true}
  - key: pos/orders
    sql: {resource: local, materialized: table, query: "select 1 id"}
    group: pos
  - key: reports/daily
    deps: [pos/orders, erp/prices]
    sql: {resource: local, materialized: table, query: "select count(*) n from orders"}
  - key: pos/broken
    sql: {resource: local, materialized: table, query: "select * from nowhere"}
jobs:
  - {name: refresh, select: "pos/orders"}
schedules:
  - {name: nightly, job: refresh, cron: "0 3 * * *"}
"""




def what_a_device_records_is_told():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        web = fleet.http_port
        admin = set_up(fleet.hub, web)
        assert admin.get("/api/v1/session").json["user"] == "admin"
        assert Client(web).get("/api/v1/devices").status == 401
        device = fleet.device("brooklyn")
        device.define(DEFINITIONS)
        device.enrol()
        device.start()
        device.command("materialize", "*", code=None)
        run = wait_for("the run has ended at the hub", lambda: [
            r for r in admin.items("/api/v1/runs") if r["status"] == "failure"])[0]
        devices = admin.items("/api/v1/devices")
        assert [d["device"] for d in devices] == ["brooklyn"] and devices[0]["status"] == "online", devices
        assert admin.get("/api/v1/devices/brooklyn").json["assets"] == 4
        assert admin.get("/api/v1/devices/nobody").status == 404
        on = admin.get("/api/v1/assets/pos/broken").json["on_devices"]
        assert admin.items("/api/v1/assets/pos/broken/devices?failing=true&limit=1") == on and on[0]["failing"], on
        assert admin.items("/api/v1/assets/pos/orders/devices?failing=true") == admin.items("/api/v1/assets/no/such/devices") == []
        assets = admin.items("/api/v1/assets?limit=1")
        assert [a["asset"] for a in assets] == ["erp/prices", "pos/broken", "pos/orders", "reports/daily"], assets
        one = admin.get(f"/api/v1/runs/brooklyn/{run['run']}").json
        assert {s["status"] for s in one["step_list"]} >= {"failure", "success"}, one
        page = Client(web).get("/runs/brooklyn/" + run["run"])
        assert page.status == 200 and page.headers["content-type"].startswith("text/html"), page
        assert "default-src 'self'" in page.headers["content-security-policy"]
        an_asset_of_many_devices(fleet, admin)
        look_at_everything(admin, run["run"])
        runs_are_found_by_time(admin, run["run"])
        first = admin.get("/api/v1/assets")
        again = admin.get("/api/v1/assets", headers={"If-None-Match": first.headers["etag"]})
        assert again.status == 304 and not again.raw


def an_asset_of_many_devices(fleet, admin):
    path = "/api/v1/assets/pos/orders"
    with contextlib.closing(sqlite3.connect(os.path.join(fleet.hub_dir, "hub.db"), timeout=20)) as db:
        with db:
            db.executemany("INSERT INTO asset_definition (device, asset, is_external) VALUES (?, 'pos/orders', 0)",
                           [(f"many-{i:03}",) for i in range(130)])
        assert len(wait_for("all are told", lambda: [
            found for found in [admin.get(path + "?limit=500").json["on_devices"]] if len(found) == 131])[0]) == 131
        first = admin.get(path).json["on_devices"]
        assert len(first) == 100 and first[0]["device"] == "brooklyn", [one["device"] for one in first]
        assert len(admin.get(path + "?limit=3").json["on_devices"]) == 3
        for limit in ("0", "-1", "100001", "x"):
            assert admin.get(f"{path}?limit={limit}").status == 400, limit
        with db:
            db.execute("DELETE FROM asset_definition WHERE device LIKE 'many-%'")


LISTS = ["devices", "assets", "assets?selection=kind:sql", "assets?device=brooklyn", "runs", "runs?status=failure", "runs?asset=pos/orders", "runs?since=1h", "steps", "logs", "refusals", "quarantine", "checks", "jobs", "schedules", "sensors", "ticks",
         "backfills", "commands", "deployments", "alerts?all=true", "pools", "search?q=brook", "events", "events?order=oldest",
         "users", "tokens", "audit", "assets/pos/orders/history", "assets/pos/orders/checks",
         "assets/pos/orders/devices", "assets/pos/broken/devices?failing=true"]


def look_at_everything(admin, run):
    for path in LISTS + [f"runs/brooklyn/{run}/events"]:
        answer = admin.get("/api/v1/" + path)
        assert answer.status == 200 and set(answer.json) == {"items", "next"}, (path, answer)
        paged = admin.items("/api/v1/" + path + ("&" if "?" in path else "?") + "limit=1")
        if answer.json["next"] is None and path != "events":
            assert len(paged) >= len(answer.json["items"]), (path, len(paged), len(answer.json["items"]))
    for path in ["overview", "graph", "graph?selection=%2Breports/daily", "graph?device=brooklyn", "assets/pos/orders",
                 "devices/brooklyn"]:
        answer = admin.get("/api/v1/" + path)
        assert answer.status == 200, (path, answer)


def runs_are_found_by_time(admin, run):
    """By the time that their ids begin with."""
    made = int(run[:8] + run[9:13], 16)

    def found(query):
        return run in [r["run"] for r in admin.items("/api/v1/runs?" + query)]

    def at(ms):
        return datetime.fromtimestamp(ms / 1000, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert found(f"since={at(made)}") and not found(f"since={at(made + 1)}")
    assert found(f"until={at(made + 1)}") and not found(f"until={at(made)}")
    assert found("since=24h&limit=1") and found(f"since={at(made)}&until={at(made + 1)}&asset=pos/broken&status=failure")
    assert not found("since=2200-01-01") and not found("until=1970-01-01")
    for query in ("since=yesterday", "until=24h", "since=-1h"):
        answer = admin.get("/api/v1/runs?" + query)
        assert answer.status == 400 and query[:5] in answer.json["detail"], answer
    for path, parts in (("refusals", 1), ("events", 1), ("logs", 1), ("assets/pos/orders/history", 3), ("assets/pos/orders/checks", 3)):
        cursor = base64.urlsafe_b64encode(b"x\0" * parts).decode().rstrip("=")
        answer = admin.get(f"/api/v1/{path}?cursor={cursor}")
        assert answer.status == 400 and "none of this list" in answer.json["detail"], (path, answer)


def sessions_begin_and_end():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        web = fleet.http_port
        secret_before = wait_for("the setup link is logged", lambda: setup_secret(fleet.hub))
        admin = set_up(fleet.hub, web)
        nobody = Client(web)
        used = nobody.ask("POST", "/api/v1/setup", {"secret": secret_before, "password": PASSWORD})
        assert used.status == 403, used
        wrong = nobody.ask("POST", "/api/v1/session", {"user": "admin", "password": "wrong wrong wrong"})
        unknown = nobody.ask("POST", "/api/v1/session", {"user": "nobody", "password": "wrong wrong wrong"})
        assert wrong.status == unknown.status == 401 and wrong.body == unknown.body
        assert "httponly" in wrong_cookie(nobody).lower()
        admin.csrf = "0" * 64
        assert admin.ask("DELETE", "/api/v1/session").status == 403
        admin.csrf = admin.get("/api/v1/session").json["csrf_token"]
        assert admin.ask("DELETE", "/api/v1/session").status == 204
        assert admin.get("/api/v1/session").status == 401
        # Who has lost the password sets another on the hub.
        fleet.command("user", "password", "admin", text_in="another good one\n")
        assert Client(web).log_in("admin", "another good one").get("/api/v1/users").status == 200
        fleet.command("user", "add", "ada", "--role", "viewer", text_in=PASSWORD + "\n")
        assert Client(web).log_in("ada").get("/api/v1/users").status == 403
        assert "ada" in fleet.command("users") and fleet.command("user", "remove", "admin", code=6) is not None
        fleet.command("user", "remove", "ada")
        assert Client(web).ask("POST", "/api/v1/session", {"user": "ada", "password": PASSWORD}).status in (401, 429)


def an_operator_acts():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        device = fleet.device("brooklyn", DEFINITIONS)
        device.enrol()
        device.start()
        wait_for("the device is online", lambda: admin.items("/api/v1/devices?status=online"))
        wait_for("its definitions are here", lambda: admin.items("/api/v1/assets"))

        def carry_out(path, body=None):
            given = admin.ask("POST", "/api/v1/" + path, body)
            assert given.status == 201, given
            command = given.json["command"]
            return wait_for(f"{path} is carried out", lambda: [
                d for d in admin.get("/api/v1/commands/" + command).json["device_list"]
                if d["status"] in ("succeeded", "failed", "refused")])[0]

        done = carry_out("commands", {"verb": "materialize", "targets": "brooklyn", "args": {"selection": "pos/broken"}})
        assert done["status"] == "failed" and done["run"], done
        run = done["run"]
        again = carry_out(f"runs/brooklyn/{run}/retry", {"what": "all"})
        assert again["run"] != run, again
        assert carry_out("schedules/brooklyn/nightly/pause")["status"] == "succeeded"
        wait_for("the schedule is paused", lambda: admin.items("/api/v1/schedules")[0]["state"] == "paused")
        assert carry_out("schedules/brooklyn/nightly/resume")["status"] == "succeeded"
        wait_for("the schedule runs", lambda: admin.items("/api/v1/schedules")[0]["state"] == "running")
        bad = admin.ask("POST", "/api/v1/commands", {"verb": "dance", "targets": "brooklyn"})
        nobody = admin.ask("POST", "/api/v1/commands", {"verb": "ping", "targets": "nobody"})
        trust = admin.ask("POST", "/api/v1/commands", {"verb": "trust", "targets": "brooklyn"})
        assert (bad.status, nobody.status, trust.status) == (400, 404, 403), (bad, nobody, trust)
        silence = admin.ask("POST", "/api/v1/silences", {"targets": "brooklyn", "for": "1h", "reason": "works"})
        assert silence.status == 201, silence
        number = admin.items("/api/v1/silences")[0]["silence"]
        assert admin.ask("DELETE", f"/api/v1/silences/{number}").status == 204
        assert admin.items("/api/v1/silences") == []
        os.unlink(os.path.join(fleet.hub_dir, "command", "hub.key"))
        kept_off = admin.ask("POST", "/api/v1/commands", {"verb": "ping", "targets": "brooklyn"})
        assert kept_off.status == 409 and "selvedge-hub sign" in kept_off.json["hint"], kept_off
        actions = [a["action"] for a in admin.items("/api/v1/audit")]
        assert actions.count("command") >= 4 and "silence.add" in actions, actions


def output_is_fetched_from_the_device():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        device = fleet.device("brooklyn", """
project: shop
assets:
  - key: says/hello
    run: [sh, -c, "echo hello; echo sorry >&2"]
""")
        device.enrol()
        device.start()
        device.command("materialize", "*", code=None)
        run = wait_for("the run has ended at the hub", lambda: [
            r for r in admin.items("/api/v1/runs") if r["status"] == "success"])[0]["run"]
        path = f"/api/v1/runs/brooklyn/{run}/output?step=says/hello"
        assert admin.get(path).status == 202
        here = wait_for("the output is here", lambda: (lambda a: a.json if a.status == 200 else None)(admin.get(path)))
        assert here["state"] == "here" and here["text"] == "hello\n", here
        assert admin.get(path + "&stream=nothing").status == 400
        assert admin.get(f"/api/v1/runs/brooklyn/{run}/output?step=no/such").status == 404
        assert admin.get(path + "&attempt=2").status == 404, "no device is asked for what there is not"


def output_is_followed_while_a_step_runs():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        flags = [os.path.join(fleet.dir, name) for name in ("second", "third")]
        device = fleet.device("brooklyn", f"""
project: shop
assets:
  - key: says/more
    run: [sh, -c, "echo one; until [ -e {flags[0]} ]; do sleep 0.1; done; echo zwölf; until [ -e {flags[1]} ]; do sleep 0.1; done; echo three"]
""")
        device.enrol()
        device.start()
        wait_for("its definitions are here", lambda: admin.items("/api/v1/assets"))
        admin.ask("POST", "/api/v1/commands", {"verb": "materialize", "targets": "brooklyn", "args": {"selection": "*"}})
        run = wait_for("the run is known", lambda: [r for r in admin.items("/api/v1/runs") if r["status"] == "started"])[0]["run"]
        path = f"/api/v1/runs/brooklyn/{run}/output?step=says/more"
        wait_for("the step is known", lambda: admin.get(path).status == 202)
        seen, cursor = "", ""

        def follow(wanted):
            nonlocal seen, cursor
            answer = admin.get(f"{path}&cursor={cursor}")
            assert answer.status in (200, 202), answer
            seen, cursor = seen + answer.json["text"], answer.json["next"]
            return answer.json if wanted(answer.json) else None

        first = wait_for("what it wrote first is here", lambda: follow(lambda a: seen == "one\n"))
        assert first["state"] == "live" and first["running"] and first["online"], first
        open(flags[0], "w").close()
        wait_for("what it wrote then comes by itself", lambda: follow(lambda a: seen == "one\nzwölf\n"))
        for _ in range(20):  # who looks again asks the device for nothing more
            follow(lambda a: True)
        asked = [c for c in admin.items("/api/v1/commands") if c["verb"] == "logs"]
        assert len(asked) <= 2 and asked[0]["args"]["follow"] == "60s", asked
        open(flags[1], "w").close()
        wait_for("all of it is here", lambda: follow(lambda a: a["state"] == "here"))
        assert seen == "one\nzwölf\nthree\n", seen
        whole = admin.get(path)
        assert whole.status == 200 and whole.json["text"] == seen and not whole.json["running"], whole
        assert admin.get(path + "&cursor=nonsense").status == 400
        other = admin.get(path + "&stream=stderr")
        assert other.status == 200 and other.json["text"] == "", other  # nothing is asked for that was not written


def the_command_line_follows_a_run():
    with Fleet() as fleet:
        fleet.start_hub()
        flag = os.path.join(fleet.dir, "flag")
        device = fleet.device("brooklyn", f"""
project: shop
assets:
  - key: says/more
    run: [sh, -c, "echo one; echo oh >&2; until [ -e {flag} ]; do sleep 0.1; done; echo two"]
  - key: says/last
    deps: [says/more]
    run: [sh, -c, "echo three"]
""")
        device.enrol()
        device.start()
        wait_for("its definitions are here", lambda: fleet.command("assets", "--json"))
        fleet.command("command", "--to", "brooklyn", "materialize", "*")
        wait_for("a step runs", lambda: fleet.query("select 1 from step where status = 'started'"))
        follower = subprocess.Popen([HUB, "logs", "--follow", "--json", "--state-dir", fleet.hub_dir], stdout=subprocess.PIPE, text=True)
        fleet.closers.append(follower.kill)
        first = [json.loads(follower.stdout.readline()) for _ in range(2)]
        assert sorted((c["step"], c["stream"], c["text"]) for c in first) == [("says/more", "stderr", "oh\n"), ("says/more", "stdout", "one\n")], first
        assert not os.path.exists(flag) and follower.poll() is None
        open(flag, "w").close()
        rest = [json.loads(line) for line in follower.stdout]
        assert follower.wait() == 0 and [(c["step"], c["text"], c["offset"]) for c in rest] == [("says/more", "two\n", 4), ("says/last", "three\n", 0)], rest
        over = fleet.command("logs", "--follow", "--step", "says/more")  # of a run that is over: all of it
        assert "says/more, attempt 1, stdout\none\ntwo\n" in over and "three" not in over, over
        assert "no run" in fleet.command("logs", "nosuch", "--follow", code=None).stderr


def wrong_cookie(client):
    answer = client.ask("POST", "/api/v1/session", {"user": "admin", "password": PASSWORD})
    assert answer.status == 200, answer
    return answer.headers["set-cookie"]


def a_killed_web_process_comes_back():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        before = web_pid(fleet)
        os.kill(before, signal.SIGKILL)
        wait_for("another web process", lambda: web_pid(fleet) not in (None, before))
        wait_for_web(fleet.hub, fleet.http_port)
        assert fleet.hub.is_running
        last = web_pid(fleet)
        fleet.hub.stop()
        wait_for("the web process ends with the hub", lambda: not os.path.exists(f"/proc/{last}"))


if __name__ == "__main__":
    sys.exit(run_tests([what_a_device_records_is_told, sessions_begin_and_end, an_operator_acts,
                        output_is_fetched_from_the_device, output_is_followed_while_a_step_runs, the_command_line_follows_a_run, a_killed_web_process_comes_back]))
