SELECT a.device, a.asset, a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
    (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq)),
    a.materializations, a.row_count, a.at_ms, a.failed_at_ms, a.failed_run, a.failed_error
FROM asset_state a
