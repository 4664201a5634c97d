"""A Meltano project in selvedge.yaml: what it becomes, runs of jobs, of some streams and of schedules, state by Meltano's ids, what is refused.
And `select` for a Singer tap."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import meltano_project
from meltano_project import asked, change

AGENT = os.path.join(os.environ["SELVEDGE_BIN_DIR"], "selvedge-agent")


def agent(*args, fails=False):
    done = subprocess.run([AGENT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "SELVEDGE_STATE_DIR": os.path.abspath("state"),
                               "SELVEDGE_DEFINITIONS": os.path.abspath("selvedge.yaml"), "SECRET_ROWS": "3"})
    assert (done.returncode != 0) == fails, (args, done.stdout, done.stderr)
    return done.stdout + done.stderr


def define(entry="{project: meltano, schedules: paused}", more=""):
    with open("selvedge.yaml", "w", encoding="utf8") as file:
        file.write(f"project: shop\nmeltano: [{entry}]\n{more}")


def assets():
    return [json.loads(line)["definition"]["key"] for line in agent("assets", "--json").splitlines()]


def it_becomes_assets_jobs_and_schedules():
    meltano_project.make()
    define()
    change("db-people.*", "people.*")
    change("db-sites.*", "sites.*")
    said = agent("check")
    assert "ok: 7 assets, 1 job, 2 schedules" in said and "schedule weekly-people: 2 assets, paused" in said, said
    told = agent("explain")
    for line in ("key: meltano/tap-shop-to-target-files", "key: target-files/people", "key: target-files.weekly-people/people",
                 "key: greet/hello", "deps: [target-files/people, target-files/sites]", "block: [tap-shop, target-files]",
                 'select: "group:tap-shop-to-target-files or group:greet-hello"', "max_parallel: 1", "meltano/schedule: nightly"):
        assert line in told, (line, told)
    define("{project: meltano/meltano.yml, schedules: none}")
    assert "0 schedules" in agent("check")


def a_job_runs_and_a_part_of_it():
    meltano_project.make()
    define("{project: meltano, environment: prod, env: {TAP_SHOP_ROWS: '${SECRET_ROWS}'}}")
    agent("materialize", "--job", "nightly")  # nothing is known of its streams but that people is one
    rows = meltano_project.lines("meltano/prod.jsonl")
    assert sorted({row["stream"] for row in rows}) == ["people", "sites"] and len(rows) == 6, rows
    assert "utility hello hi" in agent("logs")
    keys = set(assets())  # the definitions were read again, and know the catalog
    assert {"target-files/people", "target-files/sites", "greet/hello"} <= keys, keys
    agent("materialize", "target-files/sites")
    assert {row["stream"] for row in meltano_project.lines("meltano/prod.jsonl")[6:]} == {"sites"}
    exported = json.loads(agent("state", "export"))
    assert exported == {"prod:tap-shop-to-target-files:shop": {"completed": {"singer_state": {"next": 6}}, "partial": {}}}, exported
    exported["prod:tap-shop-to-target-files:shop"]["completed"]["singer_state"]["next"] = 50
    with open("states.json", "w", encoding="utf8") as file:
        json.dump(exported, file)
    agent("state", "import", "states.json")
    agent("materialize", "group:tap-shop-to-target-files")
    assert asked()[-1]["state"] == {"next": 50}


def a_schedule_brings_its_variables():
    meltano_project.make()
    define()
    change('interval: "0 3 * * *"}', 'interval: "0 3 * * *", env: {TAP_SHOP_ROWS: "4"}}')
    agent("materialize", "--job", "nightly", "--tag", "meltano/schedule=nightly")
    assert len(meltano_project.lines("meltano/out.jsonl")) == 8
    agent("materialize", "group:weekly-people")
    assert asked()[-1]["config"]["rows"] == 5
    assert set(json.loads(agent("state", "export"))) == {"dev:tap-shop-to-target-files", "weekly-people"}


def what_cannot_be_run_is_an_error_until_it_is_skipped():
    meltano_project.make()
    define()
    change("jobs:", "jobs:\n  - {name: broken, tasks: [tap-shop nobody]}")
    said = agent("check", fails=True)
    assert "selvedge.yaml:2:" in said and "job broken" in said and "nobody" in said and "skip: [broken]" in said, said
    define("{project: meltano, skip: [broken]}")
    agent("check")
    define("{project: missing}")
    assert "meltano: " in agent("check", fails=True)
    define("{project: meltano, environment: live}")
    assert "environment" in agent("check", fails=True)
    os.remove("meltano/.meltano/extractors/tap-shop/venv/bin/tap-shop")
    define("{project: meltano, skip: [broken]}")
    said = agent("materialize", "--job", "nightly", fails=True)
    assert "extractor tap-shop is not installed" in said, said


def select_chooses_what_a_tap_gives():
    meltano_project.make()
    tap = os.path.abspath("meltano/.meltano/extractors/tap-shop/venv/bin/tap-shop")
    define(more=f"resources: {{local: {{type: sqlite, path: shop.db}}}}\nassets:\n  - key: raw/all\n    extract: {{tap: [{tap}], config: {{rows: 2}}, "
                "select: ['db-*.*', '!db-log', '!*.name']}\n    load: {resource: local}\n")
    agent("materialize", "raw/all")
    discovery, load = meltano_project.lines("asked.jsonl")
    assert "--discover" in discovery["args"] and "--catalog" in load["args"]
    selected = [s["metadata"][0]["metadata"]["selected"] for s in load["catalog"]["streams"]]
    properties = [m["metadata"]["selected"] for m in load["catalog"]["streams"][0]["metadata"][1:]]
    assert selected == [True, True, False] and properties == [True, False], load


def main():
    home = os.getcwd()
    for test in (it_becomes_assets_jobs_and_schedules, a_job_runs_and_a_part_of_it, a_schedule_brings_its_variables,
                 what_cannot_be_run_is_an_error_until_it_is_skipped, select_chooses_what_a_tap_gives):
        folder = tempfile.mkdtemp(prefix="selvedge-meltano-")
        os.chdir(folder)
        try:
            test()
            print("ok  ", test.__name__, flush=True)
        finally:
            os.chdir(home)
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
