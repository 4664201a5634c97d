INSERT INTO device (id, status, status_ms, enrolled_ms, cert_serial, cert_fingerprint, key_fingerprint, not_after_ms, version, board)
VALUES (:device, 'enrolled', :now, :now, :serial, :fingerprint, :key, :not_after, :version, :board)
ON CONFLICT (id) DO UPDATE SET status = 'enrolled', status_ms = excluded.status_ms, status_reason = NULL,
    enrolled_ms = excluded.enrolled_ms, cert_serial = excluded.cert_serial,
    cert_fingerprint = excluded.cert_fingerprint, key_fingerprint = excluded.key_fingerprint,
    not_after_ms = excluded.not_after_ms, version = excluded.version, board = excluded.board
