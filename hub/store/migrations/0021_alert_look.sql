-- What alerts are made of is looked for four times a minute: the few rows that count are found without reading the others.
CREATE INDEX asset_state_failing ON asset_state (device, asset)
    WHERE failed_seq IS NOT NULL AND (seq IS NULL OR (failed_stream_ms, failed_epoch, failed_seq) > (stream_ms, epoch, seq));
CREATE INDEX asset_freshness_failing ON asset_freshness (device, asset) WHERE status = 'fail';
