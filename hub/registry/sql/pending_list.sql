SELECT key_fingerprint, device, status, first_ms, last_ms, serial_number, version, board FROM pending_enrolment ORDER BY first_ms, key_fingerprint
