SELECT device, run, status, job, cause, cause_name, selection, tags, enqueued_ms, started_ms, ended_ms, error, steps,
    succeeded, failed, skipped
FROM run_shown
WHERE run <= :after AND run >= :since AND NOT (run = :after AND device <= :after2)
    AND (:status IS NULL OR status = :status) AND (:job IS NULL OR job = :job)
ORDER BY run DESC, device LIMIT :limit
