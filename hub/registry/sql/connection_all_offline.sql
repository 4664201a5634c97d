UPDATE connection SET is_online = 0, since_ms = :now, offline_reason = 'the hub restarted' WHERE is_online = 1
