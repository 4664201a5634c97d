"""The pages about devices, commands, output and deployments in Chromium, against a real hub. Skipped without Chromium."""
import json
import os
import subprocess
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../process"))

from deploy_test import deploy, write_bundle
from devices_test import Asker
from fleet import Fleet, run_tests, skip, wait_for
from ui_test import PASSWORD, WORK, chromium_path, fetch_packages, node_path
from web import setup_secret, wait_for_web

HERE = os.path.dirname(os.path.abspath(__file__))
DEFINITIONS = """
project: shop
assets:
  - key: says/more
    run: [sh, -c, "echo the first line; seq 1 300; until [ -e {flag} ]; do sleep 0.2; done; echo the last line"]
  - {{key: pos/orders, run: ["true"], description: every order of the till}}
"""


def an_operator_works_with_devices():
    browser, node = chromium_path(), node_path()
    if browser is None or node is None:
        skip("there is no chromium (./dev deps ui)")
    fetch_packages()
    with open(os.path.join(WORK, "devices.mjs"), "w", encoding="utf-8") as out, open(os.path.join(HERE, "devices.mjs"), encoding="utf-8") as script:
        out.write(script.read())
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        flag = os.path.join(fleet.dir, "flag")
        for name in ("brooklyn", "oakland"):
            device = fleet.device(name, DEFINITIONS.format(flag=flag))
            device.write_settings(bundle_trial="1s")
            device.enrol()
            device.start()
        for project in ("one", "two"):
            deploy(fleet, write_bundle(os.path.join(fleet.dir, project), project), "--to", "oakland", "--wave", "100%", "--soak", "0s")
        with open(fleet.dir + "/slow.yaml", "w", encoding="utf-8") as f:
            f.write("settings: {sync_linger: 100ms}\n")
        fleet.command("desired", "set", fleet.dir + "/slow.yaml", "--to", "*")
        token = fleet.token()
        fleet.command("token", "revoke", token.split(".")[-3])
        denver = fleet.device("denver", DEFINITIONS.format(flag=flag))
        for _ in range(2):
            denver.enrol(token, code=5)
        harlem = Asker(fleet, "harlem", "--name", "harlem").ask()
        wait_for("definitions are here and a host waits", lambda: fleet.query(
            "SELECT count(*) FROM definitions, pending_enrolment") == [(2,)])
        what = {"base": f"http://127.0.0.1:{fleet.http_port}", "secret": setup_secret(fleet.hub), "password": PASSWORD, "flag": flag, "isWhole": bool(os.environ.get("SELVEDGE_LONG") or os.environ.get("SELVEDGE_UI_PICTURES")),
                "browser": browser, "pictures": os.environ.get("SELVEDGE_UI_PICTURES", "")}
        done = subprocess.run([node, "devices.mjs"], cwd=WORK, input=json.dumps(what), text=True, timeout=540, check=False)
        assert done.returncode == 0, f"devices.mjs: exit {done.returncode}"
        harlem.answer()


if __name__ == "__main__":
    sys.exit(run_tests([an_operator_works_with_devices]))
