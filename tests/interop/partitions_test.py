"""Our partitions against Dagster's own: keys, windows, which keys there are, and the mapping between definitions; `--seed N` replays.

Random definitions (hourly, daily, weekly, monthly, any cron; offsets, an end, an end offset) in six time zones, at random moments, half
of them about a change of the clock. Dagster may differ where docs/reference/differences-from-dagster.md says so and nowhere else; each
difference is counted under its reason."""
import argparse
import os
import random
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import venv  # noqa: E402, ours, which stands before the library's

venv.rerun("dagster==1.13.29")

from dagster import (DailyPartitionsDefinition, HourlyPartitionsDefinition, MonthlyPartitionsDefinition,  # noqa: E402
                     StaticPartitionsDefinition, TimeWindowPartitionMapping, TimeWindowPartitionsDefinition, WeeklyPartitionsDefinition)
from dagster._core.errors import DagsterInvalidDefinitionError  # noqa: E402
from dagster._core.definitions.partitions.context import partition_loading_context  # noqa: E402

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "UTC"]
HOURLY = "%Y-%m-%d-%H:%M"
DAILY = "%Y-%m-%d"
DEFINITIONS = 300
MAPPINGS = 150
DAY = 86400
UTC = timezone.utc


class Ours:
    """One process that answers line by line."""

    def __init__(self):
        path = os.path.join(os.environ["SELVEDGE_BIN_DIR"], "partition_keys")
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *fields):
        self.process.stdin.write("\t".join(str(field) for field in fields) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        assert not answer.startswith("error: "), f"{fields}: {answer}"
        return answer.split("\t") if answer else []

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=30) == 0


def fields_of(definition):
    """As partition_keys.c reads it."""
    end = int(definition.end_timestamp) if definition.end_timestamp else 0
    return [definition.cron_schedule, definition.timezone, int(definition.start_timestamp), end, definition.end_offset, definition.fmt]


# --- definitions and moments ---

def changes(zone):
    """Days on which the clock is set, 2015 to 2027."""
    tz = ZoneInfo(zone)
    day = datetime(2015, 1, 1, tzinfo=UTC)
    found = []
    while day.year < 2028:
        following = day + timedelta(days=1)
        if day.astimezone(tz).utcoffset() != following.astimezone(tz).utcoffset():
            found.append(day)
        day = following
    return found


CHANGES = {zone: changes(zone) for zone in ZONES}


def moment(rng, zone):
    if CHANGES[zone] and rng.random() < 0.5:
        at = rng.choice(CHANGES[zone]) + timedelta(hours=rng.randint(-30, 60))
    else:
        at = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(hours=rng.randint(0, 13 * 365 * 24))
    if rng.random() < 0.7:
        at += timedelta(minutes=rng.choice([0, 15, 30, 45]), seconds=rng.choice([0, 0, 1, 59]))
    return at


def days_before(rng, at, zone, days):
    """A local midnight some days before."""
    local = (at - timedelta(days=rng.randint(0, days))).astimezone(ZoneInfo(zone))
    return datetime(local.year, local.month, local.day)


def any_cron(rng):
    """Named minutes and hours, days or weekdays, as people write them."""
    minute = rng.choice(["0", "15", "30", "0,30", "*/20", "5"])
    hour = rng.choice(["*", "*/6", "2", "3,15", "1-4", "0", "22"])
    day, month, weekday = rng.choice([("*", "*", "*"), ("1,15", "*", "*"), ("*", "*", "1-5"), ("31", "*", "*"), ("*", "1,4,7,10", "*"),
                                      ("1", "*/3", "*"), ("*", "*", "0,3")])
    return f"{minute} {hour} {day} {month} {weekday}"


