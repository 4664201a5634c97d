INSERT INTO bundle_state (device, bundle, stream_ms, epoch, seq, at_ms, status, current, reason)
VALUES (:device, :bundle, :stream_ms, :epoch, :seq, :at, coalesce(:status, ''), :current, :reason)
ON CONFLICT (device, bundle) DO UPDATE SET
    at_ms = excluded.at_ms, status = excluded.status, current = excluded.current, reason = excluded.reason,
    stream_ms = excluded.stream_ms, epoch = excluded.epoch, seq = excluded.seq
WHERE (stream_ms, epoch) <= (excluded.stream_ms, excluded.epoch)
