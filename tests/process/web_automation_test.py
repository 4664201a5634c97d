"""What the API tells of jobs, schedules, sensors, backfills, partitions, staleness, steps and logs: two devices that define the same."""
import json
import os
import sys

from fleet import Fleet, run_tests, wait_for
from web import Client, set_up

DEFINITIONS = """
project: shop
resources:
  local: {type: sqlite, path: "${STATE_DIR}/shop.db"}
assets:
  - {key: erp/prices, external: true}
  - key: pos/days
    description: The till of a day
    owners: ["team:retail"]
    code_version: "1"
    deps: [erp/prices]
    partitions: {daily: {start: "2026-01-01", end: "2026-01-11"}}
    freshness: {warn_after: 1h, fail_after: 2h}
    run: ["sh", "-c", "test $$SELVEDGE_PARTITION_KEY != 2026-01-05"]
  - key: pos/shops
    partitions: {static: [north, south]}
    run: ["true"]
  - key: reports/daily
    deps: [erp/prices]
    code_version: "CODE"
    sql: {resource: local, materialized: table, query: "select 1 n"}
    checks:
      - {name: has_rows, sql: "select n = 1 from daily"}
jobs:
  - {name: report, select: "reports/daily", on_overlap: queue, timeout: 1h}
schedules:
  - {name: nightly, job: report, cron: "30 2 * * *", timezone: Europe/Berlin}
  - {name: often, select: "reports/daily", every: 1s, paused: true}
sensors:
  - {name: after, asset: erp/prices, select: "reports/daily"}
"""


def told(items, name, device="north"):
    """The one of that name on that device."""
    found = [one for one in items if name in (one.get("job"), one.get("schedule"), one.get("sensor")) and one["device"] == device]
    assert len(found) == 1, (name, items)
    return found[0]


def two_shops(fleet, admin):
    for name in ("north", "south"):
        device = fleet.device(name, DEFINITIONS.replace("CODE", "1"))
        device.enrol()
        device.start()
        yield device
    wait_for("both have told of themselves", lambda: len(admin.items("/api/v1/schedules")) == 4)


def what_is_automated_is_told():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        north, _ = list(two_shops(fleet, admin))
        jobs_schedules_sensors(admin)
        what_is_paused(admin)
        who_paused_it(admin, north)
        backfills_and_partitions(admin)
        staleness(admin, north)
        runs_steps_logs(admin)
        what_ticks(admin)
        what_the_hub_wants(fleet, admin)
        the_command_line_lists_it(fleet, admin)
        fleet.hub.stop()
        fleet.command("rebuild", "--check")


def jobs_schedules_sensors(admin):
    job = told(admin.items("/api/v1/jobs"), "report")
    assert job["assets"] == 1 and job["definition"]["select"] == "reports/daily", job
    assert job["definition"]["on_overlap"] == "queue" and job["definition"]["timeout_ms"] == 3600000, job
    nightly = told(admin.items("/api/v1/schedules?device=north"), "nightly")
    assert nightly["definition"]["cron"] == "30 2 * * *" and nightly["definition"]["job"] == "report", nightly
    assert len(nightly["next"]) == 5 and all(at[14:16] == "30" for at in nightly["next"]), nightly
    often = told(admin.items("/api/v1/schedules?schedule=often"), "often", "south")
    assert (often["state"], often["state_by"]) == ("paused", "definition") and "next" not in often, often
    sensor = told(admin.items("/api/v1/sensors"), "after")
    assert sensor["definition"]["type"] == "asset" and sensor["definition"]["asset"] == "erp/prices", sensor
    for kind, names in (("schedules", ["nightly", "often"]), ("jobs", ["report"]), ("sensors", ["after"])):
        folded = admin.items(f"/api/v1/{kind}?fold=true&limit=1")
        assert [one[kind[:-1]] for one in folded] == names and all(one["devices"] == 2 for one in folded), folded
    assert admin.get("/api/v1/schedules?fold=true&device=north").status == 400


def carry_out(admin, verb, args, targets="north"):
    given = admin.ask("POST", "/api/v1/commands", {"verb": verb, "targets": targets, "args": args})
    assert given.status == 201, given
    path = "/api/v1/commands/" + given.json["command"]
    return wait_for(f"{verb} is carried out", lambda: [
        one for one in admin.get(path).json["device_list"] if one["status"] in ("succeeded", "failed", "refused")])[0]


