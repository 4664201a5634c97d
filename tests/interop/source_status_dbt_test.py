"""`source_status:` by the agent's own command line against `dbt ls`, each with the same sources.json of before and of now, which the agent wrote:
the same models, seeds and tests, whatever became of each source between. By SEED."""
import os
import random
import shutil
import sqlite3
import sys
import tempfile

import venv

import peer_dbt

venv.rerun(*peer_dbt.EITHER)

import state_dbt_test as state  # its ways of asking either side

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
ROUNDS = 6 if peer_dbt.LONG else 2
SOURCES = range(6)
QUESTIONS = ("source_status:fresher", "source_status:fresher+", "source_status:fresher+1", "source_status:fresher+,resource_type:model", "1+source_status:fresher+",
             "source_status:older+", "people source_status:fresher+1")
PROJECT = {
    "dbt_project.yml": state.PROJECT["dbt_project.yml"],
    "seeds/people.csv": "id,name\n1,ada\n",
    **{f"models/direct{n}.sql": f"select id from {{{{ source('raw', 'till{n}') }}}}\n" for n in SOURCES},
    "models/folded.sql": "{{ config(materialized='ephemeral') }}\nselect id from {{ source('raw', 'till0') }}\n",
    "models/of_folded.sql": "select * from {{ ref('folded') }}\n",
    "models/joined.sql": "select a.id from {{ ref('direct1') }} a join {{ ref('direct2') }} b on a.id = b.id join {{ ref('people') }} c on c.id = b.id\n",
    "tests/two_of_them.sql": "select 1 from {{ ref('direct3') }} a join {{ ref('direct4') }} b on a.id = b.id where a.id = -1\n",
    "models/shop.yml": "sources:\n  - name: raw\n    schema: main\n    loaded_at_field: at\n    freshness: {warn_after: {count: 1, period: hour}}\n    tables:\n"
                       + "".join(f"      - {{name: till{n}{', freshness: null' if n == 5 else ''}, columns: [{{name: id, data_tests: [not_null]}}]}}\n" for n in SOURCES)
                       + "models: [{name: joined, columns: [{name: id, data_tests: [not_null]}]}]\n",
}


def sql(*statements):
    db = sqlite3.connect("shop.db")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def set_time(n, at):
    sql(f"update till{n} set at = {at}")


FATES = ("same", "newer", "older", "no time", "no row")


def become(rng, n, fate):
    at = {"newer": "'2026-03-01 00:00:00.000001'", "older": "'2026-01-01 00:00:00'", "no time": "'soon'"}.get(fate)
    if at is not None:
        set_time(n, at)
    elif fate == "no row":
        sql(f"delete from till{n}")


def sources_json(path):
    done = state.run("selvedge-agent", "sources", "--json")
    assert done.returncode in (0, 1) and done.stdout.startswith("{"), (done.stdout, done.stderr)  # 1: one cannot be asked
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf8") as file:
        file.write(done.stdout)


def round_of(rng, dbt):
    for n in SOURCES:
        sql(f"drop table if exists till{n}", f"create table till{n} as select 1 as id, '2026-02-01 00:00:00' as at")
    was = [rng.choice(("same", "same", "no time", "no row")) for _ in SOURCES]
    for n, fate in enumerate(was):
        become(rng, n, fate)
    sources_json("before/sources.json")
    for n in SOURCES:
        if was[n] == "no row":
            sql(f"insert into till{n} values (1, '2026-02-01 00:00:00')")
        elif was[n] == "no time":
            set_time(n, "'2026-02-01 00:00:00'")
    now = [rng.choice(FATES) for _ in SOURCES]
    for n, fate in enumerate(now):
        become(rng, n, fate)
    sources_json(os.path.join("listed", "sources.json"))
    shutil.copytree("listed", os.path.join("project", "listed"), dirs_exist_ok=True)
    shutil.copy("shop.db", "shop-before.db")
    print("  before:", was, "now:", now, flush=True)
    wrong = 0
    for question in QUESTIONS:
        real, mine = state.theirs(dbt, question), state.ours(question, "folder")
        wrong += real != mine
        print(f"{'same' if mine == real else 'NOT THE SAME'}: {question}: {len(real or ())} nodes", flush=True)
        if mine != real:
            print("  dbt only :", sorted((real or set()) - (mine or set())), "\n  ours only:", sorted((mine or set()) - (real or set())), flush=True)
    return wrong


def main():
    rng = random.Random(SEED)
    print(f"SEED={SEED}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.makedirs("project")
        dbt = peer_dbt.Dbt(os.path.abspath("project"), {"t": peer_dbt.sqlite_output(os.path.abspath("real.db"), os.path.abspath("schemas"))})
        state.write("project", PROJECT)
        dbt.run("compile", target="t")
        shutil.copytree("project/target", "before")
        with open("selvedge.yaml", "w", encoding="utf8") as file:
            file.write("project: p\nresources: {local: {type: sqlite, path: shop.db}}\n"
                       "dbt: [{manifest: project/target/manifest.json, resource: local, project_dir: project, runner: native}]\n")
        for n in SOURCES:
            sql(f"create table till{n} as select 1 as id, '2026-02-01 00:00:00' as at")
        state.insist(state.run("selvedge-agent", "materialize", "*"))
        os.rename("state", "state-before")
        wrong = sum(round_of(rng, dbt) for _ in range(ROUNDS))
        os.chdir("/")
    assert wrong == 0, f"{wrong} differ"


if __name__ == "__main__":
    sys.exit(main())
