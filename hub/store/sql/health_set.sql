INSERT INTO device_health (device, at_ms, stream_ms, epoch, seq, body)
VALUES (:device, :at, :stream_ms, :epoch, :seq, :body)
ON CONFLICT (device) DO UPDATE SET at_ms = excluded.at_ms, stream_ms = excluded.stream_ms, epoch = excluded.epoch,
    seq = excluded.seq, body = excluded.body
WHERE (stream_ms, epoch, seq) < (excluded.stream_ms, excluded.epoch, excluded.seq)
