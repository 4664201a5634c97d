"""Tap http: each way of paging, of asking for what is new and of proving who we are; and what servers do wrong: too many requests, errors,
resets in the middle, silence, endless pages, keys in no order, no JSON, too much of it, redirects to strangers."""
import gzip
import json
import os
import subprocess
import time

from el_step import EL, main, request, rows, run, run_ok
from http_api import Api, Reset

SECRET = "s3cr3t-t0ken+/"
os.environ["no_proxy"] = "127.0.0.1"


def step(url, tap=None, **target):
    return request(dict({"type": "http", "url": url, "retry_wait": "5ms", "timeout": "5s"}, **(tap or {})),
                   dict({"type": "sqlite", "path": "t.db", "table": "t", "mode": "upsert", "primary_key": ["id"]}, **target))


def stored(*columns):
    return rows("t.db", f"SELECT {', '.join(columns)} FROM t ORDER BY rowid")


def state():
    return json.loads(rows("t.db", "SELECT value FROM _selvedge_state")[0][0])


def is_there():
    return os.path.exists("t.db") and rows("t.db", "SELECT name FROM sqlite_schema WHERE name = 't'") != []


def fails(of_step, code, *words):
    result = run(of_step)
    assert result.code == 1 and result.error is not None, (result.code, result.log)
    said = result.error["message"] + " | " + result.error.get("hint", "")
    assert result.error["code"] == code, (result.error["code"], said)
    assert all(word in said for word in words), (words, said)
    assert SECRET not in said + result.log and "s3cr3t" not in said + result.log, (said, result.log)
    return said


def people(first, count):
    return [{"id": i, "name": f"n{i}"} for i in range(first, first + count)]


# --- answers ------------------------------------------------------------------------------------

def one_answer():
    values = [{"id": 1, "s": "é\n", "n": 1, "r": 1.5, "b": True, "o": {"k": [1]}, "big": 2**63 - 1, "none": None},
              {"id": 2, "s": None, "n": 2, "r": 2, "b": False, "o": None, "new": "x"}]
    with Api(lambda r: {"meta": {"x": 1}, "data": {"people": values}}) as api:
        result = run_ok(step(api.url + "/v1/?kind=a%20b", {"path": "people", "records": "$.data.people", "params": {"q": "ü&="}}))
        assert api.requests[0].path == "/v1/people" and api.requests[0].query == {"kind": "a b", "q": "ü&="} and api.requests[0].headers["Accept"] == "application/json"
        assert api.requests[0].headers["Accept-Encoding"] == "gzip"
    assert stored("id", "s", "n", "r", "b", "o", "big", "new") == [(1, "é\n", 1, 1.5, 1, '{"k": [1]}', 2**63 - 1, None), (2, None, 2, 2.0, 0, None, None, "x")]
    assert result.metadata["rows_read"] == 2 and result.metadata["dagster/row_count"] == 2
    types = {c["name"]: c["type"] for c in result.metadata["dagster/column_schema"]["columns"]}
    assert types == {"id": "INTEGER", "s": "TEXT", "n": "INTEGER", "r": "REAL", "b": "BOOLEAN", "o": "TEXT", "big": "INTEGER", "new": "TEXT"}, types


def an_object_is_one_record():
    with Api(lambda r: {"id": 1, "temp": 21.5}) as api:
        for _ in range(2):  # without a replication key each run adds what it got
            run_ok(step(api.url + "/now", mode="append", primary_key=[]))
    assert stored("id", "temp") == [(1, 21.5)] * 2


def a_list_is_the_answer_or_lines_are():
    with Api(lambda r: people(1, 2)) as api:
        run_ok(step(api.url))
    lines = b'{"id": 3, "name": "c"}\r\n\n{"id": 4, "name": "d", "more": [1, 2]}'
    with Api(lambda r: (200, lines, {"Content-Type": "application/x-ndjson; charset=utf-8"})) as api:
        run_ok(step(api.url))
    with Api(lambda r: b'{"id": 5}\n{"id": 6}\n') as api:
        run_ok(step(api.url, {"format": "jsonl"}))
        fails(step(api.url), "invalid", "no JSON")
    assert stored("id", "name", "more") == [(1, "n1", None), (2, "n2", None), (3, "c", None), (4, "d", "[1, 2]"), (5, None, None), (6, None, None)]


