"""Deployments with the real hub, broker and agents: a good bundle reaches all in waves; a bad one stops in its first wave and is
taken back by itself; a transfer over a link that breaks every 10 KB finishes; an agent killed in any step of taking a bundle has
the old one or the new one."""
import fcntl
import json
import os
import random
import sys
import time

from breaking_proxy import BreakingProxy
from fleet import BIN, Fleet, query, run_tests, wait_for

LONG = os.environ.get("SELVEDGE_LONG") is not None
LOCAL = "project: local\nassets:\n  - {key: a, run: ['true']}\n"
BUNDLE = """project: %s
assets:
  - {key: shop/sales, run: [./sales.sh]}
  - {key: shop/old, run: ['false']}
jobs:
  - {name: sales, select: shop/sales}
schedules:
  - {name: often, job: sales, every: 1s}
"""


def write_bundle(folder, project, script="exit 0", **more):
    os.makedirs(folder, exist_ok=True)
    for name, content in {"selvedge.yaml": (BUNDLE % project).encode(), "sales.sh": f"#!/bin/sh\n{script}\n".encode(), **more}.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)
    os.chmod(os.path.join(folder, "sales.sh"), 0o755)
    return folder


def start_device(fleet, name, **settings):
    device = fleet.device(name, LOCAL)
    device.write_settings(bundle_trial="1500ms", **settings)
    device.enrol()
    device.start()
    return device


def deploy(fleet, folder, *options):
    return json.loads(fleet.command("deploy", folder, "--json", *options))


def deployment(fleet, made):
    rows = [json.loads(line) for line in fleet.command("deployments", "--json").splitlines()]
    return next(row for row in rows if row["deployment"] == made["deployment"])


def devices_of(fleet, made):
    rows = fleet.command("deployments", made["deployment"], "--json").splitlines()
    return {row["device"]: row for row in map(json.loads, rows)}


def ended(fleet, made, seconds=60):
    return wait_for("the deployment is over", lambda: (lambda d: d if d["status"] in ("done", "aborted") else None)(
        deployment(fleet, made)), seconds, 0.3)


def current(device):
    rows = [json.loads(line) for line in device.command("bundles", "--json").splitlines()]
    return next((row["bundle"] for row in rows if row["current"]), None)


def project(device):
    return json.loads(device.command("status", "--json"))["project"]


def bundle_events(device):
    return [e for e in map(json.loads, (line for (line,) in device.query("SELECT line FROM event ORDER BY seq"))) if e["type"] == "bundle"]


# --- waves ---

def waves():
    with Fleet() as fleet:
        fleet.start_hub()
        devices = [start_device(fleet, f"press-{i}") for i in range(4)]
        good = deploy(fleet, write_bundle(fleet.dir + "/good", "good"), "--to", "press-*", "--wave", "1,50%,100%", "--soak", "1s")
        assert ended(fleet, good)["status"] == "done"
        assert {project(d) for d in devices} == {"good"}
        assert {row["state"] for row in devices_of(fleet, good).values()} == {"healthy"}
        begun = [line for line in fleet.hub.read_log().splitlines() if "deployment.wave_begun" in line]
        assert len(begun) == 3, begun

        # It loads, but what it changed fails when it runs: whoever was first goes back by itself, and nobody else is asked.
        bad = deploy(fleet, write_bundle(fleet.dir + "/bad", "bad", "exit 1"), "--to", "*", "--wave", "1,100%")
        end = ended(fleet, bad)
        assert end["status"] == "aborted" and end["asked"] == 1 and end["rolled_back"] == 1, end
        rows = devices_of(fleet, bad)
        first = next(row for row in rows.values() if row["wave"] == 1)
        assert "failed on shop/sales, which did not fail before" in first["reason"], first
        assert [row["state"] for row in rows.values() if row["wave"] == 2] == ["waiting"] * 3
        wait_for("all run the good one", lambda: {current(d) for d in devices} == {good["bundle"]})
        assert {project(d) for d in devices} == {"good"}

        # One that no device can read fails before it is in force.
        broken = write_bundle(fleet.dir + "/broken", "broken")
        with open(broken + "/selvedge.yaml", "a") as f:
            f.write("sensors:\n  - {name: none, job: nothing, run: ['true']}\n")
        refused = deploy(fleet, broken, "--to", "*", "--wave", "1,100%")
        end = ended(fleet, refused)
        assert end["status"] == "aborted" and end["failed"] == 1, end
        assert {project(d) for d in devices} == {"good"}
        one = fleet.devices[0]
        fleet.command("rebuild", "--check")

        # Somebody who was away gets the newest decision; a hub that was restarted goes on.
        devices[3].daemon.stop()
        newer = deploy(fleet, write_bundle(fleet.dir + "/newer", "newer"), "--to", "*", "--wave", "100%", "--soak", "0s",
                       "--abort-if", "never")
        wait_for("three have it", lambda: deployment(fleet, newer)["healthy"] == 3, 60)
        fleet.hub.kill()
        fleet.start_hub()
        assert deployment(fleet, newer)["status"] == "running"
        devices[3].start()
        assert ended(fleet, newer)["status"] == "done"
        assert {project(d) for d in devices} == {"newer"}

        # Taken back by an operator: all go back to what they had.
        paused = deploy(fleet, write_bundle(fleet.dir + "/last", "last"), "--to", "*", "--wave", "1,100%", "--soak", "1h")
        wait_for("the first has it", lambda: deployment(fleet, paused)["healthy"] == 1, 60)
        fleet.command("deployment", "pause", paused["deployment"])
        fleet.command("deployment", "resume", paused["deployment"])
        fleet.command("deployment", "abort", paused["deployment"])
        wait_for("all are back", lambda: {project(d) for d in devices} == {"newer"})
        fleet.command("deployment", "abort", paused["deployment"], code=6)

        # By hand, on the device.
        one.command("bundle", "leave")
        assert project(one) == "local" and current(one) is None
        one.command("bundle", "retry", newer["bundle"][:12])
        wait_for("it is back", lambda: project(one) == "newer")


