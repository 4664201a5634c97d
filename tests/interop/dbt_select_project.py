"""Random dbt projects as files, for dbt_select_test.py: folders, models of versions, seeds, snapshots, sources, tests of every kind, groups,
exposures, an installed package."""
import json
import os

TAGS = ["hot", "cold", "nightly", "till[1]", "a-b"]
GROUPS = ["ops", "sales"]
FOLDERS = ["", "staging", "staging/pos", "marts", "marts/core", "marts/core/deep"]
MATERIALIZED = ["view", "view", "table", "incremental", "ephemeral"]
OWNERS = ["ann", "bob"]
PROJECT = "shop"
PACKAGE = "lib"

PROFILES = """
shop:
  target: dev
  outputs:
    dev: {type: postgres, threads: 1, host: localhost, port: 1, user: none, password: none, dbname: shop, schema: main}
"""


class Project:
    """What there is, so that expressions can name it; `write(folder)` makes the files."""

    def __init__(self, rng):
        self.files = {}
        self.models, self.names, self.folders = [], [], set()
        self.yaml = {}  # of each YAML file: its sections
        self.rng = rng
        self.seeds = [f"size_{i}" for i in range(rng.randint(0, 2))]
        self.sources = [("till", t) for t in ["orders", "items", "staff"][:rng.randint(0, 3)]] + \
                       [("web", t) for t in ["clicks"][:rng.randint(0, 1)]]
        self.make()

    def section(self, folder, kind):
        path = os.path.join("models", folder, "schema.yml")
        return self.yaml.setdefault(path, {"version": 2}).setdefault(kind, [])

    def tests(self):
        rng = self.rng
        columns = []
        for column in rng.sample(["id", "day", "n"], rng.randint(0, 3)):
            tests = []
            if rng.random() < 0.5:
                tests.append(rng.choice(["not_null", "unique", {"not_null": {"config": {"severity": rng.choice(["warn", "ERROR"]),
                                                                                        "tags": [rng.choice(TAGS)]}}}]))
            if self.models and rng.random() < 0.4:
                tests.append({"relationships": {"to": self.ref(), "field": "id"}})
            columns.append({"name": column, "data_tests": tests})
        return columns

    def ref(self):
        name, versions = self.rng.choice(self.models)
        return f"ref('{name}', v={self.rng.choice(versions)})" if versions else f"ref('{name}')"

    def parent(self):
        rng = self.rng
        choices = []
        if self.models:
            choices += [self.ref] * 6
        if self.seeds:
            choices.append(lambda: f"ref('{rng.choice(self.seeds)}')")
        if self.sources:
            choices.append(lambda: "source('%s', '%s')" % rng.choice(self.sources))
        return rng.choice(choices)() if choices else None

    def body(self, count):
        parents = [p for p in (self.parent() for _ in range(count)) if p]
        return "select 1 as id" + "".join(f"\nunion all select id from {{{{ {p} }}}}" for p in parents)

    def config(self):
        rng = self.rng
        config = {"materialized": rng.choice(MATERIALIZED)}
        if rng.random() < 0.5:
            config["tags"] = rng.sample(TAGS, rng.randint(1, 2))
        if rng.random() < 0.3:
            config["group"] = rng.choice(GROUPS)
        if rng.random() < 0.3:
            config["meta"] = {"owner": rng.choice(OWNERS), "level": rng.randint(1, 2), "is_ours": rng.random() < 0.5}
        if rng.random() < 0.2 and "group" not in config and config["materialized"] != "ephemeral":
            config["access"] = "public"
        if config["materialized"] == "incremental" and rng.random() < 0.5:
            config["unique_key"] = rng.choice(["id", ["id", "day"]])
        if rng.random() < 0.2:
            config["full_refresh"] = rng.random() < 0.5
        return config

    def make_model(self, i):
        rng = self.rng
        name, folder = f"{rng.choice(['stg', 'int', 'fct', 'dim'])}_{rng.choice(['order', 'item', 'day'])}_{i}", rng.choice(FOLDERS)
        self.folders.add(folder)
        entry = {"name": name, "config": self.config(), "columns": self.tests()}
        versions = []
        if rng.random() < 0.2:
            versions = list(range(1, rng.randint(2, 3) + 1))
            entry["latest_version"] = rng.choice(versions)
            entry["versions"] = [{"v": v} for v in versions]
        for stem in [f"{name}_v{v}" for v in versions] or [name]:
            self.files[os.path.join("models", folder, stem + ".sql")] = self.body(rng.randint(0, 3))
        self.section(folder, "models").append(entry)
        self.models.append((name, versions))

    def make(self):
        rng = self.rng
        for s in self.seeds:
            self.files[f"seeds/{s}.csv"] = "id,n\n1,2\n"
        for source in sorted({s for s, _ in self.sources}):
            tables = [{"name": t, "columns": self.tests()} for s, t in self.sources if s == source]
            entry = {"name": source, "tables": tables, "schema": "main"}
            if rng.random() < 0.5:
                entry["tags"] = [rng.choice(TAGS)]
            self.section("staging", "sources").append(entry)
        for i in range(rng.randint(2, 14)):
            self.make_model(i)
        self.section("", "groups").extend({"name": g, "owner": {"name": g}} for g in GROUPS)
        for i in range(rng.randint(0, 3)):
            self.files[f"tests/assert_{i}.sql"] = self.body(rng.randint(1, 2))
        for i in range(rng.randint(0, 2)):
            self.files[f"analyses/look_{i}.sql"] = self.body(1)
        for i in range(rng.randint(0, 2)):
            self.files[f"snapshots/snap_{i}.sql"] = "{%% snapshot snap_%d %%}{{ config(unique_key='id', strategy='check', check_cols='all') }}" \
                "select * from {{ %s }}{%% endsnapshot %%}" % (i, self.ref())
        plain = [name for name, versions in self.models if not versions]
        for name in rng.sample(plain, min(len(plain), rng.randint(0, 2))):
            self.section("", "unit_tests").append({"name": f"ut_{name}", "model": name, "given": [], "expect": {"rows": [{"id": 1}]},
                                                   "config": {"tags": [rng.choice(TAGS)]}})
        for i in range(rng.randint(0, 2)):
            self.section("", "exposures").append({"name": f"board_{i}", "type": "dashboard", "owner": {"name": "ann"},
                                                  "depends_on": [self.ref() for _ in range(rng.randint(1, 2))]})
        if rng.random() < 0.5:
            root = f"dbt_packages/{PACKAGE}"
            self.files[f"{root}/dbt_project.yml"] = f"name: {PACKAGE}\nversion: '1.0'\nconfig-version: 2\n"
            self.files[f"{root}/models/staging/lib_base.sql"] = "select 1 as id"
            self.files[f"{root}/models/other/lib_more.sql"] = "select id from {{ ref('lib_base') }}"
            self.models += [("lib_base", []), ("lib_more", [])]
        self.names = [name for name, _ in self.models] + self.seeds

    def write(self, folder, selectors):
        files = dict(self.files)
        files["dbt_project.yml"] = f"name: {PROJECT}\nversion: '1.0'\nconfig-version: 2\nprofile: shop\nsnapshots:\n  +target_schema: main\n"
        files["profiles.yml"] = PROFILES
        files["macros/stamp.sql"] = "{% macro stamp() %}1{% endmacro %}"
        for path, sections in self.yaml.items():
            files[path] = json.dumps(sections, indent=1)  # JSON is YAML
        if selectors:
            files["selectors.yml"] = json.dumps({"selectors": selectors}, indent=1)
        for path, text in files.items():
            path = os.path.join(folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)

    def change(self):
        """Another version of the same project: what `state:` is to find."""
        rng = self.rng
        for path in sorted(self.files):
            if path.endswith(".sql") and rng.random() < 0.2 and "snapshots" not in path:
                self.files[path] += rng.choice(["\n-- another", "\n", "\nunion all select {{ stamp() }}"])
        for sections in self.yaml.values():
            for entry in sections.get("models", []):
                if rng.random() < 0.3:
                    entry["config"] = self.config()
                if rng.random() < 0.2:
                    entry["description"] = "another"
                if rng.random() < 0.2:
                    entry["config"]["persist_docs"] = {"relation": True}
                if rng.random() < 0.1 and "versions" not in entry:
                    entry["config"]["alias"] = "another_" + entry["name"]
            for entry in sections.get("sources", []) + sections.get("exposures", []):
                if rng.random() < 0.3:
                    entry["description"] = "another"
                if rng.random() < 0.3 and "tables" in entry:
                    entry["schema"] = "other"
        if self.seeds and rng.random() < 0.5:
            self.files[f"seeds/{self.seeds[0]}.csv"] += "3,4\n"
        self.make_model(90)
