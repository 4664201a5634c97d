INSERT INTO step (stream_id, run, step, asset, status, attempt, started_ms, ended_ms, duration_ms, retry_ms, error, exit,
    reason)
VALUES (:stream, :run, :step, :asset, :status, :attempt, :started, :ended, :duration, :retry, :error, :exit, :reason)
ON CONFLICT (stream_id, run, step) DO UPDATE SET
    asset = coalesce(excluded.asset, asset),
    status = excluded.status,
    attempt = max(excluded.attempt, attempt),
    started_ms = coalesce(excluded.started_ms, started_ms),
    ended_ms = excluded.ended_ms,
    duration_ms = excluded.duration_ms,
    retry_ms = excluded.retry_ms,
    error = coalesce(excluded.error, error),
    exit = coalesce(excluded.exit, exit),
    reason = excluded.reason
