-- Reads all of event: the views are derived from it anew.
SELECT e.id, e.stream_id, e.from_seq, e.body, s.device, s.epoch, s.first_at_ms
FROM event e JOIN stream s ON s.id = e.stream_id
ORDER BY e.id
