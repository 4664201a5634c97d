"""Selections: random expressions over random projects select the same nodes in dbt and here; selectors.yml, `state:`, `result:`, `path:` too.

dbt parses a project twice, before and after a change, and its own NodeSelector answers over the second; ours reads the manifests that dbt
wrote. `--seed N` replays, `--projects N` tries more, and so does SELVEDGE_LONG."""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peer_dbt  # noqa: E402
import venv  # noqa: E402, ours, which stands before the library's

import dbt_select_project as shapes  # noqa: E402

PROJECTS = 6 if peer_dbt.LONG else 2
EXPRESSIONS = 250
INDIRECT = ["eager", "cautious", "buildable", "empty"]
STATES = ["new", "old", "modified", "unmodified", "modified.body", "modified.configs", "modified.relation", "modified.macros",
          "modified.persisted_descriptions", "modified.contract"]
STATUSES = ["success", "error", "skipped", "pass", "fail"]


# --- expressions ---------------------------------------------------------------------------------


def blur(rng, text):
    """A pattern that may match `text`."""
    kind = rng.randrange(7)
    at = rng.randint(0, len(text))
    if kind == 0:
        return text[:at] + "*"
    if kind == 1:
        return "*" + text[at:]
    if kind == 2 and at < len(text):
        return text[:at] + "?" + text[at + 1:]
    if kind == 3 and at < len(text):
        return text[:at] + rng.choice(["[%s]" % text[at], "[!%s]" % text[at], "[a-z]", "[0-9_]", "["]) + text[at + 1:]
    return text


def fqn(rng, project):
    name, versions = rng.choice(project.models)
    if versions and rng.random() < 0.5:
        name += rng.choice([".v", "_v"]) + str(rng.choice(versions))
    folder = rng.choice(shapes.FOLDERS).replace("/", ".")
    parts = [p for p in [rng.choice(["", "shop", "lib", "*"]), rng.choice(["", folder]), rng.choice([name, name, "*", ""])] if p]
    return blur(rng, ".".join(parts) or "shop")


def path(rng, project):
    file = rng.choice(sorted(project.files))
    if rng.random() < 0.6:
        file = os.path.dirname(file) or "models"
    parts = file.split("/")
    kind = rng.randrange(5)
    if kind == 0:
        parts[rng.randrange(len(parts))] = "*"
    elif kind == 1:
        parts[rng.randrange(len(parts))] = "**"
    elif kind == 2:
        at = rng.randrange(len(parts))
        parts[at] = blur(rng, parts[at])
    return "/".join(parts) + rng.choice(["", "", "/"])


def config(rng):
    return rng.choice([("config.materialized", rng.choice(shapes.MATERIALIZED)), ("config.meta.owner", rng.choice(shapes.OWNERS)),
                       ("config.tags", rng.choice(shapes.TAGS)), ("config.severity", rng.choice(["warn", "WARN", "Error"])),
                       ("config.full_refresh", rng.choice(["true", "False"])), ("config.enabled", "true"), ("config.meta.level", "1"),
                       ("config.unique_key", rng.choice(["id", "day"])), ("config.meta.is_ours", rng.choice(["TRUE", "false"])),
                       ("config.schema", "main"), ("config", "view"), ("config.meta.no.such", "x"), ("config.group", rng.choice(shapes.GROUPS)),
                       ("config.access", rng.choice(["public", "protected"])), ("config.on_schema_change", "ignore")])