def nothing_is_no_error():
    for body in (b"", b"[]", b'{"data": null}', b'{"data": []}'):
        with Api(lambda r, body=body: (204 if not body else 200, body)) as api:
            result = run_ok(step(api.url, {"records": "data"} if b"data" in body else {}))
            assert result.metadata["rows_read"] == 0
    assert not is_there()


def packed_answers():
    def answer(_):
        return 200, gzip.compress(json.dumps(people(1, 5000)).encode()), {"Content-Encoding": "gzip"}
    with Api(answer) as api:
        run_ok(step(api.url))
        said = fails(step(api.url, {"answer_bytes_max": "16KiB"}), "full", "more than 16384 bytes", "smaller pages")
        assert "GET http://127.0.0.1" in said
    assert stored("count(*)", "max(name)") == [(5000, "n999")]


def given_columns():
    with Api(lambda r: [{"id": 1, "code": 7, "x": 1}, {"id": 2, "code": "007", "x": 2}]) as api:
        columns = [{"name": "id", "type": "integer"}, {"name": "code", "type": "text"}, {"name": "at", "type": "text"}]
        run_ok(step(api.url, {"columns": columns}))
        assert stored("*") == [(1, "7", None), (2, "007", None)]
        columns[1]["type"] = "integer"
        fails(step(api.url, {"columns": columns}, table="u"), "invalid", "record 2", '"code"', "expected a 64-bit integer")


def an_empty_answer_empties_an_overwritten_table():
    answers = [people(1, 3), []]
    with Api(lambda r: answers.pop(0)) as api:
        for _ in range(2):
            result = run_ok(step(api.url, mode="overwrite", primary_key=[]))
    assert result.metadata["dagster/row_count"] == 0 and stored("count(*)") == [(0,)]


# --- pages --------------------------------------------------------------------------------------

def pages_by_number():
    with Api(lambda r: people(int(r.query["p"]) * 10, 10 if r.query["p"] != "4" else 0)) as api:
        run_ok(step(api.url + "/x", {"pagination": {"style": "page", "param": "p", "size_param": "per_page", "size": 10}}))
        assert [r.query for r in api.requests] == [{"p": str(i), "per_page": "10"} for i in (1, 2, 3, 4)]
        assert len({r.peer for r in api.requests}) == 1, "one connection"
    assert stored("count(*)") == [(30,)]


def pages_by_offset_go_by_what_came():
    """The server gives fewer than it was asked for: none is passed over."""
    everything = people(1, 25)
    with Api(lambda r: {"items": everything[int(r.query["offset"]):int(r.query["offset"]) + 7]}) as api:
        run_ok(step(api.url, {"records": "items", "pagination": {"style": "offset", "size_param": "limit", "size": 100}}))
        assert [r.query["offset"] for r in api.requests] == ["0", "7", "14", "21", "25"]
    assert stored("count(*)", "count(DISTINCT id)") == [(25, 25)]


def pages_by_cursor():
    def answer(r):
        at = {"": 0, "a/b=": 1, "7": 2}[r.query.get("after", "")]
        return {"data": people(at * 2, 2), "meta": {"next": ["a/b=", 7, None][at]}}
    with Api(answer) as api:
        run_ok(step(api.url + "?fixed=1", {"records": "data", "pagination": {"style": "cursor", "next": "meta.next", "param": "after"}}))
        assert [r.query for r in api.requests] == [{"fixed": "1"}, {"fixed": "1", "after": "a/b="}, {"fixed": "1", "after": "7"}]
    assert stored("count(*)") == [(6,)]


def the_last_record_as_cursor():
    def answer(r):
        first = int(r.query.get("starting_after", 0)) + 1
        return {"data": people(first, 3), "has_more": first < 7}
    with Api(answer) as api:
        run_ok(step(api.url, {"records": "data", "pagination": {"style": "cursor", "next": "data[-1].id", "more": "has_more", "param": "starting_after"}}))
    assert stored("count(*)", "max(id)") == [(9, 9)]


