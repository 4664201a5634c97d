-- As run_go_on.sql; of a step whose asset is known already.
UPDATE step SET status = :status, attempt = max(:attempt, attempt), started_ms = coalesce(:started, started_ms), ended_ms = :ended,
    duration_ms = :duration, retry_ms = :retry, error = coalesce(:error, error), exit = coalesce(:exit, exit), reason = :reason
WHERE stream_id = :stream AND run = :run AND step = :step AND asset IS coalesce(:asset, asset)
