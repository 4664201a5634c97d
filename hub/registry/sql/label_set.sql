INSERT INTO device_label (device, key, value) VALUES (:device, :key, :value)
ON CONFLICT (device, key) DO UPDATE SET value = excluded.value
