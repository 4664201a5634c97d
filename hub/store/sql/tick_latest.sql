UPDATE tick SET ticks = ticks + :ticks, started = started + :started,
    stream_ms = :stream_ms, epoch = :epoch, seq = :seq,
    at_ms = :at, status = :status, nominal = :nominal, run = :run, reason = :reason
WHERE device = :device AND kind = :kind AND name = :name
    AND (seq IS NULL OR (stream_ms, epoch) <= (:stream_ms, :epoch))
