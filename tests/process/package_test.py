#!/usr/bin/env python3
"""The Debian packages hold what they should: files, owners, dependencies, maintainer scripts, units that systemd accepts.
Made from the release build when SELVEDGE_RELEASE_DIR names one, else from the build that is tested."""
import glob
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = os.environ.get("SELVEDGE_RELEASE_DIR") or os.path.dirname(os.environ["SELVEDGE_BIN_DIR"])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FILES = {
    "selvedge-agent": {
        "./usr/bin/selvedge-agent": "-rwxr-xr-x",
        "./usr/bin/selvedge-el": "-rwxr-xr-x",
        "./usr/lib/selvedge/selvedge-exec": "-rwxr-xr-x",
        "./usr/lib/systemd/system/selvedge-agent.service": "-rw-r--r--",
        "./usr/lib/sysusers.d/selvedge-agent.conf": "-rw-r--r--",
        "./usr/share/man/man1/selvedge-agent.1.gz": "-rw-r--r--",
        "./usr/share/man/man1/selvedge-el.1.gz": "-rw-r--r--",
        "./usr/share/bash-completion/completions/selvedge-agent": "-rw-r--r--",
        "./usr/share/bash-completion/completions/selvedge-el": "-rw-r--r--",
        "./usr/share/fish/vendor_completions.d/selvedge-agent.fish": "-rw-r--r--",
        "./usr/share/fish/vendor_completions.d/selvedge-el.fish": "-rw-r--r--",
        "./usr/share/doc/selvedge-agent/copyright": "-rw-r--r--",
        "./etc/selvedge/agent.yaml": "-rw-r--r--",
    },
    "selvedge-hub": {
        "./usr/bin/selvedge-hub": "-rwxr-xr-x",
        "./usr/lib/systemd/system/selvedge-hub.service": "-rw-r--r--",
        "./usr/lib/sysusers.d/selvedge-hub.conf": "-rw-r--r--",
        "./usr/share/man/man1/selvedge-hub.1.gz": "-rw-r--r--",
        "./usr/share/bash-completion/completions/selvedge-hub": "-rw-r--r--",
        "./usr/share/fish/vendor_completions.d/selvedge-hub.fish": "-rw-r--r--",
        "./usr/share/doc/selvedge-hub/copyright": "-rw-r--r--",
        "./usr/share/doc/selvedge-hub/licences-of-the-web-ui.txt": "-rw-r--r--",
        "./etc/selvedge/hub.yaml": "-rw-r--r--",
    },
}
DEPENDS = {"selvedge-agent": ["libc6", "libsqlite3-0", "libmosquitto1"], "selvedge-hub": ["libc6", "libsqlite3-0", "mosquitto"]}


def output(*command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert result.returncode == 0, f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout}"
    return result.stdout


