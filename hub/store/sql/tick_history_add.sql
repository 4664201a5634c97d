INSERT INTO tick_history (kind, name, stream_id, seq, at_ms) VALUES (:kind, :name, :stream, :seq, :at)
