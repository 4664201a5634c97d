#!/usr/bin/env python3
"""`selvedge-hub dbt-bundle`: what it writes and says; and hostile manifests, refused in bounded memory."""
import gzip
import hashlib
import json
import os
import sys
import tempfile

import dbt_big
from fleet import HUB, read_file, run, run_tests

DATA = os.path.join("tests", "data", "dbt")
SMALL = os.path.join(DATA, "small_v12.json")
SECOND = os.path.join(DATA, "small_v12_incremental.json")


def scratch():
    return tempfile.TemporaryDirectory(prefix="selvedge-test-")


def unpacked(path):
    with gzip.open(path) as file:
        return file.read()


def fails(code, *argv):
    done = run(HUB, "dbt-bundle", *argv, code=None)
    assert done.returncode == code and done.stderr.startswith("error: "), done
    return done.stderr


def a_bundle_with_everything():
    with scratch() as folder:
        out = os.path.join(folder, "shop.dbt.gz")
        said = run(HUB, "dbt-bundle", SMALL, "--incremental", SECOND, "--seeds", DATA, "-o", out)
        text = unpacked(out)
        bundle = json.loads(text)
        before = text[:text.rindex(b',"sha256":')]
        assert bundle["selvedge_bundle"] == 1 and bundle["sha256"] == hashlib.sha256(before).hexdigest()
        daily = bundle["nodes"]["model.shop.daily"]
        assert "max(day)" in daily["compiled_code_incremental"] and "max(day)" not in daily["compiled_code"]
        assert daily["uses"] == ["is_incremental", "run", "environment"] and "raw_code" not in daily
        assert bundle["nodes"]["seed.shop.sizes"]["seed_text"] == read_file(os.path.join(DATA, "seeds", "sizes.csv"))
        assert list(bundle["nodes"]) == sorted(bundle["nodes"]) and "macros" not in bundle
        assert said.splitlines()[0] == f"{out}: {os.path.getsize(out)} bytes, from {os.path.getsize(SMALL) + os.path.getsize(SECOND)}"
        assert "1 model, 1 with both variants" in said and bundle["sha256"] in said, said


def the_same_input_gives_the_same_bytes():
    with scratch() as folder:
        made = []
        for name in ("one", "two"):
            out = os.path.join(folder, name)
            run(HUB, "dbt-bundle", SMALL, "-o", out)
            with open(out, "rb") as file:
                made.append(file.read())
        assert made[0] == made[1]


def compiled_again_it_is_the_same_bundle():
    """Each time dbt writes other times and ids, and what a node depends on in another order."""
    with scratch() as folder:
        manifest, again = json.loads(read_file(SMALL)), os.path.join(folder, "again.json")
        manifest["metadata"].update(generated_at="2030-01-01T00:00:00Z", invocation_id="another")
        for node in manifest["nodes"].values():
            node["created_at"] = 1893456000.5
            node["depends_on"]["nodes"] = node["depends_on"].get("nodes", [])[::-1]
        assert any(len(node["depends_on"]["nodes"]) > 1 for node in manifest["nodes"].values())
        with open(again, "w", encoding="utf8") as file:
            json.dump(manifest, file)
        one, two = os.path.join(folder, "one"), os.path.join(folder, "two")
        run(HUB, "dbt-bundle", SMALL, "-o", one)
        run(HUB, "dbt-bundle", again, "-o", two)
        assert unpacked(one) == unpacked(two)


def what_a_device_would_refuse_is_said():
    with scratch() as folder:
        manifest, path, out = json.loads(read_file(SMALL)), os.path.join(folder, "listed.json"), os.path.join(folder, "b.gz")
        for node in manifest["nodes"].values():  # as dbt ls writes it
            for key in ("compiled", "compiled_code"):
                node.pop(key, None)
        with open(path, "w", encoding="utf8") as file:
            json.dump(manifest, file)
        done = run(HUB, "dbt-bundle", path, "-o", out, code=None)
        assert done.returncode == 0 and f"selvedge-agent check {out}" in done.stderr, done
        said = json.loads(run(HUB, "dbt-bundle", path, "-o", out, "--json"))
        assert said["native"] == 1 and said["refused"] > 3, said  # the seed


def the_summary_as_json():
    with scratch() as folder:
        out = os.path.join(folder, "b")
        done = run(HUB, "dbt-bundle", SMALL, "-o", out, "--json", code=None)
        said = json.loads(done.stdout)
        assert done.stderr == "" and said["file"] == out, done
        assert (said["models"], said["incremental"], said["pairs"], said["seeds"], said["seed_files"]) == (3, 1, 0, 1, 0), said
        assert said["bytes_after"] == os.path.getsize(out) and said["bytes_unpacked"] == len(unpacked(out))
        done = run(HUB, "dbt-bundle", SMALL, "-o", out, code=None)
        assert "1 incremental model has one variant only" in done.stderr and "--seeds adds them" in done.stderr, done


