-- As list_runs, of an asset: newest first by its steps, and by what steps of several assets made; of runs whose begin is lost also
-- by what any step made. Those are looked for only where the page has room for them.
WITH known AS MATERIALIZED (
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
    ORDER BY 1 DESC, 2 LIMIT :limit),
cut AS (
    SELECT r.run, s.device, r.stream_id
    FROM run r CROSS JOIN stream s ON s.id = r.stream_id CROSS JOIN run_span p ON p.stream_id = r.stream_id AND p.run = r.run
    WHERE r.enqueued_ms IS NULL AND r.run <= :after AND r.run >= :since
        AND r.run >= (SELECT CASE WHEN count(*) < :limit THEN '' ELSE min(run) END FROM known)
        AND NOT (r.run = :after AND s.device <= :after2)
        AND (:status IS NULL OR r.status = :status) AND (:job IS NULL OR r.job = :job)
        AND EXISTS (SELECT 1 FROM materialization m WHERE m.stream_id = r.stream_id AND m.seq BETWEEN p.from_seq AND p.to_seq
            AND m.asset = :asset AND m.run = r.run)
    ORDER BY r.run DESC, s.device LIMIT :limit)
SELECT r.device, r.run, r.status, r.job, r.cause, r.cause_name, r.selection, r.tags, r.enqueued_ms, r.started_ms, r.ended_ms,
    r.error, r.steps, r.succeeded, r.failed, r.skipped
FROM (SELECT * FROM known UNION SELECT * FROM cut ORDER BY 1 DESC, 2 LIMIT :limit) p
CROSS JOIN run_shown r ON r.stream_id = p.stream_id AND r.run = p.run
ORDER BY r.run DESC, r.device
