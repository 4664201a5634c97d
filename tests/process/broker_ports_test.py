"""The hub's broker listens on the two ports of the hub and on no other: mosquitto opens port 1883 to everybody, without TLS,
as soon as an option of a listener stands before the first listener of its configuration."""
import os
import sys

from fleet import Fleet


def listening_inodes():
    """Inodes of listening TCP sockets, with their ports."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as f:
            for line in f.readlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    found[fields[9]] = int(fields[1].rsplit(":", 1)[1], 16)
    return found


def ports_of(pid):
    inodes = listening_inodes()
    ports = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:[") and target[8:-1] in inodes:
            ports.append(inodes[target[8:-1]])
    return sorted(ports)


def main():
    with Fleet("ports") as fleet:
        fleet.start_hub()
        ports = ports_of(fleet.broker_pid())
        assert ports == sorted([fleet.port, fleet.enrol_port]), f"the broker listens on {ports}"
        print(f"the broker listens on {ports} and nowhere else")


if __name__ == "__main__":
    sys.exit(main())
