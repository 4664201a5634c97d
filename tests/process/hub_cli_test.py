"""The hub's command line as an operator meets it: setting up, tokens, every screen on an empty hub and on one that two
devices have filled, rebuild."""
import fcntl
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile

from fleet import HUB, Fleet, free_port, read_file, run, run_tests, wait_for

COMMANDS = ["init", "serve", "demo", "token create", "token list", "token revoke", "device show", "device label", "device revoke", "device decommission", "device rename", "device replace", "device preauthorise", "enrolments", "enrolment accept", "enrolment reject", "backup", "restore", "devices", "assets", "runs", "logs",
            "report", "reports", "lineage", "refusals", "rebuild", "dbt-bundle", "command", "commands", "commands cancel",
            "sign", "key list", "key create", "key add", "key remove", "simulate", "web", "checks", "jobs", "schedules", "schedules pause", "schedules resume", "sensors", "sensors pause", "sensors resume", "ticks", "backfills", "users", "user add", "user role", "user password", "user remove", "api-tokens", "api-token create", "api-token revoke"]
LOOKS = [["devices"], ["assets"], ["runs"], ["lineage"], ["refusals"], ["report"]]

DEFINITIONS = """
project: shop
resources:
  pos: {type: sqlite, path: POS}
  local: {type: sqlite, path: "${STATE_DIR}/shop.db"}
assets:
  - {key: erp/prices, external: true}
  - key: pos/orders
    extract: {resource: pos, table: orders, replication_key: updated_at}
    load: {resource: local, table: orders, mode: upsert, primary_key: [id]}
    group: pos
    tags: {domain: sales}
    owners: [team:retail]
    description: Orders as the till has them.
    checks:
      - {name: has_rows, sql: "select count(*) > 0 from orders", resource: local}
      - {name: is_small, sql: "select count(*) < 3 from orders", resource: local, severity: warn}
  - key: reports/daily
    deps: [pos/orders, erp/prices]
    sql: {resource: local, materialized: table, query: "select count(*) n from orders"}
    group: reports
  - key: pos/missing
    extract: {resource: pos, table: missing}
    load: {resource: local, table: missing, mode: append}
"""


class Folder:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="selvedge-test-")
        return self.path

    def __exit__(self, kind, value, trace):
        shutil.rmtree(self.path, ignore_errors=True)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def fails(code, *argv):
    """The command fails with this exit code and says why; its stderr. With --json it is one object."""
    done = run(HUB, *argv, code=None)
    assert done.returncode == code, (argv, done)
    assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) <= 2, done.stderr
    as_json = run(HUB, *argv, "--json", code=None)
    assert as_json.returncode == code and json.loads(as_json.stderr)["error"]["message"], as_json
    return done.stderr


# --- the command line ---

def every_command_has_help():
    for name in COMMANDS:
        text = run(HUB, *name.split(), "--help")
        assert f"selvedge-hub {name}" in text and "Examples:" in text, text
    overview = run(HUB, "--help")
    assert all(name in overview for name in COMMANDS), overview
    for wrong in (["nonsense"], ["runs", "--nonsense"], ["token"], ["token", "create", "--uses", "0"],
                  ["token", "create", "--expires", "5"], ["token", "revoke"], ["report", "--format", "xml"]):
        done = run(HUB, *wrong, code=None)
        assert done.returncode == 2 and done.stderr.startswith("error: "), (wrong, done)


def a_hub_that_is_not_set_up_says_so():
    with Folder() as folder:
        for command in [*LOOKS, ["logs"], ["token", "create"], ["token", "list"], ["serve"], ["rebuild"], ["rebuild", "--check"]]:
            assert "selvedge-hub init" in fails(3, *command, "--state-dir", folder), command
        assert os.listdir(folder) == [], "a command that failed left something behind"


# --- init ---

def init_writes_settings_that_serve_reads():
    with Folder() as folder:
        state = os.path.join(folder, "state")
        config = os.path.join(folder, "etc", "hub.yaml")
        said = json.loads(run(HUB, "init", "--config", config, "--state-dir", state, "--fleet", "shops", "--host", "hub.example.org",
                              "--port", "7001", "--enrol-port", "7002", "--name", "a.example", "--name", "10.0.0.1", "--json"))
        assert said["fleet"] == "shops" and said["state_dir"] == state and len(said["ca_fingerprint"]) == 64, said
        token = run(HUB, "token", "create", "--config", config).strip()  # finds the folder by the settings alone
        assert token.startswith("selvedge1.shops.[hub.example.org]:7002."), token
        assert token.endswith(said["ca_fingerprint"])
        assert '["a.example","10.0.0.1"]' in read_file(config)


