"""Sensors, with a running daemon: files, assets, ends of runs, programs; each of them through restarts."""
import json
import os
import signal
import sys
import threading
import time

from agent_cli_test import project, said, shell
from fleet import Alone, is_alive, read_file, run_tests, wait_for


def sensors(*lines):
    return "sensors:\n" + "".join(f"  - {line}\n" for line in lines)


def note(key, file, variable):
    """An asset that appends a variable's value, as a line, to a file in the folder of the definitions."""
    return shell(key, f'printf "%s\\n" "${variable}" >> {file}')


def lines(agent, name):
    return read_file(os.path.join(agent.dir, name)).splitlines()


def ticks(agent, name=None, status=None):
    return [t for t in agent.events("tick") if name in (None, t.get("sensor")) and status in (None, t["status"])]


def wait_runs(agent, count, seconds=60):
    """Until that many runs have ended; all of them, newest first."""
    def look():
        runs = agent.runs()
        return runs if len(runs) >= count and all(r["status"] in ("success", "failure", "canceled") for r in runs) else None
    return wait_for(f"{count} runs have ended", look, seconds, every=0.05)


def settle(agent):
    """What was caused so far is decided on: a control request goes through the same loop."""
    for _ in range(3):
        agent.command("status")


def once_each(agent, name):
    keys = [t["run_key"] for t in ticks(agent, name, "started")]
    assert len(keys) == len(set(keys)), f"a run key started two runs: {sorted(keys)}"
    return keys


# --- files ---

FILES = project(note("ingest", "seen", "SELVEDGE_TAG_FILE"), more="jobs:\n  - {name: ingest, select: ingest}\n" +
                sensors('{name: files, watch: "in/*.csv", job: ingest, stable: 300ms}'))


def put(agent, name, text="x\n"):
    path = os.path.join(agent.dir, "in", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    return path


def files_start_a_run_each():
    with Alone(FILES) as agent:
        there = put(agent, "before.csv")
        agent.start()
        wait_runs(agent, 1)
        first = put(agent, "a.csv")
        put(agent, "b.txt")
        put(agent, ".hidden.csv")
        os.mkdir(os.path.join(agent.dir, "in", "folder.csv"))
        wait_runs(agent, 2)
        assert lines(agent, "seen") == [there, first], lines(agent, "seen")
        run = agent.runs()[0]
        assert (run["job"], run["cause"], run["cause_name"]) == ("ingest", "sensor", "files"), run
        assert run["tags"]["selvedge/file"] == first and run["tags"]["dagster/sensor_name"] == "files", run
        st = os.stat(first)
        assert run["tags"]["dagster/run_key"] == f"{first}:{st.st_mtime_ns}:{st.st_size}", run
        tick = ticks(agent, "files", "started")[-1]
        assert tick["run"] == run["run"] and tick["run_key"] == run["tags"]["dagster/run_key"], tick
        # Changed: again. Touched back to what it was: not.
        with open(first, "a") as f:
            f.write("more\n")
        wait_runs(agent, 3)
        os.utime(first, ns=(st.st_mtime_ns, st.st_mtime_ns))
        os.truncate(first, st.st_size)
        os.utime(first, ns=(st.st_mtime_ns, st.st_mtime_ns))
        put(agent, "last.csv")
        wait_runs(agent, 4)
        assert lines(agent, "seen")[2:] == [first, os.path.join(agent.dir, "in", "last.csv")], lines(agent, "seen")
        once_each(agent, "files")


def slow_writers_and_renames_are_whole():
    script = 'wc -c < "$SELVEDGE_TAG_FILE" >> sizes; basename "$SELVEDGE_TAG_FILE" >> seen'
    with Alone(project(shell("ingest", script), more="jobs:\n  - {name: ingest, select: ingest}\n" +
                       sensors('{name: files, watch: "in/*.csv", job: ingest, stable: 3s}'))) as agent:
        agent.start()  # the folder is not there yet
        path = put(agent, "slow.csv", "")
        with open(path, "w") as f:
            for _ in range(15):
                f.write("0123456789")
                f.flush()
                time.sleep(0.4)  # a writer that is slow: what is tested is that it is waited for
        other = os.path.join(agent.dir, "upload.tmp")
        with open(other, "w") as f:
            f.write("0123456789")
        os.rename(other, os.path.join(agent.dir, "in", "renamed.csv"))
        gone = put(agent, "gone.csv")
        os.unlink(gone)
        wait_runs(agent, 2)
        assert sorted(zip(lines(agent, "seen"), lines(agent, "sizes"))) == [("renamed.csv", "10"), ("slow.csv", "150")], \
            (lines(agent, "seen"), lines(agent, "sizes"))


def many_files_are_done_one_by_one_and_once():
    with Alone(FILES) as agent:
        agent.start()
        expected = {put(agent, f"{i:03}.csv") for i in range(60)}
        wait_for("some are done", lambda: len(lines(agent, "seen")) > 5)
        agent.daemon.kill()
        expected |= {put(agent, f"down{i}.csv") for i in range(5)}
        agent.start()
        wait_for("all are done", lambda: set(lines(agent, "seen")) == expected, 120)
        keys = once_each(agent, "files")
        assert len(keys) == 65, len(keys)
        # A run that the kill interrupted is tried again, and that is no second run of its key.
        agent.daemon.stop()
        before = len(ticks(agent))
        agent.start()
        last = put(agent, "z.csv")
        wait_for("the last one is done", lambda: last in lines(agent, "seen"))
        assert len(ticks(agent)) == before + 1, "files were done again"


def a_folder_of_old_files_costs_nothing():
    with Alone(FILES) as agent:
        for i in range(20000):
            put(agent, f"{i}.csv", "")
        agent.start()
        agent.command("sensors", "cursor", "files", "--set", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1)))
        settle(agent)
        started = len(ticks(agent, "files", "started"))
        time.sleep(1.1)  # until files are newer than the cursor: its seconds are whole
        new = put(agent, "new.csv")
        wait_for("the new file is done", lambda: new in lines(agent, "seen"))
        assert len(ticks(agent, "files", "started")) <= started + 1


