UPDATE connection SET last_seen_ms = max(last_seen_ms, :now) WHERE device = :device
