"""A hub is backed up while it runs, lost, and put back: devices go on, nothing is merged twice, and what was acknowledged
since stands as a gap. A damaged archive is refused whole."""
import json
import os
import shutil
import subprocess
import sys
import tarfile

from fleet import Fleet, run_tests, wait_for
from revoke_test import online, works

DEFINITIONS = "project: test\nassets:\n  - {key: a, run: ['true']}\n"


def a_lost_hub_comes_back_and_its_devices_go_on():
    with Fleet("test") as fleet:
        fleet.start_hub()
        archive = os.path.join(fleet.dir, "hub.tar")
        boston, chicago = (fleet.device(name, DEFINITIONS) for name in ("boston", "chicago"))
        boston.enrol()
        boston.start()
        works(boston)
        fleet.command("device", "label", "boston", "site=north")
        said = json.loads(fleet.command("backup", archive, "--json"))
        assert said["files"] >= 7 and os.stat(archive).st_mode & 0o777 == 0o600, said
        with tarfile.open(archive) as tar:
            names = tar.getnames()
            tar.extractall(os.path.join(fleet.dir, "look"))
        assert {"hub.db", "hub.yaml", "ca/ca.key", "ca/ca.pem", "SHA256SUMS"} <= set(names) and "lock" not in names, names
        subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=os.path.join(fleet.dir, "look"), check=True)

        # After the backup: events that are acknowledged, and a device that is enrolled.
        works(boston)
        chicago.enrol()
        chicago.start()
        works(chicago)
        fleet.hub.stop()
        boston.command("materialize", "a")
        shutil.rmtree(fleet.hub_dir)
        os.makedirs(fleet.hub_dir)

        fleet.command("restore", archive)
        again = fleet.command("restore", archive, code=None)
        assert again.returncode == 1 and "there is a hub" in again.stderr, again
        fleet.start_hub()
        for device in (boston, chicago):
            wait_for(f"{device.name} is back", lambda: online(fleet, device.name))
            works(device)
        rows = {d["device"]: d for d in map(json.loads, fleet.command("devices", "--json").splitlines())}
        assert rows["boston"]["labels"] == {"site": "north"} and rows["boston"]["lost_events"] > 0, rows
        assert rows["chicago"]["enrolment"] == "unknown" and rows["chicago"]["lost_events"] > 0, rows
        position = boston.position()
        assert fleet.query("SELECT merged_seq FROM stream WHERE device = 'boston'") == [(position["acked_seq"],)]
        assert fleet.command("rebuild", "--check", code=None).returncode == 0
        fleet.command("token", "create")


def a_damaged_archive_is_refused_whole():
    with Fleet("test") as fleet:
        archive = os.path.join(fleet.dir, "hub.tar")
        fleet.command("backup", archive)
        whole = open(archive, "rb").read()
        shutil.rmtree(fleet.hub_dir)
        os.makedirs(fleet.hub_dir)
        half = len(whole) // 2
        for damaged in (whole[:half], whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1:], whole[:600], b"", b"x" * 5000,
                        whole.replace(b"ca/ca.pem", b"../../pem")):
            with open(archive, "wb") as f:
                f.write(damaged)
            done = fleet.command("restore", archive, code=None)
            assert done.returncode == 1 and done.stderr.startswith("error: "), done
            assert os.listdir(fleet.hub_dir) == [], "nothing was written"
        with open(archive, "wb") as f:
            f.write(whole)
        fleet.command("restore", archive)
        fleet.start_hub()


TESTS = [a_lost_hub_comes_back_and_its_devices_go_on, a_damaged_archive_is_refused_whole]
if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=2))
