"""Somebody without a certificate floods the enrolment listener: the hub goes on merging, its tables of refusals stay short,
and what it did not write down is counted."""
import struct
import sys
import threading
import time

from fleet import Fleet, wait_for
from mqtt_stranger import Stranger, text, tls

DEFINITIONS = """\
project: flood
assets:
  - {key: tick, run: ["true"]}
"""
MESSAGES = 4000


def flood(port, client_id, sent):
    """As fast as the broker takes them; no answer is waited for."""
    topic = f"selvedge/v1/flood/enrol/request/{client_id}"
    with Stranger(port, client_id, tls()) as stranger:
        for i in range(MESSAGES):
            stranger.send(0x32, text(topic) + struct.pack(">H", i + 1) + b"\x00" + b"nonsense %d" % i)
            sent.append(i)


def main():
    with Fleet("flood") as fleet:
        fleet.start_hub()
        device = fleet.device("chicago", DEFINITIONS)
        device.enrol()
        device.start()
        sent = []
        threads = [threading.Thread(target=flood, args=(fleet.enrol_port, name, sent), daemon=True)
                   for name in ("one", "two")]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        slowest = 0.0
        while any(thread.is_alive() for thread in threads):
            before = time.monotonic()
            device.command("materialize", "tick")
            last = device.query("SELECT last_seq FROM buffer")[0][0]
            wait_for("the hub has merged what the device did",
                     lambda: fleet.query("SELECT coalesce(max(merged_seq), 0) FROM stream")[0][0] >= last, every=0.02)
            slowest = max(slowest, time.monotonic() - before)
        took = time.monotonic() - begin
        wait_for("the hub says how many it did not write down", lambda: "hub.flooded" in fleet.hub.read_log())
        rows = fleet.query("SELECT count(*) FROM refusal")[0][0]
        lines = fleet.hub.read_log().count("hub.refused")
        print(f"{len(sent)} messages in {took:.1f} s: {rows} rows, {lines} lines, a run seen after {slowest:.1f} s at most")
        assert len(sent) == 2 * MESSAGES, f"the broker ended the flood after {len(sent)} messages"
        assert 0 < rows <= 60 * (took + 3), f"{rows} rows"
        assert lines <= 60 * (took + 3), f"{lines} lines"
        assert fleet.hub.stop() == 0


if __name__ == "__main__":
    sys.exit(main())