def the_next_pages_url():
    def answer(r):
        n = int(r.query.get("n", 0))
        following = ["/b?n=1", f"http://127.0.0.1:{r.headers['Host'].split(':')[1]}/c?n=2", "?n=3", ""][n]
        return {"data": people(n, 1), "next": following}
    with Api(answer) as api:
        run_ok(step(api.url + "/a?k=1", {"records": "data", "pagination": {"style": "cursor", "next": "next"}, "auth": {"kind": "api_key", "name": "key", "in": "query", "token": SECRET}}))
        assert [(r.path, r.query) for r in api.requests] == [("/a", {"k": "1", "key": SECRET}), ("/b", {"n": "1", "key": SECRET}),
                                                             ("/c", {"n": "2", "key": SECRET}), ("/c", {"n": "3", "key": SECRET})]


def pages_by_link():
    def answer(r):
        n = int(r.query.get("page", 1))
        links = [f'</x?page={n - 1}>; rel="prev"'] if n > 1 else []
        if n < 3:
            links.append(f'</x?page={n + 1}>; title="a, <b>; rel=last"; rel="foo NEXT"')
        return 200, people(n, 1), {"Link": links}
    with Api(answer) as api:
        run_ok(step(api.url + "/x", {"pagination": {"style": "link"}}))
        assert [r.target for r in api.requests] == ["/x", "/x?page=2", "/x?page=3"]
        result = run_ok(step(api.url + "/x", table="u"))
        assert "el.http_more_pages" in result.log and rows("t.db", "SELECT count(*) FROM u") == [(1,)]
    assert stored("id") == [(1,), (2,), (3,)]


def a_post_with_its_page_in_the_body():
    def answer(r):
        asked = r.json
        assert r.method == "POST" and r.headers["Content-Type"] == "application/json" and asked["query"] == "{ people }", asked
        n = asked["variables"].get("after", 0)
        return {"data": {"people": people(n, 1), "page": {"end": n + 1, "more": n < 2}}}
    with Api(answer) as api:
        run_ok(step(api.url + "/graphql", {
            "method": "POST", "body": {"query": "{ people }", "variables": {"first": 1}}, "records": "data.people",
            "pagination": {"style": "cursor", "next": "data.page.end", "more": "data.page.more", "param": "variables.after", "in": "body"}}))
        assert [r.json["variables"] for r in api.requests] == [{"first": 1}, {"first": 1, "after": 1}, {"first": 1, "after": 2}]
    assert stored("id") == [(0,), (1,), (2,)]


def pages_that_never_end():
    with Api(lambda r: people(1, 2)) as api:
        fails(step(api.url, {"pagination": {"style": "page"}}), "invalid", "page 2 is the same as the one before", "may not heed")
        assert len(api.requests) == 2
    with Api(lambda r: {"d": people(int(r.query.get("c", 0)), 1), "c": (int(r.query.get("c", 0)) + 1) % 5}) as api:
        fails(step(api.url, {"records": "d", "pagination": {"style": "cursor", "next": "c", "param": "c"}}), "invalid", "round in a circle")
        assert len(api.requests) < 20
    with Api(lambda r: people(int(r.query["page"]), 1)) as api:
        fails(step(api.url, {"pagination": {"style": "page", "max_pages": 5}}), "full", "more than 5 pages")
        assert len(api.requests) == 5


def new_columns_and_wider_ones_on_later_pages():
    pages = [[{"id": 1, "n": 1, "late": None}], [{"id": 2, "n": 1.5, "late": "x"}], [{"id": 3, "only": True}], []]
    with Api(lambda r: pages[int(r.query["page"]) - 1]) as api:
        run_ok(step(api.url, {"pagination": {"style": "page"}}))
    assert stored("id", "n", "late", "only") == [(1, 1, None, None), (2, 1.5, "x", None), (3, None, None, 1)]


# --- what is new --------------------------------------------------------------------------------