def atom(rng, project):
    """A method and a value."""
    source = rng.choice(project.sources or [("till", "orders")])
    name = rng.choice(project.names)
    choices = [lambda: ("", fqn(rng, project)), lambda: ("", fqn(rng, project)), lambda: ("fqn", fqn(rng, project)),
               lambda: ("tag", blur(rng, rng.choice(shapes.TAGS))), lambda: config(rng), lambda: config(rng),
               lambda: ("source", blur(rng, rng.choice([source[0], ".".join(source), "shop." + ".".join(source), "*"]))),
               lambda: ("path", path(rng, project)), lambda: ("", path(rng, project)),
               lambda: ("file", blur(rng, rng.choice([name, name + ".sql", "schema", "schema.yml"]))), lambda: ("", name + ".SQL"),
               lambda: ("", name + ".csv"), lambda: ("package", blur(rng, rng.choice(["this", "shop", "lib"]))),
               lambda: ("group", blur(rng, rng.choice(shapes.GROUPS))), lambda: ("access", rng.choice(["public", "protected", "private"])),
               lambda: ("resource_type", rng.choice(["model", "test", "seed", "source", "snapshot", "unit_test", "analysis", "exposure"])),
               lambda: ("test_type", rng.choice(["generic", "singular", "unit", "data", "schema", "d", "gular", "none"])),
               lambda: ("test_name", blur(rng, rng.choice(["not_null", "unique", "relationships", "ut_" + name]))),
               lambda: ("exposure", blur(rng, rng.choice(["board_0", "shop.board_1", "*"]))), lambda: ("unit_test", blur(rng, "ut_" + name)),
               lambda: ("version", rng.choice(["latest", "prerelease", "old", "none", "none"])), lambda: ("metric", "*"),
               lambda: ("semantic_model", "*"), lambda: ("state", rng.choice(STATES)), lambda: ("state", rng.choice(STATES)),
               lambda: ("result", rng.choice(STATUSES)), lambda: ("source_status", rng.choice(["fresher", "fresher", "older"])),
               lambda: rng.choice([("bogus", "x"), ("source", "a.b.c.d"), ("version", "x"), ("state", "changed"), ("resource_type", "x")])]
    weights = [2] * (len(choices) - 1) + [0.2]
    method, value = rng.choices(choices, weights)[0]()
    if method in ("", "fqn") and not peer_dbt.LONG and set(value) & set("*?[") and not set(value) & set("./"):
        value = "*." + value  # without a dot it matches names since dbt 1.11.16, which only the long run has
    return method, value


def criterion(rng, project):
    method, value = atom(rng, project)
    front = rng.choice(["", "", "", "+", "1+", "2+", "@", "0+", "@+"])
    back = rng.choice(["", "", "", "+", "+1", "+2", "+0"])
    if front.startswith("@") and rng.random() < 0.9:
        back = ""
    return f"{front}{method + ':' if method else ''}{value}{back}"


def union(rng, project):
    parts = [",".join(criterion(rng, project) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))) for _ in range(rng.choice([1, 1, 2, 3]))]
    return [" ".join(parts)] if rng.random() < 0.7 else parts


def definition(rng, project, depth):
    kind = rng.randrange(6)
    if depth > 0 and kind < 2:
        members = [definition(rng, project, depth - 1) for _ in range(rng.randint(0 if depth < 2 else 1, 3))]
        if rng.random() < 0.4:
            members.insert(rng.randint(0, len(members)), {"exclude": [definition(rng, project, depth - 1) for _ in range(rng.randint(0, 2))]})
        return {rng.choice(["union", "intersection"]): members}
    if kind == 2:
        return criterion(rng, project)
    method, value = atom(rng, project)
    method = method or "fqn"
    if method == "config.meta.level" and rng.random() < 0.7:
        value = int(value)
    if method in ("config.full_refresh", "config.meta.is_ours") and rng.random() < 0.5:
        value = rng.random() < 0.5
    if kind == 3:
        return {method: value}
    full = {"method": method, "value": value}
    for key, values in (("parents", [True, False]), ("children", [True, False]), ("childrens_parents", [True, False, False]),
                        ("parents_depth", [0, 1, 2]), ("children_depth", [0, 1, 2]), ("indirect_selection", INDIRECT)):
        if rng.random() < 0.3:
            full[key] = rng.choice(values)
    if rng.random() < 0.2:
        full["exclude"] = [definition(rng, project, 0) for _ in range(rng.randint(1, 2))]
    return full


# --- dbt's answers -------------------------------------------------------------------------------


class Referee:
    def __init__(self, folder):
        from dbt.cli.main import dbtRunner
        self.folder = folder
        self.run = dbtRunner()

    def parse(self):
        done = self.run.invoke(["--quiet", "--no-partial-parse", "--no-send-anonymous-usage-stats", "parse", "--project-dir", self.folder,
                                "--profiles-dir", self.folder])
        assert done.success, done.exception
        return done.result

    def read(self, manifest, state, results, fresher):
        from dbt.compilation import Linker
        from dbt.contracts.state import PreviousState
        from dbt.graph import Graph, NodeSelector
        from pathlib import Path
        linker = Linker()
        linker.link_graph(manifest)
        before = PreviousState(Path(state), Path(self.folder, "target"), Path(self.folder))
        before.results = [types.SimpleNamespace(unique_id=k, status=v) for k, v in results.items()]
        times = [types.SimpleNamespace(unique_id=u, max_loaded_at=2) for u in fresher]
        before.sources = types.SimpleNamespace(results=[types.SimpleNamespace(unique_id=u, max_loaded_at=1) for u in fresher[:1]])
        before.sources_current = types.SimpleNamespace(results=times)
        self.selector = NodeSelector(Graph(linker.graph), manifest, previous_state=before, include_empty_nodes=True)

    def answer(self, case, selectors):
        from argparse import Namespace
        from dbt.config.selectors import SelectorConfig
        from dbt.flags import set_from_args
        from dbt.graph.cli import parse_difference
        set_from_args(Namespace(INDIRECT_SELECTION=case["indirect"], WARN_ERROR=None, WARN_ERROR_OPTIONS=None,
                                STATE_MODIFIED_COMPARE_MORE_UNRENDERED_VALUES=False), {})
        try:
            if "selector" in case:
                config = SelectorConfig.selectors_from_dict({"selectors": [s for s in selectors if s["name"] == case["selector"]]})
                spec = config[case["selector"]]["definition"]
            else:
                spec = parse_difference(tuple(case["select"]), tuple(case["exclude"]))
            return sorted(self.selector.get_selected(spec))
        except Exception as error:  # noqa: BLE001, of whatever class: dbt has many
            return f"{type(error).__name__}: {error}"


