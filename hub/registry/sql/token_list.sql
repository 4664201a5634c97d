SELECT id, label, last_error, created_ms, expires_ms, revoked_ms, max_uses, uses FROM enrol_token ORDER BY created_ms DESC, id
