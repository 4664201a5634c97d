"""Reports over HTTP: of a seeded fleet in every form, asked for wrongly, made by a child while others are answered; those of the
settings, sent now, and what came of them."""
import json
import os
import re
import signal
import socket
import sqlite3
import sys
import threading
from urllib.parse import quote

from fleet import HUB, Fleet, run, run_tests, wait_for
from web import PASSWORD, Client, children_called, set_up, web_pid

SEEDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/report")
UNTIL = "2026-11-30T06:00:00Z"  # of the seeded fleet
REPORTS = """
reports:
  - {name: page, cron: "0 6 * * *", to: {directory: reports}}
  - {name: nowhere, cron: "0 6 * * *", format: text, to: {webhook: "http://127.0.0.1:1/"}}
"""


def read(name):
    with open(os.path.join(SEEDED, name), encoding="utf-8", newline="") as file:
        return file.read()


class World(Fleet):
    def __init__(self, is_seeded=True):
        super().__init__("shops", web=True)
        with open(os.path.join(self.hub_dir, "hub.yaml"), "a", encoding="utf-8") as file:
            file.write(REPORTS)
        if is_seeded:
            db = sqlite3.connect(self.hub_db)
            db.executescript(read("seed.sql"))
            db.close()

    def report(self, client, **query):
        text = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
        return client.get("/api/v1/report?" + text, timeout=120)


def csv_of(golden, section):
    """One of the sections of report.csv, each behind its name."""
    return re.search(rf"(?:^|\n){section}\n(.*?)(?=\n(?:groups|loads|devices|troubles|days|losses|alerts)\n|\Z)", golden, re.S).group(1)


def every_form_is_that_of_the_command():
    with World() as world:
        world.start_hub()
        admin = set_up(world.hub, world.http_port)
        asked = {"since": "24h", "until": UNTIL, "group_by": "site"}
        answer = world.report(admin, **asked)
        assert answer.status == 200 and answer.headers["content-type"] == "application/json", answer
        golden = json.loads(read("report.json"))
        for member in ("fleet", "since", "until", "runs", "runs_before", "assets", "slowest", "flakiest", "loads", "days", "losses", "group_by"):
            assert answer.json[member] == golden[member], member
        kinds = [line["kind"] for line in answer.json["attention"]]
        assert {"failing", "check", "away", "lost", "certificate"} <= set(kinds), kinds
        failing = answer.json["attention"][0]
        assert (failing["asset"], failing["device"], failing["run"]) == ("pos/orders", "berlin-3", "r-02-000"), failing
        types = {"text": "text/plain; charset=utf-8", "html": "text/html; charset=utf-8", "md": "text/markdown; charset=utf-8",
                 "csv": "text/csv; charset=utf-8"}
        for form, kind in types.items():
            answer = world.report(admin, format=form, **asked)
            assert answer.status == 200 and answer.headers["content-type"] == kind, (form, answer)
            name = f'filename="shops-2026-11-30T060000Z.{"txt" if form == "text" else form}"'
            assert name in answer.headers["content-disposition"], answer.headers
        for section in ("assets", "groups", "loads", "days", "losses"):
            made = world.report(admin, format="csv", section=section, **asked).body.decode()
            assert section == "groups" or made.rstrip() == csv_of(read("report.csv"), section).rstrip(), section
        # What is now goes with the time; the rest is word for word what the command says.
        text = world.report(admin, format="text", **asked).body.decode()
        assert text.partition("\n")[0] == read("report.txt").partition("\n")[0]
        begin, end = "\nthe last seven days\n", "\nby site\n"
        assert text.partition(begin)[2].partition(end)[0] == read("report.txt").partition(begin)[2].partition(end)[0]
        said = json.loads(run(HUB, "report", "--since", "24h", "--format", "json", "--state-dir", world.hub_dir))
        here = world.report(admin, since="24h").json
        assert set(said) == set(here) and said["totals"] == here["totals"], (said["totals"], here["totals"])
        same = world.report(admin, since="2026-11-29T06:00:00Z", until=UNTIL, group_by="site").json
        assert same["runs"] == golden["runs"] and same["loads"] == golden["loads"]


