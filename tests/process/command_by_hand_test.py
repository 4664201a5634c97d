"""docs/how-to/send-a-command-by-hand.md, followed: its commands in a shell, with openssl and mosquitto_pub and nothing of ours,
against the hub's own broker and a device."""
import json
import os
import re
import shutil
import subprocess
import sys

from fleet import Fleet, run_tests, skip, wait_for

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/how-to/send-a-command-by-hand.md")
DEFINITIONS = "project: shop\nassets:\n  - {key: shop/orders, run: ['true']}\n"
if shutil.which("mosquitto_pub") is None or shutil.which("openssl") is None:
    skip("mosquitto_pub and openssl are needed")


def blocks(fleet):
    """What a person types on the hub's host, for this fleet."""
    with open(PAGE, encoding="utf-8") as file:
        texts = re.findall(r"^```sh\n(.*?)^```$", file.read(), re.M | re.S)
    assert len(texts) == 4 and texts[3] == "selvedge-agent commands\n", texts
    return [t.replace("hub.example.org", "127.0.0.1").replace("8883", str(fleet.port)).replace('"main"', f'"{fleet.name}"')
            .replace("selvedge/v1/main/", f"selvedge/v1/{fleet.name}/") for t in texts[:3]]


def shell(fleet, text):
    done = subprocess.run(["sh", "-eu", "-c", text], cwd=fleet.hub_dir, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def journal(device):
    """What the page's last command prints, newest first."""
    return [json.loads(line) for line in device.command("commands", "--json").splitlines()]


def the_page_works():
    with Fleet("test") as fleet:
        fleet.start_hub()
        device = fleet.device("brooklyn", DEFINITIONS)
        device.enrol()
        device.start()
        wait_for("the device is online", lambda: json.loads(device.command("status", "--json"))["link"] == "sending")
        write, sign, send = blocks(fleet)
        shell(fleet, write + sign + send)
        wait_for("the command has succeeded", lambda: [c["status"] for c in journal(device)] == ["succeeded"])
        runs = device.runs()
        assert [(r["status"], r["cause"], r["selection"]) for r in runs] == [("success", "command", "shop/orders")], runs
        assert journal(device)[0]["run"] == runs[0]["run"]
        assert "succeeded" in device.command("commands")

        # Twice does no harm; a file that was changed after it was signed does nothing.
        shell(fleet, send)
        wait_for("it is refused", lambda: "code=\"replayed\"" in device.daemon.read_log())
        shell(fleet, write + sign + "printf '\\n' >> command.signed\n" + send)
        wait_for("it is refused", lambda: "code=\"bad_signature\"" in device.daemon.read_log())
        assert len(device.runs()) == 1 and len(journal(device)) == 1


if __name__ == "__main__":
    sys.exit(run_tests([the_page_works]))
