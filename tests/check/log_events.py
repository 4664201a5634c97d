#!/usr/bin/env python3
"""docs/reference/log-events.md has a row for every event that the code logs, with its levels, and no other."""
import re
import sys

import tree

PAGE = "docs/reference/log-events.md"
CALL = re.compile(r"\bLOG(?:_EVENT)?\(\s*(ERROR|WARN|INFO|DEBUG)\s*,(.*?)(?:,\s*F_|\)\s*;)", re.S)
NAME = re.compile(r'"([a-z_]+\.[a-z_]+)"')
ROW = re.compile(r"^\|\s*`([a-z_]+\.[a-z_]+)`\s*\|\s*([a-z, ]+?)\s*\|", re.M)
ORDER = ["error", "warn", "info", "debug"]


def logged():
    """The levels of each event in the programs' code."""
    found = {}
    for path in tree.files(".c"):
        if path.split("/")[0] not in ("agent", "common", "hub"):
            continue
        for level, name in CALL.findall(tree.read(path)):
            for event in NAME.findall(name):
                found.setdefault(event, set()).add(level.lower())
    return found


def main():
    found = logged()
    rows = {}
    problems = []
    for event, levels in ROW.findall(tree.read(PAGE)):
        if event in rows:
            problems.append(f"{PAGE}: {event} has two rows")
        rows[event] = levels
    for event in sorted(found):
        levels = ", ".join(level for level in ORDER if level in found[event])
        if event not in rows:
            problems.append(f"{PAGE}: {event} ({levels}) is missing")
        elif rows[event] != levels:
            problems.append(f"{PAGE}: {event} is logged as {levels}, not {rows[event]}")
    for event in sorted(set(rows) - set(found)):
        problems.append(f"{PAGE}: nothing logs {event}")
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
