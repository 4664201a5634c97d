INSERT INTO certificate (serial, device, key_fingerprint, fingerprint, cause, issued_ms, not_after_ms, pem)
VALUES (:serial, :device, :key, :fingerprint, :cause, :now, :not_after, :pem)
