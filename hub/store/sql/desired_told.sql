INSERT INTO device_desired (device, revision, status, reason, applied, hash, at_ms, stream_ms, epoch, seq)
VALUES (:device, :revision, :status, :reason, :applied, :hash, :at, :stream_ms, :epoch, :seq)
ON CONFLICT (device) DO UPDATE SET
    revision = excluded.revision, status = excluded.status, reason = excluded.reason, applied = excluded.applied,
    hash = excluded.hash, at_ms = excluded.at_ms, stream_ms = excluded.stream_ms, epoch = excluded.epoch,
    seq = excluded.seq
WHERE (stream_ms, epoch, seq) < (excluded.stream_ms, excluded.epoch, excluded.seq)
