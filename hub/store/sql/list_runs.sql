SELECT s.device, r.run, r.status, r.job, r.cause, r.cause_name, r.selection, r.tags, r.enqueued_ms, r.started_ms, r.ended_ms,
    r.error, r.steps,
    (SELECT count(*) FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.status = 'success'),
    (SELECT count(*) FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.status = 'failure'),
    (SELECT count(*) FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.status = 'skipped')
FROM run r JOIN stream s ON s.id = r.stream_id
WHERE (:device IS NULL OR s.device = :device) AND (:status IS NULL OR r.status = :status)
    AND (:run IS NULL OR r.run = :run) AND (:job IS NULL OR r.job = :job)
    AND r.run <= :after AND NOT (r.run = :after AND s.device <= :after2)
    AND (:asset IS NULL OR EXISTS (
        SELECT 1 FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.asset = :asset)
        OR EXISTS (SELECT 1 FROM materialization m WHERE m.stream_id = r.stream_id AND m.seq BETWEEN r.first_seq AND r.last_seq
            AND m.run = r.run AND m.asset = :asset))
ORDER BY r.run DESC, s.device LIMIT :limit