# --- assets and runs ---

def an_asset_that_is_made_starts_a_job():
    more = "jobs:\n  - {name: report, select: report}\n" + sensors("{name: after, asset: sales, job: report}")
    report = shell("report", 'echo "$SELVEDGE_TAG_ASSET $SELVEDGE_TAG_RUN" >> seen; while test -e hold; do sleep 0.05; done')
    with Alone(project(shell("sales", "test ! -e bad"), report, more=more)) as agent:
        agent.command("materialize", "sales")  # before the sensor's time
        agent.start()
        settle(agent)
        agent.command("materialize", "sales")
        wait_runs(agent, 3)
        run = next(r for r in agent.runs() if r["job"] == "report")
        made_by = next(r for r in agent.runs() if r["selection"] == "sales")["run"]
        assert lines(agent, "seen") == [f"sales {made_by}"], lines(agent, "seen")
        assert run["tags"]["selvedge/run"] == made_by, run
        # Several while the job is going are one more run; a failure is none.
        open(os.path.join(agent.dir, "hold"), "w").close()
        agent.command("materialize", "sales")
        wait_for("the report is going", lambda: len(lines(agent, "seen")) == 2)
        for _ in range(3):
            agent.command("materialize", "sales")
        state = json.loads(agent.command("sensors", "--json"))
        assert state["state"] == "waiting" and "job" in state["waits_for"], state
        agent.daemon.kill()  # what waits is not lost
        os.unlink(os.path.join(agent.dir, "hold"))
        agent.start()
        wait_for("one more report", lambda: len(lines(agent, "seen")) >= 3)
        open(os.path.join(agent.dir, "bad"), "w").close()
        agent.command("materialize", "sales", code=1)
        settle(agent)
        reports = [t for t in ticks(agent, "after", "started")]
        assert len(reports) == 3, reports