# --- old bundles ---

def shelf(fleet):
    """The bundles that are there, and their files."""
    files = os.listdir(fleet.hub_dir + "/bundles/files")
    return {name for name in os.listdir(fleet.hub_dir + "/bundles") if len(name) == 64}, set(files)


def old_bundles_go_and_needed_ones_stay():
    with Fleet() as fleet:
        with open(fleet.hub_dir + "/hub.yaml", "a") as f:
            f.write("bundles_kept: 0\n")
        fleet.start_hub()
        device = fleet.device("press-1", LOCAL)
        device.write_settings(bundle_trial="1s")
        device.enrol()
        device.start()
        away = fleet.device("press-2", LOCAL)
        away.write_settings(bundle_trial="1s")
        away.enrol()
        quick = ["--wave", "100%", "--soak", "0s"]
        made = {}
        for name in ("wanted", "given-up"):  # of a device that is away: the first comes back when the second is aborted
            made[name] = deploy(fleet, write_bundle(f"{fleet.dir}/{name}", name, **{"sql/big.sql": name.encode() * 1000}), "--to", "press-2", *quick)
            wait_for("it is asked", lambda: devices_of(fleet, made[name])["press-2"]["state"] == "asked")
        fleet.command("deployment", "abort", made["given-up"]["deployment"])
        for i in range(4):
            name = f"v{i}"
            made[name] = deploy(fleet, write_bundle(f"{fleet.dir}/{name}", name), "--to", "press-1", *quick)
            assert ended(fleet, made[name])["status"] == "done"
        hashes = {made[name]["bundle"]: name for name in made}

        def names():
            return {hashes[h] for h in shelf(fleet)[0]}
        wait_for("what nobody needs is gone", lambda: names() == {"wanted", "v1", "v2", "v3"})
        wait_for("it is told", lambda: "event=bundles.deleted" in fleet.hub.read_log())
        listed = {hashes[row["bundle"]]: row for row in map(json.loads, fleet.command("bundles", "--json").splitlines())}
        assert set(listed) == names() and not any(row["idle"] for row in listed.values()), listed
        assert listed["wanted"]["targets"] == 1 and listed["v2"]["devices"] == 1, listed
        kept = {line["sha256"] for name in names() for line in map(json.loads, open(f"{fleet.hub_dir}/bundles/{made[name]['bundle']}").read().splitlines()[2:])}
        assert shelf(fleet)[1] == kept, "a file for each that is named, and no other"

        # Who may still fetch one, or go back to one, does.
        away.start()
        wait_for("it has what it was to have", lambda: project(away) == "wanted")
        device.command("bundle", "rollback")
        wait_for("it is back at the one before", lambda: project(device) == "v2")

        # What was deleted can be deployed again; what is being packed is not deleted.
        again = deploy(fleet, fleet.dir + "/v0", "--to", "press-1", *quick)
        assert again["bundle"] == made["v0"]["bundle"] and again["new_files"] > 0, again
        assert ended(fleet, again)["status"] == "done" and project(device) == "v0"
        fleet.hub.stop()
        with open(fleet.hub_dir + "/bundles/.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            busy = fleet.command("bundles", "prune", code=None)
            assert busy.returncode != 0 and "being packed" in busy.stderr, busy
        before = shelf(fleet)
        assert "nothing would be deleted" in fleet.command("bundles", "prune", "--keep", "100", "--dry-run")
        fleet.command("bundles", "prune", "--keep", "100")
        assert shelf(fleet) == before

        # Cut off in the middle, the next one goes on: a manifest that is let go of and still there, a file of nobody.
        open(fleet.hub_dir + "/bundles/files/" + "0" * 64, "w").close()
        for name, hours in (("old", 25), ("new", 1)):  # what came of a file in part
            open(fleet.hub_dir + "/bundles/files/.part-" + name, "w").close()
            os.utime(fleet.hub_dir + "/bundles/files/.part-" + name, times=(time.time() - hours * 3600,) * 2)
        os.rename(f"{fleet.hub_dir}/bundles/{made['wanted']['bundle']}", f"{fleet.hub_dir}/bundles/{made['given-up']['bundle']}")
        fleet.command("bundles", "prune", "--keep", "100")
        assert shelf(fleet)[0] == before[0] - {made["wanted"]["bundle"]} and "0" * 64 not in shelf(fleet)[1], shelf(fleet)
        assert [os.path.exists(fleet.hub_dir + "/bundles/files/.part-" + name) for name in ("old", "new")] == [False, True]
        os.unlink(fleet.hub_dir + "/bundles/files/.part-new")

        # Nothing goes when it cannot be told what is needed.
        with open(f"{fleet.hub_dir}/bundles/{made['v0']['bundle']}", "w") as f:
            f.write("half")
        before = shelf(fleet)
        bad = fleet.command("bundles", "prune", code=None)
        assert bad.returncode != 0 and made["v0"]["bundle"] in bad.stderr and shelf(fleet)[1] == before[1], bad


# --- a bad link ---

def breaking_link():
    """Every 10 KB to the device the connection breaks. What is fetched twice is at most the piece that was lost."""
    with Fleet() as fleet:
        fleet.start_hub()
        proxy = BreakingProxy(fleet.port, 10 * 1024)
        fleet.closers.append(proxy.close)
        device = start_device(fleet, "barge", hub_host="127.0.0.1", hub_port=proxy.port, reconnect_max="1s")
        content = random.Random(7).randbytes(40_000)
        made = deploy(fleet, write_bundle(fleet.dir + "/b", "afloat", **{"data.bin": content}), "--to", "*", "--wave", "100%")
        assert ended(fleet, made, 180)["status"] == "done"
        with open(f"{device.state}/bundles/{made['bundle']}/data.bin", "rb") as f:
            assert f.read() == content
        line = next(line for line in device.daemon.read_log().splitlines() if "event=bundle.fetched" in line)
        fetched = int(line.split("fetched=")[1].split()[0])
        print(f"{made['bytes']} bytes, {fetched} taken in, {proxy.broken} breaks, {proxy.passed} bytes over the link")
        assert proxy.broken >= 4, proxy.broken
        assert fetched < made["bytes"] + 4096, fetched  # the manifest beside the files; nothing that had come came again


# --- killed in every step ---

def steps_of_a_bundle(fleet, device, folders, known, at):
    """Changes of files that succeed until the agent is killed; True when it was not."""
    made = deploy(fleet, folders[0], "--to", "*", "--wave", "100%", "--soak", "0s")
    armed = device.state + "/armed"
    with open(armed, "w") as f:
        f.write(str(at))
    wait_for("it is dead, or has the bundle",
             lambda: not device.daemon.is_running or deployment(fleet, made)["status"] != "running", 60)
    survived = device.daemon.is_running
    os.unlink(armed)
    if not survived:
        before = query(device.db_path, "SELECT current FROM bundle_place")[0][0]
        device.start()
        assert before in ("", made["bundle"], known["bundle"]), before
        assert not before or os.path.exists(f"{device.state}/bundles/{before}/selvedge.yaml")
        assert project(device) in ("local", "one", "two"), project(device)
    assert ended(fleet, made, 60)["status"] == "done"
    assert current(device) == made["bundle"]
    folders.reverse()
    known["bundle"] = made["bundle"]
    return survived


def killed_in_every_step():
    with Fleet() as fleet:
        fleet.start_hub()
        folders = [write_bundle(fleet.dir + f"/{name}", name, **{"sql/q.sql": name.encode() * 3000,
                                                                 "selvedge.yaml": f"project: {name}\n".encode()})
                   for name in ("one", "two")]
        device = fleet.device("ferry", LOCAL)
        device.write_settings(bundle_trial="1s")
        device.enrol()
        device.daemon.env = {**os.environ, "LD_PRELOAD": os.path.join(BIN, "die_at.so"), "DIE_FOLDER": device.state,
                                     "DIE_PROGRAM": "selvedge-agent"}
        device.start()
        seed = random.SystemRandom().randrange(1 << 30)
        rng = random.Random(seed)
        print("seed", seed)
        at, deaths, known = 0, 0, {"bundle": ""}
        while not steps_of_a_bundle(fleet, device, folders, known, at):
            deaths += 1
            at += 1 if LONG else rng.randrange(8, 24)
        print(f"{deaths} deaths, the last before change {at}")
        assert deaths >= 2


if __name__ == "__main__":
    sys.exit(run_tests([waves, old_bundles_go_and_needed_ones_stay, breaking_link, killed_in_every_step], at_once=3))
