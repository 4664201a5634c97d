"""web_schemathesis_test.py [--seed N]: schemathesis, from PyPI, makes requests out of the OpenAPI document, right ones and wrong ones, and
holds every answer against it: no error of the server, no status, type or member that the document does not have."""
import argparse
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "process"))
import venv  # pylint: disable=wrong-import-position

PACKAGES = ["schemathesis==4.32.5"]
CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance"
# A stream has no end; what ends the session, or the user that asks, would end the test.
WITHOUT = "/api/v1/(events/live|session|setup|users|tokens)"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    seed = parser.parse_args().seed
    if "SELVEDGE_LONG" not in os.environ:
        venv.skip("schemathesis asks with --long only")
    python = venv.ensure(*PACKAGES)
    from fleet import Fleet, wait_for  # pylint: disable=import-outside-toplevel
    from web import set_up  # pylint: disable=import-outside-toplevel
    from web_test import DEFINITIONS  # pylint: disable=import-outside-toplevel
    print(f"seed={seed}", flush=True)
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        admin = set_up(fleet.hub, fleet.http_port)
        device = fleet.device("brooklyn", DEFINITIONS)
        device.enrol()
        device.start()
        device.command("materialize", "*", code=None)
        wait_for("a run is at the hub", lambda: admin.items("/api/v1/runs?status=failure"))
        token = admin.ask("POST", "/api/v1/tokens", {"scopes": ["admin"], "expires_in": "1h"}).json["secret"]
        done = subprocess.run(
            [os.path.join(os.path.dirname(python), "schemathesis"), "run", f"http://127.0.0.1:{fleet.http_port}/api/v1/openapi.json",
             "-H", f"Authorization: Bearer {token}", "--exclude-path-regex", WITHOUT, "--max-examples", "50", "--phases",
             "examples,coverage,fuzzing", "--seed", str(seed), "--request-timeout", "30", "--checks", CHECKS, "--continue-on-failure"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=800, check=False)
        print(done.stdout if done.returncode else done.stdout[-6000:])  # of a failure the request is what one needs
        assert fleet.hub.is_running and "web.ended" not in fleet.hub.read_log(), "the web process has ended"
        assert done.returncode == 0, f"schemathesis ended with {done.returncode}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
