-- Reads an end of event: the newest.
SELECT device, epoch, seq, type, at_ms, received_ms, body FROM event_shown ORDER BY id DESC LIMIT :limit
