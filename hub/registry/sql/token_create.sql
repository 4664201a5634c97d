INSERT INTO enrol_token (id, secret_hash, label, created_ms, expires_ms, max_uses, name_pattern)
VALUES (:id, :secret_hash, :label, :now, :expires, :max_uses, :name_pattern)
