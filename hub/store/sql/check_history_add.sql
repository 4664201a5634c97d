INSERT INTO check_history (stream_id, seq, asset, name, at_ms, passed, severity, run)
VALUES (:stream, :seq, :asset, :name, :at, :passed, :severity, :run)
