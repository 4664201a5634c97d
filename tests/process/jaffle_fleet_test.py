"""Six CSV files, extracted by an enrolled agent into its SQLite store and seen by the hub, are what the sqlite3 shell's .import
makes of them; run twice nothing changes; a changed file is picked up. Over small files of our own, and over the Jaffle Shop's
when they are there."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys

from fleet import Fleet, run_tests, skip, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OWN = os.path.join(ROOT, "tests/data/jaffle")
SHOP = os.path.join(os.path.dirname(ROOT), "shared/data/dbt/jaffle_shop_sqlite/project/seeds")
TABLES = {
    "raw_customers": "id TEXT, name TEXT",
    "raw_items": "id TEXT, order_id TEXT, sku TEXT",
    "raw_orders": "id TEXT, customer TEXT, ordered_at TEXT, store_id TEXT, subtotal INTEGER, tax_paid INTEGER, order_total INTEGER",
    "raw_products": "sku TEXT, name TEXT, type TEXT, price INTEGER, description TEXT",
    "raw_stores": "id TEXT, name TEXT, opened_at TEXT, tax_rate REAL",
    "raw_supplies": "id TEXT, name TEXT, cost INTEGER, perishable TEXT, sku TEXT",
}
SUMS = {"raw_orders": ["subtotal", "tax_paid", "order_total"], "raw_products": ["price"], "raw_stores": ["tax_rate"],
        "raw_supplies": ["cost"]}
KEYS = {"raw_products": "sku", "raw_supplies": "id, sku"}
TOTALS = "SELECT store_id, count(*) AS orders, sum(order_total) AS total FROM raw_orders GROUP BY store_id"
if shutil.which("sqlite3") is None:
    skip("the sqlite3 shell is not there")


def definitions():
    assets = "".join(
        f"  - key: jaffle/{table}\n"
        f"    extract: {{csv: 'in/{table}.csv'}}\n"
        f"    load: {{resource: local, mode: upsert, primary_key: [{KEYS.get(table, 'id')}]}}\n"
        f"    checks:\n      - {{name: has_rows, sql: 'SELECT count(*) > 0 FROM {table}'}}\n" for table in TABLES)
    return ("project: jaffle\nresources:\n  local: {type: sqlite, path: \"${STATE_DIR}/shop.db\"}\nassets:\n" + assets +
            "  - key: jaffle/store_totals\n    deps: [jaffle/raw_orders]\n"
            f"    sql: {{resource: local, materialized: table, query: '{TOTALS}'}}\n")


def import_with_shell(folder, path):
    if os.path.exists(path):
        os.remove(path)
    script = "".join(f"CREATE TABLE {table} ({columns});\n.import --csv --skip 1 {folder}/{table}.csv {table}\n"
                     for table, columns in TABLES.items())
    subprocess.run(["sqlite3", "-bail", path], input=script, text=True, check=True)


def rows(path, sql):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def cells(path, table):
    """Every value with its type, in the order of the file."""
    names = [c.split()[0] for c in TABLES[table].split(", ")]
    return rows(path, f"SELECT {', '.join(f'{n}, typeof({n})' for n in names)} FROM {table} ORDER BY rowid")


class Shop:
    def __init__(self, fleet, source):
        self.fleet = fleet
        self.device = fleet.device("philadelphia", definitions())
        self.folder = os.path.join(self.device.dir, "in")
        os.mkdir(self.folder)
        for table in TABLES:
            shutil.copyfile(f"{source}/{table}.csv", f"{self.folder}/{table}.csv")
        self.store = self.device.state + "/shop.db"
        self.expected = os.path.join(fleet.dir, "expected.db")
        self.device.enrol()
        self.device.start()

    def materialize(self):
        self.device.command("materialize", "*")
        wait_for("the hub has everything", lambda: self.device.position()["waiting_events"] == 0)
        listed = [json.loads(line) for line in self.fleet.command("assets", "--json").splitlines()]
        return {a["asset"].removeprefix("jaffle/"): a["row_count"] for a in listed}

    def as_the_hub_shows(self, table):
        """One asset, and the metadata of its newest materialization on the device."""
        asset = json.loads(self.fleet.command("assets", f"jaffle/{table}", "--json"))
        return asset, {k: v["raw_value"] for k, v in asset["on_devices"][0]["metadata"].items()}

    def written(self):
        return {table: self.as_the_hub_shows(table)[1]["rows_written"] for table in TABLES}

    def compare(self):
        """Materializes everything; the row counts, which are right."""
        counts = self.materialize()
        import_with_shell(self.folder, self.expected)
        for table in TABLES:
            assert cells(self.store, table) == cells(self.expected, table), table
            for column in SUMS.get(table, []):
                sql = f"SELECT sum({column}), typeof(sum({column})) FROM {table}"
                assert rows(self.store, sql) == rows(self.expected, sql), (table, column)
            assert counts[table] == rows(self.expected, f"SELECT count(*) FROM {table}")[0][0], (table, counts)
        totals = rows(self.expected, TOTALS + " ORDER BY 1")
        assert rows(self.store, "SELECT * FROM store_totals ORDER BY 1") == totals
        assert counts["store_totals"] == len(totals), counts
        return counts


def extract_compare_change(source):
    with Fleet("jaffle") as fleet:
        fleet.start_hub()
        shop = Shop(fleet, source)
        first = shop.compare()
        assert set(first) == set(TABLES) | {"store_totals"}, first
        for table, columns in TABLES.items():
            asset, metadata = shop.as_the_hub_shows(table)
            seen = [f"{c['name']} {c['type']}" for c in metadata["dagster/column_schema"]["columns"]]
            assert seen == columns.split(", ") and metadata["rows_written"] == first[table], (table, metadata)
            assert [c["passed"] for c in asset["check_results"]] == [True], asset
        assert "jaffle/raw_orders" in json.dumps(shop.as_the_hub_shows("store_totals")[0]["upstream"])

        before = {table: cells(shop.store, table) for table in TABLES}
        assert shop.compare() == first
        assert {table: cells(shop.store, table) for table in TABLES} == before
        assert set(shop.written().values()) == {0}, shop.written()

        with open(shop.folder + "/raw_orders.csv", "a") as f:
            f.write("o-new,c-new,2020-01-01 00:00:00.000,s-new,100,7,107\n")
        with open(shop.folder + "/raw_stores.csv") as f:
            text = f.read()
        with open(shop.folder + "/raw_stores.csv", "w") as f:
            f.write(text.replace("Brooklyn", "Bronx"))
        changed = shop.compare()
        assert changed == first | {"raw_orders": first["raw_orders"] + 1, "store_totals": first["store_totals"] + 1}, changed
        assert shop.written() == dict.fromkeys(TABLES, 0) | {"raw_orders": 1, "raw_stores": 1}, shop.written()
        assert rows(shop.store, "SELECT count(*) FROM raw_stores WHERE name = 'Bronx'") == [(1,)]
        fleet.hub.stop()
        fleet.command("rebuild", "--check")
        print(", ".join(f"{table} {count}" for table, count in changed.items()))


def files_of_our_own():
    extract_compare_change(OWN)


def the_jaffle_shop():
    if not os.path.isdir(SHOP):
        print("skipped: the Jaffle Shop's files are not there")
        return
    extract_compare_change(SHOP)


if __name__ == "__main__":
    sys.exit(run_tests([files_of_our_own, the_jaffle_shop], at_once=2))
