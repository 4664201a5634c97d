"""Devices as an operator handles them: labels and targets, tokens that are bound to names and labels."""
import hashlib
import json
import ssl
import subprocess
import sys

from fleet import AGENT, HUB, Fleet, run, run_tests, wait_for

DEFINITIONS = "project: test\nassets:\n  - {key: a, run: ['true']}\n"


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def names(fleet, to):
    return [d["device"] for d in lines(fleet.command("devices", "--to", to, "--json"))]


def labels_come_with_tokens_and_are_changed():
    with Fleet("test") as fleet:
        fleet.start_hub()
        token = fleet.token("--uses", "2", "--set", "site=berlin", "--set", "line=2", "--names", "press-*")
        refused = fleet.device("brooklyn", DEFINITIONS).enrol(token, code=None)
        assert refused.returncode == 5 and "for devices called press-*" in refused.stderr, refused
        for name in ("press-1", "press-2"):
            fleet.device(name, DEFINITIONS).enrol(token)
        fleet.device("harlem", DEFINITIONS).enrol()
        listed = {t["names"]: t for t in lines(fleet.command("token", "list", "--json")) if "names" in t}
        assert listed["press-*"]["labels"] == {"site": "berlin", "line": "2"}, listed

        devices = {d["device"]: d["labels"] for d in lines(fleet.command("devices", "--json"))}
        assert devices == {"harlem": {}, "press-1": {"site": "berlin", "line": "2"}, "press-2": {"site": "berlin", "line": "2"}}, devices
        fleet.command("device", "label", "label:site=berlin and not press-1", "line=3", "site=bonn")
        fleet.command("device", "label", "harlem", "site=newyork")
        fleet.command("device", "label", "press-1", "line-")
        assert names(fleet, "label:site=b*") == ["press-1", "press-2"]
        assert names(fleet, "label:line=3,harlem") == ["harlem", "press-2"]
        assert names(fleet, "label:line") == ["press-2"]
        assert names(fleet, "is:online") == []

        for arguments, said in ((["nobody", "a=b"], "no device nobody"), (["harlem", "Site=b"], "is no label"),
                                (["harlem", "site"], "is no label"), (["label:", "a=b"], "targets, column 1")):
            done = fleet.command("device", "label", *arguments, code=None)
            assert done.returncode in (3, 6) and said in done.stderr, done
        many = fleet.command("device", "label", "*", *(f"k{i}=v" for i in range(64)), code=None)
        assert many.returncode == 1 and "more than 64 labels" in many.stderr, many
        assert names(fleet, "label:k0") == [], "all devices or none"


def one_device_on_a_page():
    with Fleet("test") as fleet:
        fleet.start_hub()
        brooklyn = fleet.device("brooklyn", DEFINITIONS)
        brooklyn.enrol(fleet.token("--set", "site=newyork"))
        fleet.command("device", "rename", "brooklyn", "till-41")

        def card(*more):
            return json.loads(fleet.command("device", "show", "till-41", "--json", *more))
        before = card()
        assert (before["device"], before["status"], before["labels"], before["commands"]) == ("brooklyn", "never seen", {"site": "newyork"}, []), before
        assert before["certificate_cause"] == "enrolled" and len(before["key_fingerprint"]) == 64 and "health" not in before, before
        sent = json.loads(fleet.command("command", "ping", "--to", "brooklyn", "--json").splitlines()[0])
        waiting = card()["commands"]
        assert [(c["verb"], c["status"], c["sent"]) for c in waiting] == [("ping", "waiting", 0)] and waiting[0]["id"] == sent["command"], (waiting, sent)
        brooklyn.start()
        brooklyn.command("materialize", "a")
        with open(fleet.dir + "/slow.yaml", "w") as f:
            f.write("settings: {sync_linger: 100ms}\n")
        fleet.command("desired", "set", fleet.dir + "/slow.yaml", "--to", "brooklyn")
        wait_for("it answers, and has what is wanted", lambda: not card()["commands"] and card().get("desired", {}).get("state") == "in force")
        now = wait_for("its health, assets and events are here", lambda: (lambda c: "health" in c and c["assets"] == 1 and c["events"] > 3 and c)(card()))
        assert now["status"] == "online" and now["clock_trusted"] and now["starts"] == 1 and now["epochs"] == 1, now
        assert now["health"]["disk_free_bytes"] > 0 and now["definitions_told"] == now["definitions_hash"], now
        assert now["desired"]["wanted"] == now["desired"]["in_force"] == 1 and now["bundle"] == {}, now
        said = fleet.command("device", "show", "brooklyn")
        for row in ("device        brooklyn (till-41)", "status        online, since ", "labels        site=newyork", "clock         ok", " free, ", "buffer ",
                    "desired state in force, revision 1 wanted, 1 in force", "assets        1 defined"):
            assert row in said, (row, said)
        assert "why " not in said and "command " not in said, said
        brooklyn.daemon.stop()
        wait_for("why it is silent", lambda: "why           stopped" in fleet.command("device", "show", "brooklyn"))
        nobody = fleet.command("device", "show", "nobody", code=None)
        assert nobody.returncode == 3 and "there is no device nobody" in nobody.stderr, nobody


