"""Alerts: real hub, broker and devices. A site dies and is one alert; a program, a webhook and MQTT hear of it."""
import http.server
import json
import os
import sqlite3
import sys
import threading

from fleet import Fleet, read_file, run_tests, wait_for

DEFINITIONS = """project: shop
assets:
  - key: sales
    run: ["sh", "-c", "test ! -e fail"]
"""
SETTINGS = """alert_command: ["sh", "-c", "cat >> $0; echo >> $0", "{heard}"]
alert_webhook: file:{url_file}
alert_wait: 1s
alert_away: 1s
alert_repeat: 0s
"""


class Receiver(http.server.BaseHTTPRequestHandler):
    """Refuses the first request: what failed is sent again."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        if self.server.requests == 1:
            self.send_error(503)
            return
        self.server.heard.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def receiver():
    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    server.requests, server.heard = 0, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def begin(fleet, server):
    heard = os.path.join(fleet.dir, "heard")
    url_file = os.path.join(fleet.dir, "url")
    with open(url_file, "w") as f:
        f.write(f"http://127.0.0.1:{server.server_port}/secret-path\n")
    with open(os.path.join(fleet.hub_dir, "hub.yaml"), "a") as f:
        f.write(SETTINGS.format(heard=heard, url_file=url_file))
    fleet.start_hub()
    return lambda: [json.loads(line) for line in read_file(heard).splitlines() if line]


def texts(alerts, status):
    return sorted((a["kind"], a.get("device", a.get("value"))) for a in alerts if a["status"] == status)


def open_alerts(fleet):
    return [json.loads(line) for line in fleet.command("alerts", "--json").splitlines()]


def a_dead_site_is_one_alert():
    with Fleet() as fleet:
        server = receiver()
        fleet.closers.append(server.shutdown)
        heard = begin(fleet, server)
        devices = [fleet.device(name, DEFINITIONS) for name in ("b1", "b2", "b3", "c1")]
        for device in devices:
            device.enrol()
            device.start()
        for name in ("b1", "b2", "b3"):
            fleet.command("device", "label", name, "site=berlin")
        wait_for("all are connected",
                 lambda: fleet.query("SELECT count(*) FROM connection WHERE is_online") == [(4,)])
        for device in devices:
            device.daemon.stop()
        wait_for("the site and the lonely device are told of",
                 lambda: texts(heard(), "firing") == [("away", "berlin"), ("away", "c1")], 120)
        site = next(a for a in heard() if a.get("value") == "berlin")
        assert site["devices"] == 3 and site["label"] == "site" and site["fleet"] == fleet.name, site
        assert site["text"].startswith("site berlin: 3 devices are away"), site
        table = fleet.command("alerts")
        assert "site berlin: 3 devices are away" in table and "firing" in table, table
        # The webhook failed once, and heard all of it in the end.
        wait_for("the webhook too", lambda: texts(server.heard, "firing") == [("away", "berlin"), ("away", "c1")], 120)
        for device in devices:
            device.start()
        wait_for("it is over", lambda: texts(heard(), "resolved") == [("away", "berlin"), ("away", "c1")], 120)
        assert open_alerts(fleet) == []
        assert len(fleet.command("alerts", "--all").splitlines()) == 3
        log = fleet.hub.read_log()
        assert "alert.not_told" in log and "503" in log and "secret-path" not in log, log


def failures_and_refused_definitions_are_told():
    with Fleet() as fleet:
        server = receiver()
        fleet.closers.append(server.shutdown)
        heard = begin(fleet, server)
        device = fleet.device("till", DEFINITIONS)
        device.enrol()
        device.start()
        open(os.path.join(device.dir, "fail"), "w").close()
        device.command("materialize", "sales", code=1)
        wait_for("the failure is told", lambda: texts(heard(), "firing") == [("failing", "till")])
        assert heard()[-1]["detail"].startswith("sales"), heard()
        device.define("project: shop\nassets: 3\n")
        device.command("reload", code=6)
        wait_for("the refusal is told", lambda: ("definitions", "till") in texts(heard(), "firing"))
        device.define(DEFINITIONS)
        device.command("reload")
        os.unlink(os.path.join(device.dir, "fail"))
        device.command("materialize", "sales")
        wait_for("both are over",
                 lambda: texts(heard(), "resolved") == [("definitions", "till"), ("failing", "till")])
        health = json.loads(fleet.query("SELECT body FROM device_health")[0][0])
        assert health["disk_total_bytes"] > health["disk_free_bytes"] > 0 and health["buffer_quota_bytes"] > 0, health
        assert "definitions_refused" not in health


def what_is_late_is_told():
    with Fleet() as fleet:
        server = receiver()
        fleet.closers.append(server.shutdown)
        heard = begin(fleet, server)
        device = fleet.device("till", DEFINITIONS)
        device.enrol()
        device.start()
        device.command("materialize", "sales")
        wait_for("it is merged", lambda: fleet.query("SELECT count(*) FROM asset_state WHERE at_ms IS NOT NULL") == [(1,)])

        def judge(status):
            """As the device does after a minute at the earliest."""
            db = sqlite3.connect(fleet.hub_db, timeout=10)
            with db:
                db.execute("REPLACE INTO asset_freshness SELECT device, asset, ?, at_ms, stream_ms, epoch, seq FROM asset_state",
                           (status,))
            db.close()
        judge("fail")
        wait_for("it is told", lambda: texts(heard(), "firing") == [("late", "till")])
        assert heard()[-1]["detail"].startswith("sales is not as fresh"), heard()
        judge("pass")
        wait_for("it is over", lambda: texts(heard(), "resolved") == [("late", "till")])
        judge("fail")
        open(os.path.join(device.dir, "fail"), "w").close()
        device.command("materialize", "sales", code=1)
        wait_for("why it is late is told", lambda: ("failing", "till") in texts(heard(), "firing"))
        wait_for("and nothing else", lambda: [a["kind"] for a in open_alerts(fleet)] == ["failing"])


def silence_is_kept_and_ends():
    with Fleet() as fleet:
        server = receiver()
        fleet.closers.append(server.shutdown)
        heard = begin(fleet, server)
        device = fleet.device("till", DEFINITIONS)
        device.enrol()
        device.start()
        wait_for("it is connected", lambda: fleet.query("SELECT count(*) FROM connection WHERE is_online") == [(1,)])
        fleet.command("alerts", "silence", "till", "--for", "1h", "--reason", "works")
        device.daemon.stop()
        fleet.command("alerts", "test")
        wait_for("the test arrives", lambda: [a["status"] for a in heard()] == ["test"])
        silences = [json.loads(line) for line in fleet.command("alerts", "silences", "--json").splitlines()]
        assert [(s["targets"], s["reason"]) for s in silences] == [("till", "works")], silences
        assert open_alerts(fleet) == []
        fleet.command("alerts", "unsilence", str(silences[0]["silence"]))
        wait_for("it is told of", lambda: texts(heard(), "firing") == [("away", "till")])
        wrong = fleet.command("alerts", "silence", "label:", code=None)
        assert wrong.returncode != 0 and "targets, column 1" in wrong.stderr, wrong.stderr
        gone = fleet.command("alerts", "unsilence", "99", code=None)
        assert gone.returncode != 0 and "there is no silence 99" in gone.stderr, gone.stderr


if __name__ == "__main__":
    sys.exit(run_tests([a_dead_site_is_one_alert, failures_and_refused_definitions_are_told, what_is_late_is_told,
                        silence_is_kept_and_ends],
                       at_once=3))
