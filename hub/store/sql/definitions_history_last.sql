SELECT max(seq) FROM definitions_history WHERE stream_id = :stream
