INSERT INTO desired (slot, revision, body, status, reason, at) VALUES (:slot, :revision, :body, :status, :reason, :at)
ON CONFLICT (slot) DO UPDATE SET revision = excluded.revision, body = excluded.body, status = excluded.status,
    reason = excluded.reason, at = excluded.at
