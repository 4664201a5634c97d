"""A device's database is lost, or put back to an earlier state, as by a restored copy or a disk that lost what it had
confirmed: what is recorded from then on must reach the hub all the same, although its numbers were used before."""
import os
import shutil
import sys

from fleet import Fleet, wait_for

DEFINITIONS = """\
project: put-back
assets:
  - {key: tick, run: ["true"]}
"""


def copy_database(device, to):
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(device.db_path + suffix):
            shutil.copy(device.db_path + suffix, to + suffix)


def put_back(device, copy):
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(device.db_path + suffix):
            os.remove(device.db_path + suffix)
        if os.path.exists(copy + suffix):
            shutil.copy(copy + suffix, device.db_path + suffix)


def run_and_tell(device, times):
    """The ids of the runs; the device must be up."""
    ids = []
    for _ in range(times):
        device.command("materialize", "tick")
        ids.append(device.runs()[0]["run"])
    return ids


def wait_until_told(fleet, device, ids):
    def told():
        return {row[0] for row in fleet.query("SELECT run FROM run WHERE status = 'success'")}
    wait_for("the hub knows the runs", lambda: set(ids) <= told())
    wait_for("nothing waits on the device", lambda: device.position()["waiting_events"] == 0)


def expect_whole(fleet):
    """Within each stream every number is there once, and rebuild gives the same."""
    for stream, merged in fleet.query("SELECT id, merged_seq FROM stream"):
        seqs = [row[0] for row in fleet.query("SELECT seq FROM event WHERE stream_id = ? ORDER BY seq", stream)]
        assert seqs == list(range(1, merged + 1)), f"stream {stream}: {seqs}"


def carry_out(is_overtaken):
    with Fleet("putback") as fleet:
        fleet.start_hub()
        device = fleet.device("chicago", DEFINITIONS)
        device.enrol()
        device.start()
        wait_until_told(fleet, device, run_and_tell(device, 2))
        device.daemon.stop()
        copy = os.path.join(fleet.dir, "copy.db")
        copy_database(device, copy)
        device.start()
        lost = run_and_tell(device, 3)
        wait_until_told(fleet, device, lost)
        device.daemon.stop()
        put_back(device, copy)
        if is_overtaken:
            # The device records more than it lost before the hub can tell it.
            fleet.hub.stop()
            device.start()
            ids = run_and_tell(device, 6)
            fleet.start_hub()
        else:
            device.start()
            ids = run_and_tell(device, 1)
        ids += run_and_tell(device, 1)
        wait_until_told(fleet, device, ids)
        epochs = fleet.query("SELECT count(*) FROM stream WHERE device = 'chicago'")[0][0]
        assert epochs == 2, f"{epochs} epochs"
        assert "sync.epoch_begun" in device.daemon.read_log()
        expect_whole(fleet)
        assert fleet.query("SELECT count(*) FROM gap")[0][0] == 0
        device.daemon.stop()
        device.start()
        wait_until_told(fleet, device, run_and_tell(device, 1))
        assert fleet.query("SELECT count(*) FROM stream WHERE device = 'chicago'")[0][0] == 2


def lose():
    """The database is gone: a new one begins, and the hub keeps both of the device's lives apart and whole."""
    with Fleet("lost") as fleet:
        fleet.start_hub()
        device = fleet.device("chicago", DEFINITIONS)
        device.enrol()
        device.start()
        ids = run_and_tell(device, 3)
        wait_until_told(fleet, device, ids)
        device.daemon.kill()
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(device.db_path + suffix):
                os.remove(device.db_path + suffix)
        device.start()
        ids += run_and_tell(device, 2)
        wait_until_told(fleet, device, ids)
        assert fleet.query("SELECT count(*) FROM stream WHERE device = 'chicago'")[0][0] == 2
        assert fleet.query("SELECT materializations FROM asset_state WHERE asset = 'tick'")[0][0] == 5
        assert fleet.query("SELECT count(*) FROM asset_definition")[0][0] == 1
        expect_whole(fleet)
        fleet.hub.stop()
        fleet.command("rebuild", "--check")


def main():
    for is_overtaken in (False, True):
        carry_out(is_overtaken)
        print("put back,", "recorded more than was lost" if is_overtaken else "behind the hub", "- all was told")
    lose()
    print("lost - both lives are there")


if __name__ == "__main__":
    sys.exit(main())
