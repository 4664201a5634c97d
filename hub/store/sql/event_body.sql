SELECT body FROM event WHERE stream_id = :stream AND seq = :seq AND type <> 'buffer_gap'
