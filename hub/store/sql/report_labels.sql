SELECT device, value FROM device_label WHERE key = :key ORDER BY device
