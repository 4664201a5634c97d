INSERT INTO command_answer (command, device, is_taken, stream_ms, epoch, seq, at_ms, status, verb, code, reason, key, run, result)
VALUES (:command, :device, :is_taken, :stream_ms, :epoch, :seq, :at, :status, :verb, :code, :reason, :key, :run, :result)
ON CONFLICT (command, device) DO UPDATE SET
    status = excluded.status, verb = excluded.verb, code = excluded.code, reason = excluded.reason, key = excluded.key,
    run = CASE WHEN (is_taken, stream_ms, epoch) = (excluded.is_taken, excluded.stream_ms, excluded.epoch)
        THEN coalesce(excluded.run, run) ELSE excluded.run END,
    result = excluded.result, at_ms = excluded.at_ms, is_taken = excluded.is_taken, stream_ms = excluded.stream_ms,
    epoch = excluded.epoch, seq = excluded.seq
WHERE (is_taken, stream_ms, epoch) <= (excluded.is_taken, excluded.stream_ms, excluded.epoch)
