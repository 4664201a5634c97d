-- Newest first, by the run: its id begins with the time.
SELECT s.device, t.run, t.step, t.asset, t.status, t.attempt, t.started_ms, t.ended_ms, t.duration_ms, t.retry_ms, t.error,
    t.exit, t.reason
FROM run r CROSS JOIN step t ON t.stream_id = r.stream_id AND t.run = r.run JOIN stream s ON s.id = t.stream_id
WHERE r.run <= :after AND r.run >= :run AND (:status IS NULL OR t.status = :status) AND NOT (t.run = :after AND (s.device, t.step) <= (:after2, :after3))
ORDER BY r.run DESC, s.device, t.step LIMIT :limit
