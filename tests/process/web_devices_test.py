"""The HTTP API about devices: all that is known of one, what is done to it, who may join, commands in turns and bundles from the
shelf; what is wrong is refused with what to do."""
import hashlib
import json
import os
import sqlite3
import sys
from urllib.parse import quote

from deploy_test import LOCAL, deploy, write_bundle
from devices_test import Asker
from fleet import HUB, Fleet, run, run_tests, wait_for
from web import PASSWORD, Client, set_up

DEFINITIONS = """
project: shop
assets:
  - {key: pos/orders, run: ["true"]}
  - {key: pos/late, run: ["sh", "-c", "exit 3"]}
"""
OTHERS = """
project: shop
assets:
  - {key: pos/orders, run: ["true"], description: "every order"}
  - {key: pos/early, run: ["true"]}
"""


def start(fleet, name, definitions=DEFINITIONS):
    device = fleet.device(name, definitions)
    device.enrol()
    return device.start()


def operator_of(fleet, admin, role="operator"):
    assert admin.ask("POST", "/api/v1/users", {"user": role, "role": role, "password": PASSWORD}).status == 201
    return Client(fleet.http_port).log_in(role)


def one_device_is_told_of_whole():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        device = start(fleet, "brooklyn")
        device.command("materialize", "*", code=None)
        path = "/api/v1/devices/brooklyn"
        wait_for("its health and its run are here", lambda: "health" in admin.get(path).json and admin.items("/api/v1/runs?status=failure"))
        card = admin.get(path).json
        assert card["certificate_cause"] == "enrolled" and card["starts"] == 1 and card["commands"] == [], card

        certificate = admin.items(path + "/certificates")
        assert [(c["state"], c["cause"], c["fingerprint"]) for c in certificate] == [
            ("in force", "enrolled", card["certificate_fingerprint"])], certificate
        first = admin.items(path + "/definitions")
        assert [(d["added"], d["assets"], d["in_force"]) for d in first] == [(["pos/late", "pos/orders"], 2, True)], first
        device.define(OTHERS)
        device.command("reload")
        changes = wait_for("it has other definitions", lambda: (lambda d: len(d) == 2 and d)(admin.items(path + "/definitions")))
        assert (changes[0]["added"], changes[0]["changed"], changes[0]["removed"]) == (["pos/early"], ["pos/orders"], ["pos/late"]), changes
        assert changes[0]["in_force"] and not changes[1]["in_force"] and changes[1]["added_count"] == 2, changes
        assert admin.items(path + "/definitions?limit=1") == changes
        assert admin.items(path + "/gaps") == []

        ping = admin.ask("POST", "/api/v1/commands", {"verb": "ping", "targets": "brooklyn"}).json["command"]
        wait_for("it has answered", lambda: admin.get(f"/api/v1/commands/{ping}").json["state"] == "done")
        device.daemon.stop()
        wait_for("it is away", lambda: admin.get(path).json["status"] == "away")
        time = admin.get(path + "/timeline").json
        assert [p["status"] for p in time["presence"]][:2] == ["away", "online"] and time["presence"][0]["reason"], time
        assert [(c["verb"], c["status"]) for c in time["commands"]] == [("ping", "succeeded")], time
        assert [r["status"] for r in time["runs"]] == ["failure"] and len(time["definitions"]) == 2, time
        assert time["health"][0]["buffer_events"] >= 0 and not time["cut"], time
        assert admin.get(path + "/timeline?since=yesterday").status == 400
        assert admin.get(path + "/timeline?since=2026-01-01&until=2026-12-01").status == 400
        assert admin.get(path + "/timeline?span=93d").status == admin.get(path + "/timeline?span=x").status == 400
        assert admin.get(path + "/timeline?span=7d").json["commands"] == time["commands"]
        past = admin.get(path + "/timeline?since=2020-01-01&until=2020-01-02").json
        assert past["runs"] == past["presence"] == [], past
        for part in ("", "/certificates", "/definitions", "/gaps", "/timeline"):
            assert admin.get("/api/v1/devices/nobody" + part).status == 404, part
        assert admin.get(path + "/definitions?cursor=MQ").status == 400
        assert admin.items("/api/v1/alerts?device=nobody") == admin.items("/api/v1/pools?device=brooklyn") == []


