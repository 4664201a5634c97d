#!/usr/bin/env python3
"""Meltano itself as referee of our import: the same projects, every environment, field by field.

What Meltano makes of a project is asked in a fork of one Python that has it loaded: through its commands (compile, job list, schedule
list) and, where they say too little, the objects behind them (configuration as a plugin's file would hold it, extras, the environment of
its process, blocks with their state ids). What we make of it is printed by meltano_print. A plugin without a lock file gets a
bare one, so that nobody asks the Hub. Differences that are allowed are in ALLOWED, with a reason each; docs/reference/meltano.md lists
them. Names of projects as arguments choose some."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

import venv

venv.rerun("meltano==4.2.2")

ROOT = venv.ROOT
OURS = os.path.join(ROOT, "tests", "data", "meltano")
THEIRS = os.path.join(ROOT, "..", "shared", "data", "meltano")
BIN = os.environ.get("SELVEDGE_BIN_DIR", os.path.join(ROOT, "build", "dev", "bin"))


def only_offset(theirs, ours):
    return isinstance(ours, str) and re.sub(r"(T\d\d:\d\d:\d\d(\.\d+)?)[+-]\d\d:\d\d", r"\1", ours) == theirs


# Where in the comparison (a regular expression), what kind of difference (or any) -> why it may be.
ALLOWED = [
    (r"/env/(MELTANO_USER_AGENT|MELTANO_PARENT_CONTEXT_UUID|SINGER_SDK_LOG_CONFIG|LOGGING_CONF_FILE|VIRTUAL_ENV|PATH)$", None,
     "made for one run by who starts the process"),
    (r"/env/(SUPERSET_HOME|SUPERSET_CONFIG_PATH|FLASK_APP)$", None, "Meltano writes a configuration file for Superset; we run none"),
    (r"/manifest/\w+/[^/]+/pip_url$", None,
     "compile lets the lock file win over the entry; what Meltano installs is compared under plugins"),
    (r"", only_offset, "Meltano loses the offset of a time stamp without quotes when it copies it; we keep it"),
]
# What the terminal has, beside PATH and HOME.
TERMINAL = {"TAP_ENV_TOKEN": "from-terminal", "TAP_MORE__SELECT": '["x.*"]', "TAP_MORE_A": "2", "TERMINAL_ONLY": "terminal", "SHARED_NAME": "terminal"}


def lock_for(folder, kind, plugin):
    """A definition where the project has none, as `meltano lock` would have written it."""
    if plugin.get("namespace"):
        return
    known = {item["name"] for item in kind[1]}
    if plugin.get("inherit_from") in known and not plugin.get("variant"):
        return
    name = plugin.get("inherit_from") or plugin["name"]
    path = os.path.join(folder, "plugins", kind[0], f"{name}--{plugin.get('variant', 'default')}.lock")
    if os.path.exists(path):
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        json.dump({"plugin_type": kind[0], "name": name, "namespace": name.replace("-", "_"), "pip_url": name,
                   "variant": plugin.get("variant", "default")}, file)


def prepare(source, folder):
    """A copy with all the lock files it needs; reading the files for that is Meltano's business too."""
    from meltano.core.project import Project
    from pathlib import Path
    shutil.copytree(source, folder)
    files = Project(Path(folder)).project_files.load()
    for kind, plugins in files.get("plugins", {}).items():
        for plugin in plugins:
            lock_for(folder, (kind, plugins), plugin)


# --- what Meltano says ---

def plain(value):
    """Without the types of ruamel, and dates as they reach a plugin."""
    from meltano.core.setting_definition import SettingValueJSONEncoder
    return json.loads(json.dumps(value, cls=SettingValueJSONEncoder))


def command(*args):
    from click.testing import CliRunner
    from meltano.cli import cli
    done = CliRunner().invoke(cli, ["--log-level=critical", *args], catch_exceptions=False)
    assert done.exit_code == 0, (args, done.stdout, done.stderr)
    return done.stdout


