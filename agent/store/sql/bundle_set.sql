INSERT INTO bundle (hash, status, reason, at) VALUES (:hash, :status, :reason, :at)
ON CONFLICT (hash) DO UPDATE SET status = excluded.status, reason = excluded.reason, at = excluded.at
