SELECT key_fingerprint, status FROM device WHERE id = :device
