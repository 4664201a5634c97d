"""Steps that make several assets, carried out by Dagster and by our agent: random selections, of a step that reports some of its assets and then
fails, or does well. What is materialized is the same as where Dagster lets downstream wait for outputs; where it lets them wait for steps, as it
does by default, what is made from the assets of a step that failed is missing there. And how a retry goes on, which differs."""
import json
import os
import sys
import tempfile

import referee
import venv  # ours, which stands before the library's
from fleet import Alone

CASES = 20
STEP = """
echo "$SELVEDGE_ATTEMPT: $(echo $SELVEDGE_ASSETS | tr ' ' '\\n' | sort | tr '\\n' ' ')" | sed 's/ $//' >>$STATE_DIR/../asked
for key in $(cat $STATE_DIR/../reports); do
    printf '{"__dagster_pipes_version": "0.1", "method": "report_asset_materialization", "params": {"asset_key": "%s"}}\\n' $key \\
        >>$STATE_DIR/runs/$SELVEDGE_RUN/lake/$SELVEDGE_ATTEMPT.pipes/messages
done
test ! -e $STATE_DIR/../fails
"""


def definitions(theirs, retries):
    lines = ["project: multi", "assets:", "  - key: lake", f"    run: [sh, {json.dumps('step.sh')}]", f"    retry: {{max: {retries}}}",
             f"    assets: {json.dumps(theirs.MADE_TOGETHER)}"]
    lines += [f"  - {{key: {key}, deps: {json.dumps(deps)}, run: ['true']}}" for key, deps in theirs.DOWNSTREAM.items()]
    return "\n".join(lines) + "\n"


def by_dagster(dagster, theirs, job, case, folder):
    asked = os.path.join(folder, "asked")
    open(asked, "w").close()
    os.environ[theirs.DOES] = json.dumps({**case, "asked": asked})
    with dagster.DagsterInstance.ephemeral() as instance:
        result = dagster.execute_job(dagster.reconstructable(job), instance=instance, raise_on_error=False,
                                     asset_selection=[dagster.AssetKey(key) for key in case["selection"]])
        made = sorted(e.asset_key.to_user_string() for e in result.all_events if e.event_type_value == "ASSET_MATERIALIZATION")
        return made, result.success, open(asked).read()


def by_us(device, case):
    """In a folder of its own, which the device's is in."""
    for name in ("fails", "asked"):
        if os.path.exists(os.path.join(device.dir, name)):
            os.remove(os.path.join(device.dir, name))
    if case["fails"]:
        open(os.path.join(device.dir, "fails"), "w").close()
    with open(os.path.join(device.dir, "reports"), "w") as f:
        f.write(" ".join(case["reports"]))
    seen = len(device.events()) if os.path.exists(device.db_path) else 0
    done = device.command("materialize", " or ".join(f"key:{key}" for key in case["selection"]), code=None)
    made = sorted(e["asset"] for e in device.events()[seen:] if e["type"] == "asset_materialization" and not e.get("partial"))
    asked = os.path.join(device.dir, "asked")
    return made, done.returncode == 0, open(asked).read() if os.path.exists(asked) else ""


def random_case(theirs, rng):
    keys = [*theirs.MADE_TOGETHER, *theirs.DOWNSTREAM]
    return {"selection": sorted(rng.sample(keys, rng.randint(1, len(keys)))), "fails": rng.random() < 0.7,
            "reports": rng.sample(theirs.MADE_TOGETHER, rng.randint(0, 3))}


def new_device(theirs, retries):
    device = Alone(definitions(theirs, retries))
    with open(os.path.join(device.dir, "step.sh"), "w") as f:
        f.write(STEP)
    return device


def test(peer, rng):
    import dagster
    import multi_asset_dagster as theirs
    counts = {"failed": 0, "more than by default": 0}
    with tempfile.TemporaryDirectory() as folder, new_device(theirs, 0) as device:
        for _ in range(CASES):
            case = random_case(theirs, rng)
            loose = by_dagster(dagster, theirs, theirs.loose, case, folder)
            strict = by_dagster(dagster, theirs, theirs.strict, case, folder)
            ours = by_us(device, case)
            assert ours == loose, (case, ours, loose)
            counts["failed"] += not ours[1]
            if strict != loose:
                # By default nothing that is made from assets of the step runs once it has failed.
                lost = set(loose[0]) - set(strict[0])
                assert case["fails"] and lost and lost <= set(theirs.DOWNSTREAM), (case, strict, loose)
                counts["more than by default"] += 1
    with tempfile.TemporaryDirectory() as folder, new_device(theirs, 1) as device:
        case = {"selection": ["a", "b", "c", "of_a"], "fails": True, "retries": True, "reports": ["a"]}
        made, _, asked = by_dagster(dagster, theirs, theirs.loose, case, folder)
        assert asked == "1: a b c\n2: a b c\n" and made == ["a", "a", "of_a"], (asked, made)
        made, _, asked = by_us(device, case)
        assert asked == "1: a b c\n2: b c\n" and made == ["a", "of_a"], (asked, made)
    print(f"{CASES} cases: {counts}")


if __name__ == "__main__":
    sys.exit(referee.main(test))
