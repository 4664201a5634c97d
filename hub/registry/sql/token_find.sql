SELECT secret_hash, expires_ms, max_uses, uses, revoked_ms, name_pattern, replaces FROM enrol_token WHERE id = :id
