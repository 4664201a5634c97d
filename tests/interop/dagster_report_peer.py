"""What Dagster's own web server answers to requests that report what happened to assets, and what it then records: read from standard
input as a JSON array of {"path","query","content_type","body"}, told as a JSON array. Runs in a virtual environment that has it."""
import asyncio
import json
import sys

from dagster_webserver import external_assets
from starlette.requests import Request

ENDPOINTS = {"report_asset_materialization": external_assets.handle_report_asset_materialization_request,
             "report_asset_check": external_assets.handle_report_asset_check_request,
             "report_asset_observation": external_assets.handle_report_asset_observation_request}


class Context:
    def __init__(self):
        self.recorded = []
        self.instance = self

    def report_runless_asset_event(self, event):
        self.recorded.append(event)

    def has_permission_for_selector(self, *_):
        return True

    def get_reporting_user_tags(self):
        return {}


def request_of(form):
    endpoint, _, key = form["path"].strip("/").partition("/")
    headers = [(b"content-type", form["content_type"].encode())] if form["content_type"] else []

    async def receive():
        return {"type": "http.request", "body": (form["body"] or "").encode(), "more_body": False}
    scope = {"type": "http", "method": "POST", "path": form["path"], "headers": headers, "query_string": form["query"].encode(),
             "path_params": {"asset_key": key}}
    return endpoint, Request(scope, receive)


def event_of(event):
    told = {"asset": "/".join(event.asset_key.path), "partition": event.partition,
            "metadata": {name: value.value for name, value in (event.metadata or {}).items()}}
    if hasattr(event, "check_name"):
        return {**told, "check": event.check_name, "passed": event.passed, "severity": event.severity.value.lower()}
    return {**told, "description": event.description, "data_version": (event.tags or {}).get("dagster/data_version")}


async def ask(form):
    context = Context()
    endpoint, request = request_of(form)
    try:
        response = await ENDPOINTS[endpoint](context, request)
    except Exception as problem:  # pylint: disable=broad-exception-caught # a 500 of the server
        return {"status": 500, "body": str(problem)[:200], "event": None}
    return {"status": response.status_code, "body": json.loads(response.body),
            "event": event_of(context.recorded[0]) if context.recorded else None}


async def main():
    json.dump([await ask(form) for form in json.load(sys.stdin)], sys.stdout)


asyncio.run(main())
