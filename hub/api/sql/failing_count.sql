SELECT count(DISTINCT a.asset), count(*), count(DISTINCT a.device) FROM asset_state a
WHERE a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
    (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq))
