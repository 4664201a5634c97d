"""Reports that go out by a schedule: into a folder, by MQTT, to a webhook and by mail; once, across restarts and kills; refused, late,
given up. Real hub, broker and curl; the wall clock is moved by tests/support/shifted_clock.c."""
import glob
import http.server
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from datetime import datetime, timedelta, timezone

import mqtt_stranger
from fleet import BIN, HUB, SKIP, Fleet, children, free_port, is_alive, read_file, run, run_tests, wait_for
from smtp_server import SmtpServer, make_certificate

SHIM = os.path.join(BIN, "shifted_clock.so")
ZONE = "Europe/Berlin"


class World(Fleet):
    """A hub whose wall clock is ours, and a mail server."""

    def __init__(self, settings, **smtp):
        super().__init__("shops")
        self.smtp = SmtpServer(**smtp)
        self.closers.append(self.smtp.close)
        self.clock_file = os.path.join(self.dir, "clock")
        self.shift = 0
        self.shifted = {"LD_PRELOAD": SHIM, "SHIFTED_CLOCK": self.clock_file, "SHIFTED_TIME": "1"}
        self.hub.env = {**os.environ, **self.shifted}
        self.set_clock(datetime.now(timezone.utc))
        broker = os.path.join(self.dir, "broker.sh")  # which judges certificates by the same clock
        with open(broker, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + "".join(f"export {k}={v}\n" for k, v in self.shifted.items()) +
                       'exec /usr/sbin/mosquitto "$@"\n')
        os.chmod(broker, 0o755)
        settings = f"broker: {broker}\n" + settings
        with open(os.path.join(self.hub_dir, "hub.yaml"), "a", encoding="utf-8") as file:
            file.write(settings.format(port=self.smtp.port, dir=self.dir))

    def now(self):
        return datetime.now(timezone.utc) + timedelta(seconds=self.shift)

    def set_clock(self, when):
        self.shift = round((when - datetime.now(timezone.utc)).total_seconds())
        temporary = self.clock_file + ".new"
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(str(self.shift))
        os.rename(temporary, self.clock_file)

    def advance(self, **by):
        self.set_clock(self.now() + timedelta(**by))
        self.poke()

    def poke(self):
        """As a command line that has written something."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"x", os.path.join(self.hub_dir, "hub.sock"))

    def execute(self, sql):
        """Beside the hub, whose locks are waited for."""
        db = sqlite3.connect(self.hub_db, timeout=30)
        with db:
            db.execute(sql)
        db.close()

    def reports(self):
        return {r["report"]: r for r in map(json.loads, self.command("reports", "--json").splitlines())}

    def report(self, name):
        return self.reports()[name]

    def command(self, *argv, **more):
        """With the hub's clock, since what is asked for is of a time."""
        return run("env", *[f"{k}={v}" for k, v in self.shifted.items()], HUB, *argv, "--state-dir", self.hub_dir, **more)

    def next_monday(self):
        """At seven in Berlin, of the winter or summer time that is then."""
        return datetime.fromisoformat(self.report("monday")["next_at"].replace("Z", "+00:00"))

    def wait_settled(self, name, due):
        text = due.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        wait_for(f"{name} is delivered for {text}", lambda: self.report(name).get("delivered_for") == text, 60)


