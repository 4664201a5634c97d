"""Sensors for the topics of a broker nearby: a real mosquitto without TLS, which comes, goes and asks for a password."""
import base64
import hashlib
import json
import os
import shutil
import sys
import tempfile

from agent_cli_test import project, shell
from fleet import Alone, Program, free_port, need, run_tests, wait_for
from mqtt_stranger import Refused, Stranger
from sensors_test import lines, sensors, settle, ticks, wait_runs

MOSQUITTO = "/usr/sbin/mosquitto"


class Broker:
    def __init__(self, *settings):
        need(MOSQUITTO)
        self.dir = tempfile.mkdtemp(prefix="selvedge-test-")
        self.port = free_port()
        config = os.path.join(self.dir, "mosquitto.conf")
        with open(config, "w") as f:
            f.write(f"listener {self.port} 127.0.0.1\n" + "".join(s.replace("@DIR@", self.dir) + "\n" for s in settings))
            if os.geteuid() == 0:
                f.write("user root\n")
        self.program = Program([MOSQUITTO, "-c", config], os.path.join(self.dir, "log"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        self.program.start()
        wait_for("the broker listens", self.answers, every=0.02)

    def answers(self):
        try:
            Stranger(self.port, "asking").close()
            return True
        except Refused as error:
            return "CONNACK" in str(error)  # it wants a password
        except OSError:
            return False

    def publish(self, *messages, retain=False):
        with Stranger(self.port, "publisher") as stranger:
            for topic, payload in messages:
                assert stranger.publish(topic, payload, retain=retain) < 0x80


def definitions(broker, sensor, extra="", step='echo "$SELVEDGE_TAG_TOPIC $SELVEDGE_TAG_PAYLOAD" >> seen'):
    return project(shell("do", step), more="jobs:\n  - {name: do, select: do, on_overlap: queue}\n" + sensors(sensor)).replace(
        "resources:\n", f"resources:\n  near: {{type: mqtt, host: localhost, port: {broker.port}{extra}}}\n")


def listening(agent, times):
    wait_for("it listens", lambda: agent.daemon.read_log().count("sensor.listening") >= times, 60)


def a_message_starts_a_run():
    with Broker("allow_anonymous true") as broker, Alone(definitions(broker, '{name: door, mqtt: "shop/+/door", job: do}')) as agent:
        broker.start()
        agent.start()
        listening(agent, 1)
        broker.publish(("shop/1/door", b"open"), ("shop/1/window", b"open"), ("shop/2/door", b'{"n": 1}'), ("shop/1/door", b"\xff\x00"),
                       ("shop/1/door", b"x" * 5000), ("shop/1/door", b"x" * (100 << 10)), ("shop/1/door", b""))
        tags_of = {r["run"]: r["tags"] for r in wait_runs(agent, 5)}
        tags = [tags_of[t["run"]] for t in ticks(agent, "door", "started")]
        assert [t["selvedge/topic"] for t in tags] == ["shop/1/door", "shop/2/door", "shop/1/door", "shop/1/door", "shop/1/door"], tags
        assert [t.get("selvedge/payload") for t in tags] == ["open", '{"n": 1}', None, "x" * 1024, ""], tags
        reasons = [t.get("reason") for t in ticks(agent, "door", "started")]
        assert reasons[0] is None and "no text" in reasons[2] and "the beginning" in reasons[3], reasons
        assert sorted(lines(agent, "seen"))[-1] == 'shop/2/door {"n": 1}', lines(agent, "seen")
        settle(agent)
        assert len(agent.runs()) == 5 and agent.daemon.is_running  # what is larger than 64 KiB does not come


def the_newest_counts_within_the_interval():
    with Broker("allow_anonymous true") as broker, \
            Alone(definitions(broker, '{name: door, mqtt: "door/#", job: do, min_interval: 5s}')) as agent:
        broker.start()
        agent.start()
        listening(agent, 1)
        broker.publish(("door/1", b"1"))
        wait_for("it ticked", lambda: "event=sensor.tick " in agent.daemon.read_log(), every=0.02)
        broker.publish(*((f"door/{i}", str(i).encode()) for i in range(2, 8)))
        runs = wait_runs(agent, 2)
        assert runs[0]["tags"]["selvedge/payload"] == "7", runs[0]
        assert ticks(agent, "door", "started")[-1]["reason"] == "the newest of 6 messages"
        broker.publish(("door/8", b"8"))
        settle(agent)
        agent.define(definitions(broker, '{name: door, mqtt: "door/#", job: do, min_interval: 5s, tags: {a: b}}'))
        runs = wait_runs(agent, 3)
        assert runs[0]["tags"]["selvedge/payload"] == "8" and len(runs) == 3, runs


def what_is_retained_is_news_once():
    with Broker("allow_anonymous true", "persistence true", "persistence_location @DIR@/", "autosave_interval 1",
                "autosave_on_changes true") as broker, Alone(definitions(broker, '{name: state, mqtt: state, job: do}')) as agent:
        broker.start()
        broker.publish(("state", b"on"), retain=True)
        agent.start()
        wait_runs(agent, 1)
        agent.daemon.stop()
        agent.start()
        listening(agent, 2)
        broker.publish(("other", b"x"))
        settle(agent)
        assert lines(agent, "seen") == ["state on"], lines(agent, "seen")
        agent.daemon.kill()
        broker.publish(("state", b"off"), retain=True)
        agent.start()
        wait_runs(agent, 2)
        broker.publish(("state", b"on"), retain=True)  # to who listens it is no retained one
        wait_runs(agent, 3)
        agent.daemon.stop()
        agent.start()
        listening(agent, 4)
        settle(agent)
        assert lines(agent, "seen") == ["state on", "state off", "state on"], lines(agent, "seen")


def a_broker_may_come_late_and_go():
    with Broker("allow_anonymous true") as broker, Alone(definitions(broker, '{name: door, mqtt: door, job: do}')) as agent:
        agent.start()
        wait_for("it says what is wrong", lambda: "sensor.trouble" in agent.daemon.read_log())
        state = json.loads(agent.command("sensors", "--json"))
        assert state["state"] == "trouble" and "refused" in state["trouble"] and "is the broker running" in state["hint"], state
        for times in (1, 2):
            broker.start()
            listening(agent, times)
            broker.publish(("door", str(times).encode()))
            wait_runs(agent, times)
            before = len(agent.daemon.read_log())
            broker.program.kill()
            wait_for("it is noticed", lambda: "sensor.trouble" in agent.daemon.read_log()[before:])
        assert lines(agent, "seen") == ["door 1", "door 2"]
        assert agent.daemon.stop() == 0


def password(user, text):
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", text.encode(), salt, 101, 64)
    return f"{user}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}\n"


def a_password_is_a_secret_that_may_change():
    with Broker("password_file @DIR@/passwords") as broker, Alone() as agent:
        with open(os.path.join(broker.dir, "passwords"), "w") as f:
            f.write(password("selvedge", "sesame"))
        os.chmod(f.name, 0o600)
        secret = os.path.join(agent.dir, "secrets", "BROKER")
        os.mkdir(os.path.dirname(secret), 0o700)
        agent.write_settings(secrets_dir=os.path.dirname(secret))
        agent.define(definitions(broker, '{name: door, mqtt: door, job: do}', ', user: "${BROKER_USER:-selvedge}", password: "${secret:BROKER}"'))
        broker.start()
        agent.start()
        wait_for("the secret is missing", lambda: "BROKER" in agent.daemon.read_log() and "sensor.trouble" in agent.daemon.read_log())

        def write(text):
            with open(secret, "w") as f:
                f.write(text)
            os.chmod(secret, 0o600)

        write("wrong-Password")
        wait_for("it is refused", lambda: "Not authorized" in agent.daemon.read_log() or "user name or password" in
                 agent.daemon.read_log().lower())
        write("sesame")
        listening(agent, 1)
        assert "sesame" not in agent.daemon.read_log() and "wrong-Password" not in agent.daemon.read_log()
        agent.command("sensors", "pause", "door")
        agent.command("sensors", "resume", "door")
        listening(agent, 2)


TESTS = [a_message_starts_a_run, the_newest_counts_within_the_interval, what_is_retained_is_news_once, a_broker_may_come_late_and_go,
         a_password_is_a_secret_that_may_change]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=3))