def ends_of_runs_start_a_chain():
    more = ("jobs:\n  - {name: load, select: load}\n  - {name: clean, select: clean}\n  - {name: alarm, select: alarm}\n" +
            sensors("{name: then_clean, run_status: success, jobs: [load], job: clean}",
                    "{name: audit, run_status: [success, failure, canceled], select: audit}",
                    "{name: alarm, run_status: failure, job: alarm}"))
    tag = '"$SELVEDGE_TAG_JOB $SELVEDGE_TAG_STATUS"'
    with Alone(project(shell("load", "test ! -e bad"), shell("clean", f"echo {tag} >> cleaned"),
                       shell("alarm", f"echo {tag} >> alarms"), shell("audit", f"echo {tag} >> audited"), more=more)) as agent:
        agent.start()
        settle(agent)
        agent.command("job", "load")
        wait_for("the chain went on", lambda: lines(agent, "cleaned"))
        wait_for("both were seen", lambda: len(lines(agent, "audited")) >= 2)
        assert lines(agent, "cleaned") == ["load success"] and lines(agent, "audited") == ["load success", "clean success"]
        open(os.path.join(agent.dir, "bad"), "w").close()
        agent.command("job", "load", code=1)
        wait_for("the alarm", lambda: lines(agent, "alarms"))
        wait_for("both were seen", lambda: len(lines(agent, "audited")) >= 4)
        wait_runs(agent, 8)
        settle(agent)
        # load, clean, an audit of each; load, alarm, an audit of each; and no audit of audits.
        assert lines(agent, "alarms") == ["load failure"] and len(agent.runs()) == 8, [r["job"] for r in agent.runs()]
        assert [r["tags"].get("selvedge/chain") for r in agent.runs() if r["tags"].get("selvedge/job") == "clean"] == ["then_clean"]
        run = next(r for r in agent.runs() if r["job"] == "clean")
        assert run["tags"]["selvedge/status"] == "success" and run["tags"]["selvedge/job"] == "load", run


def ends_of_runs_that_nobody_saw_are_seen_later():
    more = "jobs:\n  - {name: load, select: load}\n" + sensors("{name: audit, run_status: success, jobs: [load], select: audit}")
    with Alone(project(shell("load", "true"), shell("audit", 'echo "$SELVEDGE_TAG_RUN" >> audited'), more=more)) as agent:
        agent.start()
        settle(agent)
        agent.daemon.stop()
        made = []
        for _ in range(3):
            agent.command("job", "load")
            made.append(agent.runs()[0]["run"])
        agent.start()
        wait_for("all were seen", lambda: len(lines(agent, "audited")) >= 3)
        assert sorted(lines(agent, "audited")) == sorted(made)
        agent.daemon.kill()
        agent.start()
        settle(agent)
        assert len(ticks(agent, "audit", "started")) == 3


# --- programs ---

ASK = """#!/bin/sh
echo "$SELVEDGE_SENSOR|$SELVEDGE_CURSOR|$SELVEDGE_LAST_TICK|$COLOUR" >> asked
cat answer
echo "a word" >&2
exit $(cat code 2>/dev/null || echo 0)
"""


def asking(agent_dir, more="", interval="1s"):
    path = os.path.join(agent_dir, "ask")
    with open(path, "w") as f:
        f.write(ASK)
    os.chmod(path, 0o755)
    return project(shell("do", 'echo "$SELVEDGE_TAGS" >> did'), more="jobs:\n  - {name: do, select: do}\n" + sensors(
        f"{{name: ask, run: ['{path}'], env: {{COLOUR: red}}, job: do, min_interval: {interval}{more}}}"))


def answer(agent, *objects):
    temporary = os.path.join(agent.dir, "answer.new")
    with open(temporary, "w") as f:
        f.writelines((o if isinstance(o, str) else json.dumps(o)) + "\n" for o in objects)
    os.rename(temporary, os.path.join(agent.dir, "answer"))


def asked_again(agent, times=2):
    before = len(lines(agent, "asked"))
    wait_for("it was asked again", lambda: len(lines(agent, "asked")) >= before + times)