def shop(records, calls, key="at"):
    """An API that gives what changed since (>=), in no order, two a page."""
    def answer(r):
        calls.append(r.query.get("since"))
        found = [x for x in records if r.query.get("since") is None or (x[key] or "") >= r.query["since"]]
        at = int(r.query["offset"])
        return found[at:at + 2]
    return answer


def unsorted_keys_move_the_state_at_the_end():
    records = [{"id": 1, "at": "2026-01-03"}, {"id": 2, "at": "2026-01-01"}, {"id": 3, "at": "2026-01-02"}]
    calls = []
    tap = {"replication_key": "at", "since": {"param": "since"}, "pagination": {"style": "offset"}, "stream": "sales"}
    with Api(shop(records, calls)) as api:
        result = run_ok(step(api.url, tap))
        assert result.metadata["replication_key_min"] == "2026-01-01" and result.metadata["replication_key_max"] == "2026-01-03"
        assert state()["bookmarks"]["sales"]["replication_key_value"] == "2026-01-03"
        records += [{"id": 4, "at": "2026-01-03"}, {"id": 5, "at": "2026-01-05"}, {"id": 6, "at": None}]
        records[1]["at"] = "2026-01-04"
        run_ok(step(api.url, tap))
        assert calls[:3] == [None] * 3 and set(calls[3:]) == {"2026-01-03"}
    assert stored("id", "at") == [(1, "2026-01-03"), (2, "2026-01-04"), (3, "2026-01-02"), (4, "2026-01-03"), (5, "2026-01-05")]
    assert state()["bookmarks"]["sales"]["replication_key_value"] == "2026-01-05"


def an_append_adds_each_record_once():
    """Also of those that share the bookmark, and of a server that does not heed the parameter."""
    for heeds in (True, False):
        records = [{"n": 1, "at": 5}, {"n": 2, "at": 7}, {"n": 3, "at": 7}, {"n": 4, "at": 6}]

        def answer(r):
            since = int(r.query.get("from", 0)) if heeds else 0
            return [x for x in records if x["at"] >= since]
        tap = {"replication_key": "at", "since": {"param": "from"}, "stream": "s"}
        with Api(answer) as api:
            target = {"mode": "append", "primary_key": [], "table": f"t{heeds}"}
            for new in ([], [], [{"n": 5, "at": 7}], [{"n": 6, "at": 9}, {"n": 7, "at": 8}], []):
                records += new
                run_ok(step(api.url, tap, **target))
        assert rows("t.db", f"SELECT n FROM t{heeds} ORDER BY rowid") == [(1,), (2,), (3,), (4,), (5,), (6,), (7,)], heeds
        os.remove("t.db")


