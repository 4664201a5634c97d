SELECT device, run, status, job, cause, cause_name, selection, tags, enqueued_ms, started_ms, ended_ms, error, steps,
    succeeded, failed, skipped
FROM run_shown r
WHERE run <= :after AND NOT (run = :after AND device <= :after2)
    AND (:status IS NULL OR status = :status) AND (:job IS NULL OR job = :job)
    AND (:asset IS NULL OR EXISTS (
        SELECT 1 FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.asset = :asset)
        OR EXISTS (SELECT 1 FROM materialization m WHERE m.stream_id = r.stream_id AND m.seq BETWEEN r.first_seq AND r.last_seq
            AND m.run = r.run AND m.asset = :asset))
ORDER BY run DESC, device LIMIT :limit
