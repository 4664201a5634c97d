"""Our cron against other people's, tick by tick, 2024 to 2027: `cron_test.py croniter`, `cron_test.py dagster`, `--seed N` replays.

croniter, told no zone, says which local times an expression names; Python's zoneinfo says when the clock shows them, and Dagster's rule
for missing and repeated times, written down once more here, makes ticks of them: no difference is allowed. croniter told the zone, and
Dagster itself, asked as its scheduler asks, may differ where docs/reference/differences-from-dagster.md says so and nowhere else; each
difference is counted under its reason. Expressions with few ticks are compared over the whole four years, the others around
changes of the clock and on some day between (SELVEDGE_LONG: around every change)."""
import argparse
import os
import random
import subprocess
import sys
from calendar import isleap
from collections import Counter
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import venv  # noqa: E402, ours, which stands before the library's

PACKAGES = {"croniter": ["croniter==7.0.0"], "dagster": ["dagster==1.13.29"]}
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"]
# Their clocks change at midnight, or by more or less than an hour, where Dagster's code does not do what its documentation says.
ODD_ZONES = ["America/Havana", "Africa/Cairo", "Asia/Beirut", "America/Santiago", "Atlantic/Azores", "Antarctica/Troll"]
EXPRESSIONS = 200
DAY = 86400
FROM = int(datetime(2024, 1, 1, tzinfo=timezone.utc).timestamp())
UNTIL = int(datetime(2028, 1, 1, tzinfo=timezone.utc).timestamp())
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "sun mon tue wed thu fri sat".split()
FIXED = ["@hourly", "@daily", "@weekly", "@monthly", "@yearly", "0 * * * *", "30 * * * *", "0 2 * * *", "30 2 * * *", "30 1 * * *",
         "0 0 29 2 *", "0 0 31 * *", "30 2 * * sun", "*/30 1-3 * * *", "59 23 31 12 *", "0 22-2 * * fri-mon", "0 0 */20 * mon",
         "0 0 1-31 * */2", "0 0 1-31 * 1-5", "15,45 0-23 * * *", "0 0 13 * 5", "0 3 1-7 * 7", "0 0 * nov-feb 1/2", "0 0 * * 3-7/2"]


# --- expressions ---

def element(rng, low, high, names):
    """One element of a list that means the same to both: no "5-5", no step over the end, none behind the last value."""
    def show(value):
        return names[value - low] if names and rng.random() < 0.4 else str(value)
    first, last = rng.sample(range(low, high + 1), 2)
    kind = rng.randrange(10)
    if kind < 5:
        return show(first)
    if kind < 7:
        return f"{show(first)}-{show(last)}"  # perhaps over the end
    if kind < 8:
        return f"{min(first, last)}-{max(first, last)}/{rng.randint(1, 5)}"
    if kind < 9:
        return f"*/{rng.randint(2, max(2, (high - low) // 2))}"
    return f"{rng.randint(low, high - 1)}/{rng.randint(1, 6)}"


