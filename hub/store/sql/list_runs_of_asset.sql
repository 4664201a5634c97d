-- As list_runs, of an asset: newest first by its steps, and by what steps of several assets made.
SELECT r.device, r.run, r.status, r.job, r.cause, r.cause_name, r.selection, r.tags, r.enqueued_ms, r.started_ms, r.ended_ms,
    r.error, r.steps, r.succeeded, r.failed, r.skipped
FROM (
    SELECT t.run, s.device, t.stream_id
    FROM step t CROSS JOIN run r ON r.stream_id = t.stream_id AND r.run = t.run JOIN stream s ON s.id = r.stream_id
    WHERE t.asset = :asset AND t.run <= :after AND t.run >= :since AND NOT (t.run = :after AND s.device <= :after2)
        AND (:status IS NULL OR r.status = :status) AND (:job IS NULL OR r.job = :job)
    UNION
    SELECT m.run, s.device, m.stream_id
    FROM materialization m CROSS JOIN run r ON r.stream_id = m.stream_id AND r.run = m.run JOIN stream s ON s.id = r.stream_id
    WHERE m.asset = :asset AND m.step IS NOT m.asset AND m.run <= :after AND m.run >= :since
        AND NOT (m.run = :after AND s.device <= :after2)
        AND (:status IS NULL OR r.status = :status) AND (:job IS NULL OR r.job = :job)
    ORDER BY 1 DESC, 2 LIMIT :limit) p
CROSS JOIN run_shown r ON r.stream_id = p.stream_id AND r.run = p.run
ORDER BY r.run DESC, r.device
