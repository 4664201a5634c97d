SELECT id, job, cause, cause_name, selection, status, steps, created_at, started_at, ended_at, error,
    (SELECT count(*) FROM step WHERE step.run = run.id AND step.status = 'success'),
    (SELECT count(*) FROM step WHERE step.run = run.id AND step.status = 'failure'),
    parent, root, partition, partition_end, backfill, tags, priority, retry_number, error_code, not_before
FROM run WHERE (:run IS NULL OR id = :run) AND (:status IS NULL OR status = :status)
    AND (:job IS NULL OR job = :job) AND (:backfill IS NULL OR backfill = :backfill)
    AND (:asset IS NULL OR EXISTS (SELECT 1 FROM step WHERE step.run = run.id AND step.asset = :asset)
        OR EXISTS (SELECT 1 FROM step_asset WHERE step_asset.run = run.id AND step_asset.asset = :asset))
ORDER BY id DESC LIMIT :limit
