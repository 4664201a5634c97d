INSERT INTO gap (stream_id, seq, from_seq, at_ms, reason, dropped)
VALUES (:stream, :seq, :from, :at, :reason, :dropped)
