#!/usr/bin/env python3
"""tidy.py BUILD_DIR [PART...]: clang-tidy over the files of compile_commands.json whose path has one of the parts, two at
a time. Function size and complexity limits are in .clang-tidy."""
import concurrent.futures
import json
import os
import re
import subprocess
import sys

import tree


def tidy(build, path):
    result = subprocess.run(["clang-tidy", "--quiet", "-p", build, path], cwd=tree.ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=False)
    found = [line for line in result.stdout.splitlines() if re.search(r": (warning|error): ", line)]
    if result.returncode != 0 and not found:
        found = [f"{path}: clang-tidy ended with {result.returncode}"]
    return [line.replace(tree.ROOT + "/", "").replace(",-warnings-as-errors", "") for line in found]


def main():
    build = sys.argv[1]
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        paths = {os.path.relpath(entry["file"], tree.ROOT) for entry in json.load(file)}
    ours = {path for path in paths if not path.startswith(("build/", ".."))}
    if len(sys.argv) > 2:
        ours = {path for path in ours if any(part in path for part in sys.argv[2:])}
    problems = set()
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for found in pool.map(lambda path: tidy(build, path), sorted(ours)):
            problems.update(found)
    return tree.report(sorted(problems))


if __name__ == "__main__":
    sys.exit(main())
