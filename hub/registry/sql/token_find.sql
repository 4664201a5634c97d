SELECT secret_hash, expires_ms, max_uses, uses, revoked_ms, name_pattern, replaces, wrong, closed_until_ms FROM enrol_token WHERE id = :id
