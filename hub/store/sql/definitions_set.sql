INSERT INTO definitions (device, hash, at_ms, stream_ms, epoch, seq)
VALUES (:device, :hash, :at, :stream_ms, :epoch, :seq)
ON CONFLICT (device) DO UPDATE SET
    hash = excluded.hash, at_ms = excluded.at_ms, stream_ms = excluded.stream_ms, epoch = excluded.epoch,
    seq = excluded.seq
WHERE (stream_ms, epoch) <= (excluded.stream_ms, excluded.epoch)
