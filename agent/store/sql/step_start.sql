INSERT INTO step (run, step, asset, status, attempt, started_at) VALUES (:run, :step, :asset, 'started', :attempt, :at)
ON CONFLICT (run, step) DO UPDATE SET status = 'started', attempt = excluded.attempt, started_at = excluded.started_at,
    ended_at = NULL, retry_at = NULL, messages_read = 0