class Asker:
    """A device that enrols without a token, in the background."""

    def __init__(self, fleet, name, *more):
        self.device = fleet.device(name, DEFINITIONS)
        ca = json.loads(run(HUB, "init", "--state-dir", fleet.dir + "/other-" + name, "--json"))  # any other hub's CA
        self.foreign = ca["ca_fingerprint"]
        with open(fleet.hub_dir + "/ca/ca.pem") as f:
            der = ssl.PEM_cert_to_DER_cert(f.read())
        self.argv = [AGENT, "enroll", "--hub", f"127.0.0.1:{fleet.enrol_port}", "--ca-fingerprint", hashlib.sha256(der).hexdigest(),
                     "--fleet", "test", "--config", self.device.config, *more]

    def ask(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return self

    def answer(self, code=0):
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == code, (out, err)
        return out + err


def a_person_accepts_who_shows_the_same_fingerprint():
    with Fleet("test") as fleet:
        fleet.start_hub()
        brooklyn = Asker(fleet, "brooklyn", "--name", "brooklyn").ask()
        rows = wait_for("it waits", lambda: lines(fleet.command("enrolments", "--json")))
        assert [(r["device"], r["status"]) for r in rows] == [("brooklyn", "waiting")], rows
        for arguments, code in ((["brooklyn"], 6), (["brooklyn", "--fingerprint", "0000-0000-0000-0000"], 3),
                                (["harlem", "--fingerprint", rows[0]["fingerprint"]], 3)):
            assert fleet.command("enrolment", "accept", *arguments, code=None).returncode == code
        fleet.command("enrolment", "accept", "brooklyn", "--fingerprint", rows[0]["fingerprint"])
        said = brooklyn.answer()
        assert rows[0]["fingerprint"] in said and "enrolled as brooklyn" in said, said
        brooklyn.device.start()
        wait_for("it is online", lambda: names(fleet, "is:online") == ["brooklyn"])

        thief = Asker(fleet, "thief", "--name", "brooklyn").ask()
        assert "with another key" in thief.answer(5)
        mallory = Asker(fleet, "mallory", "--name", "mallory").ask()
        row = wait_for("it waits", lambda: lines(fleet.command("enrolments", "--json")))[0]
        fleet.command("enrolment", "reject", "mallory", "--fingerprint", row["fingerprint"])
        assert "rejected" in mallory.answer(5)
        assert "nobody waits" in fleet.command("enrolments")
        wrong = Asker(fleet, "wrong", "--name", "wrong")
        wrong.argv[wrong.argv.index("--ca-fingerprint") + 1] = wrong.foreign
        wrong.ask().answer(5)


def hardware_joins_by_its_serial_number_and_the_first_key_wins():
    with Fleet("test") as fleet:
        fleet.start_hub()
        sheet = fleet.dir + "/tills.csv"
        with open(sheet, "w") as f:
            f.write("serial,name,site\n" + "".join(f"SN-{i},till-{i},berlin\n" for i in range(1000)))
        assert "1000 devices" in fleet.command("device", "preauthorise", sheet)
        first = Asker(fleet, "first", "--serial", "SN-7").ask()
        assert "enrolled as till-7" in first.answer()
        assert lines(fleet.command("devices", "till-7", "--json"))[0]["labels"] == {"site": "berlin"}
        second = Asker(fleet, "second", "--serial", "SN-7").ask()
        assert "another key has joined with this serial number" in second.answer(5)
        named = Asker(fleet, "named", "--serial", "SN-8", "--name", "other").ask()
        assert "is to be till-8" in named.answer(5)
        assert "enrolled as till-7" in first.ask().answer(), "the same key again"
        for text, said in (("name\n", "columns serial and name"), ("serial,name\nx\n", "line 2: 1 cells"),
                           ("serial,name,Site\n", "can be no label"), ("serial,name\nx,hub\n", "line 2: a serial number")):
            with open(sheet, "w") as f:
                f.write(text)
            done = fleet.command("device", "preauthorise", sheet, code=None)
            assert done.returncode == 6 and said in done.stderr, done
        with open(sheet, "w") as f:
            f.write("serial,name\nSN-2000,till-2000\nSN-2001,till-8\n")
        done = fleet.command("device", "preauthorise", sheet, code=None)
        assert done.returncode != 0 and "SN-2001: other hardware is to be till-8 already" in done.stderr, done


TESTS = [a_person_accepts_who_shows_the_same_fingerprint, hardware_joins_by_its_serial_number_and_the_first_key_wins,
         labels_come_with_tokens_and_are_changed, one_device_on_a_page]
if __name__ == "__main__":
    sys.exit(run_tests(TESTS, at_once=3))
