SELECT step, asset, status, attempt, started_at, ended_at, error, coalesce(retry_at, 0)
FROM step WHERE run = :run ORDER BY coalesce(started_at, ended_at, 9223372036854775807), step
