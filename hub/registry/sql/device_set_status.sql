INSERT INTO device (id, status, status_ms, status_reason, enrolled_ms, cert_serial, cert_fingerprint, key_fingerprint, not_after_ms)
SELECT :device, :status, :now, :reason, 0, '', '', '', 0 WHERE EXISTS (SELECT 1 FROM stream WHERE device = :device)
    OR EXISTS (SELECT 1 FROM device WHERE id = :device)
ON CONFLICT (id) DO UPDATE SET status = excluded.status, status_ms = excluded.status_ms, status_reason = excluded.status_reason
