UPDATE tick SET status = :status, nominal = :nominal, at_ms = :at, run = :run, reason = :reason,
    stream_ms = :stream_ms, epoch = :epoch, seq = :seq
WHERE device = :device AND schedule = :schedule
    AND (seq IS NULL OR (stream_ms, epoch) <= (:stream_ms, :epoch))
