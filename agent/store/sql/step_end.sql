INSERT INTO step (run, step, asset, status, attempt, ended_at, error)
VALUES (:run, :step, :asset, :status, :attempt, :at, :error)
ON CONFLICT (run, step) DO UPDATE SET status = excluded.status, ended_at = excluded.ended_at, error = excluded.error
