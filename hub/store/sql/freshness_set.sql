INSERT INTO asset_freshness (device, asset, stream_ms, epoch, seq, at_ms, status)
VALUES (:device, :asset, :stream_ms, :epoch, :seq, :at, :status)
ON CONFLICT (device, asset) DO UPDATE SET
    status = excluded.status, at_ms = excluded.at_ms, stream_ms = excluded.stream_ms, epoch = excluded.epoch,
    seq = excluded.seq
WHERE (stream_ms, epoch) <= (excluded.stream_ms, excluded.epoch)
