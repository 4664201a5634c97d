SELECT id, device, epoch, seq, type, at_ms, received_ms, body FROM event_shown WHERE id IN (
    SELECT e.id FROM stream s CROSS JOIN event e ON e.stream_id = s.id
    WHERE s.device = :device AND +e.id > :after AND (:type IS NULL OR e.type = :type) ORDER BY e.id LIMIT :limit)
ORDER BY id