def init_is_done_once():
    with Folder() as folder:
        state = os.path.join(folder, "state")
        assert "selvedge-hub -s " + state + " serve" in run(HUB, "init", "--state-dir", state, "--fleet", "shops")
        before = read_file(os.path.join(state, "hub.yaml")), read_file(os.path.join(state, "ca/ca.pem"))
        assert "already" in fails(1, "init", "--state-dir", state, "--fleet", "other")
        assert before == (read_file(os.path.join(state, "hub.yaml")), read_file(os.path.join(state, "ca/ca.pem")))


def init_that_was_interrupted_can_be_repeated():
    with Folder() as folder:
        state = os.path.join(folder, "state")
        argv = ["init", "--state-dir", state, "--fleet", "shops", "--port", "7001"]
        run(HUB, *argv)
        settings = read_file(os.path.join(state, "hub.yaml"))
        os.unlink(os.path.join(state, "ca/ca.pem"))  # the last thing it writes
        run(HUB, *argv)
        assert read_file(os.path.join(state, "hub.yaml")) == settings


def init_keeps_what_stands_in_the_file():
    with Folder() as folder:
        config = os.path.join(folder, "hub.yaml")
        with open(config, "w") as f:
            f.write("# mine\nhost: hub.example.org\n#port: 1\nport: 7001")
        argv = ["init", "--config", config, "--state-dir", os.path.join(folder, "state")]
        assert f"{config}:6:1: duplicate key \"port\"" in fails(6, *argv, "--port", "7003")
        assert not os.path.exists(os.path.join(folder, "state"))
        run(HUB, *argv, "--fleet", "shops", "--host", "hub.example.org")
        text = read_file(config)
        assert text.startswith("# mine\nhost: hub.example.org\n#port: 1\nport: 7001\n") and text.count("host:") == 1, text
        assert 'fleet: "shops"' in text


def init_refuses_what_serve_would():
    with Folder() as folder:
        state = os.path.join(folder, "state")
        for wrong in (["--fleet", "Shops"], ["--fleet", "hub"], ["--host", "a b"], ["--host", ""], ["--name", "x/y"],
                      ["--port", "7001", "--enrol-port", "7001"]):
            fails(6, "init", "--state-dir", state, *wrong)
        assert not os.path.exists(state)


def a_lost_database_is_no_dead_end():
    with Folder() as folder:
        run(HUB, "init", "--state-dir", folder, "--fleet", "shops")
        ca = read_file(os.path.join(folder, "ca/ca.pem"))
        os.unlink(os.path.join(folder, "hub.db"))
        for command in (["serve"], ["token", "create"]):
            assert "lost its database" in fails(3, *command, "--state-dir", folder)
        run(HUB, "init", "--state-dir", folder)
        assert read_file(os.path.join(folder, "ca/ca.pem")) == ca
        assert run(HUB, "token", "create", "--state-dir", folder).startswith("selvedge1.shops.")


def bad_settings_name_their_place():
    with Folder() as folder:
        config = os.path.join(folder, "hub.yaml")
        with open(config, "w") as f:
            f.write("fleet: shops\nprot: 1\nport: 99999\n")
        done = run(HUB, "devices", "--config", config, code=None)
        assert done.returncode == 6, done
        assert "hub.yaml:2:1: " in done.stderr and "hub.yaml:3:7: " in done.stderr, done.stderr
        assert "error: 2 problems" in done.stderr, done.stderr
        fails(3, "devices", "--config", os.path.join(folder, "none.yaml"))


# --- tokens, and a hub without devices ---

