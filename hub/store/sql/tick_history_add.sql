INSERT INTO tick_history (kind, name, stream_id, seq) VALUES (:kind, :name, :stream, :seq)
