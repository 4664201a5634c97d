SELECT id, job, cause, cause_name, selection, status, steps, created_at, started_at, ended_at, error,
    (SELECT count(*) FROM step WHERE step.run = run.id AND step.status = 'success'),
    (SELECT count(*) FROM step WHERE step.run = run.id AND step.status = 'failure')
FROM run WHERE (:status IS NULL OR status = :status)
    AND (:asset IS NULL OR EXISTS (SELECT 1 FROM step WHERE step.run = run.id AND step.asset = :asset))
ORDER BY id DESC LIMIT :limit