def what_is_wrong_is_said():
    with World() as world:
        world.start_hub()
        admin = set_up(world.hub, world.http_port)
        for query, word in (({"since": "yesterday"}, "since"), ({"until": "noon"}, "until"), ({"format": "pdf"}, "format"),
                            ({"section": "x"}, "section"), ({"group_by": "a b"}, "label"), ({"since": "0s"}, "behind"),
                            ({"since": "400d"}, "366 days"), ({"since": UNTIL, "until": "2026-11-29T06:00:00Z"}, "behind"),
                            ({"since": "0001-01-01T00:00:00Z"}, "since"), ({"since": "1970-01-02T00:00:00Z"}, "366 days")):
            answer = world.report(admin, **query)
            assert answer.status == 400 and answer.headers["content-type"] == "application/problem+json", (query, answer)
            assert word in answer.json["detail"], (query, answer)
        ahead = world.report(admin, since="1h", until="2199-01-01T00:00:00Z")
        assert ahead.status == 200 and ahead.json["until"] < "2198", ahead
        nobody = Client(world.http_port)
        assert world.report(nobody).status == 401 and nobody.get("/api/v1/reports").status == 401
        assert admin.get("/api/v1/reports/tuesday").status == 404
        assert admin.ask("POST", "/api/v1/reports/tuesday/send").status == 404
        admin.ask("POST", "/api/v1/users", {"user": "ada", "role": "viewer", "password": PASSWORD})
        viewer = Client(world.http_port).log_in("ada")
        assert world.report(viewer).status == 200 and viewer.ask("POST", "/api/v1/reports/page/send").status == 403


def makers(pid):
    return list(children_called(pid, "report-make"))


def catch_maker(world, admin, answers, besides=None, hours=100):
    """A report that is being made, and stands still: asked for until its child is caught at it."""
    pid = web_pid(world)
    for length in range(hours, hours + 200):
        asking = threading.Thread(target=lambda n=length: answers.append(world.report(admin, since=f"{n}h")))
        asking.start()
        while asking.is_alive():
            for maker in set(makers(pid)) - {besides}:
                try:
                    os.kill(maker, signal.SIGSTOP)
                    with open(f"/proc/{maker}/stat", encoding="utf-8") as file:
                        state = file.read().rpartition(")")[2].split()[0]
                    if state == "T":
                        return maker, asking, length
                    os.kill(maker, signal.SIGCONT)  # at its end, or traced by a sanitizer that looks for leaks
                except OSError:
                    pass  # it has ended meanwhile
        answers.pop()
    raise AssertionError("no child was caught")


def others_are_answered_while_one_is_made():
    with World() as world:
        world.start_hub()
        admin = set_up(world.hub, world.http_port)
        answers = []
        maker, asking, hours = catch_maker(world, admin, answers)
        assert admin.get("/api/v1/overview").status == 200 and admin.get("/healthz").status == 200
        assert world.report(admin, since="24h").status == 200, "another report has a child of its own"
        # Who asks the same waits for the same child, and who goes away meanwhile harms nobody.
        twins = [threading.Thread(target=lambda: answers.append(world.report(admin, since=f"{hours}h"))) for _ in range(5)]
        for twin in twins:
            twin.start()
        with socket.create_connection(("127.0.0.1", world.http_port)) as gone:
            gone.sendall(f"GET /api/v1/report?since={hours}h HTTP/1.1\r\nHost: localhost\r\nCookie: {admin.cookie}\r\n\r\n".encode())
        assert admin.get("/api/v1/session").status == 200
        assert answers == [] and makers(web_pid(world)) == [maker]
        os.kill(maker, signal.SIGCONT)
        for thread in [asking, *twins]:
            thread.join()
        assert len(answers) == 6 and {a.status for a in answers} == {200}, answers
        assert len({a.json["made_at"] for a in answers}) == 1, "one child made it for all"
        # A child that dies is told, and the next is made as ever; the web process that ends ends its children.
        answers.clear()
        maker, asking, _ = catch_maker(world, admin, answers)
        os.kill(maker, signal.SIGKILL)
        asking.join()
        assert answers[0].status == 500 and "make the report" in answers[0].json["detail"], answers
        assert world.report(admin, since="24h").status == 200
        answers.clear()
        maker, asking, _ = catch_maker(world, admin, answers)
        world.hub.stop()
        asking.join()
        assert answers[0].status == 503, answers
        wait_for("the child is gone", lambda: not os.path.exists(f"/proc/{maker}"))


