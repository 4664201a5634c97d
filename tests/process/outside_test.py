"""Programs that report to Dagster report to the hub: the request forms of Dagster's reporting documentation, what they answer, and
that a report of 200 is in the log once, whatever is killed."""
import json
import os
import signal
import sys
import urllib.parse

from fleet import Fleet, query, run_tests, wait_for
from web import Client, set_up, wait_for_web

JSON = {"Content-Type": "application/json"}


def reported(fleet):
    return [json.loads(body) for (body,) in query(
        fleet.hub_db, "SELECT e.body FROM event e JOIN stream s ON s.id = e.stream_id WHERE s.device = 'hub' ORDER BY e.seq")]


def all_are_merged(fleet, count):
    wait_for(f"{count} reports are in the log", lambda: len(reported(fleet)) == count)
    wait_for("nothing waits", lambda: query(fleet.hub_db, "SELECT count(*) FROM outside_report") == [(0,)])
    found = reported(fleet)
    assert [e["seq"] for e in found] == list(range(1, count + 1)), found
    return found


def forms_of_dagsters_documentation():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)

        def post(path, body=None, headers=None):
            answer = admin.ask("POST", path, body, headers=headers)
            assert answer.status == 200 and answer.json == {}, (path, answer)

        # path; body; query; a key of several parts in each of them
        post("/report_asset_materialization/raw/orders")
        post("/report_asset_materialization/", {"asset_key": "orders", "metadata": {"rows": 10, "ok": True, "at": "x", "r": 0.5}})
        post("/report_asset_materialization", {"asset_key": ["raw", "orders"], "data_version": "v1", "partition": "2026-11-29",
                                               "description": "by hand"})
        post("/report_asset_materialization/?asset_key=orders&data_version=v2&metadata=" + urllib.parse.quote('{"rows": 3}'))
        post("/report_asset_materialization/?asset_key=" + urllib.parse.quote('["raw","orders"]'))
        # the path counts before the body, the body before the query
        post("/report_asset_materialization/from_path?asset_key=from_query&data_version=q", {"asset_key": "from_body", "data_version": "b"})
        post("/report_asset_observation/raw/orders", {"metadata": {"typed": {"raw_value": 5, "type": "int"}}, "data_version": "o1"})
        post("/report_asset_check/raw/orders", {"check_name": "no_nulls", "passed": False, "severity": "WARN", "metadata": {"n": 2}})
        post("/report_asset_check/raw/orders?check_name=has_rows&passed=true")
        # what a client of Python may write, and a content type that Dagster itself refuses
        post("/report_asset_observation/raw/orders", '{"metadata": {"x": NaN, "big": 123456789012345678901}, "partition": null}',
             {"Content-Type": "application/json; charset=utf-8"})

        found = all_are_merged(fleet, 10)
        nobody = admin.get("/api/v1/devices/hub")
        assert nobody.status == 404 and "reported from outside" in nobody.json["detail"], nobody
        keys = ["raw/orders", "orders", "raw/orders", "orders", "raw/orders", "from_path"] + 4 * ["raw/orders"]
        assert [e["asset"] for e in found] == keys, found
        assert found[1]["metadata"] == {"rows": {"type": "int", "raw_value": 10}, "ok": {"type": "bool", "raw_value": True},
                                        "at": {"type": "text", "raw_value": "x"}, "r": {"type": "float", "raw_value": 0.5}}
        assert found[2]["partition"] == "2026-11-29" and found[2]["data_version"] == "v1" and found[2]["data_version_given"]
        assert found[2]["description"] == "by hand" and found[2]["reported_by"] == "admin"
        assert found[5]["data_version"] == "b", found[5]
        assert found[6]["type"] == "asset_observation" and found[6]["metadata"]["typed"] == {"type": "int", "raw_value": 5}
        assert (found[7]["check"], found[7]["passed"], found[7]["severity"]) == ("no_nulls", False, "warn")
        assert (found[8]["check"], found[8]["passed"], found[8]["severity"]) == ("has_rows", True, "error")
        assert found[9]["metadata"]["x"] == {"type": "float", "raw_value": "NaN"}, found[9]

        assets = {a["asset"]: a for a in admin.items("/api/v1/assets")}
        assert assets["raw/orders"]["materializations"] == 3 and assets["orders"]["materializations"] == 2, assets
        assert admin.items("/api/v1/devices") == []
        json.loads(fleet.command("report", "--json"))
        fleet.command("rebuild", "--check")