def make_packages(folder):
    output("cmake", "--build", BUILD, "--target", "packaging")
    output("cpack", "-G", "DEB", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", folder, cwd=folder)
    return sorted(glob.glob(os.path.join(folder, "*.deb")))


def check_files(name, deb):
    found = {}
    for line in output("dpkg-deb", "-c", deb).splitlines():
        mode, owner, _, _, _, path = line.split(None, 5)
        assert owner == "root/root", f"{name}: {path} belongs to {owner}"
        if mode.startswith("d"):
            assert mode == "drwxr-xr-x", f"{name}: {path} is {mode}"
        else:
            found[path] = mode
    assert found == FILES[name], f"{name}: files differ: {sorted(set(found.items()) ^ set(FILES[name].items()))}"


def check_control(name, deb, folder):
    info = output("dpkg-deb", "-I", deb)
    assert f"Package: {name}\n" in info, info
    depends = re.search(r"^ *Depends: (.*)", info, re.M).group(1)
    # A device without PostgreSQL needs nothing of it: the worker loads libpq when a step asks for it.
    assert "libpq" not in depends, depends
    for library in DEPENDS[name]:
        assert re.search(rf"\b{re.escape(library)}\b", depends), f"{name} does not depend on {library}: {depends}"
    for library in ("libssl", "libasan"):
        assert library not in depends, f"{name} depends on {library}: {depends}"
    control = os.path.join(folder, name + "-control")
    output("dpkg-deb", "-e", deb, control)
    with open(os.path.join(control, "conffiles"), encoding="utf-8") as file:
        assert file.read() == f"/etc/selvedge/{name[9:]}.yaml\n"
    for script in ("postinst", "prerm", "postrm"):
        path = os.path.join(control, script)
        assert os.stat(path).st_mode & 0o777 == 0o755, f"{name}: {script} is not executable"
        with open(path, encoding="utf-8") as file:
            text = file.read()
        assert name in text and "@" not in text, f"{name}: {script} was not filled in"
        output("sh", "-n", path)


def check_settings(name, root, folder):
    """Every setting that the shipped file shows as a comment is one that the program takes."""
    with open(os.path.join(root, "etc/selvedge", name[9:] + ".yaml"), encoding="utf-8") as file:
        text, count = re.subn(r"^#([a-z_]+: )", r"\1", file.read(), flags=re.M)
    assert count > 5, f"{name}: the settings file shows {count} settings"
    settings = os.path.join(folder, name + ".yaml")
    with open(settings, "w", encoding="utf-8") as file:
        file.write(text)
    command = [os.path.join(root, "usr/bin", name), "--config", settings, "--state-dir", os.path.join(folder, "state"),
               "runs"]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    # There is no database yet: not found or unreachable, but not usage (2) and not bad input (6).
    assert result.returncode in (0, 1, 3, 4), f"{name} does not take its own settings: {result.stdout}"


def check_content(name, deb, folder):
    root = os.path.join(folder, name)
    output("dpkg-deb", "-x", deb, root)
    for path in glob.glob(root + "/usr/share/man/man1/*.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            assert ".SH EXIT STATUS" in file.read(), f"{path} is no manual page"
    for path in glob.glob(root + "/usr/share/bash-completion/completions/*"):
        output("bash", "-n", path)
    check_settings(name, root, folder)
    return root


def check_units(roots):
    """systemd-analyze looks for what ExecStart names, so the unit is read with our copy of the program."""
    if not shutil.which("systemd-analyze"):
        print("systemd-analyze is not installed: units not verified")
        return
    for name, root in roots.items():
        unit = os.path.join(root, f"usr/lib/systemd/system/{name}.service")
        with open(unit, encoding="utf-8") as file:
            text = file.read()
        for line in ("Type=notify", "ProtectSystem=strict", "NoNewPrivileges=yes", f"User={name}", "WatchdogSec=60"):
            assert line + "\n" in text, f"{unit}: no {line}"
        copy = os.path.join(root, f"{name}.service")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/bin/", root + "/usr/bin/"))
        said = output("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copy)
        wrong = [line for line in said.splitlines() if name in line]
        assert not wrong, f"systemd-analyze verify: {wrong}"


def main():
    for program in ("dpkg-deb", "cpack", "dpkg-shlibdeps"):
        if not shutil.which(program):
            print(f"{program} is not installed")
            return 77
    if not os.path.exists(os.path.join(BUILD, "CPackConfig.cmake")):
        print("nothing to package in this build")
        return 77
    with tempfile.TemporaryDirectory(prefix="selvedge-package-") as folder:
        packages = {os.path.basename(deb)[:-4]: deb for deb in make_packages(folder)}
        assert set(packages) == set(FILES), f"packages: {sorted(packages)}"
        roots = {}
        for name, deb in packages.items():
            check_files(name, deb)
            check_control(name, deb, folder)
            roots[name] = check_content(name, deb, folder)
            print(f"{name}: {os.path.getsize(deb)} bytes, {len(FILES[name])} files")
        check_units(roots)
    return 0


if __name__ == "__main__":
    sys.exit(main())
