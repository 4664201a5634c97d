"""Blocks of a Meltano project as steps of the worker: what its plugins are given, which states and catalogs are used, each way to fail."""
import json
import os

import meltano_project
from el_step import execute, main, run, run_ok
from meltano_project import asked, change


def step(*block, **more):
    return {"kind": "meltano", "asset": "a", "state_dir": "states", "meltano": {"project": "meltano/meltano.yml", "block": list(block), **more}}


def rows(path="meltano/out.jsonl"):
    return [(row["stream"], row["id"]) for row in meltano_project.lines(path)]


def states(name):
    with open(f"states/{name}.json", encoding="utf8") as file:
        return [s["value"] for s in json.load(file)["states"]]


PAIR = step("tap-shop", "target-files")


def a_block_runs_and_goes_on_from_its_state():
    meltano_project.make()
    result = run_ok(PAIR)
    assert result.metadata["rows_read"] == 4 and set(result.metadata["streams"]) == {"people", "sites"}, result.metadata
    discovery, load = asked()
    assert discovery["args"] == ["--config", "--discover"] and load["args"] == ["--config", "--catalog"], (discovery, load)
    root = os.path.join(os.path.realpath("meltano"), "")[:-1]
    venv = os.path.join(root, ".meltano/extractors/tap-shop/venv")
    assert load["config"] == {"rows": 2} and load["cwd"] == root and load["path"] == venv + "/bin"
    assert load["env"] == {"VIRTUAL_ENV": venv, "PYTHONPATH": None, "MELTANO_ENVIRONMENT": "dev", "GREETING": None}, load["env"]
    assert [s["metadata"][0]["metadata"]["selected"] for s in load["catalog"]["streams"]] == [True, True, False]
    assert load["catalog"]["streams"][0]["schema"]["properties"]["id"]["maximum"] == 18446744073709551615
    run_ok(PAIR)
    assert asked()[2]["args"] == ["--config", "--state", "--catalog"] and asked()[2]["state"] == {"next": 2}, "not asked for its catalog again"
    assert sorted(rows()) == [("people", i) for i in range(4)] + [("sites", i) for i in range(4)]
    assert states("dev%3Atap-shop-to-target-files") == [{"next": 4}, {"next": 2}]


def environments_and_schedules_have_states_of_their_own():
    meltano_project.make()
    run_ok(step("tap-shop", "target-files", environment="prod"))
    assert rows("meltano/prod.jsonl") and states("prod%3Atap-shop-to-target-files%3Ashop") == [{"next": 2}]
    run_ok(step("tap-shop", "target-files", schedule="weekly-people", elt=True))
    assert states("weekly-people") == [{"next": 5}], "its env counts"
    change("default_environment: dev", "")
    result = run_ok(PAIR)
    run_ok(PAIR)
    assert "el.no_environment" in result.log and "state" not in asked()[-1], "as in Meltano"


def a_kept_catalog_is_good_until_settings_change():
    meltano_project.make()
    run_ok(PAIR)
    kept = "meltano/.meltano/run/tap-shop/tap.properties"
    assert os.path.exists(kept + ".json") and len(open(kept + ".cache_key", encoding="utf8").read()) == 40
    change('"db-sites.*"', '"!db-people.name", db-log.*')
    run_ok(PAIR)
    assert len(asked()) == 3, "rules of selection are applied to the one that is kept"
    assert [s["metadata"][0]["metadata"]["selected"] for s in asked()[2]["catalog"]["streams"]] == [True, False, True]
    change("value: 2", "value: 3")
    run_ok(PAIR)
    assert "--discover" in asked()[3]["args"], "another configuration may find other streams"
    change("pip_url: tap-shop", 'pip_url: "-e ."')
    run_ok(PAIR)
    run_ok(PAIR)
    assert ["--discover" in a["args"] for a in asked()[5:]] == [True, False, True, False], "one that is being worked on is always asked"
    assert not os.path.exists(kept + ".cache_key")


