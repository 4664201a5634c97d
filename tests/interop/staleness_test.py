"""Staleness: random histories of random graphs, lived by Dagster and by us: after each event every asset has the same status with the same
causes, and what was made has the same data version.

Dagster runs for real, in an instance in memory; an event is a run of some assets (with data versions given or not), a report of somebody
who made an asset elsewhere, an observation, or an edit of the definitions: other code versions, other deps, assets that come and go."""
import sys

import referee

WORLDS = 20
EVENTS = 14


class World:
    """The definitions as they are, and what we have on record of each asset."""

    def __init__(self, dagster, peer, rng):
        self.dagster, self.peer, self.rng = dagster, peer, rng
        self.instance = dagster.DagsterInstance.ephemeral()
        self.assets = {}  # key to {"deps", "external": None | "spec" | "observable", "code_version"}
        self.made = {}
        self.seen = 0  # versions given so far
        self.clock = 0
        for key in referee.random_keys(rng, rng.randint(2, 8)):
            self.add(key)

    def add(self, key):
        external = self.rng.choice([None, None, None, "spec", "observable"])
        deps = [] if external else self.rng.sample(list(self.assets), self.rng.randint(0, min(3, len(self.assets))))
        self.assets[key] = {"deps": deps, "external": external, "code_version": "1" if not external and self.rng.random() < 0.5 else ""}

    def key(self, text):
        return self.dagster.AssetKey(text.split("/"))

    def observer(self, version):
        return lambda: self.dagster.DataVersion(version)

    def maker(self, text, version):
        return lambda: self.dagster.MaterializeResult(asset_key=self.key(text),
                                                      data_version=self.dagster.DataVersion(version) if version else None)

    def definitions(self, given):
        """Dagster's; an asset in `given` gives that data version."""
        dg, made = self.dagster, []
        for text, asset in self.assets.items():
            if asset["external"] == "spec":
                made.append(dg.AssetSpec(self.key(text)))
            elif asset["external"] == "observable":
                made.append(dg.observable_source_asset(key=self.key(text))(self.observer(given.get(text, "?"))))
            else:
                spec = dg.AssetSpec(self.key(text), deps=[self.key(d) for d in asset["deps"]], code_version=asset["code_version"] or None)
                made.append(dg.multi_asset(specs=[spec], name=text.replace("/", "__"))(self.maker(text, given.get(text))))
        return made

    # --- our side ---

    def questions(self):
        return [{"key": key, "deps": a["deps"], "external": bool(a["external"]), "code_version": a["code_version"],
                 **({"made": self.made[key]} if key in self.made else {})} for key, a in self.assets.items()]

    def ours(self):
        return dict(zip(self.assets, self.peer.ask("stale", assets=self.questions())["answers"]))

    def next_at(self):
        self.clock += 1
        return self.clock

    def record(self, key, run, given):
        """As the engine does it when a step has made an asset."""
        state, asset = self.ours(), self.assets[key]
        inputs = {dep: state[dep]["input"] for dep in asset["deps"]}
        code = asset["code_version"] or run
        version = given or self.peer.ask("version", code_version=code, inputs=inputs)["data_version"]
        self.made[key] = {"at": self.next_at(), "data_version": version, "given": bool(given), "code_version": code, "inputs": inputs}

    # --- events ---

    def new_version(self):
        self.seen += 1
        return self.rng.choice([f"v{self.seen}", "same"])

    def run(self):
        ours = [key for key, a in self.assets.items() if not a["external"]]
        if ours:
            chosen = set(self.rng.sample(ours, self.rng.randint(1, len(ours))))
            self.make(chosen, {key: self.new_version() for key in chosen if self.rng.random() < 0.3})

    def make(self, chosen, given):
        result = self.dagster.materialize(self.definitions(given), instance=self.instance,
                                          selection=self.dagster.AssetSelection.assets(*(self.key(k) for k in chosen)))
        assert result.success
        for event in result.get_asset_materialization_events():
            self.record(event.asset_key.to_user_string(), result.run_id, given.get(event.asset_key.to_user_string()))

    def observe(self):
        from dagster._core.definitions.observe import observe
        watched = [key for key, a in self.assets.items() if a["external"] == "observable"]
        if watched:
            key, version = self.rng.choice(watched), self.new_version()
            sources = [d for d in self.definitions({key: version}) if getattr(d, "key", None) == self.key(key)]
            assert observe(sources, instance=self.instance).success
            self.made[key] = {"at": self.next_at(), "data_version": version}

    def report(self):
        """Somebody made it elsewhere, and says so, with a version or without."""
        can = [key for key, a in self.assets.items() if a["external"] != "observable"]
        if can:
            self.made_elsewhere(self.rng.choice(can), self.new_version() if self.rng.random() < 0.6 else "")

    def made_elsewhere(self, key, version):
        tags = {"dagster/data_version": version, "dagster/data_version_is_user_provided": "true"} if version else {}
        self.instance.report_runless_asset_event(self.dagster.AssetMaterialization(self.key(key), tags=tags))
        self.made[key] = {"at": self.next_at(), "data_version": version, "given": bool(version)}

    def edit_code(self):
        key = self.rng.choice(list(self.assets))
        if not self.assets[key]["external"]:
            self.assets[key]["code_version"] = self.rng.choice(["", "1", "2", "3"])

    def edit_deps(self):
        keys = list(self.assets)
        at = self.rng.randrange(len(keys))
        if not self.assets[keys[at]]["external"]:
            self.assets[keys[at]]["deps"] = self.rng.sample(keys[:at], self.rng.randint(0, min(3, at)))

    def drop_asset(self):
        if len(self.assets) > 2:
            key = self.rng.choice(list(self.assets))
            del self.assets[key]
            for asset in self.assets.values():
                asset["deps"] = [d for d in asset["deps"] if d != key]

    def add_asset(self):
        key = referee.random_keys(self.rng, 1)[0]
        if key not in self.assets and key not in self.made:
            self.add(key)

    def live(self):
        self.rng.choice([self.run, self.run, self.run, self.observe, self.report, self.edit_code, self.edit_deps, self.drop_asset,
                         self.add_asset])()

    # --- comparing ---

    def theirs(self):
        from dagster._core.definitions.data_version import CachingStaleStatusResolver
        from dagster._core.loader import LoadingContextForTest
        graph = self.dagster.Definitions(assets=self.definitions({})).resolve_asset_graph()
        resolver = CachingStaleStatusResolver(self.instance, graph, LoadingContextForTest(self.instance))
        answers = {}
        for text in self.assets:
            causes = [{"category": c.category.value, "dependency": c.dependency.asset_key.to_user_string() if c.dependency else "",
                       "reason": c.reason, "root": c.children[0].reason if c.children else ""}
                      for c in resolver.get_stale_causes(self.key(text))]
            answers[text] = {"status": resolver.get_status(self.key(text)).value, "causes": causes,
                             "version": resolver.get_current_data_version(self.key(text)).value}
        return answers

    def compare(self, counts):
        ours, theirs = self.ours(), self.theirs()
        for key in self.assets:
            mine = {"status": ours[key]["status"], "causes": ours[key]["causes"],
                    "version": "NULL" if ours[key]["status"] == "MISSING" else ours[key]["input"]}
            assert mine == theirs[key], f"{key}\nhere:    {mine}\nDagster: {theirs[key]}\n{self.questions()}"
            counts[mine["status"]] = counts.get(mine["status"], 0) + 1
            for cause in mine["causes"]:
                reason = cause["reason"].rsplit(" on ", 1)[0]
                counts[reason] = counts.get(reason, 0) + 1


