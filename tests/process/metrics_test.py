"""What Prometheus is told: by its conventions, by the hub's state, and all that the Grafana dashboard asks for."""
import json
import os
import re
import sys
import time

from fleet import Fleet, run_tests, wait_for
from web import Client, wait_for_web

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SAMPLE = re.compile(r'^([a-z_]+)(?:\{([a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*)\})? (-?[0-9.e+-]+)$')
DEFINITIONS = """
project: shop
assets:
  - {key: a/good, run: ['true']}
  - {key: a/bad, run: ['false']}
"""


def read(text):
    """{"name{labels}": value}, and the type of each family."""
    values, types, told = {}, {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types and name in told, line
            types[name] = kind
        elif line.startswith("# HELP "):
            told.add(line.split(" ")[2])
        else:
            name, labels, value = SAMPLE.match(line).groups()
            assert name in types, line
            values[name + ("{" + labels + "}" if labels else "")] = float(value)
    for name, kind in types.items():
        assert name.startswith("selvedge_") and kind in ("counter", "gauge"), name
        assert name.endswith("_total") == (kind == "counter"), f"{name} is a {kind}"
    return values, types


def what_is_the_same_is_made_once(fleet, told):
    """Of the fleet, while nothing is committed, for a second at most; what the web process tells of itself is of now."""
    path = os.path.join(fleet.hub_dir, "broker", "server.pem")
    name = 'selvedge_hub_certificate_expiry_timestamp_seconds{certificate="broker"}'
    answered = 'selvedge_web_requests_total{code="2xx"}'

    def is_still_told():
        before = told()[0]
        os.rename(path, path + ".away")
        try:
            after = told()[0]
        finally:
            os.rename(path + ".away", path)
        assert after[answered] > before[answered], (before, after)
        return name in before and name in after
    wait_for("it is told from what was made before", is_still_told)
    os.rename(path, path + ".away")
    wait_for("it is made anew", lambda: name not in told()[0])
    os.rename(path + ".away", path)


def fleet_and_dashboard():
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        device = fleet.device("brooklyn", DEFINITIONS)
        device.enrol()
        device.start()
        device.command("materialize", "*", code=None)

        def told():
            return read(Client(fleet.http_port).get("/metrics").body.decode())
        wait_for("the failing asset is counted", lambda: told()[0]["selvedge_device_assets_failing"] == 1)
        values, types = told()
        assert values['selvedge_devices{state="online"}'] == 1 and values['selvedge_devices{state="away"}'] == 0, values
        assert values["selvedge_runs_open"] == 0 and values["selvedge_events_lost_total"] == 0, values
        for name in ("CA", "broker"):
            assert values[f'selvedge_hub_certificate_expiry_timestamp_seconds{{certificate="{name}"}}'] > time.time() + 86400, values
        device.daemon.stop()
        wait_for("the device is away", lambda: told()[0]['selvedge_devices{state="away"}'] == 1)
        what_is_the_same_is_made_once(fleet, told)

        with open(os.path.join(ROOT, "docs/grafana/fleet.json"), encoding="utf-8") as f:
            dashboard = json.load(f)
        asked = {name for panel in dashboard["panels"] for target in panel["targets"]
                 for name in re.findall(r"selvedge_[a-z_]+", target["expr"])}
        assert asked and asked <= set(types), asked - set(types)


if __name__ == "__main__":
    sys.exit(run_tests([fleet_and_dashboard]))
