"""Every address for every role, and every answer against its schema: both out of the OpenAPI document, which is made of the
routing table."""
import json
import os
import re
import sys

from fleet import Fleet, run_tests, wait_for
from web import PASSWORD, Client, set_up
from web_test import DEFINITIONS

ROLES = ["nobody", "viewer", "operator", "admin"]
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
    for role, scope in (("viewer", "read"), ("operator", "operate"), ("admin", "admin")):
        made = admin.ask("POST", "/api/v1/tokens", {"scopes": [scope], "expires_in": "1h", "label": role})
        assert made.status == 201, made
        clients[role] = Client(port, token=made.json["secret"])
    return clients


def address(path):
    """Of nothing that is there, so that nothing is changed by who may ask."""
    return re.sub(r"\{[^}]*\}", "nothing", path)


def every_address_asks_who_it_is():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        document = admin.get("/api/v1/openapi.json").json
        assert len(document["paths"]) > 40
        for clients in (make_users(admin, fleet.http_port), make_tokens(admin, fleet.http_port)):
            for path, methods in document["paths"].items():
                for method, route in methods.items():
                    check_roles(clients, method.upper(), path, route["x-role"])
        refused = admin.ask("POST", "/api/v1/users", {"user": "x", "role": "god", "password": PASSWORD})
        assert refused.status == 400, refused


def check_roles(clients, method, path, role):
    if path in ("/api/v1/session", "/api/v1/setup", "/api/v1/events/live", "/api/v1/users/{user}/password"):
        return  # what they answer is tested elsewhere
    needed = {"nobody": 0, "this machine": 0, "viewer": 1, "operator": 2, "admin": 3}[role]
    for name, client in clients.items():
        body = {} if method in ("POST", "PUT") else None
        status = client.ask(method, address(path), body).status
        have = ROLES.index(name)
        if have >= needed:
            expected = status not in (401, 403, 500, 405)
        else:
            expected = status == (401 if name == "nobody" else 403)
        assert expected, f"{method} {path} as {name}: {status}, it is for {role}"


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
