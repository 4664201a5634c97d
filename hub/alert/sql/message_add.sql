INSERT INTO alert_message (way, payload, created_ms, next_ms) VALUES (:way, :payload, :now, :now)