def a_device_is_changed_by_who_may():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        operator = operator_of(fleet, admin)
        start(fleet, "brooklyn")
        path = "/api/v1/devices/brooklyn"
        put = operator.ask("PUT", path + "/labels", {"labels": {"site": "berlin", "line": "2"}})
        assert put.status == 200 and put.json["labels"] == {"site": "berlin", "line": "2"}, put
        put = operator.ask("PUT", path + "/labels", {"labels": {"site": "bonn"}})
        assert put.status == 200 and admin.get(path).json["labels"] == {"site": "bonn"}, put
        for labels in ({"Site": "b"}, {"site": ""}, {"site": 1}, ["site"], None):
            assert operator.ask("PUT", path + "/labels", {"labels": labels}).status == 400, labels
        many = operator.ask("PUT", path + "/labels", {"labels": {f"k{i}": "v" for i in range(65)}})
        assert many.status == 507 and admin.get(path).json["labels"] == {"site": "bonn"}, many
        meant = "/api/v1/targets?to=" + quote("label:site=bonn and not is:away")
        wait_for("it is online", lambda: admin.get(meant).json["devices"] == 1)
        assert admin.get(meant).json["first"] == ["brooklyn"] and admin.get(meant).json["online"] == 1
        assert admin.get("/api/v1/targets?to=label:").status == 400 and admin.get("/api/v1/targets?to=nobody").status == 404

        assert operator.ask("POST", path + "/rename", {"name": "till-41"}).status == 403
        assert admin.ask("POST", path + "/rename", {"name": "till-41"}).status == 204
        assert admin.get("/api/v1/devices/till-41").json["device"] == "brooklyn"
        assert operator.ask("POST", path + "/revoke", {"reason": "stolen"}).status == 403
        revoked = admin.ask("POST", path + "/revoke", {"reason": "stolen"})
        assert revoked.status == 200 and revoked.json["status"] == "revoked", revoked
        wait_for("it is out", lambda: admin.get(path).json["status"] == "revoked")
        assert admin.get(path).json["status_reason"] == "stolen"
        assert [c["state"] for c in admin.items(path + "/certificates")] == ["revoked"]
        replaced = admin.ask("POST", path + "/replace", {"expires_in": "1h"})
        assert replaced.status == 201 and replaced.json["max_uses"] == 1 and replaced.json["token"], replaced
        assert admin.ask("POST", path + "/replace", {"expires_in": "long"}).status == 400
        assert admin.ask("POST", "/api/v1/devices/nobody/revoke", {}).status == 404
        actions = {(a["action"], a["result"]) for a in admin.items("/api/v1/audit")}
        assert {("device.label", "ok"), ("device.rename", "ok"), ("device.revoke", "ok"), ("device.replace", "ok")} <= actions, actions
        assert "secret" not in str(admin.items("/api/v1/audit"))


