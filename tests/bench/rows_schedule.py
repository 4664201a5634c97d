"""Schedules: how much of a device's life the core decides in a second."""
from harness import Result, row

SCHEDULES = 100


@row("s", "<= 1 s")
def schedule_year_of_100(bench):
    days = bench.count(365, 3)
    done = min((bench.run("schedule_year", SCHEDULES, days) for _ in range(3)), key=lambda d: d["cpu_ns"])
    return Result(done["cpu_ns"] / 1e9 * 365 / days)
