INSERT INTO check_result (device, asset, name, passed, severity, at_ms, run, metadata, stream_ms, epoch, seq)
VALUES (:device, :asset, :name, :passed, :severity, :at, :run, :metadata, :stream_ms, :epoch, :seq)
ON CONFLICT (device, asset, name) DO UPDATE SET
    passed = excluded.passed, severity = excluded.severity, at_ms = excluded.at_ms, run = excluded.run,
    metadata = excluded.metadata, stream_ms = excluded.stream_ms, epoch = excluded.epoch, seq = excluded.seq
WHERE (stream_ms, epoch) <= (excluded.stream_ms, excluded.epoch)
