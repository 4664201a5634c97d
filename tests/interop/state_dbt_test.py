"""`state:` by the agent's own command line against `dbt ls --state`: the same models, seeds, snapshots and tests, whether what was before is a folder
of dbt's, a bundle of it, or what the agent built last. One way to each question, chosen by SEED; all with SELVEDGE_LONG."""
import contextlib
import io
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import venv

import peer_dbt

venv.rerun(*peer_dbt.EITHER)

BIN = os.environ.get("SELVEDGE_BIN_DIR", os.path.join(venv.ROOT, "build", "dev", "bin"))
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
QUESTIONS = ("state:modified", "state:modified+", "state:new", "state:old", "state:unmodified", "state:modified.body+", "state:modified.configs",
             "state:modified.macros", "state:modified.relation", "state:modified.persisted_descriptions", "state:modified,resource_type:seed",
             "1+state:modified+1,resource_type:model")
RESULTS = "state/dbt/dbt~shop.results"
WAYS = ("folder", "bundle", "built")
PROJECT = {
    "dbt_project.yml": "name: shop\nprofile: p\nflags: {send_anonymous_usage_stats: false}\n",
    "seeds/people.csv": "id,name\n1,ada\n2,bob\n",
    "seeds/same.csv": "id\n1\n",
    "macros/twice.sql": "{% macro twice(x) %}2 * {{ inner(x) }}{% endmacro %}\n{% macro inner(x) %}{{ x }}{% endmacro %}\n{% macro other(x) %}{{ x }}{% endmacro %}\n",
    "models/orders.sql": "select id, person, amount from {{ source('raw', 'till') }}\n",
    "models/body.sql": "select * from {{ ref('orders') }}\n",
    "models/below.sql": "select * from {{ ref('body') }}\n",
    "models/config.sql": "{{ config(materialized='view') }}\nselect 1 as id\n",
    "models/tagged.sql": "{{ config(tags=['a']) }}\nselect 1 as id\n",
    "models/macro.sql": "select {{ twice(3) }} as id\n",
    "models/calm.sql": "select {{ other(3) }} as id\n",
    "models/gone.sql": "select 1 as id\n",
    "models/folded.sql": "{{ config(materialized='ephemeral') }}\nselect id from {{ ref('people') }}\n",
    "models/unfolded.sql": "select * from {{ ref('folded') }}\n",
    "models/moved.sql": "select 1 as id\n",
    "models/told.sql": "{{ config(persist_docs={'relation': true}) }}\nselect 1 as id\n",
    "tests/body_is_there.sql": "select 1 where (select count(*) from {{ ref('body') }}) = 0\n",
    "tests/two_of_them.sql": "select 1 from {{ ref('config') }} where id = 5 union all select 1 from {{ ref('macro') }} where id = 5\n",
    "models/shop.yml": """sources: [{name: raw, schema: main, tables: [{name: till}]}]
models:
  - {name: body, columns: [{name: id, data_tests: [{not_null: {name: body_has_ids}}]}]}
  - {name: config, columns: [{name: id, data_tests: [{unique: {name: config_is_unique, config: {severity: warn}}}]}]}
  - {name: told, description: before}
""",
}
CHANGES = {
    "seeds/people.csv": "id,name\n1,ada\n2,bob\n3,eve\n",
    "macros/twice.sql": PROJECT["macros/twice.sql"].replace("inner(x) %}{{ x }}", "inner(x) %}{{ x }} + 0"),
    "models/body.sql": "select * from {{ ref('orders') }} where 1 = 1\n",
    "models/config.sql": "{{ config(materialized='table') }}\nselect 1 as id\n",
    "models/tagged.sql": "{{ config(tags=['b']) }}\nselect 1 as id\n",
    "models/gone.sql": None,
    "models/fresh.sql": "select * from {{ ref('calm') }}\n",
    "models/moved.sql": "{{ config(alias='moved_there') }}\nselect 1 as id\n",
    "tests/two_of_them.sql": PROJECT["tests/two_of_them.sql"].replace("= 5 union", "= 6 union"),
    "models/shop.yml": PROJECT["models/shop.yml"].replace("severity: warn", "severity: error").replace("description: before", "description: after"),
}


