-- Which they are is found in the index of (stream_id, seq), which has their ids.
SELECT device, epoch, seq, type, at_ms, received_ms, body FROM event_shown WHERE id IN (
    SELECT e.id FROM stream s CROSS JOIN event e ON e.stream_id = s.id WHERE s.device = :device ORDER BY e.id DESC LIMIT :limit)
ORDER BY id DESC