def what_is_paused(admin):
    assert carry_out(admin, "pause", {"what": "schedules", "names": ["nightly"]})["status"] == "succeeded"
    paused = wait_for("it is paused", lambda: [
        one for one in admin.items("/api/v1/schedules?schedule=nightly") if one["state"] == "paused"])
    assert [(one["device"], one["state_by"], one["state_account"]) for one in paused] == [("north", "person", "admin")], paused
    command = admin.get("/api/v1/commands/" + paused[0]["state_command"]).json
    assert (command["verb"], command["given_by"]) == ("pause", "admin"), command
    folded = admin.items("/api/v1/schedules?fold=true&schedule=nightly")
    assert folded[0]["paused"] == 1 and folded[0]["next"], folded


def who_paused_it(admin, north):
    """A user by name, a token with its label, somebody at the device; what is done to a sensor besides changes nothing about it."""
    def sensor(meant):
        return wait_for("the hub is told", lambda: [one for one in [told(admin.items("/api/v1/sensors"), "after")] if meant(one)])[0]

    made = admin.ask("POST", "/api/v1/tokens", {"scopes": ["operate"], "expires_in": "1h", "label": "night shift"}).json
    given = Client(admin.port, token=made["secret"]).ask("POST", "/api/v1/sensors/north/after/pause")
    assert given.status == 201, given
    paused = sensor(lambda one: one["state"] == "paused")
    assert (paused["state_by"], paused["state_account"], paused["state_command"]) == \
        ("person", "admin (token night shift)", given.json["command"]), paused
    north.command("sensors", "cursor", "after", "--set", "0")
    moved = sensor(lambda one: one["state_since"] != paused["state_since"])
    assert moved["state_account"] == "admin (token night shift)", moved
    north.command("sensors", "resume", "after")
    sensor(lambda one: one["state"] == "running")
    north.command("sensors", "pause", "after")
    paused = sensor(lambda one: one["state"] == "paused")
    assert paused["state_by"] == "device" and "state_account" not in paused and "state_command" not in paused, paused
    north.command("sensors", "resume", "after")
    sensor(lambda one: one["state"] == "running")


def backfills_and_partitions(admin):
    carry_out(admin, "backfill", {"selection": "pos/days", "from": "2026-01-03", "to": "2026-01-08"})
    done = wait_for("the backfill is over", lambda: [
        one for one in admin.items("/api/v1/backfills") if one["status"].startswith("completed")])[0]
    assert (done["partitions"], done["done"], done["failed"], done["waiting"]) == (6, 5, 1, 0), done
    one = admin.get(f"/api/v1/backfills/north/{done['backfill']}").json
    assert len(one["run_list"]) == 6 and one["done"] == 5 and one["first"] == "2026-01-03", one
    assert admin.get("/api/v1/backfills/north/nothing").status == 404
    path = "/api/v1/assets/pos/days/partitions"
    days = admin.items(path + "?device=north&limit=4")
    assert [day["partition"] for day in days] == [f"2026-01-{day:02}" for day in range(1, 11)], days
    assert [day["status"][:2] for day in days] == ["mi", "mi", "ma", "ma", "fa", "ma", "ma", "ma", "mi", "mi"], days
    assert admin.items(path + "?device=north&status=failed") == [days[4]] and days[4]["run"], days
    folded = admin.items(path)
    assert (folded[2]["status"], folded[2]["made"], folded[2]["devices"]) == ("partial", 1, 2), folded[2]
    assert [one["partition"] for one in admin.items("/api/v1/assets/pos/shops/partitions?device=south")] == ["north", "south"]
    assert admin.items("/api/v1/assets/reports/daily/partitions") == []
    assert admin.get("/api/v1/assets/no/such/partitions").status == 404


