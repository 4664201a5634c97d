SELECT s.device, t.run, t.step, t.asset, t.status, t.attempt, t.started_ms, t.ended_ms, t.duration_ms, t.retry_ms, t.error,
    t.exit, t.reason
FROM run r JOIN stream s ON s.id = r.stream_id JOIN step t ON t.stream_id = r.stream_id AND t.run = r.run
WHERE r.run = :run AND (:device IS NULL OR s.device = :device)
ORDER BY s.device, t.started_ms IS NULL, t.started_ms, t.step