def their_plugin(project, plugin):
    from meltano.core.plugin.settings_service import PluginSettingsService
    from meltano.core.plugin_invoker import invoker_factory
    settings = PluginSettingsService(project, plugin)
    said = {
        "namespace": plugin.namespace,
        "variant": plugin.variant,
        "pip_url": plugin.pip_url,
        "executable": plugin.executable,
        "capabilities": plugin.capabilities or [],
        "commands": {name: {"args": c.args, "executable": c.executable} for name, c in plugin.all_commands.items()},
        "config": settings.as_dict(extras=False, process=True),
        "extras": settings.as_dict(extras=True),
        "sensitive": sorted({d.name for d in settings.definitions() if d.is_redacted}),
    }
    if plugin.is_invokable():
        invoker = invoker_factory(project, plugin)
        invoker.plugin_config_env = settings.as_env()
        said["env"] = invoker.env()
        said["program"] = str(invoker.exec_path())
    mapping = plugin.extra_config.get("_mapping_name")
    if mapping:
        from meltano.core.plugin.singer.mapper import SingerMapper
        from meltano.core.utils import expand_env_vars
        expandable = {**project.dotenv_env, **project.settings.env}
        own = SingerMapper._get_mapping_config(plugin.extra_config) or {}
        said["config"] = {**said["config"], **expand_env_vars(own, expandable)}
    return said


def their_block(block):
    from meltano.core.block.extract_load import ExtractLoadBlocks
    if not isinstance(block, ExtractLoadBlocks):
        return {"plugins": [block.string_id], "command": block.command}
    job = block.context.job
    said = {"plugins": [], "configs": [], "state_id": job.job_name if job else None}
    for part in block.blocks:
        mapping = part.invoker.plugin.extra_config.get("_mapping_name")
        said["plugins"].append(mapping or part.invoker.plugin.name)
        said["configs"].append(None if mapping else part.invoker.settings_service.as_dict(extras=False, process=True))
    return said


def their_jobs(project):
    import structlog
    from meltano.core.block.block_parser import BlockParser
    from meltano.core.task_sets_service import TaskSetsService
    said = {}
    for job in TaskSetsService(project).list_task_sets():
        try:
            parser = BlockParser(structlog.get_logger(), project, [job.name])
            said[job.name] = [their_block(block) for block in parser.find_blocks()]
        except Exception as problem:  # noqa: BLE001: whatever it is, Meltano does not run the job
            said[job.name] = f"refused: {problem}"
    return said


def their_view(folder, environment, variables=()):
    os.chdir(folder)  # a database of a relative path
    os.environ.update(variables)  # as `meltano schedule run` starts `meltano run`
    from pathlib import Path
    from meltano.core.project import Project
    project = Project(Path(folder))
    Project.activate(project)
    if environment:
        project.activate_environment(environment)
    plugins = {}
    for plugin in project.plugins.plugins():
        key = f"{plugin.type.value}/{plugin.name}"
        mapping = plugin.extra_config.get("_mapping_name")
        plugins[f"{key}/{mapping}" if mapping else key] = their_plugin(project, plugin)
    return {"plugins": plugins, "jobs": their_jobs(project)}


def their_lists(folder):
    os.chdir(folder)  # a database of a relative path
    where = ["--cwd", folder, "--no-environment"]
    schedules = json.loads(command(*where, "schedule", "list", "--format=json"))["schedules"]
    jobs = json.loads(command(*where, "job", "list", "--format=json"))["jobs"]
    command(*where, "compile", "--directory", os.path.join(folder, "compiled"))
    with open(os.path.join(folder, "compiled", "meltano-manifest.json")) as file:
        manifest = json.load(file)
    return {"schedules": schedules, "jobs": jobs, "manifest": manifest}


class Fork:
    """Meltano keeps much in globals: each question has a process of its own."""

    def __init__(self, function, *args):
        self.name = f"{function.__name__}{args}"
        self.read, write = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            code = 1
            try:
                os.close(self.read)
                answer = json.dumps(plain(function(*args)))
                with os.fdopen(write, "w") as file:
                    file.write(answer)
                code = 0
            except Exception:  # noqa: BLE001: told where it can be seen
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.close(write)

    def answer(self):
        with os.fdopen(self.read) as file:
            answer = file.read()
        _, status = os.waitpid(self.child, 0)
        assert status == 0, f"Meltano could not say: {self.name}"
        return json.loads(answer)


# --- what we say ---

