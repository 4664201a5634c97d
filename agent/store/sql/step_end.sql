INSERT INTO step (run, step, asset, status, attempt, ended_at, retry_at, error)
VALUES (:run, :step, :asset, :status, :attempt, :at, nullif(:retry_at, 0), :error)
ON CONFLICT (run, step) DO UPDATE SET status = excluded.status, ended_at = excluded.ended_at,
    retry_at = excluded.retry_at, error = excluded.error