def write(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if text is None:
            os.remove(path)
        else:
            with open(path, "w", encoding="utf8") as file:
                file.write(text)


def run(program, *args, state="state"):
    return subprocess.run([os.path.join(BIN, program), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=300,
                          env={"PATH": "/usr/bin:/bin", "SELVEDGE_STATE_DIR": os.path.abspath(state),
                               "SELVEDGE_DEFINITIONS": os.path.abspath("selvedge.yaml")})


def insist(done):
    assert done.returncode == 0, (done.args, done.stdout, done.stderr)
    return done.stdout


def ours(question, way):
    """The nodes that ran, of a state folder as it was after the first build; None: nothing is selected that is made."""
    shutil.rmtree("state", ignore_errors=True)
    shutil.copytree("state-before", "state")
    shutil.copy("shop-before.db", "shop.db")
    os.remove(RESULTS)  # so that it has this run's alone
    given = {"folder": ["--dbt-state", "before"], "bundle": ["--dbt-state", "before.json.gz"], "built": []}[way]
    done = run("selvedge-agent", "materialize", "--dbt-select", question, *given)
    if "selects no model, seed or snapshot" in done.stderr:
        return None
    insist(done)
    with open(RESULTS, encoding="utf8") as file:
        return {line.split("\t")[1].strip() for line in file}


def theirs(dbt, question):
    with contextlib.redirect_stdout(io.StringIO()):
        listed = dbt.runner.invoke(["--quiet", "ls", "--profiles-dir", dbt.folder, "--project-dir", dbt.folder, "--target-path", "listed", "--select", question,
                                    "--state", os.path.abspath("before"), "--output", "json", "--output-keys", "unique_id", "resource_type", "config"])
    assert listed.success, listed.exception
    nodes = [json.loads(line) for line in listed.result]
    ran = [n for n in nodes if n["resource_type"] in ("model", "seed", "test") and n["config"]["materialized"] != "ephemeral"]
    return {n["unique_id"] for n in ran} if any(n["resource_type"] != "test" for n in ran) else None


def begin(dbt):
    write("project", PROJECT)
    dbt.run("compile", target="t")
    shutil.copytree("project/target", "before")
    with open("selvedge.yaml", "w", encoding="utf8") as file:
        file.write("project: p\nresources: {local: {type: sqlite, path: shop.db}}\n"
                   "dbt: [{manifest: project/target/manifest.json, resource: local, project_dir: project, runner: native}]\n")
    db = sqlite3.connect("shop.db")
    db.execute("create table till as select 1 as id, 1 as person, 5 as amount")
    db.commit()
    db.close()
    insist(run("selvedge-hub", "dbt-bundle", "before/manifest.json", "--seeds", "project", "-o", "before.json.gz"))
    insist(run("selvedge-agent", "materialize", "*"))
    os.rename("state", "state-before")
    os.rename("shop.db", "shop-before.db")
    write("project", CHANGES)
    dbt.run("compile", target="t")


def main():
    rng = random.Random(SEED)
    print(f"SEED={SEED}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.makedirs("project")
        dbt = peer_dbt.Dbt(os.path.abspath("project"), {"t": peer_dbt.sqlite_output(os.path.abspath("real.db"), os.path.abspath("schemas"))})
        begin(dbt)
        wrong = 0
        for question in QUESTIONS:
            real = theirs(dbt, question)
            for way in WAYS if peer_dbt.LONG else (rng.choice(WAYS),):
                mine = ours(question, way)
                wrong += mine != real
                print(f"{'same' if mine == real else 'NOT THE SAME'}: {question} by {way}: {len(real or ())} nodes", flush=True)
                if mine != real:
                    print("  dbt only :", sorted((real or set()) - (mine or set())), "\n  ours only:", sorted((mine or set()) - (real or set())), flush=True)
        os.chdir("/")
    assert wrong == 0, f"{wrong} differ"


if __name__ == "__main__":
    sys.exit(main())