def our_view(folder, environment, *schedule):
    done = subprocess.run([os.path.join(BIN, "meltano_print"), os.path.join(folder, "meltano.yml"), environment or "", *schedule],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, f"{folder}: {done.stderr}"
    return json.loads(done.stdout)


def our_plugins(view):
    said = {}
    for plugin in view["plugins"]:
        key = f"{plugin['type']}/{plugin['name']}"
        said[f"{key}/{plugin['mapping']}" if "mapping" in plugin else key] = {
            "namespace": plugin["namespace"],
            "variant": plugin.get("variant", "default"),
            "pip_url": plugin.get("pip_url"),
            "executable": plugin["executable"],
            "capabilities": plugin["capabilities"],
            "commands": {name: {"args": c["args"], "executable": c.get("executable")} for name, c in plugin["commands"].items()},
            "config": plugin["config"],
            "extras": {name: s["value"] for name, s in plugin["settings"].items() if name.startswith("_")},
            "sensitive": sorted(name for name, s in plugin["settings"].items() if s["sensitive"]),
            "env": plugin["env"],
            "program": plugin.get("program"),
        }
    return said


def our_jobs(view):
    said = {}
    for job in view["jobs"]:
        if "problem" in job:
            said[job["name"]] = f"refused: {job['problem']}"
            continue
        blocks = []
        for block in job["blocks"]:
            if "configs" in block:
                mappings = [p["mapping"] for p in view["plugins"] if "mapping" in p]
                configs = [None if name in mappings else config for name, config in zip(block["plugins"], block["configs"])]
                blocks.append({"plugins": block["plugins"], "configs": configs, "state_id": block.get("state_id")})
            else:
                blocks.append({"plugins": block["plugins"], "command": block.get("command")})
        said[job["name"]] = blocks
    return said


def our_lists(view):
    jobs = {job["name"]: job["tasks"] for job in view["jobs"]}
    schedules = {"job": [], "elt": []}
    for s in view["schedules"]:
        entry = {"name": s["name"], "interval": s["interval"], "cron_interval": s.get("cron"), "env": s.get("env") or {}}
        if "job" in s:
            entry["job"] = {"name": s["job"], "tasks": jobs[s["job"]]}
            schedules["job"].append(entry)
        else:
            entry.update({"extractor": s["extractor"], "loader": s["loader"], "transform": s["transform"],
                          "last_successful_run_ended_at": None,
                          "elt_args": [s["extractor"], s["loader"], f"--transform={s['transform']}", f"--state-id={s['state_id']}"]})
            schedules["elt"].append(entry)
    return {"jobs": [{"job_name": name, "tasks": tasks} for name, tasks in jobs.items()], "schedules": schedules}


# --- side by side ---

def by_name(items):
    """A list of things with names: their order is that in which a folder lists its files."""
    key = next((k for k in ("job_name", "name") if items and all(isinstance(i, dict) and k in i for i in items)), None)
    return {item[key]: item for item in items} if key else None


def compare(where, theirs, ours, found):
    if isinstance(theirs, list) and isinstance(ours, list) and by_name(theirs) is not None and by_name(ours) is not None:
        theirs, ours = by_name(theirs), by_name(ours)
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in [*theirs, *(k for k in ours if k not in theirs)]:
            if key not in ours or key not in theirs:
                found.append((f"{where}/{key}", theirs.get(key, "(nothing)"), ours.get(key, "(nothing)")))
            else:
                compare(f"{where}/{key}", theirs[key], ours[key], found)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for i, (a, b) in enumerate(zip(theirs, ours)):
            compare(f"{where}/{i}", a, b, found)
    elif isinstance(theirs, str) and theirs.startswith("refused: ") and isinstance(ours, str) and ours.startswith("refused: "):
        return  # each in its own words
    elif theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool):
        found.append((where, theirs, ours))


def only_known_env(theirs, ours):
    """The terminal's own variables go to a child without our doing."""
    for name in list(theirs.get("env", {})):
        if name in os.environ and name not in ours["env"] and theirs["env"][name] == os.environ[name]:
            del theirs["env"][name]


def manifest_plugins(manifest):
    return {kind: {p["name"]: {k: p.get(k) for k in ("pip_url", "variant", "namespace") if k in p} for p in plugins}
            for kind, plugins in manifest["plugins"].items() if plugins}


