INSERT INTO alert_silence (targets, kind, created_ms, until_ms, reason) VALUES (:targets, :kind, :now, :until, :reason)