def field(rng, stars, low, high, names=None):
    if rng.random() < stars:
        return "*"
    return ",".join(element(rng, low, high, names) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def expression(rng):
    minute = field(rng, 0.05, 0, 59)
    # Half of them in the hours in which clocks change.
    hour = str(rng.randrange(5)) if rng.random() < 0.4 else field(rng, 0.25, *rng.choice([(0, 4), (0, 23)]))
    return " ".join([minute, hour, field(rng, 0.6, 1, 31), field(rng, 0.7, 1, 12, MONTHS), field(rng, 0.6, 0, 6, WEEKDAYS)])


def expressions(rng, croniter):
    found = list(FIXED)
    while len(found) < EXPRESSIONS:
        candidate = expression(rng)
        try:
            croniter(candidate, datetime(2024, 1, 1)).get_next()
        except ValueError:
            continue  # never happens
        found.append(candidate)
    return found


# --- zones ---

def changes(zone, start, end):
    """[(instant, offset before, offset after)], found by looking at every quarter of an hour and then closer."""
    def offset(t):
        return int(datetime.fromtimestamp(t, zone).utcoffset().total_seconds())
    found = []
    before = offset(start)
    for t in range(start, end, 900):
        after = offset(t)
        if after == before:
            continue
        low, high = t - 900, t
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == before else (low, middle)
        found.append((high, before, after))
        before = after
    return found, offset(start)


class Zone:
    def __init__(self, name):
        self.name = name
        self.info = ZoneInfo(name)
        self.changes, self.first_offset = changes(self.info, FROM - 30 * DAY, UNTIL + 30 * DAY)

    def stretches(self):
        """(begin, end, offset), in UTC."""
        begin, offset = FROM - 30 * DAY, self.first_offset
        for at, _, after in self.changes:
            yield begin, at, offset
            begin, offset = at, after
        yield begin, UNTIL + 30 * DAY, offset

    def ticks(self, local_times, every_hour):
        """The rule, once more: from the named local times (rising seconds) to instants."""
        found = set()
        for begin, end, offset in self.stretches():
            found.update((t - offset, t) for t in local_times if begin <= t - offset < end)
        by_local = {}
        for instant, local in found:
            by_local.setdefault(local, []).append(instant)
        result = set()
        for local, instants in by_local.items():
            result.update(instants if every_hour else [max(instants)])
        if not every_hour:
            for at, before, after in self.changes:
                if any(at + before <= t < at + after for t in local_times):
                    result.add(at)
        return sorted(result)

    def change_near(self, instant):
        """The change whose missing or repeated stretch of local time the instant lies in or at the end of."""
        for at, before, after in self.changes:
            if at - abs(after - before) <= instant <= at + abs(after - before):
                return at, before, after
        return None


# --- what is compared ---

def windows(rng, zone, is_sparse):
    """Of an expression with many ticks: around some changes of the clock, and a day somewhere."""
    if is_sparse:
        return [(FROM, UNTIL)]
    found = [at for at, _, _ in zone.changes if FROM < at < UNTIL]
    if "SELVEDGE_LONG" not in os.environ:
        found = rng.sample(found, min(3, len(found)))
    found = [(at - DAY, at + DAY) for at in found] + [(at, at + DAY) for at in [rng.randrange(FROM, UNTIL - DAY, 60)]]
    return [(max(FROM, a), min(UNTIL, b)) for a, b in found]


def ours(program, questions):
    """[(zone, from, until, expression)] to lists of ticks."""
    text = "".join(f"{zone.name} {a} {b} {cron}\n" for zone, a, b, cron in questions)
    done = subprocess.run([program], input=text, stdout=subprocess.PIPE, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(questions)
    for line, question in zip(lines, questions):
        assert not line.startswith("error"), (question[3], line)
    return [[int(t) for t in line.split()] for line in lines]


def local_times(croniter, cron, start, end, most=None):
    """What the expression names on a clock without a zone, in seconds; start < t <= end."""
    found = []
    naive = croniter(cron, datetime.fromtimestamp(start, timezone.utc).replace(tzinfo=None))
    while True:
        try:
            t = int(naive.get_next())
        except ValueError:  # none within 50 years
            return found
        if t > end or (most is not None and len(found) > most):
            return found
        found.append(t)


def show(zone, instants):
    return " ".join(datetime.fromtimestamp(t, zone.info).strftime("%Y-%m-%dT%H:%M%z") for t in instants)


class Report:
    def __init__(self):
        self.ticks = 0
        self.reasons = Counter()
        self.unexplained = 0

    def compare(self, question, mine, theirs, explain):
        zone, _, _, cron = question
        self.ticks += len(theirs)
        if mine == theirs:
            return
        only_mine, only_theirs = sorted(set(mine) - set(theirs)), sorted(set(theirs) - set(mine))
        reason = explain(zone, cron, only_mine, only_theirs)
        self.reasons[reason or "UNEXPLAINED"] += 1
        if reason is None:
            self.unexplained += 1
            if self.unexplained < 10:
                print(f"{zone.name} {cron!r}: only ours: {show(zone, only_mine[:4])}; only theirs: {show(zone, only_theirs[:4])}")

    def end(self, what):
        print(f"{what}: {self.ticks} ticks compared")
        for reason, count in sorted(self.reasons.items()):
            print(f"  {count} x {reason}")
        assert self.unexplained == 0, f"{self.unexplained} differences that no reason covers"


# --- croniter ---

def questions_for(rng, croniter, zones, crons, sparse_max):
    sparse = {cron for cron in crons if len(local_times(croniter, cron, FROM, UNTIL, sparse_max)) <= sparse_max}
    return [(zone, a, b, cron) for zone in zones for cron in crons for a, b in windows(rng, zone, cron in sparse)]


def explain_croniter(zone, cron, only_mine, only_theirs):
    del cron
    near = [zone.change_near(t) for t in only_mine + only_theirs]
    if None in near:
        return None
    if all(after < before for _, before, after in near):
        return "a repeated time: croniter fires at both, or at the first"
    return "a missing time: croniter fires at another moment"


def against_croniter(program, rng):
    from croniter import croniter
    crons = expressions(rng, croniter)
    zones = [Zone(name) for name in ZONES + ODD_ZONES[:2]]
    questions = questions_for(rng, croniter, zones, crons, 2000)
    mine = ours(program, questions)
    known = {}
    exact, aware = Report(), Report()
    for question, ticks in zip(questions, mine):
        zone, a, b, cron = question
        key = (cron, a, b)
        if key not in known:
            known[key] = local_times(croniter, cron, a - DAY, b + DAY)
        every_hour = croniter.expand(cron)[0][1] == ["*"]
        theirs = [t for t in zone.ticks(known[key], every_hour) if a < t <= b]
        exact.compare(question, ticks, theirs, lambda *_: None)
        if b - a < 30 * DAY:  # around the changes of the clock
            told = croniter(cron, datetime.fromtimestamp(a, zone.info))
            theirs = []
            while not theirs or theirs[-1] <= b:
                theirs.append(int(told.get_next()))
            aware.compare(question, ticks, [t for t in theirs if a < t <= b], explain_croniter)
    exact.end("croniter without a zone, zoneinfo, and the rule")
    aware.end("croniter told the zone, where ticks are many")


# --- Dagster ---

def is_plain_hourly(croniter, cron):
    fields = croniter.expand(cron)[0]
    return fields[0] != ["*"] and all(f == ["*"] for f in fields[1:])


def explainer(croniter):
    def explain(zone, cron, only_mine, only_theirs):
        offsets = {before % 3600 for _, before, _ in zone.changes} | {after % 3600 for _, _, after in zone.changes}
        if is_plain_hourly(croniter, cron) and len(offsets) > 1:
            return "every hour where the clock changes by half an hour: Dagster counts the minutes in UTC"
        near = [zone.change_near(t) for t in only_mine + only_theirs]
        if None in near:
            return None
        at, before, after = near[0]
        hours = {(at + offset + i) % DAY // 3600 for offset in (before, after) for i in (-1, 0)}
        if abs(after - before) > 3600:
            return "a change of two hours: Dagster expects at most one"
        if not hours <= {1, 2, 3}:
            return "a change at or near midnight: Dagster looks at the hours 1, 2 and 3 only"
        return None
    return explain


def dagster_ticks(zone, a, b, cron):
    """Dagster's ticks in (a, b], or None where its own guard against unexpected results ends the iteration with an error."""
    from dagster._check import CheckError
    from dagster._utils.schedules import cron_string_iterator
    ticks = []
    try:
        for t in cron_string_iterator(a + 1, cron, zone.name):
            if t.timestamp() > b:
                break
            ticks.append(int(t.timestamp()))
    except CheckError:
        return None
    return ticks


def may_give_up(croniter, zone, a, cron):
    """Looking back from March of a leap year, croniter passes over the 29th of February; Dagster starts from there and notices."""
    start = datetime.fromtimestamp(a + 1, zone.info)
    return start.month == 3 and isleap(start.year) and 29 in croniter.expand(cron)[0][2]


def against_dagster(program, rng):
    from dagster._utils.schedules import CroniterShim
    explain = explainer(CroniterShim)
    crons = expressions(rng, CroniterShim)
    for names, what in ((ZONES, "Dagster, five zones"), (ODD_ZONES, "Dagster, zones with odd changes")):
        zones = [Zone(name) for name in names]
        questions = questions_for(rng, CroniterShim, zones, crons, 400)
        report = Report()
        for question, ticks in zip(questions, ours(program, questions)):
            zone, a, b, cron = question
            theirs = dagster_ticks(zone, a, b, cron)
            if theirs is not None:
                report.compare(question, ticks, theirs, explain)
                continue
            assert may_give_up(CroniterShim, zone, a, cron), f"Dagster gives up: {question}"
            report.reasons["the 29th, asked in March of a leap year: Dagster ends with an error"] += 1
        report.end(what)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=sorted(PACKAGES))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    venv.rerun(*PACKAGES[options.peer])
    program = os.path.join(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin"), "cron_ticks")
    if not os.path.exists(program):
        venv.skip(f"{program} is not there")
    print(f"seed={options.seed}", flush=True)
    {"croniter": against_croniter, "dagster": against_dagster}[options.peer](program, random.Random(options.seed))


if __name__ == "__main__":
    sys.exit(main())