def staleness(admin, north):
    path = "/api/v1/assets/reports/daily/why"
    assert [one["staleness"] for one in admin.items(path + "?limit=1")] == ["MISSING", "MISSING"]
    carry_out(admin, "materialize", {"selection": "reports/daily"})
    wait_for("it is fresh", lambda: admin.items(path + "?device=north")[0]["staleness"] == "FRESH")
    north.define(DEFINITIONS.replace("CODE", "2"))
    north.command("reload")
    stale = wait_for("it is stale", lambda: [one for one in admin.items(path) if one["staleness"] == "STALE"])[0]
    assert stale["device"] == "north" and [cause["category"] for cause in stale["causes"]] == ["CODE"], stale
    assert (stale["code_version"], stale["made_with"]) == ("2", "1"), stale
    days = admin.items("/api/v1/assets/pos/days/why?device=north")[0]
    assert days["staleness"] == "UNKNOWN" and days["freshness"]["state"] == "pass" and days["freshness"]["until"], days
    north.command("report", "observation", "erp/prices", "--data-version", "of today")
    causes = wait_for("a dep has another version", lambda: [
        one["causes"] for one in admin.items(path + "?device=north") if len(one["causes"]) == 2])[0]
    assert (causes[1]["dependency"], causes[1]["category"]) == ("erp/prices", "DATA"), causes
    # The device itself comes to the same.
    why = north.command("why", "reports/daily")
    assert causes[0]["reason"] in why and "erp/prices " + causes[1]["dependency_reason"] in why, (why, causes)
    owners = {one["asset"]: one.get("owners") for one in admin.items("/api/v1/assets")}
    assert owners["pos/days"] == ["team:retail"] and owners["erp/prices"] is None, owners
    versions = admin.get("/api/v1/assets/reports/daily").json["definitions"]
    assert sorted(one["definition"]["code_version"] for one in versions) == ["1", "2"], versions


def runs_steps_logs(admin):
    steps = admin.items("/api/v1/steps?limit=2")
    assert len(steps) == 7 and [s["run"] for s in steps] == sorted((s["run"] for s in steps), reverse=True), steps
    for query, count in (("device=north", 7), ("device=south", 0), ("asset=pos/days", 6), ("status=failure", 1),
                         ("status=success", 6), ("asset=pos/days&status=failure", 1), ("device=north&status=failure", 1),
                         ("run=" + steps[0]["run"], 1), ("status=started", 0)):
        found = admin.items(f"/api/v1/steps?limit=3&{query}")
        assert len(found) == count, (query, found)
    failed = admin.items("/api/v1/steps?status=failure")[0]
    assert failed["asset"] == "pos/days" and failed["exit"] and failed["device"] == "north", failed
    checks = admin.items("/api/v1/assets/reports/daily/checks?limit=1")
    assert [(c["name"], c["passed"], c["device"]) for c in checks] == [("has_rows", True, "north")], checks
    for query in ("", "device=north", "run=" + steps[0]["run"], "level=error", "step=pos/days"):
        assert isinstance(admin.items(f"/api/v1/logs?{query}"), list)
    assert {one["partition"] for one in admin.items("/api/v1/assets/pos/days/history?limit=2")} == {
        f"2026-01-0{day}" for day in (3, 4, 6, 7, 8)}


def what_ticks(admin):
    carry_out(admin, "resume", {"what": "schedules", "names": ["often"]}, "*")
    wait_for("it ticks on both", lambda: len({t["device"] for t in admin.items("/api/v1/ticks?schedule=often")}) == 2 and
             len(admin.items("/api/v1/ticks")) > 4)
    for shop in ("north", "south"):
        carry_out(admin, "pause", {"what": "schedules", "names": ["often"]}, shop)
    last = told(admin.items("/api/v1/schedules"), "often")["last_tick"]
    assert last["status"] == "started" and last["run"], last
    of_all = wait_for("all have come", lambda: [ticks for ticks in [admin.items("/api/v1/ticks")] if len(ticks) == sum(
        one.get("ticks", 0) for one in admin.items("/api/v1/schedules"))])[0]
    for query in ("schedule=often", "schedule=often&device=north", "device=north"):
        found = admin.items(f"/api/v1/ticks?limit=1&{query}")
        meant = [t for t in of_all if "device" not in query or t["device"] == "north"]
        assert sorted(t["id"] for t in found) == sorted(t["id"] for t in meant) and found, query
        assert [t["at"] for t in found] == sorted((t["at"] for t in found), reverse=True), query
    for query in ("schedule=nightly", "sensor=often", "automation=often", "device=nobody"):
        assert admin.items("/api/v1/ticks?" + query) == [], query
    assert admin.get("/api/v1/ticks?device=north&cursor=abc").status == 400


