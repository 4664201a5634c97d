"""The web UI in Chromium against a real hub with two shops: setting up, a failing asset from the overview to its log line and
back to green, a schedule paused, a command sent, every page in light and dark. Skipped without Chromium."""
import json
import os
import shutil
import subprocess
import sys

from fleet import BIN, Fleet, run_tests, skip, wait_for
from web import setup_secret, wait_for_web

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.path.join(os.path.dirname(BIN), "ui-tests")  # packages of the test, kept between runs
PASSWORD = "correct horse battery"

DEFINITIONS = """
project: shop
resources:
  local: {{type: sqlite, path: "${{STATE_DIR}}/shop.db"}}
assets:
  - {{key: erp/prices, external: true, group: erp}}
  - key: pos/orders
    group: pos
    description: Every order of the till
    owners: ["team:retail"]
    sql: {{resource: local, materialized: table, query: "select 1 id, 300 cents union all select 2, 450"}}
    checks:
      - {{name: has_rows, sql: "select count(*) > 0 from orders"}}
  - key: pos/price_list
    group: pos
    run: ["sh", "-c", "cat {prices} && echo the prices are read"]
    deps: [erp/prices]
  - key: reports/daily
    group: reports
    deps: [pos/orders, pos/price_list]
    sql: {{resource: local, materialized: table, query: "select count(*) n from orders"}}
jobs:
  - {{name: sales, select: "group:pos+"}}
schedules:
  - {{name: nightly, job: sales, cron: "0 2 * * *"}}
"""


def chromium_path():
    return shutil.which("chromium") or shutil.which("chromium-browser")


def node_path():
    return shutil.which("node") or shutil.which("nodejs")


def fetch_packages():
    """Fetches what drives the browser, once for each lock file; the folder with it and with our scripts."""
    os.makedirs(WORK, exist_ok=True)
    lock = os.path.join(WORK, "package-lock.json")
    wanted = open(os.path.join(HERE, "package-lock.json"), encoding="utf-8").read()
    stamp = os.path.join(WORK, "packages.stamp")
    if not (os.path.exists(stamp) and open(stamp, encoding="utf-8").read() == wanted):
        shutil.copy(os.path.join(HERE, "package.json"), WORK)
        shutil.copy(os.path.join(HERE, "package-lock.json"), lock)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=WORK, check=True,
                       timeout=300)
        with open(stamp, "w", encoding="utf-8") as f:
            f.write(wanted)
    for name in ("walk.mjs", "browser.mjs"):
        shutil.copy(os.path.join(HERE, name), WORK)
    return WORK


def a_person_walks_through_every_page():
    browser, node = chromium_path(), node_path()
    if browser is None or node is None:
        skip("there is no chromium (./dev deps ui)")
    fetch_packages()
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        prices = os.path.join(fleet.dir, "prices.csv")
        for name in ("brooklyn", "oakland"):
            device = fleet.device(name, DEFINITIONS.format(prices=prices))
            device.enrol()
            device.start()
            device.command("materialize", "*", code=None)
        wait_for("both runs have failed at the hub", lambda: fleet.query(
            "SELECT count(*) FROM run WHERE status = 'failure'") == [(2,)])
        what = {"base": f"http://127.0.0.1:{fleet.http_port}", "secret": setup_secret(fleet.hub), "password": PASSWORD,
                "prices": prices, "browser": browser, "pictures": os.environ.get("SELVEDGE_UI_PICTURES", "")}
        done = subprocess.run([node, "walk.mjs"], cwd=WORK, input=json.dumps(what), text=True, timeout=540, check=False)
        assert done.returncode == 0, f"walk.mjs: exit {done.returncode}"


if __name__ == "__main__":
    sys.exit(run_tests([a_person_walks_through_every_page]))
