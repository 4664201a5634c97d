UPDATE asset_state SET failed_stream_ms = :stream_ms, failed_epoch = :epoch, failed_seq = :seq,
    failed_at_ms = :at, failed_run = :run, failed_error = :error
WHERE device = :device AND asset = :asset
    AND (failed_seq IS NULL OR (failed_stream_ms, failed_epoch) <= (:stream_ms, :epoch))