def a_catalog_that_cannot_be_kept_is_asked_for_each_time():
    meltano_project.make()
    with open("meltano/.meltano/run", "w", encoding="utf8"):
        pass
    result = run_ok(PAIR)
    assert "el.catalog_not_kept" in result.log and len(rows()) == 4, result.log


def what_a_tap_does_not_take_it_does_not_get():
    meltano_project.make()
    change("[catalog, discover, state]", "[properties, discover]")
    run_ok(PAIR)
    run_ok(PAIR)
    assert asked()[2]["args"] == ["--config", "--properties"], asked()[2]["args"]
    change("[properties, discover]", "[state]")
    run_ok(PAIR)
    assert asked()[3]["args"] == ["--config", "--state"]
    change("[state]", "[catalog]")
    os.remove("meltano/.meltano/run/tap-shop/tap.properties.json")
    error = run(PAIR).error
    assert error["message"] == "tap tap-shop: there is no catalog, and it does not discover one", error


def a_catalog_and_a_state_by_hand():
    meltano_project.make()
    run_ok(PAIR)
    own = {"streams": [{"tap_stream_id": s, "stream": s, "schema": {}, "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}]} for s in "ab"]}
    with open("meltano/own.json", "w", encoding="utf8") as file:
        json.dump(own, file)
    with open("meltano/own_state.json", "w", encoding="utf8") as file:
        json.dump({"next": 70}, file)
    change("      select:", "      catalog: own.json\n      state: own_state.json\n      select_filter: [b]\n      select:")
    run_ok(PAIR)
    assert rows()[4:] == [("b", 70), ("b", 71)], rows()
    change("own.json", "missing.json")
    error = run(PAIR).error
    assert error["message"].startswith("tap tap-shop: catalog: open ") and "missing.json" in error["message"], error


def some_streams_of_those_that_are_selected():
    meltano_project.make()
    run_ok(step("tap-shop", "target-files", streams=["sites", "log"]))
    assert {stream for stream, _ in rows()} == {"sites"}
    run_ok(PAIR)
    assert {stream for stream, _ in rows()} == {"sites", "people"} and len(asked()) == 3, "it is all that was kept"


def a_mapper_stands_between():
    meltano_project.make()
    result = run_ok(step("tap-shop", "mask", "target-files"))
    assert result.metadata["rows_read"] == 4
    assert {row["name"] for row in meltano_project.lines("meltano/out.jsonl")} == {"***"}
    assert states("dev%3Atap-shop-to-target-files") == [{"next": 2}], "mappings are no part of the id"
    result = run(step("tap-shop", "break", "target-files"))
    program = os.path.realpath("meltano/.meltano/mappers/masker/venv/bin/masker")
    assert result.code == 1 and result.error["message"] == f"mapper {program}: exit code 3", result.error
    run_ok(step("tap-shop", "mask", "mask", "target-files"))


def a_tap_that_fails_keeps_what_it_gave():
    meltano_project.make()
    change("value: 2}", "value: 2}\n        - {name: unused}")
    change("{name: exit, kind: integer}", "{name: exit, kind: integer, value: 7}")
    result = run(PAIR)
    program = os.path.realpath("meltano/.meltano/extractors/tap-shop/venv/bin/tap-shop")
    assert result.code == 1 and result.error["message"] == f"tap {program}: exit code 7", result.error
    assert len(rows()) == 4 and states("dev%3Atap-shop-to-target-files") == [{"next": 2}]
    change("{name: discover_exit, kind: integer}", "{name: discover_exit, kind: integer, value: 5}")
    error = run(PAIR).error
    assert error["message"] == f"ask tap {program} for its catalog: exit code 5", error


def states_that_meltano_kept_are_taken_up():
    meltano_project.make()
    execute("meltano/.meltano/meltano.db", "CREATE TABLE state (state_id VARCHAR PRIMARY KEY, updated_at DATETIME, partial_state JSON, completed_state JSON)",
            """INSERT INTO state VALUES ('dev:tap-shop-to-target-files', NULL, '{"singer_state": {"next": 40}}', '{"singer_state": {"next": 7, "x": 1}}')""",
            """INSERT INTO state VALUES ('weekly-people', NULL, '{}', '{}')""")
    run_ok(PAIR)
    assert asked()[-1]["state"] == {"next": 40, "x": 1}, "the partial one over the completed one"
    run_ok(PAIR)
    assert asked()[-1]["state"] == {"next": 42}, "from then on ours counts"
    run_ok(step("tap-shop", "target-files", schedule="weekly-people", elt=True))
    assert "state" not in asked()[-1]
    change("version: 1", f"version: 1\nstate_backend: {{uri: 'file://{os.getcwd()}/kept'}}")
    os.makedirs("kept/prod:tap-shop-to-target-files:shop")
    with open("kept/prod:tap-shop-to-target-files:shop/state.json", "w", encoding="utf8") as file:
        file.write('{"completed": {"singer_state": {"next": 12}}, "partial": {}}')
    run_ok(step("tap-shop", "target-files", environment="prod"))
    assert asked()[-1]["state"] == {"next": 12}
    change("file://", "s3://")
    os.remove("states/weekly-people.json")
    result = run_ok(step("tap-shop", "target-files", schedule="weekly-people", elt=True))
    assert "el.meltano_state_not_asked" in result.log
    os.remove("states/weekly-people.json")
    execute("meltano/.meltano/meltano.db", "DROP TABLE state")
    change("state_backend: {uri: 's3://", "x: {uri: 's3://")
    error = run(step("tap-shop", "target-files", schedule="weekly-people", elt=True)).error
    assert error["message"].startswith("the state that Meltano kept in ") and "no such table" in error["message"], error


def other_plugins_run_as_they_are():
    meltano_project.make()
    result = run_ok(step("greet:hello"))
    assert "utility hello hi" in result.log, result.log
    error = run(step("greet:fail")).error
    assert error["message"] == "greet:fail: exit code 4", error
    error = run(step("greet:none")).error
    assert "none" in error["message"] and "hello" in error["hint"], error


def what_is_missing_is_named():
    meltano_project.make()
    os.remove("meltano/.meltano/loaders/target-files/venv/bin/target-files")
    result = run(PAIR)
    assert "loader target-files is not installed" in result.error["message"] and result.error["code"] == "not_found", result.error
    assert result.error["hint"] == f"run `meltano install` in {os.path.realpath('meltano')}", result.error
    assert asked() == [], "nothing was started"
    for block, why in ((["tap-shop"], "the target is missing"), (["tap-shop", "target-files", "greet:hello"], "the block is 2 blocks"), (["nobody"], "nobody")):
        error = run(step(*block)).error
        assert why in error["message"], error
    assert "prod" in run(step("greet:hello", environment="live")).error["hint"]
    assert "schedule" in run(step("greet:hello", schedule="daily")).error["message"]
    result = run({"kind": "meltano", "asset": "a", "state_dir": "states"})
    assert result.code == 2 and result.error["message"] == 'step: "meltano" is missing', result.error
    os.remove("meltano/meltano.yml")
    assert "meltano.yml" in run(PAIR).error["message"]


main([a_block_runs_and_goes_on_from_its_state, environments_and_schedules_have_states_of_their_own, a_kept_catalog_is_good_until_settings_change,
      a_catalog_that_cannot_be_kept_is_asked_for_each_time, what_a_tap_does_not_take_it_does_not_get, a_catalog_and_a_state_by_hand,
      some_streams_of_those_that_are_selected, a_mapper_stands_between, a_tap_that_fails_keeps_what_it_gave,
      states_that_meltano_kept_are_taken_up, other_plugins_run_as_they_are, what_is_missing_is_named])
