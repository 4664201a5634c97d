#!/usr/bin/env python3
"""`selvedge-agent check` and `explain` of Meltano projects: what is said, where, with which exit code, and that no secret is."""
import json
import os
import subprocess
import sys
import tempfile

AGENT = os.path.join(os.environ["SELVEDGE_BIN_DIR"], "selvedge-agent")
SHOP = os.path.join("tests", "data", "meltano", "shop")


def run(*args, **env):
    done = subprocess.run([AGENT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env={"PATH": os.environ["PATH"], **env})
    assert "hunter2" not in done.stdout + done.stderr, "a secret was printed"
    return done


def check_names_a_file_or_a_folder():
    by_file = run("check", os.path.join(SHOP, "meltano.yml"))
    by_folder = run("check", SHOP)
    assert by_file.returncode == by_folder.returncode == 0, by_file.stderr
    assert by_file.stdout.splitlines()[0] == f"{SHOP}/meltano.yml: 11 plugins, 4 jobs, 4 schedules, environment dev"
    assert by_file.stdout == by_folder.stdout
    assert "  tap-shop > hide-names > target-files  (state dev:tap-shop-to-target-files)  makes tap_shop/orders, tap_shop/customers" in by_file.stdout.splitlines()
    assert by_file.stderr == "", by_file.stderr


def check_takes_an_environment():
    done = run("check", SHOP, "--environment", "prod")
    assert "(state prod:tap-shop-to-target-files:blue)" in done.stdout
    done = run("check", SHOP, "--environment", "nowhere")
    assert done.returncode == 3 and "there is no environment nowhere" in done.stderr, done
    assert "there are: dev, prod" in done.stderr


def check_as_json():
    said = json.loads(run("check", SHOP, "--json", SHOP_PASSWORD="hunter2", TAP_SHOP_TOKEN="hunter2").stdout)
    assert said["environment"] == "dev" and said["root"] == os.path.realpath(SHOP)
    tap = next(p for p in said["plugins"] if p["name"] == "tap-shop")
    assert tap["settings"]["token"] == {"value": "$TAP_SHOP_TOKEN", "source": "env", "variable": "TAP_SHOP_TOKEN", "sensitive": True,
                                        "declared": True, "at": f"{SHOP}/meltano.yml:67"}, tap["settings"]["token"]
    assert tap["config"]["auth"]["password"] == "$SHOP_PASSWORD" and "env" not in tap
    block = said["jobs"][0]["blocks"][0]
    assert block["plugins"] == ["tap-shop", "hide-names", "target-files"] and block["streams"] == ["orders", "customers"], block
    assert block["assets"] == ["tap_shop/orders", "tap_shop/customers"], block


def explain_shows_places():
    done = run("explain", os.path.join(SHOP, "meltano.yml"), "tap-shop", "--environment", "prod")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert f'    page_size: "500"  # environment, {SHOP}/meltano.yml:34' in lines, done.stdout
    assert '    secret_key: "(redacted)"  # meltano_yml, tests/data/meltano/shop/meltano.yml:114' in lines, done.stdout
    assert run("explain", SHOP, "gone").returncode == 3


def problems_are_said():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "meltano.yml")
        with open(path, "w") as file:
            file.write("jobs:\n- {name: j, tasks: [tap-a target-b]}\nschedules:\n- {name: s, job: gone}\n")
        done = run("check", path)
        assert done.returncode == 0, done
        assert f"{path}:4:13: warning: schedule s: there is no job gone" in done.stderr, done.stderr
        assert f"{path}:2:3: warning: job j: Meltano would not run it: there is no plugin or mapping tap-a" in done.stderr
        with open(path, "w") as file:
            file.write("plugins:\n  loaders:\n  - {name: 'a:b'}\n")
        done = run("check", path)
        assert done.returncode != 0 and f"{path}:3:" in done.stderr and "a name has no ':'" in done.stderr, done
        assert json.loads(run("check", path, "--json").stdout)["problems"][0]["line"] == 3
    done = run("check", os.path.join(folder, "meltano.yml"))
    assert done.returncode == 3 and "No such file or directory" in done.stderr, done


def main():
    for test in (check_names_a_file_or_a_folder, check_takes_an_environment, check_as_json, explain_shows_places, problems_are_said):
        test()
        print("ok:", test.__name__)


if __name__ == "__main__":
    sys.exit(main())