REASONS = {"has a new code version", "has a new dependency data version", "has a new dependency materialization", "has a new dependency",
           "removed dependency", "has a new input"}


def every_reason(world, counts):
    """One history in which each reason occurs."""
    world.assets = {"a": {"deps": [], "external": None, "code_version": ""}, "b": {"deps": ["a"], "external": None, "code_version": "1"}}
    for event in (lambda: world.made_elsewhere("b", ""), lambda: world.make({"a"}, {}), lambda: world.make({"a", "b"}, {}),
                  lambda: world.make({"a"}, {}), lambda: world.make({"a"}, {"a": "etag"}), lambda: world.make({"b"}, {}),
                  lambda: world.assets["b"].update(deps=[]), lambda: world.make({"b"}, {}),
                  lambda: world.assets["b"].update(deps=["a"], code_version="2")):
        event()
        world.compare(counts)


def test(peer, rng):
    import dagster
    counts = {}
    every_reason(World(dagster, peer, rng), counts)
    assert set(counts) == REASONS | {"FRESH", "STALE", "MISSING"}, counts
    for _ in range(WORLDS):
        world = World(dagster, peer, rng)
        for _ in range(EVENTS):
            world.live()
            world.compare(counts)
        world.instance.dispose()
    print(f"{WORLDS} worlds, {WORLDS * EVENTS} events: {counts}")


if __name__ == "__main__":
    sys.exit(referee.main(test))
