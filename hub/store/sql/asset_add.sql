INSERT OR IGNORE INTO asset_state (materializations, failures, stream_id, stream_ms, epoch, seq, at_ms, run, step,
    row_count, byte_count, data_version, metadata, device, asset)
VALUES (:materialized, :failed, :stream, :stream_ms, :epoch, :seq, :at, :run, :step,
    :rows, :bytes, :data_version, :metadata, :device, :asset)
