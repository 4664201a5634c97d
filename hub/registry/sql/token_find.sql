SELECT secret_hash, expires_ms, max_uses, uses, revoked_ms FROM enrol_token WHERE id = :id