def devices_join_by_a_word_or_a_token():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        operator = operator_of(fleet, admin)
        assert operator.get("/api/v1/enrolments").status == 403
        assert admin.items("/api/v1/enrolments") == []
        waiter = Asker(fleet, "brooklyn", "--name", "brooklyn").ask()
        row = wait_for("it waits", lambda: admin.items("/api/v1/enrolments"))[0]
        assert (row["device"], row["status"], len(row["fingerprint"])) == ("brooklyn", "waiting", 19), row
        accept = "/api/v1/enrolments/brooklyn/accept"
        assert admin.ask("POST", accept, {}).status == 400
        assert admin.ask("POST", accept, {"fingerprint": "0000-0000-0000-0000"}).status == 404
        assert admin.ask("POST", accept, {"fingerprint": row["fingerprint"]}).status == 204
        assert row["fingerprint"] in waiter.answer()
        assert admin.get("/api/v1/devices/brooklyn").json["enrolment"] == "enrolled"
        other = Asker(fleet, "mallory", "--name", "mallory").ask()
        row = wait_for("another waits", lambda: [e for e in admin.items("/api/v1/enrolments") if e["device"] == "mallory"])[0]
        assert admin.ask("POST", "/api/v1/enrolments/mallory/reject", {"fingerprint": row["fingerprint"]}).status == 204
        other.answer(code=5)
        assert admin.get("/api/v1/devices/mallory").status == 404

        made = admin.ask("POST", "/api/v1/enrolment-tokens", {"label": "tills", "max_uses": 2, "names": "till-*", "labels": {"site": "bonn"},
                                                              "expires_in": "2h"})
        assert made.status == 201 and made.json["max_uses"] == 2, made
        fleet.device("till-1", LOCAL).enrol(made.json["token"])
        assert admin.get("/api/v1/devices/till-1").json["labels"] == {"site": "bonn"}
        listed = admin.items("/api/v1/enrolment-tokens?limit=1")
        mine = [t for t in listed if t["id"] == made.json["id"]]
        assert [(t["state"], t["uses"], t["names"]) for t in mine] == [("open", 1, "till-*")] and "token" not in mine[0], listed
        for wrong in ({"max_uses": 0}, {"expires_in": "400d"}, {"labels": {"A": "b"}}, {"labels": "x"}):
            assert admin.ask("POST", "/api/v1/enrolment-tokens", wrong).status == 400, wrong
        assert admin.ask("DELETE", f"/api/v1/enrolment-tokens/{made.json['id']}").status == 204
        assert admin.ask("DELETE", "/api/v1/enrolment-tokens/nothing").status == 404
        refused = fleet.device("till-2", LOCAL).enrol(made.json["token"], code=None)
        assert refused.returncode != 0, refused

        known = "/api/v1/preauthorisations"
        sheet = "serial,name,site\r\nSN-1,press-1,bonn\r\nSN/2,press-2,\r\n"
        assert operator.ask("POST", known, {"sheet": sheet}).status == 403
        for wrong in ({}, {"sheet": ""}, {"sheet": "name\n"}, {"sheet": "serial,name\nSN-9\n"}, {"sheet": sheet + "SN-3,Press 3,\n"}):
            assert admin.ask("POST", known, wrong).status == 400, wrong
        assert admin.items(known) == [], "all of a sheet, or nothing"
        assert admin.ask("POST", known, {"sheet": sheet}).json == {"rows": 2}
        assert admin.ask("POST", known, {"sheet": "serial,name\nSN-3,press-3\nSN-4,press-1\n"}).status == 409
        listed = admin.items(known + "?limit=1")
        assert [(h["serial_number"], h["device"], h["labels"]) for h in listed] == [("SN-1", "press-1", {"site": "bonn"}), ("SN/2", "press-2", {})], listed
        assert "enrolled as press-1" in Asker(fleet, "press", "--serial", "SN-1").ask().answer()
        assert ["used_at" in h for h in admin.items(known)] == [True, False]
        assert admin.ask("DELETE", known + "/SN%2F2").status == 204 and admin.ask("DELETE", known + "/SN%2F2").status == 404
        assert admin.get("/api/v1/devices/press-1").json["enrolment"] == "enrolled" and len(admin.items(known)) == 1


def commands_are_found_and_given_in_turns():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        for name in ("brooklyn", "oakland"):
            start(fleet, name)

        def give(**body):
            return admin.ask("POST", "/api/v1/commands", body)
        wait_for("both are online", lambda: len(admin.items("/api/v1/devices?status=online")) == 2)
        fleet.command("device", "label", "oakland", "site=bonn")
        turns = give(verb="materialize", targets="*", args={"selection": "pos/late"}, devices_at_once=1, abort_if="failed > 1")
        assert turns.status == 201, turns
        one = give(verb="ping", targets="label:site=bonn")
        done = wait_for("all are over", lambda: (lambda c: len(c) == 2 and c)(admin.items("/api/v1/commands?state=done")))
        assert [c["verb"] for c in done] == ["ping", "materialize"] and done[1]["failed"] == 2, done
        assert [c["command"] for c in admin.items("/api/v1/commands?device=brooklyn")] == [turns.json["command"]]
        assert [c["command"] for c in admin.items("/api/v1/commands?device=oakland&limit=1")] == [one.json["command"], turns.json["command"]]
        assert [c["verb"] for c in admin.items("/api/v1/commands?verb=ping&state=done")] == ["ping"]
        assert admin.items("/api/v1/commands?state=open") == admin.items("/api/v1/commands?device=nobody") == []
        for wrong in ({"devices_at_once": 0}, {"abort_if": "failed > 1"}, {"devices_at_once": 1, "abort_if": "always"},
                      {"devices_at_once": 1, "device_timeout": "soon"}, {"devices_at_once": "1"}):
            assert give(verb="ping", targets="*", **wrong).status == 400, wrong


