INSERT INTO dynamic_partition (device, set_name, key, is_there, stream_ms, epoch, seq)
VALUES (:device, :set, :key, :is_there, :stream_ms, :epoch, :seq)
ON CONFLICT (device, set_name, key) DO UPDATE SET
    is_there = excluded.is_there, stream_ms = excluded.stream_ms, epoch = excluded.epoch, seq = excluded.seq
WHERE (stream_ms, epoch) <= (excluded.stream_ms, excluded.epoch)
