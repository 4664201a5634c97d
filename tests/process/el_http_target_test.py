"""Target http: batches as each format has them, keys by which a server can tell a batch that comes again, errors that name the rows; kill -9 at
random moments of a load, out of an API and into one. SEED in the environment replays a run."""
import json
import os
import random
import threading
import time

import el_step
from el_step import execute, main, request, rows, run, run_ok
from http_api import Api, Reset

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
rng = random.Random(SEED)
os.environ["no_proxy"] = "127.0.0.1"


def source(count, first=1):
    execute("s.db", "CREATE TABLE IF NOT EXISTS sales (id INTEGER PRIMARY KEY, at INTEGER, item TEXT, ok BOOLEAN)",
            f"INSERT INTO sales WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {first + count - 1}) SELECT i, i / 3, 'é' || i, i % 2 FROM n")


def step(url, tap=None, **target):
    return request(dict({"type": "sqlite", "path": "s.db", "table": "sales", "replication_key": "at"}, **(tap or {})),
                   dict({"type": "http", "url": url, "mode": "append", "retry_wait": "5ms"}, **target), state_dir="states")


def ids(api):
    return [row["id"] for r in api.requests for row in r.json]


def keys(api):
    return [r.headers["Idempotency-Key"] for r in api.requests]


def fails(of_step, code, *words):
    result = run(of_step)
    assert result.code == 1 and result.error is not None, (result.code, result.log)
    said = result.error["message"] + " | " + result.error.get("hint", "")
    assert result.error["code"] == code and all(word in said for word in words), (result.error["code"], words, said)


def batches():
    source(1201)
    with Api(lambda r: (201, b"")) as api:
        result = run_ok(step(api.url + "/v1?k=1", headers={"X-Tenant": "nine"}, auth={"kind": "bearer", "token": "secret"}))
        assert [len(r.json) for r in api.requests] == [500, 500, 201] and ids(api) == list(range(1, 1202))
        first = api.requests[0]
        assert first.method == "POST" and first.target == "/v1?k=1" and first.headers["Content-Type"] == "application/json"
        assert first.headers["X-Tenant"] == "nine" and first.headers["Authorization"] == "Bearer secret" and "Expect" not in first.headers
        assert first.json[1] == {"id": 2, "at": 0, "item": "é2", "ok": False}
        assert len(set(keys(api))) == 3 and all(len(k) == 32 for k in keys(api))
        assert result.metadata["rows_written"] == 1201
        run_ok(step(api.url + "/v1"))
        assert len(api.requests) == 3, "nothing is new"
        source(2, 1202)
        run_ok(step(api.url + "/v1"))
        assert ids(api)[1201:] == [1202, 1203]


def each_format():
    source(3)
    tap = {"replication_key": ""}
    with Api(lambda r: b"") as api:
        run_ok(step(api.url, tap, path="{stream}/x", mode="upsert", format="jsonl", method="PUT", table="my sales"))
        assert api.requests[0].method == "PUT" and api.requests[0].path == "/my%20sales/x"
        assert api.requests[0].headers["Content-Type"] == "application/x-ndjson"
        assert [json.loads(line)["id"] for line in api.requests[0].body.splitlines()] == [1, 2, 3]
        run_ok(step(api.url, tap, mode="overwrite", format="object", wrapper="it\"ems"))
        assert [row["id"] for row in api.requests[1].json["it\"ems"]] == [1, 2, 3]


def by_bytes():
    execute("s.db", "CREATE TABLE sales (id INTEGER PRIMARY KEY, at INTEGER, t TEXT)",
            *(f"INSERT INTO sales VALUES ({i}, {i}, '{'x' * (3000 if i == 5 else 400)}')" for i in range(1, 11)))
    with Api(lambda r: b"") as api:
        run_ok(step(api.url, batch_bytes="1KiB"))
        assert [[row["id"] for row in r.json] for r in api.requests] == [[1, 2], [3, 4], [5], [6, 7], [8, 9], [10]]


def what_passes_is_tried_again_with_the_same_key():
    source(4)
    answers = [(500, b""), Reset(), (429, b"", {"Retry-After": "0"}), b"", (503, b""), b""]

    def answer(_):
        said = answers.pop(0)
        if isinstance(said, Reset):
            raise said
        return said
    with Api(answer) as api:
        run_ok(step(api.url, batch_rows=2))
        assert ids(api) == [1, 2] * 4 + [3, 4] * 2
        assert len(set(keys(api)[:4])) == 1 and len(set(keys(api)[4:])) == 1 and len(set(keys(api))) == 2


def an_error_names_the_rows():
    source(10)
    with Api(lambda r: (422, b'{"error": "row 2: no such item"}') if r.json[0]["id"] > 4 else b"") as api:
        fails(step(api.url + "/in", batch_rows=4), "invalid", "rows 5 to 8", "/in: the server answered 422", "no such item")
        assert ids(api) == list(range(1, 9))
        assert not os.path.exists("states/shop%2Fsales.json")
        with Api(lambda r: b"") as well:
            again = run_ok(step(well.url + "/in", batch_rows=4))
            assert again.metadata["rows_written"] == 10 and ids(well) == list(range(1, 11)), "at least once"
            assert keys(well)[:2] == keys(api), "the same rows, the same keys"
    with Api(lambda r: (307, b"", {"Location": "http://127.0.0.1:1/"})) as api:
        source(1, 11)
        fails(step(api.url), "invalid", "redirected (307)", "only a GET")


