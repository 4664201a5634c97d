DELETE FROM device_label WHERE device = :device AND key = :key