# --- both ----------------------------------------------------------------------------------------


def ask(question):
    program = os.path.join(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin"), "dbt_select_peer")
    done = subprocess.run([program], input=json.dumps(question) + "\n", stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)["answers"]


def is_readable(referee, selector):
    """dbt refuses a project of which one selector is wrong; such ones are asked for through the command line instead."""
    from dbt.config.selectors import SelectorConfig
    from argparse import Namespace
    from dbt.flags import set_from_args
    set_from_args(Namespace(INDIRECT_SELECTION="eager", WARN_ERROR=None, WARN_ERROR_OPTIONS=None), {})
    try:
        SelectorConfig.selectors_from_dict({"selectors": [selector]})
        return True
    except Exception:  # noqa: BLE001
        return False


def one_project(rng, folder):
    project = shapes.Project(rng)
    selectors = []
    while len(selectors) < 30:
        one = {"name": f"named_{len(selectors)}", "definition": definition(rng, project, 3)}
        if is_readable(None, one):
            selectors.append(one)
    referee = Referee(folder)
    os.chdir(folder)  # `path:` is of the working folder
    project.write(folder, selectors)
    referee.parse()
    state = os.path.join(folder, "before")
    os.makedirs(state)
    shutil.copy(os.path.join(folder, "target", "manifest.json"), state)
    project.change()
    project.write(folder, selectors)
    manifest = referee.parse()
    ids = sorted({**manifest.nodes, **manifest.sources})
    results = {i: rng.choice(STATUSES) for i in ids if rng.random() < 0.7}
    fresher = [i for i in manifest.sources if rng.random() < 0.5]
    cases = [{"select": union(rng, project) if rng.random() < 0.95 else [], "exclude": union(rng, project) if rng.random() < 0.3 else [],
              "indirect": rng.choice(INDIRECT)} for _ in range(EXPRESSIONS)]
    cases += [{"selector": s["name"], "indirect": rng.choice(INDIRECT)} for s in selectors]
    referee.read(manifest, state, results, fresher)
    ours = ask({"manifest": os.path.join(folder, "target", "manifest.json"), "state": os.path.join(state, "manifest.json"),
                "results": results, "fresher": fresher, "cases": cases})
    wrong = errors = 0
    for case, our in zip(cases, ours):
        theirs = referee.answer(case, selectors)
        if isinstance(theirs, str):
            errors += 1
            same = "error" in our
        else:
            same = our.get("ids") == [i for i in theirs if not i.startswith("operation.")]
        if not same:
            wrong += 1
            shown = [s for s in selectors if s["name"] == case.get("selector")]
            print("not the same:", json.dumps(case), json.dumps(shown), "\n  dbt :", theirs, "\n  ours:", our, flush=True)
    return len(cases), errors, wrong, len(manifest.nodes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--projects", type=int, default=PROJECTS)
    args = parser.parse_args()
    if not os.path.exists(os.path.join(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin"), "dbt_select_peer")):
        venv.skip("dbt_select_peer is not there")
    os.environ["SELVEDGE_BIN_DIR"] = os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin"))
    venv.rerun(*peer_dbt.EITHER)
    # dbt takes every module named dbt_* that it can find for a plugin of its own.
    sys.path[:] = [p for p in sys.path if "tests" not in os.path.abspath(p).split(os.sep)]
    print(f"seed={args.seed}", flush=True)
    rng = random.Random(args.seed)
    wrong = 0
    for _ in range(args.projects):
        with tempfile.TemporaryDirectory() as folder:
            count, errors, bad, nodes = one_project(rng, folder)
            print(f"{count} selections over {nodes} nodes, {errors} of them errors in dbt; {bad} differ", flush=True)
            wrong += bad
            os.chdir("/")
    assert wrong == 0, f"{wrong} selections differ"


if __name__ == "__main__":
    main()
