UPDATE device SET cert_serial = :serial, cert_fingerprint = :fingerprint, key_fingerprint = :key, not_after_ms = :not_after
WHERE id = :device
