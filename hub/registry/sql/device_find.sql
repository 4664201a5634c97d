SELECT key_fingerprint, status, cert_serial, not_after_ms FROM device WHERE id = :device
