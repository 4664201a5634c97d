SELECT 1 FROM certificate WHERE serial = :serial AND revoked_ms IS NOT NULL
