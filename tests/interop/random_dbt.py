"""Random dbt projects for comparing two ways of building them: models of all kinds over small tables that change between builds, seeds, snapshots, tests.
All is drawn from one generator, so that a seed replays a project."""
import json
import os

COLUMNS = ("id", "grp", "val", "upd")
# As a project would: the full text, or what is new. `inc` stands in for the state of the database when a manifest is compiled for a device.
IS_INCREMENTAL = """{% macro is_incremental() %}
  {%- set inc = var('inc', none) -%}
  {{ return(dbt.is_incremental() if inc is none else (inc == 'yes' and model.config.materialized == 'incremental')) }}
{% endmacro %}
"""


class Project:
    def __init__(self, rng, adapter, folder):
        self.rng = rng
        self.adapter = adapter
        self.folder = folder
        self.is_sqlite = adapter == "sqlite"
        self.sources = [f"raw{i}" for i in range(rng.randint(1, 3))]
        self.rows = {name: {} for name in self.sources}
        self.day = 0
        self.models = []  # name, config, text of its query, parents
        self.extra = {}   # model: column that is there from some build on
        self.has_changed = True  # but for its seed's rows
        self.seed_rows = 0
        self.snapshots = []
        self.tests = {}
        self.singular = {}
        self.make()

    # --- what it is made of -----------------------------------------------------------------------

    def make(self):
        rng = self.rng
        self.has_seed = rng.random() < 0.6
        for i in range(rng.randint(3, 9)):
            self.models.append(self.model(f"m{i}"))
        for i in range(rng.randint(0, 2)):
            self.snapshots.append(self.snapshot(f"snap{i}"))
        for model in self.models:
            self.tests[model["name"]] = self.tests_of(model)
        for i in range(rng.randint(0, 2)):
            ref = rng.choice(self.models)["name"]
            config = rng.choice(["", "{{ config(severity='warn') }}", "{{ config(warn_if='>1', error_if='>100') }}", "{{ config(limit=2) }}"])
            self.singular[f"check{i}"] = f"{config}\nselect id, val from {{{{ ref('{ref}') }}}} where val > {rng.randint(0, 60)}\n"

    def parent(self, upto):
        """A source or an earlier model, as Jinja."""
        choices = [f"{{{{ source('raw', '{s}') }}}}" for s in self.sources]
        choices += [f"{{{{ ref('{m['name']}') }}}}" for m in upto] * 2
        if self.has_seed:
            choices.append("{{ ref('words') }}")
        return self.rng.choice(choices)

    def query(self, upto):
        rng = self.rng
        a, b = self.parent(upto), self.parent(upto)
        k = rng.randint(2, 5)
        return rng.choice([
            f"select id, grp, val, upd from {a} where val % {k} <> {rng.randrange(k)}",
            f"select a.id, a.grp, a.val + coalesce(b.val, 0) as val, a.upd\nfrom {a} as a\n"
            f"left join (select grp, max(val) as val from {b} group by grp) as b on a.grp = b.grp",
            f"select min(id) as id, grp, sum(val) as val, max(upd) as upd from {a} group by grp",
            f"select id, grp, val, upd from {a}\nunion all\nselect id + 1000, grp, val, upd from {b} -- more of them",
            f"with recent as (\n  select id, grp, val, upd, row_number() over (partition by grp order by val desc, id) as n from {a}\n)\n"
            f"select id, grp, val, upd from recent where n <= {k}",
        ])

    def model(self, name):
        rng = self.rng
        kind = rng.choice(["view", "table", "incremental", "incremental", "ephemeral"])
        config = {"materialized": kind}
        if kind == "incremental":
            config["unique_key"] = rng.choice([None, "id", "id"] if self.is_sqlite else [None, "id", ["id", "grp"], "grp"])
            if not self.is_sqlite:
                config["incremental_strategy"] = rng.choice(["append", "delete+insert", "merge", None])
                config["on_schema_change"] = rng.choice(["ignore", "append_new_columns", "sync_all_columns", "fail"])
            config["full_refresh"] = rng.choice([None, None, None, False])
        if kind == "table" and not self.is_sqlite and rng.random() < 0.3:
            config["indexes"] = [{"columns": ["id"]}, {"columns": ["grp", "val"], "type": "btree"}]
        if kind in ("table", "incremental") and rng.random() < 0.2:
            config["post_hook"] = "delete from {{ this }} where val < 0"
        return {"name": name, "kind": kind, "config": {k: v for k, v in config.items() if v is not None}, "query": self.query(self.models)}

    def snapshot(self, name):
        rng = self.rng
        relation = f"source('raw', '{rng.choice(self.sources)}')"
        config = {"unique_key": "id", "strategy": rng.choice(["timestamp", "check"])}
        if config["strategy"] == "timestamp":
            config["updated_at"] = "upd"
        else:
            config["check_cols"] = rng.choice(["all", ["val"], ["grp", "val"]])
        if not self.is_sqlite:
            config["hard_deletes"] = rng.choice(["ignore", "invalidate", "new_record"])
        return {"name": name, "relation": relation, "config": config}

    def tests_of(self, model):
        rng = self.rng
        if model["kind"] == "ephemeral":
            return []
        tests = []
        for column, test in rng.sample([("id", "unique"), ("id", "not_null"), ("grp", {"accepted_values": {"values": ["a", "b", "c"]}}),
                                        ("val", "not_null"), ("grp", "not_null")], rng.randint(0, 3)):
            config = rng.choice([{}, {}, {"severity": "warn"}, {"warn_if": ">2", "error_if": ">50"}, {"limit": 1}, {"where": "val > 10"},
                                 {"severity": "warn", "where": "val > 5"}, {"fail_calc": "count(*) + 1", "error_if": ">1"}])
            if isinstance(test, str):
                test = {test: {}}
            name, arguments = next(iter(test.items()))
            tests.append((column, {name: {**arguments, **({"config": config} if config else {})}}))
        others = [m for m in self.models if m["kind"] != "ephemeral" and m is not model]
        if others and rng.random() < 0.3:
            config = {"config": {"severity": rng.choice(["warn", "error"])}}
            tests.append(("grp", {"relationships": {"to": f"ref('{rng.choice(others)['name']}')", "field": "grp", **config}}))
        return tests

    # --- as files ---------------------------------------------------------------------------------

    def write(self):
        write(self.folder, "dbt_project.yml", json.dumps({"name": "p", "version": "1.0", "profile": "p", "flags": {"send_anonymous_usage_stats": False}}))
        write(self.folder, "macros/inc.sql", IS_INCREMENTAL)
        for model in self.models:
            columns = ", ".join((*COLUMNS, *([f"val * 2 as {self.extra[model['name']]}"] if model["name"] in self.extra else [])))
            text = f"{{{{ config({', '.join(f'{k}={v!r}' for k, v in model['config'].items())}) }}}}\nselect {columns} from (\n{model['query']}\n) as q\n"
            if model["kind"] == "incremental" and self.rng_of(model) % 3:
                text += "{% if is_incremental() %}\nwhere upd >= (select max(upd) from {{ this }})\n{% endif %}\n"
            write(self.folder, f"models/{model['name']}.sql", text)
        for name, text in self.singular.items():
            write(self.folder, f"tests/{name}.sql", text)
        write(self.folder, "models/schema.yml", json.dumps({
            "sources": [{"name": "raw", "schema": "main" if self.is_sqlite else "raw", "tables": [{"name": s} for s in self.sources]}],
            "models": [{"name": name, "columns": [{"name": column, "data_tests": [test]} for column, test in tests]} for name, tests in self.tests.items() if tests],
            "snapshots": self.snapshots}))
        if self.has_seed:
            rows = [f"{i},{'abcd'[i % 4]},{i * 3},2020-01-01 00:00:00" for i in range(1, self.seed_rows + 2)]
            write(self.folder, "seeds/words.csv", "id,grp,val,upd\n" + "\n".join(rows) + "\n")

    def rng_of(self, model):
        return sum(model["name"].encode()) + len(model["query"])

    # --- time goes on -----------------------------------------------------------------------------

    def create(self):
        kind = "text" if self.is_sqlite else "timestamp"
        prefix = "" if self.is_sqlite else "raw."
        return ([] if self.is_sqlite else ["create schema raw"]) + [f"create table {prefix}{s} (id integer, grp text, val integer, upd {kind})" for s in self.sources]

    def change(self):
        """Statements that change the sources, and the project with them (call write() then)."""
        rng = self.rng
        self.day += 1
        prefix = "" if self.is_sqlite else "raw."
        out = []
        for name, rows in self.rows.items():
            for key in list(rows):
                if rng.random() < 0.2:
                    del rows[key]
                    out.append(f"delete from {prefix}{name} where id = {key}")
                elif rng.random() < 0.3:
                    rows[key] = rng.randint(0, 99)
                    out.append(f"update {prefix}{name} set val = {rows[key]}, upd = '2020-01-{self.day:02} 0{rng.randint(0, 9)}:00:00' where id = {key}")
            for _ in range(rng.randint(0, 8)):
                key = rng.randint(1, 40)
                if key not in rows:
                    rows[key] = rng.randint(0, 99)
                    group = rng.choice(["'a'", "'b'", "'c'", "'d'", "null"])
                    out.append(f"insert into {prefix}{name} values ({key}, {group}, {rows[key]}, '2020-01-{self.day:02} 0{rng.randint(0, 9)}:30:00')")
        self.seed_rows = rng.randint(1, 6)
        before = dict(self.extra)
        if self.day > 1:
            self.change_schemas()
        self.has_changed = self.extra != before
        return out

    def change_schemas(self):
        for model in self.models:
            may_change = model["kind"] in ("table", "view") or (model["kind"] == "incremental" and (not self.is_sqlite or "on_schema_change" not in model["config"]))
            if may_change and self.rng.random() < 0.25:
                if model["name"] in self.extra:
                    del self.extra[model["name"]]
                else:
                    self.extra[model["name"]] = f"extra{self.day}"


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf8") as file:
        file.write(text)
