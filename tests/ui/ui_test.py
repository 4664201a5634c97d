"""The web UI in Chromium against a real hub: the demo's six shops, from the first password to a failing asset that turns green
again; and a hub without a device that goes away and comes back. Skipped without Chromium."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from fleet import BIN, HUB, Fleet, Program, need, run_tests, skip, wait_for
from web import PASSWORD, setup_secret, wait_for_web

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.path.join(os.path.dirname(BIN), "ui-tests")  # packages of the test, kept between runs
SCRIPTS = [name for name in os.listdir(HERE) if name.endswith(".mjs")]


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
    for name in SCRIPTS:
        shutil.copy(os.path.join(HERE, name), WORK)
    return WORK


def need_browser():
    if chromium_path() is None or node_path() is None:
        skip("there is no chromium (./dev deps ui)")
    return fetch_packages()


class Demo:
    """`selvedge-hub demo` in a folder of its own; what it prints is in `story`."""

    def __init__(self):
        need(HUB, "/usr/sbin/mosquitto")
        self.dir = tempfile.mkdtemp(prefix="demo-")
        self.story = self.dir + ".out"
        self.program = Program([HUB, "demo", "--dir", self.dir, "--seed", "7"], self.story)

    def __enter__(self):
        self.program.start()
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(f"the demo said last:\n{self.program.tail()}", file=sys.stderr)
        self.program.stop(60)  # it ends what it has started, and removes its folder
        os.unlink(self.story)

    def link(self):
        """The address of the hub's pages, and the secret that sets the first password."""
        def look():
            assert self.program.is_running, self.program.tail()
            path = os.path.join(self.dir, "hub.log")
            log = open(path, encoding="utf-8", errors="replace").read() if os.path.exists(path) else ""
            return re.search(r"event=web.setup open=\"(http://[^/]+)/setup#([0-9a-f]+)", log)
        return wait_for("the demo's hub prints its link", look, 120).groups()


def with_the_demo(script, pictures):
    """Runs a script beside the demo's six shops."""
    work = need_browser()
    with Demo() as demo:
        base, secret = demo.link()
        what = {"base": base, "secret": secret, "password": PASSWORD, "browser": chromium_path(), "hub": HUB, "dir": demo.dir,
                "story": demo.story, "pictures": pictures}
        done = subprocess.run([node_path(), script], cwd=work, input=json.dumps(what), text=True, timeout=900, check=False)
        assert done.returncode == 0, f"{script}: exit {done.returncode}"


def six_shops_are_walked_through():
    with_the_demo("walk.mjs", os.environ.get("SELVEDGE_UI_PICTURES", ""))


def a_hub_without_devices_goes_away_and_comes_back():
    work = need_browser()
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        what = {"base": f"http://127.0.0.1:{fleet.http_port}", "secret": setup_secret(fleet.hub), "password": PASSWORD,
                "browser": chromium_path()}
        with subprocess.Popen([node_path(), "lonely.mjs"], cwd=work, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as page:
            page.stdin.write(json.dumps(what) + "\n")
            page.stdin.flush()
            for line in page.stdout:
                print(line, end="", flush=True)
                if line.startswith("please: "):
                    if "stop" in line:
                        fleet.hub.stop()
                    else:
                        fleet.start_hub()
                    page.stdin.write("done\n")
                    page.stdin.flush()
        assert page.returncode == 0, f"lonely.mjs: exit {page.returncode}"


if __name__ == "__main__":
    sys.exit(run_tests([six_shops_are_walked_through, a_hub_without_devices_goes_away_and_comes_back]))