def definition(rng, zone, at):
    offset = rng.choice([0, 0, 0, 1, 3, -1, -2])
    kind = rng.choice(["hourly", "daily", "weekly", "monthly", "cron"])
    days = {"hourly": 20, "daily": 200, "weekly": 700, "monthly": 2000, "cron": 60}[kind]
    start = days_before(rng, at, zone, days)
    end = start + timedelta(days=rng.randint(1, days)) if rng.random() < 0.2 else None
    minute = rng.choice([0, 0, 15, 30])
    hour = rng.choice([0, 0, 1, 2, 3, 7, 23])
    common = {"timezone": zone, "end_offset": offset}
    if kind == "hourly":
        return HourlyPartitionsDefinition(start, end_date=end, minute_offset=minute, **common)
    if kind == "daily":
        return DailyPartitionsDefinition(start, end_date=end, minute_offset=minute, hour_offset=hour, **common)
    if kind == "weekly":
        return WeeklyPartitionsDefinition(start, end_date=end, minute_offset=minute, hour_offset=hour, day_offset=rng.randrange(7), **common)
    if kind == "monthly":
        return MonthlyPartitionsDefinition(start, end_date=end, minute_offset=minute, hour_offset=hour, day_offset=rng.choice([1, 5, 28]),
                                           **common)
    return TimeWindowPartitionsDefinition(start=start, end=end, fmt=HOURLY, cron_schedule=any_cron(rng), **common)


# --- differences that are known, each with its reason ---

def names_every_hour(cron):
    return cron.split()[1] == "*"


def is_about_midnight(zone, instants):
    """Within two hours of a change of the clock at midnight."""
    tz = ZoneInfo(zone)
    for at in instants:
        near = [datetime.fromtimestamp(at + hours * 3600, UTC).astimezone(tz) for hours in (-2, -1, 0, 1, 2)]
        if len({t.utcoffset() for t in near}) == 1 or not {t.hour for t in near} & {0, 23}:
            return False
    return bool(instants)


def explain(definition, ours, theirs):
    """Why Dagster's answer is not ours, or None. Words of docs/reference/differences-from-dagster.md."""
    cron, zone = definition.cron_schedule, definition.timezone
    if names_every_hour(cron) and zone == "Australia/Lord_Howe":
        return "every hour where the clock changes by half an hour: Dagster counts the minutes in UTC"
    if definition.end_timestamp is not None:
        first = next(iter(definition._iterate_time_windows(definition.start_timestamp)))
        if definition.end_timestamp < first.end.timestamp():
            return "an end within the first window: Dagster lists that window"
    if is_about_midnight(zone, [instant(definition, item) for item in set(ours) ^ set(theirs)]):
        return "a change at or near midnight: Dagster looks at the hours 1, 2 and 3 only"
    return None


def explain_key(definition, key):
    if (definition.is_basic_hourly and key[14:16] != "00") or (definition.is_basic_daily and key[11:16] not in ("", "00:00")):
        return "a key between two full hours or days: Dagster takes it for a window that begins then"
    return explain(definition, [key], [])


def instant(definition, item):
    """Of a key, or of an instant as text."""
    if item.isdigit():
        return int(item)
    naive = datetime.strptime(item[:len("2024-01-01-00:00")], definition.fmt)
    return int(naive.replace(tzinfo=ZoneInfo(definition.timezone)).timestamp())


class Count:
    def __init__(self):
        self.same = 0
        self.differences = Counter()

    def compare(self, what, ours, theirs, why):
        """Whether both are the same. `why` gives the reason of a difference that is known."""
        if ours == theirs:
            self.same += 1
            return True
        reason = why(ours, theirs)
        if not reason:
            ours, theirs = shorten(ours, theirs)
            raise AssertionError(f"{what}\n  ours:   {ours}\n  theirs: {theirs}")
        self.differences[reason] += 1
        return False


def shorten(ours, theirs):
    """Long lists from where they part."""
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    return [len(ours), *ours[max(0, at - 1):at + 4]], [len(theirs), *theirs[max(0, at - 1):at + 4]]


