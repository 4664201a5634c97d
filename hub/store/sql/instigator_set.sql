-- What changes nothing about its status (a new cursor, other times) leaves who brought it there.
INSERT INTO instigator (device, kind, name, status, reason, command, at_ms, stream_ms, epoch, seq)
VALUES (:device, :kind, :name, :status, :reason, :command, :at, :stream_ms, :epoch, :seq)
ON CONFLICT (device, kind, name) DO UPDATE SET
    command = CASE WHEN excluded.command IS NULL AND excluded.status IS status THEN command ELSE excluded.command END,
    status = excluded.status, reason = excluded.reason, at_ms = excluded.at_ms,
    stream_ms = excluded.stream_ms, epoch = excluded.epoch, seq = excluded.seq
WHERE (stream_ms, epoch) <= (excluded.stream_ms, excluded.epoch)
