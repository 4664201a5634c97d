"""Every address for every role, and every answer against its schema: both out of the OpenAPI document, which is made of the
routing table."""
import json
import os
import re
import sys

from fleet import Fleet, run_tests, wait_for
from web import PASSWORD, Client, set_up
from web_test import DEFINITIONS

ROLES = ["nobody", "metrics", "viewer", "operator", "admin"]
NEEDED = {"nobody": 0, "this machine": 1, "viewer": 2, "operator": 3, "admin": 4}  # x-role, as who at least
ELSEWHERE = {"X-Forwarded-For": "192.0.2.9"}  # asked by a proxy: not of this machine
HERE = os.path.dirname(os.path.abspath(__file__))


def make_users(admin, port):
    clients = {"nobody": Client(port), "admin": admin}
    for role in ("viewer", "operator"):
        made = admin.ask("POST", "/api/v1/users", {"user": role, "role": role, "password": PASSWORD})
        assert made.status == 201, made
        clients[role] = Client(port).log_in(role)
    return clients


def make_tokens(admin, port):
    clients = {"nobody": Client(port)}
    for role, scope in (("metrics", "metrics"), ("viewer", "read"), ("operator", "operate"), ("admin", "admin")):
        made = admin.ask("POST", "/api/v1/tokens", {"scopes": [scope], "expires_in": "1h", "label": role})
        assert made.status == 201, made
        clients[role] = Client(port, token=made.json["secret"])
    return clients


def address(path):
    """Of nothing that is there, so that nothing is changed by who may ask."""
    return re.sub(r"\{[^}]*\}", "nothing", path)


def status_of(client, method, path, headers):
    """Without the body, which of a stream has no end."""
    connection = client.connect(30)
    sent = dict(headers)
    if client.token:
        sent["Authorization"] = "Bearer " + client.token
    if client.cookie:
        sent.update({"Cookie": client.cookie, "X-CSRF-Token": client.csrf})
    body = None
    if method in ("POST", "PUT"):
        body, sent["Content-Type"] = "{}", "application/json"
    try:
        connection.request(method, path, body=body, headers=sent)
        return connection.getresponse().status
    finally:
        connection.close()


def every_address_asks_who_it_is():
    """Out of the routing table, by the document that is made of it: a route that is added is asked too."""
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        document = admin.get("/api/v1/openapi.json").json
        other = admin.ask("POST", "/api/v1/users", {"user": "other", "role": "viewer", "password": PASSWORD})
        assert other.status == 201, other
        viewer = Client(fleet.http_port).log_in("other")  # before so many wrong passwords that it must wait
        asked = 0
        for clients in (make_users(admin, fleet.http_port), make_tokens(admin, fleet.http_port)):
            for path, methods in document["paths"].items():
                for method, route in methods.items():
                    check_roles(clients, method.upper(), path, route["x-role"])
                    asked += 1
        assert asked > 120, asked
        refused = admin.ask("POST", "/api/v1/users", {"user": "x", "role": "god", "password": PASSWORD})
        assert refused.status == 400, refused
        changed = viewer.ask("PUT", "/api/v1/users/viewer/password", {"old": PASSWORD, "password": "not yours " * 3})
        assert changed.status == 403, "a viewer sets somebody else's password"


def check_roles(clients, method, path, role):
    needed = NEEDED[role]
    for name, client in clients.items():
        have = ROLES.index(name)
        if method == "DELETE" and path == "/api/v1/session" and name != "nobody":
            continue  # ends what the others are asked with; web_test.py
        status = status_of(client, method, address(path), ELSEWHERE)
        if have < needed:
            expected = status == (401 if name == "nobody" else 403)
        elif path == "/api/v1/users/{user}/password" and name != "admin":
            expected = status == 403  # everybody may, and only their own: this one is nobody's
        elif path == "/api/v1/setup" or (path == "/api/v1/session" and (method == "POST" or name == "nobody" and method == "GET")):
            expected = status in (400, 401, 403, 409, 429)  # asks for a secret, or who one is
        else:
            expected = status not in (401, 403, 500, 405)
        assert expected, f"{method} {path} as {name}: {status}, it is for {role}"
        if role == "this machine":
            assert status_of(client, method, address(path), {}) == 200, f"{method} {path} from this machine as {name}"


# --- schemas ------------------------------------------------------------------------------------------

TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}


def check(document, schema, value, where):
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds] if kinds else []
    if value is None:
        assert "null" in kinds or not kinds, f"{where} is null"
        return
    if kinds:
        fits = any(isinstance(value, TYPES[k]) and not (k == "integer" and isinstance(value, bool)) for k in kinds if k != "null")
        assert fits, f"{where}: {value!r} is no {kinds}"
    if isinstance(value, dict) and "properties" in schema:
        for name in schema.get("required", []):
            assert name in value, f"{where}: {name} is missing in {value}"
        for name, member in value.items():
            assert name in schema["properties"], f"{where}: nobody knows {name}"
            check(document, schema["properties"][name], member, f"{where}.{name}")
    if isinstance(value, list):
        for i, item in enumerate(value):
            check(document, schema.get("items", {}), item, f"{where}[{i}]")


def answers_are_as_the_document_says():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        document = admin.get("/api/v1/openapi.json").json
        with open(os.path.join(HERE, "../../docs/reference/openapi.json")) as f:
            assert json.load(f) == document, "docs/reference/openapi.json is old: run ./dev docs"
        device = fleet.device("brooklyn", DEFINITIONS)
        device.enrol()
        device.start()
        device.command("materialize", "*", code=None)
        run = wait_for("the run has ended at the hub", lambda: admin.items("/api/v1/runs?status=failure"))[0]["run"]
        given = admin.ask("POST", "/api/v1/commands", {"verb": "ping", "targets": "brooklyn"})
        assert given.status == 201, given
        assert admin.ask("PUT", "/api/v1/documents/loud", {"to": "*", "content": {"settings": {"log_level": "debug"}}}).status == 200
        wait_for("something is wanted of it", lambda: admin.get("/api/v1/desired/brooklyn").status == 200)
        names = {"device": "brooklyn", "run": run, "key": "pos/orders", "command": given.json["command"]}
        seen = 0
        for path, methods in document["paths"].items():
            content = methods.get("get", {}).get("responses", {}).get("2XX", {}).get("content", {})
            if "application/json" not in content:
                continue
            full = path
            for name, value in names.items():
                full = full.replace("{" + name + "}", value)
            if "{" in full:
                continue
            full += {"/api/v1/search": "?q=o", "/api/v1/targets": "?to=*", "/api/v1/runs/{device}/{run}/output": "?step=pos/orders"}.get(path, "")
            answer = admin.get(full)
            assert answer.status in (200, 202), (full, answer)
            check(document, content["application/json"]["schema"], answer.json, full)
            seen += 1
        assert seen >= 28, seen


if __name__ == "__main__":
    sys.exit(run_tests([every_address_asks_who_it_is, answers_are_as_the_document_says]))
