-- As list_runs. Which they are is found first: what they show is then read of those alone.
SELECT r.device, r.run, r.status, r.job, r.cause, r.cause_name, r.selection, r.tags, r.enqueued_ms, r.started_ms, r.ended_ms,
    r.error, r.steps, r.succeeded, r.failed, r.skipped
FROM (
    SELECT r.stream_id, r.run FROM stream s CROSS JOIN run r ON r.stream_id = s.id
    WHERE s.device = :device AND r.run <= :after AND r.run >= :since AND NOT (r.run = :after AND s.device <= :after2)
        AND (:status IS NULL OR r.status = :status) AND (:job IS NULL OR r.job = :job)
        AND (:asset IS NULL OR EXISTS (
            SELECT 1 FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.asset = :asset)
            OR EXISTS (SELECT 1 FROM materialization m WHERE m.asset = :asset AND m.run = r.run AND m.stream_id = r.stream_id
                AND m.step IS NOT m.asset)
            OR (r.enqueued_ms IS NULL AND EXISTS (SELECT 1 FROM run_span p CROSS JOIN materialization m ON m.stream_id = p.stream_id
                AND m.seq BETWEEN p.from_seq AND p.to_seq WHERE p.stream_id = r.stream_id AND p.run = r.run AND m.asset = :asset
                AND m.run = r.run)))
    ORDER BY r.run DESC LIMIT :limit) p
CROSS JOIN run_shown r ON r.stream_id = p.stream_id AND r.run = p.run
ORDER BY r.run DESC
