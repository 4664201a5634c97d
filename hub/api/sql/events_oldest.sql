SELECT id, device, epoch, seq, type, at_ms, received_ms, body FROM event_shown
WHERE id > :after AND (:type IS NULL OR type = :type) ORDER BY id LIMIT :limit