def what_the_hub_wants(fleet, admin):
    """A schedule that the hub issues is told as the device has it; what the hub pauses is held, whoever resumes it."""
    path = os.path.join(fleet.dir, "wanted.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write('schedules: [{name: weekly, job: report, cron: "0 4 * * 1"}]\npauses: {schedules: [often], sensors: ["*"]}\n')
    fleet.command("desired", "set", path, "--to", "south")
    weekly = wait_for("the device tells it", lambda: admin.items("/api/v1/schedules?schedule=weekly"))
    assert [(one["device"], one["definition"]["by_hub"], one["assets"]) for one in weekly] == [("south", True, 1)], weekly
    held = wait_for("the hub holds it", lambda: [
        one for one in admin.items("/api/v1/sensors?device=south") if one["state_by"] == "hub"])
    assert held[0]["state"] == "paused" and told(admin.items("/api/v1/sensors"), "after")["state"] == "running", held
    assert told(admin.items("/api/v1/schedules"), "often", "south")["state_by"] == "hub"
    assert admin.items("/api/v1/sensors?fold=true")[0]["paused"] == 1


def the_command_line_lists_it(fleet, admin):
    for argv, target in ((["checks"], "checks"), (["checks", "--failing", "--device", "south"], "checks?failing=true&device=south"),
                         (["checks", "--asset", "reports/daily"], "checks?asset=reports/daily"),
                         (["jobs"], "jobs?fold=true"), (["jobs", "report"], "jobs?job=report"),
                         (["schedules"], "schedules?fold=true"), (["schedules", "--device", "north"], "schedules?device=north"),
                         (["sensors"], "sensors?fold=true"), (["sensors", "after"], "sensors?sensor=after"),
                         (["ticks", "--limit", "1000"], "ticks"), (["ticks", "--schedule", "often", "--device", "south", "--limit", "1000"], "ticks?schedule=often&device=south"),
                         (["backfills"], "backfills"), (["backfills", "--status", "requested"], "backfills?status=requested")):
        shown = wait_for(f"{argv} is what the API says", lambda: [
            shown for shown, said in [([json.loads(line) for line in fleet.command(*argv, "--json").splitlines()], admin.items("/api/v1/" + target))]
            if shown == said] or None)[0]
        assert shown or "--failing" in argv or "--status" in argv, argv
    assert fleet.command("backfills", "--status", "requested").startswith("no backfills; begin one: ")
    for argv, words in ((["checks"], "reports/daily has_rows north passed error"), (["jobs"], "report 2 1"), (["jobs", "--device", "south"], "report south 1"),
                        (["schedules"], "nightly in"), (["schedules", "nightly"], "nightly - north paused admin"),
                        (["sensors"], "after 2 1"), (["ticks", "--schedule", "often"], "often - started"), (["backfills"], "north completed_failed 5/6 1")):
        table = "\n".join(" ".join(line.split()) for line in fleet.command(*argv).splitlines())
        assert words in table, (words, table)
    backfill = json.loads(fleet.command("backfills", "--json"))["backfill"]
    one = fleet.command("backfills", "north", backfill)
    assert "5 of 6 partitions, 1 failed" in one and "2026-01-05" in one, one
    assert json.loads(fleet.command("backfills", "north", backfill, "--json")) == admin.get(f"/api/v1/backfills/north/{backfill}").json
    for argv, code in ((["backfills", "north", "nothing"], 3), (["backfills", "north"], 2), (["schedules", "pause", "nobody", "nightly"], 3),
                       (["schedules", "pause", "north"], 2)):
        assert fleet.command(*argv, code=None).returncode == code, argv
    said = fleet.command("schedules", "resume", "north", "nightly", "--wait")
    assert "resume for north, which is online" in said and "north  succeeded" in said, said
    wait_for("it runs again", lambda: json.loads(fleet.command("schedules", "nightly", "--device", "north", "--json"))["state"] == "running")
    assert json.loads(fleet.command("sensors", "pause", "north", "after", "--json"))["verb"] == "pause"


if __name__ == "__main__":
    sys.exit(run_tests([what_is_automated_is_told]))
