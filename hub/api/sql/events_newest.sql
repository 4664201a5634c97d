SELECT e.id, s.device, s.epoch, e.seq, e.type, e.at_ms, e.received_ms, e.body
FROM event e JOIN stream s ON s.id = e.stream_id
WHERE e.id < :before AND (:type IS NULL OR e.type = :type)
    AND (:device IS NULL OR e.stream_id IN (SELECT id FROM stream WHERE device = :device))
ORDER BY e.id DESC LIMIT :limit
