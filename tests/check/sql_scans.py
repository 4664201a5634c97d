#!/usr/bin/env python3
"""No question of the hub reads a table that grows with the log or the fleet's assets from end to end, but those
that say so: a line `-- Reads all of TABLE: WHY` in the file. Asked of SQLite itself, of the schema that the
migrations make: what a statement opens, and what it goes through from an end."""
import re
import sqlite3
import sys

import tree

# Of 2,000 devices with 500 assets each of these has a million rows or more; stream has all databases that they ever had.
GROWING = {"event", "run", "step", "materialization", "asset_state", "asset_definition", "asset_history",
           "asset_freshness", "asset_partition", "check_history", "check_result", "edge", "gap", "stream", "tick_history"}
GIVEN_COLUMNS = 19  # HUB_STORE_GIVEN_COLUMNS
PLANNER = (3, 40)  # Debian 12's; another may choose otherwise
SAYS = re.compile(r"^-- Reads (?:all|an end) of ([\w, ]+): \S.*$", re.M)


def schema():
    db = sqlite3.connect(":memory:")
    names = re.findall(r"migrations/\S+\.sql", tree.read("hub/store/CMakeLists.txt"))
    for name in names:
        db.executescript(tree.read("hub/store/" + name))
    db.execute(f"CREATE TABLE given ({', '.join(f'c{i}' for i in range(GIVEN_COLUMNS))})")  # rows in memory: db_rows.h
    return db


def scanned(db, text):
    """The growing tables that the statement reads from an end."""
    # An index that holds some rows only is there to be gone through.
    tables = dict(db.execute("SELECT rootpage, tbl_name FROM sqlite_master WHERE coalesce(sql, '') NOT LIKE '%INDEX%WHERE%'"))
    values = {name: None for name in re.findall(r"[:@$](\w+)", text)}
    opened = {}
    found = set()
    for _, code, p1, p2, *_ in db.execute("EXPLAIN " + text, values):
        if code == "OpenRead":
            opened[p1] = tables.get(p2)
        elif code in ("Rewind", "Last") and opened.get(p1) in GROWING:
            found.add(opened[p1])
    return found


def main():
    if sqlite3.sqlite_version_info[:2] != PLANNER:
        print("skipped: SQLite here is " + sqlite3.sqlite_version)
        return 77
    db = schema()
    problems = []
    for path in tree.files(".sql"):
        if not re.fullmatch(r"hub/\w+/sql/\w+\.sql", path):
            continue
        text = tree.read(path)
        said = {name.strip() for names in SAYS.findall(text) for name in names.split(",")}
        try:
            found = scanned(db, text)
        except sqlite3.Error as error:
            problems.append(f"{path}: {error}")
            continue
        problems += [f"{path}: reads all of {name}; find the rows by an index, or say in the file: "
                     f"-- Reads all of {name}: WHY" for name in sorted(found - said)]
        problems += [f"{path}: says that it reads all of {name}, and does not" for name in sorted(said - found)]
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