WRONG = [
    ("/report_asset_materialization/", None, None, "Empty asset key"),
    ("/report_asset_materialization/", "a=1", {"Content-Type": "application/x-www-form-urlencoded"}, "Unhandled content type"),
    ("/report_asset_materialization/k", "{", JSON, "Error parsing the JSON body"),
    ("/report_asset_materialization/k", "[]", JSON, "Error parsing the JSON body"),
    ("/report_asset_materialization/k?metadata=nope", None, None, "Error parsing metadata json"),
    ("/report_asset_materialization/k", '{"metadata": 5}', JSON, "metadata is no object"),
    ("/report_asset_materialization/k", '{"data_version": 5}', JSON, "data_version is no text"),
    ("/report_asset_materialization/k", '{"data_version": "%s"}' % ("v" * 2000), JSON, "data_version: 2000 bytes"),
    ("/report_asset_materialization/", '{"asset_key": ["a", 5]}', JSON, "a part is no text"),
    ("/report_asset_materialization/", '{"asset_key": "no spaces"}', JSON, "no spaces"),
    ("/report_asset_check/k", '{"passed": true}', JSON, "Missing required parameter 'check_name'."),
    ("/report_asset_check/k", '{"check_name": "c"}', JSON, "Missing required parameter 'passed'."),
    ("/report_asset_check/k?check_name=c&passed=maybe", None, None, "Error parsing 'passed'"),
    ("/report_asset_check/k", '{"check_name": "c", "passed": 1}', JSON, "passed is no bool"),
    ("/report_asset_check/k", '{"check_name": "c", "passed": true, "severity": "warn"}', JSON, "severity is neither"),
]


def what_is_wrong_is_said_and_nothing_recorded():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        for path, body, headers, says in WRONG:
            answer = admin.ask("POST", path, body, headers=headers)
            assert answer.status == 400 and says in answer.json["error"], (path, body, answer)
        big = admin.ask("POST", "/report_asset_observation/k", {"metadata": {"x": "y" * 100000}})
        assert big.status == 413, big
        nobody = Client(fleet.http_port)
        assert nobody.ask("POST", "/report_asset_materialization/k").status == 401
        unknown = nobody.ask("POST", "/report_asset_materialization/k", headers={"Dagster-Cloud-Api-Token": "svhk_" + 64 * "0"})
        assert unknown.status == 401 and "unknown" in unknown.body.decode(), unknown
        assert admin.get("/report_asset_materialization/k").status == 405
        assert query(fleet.hub_db, "SELECT count(*) FROM outside_report") == [(0,)] and reported(fleet) == []


def answered_is_kept():
    """A report that was answered is in the log once: the hub killed before it merged, and while it merges."""
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        answered = 0
        for turn in range(3):
            os.kill(fleet.hub.process.pid, signal.SIGSTOP)  # nobody merges; the web process goes on
            for _ in range(300 if turn == 1 else 5):  # more than a batch holds
                while admin.ask("POST", f"/report_asset_observation/k{turn}", {"data_version": str(answered)}).status != 200:
                    os.kill(fleet.hub.process.pid, signal.SIGCONT)  # it was stopped while it wrote: nobody else can
                    os.kill(fleet.hub.process.pid, signal.SIGSTOP)
                answered += 1
            if turn == 2:
                os.kill(fleet.hub.process.pid, signal.SIGCONT)
            fleet.hub.kill()
            fleet.start_hub()
            wait_for_web(fleet.hub, fleet.http_port)
            found = all_are_merged(fleet, answered)
            assert [e["data_version"] for e in found] == [str(i) for i in range(answered)]
        fleet.command("rebuild", "--check")


if __name__ == "__main__":
    sys.exit(run_tests([forms_of_dagsters_documentation, what_is_wrong_is_said_and_nothing_recorded, answered_is_kept]))
