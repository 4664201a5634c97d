-- Reads all of materialization: sums over a time, made by a child.
SELECT (:until - 1 - at_ms) / 86400000 AS slice, count(*),
    CAST(sum(CAST(rows_written AS REAL)) AS INTEGER), CAST(sum(CAST(byte_count AS REAL)) AS INTEGER)
FROM materialization WHERE at_ms >= :from AND at_ms < :until GROUP BY slice
