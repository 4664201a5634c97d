INSERT INTO asset_observed (device, asset, at_ms, data_version, stream_ms, epoch, seq)
VALUES (:device, :asset, :at, :version, :stream_ms, :epoch, :seq)
ON CONFLICT (device, asset) DO UPDATE SET
    at_ms = excluded.at_ms, data_version = excluded.data_version,
    stream_ms = excluded.stream_ms, epoch = excluded.epoch, seq = excluded.seq
WHERE (stream_ms, epoch) <= (excluded.stream_ms, excluded.epoch)