def compare_manifest(where, manifest, view, found):
    """What `compile` says of plugins, where it says something."""
    ours = {(p["type"], p["name"]): p for p in view["plugins"] if "mapping" not in p}
    for kind, plugins in manifest_plugins(manifest).items():
        for name, said in plugins.items():
            for key, value in said.items():
                compare(f"{where}/manifest/{kind}/{name}/{key}", value, ours[(kind, name)].get(key), found)
    compare(f"{where}/manifest/plugins", sorted(f"{k}/{n}" for k, p in manifest_plugins(manifest).items() for n in p),
            sorted(f"{k}/{n}" for k, n in ours), found)


def compare_view(where, theirs, view, found):
    ours = our_plugins(view)
    for key, said in theirs["plugins"].items():
        if key in ours:
            only_known_env(said, ours[key])
            if "env" not in said:  # Meltano starts no process of it
                ours[key].pop("env")
                ours[key].pop("program")
    compare(f"{where}/plugins", theirs["plugins"], ours, found)
    compare(f"{where}/jobs", theirs["jobs"], our_jobs(view), found)


def ask(name, folder):
    """Everything that Meltano is asked of one project: as many processes as there are processors, but for the first, which makes its
    database and writes a project_id into meltano.yml."""
    lists = Fork(their_lists, folder).answer()
    environments = [None, *our_view(folder, None)["environments"]]
    calls = [(their_view, folder, environment) for environment in environments]
    forks, answers = [], []
    while len(answers) < len(calls):
        while len(forks) < len(calls) and len(forks) - len(answers) < (os.cpu_count() or 1):
            forks.append(Fork(*calls[len(forks)]))
        answers.append(forks[len(answers)].answer())
    return lists, {f"{name}@{e or '-'}": (e, a) for e, a in zip(environments, answers)}


def compare_project(name, source, found):
    with tempfile.TemporaryDirectory() as temp:
        folder = os.path.join(os.path.realpath(temp), name)
        Fork(prepare, source, folder).answer()
        lists, views = ask(name, folder)
        manifest = lists.pop("manifest")
        view = our_view(folder, None)
        compare(name, lists, our_lists(view), found)
        compare_manifest(name, manifest, view, found)
        for schedule in lists["schedules"]["job"]:
            if schedule["env"]:
                theirs = Fork(their_view, folder, None, schedule["env"]).answer()
                compare_view(f"{name}@-{schedule['name']}", theirs, our_view(folder, None, schedule["name"]), found)
        for where, (environment, theirs) in views.items():
            compare_view(where, theirs, our_view(folder, environment), found)
        fields = sum(count(theirs) for _, theirs in views.values())
        print(f"{name}: {len(views)} views, {fields} fields")
        return fields


def count(value):
    """Scalars of a tree."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if children is None else sum(count(child) for child in children)


def reason_of(where, theirs, ours):
    """Why a difference is allowed; None when it is not."""
    return next((why for pattern, kind, why in ALLOWED if re.search(pattern, where) and (kind is None or kind(theirs, ours))), None)


def projects():
    for folder in (OURS, THEIRS):
        if not os.path.isdir(folder):
            print(f"skipped: there is no {os.path.relpath(folder, ROOT)}")
            continue
        for name in sorted(os.listdir(folder)):
            if os.path.exists(os.path.join(folder, name, "meltano.yml")):
                yield name, os.path.join(folder, name)


def main():
    for name in list(os.environ):
        if name not in ("PATH", "HOME", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
            del os.environ[name]
    os.environ.update(TERMINAL)
    os.environ.update({"MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false", "MELTANO_CLI_DISABLE_VERSION_CHECK": "true"})
    import meltano.cli  # noqa: F401: loaded once, before the forks
    found = []
    wanted = sys.argv[1:]
    compared = sum(compare_project(name, source, found) for name, source in projects() if not wanted or name in wanted)
    reasons = [reason_of(*f) for f in found]
    bad = [f for f, reason in zip(found, reasons) if reason is None]
    for where, theirs, ours in bad[:60]:
        print(f"{where}\n   Meltano: {json.dumps(theirs)[:300]}\n   we:      {json.dumps(ours)[:300]}")
    for reason in sorted({r for r in reasons if r}):
        print(f"allowed {reasons.count(reason)} times: {reason}")
    print(f"{len(bad)} differences in {compared} fields")
    assert wanted or compared > 5000, "almost nothing was compared"
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