def a_bundle_of_the_shelf_is_rolled_out():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        viewer = operator_of(fleet, admin, "viewer")
        for name in ("press-1", "press-2"):
            device = fleet.device(name, LOCAL)
            device.write_settings(bundle_trial="1s")
            device.enrol()
            device.start()
        assert admin.items("/api/v1/bundles") == []
        folder = write_bundle(fleet.dir + "/one", "one")
        with open(folder + "/long.txt", "w", encoding="utf-8") as f:
            f.write("x" + "é" * 200_000)  # cut within a character
        with open(folder + "/blob.bin", "wb") as f:
            f.write(b"text\0and more")
        made = deploy(fleet, folder, "--to", "press-1", "--wave", "100%", "--soak", "0s")
        wait_for("the first has it", lambda: admin.get(f"/api/v1/deployments/{made['deployment']}").json["status"] == "done", 60)
        bundle = admin.items("/api/v1/bundles")[0]
        assert (bundle["bundle"], bundle["files"], bundle["idle"]) == (made["bundle"], 4, False), bundle
        assert viewer.items("/api/v1/bundles?idle=true&keep=1") == [] and viewer.get("/api/v1/bundles?keep=x").status == 400
        whole = viewer.get("/api/v1/bundles/" + bundle["bundle"][:12]).json
        assert [(f["path"], f["executable"]) for f in whole["file_list"]] == [("blob.bin", False), ("long.txt", False), ("sales.sh", True), ("selvedge.yaml", False)], whole
        file = f"/api/v1/bundles/{bundle['bundle'][:12]}/file?path="
        for name in ("sales.sh", "selvedge.yaml"):
            with open(f"{fleet.dir}/one/{name}", encoding="utf-8") as f:
                text = f.read()
            given = admin.get(file + name).json
            assert (given["text"], given["size"], given["truncated"]) == (text, len(text.encode()), False), given
        long, blob = admin.get(file + "long.txt").json, admin.get(file + "blob.bin").json
        assert long["truncated"] and long["text"] == "x" + "é" * 131_071 and long["size"] == 400_001, (long["size"], long["text"][-3:])
        assert not blob["truncated"] and "text" not in blob, blob
        assert viewer.get(file + "sales.sh").status == 403
        for wrong, status in (("", 404), ("../hub.db", 404), ("/etc/passwd", 404), ("sales", 404)):
            assert admin.get(file + wrong).status == status, wrong
        body = {"bundle": bundle["bundle"], "targets": "press-2", "waves": "100%", "soak": "0s"}
        assert viewer.ask("POST", "/api/v1/deployments", body).status == 403
        given = admin.ask("POST", "/api/v1/deployments", body)
        assert given.status == 201 and given.json["devices"] == 1, given
        path = "/api/v1/deployments/" + given.json["deployment"]
        wait_for("the second has it, too", lambda: admin.get(path).json["status"] == "done", 60)
        shown = admin.get(path).json
        assert [(w["wave"], w["devices"], w["healthy"]) for w in shown["wave_list"]] == [(1, 1, 1)], shown
        assert admin.get("/api/v1/devices/press-2").json["bundle"]["current"] == bundle["bundle"]
        time = admin.get("/api/v1/devices/press-2/timeline").json["deployments"]
        assert [(d["deployment"], d["status"]) for d in time] == [(given.json["deployment"], "healthy")], time
        for wrong, status in ((body | {"bundle": "0" * 64}, 400), (body | {"waves": "some"}, 400), (body | {"targets": "nobody"}, 404),
                              (body | {"on_abort": "cry"}, 400), (body | {"soak": "-1s"}, 400), ({}, 400)):
            assert admin.ask("POST", "/api/v1/deployments", wrong).status == status, wrong
        assert admin.get("/api/v1/bundles/nothing").status == 404
        a_bundle_is_uploaded(admin, operator_of(fleet, admin))