def another_load_has_other_keys():
    """The same rows once more, from a source that has no state, are meant to be there twice."""
    with open("now.jsonl", "w", encoding="utf8") as file:
        file.write('{"temp": 21}\n')
    with Api(lambda r: {"temp": 21}) as sensor, Api(lambda r: b"") as api:
        of_step = request({"type": "http", "url": sensor.url}, {"type": "http", "url": api.url, "mode": "append"}, state_dir="states")
        for _ in range(3):
            run_ok(of_step)
            time.sleep(0.002)
        assert [r.json for r in api.requests] == [[{"temp": 21}]] * 3 and len(set(keys(api))) == 3


def several_streams():
    messages = []
    for stream in ("a", "b"):
        messages.append({"type": "SCHEMA", "stream": stream, "key_properties": [], "schema": {"properties": {"n": {"type": "integer"}}}})
    messages += [{"type": "RECORD", "stream": s, "record": {"n": n}} for n in (1, 2) for s in ("a", "b")]
    with open("m.jsonl", "w", encoding="utf8") as file:
        file.write("".join(json.dumps(m) + "\n" for m in messages))
    with Api(lambda r: b"") as api:
        of_step = request({"type": "singer_input", "path": "m.jsonl"}, {"type": "http", "url": api.url + "/{stream}", "mode": "append"}, state_dir="states")
        run_ok(of_step)
        assert sorted((r.path, tuple(x["n"] for x in r.json)) for r in api.requests) == [("/a", (1, 2)), ("/b", (1, 2))]
        of_step["target"]["url"] = api.url
        fails(of_step, "invalid", "several streams", "{stream}")


def as_a_singer_program():
    import subprocess
    lines = [{"type": "SCHEMA", "stream": "a", "key_properties": ["n"], "schema": {"properties": {"n": {"type": "integer"}}}},
             {"type": "RECORD", "stream": "a", "record": {"n": 7}}, {"type": "STATE", "value": {"x": 1}}]
    with Api(lambda r: b"") as api:
        with open("c.json", "w", encoding="utf8") as file:
            json.dump({"url": api.url + "/{stream}"}, file)
        done = subprocess.run([el_step.EL, "target", "http", "--config", "c.json"], input="".join(json.dumps(x) + "\n" for x in lines), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
        assert done.returncode == 0 and json.loads(done.stdout) == {"x": 1}, (done.returncode, done.stdout, done.stderr)
        assert api.requests[0].path == "/a" and api.requests[0].json == [{"n": 7}]


# --- kill -9 ------------------------------------------------------------------------------------

def killed(of_step, longest, times):
    """Starts it and kills it, until it ends by itself or so often."""
    for _ in range(times):
        process, events = el_step.start(of_step)
        deadline = time.monotonic() + rng.uniform(0.05, longest)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.kill()
        if el_step.finish(process, events).code == 0:
            return
    run_ok(of_step)


def killed_on_the_way_to_a_server():
    """None is missing there; and none doubled, where it heeds the keys."""
    source(3000)
    taken = {}
    lock = threading.Lock()

    def answer(r):
        time.sleep(0.003)
        with lock:
            before = taken.setdefault(r.headers["Idempotency-Key"], r.body)
        assert before == r.body, "one key, one content"
        return b""
    with Api(answer) as api:
        killed(step(api.url, batch_rows=40), 0.6, 12)
        assert set(ids(api)) == set(range(1, 3001)), SEED
    there = [row["id"] for body in taken.values() for row in json.loads(body)]
    assert sorted(there) == list(range(1, 3001)), (SEED, len(there))


def killed_on_the_way_from_a_server():
    """Into SQLite, by upsert and by append, with keys in order and in none: each record once."""
    records = [{"id": i, "at": (i * 7919) % 500} for i in range(3000)]
    for is_sorted in (True, False):
        given = sorted(records, key=lambda x: x["at"]) if is_sorted else records

        def answer(r):
            time.sleep(0.002)
            found = [x for x in given if x["at"] >= int(r.query.get("since", 0))]
            return found[int(r.query["offset"]):][:100]
        for mode in ("upsert", "append"):
            with Api(answer) as api:
                tap = {"type": "http", "url": api.url, "replication_key": "at", "since": {"param": "since"}, "sorted": is_sorted, "pagination": {"style": "offset"}}
                target = {"type": "sqlite", "path": "t.db", "table": "t", "mode": mode, "primary_key": ["id"], "flush_every": "1ms"}
                killed(request(tap, target), 0.5, 6)
            assert rows("t.db", "SELECT count(*), count(DISTINCT id), sum(at) FROM t") == [(3000, 3000, sum(x["at"] for x in records))], (SEED, is_sorted, mode)
            os.remove("t.db")


if __name__ == "__main__":
    print(f"seed={SEED}")
    main([batches, each_format, by_bytes, what_passes_is_tried_again_with_the_same_key, an_error_names_the_rows, another_load_has_other_keys,
          several_streams, as_a_singer_program, killed_on_the_way_to_a_server, killed_on_the_way_from_a_server])