MONDAY = """
mail: {{server: 127.0.0.1, port: {port}, tls: none, from: hub@shops.example}}
reports:
  - {{name: monday, cron: "0 7 * * mon", timezone: Europe/Berlin, since: 7d, group_by: site, to: {{mail: [a@shops.example, b@shops.example]}}}}
"""


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.is_dead:
            self.send_error(503)
            return
        self.server.heard.append((self.path, self.headers["Content-Type"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def webhook(world):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.heard, server.is_dead = [], False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    world.closers.append(server.shutdown)
    return server


def listener(world):
    """An MQTT client with the hub's rights, at the topics of reports and alerts."""
    folder = os.path.join(world.hub_dir, "identity")
    tls = mqtt_stranger.tls(cert=os.path.join(folder, "hub.pem"), key=os.path.join(folder, "hub.key"))
    client = mqtt_stranger.Stranger(world.port, "report-reader", tls)
    world.closers.append(client.close)
    return client


def all_ways_once_on_schedule():
    with World(MONDAY + """
  - {{name: page, cron: "0 7 * * mon", timezone: Europe/Berlin, to: {{directory: reports}}, keep: 2}}
  - {{name: screen, cron: "0 7 * * mon", timezone: Europe/Berlin, format: json, to: {{mqtt: true}}}}
  - {{name: chat, cron: "0 7 * * mon", timezone: Europe/Berlin, format: md, to: {{webhook: "file:{dir}/url"}}}}
""") as world:
        hook = webhook(world)
        with open(os.path.join(world.dir, "url"), "w", encoding="utf-8") as file:
            file.write(f"http://127.0.0.1:{hook.server_port}/secret-path\n")
        world.start_hub()
        device = world.device("till")
        device.enrol()
        monday = world.next_monday()
        assert monday.weekday() == 0 and monday.hour in (5, 6), monday
        world.set_clock(monday - timedelta(hours=1))
        world.poke()
        wait_for("the schedules are known", lambda: world.query("SELECT count(*) FROM report_delivery") == [(4,)])
        assert world.smtp.mails == [] and hook.heard == [], "nothing is due yet"
        world.set_clock(monday)
        world.poke()
        for name in ("monday", "page", "screen", "chat"):
            world.wait_settled(name, monday)
        mail = world.smtp.mails[0]
        assert mail.sender == "hub@shops.example" and mail.recipients == ["a@shops.example", "b@shops.example"], mail.recipients
        assert mail.message["subject"].startswith("shops: "), mail.message["subject"]
        assert mail.part("text/plain").startswith("fleet shops, "), mail.part("text/plain")
        assert "<svg" in mail.part("text/html") or "<h1>Fleet shops</h1>" in mail.part("text/html")
        assert max(map(len, mail.data.splitlines())) <= 100, "lines of mails are short"
        assert hook.heard[0][:2] == ("/secret-path", "text/markdown; charset=utf-8") and hook.heard[0][2].startswith(b"# Report of fleet")
        stamp = monday.strftime("%Y-%m-%dT%H%M%SZ")
        page = os.path.join(world.hub_dir, "reports", f"page-{stamp}.html")
        assert read_file(page).endswith("</body></html>\n")
        client = listener(world)  # as a screen on the wall that is switched on
        assert client.subscribe("selvedge/v1/shops/hub/reports/#") < 0x80
        payload = json.loads(wait_for("the retained report", client.payloads_received)[0])
        assert client.messages == ["selvedge/v1/shops/hub/reports/screen"] and payload["fleet"] == "shops", client.messages
        identity = os.path.join(device.state, "identity")
        tls = mqtt_stranger.tls(cert=os.path.join(identity, "cert.pem"), key=os.path.join(identity, "key.pem"))
        with mqtt_stranger.Stranger(world.port, "till.1", tls) as till:
            till.subscribe("selvedge/v1/shops/hub/#")
            assert not [t for t in till.topics_received() if "reports" in t], "devices do not read reports"
            assert till.publish("selvedge/v1/shops/hub/reports/screen", b"lies", retain=True) == 0x87
        world.command("alerts", "test")
        assert client.subscribe("selvedge/v1/shops/hub/alerts") < 0x80
        wait_for("a test of alerts by MQTT", lambda: (world.command("alerts", "test"), client.topics_received())[1][1:])
        assert set(client.messages[1:]) == {"selvedge/v1/shops/hub/alerts"}, client.messages
        # A hub that starts again sends nothing again: when it has done what was asked for, it has looked.
        world.hub.stop()
        world.start_hub()
        world.command("report", "--deliver", "page")
        assert len(world.smtp.mails) == 1 and len(hook.heard) == 1, (world.smtp.mails, hook.heard)
        # Three weeks away: the newest of the times that passed, once.
        world.hub.stop()
        world.set_clock(monday + timedelta(days=21, hours=5))
        world.start_hub()
        wait_for("the mail comes late", lambda: len(world.smtp.mails) == 2)
        wait_for("that is written down", lambda: world.report("monday")["delivered_for"] > monday.isoformat())
        late = datetime.fromisoformat(world.report("monday")["delivered_for"].replace("Z", "+00:00"))
        assert timedelta(days=20, hours=22) < late - monday < timedelta(days=21, hours=2), late
        world.wait_settled("page", late)
        world.wait_settled("chat", late)
        assert len(world.smtp.mails) == 2 and len(hook.heard) == 2, (len(world.smtp.mails), len(hook.heard))
        kept = sorted(os.path.basename(path) for path in glob.glob(os.path.join(world.hub_dir, "reports", "*")))
        assert len(kept) == 2 and kept[-1].startswith("page-" + late.strftime("%Y-%m-%dT%H%M")), kept
        assert "secret-path" not in world.hub.read_log()


def a_report_waits_for_devices_that_come_back():
    """The hub was down at the report's time: its start cut everybody off, and the report does not call them away."""
    with World("""
reports:
  - {{name: often, cron: "*/5 * * * *", format: json, to: {{directory: reports}}}}
""") as world:
        world.start_hub()
        device = world.device("till", "project: shop\nassets:\n  - {key: sales, run: [\"true\"]}\n")
        device.enrol()
        device.daemon.start()
        wait_for("the device is connected", lambda: world.query("SELECT is_online FROM connection") == [(1,)])
        wait_for("the schedule is known", lambda: world.query("SELECT count(*) FROM report_delivery") == [(1,)])
        due = datetime.fromisoformat(world.report("often")["next_at"].replace("Z", "+00:00"))
        world.hub.stop()
        world.set_clock(due + timedelta(seconds=1))
        device.daemon.process.send_signal(signal.SIGSTOP)
        world.start_hub()
        world.command("report", "--deliver", "often")  # asked for, it does not wait; and the hub has looked what is due
        assert "delivered_for" not in world.report("often"), world.report("often")
        device.daemon.process.send_signal(signal.SIGCONT)
        world.wait_settled("often", due)
        made = json.loads(read_file(os.path.join(world.hub_dir, "reports", due.strftime("often-%Y-%m-%dT%H%M%SZ.json"))))
        assert (made["totals"]["online"], made["totals"]["away"]) == (1, 0), made["totals"]
        assert "away" not in {line["kind"] for line in made["attention"]}, made["attention"]
        assert {c["certificate"] for c in made["hub_certificates"]} == {"CA", "broker"}, made["hub_certificates"]


def hub_killed_while_it_sends():
    """The child goes on without the hub, and the hub that comes back sends no second mail."""
    with World(MONDAY) as world:
        monday = world.next_monday()
        world.set_clock(monday - timedelta(hours=1))
        world.start_hub()
        wait_for("the schedule is known", lambda: world.query("SELECT count(*) FROM report_delivery") == [(1,)])
        world.smtp.may_answer.clear()
        world.set_clock(monday)
        world.poke()
        wait_for("the mail is on its way", lambda: world.smtp.tried == 1)
        world.hub.kill()
        world.start_hub()
        world.advance(minutes=5)  # time for another attempt, which finds the first at work
        wait_for("the second attempt has waited", lambda: "still under way" in world.report("monday").get("error", ""))
        world.smtp.may_answer.set()
        world.wait_settled("monday", monday)
        world.advance(hours=1)
        world.poke()
        world.hub.stop()
        assert len(world.smtp.mails) == 1, len(world.smtp.mails)


def sender_killed_before_it_knows():
    """Nobody can know whether the mail was taken: it is sent again, as the same mail."""
    with World(MONDAY) as world:
        monday = world.next_monday()
        world.set_clock(monday - timedelta(hours=1))
        world.start_hub()
        wait_for("the schedule is known", lambda: world.query("SELECT count(*) FROM report_delivery") == [(1,)])
        world.smtp.may_answer.clear()
        world.set_clock(monday)
        world.poke()
        wait_for("the mail was taken", lambda: world.smtp.tried == 1)
        sender = [pid for pid in children(world.hub.process.pid) if "report-send" in read_file(f"/proc/{pid}/cmdline")]
        assert len(sender) == 1, sender
        world.hub.kill()
        os.killpg(sender[0], signal.SIGKILL)
        wait_for("the sender is gone", lambda: not is_alive(sender[0]))
        world.smtp.may_answer.set()
        world.start_hub()
        world.advance(minutes=5)
        world.wait_settled("monday", monday)
        ids = {mail.message["message-id"] for mail in world.smtp.mails}
        assert len(world.smtp.mails) == 2 and len(ids) == 1, (len(world.smtp.mails), ids)


def refused_mail_is_shown_and_tried_again():
    with World(MONDAY) as world:
        monday = world.next_monday()
        world.set_clock(monday - timedelta(hours=1))
        world.start_hub()
        wait_for("the schedule is known", lambda: world.query("SELECT count(*) FROM report_delivery") == [(1,)])
        world.smtp.refusal = "550 no such user here"
        world.set_clock(monday)
        world.poke()
        wait_for("the refusal is shown", lambda: "550" in world.report("monday").get("error", ""))
        assert "550" in world.command("reports"), world.command("reports")
        assert "report.not_delivered" in world.hub.read_log()
        tried = world.command("report", "--deliver", "monday", code=None)
        assert tried.returncode != 0 and "550" in tried.stderr, tried.stderr
        world.smtp.refusal = None
        world.advance(hours=1)
        world.wait_settled("monday", monday)
        assert "error" not in world.report("monday") and len(world.smtp.mails) == 1
        # A receiver that refuses until the next time comes: that one is given up, the next is sent.
        world.smtp.refusal = "550 no such user here"
        world.set_clock(monday + timedelta(days=7, hours=2))
        world.poke()
        wait_for("it is refused", lambda: "550" in world.report("monday").get("error", ""))
        world.advance(hours=25)
        wait_for("it is given up", lambda: "report.given_up" in world.hub.read_log())
        world.smtp.refusal = None
        world.advance(hours=2)
        world.command("report", "--deliver", "monday")
        assert len(world.smtp.mails) == 2, "the one that was asked for; the one that was given up is not sent"


def mail_server_that_is_down():
    """Longer than the first attempts: the mail comes when the server is back, once, and what went before is told."""
    with World(MONDAY) as world:
        monday = world.next_monday()
        world.set_clock(monday - timedelta(hours=1))
        world.start_hub()
        wait_for("the schedule is known", lambda: world.query("SELECT count(*) FROM report_delivery") == [(1,)])
        world.smtp.close()
        world.set_clock(monday)
        world.poke()
        wait_for("it is said", lambda: "nobody answers" in world.report("monday").get("error", ""))
        for hours in (1, 2):
            world.advance(hours=1)
            wait_for(f"it is tried after {hours} h", lambda: world.report("monday")["attempts"] > hours and
                     world.query("SELECT count(*) FROM report_attempt")[0][0] > hours)
        world.hub.kill()
        world.smtp = SmtpServer(port=world.smtp.port)
        world.closers.append(world.smtp.close)
        world.start_hub()
        world.advance(hours=1)
        world.wait_settled("monday", monday)
        world.hub.stop()
        assert len(world.smtp.mails) == 1, len(world.smtp.mails)
        results = [row[0] for row in world.query("SELECT result FROM report_attempt ORDER BY id")]
        assert results[-1] == "delivered" and set(results[:-1]) == {"failed"} and len(results) >= 4, results


def dead_webhook_and_full_disk():
    with World("""
reports:
  - {{name: monday, cron: "0 7 * * mon", timezone: Europe/Berlin, format: text, to: {{webhook: "file:{dir}/url"}}}}
  - {{name: page, cron: "0 7 * * mon", timezone: Europe/Berlin, to: {{directory: "{dir}/small/reports"}}}}
""") as world:
        hook = webhook(world)
        hook.is_dead = True
        with open(os.path.join(world.dir, "url"), "w", encoding="utf-8") as file:
            file.write(f"http://127.0.0.1:{hook.server_port}/\n")
        small = os.path.join(world.dir, "small")
        os.mkdir(small)
        is_mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small], capture_output=True,
                                    check=False).returncode == 0
        if is_mounted:
            world.closers.append(lambda: subprocess.run(["umount", "-l", small], check=False))
            with open(os.path.join(small, "fill"), "wb") as file:
                try:
                    file.write(b"x" * 65536)
                    file.flush()
                except OSError:
                    pass
        else:
            print("no disk could be filled: mount is not allowed here; a folder that cannot be made stands in")
            open(os.path.join(small, "reports"), "w", encoding="utf-8").close()
        monday = world.next_monday()
        world.set_clock(monday - timedelta(hours=1))
        world.start_hub()
        wait_for("the schedules are known", lambda: world.query("SELECT count(*) FROM report_delivery") == [(2,)])
        world.set_clock(monday)
        world.poke()
        wait_for("both fail", lambda: all("error" in r for r in world.reports().values()))
        errors = {name: r["error"] for name, r in world.reports().items()}
        assert "503" in errors["monday"] and (not is_mounted or "No space left" in errors["page"]), errors
        hook.is_dead = False
        os.unlink(os.path.join(small, "fill" if is_mounted else "reports"))
        world.advance(hours=1)
        for name in ("monday", "page"):
            world.wait_settled(name, monday)
        assert len(hook.heard) == 1 and hook.heard[0][1] == "text/plain; charset=utf-8", hook.heard
        assert len(os.listdir(os.path.join(small, "reports"))) == 1


def database_that_cannot_be_written_sends_nothing():
    """Rather than the same mail again and again."""
    with World(MONDAY) as world:
        monday = world.next_monday()
        world.set_clock(monday - timedelta(hours=1))
        world.start_hub()
        wait_for("the schedule is known", lambda: world.query("SELECT count(*) FROM report_delivery") == [(1,)])
        world.execute("CREATE TRIGGER refuse BEFORE UPDATE ON report_delivery WHEN new.attempts > old.attempts "
                      "BEGIN SELECT raise(ABORT, 'database or disk is full'); END")
        world.set_clock(monday)
        world.poke()
        wait_for("it is said", lambda: "report.failed" in world.hub.read_log())
        assert world.smtp.tried == 0
        world.execute("DROP TRIGGER refuse")
        world.advance(minutes=1)
        world.wait_settled("monday", monday)
        assert len(world.smtp.mails) == 1
        # One that fails only when the mail is out: that is said, and the mail comes again as the same mail.
        world.execute("CREATE TRIGGER refuse BEFORE UPDATE ON report_delivery WHEN new.delivered_ms > old.delivered_ms "
                      "BEGIN SELECT raise(ABORT, 'database or disk is full'); END")
        world.set_clock(monday + timedelta(days=7, hours=2))
        world.poke()
        wait_for("it is said", lambda: "may be again" in world.report("monday").get("error", ""))
        assert len(world.smtp.mails) >= 2
        world.execute("DROP TRIGGER refuse")
        world.advance(hours=1)
        wait_for("it is delivered", lambda: "error" not in world.report("monday"))
        again = [mail.message["message-id"] for mail in world.smtp.mails[1:]]
        assert len(again) >= 2 and len(set(again)) == 1, again


def mail_with_password_over_tls():
    folder = tempfile.mkdtemp(prefix="selvedge-test-")
    certificate = make_certificate(folder)
    shutil.copy(certificate[0], os.path.join(folder, "ca.pem"))
    secret = "s3cret \"with\\quotes"
    with open(os.path.join(folder, "password"), "w", encoding="utf-8") as file:
        file.write(secret + "\n")
    with World("""
mail:
  server: 127.0.0.1
  port: {port}
  user: hub
  password_file: """ + folder + """/password
  ca_file: """ + folder + """/ca.pem
  from: hub@shops.example
reports:
  - {{name: now, cron: "0 7 * * mon", format: csv, to: {{mail: ops@shops.example}}}}
""", certificate=certificate, password=("hub", secret)) as world:
        world.start_hub()
        assert "delivered to mail to ops@shops.example" in world.command("report", "--deliver", "now")
        attachment = next(world.smtp.mails[0].message.iter_attachments())
        assert attachment.get_filename().startswith("now-20") and attachment.get_filename().endswith(".csv"), attachment
        assert attachment.get_content().startswith("asset,devices,"), attachment.get_content()
        with open(os.path.join(folder, "password"), "w", encoding="utf-8") as file:
            file.write("wrong\n")
        refused = world.command("report", "--deliver", "now", code=None)
        assert refused.returncode != 0 and "mail.password_file" in refused.stderr, refused.stderr
        told = world.query("SELECT cause, result, error FROM report_attempt ORDER BY id DESC LIMIT 1")[0]
        assert told[:2] == ("asked", "failed") and "does not take the user and the password" in told[2], told
        other = make_certificate(tempfile.mkdtemp(prefix="selvedge-test-", dir=world.dir))
        os.replace(other[0], os.path.join(folder, "ca.pem"))
        refused = world.command("report", "--deliver", "now", code=None)
        assert refused.returncode != 0 and "certificate" in refused.stderr, refused.stderr
        assert secret not in world.hub.read_log() and len(world.smtp.mails) == 1
    shutil.rmtree(folder)


def real_mail_server():
    """Debian's python3-aiosmtpd, where it is installed."""
    python = "/usr/bin/python3"
    has_server = subprocess.run([python, "-c", "import aiosmtpd"], capture_output=True, check=False).returncode == 0
    if not has_server:
        print("left out: python3-aiosmtpd is not installed", flush=True)
        return
    port = free_port()
    with World(MONDAY.replace("{port}", str(port))) as world:
        box = os.path.join(world.dir, "box")
        with open(os.path.join(world.dir, "smtp.log"), "w", encoding="utf-8") as log:
            server = subprocess.Popen([python, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c",
                                       "aiosmtpd.handlers.Mailbox", box], stdout=log, stderr=log)
        world.closers.append(server.wait)
        world.closers.append(server.terminate)
        world.closers.reverse()
        monday = world.next_monday()
        world.set_clock(monday - timedelta(hours=1))
        world.start_hub()
        wait_for("the schedule is known", lambda: world.query("SELECT count(*) FROM report_delivery") == [(1,)])
        world.set_clock(monday)
        world.poke()
        world.wait_settled("monday", monday)
        mails = glob.glob(os.path.join(box, "new", "*"))
        assert len(mails) == 1 and "Subject: shops: " in read_file(mails[0]), mails


def what_is_wrong_is_said():
    with World(MONDAY) as world:
        missing = world.command("report", "--deliver", "tuesday", code=None)
        assert missing.returncode == 3 and "no report tuesday" in missing.stderr, missing.stderr
        alone = world.command("report", "--deliver", "monday", code=None)
        assert alone.returncode == 4 and "not running" in alone.stderr, alone.stderr
        settings = os.path.join(world.hub_dir, "hub.yaml")
        good = read_file(settings)
        for old, new, said in (("0 7 * * mon", "0 25 * * mon", "hour"), ("Europe/Berlin", "Europe/Nowhere", "time zone"),
                               ("a@shops.example", "a shops", "no mail address"), ("tls: none", "tls: none, user: x", "without TLS"),
                               ("name: monday", "name: Mon/day", "no name"), ("mail: [a@shops.example, b@shops.example]", "mqtt: false",
                                                                              "goes nowhere")):
            assert old in good
            with open(settings, "w", encoding="utf-8") as file:
                file.write(good.replace(old, new))
            wrong = world.command("reports", code=None)
            assert wrong.returncode == 6 and said in wrong.stderr, (new, wrong.stderr)


if __name__ == "__main__":
    if not os.path.exists(SHIM) or not os.path.exists("/usr/bin/curl"):
        print("skipped: the clock's library or curl is not there")
        sys.exit(SKIP)
    sys.exit(run_tests([all_ways_once_on_schedule, a_report_waits_for_devices_that_come_back, hub_killed_while_it_sends, sender_killed_before_it_knows,
                        refused_mail_is_shown_and_tried_again, dead_webhook_and_full_disk,
                        database_that_cannot_be_written_sends_nothing, mail_with_password_over_tls, mail_server_that_is_down, real_mail_server,
                        what_is_wrong_is_said], at_once=3))
