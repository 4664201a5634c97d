#!/usr/bin/env python3
"""docs/limits.md names every limit of common/base/limits.h with the value that it has."""
import re
import sys

import tree

ENTRY = re.compile(r"(LIMIT_\w+)\s*=\s*(?:(\d+)(?:\s*<<\s*(\d+))?|(LIMIT_\w+))\s*[,}]")
ROW = re.compile(r"^\|\s*`(LIMIT_\w+)`\s*\|\s*([^|]+?)\s*\|", re.M)
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20}


def values(header):
    found = {}
    for name, number, shift, other in ENTRY.findall(header):
        found[name] = found[other] if other else int(number) << int(shift or 0)
    return found


def said(text):
    """"4 MiB" or "20,000" as a number; None when it is neither."""
    match = re.fullmatch(r"([\d,]+)(?: (KiB|MiB))?", text)
    return int(match.group(1).replace(",", "")) * UNITS.get(match.group(2), 1) if match else None


def main():
    header = tree.read("common/base/limits.h")
    limits = values(header)
    rows = dict(ROW.findall(tree.read("docs/limits.md")))
    problems = []
    for name in re.findall(r"\bLIMIT_\w+(?=\s*=)", header):
        if name not in limits:
            problems.append(f"common/base/limits.h: {name} is no plain number")
        elif name not in rows:
            problems.append(f"docs/limits.md: {name} is missing")
        elif said(rows[name]) != limits[name]:
            problems.append(f"docs/limits.md: {name} is {limits[name]}, not {rows[name]}")
    for name in rows:
        if name not in limits:
            problems.append(f"docs/limits.md: there is no {name}")
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
