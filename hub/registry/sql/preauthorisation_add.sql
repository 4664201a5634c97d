INSERT INTO preauthorisation (serial_number, device, labels, added_ms) VALUES (:serial_number, :device, :labels, :now)
ON CONFLICT (serial_number) DO UPDATE SET device = excluded.device, labels = excluded.labels WHERE key_fingerprint IS NULL
