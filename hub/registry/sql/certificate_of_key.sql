SELECT pem, not_after_ms FROM certificate
WHERE device = :device AND key_fingerprint = :key AND revoked_ms IS NULL AND pem IS NOT NULL ORDER BY issued_ms DESC LIMIT 1