def a_sorted_load_that_breaks_off_goes_on_where_it_was():
    records = [{"id": i, "at": i // 2} for i in range(40)]
    calls = []

    def answer(r):
        calls.append((r.query.get("from"), r.query["offset"]))
        if len(calls) == 5:
            return 400, b"enough"
        found = [x for x in records if x["at"] >= int(r.query.get("from", 0))]
        return found[int(r.query["offset"]):][:5]
    for mode in ("upsert", "append"):
        calls.clear()
        tap = {"replication_key": "at", "sorted": True, "since": {"param": "from"}, "pagination": {"style": "offset"}, "stream": "s"}
        target = {"mode": mode, "table": mode}
        with Api(answer) as api:
            fails(step(api.url, tap, **target), "invalid", "answered 400: enough")
            assert rows("t.db", f"SELECT count(*) FROM {mode}") == [(20,)]
            assert state()["bookmarks"]["s"]["replication_key_value"] == 9
            run_ok(step(api.url, tap, **target))
            assert calls[5] == ("9", "0")
        assert rows("t.db", f"SELECT count(*), count(DISTINCT id) FROM {mode}") == [(40, 40)]
        os.remove("t.db")


def what_is_said_to_be_sorted_has_to_be():
    with Api(lambda r: [{"id": 1, "at": 2}, {"id": 2, "at": 1}]) as api:
        fails(step(api.url, {"replication_key": "at", "sorted": True}), "invalid", "record 2", "lower than", "sorted")


def an_unsorted_append_that_breaks_off_keeps_nothing():
    calls = []

    def answer(r):
        calls.append(r)
        return (404, b"") if len(calls) == 2 else [{"id": len(calls), "at": 1}]
    tap = {"replication_key": "at", "pagination": {"style": "page"}}
    with Api(answer) as api:
        fails(step(api.url, tap, mode="append", primary_key=[]), "not_found", "404")
        assert not is_there()


def how_the_time_is_written():
    for form, want in (("as_is", "2026-01-02T03:04:05Z"), ("date", "2026-01-02"), ("unix", "1767323045"), ("unix_ms", "1767323045000")):
        with Api(lambda r: [{"id": 1, "at": "2026-01-02T03:04:05Z"}]) as api:
            tap = {"replication_key": "at", "since": {"param": "since", "format": form, "start": "first"}}
            for _ in range(2):
                run_ok(step(api.url, tap))
            assert [r.query["since"] for r in api.requests] == ["first", want]
        os.remove("t.db")
    with Api(lambda r: [{"id": 1, "at": "monday"}]) as api:
        tap = {"replication_key": "at", "since": {"param": "since", "format": "unix"}}
        run_ok(step(api.url, tap))
        fails(step(api.url, tap), "invalid", "is no time: monday")


def a_key_that_is_not_there():
    with Api(lambda r: [{"id": 1, "updated_at": 2}]) as api:
        fails(step(api.url, {"replication_key": "updatd_at"}), "not_found", '"updatd_at"', 'did you mean "updated_at"')


# --- who we are ---------------------------------------------------------------------------------

def each_way_to_prove_it():
    cases = [({"kind": "basic", "user": "ada", "password": SECRET}, "Authorization", "Basic YWRhOnMzY3IzdC10MGtlbisv"),
             ({"kind": "bearer", "token": SECRET}, "Authorization", "Bearer " + SECRET),
             ({"kind": "api_key", "name": "X-Key", "token": SECRET}, "X-Key", SECRET)]
    for auth, header, value in cases:
        with Api(lambda r, h=header, v=value: [{"id": 1}] if r.headers[h] == v else (401, b"who are you?")) as api:
            run_ok(step(api.url, {"auth": auth, "headers": {"X-Tenant": "nine"}}))
            assert api.requests[0].headers["X-Tenant"] == "nine" and len(api.requests) == 1
            fails(step(api.url), "denied", "answered 401: who are you?", '"auth"')


def errors_hold_no_secret():
    """The server says back what it got."""
    def answer(r):
        return 400, " ".join(["no:", r.target, r.headers.get("Authorization", ""), r.headers.get("X-Key", "")]).encode()
    for auth in ({"kind": "basic", "user": "ada", "password": SECRET}, {"kind": "bearer", "token": SECRET},
                 {"kind": "api_key", "name": "X-Key", "token": SECRET}, {"kind": "api_key", "name": "key", "in": "query", "token": SECRET}):
        with Api(answer) as api:
            said = fails(step(api.url + "/p", {"auth": auth}), "invalid", "answered 400: no: /p", "***")
            assert "YWRhOnMz" not in said and "key=" not in said.split("answered")[0], said
    with Api(lambda r: (429, b"")) as api:
        fails(step(api.url + "?key=" + SECRET, {"retries": 1}), "busy", "429")
    fails(step("http://ada:s3cr3t@127.0.0.1/"), "invalid", "has a user in it")
    fails(step("http://127.0.0.1/", {"auth": {"kind": "bearer", "token": "s3cr3t\n"}}), "invalid", "line end")


def tokens_by_client_credentials():
    given = []

    def answer(r):
        if r.path == "/token":
            assert r.method == "POST" and r.body == b"grant_type=client_credentials&scope=read%20all", r.body
            assert r.headers["Authorization"] == "Basic bWU6czNjcjN0LXQwa2VuJTJCJTJG", r.headers["Authorization"]  # form-encoded first
            given.append(f"{SECRET}{len(given)}")
            return {"access_token": given[-1], "token_type": "Bearer", "expires_in": 3600}
        if r.headers["Authorization"] != "Bearer " + given[-1] or (len(given) == 1 and r.query["page"] == "2"):
            return 401, ("bad " + r.headers["Authorization"]).encode()
        return people(int(r.query["page"]), 1 if int(r.query["page"]) < 3 else 0)
    auth = {"kind": "oauth2", "client_id": "me", "client_secret": SECRET, "scope": "read all"}
    with Api(answer) as api:
        run_ok(step(api.url + "/x", {"auth": dict(auth, token_url=api.url + "/token"), "pagination": {"style": "page"}}))
        assert len(given) == 2, "one at first, one when it was taken back"
        assert stored("count(*)") == [(2,)]
    with Api(lambda r: {"access_token": SECRET} if r.path == "/token" else (401, ("bad " + r.headers["Authorization"]).encode())) as api:
        fails(step(api.url + "/x", {"auth": dict(auth, token_url=api.url + "/token")}), "denied", "401: bad Bearer ***")
        assert len(api.requests) == 2
    with Api(lambda r: (403, b"no such client")) as api:
        fails(step(api.url + "/x", {"auth": dict(auth, token_url=api.url + "/token")}), "denied", "auth: token", "403: no such client")


def redirects_leave_secrets_behind():
    with Api(lambda r: people(1, 1)) as stranger:
        def answer(r):
            if r.path == "/a":
                return 302, b"", {"Location": "/b?x=1"}
            return 307, b"", {"Location": stranger.url + "/data?signed=1"}
        with Api(answer) as api:
            run_ok(step(api.url + "/a", {"auth": {"kind": "bearer", "token": SECRET}, "headers": {"X-Key": SECRET}}))
            assert [(r.path, r.headers["Authorization"], r.headers["X-Key"]) for r in api.requests] == [("/a", "Bearer " + SECRET, SECRET), ("/b", "Bearer " + SECRET, SECRET)]
        assert stranger.requests[0].target == "/data?signed=1"
        assert SECRET not in str(stranger.requests[0].headers)
        before = len(stranger.requests)
        with Api(lambda r: (307, b"", {"Location": stranger.url})) as api:
            fails(step(api.url, {"method": "POST", "body": {"k": SECRET}}), "invalid", "redirected (307)", "only a GET")
        with Api(lambda r: (200, people(1, 1), {"Link": f'<{stranger.url}/2>; rel=next'})) as api:
            fails(step(api.url, {"pagination": {"style": "link"}, "auth": {"kind": "bearer", "token": SECRET}}), "denied", "on another server", str(stranger.port))
        assert len(stranger.requests) == before
    with Api(lambda r: (301, b"", {"Location": r.target + "x"})) as api:
        fails(step(api.url + "/"), "invalid", "one time too many")
        assert len(api.requests) == 6


# --- what servers do wrong ----------------------------------------------------------------------

def too_many_requests():
    answers = [(429, b"slow down", {"Retry-After": "1"}), (503, b"", {"Retry-After": "Thu, 01 Jan 1970 00:00:08 GMT", "Date": "Thu, 01 Jan 1970 00:00:07 GMT"}), people(1, 1)]
    with Api(lambda r: answers.pop(0)) as api:
        result = run_ok(step(api.url))
        gaps = [b.time - a.time for a, b in zip(api.requests, api.requests[1:])]
        assert len(gaps) == 2 and all(1.0 <= gap < 4 for gap in gaps), gaps
        assert result.log.count("el.http_retry") == 2 and "status=429" in result.log
    with Api(lambda r: (429, b"tomorrow", {"Retry-After": "86400"})) as api:
        fails(step(api.url), "busy", "asks to wait for 1 d", "tomorrow")
        assert len(api.requests) == 1


def errors_that_pass():
    answers = [(500, b"oops"), (502, b""), Reset(), Reset(b'[{"id": 1'), (503, b""), people(1, 3)]

    def answer(_):
        said = answers.pop(0)
        if isinstance(said, Reset):
            raise said
        return said
    with Api(answer) as api:
        run_ok(step(api.url))
    assert stored("count(*)") == [(3,)] and answers == []


def errors_that_do_not():
    with Api(lambda r: (500, b"oops\r\n  again")) as api:
        fails(step(api.url, {"retries": 2}), "offline", "answered 500 after 2 retries: oops again")
        assert len(api.requests) == 3
    for status, code in ((400, "invalid"), (403, "denied"), (404, "not_found"), (422, "invalid"), (501, "offline")):
        with Api(lambda r, status=status: (status, b"x" * 5000)) as api:
            said = fails(step(api.url), code, f"answered {status}: xxx")
            assert len(said) < 600 and len(api.requests) == 1
    with Api(lambda r: (400, b"\xff\xfe")) as api:
        fails(step(api.url), "invalid", "(no text)")


def rows_of_before_are_kept():
    def answer(r):
        if r.query["page"] == "3":
            raise Reset(b'[{"id": 7}')
        return people(int(r.query["page"]), 1)
    with Api(answer) as api:
        said = fails(step(api.url, {"pagination": {"style": "page"}, "retries": 1}), "offline", "after 1 retries")
        assert "GET http://127.0.0.1" in said
        assert stored("id") == [(1,), (2,)]
        fails(step(api.url, {"pagination": {"style": "page"}, "retries": 0}, mode="overwrite", primary_key=[]), "offline")
        assert stored("id") == [(1,), (2,)], "an overwrite keeps the old ones"


def nobody_listens():
    with Api(lambda r: b"") as api:
        url = api.url
    fails(step(url, {"retries": 1}), "offline", "after 1 retries", "127.0.0.1")


def a_server_that_says_nothing():
    def answer(_):
        time.sleep(3)
        return b"[]"
    with Api(answer) as api:
        began = time.monotonic()
        fails(step(api.url, {"timeout": "300ms", "retries": 0}), "timeout", "silent for 300 ms")
        assert time.monotonic() - began < 2.8


def no_json():
    for body, words in ((b"<html>busy</html>", ["no JSON"]), (b'{"data": [{"id": 1}', ["no JSON", "the text ends"]), (b'{"items": []}', ['no "data"', "items", '"records"']),
                        (b'{"data": 7}', ["an integer"]), (b'{"data": [1]}', ["record 1 is an integer"]), (b'{"data": [{"id": 1}, {"id": 2} x]}', ["no JSON"]),
                        (b'{"data": [{"id": 1, "id": 2}]}', ["record 1", "occurs twice"]), (b'{"data": [{}]}', ["no members"])):
        with Api(lambda r, body=body: body) as api:
            fails(step(api.url, {"records": "data"}), "invalid", *words)
            assert len(api.requests) == 1 and not is_there(), body


def the_rate():
    with Api(lambda r: people(int(r.query["page"]), 1 if int(r.query["page"]) < 6 else 0)) as api:
        run_ok(step(api.url, {"pagination": {"style": "page"}, "requests_per_second": 20}))
        times = [r.time for r in api.requests]
        # The server may see the first one late, but not the last one early.
        assert len(times) == 6 and times[-1] - times[0] >= 0.15, times


def options_that_make_no_sense():
    for tap, words in (({"since": {"param": "x"}}, ["replication_key"]), ({"sorted": True}, ["replication_key"]), ({"body": {}}, ["GET", "POST"]),
                       ({"records": "a..b"}, ['"records"', "empty name"]), ({"pagination": {"style": "cursor"}}, ['"next"']),
                       ({"pagination": {"style": "page", "size": 5}}, ['"size_param"']), ({"auth": {"kind": "basic"}}, ['"user"']),
                       ({"pagination": {"style": "page", "in": "body"}}, ["JSON object"]), ({"requests_per_second": -1}, ["below 0"]),
                       ({"headers": {"a:b": "c"}}, ["no name"]), ({"url": "ftp://x/"}, ["URL"]), ({"url": "127.0.0.1/x y\x01"}, ["control"])):
        fails(step("http://127.0.0.1:1/", tap), "invalid", *words)


def the_certificate():
    import ssl
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "ca.pem", "-days", "2",
                    "-subj", "/CN=api", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("ca.pem", "key.pem")
    with Api(lambda r: people(1, 1), wrap=lambda s: context.wrap_socket(s, server_side=True)) as api:
        fails(step(api.url), "denied", "TLS", "ca_file")
        assert api.requests == []
        run_ok(step(api.url, {"ca_file": "ca.pem"}))
        run_ok(step(api.url, {"tls_verify": False}))
        fails(step(api.url.replace("127.0.0.1", "localhost"), {"ca_file": "ca.pem"}), "denied", "TLS")


def as_a_singer_program():
    records = [{"id": i, "at": 10 - i, "name": f"n{i}", "x": None if i == 1 else i / 2} for i in range(6)]

    def tap(*arguments):
        done = subprocess.run([EL, "tap", "http", "--config", "c.json", *arguments], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def answer(r):
        return [x for x in records if x["at"] >= int(r.query.get("since", 0))][int(r.query["offset"]):][:2]
    with Api(answer) as api:
        with open("c.json", "w", encoding="utf8") as file:
            json.dump({"url": api.url + "/v1/orders.json", "pagination": {"style": "offset"}, "primary_key": ["id"], "replication_key": "at", "since": {"param": "since"}}, file)
        found = tap("--discover")[0]["streams"][0]
        assert (found["tap_stream_id"], found["key_properties"]) == ("orders", ["id"]) and found["metadata"][0]["metadata"]["valid-replication-keys"] == ["at"]
        assert len(api.requests) == 1, "one page tells the columns"
        messages = tap()
        assert [m["record"]["id"] for m in messages if m["type"] == "RECORD"] == list(range(6))
        schemas = [sorted(m["schema"]["properties"]) for m in messages if m["type"] == "SCHEMA"]
        assert schemas == [["at", "id", "name", "x"]], schemas
        state_value = messages[-1]["value"]
        assert state_value["bookmarks"]["orders"]["replication_key_value"] == 10 and messages[-1]["type"] == "STATE"
        with open("state.json", "w", encoding="utf8") as file:
            json.dump(state_value, file)
        found["metadata"][0]["metadata"]["selected"] = True
        next(m for m in found["metadata"] if m["breadcrumb"] == ["properties", "name"])["metadata"]["selected"] = False
        with open("catalog.json", "w", encoding="utf8") as file:
            json.dump({"streams": [found]}, file)
        records.append({"id": 9, "at": 11, "name": "n9", "x": 1})
        messages = tap("--state", "state.json", "--catalog", "catalog.json")
        assert [m["record"] for m in messages if m["type"] == "RECORD"] == [{"id": 0, "at": 10, "x": 0.0}, {"id": 9, "at": 11, "x": 1.0}]
        found["metadata"][0]["metadata"]["forced-replication-method"] = found["replication_method"] = "FULL_TABLE"
        with open("catalog.json", "w", encoding="utf8") as file:
            json.dump({"streams": [found]}, file)
        assert len(tap("--state", "state.json", "--catalog", "catalog.json")) >= 1 + 7


if __name__ == "__main__":
    main([one_answer, an_object_is_one_record, a_list_is_the_answer_or_lines_are, nothing_is_no_error, packed_answers, given_columns,
          an_empty_answer_empties_an_overwritten_table, pages_by_number, pages_by_offset_go_by_what_came, pages_by_cursor, the_last_record_as_cursor,
          the_next_pages_url, pages_by_link, a_post_with_its_page_in_the_body, pages_that_never_end, new_columns_and_wider_ones_on_later_pages,
          unsorted_keys_move_the_state_at_the_end, an_append_adds_each_record_once, a_sorted_load_that_breaks_off_goes_on_where_it_was,
          what_is_said_to_be_sorted_has_to_be, an_unsorted_append_that_breaks_off_keeps_nothing, how_the_time_is_written, a_key_that_is_not_there,
          each_way_to_prove_it, errors_hold_no_secret, tokens_by_client_credentials, redirects_leave_secrets_behind, too_many_requests,
          errors_that_pass, errors_that_do_not, rows_of_before_are_kept, nobody_listens, a_server_that_says_nothing, no_json, the_rate,
          options_that_make_no_sense, the_certificate, as_a_singer_program])
