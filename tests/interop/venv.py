"""Other people's Python programs for our tests: `ensure("croniter==7.0.0")` gives the path of a Python that has them.

A virtual environment under build/venv for each set of packages, made once and kept, with exact versions so that a test says the same
tomorrow. Tests that run at the same time wait for each other. Ends the test with 77 and a word when the package index cannot be reached."""
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.environ.get("SELVEDGE_VENV_DIR", os.path.join(ROOT, "build", "venv"))
SKIP = 77
# What pip says when it is the network, or this Python, and not the package.
UNREACHABLE = re.compile(r"NewConnectionError|ConnectTimeout|Read timed out|name resolution|ProxyError|Network is unreachable"
                         r"|Connection refused|Connection reset|SSLError|Requires-Python")


def skip(why):
    print("skipped:", why)
    sys.exit(SKIP)


def make(folder, packages):
    done = subprocess.run([sys.executable, "-I", "-m", "venv", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        skip(f"no virtual environment can be made (Debian: apt-get install python3-venv): {done.stdout.strip()[-200:]}")
    done = subprocess.run([os.path.join(folder, "bin", "python"), "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
                           *packages], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        if UNREACHABLE.search(done.stdout):
            skip(f"{' '.join(packages)} cannot be installed here: {done.stdout.strip().splitlines()[-1]}")
        raise AssertionError(f"pip install {' '.join(packages)} failed:\n{done.stdout[-3000:]}")


def ensure(*packages):
    """The Python of an environment with exactly these packages ("name==version") and what they need."""
    for package in packages:
        assert "==" in package, f"{package}: pin its version"
    name = hashlib.sha256("\n".join([sys.version, *sorted(packages)]).encode()).hexdigest()[:16]
    folder = os.path.join(FOLDER, name)
    complete = os.path.join(folder, "complete")
    os.makedirs(FOLDER, exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(complete):
            shutil.rmtree(folder, ignore_errors=True)  # of a test that was ended half-way
            try:
                make(folder, packages)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            with open(complete, "w") as file:
                file.write("\n".join(packages) + "\n")
    return os.path.join(folder, "bin", "python")


def rerun(*packages):
    """The calling script again, in that environment. Returns when it runs there already."""
    python = ensure(*packages)
    if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python))):
        os.execv(python, [python, *sys.argv])
