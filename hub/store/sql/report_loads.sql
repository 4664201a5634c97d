-- Reads all of materialization: sums over a time, made by a child.
-- What was made of each asset on each device: in [:since, :until), and from :before to :since. Durations are of the former.
SELECT m.asset, s.device,
    sum(m.at_ms >= :since),
    CAST(sum(CASE WHEN m.at_ms >= :since THEN CAST(m.rows_written AS REAL) END) AS INTEGER),
    CAST(sum(CASE WHEN m.at_ms >= :since THEN CAST(m.byte_count AS REAL) END) AS INTEGER),
    sum(m.at_ms < :since),
    CAST(sum(CASE WHEN m.at_ms < :since THEN CAST(m.rows_written AS REAL) END) AS INTEGER),
    CAST(sum(CASE WHEN m.at_ms < :since THEN CAST(m.byte_count AS REAL) END) AS INTEGER),
    count(t.duration_ms), CAST(sum(CAST(t.duration_ms AS REAL)) AS INTEGER), max(t.duration_ms)
FROM materialization m JOIN stream s ON s.id = m.stream_id
LEFT JOIN step t ON m.at_ms >= :since AND t.stream_id = m.stream_id AND t.run = m.run AND t.step = m.step
WHERE m.at_ms >= :before AND m.at_ms < :until
GROUP BY m.asset, s.device ORDER BY m.asset, s.device
