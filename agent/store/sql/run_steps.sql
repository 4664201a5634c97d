SELECT step, asset, status, attempt, started_at, ended_at, error FROM step WHERE run = :run ORDER BY coalesce(started_at, ended_at), step
