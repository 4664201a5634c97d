"""The Jaffle Shop's six CSV files, loaded by selvedge-el, are what the sqlite3 shell's .import makes of them."""
import os
import shutil
import subprocess
import sys

from el_step import execute, main, request, rows, run, run_ok

SEEDS = os.path.abspath("../shared/data/dbt/jaffle_shop_sqlite/project/seeds")
TABLES = {
    "raw_customers": "id TEXT, name TEXT",
    "raw_items": "id TEXT, order_id TEXT, sku TEXT",
    "raw_orders": "id TEXT, customer TEXT, ordered_at TEXT, store_id TEXT, subtotal INTEGER, tax_paid INTEGER, order_total INTEGER",
    "raw_products": "sku TEXT, name TEXT, type TEXT, price INTEGER, description TEXT",
    "raw_stores": "id TEXT, name TEXT, opened_at TEXT, tax_rate REAL",
    "raw_supplies": "id TEXT, name TEXT, cost INTEGER, perishable TEXT, sku TEXT",
}
SUMS = {"raw_orders": "sum(subtotal), sum(tax_paid), sum(order_total)", "raw_products": "sum(price)",
        "raw_stores": "sum(tax_rate)", "raw_supplies": "sum(cost)"}


def import_with_shell(path):
    for table, columns in TABLES.items():
        execute(path, f"CREATE TABLE {table} ({columns})")
        subprocess.run(["sqlite3", path, f".import --csv --skip 1 {SEEDS}/{table}.csv {table}"], check=True)


def cells(path, table):
    names = [r[1] for r in rows(path, f"PRAGMA table_info({table})")]
    typed = ", ".join(f"{n}, typeof({n})" for n in names)
    return rows(path, f"SELECT {typed} FROM {table} ORDER BY rowid")


def assert_same(table):
    assert cells("el.db", table) == cells("shell.db", table), table
    if table in SUMS:
        sql = f"SELECT {SUMS[table]} FROM {table}"
        assert rows("el.db", sql) == rows("shell.db", sql), table


def step(table, mode, source=None, **target):
    return request({"type": "csv", "path": source or f"{SEEDS}/{table}.csv"},
                   dict({"type": "sqlite", "path": "el.db", "table": table, "mode": mode}, **target),
                   asset=f"jaffle/{table}")


def equal_to_the_shell_in_every_mode():
    import_with_shell("shell.db")
    for mode, target in (("append", {}), ("overwrite", {}), ("upsert", {"primary_key": ["KEY"]})):
        if os.path.exists("el.db"):
            os.remove("el.db")
        for table in TABLES:
            key = {"primary_key": ["sku"]} if table == "raw_products" else {"primary_key": ["id"]}
            if table == "raw_supplies":
                key = {"primary_key": ["id", "sku"]}
            made = run_ok(step(table, mode, **(key if target else {}))).metadata
            assert made["dagster/row_count"] == rows("shell.db", f"SELECT count(*) FROM {table}")[0][0]
            assert made["rows_read"] == made["rows_written"] == made["dagster/row_count"]
            assert_same(table)
            again = run_ok(step(table, mode, **(key if target else {}))).metadata
            assert again["rows_written"] == 0, again
            assert_same(table)


def equal_in_a_table_typed_before():
    import_with_shell("shell.db")
    for table, columns in TABLES.items():
        execute("el.db", f"CREATE TABLE {table} ({columns})")
        run_ok(step(table, "append"))
        assert_same(table)


def a_changed_file_is_picked_up():
    shutil.copy(f"{SEEDS}/raw_stores.csv", "stores.csv")
    os.chmod("stores.csv", 0o600)
    for mode, key in (("append", {}), ("upsert", {"primary_key": ["id"]}), ("overwrite", {})):
        run_ok(step("raw_stores", mode, "stores.csv", **key) | {"state_id": mode})
        execute("el.db", "ALTER TABLE raw_stores RENAME TO " + mode)
    before = rows("el.db", "SELECT count(*) FROM append")[0][0]
    with open("stores.csv", "a") as f:
        f.write("new-store,Leipzig,2026-01-01T00:00:00,0.19\n")
    for mode, key in (("append", {}), ("upsert", {"primary_key": ["id"]}), ("overwrite", {})):
        load = request({"type": "csv", "path": "stores.csv"},
                       dict({"type": "sqlite", "path": "el.db", "table": mode, "mode": mode}, **key), state_id=mode)
        made = run_ok(load).metadata
        assert made["dagster/row_count"] == before + 1, (mode, made)
        assert made["rows_read"] == (before + 1 if mode == "overwrite" else 1), (mode, made)
        assert rows("el.db", f"SELECT tax_rate FROM {mode} WHERE id = 'new-store'") == [(0.19,)]
    # A change before the end: append cannot know which rows are new.
    text = open("stores.csv").read().replace("Leipzig", "Dresden")
    open("stores.csv", "w").write(text)
    for mode, key in (("append", {}), ("upsert", {"primary_key": ["id"]}), ("overwrite", {})):
        load = request({"type": "csv", "path": "stores.csv"},
                       dict({"type": "sqlite", "path": "el.db", "table": mode, "mode": mode}, **key), state_id=mode)
        result = run(load)
        assert result.code == (1 if mode == "append" else 0), (mode, result.error)
        if mode == "append":
            assert "upsert" in result.error["hint"]
        else:
            assert rows("el.db", f"SELECT name FROM {mode} WHERE id = 'new-store'") == [("Dresden",)]
            assert rows("el.db", f"SELECT count(*) FROM {mode}")[0][0] == before + 1
    # Touched, but with the same content.
    os.utime("stores.csv", (1, 1))
    load["target"]["mode"] = "overwrite"
    assert run_ok(load).metadata["rows_written"] == 0


if not os.path.isdir(SEEDS) or shutil.which("sqlite3") is None:
    print("skipped: needs ../shared/data and the sqlite3 shell")
    sys.exit(77)
main([equal_to_the_shell_in_every_mode, equal_in_a_table_typed_before, a_changed_file_is_picked_up])
