"""The web UI in Chromium on a real hub: bytes, and the time until a page can be used. A device defines the assets; they are
never made. Times are of this machine and browser, the best of a few: against the budgets, and to see what got slower."""
import json
import os
import shutil
import subprocess

from harness import Result, Skip, row

HERE = os.path.dirname(os.path.abspath(__file__))
UI_TESTS = os.path.join(os.path.dirname(HERE), "ui")
PASSWORD = "correct horse battery"
CATALOGUE = 10_000
GRAPH = 2_000
GRAPH_GROUP = 50  # assets of a group


def definitions(assets, in_graph):
    """Of `assets` the first `in_graph` hang together, in nine layers with two edges each; the others stand alone."""
    per_layer = max(1, in_graph // 9)
    lines = ["project: large", "assets:"]
    for i in range(assets):
        group = f"layer{i // per_layer}_{i // GRAPH_GROUP}" if i < in_graph else f"more_{i // 500}"
        deps = sorted({max(0, i - per_layer), max(0, i - per_layer - 1 - i % 5)}) if per_layer <= i < in_graph else []
        text = ", ".join(f"a/{d:05}" for d in deps)
        lines.append(f"  - {{key: a/{i:05}, group: {group}, run: ['true']{', deps: [' + text + ']' if deps else ''}}}")
    return "\n".join(lines) + "\n"


def browser_times(assets, in_graph):
    from fleet import Fleet, wait_for
    from ui_test import chromium_path, fetch_packages, node_path
    from web import setup_secret, wait_for_web
    browser, node = chromium_path(), node_path()
    if browser is None or node is None:
        raise Skip("there is no chromium (./dev deps ui)")
    work = fetch_packages()
    shutil.copy(os.path.join(UI_TESTS, "paint.mjs"), work)
    with Fleet(web=True) as fleet:
        fleet.start_hub()
        wait_for_web(fleet.hub, fleet.http_port)
        device = fleet.device("large", definitions(assets, in_graph))
        device.enrol()
        device.start()
        wait_for("all assets are known to the hub",
                 lambda: fleet.query("SELECT count(*) FROM asset_definition") == [(assets,)], seconds=120)
        what = {"base": f"http://127.0.0.1:{fleet.http_port}", "secret": setup_secret(fleet.hub), "password": PASSWORD,
                "browser": browser, "assets": assets, "graph": in_graph}
        done = subprocess.run([node, "paint.mjs"], cwd=work, input=json.dumps(what), stdout=subprocess.PIPE, text=True,
                              timeout=600, check=True)
        return json.loads(done.stdout)


def pages(bench):
    return bench.once("ui", lambda bench: browser_times(bench.count(CATALOGUE, 20), bench.count(GRAPH, 18)))


@row("s", "<= 0.3 s")
def ui_overview_first_paint(bench):
    return Result(pages(bench)["overview_paint_ms"] / 1e3)


@row("s", "<= 1 s")
def ui_catalogue_of_10000(bench):
    return Result(pages(bench)["catalogue_ms"] / 1e3)


@row("s", "<= 1.5 s")
def ui_graph_of_2000(bench):
    """Of the assets in the graph alone, all groups unfolded."""
    return Result(pages(bench)["graph_ms"] / 1e3)


@row("ms", "<= 17 ms")
def ui_graph_pan_frame(bench):
    """The median time between frames while 2,000 nodes are dragged about; a screen shows one each 16.7 ms."""
    return Result(pages(bench)["pan_frame_ms"])


@row("KB", "<= 120 KB")
def ui_bytes_packed(bench):
    """What a browser loads of scripts, styles and the page itself."""
    return Result(pages(bench)["bytes"] / 1024)


def page_memory(bench, name):
    """Of the browser's process that shows the page: scripts, elements, pictures."""
    return Result(pages(bench)[name + "_memory"] / (1 << 20))


@row("MB", "<= 50 MB")
def ui_overview_memory(bench):
    return page_memory(bench, "overview")


@row("MB", "<= 60 MB")
def ui_catalogue_memory(bench):
    """Of 10,000 rows, of which those in sight are elements."""
    return page_memory(bench, "catalogue")


@row("MB", "<= 80 MB")
def ui_graph_memory(bench):
    """2,000 nodes, dragged about."""
    return page_memory(bench, "graph")
