SELECT id, device, epoch, seq, type, at_ms, received_ms, body FROM event_shown
WHERE id < :before AND (:type IS NULL OR type = :type) ORDER BY id DESC LIMIT :limit
