SELECT s.device, t.run, t.step, t.asset, t.status, t.attempt, t.started_ms, t.ended_ms, t.duration_ms, t.retry_ms, t.error,
    t.exit, t.reason
FROM step t JOIN stream s ON s.id = t.stream_id
WHERE t.status = :status AND t.status IN ('failure', 'skipped', 'started', 'up_for_retry')
    AND t.run <= :after AND t.run >= :run AND NOT (t.run = :after AND (s.device, t.step) <= (:after2, :after3))
ORDER BY t.run DESC, s.device, t.step LIMIT :limit