def send(client, method, path, body):
    return client.ask(method, path, body, {"Content-Type": "application/octet-stream"})


def a_bundle_is_uploaded(admin, operator):
    """Its manifest, then the files that are missing, in pieces, then the manifest again."""
    content = b"project: sent\n" * 100
    sha256 = hashlib.sha256(content).hexdigest()
    manifest = (json.dumps({"kind": "bundle", "v": 1, "files": 1, "bytes": len(content)}, separators=(",", ":")) + "\n"
                + json.dumps({"path": "selvedge.yaml", "size": len(content), "sha256": sha256, "mode": "644"}, separators=(",", ":")) + "\n").encode()
    path = f"/api/v1/bundle-files/{sha256}?size={len(content)}&offset="
    assert send(operator, "POST", "/api/v1/bundles", manifest).status == 403  # whose definitions run is decided by admins
    answer = send(admin, "POST", "/api/v1/bundles?source=elsewhere", manifest)
    assert answer.status == 202 and answer.json["missing"] == [sha256], answer
    assert send(admin, "PUT", path + "0", content[:1000]).json == {"sha256": sha256, "bytes": 1000, "whole": False}
    assert send(admin, "PUT", path + "1200", content[1200:]).status == 409
    assert send(admin, "PUT", path + "1000", b"x" * 400).status == 400  # it is not what it is named by, and forgotten
    assert send(admin, "PUT", path + "1000", content[1000:]).status == 409
    assert send(admin, "PUT", path + "0", content).json["whole"]
    answer = send(admin, "POST", "/api/v1/bundles?source=elsewhere", manifest)
    assert answer.status == 400 and "selvedge.yaml:2" in answer.json["detail"], answer  # the same key a hundred times
    good = b"project: sent\n"
    small = manifest.replace(sha256.encode(), hashlib.sha256(good).hexdigest().encode()).replace(b":1400", b":14")
    assert send(admin, "PUT", f"/api/v1/bundle-files/{hashlib.sha256(good).hexdigest()}", good).json["whole"]
    answer = send(admin, "POST", "/api/v1/bundles?source=elsewhere", small)
    assert answer.status == 201 and answer.json["bundle"] == hashlib.sha256(small).hexdigest(), answer
    assert admin.items("/api/v1/bundles")[0]["source"] == "elsewhere"
    assert admin.items("/api/v1/audit?action=bundle.add")[0]["subject"] == answer.json["bundle"]
    assert admin.ask("POST", "/api/v1/bundles", {}).status == 400
    assert send(admin, "POST", "/api/v1/bundles", b"no manifest").status == 400


