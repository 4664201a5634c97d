"""A board without a battery-backed clock: it boots in 1970 and is told the time later. It works and reaches the hub in 1970,
fires no schedule before it knows the time and none that was due before it was installed, and looks at the dates of
certificates as soon as it can."""
import os
import sys
import time

from fleet import BIN, Fleet, need, wait_for

SHIM = os.path.join(BIN, "shifted_clock.so")
DEFINITIONS = """\
project: first-boot
assets:
  - {key: tick, run: ["true"]}
schedules:
  - {name: monthly, cron: "0 0 1 * *", select: tick}
"""
YEAR = 365 * 86400


def set_clock(path, seconds):
    with open(path + ".new", "w") as f:
        f.write(str(seconds))
    os.replace(path + ".new", path)


def main():
    need(SHIM)
    with Fleet("firstboot") as fleet:
        clock = os.path.join(fleet.dir, "clock")
        fleet.start_hub()
        device = fleet.device("chicago", DEFINITIONS)
        device.enrol()
        set_clock(clock, -int(time.time()) + 60)
        os.environ.update(LD_PRELOAD=SHIM, SHIFTED_CLOCK=clock)
        try:
            device.start()
        finally:
            del os.environ["LD_PRELOAD"], os.environ["SHIFTED_CLOCK"]
        log = device.daemon.read_log
        wait_for("it reaches the hub", lambda: "link.online" in log())
        wait_for("schedules wait", lambda: "schedule.clock_not_set" in log())
        assert "time=1970-01-01" in log(), "the clock is not shifted"

        set_clock(clock, 0)
        wait_for("schedules go on", lambda: time.sleep(12) or True, seconds=20)
        assert "schedule.tick" not in log(), "a tick from before the device was installed"

        before = len(log())
        set_clock(clock, 20 * YEAR)
        fleet.kill_broker()
        wait_for("the broker's certificate is found to be expired", lambda: "expired" in log()[before:])
        assert "link.online" not in log()[before:]
        set_clock(clock, 0)
        wait_for("it is back", lambda: "link.online" in log()[before:])
        print("1970, now, 2046, now: as it should be")


if __name__ == "__main__":
    sys.exit(main())
