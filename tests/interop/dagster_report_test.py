"""The hub's reporting endpoints against Dagster's web server itself: the same requests, drawn at random from all forms that its
documentation knows and some that are wrong; the same status, and the same recorded. `--seed N` replays. With SELVEDGE_LONG only: its
packages are a quarter of a GB."""
import argparse
import json
import os
import random
import subprocess
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]
import venv  # pylint: disable=wrong-import-position

PACKAGES = ["dagster==1.13.28", "dagster-webserver==1.13.28"]
FORMS = 2000
KINDS = ["materialization", "observation", "check"]


def draw_key(rng):
    return [rng.choice(["raw", "orders", "x_1", "a-b", "v1.2"]) for _ in range(rng.randrange(1, 4))]


def draw_metadata(rng):
    values = [1, -5, 2.5, True, None, "text", "", "ünï", [1, 2], {"a": {"b": 1}}, 1 << 40]
    return {rng.choice("abcdef"): rng.choice(values) for _ in range(rng.randrange(4))}


def draw_parameters(rng, kind):
    drawn = {}
    for name in ("data_version", "description", "partition"):
        if rng.random() < 0.4:
            drawn[name] = rng.choice(["v1", "2026-11-29", "a b", "é", "100%"]) if name != "partition" else rng.choice(["p1", "2026-11-29"])
    if rng.random() < 0.5:
        drawn["metadata"] = draw_metadata(rng)
    if kind == "check":
        drawn = {name: drawn[name] for name in drawn if name in ("metadata", "partition")}
        for name, values in (("check_name", ["c", "no_nulls"]), ("passed", [True, False]), ("severity", ["WARN", "ERROR"])):
            if rng.random() < 0.9:
                drawn[name] = rng.choice(values)
    return drawn


def as_query(name, value):
    return json.dumps(value) if name in ("metadata", "passed") else value


def draw(rng):
    kind = rng.choice(KINDS)
    path, body, query = f"/report_asset_{kind}/", {}, {}
    if rng.random() < 0.6:
        path += "/".join(draw_key(rng))
    if rng.random() < 0.4:
        key = draw_key(rng)
        body["asset_key"] = key if rng.random() < 0.5 else key[0]
    if rng.random() < 0.4:
        key = draw_key(rng)
        # Of a text Dagster makes parts at each '-' and '.', as it once stored keys; we take it as it is.
        query["asset_key"] = json.dumps(key) if rng.random() < 0.5 else rng.choice(["raw", "orders", "x_1"])
    for name, value in draw_parameters(rng, kind).items():
        if rng.random() < 0.6:
            body[name] = value
        else:
            query[name] = as_query(name, value)
    text, content_type = (json.dumps(body), "application/json") if body else (None, None)
    if rng.random() < 0.1:
        mistakes = [("{", "application/json"), (text or "x", "text/plain"), ('{"metadata": 5}', "application/json"),
                    ('{"severity": "BAD", "check_name": "c", "passed": true}', "application/json")]
        text, content_type = rng.choice(mistakes)
    if rng.random() < 0.05:
        query[rng.choice(["metadata", "passed"])] = "{nonsense"
    return {"path": path, "query": urllib.parse.urlencode(query), "content_type": content_type, "body": text}


def plain(metadata):
    return {name: value["raw_value"] for name, value in (metadata or {}).items()}


def event_of(event):
    told = {"asset": event["asset"], "partition": event.get("partition"), "metadata": plain(event.get("metadata"))}
    if "check" in event:
        return {**told, "check": event["check"], "passed": event["passed"], "severity": event["severity"]}
    return {**told, "description": event.get("description"), "data_version": event.get("data_version")}


def is_the_same(theirs, status, event):
    """A body that is no JSON is a 500 of Dagster's, and a severity that is none may be: we call both a 400."""
    wanted = 400 if theirs["status"] == 500 else theirs["status"]
    return status == wanted and event == theirs["event"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    seed = parser.parse_args().seed
    if "SELVEDGE_LONG" not in os.environ:
        venv.skip("Dagster's web server is asked with --long only")
    python = venv.ensure(*PACKAGES)
    from fleet import Fleet, query as rows, wait_for  # pylint: disable=import-outside-toplevel
    from web import set_up  # pylint: disable=import-outside-toplevel
    print(f"seed={seed}", flush=True)
    rng = random.Random(seed)
    forms = [draw(rng) for _ in range(FORMS)]
    peer = subprocess.run([python, "-W", "ignore", os.path.join(HERE, "dagster_report_peer.py")], input=json.dumps(forms), text=True,
                          stdout=subprocess.PIPE, check=True)
    theirs = json.loads(peer.stdout)
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        ours, taken = [], 0
        for form in forms:
            headers = {"Content-Type": form["content_type"]} if form["content_type"] else {}
            answer = admin.ask("POST", form["path"] + ("?" + form["query"] if form["query"] else ""), form["body"], headers=headers)
            taken += answer.status == 200
            ours.append((answer.status, taken if answer.status == 200 else None, answer.json))
        sql = "SELECT e.seq, e.body FROM event e JOIN stream s ON s.id = e.stream_id WHERE s.device = 'hub'"
        wait_for("all are in the log", lambda: len(rows(fleet.hub_db, sql)) == taken)
        recorded = {seq: json.loads(body) for seq, body in rows(fleet.hub_db, sql)}
    different = 0
    for form, their, (status, seq, body) in zip(forms, theirs, ours):
        event = event_of(recorded[seq]) if seq else None
        if not is_the_same(their, status, event):
            different += 1
            print(f"{form}\n  Dagster: {their}\n  ours: {status} {body} {event}")
    print(f"{len(forms)} requests, {taken} recorded, {different} different")
    assert taken > FORMS // 3
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
