INSERT OR IGNORE INTO step (stream_id, run, step, asset, status, attempt, started_ms, ended_ms, duration_ms, retry_ms, error, exit,
    reason)
SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12 FROM given