def a_program_says_what_to_run():
    with Alone() as agent:
        agent.define(asking(agent.dir))
        answer(agent, {"skip": "nothing new"})
        agent.start()
        wait_for("it was asked", lambda: ticks(agent, "ask"))
        first = lines(agent, "asked")[0].split("|")
        assert first == ["ask", "", "", "red"], first
        assert ticks(agent, "ask")[0]["status"] == "skipped" and ticks(agent, "ask")[0]["reason"] == "nothing new"
        asked_again(agent)
        assert len(ticks(agent, "ask")) == 1, "the same again is no news"
        assert lines(agent, "asked")[-1].split("|")[2].startswith("20"), lines(agent, "asked")[-1]
        answer(agent, {"run": {"run_key": "a", "tags": {"n": 1}}}, {"run": {"run_key": "b"}}, {"cursor": "after b"})
        wait_for("both were started", lambda: len(lines(agent, "did")) >= 2)
        assert json.loads(lines(agent, "did")[0]) == {"n": "1", "dagster/sensor_name": "ask", "dagster/run_key": "a"}
        asked_again(agent)
        assert lines(agent, "asked")[-1].split("|")[1] == "after b", lines(agent, "asked")[-1]
        assert once_each(agent, "ask") == ["a", "b"]
        answer(agent, {"run": {"run_key": "b"}}, {"run": {"run_key": "c"}})
        wait_for("the new one was started", lambda: len(lines(agent, "did")) >= 3)
        assert once_each(agent, "ask") == ["a", "b", "c"]
        agent.daemon.kill()
        agent.start()
        asked_again(agent)
        assert once_each(agent, "ask") == ["a", "b", "c"], "a key started a run again"
        assert lines(agent, "asked")[-1].split("|")[1] == "after b"


def what_a_program_gets_wrong_is_said_and_nothing_done():
    with Alone() as agent:
        agent.define(asking(agent.dir, ", timeout: 1s"))
        cases = [("hello", "line 1"), ({"run": {"runkey": "x"}}, "runkey"),
                 ({"add_partitions": {"set": "none", "keys": ["a"]}}, "no asset has dynamic partitions"),
                 ("x" * (1 << 20) + "y", "more than 1048576 bytes")]
        answer(agent, {"run": {"run_key": "good"}}, {"cursor": "moved"}, cases[0][0])
        agent.start()
        for said_wrong, words in cases:
            answer(agent, {"run": {"run_key": "good"}}, {"cursor": "moved"}, said_wrong)
            wait_for(words, lambda: ticks(agent, "ask") and words in ticks(agent, "ask")[-1].get("reason", ""))
            assert ticks(agent, "ask")[-1]["status"] == "failed"
        answer(agent, {"run": {"run_key": "good"}}, {"cursor": "moved"})
        with open(os.path.join(agent.dir, "code"), "w") as f:
            f.write("3")
        tick = wait_for("its exit code", lambda: [t for t in ticks(agent, "ask") if "exit code 3" in t["reason"]])[0]
        assert "a word" in tick["reason"], tick
        with open(os.path.join(agent.dir, "ask"), "w") as f:
            f.write("#!/bin/sh\nsleep 1000 & echo $! > slept\nwait\n")
        wait_for("its time-out", lambda: "took longer" in ticks(agent, "ask")[-1]["reason"])
        slept = int(read_file(os.path.join(agent.dir, "slept")))
        wait_for("what it started is ended", lambda: not is_alive(slept))
        os.unlink(os.path.join(agent.dir, "ask"))
        wait_for("it is gone", lambda: "No such file" in ticks(agent, "ask")[-1]["reason"])
        assert not agent.runs() and "moved" not in read_file(os.path.join(agent.dir, "asked"))
        assert "trouble" not in said(agent.command("status", code=None))


