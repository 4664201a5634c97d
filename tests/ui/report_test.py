"""The report in Chromium: as the file that is mailed (of the seeded fleet whose other forms are golden files), and as the page of a
hub. Skipped without Chromium."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys

from fleet import Fleet, run_tests, skip
from ui_test import HERE, PASSWORD, chromium_path, fetch_packages, node_path
from web import set_up

SEEDED = os.path.join(HERE, "../data/report")


def browse(script, **what):
    browser, node = chromium_path(), node_path()
    if browser is None or node is None:
        skip("there is no chromium (./dev deps ui)")
    work = fetch_packages()
    shutil.copy(os.path.join(HERE, script), work)
    what = {"browser": browser, "pictures": os.environ.get("SELVEDGE_UI_PICTURES", ""), **what}
    done = subprocess.run([node, script], cwd=work, input=json.dumps(what), text=True, timeout=280, check=False)
    assert done.returncode == 0, f"{script}: exit {done.returncode}"


def the_file_is_read_on_every_screen_and_on_paper():
    browse("report.mjs", report=os.path.realpath(os.path.join(SEEDED, "report.html")),
           texts=["Fleet shops", "connection refused <is it on?>", "the certificate of hamburg-2 expires", "The last seven days", "hamburg-3 gave up 130 events"])


def the_page_shows_saves_and_sends():
    with Fleet("shops", web=True) as fleet:
        with open(os.path.join(fleet.hub_dir, "hub.yaml"), "a", encoding="utf-8") as file:
            file.write('\nreports:\n  - {name: archive, cron: "0 6 * * *", to: {directory: reports}}\n')
        with open(os.path.join(SEEDED, "seed.sql"), encoding="utf-8") as file:
            db = sqlite3.connect(fleet.hub_db)
            db.executescript(file.read())
            db.close()
        fleet.start_hub()
        set_up(fleet.hub, fleet.http_port, PASSWORD)
        browse("reports_page.mjs", base=f"http://127.0.0.1:{fleet.http_port}", password=PASSWORD, until="2026-11-30T06:00:00Z")


if __name__ == "__main__":
    sys.exit(run_tests([the_file_is_read_on_every_screen_and_on_paper, the_page_shows_saves_and_sends]))
