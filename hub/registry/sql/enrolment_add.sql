INSERT INTO enrolment (token_id, device, key_fingerprint, cert_pem, at_ms) VALUES (:token, :device, :key, :cert, :now)
