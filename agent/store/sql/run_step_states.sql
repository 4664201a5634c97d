SELECT step, asset, status, attempt, coalesce(retry_at, 0), messages_read FROM step WHERE run = :run
