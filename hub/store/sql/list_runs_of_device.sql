-- As list_runs. Which they are is found first: what they show is then read of those alone.
SELECT device, run, status, job, cause, cause_name, selection, tags, enqueued_ms, started_ms, ended_ms, error, steps,
    succeeded, failed, skipped
FROM run_shown WHERE (stream_id, run) IN (
    SELECT r.stream_id, r.run FROM stream s CROSS JOIN run r ON r.stream_id = s.id
    WHERE s.device = :device AND r.run <= :after AND NOT (r.run = :after AND s.device <= :after2)
        AND (:status IS NULL OR r.status = :status) AND (:job IS NULL OR r.job = :job)
        AND (:asset IS NULL OR EXISTS (
            SELECT 1 FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.asset = :asset)
            OR EXISTS (SELECT 1 FROM materialization m WHERE m.stream_id = r.stream_id
                AND m.seq BETWEEN r.first_seq AND r.last_seq AND m.run = r.run AND m.asset = :asset))
    ORDER BY r.run DESC LIMIT :limit)
ORDER BY run DESC
