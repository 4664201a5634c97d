INSERT INTO device_label (device, key, value) SELECT :device, key, value FROM enrol_token_label WHERE token_id = :id
ON CONFLICT (device, key) DO UPDATE SET value = excluded.value
