-- Of runs that failed or have not ended: a step that does not go well is in no other. Which steps they are is found first.
SELECT s.device, t.run, t.step, t.asset, t.status, t.attempt, t.started_ms, t.ended_ms, t.duration_ms, t.retry_ms, t.error,
    t.exit, t.reason
FROM (SELECT t.stream_id, t.run, t.step FROM (
        SELECT stream_id, run FROM run WHERE status = :run_status AND status <> 'success' AND run <= :after AND run >= :run
        UNION ALL
        SELECT stream_id, run FROM run WHERE status = :run_status2 AND status <> 'success' AND run <= :after AND run >= :run) r
    CROSS JOIN step t ON t.stream_id = r.stream_id AND t.run = r.run
    JOIN stream s ON s.id = t.stream_id
    WHERE t.status = :status AND NOT (t.run = :after AND (s.device, t.step) <= (:after2, :after3))
    ORDER BY t.run DESC, s.device, t.step LIMIT :limit) p
JOIN step t ON t.stream_id = p.stream_id AND t.run = p.run AND t.step = p.step JOIN stream s ON s.id = t.stream_id
ORDER BY t.run DESC, s.device, t.step
