INSERT INTO check_result (device, asset, name, stream_ms, epoch, seq, at_ms, passed, severity, run, metadata)
VALUES (:device, :asset, :name, :stream_ms, :epoch, :seq, :at, :passed, :severity, :run, :metadata)
ON CONFLICT (device, asset, name) DO UPDATE SET
    passed = excluded.passed, severity = excluded.severity, at_ms = excluded.at_ms, run = excluded.run,
    metadata = excluded.metadata, stream_ms = excluded.stream_ms, epoch = excluded.epoch, seq = excluded.seq
WHERE (stream_ms, epoch) <= (excluded.stream_ms, excluded.epoch)