def packed_manifests_are_taken():
    with scratch() as folder:
        packed, out, plain = (os.path.join(folder, name) for name in ("m.gz", "b", "p"))
        with open(SMALL, "rb") as file, gzip.open(packed, "wb") as to:
            to.write(file.read())
        run(HUB, "dbt-bundle", packed, "-o", out)
        run(HUB, "dbt-bundle", SMALL, "-o", plain)
        assert unpacked(out) == unpacked(plain)


def what_is_wrong_is_said():
    with scratch() as folder:
        out = os.path.join(folder, "b")
        run(HUB, "dbt-bundle", SMALL, code=2)
        assert "absent.json: No such file" in fails(3, "absent.json", "-o", out)
        assert "expected an object" in fails(6, os.path.join(DATA, "seeds", "sizes.csv"), "-o", out)
        assert "reads the model's own table" in fails(6, SECOND, "--incremental", SMALL, "-o", out)
        assert "has no seeds/sizes.csv" in fails(3, SMALL, "--seeds", folder, "-o", out)
        assert not os.path.exists(out)
        run(HUB, "dbt-bundle", SMALL, "-o", out)
        assert "is a bundle already" in fails(6, out, "-o", out)
        assert "No such file" in fails(3, SMALL, "-o", os.path.join(folder, "absent", "b"))


def a_large_project():
    with scratch() as folder:
        one = dbt_big.write(folder, models=300)
        two = dbt_big.write(folder, models=300, incremental=True, name="second.json")
        out = os.path.join(folder, "b")
        said = json.loads(run(HUB, "dbt-bundle", one, "--incremental", two, "--seeds", folder, "-o", out, "--json"))
        assert (said["models"], said["tests"], said["incremental"], said["pairs"], said["seed_files"]) == (300, 900, 15, 15, 20), said
        assert said["bytes_after"] * 20 < said["bytes_before"], said


# --- hostile ------------------------------------------------------------------------------------

HEAD = (b'{"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/v12.json"},"nodes":{"model.a.b":'
        b'{"unique_id":"model.a.b","resource_type":"model","raw_code":"')


def peak_of(*argv):
    """Exit code, stderr and the child's own peak of memory in MB."""
    pid_out, pid_in = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(pid_in, 2)
        os.execv(argv[0], argv)
    os.close(pid_in)
    with os.fdopen(pid_out) as file:
        said = file.read()
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), said, usage.ru_maxrss / 1024


def refused_in_little_memory(path, what):
    with scratch() as folder:
        out = os.path.join(folder, "b")
        _, _, usual = peak_of(HUB, "dbt-bundle", SMALL, "-o", out)
        code, said, peak = peak_of(HUB, "dbt-bundle", path, "-o", out)
        assert code in (1, 6) and what in said, (code, said)
        assert peak < usual + 40, f"{peak} MB, {usual} MB for a small one"


def a_string_of_ten_gigabytes():
    with scratch() as folder:
        path = os.path.join(folder, "manifest.json")
        with open(path, "wb") as file:
            file.write(HEAD)
            file.truncate(10 << 30)
        refused_in_little_memory(path, "LIMIT_DBT_MANIFEST_BYTES")
        os.truncate(path, 500 << 20)
        refused_in_little_memory(path, "LIMIT_DBT_NODE_BYTES")


def ten_gigabytes_packed():
    """Members of gzip in a row, each of 64 MiB: as long as the string is, it stays one string."""
    with scratch() as folder:
        path = os.path.join(folder, "manifest.json.gz")
        member = gzip.compress(b"a" * (64 << 20), 1)
        with open(path, "wb") as file:
            file.write(gzip.compress(HEAD))
            for _ in range(160):
                file.write(member)
        os.environ["TMPDIR"] = folder
        refused_in_little_memory(path, "LIMIT_DBT_MANIFEST_BYTES")
        assert os.listdir(folder) == ["manifest.json.gz"], os.listdir(folder)


def brackets_without_end():
    with scratch() as folder:
        path = os.path.join(folder, "manifest.json")
        with open(path, "wb") as file:
            file.write(HEAD + b'","meta":')
            for _ in range(64):
                file.write(b"[" * (1 << 20))
        refused_in_little_memory(path, "nested too deep")


if __name__ == "__main__":
    sys.exit(run_tests([a_bundle_with_everything, the_same_input_gives_the_same_bytes,
                        compiled_again_it_is_the_same_bundle, what_a_device_would_refuse_is_said, the_summary_as_json,
                        packed_manifests_are_taken, what_is_wrong_is_said, a_large_project, a_string_of_ten_gigabytes,
                        ten_gigabytes_packed, brackets_without_end]))
