-- As list_runs, of a status other than success: those few have an index. An asset is looked for as in list_runs_of_asset.
SELECT device, run, status, job, cause, cause_name, selection, tags, enqueued_ms, started_ms, ended_ms, error, steps,
    succeeded, failed, skipped
FROM run_shown r
WHERE status = :status AND status <> 'success' AND run <= :after AND run >= :since AND NOT (run = :after AND device <= :after2)
    AND (:job IS NULL OR job = :job)
    AND (:asset IS NULL OR EXISTS (
        SELECT 1 FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.asset = :asset)
        OR EXISTS (SELECT 1 FROM materialization m WHERE m.asset = :asset AND m.run = r.run AND m.stream_id = r.stream_id
            AND m.step IS NOT m.asset)
        OR (r.enqueued_ms IS NULL AND EXISTS (SELECT 1 FROM run_span p CROSS JOIN materialization m ON m.stream_id = p.stream_id
            AND m.seq BETWEEN p.from_seq AND p.to_seq WHERE p.stream_id = r.stream_id AND p.run = r.run AND m.asset = :asset
            AND m.run = r.run)))
ORDER BY run DESC, device LIMIT :limit