def a_crowd_is_told_to_come_later():
    """Two are made at a time, others wait, sixteen in all; whoever comes then is told so at once."""
    with World() as world:
        world.start_hub()
        admin = set_up(world.hub, world.http_port)
        answers, crowd = [], []
        first, asking, _ = catch_maker(world, admin, crowd)
        second, asking_too, _ = catch_maker(world, admin, crowd, besides=first, hours=400)
        threads = [threading.Thread(target=lambda n=n: answers.append(world.report(admin, since=f"{n + 1000}m"))) for n in range(20)]
        for thread in threads:
            thread.start()
        wait_for("those who are too many are told", lambda: len(answers) == 6)
        assert all(a.status == 503 and a.headers["retry-after"] for a in answers), answers
        assert admin.get("/api/v1/overview").status == 200
        for maker in (first, second):
            os.kill(maker, signal.SIGCONT)
        for thread in [asking, asking_too, *threads]:
            thread.join()
        assert sorted(a.status for a in answers) == [200] * 14 + [503] * 6 and [a.status for a in crowd] == [200, 200], answers
        assert 1 <= world.hub.read_log().count("event=web.request_failed") < 6, "six were refused: they do not fill the log"


def those_of_the_settings_are_listed_and_sent():
    with World(is_seeded=False) as world:
        world.start_hub()
        admin = set_up(world.hub, world.http_port)
        listed = {one["report"]: one for one in admin.items("/api/v1/reports")}
        assert list(listed) == ["page", "nowhere"] and listed["page"]["deliveries"] == [], listed
        assert listed["page"]["next_at"].endswith("T06:00:00.000Z") and listed["page"]["to"] == "folder reports", listed
        said = [json.loads(line) for line in run(HUB, "reports", "--json", "--state-dir", world.hub_dir).splitlines()]
        assert list(listed.values()) == said, said
        assert [one["report"] for one in admin.items("/api/v1/reports?limit=1")] == ["page", "nowhere"]

        def outcome(name, given):
            one = admin.get(f"/api/v1/reports/{name}").json
            return next((d for d in one["deliveries"] if (d["cause"], d["due_at"]) == ("asked", given["asked_at"])), None)

        for name, result in (("page", "delivered"), ("nowhere", "failed")):
            given = admin.ask("POST", f"/api/v1/reports/{name}/send")
            assert given.status == 202 and given.json["report"] == name, given
            came = wait_for(f"{name} is told of", lambda: outcome(name, given.json))
            assert came["result"] == result and ("error" in came) == (result == "failed"), came
        assert "nobody answers" in came["error"], came
        assert len(os.listdir(os.path.join(world.hub_dir, "reports"))) == 1
        log = [(e["action"], e["subject"]) for e in admin.items("/api/v1/audit?action=report.send")]
        assert log == [("report.send", "nowhere"), ("report.send", "page")], log


if __name__ == "__main__":
    sys.exit(run_tests([every_form_is_that_of_the_command, what_is_wrong_is_said, others_are_answered_while_one_is_made, a_crowd_is_told_to_come_later,
                        those_of_the_settings_are_listed_and_sent], at_once=2))
