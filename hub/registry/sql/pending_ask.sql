INSERT INTO pending_enrolment (key_fingerprint, device, status, first_ms, last_ms, serial_number, version, board)
VALUES (:key, :device, 'waiting', :now, :now, :serial_number, :version, :board)
ON CONFLICT (key_fingerprint) DO UPDATE SET last_ms = excluded.last_ms,
    status = CASE WHEN device = excluded.device THEN status ELSE 'waiting' END, device = excluded.device,
    serial_number = excluded.serial_number, version = excluded.version, board = excluded.board
