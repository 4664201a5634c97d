#!/usr/bin/env python3
"""man.py BIN_DIR: the man page that each program makes of itself is read by man without a warning. Exit 77 when there is
no man or no program yet."""
import os
import shutil
import subprocess
import sys
import tempfile

import tree

PROGRAMS = ("selvedge-agent", "selvedge-el", "selvedge-hub")


def check(program):
    page = subprocess.run([program, "help", "--man"], stdout=subprocess.PIPE, check=False)
    if page.returncode != 0:
        yield f"{program} help --man ended with {page.returncode}"
        return
    with tempfile.NamedTemporaryFile(suffix=".1") as file:
        file.write(page.stdout)
        file.flush()
        result = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", file.name], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, check=False,
                                env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
    for line in result.stderr.splitlines():
        yield f"{os.path.basename(program)}: {line}"
    if result.returncode != 0 or "EXIT STATUS" not in result.stdout:
        yield f"{os.path.basename(program)}: man could not show the page"


def main():
    found = [os.path.join(sys.argv[1], name) for name in PROGRAMS]
    found = [program for program in found if os.path.exists(program)]
    if not found or not shutil.which("man"):
        print("no program or no man")
        return 77
    problems = []
    for program in found:
        problems.extend(check(program))
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