def tokens_are_made_listed_and_revoked():
    with Folder() as folder:
        run(HUB, "init", "--state-dir", folder, "--fleet", "shops")

        def hub(*argv, **more):
            return run(HUB, *argv, "--state-dir", folder, **more)

        assert "no tokens" in hub("token", "list")
        plain = run(HUB, "token", "create", "--state-dir", folder, code=None)
        assert plain.stdout.count("\n") == 1 and plain.stderr == "", plain
        made = json.loads(hub("token", "create", "--label", "till 7", "--uses", "3", "--expires", "2h", "--json"))
        listed = {t["id"]: t for t in lines(hub("token", "list", "--json"))}
        assert len(listed) == 2 and listed[made["id"]]["label"] == "till 7", listed
        assert listed[made["id"]]["max_uses"] == 3 and listed[made["id"]]["state"] == "open"
        secret = made["token"].split(".")[-2]
        with open(os.path.join(folder, "hub.db"), "rb") as db:
            assert secret.encode() not in db.read(), "the secret is stored"
        hub("token", "revoke", made["id"])
        assert {t["id"]: t["state"] for t in lines(hub("token", "list", "--json"))}[made["id"]] == "revoked"
        assert "token list" in fails(3, "token", "revoke", "nosuch00", "--state-dir", folder)


def an_empty_hub_has_empty_screens():
    with Folder() as folder:
        run(HUB, "init", "--state-dir", folder)
        for command in LOOKS:
            assert run(HUB, *command, "--state-dir", folder).strip(), command
            text = run(HUB, *command, "--state-dir", folder, "--json")
            assert command == ["report"] or text == "", (command, text)
        assert json.loads(run(HUB, "report", "--state-dir", folder, "--json"))["totals"]["devices"] == 0
        assert run(HUB, "lineage", "--format", "dot", "--state-dir", folder).startswith("digraph")
        assert run(HUB, "rebuild", "--check", "--state-dir", folder) == "the views are what 0 events of the log give\n"
        for absent in (["logs"], ["logs", "0198"], ["devices", "brooklyn"], ["assets", "pos/orders"]):
            fails(3, *absent, "--state-dir", folder)
        fails(6, "assets", "group:", "--state-dir", folder)


# --- serve ---