def what_is_wanted_is_set_over_the_api():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        operator, viewer = operator_of(fleet, admin), operator_of(fleet, admin, "viewer")
        device = fleet.device("north", LOCAL)
        device.enrol()
        content = {"settings": {"log_level": "debug"}, "schedules": [{"name": "extra", "job": "all", "every": "1h"}]}
        path = "/api/v1/documents/nightly"
        trial = operator.ask("PUT", path + "?dry_run=true", {"to": "*", "content": content})
        assert trial.status == 200 and not trial.json["kept"] and trial.json["devices"] == trial.json["changed"] == 1, trial
        assert viewer.items("/api/v1/documents") == [] and viewer.ask("PUT", path, {"to": "*", "content": content}).status == 403
        kept = operator.ask("PUT", path, {"to": "*", "priority": 3, "content": content})
        assert kept.json == {**trial.json, "kept": True}, kept
        other = operator.ask("PUT", "/api/v1/documents/other", {"to": "north", "priority": 3, "content": {"settings": {"log_level": "warn"}}})
        assert other.json["in_conflict"] == 1 and other.json["conflicts"][0].startswith("north: log_level"), other
        assert [(d["document"], d["priority"], d["to"]) for d in viewer.items("/api/v1/documents")] == [("nightly", 3, "*"), ("other", 3, "north")]
        assert viewer.items("/api/v1/documents")[0]["content"] == content
        wait_for("they are put together", lambda: viewer.get("/api/v1/desired/north").json.get("content", {}).get("settings") == {"log_level": "warn"})
        assert viewer.get("/api/v1/desired/nobody").status == 404
        change = operator.ask("POST", path + "/diff", {"content": {}}).json["devices"]  # of whom it means already
        assert [(c["device"], len(c["before"]["schedules"]), "schedules" in c["after"]) for c in change] == [("north", 1, False)], change
        for wrong, said in (({"to": "*"}, "content"), ({"to": "*", "content": {"x": 1}}, "unknown key"), ({"to": "is:online", "content": {}}, "connected"),
                            ({"to": "*", "priority": "high", "content": {}}, "priority"), ({"to": "nobody(", "content": {}}, ""), ([], "object")):
            refused = operator.ask("PUT", path, wrong)
            assert refused.status == 400 and said in refused.json["detail"], (wrong, refused)
        assert operator.ask("PUT", "/api/v1/documents/new", {"content": {}}).status == 400  # for whom?
        assert operator.ask("PUT", "/api/v1/documents/-no", {"to": "*", "content": {}}).status == 400
        assert operator.ask("DELETE", path).status == 204 and operator.ask("DELETE", path).status == 404
        done = [(a["user"], a["action"], a["subject"]) for a in admin.items("/api/v1/audit") if a["action"].startswith("document")]
        assert done == [("operator", "document.remove", "nightly"), ("operator", "document.set", "other"), ("operator", "document.set", "nightly")], done
        what_was_signed_is_taken(fleet, admin, operator)


def what_was_signed_is_taken(fleet, admin, operator):
    """By a key that devices trust: the hub's own, here. Which keys they trust is changed by admins alone."""
    keys = os.path.join(fleet.hub_dir, "command/keys.pem")
    signed = os.path.join(fleet.dir, "signed")

    def sign(*argv):
        run(HUB, "sign", "--key", os.path.join(fleet.hub_dir, "command/hub.key"), "--fleet", "test", *argv, "-o", signed)
        with open(signed, "rb") as f:
            return f.read()
    path = "/api/v1/signed/command"
    message = sign("--to", "north", "ping")
    given = send(operator, "POST", path + "?devices_at_once=1&device_timeout=5m&abort_if=failed%20%3E%201", message)
    assert given.status == 201 and (given.json["verb"], given.json["device"]) == ("ping", "north"), given
    assert admin.get("/api/v1/commands/" + given.json["command"]).json["devices_at_once"] == 1
    assert send(operator, "POST", path, message).status == 409  # once
    assert send(operator, "POST", path, message.replace(b"ping", b"pong")).status == 403
    assert send(operator, "POST", path + "?devices_at_once=none", message).status == 400
    assert send(operator, "POST", path + "?abort_if=failed%20%3E%201", message).status == 400
    assert operator.ask("POST", path, {}).status == 400 and send(operator, "POST", path, b"words").status == 400
    trust = sign("--to", "*", "trust", keys)
    refused = send(operator, "POST", path, trust)
    assert refused.status == 403 and "only an admin" in refused.json["detail"], refused
    assert send(admin, "POST", path, trust).status == 201
    assert send(operator, "POST", "/api/v1/signed/desired", message).status == 400  # it is a command
    assert send(operator, "POST", "/api/v1/signed/desired", b"words").status == 400
    seen = [(a["action"], a["result"]) for a in admin.items("/api/v1/audit") if a["action"].endswith(".sign")]
    assert ("command.sign", "ok") in seen and ("command.sign", "refused") in seen and ("desired.sign", "refused") in seen, seen


