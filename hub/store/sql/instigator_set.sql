INSERT INTO instigator (device, kind, name, status, reason, at_ms, stream_ms, epoch, seq)
VALUES (:device, :kind, :name, :status, :reason, :at, :stream_ms, :epoch, :seq)
ON CONFLICT (device, kind, name) DO UPDATE SET
    status = excluded.status, reason = excluded.reason, at_ms = excluded.at_ms,
    stream_ms = excluded.stream_ms, epoch = excluded.epoch, seq = excluded.seq
WHERE (stream_ms, epoch) <= (excluded.stream_ms, excluded.epoch)
