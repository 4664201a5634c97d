SELECT e.id, s.device, s.epoch, e.seq, e.type, e.at_ms, e.received_ms, e.body
FROM event e JOIN stream s ON s.id = e.stream_id
WHERE e.type = 'tick' AND e.id < :before
ORDER BY e.id DESC LIMIT :limit
