-- Reads all of gap: losses are few.
SELECT s.device, coalesce(g.reason, ''), count(*), CAST(total(g.seq - g.from_seq + 1) AS INTEGER), max(g.at_ms)
FROM gap g JOIN stream s ON s.id = g.stream_id
WHERE g.at_ms >= :since AND g.at_ms < :until
GROUP BY s.device, g.reason ORDER BY s.device, g.reason
