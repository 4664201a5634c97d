INSERT INTO asset_partition (asset, device, first, last, is_made, at_ms, run, stream_ms, epoch, seq)
VALUES (:asset, :device, :first, :last, :is_made, :at, :run, :stream_ms, :epoch, :seq)
ON CONFLICT (asset, device, first, last) DO UPDATE SET
    is_made = excluded.is_made, at_ms = excluded.at_ms, run = excluded.run,
    stream_ms = excluded.stream_ms, epoch = excluded.epoch, seq = excluded.seq
WHERE (stream_ms, epoch) <= (excluded.stream_ms, excluded.epoch)
