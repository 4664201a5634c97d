UPDATE connection SET is_online = 0, since_ms = :now, offline_reason = :reason WHERE device = :device AND is_online = 1
