-- Of each database of the device the newest, and of those the newest.
SELECT s.device, t.run, t.step, t.asset, t.status, t.attempt, t.started_ms, t.ended_ms, t.duration_ms, t.retry_ms, t.error,
    t.exit, t.reason
FROM stream s CROSS JOIN step t ON t.stream_id = s.id AND t.run <= :after
    AND t.run >= coalesce((SELECT o.run FROM step o WHERE o.stream_id = s.id AND o.run <= :after AND o.run >= :run
        AND (:status IS NULL OR o.status = :status) AND NOT (o.run = :after AND (s.device, o.step) <= (:after2, :after3))
        ORDER BY o.run DESC LIMIT 1 OFFSET :limit), :run)
WHERE s.device = :device AND (:status IS NULL OR t.status = :status) AND NOT (t.run = :after AND (s.device, t.step) <= (:after2, :after3))
ORDER BY t.run DESC, s.device, t.step LIMIT :limit
