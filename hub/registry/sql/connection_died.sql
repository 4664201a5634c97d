UPDATE connection SET is_online = 0, since_ms = :now, last_seen_ms = :now, offline_reason = :reason
WHERE device = :device AND session = :session AND is_online = 1