def compare_definition(rng, ours, definition, at, count):
    what = f"{definition!r} at {at}"
    fields = fields_of(definition)

    def why(mine, theirs):
        return explain(definition, mine, theirs)

    theirs = list(definition.get_partition_keys(current_time=at))
    if not count.compare(f"keys of {what}", ours.ask("keys", int(at.timestamp()), *fields), theirs, why) or not theirs:
        return
    for key in sorted({theirs[0], theirs[-1], *rng.sample(theirs, min(6, len(theirs)))}):
        window = definition.time_window_for_partition_key(key)
        expected = [str(int(window.start.timestamp())), str(int(window.end.timestamp()))]
        count.compare(f"window of {key} of {what}", ours.ask("window", key, *fields), expected, why)
        wrong = damage(rng, key)
        with partition_loading_context(at):
            known = "1" if definition.has_partition_key(wrong) else "0"
        count.compare(f"has {wrong} of {what}", ours.ask("has", wrong, int(at.timestamp()), *fields), [known],
                      lambda *_, key=wrong: explain_key(definition, key))


def damage(rng, key):
    """Another key, perhaps none."""
    at = rng.randrange(len(key))
    return key[:at] + str(rng.randrange(10)) + key[at + 1:]


def compare_mapping(rng, ours, count):
    """A partition of one definition in those of another of the same zone, up and down."""
    zone = rng.choice([zone for zone in ZONES if zone != "Australia/Lord_Howe"])
    at = moment(rng, zone)
    start = days_before(rng, at, zone, 60)
    kinds = [HourlyPartitionsDefinition, DailyPartitionsDefinition, WeeklyPartitionsDefinition, MonthlyPartitionsDefinition]
    downstream = rng.choice(kinds)(days_before(rng, at, zone, 60), timezone=zone)
    upstream = rng.choice(kinds)(start, timezone=zone, end_offset=rng.choice([0, 0, 1]))
    keys = downstream.get_partition_keys(current_time=at)
    if not keys:
        return
    key = rng.choice([keys[0], keys[-1], rng.choice(keys)])
    with partition_loading_context(at):
        found = TimeWindowPartitionMapping().get_upstream_mapped_partitions_result_for_partitions(
            downstream.subset_with_partition_keys([key]), downstream, upstream, current_time=at)
        expected = list(found.partitions_subset.get_partition_keys())
        is_whole = found.required_but_nonexistent_subset.is_empty
    theirs = ["1" if is_whole else "0", *expected]
    mine = ours.ask("map", key, int(at.timestamp()), *fields_of(downstream), *fields_of(upstream))
    count.compare(f"{key} of {downstream!r} in {upstream!r} at {at}", mine, theirs, lambda *_: None)


def compare_static_key(rng, ours, count):
    """Which texts may be keys. None of tabs and line ends, which end a field here."""
    key = "".join(rng.choice(["a", "Ä", "-", ".", "..", " ", "/", "|", "0", "\a", "\v", "\f", "\b"]) for _ in range(rng.randint(1, 5)))
    try:
        StaticPartitionsDefinition([key])
        theirs = "1"
    except DagsterInvalidDefinitionError:
        theirs = "0"
    count.compare(f"key {key!r}", ours.ask("key", key), [theirs], lambda *_: None)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, default=20260101)
    options.add_argument("--scale", type=float, default=1.0)
    arguments = options.parse_args()
    rng = random.Random(arguments.seed)
    ours = Ours()
    count = Count()
    for i in range(int(DEFINITIONS * arguments.scale)):
        zone = ZONES[i % len(ZONES)]
        at = moment(rng, zone)
        compare_definition(rng, ours, definition(rng, zone, at), at, count)
    keys = count.same
    for _ in range(int(MAPPINGS * arguments.scale)):
        compare_mapping(rng, ours, count)
    mappings = count.same - keys
    for _ in range(200):
        compare_static_key(rng, ours, count)
    ours.close()
    print(f"seed {arguments.seed}: {keys} answers on keys and windows, {mappings} mappings, 200 static keys are the same as Dagster's")
    for reason, times in sorted(count.differences.items()):
        print(f"  {times} differ: {reason}")
    assert keys > DEFINITIONS * arguments.scale * 5 and mappings > MAPPINGS * arguments.scale * 0.7


if __name__ == "__main__":
    main()
