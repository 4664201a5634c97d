SELECT device, key, value FROM device_label ORDER BY device, key