def what_drifts_is_told():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        device = start(fleet, "brooklyn")
        assert admin.items("/api/v1/desired") == [] and "desired" not in admin.get("/api/v1/devices/brooklyn").json
        with open(fleet.dir + "/slow.yaml", "w") as f:
            f.write("settings: {sync_linger: 100ms}\n")
        device.daemon.stop()
        fleet.command("desired", "set", fleet.dir + "/slow.yaml", "--to", "*")
        waits = wait_for("it has not what is wanted", lambda: admin.items("/api/v1/desired?state=waiting"))
        assert (waits[0]["state"], waits[0]["wanted"], waits[0]["in_force"]) == ("waiting", 1, 0) and waits[0]["since"], waits
        assert "content_in_force" not in admin.get("/api/v1/devices/brooklyn").json["desired"]
        device.start()
        wait_for("it has", lambda: [d["state"] for d in admin.items("/api/v1/desired?device=brooklyn")] == ["in force"])
        assert admin.items("/api/v1/desired?pending=true") == []
        desired = admin.get("/api/v1/devices/brooklyn").json["desired"]
        assert desired["in_force"] == 1 and "sync_linger" in str(desired["content"]), desired
        device.daemon.stop()
        with open(fleet.dir + "/slow.yaml", "w") as f:
            f.write("settings: {sync_linger: 200ms, log_level: debug}\n")
        fleet.command("desired", "set", fleet.dir + "/slow.yaml", "--to", "*")
        desired = wait_for("another is wanted", lambda: (lambda d: d["wanted"] == 2 and d)(admin.get("/api/v1/devices/brooklyn").json["desired"]))
        assert (desired["content"]["settings"], desired["content_in_force"]["settings"]) == (
            {"log_level": "debug", "sync_linger": "200ms"}, {"sync_linger": "100ms"}), desired


def what_is_lost_or_kept_aside_is_told():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        device = start(fleet, "brooklyn")
        wait_for("its events are here", lambda: fleet.query("SELECT count(*) FROM stream") == [(1,)])
        device.daemon.stop()
        db = sqlite3.connect(fleet.hub_db, timeout=30)
        (stream, epoch), = db.execute("SELECT id, epoch FROM stream").fetchall()
        for seq in (1000, 2000, 3000):
            db.execute("INSERT INTO gap VALUES (?, ?, ?, 1700000000000, 'the buffer was full', '{\"run_start\":3}')", (stream, seq, seq - 9))
        db.execute("INSERT INTO quarantine (device, epoch, first_seq, last_seq, differs_seq, at_ms, payload) "
                   "VALUES ('brooklyn', ?, 5, 9, 7, 1700000000000, x'00ff')", (epoch,))
        db.execute("INSERT INTO cut_off VALUES ('brooklyn', ?, 1700000000000, 'two hosts have this identity')", (epoch,))
        db.commit()
        db.close()
        path = "/api/v1/devices/brooklyn"
        gaps = wait_for("the gaps are told", lambda: admin.items(path + "/gaps?limit=1"))
        assert [(g["from_seq"], g["seq"], g["events"], g["dropped"]) for g in gaps] == [
            (n - 9, n, 10, {"run_start": 3}) for n in (3000, 2000, 1000)], gaps
        batches = admin.items("/api/v1/quarantine?device=brooklyn")
        assert [(b["first"], b["differs_at"], b["bytes"], b["times"]) for b in batches] == [(5, 7, 2, 1)], batches
        assert [c["why"] for c in admin.items("/api/v1/clones?device=brooklyn")] == ["two hosts have this identity"]
        card = admin.get(path).json
        assert (card["lost_events"], card["quarantined"], card["cut_off"]) == (30, 1, 1), card
        assert admin.ask("POST", path + "/clones/accept", {"epoch": "0" * 16}).status == 404
        accepted = admin.ask("POST", path + "/clones/accept", {"epoch": epoch})
        assert accepted.status == 204, accepted
        assert admin.items("/api/v1/clones?device=brooklyn") == [] and "device.accept" in [a["action"] for a in admin.items("/api/v1/audit")]


if __name__ == "__main__":
    sys.exit(run_tests([one_device_is_told_of_whole, a_device_is_changed_by_who_may, devices_join_by_a_word_or_a_token,
                        commands_are_found_and_given_in_turns, a_bundle_of_the_shelf_is_rolled_out, what_is_wanted_is_set_over_the_api, what_drifts_is_told,
                        what_is_lost_or_kept_aside_is_told], at_once=3))