def serve_tells_its_supervisor_and_ends_in_order():
    with Folder() as folder:
        run(HUB, "init", "--state-dir", folder, "--bind", "127.0.0.1", "--port", str(free_port()), "--enrol-port", str(free_port()))
        log = os.path.join(folder, "log")
        notify = os.path.join(folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.bind(notify)
            supervisor.settimeout(20)
            with open(log, "wb") as err:
                hub = subprocess.Popen([HUB, "serve", "--state-dir", folder], stderr=err,
                                       env={**os.environ, "NOTIFY_SOCKET": notify, "WATCHDOG_USEC": "400000"})
            try:
                said = [supervisor.recv(1000)]
                while b"READY=1" not in said[-1]:
                    said.append(supervisor.recv(1000))
                while b"WATCHDOG=1" not in said[-1]:
                    said.append(supervisor.recv(1000))
                assert "stop the hub" in fails(1, "rebuild", "--state-dir", folder)
                hub.send_signal(signal.SIGTERM)
                assert hub.wait(20) == 0
                while b"STOPPING=1" not in said[-1]:
                    said.append(supervisor.recv(1000))
            finally:
                if hub.poll() is None:
                    hub.kill()
                    hub.wait()
        assert "event=hub.stopped" in read_file(log), read_file(log)


def serve_runs_once_and_waits_for_a_lock_that_is_let_go_of():
    """A killed hub's child keeps it until it has become its program."""
    with Folder() as folder:
        run(HUB, "init", "--state-dir", folder, "--bind", "127.0.0.1", "--port", str(free_port()), "--enrol-port", str(free_port()))
        log = os.path.join(folder, "log")
        with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock, open(log, "wb") as err:
            fcntl.flock(lock, fcntl.LOCK_EX)
            hub = subprocess.Popen([HUB, "serve", "--state-dir", folder], stderr=err)
            try:
                wait_for("it meets the lock", lambda: "hub.lock_wait" in read_file(log), every=0.02)
                fcntl.flock(lock, fcntl.LOCK_UN)
                wait_for("it serves", lambda: "hub.online" in read_file(log), every=0.02)
                second = subprocess.run([HUB, "serve", "--state-dir", folder], capture_output=True, text=True, check=False, timeout=60)
                assert second.returncode == 1 and f"error: lock {folder}/lock: process {hub.pid} holds it" in second.stderr, second.stderr
                hub.send_signal(signal.SIGTERM)
                assert hub.wait(20) == 0
            finally:
                if hub.poll() is None:
                    hub.kill()
                    hub.wait()


# --- a fleet of two ---

def make_pos(path, rows):
    db = sqlite3.connect(path)
    db.execute("create table orders (id integer primary key, total integer, updated_at text)")
    db.executemany("insert into orders values (?, ?, ?)", [(i, i * 3, f"2026-01-01T00:{i // 60:02}:{i % 60:02}Z") for i in range(rows)])
    db.commit()
    db.close()


def fill(fleet):
    fleet.start_hub()
    for name, rows in (("brooklyn", 50), ("chicago", 30)):
        device = fleet.device(name)
        pos = os.path.join(device.dir, "pos.db")
        make_pos(pos, rows)
        device.define(DEFINITIONS.replace("POS", pos))
        device.enrol(fleet.token("--label", name))
        device.daemon.start()
        wait_for("the daemon answers", lambda d=device: d.command("status", code=None).returncode == 0)
        device.command("materialize", "*", code=1)  # pos/missing fails
        steps = {step["step"]: step["status"] for step in json.loads(device.command("run", "--json"))["timeline"]}
        assert steps == {"pos/orders": "success", "reports/daily": "success", "pos/missing": "failure"}, (
            steps, device.command("logs"), device.daemon.read_log())
        wait_for("everything is merged", lambda d=device: d.position()["waiting_events"] == 0)


def one(rows, **wanted):
    found = [r for r in rows if all(r.get(k) == v for k, v in wanted.items())]
    assert len(found) == 1, (wanted, rows)
    return found[0]


def look_at_devices(fleet):
    devices = lines(fleet.command("devices", "--json"))
    assert [d["device"] for d in devices] == ["brooklyn", "chicago"]
    for d in devices:
        assert d["status"] == "online" and d["assets"] == 4 and d["failing"] == 1 and d["lost_events"] == 0, d
        assert abs(d["clock_offset_ms"]) < 5000 and d["certificate_expires_at"] > "2027", d
    text = fleet.command("devices")
    assert "online" in text and "now" in text, text
    assert lines(fleet.command("devices", "chicago", "--json")) == devices[1:]
    fleet.devices[1].daemon.stop()
    gone = wait_for("chicago is away", lambda: [d for d in lines(fleet.command("devices", "--json")) if d["status"] == "away"])[0]
    assert gone["device"] == "chicago" and gone["offline_reason"] == "stopped" and gone["last_seen_at"], gone


def look_at_assets(fleet):
    assets = lines(fleet.command("assets", "--json"))
    assert [a["asset"] for a in assets] == ["erp/prices", "pos/missing", "pos/orders", "reports/daily"]
    orders = one(assets, asset="pos/orders")
    assert orders["devices"] == 2 and orders["row_count"] == 80 and orders["materializations"] == 2, orders
    assert one(assets, asset="pos/missing")["failing_on"] == "brooklyn, chicago"
    assert one(assets, asset="erp/prices")["external"] is True
    for selection, keys in (("group:pos", ["pos/orders"]), ("tag:domain=sales", ["pos/orders"]),
                            ("owner:team:retail", ["pos/orders"]), ("+reports/daily", ["erp/prices", "pos/orders", "reports/daily"]),
                            ("pos/*", ["pos/missing", "pos/orders"]), ("not pos/*", ["erp/prices", "reports/daily"]),
                            ("kind:sql and group:reports", ["reports/daily"]), ("group:none", []),
                            ("is:external", ["erp/prices"]), ("sinks(group:p* or reports/*)", ["reports/daily"]),
                            ("kind:<null> and owner:<null>", ["erp/prices"])):
        got = [a["asset"] for a in lines(fleet.command("assets", selection, "--json"))]
        assert got == keys, (selection, got)
    assert "did you mean pos/orders?" in fails(3, "assets", "pos/ordrs", "--state-dir", fleet.hub_dir)
    own = lines(fleet.command("assets", "--device", "brooklyn", "--json"))
    assert one(own, asset="pos/orders")["row_count"] == 50 and "no table" in one(own, asset="pos/missing")["error"]["message"]
    assert "no table" in fleet.command("assets", "--device", "brooklyn")


def look_at_one_asset(fleet):
    asset = json.loads(fleet.command("assets", "pos/orders", "--json"))
    assert {d["device"]: d["row_count"] for d in asset["on_devices"]} == {"brooklyn": 50, "chicago": 30}
    assert asset["upstream"] == []
    assert asset["downstream"] == [{"asset": "reports/daily", "crosses": False, "declared_by": ["brooklyn", "chicago"]}]
    assert one(asset["check_results"], device="chicago", name="is_small")["passed"] is False
    assert one(asset["check_results"], device="chicago", name="has_rows")["passed"] is True
    text = fleet.command("assets", "pos/orders")
    for part in ("Orders as the till has them.", "used by", "is_small", "latest materialization, on chicago", "rows_written"):
        assert part in text, (part, text)
    assert "used by" in fleet.command("assets", "erp/prices")


def look_at_runs(fleet):
    runs = lines(fleet.command("runs", "--json"))
    assert len(runs) == 2 and all(r["status"] == "failure" and r["failed"] == 1 and r["succeeded"] == 2 for r in runs), runs
    assert [r["device"] for r in lines(fleet.command("runs", "--device", "brooklyn", "--json"))] == ["brooklyn"]
    assert lines(fleet.command("runs", "--status", "success", "--json")) == []
    assert len(lines(fleet.command("runs", "--asset", "pos/orders", "--limit", "1", "--json"))) == 1
    newest = runs[0]
    text = fleet.command("logs")
    assert text.startswith(f"run {newest['run']} on {newest['device']}\n"), text
    assert "asset_materialization " in text and "row_count=" in text and "no table" in text
    events = lines(fleet.command("logs", newest["run"], "--json"))
    own = lines(fleet.devices[1].command("logs", newest["run"], "--json"))
    assert events == own and len(events) > 10, (events, own)
    assert fleet.command("logs", newest["run"][:23]) == fleet.command("logs", newest["run"])
    assert "runs begin with" in fails(6, "logs", "0", "--state-dir", fleet.hub_dir)
    fails(3, "logs", newest["run"], "--device", "brooklyn", "--state-dir", fleet.hub_dir)


def look_at_lineage(fleet):
    edges = lines(fleet.command("lineage", "--json"))
    assert [(e["upstream"], e["downstream"]) for e in edges] == [("erp/prices", "reports/daily"), ("pos/orders", "reports/daily")]
    assert edges == lines(fleet.command("lineage", "--format", "json"))
    assert '"pos/orders" -> "reports/daily"' in fleet.command("lineage", "--format", "dot")
    assert lines(fleet.command("lineage", "--device", "chicago", "--json"))[0]["declared_by"] == ["chicago"]
    assert "brooklyn chicago" in fleet.command("lineage")
    assert edges[0]["reasons"][0] == {"by": "key", "made_on": [], "declared_by": ["brooklyn", "chicago"], "crosses": False}
    assert lines(fleet.command("lineage", "--crossing", "--json")) == []
    assert lines(fleet.command("lineage", "--at", "1d", "--json")) == []
    assert lines(fleet.command("lineage", "--at", "0s", "--json")) == edges
    assert [e["upstream"] for e in lines(fleet.command("lineage", "--asset", "pos/orders", "--json"))] == ["pos/orders"]
    assert "no device knows" in fails(3, "lineage", "--asset", "nothing", "--state-dir", fleet.hub_dir)
    assert "is no time" in fails(6, "lineage", "--at", "then", "--state-dir", fleet.hub_dir)
    made = one(lines(fleet.command("assets", "--at", "0s", "--json")), asset="pos/orders")
    assert made["made_on"] == ["brooklyn", "chicago"] and made["materializations"] == 2, made
    assert "all devices define" in fleet.command("assets", "--differing")
    versions = json.loads(fleet.command("assets", "pos/orders", "--json"))["versions"]  # each in its own folder
    assert sorted(v["devices"] for v in versions) == [["brooklyn"], ["chicago"]], versions
    assert versions[1]["differs_in"] == "reads", versions
    assert "nothing contradicts" in fleet.command("quarantine") and "two hosts" in fleet.command("clones")
    assert "is cut off" in fails(3, "clones", "accept", "brooklyn", "--state-dir", fleet.hub_dir)


def look_at_report(fleet):
    report = json.loads(fleet.command("report", "--json"))
    assert report["runs"] == {"success": 0, "failure": 2, "canceled": 0, "open": 0, "success_rate": 0.0}, report["runs"]
    assert report["totals"]["rows_written"] == 80 and report["totals"]["failing"] == 2, report["totals"]
    assert one(report["assets"], asset="pos/orders")["rows_written"] == 80
    assert len(report["checks_failing"]) == 2 and len(report["failing"]) == 2
    assert "no table" in report["failing"][0]["message"]
    text = fleet.command("report")
    for part in ("of 2 online", "2 failed", "needs attention", "pos/missing fails on brooklyn", "slowest\n"):
        assert part in text, (part, text)
    assert json.loads(fleet.command("report", "--format", "json"))["totals"] == report["totals"]
    markdown = fleet.command("report", "--format", "markdown")
    assert markdown.startswith("# Report of fleet test, ") and "| pos/orders | 2 | 2 | 80 |" in markdown, markdown
    nothing = json.loads(fleet.command("report", "--since", "1ms", "--json"))
    assert nothing["assets"] == [] and len(nothing["failing"]) == 2


def look_at_refusals(fleet):
    stranger = fleet.device("denver")
    used = lines(fleet.command("token", "list", "--json"))
    assert [t["state"] for t in used] == ["used", "used"]
    token = fleet.token()
    fleet.command("token", "revoke", token.split(".")[-3])
    stranger.enrol(token, code=5)
    refusal = lines(fleet.command("refusals", "--json"))[0]
    assert refusal["peer"] == "denver" and refusal["what"] == "enrolment" and "revoked" in refusal["why"], refusal
    assert "device" not in refusal and "selvedge-hub token create" in refusal["advice"], refusal  # anybody may call himself denver
    assert lines(fleet.command("refusals", "denver", "--json"))[0] == refusal and "nobody" in fleet.command("refusals", "brooklyn")
    assert refusal["advice"] in fleet.command("refusals"), fleet.command("refusals")
    assert "revoked" in fleet.command("token", "list")
    wait_for("a report that was made after it", lambda: "1 refusal" in fleet.command("report"))  # the same is given again for 5 s


def check_rebuild(fleet):
    assert "the views are what" in fleet.command("rebuild", "--check")  # beside the running hub
    fleet.hub.stop()
    db = sqlite3.connect(fleet.hub_db)
    db.execute("UPDATE asset_state SET row_count = row_count + 1 WHERE asset = 'pos/orders' AND device = 'chicago'")
    db.commit()
    db.close()
    text = fleet.command("rebuild", "--check", code=1)
    assert "asset_state chicago pos/orders: row_count is 31, the log gives 30" in text and "1 row is not" in text, text
    found = lines(fleet.command("rebuild", "--check", "--json", code=1))
    assert found[-1]["differences"] == 1 and "chicago" in found[0]["difference"], found
    assert "derived every view" in fleet.command("rebuild")
    assert "the views are what" in fleet.command("rebuild", "--check")
    assert json.loads(fleet.command("rebuild", "--json"))["differences"] == 0
    assert not [name for name in os.listdir(fleet.hub_dir) if name.startswith("rebuild")]


def a_fleet_is_seen_on_every_screen():
    with Fleet() as fleet:
        fill(fleet)
        for look in (look_at_assets, look_at_one_asset, look_at_runs, look_at_lineage, look_at_report, look_at_refusals,
                     look_at_devices, check_rebuild):
            look(fleet)


if __name__ == "__main__":
    sys.exit(run_tests([every_command_has_help, a_hub_that_is_not_set_up_says_so, init_writes_settings_that_serve_reads,
                        init_is_done_once, init_that_was_interrupted_can_be_repeated, init_keeps_what_stands_in_the_file,
                        init_refuses_what_serve_would, a_lost_database_is_no_dead_end, bad_settings_name_their_place,
                        tokens_are_made_listed_and_revoked, an_empty_hub_has_empty_screens, serve_tells_its_supervisor_and_ends_in_order,
                        serve_runs_once_and_waits_for_a_lock_that_is_let_go_of,
                        a_fleet_is_seen_on_every_screen]))
