UPDATE tick SET ticks = ticks + :ticks, started = started + :started,
    stream_ms = :stream_ms, epoch = :epoch, seq = :seq,
    at_ms = :at, status = :status, nominal = :nominal, run = :run, reason = :reason
WHERE device = :device AND schedule = :schedule
    AND (seq IS NULL OR (stream_ms, epoch) <= (:stream_ms, :epoch))
