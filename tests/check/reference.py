#!/usr/bin/env python3
"""reference.py BIN_DIR [--write]: the pages that programs print about themselves are in docs/reference as they print them.
Exit 77 when there is no program yet."""
import os
import subprocess
import sys

import tree

PAGES = {
    "selvedge-agent.md": ["selvedge-agent", "help", "--markdown"],
    "selvedge-el.md": ["selvedge-el", "help", "--markdown"],
    "selvedge-hub.md": ["selvedge-hub", "help", "--markdown"],
    "definitions.md": ["selvedge-agent", "reference"],
    "hub-settings.md": ["selvedge-hub", "reference"],
    "openapi.json": ["selvedge-hub", "openapi"],
}


def main():
    folder = sys.argv[1]
    write = "--write" in sys.argv[2:]
    problems = []
    seen = 0
    for name, command in PAGES.items():
        program = os.path.join(folder, command[0])
        if not os.path.exists(program):
            continue
        seen += 1
        result = subprocess.run([program] + command[1:], stdout=subprocess.PIPE, check=False)
        path = os.path.join(tree.ROOT, "docs/reference", name)
        if result.returncode != 0:
            problems.append(f"{' '.join(command)} ended with {result.returncode}")
        elif write:
            with open(path, "wb") as file:
                file.write(result.stdout)
        elif not os.path.exists(path):
            problems.append(f"docs/reference/{name} is missing: run ./dev docs")
        else:
            with open(path, "rb") as file:
                if file.read() != result.stdout:
                    problems.append(f"docs/reference/{name} is old: run ./dev docs")
    if seen == 0:
        print("no program yet")
        return 77
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
