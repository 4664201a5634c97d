-- Reads all of materialization: sums by asset, for a command line.
SELECT m.asset, count(DISTINCT s.device), count(*), CAST(sum(CAST(m.rows_written AS REAL)) AS INTEGER),
    CAST(sum(CAST(m.byte_count AS REAL)) AS INTEGER),
    CAST(avg(t.duration_ms) AS INTEGER), max(t.duration_ms)
FROM materialization m JOIN stream s ON s.id = m.stream_id
LEFT JOIN step t ON t.stream_id = m.stream_id AND t.run = m.run AND t.step = m.step
WHERE m.at_ms >= :since
GROUP BY m.asset ORDER BY m.asset
