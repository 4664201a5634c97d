"""A source that keeps changing, a Singer tap and a Singer target that somebody else might have written, and what must hold between source
and target at any moment. Each change of a row has a number of its own, `at`, which only grows: so whatever state a load left behind, the rows
that it speaks of are known. Standard library only."""
import json
import os
import sqlite3
import sys

TABLE = "CREATE TABLE sales (id INTEGER PRIMARY KEY, at INTEGER NOT NULL UNIQUE, v INTEGER, t TEXT)"
COLUMNS = "id, at, v, t"

# Reads what changed since the state, says a STATE every 50 rows.
TAP = """
import json, sqlite3, sys
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
at = json.load(open(arguments["--state"]))["at"] if "--state" in arguments else 0
kinds = {"id": "integer", "at": "integer", "v": "integer", "t": "string"}
print(json.dumps({"type": "SCHEMA", "stream": "sales", "key_properties": ["id"],
                  "schema": {"properties": {name: {"type": ["null", kind]} for name, kind in kinds.items()}}}), flush=True)
db = sqlite3.connect(json.load(open(arguments["--config"]))["path"], timeout=60)
for number, row in enumerate(db.execute("SELECT id, at, v, t FROM sales WHERE at > ? ORDER BY at", (at,))):
    print(json.dumps({"type": "RECORD", "stream": "sales", "record": dict(zip(kinds, row))}), flush=number % 50 == 49)
    if number % 50 == 49:
        print(json.dumps({"type": "STATE", "value": {"at": row[1]}}), flush=True)
    at = row[1]
print(json.dumps({"type": "STATE", "value": {"at": at}}), flush=True)
"""

# Upserts by key, commits at each STATE, and says it then, as a good target does.
TARGET = """
import json, sqlite3, sys
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
db = sqlite3.connect(json.load(open(arguments["--config"]))["path"], timeout=60, isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("BEGIN IMMEDIATE")
db.execute("CREATE TABLE IF NOT EXISTS sales (id INTEGER PRIMARY KEY, at INTEGER, v INTEGER, t TEXT)")
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "RECORD":
        record = message["record"]
        db.execute("INSERT OR REPLACE INTO sales VALUES (?, ?, ?, ?)", [record.get(name) for name in ("id", "at", "v", "t")])
    elif message["type"] == "STATE":
        db.execute("COMMIT")
        print(json.dumps(message["value"]), flush=True)
        db.execute("BEGIN IMMEDIATE")
db.execute("COMMIT")
"""


def program(folder, name, text):
    """Its command."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf8") as file:
        file.write(text)
    return [sys.executable, "-S", path]


class Source:
    """till.db: a point of sale that goes on selling."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "till.db")
        self.at = 0
        self.rows = 0
        self.db = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=OFF")  # its own life is not what is tried here
        self.db.execute(TABLE)

    def change(self, rng, new, updates):
        self.db.execute("BEGIN IMMEDIATE")
        for _ in range(new):
            self.at += 1
            self.rows += 1
            self.db.execute("INSERT INTO sales VALUES (?, ?, ?, ?)",
                            (self.rows, self.at, rng.randrange(1000), "t" * rng.randrange(40) if rng.random() < 0.9 else None))
        for _ in range(updates if self.rows else 0):
            self.at += 1
            self.db.execute("UPDATE sales SET at = ?, v = ? WHERE id = ?", (self.at, rng.randrange(1000), rng.randrange(self.rows) + 1))
        self.db.execute("COMMIT")

    def all(self):
        return self.db.execute(f"SELECT {COLUMNS} FROM sales ORDER BY id").fetchall()

    def up_to(self, at):
        """The rows whose last change a state of `at` speaks of."""
        return self.db.execute(f"SELECT {COLUMNS} FROM sales WHERE at <= ? ORDER BY id", (at,)).fetchall()

    def close(self):
        self.db.close()


def read(path, *queries):
    """The rows of each query, all of one moment; none of a table that is not there."""
    if not os.path.exists(path):
        return [[] for _ in queries]
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    try:
        db.execute("BEGIN")
        return [rows_of(db, sql) for sql in queries]
    finally:
        db.close()


def rows_of(db, sql):
    try:
        return db.execute(sql).fetchall()
    except sqlite3.OperationalError as problem:
        if "no such table" in str(problem):
            return []
        raise


def loaded(path):
    """Rows and mark of an SQLite file that keeps its state."""
    rows, states = read(path, f"SELECT {COLUMNS} FROM sales ORDER BY id", "SELECT value FROM _selvedge_state")
    return rows, mark_of(json.loads(states[0][0])) if states else 0


def expect_claimed(source, at, rows, where):
    """What a state claims is there, as it is in the source."""
    there = {row[0]: row for row in rows}
    missing = [row for row in source.up_to(at) if there.get(row[0]) != row]
    assert not missing, f"{where}: the state says {at}, and of what it claims is missing or old: {missing[:3]} ({len(missing)})"
    assert len(there) == len(rows), f"{where}: a row is there twice"


def expect_equal(source, rows, where):
    """Row for row, none missing, none doubled."""
    wanted = source.all()
    if rows != wanted:
        lost = sorted(set(wanted) - set(rows))
        more = sorted(set(rows) - set(wanted))
        raise AssertionError(f"{where}: {len(rows)} rows for {len(wanted)}; missing {lost[:3]} ({len(lost)}), of nobody {more[:3]} ({len(more)})")


def state_of_folder(folder):
    """Of a load whose state is kept in a file."""
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.endswith(".json"):
            with open(os.path.join(folder, name), encoding="utf8") as file:
                states = json.load(file)["states"]
            return states[0]["value"] if states else None
    return None


def mark_of(state):
    """`at` of a state of ours or of the tap here; 0 when there is none."""
    if not state:
        return 0
    if "at" in state:
        return state["at"]
    bookmark = state.get("bookmarks", {}).get("sales", {})
    return int(bookmark.get("replication_key_value") or 0)
