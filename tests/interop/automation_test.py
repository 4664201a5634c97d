"""Declarative automation: random graphs under eager, on_missing and on_cron, tick by tick: Dagster and we request the same assets, and for the
same reasons: both evaluation trees are equal, node for node.

Dagster's evaluate_automation_conditions() runs for real over an instance in memory. Between ticks runs begin, make some of their assets,
end or fail; somebody reports what was made elsewhere; definitions are edited. The facts that we are given are kept here as the engine
would keep them. Assets with partitions of days are compared for the latest day."""
import sys
from datetime import datetime, timedelta, timezone

import referee

WORLDS = 18
TICKS = 20
START = datetime(2026, 3, 26, tzinfo=timezone.utc)  # clocks change in Berlin on the 29th
FIRST_DAY = "2026-03-20"
CRONS = [("0 * * * *", "UTC"), ("*/15 * * * *", "UTC"), ("30 6 * * *", "Europe/Berlin"), ("0 0 * * *", "UTC"), ("45 4,16 * * *", "America/New_York")]


class Run:
    def __init__(self, run_id, keys, day):
        self.run_id, self.keys, self.day, self.is_open = run_id, keys, day, True


class World:
    def __init__(self, dagster, peer, rng):
        self.dagster, self.peer, self.rng = dagster, peer, rng
        self.instance = dagster.DagsterInstance.ephemeral()
        self.now = START + timedelta(minutes=rng.randrange(24 * 60))
        self.seq = 0
        self.assets = {}
        self.runs = []
        self.events = {}  # key to [{"seq", "at", "run", "day"}]
        self.planned = {}  # (key, day) to the run that planned it last
        self.cursor = None
        self.ours = {}  # key to cursor
        has_days = rng.random() < 0.4
        for key in referee.random_keys(rng, rng.randint(2, 9)):
            deps = rng.sample(list(self.assets), rng.randint(0, min(3, len(self.assets))))
            daily = has_days and rng.random() < 0.6
            if not daily:
                deps = [d for d in deps if not self.assets[d]["daily"]]
            external = not deps and not daily and rng.random() < 0.4
            self.assets[key] = {"deps": deps, "external": external, "daily": daily, "condition": None if external else self.condition()}

    def condition(self):
        kind = self.rng.choice(["eager", "eager", "eager", "on_missing", "on_cron", "on_cron", None])
        if kind == "on_cron":
            cron, zone = self.rng.choice(CRONS)
            return {"kind": kind, "cron": cron, "timezone": zone}
        return kind and {"kind": kind}

    def key(self, text):
        return self.dagster.AssetKey(text.split("/"))

    # --- Dagster's side ---

    def their_condition(self, condition):
        conditions = self.dagster.AutomationCondition
        if condition is None:
            return None
        if condition["kind"] == "on_cron":
            return conditions.on_cron(condition["cron"], condition["timezone"])
        return getattr(conditions, condition["kind"])()

    def definitions(self):
        made = []
        for text, asset in self.assets.items():
            spec = self.dagster.AssetSpec(self.key(text), deps=[self.key(d) for d in asset["deps"]],
                                          automation_condition=self.their_condition(asset["condition"]),
                                          partitions_def=self.dagster.DailyPartitionsDefinition(FIRST_DAY) if asset["daily"] else None)
            made.append(spec if asset["external"] else self.dagster.multi_asset(specs=[spec], name=text.replace("/", "__"))(lambda: None))
        return made

    def tell(self, event_type, run, data):
        from dagster._core.events import DagsterEvent
        self.instance.report_dagster_event(DagsterEvent(event_type.value, job_name="j", event_specific_data=data), run.run_id)

    # --- events ---

    def day(self):
        """Mostly the latest day that is over."""
        days = self.rng.choice([1, 1, 1, 2, 3])
        return (self.now - timedelta(days=days)).strftime("%Y-%m-%d")

    def begin_run(self):
        from dagster._core.events import AssetMaterializationPlannedData, DagsterEventType
        from dagster._core.storage.dagster_run import DagsterRunStatus
        from dagster._core.test_utils import create_run_for_test
        daily = self.rng.random() < 0.5
        can = [key for key, a in self.assets.items() if not a["external"] and a["daily"] == daily]
        if not can:
            return
        keys = self.rng.sample(can, self.rng.randint(1, min(4, len(can))))
        day = self.day() if daily else None
        tags = {"dagster/partition": day} if day else {}
        run = create_run_for_test(self.instance, job_name="j", status=DagsterRunStatus.STARTED, tags=tags,
                                  asset_selection=frozenset(self.key(k) for k in keys))
        self.runs.append(Run(run.run_id, [k for k in self.assets if k in keys], day))
        for key in keys:
            self.tell(DagsterEventType.ASSET_MATERIALIZATION_PLANNED, self.runs[-1], AssetMaterializationPlannedData(self.key(key), day))
            self.planned[key, day] = self.runs[-1]
        if self.rng.random() < 0.6:
            while self.runs[-1].is_open:
                self.go_on(self.runs[-1])

    def go_on(self, run):
        """Makes the next asset of the run, ends it after the last one, or lets it fail."""
        from dagster._core.events import DagsterEventType, StepMaterializationData
        if not run.keys or self.rng.random() < 0.1:
            self.instance.report_run_failed(self.instance.get_run_by_id(run.run_id))
            run.is_open = False
            return
        made = [k for k in run.keys if any(e["run"] is run for e in self.events.get(k, []))]
        left = [k for k in run.keys if k not in made and k in self.assets]
        if left:
            self.tell(DagsterEventType.ASSET_MATERIALIZATION, run,
                      StepMaterializationData(self.dagster.AssetMaterialization(self.key(left[0]), partition=run.day)))
            self.made(left[0], run, run.day)
        if len(left) <= 1:
            run.is_open = False
            self.tell(DagsterEventType.RUN_SUCCESS, run, None)

    def made(self, key, run, day):
        self.seq += 1
        self.events.setdefault(key, []).append({"seq": self.seq, "at": self.now, "run": run, "day": day})

    def some_run_goes_on(self):
        still_open = [r for r in self.runs if r.is_open]
        if still_open:
            self.go_on(self.rng.choice(still_open))

    def report(self):
        self.made_elsewhere(self.rng.choice(list(self.assets)))

    def made_elsewhere(self, key):
        day = self.day() if self.assets[key]["daily"] else None
        self.instance.report_runless_asset_event(self.dagster.AssetMaterialization(self.key(key), partition=day))
        self.made(key, None, day)

    def edit(self):
        keys = list(self.assets)
        at = self.rng.randrange(len(keys))
        asset = self.assets[keys[at]]
        if asset["external"]:
            return
        if self.rng.random() < 0.6:
            asset["condition"] = self.condition()
        else:
            can = [k for k in keys[:at] if asset["daily"] or not self.assets[k]["daily"]]
            asset["deps"] = self.rng.sample(can, self.rng.randint(0, min(3, len(can))))

    def live(self):
        from dagster._core.test_utils import freeze_time
        for _ in range(self.rng.choice([0, 0, 1, 1, 2, 3])):
            event = self.rng.choice([self.begin_run, self.begin_run, self.some_run_goes_on, self.some_run_goes_on, self.report, self.edit])
            with freeze_time(self.now):
                event()
            self.now += timedelta(seconds=self.rng.randrange(1, 400))

    def wait(self):
        self.now += timedelta(seconds=self.rng.choice([30, 600, 3600, 5 * 3600, 20 * 3600]) + self.rng.randrange(60))
        if self.rng.random() < 0.1:  # exactly on the quarter of an hour
            self.now = self.now.replace(minute=self.now.minute // 15 * 15, second=0) + timedelta(minutes=15)

    # --- our side ---

    def latest_day(self):
        return (self.now - timedelta(days=1)).strftime("%Y-%m-%d")

    def facts(self, key, number):
        day = self.latest_day() if self.assets[key]["daily"] else None
        all_events = self.events.get(key, [])
        events = [e for e in all_events if e["day"] == day]
        last = events[-1] if events else None
        plan = self.planned.get((key, day))
        facts = {"missing": last is None, "in_progress": bool(plan and plan.is_open and not (last and last["run"] is plan))}
        if last:
            facts.update(updated_seq=last["seq"], made_at=int(last["at"].timestamp()) * 10 ** 9)
            if last["run"] and all_events[-1] is last:
                facts["made_with"] = sorted(number[k] for k in last["run"].keys if k in number)
        return facts

    def our_tick(self):
        number = {key: n for n, key in enumerate(self.assets)}
        assets = [{"key": key, "deps": a["deps"], "external": a["external"], "automation": a["condition"] or {}, "cursor": self.ours.get(key, ""),
                   "facts": self.facts(key, number), **({"partition": self.latest_day()} if a["daily"] else {})}
                  for key, a in self.assets.items()]
        answers = self.peer.ask("automate", now=int(self.now.timestamp()) * 10 ** 9, seq=self.seq, assets=assets)["answers"]
        found = {}
        for key, answer in zip(self.assets, answers):
            self.ours[key] = answer["cursor"] if answer else ""  # Dagster, too, forgets what has no condition any more
            if answer:
                found[key] = {"requested": answer["requested"], "tree": our_tree(answer["tree"])}
        return found

    # --- comparing ---

    def their_tick(self):
        result = self.dagster.evaluate_automation_conditions(defs=self.definitions(), instance=self.instance, evaluation_time=self.now,
                                                             cursor=self.cursor)
        self.cursor = result.cursor
        day = self.latest_day()
        return {r.key.to_user_string(): {"requested": holds(r.true_subset, day), "tree": their_tree(r, day)} for r in result.results}

    def tick(self, counts):
        from dagster._core.test_utils import freeze_time
        from dagster._core.definitions.partitions.context import partition_loading_context
        with freeze_time(self.now), partition_loading_context(self.now, self.instance):
            theirs = self.their_tick()
        ours = self.our_tick()
        assert set(ours) == set(theirs), (sorted(ours), sorted(theirs))
        for key in ours:
            assert ours[key] == theirs[key], f"{key} at {self.now}: {self.assets}\n{difference(ours[key]['tree'], theirs[key]['tree'])}"
            kind = self.assets[key]["condition"]["kind"] + (" daily" if self.assets[key]["daily"] else "")
            counts[kind] = counts.get(kind, 0) + 1
            counts[kind + " requested"] = counts.get(kind + " requested", 0) + ours[key]["requested"]


def holds(subset, day):
    return day in subset.expensively_compute_partition_keys() if subset.is_partitioned else not subset.is_empty


def node(name, label, is_true, is_candidate, children):
    """Deps are told in Dagster's order of keys there and as written here."""
    if name in ("ANY_DEPS_MATCH", "ALL_DEPS_MATCH"):
        children = sorted(children, key=lambda c: c["name"])
    return {"name": name, "label": label, "true": is_true, "candidate": is_candidate, "children": children}


def their_tree(result, day):
    return node(result.condition.name, result.condition.get_label() or "", holds(result.true_subset, day),
                holds(result._context.candidate_subset, day), [their_tree(c, day) for c in result.child_results])


def our_tree(tree):
    return node(tree["name"], tree.get("label", ""), tree["true"], tree["candidate"], [our_tree(c) for c in tree.get("children", [])])


def difference(ours, theirs, depth=0):
    """The trees, line by line, with what differs marked."""
    def lines(tree, depth):
        yield f"{'  ' * depth}{tree['name']} {tree['label']} true={tree['true']} candidate={tree['candidate']}"
        for child in tree["children"]:
            yield from lines(child, depth + 1)
    left, right = list(lines(ours, 0)), list(lines(theirs, 0))
    if len(left) != len(right):
        return "\n".join(["here:", *left, "Dagster:", *right])
    return "\n".join(a if a == b else f"{a}   <-- Dagster: {b.strip()}" for a, b in zip(left, right))


def every_condition(world, counts):
    """One history in which each condition requests something."""
    from dagster._core.test_utils import freeze_time
    cron = {"kind": "on_cron", "cron": "0 * * * *", "timezone": "UTC"}
    asset = {"deps": ["raw"], "external": False, "daily": False}
    world.assets = {"raw": {"deps": [], "external": True, "daily": False, "condition": None},
                    "e": {**asset, "condition": {"kind": "eager"}}, "then": {**asset, "deps": ["e"], "condition": {"kind": "eager"}},
                    "c": {**asset, "condition": cron}, "m": {**asset, "deps": [], "daily": True, "condition": {"kind": "on_missing"}}}
    for _ in range(3):
        world.tick(counts)
        world.now += timedelta(days=1, minutes=1)
        with freeze_time(world.now):
            world.made_elsewhere("raw")
        world.now += timedelta(seconds=30)
    assert all(counts[f"{kind} requested"] > 0 for kind in ("eager", "on_cron", "on_missing daily")), counts


def test(peer, rng):
    import dagster
    counts = {}
    every_condition(World(dagster, peer, rng), counts)
    for _ in range(WORLDS):
        world = World(dagster, peer, rng)
        for _ in range(TICKS):
            world.live()
            world.wait()
            world.tick(counts)
        world.instance.dispose()
    print(f"{WORLDS} worlds, {WORLDS * TICKS} ticks: {counts}")


if __name__ == "__main__":
    sys.exit(referee.main(test))
