SELECT body FROM event
WHERE stream_id = :stream AND seq BETWEEN :first AND :last AND type = 'definitions' ORDER BY seq
