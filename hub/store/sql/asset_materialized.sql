UPDATE asset_state SET materializations = materializations + :materialized, failures = failures + :failed,
    stream_id = :stream, stream_ms = :stream_ms, epoch = :epoch, seq = :seq,
    at_ms = :at, run = :run, step = :step, row_count = :rows, byte_count = :bytes, data_version = :data_version,
    metadata = :metadata
WHERE device = :device AND asset = :asset
    AND (seq IS NULL OR (stream_ms, epoch) <= (:stream_ms, :epoch))
