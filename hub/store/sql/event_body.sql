-- What stands for :seq: the event itself, or the gap that covers it.
SELECT seq, type, body FROM event WHERE stream_id = :stream AND seq >= :seq ORDER BY seq LIMIT 1
