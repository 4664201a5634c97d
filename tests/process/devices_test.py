"""Devices as an operator handles them: labels and targets, tokens that are bound to names and labels."""
import json
import sys

from fleet import Fleet, run_tests

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


TESTS = [labels_come_with_tokens_and_are_changed]
if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