def partitions_are_added_and_used():
    with Alone() as agent:
        path = os.path.join(agent.dir, "ask")
        agent.define(asking(agent.dir).replace("{key: do,", "{key: do, partitions: {dynamic: customers},"))
        answer(agent, {"add_partitions": {"set": "customers", "keys": ["x", "y"]}},
               {"run": {"run_key": "x", "partition": "x"}}, {"run": {"run_key": "y", "partition": "y"}})
        agent.start()
        assert os.path.exists(path)
        runs = wait_runs(agent, 2)
        assert sorted(r["partition"] for r in runs) == ["x", "y"] and all(r["status"] == "success" for r in runs), runs
        asked_again(agent)
        added = agent.events("dynamic_partitions")
        assert [(e["set"], e["partition"]) for e in added] == [("customers", "x"), ("customers", "y")], added


def a_trial_starts_nothing():
    with Alone() as agent:
        agent.define(asking(agent.dir) + '  - {name: files, watch: "in/*.csv", job: do}\n  - {name: made, asset: do, select: other}\n'
                     '  - {name: failed, run_status: failure, select: other}\n')
        agent.define(read_file(agent.definitions).replace("assets:\n", "assets:\n" + shell("other", "true")))
        answer(agent, {"run": {"run_key": "a"}}, {"cursor": "c1"})
        a, b = put(agent, "a.csv"), put(agent, "b.csv")

        def trial(name, code=0):
            return [json.loads(line) for line in agent.command("sensors", "test", name, "--json", code=code).splitlines()]

        # Before anything was ever run here.
        assert trial("ask") == [{"what": "run", "subject": "a"}, {"what": "cursor", "subject": "c1"}]
        assert sorted(x["subject"] for x in trial("files")) == [a, b]
        assert trial("made")[0]["what"] == "skip" and "has not begun" in trial("failed")[0]["subject"]
        assert not os.path.exists(agent.db_path), "it left a database behind"
        agent.start()
        wait_for("it was started", lambda: lines(agent, "did"))
        wait_for("the files are done", lambda: len(ticks(agent, "files", "started")) == 2)
        wait_for("the other was made", lambda: ticks(agent, "made", "started"))
        agent.command("sensors", "pause", "--all")
        wait_runs(agent, 1)
        assert trial("ask")[0]["what"] == "known" and trial("ask")[0]["more"].startswith("had run ")
        assert {x["what"] for x in trial("files")} == {"known"}
        before = len(ticks(agent)), len(agent.runs())
        agent.command("materialize", "do")
        assert trial("made") == [{"what": "run", "subject": "do", "more": f"made by run {agent.runs()[0]['run']}"}], trial("made")
        with open(os.path.join(agent.dir, "code"), "w") as f:
            f.write("7")
        done = agent.command("sensors", "test", "ask", code=None)
        assert done.returncode != 0 and "exit code 7" in done.stderr and "a word" in done.stderr, said(done)
        done = agent.command("sensors", "test", "asl", code=None)
        assert done.returncode == 3 and "did you mean ask?" in done.stderr, said(done)
        assert "it would start 1 run\n" in agent.command("sensors", "test", "made")
        assert (len(ticks(agent)), len(agent.runs())) == (before[0], before[1] + 1), "a trial did something"


def cursors_can_be_seen_and_set():
    with Alone() as agent:
        agent.define(asking(agent.dir))
        answer(agent, {"skip": "no"}, {"cursor": "c1"})
        assert "it has none" in said(agent.command("sensors", "cursor", "ask", code=None))
        agent.start()
        wait_for("it has a cursor", lambda: agent.command("sensors", "cursor", "ask", code=None).stdout == "c1\n")
        answer(agent, {"skip": "no"})
        asked_again(agent)
        agent.command("sensors", "cursor", "ask", "--set", "c2")
        wait_for("it is asked with it", lambda: lines(agent, "asked")[-1].split("|")[1] == "c2")
        agent.daemon.stop()
        agent.command("sensors", "cursor", "ask", "--set", "")
        assert json.loads(agent.command("sensors", "cursor", "ask", "--json")) == {"sensor": "ask", "cursor": ""}
        assert "held: no agent is running here" in said(agent.command("sensors", code=None))
        agent.start()
        asked_again(agent)
        assert lines(agent, "asked")[-1].split("|")[1] == ""
        agent.define(FILES)
        agent.command("reload")
        done = agent.command("sensors", "cursor", "files", "--set", "yesterday", code=None)
        assert done.returncode != 0 and "is a time" in done.stderr, said(done)


