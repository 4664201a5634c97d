INSERT INTO event (stream_id, seq, from_seq, type, at_ms, received_ms, body)
VALUES (:stream, :seq, :from, :type, :at, :received, :body)
