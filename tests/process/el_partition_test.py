"""Partitions of an SQL asset: a run replaces their rows and no others, or nothing at all."""
import el_step
from el_step import execute, main, rows, run, run_ok


def day(*keys, sql=None, column="day", **more):
    quoted = ", ".join("'%s'" % key for key in keys)
    return dict({"kind": "sql", "asset": "daily", "path": "shop.db", "name": "daily", "materialized": "table",
                 "partition": {"column": column, "keys": list(keys)},
                 "sql": sql or f"SELECT date(at) AS day, sum(total) AS total FROM sales WHERE date(at) IN ({quoted}) GROUP BY 1"}, **more)


def sales(*extra):
    execute("shop.db", "CREATE TABLE sales (at TEXT, total INTEGER)",
            "INSERT INTO sales VALUES ('2026-01-01 10:00', 1), ('2026-01-01 11:00', 2), ('2026-01-02 09:00', 4), ('2026-01-03 09:00', 8)", *extra)


def daily():
    return rows("shop.db", "SELECT day, total FROM daily ORDER BY 1, 2")


def each_replaces_its_own_rows():
    sales()
    result = run_ok(day("2026-01-01"))
    assert result.metadata["rows_written"] == 1 and result.metadata["dagster/row_count"] == 1, result.metadata
    run_ok(day("2026-01-02"))
    assert daily() == [("2026-01-01", 3), ("2026-01-02", 4)], daily()
    execute("shop.db", "INSERT INTO sales VALUES ('2026-01-01 12:00', 16)", "CREATE INDEX by_day ON daily (day)")
    for _ in range(2):  # the same again is the same
        run_ok(day("2026-01-01"))
        assert daily() == [("2026-01-01", 19), ("2026-01-02", 4)], daily()
    result = run_ok(day("2026-01-01", "2026-01-02", "2026-01-03"))
    assert result.metadata["rows_written"] == 3 and daily()[2] == ("2026-01-03", 8)
    execute("shop.db", "DELETE FROM sales WHERE date(at) = '2026-01-02'")
    assert run_ok(day("2026-01-02")).metadata["rows_written"] == 0
    assert daily() == [("2026-01-01", 19), ("2026-01-03", 8)], "a partition without rows is empty"
    assert rows("shop.db", "SELECT name FROM sqlite_schema WHERE name NOT IN ('sales', 'daily')") == [("by_day",)]


def keys_that_look_like_numbers_or_quotes():
    execute("shop.db", "CREATE TABLE t (year INTEGER, shop TEXT)", "INSERT INTO t VALUES (2025, 'a'), (2026, 'O''Hara''s \"x\"')")
    run_ok(day("2025", column="year", sql="SELECT year, 1 AS n FROM t WHERE year = '2025'"))
    run_ok(day("2025", column="YEAR", sql="SELECT year, 2 AS n FROM t WHERE year = '2025'"))
    assert rows("shop.db", "SELECT year, n FROM daily") == [(2025, 2)]
    shop = "O'Hara's \"x\""
    for _ in range(2):
        run_ok(day(shop, name="s", column="shop", sql="SELECT shop, 1 AS n FROM t WHERE year = 2026"))
    assert rows("shop.db", "SELECT shop, n FROM s") == [(shop, 1)]


def columns_come_and_go():
    sales()
    run_ok(day("2026-01-01"))
    run_ok(day("2026-01-02", sql="SELECT 7 AS extra, date(at) AS day FROM sales WHERE date(at) = '2026-01-02'"))
    assert rows("shop.db", "SELECT day, total, extra FROM daily ORDER BY 1") == [("2026-01-01", 3, None), ("2026-01-02", None, 7)]


def a_view_or_nothing_gives_way():
    sales("CREATE VIEW daily AS SELECT 1 AS x")
    run_ok(day("2026-01-01"))
    assert daily() == [("2026-01-01", 3)]


def what_is_refused_changes_nothing():
    sales()
    run_ok(day("2026-01-01"))
    for step, code, message, hint in (
            (day("2026-01-01", sql="SELECT date(at) AS day, total FROM sales"), "invalid", 'gives rows of partition "2026-01-02"',
             "where day in {{ partition_keys }}"),
            (day("2026-01-01", sql="SELECT NULL AS day, 1 AS total"), "invalid", "rows whose day is NULL", "partition_keys"),
            (day("2026-01-01", sql="SELECT date(at) AS dya, total FROM sales"), "not_found", 'no column "day"', "dya"),
            (day("2026-01-01", sql="SELECT total FROM sales"), "not_found", 'no column "day"', "select {{ partition_key }} as day"),
            (day("2026-01-01", name="sales"), "invalid", 'without the column "day"', "drop it"),
            (dict(day("2026-01-01"), materialized="view"), "invalid", "a view has no partitions", None)):
        result = run(step)
        assert result.code != 0 and result.error["code"] == code, (step, result.error)
        assert message in result.error["message"], (message, result.error)
        assert hint is None or hint in result.error["hint"], (hint, result.error)
        assert daily() == [("2026-01-01", 3)]
    assert rows("shop.db", "SELECT count(*) FROM sales") == [(4,)]
    assert run(dict(day("x"), partition={"column": "day", "keys": []})).code == 2
    assert el_step.EL


if __name__ == "__main__":
    main([each_replaces_its_own_rows, keys_that_look_like_numbers_or_quotes, columns_come_and_go, a_view_or_nothing_gives_way,
          what_is_refused_changes_nothing])
