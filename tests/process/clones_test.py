"""Two hosts with one identity: a device's state folder is copied, and both are started. One begins a new epoch, since the hub has other events
under its numbers; once both have spoken in turn for a while the hub tells of two, and does not listen to the one it has known for the shorter time,
until an operator says so. What each recorded is merged as its own, or stays on it."""
import json
import shutil
import sys

from fleet import Fleet, run_tests, wait_for

DEFINITIONS = "project: test\nassets:\n  - {key: NAME, run: ['true']}\n"


def clones(fleet):
    return [json.loads(line) for line in fleet.command("clones", "--json").splitlines()]


def waiting(device):
    return device.position()["waiting_events"]


def epoch(device):
    return device.position()["epoch"]


def the_newer_of_two_is_told_and_cut_off():
    with Fleet("test") as fleet:
        fleet.start_hub()
        first = fleet.device("brooklyn", DEFINITIONS.replace("NAME", "of/first"))
        first.enrol()
        first.start()
        first.command("materialize", "*")
        wait_for("all is merged", lambda: waiting(first) == 0)
        first.daemon.stop()
        second = fleet.device("copy", DEFINITIONS.replace("NAME", "of/second"))
        shutil.copytree(first.state, second.state)
        both = (first, second)
        for device in both:
            device.start()

        def both_work():
            for device in both:
                device.command("materialize", "*")
            return clones(fleet)
        found = wait_for("the hub tells of two", both_work, 150, 1)
        assert len(found) == 1 and found[0]["device"] == "brooklyn" and "two hosts use this device's identity" in found[0]["why"], found
        assert "event=clone.cut_off" in fleet.hub.read_log()
        epochs = [epoch(device) for device in both]
        assert found[0]["epoch"] in epochs and epochs[0] != epochs[1], (found, epochs)
        newer, older = (first, second) if found[0]["epoch"] == epochs[0] else (second, first)
        assert "event=sync.epoch_begun" in newer.daemon.read_log(), "the older one has kept the epoch that it had"
        assert "clone" in fleet.command("refusals") and "not listened to" in fleet.command("device", "show", "brooklyn"), fleet.command("refusals")

        # The older one goes on; what the newer one records it keeps.
        for device in both:
            device.command("materialize", "*")
        wait_for("the older one's events are merged", lambda: waiting(older) == 0, 60)
        kept = waiting(newer)
        assert kept > 0 and clones(fleet) == found, (kept, clones(fleet))
        fleet.hub.kill()  # it is known to the next one
        fleet.start_hub()
        older.command("materialize", "*")
        wait_for("the older one is heard by the next hub", lambda: waiting(older) == 0, 60)
        assert waiting(newer) >= kept, waiting(newer)

        # An operator decides: both are listened to, each for itself.
        older.daemon.stop()
        fleet.command("clones", "accept", "brooklyn")
        assert clones(fleet) == []
        wait_for("what it kept is merged", lambda: waiting(newer) == 0, 60)
        made = dict(fleet.query("SELECT asset, materializations FROM asset_state"))
        ran = {device: device.query("SELECT count(*) FROM run")[0][0] for device in both}
        assert made == {"of/first": ran[first], "of/second": ran[second] - 1}, (made, ran)  # one run was copied
        assert fleet.query("SELECT count(*) FROM stream WHERE device = 'brooklyn'") == [(2,)]
        fleet.command("rebuild", "--check")


if __name__ == "__main__":
    sys.exit(run_tests([the_newer_of_two_is_told_and_cut_off]))