# --- life ---

def pausing_survives_and_loses_nothing():
    with Alone(FILES) as agent:
        agent.start()
        assert "paused" in agent.command("sensors", "pause", "files")
        path = put(agent, "while-paused.csv")
        agent.daemon.stop()
        agent.start()
        put(agent, "more.csv")
        settle(agent)
        state = json.loads(agent.command("sensors", "--json"))
        assert state["state"] == "paused", state
        assert not agent.runs()
        agent.command("sensors", "resume", "files")
        wait_for("both are done", lambda: len(lines(agent, "seen")) == 2)
        assert path in lines(agent, "seen")
        done = agent.command("sensors", "pause", "file", code=None)
        assert done.returncode == 3 and 'no sensor "file"' in done.stderr, said(done)
        assert [e["status"] for e in agent.events("instigator")] == ["paused", "running"]


def other_definitions_keep_what_is_known():
    with Alone() as agent:
        agent.define(asking(agent.dir))
        answer(agent, {"run": {"run_key": "a"}}, {"cursor": "c1"})
        agent.start()
        wait_for("it was started", lambda: lines(agent, "did"))
        agent.define(asking(agent.dir, interval="2s"))
        agent.command("reload")
        asked_again(agent, 1)
        assert lines(agent, "asked")[-1].split("|")[1] == "c1"
        assert once_each(agent, "ask") == ["a"]
        # The same name for something else: what was remembered of the program is not its.
        agent.define(FILES.replace("name: files", "name: ask"))
        agent.command("reload")
        path = put(agent, "a.csv")
        wait_for("it watches files now", lambda: path in lines(agent, "seen"))
        assert "c1" not in agent.command("sensors", "cursor", "ask")
        agent.define(project(shell("a", "true")))
        agent.command("reload")
        put(agent, "b.csv")
        settle(agent)
        assert "no sensors" in agent.command("sensors")


def a_stop_ends_the_program_and_a_kill_leaves_none():
    with Alone() as agent:
        agent.define(asking(agent.dir))
        with open(os.path.join(agent.dir, "ask"), "w") as f:
            f.write("#!/bin/sh\necho $$ > asking\nsleep 1000\n")
        agent.start()
        pid = int(wait_for("it is being asked", lambda: read_file(os.path.join(agent.dir, "asking"))))
        begun = time.monotonic()
        agent.daemon.stop()
        assert time.monotonic() - begun < 10
        wait_for("it is ended", lambda: not is_alive(pid))
        os.unlink(os.path.join(agent.dir, "asking"))
        agent.start()
        pid = int(wait_for("it is being asked", lambda: read_file(os.path.join(agent.dir, "asking"))))
        agent.daemon.kill()
        assert is_alive(pid)
        os.unlink(os.path.join(agent.dir, "asking"))
        agent.start()
        wait_for("the next start ends it", lambda: not is_alive(pid))
        agent.daemon.stop()


TESTS = [files_start_a_run_each, slow_writers_and_renames_are_whole, many_files_are_done_one_by_one_and_once,
         a_folder_of_old_files_costs_nothing, an_asset_that_is_made_starts_a_job, ends_of_runs_start_a_chain,
         ends_of_runs_that_nobody_saw_are_seen_later, a_program_says_what_to_run,
         what_a_program_gets_wrong_is_said_and_nothing_done, partitions_are_added_and_used, a_trial_starts_nothing, cursors_can_be_seen_and_set,
         pausing_survives_and_loses_nothing, other_definitions_keep_what_is_known,
         a_stop_ends_the_program_and_a_kill_leaves_none]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=3))
