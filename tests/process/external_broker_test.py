#!/usr/bin/env python3
"""docs/how-to/external-broker.md, followed: a mosquitto with the page's configuration instead of the hub's own; devices enrol
and report, and somebody else's topics stay closed."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import fleet

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/how-to/external-broker.md")
DEFINITIONS = """
project: small
assets:
  - {key: a, run: ["true"]}
"""


def write_configuration(f):
    """The page's blocks as files, with this fleet's ports, names and folders."""
    folder = os.path.join(f.dir, "mosquitto")
    shutil.copytree(os.path.join(f.hub_dir, "broker"), folder)
    with open(PAGE, encoding="utf-8") as file:
        blocks = dict(re.findall(r"^```text (\S+)\n(.*?)^```$", file.read(), re.M | re.S))
    assert set(blocks) == {"mosquitto.conf", "devices.acl", "enrolment.acl"}, blocks.keys()
    for name, text in blocks.items():
        text = text.replace("/etc/mosquitto/selvedge", folder).replace("selvedge/v1/main/", f"selvedge/v1/{f.name}/")
        text = text.replace("listener 8883", f"listener {f.port} 127.0.0.1")
        text = text.replace("listener 8884", f"listener {f.enrol_port} 127.0.0.1")
        if name == "mosquitto.conf" and os.geteuid() == 0:
            text = "user root\n" + text
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return os.path.join(folder, "mosquitto.conf")


def enrol_before_the_hub(f, device):
    """The broker takes a request that no hub hears; it is asked again until one does."""
    token = f.token()
    f.hub.stop()
    asking = subprocess.Popen([fleet.AGENT, "enroll", token, "--name", device.name, "--config", device.config],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    fleet.wait_for("the request was sent", lambda: os.path.exists(os.path.join(device.state, "identity/key.pem")))
    time.sleep(1)
    assert asking.poll() is None, asking.stdout.read()
    f.start_hub()
    said, _ = asking.communicate(timeout=60)
    assert asking.returncode == 0, said


def take_files(f, broker, *names):
    """As docs/how-to/change-the-ca.md says it of a broker of one's own."""
    for name in names:
        shutil.copy(os.path.join(f.hub_dir, "broker", name), os.path.join(f.dir, "mosquitto", name))
    broker.process.send_signal(signal.SIGHUP)


def change_the_ca(f, broker, devices):
    def moved():
        counts = json.loads(f.command("ca", "status", "--json").splitlines()[0])
        return counts["moved"] == counts["devices"] == len(devices) and counts["is_under_way"]

    ca = os.path.join(f.hub_dir, "broker/ca.pem")
    before = open(ca).read()
    f.command("ca", "rotate")
    fleet.wait_for("the hub has written both CAs", lambda: open(ca).read() != before)
    fleet.wait_for("the devices are told of both", lambda: all("authorities.changed" in d.daemon.read_log() for d in devices))
    take_files(f, broker, "ca.pem", "revoked.pem")
    fleet.wait_for("all have moved", moved, seconds=60)
    f.command("ca", "finish")
    fleet.wait_for("the hub has written the new one", lambda: f.hub.read_log().count("fence.changed") == 2)
    take_files(f, broker, "ca.pem", "revoked.pem", "server.pem", "server.key")


def main():
    with fleet.Fleet("shops") as f:
        with open(os.path.join(f.hub_dir, "hub.yaml"), "a", encoding="utf-8") as file:
            file.write("broker: external\ncertificate_lifetime: 100s\n")
        f.hub.start()
        last = os.path.join(f.hub_dir, "broker/revoked.pem")
        fleet.wait_for("the hub makes the broker's certificates", lambda: os.path.exists(last))
        broker = fleet.Program(["/usr/sbin/mosquitto", "-c", write_configuration(f)], os.path.join(f.dir, "broker.log"))
        broker.start()
        f.closers.append(broker.kill)
        fleet.wait_for("the hub is online", lambda: "hub.online" in f.hub.read_log())
        devices = [f.device(name, DEFINITIONS) for name in ("brooklyn", "chicago")]
        devices[0].enrol()
        enrol_before_the_hub(f, devices[1])
        for device in devices:
            device.daemon.start()
            fleet.wait_for("the agent is up", lambda d=device: "agent.ready" in d.daemon.read_log())
        devices[0].command("materialize", "a")
        fleet.wait_for("the run is at the hub", lambda: f.query("SELECT count(*) FROM run WHERE status = 'success'")[0][0] == 1)
        fleet.wait_for("both are online", lambda: f.query("SELECT sum(is_online) FROM connection")[0][0] == 2)
        # What the hub may not use is not there: the hub started no broker, the broker no third port.
        assert "broker.ended" not in f.hub.read_log()
        opened = re.findall(r"Opening \S+ listen socket on port (\d+)", broker.read_log())
        assert set(opened) <= {str(f.port), str(f.enrol_port)}, opened
        change_the_ca(f, broker, devices)
        broker.kill()
        fleet.wait_for("the device notices", lambda: "link.offline" in devices[0].daemon.read_log())
        devices[0].command("materialize", "a")
        broker.start()
        fleet.wait_for("the run after the broker's death arrives",
                       lambda: f.query("SELECT count(*) FROM run WHERE status = 'success'")[0][0] == 2, seconds=60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
