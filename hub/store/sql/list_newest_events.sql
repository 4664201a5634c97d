SELECT device, epoch, seq, type, at_ms, received_ms, body FROM event_shown ORDER BY id DESC LIMIT :limit
